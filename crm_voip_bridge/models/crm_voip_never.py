from odoo import api, fields, models

from ..lib.numbers import e164


class CrmVoipNever(models.Model):
    """A number whose calls are logged nowhere: the doctor, the works council, home.

    Without a person it holds for the whole company; with one, for that person's calls, and
    nobody else reads it. Bridges get keyed hashes.
    """

    _name = "crm.voip.never"
    _inherit = "crm.voip.scope"
    _description = "Never logged number"
    _order = "user_id, number, id"
    _rec_name = "number"

    number = fields.Char(required=True)
    e164 = fields.Char("International form", compute="_compute_e164", store=True)
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    user_id = fields.Many2one(
        "res.users",
        "Person",
        index="btree_not_null",
        ondelete="cascade",
        default=lambda self: self.env.user,
        help="Empty: for the whole company.",
    )

    @api.depends("number", "company_id.country_id")
    def _compute_e164(self):
        for never in self:
            never.e164 = e164(never.number, never.company_id.country_id.code) or False

    def write(self, vals):
        result = super().write(vals)
        # rules are asked before a write, not after: nobody makes an own number the company's, or a colleague's
        self.check_access("write")
        return result
