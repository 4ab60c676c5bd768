from odoo import models


class CrmVoipCallback(models.Model):
    _name = "crm.voip.callback"
    _inherit = ["crm.voip.callback", "crm.productivity.source"]

    _productivity_moments = ("first_missed_at",)
    _productivity_fields = ("state", "done_how", "attempts", "working_minutes", "team_ids", "company_id")

    _productivity_idx = models.Index("(company_id, first_missed_at)")
    _productivity_partner_idx = models.Index("(partner_id, first_missed_at) WHERE partner_id IS NOT NULL")
