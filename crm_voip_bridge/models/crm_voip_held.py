import json
from datetime import date, timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..lib.adapters import ADAPTERS
from ..lib.events import Event
from ..lib.scope import Scope
from ..lib.sift import sift
from .transaction import in_own_transaction

#: hours that something waits to be decided
WAIT_HOURS = 24
#: days that it is remembered which calls were left out: providers send again for about a day
REMEMBER_DAYS = 2
#: one request of a PBX at a time, see :func:`in_own_transaction`
LOCK = 0x766F6970
#: what it is called where a bridge's name would stand
SOURCE = "webhook"
#: longest name of a phone that is taken in as an extension
_LONGEST = 64


class CrmVoipHeld(models.Model):
    """What hosted PBXs said of calls of which it is not decided yet whether they may be recorded.

    A bridge keeps such events in memory; a web server has none that lasts. They leave for the journal, or
    for ever: then a row with ``event_id`` ``~<call>`` remembers for two days that the call was left out, by
    its id and its legs', and by nothing else. Nobody reads this table, by no right.
    """

    _name = "crm.voip.held"
    _description = "Event that waits to be decided"
    _order = "id"
    _rec_name = "event_id"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", required=True, ondelete="cascade")
    call_ref = fields.Char(required=True)
    event_id = fields.Char(required=True)
    content = fields.Json(required=True)
    arrived_at = fields.Datetime(required=True)

    _event_unique = models.UniqueIndex("(pbx_id, event_id)")
    _call_idx = models.Index("(pbx_id, call_ref)")

    @api.model
    def _receive(self, pbx, events, again=()):
        """Take the events of a webhook: keep, hold or forget each.

        To be called in a transaction that no other one of this PBX runs beside.

        :param events: checked :class:`~lib.events.Event` objects
        :param again: ids of calls to look at besides
        :return: ``(fresh, waiting)``: events that are in the journal now and were not before, and how many of the
            given ones wait
        """
        calls = {event.call for event in events}.union(again, *(event.texts("calls") for event in events))
        rows, held, marks = self._waiting(pbx, calls)
        calls |= {event.call for _arrived, event in held}
        legs = {event.leg for event in events if event.leg}
        result = sift(
            Scope.from_answer(pbx._scope()),
            kept=self._kept(pbx, calls | legs),
            held=held,
            forgotten=marks,
            new=events,
            now=fields.Datetime.now().timestamp(),
            settle=ADAPTERS[pbx.kind].settle if pbx.kind in ADAPTERS else 0,
        )
        self._store(pbx, rows, result)
        fresh = self.env["crm.voip.journal"]._take(pbx, result.kept)
        if result.outside:
            days = {date.fromisoformat(day): count for day, count in result.outside.items()}
            self.env["crm.voip.outside"]._add(pbx, SOURCE, days)
        discovered = [name for name in result.discovered if len(name) <= _LONGEST and name.isprintable()]
        if discovered:
            self.env["crm.voip.extension"]._discover(pbx, discovered)
        waiting = {event.id for event in result.waiting}
        return fresh, len(waiting & {event.id for event in events})

    def _waiting(self, pbx, calls):
        """What is held of some calls, and of those that belong to them.

        :return: ``({event id: row id}, [(seconds, event)], [(calls, legs)])``
        """
        rows, held, marks, asked = {}, [], [], set()
        wanted = set(calls)
        while wanted - asked:
            found = self.env.execute_query(
                SQL(
                    """SELECT id, event_id, call_ref, content, EXTRACT(epoch FROM arrived_at)
                         FROM crm_voip_held WHERE pbx_id = %s AND call_ref = ANY(%s) ORDER BY id""",
                    pbx.id,
                    sorted(wanted - asked),
                )
            )
            asked |= wanted
            for row_id, event_id, call, content, arrived in found:
                if event_id.startswith("~"):
                    marks.append(({call}, content["legs"]))
                    continue
                event = Event.from_dict(content)
                rows[event_id] = row_id
                held.append((float(arrived), event))
                wanted.update(event.texts("calls"))
        return rows, held, marks

    def _kept(self, pbx, refs):
        """:return: events of the journal of the calls that these ids of calls and legs belong to"""
        calls = self.env.execute_query(
            SQL(
                """SELECT DISTINCT other.ref FROM crm_voip_call_ref own
                     JOIN crm_voip_call_ref other ON other.pbx_id = own.pbx_id AND other.head = own.head
                    WHERE own.pbx_id = %s AND own.ref = ANY(%s) AND NOT other.is_leg""",
                pbx.id,
                sorted(refs),
            )
        )
        return self.env["crm.voip.journal"]._events(pbx, [row[0] for row in calls]) if calls else []

    def _store(self, pbx, rows, result):
        waiting = {event.id: event for event in result.waiting}
        done = [row_id for event_id, row_id in rows.items() if event_id not in waiting]
        if done:
            self.env.cr.execute(SQL("DELETE FROM crm_voip_held WHERE id = ANY(%s)", done))
        now = fields.Datetime.now()
        values = [
            (pbx.id, event.call, event.id, json.dumps(event.to_dict()), now)
            for event in waiting.values()
            if event.id not in rows
        ]
        values += [
            (pbx.id, call, f"~{call}", json.dumps({"legs": sorted(legs)}), now)
            for calls, legs in result.forgotten
            for call in sorted(calls)
        ]
        if values:
            self.env.cr.execute_values(
                "INSERT INTO crm_voip_held AS known (pbx_id, call_ref, event_id, content, arrived_at) VALUES %s"
                " ON CONFLICT (pbx_id, event_id) DO UPDATE SET content = EXCLUDED.content"
                " WHERE known.content IS DISTINCT FROM EXCLUDED.content",
                values,
                page_size=len(values),
            )

    @api.model
    def _cron_decide(self):
        """Decide calls that are over and of which no further report came, and forget what waited too long."""
        # transactions of their own: this one would stand in the way of what the webhooks do meanwhile
        in_own_transaction(self.env, lambda env: env["crm.voip.held"]._forget_old())
        waiting = self.env.execute_query(
            SQL(
                """SELECT pbx_id, array_agg(DISTINCT call_ref) FROM crm_voip_held
                    WHERE event_id NOT LIKE '~%%' GROUP BY pbx_id"""
            )
        )
        for pbx_id, calls in waiting:
            self.env["crm.voip.pbx"].browse(pbx_id)._decide_held(calls)

    @api.model
    def _forget_old(self):
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_voip_held
                    WHERE arrived_at < now() AT TIME ZONE 'UTC' - %s * interval '1 hour' AND event_id NOT LIKE '~%%'
                       OR arrived_at < now() AT TIME ZONE 'UTC' - %s * interval '1 day'""",
                WAIT_HOURS,
                REMEMBER_DAYS,
            )
        )


class CrmVoipPbx(models.Model):
    _inherit = "crm.voip.pbx"

    def _receive_webhook(self, work):
        """Run ``work(held, pbx)`` alone for this PBX, then fold what it put into the journal.

        :param work: returns ``(fresh, …)`` as :meth:`CrmVoipHeld._receive`
        :return: what ``work`` returns
        """
        self.ensure_one()
        result = in_own_transaction(
            self.env, lambda env: work(env["crm.voip.held"], self.with_env(env)), alone=(LOCK, self.id)
        )
        if result[0]:
            refs = self.env["crm.voip.call.ref"]._refs_of(result[0])
            self.env["crm.voip.call"]._fold_marked(self, refs, told=result[0])
        return result

    def _decide_held(self, calls):
        """Look again at calls that wait, a hundred at a time."""
        pbx = self.with_company(self.company_id)
        for start in range(0, len(calls), 100):
            some = calls[start : start + 100]
            pbx._receive_webhook(lambda held, own, some=some: held._receive(own, [], some))

    def _silence(self):
        # who posts what happens says nothing while nothing happens
        return timedelta(days=4).total_seconds() if self.kind in ADAPTERS else super()._silence()
