from collections import defaultdict
from datetime import datetime, time, timedelta, timezone

import pytz
from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_datetime

from ..lib import callbacks as lib
from .crm_voip_call import duration
from .measured import Measured
from .working_time import WorkingTime

#: days; what is imported or caught up later than this after it happened is history and makes no callback
RECENT_DAYS = 7
#: days; whoever talked with a customer longer ago is no longer the one who knows them
TALKED_WITHIN_DAYS = 365
#: an activity that a machine assigns is seen in the systray, and sends no mail
SILENT = {"mail_activity_quick_update": True}


class CrmVoipCallback(models.Model):
    """Somebody called, nobody of us talked to them: they are to be called back, and were or were not.

    A callback follows from the calls of its number and from what people decided (:mod:`lib.callbacks`). It is
    worked out whenever a call of the number is folded, so calls that come late, shuffled or again change nothing
    but what they must. Of a number there is one open callback or none. It shows as one activity, on the opportunity,
    else the contact, else the call.

    What is measured: the working minutes from the first missed call until the number and any of us were connected.
    A callback that a person declared done was not measured.
    """

    _name = "crm.voip.callback"
    _inherit = ["crm.voip.people", "crm.voip.folded", "crm.voip.led"]
    _description = "Callback"
    _order = "due_at, id"
    _rec_name = "number"

    _people_fields = ("user_id", "done_by_id", "viewer_ids")
    _people_user = "user_id"
    _people_time = "first_missed_at"
    _people_teams = "team_ids"

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, ondelete="cascade")
    number = fields.Char(required=True, help="In international form, or as the PBX said it.")
    name = fields.Char("Name shown", help="What the PBX showed as the caller's name.")
    partner_id = fields.Many2one("res.partner", "Contact", index="btree_not_null", ondelete="set null")
    lead_id = fields.Many2one("crm.lead", "Opportunity", index="btree_not_null", ondelete="set null")
    customer_label = fields.Char("Customer or number", compute="_compute_customer_label")
    first_call_id = fields.Many2one("crm.voip.call", "First missed call", required=True, index=True, ondelete="cascade")
    last_call_id = fields.Many2one("crm.voip.call", "Last missed call", required=True, index=True, ondelete="cascade")
    first_missed_at = fields.Datetime("Waiting since", required=True)
    last_missed_at = fields.Datetime("Last missed", required=True)
    missed_count = fields.Integer("Missed calls", help="How often they tried to reach us.")
    attempts = fields.Integer(help="Calls to this number since then that did not get through.")
    last_attempt_at = fields.Datetime("Last attempt")
    user_id = fields.Many2one(
        "res.users",
        "To do by",
        index="btree_not_null",
        help="Who last talked with them, else the salesperson, else the team's leader.",
    )
    by_hand = fields.Boolean("Taken by hand", help="A person decided who calls back.")
    due_at = fields.Datetime("Due", help="In working time; see the settings.")
    moved = fields.Boolean("Moved by hand", help="A person decided until when.")
    state = fields.Selection(
        [("open", "Open"), ("done", "Done"), ("dropped", "Dropped")], required=True, default="open", index=True
    )
    done_how = fields.Selection(
        [("call", "They were reached"), ("hand", "By hand")],
        "Closed how",
        help="Reached: the number and one of us were connected. By hand: somebody said so.",
    )
    done_call_id = fields.Many2one("crm.voip.call", "Connected call", index="btree_not_null", ondelete="set null")
    done_by_id = fields.Many2one("res.users", "Done by")
    done_at = fields.Datetime("Closed")
    entry_id = fields.Many2one("crm.voip.callback.entry", groups=fields.NO_ACCESS)
    reason = fields.Char("Why dropped")
    working_minutes = Measured(
        "Working minutes until reached",
        help="From the first missed call until one of us was connected with the number, in working time. "
        "Empty while nobody was reached, and when it was done by hand.",
    )
    activity_id = fields.Many2one("mail.activity", index="btree_not_null", ondelete="set null")
    trace = fields.Json(help="What closing the activity left behind, to undo it.", groups=fields.NO_ACCESS)
    viewer_ids = fields.Many2many(
        "res.users", "crm_voip_callback_user_rel", "callback_id", "user_id", "Seen by", copy=False
    )
    team_ids = fields.Many2many("crm.team", "crm_voip_callback_team_rel", "callback_id", "team_id", "Teams")
    is_mine = fields.Boolean("Mine", compute="_compute_is_mine", search="_search_is_mine")
    is_overdue = fields.Boolean("Overdue", compute="_compute_is_overdue", search="_search_is_overdue")
    story = fields.Char("What happened", compute="_compute_story")
    call_ids = fields.Many2many("crm.voip.call", compute="_compute_call_ids", string="Calls")

    _open_unique = models.UniqueIndex("(company_id, number) WHERE state = 'open'")
    _number_idx = models.Index("(number, done_at)")
    _due_idx = models.Index("(company_id, due_at) WHERE state = 'open'")
    _order_idx = models.Index("(company_id, due_at, id)")
    _missed_idx = models.Index("(company_id, first_missed_at)")

    # --- computes ---

    @api.depends("customer_label")
    def _compute_display_name(self):
        for callback in self:
            callback.display_name = callback.customer_label

    @api.depends("partner_id", "lead_id", "number", "name")
    def _compute_customer_label(self):
        # sudo: whoever sees the callback sees the name of its customer, as with calls
        for callback, real in zip(self, self.sudo(), strict=True):
            known = real.partner_id.name or real.lead_id.contact_name or real.lead_id.partner_name
            callback.customer_label = known or callback.number

    @api.depends_context("uid")
    def _compute_is_mine(self):
        # sudo: what is to be done by oneself is for everybody to know
        for callback, real in zip(self, self.sudo(), strict=True):
            callback.is_mine = self.env.user in (real.user_id | real.done_by_id)

    def _search_is_mine(self, operator, value):
        if operator != "in":
            return NotImplemented
        mine = Domain("user_id", "=", self.env.uid) | Domain("done_by_id", "=", self.env.uid)
        return mine if True in value else ~mine

    @api.depends("state", "due_at")
    def _compute_is_overdue(self):
        now = fields.Datetime.now()
        for callback in self:
            callback.is_overdue = bool(callback.state == "open" and callback.due_at and callback.due_at < now)

    def _search_is_overdue(self, operator, value):
        if operator != "in":
            return NotImplemented
        overdue = Domain("state", "=", "open") & Domain("due_at", "<", fields.Datetime.now())
        return overdue if True in value else ~overdue

    @api.depends("state", "missed_count", "attempts", "done_at", "done_call_id", "working_minutes")
    @api.depends_context("lang", "tz")
    def _compute_story(self):
        for callback in self:
            # sudo: one callback at a time tells who did it, as a call does; see crm.voip.people
            callback.story = len(self) == 1 and callback.sudo()._story()

    @api.depends_context("uid")
    def _compute_call_ids(self):
        if len(self) != 1:  # shown on the form
            self.call_ids = False
            return
        domain = self._domain_of_number() & Domain("started_at", ">=", self.first_missed_at)
        if self.done_at:
            domain &= Domain("started_at", "<=", self.done_at)
        self.call_ids = self.env["crm.voip.call"].search(domain, limit=100)

    def _domain_of_number(self):
        """:return: the domain of all calls of the number"""
        raw = Domain("outside_e164", "=", False) & Domain("outside_number", "=", self.number)
        return Domain("company_id", "=", self.company_id.id) & (Domain("outside_e164", "=", self.number) | raw)

    # --- the rule about persons ---

    def _read_format(self, fnames, load="_classic_read"):
        rows = super()._read_format(fnames, load)
        if "user_id" in fnames and not self.env.su:
            # who is to call back is a task, and no figure of what a person did; afterwards it is
            waiting = self.filtered(lambda callback: callback.state == "open")
            shown = {row["id"]: row["user_id"] for row in waiting.sudo()._read_format(["user_id"], load)}
            for row in rows:
                if row["id"] in shown:
                    row["user_id"] = shown[row["id"]]
        return rows

    def _people_calls(self):
        # one callback at a time
        return self

    def _people_look_at(self, records, how):
        # sudo: the rule must know whose record it is
        callback = records.sudo()
        self._people_log(callback.done_by_id, how, callback.done_call_id)

    # --- actions ---

    def action_call(self):
        """Open the number with whatever telephone the computer has; the web client dials by itself where it can."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": f"tel:{self.number}", "target": "self"}

    def action_next(self):
        """Open the next open callback of mine."""
        following = self._next()
        if not following:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {"type": "success", "message": self.env._("That was the last one: nobody waits for you.")},
            }
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": following.id,
            "views": [(False, "form")],
        }

    def next_open(self):
        """:return: id of the open callback of mine that comes after this one, False if there is no other"""
        return self._next().id

    def _next(self):
        """:return: the one after this one in the order of the list, from the beginning after the last"""
        mine = self.search([("state", "=", "open"), ("is_mine", "=", True)]) - self
        if not self or not self.due_at:
            return mine[:1]
        here = (self.due_at, self.id)
        return mine.filtered(lambda callback: (callback.due_at or datetime.max, callback.id) > here)[:1] or mine[:1]

    def action_work_through(self):
        """Open the first open callback of mine, whatever is selected in the list."""
        return self.browse().action_next()

    def action_take(self):
        """I call back."""
        self.check_access("read")
        # sudo: nobody writes callbacks; whoever sees one may take it over
        waiting = self.sudo().filtered(lambda callback: callback.state == "open" and callback.user_id != self.env.user)
        waiting._assign(self.env.user)

    def action_drop(self, reason=False):
        """Nobody calls back.

        :param reason: why, in words; without one it is asked for
        """
        self.check_access("read")
        if not reason:
            return {
                "type": "ir.actions.act_window",
                "name": self.env._("Drop the callback"),
                "res_model": "crm.voip.callback.drop",
                "views": [(False, "form")],
                "target": "new",
                "context": {"default_callback_ids": [Command.set(self.ids)]},
            }
        # sudo: a decision is all that a person may add, and this is where it is made
        self.sudo().filtered(lambda callback: callback.state == "open")._decide("dropped", reason)
        return None

    def action_reopen(self):
        """It was not done: take back what closed it."""
        self.check_access("read")
        # sudo: see action_drop
        self.sudo().filtered(lambda callback: callback.state != "open")._decide("reopened")

    def action_open_customer(self):
        """Open the opportunity, or else the contact."""
        self.ensure_one()
        record = self.lead_id or self.partner_id or self.last_call_id
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    def action_new_contact(self):
        """A new contact with the number filled in."""
        self.ensure_one()
        return self.last_call_id.action_new_contact()

    def action_open_call(self):
        """Open the last missed call."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.voip.call",
            "res_id": self.last_call_id.id,
            "views": [(False, "form")],
        }

    # --- decisions of people ---

    def _decide(self, kind, reason=False):
        """Enter what the present user decided, and work the callbacks out anew.

        :param kind: a value of :attr:`CrmVoipCallbackEntry.kind`
        """
        if not self:
            return
        now = fields.Datetime.now()
        vals_list = []
        for callback in self:
            vals = {"company_id": callback.company_id.id, "number": callback.number, "kind": kind}
            if kind == "reopened":
                vals |= {"call_id": callback.done_call_id.id, "entry_id": callback.entry_id.id}
            # the PBX's clock may be ahead; what one sees is what one closes
            at = max(now, callback.last_missed_at + timedelta(seconds=1))
            vals_list.append({**vals, "at": at, "user_id": self.env.uid, "reason": reason})
        self.env["crm.voip.callback.entry"].create(vals_list)
        since = {(callback.company_id.id, callback.number): callback.first_missed_at for callback in self}
        self.env["crm.voip.callback.turn"]._take(since)
        self._recalculate(since)

    def _assign(self, user):
        """Somebody decided who calls back."""
        for callback in self:
            callback.write({"user_id": user.id, "by_hand": bool(user)})
            callback.viewer_ids |= user
        self._show_calls()
        self._sync_activities()

    def _hand_over(self, users):
        """People leave: what they were to do is for the next in the row."""
        waiting = self.search([("user_id", "in", users.ids), ("state", "=", "open")])
        if not waiting:
            return
        who = waiting._who(without=users)
        for callback in waiting:
            callback.write({"user_id": who[callback.id].id, "by_hand": False})
            callback.viewer_ids |= who[callback.id]
        waiting._show_calls()
        waiting._sync_activities()

    def _leave(self, records):
        """Opportunities or contacts are deleted: the activities move to what is left."""
        name = "lead_id" if records._name == "crm.lead" else "partner_id"
        callbacks = self.search([(name, "in", records.ids)])
        if not callbacks:
            return
        callbacks.write({name: False})
        callbacks.filtered(lambda callback: callback.state == "open")._sync_activities()

    # --- following calls ---

    @api.model
    def _follow(self, calls):
        """Calls are new or changed: bring the callbacks of their numbers to what follows from them.

        Hot path: for calls that neither miss anybody nor belong to a callback this is two queries, however many
        calls there are.

        :param calls: ended calls, in superuser mode
        """
        since, begun, fresh = {}, set(), set()
        recent = fields.Datetime.subtract(fields.Datetime.now(), days=RECENT_DAYS + 1)
        for call in calls:
            number = call._callback_number()
            if not number or not call.started_at:
                continue
            key = (call.company_id.id, number)
            since[key] = min(since.get(key, call.started_at), call.started_at)
            if call.started_at >= recent:
                fresh.add(key)
            if call.direction == "inbound" and call.disposition in lib.MISSED:
                begun.add(key)
        self.env["crm.voip.callback.turn"]._take(fresh)
        domain = Domain("first_call_id", "in", calls.ids)
        domain |= Domain("last_call_id", "in", calls.ids) | Domain("done_call_id", "in", calls.ids)
        if since:
            domain |= self._domain_around(since)
        wanted = {key: since[key] for key in begun}
        ids = set(calls.ids)
        for callback in self.search_fetch(domain):
            key = (callback.company_id.id, callback.number)
            # also that of a number which a call turned out not to be of
            about = {callback.first_call_id.id, callback.last_call_id.id, callback.done_call_id.id} & ids
            if about:
                wanted[key] = min(callback.first_missed_at, wanted.get(key, since.get(key, callback.first_missed_at)))
            elif key in since and (callback.state == "open" or callback.done_at >= since[key]):
                wanted[key] = min(wanted.get(key, since[key]), since[key])
        if wanted:
            self._recalculate(wanted)

    @api.model
    def _domain_around(self, since):
        """:return: the domain of callbacks that are open or were closed after a moment, for each number"""
        return (
            Domain("company_id", "in", sorted({company for company, _number in since}))
            & Domain("number", "in", sorted({number for _company, number in since}))
            & (Domain("state", "=", "open") | Domain("done_at", ">=", min(since.values())))
        )

    @api.model
    def _recalculate(self, since):
        """Work out the callbacks of some numbers, with few queries however many there are.

        :param since: ``{(company id, number): moment}``; what was closed before it stays as it is
        """
        known = defaultdict(list)
        for record in self.search_fetch(self._domain_around(since), order="first_missed_at, id"):
            key = (record.company_id.id, record.number)
            if key in since and (record.state == "open" or record.done_at >= since[key]):
                known[key].append(record)
        # from the beginning of the callback that the moment lies in
        start = {key: min([moment, *(one.first_missed_at for one in known[key])]) for key, moment in since.items()}
        entries = self._entries_of(since)
        calls = self._calls_of(start, known)
        plans, surplus = [], self.browse()
        for key in since:
            records = {record.id: record for record in known[key]}
            found = lib.callbacks(calls.get(key, ()), [_entry(entry) for entry in entries.get(key, ())])
            rows = [(one.id, one.first_call_id.id, one.last_call_id.id) for one in records.values()]
            ids, gone = lib.match(rows, found)
            plans += [(key, one, records.get(ident, self.browse())) for one, ident in zip(found, ids, strict=True)]
            surplus |= self.browse(gone)
        surplus._vanish()
        prepared = self._prepare_all(plans, entries)
        touched = self.browse()
        # what closes first, then what opens: there is never more than one open
        for closes in (True, False):
            for (_key, _one, record), vals in zip(plans, prepared, strict=True):
                if record and (vals["state"] != "open") == closes and (differing := record._differing(vals)):
                    record.write(differing)
                    touched |= record
            self.flush_model()
        touched |= self.create([vals for (_key, _one, record), vals in zip(plans, prepared, strict=True) if not record])
        if touched:
            touched._show_calls()
            touched._sync_activities()

    @api.model
    def _entries_of(self, keys):
        """:return: ``{(company id, number): entries}``"""
        found = self.env["crm.voip.callback.entry"].search_fetch(
            [
                ("company_id", "in", sorted({company for company, _number in keys})),
                ("number", "in", sorted({number for _company, number in keys})),
            ]
        )
        return found.grouped(lambda entry: (entry.company_id.id, entry.number))

    @api.model
    def _calls_of(self, start, known):
        """The calls of numbers, from a moment each.

        A missed call counts if it arrived when it was recent, and not before callbacks were turned on, unless a callback
        has it already: whether they do does not depend on when they are looked at.

        :param start: ``{(company id, number): moment}``
        :param known: ``{(company id, number): [callbacks]}``
        :return: ``{(company id, number): [lib.callbacks.Call]}``
        """
        self.env["crm.voip.call"].flush_model()
        self.env["crm.voip.leg"].flush_model(["call_id", "role", "outcome"])
        rows = self.env.execute_query(
            SQL(
                """SELECT asked.company, asked.number, call.id, call.direction, call.disposition, call.started_at,
                          call.answered_at, call.create_date, call.outside_e164 IS NOT NULL,
                          call.disposition = 'failed' AND EXISTS (
                              SELECT FROM crm_voip_leg AS leg
                               WHERE leg.call_id = call.id AND leg.role = 'caller' AND leg.outcome = 'failed')
                     FROM unnest(%(companies)s::int[], %(numbers)s::varchar[], %(starts)s::timestamp[])
                          AS asked (company, number, start)
                     CROSS JOIN LATERAL (
                          SELECT * FROM crm_voip_call
                           WHERE outside_e164 = asked.number
                             -- a call that was answered later than that may have begun before
                             AND started_at >= asked.start - interval '1 day'
                       UNION ALL
                          SELECT * FROM crm_voip_call
                           WHERE outside_e164 IS NULL AND outside_number = asked.number
                             AND started_at >= asked.start - interval '1 day') AS call
                    WHERE call.company_id = asked.company
                      AND GREATEST(call.started_at, call.answered_at) >= asked.start
                      AND call.direction != 'internal' AND call.disposition != 'in_progress'""",
                companies=[company for company, _number in start],
                numbers=[number for _company, number in start],
                starts=list(start.values()),
            )
        )
        own = self._own_lines(start)
        companies = {one.id: one for one in self.env["res.company"].browse({company for company, _number in start})}
        found = defaultdict(list)
        for company, number, ident, direction, disposition, began, answered, arrived, public, rang_out in rows:
            key = (company, number)
            kind = lib.kind_of(direction, disposition, public, rang_out)
            if kind == "missed":
                on_since = companies[company].crm_voip_callbacks_since
                late = arrived - began > timedelta(days=RECENT_DAYS) or (on_since and began < on_since)
                if number in own.get(company, ()) or (
                    late and not any(one.first_missed_at <= began <= one.last_missed_at for one in known[key])
                ):
                    continue
            if kind:
                at = (answered or began) if kind == "connected" else began
                found[key].append(lib.Call(ident, kind, at))
        return found

    @api.model
    def _own_lines(self, keys):
        """:return: ``{company id: our own numbers}`` among some"""
        numbers = sorted({number for _company, number in keys})
        lines = self.env["crm.voip.line"].search_fetch(Domain("e164", "in", numbers) | Domain("number", "in", numbers))
        own = defaultdict(set)
        for line in lines:
            for company in line.company_id | line.pbx_id.company_id:
                own[company.id] |= {line.number, line.e164}
        return own

    # --- what a callback's fields are ---

    @api.model
    def _prepare_all(self, plans, entries):
        """Values of callbacks.

        :param plans: ``[((company id, number), lib.callbacks.Callback, record or an empty one), …]``
        :param entries: ``{(company id, number): entries}``
        :return: for each the values of all fields concerned
        """
        ids = {
            call.id for _key, one, _record in plans for call in (*one.missed, *one.attempts, *filter(None, [one.call]))
        }
        # what is read of one of them is read of all
        calls = self.env["crm.voip.call"].browse(ids)
        prepared = []
        for key, one, _record in plans:
            entry = one.entry and entries[key].filtered(lambda entry, one=one: entry.id == one.entry.id)
            prepared.append(self._prepare_callback_vals(key, one, calls, entry))
        self._prepare_persons(plans, prepared)
        self._prepare_times(plans, prepared)
        return prepared

    def _prepare_callback_vals(self, key, one, calls, entry):
        """Values of a callback, but for the person, the due time and the working minutes.

        :param one: :class:`lib.callbacks.Callback`
        :param calls: the calls of all callbacks, for the prefetch
        :param entry: the decision that closed it, or none
        """

        def records(some):
            return calls.browse([call.id for call in some]).with_prefetch(calls.ids)

        Call = calls.browse()
        missed, others = records(one.missed), records([*one.attempts, *filter(None, [one.call])])
        last = missed[-1]
        known = next((call for call in (*missed[::-1], *others[::-1]) if call.partner_id or call.lead_id), Call)
        closing = records([one.call]) if one.call else Call
        viewers = missed.viewer_ids | others.user_id
        return {
            "company_id": key[0],
            "number": key[1],
            "pbx_id": last.pbx_id.id,
            "name": last.name or next(filter(None, missed.mapped("name")), False),
            "partner_id": known.partner_id.id,
            "lead_id": known.lead_id.id,
            "first_call_id": missed[0].id,
            "last_call_id": last.id,
            "first_missed_at": one.since,
            "last_missed_at": one.missed[-1].at,
            "missed_count": len(one.missed),
            "attempts": len(one.attempts),
            "last_attempt_at": one.attempts[-1].at if one.attempts else False,
            "state": one.state,
            "done_how": "call" if closing else "hand" if entry else False,
            "done_call_id": closing.id,
            "done_by_id": (closing.user_id or closing.leg_ids.filtered("answered_at").user_id[:1]).id
            if closing
            else entry.user_id.id
            if entry
            else False,
            "done_at": one.closed_at or False,
            "entry_id": entry.id if entry else False,
            "reason": entry.reason if entry else False,
            "viewer_ids": [Command.set(sorted(viewers.ids))],
            "team_ids": [Command.set(sorted(missed.team_ids.ids))],
        }

    @api.model
    def _prepare_persons(self, plans, prepared):
        """Add who is to call back; who was decided by hand or did it already stays."""
        asked = []
        for index, ((_key, _one, record), vals) in enumerate(zip(plans, prepared, strict=True)):
            if record.user_id and (record.by_hand or vals["state"] != "open"):
                vals["user_id"] = record.user_id.id
            else:
                asked.append(index)
        who = self._who_of([prepared[index] for index in asked])
        for index, user in zip(asked, who, strict=True):
            prepared[index]["user_id"] = user.id
        for vals in prepared:
            seen = {*vals["viewer_ids"][0][2], *filter(None, [vals["user_id"], vals["done_by_id"]])}
            vals["viewer_ids"] = [Command.set(sorted(seen))]

    @api.model
    def _prepare_times(self, plans, prepared):
        """Add until when it is due, and how long it took; what was measured or moved stays."""
        asked = defaultdict(list)
        for (_key, one, record), vals in zip(plans, prepared, strict=True):
            same = record.first_missed_at == vals["first_missed_at"] and record.user_id.id == vals["user_id"]
            if record.due_at and (record.moved or same):
                vals["due_at"] = record.due_at
            if vals["done_how"] != "call":
                vals["working_minutes"] = False
            elif same and record.done_at == vals["done_at"] and record.working_minutes is not False:
                vals["working_minutes"] = record.working_minutes
            if "due_at" not in vals or "working_minutes" not in vals:
                asked[vals["company_id"]].append((one, vals))
        for company_id, some in asked.items():
            company = self.env["res.company"].browse(company_id)
            working = WorkingTime(
                company,
                [vals["user_id"] for _one, vals in some if vals["user_id"]],
                min(one.since for one, _vals in some),
                max(one.closed_at or one.since for one, _vals in some),
            )
            for one, vals in some:
                user_id = vals["user_id"]
                if "due_at" not in vals:
                    vals["due_at"] = working.plan(user_id, one.since, company.crm_voip_callback_hours)
                if "working_minutes" not in vals:
                    vals["working_minutes"] = one.working_minutes(
                        lambda start, end, user_id=user_id, working=working: working.worked(user_id, start, end)
                    )

    # --- who calls back ---

    def _who(self, without=()):
        """:return: ``{id: user}`` for callbacks that exist"""
        vals_list = [
            {name: self._fields[name].convert_to_write(callback[name], callback) for name in _WHO} for callback in self
        ]
        return dict(zip(self.ids, self._who_of(vals_list, without), strict=True))

    @api.model
    def _who_of(self, vals_list, without=()):
        """Who last talked with them, else the salesperson, else the team's leader; then whom it rang, then the
        administrator of calls. Only who works in the company.

        :param vals_list: values of callbacks
        :param without: users that are not to be chosen
        :return: list of users, one of them may be empty
        """
        if not vals_list:
            return []
        talked = self._who_talked(vals_list, without)
        Call, Lead, Partner = self.env["crm.voip.call"], self.env["crm.lead"], self.env["res.partner"]
        # one prefetch for each model
        calls = Call.browse([vals["first_call_id"] for vals in vals_list])
        leads = Lead.browse(dict.fromkeys(vals["lead_id"] for vals in vals_list if vals["lead_id"]))
        partners = Partner.browse(dict.fromkeys(vals["partner_id"] for vals in vals_list if vals["partner_id"]))
        leads, partners = leads.grouped("id"), partners.grouped("id")
        chosen, administrators = [], {}
        for vals, call, talker in zip(vals_list, calls, talked, strict=True):
            company = self.env["res.company"].browse(vals["company_id"])
            lead = leads.get(vals["lead_id"], Lead)
            partner = partners.get(vals["partner_id"], Partner)
            _company_id, team_id = call.pbx_id._line_of(call)
            teams = self.env["crm.team"].browse(team_id or []) | lead.team_id | call.team_ids.sorted("id")
            candidates = (
                self.env["res.users"].browse(talker or []),
                lead.user_id,
                partner.user_id,
                partner.commercial_partner_id.user_id,
                *teams.user_id,
                *call.leg_ids.sorted("id").user_id,
            )
            user = next((user for user in candidates if _works_in(user, company) and user not in without), None)
            if user is None:
                if company not in administrators:
                    administrators[company] = self._administrators(company)
                user = (administrators[company] - self.env["res.users"].concat(*without))[:1]
            chosen.append(user)
        return chosen

    @api.model
    def _who_talked(self, vals_list, without=()):
        """:return: for each the id of the user who last talked with the number or the customer, or None"""
        # the last talk of each kind: with an index each, however many there were
        talks = SQL(" UNION ALL ").join(
            SQL(
                """(SELECT leg.user_id, call.started_at, COALESCE(leg.left_at, leg.answered_at) AS left_at
                      FROM crm_voip_call AS call
                      JOIN crm_voip_leg AS leg ON leg.call_id = call.id AND leg.outcome = 'answered'
                      JOIN res_users AS person ON person.id = leg.user_id AND person.active AND NOT person.share
                      JOIN res_company_users_rel AS works ON works.user_id = person.id AND works.cid = asked.company
                     WHERE %s
                       AND call.company_id = asked.company AND call.disposition = 'answered'
                       AND call.direction != 'internal'
                       AND call.started_at < asked.before
                       AND call.started_at > asked.before - %s * interval '1 day'
                       AND person.id != ALL(%s::int[])
                  ORDER BY call.started_at DESC, COALESCE(leg.left_at, leg.answered_at) DESC NULLS LAST
                     LIMIT 1)""",
                same,
                TALKED_WITHIN_DAYS,
                [user.id for user in without],
            )
            for same in (
                SQL("call.outside_e164 = asked.number"),
                SQL("call.outside_e164 IS NULL AND call.outside_number = asked.number"),
                SQL("call.partner_id = asked.partner"),
                SQL("call.lead_id = asked.lead"),
            )
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT asked.place, talker.user_id
                     FROM unnest(%(places)s::int[], %(companies)s::int[], %(numbers)s::varchar[], %(partners)s::int[],
                                 %(leads)s::int[], %(before)s::timestamp[])
                          AS asked (place, company, number, partner, lead, before)
                     CROSS JOIN LATERAL (
                          SELECT talk.user_id FROM (%(talks)s) AS talk
                        ORDER BY talk.started_at DESC, talk.left_at DESC NULLS LAST LIMIT 1) AS talker""",
                places=list(range(len(vals_list))),
                companies=[vals["company_id"] for vals in vals_list],
                numbers=[vals["number"] for vals in vals_list],
                partners=[vals["partner_id"] or None for vals in vals_list],
                leads=[vals["lead_id"] or None for vals in vals_list],
                before=[vals["first_missed_at"] for vals in vals_list],
                talks=talks,
            )
        )
        found = dict(rows)
        return [found.get(place) for place in range(len(vals_list))]

    @api.model
    def _administrators(self, company):
        group = self.env["ir.model.data"]._xmlid_to_res_id("crm_voip_bridge.group_manager")
        return self.env["res.users"].search(
            [("all_group_ids", "in", [group]), ("company_ids", "in", company.ids), ("share", "=", False)], order="id"
        )

    def _show_calls(self):
        """Whoever is to call back sees the calls that were missed; see :meth:`CrmVoipCall._decide_viewers`."""
        if not self:
            return
        calls = self.env["crm.voip.call"].search(
            Domain("company_id", "in", self.company_id.ids)
            & (
                Domain("outside_e164", "in", self.mapped("number"))
                | Domain("outside_number", "in", self.mapped("number"))
            )
            & Domain("started_at", ">=", min(self.mapped("first_missed_at")))
            & Domain("started_at", "<=", max(self.mapped("last_missed_at")))
            & Domain("direction", "=", "inbound")
            & Domain("disposition", "in", list(lib.MISSED))
        )
        by_number = defaultdict(list)
        for callback in self:
            by_number[callback.company_id.id, callback.number].append(callback)
        missing = defaultdict(lambda: self.env["crm.voip.call"])
        for call in calls:
            for callback in by_number[call.company_id.id, call._callback_number()]:
                inside = callback.first_missed_at <= call.started_at <= callback.last_missed_at
                if inside and callback.user_id and callback.user_id not in call.viewer_ids:
                    missing[callback.user_id] += call
        for user, some in missing.items():
            some.write({"viewer_ids": [Command.link(user.id)]})

    # --- activities ---

    def _vanish(self):
        """These are none any more: calls that came late say so."""
        if not self:
            return
        activities = self.activity_id.filtered("active")
        self.unlink()
        activities.unlink()

    def _sync_activities(self):
        """Bring the activities to what the callbacks are."""
        callbacks = self.with_context(**SILENT)
        waiting = callbacks.filtered(lambda callback: callback.state == "open")
        new = []
        if waiting:
            type_id = self.env["ir.model.data"]._xmlid_to_res_id("crm_voip_bridge.mail_activity_type_callback")
            # the activity reads the names one by one
            for records in (waiting.lead_id, waiting.partner_id, waiting.last_call_id):
                records.mapped("display_name")
            for callback in waiting:
                activity, vals = callback.activity_id, callback._prepare_activity_vals(type_id)
                if not activity:
                    new.append((callback, vals))
                    continue
                if not activity.active:
                    activity._crm_voip_undone(callback.trace or {})
                    callback.trace = False
                if differing := _differing(activity, vals):
                    activity.write(differing)
        activities = self.env["mail.activity"].with_context(**SILENT).create([vals for _callback, vals in new])
        for (callback, _vals), activity in zip(new, activities, strict=True):
            callback.activity_id = activity
        for callback in callbacks - waiting:
            callback._close_activity()

    def _close_activity(self):
        """Mark the activity done as the person who reached them would, or take away that of a dropped callback."""
        activity, trace = self.activity_id, self.trace
        if not activity:
            return
        if trace and trace["call"] != self.done_call_id.id:
            # another call closed it than was thought
            activity._crm_voip_undone(trace)
            self.trace = False
        if not activity.active:
            return
        if self.state == "dropped":
            self.activity_id = False
            activity.unlink()
            return
        user = self.done_by_id if self.done_by_id.active else self.env["res.users"].browse(SUPERUSER_ID)
        feedback = self.with_context(lang=user.lang, tz=user.tz)._story()
        self.trace = {"call": self.done_call_id.id, **activity._crm_voip_done(user, feedback, self.done_call_id)}

    def _prepare_activity_vals(self, type_id):
        """Values of the activity of an open callback."""
        record = self.lead_id or self.partner_id or self.last_call_id
        user = self.user_id
        own = self.with_context(lang=user.lang or self.env.lang, tz=self._zone_name())
        last = format_datetime(own.env, self.last_missed_at, dt_format="short")
        lines = [own.env._("Missed calls: %(count)s, the last one on %(time)s.", count=self.missed_count, time=last)]
        if self.attempts:
            lines.append(own.env._("Attempts without an answer: %s.", self.attempts))
        link = Markup('<a href="#" data-oe-model="crm.voip.callback" data-oe-id="%s">%s</a>') % (self.id, self.number)
        return {
            "activity_type_id": type_id,
            "res_model_id": self.env["ir.model"]._get_id(record._name),
            "res_id": record.id,
            "user_id": user.id,
            "summary": own.env._("Call back %s", self.customer_label),
            "note": Markup("<p>%s<br/>%s</p>") % (link, Markup("<br/>").join(lines)),
            "date_deadline": self._due_date(),
            "automated": True,
        }

    def _zone_name(self):
        """:return: name of the time zone of the person, else the company's"""
        return self.user_id.tz or self.company_id.partner_id.tz or "UTC"

    def _due_date(self):
        """:return: the day on which it is due, where the person is"""
        zone = pytz.timezone(self._zone_name())
        return pytz.utc.localize(self.due_at or self.first_missed_at).astimezone(zone).date()

    def _follow_activity(self):
        """A person changed the activity of open callbacks: it is what they want."""
        done = self.filtered(lambda callback: not callback.activity_id.active)
        done._decide("done")
        for callback in self - done:
            activity = callback.activity_id
            if activity.user_id != callback.user_id:
                callback._assign(activity.user_id)
            if activity.date_deadline != callback._due_date():
                zone = pytz.timezone(callback._zone_name())
                end = zone.localize(datetime.combine(activity.date_deadline, time(23, 59)))
                callback.write({"due_at": end.astimezone(timezone.utc).replace(tzinfo=None), "moved": True})

    # --- words ---

    def _story(self):
        """:return: how it ended, in a sentence or two"""
        if self.state == "open":
            return False
        when = format_datetime(self.env, self.done_at, dt_format="short")
        who = self.done_by_id.name or self.env._("Somebody")
        if self.done_how == "call":
            call = self.done_call_id
            talk = f" ({duration(call.talk_s)})" if call.talk_s else ""
            if call.direction == "outbound":
                text = self.env._("%(who)s reached them on %(when)s%(talk)s.", who=who, when=when, talk=talk)
            else:
                text = self.env._(
                    "They called again on %(when)s and talked with %(who)s%(talk)s.", who=who, when=when, talk=talk
                )
            return " ".join(
                [
                    text,
                    self.env._("Attempts without an answer before: %s.", self.attempts),
                    self.env._("Working minutes since the missed call: %s.", round(self.working_minutes or 0)),
                ]
            )
        if self.state == "dropped":
            return self.env._("%(who)s dropped it on %(when)s: %(reason)s", who=who, when=when, reason=self.reason)
        return self.env._("%(who)s marked it done by hand on %(when)s.", who=who, when=when)


#: what :meth:`CrmVoipCallback._who_of` must know
_WHO = ("company_id", "number", "partner_id", "lead_id", "first_call_id", "first_missed_at")


def _entry(record):
    return lib.Entry(record.id, record.kind, record.at, record.call_id.id or None, record.entry_id.id or None)


def _works_in(user, company):
    return bool(user and user.active and not user.share and company in user.company_ids)


def _differing(record, vals):
    """:return: those of ``vals`` that the record does not hold yet"""
    return {
        name: value
        for name, value in vals.items()
        if record._fields[name].convert_to_cache(value, record)
        != record._fields[name].convert_to_cache(record[name], record)
    }
