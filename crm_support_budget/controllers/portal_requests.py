from odoo import http
from odoo.http import request

from .portal import MOST, SupportPortal

#: requests on a page
PAGE = 20


class SupportPortalRequests(SupportPortal):
    """What a customer asked for: all of it, one of it, and asking for more."""

    def _support_request_filters(self):
        return {
            "open": {"label": request.env._("Open"), "domain": [("state", "!=", "done")]},
            "ours": {"label": request.env._("Waits for us"), "domain": [("state", "in", ("waiting", "serving"))]},
            "yours": {"label": request.env._("Waits for you"), "domain": [("state", "=", "customer")]},
            "done": {"label": request.env._("Done"), "domain": [("state", "=", "done")]},
            "all": {"label": request.env._("All"), "domain": []},
        }

    def _support_request_sortings(self):
        return {
            "new": {"label": request.env._("Newest"), "order": "waiting_since desc, id desc"},
            "promise": {"label": request.env._("Promised date"), "order": "promised_on, id desc"},
        }

    @http.route(
        ["/my/support/requests", f"/my/support/requests/page/<int(max={MOST}):page>"],
        type="http",
        auth="user",
        website=True,
        readonly=True,
    )
    def support_requests(self, page=1, filterby=None, sortby=None, search=None, **_more):
        """All requests, by pages."""
        if not self._support_may():
            return request.redirect("/my")
        requests, _domain, listed = self._support_list(
            "crm.support.request",
            "/my/support/requests",
            self._support_request_filters(),
            self._support_request_sortings(),
            page,
            filterby,
            sortby,
            search,
            searched="name",
            label=request.env._("What they want"),
            step=PAGE,
        )
        values = self._support_values("support_requests", requests=requests, **listed)
        return request.render("crm_support_budget.portal_support_requests", values)

    @http.route(
        f"/my/support/request/<int(max={MOST}):request_id>", type="http", auth="user", website=True, readonly=True
    )
    def support_request_page(self, request_id, **_more):
        """One request, with what was written about it and what it took."""
        if not self._support_may():
            return request.redirect("/my")
        one = self._support_one("crm.support.request", request_id)
        if not one:
            raise request.not_found()
        values = self._support_values("support_request", one=one, object=one)
        if values["shows_budget"]:
            values["entries"] = request.env["crm.support.entry"].search([("request_id", "=", one.id)], order="at, id")
        return request.render("crm_support_budget.portal_support_request", values)

    @http.route("/my/support/request", type="http", auth="user", methods=["POST"], website=True)
    def support_request(self, name="", text="", **_more):
        """Ask for help."""
        if not self._support_may():
            return request.redirect("/my")
        name, text = self._support_text(name, 200), self._support_text(text, 5000)
        if not name:
            return request.redirect("/my/support")
        asked = request.env["crm.support.request"]._ask(request.env.user.partner_id, request.env.company, name, text)
        return request.redirect(f"/my/support/request/{asked.id}")

    @http.route(
        f"/my/support/request/<int(max={MOST}):request_id>/again",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
    )
    def support_request_again(self, request_id, text="", **_more):
        """Say that it is not done."""
        one = self._support_one("crm.support.request", request_id)
        if not one:
            raise request.not_found()
        text = self._support_text(text, 5000)
        if text:
            one._not_done(request.env.user.partner_id, text)
        return request.redirect(one.access_url)
