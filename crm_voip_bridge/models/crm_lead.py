from odoo import api, fields, models
from odoo.fields import Command


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "crm.voip.caller"]

    crm_voip_number_ids = fields.One2many(
        "crm.voip.number",
        "lead_id",
        "Numbers in the Index",
        compute="_compute_crm_voip_number_ids",
        store=True,
        groups=fields.NO_ACCESS,
    )

    @api.model_create_multi
    def create(self, vals_list):
        # what is created along with it (its contact) is not the caller
        leads = super(CrmLead, self.with_context(crm_voip_call_id=False)).create(vals_list).with_env(self.env)
        leads._crm_voip_take_from_card()
        return leads

    def write(self, vals):
        result = super().write(vals)
        # assigning leads writes them one by one: no query for each of them where there are no calls at all
        if "user_id" in vals and self.env["crm.voip.pbx"]._is_there():
            # sudo: who sees a call is decided by rules, not by who hands over the opportunity
            self.env["crm.voip.call"].sudo()._refresh_viewers(self)
        return result

    def _crm_voip_customer(self):
        return self.partner_id, self

    def _crm_voip_country_paths(self):
        return [
            *super()._crm_voip_country_paths(),
            "partner_id.country_id",
            "partner_id.commercial_partner_id.country_id",
        ]

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        self.env["crm.voip.number"]._take_over(opportunities, self)
        if not self.env["crm.voip.pbx"]._is_there():
            return result
        # sudo: who may merge opportunities moves their calls with them, also those that only colleagues see
        calls = self.env["crm.voip.call"].sudo()
        calls.search([("lead_id", "in", opportunities.ids)]).lead_id = self
        calls.search([("candidate_lead_ids", "in", opportunities.ids)]).candidate_lead_ids = [
            *(Command.unlink(lead.id) for lead in opportunities),
            Command.link(self.id),
        ]
        calls._refresh_viewers(self)
        return result
