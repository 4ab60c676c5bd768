from urllib.parse import urlencode

from odoo import fields, http
from odoo.addons.portal.controllers.portal import CustomerPortal, pager
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request

#: entries on a page
PAGE = 30


class SupportPortal(CustomerPortal):
    """What a customer sees of their own company's help. Rights and rules decide what that is."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "support_count" in counters:
            Request = request.env["crm.support.request"]
            values["support_count"] = (
                Request.search_count([("state", "!=", "done")]) if Request.has_access("read") else 0
            )
        return values

    def _support_customer(self):
        return request.env.user.partner_id.commercial_partner_id

    @http.route(["/my/support", "/my/support/page/<int:page>"], type="http", auth="user", website=True)
    def support(self, page=1, objected=None, wrong=None, **_more):
        """The meter, the policy in words, requests, and the ledger by pages."""
        if not request.env["crm.support.entry"].has_access("read"):
            return request.redirect("/my")
        customer, company = self._support_customer(), request.env.company
        Entry, Request = request.env["crm.support.entry"], request.env["crm.support.request"]
        domain = [("partner_id", "=", customer.id)]
        count = Entry.search_count(domain)
        pages = pager(url="/my/support", total=count, page=page, step=PAGE)
        # sudo: the meter and the policy of the user's own company
        Meter = request.env["crm.support.meter"].sudo()
        reading = Meter._of(customer, company)[customer.id]
        policy = request.env["crm.support.policy"].sudo().browse(reading.policy or [])
        agreement = request.env["crm.support.agreement"].sudo().browse(reading.agreement or [])
        entries = Entry.search(domain, limit=PAGE, offset=pages["offset"])
        objections = request.env["crm.support.objection"].search([("entry_id", "in", entries.ids)])
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "support",
            "reading": reading,
            "left": Meter._left_in_words(reading),
            "words": agreement.words or policy.words,
            "policy": policy,
            "requests": Request.search(domain, order="state, waiting_since desc", limit=50),
            "entries": entries,
            "objections": {one.entry_id.id: one for one in objections},
            "months": self._support_months(company),
            "pager": pages,
            "objected": objected,
            "wrong": wrong,
        }
        return request.render("crm_support_budget.portal_support", values)

    def _support_months(self, company):
        """:return: first days of the last months that are over, in which there was a meter"""
        first = fields.Date.today().replace(day=1)
        begins = company._crm_support_since().date().replace(day=1)
        months = [fields.Date.subtract(first, months=back) for back in range(1, 13)]
        return [month for month in months if month >= begins]

    @http.route("/my/support/object/<int:entry_id>", type="http", auth="user", methods=["POST"], website=True)
    def support_object(self, entry_id, text="", **_more):
        """Object to an entry."""
        try:
            entry = request.env["crm.support.entry"].search([("id", "=", entry_id)])
            if not entry:
                raise MissingError(request.env._("There is no such entry."))
            request.env["crm.support.objection"]._object(entry, text)
        except (AccessError, MissingError, UserError) as error:
            return request.redirect(f"/my/support?{urlencode({'wrong': str(error)})}")
        return request.redirect("/my/support?objected=1")

    @http.route("/my/support/request", type="http", auth="user", methods=["POST"], website=True)
    def support_request(self, name="", **_more):
        """Ask for help."""
        if not request.env["crm.support.request"].has_access("read"):
            return request.redirect("/my")
        if name.strip():
            # sudo: a customer asks here alone, and for themself
            request.env["crm.support.request"].sudo().create(
                {
                    "name": name.strip()[:200],
                    "contact_id": request.env.user.partner_id.id,
                    "company_id": request.env.company.id,
                    "origin": "portal",
                }
            )
        return request.redirect("/my/support")

    @http.route("/my/support/statement/<string:month>", type="http", auth="user", website=True)
    def support_statement(self, month, **_more):
        """A month as PDF."""
        company = request.env.company
        first = next((one for one in self._support_months(company) if str(one)[:7] == month), None)
        if not first or not request.env["crm.support.statement"].has_access("read"):
            return request.redirect("/my/support")
        # sudo: made when it is first asked for, of the user's own company
        made = request.env["crm.support.statement"].sudo()._of(self._support_customer(), company, first)
        return self._show_report(
            model=made, report_type="pdf", report_ref="crm_support_budget.action_report_statement", download=True
        )
