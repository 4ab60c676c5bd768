from dateutil.relativedelta import relativedelta

from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def crm_productivity_attention(self):
        """What the customer had in the last twelve months, by month."""
        self.ensure_one()
        today = self.env["crm.productivity.stale"]._today(self.env.company)
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_productivity.crm_productivity_customer_action")
        title = self.env._("Attention: %s", self.commercial_partner_id.display_name)
        return {
            **action,
            "name": title,
            "display_name": title,
            "domain": [
                ("partner_id", "=", self.commercial_partner_id.id),
                ("period", ">=", today.replace(day=1) - relativedelta(months=11)),
            ],
            "context": {"search_default_by_month": 1},
        }
