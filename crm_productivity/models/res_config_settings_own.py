from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_productivity_targets = fields.Boolean(related="company_id.crm_productivity_targets", readonly=False)
    crm_productivity_targets_repeat = fields.Boolean(
        related="company_id.crm_productivity_targets_repeat", readonly=False
    )
    crm_productivity_comments = fields.Boolean(related="company_id.crm_productivity_comments", readonly=False)
