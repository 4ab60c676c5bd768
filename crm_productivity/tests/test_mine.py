from datetime import date, datetime, timedelta, timezone

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered, missed, outbound
from odoo.exceptions import AccessError
from odoo.tests import tagged

MONDAY = date(2026, 11, 2)
#: Wednesday of the week after, three days into it
NOW = "2026-11-11 12:00:00"


@tagged("-at_install", "post_install")
class TestMine(VoipCase):
    """“My numbers”: what it says, that it is always about whoever reads it, and what it costs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"crm_productivity_targets": True, "crm_productivity_comments": True})
        cls.company.resource_calendar_id.tz = "UTC"
        cls.env["crm.productivity.member"].search([]).write({"begins": MONDAY - timedelta(days=90)})

    def reckon(self, days=20):
        first = MONDAY - timedelta(days=70)
        self.assertTrue(
            self.env["crm.productivity.day"]._reckon(
                self.company, [first + timedelta(days=count) for count in range(70 + days)]
            )
        )
        self.env.invalidate_all()

    def mine(self, user):
        env = self.env(user=user, context={"allowed_company_ids": self.company.ids, "lang": "en_US", "tz": "UTC"})
        return env["crm.productivity.mine"].browse(1)

    def tile(self, user, code):
        [tile] = self.mine(user).tile_ids.filtered(lambda one: one.metric_id.code == code)
        return tile

    def at(self, day, hour=9):
        return datetime(2026, 11, day, hour, tzinfo=timezone.utc)

    @freeze_time(NOW)
    def test_today_week_and_past(self):
        """Calls: last week Monday, Tuesday, Thursday; this week Monday, Tuesday, Wednesday twice."""
        for place, day in enumerate((2, 3, 5, 9, 10, 11, 11)):
            self.deliver(answered(f"c{place}", seconds=70 + place, start=self.at(day, 8 + place % 3)))
        self.deliver(outbound("o", start=self.at(9)))
        self.deliver(missed("m", start=self.at(10)))
        self.reckon()
        taken = self.tile(self.tom, "conversations")
        # 9th, 10th, 11th twice; today twice; last week until Wednesday two, Thursday's does not count yet
        self.assertEqual((taken.week, taken.today, taken.before), ("4", "2", "2"))
        self.assertEqual(taken.trend, "better")
        # offered this week: four taken and the missed one
        share = self.tile(self.tom, "taken")
        self.assertEqual((share.week, share.rests_on, share.tag), ("80 %", "rests on 5", "derived"))
        # one week of eight is no usual week
        self.assertEqual(taken.usual, "–")
        self.assertEqual([bar["height"] for bar in taken.spark], [0] * 7 + [100])

    @freeze_time(NOW)
    def test_usual_week(self):
        """Three weeks with 1, 2 and 3 conversations: the middle one is 2; weeks without anything are left out."""
        for week in (1, 2, 3):
            for place in range(week):
                start = START + timedelta(days=-7 * week, minutes=place)
                self.deliver(answered(f"w{week}.{place}", start=start))
        self.reckon()
        tile = self.tile(self.tom, "conversations")
        self.assertEqual(tile.usual, "2")
        self.assertEqual([bar["height"] for bar in tile.spark], [0, 0, 0, 0, 100, 67, 33, 0])
        self.assertEqual(tile.spark_text, "The 8 weeks before: –, –, –, –, 3, 2, 1, –")
        # a person who worked and did not talk this week has nought, not "not measured"
        self.assertEqual((tile.week, tile.today), ("0", "0"))
        self.assertEqual(self.tile(self.tom, "taken").week, "–")

    @freeze_time(NOW)
    def test_without_a_phone_calls_are_not_measured(self):
        lead = self.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "user_id": self.jonas.id, "company_id": self.company.id}
        )
        lead.flush_recordset()
        self.env.cr.execute("UPDATE crm_lead SET create_date = '2026-11-10 09:00:00' WHERE id = %s", (lead.id,))
        self.phones["104"].user_id = False
        self.reckon()
        self.assertEqual(self.tile(self.jonas, "calls_made").week, "–")
        self.assertEqual(self.tile(self.jonas, "opportunities").week, "1")
        self.assertEqual(self.tile(self.tom, "calls_made").week, "–")  # no figures at all yet

    @freeze_time(NOW)
    def test_typed_stand_beside_measured(self):
        self.company.crm_voip_typed = True
        self.deliver(outbound("o", start=self.at(9)), outbound("p", start=self.at(10)))
        self.env["crm.voip.typed.call"].with_user(self.tom).with_company(self.company).create(
            {"number": "+12025550101", "started_at": "2026-11-10 10:00:00"}
        )
        self.reckon()
        tile = self.tile(self.tom, "calls_made")
        self.assertEqual((tile.week, tile.rests_on), ("2", "2 measured + 1 typed"))

    @freeze_time(NOW)
    def test_very_cases(self):
        self.deliver(
            answered("a", start=self.at(9)),
            answered("other", phone="102", start=self.at(9, 10)),
            missed("m", start=self.at(10)),
            outbound("o", start=self.at(11)),
            answered("before", start=self.at(4)),
        )
        self.reckon()

        def cases(code, period="week"):
            action = getattr(self.tile(self.tom, code), f"action_show_{period}")()
            found = self.env[action["res_model"]].with_user(self.tom).with_context(**action["context"])
            return found.with_context(allowed_company_ids=self.company.ids).search(action["domain"])

        self.assertEqual(set(cases("taken").mapped("call_ref")), {"a", "m"})
        self.assertEqual(cases("calls_made").mapped("call_ref"), ["o"])
        self.assertEqual(cases("calls_made", "today").mapped("call_ref"), ["o"])
        self.assertEqual(cases("talk").mapped("call_ref"), ["o", "a"])
        self.assertEqual(cases("talk", "before").mapped("call_ref"), ["before"])
        lead = self.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "user_id": self.tom.id, "company_id": self.company.id,
             "expected_revenue": 5}
        )  # fmt: skip
        lead.action_set_won()
        lead.flush_recordset()
        self.assertEqual(cases("won_amount"), lead)
        self.assertFalse(cases("typed_calls"))
        # every number leads somewhere, by the rights of whoever asks
        Behind = self.mine(self.tom).env["crm.productivity.behind"]
        bounds = (datetime(2026, 11, 8, 23), datetime(2026, 11, 11, 23))
        for measure in Behind.env["crm.productivity.day"]._measures():
            if found := Behind._of_measure(measure, self.company, *bounds):
                Behind.env[found[0]].search(found[1], limit=1)
        for tile in self.mine(self.tom).tile_ids:
            self.assertEqual(tile.action_show_week()["type"], "ir.actions.act_window", tile.metric_id.code)

    @freeze_time(NOW)
    def test_as_many_cases_as_the_number_says(self):
        """What is listed is what was counted, for each number that is a plain count."""
        self.deliver(
            answered("a", start=self.at(9), seconds=90),
            answered("b", start=self.at(10), seconds=20),
            missed("m", start=self.at(10)),
            outbound("o", start=self.at(11)),
        )
        self.reckon()
        for code in ("calls_made", "conversations"):
            tile = self.tile(self.tom, code)
            action = tile.action_show_week()
            number = tile.env[action["res_model"]].with_context(**action["context"]).search_count(action["domain"])
            self.assertEqual(tile.week, str(number), code)

    @freeze_time(NOW)
    def test_work_lists(self):
        self.company.crm_voip_outcomes = True
        self.team.crm_voip_outcome_required = True
        self.deliver(answered("a", start=self.at(10)), answered("b", start=self.at(11)))
        mine = self.mine(self.tom)
        self.assertEqual((mine.to_finish, mine.to_finish_text), (2, "The oldest since 1 day"))
        self.assertEqual((mine.unanswered, mine.unanswered_text), (0, "Nothing waiting"))
        self.env["mail.activity"].create(
            {
                "activity_type_id": self.env.ref("crm_voip_bridge.mail_activity_type_promise").id,
                "res_model_id": self.env["ir.model"]._get_id("res.partner"),
                "res_id": self.env["res.partner"].create({"name": "Ann Aurora"}).id,
                "user_id": self.tom.id,
                "date_deadline": "2026-11-11",
            }
        )
        for user in (self.tom, self.rina):
            self.env["crm.productivity.turn"].create(
                {
                    "company_id": self.company.id, "res_model": "res.partner", "res_id": 1, "user_id": user.id,
                    "since": "2026-11-11 09:00:00", "known": True,
                }
            )  # fmt: skip
        mine.invalidate_recordset()
        self.assertEqual((mine.promised, mine.promised_text), (1, "Due today"))
        # Rina's is hers
        self.assertEqual((mine.unanswered, mine.unanswered_text), (1, "The oldest since 3 h"))
        for name in ("to_finish", "unanswered", "promised", "overdue"):
            self.assertEqual(getattr(mine, f"action_{name}")()["type"], "ir.actions.act_window")

    @freeze_time(NOW)
    def test_it_is_always_about_the_reader(self):
        """There is no id under which a colleague's numbers stand, and superiors are nobody special."""
        self.deliver(answered("a", start=self.at(9)))
        self.reckon()
        self.assertEqual(self.tile(self.tom, "conversations").week, "1")
        for user in (self.rina, self.nadia, self.boss, self.admin):
            rows = self.mine(user).tile_ids.read(["week", "today", "comment"])
            self.assertFalse(
                [row for row in rows if row["week"] not in ("–", "0", "0 €", "0.00 €", "€ 0.00")], user.login
            )
        with self.assertRaises(AccessError):
            self.mine(self.clerk).read(["to_finish"])
        with self.assertRaises(AccessError):
            self.mine(self.clerk).env["crm.productivity.tile"].search([])
        for user in (self.tom, self.admin):
            with self.assertRaises(AccessError):
                self.mine(user).write({"name": "x"})

    @freeze_time(NOW)
    def test_choice(self):
        mine = self.mine(self.tom)
        codes = mine.tile_ids.metric_id.mapped("code")
        mine.action_choose()
        choices = mine.env["crm.productivity.choice"].search([])
        self.assertEqual(choices.user_id, self.tom)
        shown = choices.filtered("is_shown")
        self.assertEqual(shown.metric_id.mapped("code"), codes)
        shown[0].is_shown = False
        shown[-1].sequence = -1
        mine.env.flush_all()
        mine.invalidate_recordset()
        self.assertEqual(mine.tile_ids.metric_id.mapped("code"), [codes[-1], *codes[1:-1]])
        # of others it is none of one's business
        self.assertEqual(self.mine(self.rina).tile_ids.metric_id.mapped("code"), codes)
        with self.assertRaises(AccessError):
            shown[0].with_user(self.rina).is_shown = True
        choices.action_as_delivered()
        mine.env.invalidate_all()
        self.assertEqual(self.mine(self.tom).tile_ids.metric_id.mapped("code"), codes)

    @freeze_time(NOW)
    def test_nothing_to_see_says_whom_to_ask(self):
        mine = self.mine(self.tom)
        self.assertTrue(mine.nothing_yet)
        self.assertFalse(mine.can_set_up)
        self.assertIn(self.admin.name, mine.who)
        self.assertTrue(self.mine(self.admin).can_set_up)
        self.deliver(answered("a"))
        mine.invalidate_recordset()
        self.assertFalse(mine.nothing_yet)
        self.assertFalse(mine.no_phone)
        # and at the foot, whether all calls are there
        self.assertIn("Kestrel PBX", mine.footing)

    @freeze_time(NOW)
    def test_says_how_fresh_it_is(self):
        cron = self.env.ref("crm_productivity.ir_cron_reckon")
        mine = self.mine(self.tom)
        # all is reckoned: it is as of now
        self.env["crm.productivity.touched"].search([]).unlink()
        self.env["crm.productivity.stale"].search([]).unlink()
        self.assertEqual((mine.as_of, mine.behind), ("As of 12:00\u202fPM", False))
        self.env["crm.productivity.stale"].create({"company_id": self.company.id, "day": "2026-11-11"})
        for lastcall, as_of, behind in (
            (datetime(2026, 11, 11, 11, 59), True, False),
            (datetime(2026, 11, 11, 11, 0), True, True),
            (False, False, True),
        ):
            self.env.cr.execute("UPDATE ir_cron SET lastcall = %s WHERE id = %s", (lastcall or None, cron.id))
            self.env.invalidate_all()
            self.assertEqual((bool(mine.as_of), bool(mine.behind)), (as_of, behind))

    @freeze_time(NOW)
    def test_costs_the_same_however_much_there_is(self):
        spec = {
            **{name: {} for name in mine_fields(self.env) if name not in ("tile_ids", "target_ids")},
            "tile_ids": {"fields": {name: {} for name in tile_fields(self.env)}},
        }

        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            self.mine(self.tom).web_read(spec)
            self.env.invalidate_all()
            count = self.cr.sql_log_count
            self.mine(self.tom).web_read(spec)
            return self.cr.sql_log_count - count

        self.deliver(answered("a", start=self.at(9)))
        self.reckon()
        few = queries()
        for day in range(30):
            self.deliver(answered(f"d{day}", start=self.at(10) - timedelta(days=day)))
        self.reckon()
        for place in range(10):
            self.env["crm.productivity.metric"].create(
                {"name": "More", "code": f"more_{place}", "meaning": "-", "computation": "-", "formula": "taken"}
            )
        self.assertLessEqual(queries(), few + 1)
        self.assertLessEqual(few, 60)


def mine_fields(env):
    return [name for name in env["crm.productivity.mine"]._fields if name not in ("id", "display_name")]


def tile_fields(env):
    return [name for name in env["crm.productivity.tile"]._fields if name not in ("id", "display_name")]
