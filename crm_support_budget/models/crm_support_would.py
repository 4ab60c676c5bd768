from odoo import fields, models


class CrmSupportWould(models.Model):
    """What would have been done, had it not been a dry run."""

    _name = "crm.support.would"
    _description = "Dry run"
    _order = "create_date desc, id desc"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index=True, ondelete="cascade")
    kind = fields.Selection(
        [("mail", "Mail"), ("reorder", "Another order"), ("after", "Served after the others")],
        required=True,
        readonly=True,
    )
    text = fields.Char("What would have been", readonly=True)
