from odoo import fields, models


class CrmSupportRule(models.Model):
    """Which calls are support: the first rule that fits decides."""

    _name = "crm.support.rule"
    _description = "Which calls are support"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", index=True, help="Empty: all companies.")
    kind = fields.Selection(
        [
            ("queue", "It came through a queue"),
            ("dialled", "A number of ours was called"),
            ("team", "A team took it"),
            ("technician", "A technician took or made it"),
            ("request", "The customer has an open request"),
            ("all", "Any other"),
        ],
        required=True,
    )
    value = fields.Char(help="Name of the queue, or the number called.")
    team_id = fields.Many2one("crm.team", ondelete="cascade", index="btree_not_null")
    is_support = fields.Boolean("Is support", default=True)
