from datetime import timedelta, timezone

from odoo import fields, models

#: a call whose beginning or end is told so much later was filled in; clocks may differ by half of it
LATE = timedelta(minutes=10)


class CrmVoipCall(models.Model):
    """Marks what Odoo did not hear while it happened."""

    _inherit = "crm.voip.call"

    filled_in_at = fields.Datetime(
        "Filled in later",
        help="When Odoo was told of this call, or of its end, long after it had ended: the bridge, the network or Odoo was "
        "away, or earlier calls were imported. What is here is what the PBX said or wrote down at the time.",
    )

    def _prepare_call_vals(self, pbx, known, call, legs):
        vals = super()._prepare_call_vals(pbx, known, call, legs)
        if call.ended_at and not known.ended_at and not known.filled_in_at:
            now = fields.Datetime.now()
            if now - call.ended_at.astimezone(timezone.utc).replace(tzinfo=None) > LATE:
                vals["filled_in_at"] = now
        return vals
