from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

#: Thursday; the last full week began on 2 November
TODAY = "2026-11-12 12:00:00"
WEEK = date(2026, 11, 2)


@tagged("-at_install", "post_install")
@freeze_time(TODAY)
class TestUse(VoipCase):
    """How many people used a function, of how many; Tom, Rina and Nadia are a team, all with a logged telephone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Use, cls.Since = cls.env["crm.productivity.use"], cls.env["crm.productivity.function.since"]
        cls.outcomes = cls.env.ref("crm_productivity.function_outcomes")
        cls.company.crm_productivity_use = True
        cls.env["crm.productivity.member"].search([]).write({"begins": date(2026, 1, 1)})
        cls.env.cr.execute("UPDATE res_users SET create_date = '2026-01-01'")
        with freeze_time("2026-10-20 08:00:00"):
            cls.company.crm_voip_outcomes = True

    def outcome(self, user, at):
        """Somebody gives a call an outcome."""
        ref = f"{user.login}{at}"
        self.deliver(answered(ref, start=START + timedelta(days=(at.date() - START.date()).days)))
        outcome = self.env["crm.voip.outcome"].search([], limit=1)
        return self.env["crm.voip.wrapup"].create(
            {"call_id": self.calls(ref).id, "user_id": user.id, "company_id": self.company.id,
             "started_at": at, "outcome_id": outcome.id, "outcome_at": at}
        )  # fmt: skip

    def rows(self, **values):
        domain = [("company_id", "=", self.company.id), ("function_id", "=", self.outcomes.id)]
        return self.Use.search(domain + [(name, "=", value) for name, value in values.items()], order="week")

    def test_by_hand(self):
        self.outcome(self.tom, datetime(2026, 11, 3, 9))
        self.outcome(self.tom, datetime(2026, 11, 4, 9))
        self.outcome(self.rina, datetime(2026, 10, 27, 9))  # the week before
        self.Use._reckon_company(self.company)
        row = self.rows(week=WEEK, team_id=self.team.id)
        # Tom of Tom, Rina and Nadia: 33 %; Tom and Rina in four weeks: half of them again
        self.assertEqual((row.people, row.month_people, row.entitled), (1, 2, 3))
        self.assertAlmostEqual(row.share, 100 / 3)
        self.assertEqual(row.stickiness, 50)
        # turned on on Tuesday 20 October: its Monday is the 19th, two weeks before
        self.assertEqual(row.week_no, 2)
        weeks = self.rows(team_id=self.team.id)
        self.assertEqual(weeks.mapped("week")[0], date(2026, 10, 19))
        self.assertEqual(weeks.mapped("people"), [0, 1, 1, 0])
        # nobody in four weeks: no ratio, and no division by nothing
        self.assertIs(weeks[0].stickiness, False)

    def test_group_has_the_ratio_of_sums(self):
        self.outcome(self.tom, datetime(2026, 11, 3, 9))
        self.outcome(self.rina, datetime(2026, 10, 27, 9))
        self.Use._reckon_company(self.company)
        [(share, sticky)] = self.Use._read_group(
            [("id", "in", self.rows(team_id=self.team.id).ids)], [], ["share:avg", "stickiness:avg"]
        )
        # 2 of 12 people and weeks; 2 of 0 + 1 + 2 + 2 people and months
        self.assertAlmostEqual(share, 100 * 2 / 12)
        self.assertAlmostEqual(sticky, 100 * 2 / 5)

    def test_turned_off_is_not_counted(self):
        with freeze_time("2026-11-01 08:00:00"):
            self.company.crm_voip_outcomes = False
        self.Use._reckon_company(self.company)
        self.assertEqual(self.rows(team_id=self.team.id).mapped("week"), [date(2026, 10, 19), date(2026, 10, 26)])
        function = self.outcomes.with_company(self.company)
        self.assertEqual(function.state, "off")

    def test_what_was_on_before(self):
        self.Since.search([("company_id", "=", self.company.id)]).unlink()
        self.outcome(self.tom, datetime(2026, 9, 1, 9))
        self.Since._begin()
        self.Since._begin()
        since = self.Since.search([("company_id", "=", self.company.id), ("function_id", "=", self.outcomes.id)])
        self.assertEqual((len(since), since.is_before, since.on_at), (1, True, datetime(2026, 9, 1, 9)))
        self.assertIn("since before", self.outcomes.with_company(self.company).since_text)

    def test_unused_and_question(self):
        self.Use._reckon_company(self.company)
        mine = self.outcomes.with_user(self.nadia).with_company(self.company)
        self.assertEqual((mine.state, mine.advice, mine.share), ("unused", self.outcomes.hint, "0 %"))
        self.outcome(self.tom, datetime(2026, 11, 3, 9))
        self.Use._reckon_company(self.company)
        self.env.invalidate_all()
        self.assertEqual((mine.state, mine.week_shown), ("used", "1 of 3 people"))
        self.assertIn("2 of 3 gave no outcome", mine.advice)
        for person in (self.tom, self.rina, self.nadia):
            self.assertNotIn(person.name, mine.advice)

    def test_small_teams_are_hidden(self):
        self.team.member_ids -= self.rina
        self.Use._reckon_company(self.company)
        Use = self.Use.with_context(allowed_company_ids=self.company.ids)
        self.assertFalse(Use.with_user(self.nadia).search([]))
        self.assertFalse(Use.with_user(self.boss).search([("entitled", "<", 3)]))
        self.assertEqual(self.outcomes.with_user(self.nadia).with_company(self.company).week_shown, "–")
        with self.assertRaises(AccessError):
            Use.with_user(self.tom).search([])
        self.env["crm.voip.people.switch"].create({"company_id": self.company.id, "purpose": "p", "agreement": "a"})
        self.assertEqual(Use.with_user(self.nadia).search([]).team_id, self.team)

    def test_screens(self):
        """Opening a screen counts once a day, and only where the company counts."""
        Opened = self.env["crm.productivity.opened"]
        mine = Opened.with_user(self.tom).with_company(self.company).with_context(allowed_company_ids=self.company.ids)
        for _twice in range(2):
            self.assertTrue(mine.note("crm.productivity.when"))
        for nonsense in ("res.users", "crm.productivity.nonsense", "crm.productivity.opened", None, 1):
            self.assertFalse(mine.note(nonsense))
        self.assertEqual(Opened.search([("user_id", "=", self.tom.id)]).mapped("code"), ["crm.productivity.when"])
        with self.assertRaises(AccessError):
            mine.search([])
        self.Since.search([]).write({"on_at": "2026-01-01"})
        self.env["crm.productivity.function.since"]._begin()
        self.Use._reckon(self.company, [date(2026, 11, 12)])
        row = self.Use.search([
            ("company_id", "=", self.company.id), ("team_id", "=", self.team.id),
            ("function_id", "=", self.env.ref("crm_productivity.function_when").id),
        ])  # fmt: skip
        self.assertEqual((row.people, row.entitled), (1, 3))
        with freeze_time("2027-01-12 12:00:00"):
            Opened._forget()
        self.assertFalse(Opened.search([("user_id", "=", self.tom.id)]))
        self.company.crm_productivity_use = False
        self.assertFalse(mine.note("crm.productivity.when"))

    def test_every_function_can_be_counted(self):
        """Each one's statement runs, and each switch is there or another addon's."""
        self.Since.search([]).unlink()
        start, end = datetime(2026, 1, 1), datetime(2027, 1, 1)
        Acts = self.env["crm.productivity.acts"]
        for function in self.env["crm.productivity.function"].search([]):
            self.env.execute_query(Acts._acts(self.company, function, start, end))
        with self.assertRaisesRegex(ValidationError, "takes an addon"):
            self.outcomes.copy({"code": "nonsense"})
        with self.assertRaisesRegex(ValidationError, "no switch"):
            self.outcomes.switch = "active"

    def test_menu_is_there_when_it_is_on(self):
        menu = self.env.ref("crm_productivity.crm_productivity_menu_use")
        Menu = self.env["ir.ui.menu"].with_user(self.nadia)
        self.assertNotIn(menu.id, Menu._load_menus_blacklist())
        self.company.crm_productivity_use = False
        self.assertIn(menu.id, Menu._load_menus_blacklist())

    def test_queries_do_not_grow(self):
        self.outcome(self.tom, datetime(2026, 11, 3, 9))
        self.Use._reckon(self.company, [WEEK])
        count = self.env.cr.sql_log_count
        self.Use._reckon(self.company, [WEEK])
        once = self.env.cr.sql_log_count - count
        for hour in range(10, 20):
            self.outcome(self.rina, datetime(2026, 11, 4, hour))
        self.env.flush_all()
        with self.assertQueryCount(once):
            self.Use._reckon(self.company, [WEEK - timedelta(days=7 * week) for week in range(10)])
