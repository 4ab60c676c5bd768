from datetime import datetime, timedelta, timezone

from odoo.tests import tagged

from .common import CUSTOMER, VoipHttpCase, answered


@tagged("-at_install", "post_install")
class TestOutcomeTours(VoipHttpCase):
    """What is done after a call, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"crm_voip_outcomes": True, "crm_voip_supervisor_notes": True, "crm_voip_typed": True})
        cls.team.crm_voip_outcome_required = True
        cls.tom.password = cls.tom.login
        cls.ada = cls.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER, "company_id": cls.company.id})
        cls.env.flush_all()

    def call(self):
        start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=1)
        fresh = self.pbx.env["crm.voip.journal"]._take(self.pbx, answered("ada", start=start))
        refs = self.pbx.env["crm.voip.call.ref"]._refs_of(fresh)
        self.env["crm.voip.call"].sudo()._fold(self.pbx, refs)
        return self.calls("ada")

    def test_outcome_on_the_call(self):
        call = self.call()
        self.start_tour("/odoo/crm", "crm_voip_outcome_on_call", login=self.tom.login)
        self.assertEqual(call.note, "Wants <b>two</b> scales")
        self.assertEqual(call.outcome_id, self.env.ref("crm_voip_bridge.outcome_interested"))
        self.assertFalse(self.ada.activity_ids, "what followed was taken back")
        note = self.env["crm.voip.supervisor.note"].search([("call_id", "=", call.id)])
        self.assertEqual((note.kind, note.author_id, note.partner_id), ("harassment", self.tom, self.ada))

    def test_typed_call(self):
        self.start_tour(f"/odoo/contacts/{self.ada.id}", "crm_voip_typed_call", login=self.tom.login)
        typed = self.env["crm.voip.typed.call"].search([("partner_id", "=", self.ada.id)])
        self.assertEqual((typed.minutes, typed.user_id, typed.origin), (5, self.tom, "typed"))
        self.assertFalse(self.calls())
