from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_productivity_conversation_s = fields.Integer(
        related="company_id.crm_productivity_conversation_s", readonly=False
    )
    crm_productivity_level_s = fields.Integer(related="company_id.crm_productivity_level_s", readonly=False)
    crm_productivity_short_s = fields.Integer(related="company_id.crm_productivity_short_s", readonly=False)
    crm_productivity_repeat_days = fields.Integer(related="company_id.crm_productivity_repeat_days", readonly=False)
