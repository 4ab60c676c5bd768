from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_productivity_revenue = fields.Selection(related="company_id.crm_productivity_revenue", readonly=False)
    crm_productivity_few_cases = fields.Integer(related="company_id.crm_productivity_few_cases", readonly=False)
    crm_productivity_revenue_used = fields.Char(compute="_compute_crm_productivity_revenue_used")

    @api.depends("crm_productivity_revenue", "company_id")
    def _compute_crm_productivity_revenue_used(self):
        revenue = self.env["crm.productivity.revenue"]
        for settings in self:
            code = settings.crm_productivity_revenue or revenue._used(settings.company_id)
            settings.crm_productivity_revenue_used = revenue._sources().get(code)
