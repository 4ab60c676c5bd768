from datetime import datetime, timedelta, timezone

from odoo.tests import tagged

from .common import VoipHttpCase, answered, missed, outbound
from .test_callback import monday


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

    def test_call_card(self):
        """Somebody with a number that two share is on the phone when the page is loaded."""
        self.company.crm_voip_card = True
        shared = {"company_id": self.company.id, "phone": "+1 202-555-0150"}
        _pieter, els = self.env["res.partner"].create([
            {"name": "Pieter Smit", **shared},
            {"name": "Els de Wit", **shared},
        ])  # fmt: skip
        self.env.flush_all()
        start = datetime.now(timezone.utc) - timedelta(seconds=30)
        events = answered("shared", number="+12025550150", start=start)[:8]
        self.env["crm.voip.call"].sudo()._fold(self.pbx, self._take(events))
        self.start_tour("/odoo/crm", "crm_voip_call_card", login=self.tom.login)
        call = self.calls("shared")
        self.assertEqual((call.partner_id, call.match_state), (els, "picked"))
        wrapup = self.env["crm.voip.wrapup"].search([("call_id", "=", call.id), ("user_id", "=", self.tom.id)])
        self.assertEqual((wrapup.note, wrapup.done_how), ("Wants a quotation", "closed"))
        self.assertTrue(wrapup.rang_at and wrapup.opened_at and wrapup.noted_at)

    def test_callbacks(self):
        start = monday()
        self.env["res.partner"].create([
            {"name": name, "phone": phone, "user_id": self.tom.id}
            for name, phone in (("Lotte van Dijk", "+12025550150"), ("Reached yesterday", "+12025550152"))
        ])  # fmt: skip
        self.env.flush_all()
        for place, number in enumerate(("+12025550150", "+12025550151", "+12025550152")):
            at = start + timedelta(minutes=place)
            self.env["crm.voip.call"].sudo()._fold(self.pbx, self._take(missed(number, number=number, start=at)))
        self.env["crm.voip.callback"].search([("number", "=", "+12025550151")])._assign(self.tom)
        back = outbound("back", number="+12025550152", start=start + timedelta(minutes=45))
        self.env["crm.voip.call"].sudo()._fold(self.pbx, self._take(back))
        self.start_tour("/odoo/crm", "crm_voip_callbacks", login=self.tom.login)
        callbacks = self.env["crm.voip.callback"].search([("company_id", "=", self.company.id)], order="number")
        self.assertEqual(callbacks.mapped("state"), ["open", "open", "done"])
        entries = self.env["crm.voip.callback.entry"].search([("number", "=", "+12025550151")])
        self.assertEqual(entries.mapped("kind"), ["dropped", "reopened"])
        self.assertEqual(entries.user_id, self.tom)

    def _take(self, events):
        fresh = self.pbx.env["crm.voip.journal"]._take(self.pbx, events)
        return self.pbx.env["crm.voip.call.ref"]._refs_of(fresh)
