from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_voip_chatter = fields.Boolean(related="company_id.crm_voip_chatter", readonly=False)
    crm_voip_people_switch_id = fields.Many2one(
        "crm.voip.people.switch", "Figures of persons", compute="_compute_crm_voip_people_switch_id"
    )

    def _compute_crm_voip_people_switch_id(self):
        for settings in self:
            settings.crm_voip_people_switch_id = self.env["crm.voip.people.switch"]._of(settings.company_id)
