from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ..lib.meter import RED, WORST_FIRST, YELLOW
from .crm_support_checkpoint import as_kept
from .crm_support_meter import AMOUNTS

#: days that are looked at
DAYS = 90
#: an agreement that is younger is not called unused
YOUNG = 30
#: so many days in red, and at least this share of the days with help, make an agreement too small
RED_DAYS, RED_SHARE = 3, 0.2
#: customers that are looked at in one transaction
CHUNK = 200


class CrmSupportFit(models.Model):
    """Whether what a customer has fits what it needs: of the days with help, on how many the meter was yellow or red.

    Worked out each night from the ledger, for all who have an agreement or had help in the last days.
    """

    _name = "crm.support.fit"
    _inherit = ["crm.voip.export"]
    _description = "Whether agreements fit"
    _order = "red_days desc, contacts desc, id"
    _rec_name = "partner_id"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    agreement_id = fields.Many2one(
        "crm.support.agreement",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Empty: it has what the company gives to customers without agreement.",
    )
    policy_id = fields.Many2one("crm.support.policy", readonly=True, index="btree_not_null", ondelete="cascade")
    verdict = fields.Selection(
        [("small", "Too small"), ("unused", "Not used"), ("fits", "Fits")],
        "How it fits",
        required=True,
        readonly=True,
        help="Too small: red on at least 3 days, and on at least a fifth of the days with help. Not used: 30 days old or "
        "older, and no help in the last 90 days.",
    )
    days = fields.Integer("Days with help", readonly=True)
    yellow_days = fields.Integer("Days that ended yellow", readonly=True)
    red_days = fields.Integer("Days that ended red", readonly=True)
    contacts = fields.Integer("Contacts (number)", readonly=True, help="All, whether they count or not.")
    minutes = fields.Float("Minutes of help", readonly=True, help="All, whether they count or not.")
    since = fields.Date("Looked at from", readonly=True, help="90 days, or since the agreement began.")
    day = fields.Date("Worked out on", required=True, readonly=True)

    _customer_unique = models.UniqueIndex("(company_id, partner_id)")

    # --- working it out ---

    @api.model
    def _cron_look(self):
        """Look at all customers of all companies."""
        # sudo: figures are kept of all companies
        for company in self.env["res.company"].sudo().search([("id", "!=", False)]):
            self.sudo()._look(company, done=self.env["ir.cron"]._commit_progress)

    def action_look(self):
        """Work it out now, for all customers of the company."""
        if not self.env.user.has_group("crm_support_budget.group_supervisor"):
            raise UserError(self.env._("It is worked out by a supervisor, or at night."))
        # sudo: see _cron_look
        self.sudo()._look(self.env.company)

    @api.model
    def _look(self, company, now=None, done=None):
        """Look at a company's customers.

        :param now: naive UTC
        :param done: called with a number of customers each time that some are looked at
        """
        now = now or fields.Datetime.now()
        today = now.astimezone(company._crm_voip_zone()).date()
        first = today - timedelta(days=DAYS)
        start = max(company._crm_voip_bounds(first, first)[0], company._crm_support_since())
        self.env["crm.support.agreement"].flush_model()
        self.env["crm.support.entry"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id FROM crm_support_agreement
                    WHERE company_id = %(company)s AND active AND date_from <= %(today)s
                      AND coalesce(date_until, %(today)s) >= %(today)s
                    UNION SELECT partner_id FROM crm_support_entry
                    WHERE company_id = %(company)s AND at >= %(start)s AND at <= %(now)s ORDER BY 1""",
                company=company.id,
                today=today,
                start=start,
                now=now,
            )
        )
        customers = [customer for (customer,) in rows]
        self.search([("company_id", "=", company.id), ("partner_id", "not in", customers)]).unlink()
        for some in split_every(CHUNK, customers, list):
            self._look_at(company, some, start, now, today)
            if done:
                done(len(some))

    def _look_at(self, company, customers, start, now, today):
        timelines = self.env["crm.support.terms"]._timelines(customers, company)
        agreements = self._agreements(company, customers, today)
        history = self._history(company, customers, timelines, start, now)
        began = start.astimezone(company._crm_voip_zone()).date()
        fresh = []
        for customer in customers:
            agreement, begins = agreements.get(customer, (None, began))
            found = [one for one in history[customer] if one["day"] >= begins]
            red = sum(one["colour"] == RED for one in found)
            held = [values for moment, values in timelines[customer] if moment <= now]
            fresh.append(
                {
                    "company_id": company.id,
                    "partner_id": customer,
                    "agreement_id": agreement,
                    "policy_id": held[-1]["policy"] if held and held[-1] else False,
                    "verdict": "small"
                    if red >= RED_DAYS and red >= RED_SHARE * len(found)
                    else "unused"
                    if agreement and not found and (today - begins).days >= YOUNG
                    else "fits",
                    "days": len(found),
                    "yellow_days": sum(one["colour"] == YELLOW for one in found),
                    "red_days": red,
                    "contacts": round(sum(one["contacts"] for one in found)),
                    "minutes": sum(one["minutes"] for one in found),
                    "since": max(began, begins),
                    "day": today,
                }
            )
        self.search([("company_id", "=", company.id), ("partner_id", "in", customers)]).unlink()
        self.create(fresh)
        if company._crm_support_is_dry():
            self.env["crm.support.would"]._turned(company, customers, history)

    @api.model
    def _agreements(self, company, customers, today):
        """:return: ``{customer id: (agreement id, its first day)}`` of those who have one today, suspended ones not"""
        held = (
            Domain("company_id", "=", company.id)
            & Domain("partner_id", "in", customers)
            & Domain("suspended", "=", False)
            & Domain("date_from", "<=", today)
            & (Domain("date_until", "=", False) | Domain("date_until", ">=", today))
        )
        agreements = self.env["crm.support.agreement"].search(held, order="date_from, id")
        return {one.partner_id.id: (one.id, one.date_from) for one in agreements}

    @api.model
    def _history(self, company, customers, timelines, start, now):
        """Each day on which customers had help, and which colour the meter had before and after it.

        :return: ``{customer id: [{"day", "at", "before", "colour", "minutes", "contacts"}]}``: ``before`` is the colour when
            the first help of the day began, ``colour`` that after the last, at the moment ``at``
        """
        zone = company._crm_voip_zone()
        kept = self.env["crm.support.meter"]._kept(
            customers, company, start - timedelta(microseconds=1), (start, start)
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id, at, minutes, contacts, measured_minutes, measured_contacts FROM crm_support_entry
                    WHERE company_id = %s AND partner_id = ANY(%s) AND at >= %s AND at <= %s""",
                company.id,
                customers,
                start,
                now,
            )
        )
        days = defaultdict(lambda: defaultdict(list))
        for customer, at, *amounts in rows:
            days[customer][at.astimezone(zone).date()].append((at, *amounts))
        found = {}
        for customer in customers:
            pending, begun, _day = kept[customer]
            found[customer] = []
            for day, entries in sorted(days[customer].items()):
                contacts = sum(one[4] for one in entries)
                if contacts <= 0 and sum(one[3] for one in entries) <= 0:
                    # all of it was taken back
                    continue
                first, last = min(one[0] for one in entries), max(one[0] for one in entries)
                before, begun = self._colour(company, timelines[customer], pending, begun, first)
                pending = []
                after, begun = self._colour(company, timelines[customer], [one[:3] for one in entries], begun, last)
                found[customer].append(
                    {
                        "day": day,
                        "at": last,
                        "before": before,
                        "colour": after,
                        "minutes": sum(one[3] for one in entries),
                        "contacts": contacts,
                    }
                )
        return found

    @api.model
    def _colour(self, company, timeline, entries, begun, moment):
        """:return: the colour at a moment, None where nothing is limited, and the states to go on from"""
        Meter = self.env["crm.support.meter"]
        states = [Meter._state(company, timeline, amount, entries, begun, moment) for amount in AMOUNTS]
        colours = {state.colour for state, _terms in states if state}
        kept = [state and as_kept((terms[0].since, state)) for state, terms in states]
        return next((one for one in WORST_FIRST if one in colours), None), (moment, *kept)

    # --- looking ---

    def action_ledger(self):
        """The very entries."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_support_budget.crm_support_entry_action")
        start, _end = self.company_id._crm_voip_bounds(self.since, self.since)
        return {
            **action,
            "domain": [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("at", ">=", fields.Datetime.to_string(start)),
            ],
        }

    def action_agreement(self):
        """The agreement, or a new one for this customer."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.support.agreement",
            "res_id": self.agreement_id.id,
            "views": [(False, "form")],
            "context": {"default_partner_id": self.partner_id.id, "default_company_id": self.company_id.id},
        }
