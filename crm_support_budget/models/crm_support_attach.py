from odoo import api, models


class CrmVoipCall(models.Model):
    """Calls make requests, and are about them."""

    _inherit = "crm.voip.call"

    def _after_fold(self):
        result = super()._after_fold()
        ended = self.filtered(lambda call: call.disposition != "in_progress" and call.direction != "internal")
        known = ended.sudo().filtered("partner_id")
        if known:
            rules = self.env["crm.support.rule"]._decide(known)
            # sudo: a request follows from a call, whoever rang
            self.env["crm.support.request"].sudo()._follow(known.filtered(lambda call: rules[call.id].is_support))
        return result


class CrmSupportContact(models.Model):
    """A contact is about what the customer waits for, if that is one thing."""

    _inherit = "crm.support.contact"

    @api.model_create_multi
    def create(self, vals_list):
        contacts = super().create(vals_list)
        free = contacts.filtered(lambda one: one.partner_id and not one.request_id)
        for company, some in free.grouped("company_id").items():
            open_ = self.env["crm.support.request"].sudo()._open_of(some.partner_id, company).grouped("partner_id")
            for one in some:
                # sudo: see crm.support.contact
                requests = open_.get(one.partner_id, ())
                if len(requests) == 1 and requests.waiting_since <= one.at:
                    one.request_id = requests
        return contacts
