from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_date, format_duration

#: open requests on a card
MOST = 3


class CrmVoipCall(models.Model):
    """What whoever helps has to know of the customer while they talk."""

    _inherit = "crm.voip.call"

    def _prepare_card_vals(self):
        vals = super()._prepare_card_vals()
        # sudo: of a card that one sees, one knows whose call it is
        customer = self.sudo().partner_id.commercial_partner_id
        if customer and self.env.user.has_group("crm_support_budget.group_technician"):
            vals["support"] = self._prepare_support_vals(customer.sudo(False))
        return vals

    def _prepare_support_vals(self, customer):
        """:return: what the card shows of a customer's support, as JSON"""
        company = self.sudo().company_id
        Meter, Request = self.env["crm.support.meter"], self.env["crm.support.request"]
        reading = Meter._of(customer, company)[customer.id]
        contact = self._crm_support_contact()
        return {
            "colour": reading.colour,
            "left": Meter._left_in_words(reading),
            "today": self.env._("today: %s", Meter._today_in_words(reading)),
            "advice": self._crm_support_advice(reading, company, customer),
            "requests": [
                {
                    "id": one.id,
                    "name": one.name,
                    "promised": one.promised_on and format_date(self.env, one.promised_on),
                }
                for one in Request._open_of(customer, company)[:MOST]
            ],
            "reasons": [
                {"id": one.id, "name": one.name, "key": one.shortcut or False}
                for one in self.env["crm.support.reason"].search([("id", "!=", False)])
            ],
            "reason": contact.reason_id.id,
            "proposed": contact._proposed_reason().id
            if contact
            else self.env["crm.support.contact"]
            .sudo()
            ._last_reason(customer, company)
            .id,  # sudo: see _proposed_reason
        }

    def _crm_support_advice(self, reading, company, customer):
        """:return: what helps now, in words; False where all is well"""
        if reading.colour not in ("yellow", "red") and not reading.is_long_day:
            return False
        waiting = self.env["crm.support.request"]._waiting_for_us(company).partner_id - customer
        had = format_duration(reading.day_minutes / 60)
        if waiting:
            return self.env._(
                "%(others)s others are waiting; this customer has had %(had)s h today. Offer a call-back, or hand over.",
                others=len(waiting),
                had=had,
            )
        return self.env._("This customer has had %s h today. Nobody else is waiting.", had)

    def _crm_support_contact(self):
        return (
            self.env["crm.support.contact"].sudo().search([("call_id", "=", self.id)], limit=1)
        )  # sudo: one's own call

    def action_crm_support_reason(self, reason_id):
        """What the call is about; while it runs, it is kept for its end."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("crm_support_budget.group_technician"):
            raise AccessError(self.env._("What a contact was about is said by those who help customers."))
        reason = self.env["crm.support.reason"].browse(reason_id).exists()
        contact = self._crm_support_contact()
        if not contact:
            # sudo: contacts are written by what was measured; that it is none yet, its end decides
            call = self.sudo()
            contact = (
                self.env["crm.support.contact"]
                .sudo()
                .create(
                    {
                        "company_id": call.company_id.id,
                        "source": "call",
                        "res_model": self._name,
                        "res_id": self.id,
                        "call_id": self.id,
                        "contact_id": call.partner_id.id,
                        "partner_id": call.partner_id.commercial_partner_id.id,
                        "user_id": call.user_id.id or self.env.uid,
                        "at": call.answered_at or call.started_at or fields.Datetime.now(),
                        "is_support": False,
                    }
                )
            )
        contact.sudo(False)._say(reason)
        return True
