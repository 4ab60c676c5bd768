from odoo import fields, models


class ResUsers(models.Model):
    _inherit = "res.users"

    crm_productivity_letter = fields.Boolean(
        "Weekly report by mail",
        default=True,
        help="Once a week by mail: my own numbers, and the totals of teams I lead.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "crm_productivity_letter"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "crm_productivity_letter"]
