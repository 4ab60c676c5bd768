from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_support_live_from = fields.Date(related="company_id.crm_support_live_from", readonly=False)
    crm_support_policy_id = fields.Many2one(related="company_id.crm_support_policy_id", readonly=False)
    crm_support_share_minutes = fields.Float(related="company_id.crm_support_share_minutes", readonly=False)
    crm_support_share_contacts = fields.Integer(related="company_id.crm_support_share_contacts", readonly=False)
    crm_support_tell_takeover = fields.Boolean(related="company_id.crm_support_tell_takeover", readonly=False)
    crm_support_portal = fields.Boolean(related="company_id.crm_support_portal", readonly=False)
    crm_support_cap = fields.Integer(related="company_id.crm_support_cap", readonly=False)
    crm_support_answer_hours = fields.Float(related="company_id.crm_support_answer_hours", readonly=False)
    crm_support_threshold_mails = fields.Boolean(related="company_id.crm_support_threshold_mails", readonly=False)
    crm_support_repeat_days = fields.Integer(related="company_id.crm_support_repeat_days", readonly=False)
    crm_support_statements = fields.Boolean(related="company_id.crm_support_statements", readonly=False)
