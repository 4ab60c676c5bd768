from datetime import date, timedelta

from odoo.addons.crm_voip_bridge.tests.common import START, answered, group, missed, outbound
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .metrics import MetricCase

MONDAY = date(2026, 11, 2)


@tagged("-at_install", "post_install")
class TestDay(MetricCase):
    """The figures of a day, worked out by hand, and kept up with whatever happens."""

    def reckon(self):
        self.Stale._catch_up()

    def row(self, user, day=MONDAY):
        self.reckon()
        return self.Day.search([("user_id", "=", user.id), ("day", "=", day), ("company_id", "=", self.company.id)])

    def snapshot(self):
        self.env.flush_all()
        names = ["company_id", "day", "team_id", "user_id", "ends_at", "histograms", *self.Day._measures()]
        rows = self.Day.search([("company_id", "=", self.company.id)]).read(names, load=None)
        return sorted((sorted((name, str(row[name])) for name in names) for row in rows), key=str)

    def from_nothing(self):
        """The figures as a recomputation makes them."""
        self.Day.search([]).unlink()
        first = self.env["crm.productivity.facts"]._first_days()[self.company.id]
        days = [first + timedelta(days=count) for count in range((date(2026, 12, 31) - first).days)]
        self.assertTrue(self.Day._reckon(self.company, days))
        return self.snapshot()

    def test_by_hand(self):
        self.deliver(
            answered("a", phone="101", seconds=30),  # Tom talks 30 s
            answered("b", phone="101", seconds=90),  # Tom talks 90 s: a conversation
            group("g", taker="102", losers=("101",)),  # Rina takes it; Tom was offered it
            missed("m", phones=("101", "102")),  # nobody's
            outbound("o", phone="101"),  # Tom is answered and talks 30 s
        )
        tom, rina, nobody = self.row(self.tom), self.row(self.rina), self.row(self.env["res.users"])
        # offered: a, b, g, m; taken: a, b
        self.assertEqual((tom.offered, tom.taken, tom.calls_made, tom.reached, tom.conversations), (4, 2, 1, 1, 1))
        self.assertEqual((tom.talk_calls, tom.talk_s), (3, 150))
        self.assertEqual((rina.offered, rina.taken, rina.talk_s), (2, 1, 60))
        self.assertEqual((nobody.incoming, nobody.lost), (4, 1))
        self.assertEqual(tom.team_id, self.team)
        self.assertEqual(tom.answer_s, 9.8)  # 4.9 seconds each
        # no call card, no after-call work: empty, not nought
        self.assertIs(tom.after_call_s, False)

    def test_equals_a_recomputation(self):
        self.deliver(answered("a"), missed("m"), outbound("o", start=START + timedelta(days=1)))
        self.reckon()
        # half of a call comes late, another one changes its day, a lead changes hands, is won and lost again
        late = answered("late", start=START + timedelta(days=2))
        self.deliver(late[:5])
        self.reckon()
        self.deliver(late[5:])
        lead = self.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "user_id": self.tom.id, "team_id": self.team.id,
             "company_id": self.company.id, "expected_revenue": 500}
        )  # fmt: skip
        self.reckon()
        lead.action_set_won()
        self.reckon()
        lead.user_id = self.rina
        self.reckon()
        lead.write({"expected_revenue": 700})
        self.team.member_ids -= self.rina
        meeting = self.env["calendar.event"].create(
            {"name": "Visit", "start": "2026-11-02 10:00", "stop": "2026-11-02 11:00", "user_id": self.tom.id}
        )
        self.reckon()
        meeting.start = "2026-11-03 10:00"
        self.reckon()
        kept = self.snapshot()
        self.assertEqual(sum(("won", "1") in row for row in kept), 1)
        self.assertEqual(kept, self.from_nothing())
        self.assertEqual(self.row(self.tom, MONDAY + timedelta(days=1)).meetings, 1)

    def test_day_is_the_company_s(self):
        self.company.partner_id.tz = "Pacific/Auckland"
        self.deliver(answered("a", start=START.replace(hour=20)))
        self.assertTrue(self.row(self.tom, MONDAY + timedelta(days=1)))
        self.assertFalse(self.row(self.tom, MONDAY))

    def test_past_stays_with_the_team_it_was_for(self):
        self.deliver(answered("a"))
        other = self.env["crm.team"].create({"name": "Sales BE", "company_id": self.company.id})
        self.team.member_ids -= self.tom
        other.member_ids |= self.tom
        self.assertEqual(self.row(self.tom).team_id, self.team)
        today = self.Stale._today(self.company)
        history = self.env["crm.productivity.member"].search([("user_id", "=", self.tom.id)], order="id")
        self.assertEqual(history.mapped("team_id"), self.team | other)
        self.assertEqual(history.mapped("ends"), [today, False])

    def test_medians_add_up(self):
        for place, seconds in enumerate((10, 20, 30, 40, 500)):
            self.deliver(answered(f"c{place}", seconds=seconds, start=START + timedelta(days=place)))
        self.reckon()
        measures, spread = self.Day._totals([("user_id", "=", self.tom.id)])
        metric = self.env.ref("crm_productivity.metric_talk_median")
        self.assertAlmostEqual(metric._value(measures, spread), 30, delta=0.3)
        self.assertEqual(measures["talk_s"], 600)

    # --- people ---

    def test_who_sees_whom(self):
        self.deliver(answered("a", phone="101"), answered("b", phone="102"), answered("c", phone="104"))
        self.reckon()
        rows = self.Day.search([("company_id", "=", self.company.id)])

        def seen(user):
            own = self.Day.with_user(user).with_context(allowed_company_ids=self.company.ids)
            return set(own.search([("id", "in", rows.ids)]).sudo().user_id)

        for user, others in ((self.tom, {self.tom}), (self.nadia, set()), (self.boss, set()), (self.admin, set())):
            self.assertEqual(seen(user), others, user.login)
        tom = rows.filtered(lambda row: row.user_id == self.tom)
        for user in (self.nadia, self.boss, self.admin, self.rina):
            with self.assertRaises(AccessError):
                tom.with_user(user).with_context(allowed_company_ids=self.company.ids).read(["taken"])
        with self.assertRaises(AccessError):
            self.env["crm.productivity.day"].with_user(self.clerk).search([])
        # decided, and old enough: the leader sees the team, the head everybody
        self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "Coaching", "agreement": "2026-10", "min_group": 3}
        )
        self.assertEqual(seen(self.nadia), {self.tom, self.rina})
        self.assertEqual(seen(self.boss), {self.tom, self.rina, self.jonas})
        self.assertEqual(seen(self.rina), {self.rina})

    def test_figures_outlive_the_calls(self):
        """What was kept as long as the company keeps calls is deleted; that it was stays."""
        self.deliver(answered("a", phone="101"))
        self.assertEqual(self.row(self.tom).taken, 1)
        self.pbx.kept_since = START.replace(tzinfo=None) + timedelta(days=2)
        self.calls("a").with_context(crm_voip_absorbed=True).unlink()
        self.assertFalse(self.calls())
        self.assertEqual(self.row(self.tom).taken, 1)

    def test_team_totals(self):
        self.deliver(answered("a", phone="101"), answered("b", phone="102"), missed("m"))
        self.reckon()
        Team = self.env["crm.productivity.team"].with_context(allowed_company_ids=self.company.ids)
        for user, teams in ((self.nadia, self.team), (self.boss, self.team)):
            rows = Team.with_user(user).search([("day", "=", MONDAY)]).filtered("team_id")
            self.assertEqual(rows.team_id, teams)
            self.assertEqual((rows.conversations, rows.talk_s, rows.people, rows.lost), (2, 120, 2, 1))
        with self.assertRaises(AccessError):
            Team.with_user(self.tom).search([])
        # two people's total is a person's figure
        self.team.member_ids -= self.rina
        self.assertFalse(Team.with_user(self.nadia).search([("day", "=", MONDAY)]))

    def test_nobody_edits(self):
        self.deliver(answered("a"))
        row = self.row(self.tom)
        for user in (self.tom, self.admin):
            for attempt in (lambda one: one.write({"taken": 9}), lambda one: one.unlink(), lambda one: one.copy()):
                with self.assertRaises(AccessError):
                    attempt(row.with_user(user))

    # --- metrics ---

    def test_nonsense_is_explained(self):
        metric = self.env.ref("crm_productivity.metric_talk")
        for formula, words in (
            ("talk_s / nonsense", "There is no measure “nonsense”"),
            ("median(won)", "no median"),
            ("import os", "This is no formula"),
            ("os.system('x')", "cannot be used"),
        ):
            with self.assertRaisesRegex(ValidationError, words):
                metric.formula = formula

    def test_changed_definition_is_a_new_version(self):
        metric = self.env["crm.productivity.metric"].create(
            {"name": "Effort", "code": "effort", "meaning": "-", "computation": "-", "formula": "calls_made"}
        )
        metric.formula = "calls_made + taken"
        old, new = metric.with_context(active_test=False).search([("code", "=", "effort")], order="version")
        self.assertEqual((old.formula, new.formula, new.version, new), ("calls_made", "calls_made + taken", 2, metric))
        today = date.today()
        self.assertEqual(metric._of_code("effort", today - timedelta(days=1)), old)
        self.assertEqual(metric._of_code("effort", today), new)
