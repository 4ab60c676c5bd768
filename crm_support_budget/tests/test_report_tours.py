from datetime import timedelta

from odoo import fields
from odoo.addons.crm_voip_bridge.tests.common import VoipHttpCase
from odoo.tests import new_test_user, tagged


@tagged("post_install", "-at_install")
class TestReportTours(VoipHttpCase):
    """The reports, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        vera = new_test_user(
            cls.env,
            "support_vera",
            groups="crm_support_budget.group_supervisor",
            company_id=cls.company.id,
            company_ids=cls.company.ids,
        )
        vera.password = vera.login
        now = fields.Datetime.now() - timedelta(hours=2)
        for place, minutes in enumerate((10, 20, 60)):
            customer = cls.env["res.partner"].create({"name": f"Customer {place}", "is_company": True})
            request = cls.env["crm.support.request"].create(
                {
                    "name": f"Help of Customer {place}",
                    "contact_id": customer.id,
                    "company_id": cls.company.id,
                    "waiting_since": now,
                }
            )
            cls.env["crm.support.contact"].with_user(vera)._by_hand(
                customer, 5, "Helped", now + timedelta(minutes=minutes), request=request, company=cls.company
            )

    def test_waits(self):
        self.start_tour(
            "/odoo/action-crm_support_budget.crm_support_wait_action", "crm_support_waits", login="support_vera"
        )

    def test_use(self):
        self.start_tour(
            "/odoo/action-crm_support_budget.crm_support_use_action", "crm_support_use", login="support_vera"
        )

    def test_fit(self):
        self.start_tour(
            "/odoo/action-crm_support_budget.crm_support_fit_action", "crm_support_fit", login="support_vera"
        )

    def test_dashboard(self):
        dashboard = self.env["crm.support.dashboard"]._make()
        self.start_tour(f"/odoo/dashboards?dashboard_id={dashboard.id}", "crm_support_dashboard", login="support_vera")
