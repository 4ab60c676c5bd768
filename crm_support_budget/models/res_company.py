from odoo import fields, models

#: days for which nothing leaves the house
DRY_DAYS = 28


class ResCompany(models.Model):
    """From when support budgets act, and what holds for customers without agreement."""

    _inherit = "res.company"

    crm_support_live_from = fields.Date(
        "Support budgets act from", help="Until then, nothing leaves the house and nothing is put in another order."
    )
    crm_support_policy_id = fields.Many2one(
        "crm.support.policy", "Policy for customers without agreement", ondelete="restrict"
    )

    def _crm_support_begin(self):
        """Companies begin with a dry run."""

    def _crm_support_is_dry(self):
        """:return: whether nothing leaves the house yet"""
        self.ensure_one()
        day = fields.Datetime.now().astimezone(self._crm_voip_zone()).date()
        # sudo: whether we only try is for everybody to know
        return not self.sudo().crm_support_live_from or day < self.sudo().crm_support_live_from
