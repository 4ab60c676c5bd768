from odoo import fields, http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request
from odoo.tools import format_date

from .portal import MOST, SupportPortal

#: entries on a page
PAGE = 30


class SupportPortalLedger(SupportPortal):
    """What a customer had: every entry with its explanation, and objecting to one."""

    def _support_entry_filters(self):
        """:return: what can be chosen: what counted, and each month in which there was something"""
        company = request.env.company
        filters = {
            "all": {"label": request.env._("All"), "domain": []},
            "counted": {"label": request.env._("Counted"), "domain": [("counted", "=", True)]},
            "not_counted": {"label": request.env._("Not counted"), "domain": [("counted", "=", False)]},
        }
        today = fields.Datetime.now().astimezone(company._crm_voip_zone()).date()
        for first in [today.replace(day=1), *self._support_months(company)]:
            begin, end = company._crm_voip_bounds(first, fields.Date.end_of(first, "month"))
            filters[str(first)[:7]] = {
                "label": format_date(request.env, first, date_format="MMMM y"),
                "domain": [("at", ">=", begin), ("at", "<", end)],
            }
        return filters

    def _support_entry_sortings(self):
        return {
            "new": {"label": request.env._("Newest"), "order": "at desc, id desc"},
            "long": {"label": request.env._("Longest"), "order": "measured_minutes desc, id desc"},
        }

    @http.route(
        ["/my/support/entries", f"/my/support/entries/page/<int(max={MOST}):page>"],
        type="http",
        auth="user",
        website=True,
        readonly=True,
    )
    def support_entries(self, page=1, filterby=None, sortby=None, search=None, **_more):
        """The ledger, by pages and months."""
        if not self._support_shows_budget():
            return request.redirect("/my")
        entries, domain, listed = self._support_list(
            "crm.support.entry",
            "/my/support/entries",
            self._support_entry_filters(),
            self._support_entry_sortings(),
            page,
            filterby,
            sortby,
            search,
            searched="request_id.name",
            label=request.env._("What you asked for"),
            step=PAGE,
        )
        [(minutes, contacts)] = request.env["crm.support.entry"]._read_group(
            domain, aggregates=["minutes:sum", "contacts:sum"]
        )
        over = {str(one)[:7] for one in self._support_months(request.env.company)}
        values = self._support_values(
            "support_entries",
            entries=entries,
            objections=self._support_objections(entries),
            minutes=minutes or 0.0,
            contacts=contacts or 0.0,
            statement=listed["filterby"] if listed["filterby"] in over else None,
            **listed,
        )
        return request.render("crm_support_budget.portal_support_entries", values)

    def _support_objections(self, entries):
        """:return: ``{entry id: the last objection to it}``"""
        found = request.env["crm.support.objection"].search([("entry_id", "in", entries.ids)], order="id")
        return {one.entry_id.id: one for one in found}

    @http.route(f"/my/support/entry/<int(max={MOST}):entry_id>", type="http", auth="user", website=True, readonly=True)
    def support_entry(self, entry_id, objected=None, **_more):
        """One entry: why it counts, or does not, and what was said about it."""
        if not self._support_shows_budget():
            return request.redirect("/my")
        entry = self._support_one("crm.support.entry", entry_id)
        if not entry:
            raise request.not_found()
        return self._support_entry_page(entry, objected=objected)

    def _support_entry_page(self, entry, **more):
        values = self._support_values(
            "support_entry",
            entry=entry,
            others=self._support_others(entry),
            objection=self._support_objections(entry).get(entry.id),
            may_object=request.env["crm.support.objection"]._may_object(entry),
            **more,
        )
        return request.render("crm_support_budget.portal_support_entry", values)

    def _support_others(self, entry):
        """:return: the other entries of the same contact: what takes this one back, and what was entered anew"""
        # sudo: which contact an entry is of; the entries are read with the customer's own rights
        contact = entry.sudo().support_contact_id.id
        return request.env["crm.support.entry"].search(
            [("support_contact_id", "=", contact), ("id", "!=", entry.id)], order="id"
        )

    @http.route(
        f"/my/support/object/<int(max={MOST}):entry_id>", type="http", auth="user", methods=["POST"], website=True
    )
    def support_object(self, entry_id, text="", **_more):
        """Object to an entry."""
        entry = self._support_one("crm.support.entry", entry_id) if self._support_shows_budget() else None
        if not entry:
            raise request.not_found()
        text = self._support_text(text, 2000)
        try:
            request.env["crm.support.objection"]._object(entry, text)
        except (AccessError, MissingError, UserError) as error:
            return self._support_entry_page(entry, wrong=str(error), text=text)
        return request.redirect(f"/my/support/entry/{entry.id}?objected=1")
