from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        calls = self.env["crm.voip.call"]._productivity_calls_of("partner_id", src_partners)
        calls._productivity_changed()
        # core moves calls and contacts in SQL: rows of both become the one's, and are reckoned as one
        result = super()._update_foreign_keys(src_partners, dst_partner)
        calls.invalidate_recordset(["partner_id"])
        calls._productivity_changed()
        dst_partner.invalidate_recordset(["commercial_partner_id"])
        dst_partner._productivity_mark_customer()
        # sudo: upkeep, whoever merges
        self.env["crm.productivity.message"].sudo()._move("res.partner", src_partners.ids, dst_partner.id)
        return result
