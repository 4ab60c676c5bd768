from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmVoipImport(models.TransientModel):
    """Asks from which day on a PBX's earlier calls are to be logged."""

    _name = "crm.voip.import"
    _description = "Import earlier calls"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True)
    date_from = fields.Date("From", required=True, default=lambda self: fields.Date.today() - timedelta(days=30))
    date_to = fields.Date("Up to and including", required=True, default=fields.Date.today)
    extension_count = fields.Integer("Extensions that are recorded", compute="_compute_extension_count")

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        # not of a PBX of another company
        wizards.pbx_id.check_access("write")
        return wizards

    @api.depends("pbx_id")
    def _compute_extension_count(self):
        for wizard in self:
            wizard.extension_count = len(wizard.pbx_id.extension_ids.filtered("recorded"))

    def action_import(self):
        """Have a bridge read these days, and show how far it is."""
        self.ensure_one()
        self.pbx_id.check_access("write")
        if self.date_to < self.date_from:
            raise UserError(self.env._("The last day is before the first."))
        begins_at, ends_at = self.pbx_id.company_id._crm_voip_bounds(self.date_from, self.date_to)
        now = fields.Datetime.now()
        if begins_at >= now:
            raise UserError(self.env._("Choose a first day in the past."))
        self.pbx_id._fetch_again(
            begins_at, min(ends_at, now), self.env._("Import of earlier calls"), before_ticked=True
        )
        return self.pbx_id.action_view_fetches()
