from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_voip_never_shortened_at = fields.Datetime(
        "Never-log list shortened",
        readonly=True,
        help="Calls from before this moment are not filled in by themselves: they may have been of a number that was not "
        "to be logged at the time.",
    )


class CrmVoipNever(models.Model):
    """Who takes a number off the list means calls from now on, not those that were left out."""

    _inherit = "crm.voip.never"

    def write(self, vals):
        if not vals.keys().isdisjoint(("number", "user_id", "company_id")):
            self._shortened()
        return super().write(vals)

    def unlink(self):
        self._shortened()
        return super().unlink()

    def _shortened(self):
        # sudo: everybody may take a number of their own off the list
        self.company_id.sudo().crm_voip_never_shortened_at = fields.Datetime.now()
