from datetime import timedelta

from odoo import api, fields, models

#: seconds after its end in which a call is told of: longer ago, it was in no list of calls going on
JUST_ENDED = 600


class CrmVoipCall(models.Model):
    """The calls going on, for those who lead the people concerned."""

    _inherit = "crm.voip.call"

    live_state = fields.Selection(
        [("menu", "In a menu"), ("queue", "Waiting"), ("ringing", "Ringing"), ("talking", "Talking")],
        "Now",
        compute="_compute_live_state",
    )

    @api.depends("disposition", "direction", "answered_at", "queue", "leg_ids.answered_at", "leg_ids.left_at")
    def _compute_live_state(self):
        # sudo: that some phone rings is told, not which
        for call, real in zip(self, self.sudo(), strict=True):
            if real.disposition != "in_progress":
                call.live_state = False
                continue
            legs = real.leg_ids.filtered(lambda leg: not leg.left_at)
            called = legs.filtered(lambda leg: leg.role == "called")
            if real.answered_at and (len(called) == 0 or any(called.mapped("answered_at"))):
                call.live_state = "talking"
            elif called or real.direction == "outbound":
                call.live_state = "ringing"
            elif real.queue:
                call.live_state = "queue"
            else:
                call.live_state = "menu"

    def _after_fold(self):
        result = super()._after_fold()
        self._tell_live()
        return result

    def _tell_live(self):
        """Tell the screens of calls going on that they changed; the ids, and nothing of the calls.

        Those who may see the calls read them with their own rights.
        """
        recent = fields.Datetime.now() - timedelta(seconds=JUST_ENDED)
        live = self.filtered(
            lambda call: (
                (call.disposition == "in_progress" or (call.ended_at and call.ended_at > recent))
                and call.company_id.crm_voip_live
            )
        )
        if not live:
            return
        message = {"ids": live.ids}
        # the channel of a group is that of all who have it
        group_id = self.env["ir.model.data"]._xmlid_to_res_id("crm_voip_bridge.group_all")
        self.env["res.groups"].browse(group_id)._bus_send("crm_voip_bridge/live", message)
        live.team_ids.user_id._bus_send("crm_voip_bridge/live", message)
