from odoo import models


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        for model in ("crm.voip.typed.call", "crm.voip.supervisor.note"):
            # sudo: who may merge opportunities moves with them also what only colleagues see
            records = self.env[model].sudo().search([("lead_id", "in", opportunities.ids)])
            records.write({"lead_id": self.id})
        return result
