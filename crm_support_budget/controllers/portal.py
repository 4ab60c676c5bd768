from odoo import fields, http
from odoo.addons.portal.controllers.portal import CustomerPortal, pager
from odoo.fields import Domain
from odoo.http import request

#: of the ledger and of requests, on the first page
LATEST = 5
#: ids that the database knows
MOST = 2**31 - 1


class SupportPortal(CustomerPortal):
    """What a customer sees of their own company's help. Rights and rules decide what that is."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "support_count" in counters:
            values["support_count"] = (
                request.env["crm.support.request"].search_count(
                    [("partner_id", "=", self._support_customer().id), ("state", "!=", "done")]
                )
                if self._support_may()
                else 0
            )
        return values

    # --- who asks ---

    def _support_customer(self):
        return request.env.user.partner_id.commercial_partner_id

    def _support_may(self):
        """:return: whether whoever asks may see support at all: customers, and those who help them"""
        return request.env["crm.support.request"].has_access("read")

    def _support_shows_budget(self):
        # sudo: what a company shows to its customers
        return self._support_may() and request.env.company.sudo().crm_support_portal

    def _support_one(self, model, ident, domain=()):
        """:return: a record of the customer's, an empty one if there is none with that id"""
        if not self._support_may():
            return request.env[model]
        own = [("id", "=", ident), ("partner_id", "=", self._support_customer().id), *domain]
        return request.env[model].search(own, limit=1)

    def _support_text(self, text, most):
        """:return: what somebody wrote, as the database can keep it"""
        return (text or "").replace("\0", "").strip()[:most]

    def _support_values(self, page_name, **values):
        return {
            **self._prepare_portal_layout_values(),
            "page_name": page_name,
            "shows_budget": self._support_shows_budget(),
            "dry_line": request.env.company._crm_support_dry_line_of_customer(),
            "tz": request.env.user.tz or str(request.env.company._crm_voip_zone()),
            **values,
        }

    def _support_list(self, model, url, filters, sortings, page, filterby, sortby, search, searched, label, step):
        """One page of what a customer has, as Odoo's portal shows lists.

        :param filters, sortings: what can be chosen, each by its key; the first one holds where nothing was
        :param filterby, sortby, search: as they came from outside
        :param searched: the field that is searched, which ``label`` names
        :return: the records of the page, the domain of all of them, and values for the template
        """
        filterby = filterby if filterby in filters else next(iter(filters))
        sortby = sortby if sortby in sortings else next(iter(sortings))
        domain = Domain("partner_id", "=", self._support_customer().id) & Domain(filters[filterby]["domain"])
        search = self._support_text(search, 100)
        if search:
            domain &= Domain(searched, "ilike", search)
        pages = pager(
            url=url,
            url_args={"filterby": filterby, "sortby": sortby, "search": search},
            total=request.env[model].search_count(domain),
            page=page,
            step=step,
        )
        records = request.env[model].search(
            domain, order=sortings[sortby]["order"], limit=step, offset=max(pages["offset"], 0)
        )
        values = {
            "pager": pages,
            "default_url": url,
            "searchbar_filters": filters,
            "filterby": filterby,
            "searchbar_sortings": sortings,
            "sortby": sortby,
            "searchbar_inputs": {"name": {"input": "name", "label": label}},
            "search_in": "name",
            "search": search,
        }
        return records, domain, values

    # --- the first page ---

    @http.route("/my/support", type="http", auth="user", website=True, readonly=True)
    def support(self, **_more):
        """The meter, what is open, the latest of the ledger, statements, and how it works."""
        if not self._support_may():
            return request.redirect("/my")
        customer, company = self._support_customer(), request.env.company
        Request, Entry = request.env["crm.support.request"], request.env["crm.support.entry"]
        own = [("partner_id", "=", customer.id)]
        values = self._support_values(
            "support",
            requests=Request.search([*own, ("state", "!=", "done")], order="waiting_since desc", limit=LATEST),
        )
        if values["shows_budget"]:
            # sudo: the meter of the user's own company
            Meter = request.env["crm.support.meter"].sudo()
            reading = Meter._of(customer, company)[customer.id]
            values |= {
                "reading": reading,
                "left": Meter._left_in_words(reading),
                "today": Meter._today_in_words(reading),
                "told": request.env["crm.support.policy"]._told(reading),
                "entries": Entry.search(own, limit=LATEST),
                "months": self._support_months(company),
            }
        return request.render("crm_support_budget.portal_support", values)

    def _support_months(self, company):
        """:return: first days of the last months that are over, in which there was a meter"""
        zone = company._crm_voip_zone()
        first = fields.Datetime.now().astimezone(zone).date().replace(day=1)
        begins = company._crm_support_since().date().replace(day=1)
        months = [fields.Date.subtract(first, months=back) for back in range(1, 13)]
        return [month for month in months if month >= begins]

    @http.route("/my/support/statement/<string:month>", type="http", auth="user", website=True)
    def support_statement(self, month, **_more):
        """A month as PDF."""
        if not self._support_shows_budget():
            return request.redirect("/my")
        company = request.env.company
        first = next((one for one in self._support_months(company) if str(one)[:7] == month), None)
        if not first:
            raise request.not_found()
        # sudo: made when it is first asked for, of the user's own company
        made = request.env["crm.support.statement"].sudo()._of(self._support_customer(), company, first)
        return self._show_report(
            model=made, report_type="pdf", report_ref="crm_support_budget.action_report_statement", download=True
        )
