"""The program that fuzzes: `python -m kit.fuzz readers|routes SECONDS SEED …`, with lib/ on the path.

Prints one JSON line for each part: [what, tries, complaint]; the last line is "end".
"""

import copy
import hashlib
import http.client
import json
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from lib.ami import MAX_LINE, AmiReader, read_ami
from lib.cdr import ORDER, read_cdr
from lib.cel import read_cel
from lib.events import TYPES, BadEvent, Event, read_journal
from lib.fold import fold_all
from lib.scope import BadScope, Gate, Scope
from lib.signature import headers
from lib.site import Site

from .places import MAIN_ADDON, RUN, TOP

try:
    from lib.adapters import ADAPTERS
    from lib.adapters.base import BadBody, BadSignature, WebhookRequest
except ImportError:
    ADAPTERS = {}

DATA = TOP / MAIN_ADDON / "lib" / "tests" / "data"
FOUND = RUN / "fuzz"
#: bytes of one piece of nonsense, the processor seconds that it may take, and the memory of the whole program
LONGEST = 60_000
PATIENCE = 5.0
MEMORY = 3 << 30
#: what a server may say to nonsense
ANSWERS = frozenset((200, 400, 401, 403, 404, 405, 410, 411, 413, 414, 415, 422, 431))
SCOPE = Scope.from_answer(
    {"version": "1", "country": "NL", "extensions": {"101": True, "102": True, "109": False},
     "never": {"key": "00", "numbers": [{"hash": "0" * 32, "extensions": []}]}}
)  # fmt: skip
ZONE = ZoneInfo("Europe/Amsterdam")
_SPLICES = (
    b"\x00", b"\xff\xfe", b"\r\n\r\n", b"\n", b"\n\n", b'"', b"\\", b"{", b"}", b"[" * 50, b"-1", b"0", b"1e400", b"9" * 400,
    b"NaN", b"null", b"\xed\xa0\x80", "\u202e".encode(), b"%00", b"1970-01-01 00:00:00", b"2026-02-30T25:61:61.9999999Z", b"A" * 20_000,
    b"Event: ", b"Uniqueid: ", b";", b"|", b"\t", b"<unknown>", b"<![CDATA[",
)  # fmt: skip


class Found(Exception):
    """Something that should not be; the text says what."""


# ------------------------------------------------------------------ nonsense


