import random
from datetime import date, timedelta
from unittest.mock import patch

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered, group, missed, outbound
from odoo.exceptions import UserError
from odoo.tests import tagged

#: what must not depend on the order in which things happened
IDENTITIES = {"id", "create_date", "write_date", "create_uid", "write_uid"}


@tagged("-at_install", "post_install")
class TestUpkeep(VoipCase):
    """After any history of changes the figures are those of a recomputation from nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Stale = cls.env["crm.productivity.stale"]
        cls.env["crm.productivity.member"].search([]).write({"begins": START.date() - timedelta(days=60)})
        cls.stages = cls.env["crm.stage"].search([], order="sequence")
        cls.contacts = cls.env["res.partner"].create(
            [{"name": f"Customer {place}", "phone": f"+1202555010{place}"} for place in range(4)]
        )
        cls.outcome = cls.env["crm.voip.outcome"].create({"name": "Spoke with them", "reached": True})
        cls.count = 0

    def kept(self):
        """All that is kept, but for when and under which number."""
        self.env.flush_all()
        found = {}
        for name in [*self.Stale._kept(), "crm.productivity.turn"]:
            model = self.env[name]
            names = [one for one, field in model._fields.items() if field.store and one not in IDENTITIES]
            rows = model.search([("company_id", "=", self.company.id)]).read(names, load=None)
            found[name] = sorted(sorted((one, str(row[one])) for one in names) for row in rows)
        return found

    def from_nothing(self):
        for name in [*self.Stale._kept(), "crm.productivity.turn", "crm.productivity.known"]:
            self.env[name].search([]).unlink()
        self.env.cr.execute("DELETE FROM crm_productivity_stale")
        self.Stale._mark_everything()
        self.Stale._catch_up()
        return self.kept()

    # --- what may happen ---

    def moment(self):
        return START + timedelta(days=self.random.randrange(5), hours=self.random.randrange(8))

    def lead(self):
        return self.env["crm.lead"].search([("company_id", "=", self.company.id), ("type", "=", "opportunity")])[:1]

    def a_call(self):
        self.count += 1
        make = self.random.choice([answered, missed, group, outbound])
        number = f"+1202555010{self.random.randrange(5)}"
        events = make(f"u{self.count}", number=number, start=self.moment())
        cut = self.random.randrange(1, len(events) + 1)
        self.deliver(events[:cut])
        self.late += [events[cut:]]

    def a_late_part(self):
        if self.late:
            self.deliver(self.late.pop(self.random.randrange(len(self.late))))

    def a_recalculation(self):
        self.calls()[:1].action_recalculate()

    def an_opportunity(self):
        self.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "user_id": self.random.choice([self.tom, self.rina]).id,
             "team_id": self.team.id, "company_id": self.company.id, "partner_id": self.random.choice(self.contacts.exists()).id,
             "expected_revenue": self.random.randrange(1000)}
        )  # fmt: skip

    def a_move(self):
        self.lead().write({"stage_id": self.random.choice(self.stages).id})

    def a_win(self):
        self.lead().action_set_won()

    def a_loss(self):
        lead = self.lead()
        lead.write({"stage_id": self.stages[0].id})  # what is won cannot be lost
        lead.action_set_lost()

    def another_person(self):
        self.lead().write({"user_id": self.random.choice([self.tom, self.rina]).id})

    def another_amount(self):
        self.lead().write({"expected_revenue": self.random.randrange(1000)})

    def a_deletion(self):
        if self.random.random() < 0.3:
            self.lead().unlink()

    def a_merge_of_opportunities(self):
        leads = self.env["crm.lead"].search([("company_id", "=", self.company.id), ("type", "=", "opportunity")])[:2]
        if len(leads) == 2:
            leads.merge_opportunity()

    def a_merge_of_contacts(self):
        two = self.contacts.exists()[:2]
        if len(two) == 2:
            self.env["base.partner.merge.automatic.wizard"]._merge(two.ids, two[0])

    def a_message(self):
        thread = self.random.choice([self.lead(), self.contacts.exists()[:1]])
        if not thread:
            return
        author = self.random.choice([self.contacts.exists()[:1], self.tom.partner_id])
        thread.with_context(mail_notify_force_send=False).message_post(
            body="…", message_type="email" if author == self.contacts.exists()[:1] else "comment", subtype_xmlid="mail.mt_comment",
            author_id=author.id, partner_ids=self.contacts.exists()[:1].ids,
            date=self.moment().replace(tzinfo=None), crm_productivity_kind="person",
        )  # fmt: skip

    def a_deleted_message(self):
        self.env["mail.message"].search([("crm_productivity_kind", "=", "person")])[:1].unlink()

    def a_meeting(self):
        start = self.moment().replace(tzinfo=None)
        self.env["calendar.event"].create(
            {"name": "Visit", "start": start, "stop": start + timedelta(hours=1), "user_id": self.tom.id}
        )

    def a_moved_meeting(self):
        self.env["calendar.event"].search([("user_id", "=", self.tom.id)])[:1].write(
            {"start": self.moment().replace(tzinfo=None)}
        )

    def a_call_about_an_opportunity(self):
        calls = self.calls().filtered(lambda call: call.direction == "inbound")
        if calls:
            self.random.choice(calls).lead_id = self.lead()

    def activities(self):
        return self.env["mail.activity"].with_context(active_test=False).search([("summary", "=", "Look in")])

    def a_plan(self):
        if lead := self.lead():
            activity = lead.activity_schedule(
                "mail.mail_activity_data_todo", self.moment().date(), summary="Look in", user_id=self.tom.id
            )
            if (call := self.calls()[:1]) and not call.wrapup_ids:
                self.env["crm.voip.wrapup"].create(
                    {"call_id": call.id, "user_id": self.tom.id, "company_id": self.company.id,
                     "started_at": call.started_at, "promised_at": activity.date_deadline,
                     "outcome_id": self.outcome.id, "followed": {"activity": activity.id}}
                )  # fmt: skip

    def a_plan_done(self):
        self.activities().filtered("active")[:1].action_done()

    def a_plan_that_changes(self):
        change = self.random.choice(
            [{"active": True}, {"user_id": self.rina.id}, {"date_deadline": self.moment().date()}, {"active": False}]
        )
        self.activities()[-1:].write(change)

    def a_plan_that_is_dropped(self):
        self.activities()[:1].unlink()

    def another_meaning(self):
        self.outcome.reached = not self.outcome.reached

    def a_tracked_move(self):
        lead = self.lead().with_context(tracking_disable=False)
        self.env.cr.flush()  # what is created in a transaction is not tracked in it
        lead.write({"stage_id": self.random.choice(self.stages).id})
        self.env.cr.flush()

    def another_threshold(self):
        self.company.write({"crm_productivity_repeat_days": self.random.randrange(1, 9)})

    def another_team(self):
        if self.rina in self.team.member_ids:
            self.team.member_ids -= self.rina
        else:
            self.team.member_ids += self.rina

    def a_reckoning(self):
        self.Stale._catch_up()

    def test_any_history(self):
        happenings = [
            self.a_call, self.a_call, self.a_call, self.a_late_part, self.a_late_part, self.a_recalculation,
            self.an_opportunity, self.an_opportunity, self.a_move, self.a_win, self.a_loss, self.another_person,
            self.another_amount, self.a_deletion, self.a_merge_of_opportunities, self.a_merge_of_contacts,
            self.a_message, self.a_message, self.a_deleted_message, self.a_meeting, self.a_moved_meeting,
            self.a_call_about_an_opportunity, self.a_plan, self.a_plan, self.a_plan_done, self.a_plan_that_changes,
            self.a_plan_that_is_dropped, self.another_meaning, self.a_tracked_move, self.another_threshold,
            self.another_team, self.a_reckoning, self.a_reckoning,
        ]  # fmt: skip
        for seed in (1, 2, 3):
            self.random, self.late = random.Random(seed), []
            done = []
            for _ in range(60):
                happening = self.random.choice(happenings)
                done.append(happening.__name__)
                happening()
            self.Stale._catch_up()
            kept = self.kept()
            self.assertTrue(kept["crm.productivity.day"])
            self.maxDiff = None
            self.assertEqual(kept, self.from_nothing(), f"seed {seed}: {done}")

    def test_deleted_person(self):
        self.random, self.late = random.Random(1), []
        self.deliver(answered("a", phone="102"))
        self.Stale._catch_up()
        self.rina.unlink()
        self.Stale._catch_up()
        self.assertEqual(self.kept(), self.from_nothing())
        self.assertFalse(self.env["crm.productivity.day"].search([("company_id", "=", self.company.id)]).user_id)

    # --- by button and by command ---

    def test_by_button(self):
        self.deliver(answered("a"))
        self.Stale._catch_up()
        rows = self.env["crm.productivity.day"].search([("company_id", "=", self.company.id)])
        self.env.cr.execute("UPDATE crm_productivity_day SET taken = 99 WHERE id = ANY(%s)", [rows.ids])
        Recompute = self.env["crm.productivity.recompute"].with_user(self.admin).with_company(self.company)
        recompute = Recompute.create({"date_from": date(2026, 11, 1), "date_to": date(2026, 11, 3)})
        recompute.action_recompute()
        self.assertEqual((recompute.days, recompute.days_left, recompute.percent), (3, 3, 0))
        while self.Stale._reckon_some():
            pass
        recompute.invalidate_recordset()
        self.assertEqual((recompute.days_left, recompute.percent), (0, 100))
        rows = self.env["crm.productivity.day"].search([("user_id", "=", self.tom.id), ("day", "=", "2026-11-02")])
        self.assertEqual(rows.taken, 1)
        with self.assertRaisesRegex(UserError, "ends before"):
            Recompute.create({"date_from": date(2026, 11, 3), "date_to": date(2026, 11, 1)}).action_recompute()

    # --- it costs the people at work nothing ---

    def test_saving_an_opportunity_costs_one_query(self):
        lead = self.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "company_id": self.company.id, "team_id": self.team.id}
        )
        self.env.cr.flush()
        execute = type(self.env.cr).execute
        with patch.object(type(self.env.cr), "execute", autospec=True, side_effect=execute) as executed:
            lead.write({"expected_revenue": 7, "user_id": self.tom.id})
            lead.message_post(body="A note")
            self.env.flush_all()
            self.env.cr.flush()
        queries = [str(getattr(call.args[1], "code", call.args[1])) for call in executed.call_args_list]
        ours = [query for query in queries if "crm_productivity_touched" in query or "crm_productivity_stale" in query]
        self.assertEqual(len(ours), 1, ours)
        self.assertIn("INSERT INTO crm_productivity_touched", ours[0])

    def test_reckoning_more_takes_no_more_queries(self):
        def queries():
            self.env.flush_all()
            self.env["crm.productivity.touched"]._write_marks()
            self.Stale._write_marks()
            before = self.env.cr.sql_log_count
            self.Stale._catch_up()
            return self.env.cr.sql_log_count - before

        self.deliver(*(answered(f"a{place}", start=START + timedelta(minutes=place)) for place in range(3)))
        few = queries()
        self.deliver(*(answered(f"b{place}", start=START + timedelta(minutes=place)) for place in range(30)))
        self.assertLessEqual(queries(), few)
