from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_voip_chatter = fields.Boolean(related="company_id.crm_voip_chatter", readonly=False)
    crm_voip_outcomes = fields.Boolean(related="company_id.crm_voip_outcomes", readonly=False)
    crm_voip_wrapup_cap = fields.Integer(related="company_id.crm_voip_wrapup_cap", readonly=False)
    crm_voip_finish_days = fields.Integer(related="company_id.crm_voip_finish_days", readonly=False)
    crm_voip_typed = fields.Boolean(related="company_id.crm_voip_typed", readonly=False)
    crm_voip_supervisor_notes = fields.Boolean(related="company_id.crm_voip_supervisor_notes", readonly=False)
    crm_voip_note_months = fields.Integer(related="company_id.crm_voip_note_months", readonly=False)
    crm_voip_card = fields.Boolean(related="company_id.crm_voip_card", readonly=False)
    crm_voip_live = fields.Boolean(related="company_id.crm_voip_live", readonly=False)
    crm_voip_callbacks = fields.Boolean(related="company_id.crm_voip_callbacks", readonly=False)
    crm_voip_callback_hours = fields.Float(related="company_id.crm_voip_callback_hours", readonly=False)
    crm_voip_planned = fields.Boolean(related="company_id.crm_voip_planned", readonly=False)
    crm_voip_planned_days = fields.Integer(related="company_id.crm_voip_planned_days", readonly=False)
    crm_voip_planned_s = fields.Integer(related="company_id.crm_voip_planned_s", readonly=False)
    crm_voip_people_switch_id = fields.Many2one(
        "crm.voip.people.switch", "Figures of persons", compute="_compute_crm_voip_people_switch_id"
    )
    crm_voip_dial = fields.Boolean(related="company_id.crm_voip_dial", readonly=False)
    crm_voip_dial_country_ids = fields.Many2many(related="company_id.crm_voip_dial_country_ids", readonly=False)
    crm_voip_dial_minute = fields.Integer(related="company_id.crm_voip_dial_minute", readonly=False)
    crm_voip_dial_hour = fields.Integer(related="company_id.crm_voip_dial_hour", readonly=False)

    def _compute_crm_voip_people_switch_id(self):
        for settings in self:
            settings.crm_voip_people_switch_id = self.env["crm.voip.people.switch"]._of(settings.company_id)

    @api.onchange("crm_voip_dial")
    def _onchange_crm_voip_dial(self):
        if self.crm_voip_dial and not self.crm_voip_dial_country_ids:
            # to see and change before anything is saved
            self.crm_voip_dial_country_ids = self.company_id._crm_voip_contact_countries()
