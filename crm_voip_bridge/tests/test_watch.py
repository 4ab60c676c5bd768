from datetime import timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.tests import tagged

from .common import VoipCase

#: Monday
MORNING = "2026-11-16 08:00:00"


@tagged("-at_install", "post_install")
class TestWatch(VoipCase):
    """A bridge that is silent in working time is told of, once, and taken back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id = cls.env["resource.calendar"].create(
            {
                "name": "Office",
                "tz": "Europe/Amsterdam",
                "company_id": cls.company.id,
                "attendance_ids": [
                    Command.create({"name": str(day), "dayofweek": str(day), "hour_from": 9, "hour_to": 17})
                    for day in range(5)
                ],
            }
        )
        cls.other_admin = cls.admin.copy({"login": "voip_admin2"})
        cls.states = cls.env["crm.voip.pbx.state"]

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()  # what is done in transactions of its own is seen here

    def report(self, moment, says="connected", bridge="b"):
        with freeze_time(moment):
            self.states._note(self.pbx, {"id": bridge, "version": "1", "pbx": says, "waiting": 0}, 0, True)

    def look(self, moment):
        """What the administrators have to do then."""
        with freeze_time(moment):
            self.env.invalidate_all()
            self.states._cron_watch()
            self.env.invalidate_all()
            return self.pbx.activity_ids.user_id & (self.admin | self.other_admin)

    def test_silence(self):
        self.report("2026-11-16 10:00:00")
        self.assertFalse(self.look("2026-11-16 10:02:00"))
        self.assertFalse(self.look("2026-11-16 10:08:00"))
        told = self.look("2026-11-16 10:12:00")
        self.assertEqual(told, self.admin | self.other_admin)
        activities = self.pbx.activity_ids
        self.assertIn("nothing heard", activities[0].summary)
        for minute in range(14, 60, 5):
            self.look(f"2026-11-16 10:{minute}:00")
        self.assertEqual(self.pbx.activity_ids, activities, "one, not one a minute")
        # who has done theirs has no new one of the same silence
        activities.filtered(lambda one: one.user_id == self.admin).action_feedback()
        self.assertEqual(self.look("2026-11-16 12:00:00"), self.other_admin)
        self.report("2026-11-16 12:30:00")
        self.assertFalse(self.look("2026-11-16 12:31:00"), "it closes itself")
        self.assertIn("closed itself", str(self.pbx.message_ids.mapped("body")))
        # and the next one is told again
        self.assertEqual(self.look("2026-11-16 12:50:00"), self.admin | self.other_admin)

    def test_not_outside_working_time(self):
        self.report("2026-11-13 17:00:00")  # Friday, after hours
        for moment in ("2026-11-13 20:00:00", "2026-11-15 12:00:00", "2026-11-16 08:05:00"):
            self.assertFalse(self.look(moment), moment)
        self.assertTrue(self.look("2026-11-16 08:15:00"))

    def test_no_connection_to_the_pbx(self):
        for minute in range(0, 20, 2):
            self.report(f"2026-11-16 10:{minute:02}:00", "Asterisk does not answer")
            told = self.look(f"2026-11-16 10:{minute:02}:30")
            self.assertEqual(bool(told), minute >= 10, minute)
        self.assertIn("no connection", self.pbx.activity_ids[0].summary)
        self.assertIn("does not answer", self.pbx.activity_ids[0].note)
        # from bad to worse is the same trouble
        self.assertTrue(self.look("2026-11-16 11:00:00"))
        self.assertEqual(len(self.pbx.activity_ids), 2)
        self.report("2026-11-16 11:10:00")
        self.assertFalse(self.look("2026-11-16 11:10:30"))

    def test_one_of_two_bridges(self):
        self.report(MORNING, bridge="first")
        for minute in (2, 6, 9):
            self.report(f"2026-11-16 10:{minute:02}:00", bridge="second")
        self.assertTrue(self.look("2026-11-16 10:10:00"))
        self.pbx.active = False
        self.assertFalse(self.look("2026-11-16 10:20:00"), "of an archived PBX nobody expects anything")

    def test_never_connected(self):
        self.states._note(self.pbx, {"id": "b", "version": "1", "pbx": "connecting", "waiting": 0}, 0, False)
        self.assertFalse(self.look(fields.Datetime.now() + timedelta(days=7)))
