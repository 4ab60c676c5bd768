from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_voip_chatter = fields.Boolean(
        "Calls in the chatter",
        help="Each call leaves a quiet line on its opportunity or contact, without notification, seen by those "
        "who may see the call. Turned off, no new lines are written; those there stay.",
    )
