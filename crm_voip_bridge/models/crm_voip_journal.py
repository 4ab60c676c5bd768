import json
import re
import uuid
from collections import defaultdict
from dataclasses import replace
from datetime import timezone

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..lib.events import BadEvent, Event
from .crm_voip_compacted import FROZEN, hash_of
from .crm_voip_pbx_retention import TOO_OLD

#: what PostgreSQL's jsonb and text refuse, as json.dumps writes it
_UNSTORABLE = re.compile(r"\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_LONE = re.compile("[\x00\ud800-\udfff]")


class CrmVoipJournal(models.Model):
    """All that was ever said about calls, by PBXs and by people; a call is folded from it.

    Rows come in by plain SQL (:meth:`_take`, :meth:`_enter`) and stay: nobody writes, deletes or
    reads them through the ORM. What a person may see of it is shown on the call's form.
    """

    _name = "crm.voip.journal"
    _description = "PBX record"
    _order = "id"
    _rec_name = "event_id"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", required=True, ondelete="restrict")
    event_id = fields.Char(required=True)
    call_ref = fields.Char(required=True)
    leg_ref = fields.Char()
    type = fields.Char(required=True)
    at = fields.Datetime(help="With microseconds, by the PBX's clock.")
    source = fields.Char()
    data = fields.Json()
    author_id = fields.Many2one("res.users", ondelete="restrict")
    create_date = fields.Datetime()

    _event_unique = models.UniqueIndex("(pbx_id, event_id)")
    _call_idx = models.Index("(pbx_id, call_ref)")

    # neither calls super, for nothing is ever to happen; core's linter has no method-required-super

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=unknown-option-value,method-required-super
        raise self._untouchable()

    def write(self, vals):  # pylint: disable=unknown-option-value,method-required-super
        raise self._untouchable()

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise self._untouchable()

    def _untouchable(self):
        return UserError(self.env._("The PBX record is not edited: a correction is an entry of its own."))

    # --- taking in ---

    @api.model
    def _read_batch(self, items):
        """Sort what a bridge sent into events and what is none.

        :param items: the list ``events`` of a request
        :return: ``(events, refused)`` with ``refused`` as ``[(index, item, reason), …]``
        """
        events, refused = [], []
        for index, item in enumerate(items):
            try:
                event = Event.from_dict(item)
                if event.source == "odoo" or event.type in ("picked", "corrected") or "author" in event.data:
                    raise BadEvent("an entry of a person is made in Odoo")
                if not _is_plain(event):
                    if any(_LONE.search(text) for text in (event.id, event.call, event.leg, event.source)):
                        raise BadEvent("an id has characters that cannot be stored")
                    event = replace(event, data=_checked(event.data))
                events.append(event)
            except BadEvent as error:
                # the reason quotes what came, and that may be no text that anybody can store
                refused.append((index, item, str(error).encode("ascii", "backslashreplace").decode()))
        return events, refused

    @api.model
    def _take(self, pbx, events, refused=None):
        """Append events and mark the calls that they are about.

        :param events: :class:`~lib.events.Event` objects
        :param refused: a list, to which ``(event, reason)`` of those is added that may not be taken; nothing of what
            they say is to be kept
        :return: those that were not known yet
        """
        events = self._sift(pbx, events, [] if refused is None else refused)
        fresh = self._append(pbx, events)
        if fresh:
            self.env["crm.voip.call.ref"]._mark(pbx, fresh)
        return fresh

    @api.model
    def _sift(self, pbx, events, refused):
        """Leave out what must not come back: of deleted calls, of compacted ones, of people who are forgotten.

        A repeat of what was compacted is left out silently.

        :param refused: gets ``(event, reason)``
        :return: the events that may be appended
        """
        if since := pbx._taken_since():
            refused += [(event, TOO_OLD) for event in events if event.at and event.at < since]
            events = [event for event in events if not event.at or event.at >= since]
        known = self.env["crm.voip.compacted"]._known(pbx, self.env["crm.voip.call.ref"]._refs_of(events))
        if not known:
            return pbx._sift_forgotten(events, refused)
        kept = []
        for event in events:
            if event.call not in known and known.keys().isdisjoint(event.texts("calls")):
                kept.append(event)
            elif hash_of(event.id) not in known.get(event.call, ()):
                refused.append((event, FROZEN))
        return pbx._sift_forgotten(kept, refused)

    @api.model
    def _enter(self, call, kind, data):
        """Append an entry of the present user to a call, which is folded again by the caller.

        :param kind: ``picked``, ``corrected`` or ``closed``
        :param data: JSON values as described in :data:`lib.events.TYPES`
        """
        event = Event(
            id=f"odoo:{uuid.uuid4().hex}",
            type=kind,
            call=call.call_ref,
            at=fields.Datetime.now().replace(tzinfo=timezone.utc),
            source="odoo",
            data={**data, "author": self.env.uid},
        )
        return self._take(call.pbx_id, [event])

    @api.model
    def _append(self, pbx, events):
        if not events:
            return []
        rows = [
            {
                "id": event.id,
                "call": event.call,
                "leg": event.leg or None,
                "type": event.type,
                "at": event.at and event.at.replace(tzinfo=None).isoformat(),
                "source": event.source,
                "data": event.data,
                "author": event.data.get("author") if event.source == "odoo" else None,
            }
            for event in events
        ]
        # one value for the whole batch: half the time of a value for each column of each row
        known = self.env.execute_query(
            SQL(
                """INSERT INTO crm_voip_journal
                       (pbx_id, event_id, call_ref, leg_ref, type, at, source, data, author_id, create_date)
                   SELECT %s, id, call, leg, type, at, source, data, author, now() AT TIME ZONE 'UTC'
                     FROM json_to_recordset(%s) AS event (id varchar, call varchar, leg varchar, type varchar,
                          at timestamp, source varchar, data jsonb, author integer)
                   ON CONFLICT (pbx_id, event_id) DO NOTHING RETURNING event_id""",
                pbx.id,
                json.dumps(rows),
            )
        )
        new = {row[0] for row in known}
        fresh = []
        for event in events:
            if event.id in new:
                new.discard(event.id)
                fresh.append(event)
        return fresh

    # --- reading ---

    @api.model
    def _events(self, pbx, refs, told=()):
        """:return: the events of these calls, those of a call in the order of their arrival

        :param told: events of the journal that the caller has at hand; of calls of which the journal has no
            others, they are not read again
        """
        complete = self._complete(pbx, refs, told)
        rows = self.env.execute_query(
            SQL(
                """SELECT event_id, type, call_ref, leg_ref, at, source, COALESCE(data::text, '{}') FROM crm_voip_journal
                    WHERE pbx_id = %s AND call_ref = ANY(%s) ORDER BY id""",
                pbx.id,
                [ref for ref in refs if ref not in complete],
            )
        )
        # one text to read instead of one for each row
        contents = json.loads(f"[{','.join(row[-1] for row in rows)}]")
        return [event for events in complete.values() for event in events] + [
            Event(event_id, kind, call, leg or "", at and at.replace(tzinfo=timezone.utc), source or "", data)
            for (event_id, kind, call, leg, at, source, _text), data in zip(rows, contents, strict=True)
        ]

    def _complete(self, pbx, refs, told):
        """:return: ``{ref: events}`` of those calls of which all events are among ``told``"""
        held = defaultdict(list)
        for event in told:
            held[event.call].append(event)
        if len(told) == len(held):  # live: one event each, hardly ever all that there is
            return {}
        counts = self.env.execute_query(
            SQL(
                """SELECT call_ref, count(*) FROM crm_voip_journal
                    WHERE pbx_id = %s AND call_ref = ANY(%s) GROUP BY call_ref""",
                pbx.id,
                [ref for ref in refs if ref in held],
            )
        )
        # nothing leaves the journal and no id comes twice, so as many are the same ones
        return {ref: held[ref] for ref, count in counts if count == len(held[ref])}


def _is_plain(event):
    """Whether an event has ASCII texts and whole numbers only, as nearly all have, so that nothing can be wrong."""
    text = f"{event.id}{event.call}{event.leg}{event.source}"
    for name, value in event.data.items():
        text += name
        if type(value) is str:
            text += value
        elif type(value) is not int:
            return False
    return text.isascii() and "\x00" not in text


def _checked(data):
    """Data that a jsonb column takes: zero bytes and halves of surrogate pairs become ``\ufffd``.

    :raise BadEvent: it holds a number that JSON does not know
    """
    try:
        text = json.dumps(data, allow_nan=False)
    except ValueError as error:
        raise BadEvent("'data' holds a number that is not finite") from error
    return _storable(data) if _UNSTORABLE.search(text) else data


def _storable(value):
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value
