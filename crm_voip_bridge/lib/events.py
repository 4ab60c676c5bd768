"""The vocabulary in which every PBX tells its calls.

A reader (AMI, CEL, CDR, a hosted provider) turns each thing its PBX says into
one :class:`Event`, looking at nothing but that one thing. What a sequence of
events means is decided in one place, :mod:`lib.fold`. So two bridges that read
the same PBX make the same events, in whatever state each of them is.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo

UTC = timezone.utc  # datetime.UTC needs Python 3.11

#: type -> what happened to the leg, and the keys of ``Event.data`` it may carry. Besides,
#: each may carry ``channel`` and ``number`` of its leg: the first word about a leg may be lost.
TYPES = {
    "started": "the leg came to be: number, name, dialled, channel, context, alias (another id of the leg),"
    " retold (an account of the whole call says that the leg is there; it may have begun earlier)",
    "ringing": "the leg is being called: by (leg that calls), number, dialled, channel",
    "dial_ended": "calling the leg came to an end: by, status, channel",
    "answered": "the leg's channel is up; a machine may have done that",
    "app": "the dialplan runs an application on the leg: app, args",
    "app_ended": "that application ended: app",
    "queued": "the leg waits in a queue: queue",
    "unqueued": "the leg left the queue: queue",
    "abandoned": "the leg left the queue without an agent: queue",
    "status": "a result was noted on the leg: name, value; to (the number, of the name clicked)."
    " answered_by machine: what answered this leg is no person",
    "held": "the leg put the other side on hold",
    "resumed": "the leg took the other side back",
    "bridged": "the leg hears others: bridge, swap (leg whose place it takes), parked (it hears nobody)",
    "unbridged": "the leg left that bridge: bridge",
    "transferred": "kind (blind, attended), to, calls (ids that are one call from now on), legs",
    "paired": "two legs are the two ends of one local channel: legs",
    "recorded": "a recording runs: file",
    "hangup_requested": "the leg itself hung up",
    "ended": "the leg is gone: cause (Q.850), by_itself, dial_status. Without a leg: of the whole call, so all are",
    "reported": "a finished call in one row (CDR): see lib.cdr",
    "untold": "the source cannot tell these parts of the call's time: parts (hold, queue, ivr, ring)",
    "unheard": "nobody listened for a while until then: what only a listener knows (hold) is not known",
    "heard": "a bridge listened from the call's beginning until then, whatever another one missed",
    "closed": "an entry closes a call whose end nobody saw: author, reason",
    "corrected": "an entry of a person: author, field, value, reason",
    "picked": "a person said who the other side was: author, partner, lead",
}


class BadEvent(ValueError):
    """An event that cannot be kept; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a PBX said.

    :param id: made from the PBX's own data: the same happening, read twice from
        the same source, has the same id
    :param type: a key of :data:`TYPES`
    :param call: the PBX's id of the call (Asterisk: linkedid)
    :param leg: the PBX's id of the leg (Asterisk: uniqueid), "" if of the whole call
    :param at: when, by the PBX's clock, in UTC; None where the source does not say
    :param source: "ami", "cel", "cdr", a provider's name, or "odoo"
    :param data: JSON values only, keys as in :data:`TYPES`; ``n`` is the place in a source
        that states no times
    """

    id: str
    type: str
    call: str
    leg: str = ""
    at: datetime | None = None
    source: str = ""
    data: Mapping = field(default_factory=dict)

    def to_dict(self) -> dict:
        """The JSON form, as in the journal format and in a batch."""
        return {
            "id": self.id,
            "type": self.type,
            "call": self.call,
            "leg": self.leg,
            "at": format_time(self.at),
            "source": self.source,
            "data": dict(self.data),
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> "Event":
        """The event of a JSON object.

        :raise BadEvent: a required key is missing or of the wrong type
        """
        if not isinstance(values, Mapping):
            raise BadEvent("an event is a JSON object")
        texts = {}
        for name, required, most in _TEXTS:
            value = values.get(name)
            if value is None and not required:
                value = ""
            if not isinstance(value, str) or (required and not value):
                raise BadEvent(f"'{name}' is missing or is no text")
            if len(value) > most or "\x00" in value:
                raise BadEvent(f"'{name}' is longer than {most} characters or has a zero byte")
            texts[name] = value
        if texts["type"] not in TYPES:
            raise BadEvent(f"unknown type '{texts['type'][:40]}'")
        data = values.get("data") or {}
        if not isinstance(data, Mapping):
            raise BadEvent("'data' is no JSON object")
        if not _is_plain(data):
            try:
                size = len(json.dumps(data))
            except (TypeError, ValueError, RecursionError) as error:
                raise BadEvent("'data' is not JSON") from error
            if size > MAX_DATA:
                raise BadEvent(f"'data' is longer than {MAX_DATA} characters")
        at = values.get("at")
        if at is not None:
            at = parse_time(at)
            if at is None:
                raise BadEvent("'at' is not an ISO 8601 time")
        return cls(at=at, data=data, **texts)

    def texts(self, name: str) -> list[str]:
        """A list in ``data``; whatever else stands there is an empty one."""
        values = self.data.get(name)
        return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []

    def text(self, name: str) -> str:
        """A text in ``data``; whatever else stands there is an empty one."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""


