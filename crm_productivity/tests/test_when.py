from datetime import date, datetime, timedelta, timezone

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered, missed, outbound
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

MONDAY = date(2026, 11, 2)


@tagged("-at_install", "post_install")
@freeze_time("2026-11-12 16:30:00")
class TestWhen(VoipCase):
    """Weekdays by hours, by the company's clock: 09:00 UTC is 10 o'clock in Amsterdam."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "Europe/Amsterdam"
        cls.Hour = cls.env["crm.productivity.hour"]
        cls.env["crm.productivity.member"].search([]).write({"begins": date(2026, 1, 1)})

    def reckon(self):
        self.env["crm.productivity.stale"]._catch_up()

    def when(self, user, **values):
        When = self.env["crm.productivity.when"].with_user(user).with_context(allowed_company_ids=self.company.ids)
        return When.with_company(self.company).new({"what": "offered", "period": "weeks", **values})

    def cell(self, user, weekday, hour, **values):
        heat = self.when(user, **values).heat
        [row] = [row for row in heat["rows"] if row["weekday"] == weekday]
        return next(cell for cell in row["cells"] if cell["hour"] == hour)

    def test_by_hand(self):
        self.deliver(
            answered("a"),  # Monday 10:00
            answered("b", start=START + timedelta(minutes=59), phone="102"),  # Monday 10:59
            missed("m", start=START + timedelta(minutes=30)),  # Monday 10:30
            missed("n", start=START + timedelta(days=7, hours=5)),  # Monday 15:00, a week later
            *(outbound(f"o{n}", start=START + timedelta(minutes=n)) for n in range(4)),  # four reached of
            missed_outbound("u"),  # five made
        )
        self.reckon()
        for what, number, cases, text in (
            ("offered", 3, 3, "3"), ("taken", 2, 3, "2"), ("lost", 1, 3, "1"), ("reached", 4, 5, "80 %"),
        ):  # fmt: skip
            cell = self.cell(self.tom, 1, 10, what=what)
            self.assertEqual((cell["number"], cell["cases"], cell["text"]), (number, cases, text), what)
            # five calls are the least, as delivered
            self.assertEqual(cell["few"], what != "reached")
        self.assertEqual(self.cell(self.tom, 1, 15)["value"], 1)
        # there was a Monday 11 o'clock, and nobody called: nought; nobody was called: no percentage
        self.assertEqual(self.cell(self.tom, 1, 11)["value"], 0)
        self.assertIs(self.cell(self.tom, 1, 11, what="reached")["value"], None)
        self.assertIn("2 taken of 3", self.cell(self.tom, 1, 10, what="taken")["title"])

    def test_equals_the_figures_by_day(self):
        self.deliver(
            answered("a"), missed("m", start=START.replace(hour=23, minute=30)), outbound("o"),
            outbound("p", phone="102"), outbound("q", phone="104"), outbound("r", phone="105"),
        )  # fmt: skip
        self.reckon()
        days = self.env["crm.productivity.day"]._read_group(
            [("company_id", "=", self.company.id)], ["day:day", "team_id"],
            ["incoming:sum", "lost:sum", "calls_made:sum", "reached:sum"], order="day:day, team_id",
        )  # fmt: skip
        hours = self.Hour._read_group(
            [("company_id", "=", self.company.id)], ["day:day", "team_id"],
            ["offered:sum", "lost:sum", "made:sum", "reached:sum"], order="day:day, team_id",
        )  # fmt: skip
        self.assertTrue(hours)
        self.assertEqual(hours, [row for row in days if any(row[2:])])

    def test_daylight_saving(self):
        """On 25 October 2026, 02:30 comes twice; on 28 March 2027 never."""
        night = datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc)
        self.deliver(answered("a", start=night), answered("b", start=night + timedelta(hours=1)))
        self.reckon()
        row = self.Hour.search([("company_id", "=", self.company.id), ("day", "=", date(2026, 10, 25))])
        self.assertEqual((row.hour, row.offered, row.weekday), ("02", 2, "7"))
        there = self.env["crm.productivity.when"]._hours_there(self.company, date(2027, 3, 28), date(2027, 3, 28))
        self.assertFalse(there)  # not yet
        with freeze_time("2027-03-29 12:00:00"):
            there = self.env["crm.productivity.when"]._hours_there(self.company, date(2027, 3, 28), date(2027, 3, 28))
        self.assertEqual({hour for _day, hour in there}, set(range(24)) - {2})

    def test_hours_that_were_not(self):
        """What lies before the first call or after now is empty, not nought."""
        self.deliver(answered("a", start=START + timedelta(days=8)))  # Tuesday 10 November; now it is Thursday 17:30
        self.reckon()
        self.assertEqual(self.cell(self.tom, 2, 12)["value"], 0)
        self.assertEqual(self.cell(self.tom, 4, 16)["value"], 0)
        # no Friday yet, and no Monday since the first call
        self.assertIs(self.cell(self.tom, 5, 12)["value"], None)
        self.assertIs(self.cell(self.tom, 1, 12)["value"], None)

    def test_no_calls(self):
        heat = self.when(self.tom).heat
        self.assertFalse(heat["rows"])
        self.assertIn("no calls yet", heat["empty"])
        self.assertIn("Connect a PBX", self.when(self.admin).heat["empty"])

    def test_reckoned_again_it_is_the_same(self):
        self.deliver(answered("a"), outbound("o"))
        self.reckon()
        names = ["day", "hour", "team_id", "offered", "taken", "made", "reached"]
        before = self.Hour.search_read([("company_id", "=", self.company.id)], names, load=None)
        self.assertTrue(self.Hour._reckon(self.company, [MONDAY]))
        after = self.Hour.search_read([("company_id", "=", self.company.id)], names, load=None)
        for row in before + after:
            del row["id"]
        self.assertEqual(before, after)

    def test_the_very_calls(self):
        self.deliver(
            answered("a"), answered("b", phone="102"), missed("m"), outbound("o", phone="104"),
            answered("later", start=START + timedelta(hours=1)), answered("next", start=START + timedelta(days=1)),
        )  # fmt: skip
        self.reckon()

        def refs(user, what, team=False):
            action = self.when(user).action_calls(what, "weeks", team, 1, 10)
            calls = self.env["crm.voip.call"].with_user(user).with_context(allowed_company_ids=self.company.ids)
            return set(calls.search(action["domain"]).mapped("call_ref"))

        self.assertEqual(refs(self.boss, "offered"), {"a", "b", "m"})
        self.assertEqual(refs(self.boss, "taken"), {"a", "b"})
        self.assertEqual(refs(self.boss, "lost"), {"m"})
        self.assertEqual(refs(self.boss, "reached"), {"o"})
        self.assertEqual(refs(self.boss, "reached", self.team.id), set())
        self.assertEqual(refs(self.nadia, "taken", self.team.id), {"a", "b"})
        # within rights
        self.assertEqual(refs(self.tom, "offered"), {"a", "m"})
        for bad in (("nonsense", "weeks", False, 1, 10), ("taken", "x", False, 1, 10), ("taken", "year", False, 9, 10)):
            with self.assertRaises(UserError):
                self.when(self.tom).action_calls(*bad)

    def test_who_sees_what(self):
        other = self.env["crm.team"].create(
            {"name": "Sales BE", "company_id": self.company.id, "user_id": self.boss.id, "member_ids": self.jonas.ids}
        )
        self.env["crm.productivity.member"].search([]).write({"begins": date(2026, 1, 1)})
        self.deliver(answered("a"), outbound("o", phone="101"), outbound("p", phone="104"))
        self.reckon()
        # two people's team is left out of the company's total: it says so
        self.assertEqual(self.cell(self.tom, 1, 10, what="reached")["cases"], 1)
        self.assertIn("fewer than three", self.when(self.tom, what="reached").left_out)
        self.assertEqual(self.when(self.tom).allowed_team_ids.ids, self.team.ids)
        for user in (self.tom, self.nadia, self.boss):
            with self.assertRaises(UserError):
                self.when(user, team_id=other.id)._compute_heat()
        Hour = self.Hour.with_context(allowed_company_ids=self.company.ids)
        for user, teams in ((self.tom, self.team), (self.nadia, self.team), (self.boss, self.team)):
            self.assertEqual(Hour.with_user(user).search([]).team_id, teams, user.login)
        self.assertFalse(Hour.with_user(self.jonas).search([]))
        with self.assertRaises(AccessError):
            Hour.with_user(self.clerk).search([])
        # decided: the head sees it
        self.env["crm.voip.people.switch"].create({"company_id": self.company.id, "purpose": "p", "agreement": "a"})
        self.assertEqual(Hour.with_user(self.boss).search([]).team_id, self.team | other)
        self.assertEqual(self.cell(self.boss, 1, 10, what="reached")["cases"], 2)
        self.assertEqual(self.cell(self.boss, 1, 10, what="reached", team_id=other.id)["cases"], 1)

    def test_people_in_no_team(self):
        """Jonas alone is in no team: what he did is his, not the company's total."""
        self.team.member_ids |= self.boss | self.admin
        self.env["crm.productivity.member"].search([]).write({"begins": date(2026, 1, 1)})
        self.deliver(outbound("o", phone="104"), outbound("p", phone="101"))
        self.reckon()
        self.assertEqual(self.Hour._loose_people(self.company), {self.jonas.id})
        self.assertEqual(self.cell(self.boss, 1, 10, what="reached")["cases"], 1)

    def test_own_team_of_one(self):
        self.team.write({"member_ids": self.tom.ids, "user_id": False})
        self.deliver(outbound("o", phone="101"))
        self.reckon()
        self.assertEqual(self.cell(self.tom, 1, 10, what="reached", team_id=self.team.id)["cases"], 1)
        self.assertFalse(self.when(self.boss).allowed_team_ids)

    def test_form(self):
        self.deliver(answered("a"))
        self.reckon()
        When = self.env["crm.productivity.when"].with_user(self.tom).with_context(allowed_company_ids=self.company.ids)
        with Form(When) as form:
            form.what = "taken"
            form.team_id = self.team
            self.assertEqual(form.heat["what"], "taken")

    def test_queries_do_not_grow(self):
        self.deliver(answered("a"))
        self.reckon()

        def ask():
            self.env.invalidate_all()
            self.env.registry.clear_cache()
            return self.when(self.tom).heat

        ask()
        count = self.env.cr.sql_log_count
        ask()
        few = self.env.cr.sql_log_count - count
        for day in range(6):
            self.deliver(*(answered(f"x{day}-{n}", start=START + timedelta(days=day, hours=n)) for n in range(5)))
        self.reckon()
        with self.assertQueryCount(few):
            ask()


def missed_outbound(call):
    """A phone of ours rings a customer, who does not answer."""
    events = outbound(call, start=START + timedelta(minutes=40))
    return [event for event in events if event.type not in ("answered", "bridged", "unbridged", "dial_ended")]
