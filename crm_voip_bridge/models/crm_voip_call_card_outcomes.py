from odoo import models


class CrmVoipCall(models.Model):
    """What was agreed after earlier calls, on the call card."""

    _inherit = "crm.voip.call"

    def _prepare_card_vals(self):
        vals = super()._prepare_card_vals()
        # sudo: whose call it is decides what was agreed with them; of a card that one sees, one knows that
        call = self.sudo()
        vals["agreed_steps"] = self.env["crm.voip.supervisor.note"]._agreed_with(
            call.partner_id, call.lead_id, call.outside_e164, call.company_id
        )
        return vals
