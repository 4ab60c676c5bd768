from odoo.tests import tagged

from .common import VoipHttpCase, answered


@tagged("-at_install", "post_install")
class TestTours(VoipHttpCase):
    """What people do with the screens, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for person in (cls.tom, cls.admin):
            person.password = person.login

    def test_choose_customer(self):
        shared = {"company_id": self.company.id, "phone": "+1 202-555-0150"}
        _pieter, els = self.env["res.partner"].create([
            {"name": "Pieter Smit", **shared},
            {"name": "Els de Wit", **shared},
        ])  # fmt: skip
        self.env.flush_all()
        self.env["crm.voip.call"].sudo()._fold(self.pbx, self._take(answered("shared", number="+12025550150")))
        self.start_tour("/odoo/crm", "crm_voip_choose_customer", login=self.tom.login)
        call = self.calls("shared")
        self.assertEqual((call.partner_id, call.match_state), (els, "picked"))
        remembered = self.env["crm.voip.number"].search([("source", "=", "pick")])
        self.assertEqual((remembered.e164, remembered.partner_id), ("+12025550150", els))

    def test_connect_pbx(self):
        self.start_tour("/odoo/crm", "crm_voip_connect_pbx", login=self.admin.login)
        pbx = self.env["crm.voip.pbx"].search([("name", "=", "Harbour office")])
        self.assertEqual(pbx.extension_ids.mapped(lambda phone: (phone.number, phone.recorded)), [("301", True)])
        self.assertEqual(len(pbx.key_ids), 1)

    def test_people_switch(self):
        self.admin.group_ids += self.env.ref("base.group_system") | self.env.ref("sales_team.group_sale_manager")
        self.start_tour("/odoo/settings#crm", "crm_voip_people_switch", login=self.admin.login)
        switch = self.env["crm.voip.people.switch"].search([("company_id", "=", self.company.id)])
        self.assertEqual((switch.purpose, switch.off_by_id), ("Share calls fairly", self.admin))

    def _take(self, events):
        fresh = self.pbx.env["crm.voip.journal"]._take(self.pbx, events)
        return self.pbx.env["crm.voip.call.ref"]._refs_of(fresh)
