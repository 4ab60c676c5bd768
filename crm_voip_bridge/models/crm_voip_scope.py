from odoo import api, models


class CrmVoipScope(models.AbstractModel):
    """What the bridges are told about a site: a change of it forgets what was computed before."""

    _name = "crm.voip.scope"
    _inherit = "crm.voip.export"
    _description = "Part of what a bridge is told"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self.env.registry.clear_cache()
        return records

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result
