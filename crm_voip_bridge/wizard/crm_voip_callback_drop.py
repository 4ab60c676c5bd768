from odoo import fields, models
from odoo.exceptions import UserError


class CrmVoipCallbackDrop(models.TransientModel):
    """Asks why nobody calls back."""

    _name = "crm.voip.callback.drop"
    _description = "Drop a callback"

    callback_ids = fields.Many2many(
        "crm.voip.callback", "crm_voip_callback_drop_rel", string="Callbacks", required=True
    )
    why = fields.Selection(
        [
            ("settled", "Settled otherwise: by mail, in person"),
            ("wrong", "Wrong number, advertising"),
            ("unreachable", "Tried often enough"),
            ("other", "Another reason"),
        ],
        required=True,
        default="settled",
    )
    note = fields.Char("In words")

    def action_drop(self):
        """Drop them."""
        self.ensure_one()
        if self.why == "other" and not self.note:
            raise UserError(self.env._("Say the reason in a few words."))
        label = dict(self._fields["why"]._description_selection(self.env))[self.why]
        parts = [self.note] if self.why == "other" else [label, self.note]
        self.callback_ids.action_drop(" · ".join(filter(None, parts)))
        return {"type": "ir.actions.act_window_close"}
