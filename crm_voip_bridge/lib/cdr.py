"""Asterisk's call detail records, as ``Master.csv``: of use only where nothing else is.

A row is a whole stretch of a call, in whole seconds. An IVR that answers counts as
answered there; :mod:`lib.fold` reads the last application to tell.
Source: https://docs.asterisk.org/Configuration/Reporting/Call-Detail-Records-CDR/.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta, tzinfo

from .events import UTC, Event, brief, event_id, format_time, parse_time
from .phone import endpoint
from .table import cells, plain

#: the order of ``Master.csv``, where no header says otherwise
ORDER = (
    "accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer end"
    " duration billsec disposition amaflags uniqueid userfield linkedid"
).split()
_ALIASES = {
    "calldate": "start",
    "starttime": "start",
    "answertime": "answer",
    "endtime": "end",
    "cdruniqueid": "uniqueid",
}
COLUMNS = {name: name for name in ORDER} | _ALIASES


def read_cdr(lines: Iterable[str], zone: tzinfo = UTC) -> Iterator[Event]:
    """One ``reported`` event a row; lines that are no row are left out.

    :param zone: of the times, which state none
    """
    order = ORDER
    for line in lines:
        row = cells(line.lstrip("\ufeff"), ",")
        names = [COLUMNS.get(plain(cell), "") for cell in row]
        if sum(map(bool, names)) > len(row) / 2 and "disposition" in names:
            order = names
            continue
        event = to_event(dict(zip(order, (cell.strip() for cell in row), strict=False)), zone)
        if event is not None:
            yield event


def to_event(row: Mapping[str, str], zone: tzinfo = UTC, server: str = "") -> Event | None:
    """The event of one row, None where it is none.

    :param row: keys as in :data:`ORDER`
    """
    disposition = row.get("disposition", "").upper()
    start = parse_time(row.get("start"), zone)
    leg = row.get("uniqueid", "")[:160]
    channel, called = row.get("channel", ""), row.get("dstchannel", "")
    if disposition not in ("ANSWERED", "NO ANSWER", "NOANSWER", "BUSY", "FAILED", "CONGESTION") or not channel:
        return None
    times = {name: format_time(moment) for name, moment in _times(row, start, disposition, zone).items()}
    # rows of one call share an id, but not the phone that was called, nor when
    ident = event_id(
        "cdr", server, *(row.get(name, "") for name in ("uniqueid", "channel", "dstchannel", "start", "end"))
    )
    data = {
        "from": row.get("src", "")[:80],
        "to": row.get("dst", "")[:80],
        "name": row.get("clid", "")[:512],
        "channel": endpoint(channel),
        "called": endpoint(called),
        "app": row.get("lastapp", "").lower(),
        "args": row.get("lastdata", "")[:80],
        "disposition": disposition.replace("NOANSWER", "NO ANSWER"),
        "billed_s": _seconds(row.get("billsec", "")),
        **times,
    }
    data = brief(data)
    call = row.get("linkedid", "")[:160] or leg or event_id("call", channel, row.get("start", ""))
    return Event(ident, "reported", call, leg or call, start, "cdr", data)


def _times(row: Mapping[str, str], start, disposition: str, zone: tzinfo) -> dict:
    """Answer and end. Where a table has no such columns (FreePBX), its seconds tell."""
    times = {name: parse_time(row.get(name), zone) for name in ("answer", "end")}
    lasted, billed = _seconds(row.get("duration", "")), _seconds(row.get("billsec", ""))
    if "end" not in row and start and lasted is not None:
        times["end"] = start + timedelta(seconds=lasted)
        if "answer" not in row and disposition == "ANSWERED" and billed is not None:
            times["answer"] = times["end"] - timedelta(seconds=billed)
    return times


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
