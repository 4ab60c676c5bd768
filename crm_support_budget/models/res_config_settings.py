from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_support_live_from = fields.Date(related="company_id.crm_support_live_from")
    crm_support_policy_id = fields.Many2one(related="company_id.crm_support_policy_id", readonly=False)