def mutated(piece: bytes, dice: random.Random) -> bytes:
    """The piece with some bytes changed, lost, doubled, swapped or put in."""
    start = dice.randrange(max(len(piece) - LONGEST // 2, 1))
    data = bytearray(piece[start : start + dice.randrange(1, LONGEST // 2)])
    for _change in range(dice.choice((1, 1, 2, 4, 16, 64))):
        place = dice.randrange(len(data) + 1)
        length = dice.choice((1, 1, 2, 8, 64, 1024))
        kind = dice.randrange(6)
        if kind == 0 and place < len(data):
            data[place] = dice.randrange(256)
        elif kind == 1:
            del data[place : place + length]
        elif kind == 2:
            data[place:place] = dice.choice(_SPLICES)
        elif kind == 3:
            data[place:place] = data[place : place + length] * dice.choice((1, 2, 20))
        elif kind == 4:
            other = dice.randrange(len(data) + 1)
            data[other:other] = data[place : place + length]
        elif place < len(data):
            data[place] ^= 1 << dice.randrange(8)
    return bytes(data[:LONGEST])


_JUNK = (
    None,
    True,
    -1,
    0,
    1e308,
    10**30,
    "",
    "x" * 20_000,
    "\x00",
    "\ud800",
    "1970-01-01",
    [],
    {},
    [[[]]],
    {"a": {"a": {}}},
    ["x"],
    "+12025550101",
)


def reshaped(body: bytes, dice: random.Random) -> bytes:
    """A provider's body with some of its values exchanged, lost, or of another kind than the provider says."""
    try:
        value = json.loads(body)
    except ValueError:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        for _change in range(dice.choice((1, 1, 2, 4)) if pairs else 0):
            place = dice.randrange(len(pairs))
            pairs[place] = (pairs[place][0], str(dice.choice((*_JUNK, dice.choice(pairs)[1]))))
        return urlencode(pairs, errors="replace").encode()
    for _change in range(dice.choice((1, 1, 2, 4))):
        here = value
        while isinstance(here, (dict, list)) and here:
            key = dice.choice(list(here)) if isinstance(here, dict) else dice.randrange(len(here))
            if not isinstance(here[key], (dict, list)) or not here[key] or dice.random() < 0.2:
                if dice.random() < 0.2:
                    del here[key]
                else:
                    here[key] = copy.deepcopy(dice.choice(_JUNK))
                break
            here = here[key]
    return json.dumps(value).encode()


def recordings(pattern: str) -> list[bytes]:
    """Real recordings to begin with."""
    return [file.read_bytes() for file in sorted(DATA.glob(pattern)) if file.is_file() and file.stat().st_size]


_words = st.one_of(
    st.sampled_from(("", "101", "109", "+12025550101", "1795319909.0", "1795319909.1", "Up", "6", "s", "ANSWER", "<unknown>",
                     "PJSIP/101-00000001", "Local/101@x-0000;1", "2026-11-22T03:58:32.210000Z", "1795319909.5", "1e400", "-1")),
    st.text(max_size=40),
    st.integers().map(str),
)  # fmt: skip
_keys = st.sampled_from(
    "Uniqueid Linkedid DestUniqueid DestLinkedid Channel DestChannel CallerIDNum CallerIDName Exten Timestamp Variable Value"
    " BridgeUniqueid SwapUniqueid Queue Cause DialStatus ChannelState ChannelStateDesc Application AppData HoldTime TalkTime"
    " TransfererUniqueid TransfererLinkedid TransfereeUniqueid TransfereeLinkedid LocalOneUniqueid LocalTwoUniqueid"
    " LocalOneLinkedid Result Extension Response".split()
)
_ami_events = st.sampled_from(
    "Newchannel Newstate DialBegin DialEnd Newexten VarSet QueueCallerJoin QueueCallerLeave QueueCallerAbandon AgentConnect"
    " AgentComplete BridgeEnter BridgeLeave Hold Unhold BlindTransfer AttendedTransfer LocalBridge HangupRequest Hangup"
    " OriginateResponse".split()
)
ami_sessions = st.lists(st.tuples(_ami_events, st.dictionaries(_keys, _words, max_size=14)), max_size=25).map(
    lambda blocks: "".join(
        f"Event: {name}\r\n" + "".join(f"{key}: {value}\r\n" for key, value in values.items()) + "\r\n"
        for name, values in blocks
    ).encode("utf-8", "surrogatepass")
)
_cel_types = st.sampled_from(
    "CHAN_START CHAN_END ANSWER HANGUP APP_START APP_END BRIDGE_ENTER BRIDGE_EXIT BLINDTRANSFER ATTENDEDTRANSFER"
    " LOCAL_OPTIMIZE LINKEDID_END USER_DEFINED".split()
)
_extras = st.one_of(_words, st.dictionaries(_words, _words, max_size=4).map(json.dumps), st.just('{"bridge_id": [[[['))


def _table(names, rows):
    def line(cells):
        return ",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells)

    return "\n".join([",".join(names), *map(line, rows)]).encode("utf-8", "surrogatepass")


cel_tables = st.lists(
    st.tuples(_cel_types, _words, _words, _words, _words, _words, _words, _words, _extras), max_size=25
).map(
    lambda rows: _table(
        ("eventtype", "eventtime", "uniqueid", "linkedid", "channame", "cid_num", "exten", "appname", "extra"), rows
    )
)
cdr_tables = st.lists(st.lists(_words, min_size=len(ORDER), max_size=len(ORDER)), max_size=15).map(
    lambda rows: _table(ORDER, rows)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _words,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(_words, inner, max_size=6),
    max_leaves=25,
)
_event_keys = "channel number name dialled by status bridge swap parked queue calls legs kind to cause file app args value n".split()
events = st.fixed_dictionaries(
    {},
    optional={
        "id": _words | json_values,
        "type": st.sampled_from(sorted(TYPES)) | json_values,
        "call": st.sampled_from(("a", "b")) | json_values,
        "leg": st.sampled_from(("a", "b", "c", "d")) | json_values,
        "at": st.datetimes().map(str) | _words | json_values,
        "source": st.sampled_from(("ami", "cel", "cdr", "odoo", "x")) | json_values,
        "data": st.dictionaries(st.sampled_from(_event_keys), _words | json_values, max_size=6) | json_values,
    },
)
requests = st.fixed_dictionaries(
    {"bridge": st.just({"id": "fuzz"}) | json_values, "events": st.lists(events, max_size=20) | json_values},
    optional={
        "discovered": st.lists(_words, max_size=5) | json_values,
        "outside": st.dictionaries(st.dates().map(str) | _words, st.integers() | json_values, max_size=4) | json_values,
        "queues": st.dictionaries(_words, st.lists(_words, max_size=4) | json_values, max_size=4) | json_values,
        "results": st.lists(
            st.fixed_dictionaries({}, optional={"id": _words | json_values, "state": _words | json_values, "reason": json_values}),
            max_size=4,
        )
        | json_values,
        "scope": json_values,
        "waiting": json_values,
        "last": json_values,
        "audit": json_values,
        "fetched": json_values,
    },
)  # fmt: skip


# ------------------------------------------------------------------ what is tried


def read(reader: Callable, *arguments) -> list[Event]:
    """The events of a reader; it may say that there is no header row, and nothing else."""
    try:
        return list(reader(*arguments))
    except ValueError as error:
        if "header row" not in str(error):
            raise
        return []


def judged(told: list[Event]) -> None:
    """Whatever a reader says can be sent, gated and folded."""
    for event in told:
        try:
            again = Event.from_dict(json.loads(json.dumps(event.to_dict())))
        except ValueError as error:
            raise Found(f"an event that Odoo would refuse: {error}") from error
        if again.id != event.id or again.at != event.at:
            raise Found("an event that comes back as another one")
    gate = Gate(SCOPE)
    for place, event in enumerate(told):
        gate.feed(event, float(place))
    gate.tick(len(told) + 1e9)
    for call in fold_all(told, Site(country="NL")):
        call.to_dict()


def _is_taken(event: Event) -> bool:
    """Whether Odoo takes an event of a provider; what it refuses is kept with the reason, as of any bridge."""
    try:
        Event.from_dict(event.to_dict())
    except BadEvent:
        return False
    return True


def lines_of(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").splitlines(keepends=True)


def try_ami(data: bytes) -> None:
    whole = list(read_ami([data]))
    if [event.id for event in whole] != [
        event.id for event in read_ami(data[at : at + 700] for at in range(0, len(data), 700))
    ]:
        raise Found("the pieces in which a session comes change its events")
    reader = AmiReader()
    for at in range(0, len(data), 4096):
        list(reader.feed(data[at : at + 4096]))
        if len(reader._rest) > MAX_LINE + 4096:
            raise Found("a line without end is kept")
    judged(whole)


def try_cel(data: bytes) -> None:
    judged(read(read_cel, lines_of(data), ZONE))


def try_cdr(data: bytes) -> None:
    judged(read(read_cdr, lines_of(data), ZONE))


def try_journal(data: bytes) -> None:
    judged(list(read_journal(lines_of(data))))


def try_scope(data: bytes) -> None:
    try:
        Scope.from_answer(json.loads(data))
    except (BadScope, ValueError, RecursionError):
        pass


def adapter_tries(adapter) -> Callable[[bytes], None]:
    """One adapter: a request that is not its own is refused in its own words."""

    def try_adapter(data: bytes) -> None:
        for heads in ({}, {"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"}):
            request = WebhookRequest(
                url="https://odoo.example.com/x", headers={**heads, "authorization": "Basic !", "content-length": "x"},
                query={"token": "t"}, body=data, public_url="https://odoo.example.com/x",
            )  # fmt: skip
            adapter.challenge(request)
            try:
                adapter.verify(request, ["secret"], time.time())
            except BadSignature:
                pass
            else:
                raise Found("nonsense was taken for signed")
            try:
                judged([item for item in adapter.read(request) if isinstance(item, Event) and _is_taken(item)])
            except BadBody:
                pass

    return try_adapter


class Routes:
    """The routes of a running Odoo."""

    def __init__(self, port: str, key: str, secret: str):
        self.port, self.key, self.secret = int(port), key, secret
        self.line = None

    def send(self, path: str, body: bytes, sign: bool = True, more: dict | None = None) -> None:
        """Post; whatever is answered must be an answer."""
        about = (more or {}).get("X-Voip-About")
        signed = body if about is None else about.encode()
        heads = {
            "Content-Type": "application/json",
            **(headers(self.secret, self.key, int(time.time()), signed) if sign else {}),
        }
        status = self._post(path, body, {**heads, **(more or {})})
        if status not in ANSWERS:
            raise Found(f"{path}: {status}")

    def _post(self, path, body, heads) -> int:
        if self.line is None:
            self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        begun = time.monotonic()
        try:
            self.line.request("POST", path, body, heads)
            answer = self.line.getresponse()
            answer.read()
            status = answer.status
        except TimeoutError as error:
            raise Found(f"{path}: no answer in 30 s") from error
        except (http.client.HTTPException, ConnectionError):
            status = 400  # it hung up, which is an answer to nonsense
        finally:
            self.line.close()
            self.line = None
        if time.monotonic() - begun > 4 * PATIENCE:
            raise Found(f"{path}: {time.monotonic() - begun:.0f} s")
        return status


# ------------------------------------------------------------------ trying


def watched(what: str, work: Callable, data) -> None:
    """Try one piece; what it does wrong is kept in a file and raised as Found."""
    begun = time.process_time()
    try:
        work(data)
        taken = time.process_time() - begun
        if taken > PATIENCE:
            raise Found(f"{taken:.1f} s for {len(data)} bytes")
    except Exception as error:
        raw = data if isinstance(data, bytes) else repr(data).encode()
        file = FOUND / f"{what.replace(' ', '-')}-{hashlib.sha256(raw).hexdigest()[:12]}"
        FOUND.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
        traceback.print_exc()
        if isinstance(error, Found):
            raise Found(f"{error} ({file})") from error
        raise Found(f"{type(error).__name__}: {error} ({file})") from error


def structured(what: str, strategy, work: Callable, until: float, number: int) -> tuple[str, int, str]:
    """Nonsense by hypothesis, which makes what it finds as small as it can."""
    tries = 0
    while time.monotonic() < until:
        number += 1

        @seed(number)
        @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(strategy)
        def run(data):
            nonlocal tries
            tries += 1
            if time.monotonic() < until + 10:
                watched(what, work, data)

        try:
            run()
        except Found as found:
            return what, tries, str(found)
    return what, tries, ""


def reshaping(what: str, pieces: list[bytes], work: Callable, until: float, number: int) -> tuple[str, int, str]:
    """Nonsense by changing values of what is real."""
    return bytewise(what, pieces, work, until, number, reshaped)


def bytewise(
    what: str, pieces: list[bytes], work: Callable, until: float, number: int, change: Callable = mutated
) -> tuple[str, int, str]:
    """Nonsense by changing bytes of what is real."""
    dice, tries = random.Random(number), 0
    while time.monotonic() < until and pieces:
        tries += 1
        try:
            watched(what, work, change(dice.choice(pieces), dice))
        except Found as found:
            return what, tries, str(found)
    return what, tries, ""


def reader_parts() -> Iterator[tuple]:
    """What there is to be tried, as arguments of `structured` and `bytewise`."""
    yield structured, "AMI, structured", ami_sessions, try_ami
    yield bytewise, "AMI, bytes", recordings("*/ami.txt"), try_ami
    yield structured, "CEL, structured", cel_tables, try_cel
    yield bytewise, "CEL, bytes", recordings("*/cel.csv"), try_cel
    yield structured, "CDR, structured", cdr_tables, try_cdr
    masters = [b",".join(name.encode() for name in ORDER) + b"\n" + one for one in recordings("*/Master.csv")]
    yield bytewise, "CDR, bytes", masters, try_cdr
    told = [
        b"".join(json.dumps(event.to_dict()).encode() + b"\n" for event in read_ami([session]))
        for session in recordings("*/ami.txt")
    ]
    yield (
        structured,
        "journal, structured",
        st.lists(events, max_size=25).map(lambda all_: "\n".join(map(json.dumps, all_)).encode()),
        try_journal,
    )
    yield bytewise, "journal, bytes", told, try_journal
    yield structured, "scope, structured", json_values.map(lambda value: json.dumps(value).encode()), try_scope
    for name, adapter in ADAPTERS.items():
        bodies = [
            line
            for folder in (name, f"adapters/{name}")
            for file in recordings(f"{folder}/*")
            for line in file.splitlines()
        ]
        yield reshaping, f"{name}, values", bodies or [b"{}"], adapter_tries(adapter)
        yield bytewise, f"{name}, bytes", bodies or [b'{"event": {}}', b"a=1&b=2"], adapter_tries(adapter)
        yield (
            structured,
            f"{name}, structured",
            json_values.map(lambda value: json.dumps(value).encode()),
            adapter_tries(adapter),
        )


def route_parts(routes: Routes) -> Iterator[tuple]:
    """Odoo's routes, with nonsense that is signed, and with some that is not."""
    v1 = f"/{MAIN_ADDON}/v1/"
    for path in ("events", "scope", "commands", "audit"):
        yield (structured, f"route {path}, structured", requests.map(lambda value: json.dumps(value).encode()),
               lambda data, path=path: routes.send(v1 + path, data))  # fmt: skip
    batch = [
        json.dumps(
            {"bridge": {"id": "fuzz"}, "events": [event.to_dict() for event in read_ami([session])][:40]}
        ).encode()
        for session in recordings("*/ami.txt")
    ]
    yield bytewise, "route events, bytes", batch, lambda data: routes.send(v1 + "events", data)
    yield bytewise, "route events, unsigned", batch, lambda data: routes.send(v1 + "events", data, sign=False)
    about = st.fixed_dictionaries(
        {
            "call": _words | json_values,
            "file": _words | json_values,
            "size": st.just(4) | json_values,
            "sha256": _words | json_values,
        },
        optional={"leg": _words | json_values, "at": _words | json_values},
    )
    yield (structured, "route recording, structured", about.map(json.dumps),
           lambda said: routes.send(v1 + "recording", b"RIFF", more={"X-Voip-About": said}))  # fmt: skip
    heads = st.dictionaries(
        st.sampled_from(("X-Voip-Key", "X-Voip-Timestamp", "X-Voip-Signature", "Content-Type", "Content-Encoding", "X-Odoo-Database", "Cookie")),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60) | st.integers().map(str),
        max_size=5,
    )  # fmt: skip
    yield structured, "route events, headers", heads, lambda more: routes.send(v1 + "events", b"{}", more=more)
    # no slash: what is below is no route of ours, and Odoo itself has no answer to a zero byte in such an address
    webhooks = st.tuples(st.text(st.sampled_from("abc019-_.%"), max_size=30), json_values)
    yield (structured, "route webhook, unsigned", webhooks,
           lambda pair: routes.send(f"{v1}webhook/{pair[0]}", json.dumps(pair[1]).encode(), sign=False))  # fmt: skip


def main(part: str, seconds: str, number: str, *arguments: str) -> None:
    """Try every part for its share of the time."""
    if part == "readers":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        parts = list(reader_parts())
    else:
        parts = list(route_parts(Routes(*arguments)))
    share = float(seconds) / len(parts)
    for place, (way, what, nonsense, work) in enumerate(parts):
        found = way(what, nonsense, work, time.monotonic() + share, int(number) + place * 1_000_003)
        print(json.dumps(found), flush=True)
    print(json.dumps("end"), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
