from odoo import models


class CrmVoipCall(models.Model):
    """What the call card says of callbacks and of planned calls."""

    _inherit = "crm.voip.call"

    def _prepare_card_vals(self):
        """Add ``callback``: the open one of this number, and who is to call back; ``planned``: the planned calls
        of mine that it can have been, where several fit; ``planned_done``: the one that was marked done.
        """
        vals = super()._prepare_card_vals()
        # sudo: see card_planned; of a call that one may see, one's own planned calls are shown
        call = self.sudo()
        vals["planned"] = []
        vals["planned_done"] = False
        if call.planned_state == "done" and call.planned_activity_id.user_id == self.env.user:
            activity = call.planned_activity_id
            vals["planned_done"] = {"id": activity.id, "name": activity.display_name}
        elif call.planned_state != "done" and call._is_conversation():
            activities = call._planned()[call]
            if len(activities) > 1:
                vals["planned"] = [
                    {
                        "id": activity.id,
                        "name": activity.display_name,
                        "date": activity.date_deadline.isoformat(),
                        "record": activity.res_name or "",
                    }
                    for activity in activities
                    if activity.user_id == self.env.user
                ]
        callback = self.callback_id
        vals["callback"] = callback.state == "open" and {
            "id": callback.id,
            "missed": callback.missed_count,
            "user_name": callback.sudo().user_id.name or "",
        }
        return vals
