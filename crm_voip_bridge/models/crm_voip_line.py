from odoo import api, fields, models

from ..lib.numbers import e164


class CrmVoipLine(models.Model):
    """An outside number of a PBX: ours, so never a customer's.

    A call to a number that stands for another company or team is theirs.
    """

    _name = "crm.voip.line"
    _inherit = "crm.voip.scope"
    _description = "Own number"
    _order = "pbx_id, number, id"
    _rec_name = "number"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, ondelete="cascade")
    number = fields.Char(required=True)
    e164 = fields.Char("International form", compute="_compute_e164", store=True)
    company_id = fields.Many2one("res.company", string="Stands for company", help="Empty: the PBX's own company.")
    team_id = fields.Many2one("crm.team", string="Stands for team")

    @api.depends("number", "pbx_id.country_id")
    def _compute_e164(self):
        for line in self:
            line.e164 = e164(line.number, line.pbx_id.country_id.code) or False
