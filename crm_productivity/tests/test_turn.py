from datetime import datetime

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import VoipCase
from odoo.tests import tagged

from .stories import story

MAIL = """From: Ann Aurora <ann@aurora.example>
To: {to}
Subject: Pumps
Message-Id: <{ident}@aurora.example>
{head}
{body}
"""


@tagged("-at_install", "post_install")
class TestTurn(VoipCase):
    """Messages as they arrive and go out, and the waiting times that they leave."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Monday to Friday, 8 to 12 and 13 to 17, by UTC, to be reckoned by hand
        cls.company.resource_calendar_id.tz = "UTC"
        cls.ann = cls.env["res.partner"].create({"name": "Ann Aurora", "email": "ann@aurora.example"})
        cls.tom.email, cls.rina.email = "tom@kestrel.example", "rina@kestrel.example"
        with freeze_time("2026-11-02 07:00"):
            cls.lead = cls.env["crm.lead"].create(
                {
                    "name": "Pumps", "type": "opportunity", "partner_id": cls.ann.id, "user_id": cls.tom.id,
                    "team_id": cls.team.id, "company_id": cls.company.id,
                }
            )  # fmt: skip
        cls.count = 0

    def mail(self, moment, body="A question", head=""):
        """A mail of the customer, through Odoo's own gateway."""
        type(self).count += 1
        text = MAIL.format(to="x@kestrel.example", ident=self.count, head=head, body=f"\n{body}")
        self.at(moment)
        self.env["mail.thread"].message_process("crm.lead", text, thread_id=self.lead.id)
        message = self.lead.message_ids[0]
        message.date = self.now
        return message

    def say(self, moment, user=None, **values):
        self.at(moment)
        values = {"body": "An answer", "message_type": "comment", "subtype_xmlid": "mail.mt_comment",
                  "partner_ids": self.ann.ids, **values}  # fmt: skip
        message = (
            self.lead.with_user(user or self.tom).with_context(mail_notify_force_send=False).message_post(**values)
        )
        message.sudo().date = self.now
        return message

    def at(self, moment):
        day, hour, minute = (int(part) for part in moment.replace(":", " ").split())
        self.now = datetime(2026, 11, day, hour, minute)

    def turns(self):
        self.env["crm.productivity.stale"]._catch_up()
        return self.env["crm.productivity.turn"].search(
            [("res_model", "=", "crm.lead"), ("res_id", "=", self.lead.id)], order="since"
        )

    def test_answered_in_working_time(self):
        self.mail("2 16:30")
        self.mail("2 16:40", "One thing more")
        self.say("3 9:00")
        [turn] = self.turns()
        # Monday 16:30 to 17:00, Tuesday 8:00 to 9:00
        self.assertEqual((turn.waited_s, turn.worked_s, turn.own_worked_s), (16.5 * 3600, 5400, 5400))
        self.assertEqual((turn.user_id, turn.team_id, turn.first, turn.known), (self.tom, self.team, True, True))

    def test_what_is_no_answer(self):
        self.mail("2 9:00")
        self.say("2 9:10", subtype_xmlid="mail.mt_note", partner_ids=[])  # an internal note
        self.say("2 9:20", partner_ids=[])  # to nobody outside
        self.say("2 9:30", partner_ids=self.rina.partner_id.ids)
        [turn] = self.turns()
        self.assertFalse(turn.answered_at)
        self.assertIs(turn.waited_s, False)
        self.assertEqual(turn.user_id, self.tom)

    def test_machines_ask_nothing(self):
        for head in (
            "Auto-Submitted: auto-replied",
            "List-Unsubscribe: <mailto:no@aurora.example>",
            "Precedence: bulk",
        ):
            self.assertEqual(self.mail("2 9:00", head=head + "\n").crm_productivity_kind, "automatic")
        self.assertFalse(self.turns())
        self.assertEqual(self.mail("2 9:30").crm_productivity_kind, "person")
        self.assertEqual(len(self.turns()), 1)

    def test_earlier_mail_is_unknown(self):
        self.mail("2 9:00").crm_productivity_kind = False
        self.say("2 10:00")
        [turn] = self.turns()
        self.assertFalse(turn.known)
        self.assertIs(turn.waited_s, False)

    def test_helping_out_is_no_own_waiting(self):
        self.mail("2 9:00")
        self.say("2 11:00", user=self.jonas)
        [turn] = self.turns()
        self.assertEqual((turn.user_id, turn.worked_s, turn.own_worked_s), (self.jonas, 7200, False))

    def test_deleted_message_never_was(self):
        message = self.mail("2 9:00")
        self.assertEqual(len(self.turns()), 1)
        message.unlink()
        self.assertFalse(self.turns())

    @story("messages_sent")
    def test_day(self):
        self.mail("2 9:00")
        self.say("2 10:00")
        self.turns()
        day = self.env["crm.productivity.day"].search([("user_id", "=", self.tom.id), ("day", "=", "2026-11-02")])
        # Tom is in a team since today only: what he wrote is nobody's team's, what was answered the opportunity's
        self.assertEqual([sum(day.mapped(name)) for name in ("questions", "answered", "messages_sent")], [1, 1, 1])
        self.assertEqual(sum(day.mapped("own_response_s")), 3600)
