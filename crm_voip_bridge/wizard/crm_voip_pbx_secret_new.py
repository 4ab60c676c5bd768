import secrets

from odoo import api, fields, models
from odoo.exceptions import ValidationError

_LENGTHS = range(8, 4097)


class CrmVoipPbxSecretNew(models.TransientModel):
    """Asks for a secret, or shows a new one; it has no column to keep it in."""

    _name = "crm.voip.pbx.secret.new"
    _description = "New secret of a hosted PBX"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, readonly=True)
    is_ours = fields.Boolean(compute="_compute_is_ours")
    secret = fields.Char(compute="_compute_secret", inverse="_inverse_secret", readonly=False)

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        pbx = self.env["crm.voip.pbx"].browse(values.get("pbx_id"))
        if "secret" in fields and pbx._makes_secret():
            values["secret"] = secrets.token_urlsafe(32)
        return values

    @api.depends("pbx_id")
    def _compute_is_ours(self):
        for wizard in self:
            wizard.is_ours = wizard.pbx_id._makes_secret()

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        # not of a PBX of another company
        wizards.pbx_id.check_access("write")
        return wizards

    @api.depends("pbx_id")
    def _compute_secret(self):
        self.secret = False

    def _inverse_secret(self):
        for wizard in self:
            secret = (wizard.secret or "").strip()
            if len(secret) not in _LENGTHS or not secret.isprintable():
                raise ValidationError(self.env._("A secret has eight characters or more."))
            self.env["crm.voip.pbx.secret"]._keep(wizard.pbx_id, secret)

    def action_keep(self):
        """The secret was stored when this record was made."""
        return {"type": "ir.actions.act_window_close"}
