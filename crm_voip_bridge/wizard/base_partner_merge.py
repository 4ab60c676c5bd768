from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # before core moves the rows: afterwards nobody knows which of them came from whose fields
        self.env["crm.voip.number"]._take_over(src_partners, dst_partner)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        # core moves employees to their new employer in SQL, where no computed field notices
        employees = dst_partner.with_context(active_test=False).search(
            [("commercial_partner_id", "=", dst_partner.id)], order="id"
        )
        self.env.add_to_compute(dst_partner._fields["crm_voip_number_ids"], employees)
        return result
