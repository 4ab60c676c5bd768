from odoo import models


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        if not self.env["crm.voip.pbx"]._is_there():
            return result
        # sudo: who may merge opportunities moves their callbacks with them, also those that only colleagues see
        callbacks = self.env["crm.voip.callback"].sudo()
        callbacks.search([("lead_id", "in", opportunities.ids)]).lead_id = self
        return result
