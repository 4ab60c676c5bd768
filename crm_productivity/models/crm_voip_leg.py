from odoo import models


class CrmVoipLeg(models.Model):
    _inherit = "crm.voip.leg"

    _productivity_idx = models.Index("(company_id, started_at)")
