from odoo import fields, models


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

    def write(self, vals):
        if "country_id" in vals:
            # sudo: whether a contact is a company of this database is decided here, and told to nobody
            companies = self.env["res.company"].sudo().with_context(active_test=False)
            if companies.search_count([("partner_id", "in", self.ids)], limit=1):
                with self.env["crm.voip.number"]._watching_countries():
                    return super().write(vals)
        return super().write(vals)

    def _crm_voip_customer(self):
        return self, self.env["crm.lead"]

    def _crm_voip_calls_domain(self):
        return [("partner_id", "in", self.ids)]

    def _crm_voip_country_paths(self):
        return [*super()._crm_voip_country_paths(), "commercial_partner_id.country_id"]
