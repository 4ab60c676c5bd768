from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.addons.crm_productivity.lib.messages import read_own
from odoo.addons.crm_voip_bridge.tests.common import CUSTOMER
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .metrics import DAY, MetricCase
from .stories import story
from .test_channel import ChannelPeople


@tagged("-at_install", "post_install")
class TestChannelUpkeep(ChannelPeople, MetricCase):
    """Messages of other systems where their contact, opportunity or channel changes, and numbers by channel."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = "UTC"
        cls.set_up_channel()

    def told(self, ident, moment, direction="in", number=CUSTOMER, **more):
        row = {"id": ident, "at": f"{moment.isoformat()}Z", "direction": direction, "number": number, **more}
        return self.channel._take(read_own({"messages": [row]}))

    def kept(self):
        self.Stale._catch_up()
        turns = self.env["crm.productivity.turn"].search([("company_id", "=", self.company.id)])
        names = ["res_model", "res_id", "channel_id", "since", "answered_at", "settled_at", "user_id", "waited_s"]
        days = self.Day.search([("company_id", "=", self.company.id)])
        counts = ["questions", "answered", "settled", "other_questions", "other_answered", "mail_questions"]
        return [
            sorted(str([row[name] for name in some]) for row in records.read(some, load=None))
            for records, some in ((turns, names), (days, ["day", *counts]))
        ]

    def assertSameFromNothing(self):
        kept = self.kept()
        for name in (*self.Stale._kept(), "crm.productivity.turn", "crm.productivity.known"):
            self.env[name].search([]).unlink()
        self.Stale._mark_everything()
        self.assertEqual(kept, self.kept())

    def opportunity(self, name):
        values = {"type": "opportunity", "user_id": self.tom.id, "team_id": self.team.id, "company_id": self.company.id}
        return self.env["crm.lead"].create({"name": name, "partner_id": self.ann.id, **values})

    def of_lead(self, lead, ident, hour):
        self.told(ident, datetime(2026, 11, 2, hour))
        self.env["crm.productivity.message"].search([("ref", "=", ident)]).lead_id = lead
        self.env["crm.productivity.touched"]._mark({("crm.lead", lead.id), ("res.partner", self.ann.id)})
        self.Stale._catch_up()

    def threads(self):
        turns = self.env["crm.productivity.turn"].search([("channel_id", "=", self.channel.id)], order="since, id")
        return [(turn.res_model, turn.res_id, bool(turn.settled_at)) for turn in turns]

    # --- records that change ---

    def test_merged_opportunities(self):
        pumps, valves = self.opportunity("Pumps"), self.opportunity("Valves")
        self.of_lead(pumps, "1", 9)
        self.of_lead(valves, "2", 10)
        self.env["crm.productivity.turn"].search(
            [("res_id", "=", valves.id), ("res_model", "=", "crm.lead")]
        ).with_user(self.tom).action_settle()
        self.assertEqual(self.threads(), [("crm.lead", pumps.id, False), ("crm.lead", valves.id, True)])
        merged = (pumps + valves).merge_opportunity()
        self.Stale._catch_up()
        # both are one conversation, since nine; what was said of one of them is said of it
        self.assertEqual(self.threads(), [("crm.lead", merged.id, True)])
        self.assertSameFromNothing()

    def test_deleted_opportunity(self):
        pumps = self.opportunity("Pumps")
        self.of_lead(pumps, "1", 9)
        self.assertEqual(self.threads(), [("crm.lead", pumps.id, False)])
        pumps.unlink()
        self.Stale._catch_up()
        # the contact still waits
        self.assertEqual(self.threads(), [("res.partner", self.ann.id, False)])
        self.assertSameFromNothing()

    def test_merged_and_deleted_contacts(self):
        other = self.ann.copy({"name": "Ann A.", "phone": "+12025550109"})
        self.told("1", datetime(2026, 11, 2, 9))
        self.told("2", datetime(2026, 11, 2, 10), number="+12025550109")
        self.Stale._catch_up()
        turns = self.env["crm.productivity.turn"].search([("channel_id", "=", self.channel.id)])
        self.assertEqual(set(turns.mapped("res_id")), {self.ann.id, other.id})
        turns.filtered(lambda turn: turn.res_id == self.ann.id).with_user(self.tom).action_settle()
        self.env["base.partner.merge.automatic.wizard"]._merge((self.ann + other).ids, other)
        self.Stale._catch_up()
        self.assertEqual(self.threads(), [("res.partner", other.id, True)])
        self.assertSameFromNothing()
        other.unlink()
        self.Stale._catch_up()
        self.assertFalse(self.threads())
        self.assertSameFromNothing()

    def test_deleted_channel(self):
        self.told("1", datetime(2026, 11, 2, 9))
        self.assertIn("[datetime.date(2026, 11, 2), 1, 0, 0, 1, 0, 0]", self.kept()[1])
        self.channel.unlink()
        self.assertFalse(self.kept()[0])
        self.assertFalse(self.value("other_reply_rate", self.tom))
        self.assertSameFromNothing()
        mail = self.env["crm.productivity.channel"].browse(self.env["crm.productivity.channel"]._of_kind("mail"))
        with self.assertRaisesRegex(UserError, "last covered day"):
            mail.unlink()

    def test_taken_back(self):
        self.told("1", datetime(2026, 11, 2, 9))
        [turn] = self.turns()
        with self.assertRaisesRegex(UserError, "Nobody said"):
            turn.with_user(self.tom).action_unsettle()
        # whoever says so, it stays among what Tom was asked
        turn.with_user(self.boss).action_settle()
        [turn] = self.turns()
        self.assertEqual((turn.user_id, turn.settled_by_id), (self.tom, self.boss))
        self.assertMetrics(self.tom, reply_rate=0, settled=1)
        with self.assertRaises(AccessError):
            turn.with_user(self.boss).action_unsettle()
        turn.with_user(self.tom).action_unsettle()
        [turn] = self.turns()
        self.assertTrue(turn.is_waiting)
        self.assertFalse(self.env["crm.productivity.settled"].search([("res_id", "=", self.ann.id)]))

    def test_wrong_clock(self):
        self.assertEqual(self.told("1", datetime.now() + timedelta(days=2)), 0)
        self.assertEqual(self.told("2", datetime.now() + timedelta(hours=2)), 1)

    def test_holiday_in_the_week_of_daylight_saving(self):
        calendar = self.company.resource_calendar_id
        calendar.tz = "Europe/Amsterdam"
        self.env["resource.calendar.leaves"].create(
            {"name": "Holiday", "calendar_id": calendar.id, "company_id": self.company.id,
             "date_from": "2026-10-25 23:00:00", "date_to": "2026-10-26 22:59:59"}
        )  # fmt: skip
        self.channel.covered_from = "2026-10-01"
        # Friday 16:30, UTC+2, to Tuesday 9:00, UTC+1, with the Monday off: half an hour, and an hour from eight
        self.told("1", datetime(2026, 10, 23, 14, 30))
        self.told("2", datetime(2026, 10, 27, 8), direction="out", login="voip_tom")
        [turn] = self.turns()
        self.assertEqual((turn.worked_s, turn.own_worked_s), (5400, 5400))
        # by the clock it is four days less 7.5 hours, and the hour that was there twice
        self.assertEqual(turn.waited_s, (4 * 24 - 7.5 + 1) * 3600)

    # --- coverage ---

    def test_covered_days_are_the_companys(self):
        # in Auckland, UTC+13, the 3rd begins on the 2nd at 11:00 UTC
        self.company.partner_id.tz = "Pacific/Auckland"
        self.channel.covered_from = "2026-11-03"
        self.told("1", datetime(2026, 11, 2, 10, 59))
        self.told("2", datetime(2026, 11, 2, 11), number="+12025550109")
        self.ann.copy({"name": "Bo", "phone": "+12025550109"})
        self.told("3", datetime(2026, 11, 2, 11, 30), number="+12025550109")
        turns = self.turns()
        self.assertEqual(turns.mapped("since"), [datetime(2026, 11, 2, 10, 59), datetime(2026, 11, 2, 11, 30)])
        self.assertEqual(turns.mapped("is_covered"), [False, True])
        self.assertEqual(turns.search([("id", "in", turns.ids), ("is_covered", "=", False)]), turns[0])
        days = self.Day.search([("company_id", "=", self.company.id), ("other_questions", ">", 0)])
        self.assertEqual(days.mapped("day"), [date(2026, 11, 3)])

    def test_silence_is_noticed(self):
        Channel = self.env["crm.productivity.channel"]
        today = date(2026, 11, 20)

        def silent():
            return [line for line in Channel._coverage(self.company, today, today) if "since" in line]

        with freeze_time("2026-11-20 12:00"):
            self.env["fetchmail.server"].search([]).error_date = False
            self.channel.last_at = "2026-11-18 12:00"
            self.assertFalse(silent())
            self.channel.last_at = "2026-11-16 12:00"
            Channel._of_kind("mail")
            self.env["fetchmail.server"].create({"name": "Mail", "error_date": "2026-11-19 08:00"})
            lines = silent()
        self.assertEqual(len(lines), 2)
        self.assertTrue([line for line in lines if line.startswith("Chat: nothing has come since")])
        self.assertTrue([line for line in lines if "incoming mail has not answered" in line])

    # --- numbers ---

    @story(
        "mail_reply_rate", "mail_response", "sms_reply_rate", "sms_response", "chat_reply_rate", "chat_response",
        "other_reply_rate", "other_response",
    )  # fmt: skip
    def test_by_channel(self):
        ways = ("mail", "sms", "chat", "other")
        self.assertMetrics(**{f"{way}_{name}": None for way in ways for name in ("reply_rate", "response")})
        start = datetime.combine(DAY, datetime.min.time())
        Channel = self.env["crm.productivity.channel"]
        channels = {way: Channel.browse(Channel._of_kind(way)) for way in ways[:3]} | {"other": self.channel}
        for channel in channels.values():
            channel.covered_from = "2026-11-01"
        # on Monday at nine, two through each way; one of them was answered, after half an hour, one, two and three hours
        for place, (way, half_hours) in enumerate(zip(ways, (1, 2, 4, 6), strict=True)):
            numbers = [f"+120255502{place}{one}" for one in range(2)]
            self.env["res.partner"].create(
                [{"name": number, "phone": number, "user_id": self.tom.id, "company_id": self.company.id}
                 for number in numbers]
            )  # fmt: skip
            for number in numbers:
                self.keep(channels[way], f"{way}{number}", start + timedelta(hours=9), number)
            ended = start + timedelta(hours=9, minutes=30 * half_hours)
            self.keep(channels[way], f"{way}9", ended, numbers[0], direction="out", login="voip_tom")
        # 1 of 2 each
        self.assertMetrics(self.tom, **{f"{way}_reply_rate": 50 for way in ways}, reply_rate=50, messages_sent=4)
        # working hours are 8 to 12: three hours after nine is twelve
        self.assertMetrics(self.tom, mail_response=1800, sms_response=3600, chat_response=7200, other_response=10800)
        # a day of SMS that was not covered: no rate, and not one of 0 % or 100 %
        self.env["crm.productivity.outage.day"].create(
            {"channel_id": channels["sms"].id, "date_from": DAY, "date_to": DAY}
        )
        self.assertMetrics(self.tom, sms_reply_rate=None, sms_response=None, mail_reply_rate=50)
        start, end = self.Stale._bounds(self.company, DAY, DAY)
        behind = self.env["crm.productivity.behind"].with_user(self.tom)
        for measure, cases in (("sms_questions", 0), ("mail_questions", 2), ("other_answered", 1), ("questions", 6)):
            model, domain = behind._of_measure(measure, self.company, start, end)
            self.assertEqual(self.env[model].with_user(self.tom).search_count(domain), cases, measure)

    def keep(self, channel, ident, at, number, direction="in", **more):
        """A row of any channel, as another system would tell it."""
        self.told(ident, at, direction, number, **more)
        self.env["crm.productivity.message"].search([("ref", "=", ident)]).channel_id = channel
