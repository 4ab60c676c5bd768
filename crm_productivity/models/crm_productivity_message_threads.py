from odoo import models


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        # sudo: upkeep, whoever merges
        self.env["crm.productivity.message"].sudo()._move("crm.lead", opportunities.ids, self.id)
        return result

    def unlink(self):
        self.env["crm.productivity.message"].sudo()._forget("crm.lead", self.ids)  # sudo: upkeep, whoever deletes
        return super().unlink()


class ResPartner(models.Model):
    _inherit = "res.partner"

    def unlink(self):
        self.env["crm.productivity.message"].sudo()._forget("res.partner", self.ids)  # sudo: upkeep, whoever deletes
        return super().unlink()
