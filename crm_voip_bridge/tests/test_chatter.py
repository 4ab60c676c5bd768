from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import CUSTOMER, VoipCase, answered, many, told


@tagged("-at_install", "post_install")
class TestChatter(VoipCase):
    """If the company wants it, a call leaves a quiet line, read by those who may see the call."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER})
        cls.company.crm_voip_chatter = True

    def lines(self, user=None):
        messages = self.env["mail.message"]
        if user:
            messages = messages.with_user(user).with_context(allowed_company_ids=self.company.ids)
        return messages.search([("model", "=", "res.partner"), ("res_id", "=", self.partner.id)])

    def about_calls(self, user=None):
        return self.lines(user).filtered("crm_voip_call_id")

    def test_off_by_default(self):
        self.assertFalse(self.env["res.company"].create({"name": "New"}).crm_voip_chatter)
        self.company.crm_voip_chatter = False
        self.deliver(answered())
        self.assertFalse(self.about_calls())

    def test_one_line_a_call(self):
        events = answered()
        self.deliver(events[:8])
        self.assertFalse(self.about_calls())
        self.deliver(events[8:])
        line = self.about_calls()
        self.assertEqual(line.crm_voip_call_id, self.calls())
        self.assertIn("Answered", line.body)
        self.assertIn("1:00", line.body)
        self.assertFalse(line.notification_ids)
        self.assertEqual(line.subtype_id, self.env.ref("mail.mt_note"))
        self.calls().action_recalculate()
        self.assertEqual(self.about_calls(), line)

    def test_goes_where_the_customer_goes(self):
        call = self.deliver_one(answered())
        line = self.about_calls()
        other = self.env["res.partner"].create({"name": "Bob"})
        call._pick(other, self.env["crm.lead"])
        self.assertEqual((line.model, line.res_id), ("res.partner", other.id))
        call._pick(other.browse(), self.env["crm.lead"])
        self.assertFalse(line.exists())

    def test_merged_calls_keep_one_line(self):
        self.deliver(answered("a"), answered("b"))
        self.assertEqual(len(self.about_calls()), 2)
        self.deliver(told("70 transferred c attended a+b", call="a"))
        self.assertEqual(len(self.calls()), 1)
        self.assertEqual(self.about_calls().crm_voip_call_id, self.calls())
        self.assertEqual(len(self.about_calls()), 1)

    def test_on_the_opportunity_if_there_is_one(self):
        lead = self.env["crm.lead"].create(
            {
                "name": "Deal",
                "type": "opportunity",
                "partner_id": self.partner.id,
                "company_id": self.company.id,
                "team_id": self.team.id,
                "user_id": self.tom.id,
            }
        )
        self.deliver(answered())
        line = self.env["mail.message"].search([("crm_voip_call_id", "=", self.calls().id)])
        self.assertEqual((line.model, line.res_id), ("crm.lead", lead.id))

    def test_read_by_those_who_see_the_call(self):
        self.deliver(answered())
        line = self.about_calls()
        note = self.partner.message_post(body="A note")
        for user, sees in (
            (self.tom, True),
            (self.nadia, True),
            (self.boss, True),
            (self.rina, False),
            (self.clerk, False),
        ):
            self.assertEqual(self.about_calls(user), line if sees else line.browse(), user.login)
            self.assertIn(note, self.lines(user), user.login)
            own = line.with_user(user).with_context(allowed_company_ids=self.company.ids)
            if sees:
                self.assertTrue(own.read(["body"]))
            else:
                with self.assertRaises(AccessError):
                    own.read(["body"])
            thread = self.partner.with_user(user).with_context(allowed_company_ids=self.company.ids)
            self.assertEqual(line.id in thread.message_ids.ids, sees, user.login)
            fetched = own._message_fetch(domain=None, thread=thread)["messages"]
            self.assertEqual(line in fetched, sees, user.login)

    def test_written_in_batches(self):
        self.env["res.partner"].create([{"name": f"C{place}", "phone": f"+1202555{place:04}"} for place in range(100)])
        self.deliver(answered("warm"))
        counts = []
        for prefix, count in (("few", 10), ("lots", 100)):
            events = many(count, prefix=prefix)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.deliver(events)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(self.env["mail.message"].search_count([("crm_voip_call_id", "!=", False)]), 111)
        self.assertLessEqual(counts[1] - counts[0], 10, counts)
