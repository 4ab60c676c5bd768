from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_productivity_least_cases = fields.Integer(related="company_id.crm_productivity_least_cases", readonly=False)
    crm_productivity_use = fields.Boolean(related="company_id.crm_productivity_use", readonly=False)
    crm_productivity_look = fields.Boolean(related="company_id.crm_productivity_look", readonly=False)
    crm_productivity_look_days = fields.Integer(related="company_id.crm_productivity_look_days", readonly=False)
