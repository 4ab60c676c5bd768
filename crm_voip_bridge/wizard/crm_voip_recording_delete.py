from odoo import fields, models


class CrmVoipRecordingDelete(models.TransientModel):
    """Asks why a recording is deleted."""

    _name = "crm.voip.recording.delete"
    _description = "Delete recording"

    recording_ids = fields.Many2many(
        "crm.voip.recording", "crm_voip_recording_delete_rel", "wizard_id", "recording_id", required=True
    )
    reason = fields.Char(required=True, help="Seen by those who see the call.")

    def action_delete(self):
        self.ensure_one()
        self.recording_ids._delete_on_request(self.reason)
        return {"type": "ir.actions.act_window_close"}