def brief(data: Mapping) -> dict:
    """What a reader says of an event, without what is empty, and with nothing so long that Odoo would refuse it.

    No name, number or id of a real PBX comes near these lengths; what does is nonsense or an attack.
    """
    short = {}
    for key, value in data.items():
        if isinstance(value, str):
            value = value[:MAX_TEXT]
        elif isinstance(value, list):
            value = [item[:160] for item in value[:MAX_LIST]]
        if value not in ("", None, []):
            short[key] = value
    return short


MAX_DATA = 16_384
#: characters of a text, and items of a list, that a reader takes over
MAX_TEXT, MAX_LIST = 512, 16
_INT8 = 2**63
_TEXTS = (  # name, required, longest
    ("id", True, 128),
    ("type", True, 32),
    ("call", True, 160),
    ("leg", False, 160),
    ("source", False, 32),
)


def _is_plain(data: Mapping) -> bool:
    """Whether data is short texts and numbers, as it nearly always is, so that nothing needs a closer look."""
    size = 0
    for name, value in data.items():
        if type(name) is str and type(value) is str:
            size += len(name) + len(value)
        elif type(name) is str and type(value) is int and -_INT8 < value < _INT8:
            size += len(name) + 20
        else:
            return False
    # as JSON, a character takes twelve at most: two halves of a surrogate pair
    return size * 12 + len(data) * 8 < MAX_DATA


def event_id(source: str, *parts: str) -> str:
    """A short id of what was said: equal parts give equal ids.

    >>> event_id("cel", "ANSWER", "1795319909.000123", "1795319909.0")[:4]
    'cel:'
    """
    said = "\x1f".join(parts)
    try:
        said = said.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, as JSON can name one
        said = said.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(said, digest_size=15)
    return f"{source}:{base64.urlsafe_b64encode(digest.digest()).decode()}"


_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
#: what :func:`format_time` writes
_OURS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z")


def parse_time(value, zone: tzinfo = UTC) -> datetime | None:
    """A moment in UTC, or None if the text is no believable time.

    :param value: ISO 8601 with or without zone (also with a blank instead of T), epoch
        seconds as number or text, or "" / None
    :param zone: of a text without zone. A daylight-saving zone is welcome
        (``zoneinfo``); of the repeated hour the first is taken
    """
    if value in (None, ""):
        return None
    try:
        if isinstance(value, str) and _OURS.match(value):
            moment = datetime.fromisoformat(value[:-1]).replace(tzinfo=UTC)
            return moment if _EARLIEST <= moment < _LATEST else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=value)
        else:
            moment = _parse_text(str(value).strip(), zone)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return None
    # 1970 and the like is a clock that was not set, not a time
    return moment if _EARLIEST <= moment < _LATEST else None


def _parse_text(text: str, zone) -> datetime:
    whole, _, fraction = text.partition(".")
    if whole.isascii() and whole.isdigit() and (not fraction or (fraction.isascii() and fraction.isdigit())):
        # integers all the way: a float loses microseconds of today's epoch
        return datetime.fromtimestamp(0, UTC) + timedelta(
            seconds=int(whole), microseconds=int(fraction[:6].ljust(6, "0") or 0)
        )
    text = text.replace(",", ".")
    if text[-1:] in "zZ":
        text = text[:-1] + "+00:00"
    head, sep, tail = text.partition(".")
    if sep:  # Python 3.10 takes three or six digits only
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:].strip()}"
    if text[-5:-4] in ("+", "-") and text[-4:].isdigit():
        text = f"{text[:-2]}:{text[-2:]}"
    elif text[-3:-2] in ("+", "-") and text[-2:].isdigit() and ":" in text:
        text += ":00"
    moment = datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def format_time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with microseconds and Z, None for None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_journal(lines: Iterable[str]) -> Iterable[Event]:
    """Events of our own format, one JSON object a line; what is no event is left out."""
    for line in lines:
        try:
            yield Event.from_dict(json.loads(line))
        except (ValueError, RecursionError):
            continue
