from odoo import api, fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_productivity_revenue = fields.Selection(
        "_selection_crm_productivity_revenue",
        "Revenue from",
        help="Empty: posted invoices where there are any, else the amounts of won opportunities.",
    )
    crm_productivity_few_cases = fields.Integer(
        "Enough cases",
        default=20,
        required=True,
        help="Groups are compared in words from so many cases on; with fewer, chance says more than the numbers.",
    )

    _crm_productivity_few_cases = models.Constraint(
        "CHECK (crm_productivity_few_cases > 0)", "A comparison rests on at least one case."
    )

    @api.model
    def _selection_crm_productivity_revenue(self):
        return list(self.env["crm.productivity.revenue"]._sources().items())

    def write(self, vals):
        result = super().write(vals)
        if "crm_productivity_revenue" in vals:
            self.env["crm.productivity.revenue"]._source_changed(self)
        return result
