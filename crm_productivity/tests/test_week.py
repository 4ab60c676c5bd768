from datetime import date, timedelta

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered, group, missed, outbound
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

MONDAY = date(2026, 11, 2)
WEEK = timedelta(days=7)


@tagged("-at_install", "post_install")
class TestWeek(VoipCase):
    """What a manager sees of a week, worked out by hand, and who sees it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.productivity.member"].search([]).write({"begins": MONDAY - timedelta(days=600)})
        cls.deliver(
            answered("a", phone="101", seconds=30),
            answered("b", phone="101", seconds=90, number="+12025550151"),
            group("g", taker="102", losers=("101",), number="+12025550152"),  # 60 s
            missed("m", phones=("101", "102"), number="+12025550153"),
            outbound("o", phone="101", number="+12025550154"),  # 30 s
            # the week before: one taken
            answered("last", phone="102", start=START - WEEK, number="+12025550155"),
            # week 45 of last year: one made
            outbound("year", phone="102", start=START - 52 * WEEK, number="+12025550156"),
        )
        # calls of long ago make none by themselves
        missed_call = cls.env["crm.voip.call"].search([("call_ref", "=", "m"), ("pbx_id", "=", cls.pbx.id)])
        cls.callback = cls.env["crm.voip.callback"].create(
            {"company_id": cls.company.id, "pbx_id": cls.pbx.id, "number": "+12025550153", "state": "open",
             "first_call_id": missed_call.id, "last_call_id": missed_call.id, "due_at": "2026-11-02 11:00:00",
             "first_missed_at": missed_call.started_at, "last_missed_at": missed_call.started_at,
             "team_ids": [(6, 0, cls.team.ids)], "missed_count": 1}
        )  # fmt: skip
        cls.lead = cls.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "user_id": cls.tom.id, "team_id": cls.team.id,
             "company_id": cls.company.id, "expected_revenue": 500}
        )  # fmt: skip
        cls.lead.action_set_won()
        cls.lead.date_closed = "2026-11-03 10:00:00"
        cls.reckon()

    @classmethod
    def reckon(cls):
        cls.env["crm.productivity.stale"]._catch_up()
        cls.env.invalidate_all()

    def week(self, user, team=None, monday=MONDAY):
        weeks = self.env["crm.productivity.week"].with_user(user).with_context(allowed_company_ids=self.company.ids)
        return weeks.browse(weeks._id_of(team or self.env["crm.team"], monday))

    def numbers(self, week, field="shown"):
        return {total.metric_id.code: total[field] for total in week.total_ids}

    # --- numbers ---

    def test_by_hand(self):
        week = self.week(self.nadia, self.team)
        self.assertEqual(week.title, "Week 45 · 11/02/2026 – 11/08/2026")
        self.assertFalse(week.is_hidden or week.notice)
        self.assertEqual(
            self.numbers(week),
            {
                "calls_made": "1",
                "team_taken": "75 %",  # a, b, g of a, b, g, m; Tom's phone rang for g as well, and that is one call
                "called_back_in": "–",  # nobody called m back
                "talk": "3 min 30 s",  # 30 + 90 + 60 + 30
                "talk_median": "30 s",  # of 30, 30, 60, 90
                "reached": "100 %",
                "team_answered": "–",
                "won_amount": week.company_id.currency_id.format(500),
            },
        )
        basis = self.numbers(week, "rests_on")
        self.assertEqual(
            [basis[code] for code in ("team_taken", "called_back_in", "talk", "won_amount", "reached")],
            ["from 4", "0 called back of 1 missed", "from 4", "1 won", "from 1"],
        )
        # the week before one came and was taken: 100 %, now 75 %
        self.assertEqual(self.numbers(week, "last_week")["team_taken"], "100 %")
        self.assertEqual(self.numbers(week, "last_change")["team_taken"], "−25 points")
        self.assertEqual(self.numbers(week, "last_trend")["team_taken"], "worse")
        # 60 s of talk then, 210 s now; more talk is neither better nor worse
        self.assertEqual(self.numbers(week, "last_change")["talk"], "+250 %")
        self.assertEqual(self.numbers(week, "last_trend")["talk"], "other")
        self.assertEqual(self.numbers(week, "last_year")["calls_made"], "1")
        self.assertFalse(self.numbers(week, "year_change")["calls_made"])
        self.assertEqual(self.numbers(week, "last_year")["team_taken"], "–")
        self.assertIn("one call here", self.numbers(week, "meaning")["team_taken"])
        self.assertIn("the team called", self.numbers(week, "meaning")["calls_made"])

    def test_called_back(self):
        """Talked an hour of working time after the call was missed."""
        self.callback.write({"state": "done", "done_how": "call", "working_minutes": 60})
        self.env["crm.productivity.stale"].create({"company_id": self.company.id, "day": MONDAY})
        self.reckon()
        week = self.week(self.nadia, self.team)
        # to within 1 % of an hour
        seconds = self.env["crm.productivity.team"].search([("team_id", "=", self.team.id), ("day", "=", MONDAY)])
        self.assertAlmostEqual(seconds.call_back_median, 3600, delta=36)
        metric = self.env.ref("crm_productivity.metric_called_back_in")
        self.assertEqual(self.numbers(week)["called_back_in"], metric._duration(seconds.call_back_median))
        self.assertEqual(self.numbers(week, "rests_on")["called_back_in"], "1 called back of 1 missed")

    def test_a_week_that_is_not_over(self):
        """On Monday it is compared with Monday, or every Monday would be the worst day of all."""
        with freeze_time("2026-11-02 12:00:00"):
            week = self.week(self.nadia, self.team)
            self.assertTrue(week.is_current)
            total = week.total_ids[0]
            self.assertEqual(
                total._periods(week),
                {
                    "now": (MONDAY, MONDAY),
                    "last": (MONDAY - WEEK, MONDAY - WEEK),
                    "year": (date(2025, 11, 3), date(2025, 11, 3)),
                },
            )
        self.env.invalidate_all()
        with freeze_time("2026-11-25 12:00:00"):
            self.assertFalse(self.week(self.nadia, self.team).is_current)

    def test_changed_definition(self):
        """What was computed otherwise then says so."""
        with freeze_time("2026-11-02 08:00:00"):
            self.env.ref("crm_productivity.metric_team_taken").formula = "100 * lost / incoming"
        week = self.week(self.nadia, self.team)
        self.assertEqual(self.numbers(week)["team_taken"], "25 %")
        self.assertEqual(self.numbers(week, "last_week")["team_taken"], "100 %")
        self.assertIn("version 1", self.numbers(week, "version")["team_taken"])

    def test_nothing_measured(self):
        week = self.week(self.nadia, self.team, MONDAY - 10 * WEEK)
        self.assertEqual(set(self.numbers(week).values()), {"–"})
        self.assertEqual(set(self.numbers(week, "last_change").values()), {False})
        self.env["crm.productivity.day"].search([]).unlink()
        monday = self.env["crm.productivity.period"]._week(self.company)[0]
        week = self.week(self.nadia, self.team, monday)
        self.assertEqual(set(self.numbers(week).values()), {"–"})
        self.assertIn("once a PBX is connected", week.notice)
        self.pbx.active = False
        self.assertIn("no telephone system is connected", week.footing)

    # --- work, and the very records ---

    def test_work(self):
        self.env["crm.productivity.turn"].create(
            [
                {"company_id": self.company.id, "res_model": "crm.lead", "res_id": self.lead.id, "known": True,
                 "team_id": self.team.id, "user_id": self.tom.id, "since": since, "answered_at": answered_at}
                for since, answered_at in (
                    ("2026-11-03 09:00:00", False),
                    ("2026-11-02 09:00:00", False),
                    ("2026-11-01 09:00:00", "2026-11-01 10:00:00"),
                )
            ]
        )  # fmt: skip
        week = self.week(self.nadia, self.team)
        self.assertEqual((week.unanswered_count, str(week.unanswered_since)), (2, "2026-11-02 09:00:00"))
        self.assertEqual(week.overdue_count, 1)
        action = week.action_unanswered()
        turns = self.env["crm.productivity.turn"].with_user(self.nadia)
        self.assertEqual(turns.search_count(action["domain"]), 2)
        action = week.action_overdue()
        callbacks = self.env["crm.voip.callback"].with_user(self.nadia)
        self.assertEqual(callbacks.search(action["domain"]).mapped("number"), ["+12025550153"])

    def test_the_very_records(self):
        week = self.week(self.nadia, self.team)
        found = {}
        for total in week.total_ids:
            action = total.action_open()
            found[total.metric_id.code] = (
                self.env[action["res_model"]]
                .with_user(self.nadia)
                .with_context(allowed_company_ids=self.company.ids)
                .search(action["domain"])
            )
        self.assertEqual(found["calls_made"].mapped("call_ref"), ["o"])
        self.assertEqual(set(found["team_taken"].mapped("call_ref")), set("abgm"))
        self.assertEqual(set(found["talk"].mapped("call_ref")), set("abgo"))
        self.assertEqual(found["called_back_in"].mapped("number"), ["+12025550153"])
        self.assertEqual(found["reached"].mapped("call_ref"), ["o"])
        for action in (week.action_measures(), week.action_by_day(), week.action_by_team()):
            rows = self.env["crm.productivity.team"].with_user(self.nadia).search(action["domain"])
            self.assertEqual(sum(rows.mapped("incoming")), 4)
        measures = week.action_measures()["context"]["pivot_measures"]
        self.assertTrue({"talk_median", "service_percent", "lost", "won_amount"} <= set(measures))
        self.assertFalse({"look_up_s", "documenting_s", "look_ups", "documented"} & set(measures))
        action = next(total for total in week.total_ids if total.metric_id.code == "won_amount").action_open()
        self.assertEqual(self.env["crm.lead"].search(action["domain"]), self.lead)

    def test_moves(self):
        week = self.week(self.nadia, self.team)
        for action, monday in (
            (week.action_previous(), MONDAY - WEEK),
            (week.action_next(), MONDAY + WEEK),
            (week.action_open(), MONDAY),
        ):
            self.assertEqual(self.week(self.nadia).browse(action["res_id"]).monday, monday)
            self.assertEqual(self.week(self.nadia).browse(action["res_id"]).team_id, self.team)
        weeks = self.env["crm.productivity.week"].with_user(self.nadia).with_company(self.company)
        first = weeks.search([("team_id", "=", self.team.id)], order="monday", limit=1)
        self.assertTrue(first.is_first)
        self.assertFalse(week.is_first)
        # the first figure is of week 45 of last year, and a year back is always there
        self.assertLessEqual(first.monday, date(2025, 11, 3))

    # --- ratios and medians, for any grouping ---

    def test_any_grouping(self):
        Team = (
            self.env["crm.productivity.team"].with_user(self.nadia).with_context(allowed_company_ids=self.company.ids)
        )
        names = ["taken_percent:avg", "reached_percent:avg", "talk_mean:avg", "talk_median:avg", "talk_p90:avg"]
        domain = [("day", ">=", MONDAY - WEEK)]
        [(taken, reached, mean, median, long_calls)] = Team._read_group(domain, [], names)
        # 4 of 5 incoming; 60, 30, 90, 60 and 30 seconds: 270 in five calls
        self.assertEqual((taken, reached, mean), (80, 100, 54))
        self.assertAlmostEqual(median, 60, delta=0.6)
        self.assertAlmostEqual(long_calls, 90, delta=0.9)
        rows = Team.formatted_read_grouping_sets(domain, [["day:day"], []], names)
        by_day = {row["day:day"][0]: row for row in rows[0]}
        self.assertEqual(by_day["2026-11-02"]["taken_percent:avg"], 75)
        # not measured is empty, and a day of no calls is no zero
        self.assertIsNone(by_day["2026-10-26"]["reached_percent:avg"] or None)
        self.assertEqual(rows[1][0]["taken_percent:avg"], 80)
        row = Team.search([("day", "=", MONDAY - WEEK)])
        self.assertEqual((row.taken_percent, row.reached_percent), (100, False))
        with self.assertRaises(ValueError):
            Team._read_group(domain, [], ["taken_percent:sum"])

    def test_own_measures_stay_own(self):
        """Not even a formula of an administrator brings them into a table of others."""
        self.env.ref("crm_productivity.metric_talk_median").formula = "median(look_up_s)"
        for name, refused in (("crm.productivity.day", AccessError), ("crm.productivity.team", ValueError)):
            model = self.env[name].with_user(self.nadia)
            self.assertFalse(model.fields_get(["talk_median"])["talk_median"].get("aggregator"))
            with self.assertRaises(refused):
                model._read_group([], [], ["talk_median:avg"])

    def test_help_is_the_dictionary_s(self):
        Team = self.env["crm.productivity.team"].with_user(self.nadia)
        self.assertIn("the team called", Team.fields_get(["calls_made"])["calls_made"]["help"])
        self.assertIn("one call here", Team.fields_get(["taken_percent"])["taken_percent"]["help"])
        self.env.ref("crm_productivity.metric_calls_made").team_meaning = "Anew"
        self.assertTrue(Team.fields_get(["calls_made"])["calls_made"]["help"].startswith("Anew"))
        with self.assertQueryCount(0):
            Team.fields_get(["calls_made"], ["help"])

    # --- who sees it ---

    def test_leader_sees_own_team(self):
        other = self.env["crm.team"].create(
            {"name": "Sales BE", "company_id": self.company.id, "user_id": self.jonas.id,
             "member_ids": [(6, 0, (self.jonas | self.boss | self.admin).ids)]}
        )  # fmt: skip
        for act in (
            lambda week: week.read(["name"]),
            lambda week: week.action_previous(),
            lambda week: week.action_unanswered(),
            lambda week: week.action_measures(),
            lambda week: week.env["crm.productivity.week.total"].browse(week.id * 16).action_open(),
        ):
            with self.assertRaises(AccessError):
                act(self.week(self.nadia, other))
        self.assertFalse(self.week(self.nadia, self.team).team_week_ids)
        self.assertEqual(self.week(self.boss).team_week_ids.mapped("name"), ["Sales BE", "Sales NL"])
        # what belongs to no team is in the whole, the rest is the same
        self.assertEqual(self.numbers(self.week(self.boss))["team_taken"], "75 %")
        opened = self.env["crm.productivity.week"].with_user(self.nadia).with_company(self.company)
        self.assertEqual(self.week(self.nadia).browse(opened.action_open_this_week()["res_id"]).team_id, self.team)
        opened = opened.with_user(self.boss)
        self.assertFalse(self.week(self.boss).browse(opened.action_open_this_week()["res_id"]).team_id)

    def test_nobody_else_does(self):
        for user in (self.tom, self.jonas, self.clerk):
            for read in (
                lambda user: self.week(user, self.team).read(["name"]),
                lambda user: self.week(user, self.team).total_ids.read(["shown"]),
                lambda user: self.env["crm.productivity.week.total"].with_user(user).search([]).read(["shown"]),
                lambda user: self.env["crm.productivity.team"].with_user(user).search([]),
            ):
                with self.assertRaises(AccessError, msg=user.login):
                    read(user)
        # an administrator of calls who leads nobody finds that said
        if self.admin.has_group("crm_voip_bridge.group_team") and not self.admin.has_group("crm_voip_bridge.group_all"):
            week = self.week(self.admin)
            self.assertIn("You lead no sales team", week.notice)
            self.assertEqual(set(self.numbers(week).values()), {"–"})
        abroad = self.env["res.company"].create({"name": "Heron"})
        stranger = new_test_user(
            self.env, "voip_stranger", groups="sales_team.group_sale_salesman,crm_voip_bridge.group_all",
            company_id=abroad.id, company_ids=[(6, 0, abroad.ids)],
        )  # fmt: skip
        weeks = self.env["crm.productivity.week"].with_user(stranger)
        self.assertFalse(weeks.search([("team_id", "=", self.team.id)]))
        week = weeks.browse(weeks._id_of(weeks.env["crm.team"], self.env["crm.productivity.period"]._week(abroad)[0]))
        self.assertEqual(set(self.numbers(week).values()), {"–"})

    def test_small_team_is_hidden(self):
        self.team.member_ids |= self.jonas  # three stay there
        small = self.env["crm.team"].create(
            {
                "name": "Pair",
                "company_id": self.company.id,
                "user_id": self.nadia.id,
                "member_ids": [(6, 0, self.tom.ids)],
            }
        )
        self.env.cr.execute("UPDATE crm_productivity_day SET team_id = %s WHERE user_id = %s", [small.id, self.tom.id])
        week = self.week(self.nadia, small)
        self.assertTrue(week.is_hidden)
        self.assertIn("fewer than three people", week.notice)
        self.assertFalse(week.total_ids or week.unanswered_count or week.overdue_count)
        # not by way of the numbers themselves, nor of the whole
        totals = self.env["crm.productivity.week.total"].with_user(self.nadia)
        totals = totals.with_context(allowed_company_ids=self.company.ids).search([("week_id", "=", week.id)])
        self.assertEqual(set(totals.mapped("shown")), {"–"})
        self.assertIn("Pair", self.week(self.nadia).notice)
        self.assertEqual(self.numbers(self.week(self.nadia))["calls_made"], "0")  # Tom made it
        self.decide()
        self.assertFalse(self.week(self.nadia, small).is_hidden)
        self.assertEqual(self.numbers(self.week(self.nadia, small))["calls_made"], "1")

    def test_few_outside_teams_are_hidden(self):
        """Who is in no team: one or two of them would be persons, many are a total."""
        self.deliver(outbound("j", phone="104", number="+12025550159"))
        self.reckon()
        Team = self.env["crm.productivity.team"].with_user(self.boss).with_context(allowed_company_ids=self.company.ids)
        domain = [("team_id", "=", False), ("day", "=", MONDAY)]
        self.assertFalse(Team.search(domain))
        self.decide()
        self.assertEqual(Team.search(domain).calls_made, 1)

    # --- persons ---

    def decide(self, least=3):
        self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "Coaching", "agreement": "2026-10", "min_group": least}
        )
        self.env.invalidate_all()

    def compared(self, user):
        action = self.week(user, self.team).action_compare()
        days = self.env["crm.productivity.day"].with_user(user).with_context(allowed_company_ids=self.company.ids)
        return days._read_group(
            action["domain"], ["user_id"], ["calls_made:sum", "taken_percent:avg", "talk_median:avg"]
        )

    def test_persons_only_where_decided(self):
        week = self.week(self.nadia, self.team)
        self.assertFalse(week.may_compare)
        with self.assertRaises(UserError):
            week.action_compare()
        days = self.env["crm.productivity.day"].with_user(self.nadia).with_context(allowed_company_ids=self.company.ids)
        with self.assertRaises(UserError):
            days._read_group(week._domain_figures(), ["user_id"], ["calls_made:sum"])
        self.decide(least=5)
        # two people are no group of five
        with self.assertRaises(UserError):
            self.compared(self.nadia)

    def test_persons_side_by_side(self):
        self.deliver(outbound("n", phone="103", number="+12025550157"))
        self.reckon()
        self.decide()
        self.assertTrue(self.week(self.nadia, self.team).may_compare)
        self.assertIn("finds it in their log", self.week(self.nadia, self.team).compare_note)
        rows = {user.login: values for user, *values in self.compared(self.boss)}
        self.assertEqual(rows["voip_tom"][:2], [1, 50])  # a and b of a, b, g, m
        self.assertAlmostEqual(rows["voip_tom"][2], 30, delta=0.3)  # 30, 30, 90
        self.assertEqual(rows["voip_rina"][:2], [0, 50])  # g of g, m
        seen = self.env["crm.voip.people.log"].search([("user_id", "=", self.boss.id), ("how", "=", "group")])
        self.assertEqual(seen.person_id, self.tom | self.rina | self.nadia)

    # --- speed ---

    def test_queries_do_not_grow(self):
        def queries(monday):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            week = self.week(self.boss, monday=monday)
            week.web_read({"title": {}, "notice": {}, "footing": {}, "unanswered_count": {}, "overdue_count": {}})
            week.total_ids.web_read({"shown": {}, "last_week": {}, "last_year": {}, "meaning": {}, "rests_on": {}})
            return self.env.cr.sql_log_count - before

        queries(MONDAY)
        few = queries(MONDAY)
        self.env.cr.execute(
            """INSERT INTO crm_productivity_day (company_id, team_id, user_id, day, ends_at, incoming, histograms)
               SELECT %s, %s, NULL, day, day + interval '1 day', 5, '{"talk_s": {"300": 4}}'
                 FROM generate_series(%s::date - 400, %s::date - 8, '1 day') AS day""",
            [self.company.id, self.team.id, MONDAY, MONDAY],
        )
        self.assertEqual(queries(MONDAY), few)
        self.assertLessEqual(few, 45)
