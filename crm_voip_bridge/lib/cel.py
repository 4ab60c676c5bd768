"""Asterisk's channel event log (CEL), from any table or file that has its columns.

Source: https://docs.asterisk.org/Configuration/Reporting/Channel-Event-Logging-CEL/ and real rows
(lib/tests/data). CEL knows no hold, and whether a phone rang only from its channel.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo

from .events import UTC, Event, brief, event_id, format_time, parse_time
from .phone import endpoint
from .table import read_table

_NAMES = {
    "id": ("id",),
    "type": ("eventtype", "eventname", "event", "type"),
    "time": ("eventtime", "time", "timestamp", "eventtimestamp"),
    "name": ("cidname", "calleridname"),
    "number": ("cidnum", "calleridnum"),
    "exten": ("exten", "extension"),
    "context": ("context",),
    "channel": ("channame", "channel", "channelname"),
    "app": ("appname", "application", "app"),
    "args": ("appdata", "applicationdata"),
    "uniqueid": ("uniqueid", "unique"),
    "linkedid": ("linkedid", "linked"),
    "extra": ("extra", "eventextra"),
}
#: header name without case and punctuation -> key of a row
COLUMNS = {header: key for key, headers in _NAMES.items() for header in headers}


def read_cel(lines: Iterable[str], zone: tzinfo = UTC) -> Iterator[Event]:
    """The events of delimited text with a header row.

    :param zone: of times that state none
    :raise ValueError: there is no header row
    """
    for row in read_table(lines, COLUMNS):
        event = to_event(row, zone)
        if event is not None:
            yield event


def to_event(row: Mapping[str, str], zone: tzinfo = UTC, server: str = "") -> Event | None:
    """What a row says, None where it says nothing about a call.

    :param row: keys as in the values of :data:`COLUMNS`
    :param server: tells several servers of one PBX apart
    """
    kind = row.get("type", "").upper().removeprefix("AST_CEL_")
    meaning = _MEANINGS.get(kind)
    leg = row.get("uniqueid", "")
    call = row.get("linkedid", "") or leg
    if meaning is None or not leg or len(leg) > 160 or len(call) > 160:
        return None
    extra = _extra(row.get("extra", ""))
    said = meaning(row, extra)
    if said is None:
        return None
    name, data = said
    at = parse_time(row.get("time"), zone)
    data = brief(data)
    parts = [kind, format_time(at) or "", leg, row.get("app", ""), extra.get("bridge_id", "")]
    place = row.get("id", "")
    if at is not None and not at.microsecond and place.isascii() and place.isdigit() and len(place) < 19:
        # whole seconds, as FreePBX's table has them: the row's number tells what came first, and one from another
        data["n"] = int(place)
        parts.append(place)
    ident = event_id("cel", server, *parts)
    return Event(ident, name, call, leg, at, "cel", data)


def _extra(text: str) -> dict[str, str]:
    """The event's own JSON as texts; a mangled one gives what can still be read."""
    if not text:
        return {}
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        keys = r"(bridge_id|bridge_technology|\w*uniqueid|extension|hangupcause|hangupsource|dialstatus)"
        return dict(re.findall(keys + r'\\?"*\s*:\s*\\?"*' + r"([^\"\\,}]+)", text[:4096]))
    if not isinstance(values, dict):
        return {}
    return {key: str(value)[:160] for key, value in values.items() if isinstance(value, (str, int))}


def _leg(row: Mapping[str, str]) -> dict:
    return {"channel": endpoint(row.get("channel", "")), "number": row.get("number", "")[:80]}


def _started(row, extra):
    data = {"name": row.get("name", "")[:512], "dialled": row.get("exten", "")[:80]}
    return "started", _leg(row) | data | {"context": row.get("context", "")[:80]}


def _answered(row, extra):
    return "answered", _leg(row)


def _hangup(row, extra):
    cause = extra.get("hangupcause", "")
    source = extra.get("hangupsource", "")
    return "ended", _leg(row) | {
        "cause": int(cause) if cause.isascii() and cause.isdigit() and len(cause) < 4 else None,
        "by_itself": True if source and source == row.get("channel") else None,
        "dial_status": extra.get("dialstatus", ""),
    }


def _ended(row, extra):
    return "ended", _leg(row)


def _app(row, extra):
    app, args = row.get("app", "").lower(), row.get("args", "")[:80]
    if app == "queue":
        return "queued", {"queue": args.split(",")[0].split("|")[0]} | _leg(row)
    if app == "mixmonitor":
        # as the dialplan says it, often without the folder that AMI names
        return "recorded", {"file": row.get("args", "").split(",")[0].split("|")[0][:512]} | _leg(row)
    return "app", {"app": app, "args": args} | _leg(row)


def _app_ended(row, extra):
    app = row.get("app", "").lower()
    if app == "queue":
        return "unqueued", {"queue": row.get("args", "").split(",")[0].split("|")[0]}
    if app == "mixmonitor":
        return None  # it begins the recording, and is over at once
    return "app_ended", {"app": app}


def _bridged(row, extra):
    parked = "holding" in extra.get("bridge_technology", "") or None
    return "bridged", {"bridge": extra.get("bridge_id", ""), "parked": parked} | _leg(row)


def _unbridged(row, extra):
    return "unbridged", {"bridge": extra.get("bridge_id", "")}


def _transferred(kind):
    def meaning(row, extra):
        legs = {row["uniqueid"]} | {value for key, value in extra.items() if key.endswith("uniqueid") and value}
        data = {"kind": kind, "to": extra.get("extension", ""), "legs": sorted(legs)}
        return "transferred", data | {"calls": [row["linkedid"]] if row.get("linkedid") else []}

    return meaning


def _paired(row, extra):
    legs = {row["uniqueid"], extra.get("local_two_uniqueid") or row["uniqueid"]}
    return ("paired", {"legs": sorted(legs)}) if len(legs) == 2 else None


_MEANINGS = {
    "CHAN_START": _started,
    "ANSWER": _answered,
    "APP_START": _app,
    "APP_END": _app_ended,
    "BRIDGE_ENTER": _bridged,
    "BRIDGE_EXIT": _unbridged,
    "BLINDTRANSFER": _transferred("blind"),
    "ATTENDEDTRANSFER": _transferred("attended"),
    "LOCAL_OPTIMIZE": _paired,
    "LOCAL_OPTIMIZE_BEGIN": _paired,
    "HANGUP": _hangup,
    "CHAN_END": _ended,
}
