from datetime import datetime, timedelta
from functools import partial

from odoo import api, fields, models
from odoo.tools import SQL

from ..lib import meter
from ..lib.meter import Terms
from ..lib.reading import Reading
from ..lib.terms import held_at, last_run, version
from .crm_support_checkpoint import as_kept, read

#: what a policy may limit
AMOUNTS = ("minutes", "contacts")


class CrmSupportMeter(models.AbstractModel):
    """How much help customers have left: worked out from what held and from the ledger, whenever it is asked for.

    A reading begins at the last kept state (``crm.support.checkpoint``) that still holds, so it takes the same time however
    long the history is; without any kept state it is the same.
    """

    _name = "crm.support.meter"
    _description = "Support meter"

    # --- reading ---

    @api.model
    def _of(self, customers, company, now=None):
        """What the meters of some customers say.

        :param customers: ``res.partner``; commercial entities
        :param now: naive UTC, the present moment if not given
        :return: ``{customer id: lib.reading.Reading}``
        """
        now = now or fields.Datetime.now()
        dry = company._crm_support_is_dry()
        today = now.astimezone(company._crm_voip_zone()).date()
        timelines = self.env["crm.support.terms"]._timelines(customers.ids, company)
        kept = self._kept(customers.ids, company, now, company._crm_voip_bounds(today, today))
        running = self._running(customers, company, now)
        found = {}
        for customer in customers.ids:
            entries, checkpoint, day = kept[customer]
            found[customer] = self._reading(
                company, timelines[customer], entries, checkpoint, day, running.get(customer, (0.0, 0)), now, dry
            )
        return found

    @api.model
    def _from_nothing(self, customer, company, now):
        """The states of a customer's meter, worked out from the whole ledger.

        :return: ``{"minutes": lib.meter.State or None, "contacts": …}``
        """
        timeline = self.env["crm.support.terms"]._timelines(customer.ids, company)[customer.id]
        self.env["crm.support.entry"].flush_model()
        entries = self.env.execute_query(
            SQL(
                """SELECT at, minutes, contacts FROM crm_support_entry
                    WHERE company_id = %s AND partner_id = %s AND at <= %s""",
                company.id,
                customer.id,
                now,
            )
        )
        return {
            amount: self._state(company, timeline, amount, entries, (None, None, None), now)[0] for amount in AMOUNTS
        }

    @api.model
    def _state(self, company, timeline, amount, entries, checkpoint, now):
        """One meter of one customer.

        :param entries: ``(at, minutes, contacts)`` after the checkpoint, in any order
        :param checkpoint: ``(at, minutes, contacts)`` as kept, each None if there is none
        :return: the state now and the terms, ``(None, [])`` where the amount is not limited
        """
        run = last_run(timeline, amount, now)
        if not run:
            return None, []
        terms = [self._terms(company, since, values, amount) for since, values in run]
        worked = partial(self._worked, company, run)
        place = AMOUNTS.index(amount) + 1
        state, begun = meter.beginning(terms), read(checkpoint[place])
        if begun and begun[0] == state.at:
            state = begun[1]
        for at, used in meter.netted((one[0], one[place]) for one in entries):
            if state.at <= at <= now:
                state = meter.charge(meter.advance(state, terms, worked, at), used)
        return meter.advance(state, terms, worked, now), terms

    @api.model
    def _reading(self, company, timeline, entries, checkpoint, day, running, now, dry):
        holding = held_at(timeline, now)
        states, green = {}, None
        for place, amount in enumerate(AMOUNTS):
            state, terms = self._state(company, timeline, amount, entries, checkpoint, now)
            if state is None:
                continue
            # a call that runs counts as it is now; what it was about is not known yet
            states[amount] = meter.charge(state, running[place])
            if states[amount].first <= 0:
                at = meter.green_again(states[amount], terms, self._calendar(company, holding)._crm_support_plan)
                green = max(filter(None, (green, at)), default=None)
        values = holding or {}
        return Reading(
            at=now,
            colour=next((one for one in meter.WORST_FIRST if one in {state.colour for state in states.values()}), None),
            minutes_left=states["minutes"].left if "minutes" in states else None,
            contacts_left=states["contacts"].left if "contacts" in states else None,
            green_at=green,
            day_minutes=day[0] + running[0],
            day_contacts=day[1] + running[1],
            day_minutes_limit=values.get("day_minutes") or None,
            day_contacts_limit=values.get("day_contacts") or None,
            running_minutes=running[0],
            priority=values.get("priority") or 1.0,
            used_up=values.get("used_up") or "warn",
            policy=values.get("policy"),
            agreement=values.get("agreement"),
            dry=dry,
        )

    @api.model
    def _left_in_words(self, reading):
        """:return: what is left, or by how much it is over, in words"""
        said = []
        for amount, unit in (
            (reading.minutes_left, self.env._("min")),
            (reading.contacts_left, self.env._("contacts")),
        ):
            if amount is not None:
                how = (
                    self.env._("%(amount)s %(unit)s left") if amount >= 0 else self.env._("over by %(amount)s %(unit)s")
                )
                said.append(how % {"amount": round(abs(amount)), "unit": unit})
        return ", ".join(said) or self.env._("Not limited")

    @api.model
    def _today_in_words(self, reading):
        """:return: what was had today"""
        minutes, contacts = round(reading.day_minutes), round(reading.day_contacts)
        if contacts == 1:
            return self.env._("%(minutes)s min, 1 contact", minutes=minutes)
        return self.env._("%(minutes)s min, %(contacts)s contacts", minutes=minutes, contacts=contacts)

    # --- what it is read from ---

    @api.model
    def _kept(self, customers, company, now, day):
        """:return: ``{customer id: (entries after the kept state, kept state, (minutes, contacts) of the day)}``"""
        self.env["crm.support.entry"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT customer.id, kept.at, kept.minutes, kept.contacts, entered.rows, day.minutes, day.contacts
                     FROM unnest(%(customers)s::integer[]) AS customer (id)
                    CROSS JOIN LATERAL (
                        SELECT least(
                            (SELECT min(at) FROM crm_support_late
                              WHERE partner_id = customer.id AND company_id = %(company)s),
                            (SELECT min(at) FROM crm_support_late WHERE partner_id IS NULL)) AS at) AS late
                     LEFT JOIN LATERAL (
                        SELECT at, minutes, contacts FROM crm_support_checkpoint
                         WHERE partner_id = customer.id AND company_id = %(company)s
                           AND at < coalesce(late.at, 'infinity') AND at <= %(now)s
                         ORDER BY at DESC LIMIT 1) AS kept ON TRUE
                    CROSS JOIN LATERAL (
                        SELECT jsonb_agg(jsonb_build_array(at, minutes, contacts)) AS rows FROM crm_support_entry
                         WHERE partner_id = customer.id AND company_id = %(company)s
                           AND at > coalesce(kept.at, '-infinity') AND at <= %(now)s) AS entered
                    CROSS JOIN LATERAL (
                        SELECT coalesce(sum(measured_minutes), 0) AS minutes, coalesce(sum(measured_contacts), 0) AS contacts
                          FROM crm_support_entry
                         WHERE partner_id = customer.id AND company_id = %(company)s
                           AND at >= %(start)s AND at < %(end)s AND at <= %(now)s) AS day""",
                customers=list(customers),
                company=company.id,
                now=now,
                start=day[0],
                end=day[1],
            )
        )
        return {
            customer: (
                [(datetime.fromisoformat(one[0]), one[1], one[2]) for one in entered or ()],
                (at, minutes, contacts),
                (day_minutes, day_contacts),
            )
            for customer, at, minutes, contacts, entered, day_minutes, day_contacts in rows
        }

    @api.model
    def _running(self, customers, company, now):
        """:return: ``{customer id: (minutes, contacts)}`` of support calls that are being talked"""
        found = {}
        for one in self.env["crm.voip.call"]._crm_support_running(company, customers):
            minutes, contacts = found.get(one["customer"], (0.0, 0))
            talked = max((now - one["since"]) / timedelta(minutes=1), 0.0)
            found[one["customer"]] = minutes + talked, contacts + 1
        return found

    @api.model
    def _replayed(self, customers, company, until):
        """The states after the last entry of each month, and after the last entry of all, before a moment.

        :return: ``{customer id: [(at, (since, State) or None for minutes, the same for contacts)]}``, what is kept already left out
        """
        timelines = self.env["crm.support.terms"]._timelines(customers, company)
        kept = self._kept(customers, company, until - timedelta(microseconds=1), (until, until))
        found = {}
        for customer in customers:
            entries, checkpoint, _day = kept[customer]
            last_of_month = {}
            for at, *_amounts in entries:
                month = (at.year, at.month)
                last_of_month[month] = max(at, last_of_month.get(month, at))
            states, begun = [], checkpoint
            for moment in sorted(last_of_month.values()):
                some = [one for one in entries if (begun[0] is None or one[0] > begun[0]) and one[0] <= moment]
                pair = []
                for amount in AMOUNTS:
                    state, terms = self._state(company, timelines[customer], amount, some, begun, moment)
                    pair.append(state and (meter.beginning(terms).at, state))
                states.append((moment, *pair))
                # the next one goes on from here, as it will from what is kept
                begun = (moment, *(one and as_kept(one) for one in pair))
            found[customer] = states
        return found

    # --- terms ---

    @api.model
    def _terms(self, company, since, values, amount):
        period = self._calendar(company, values)._crm_support_period(values["period"])
        return Terms(since, values[amount] / period, values[f"reserve_{amount}"], values[f"carry_{amount}"])

    @api.model
    def _worked(self, company, run, start, end):
        # terms do not change between the two moments: lib.meter.advance asks for each stretch by itself
        return self._calendar(company, version(run, start))._crm_support_worked(start, end)

    @api.model
    def _calendar(self, company, values):
        """:return: the working hours in which a budget comes back, empty for round the clock"""
        calendar = self.env["resource.calendar"].browse((values and values["calendar"]) or [])
        # sudo: when a company works is for everybody to know whose budget depends on it
        return calendar or company.sudo().resource_calendar_id

    # --- what changes ---

    @api.model
    def _entered(self, entries):
        """Entries were appended to the ledger: what is kept of their customers' meters from then on does not hold."""
        self.env["crm.support.late"]._mark({(one.company_id.id, one.partner_id.id, one.at) for one in entries})

    @api.model
    def _stale(self, customers, company=None, since=datetime(1970, 1, 1)):
        """What is kept of these customers' meters does not hold any more, from a moment on.

        :param company: all if not given
        """
        # sudo: which companies there are
        companies = company or self.env["res.company"].sudo().search([("id", "!=", False)])
        self.env["crm.support.late"]._mark(
            {(one.id, customer, since) for one in companies for customer in customers.ids}
        )

    @api.model
    def _stale_all(self):
        self.env["crm.support.late"]._mark_all()
