from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL


class CrmVoipPbx(models.Model):
    """Whether a PBX's recordings come here, and for how long they stay."""

    _inherit = "crm.voip.pbx"

    recordings_on = fields.Boolean(
        "Take recordings",
        help="Where this PBX records calls, the bridge sends the files, and a call shows a player. Heard by those "
        "with the right “Call recordings” who may see the call; each listening is noted where the persons recorded "
        "see it. To undo: turn it off; nothing more is sent, and what is here stays until its days are over.",
    )
    recording_days = fields.Integer(
        "Keep recordings (days)",
        default=30,
        required=True,
        help="Then the file is deleted, and the call stays. A shorter time holds for what is here already, too.",
    )
    recording_consent = fields.Text(
        "Announcement in use",
        help="What callers and colleagues are told about being recorded, in which words, and since when.",
    )

    _recording_days = models.Constraint(
        "CHECK (recording_days BETWEEN 1 AND 3650)", "Recordings are kept for 1 to 3650 days."
    )

    @api.constrains("recordings_on", "recording_consent")
    def _check_recording_consent(self):
        for pbx in self:
            if pbx.recordings_on and not (pbx.recording_consent or "").strip():
                raise ValidationError(
                    self.env._(
                        "Before recordings are taken, write down which announcement tells people that they are recorded."
                    )
                )

    def write(self, vals):
        result = super().write(vals)
        if "recording_days" in vals:
            self.env.flush_all()
            self.env.cr.execute(
                SQL(
                    """UPDATE crm_voip_recording SET expires_on = recorded_at::date + %(days)s
                        WHERE pbx_id = ANY(%(ids)s) AND state = 'kept'
                          AND expires_on > recorded_at::date + %(days)s""",
                    days=vals["recording_days"],
                    ids=self.ids,
                )
            )
            self.env["crm.voip.recording"].invalidate_model(["expires_on"])
        return result

    def _takes_recordings(self):
        return self.recordings_on and self.can_recordings

    def _today(self):
        """:return: the present day in the company's time zone"""
        return self._day_of(datetime.now(timezone.utc))
