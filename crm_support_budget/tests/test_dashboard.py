import json

from odoo.addons.spreadsheet.utils.validate_data import fields_in_spreadsheet, menus_xml_ids_in_spreadsheet
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import MONDAY, SupportCase


@tagged("post_install", "-at_install")
class TestDashboard(SupportCase):
    """Odoo's dashboards are no dependency of ours; the addons beside this one bring them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dashboard = cls.env["crm.support.dashboard"]._make()

    def test_made_once(self):
        again = self.env["crm.support.dashboard"]._make()
        self.assertEqual(again, self.env.ref("crm_support_budget.spreadsheet_dashboard_support"))
        self.assertEqual(again, self.dashboard)
        known = self.env["ir.model.data"].search(
            [("model", "=", "spreadsheet.dashboard"), ("module", "=", "crm_support_budget")]
        )
        # what Odoo deletes when we are uninstalled, and leaves alone when we are upgraded
        self.assertEqual((known.res_id, known.noupdate), (self.dashboard.id, True))

    def test_by_the_scheduled_action_if_dashboards_came_later(self):
        self.dashboard.unlink()
        self.env.ref("crm_support_budget.ir_cron_dashboard").ir_actions_server_id.run()
        self.assertTrue(self.env.ref("crm_support_budget.spreadsheet_dashboard_support").is_published)

    def test_names_what_there_is(self):
        data = json.loads(self.dashboard.spreadsheet_data)
        found = {}
        for model, names in fields_in_spreadsheet(data).items():
            self.assertIn(model, ("crm.support.entry", "crm.support.wait"))
            found[model] = self.env[model].with_user(self.vera).fields_get()
            for name in names:
                field = self.env[model]._fields[name.split(":")[0].split(".")[0]]
                self.assertNotEqual(field.comodel_name, "res.users", "no persons")
                self.assertIn(field.name, found[model])
        for pivot in data["pivots"].values():
            for measure in pivot["measures"]:
                self.assertTrue(found[pivot["model"]][measure["fieldName"]]["aggregator"], measure)
        for menu in menus_xml_ids_in_spreadsheet(data):
            self.assertTrue(self.env.ref(menu))

    def test_its_figures_can_be_read(self):
        self.helped("a", 30, MONDAY)
        self.env.flush_all()
        data = json.loads(self.dashboard.spreadsheet_data)
        for pivot in data["pivots"].values():
            model = self.env[pivot["model"]].with_user(self.vera).with_context(allowed_company_ids=self.company.ids)
            known = model.fields_get()
            names = [f"{one['fieldName']}:{known[one['fieldName']]['aggregator']}" for one in pivot["measures"]]
            rows = model.formatted_read_group(pivot["domain"], [row["fieldName"] for row in pivot["rows"]], names)
            if pivot["name"] == "Help, this period":
                self.assertEqual([rows[0][name] for name in names], [1, 30, 30])

    def test_who_opens_it(self):
        self.assertTrue(self.dashboard.with_user(self.vera).read(["name"]))
        for user in (self.tess, self.clerk):
            with self.assertRaises(AccessError):
                self.dashboard.with_user(user).read(["name"])
