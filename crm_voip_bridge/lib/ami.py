"""Asterisk's manager interface (AMI): blocks of ``Key: value`` lines, and what they mean.

Source: https://docs.asterisk.org/Asterisk_22_Documentation/API_Documentation/AMI_Events/ and
real sessions (lib/tests/data). Every event is made from one block alone, so that
two bridges on one PBX make the same events.
"""

import re
from collections.abc import Iterable, Iterator

from .events import Event, brief, event_id, parse_time
from .phone import endpoint

#: longest line and most lines of a block that are kept; what is longer is nonsense or an attack
MAX_LINE = 16_384
MAX_LINES = 512

_KEY = re.compile(rb"[A-Za-z][A-Za-z0-9_()/-]{0,79}\Z")
_OPENERS = (b"event", b"response", b"action")
#: dialplan applications that say what a caller met
_APPS = frozenset(
    "answer background confbridge dial directory disa echo minivmrecord page parkandannounce"
    " playback queue read record saynumber voicemail voicemailmain waitexten".split()
)
_STATUS = {"DIALSTATUS": "dial", "QUEUESTATUS": "queue", "VM_MESSAGEFILE": "voicemail", "VMSTATUS": "voicemail_status"}
_UNKNOWN = ("<unknown>", "<none>")


class Block(dict):
    """One AMI block: lower-case key -> text. ``raw`` is what it was made of.

    Of a repeated key the first counts; a later one could only come from a value.
    """

    __slots__ = ("raw",)


