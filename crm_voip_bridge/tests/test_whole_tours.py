from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import VoipHttpCase, answered


@tagged("-at_install", "post_install")
class TestWholeTours(VoipHttpCase):
    """The time line and the steps to the first call, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for person in (cls.tom, cls.admin):
            person.password = person.login

    def test_timeline(self):
        Partner = self.env["res.partner"]
        dairy = Partner.create({"name": "Molenaar", "is_company": True})
        lotte = Partner.create({"name": "Lotte", "parent_id": dairy.id, "phone": "+12025550111"})
        jan = Partner.create({"name": "Jan", "parent_id": dairy.id})
        values = {"type": "opportunity", "partner_id": lotte.id, "company_id": self.company.id, "team_id": self.team.id}
        lead = self.env["crm.lead"].create({"name": "Scales", "user_id": self.tom.id, **values})
        secret = self.env["crm.lead"].create({"name": "Secret", "user_id": self.rina.id, **values})
        self.env.flush_all()
        now = fields.Datetime.now()
        self.env.cr.execute("UPDATE crm_lead SET create_date = %s WHERE id = %s", (now - timedelta(days=9), lead.id))
        jan.message_post(body="Hello from Jan", message_type="comment").date = now - timedelta(days=1)
        lead.message_post(body="She wants five", message_type="comment")
        secret.message_post(body="Secret words", message_type="comment")
        lead.activity_schedule(
            "mail.mail_activity_data_todo",
            summary="Send the offer",
            user_id=self.tom.id,
            date_deadline=fields.Date.today() + timedelta(days=3),
        )
        self.send(answered("call", number="+12025550111", start=now.astimezone() - timedelta(days=2)))
        self.assertEqual(self.calls("call").partner_id, lotte)
        self.start_tour(f"/odoo/res.partner/{dairy.id}", "crm_voip_timeline", login=self.tom.login)

    def test_onboarding(self):
        self.pbx.active = False
        self.start_tour("/odoo/crm", "crm_voip_onboarding", login=self.admin.login, timeout=120)
        pbx = self.env["crm.voip.pbx"].search([("name", "=", "Harbour office")])
        self.assertEqual(pbx.extension_ids.mapped("recorded"), [True])
        [call] = self.env["crm.voip.call"].search([("pbx_id", "=", pbx.id)])
        self.assertEqual((call.disposition, call.outside_e164), ("answered", "+31612345678"))
