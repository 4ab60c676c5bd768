from odoo import api, fields, models


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "crm.voip.caller"]

    crm_voip_number_ids = fields.One2many(
        "crm.voip.number",
        "partner_id",
        "Numbers in the Index",
        compute="_compute_crm_voip_number_ids",
        store=True,
        groups=fields.NO_ACCESS,
    )

    @api.model_create_multi
    def create(self, vals_list):
        # what is created along with somebody (an employer) is not the caller
        partners = super(ResPartner, self.with_context(crm_voip_call_id=False)).create(vals_list).with_env(self.env)
        partners._crm_voip_take_from_card()
        return partners

    def write(self, vals):
        if vals.keys().isdisjoint(("country_id", "tz")):
            return super().write(vals)
        # sudo: whether a contact is a company of this database is decided here, and told to nobody
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        if not companies.search_count([("partner_id", "in", self.ids)], limit=1):
            return super().write(vals)
        with self.env["crm.voip.number"]._watching_countries():
            result = super().write(vals)
        # the PBX keeps its time zone in mind
        self.env.registry.clear_cache()
        return result

    def _crm_voip_customer(self):
        return self, self.env["crm.lead"]

    def _crm_voip_calls_domain(self):
        # a company's calls are those with its people, too
        return [("partner_id", "in", self._fetch_children_partners_for_hierarchy().ids)]

    def _crm_voip_counts_for(self):
        counted, partner = self.browse(), self
        while partner and partner not in counted:
            counted |= partner
            partner = partner.parent_id
        return counted

    def _crm_voip_country_paths(self):
        return [*super()._crm_voip_country_paths(), "commercial_partner_id.country_id"]
