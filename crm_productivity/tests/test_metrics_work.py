from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import outbound
from odoo.tests import tagged

from .metrics import DAY, MetricCase
from .stories import story

MAIL = """From: Ann Aurora <ann@aurora.example>
To: x@kestrel.example
Subject: Pumps
Message-Id: <{ident}@aurora.example>

A question
"""


@tagged("-at_install", "post_install")
class TestMetricsOfWork(MetricCase):
    """Stories of what was planned, promised, moved, won and lost, and of letters."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ann = cls.env["res.partner"].create({"name": "Ann Aurora", "email": "ann@aurora.example"})
        cls.stages = cls.env["crm.stage"].create(
            [
                {"name": name, "sequence": place, "team_ids": cls.team.ids}
                for place, name in enumerate(("Seen", "Offered"))
            ]
        )
        cls.won_stage = cls.env["crm.stage"].search([("is_won", "=", True)], limit=1)
        cls.lead = cls.opportunity("Pumps", "2026-11-02 08:00")

    @classmethod
    def opportunity(cls, name, created, **values):
        lead = cls.env["crm.lead"].create(
            {"name": name, "type": "opportunity", "partner_id": cls.ann.id, "user_id": cls.tom.id,
             "team_id": cls.team.id, "company_id": cls.company.id, "stage_id": cls.stages[0].id, **values}
        )  # fmt: skip
        cls.dated(lead, create_date=created)
        return lead

    @classmethod
    def dated(cls, lead, **moments):
        """When it was is set by Odoo alone; a story needs another time."""
        cls.env.flush_all()
        for name, moment in moments.items():
            cls.env.cr.execute(f"UPDATE crm_lead SET {name} = %s WHERE id = %s", (moment, lead.id))
        lead.invalidate_recordset()
        lead._productivity_changed()

    def planned(self, day, user=None, record=None, kind="mail.mail_activity_data_todo"):
        return (record or self.lead).activity_schedule(
            kind, date.fromisoformat(day), user_id=(user or self.tom).id, summary="Look in"
        )

    # --- activities ---

    @story("activities_done", "activities_kept", "activities_late")
    def test_activities(self):
        with freeze_time("2026-11-02 15:00"):
            kept, late, open_one, due_today = (
                self.planned(day) for day in ("2026-11-02", "2026-11-02", "2026-11-02", "2026-11-04")
            )
            kept.with_user(self.tom).action_done()
        with freeze_time("2026-11-04 10:00"):
            late.with_user(self.jonas).action_done()
            # of three for the 2nd one was done then; the one for today may still be done today
            self.assertMetrics(self.tom, activities_done=1, activities_kept=100 / 3, activities_late=2)
            today = {"first": date(2026, 11, 4), "last": date(2026, 11, 4)}
            self.assertMetrics(self.jonas, of=today, activities_done=1, activities_kept=None)
            self.assertMetrics(self.tom, of=today, activities_kept=None)
        with freeze_time("2026-11-05 00:01"):
            # nobody touched anything: midnight made it late
            self.assertMetrics(self.tom, of=today, activities_kept=0, activities_late=1)
        self.assertEqual(kept.crm_productivity_done_by_id, self.tom)
        self.assertTrue(open_one.active and due_today.active)

    def test_done_when_it_was_by_the_company_s_clock(self):
        """Odoo keeps the day of Greenwich: half past eleven in the evening there is the next morning in Kiritimati."""
        for zone, day in (("Pacific/Kiritimati", date(2026, 11, 3)), ("Pacific/Pago_Pago", date(2026, 11, 2))):
            self.company.partner_id.tz = zone
            with freeze_time("2026-11-02 23:30"):
                activity = self.planned("2026-11-03")
                activity.with_user(self.tom).action_done()
                self.assertEqual(activity.date_done, date(2026, 11, 2))
            with freeze_time("2026-11-06 12:00"):
                self.assertMetrics(self.tom, of={"first": day, "last": day}, activities_done=1)
            activity.unlink()

    def test_done_again_and_taken_back(self):
        with freeze_time("2026-11-02 15:00"):
            activity = self.planned("2026-11-02")
            activity.with_user(self.tom).action_done()
        with freeze_time("2026-11-03 15:00"):
            activity.write({"active": False})
            self.assertEqual(activity.crm_productivity_done_at, datetime(2026, 11, 2, 15))
            activity.write({"active": True})
            self.assertFalse(activity.crm_productivity_done_at or activity.crm_productivity_done_by_id)
            self.assertMetrics(self.tom, activities_done=0, activities_late=1)
        # somebody deletes the opportunity, and what was to be done for it
        with freeze_time("2026-11-04 15:00"):
            self.lead.unlink()
            self.Stale._catch_up()
            self.assertFalse(self.Day.search(self.domain(self.tom)).activities_late)

    def test_marking_as_done_costs_no_query(self):
        activities = self.planned("2026-11-02") | self.planned("2026-11-03")
        activities.mapped("active")
        self.env.flush_all()
        with self.assertQueryCount(2, flush=False):  # the callbacks that they may stand for, and the UPDATE
            activities.write({"active": False})
            activities.flush_recordset()

    @story("promises_kept", "promises_late")
    def test_promises(self):
        refs = ("o1", "o2", "o3", "o4")
        self.deliver(*(outbound(ref) for ref in refs))
        with freeze_time("2026-11-02 15:00"):
            activities = [self.planned("2026-11-03") for _ref in refs]
            for ref, activity in zip(refs, activities, strict=True):
                self.wrapup(
                    self.calls(ref), self.tom, promised_at=date(2026, 11, 3), followed={"activity": activity.id}
                )
        with freeze_time("2026-11-03 10:00"):
            activities[0].with_user(self.tom).action_done()
            activities[1].date_deadline = date(2026, 11, 20)  # put off, but the customer was not told
            activities[2].unlink()
        of = {"first": date(2026, 11, 3), "last": date(2026, 11, 3)}
        with freeze_time("2026-11-03 20:00"):
            self.assertMetrics(self.tom, of=of, promises_kept=None, promises_late=0)
        with freeze_time("2026-11-05 10:00"):
            activities[1].with_user(self.tom).action_done()
            activities[3].with_user(self.tom).action_done()
            # four were promised for the 3rd; one was done by then
            self.assertMetrics(self.tom, of=of, promises_kept=25, promises_late=3)

    # --- meetings ---

    @story("meetings")
    def test_meetings_held(self):
        with freeze_time("2026-11-02 09:30"):
            self.env["calendar.event"].create(
                [
                    {
                        "name": "Visit",
                        "start": f"2026-11-02 {start}",
                        "stop": f"2026-11-02 {stop}",
                        "user_id": self.tom.id,
                    }
                    for start, stop in (("08:00", "09:00"), ("09:00", "10:00"), ("15:00", "16:00"))
                ]
            )
            # one is over, one is going on, one is to come
            self.assertMetrics(self.tom, meetings=1)
        with freeze_time("2026-11-02 10:05"):
            self.assertMetrics(self.tom, meetings=2)
        with freeze_time("2026-11-03 10:05"):
            self.assertMetrics(self.tom, meetings=3)

    # --- the pipeline ---

    @story(
        "opportunities", "won", "won_amount", "opened_amount", "lost_deals", "lost_amount", "win_rate", "days_to_win"
    )
    def test_pipeline(self):
        self.lead.expected_revenue = 100
        for name, revenue, days in (("Valves", 500, 10), ("Hoses", 700, 30), ("Taps", 900, 20)):
            lead = self.opportunity(name, datetime(2026, 11, 2, 12) - timedelta(days=days), expected_revenue=revenue)
            lead.action_set_won()
            self.dated(lead, date_closed=datetime(2026, 11, 2, 12))
        lost = self.opportunity("Drains", "2026-11-02 09:00", expected_revenue=50)
        lost.action_set_lost()
        self.dated(lost, date_closed=datetime(2026, 11, 2, 13))
        # new on the 2nd: pumps and drains; won 500 + 700 + 900; 3 of 4 decided; 10, 20 and 30 days: usually 20
        self.assertMetrics(
            self.tom, opportunities=2, opened_amount=150, won=3, won_amount=2100, lost_deals=1, lost_amount=50,
            win_rate=75, days_to_win=20 * 86400,
        )  # fmt: skip
        metric = self.env.ref("crm_productivity.metric_days_to_win")
        self.assertEqual(metric._shown(20 * 86400.0), "20.0 days")

    def test_days_are_no_sum(self):
        """Others add up day_open, the days until assignment, as "days to close a deal"."""
        for count in range(2):
            lead = self.opportunity(f"Deal {count}", "2026-10-31 12:00")
            self.dated(lead, date_open="2026-10-31 12:00")
            lead.action_set_won()
            self.dated(lead, date_closed="2026-11-02 12:00")
        # two deals of two days each take two days, not four and not none
        self.assertMetrics(self.tom, days_to_win=2 * 86400)

    @story("moved")
    def test_moved(self):
        def move(stage, user, at):
            lead = self.lead.with_user(user).with_context(tracking_disable=False, mail_notrack=False)
            lead.stage_id = stage
            self.env.flush_all()
            self.env.cr.precommit.run()
            self.lead.invalidate_recordset()
            self.lead.message_ids.filtered("tracking_value_ids")[0].date = at

        # what was created in this transaction is not tracked
        self.env.flush_all()
        self.env.cr.precommit.run()
        move(self.stages[1], self.tom, "2026-11-02 10:00")
        move(self.stages[0], self.tom, "2026-11-02 11:00")
        move(self.stages[1], self.jonas, "2026-11-03 11:00")
        self.assertMetrics(self.tom, moved=2)
        self.assertMetrics(self.jonas, of={"first": DAY, "last": DAY + timedelta(days=1)}, moved=1)
        # what became of it is forgotten with it
        self.lead.unlink()
        self.assertMetrics(self.tom, moved=None)

    # --- letters ---

    @story("reply_rate", "response_median", "team_answered")
    def test_letters(self):
        self.company.resource_calendar_id.tz = "UTC"
        other = self.opportunity("Valves", "2026-11-02 07:00")
        for lead in (self.lead, other):
            lead.date_open = "2026-11-02 07:00"
            self.env["mail.thread"].message_process("crm.lead", MAIL.format(ident=lead.id), thread_id=lead.id)
            lead.message_ids[0].date = "2026-11-02 09:00"
        answer = self.lead.with_user(self.tom).message_post(
            body="An answer", message_type="comment", subtype_xmlid="mail.mt_comment", partner_ids=self.ann.ids
        )
        answer.sudo().date = "2026-11-02 10:30"
        # two letters, one was answered, after an hour and a half of a Monday morning
        self.assertMetrics(self.tom, reply_rate=50, response_median=5400)
        self.assertMetrics(of={"team": self.team}, team_answered=5400)
