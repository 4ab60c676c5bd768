from odoo import models


class CrmVoipCaller(models.AbstractModel):
    """A contact or lead that somebody makes because of a call takes that call, and the unmatched ones before it."""

    _inherit = "crm.voip.caller"

    def _crm_voip_take_from_card(self):
        """After ``create``: the call from whose card the form was opened was with this one.

        The context says which call (``crm_voip_call_id``); it opens nothing: nothing happens with calls that the
        user may not see.
        """
        call_id = self.env.context.get("crm_voip_call_id")
        if len(self) != 1 or not isinstance(call_id, int):
            return
        Call = self.env["crm.voip.call"]
        call = Call.browse(call_id).exists()._filtered_access("read")
        if not call or call.direction == "internal":
            return
        partner, lead = self._crm_voip_customer()
        others = self._unmatched_calls()
        if call.outside_e164:
            others |= Call.search(self._crm_voip_unmatched_domain([call.outside_e164]))
        for one in call | others:
            one._pick(partner, lead)
