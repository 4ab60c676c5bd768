"""What makes a customer's figures stale. None of it reads what is not at hand."""

from odoo import api, models
from odoo.tools import SQL

from . import crm_lead, crm_voip_call, crm_voip_callback
from .crm_productivity_customer_stale import NOBODY


class CrmProductivityCustomerSource(models.AbstractModel):
    """Records of a contact at a moment. What makes their day stale (:mod:`crm_productivity_source`) marks the customer, too."""

    _name = "crm.productivity.customer.source"
    _description = "Source of attention to customers"

    #: names of the fields with the moment and the contact
    _productivity_customer = ("started_at", "partner_id")

    def _productivity_mark_customers(self):
        moment, contact = self._productivity_customer
        # sudo: figures are kept whoever changes what they are made of
        marks = {
            (one.company_id.id, one[contact].id or NOBODY, one[moment])
            for one in self.sudo()
            if one[moment] and one.company_id
        }
        if marks:
            self.env["crm.productivity.customer.stale"].sudo()._mark(marks)


class CrmVoipCall(models.Model):
    _name = "crm.voip.call"
    _inherit = ["crm.voip.call", "crm.productivity.customer.source"]

    _productivity_fields = (*crm_voip_call.CrmVoipCall._productivity_fields, "talk_s")

    def _productivity_changed(self):
        result = super()._productivity_changed()
        self._productivity_mark_customers()
        return result

    def _productivity_mark_customers(self):
        result = super()._productivity_mark_customers()
        # sudo: see there
        leads = {("crm.productivity.effort", call.lead_id.id) for call in self.sudo() if call.lead_id}
        if leads:
            self.env["crm.productivity.touched"].sudo()._mark(leads)
        return result


class CrmVoipCallback(models.Model):
    _name = "crm.voip.callback"
    _inherit = ["crm.voip.callback", "crm.productivity.customer.source"]

    _productivity_customer = ("first_missed_at", "partner_id")
    _productivity_fields = (*crm_voip_callback.CrmVoipCallback._productivity_fields, "partner_id")

    def _productivity_changed(self):
        result = super()._productivity_changed()
        self._productivity_mark_customers()
        return result


class CrmVoipWrapup(models.Model):
    _inherit = "crm.voip.wrapup"

    def write(self, vals):
        result = super().write(vals)
        if "after_call_s" in vals:
            self.call_id._productivity_mark_customers()
        return result


class CrmProductivityTurn(models.Model):
    _inherit = "crm.productivity.turn"

    @api.model
    def _after_reckon(self, model, changed):
        contacts = {}
        if model == "crm.lead":
            ids = sorted({lead_id for _company, lead_id, _since in changed})
            # sudo: whose opportunity it is, whoever writes to them
            contacts = {lead.id: lead.partner_id.id for lead in self.env[model].sudo().browse(ids).exists()}
            self.env["crm.productivity.touched"]._mark({("crm.productivity.effort", lead_id) for lead_id in ids})
        elif model == "res.partner":
            contacts = {one: one for _company, one, _since in changed}
        marks = {(company_id, contacts.get(one) or NOBODY, since) for company_id, one, since in changed}
        if marks:
            self.env["crm.productivity.customer.stale"]._mark(marks)
        return super()._after_reckon(model, changed)


class CrmLead(models.Model):
    _inherit = "crm.lead"

    # whose customer wrote: the one before is known from crm.productivity.effort
    _productivity_fields = (*crm_lead.CrmLead._productivity_fields, "partner_id")

    def unlink(self):
        # what was written on it goes with it
        marks = {(None, lead.partner_id.id, None) for lead in self.sudo() if lead.partner_id}  # sudo: upkeep
        self.env["crm.productivity.customer.stale"].sudo()._mark(marks)  # sudo: upkeep
        return super().unlink()


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        if vals.keys().isdisjoint(("parent_id", "is_company", "commercial_partner_id")):
            return super().write(vals)
        self._productivity_mark_customer()
        result = super().write(vals)
        self._productivity_mark_customer()
        return result

    def unlink(self):
        # the calls become those of nobody known, without anybody being asked
        self._productivity_mark_customer()
        self.env["crm.productivity.customer.stale"].sudo()._mark_lost(self)  # sudo: upkeep
        return super().unlink()

    def _productivity_mark_customer(self):
        marks = {(None, customer, None) for customer in self.commercial_partner_id.ids}
        self.env["crm.productivity.customer.stale"].sudo()._mark(marks)  # sudo: upkeep


class CrmProductivityCustomerStale(models.Model):
    _inherit = "crm.productivity.customer.stale"

    @api.model
    def _mark_lost(self, contacts):
        """Contacts are about to be deleted: the days of their calls change for those whom nobody knows."""
        self.env["crm.voip.call"].flush_model(["partner_id", "started_at", "company_id"])
        self.env["crm.voip.callback"].flush_model(["partner_id", "first_missed_at", "company_id"])
        self.env["crm.lead"].flush_model(["partner_id"])
        moments = self.env.execute_query(
            SQL(
                """SELECT company_id, started_at FROM crm_voip_call WHERE partner_id = ANY(%(ids)s) AND started_at IS NOT NULL
                    UNION SELECT company_id, first_missed_at FROM crm_voip_callback WHERE partner_id = ANY(%(ids)s)
                    UNION SELECT turn.company_id, turn.since FROM crm_lead lead JOIN crm_productivity_turn turn
                          ON turn.res_model = 'crm.lead' AND turn.res_id = lead.id WHERE lead.partner_id = ANY(%(ids)s)""",
                ids=contacts.ids,
            )
        )
        self._mark({(company_id, NOBODY, at) for company_id, at in moments})
        # what is reckoned again from the calls; what stands for calls that are no more stays, as nobody's
        for company in self.env["res.company"].sudo().search([("id", "!=", False)]):  # sudo: upkeep
            kept_since = self.env["crm.productivity.day"]._kept_since(company)
            self.env.cr.execute(
                SQL(
                    """DELETE FROM crm_productivity_customer WHERE company_id = %s AND partner_id = ANY(%s)
                          AND (%s::date IS NULL OR period > %s)""",
                    company.id,
                    contacts.ids,
                    kept_since,
                    kept_since,
                )
            )
