from odoo import fields, models


class ResUsers(models.Model):
    """Whether somebody has call cards, and of which calls."""

    _inherit = "res.users"

    crm_voip_card_queue = fields.Boolean(
        "Card of waiting calls",
        help="Shows a card for calls that wait in a queue that one serves, also before one's own phone rings.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "crm_voip_card_queue"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "crm_voip_card_queue"]

    def _crm_voip_session(self):
        # sudo: whether a function is on is for everybody to know
        companies = self.sudo().company_ids
        return {
            **super()._crm_voip_session(),
            "card": self._crm_voip_has_card() and any(companies.mapped("crm_voip_card")),
        }

    def _crm_voip_has_card(self):
        """Whether cards are for this person: whoever may see own calls."""
        self.ensure_one()
        return self.active and self.has_group("sales_team.group_sale_salesman")
