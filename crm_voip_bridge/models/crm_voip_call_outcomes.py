from datetime import timedelta

from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import html_escape

from .crm_voip_call import QUIET


class CrmVoipCall(models.Model):
    """The outcome and the notes that people gave a call; both come from their wrap-ups."""

    _inherit = "crm.voip.call"

    outcome_id = fields.Many2one(
        "crm.voip.outcome",
        index="btree_not_null",
        ondelete="restrict",
        help="What came of it: the last one that somebody chose.",
    )
    wrapup_ids = fields.One2many("crm.voip.wrapup", "call_id", "After the call")
    note = fields.Text(compute="_compute_note", search="_search_note", help="What people noted about the call.")
    has_after_call = fields.Boolean(compute="_compute_has_after_call")
    is_to_finish = fields.Boolean(
        "To finish",
        compute="_compute_is_to_finish",
        search="_search_is_to_finish",
        help="An answered call of mine without outcome, where my team asks for one.",
    )

    # --- views ---

    @api.model
    def _get_view_cache_key(self, view_id=None, view_type="form", **options):
        return (*super()._get_view_cache_key(view_id, view_type, **options), self._shows_outcomes())

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        if view_type in ("list", "search") and not self._shows_outcomes():
            # a column that is always empty, and filters for it, tell nobody anything
            for node in arch.xpath("//*[@name='outcome_id' or @name='group_outcome' or @name='to_finish']"):
                if view_type == "list":
                    node.set("column_invisible", "True")
                else:
                    node.getparent().remove(node)
        return arch, view

    @api.model
    def _shows_outcomes(self):
        # sudo: what a company switched on shows on everybody's screen
        return any(self.env.companies.sudo().mapped("crm_voip_outcomes"))

    def _compute_note(self):
        # sudo: wrap-ups are each their person's; of a call that one sees, one sees what was noted
        notes = self.env["crm.voip.wrapup"].sudo().search([("call_id", "in", self.ids), ("note", "!=", False)])
        by_call = notes.grouped("call_id")
        for call in self:
            call.note = "\n\n".join(by_call.get(call.sudo(), notes.browse()).mapped("note")) or False

    def _search_note(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        # sudo: see _compute_note
        found = self.env["crm.voip.wrapup"].sudo()._search([("note", operator, value)])
        if operator == "in" and False in value:
            return NotImplemented
        return Domain("id", "in", found.subselect("call_id"))

    @api.depends("direction", "company_id")
    def _compute_has_after_call(self):
        for call, real in zip(self, self.sudo(), strict=True):
            company = real.company_id
            call.has_after_call = call.direction != "internal" and (
                company.crm_voip_outcomes or company.crm_voip_supervisor_notes
            )

    def _compute_is_to_finish(self):
        found = self.filtered_domain(self._to_finish_domain())
        for call in self:
            call.is_to_finish = call in found

    def _search_is_to_finish(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = self._to_finish_domain()
        return domain if True in value else ~domain

    @api.model
    def _to_finish_domain(self):
        """Own answered calls of the last days without outcome, if one is in a team that asks for it."""
        # sudo: how one's own team works, everybody may know
        teams = self.env["crm.team"].sudo()._crm_voip_of_user(self.env.user)
        companies = self.env.companies.filtered("crm_voip_outcomes")
        if not companies or not any(teams.mapped("crm_voip_outcome_required")):
            return Domain.FALSE
        now = fields.Datetime.now()
        oldest = now - timedelta(days=max(companies.mapped("crm_voip_finish_days")) + 1)
        # one's own legs: that of the call's person answered, or is the one that called
        own = Domain(
            "leg_ids",
            "any!",
            Domain("user_id", "=", self.env.uid)
            & (Domain("outcome", "=", "answered") | Domain("role", "=", "caller"))
            & Domain("started_at", ">=", oldest),
        )
        recent = Domain.OR(
            Domain("company_id", "=", company.id)
            & Domain("started_at", ">=", now - timedelta(days=company.crm_voip_finish_days))
            for company in companies
        )
        return (
            own
            & recent
            & Domain("disposition", "=", "answered")
            & Domain("direction", "!=", "internal")
            & Domain("outcome_id", "=", False)
        )

    def _take_outcome(self):
        """Show the outcome that was given last, of anybody's wrap-up."""
        # superuser: a call's fields are written by no person, who could be told from who wrote it last
        for call in self.with_user(SUPERUSER_ID):
            given = (
                self.env["crm.voip.wrapup"]
                .sudo()
                .search(
                    [("call_id", "=", call.id), ("outcome_id", "!=", False)], order="outcome_at desc, id desc", limit=1
                )
            )
            if call.outcome_id != given.outcome_id:
                call.outcome_id = given.outcome_id
                call.with_context(**QUIET)._write_chatter()

    def _prepare_chatter_vals(self, author, subtype_id):
        vals = super()._prepare_chatter_vals(author, subtype_id)
        if vals and self.outcome_id:
            vals["body"] += _plain_paragraph(self.outcome_id.name)
        return vals

    def _after_fold(self):
        result = super()._after_fold()
        self._settle_wrapups()
        return result

    def _settle_wrapups(self):
        """Who hung up is known now: work out the after-call time of those who are done already."""
        concerned = self.filtered(lambda call: call.company_id._crm_voip_has_wrapups())
        if not concerned:
            return
        wrapups = self.env["crm.voip.wrapup"].search(
            [("call_id", "in", concerned.ids), ("rang_at", "!=", False), ("hung_up_at", "=", False)]
        )
        wrapups._settle()

    def _take_over(self, gone):
        # before the wrap-ups of the others are moved here: a person has one for each call
        wrapups = self.env["crm.voip.wrapup"].search([("call_id", "in", (self | gone).ids)], order="id")
        joined = False
        for own in wrapups.grouped("user_id").values():
            kept = own.filtered(lambda one: one.call_id == self)[:1] or own[:1]
            for other in own - kept:
                kept._join(other)
                joined = True
        result = super()._take_over(gone)
        if wrapups:
            self._take_outcome()
        if joined:
            self._settle_wrapups()
        return result

    # --- promises ---

    def _card_promises(self):
        """Open promises to the call's customer: to the opportunity, the contact, and the people of its company.

        :return: ``[{"id", "date", "summary", "user", "record", "overdue"}, …]``, the earliest first, as far as
            the user may see them
        """
        self.ensure_one()
        promise = self.env.ref("crm_voip_bridge.mail_activity_type_promise", raise_if_not_found=False)
        if not promise:
            return []
        # sudo: of a call that one sees, one knows the customer; the activities are searched with one's own rights
        call = self.sudo()
        company = call.partner_id.commercial_partner_id
        domain = Domain("res_model", "=", "crm.voip.call") & Domain("res_id", "=", call.id)
        if call.lead_id:
            domain |= Domain("res_model", "=", "crm.lead") & Domain("res_id", "=", call.lead_id.id)
        if company:
            people = self.env["res.partner"].sudo()._search([("commercial_partner_id", "=", company.id)])
            domain |= Domain("res_model", "=", "res.partner") & Domain("res_id", "in", people)
            leads = self.env["crm.lead"].sudo()._search([("partner_id", "in", people), ("active", "=", True)])
            domain |= Domain("res_model", "=", "crm.lead") & Domain("res_id", "in", leads)
        today = fields.Date.context_today(self)
        promises = self.env["mail.activity"].search(
            Domain("activity_type_id", "=", promise.id) & domain, order="date_deadline, id", limit=5
        )
        return [
            {
                "id": activity.id,
                "date": fields.Date.to_string(activity.date_deadline),
                "summary": activity.summary or promise.name,
                "user": activity.user_id.name,
                "record": activity.res_name,
                "overdue": activity.date_deadline < today,
            }
            for activity in promises
        ]


def _plain_paragraph(text):
    """:return: a paragraph as the sanitizer of messages leaves it, so that comparing with what is stored works"""
    escaped = str(html_escape(text)).replace("&#39;", "'").replace("&#34;", '"')
    return Markup("<p>%s</p>") % Markup(escaped)  # noqa: S704, escaped above
