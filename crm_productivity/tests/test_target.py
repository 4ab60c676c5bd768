from datetime import date, datetime, timedelta

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered, outbound
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger


@tagged("-at_install", "post_install")
class TestTarget(VoipCase):
    """How far, how far one should be, and who sees it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.won = cls.env.ref("crm_productivity.metric_won_amount")
        cls.company.resource_calendar_id.tz = "UTC"
        cls.company.write({"crm_productivity_targets": True, "crm_productivity_comments": True})
        lead = cls.env["crm.lead"].create(
            {
                "name": "Pumps", "type": "opportunity", "user_id": cls.tom.id, "team_id": cls.team.id,
                "company_id": cls.company.id, "expected_revenue": 400,
            }
        )  # fmt: skip
        lead.action_set_won()
        lead.date_closed = datetime(2026, 11, 3, 10)
        cls.env["crm.productivity.day"]._reckon(cls.company, [date(2026, 11, 3)])

    def target(self, **values):
        return self.env["crm.productivity.target"].create(
            {
                "metric_id": self.won.id, "amount": 1000, "company_id": self.company.id,
                "date_from": "2026-11-02", "date_to": "2026-11-06", **values,
            }
        )  # fmt: skip

    def seen(self, target, user):
        return target.with_user(user).with_context(allowed_company_ids=self.company.ids)

    def test_progress_and_pace(self):
        target = self.seen(self.target(user_id=self.tom.id), self.tom)
        # Tuesday noon: twelve of forty working hours have passed
        with freeze_time("2026-11-03 12:00"):
            self.assertEqual((target.value, target.percent, target.pace), (400, 40, 30))
            self.assertEqual(target.state, "ahead")
        target.invalidate_recordset()
        with freeze_time("2026-11-05 12:00"):
            self.assertEqual((target.pace, target.state), (70, "behind"))

    def test_who_sees(self):
        own, team = self.target(user_id=self.tom.id), self.target(team_id=self.team.id)
        self.assertEqual(self.seen(own, self.tom).value, 400)
        # whoever set it sees the target, and not how far the person is
        self.assertIs(self.seen(own, self.nadia).value, False)
        self.assertEqual(self.seen(own, self.nadia).state, "hidden")
        self.assertEqual(self.seen(own, self.nadia).shown, "1,000.00\xa0€")
        with self.assertRaises(AccessError):
            self.seen(own, self.rina).read(["amount"])
        for user in (self.tom, self.rina, self.nadia, self.boss):
            self.assertEqual(self.seen(team, user).value, 400, user.login)
        with self.assertRaises(AccessError):
            self.seen(own, self.tom).amount = 1
        with self.assertRaises(AccessError):
            self.target(user_id=self.jonas.id).with_user(self.nadia).write({"amount": 1})

    def test_not_everything_is_to_be_aimed_at(self):
        with self.assertRaises(ValidationError):
            self.target(user_id=self.tom.id, metric_id=self.env.ref("crm_productivity.metric_talk").id)

    def test_calls_have_their_counterweight_beside_them(self):
        target = self.target(user_id=self.tom.id, metric_id=self.env.ref("crm_productivity.metric_calls_made").id)
        self.assertEqual(self.seen(target, self.tom).beside, "Conversations: 0")

    def test_calls_need_a_counterweight(self):
        metric = self.env.ref("crm_productivity.metric_calls_made")
        target = self.target(user_id=self.tom.id, metric_id=metric.id)
        with self.assertRaisesRegex(ValidationError, "worth nothing without"):
            metric.counterweight_id = False
        target.unlink()
        metric.counterweight_id = False
        with self.assertRaisesRegex(ValidationError, "worth nothing without"):
            self.target(user_id=self.tom.id, metric_id=metric.id)

    @freeze_time("2026-11-04 12:00")
    def test_calls_show_conversations_and_outcomes(self):
        """Two calls of Tom's, one long enough; one outcome given."""
        self.company.crm_voip_outcomes = True
        self.deliver(outbound("o"), outbound("p", start=START + timedelta(minutes=5)), answered("a", seconds=70))
        interested = self.env.ref("crm_voip_bridge.outcome_interested")
        self.env["crm.voip.wrapup"].create(
            {
                "call_id": self.calls("o").id, "user_id": self.tom.id, "company_id": self.company.id,
                "started_at": "2026-11-02 09:00:00", "outcome_id": interested.id,
            }
        )  # fmt: skip
        self.env["crm.productivity.member"].search([("user_id", "=", self.tom.id)]).begins = "2026-10-01"
        self.env["crm.productivity.day"]._reckon(self.company, [date(2026, 11, 2)])
        calls = self.env.ref("crm_productivity.metric_calls_made").id
        own, team = (
            self.target(user_id=self.tom.id, metric_id=calls),
            self.target(team_id=self.team.id, metric_id=calls),
        )
        beside = "Conversations: 1 · Outcomes (typed): Interested 1"
        self.assertEqual((self.seen(own, self.tom).value, self.seen(own, self.tom).beside), (2, beside))
        self.assertEqual(self.seen(team, self.rina).beside, beside)
        self.assertFalse(self.seen(own, self.nadia).beside)

    def test_person_first_others_by_the_switch(self):
        own = self.target(user_id=self.tom.id)
        self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "Coaching", "agreement": "2026-10", "min_group": 3}
        )
        # Tuesday's amount is a working day old on Thursday
        with freeze_time("2026-11-03 18:00"):
            self.assertEqual((self.seen(own, self.tom).value, self.seen(own, self.nadia).value), (400, False))
        self.env.invalidate_all()
        with freeze_time("2026-11-06 12:00"):
            self.assertEqual(self.seen(own, self.nadia).value, 400)
            looks = self.env["crm.voip.people.log"].search([("person_id", "=", self.tom.id), ("how", "=", "target")])
            self.assertEqual(looks.user_id, self.nadia)
            # of two, the one would be put beside the other
            two = own | self.target(user_id=self.rina.id)
            self.env.invalidate_all()
            self.assertEqual(self.seen(two, self.nadia).mapped("state"), ["hidden", "hidden"])
            # neither by what is not saved yet
            draft = self.env["crm.productivity.target"].with_user(self.rina).with_company(self.company).new(
                {"user_id": self.tom.id, "metric_id": self.won.id, "amount": 1, "date_from": "2026-11-02",
                 "date_to": "2026-11-06", "company_id": self.company.id}
            )  # fmt: skip
            self.assertEqual((draft.state, draft.value), ("hidden", False))

    def test_total_of_two_is_a_person_s(self):
        team = self.target(team_id=self.team.id)
        self.team.member_ids -= self.rina
        for user in (self.tom, self.nadia, self.boss):
            self.assertEqual(self.seen(team, user).state, "hidden", user.login)

    def test_periods(self):
        Target = self.env["crm.productivity.target"]
        for day, period, first, last in (
            (date(2026, 11, 4), "week", date(2026, 11, 2), date(2026, 11, 8)),
            (date(2026, 2, 14), "month", date(2026, 2, 1), date(2026, 2, 28)),
            (date(2026, 12, 31), "quarter", date(2026, 10, 1), date(2026, 12, 31)),
        ):
            self.assertEqual(Target._period_around(period, day), (first, last))
            made = self.target(user_id=self.tom.id, period=period, date_from=day, date_to=False)
            self.assertEqual((made.date_from, made.date_to, made.period), (first, last, period))
        self.assertEqual(self.target(user_id=self.tom.id).period, "own")

    def test_states_of_past_and_future(self):
        target = self.seen(self.target(user_id=self.tom.id), self.tom)
        for now, state in (("2026-10-30", "later"), ("2026-11-20", "missed")):
            target.invalidate_recordset()
            with freeze_time(now):
                self.assertEqual(target.state, state)
        target.sudo().amount = 400
        target.invalidate_recordset()
        self.assertEqual((target.state, target.percent), ("reached", 100))
        # a weekend has no working time: nothing is divided by it
        target = self.seen(self.target(user_id=self.tom.id, date_from="2026-11-07", date_to="2026-11-08"), self.tom)
        self.assertIs(target.pace, False)

    def test_nonsense_amounts(self):
        for amount in (0, -1, float("nan"), float("inf"), 1e300):
            with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"):
                self.target(user_id=self.tom.id, amount=amount).flush_recordset()

    def test_changed_definition_is_said(self):
        metric = self.env["crm.productivity.metric"].create(
            {"name": "Effort", "code": "effort", "meaning": "-", "computation": "-", "formula": "won",
             "may_be_target": True}
        )  # fmt: skip
        target = self.target(user_id=self.tom.id, metric_id=metric.id, amount=10)
        with freeze_time("2026-11-04 12:00"):
            metric.formula = "won + opportunities + 5"
            target = self.seen(target, self.tom)
            # the period began with the earlier one: one won
            self.assertEqual(target.value, 1)
            self.assertIn("11/04/2026", target.remark)

    def test_who_left(self):
        target = self.target(user_id=self.tom.id, date_from="2026-11-01", date_to="2026-11-30")
        self.tom.active = False
        self.assertIn("no longer here", target.with_user(self.boss).with_company(self.company).remark)
        self.assertFalse(target._copy_on())

    def test_repeats_by_itself(self):
        old, gone = self.target(user_id=self.tom.id), self.target(user_id=self.rina.id)
        Target = self.env["crm.productivity.target"]
        domain = [("date_from", "=", "2026-11-09"), ("company_id", "=", self.company.id)]
        with freeze_time("2026-11-09 01:00"):
            Target._cron_next_period()
            self.assertFalse(Target.search(domain))
            self.company.crm_productivity_targets_repeat = True
            Target._cron_next_period()
            made = Target.search(domain)
            self.assertEqual(made.user_id, self.tom | self.rina)
            # what somebody takes away stays away
            made.filtered(lambda one: one.user_id == self.rina).unlink()
            Target._cron_next_period()
            self.assertEqual(Target.search(domain).user_id, self.tom)
            self.assertTrue(old.is_copied and gone.is_copied)

    def test_share_out(self):
        team = self.target(team_id=self.team.id, amount=900)
        self.target(user_id=self.rina.id, amount=500)
        action = self.seen(team, self.nadia).action_share_out()
        shares = self.env["crm.productivity.target"].search(action["domain"])
        # three people; Rina has hers already
        self.assertEqual({one.user_id: one.amount for one in shares}, {self.nadia: 300, self.tom: 300, self.rina: 500})
        share = self.env.ref("crm_productivity.metric_reply_rate")
        share.may_be_target = True
        with self.assertRaisesRegex(UserError, "cannot be shared out"):
            self.target(team_id=self.team.id, metric_id=share.id).action_share_out()

    def test_switched_off(self):
        target = self.target(user_id=self.tom.id)
        self.company.crm_productivity_targets = False
        with self.assertRaisesRegex(UserError, "not switched on"):
            self.target(user_id=self.tom.id)
        # they stay, and nobody sees them until it is turned on again
        self.assertTrue(target.exists())
        for user in (self.tom, self.nadia, self.boss):
            self.assertFalse(self.seen(target, user).search([("id", "=", target.id)]), user.login)
        menu = self.env.ref("crm_productivity.crm_productivity_menu_target")
        Menu = self.env["ir.ui.menu"].with_user(self.tom)
        self.assertIn(menu.id, Menu._load_menus_blacklist())
        self.company.crm_productivity_targets = True
        self.assertNotIn(menu.id, Menu._load_menus_blacklist())

    @freeze_time("2026-11-04 12:00")
    def test_fifty_cost_what_five_cost(self):
        calls = self.env.ref("crm_productivity.metric_calls_made")
        targets = self.env["crm.productivity.target"]
        for place in range(50):
            targets |= self.target(
                **({"user_id": self.tom.id} if place % 2 else {"team_id": self.team.id}),
                metric_id=(calls if place % 3 else self.won).id,
                date_from=date(2026, 10, 1) + timedelta(days=place),
                date_to=date(2026, 12, 31),
            )
        targets.flush_recordset()

        def queries(some):
            self.env.invalidate_all()
            some = self.seen(some, self.tom)
            some.mapped("amount")
            count = self.cr.sql_log_count
            some.mapped("state")
            return self.cr.sql_log_count - count

        few = queries(targets[:6])
        self.assertLessEqual(queries(targets), few)
        self.assertLessEqual(few, 40)

    def test_next_period(self):
        week, month = (
            self.target(team_id=self.team.id),
            self.target(team_id=self.team.id, date_from="2026-11-01", date_to="2026-11-30"),
        )
        action = (week | month).action_next_period()
        self.assertEqual((week | month).action_next_period()["domain"], action["domain"])
        made = self.env["crm.productivity.target"].search(action["domain"], order="id")
        self.assertEqual(
            [(one.date_from, one.date_to) for one in made],
            [(date(2026, 11, 9), date(2026, 11, 13)), (date(2026, 12, 1), date(2026, 12, 31))],
        )
