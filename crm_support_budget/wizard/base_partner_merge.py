from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        self.env.cr.execute(
            "UPDATE crm_support_notice SET place = id WHERE partner_id = ANY(%s) AND place = 0", [src_partners.ids]
        )
        # each had a request that waits for a call: both go on, and core would delete one
        self.env.cr.execute(
            "UPDATE crm_support_request SET awaits_call = FALSE WHERE partner_id = ANY(%s) AND awaits_call",
            [src_partners.ids],
        )
        # sudo: how agreements fit is worked out again, for both together
        self.env["crm.support.fit"].sudo().search([("partner_id", "in", (src_partners | dst_partner).ids)]).unlink()
        result = super()._update_foreign_keys(src_partners, dst_partner)
        # core moves what others had in SQL: both histories are one now
        for model in ("crm.support.contact", "crm.support.entry", "crm.support.request", "crm.support.agreement"):
            self.env[model].invalidate_model()
        dst_partner._crm_support_follow()
        self.env["crm.support.meter"]._stale(dst_partner.commercial_partner_id)
        return result
