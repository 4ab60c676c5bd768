from datetime import date, timedelta

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered, missed, outbound
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .stories import story

NOVEMBER = date(2026, 11, 1)


class CustomerCase(VoipCase):
    """Customers with numbers, and figures brought up to date within the test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Customer, cls.Stale = cls.env["crm.productivity.customer"], cls.env["crm.productivity.stale"]
        cls.Fifth, cls.Rank = cls.env["crm.productivity.fifth"], cls.env["crm.productivity.rank"]
        cls.env["crm.productivity.member"].search([]).write({"begins": date(2026, 1, 1)})
        cls.aurora = cls.customer("Aurora Pumps", "01")
        cls.ann = cls.customer("Ann Aurora", "02", parent_id=cls.aurora.id)
        cls.borealis = cls.customer("Borealis Boats", "03")
        cls.env.flush_all()

    @classmethod
    def customer(cls, name, end, **vals):
        return cls.env["res.partner"].create(
            {"name": name, "phone": f"+1 202-555-01{end}", "is_company": not vals, "company_id": cls.company.id, **vals}
        )

    def reckon(self):
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.Stale._catch_up()

    def row(self, partner, month=NOVEMBER):
        self.reckon()
        return self.Customer.search(
            [("partner_id", "=", partner.id), ("period", "=", month), ("company_id", "=", self.company.id)]
        )

    def snapshot(self, model=None):
        model = model if model is not None else self.Customer
        self.env.flush_all()
        skipped = {"id", "is_shown", "display_name", "is_mine", "currency_id"}
        names = [name for name, field in model._fields.items() if field.store and name not in skipped]
        rows = (
            model.with_context(active_test=False).search([("company_id", "=", self.company.id)]).read(names, load=None)
        )
        return sorted(str(sorted((name, row[name]) for name in names)) for row in rows)

    def from_nothing(self):
        """The figures as a recomputation makes them."""
        self.Customer.search([]).unlink()
        self.Fifth.search([]).unlink()
        self.Stale._mark_days(self.company)
        self.reckon()
        return self.snapshot(), self.snapshot(self.Fifth)


@tagged("-at_install", "post_install")
class TestCustomer(CustomerCase):
    """Attention by customer, worked out by hand, and kept up with whatever happens."""

    @story("customer_handle", "customer_called_back", "customer_call_back")
    def test_by_hand(self):
        self.deliver(
            answered("a", number="+12025550101", phone="101", seconds=30),  # Tom talks 30 s after ringing for 4.9 s
            answered("b", number="+12025550102", phone="101", seconds=90),  # with their Ann: the same customer
            outbound("o", number="+12025550101", phone="101"),  # 30 s of talk after 9.9 s of ringing
            missed("m", number="+12025550101", start=START + timedelta(hours=1)),
            answered("n", number="+12025550199"),  # nobody we know
        )
        # what was missed long ago makes no callback by itself
        missed_call = self.calls("m")
        self.env["crm.voip.callback"].create(
            {
                "company_id": self.company.id, "pbx_id": self.pbx.id, "number": "+12025550101", "partner_id": self.aurora.id,
                "first_call_id": missed_call.id, "last_call_id": missed_call.id, "first_missed_at": missed_call.started_at,
                "last_missed_at": missed_call.started_at, "state": "done", "done_how": "call", "working_minutes": 30,
                "team_ids": self.team.ids,
            }
        )  # fmt: skip
        aurora = self.row(self.aurora)
        self.assertEqual(aurora.team_id, self.team)
        self.assertEqual((aurora.calls, aurora.incoming, aurora.taken, aurora.missed), (4, 3, 2, 1))
        self.assertEqual((aurora.outgoing, aurora.reached, aurora.to_call_back, aurora.called_back), (1, 1, 1, 1))
        self.assertEqual(aurora.call_back_s, 1800)
        self.assertEqual((aurora.talk_calls, aurora.talk_s), (3, 150))
        ring = self.calls("o").ring_s
        # no call card, no after-call work: 150 s of talk, no hold, and the dialling
        self.assertEqual((aurora.handled, aurora.handle_s), (3, 150 + ring))
        self.assertEqual((aurora.picked_up, round(aurora.pick_up_s, 1)), (2, 9.8))
        # handling: 150 s and the dialling, of three calls; one of one was called back, after half an hour of work
        spread = aurora.sudo().histograms
        values = {
            code: self.env.ref(f"crm_productivity.metric_{code}")._value(
                aurora.read(self.Customer._measures())[0], spread
            )
            for code in ("customer_handle", "customer_called_back", "customer_call_back")
        }
        self.assertAlmostEqual(values["customer_handle"], (150 + ring) / 3)
        self.assertEqual(values["customer_called_back"], 100)
        self.assertAlmostEqual(values["customer_call_back"], 1800, delta=18)
        # messages: none came; how long they waited is not measured
        self.assertEqual((aurora.messages, aurora.response_worked_s), (0, False))
        # nobody known: by day
        nobody = self.row(self.env["res.partner"], date(2026, 11, 2))
        self.assertEqual((nobody.calls, nobody.fifth), (1, "nobody"))

    def test_equals_a_recomputation(self):
        late = answered("late", number="+12025550103", start=START + timedelta(days=20))
        self.deliver(
            answered("a", number="+12025550101"), missed("m", number="+12025550103"), late[:5],
            answered("n", number="+12025550199"), answered("x", number="+12025550198"),
        )  # fmt: skip
        self.reckon()
        self.deliver(late[5:])
        # the unknown one turns out to be Ann's, a wrap-up is timed, Ann leaves, Borealis is deleted
        self.calls("x")._pick(self.ann, self.env["crm.lead"])
        wrapup = self.env["crm.voip.wrapup"].create(
            {
                "call_id": self.calls("a").id,
                "user_id": self.tom.id,
                "company_id": self.company.id,
                "started_at": START.replace(tzinfo=None),
            }
        )
        self.reckon()
        wrapup.after_call_s = 25
        self.assertEqual(self.row(self.aurora).handle_s, 60 + 60 + 25)
        self.ann.parent_id = False
        self.assertEqual(self.row(self.ann).calls, 1)
        self.assertEqual(self.row(self.aurora).calls, 1)
        self.borealis.with_context(active_test=False).unlink()
        self.reckon()
        self.assertFalse(
            self.Customer.search(
                [
                    ("company_id", "=", self.company.id),
                    ("partner_id", "=", False),
                    ("calls", "=", 0),
                    ("messages", "=", 0),
                    ("to_call_back", "=", 0),
                ]
            )
        )
        kept, fifths = self.snapshot(), self.snapshot(self.Fifth)
        self.assertEqual((kept, fifths), self.from_nothing())
        # a, x; n, m, late
        self.assertEqual(sum(self.Customer.search([("company_id", "=", self.company.id)]).mapped("calls")), 5)

    def test_merged_contacts(self):
        other = self.customer("Aurora Pump Works", "04")
        self.env.flush_all()
        self.deliver(answered("a", number="+12025550101"), answered("b", number="+12025550104"))
        self.reckon()
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.aurora | other).ids, self.aurora, extra_checks=False)
        self.assertEqual(self.row(self.aurora).calls, 2)
        self.assertEqual((self.snapshot(), self.snapshot(self.Fifth)), self.from_nothing())

    @story("customer_response")
    def test_messages_follow_the_opportunity(self):
        lead = self.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "partner_id": self.aurora.id, "user_id": self.tom.id,
             "team_id": self.team.id, "company_id": self.company.id}
        )  # fmt: skip
        lead.message_post(
            body="How much?", message_type="email", author_id=self.aurora.id, subtype_xmlid="mail.mt_comment",
            crm_productivity_kind="person", date="2026-11-02 10:00:00",
        )  # fmt: skip
        self.assertEqual(self.row(self.aurora).messages, 1)
        # answered after an hour and a half of work, as the conversation tells
        turn = self.env["crm.productivity.turn"].search([("res_model", "=", "crm.lead"), ("res_id", "=", lead.id)])
        turn.write({"answered_at": "2026-11-02 11:30:00", "worked_s": 5400})
        turn._after_reckon("crm.lead", {(turn.company_id.id, lead.id, turn.since)})
        metric = self.env.ref("crm_productivity.metric_customer_response")
        row = self.row(self.aurora)
        self.assertAlmostEqual(metric._value({}, row.sudo().histograms), 5400, delta=54)
        self.env["crm.productivity.touched"]._mark({("crm.lead", lead.id)})
        lead.partner_id = self.borealis
        self.assertFalse(self.row(self.aurora))
        self.assertEqual(self.row(self.borealis).messages, 1)
        lead.partner_id = False
        self.assertEqual(self.row(self.env["res.partner"], date(2026, 11, 2)).messages, 1)
        self.assertEqual((self.snapshot(), self.snapshot(self.Fifth)), self.from_nothing())

    def test_figures_outlive_the_calls(self):
        self.deliver(answered("a", number="+12025550101"))
        self.assertEqual(self.row(self.aurora).calls, 1)
        self.pbx.kept_since = START.replace(tzinfo=None) + timedelta(days=2)
        self.calls("a").with_context(crm_voip_absorbed=True).unlink()
        # the month is partly of the time that is over: it stays as it was
        self.assertEqual(self.row(self.aurora).calls, 1)
        self.aurora.unlink()
        self.reckon()
        self.assertEqual(self.Customer.search([("company_id", "=", self.company.id)]).mapped("calls"), [1])

    def test_who_sees_what(self):
        self.deliver(
            answered("a", number="+12025550101", phone="101"), answered("b", number="+12025550101", phone="104")
        )
        rows = self.row(self.aurora)
        with_team, without = rows.filtered("team_id"), rows.filtered(lambda row: not row.team_id)
        self.assertEqual((with_team.calls, without.calls), (1, 1))

        def seen(user):
            Customer = self.Customer.with_user(user).with_context(allowed_company_ids=self.company.ids)
            lines = (
                self.env["crm.productivity.attention"]
                .with_user(user)
                .with_context(allowed_company_ids=self.company.ids, crm_productivity_months=120)
            )
            found = Customer.search([("id", "in", rows.ids)])
            lines.invalidate_model()  # a line is what the one who reads it may see
            self.assertEqual(
                sum(found.mapped("calls")), sum(lines.search([("partner_id", "=", self.aurora.id)]).mapped("calls"))
            )
            return found.sudo(False).with_env(self.env)

        with freeze_time("2026-11-20"):
            for user, expected in (
                (self.tom, with_team), (self.nadia, with_team), (self.jonas, rows.browse()),
                # what belongs to no team is Jonas' alone
                (self.boss, with_team),
            ):  # fmt: skip
                self.assertEqual(seen(user), expected, user.login)
            with self.assertRaises(AccessError):
                self.Customer.with_user(self.clerk).search([])
            # two people's total is a person's figure
            self.team.member_ids -= self.rina
            self.assertEqual(seen(self.nadia), rows.browse())
            self.assertEqual(seen(self.tom), rows.browse())
            self.env["crm.voip.people.switch"].create(
                {"company_id": self.company.id, "purpose": "Coaching", "agreement": "2026-10", "min_group": 3}
            )
            self.assertEqual((seen(self.nadia), seen(self.boss)), (with_team, rows))
        for name in ("crm.productivity.fifth", "crm.productivity.rank", "crm.productivity.customer.stale"):
            with self.assertRaises(AccessError):
                self.env[name].with_user(self.boss).search([])
        for attempt in (lambda row: row.write({"calls": 9}), lambda row: row.unlink(), lambda row: row.copy()):
            with self.assertRaises(AccessError):
                attempt(with_team.with_user(self.boss))

    def test_upkeep_asks_little(self):
        """As many queries for many customers as for one."""

        def queries(calls):
            self.deliver(*calls)
            self.env.flush_all()
            self.env.cr.precommit.run()
            self.Stale._catch_up()
            before = self.env.cr.sql_log_count
            self.env["crm.productivity.customer.stale"]._mark(
                {(self.company.id, call.partner_id.id, call.started_at) for call in self.calls()}
            )
            self.env["crm.productivity.customer.stale"]._write_marks()
            self.env["crm.productivity.customer.stale"]._reckon_some()
            return self.env.cr.sql_log_count - before

        one = queries([answered("a", number="+12025550101")])
        for place in range(20, 40):
            self.customer(f"Customer {place}", place)
        self.env.flush_all()
        many = queries([answered(f"c{place}", number=f"+120255501{place}") for place in range(20, 40)])
        self.assertEqual(one, many)

    def test_plans(self):
        """A customer's calls of a month are found by an index."""
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(
            "EXPLAIN SELECT FROM crm_voip_call WHERE partner_id = 1 AND started_at >= '2026-11-01' AND started_at < '2026-12-01'"
        )
        self.assertIn("crm_voip_call_productivity_partner_idx", str(self.env.cr.fetchall()))
