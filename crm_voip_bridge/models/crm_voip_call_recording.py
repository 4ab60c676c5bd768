from odoo import api, fields, models

#: who is told that a call has a recording
GROUPS = "crm_voip_bridge.group_recordings,crm_voip_bridge.group_manager"


class CrmVoipCall(models.Model):
    _inherit = "crm.voip.call"

    recording_ids = fields.One2many("crm.voip.recording", "call_id", "Recordings", groups=GROUPS)
    has_sound = fields.Boolean(
        "Has a recording", compute="_compute_has_sound", search="_search_has_sound", groups=GROUPS
    )

    @api.depends("recording_ids.state")
    def _compute_has_sound(self):
        kept = self.env["crm.voip.recording"]._read_group(
            [("call_id", "in", self.ids), ("state", "=", "kept")], ["call_id"]
        )
        calls = {call for (call,) in kept}
        for call in self:
            call.has_sound = call._origin in calls

    def _search_has_sound(self, operator, value):
        if operator != "in":
            return NotImplemented
        kept = fields.Domain("recording_ids", "any", [("state", "=", "kept")])
        return kept if True in value else ~kept
