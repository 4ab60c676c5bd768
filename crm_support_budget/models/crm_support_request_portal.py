from odoo import api, models


class CrmSupportRequest(models.Model):
    """What a customer does with requests in the portal: ask, add something, say that it is not done."""

    _inherit = "crm.support.request"

    def _compute_access_url(self):
        done = super()._compute_access_url()
        for request in self:
            request.access_url = f"/my/support/request/{request.id}"
        return done

    @api.model
    def _ask(self, contact, company, name, text=""):
        """A person of a customer asks for help in the portal.

        :param contact: ``res.partner``, whose login it is
        :param text: more about it; the first message of the request
        :return: the request; the present one where the same was asked a moment ago, with the same words
        """
        name = " ".join(name.split())[:200]
        customer = contact.commercial_partner_id
        # sudo: a customer asks here alone, and for themself
        Request = self.sudo()
        same = Request._open_of(customer, company).filtered(lambda one: one.name == name and one.origin == "portal")[:1]
        request = same or Request.create(self._prepare_asked_vals(contact, company, name))
        # what is answered reaches whoever asked
        request.message_subscribe(contact.ids)
        if text.strip():
            request._customer_says(contact, text)
        return request

    @api.model
    def _prepare_asked_vals(self, contact, company, name):
        return {"name": name, "contact_id": contact.id, "company_id": company.id, "origin": "portal"}

    def _customer_says(self, contact, text):
        """Keep what the customer wrote, in the request."""
        self.ensure_one()
        # sudo: whoever reads a request may add to it
        self.sudo().message_post(
            body=text.strip()[:5000], author_id=contact.id, message_type="comment", subtype_xmlid="mail.mt_comment"
        )

    def _not_done(self, contact, text):
        """The customer says that it is not done: it waits for us again."""
        self.ensure_one()
        self._customer_says(contact, text)
        if self.state == "done":
            # sudo: as above
            self.sudo().write({"state": "waiting"})

    def _message_post_after_hook(self, message, msg_values):
        done = super()._message_post_after_hook(message, msg_values)
        if message.message_type in ("comment", "email") and self._is_of_customer(message.author_id):
            # it was their turn, and they wrote: it is ours again
            self.filtered(lambda one: one.state == "customer").sudo().write({"state": "waiting"})  # sudo: as above
        return done

    def _notify_thread_with_out_of_office_get_additional_users(
        self, message, recipients_data, ooo_author, msg_vals=False
    ):
        # sudo: who helps is not for customers to read, but has to answer them when away
        return super(CrmSupportRequest, self.sudo())._notify_thread_with_out_of_office_get_additional_users(
            message, recipients_data, ooo_author, msg_vals=msg_vals
        )

    def _is_of_customer(self, author):
        # sudo: whose company an author is of
        return bool(author) and author.sudo().commercial_partner_id in self.sudo().partner_id
