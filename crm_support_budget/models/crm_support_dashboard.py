import base64

from odoo import api, models
from odoo.fields import Command
from odoo.tools import file_open

#: of the dashboard, in our name, so that it goes when we go
NAME = "spreadsheet_dashboard_support"
FILE = "crm_support_budget/data/files/support_dashboard.json"


class CrmSupportDashboard(models.AbstractModel):
    """A spreadsheet dashboard of support, where Odoo's dashboards are installed.

    They are no dependency: it is made when we are installed, or the night after they were.
    """

    _name = "crm.support.dashboard"
    _description = "Dashboard of support"

    @api.model
    def _make(self):
        """Make the dashboard if it can be, and is not there.

        :return: the dashboard, None without Odoo's dashboards
        """
        if "spreadsheet.dashboard" not in self.env:
            return None
        known = self.env.ref(f"crm_support_budget.{NAME}", raise_if_not_found=False)
        if known:
            return known
        with file_open(FILE, "rb") as file:
            content = base64.b64encode(file.read())
        # sudo: a dashboard of ours, made by ourselves
        dashboard = (
            self.env["spreadsheet.dashboard"]
            .sudo()
            .create(
                {
                    "name": "Support",
                    "spreadsheet_binary_data": content,
                    "dashboard_group_id": self.env.ref("spreadsheet_dashboard.spreadsheet_dashboard_group_sales").id,
                    "group_ids": [Command.set(self.env.ref("crm_support_budget.group_supervisor").ids)],
                    "sequence": 310,
                    "is_published": True,
                }
            )
        )
        # sudo: see above; not touched by upgrades, so what its users made of it stays
        self.env["ir.model.data"].sudo().create(
            {
                "module": "crm_support_budget",
                "name": NAME,
                "model": dashboard._name,
                "res_id": dashboard.id,
                "noupdate": True,
            }
        )
        return dashboard