class AmiReader:
    """Cuts a byte stream into blocks, whatever the stream holds besides.

    Lines end with LF or CRLF. Lines that are no ``Key: value`` are ignored, a block
    starts at its first Event, Response or Action line, and ends at an empty line. Of a block that another
    one cuts short, the last line is not trusted.
    """

    def __init__(self):
        self._rest = b""
        self._skipping = False
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Block]:
        """The blocks that are complete once ``data`` has arrived.

        :param data: any piece of the stream; memory stays bounded whatever comes
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
                continue
            block = self._line(line)
            if block is not None:
                yield block
        if len(self._rest) > MAX_LINE:
            self._rest, self._skipping = b"", True

    def close(self) -> Iterator[Block]:
        """The last block of a stream that ended, if its last line was whole."""
        if self._rest.strip() and not self._skipping:
            # a file may end without a line break, a line that was cut does as well
            self._line(self._rest)
        self._rest, self._skipping = b"", False
        block = self._finish()
        if block is not None:
            yield block

    def _line(self, line: bytes) -> Block | None:
        line = line.rstrip(b"\r")
        if not line.strip():
            return self._finish()
        key, colon, _value = line.partition(b":")
        if not colon or len(line) > MAX_LINE or not _KEY.match(key):
            return None
        if key.lower() in _OPENERS and not self._answers(key):
            cut = self._finish(self._lines[:-1])
            self._lines = [line]
            return cut
        if self._lines and len(self._lines) < MAX_LINES:
            self._lines.append(line)
        return None

    def _answers(self, key: bytes) -> bool:
        """Whether a line is the Response within OriginateResponse, the one event that has such a line."""
        return (
            key.lower() == b"response"
            and bool(self._lines)
            and self._lines[0].lower().replace(b" ", b"") == b"event:originateresponse"
            and not any(line.lower().startswith(b"response:") for line in self._lines)
        )

    def _finish(self, lines=None) -> Block | None:
        lines = self._lines if lines is None else lines
        self._lines = []
        if not lines:
            return None
        block = Block()
        block.raw = b"\n".join(lines)
        # a zero byte is nothing that a PBX says, and nothing that a database takes
        for line in block.raw.decode("utf-8", "replace").replace("\x00", "").split("\n"):
            key, _colon, value = line.partition(":")
            block.setdefault(key.lower(), value.strip())
        return block


def read_ami(chunks: Iterable[bytes]) -> Iterator[Event]:
    """The events of a recorded session.

    :param chunks: the bytes of the session, in pieces of any size
    """
    reader, maker = AmiReader(), AmiEvents()
    for chunk in chunks:
        for block in reader.feed(chunk):
            yield from maker.events(block)
    for block in reader.close():
        yield from maker.events(block)


class AmiEvents:
    """Turns blocks into events.

    The only thing it remembers is for sessions without ``timestampevents``: there, equal
    blocks are told apart by counting, and order by a running number.

    :param server: tells several servers of one PBX apart; "" for a single one
    """

    def __init__(self, server: str = ""):
        self.server = server
        self._place = 0
        self._seen: dict[str, int] = {}

    def events(self, block: Block) -> list[Event]:
        """What a block says; most say nothing that matters to a call."""
        said = _MEANINGS.get(block.get("event", "").lower())
        said = said(block) if said else None
        if said is None:
            return []
        kind, leg, call, data = said
        if not (leg or call) or len(leg) > 160 or len(call) > 160:
            return []
        at = parse_time(block.get("timestamp"))
        ident = event_id("ami", self.server, block.raw.decode("utf-8", "surrogateescape"))
        data = brief(data)
        if at is None:
            self._place += 1
            data["n"] = self._place
            count = self._seen[ident] = self._seen.get(ident, 0) + 1
            if count > 1:
                ident = event_id("ami", ident, str(count))
        return [Event(ident, kind, call or leg, leg, at, "ami", data)]


def _text(block: Block, key: str) -> str:
    value = block.get(key, "")
    return "" if value in _UNKNOWN else value[:512]


def _is(kind: str, **wanted: str):
    """A meaning that takes over values as they stand: ``data key=block key``."""

    def meaning(block: Block):
        data = {name: _text(block, key) for name, key in wanted.items()}
        data["channel"] = endpoint(_text(block, "channel"))
        data["number"] = _text(block, "calleridnum")
        return kind, _text(block, "uniqueid"), _text(block, "linkedid"), data

    return meaning


def _dial(kind: str):
    def meaning(block: Block):
        leg = _text(block, "destuniqueid")
        if not leg:
            return None
        data = {
            "by": _text(block, "uniqueid"),
            "channel": endpoint(_text(block, "destchannel")),
            "number": _text(block, "destcalleridnum"),
        }
        if kind == "dial_ended":
            data["status"] = _text(block, "dialstatus")
        else:
            data["dialled"] = _text(block, "dialstring")
        return kind, leg, _text(block, "destlinkedid") or _text(block, "linkedid"), data

    return meaning


def _newstate(block: Block):
    if _text(block, "channelstatedesc") != "Up" and _text(block, "channelstate") != "6":
        return None
    return _is("answered")(block)


def _hangup(block: Block):
    kind, leg, call, data = _is("ended")(block)
    cause = _text(block, "cause")
    data["cause"] = int(cause) if cause.isascii() and cause.isdigit() and len(cause) < 4 else None
    return kind, leg, call, data


def _newexten(block: Block):
    app = _text(block, "application").lower()
    if app not in _APPS:
        return None
    leg, call = _text(block, "uniqueid"), _text(block, "linkedid")
    return "app", leg, call, {"app": app, "args": _text(block, "appdata")[:80]}


def _bridgeenter(block: Block):
    kind, leg, call, data = _is("bridged", bridge="bridgeuniqueid", swap="swapuniqueid")(block)
    # a car park: those in it do not hear each other
    data["parked"] = "holding" in _text(block, "bridgetechnology") or None
    return kind, leg, call, data


def _varset(block: Block):
    variable, value = _text(block, "variable"), _text(block, "value")
    leg, call = _text(block, "uniqueid"), _text(block, "linkedid")
    if variable == "MIXMONITOR_FILENAME" and value:
        return "recorded", leg, call, {"file": value}
    if variable not in _STATUS or not value:
        return None
    return "status", leg, call, {"name": _STATUS[variable], "value": value[:80]}


def _all(block: Block, suffix: str, prefixes: tuple[str, ...]) -> list[str]:
    values = (_text(block, prefix + suffix) for prefix in prefixes)
    return sorted({value for value in values if value})


def _transfer(kind: str, prefixes: tuple[str, ...], to: str):
    def meaning(block: Block):
        legs, calls = _all(block, "uniqueid", prefixes), _all(block, "linkedid", prefixes)
        if not calls or _text(block, "result") not in ("", "Success"):
            return None
        leg = _text(block, prefixes[0] + "uniqueid")
        data = {"kind": kind, "to": _text(block, to), "legs": legs, "calls": calls}
        return "transferred", leg, _text(block, prefixes[0] + "linkedid") or calls[0], data

    return meaning


def _localbridge(block: Block):
    ends = ("localone", "localtwo")
    legs, calls = _all(block, "uniqueid", ends), _all(block, "linkedid", ends)
    if len(legs) != 2:
        return None
    return "paired", legs[0], _text(block, "localonelinkedid"), {"legs": legs, "calls": calls}


def _agent(name: str, key: str):
    """Seconds that the PBX states itself; of use where it states no times."""

    def meaning(block: Block):
        value = _text(block, key)
        if not (value.isascii() and value.isdigit()):
            return None
        return "status", _text(block, "uniqueid"), _text(block, "linkedid"), {"name": name, "value": value}

    return meaning


def _originateresponse(block: Block):
    """The own phone of a click to call was answered, or not: the one word that always has the number clicked."""
    leg, number = _text(block, "uniqueid"), _text(block, "exten")
    if not number or leg.startswith("<"):
        return None
    return "status", leg, leg, {"name": "clicked", "to": number}


_MEANINGS = {
    "newchannel": _is("started", name="calleridname", dialled="exten", context="context"),
    "newstate": _newstate,
    "dialbegin": _dial("ringing"),
    "dialend": _dial("dial_ended"),
    "newexten": _newexten,
    "varset": _varset,
    "queuecallerjoin": _is("queued", queue="queue"),
    "queuecallerleave": _is("unqueued", queue="queue"),
    "queuecallerabandon": _is("abandoned", queue="queue"),
    "agentconnect": _agent("queue_s", "holdtime"),
    "agentcomplete": _agent("talk_s", "talktime"),
    "bridgeenter": _bridgeenter,
    "bridgeleave": _is("unbridged", bridge="bridgeuniqueid"),
    "hold": _is("held"),
    "unhold": _is("resumed"),
    "blindtransfer": _transfer("blind", ("transferer", "transferee"), "extension"),
    "attendedtransfer": _transfer(
        "attended",
        ("transferee", "origtransferer", "secondtransferer", "transfertarget"),
        "desttransfererchannel",
    ),
    "localbridge": _localbridge,
    "hanguprequest": _is("hangup_requested"),
    "hangup": _hangup,
    "originateresponse": _originateresponse,
}
