from datetime import date, datetime

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import VoipCase, answered
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .test_mine import NOW


@tagged("-at_install", "post_install")
class TestComment(VoipCase):
    """What a person says beside a number of theirs, and who sees it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_productivity_comments = True
        cls.metric = cls.env.ref("crm_productivity.metric_conversations")

    def env_of(self, user):
        return self.env(user=user, context={"allowed_company_ids": self.company.ids, "lang": "en_US", "tz": "UTC"})

    def comment(self, user=None, **values):
        values = {"metric_id": self.metric.id, "text": "At the fair", "day": "2026-11-10", **values}
        return self.env_of(user or self.tom)["crm.productivity.comment"].create(values)

    @freeze_time(NOW)
    def test_beside(self):
        week, day = self.comment(), self.comment(period="day", text="Dentist")
        # the week of the 10th begins on Monday, the 9th
        self.assertEqual((week.date_from, week.date_to), (date(2026, 11, 9), date(2026, 11, 15)))
        self.assertEqual((day.date_from, day.date_to), (date(2026, 11, 10), date(2026, 11, 10)))
        Comment = self.env_of(self.tom)["crm.productivity.comment"]
        self.assertEqual(Comment._beside(self.tom, date(2026, 11, 9), date(2026, 11, 9)), week)
        self.assertEqual(Comment._beside(self.tom, date(2026, 11, 10), date(2026, 11, 11)), week | day)
        self.assertFalse(Comment._beside(self.tom, date(2026, 11, 16), date(2026, 11, 22)))
        tile = self.env_of(self.tom)["crm.productivity.tile"].browse(self.metric.id)
        self.assertIn("Dentist", tile.comment)
        self.deliver(answered("a", start=datetime.fromisoformat("2026-11-10 09:00+00:00")))
        self.env["crm.productivity.day"]._reckon(self.company, [date(2026, 11, 10)])
        row = self.env_of(self.tom)["crm.productivity.day"].search([("user_id", "=", self.tom.id)])
        self.assertIn("Conversations: “Dentist”", row.comments)

    @freeze_time(NOW)
    def test_only_the_author_writes(self):
        comment = self.comment()
        # whoever is given as the author is not
        self.assertEqual(self.comment(user_id=self.rina.id).user_id, self.tom)
        for user in (self.rina, self.nadia, self.boss, self.admin):
            other = comment.with_env(self.env_of(user))
            for attempt in (lambda one: one.write({"text": "No"}), lambda one: one.unlink()):
                with self.assertRaises(AccessError):
                    attempt(other)
        comment.text = "At the fair in Utrecht"
        with self.assertRaises(UserError):
            comment.user_id = self.rina
        with self.assertRaises(ValidationError):
            comment.text = "  "
        with self.assertRaises(ValidationError):
            comment.text = "x" * 501
        with self.assertRaises(ValidationError):
            self.comment(day="2026-12-10")
        comment.unlink()
        self.assertFalse(comment.exists())

    @freeze_time(NOW)
    def test_seen_where_the_number_is(self):
        comment = self.comment(day="2026-11-03")

        def seen(user):
            return self.env_of(user)["crm.productivity.comment"].search([("id", "=", comment.id)])

        self.assertTrue(seen(self.tom))
        for user in (self.rina, self.nadia, self.boss, self.admin):
            self.assertFalse(seen(user), user.login)
            with self.assertRaises(AccessError):
                comment.with_env(self.env_of(user)).read(["text"])
        with self.assertRaises(AccessError):
            seen(self.clerk)
        self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "Coaching", "agreement": "2026-10", "min_group": 3}
        )
        self.assertTrue(seen(self.nadia))
        self.assertTrue(seen(self.boss))
        self.assertFalse(seen(self.rina))
        # this week's number is the person's alone until it is over, and so is what stands beside it
        comment = self.comment()
        self.assertFalse(seen(self.nadia))
        self.assertTrue(seen(self.tom))

    @freeze_time(NOW)
    def test_switched_off(self):
        comment = self.comment()
        self.company.crm_productivity_comments = False
        with self.assertRaisesRegex(UserError, "not switched on"):
            self.comment()
        self.assertFalse(comment._beside(self.tom, date(2026, 11, 9), date(2026, 11, 15)))
        self.assertFalse(comment.search([("id", "=", comment.id)]))
        self.assertFalse(comment.sudo()._beside(self.tom, date(2026, 11, 9), date(2026, 11, 15)))
        self.assertFalse(self.env_of(self.tom)["crm.productivity.tile"].browse(self.metric.id).may_comment)

    @freeze_time(NOW)
    def test_told_to_oneself_and_taken_out(self):
        self.company.crm_productivity_targets = True
        comment = self.comment()
        self.env["crm.productivity.target"].create(
            {"metric_id": self.metric.id, "user_id": self.tom.id, "amount": 3, "company_id": self.company.id}
        )
        for user, keys in ((self.tom, {"targets", "number_comments"}), (self.admin, {"targets"})):
            Person = self.env_of(user)["crm.voip.person"]
            told = Person._tell(Person._of(self.tom.with_env(self.env_of(user))))
            self.assertEqual({key for key in keys | {"number_comments"} if told.get(key, ("", []))[1]}, keys)
        Person = self.env_of(self.admin)["crm.voip.person"]
        Person._erase(Person._of(self.tom.with_env(self.env_of(self.admin))))
        self.assertFalse(comment.exists())
        self.assertFalse(self.env["crm.productivity.target"].search([("user_id", "=", self.tom.id)]))
