from odoo import fields, models


class CrmSupportAgreement(models.Model):
    """Which policy holds for a customer and all its contacts, from when until when."""

    _name = "crm.support.agreement"
    _inherit = ["mail.thread"]
    _description = "Support agreement"
    _order = "date_from desc, id desc"

    name = fields.Char(compute="_compute_name")
    partner_id = fields.Many2one("res.partner", "Customer", required=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    policy_id = fields.Many2one("crm.support.policy", required=True, index=True, ondelete="restrict", tracking=True)
    date_from = fields.Date("From", required=True, default=fields.Date.context_today, tracking=True)
    date_until = fields.Date("Until", tracking=True, help="The last day. Empty: it goes on.")
    suspended = fields.Boolean(tracking=True, help="Meanwhile the company's default policy holds.")
    active = fields.Boolean(default=True)

    def _compute_name(self):
        for agreement in self:
            agreement.name = f"{agreement.partner_id.name} · {agreement.policy_id.name}"
