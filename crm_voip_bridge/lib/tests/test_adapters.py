"""Adapters of hosted PBXs: what they post becomes the right calls, in any order, however often, and nothing crashes them."""

import base64
import hashlib
import hmac
import json
import random
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.adapters import ADAPTERS
from lib.adapters.base import BadBody, BadSignature, Refused, WebhookRequest, line, phone
from lib.events import Event, parse_time
from lib.fold import fold_all
from lib.phone import extension_of
from lib.scope import Scope, never_hash
from lib.sift import sift
from lib.site import Site

DATA = Path(__file__).parent / "data"
FILES = {"generic": "generic/calls.jsonl", "3cx": "3cx/reports.jsonl", "yeastar": "yeastar/events.jsonl"}
SITE = Site(country="NL")
ZONE = ZoneInfo("Europe/Amsterdam")
#: when the n-th body arrived, in seconds after nine o'clock (Yeastar states no times while a call lasts)
ARRIVALS = (0, 5, 25, 40, 65, 65.2)


def bodies(name):
    return (DATA / FILES[name]).read_bytes().splitlines()


def read(name, lines=None, arrive=False):
    events = []
    for place, body in enumerate(bodies(name) if lines is None else lines):
        at = None
        if arrive:
            second = ARRIVALS[place] if place < len(ARRIVALS) else 5 * 3600 + 5 * place
            at = parse_time(parse_time("2026-11-02T09:00:00.3Z").timestamp() + second)
        request = WebhookRequest(body=body, zone=ZONE, received_at=at, place=place)
        events += [item for item in ADAPTERS[name].read(request) if isinstance(item, Event)]
    # as the journal, which keeps what came first of what has the same id
    return list({event.id: event for event in reversed(events)}.values())[::-1]


def short(call):
    return (
        call.direction,
        call.disposition,
        call.outside_number,
        (call.ivr_s, call.queue_s, call.ring_s, call.hold_s, call.talk_s),
        [(leg.number, leg.outcome) for leg in call.legs],
    )


def calls(name, events=None):
    return {call.call_id: short(call) for call in fold_all(read(name) if events is None else events, SITE)}


def test_generic_calls():
    found = calls("generic")
    assert found["g1"] == (
        "inbound", "answered", "+12025550101", (10, 20, 0, 15, 75), [("101", "answered"), ("102", "elsewhere")],
    )  # fmt: skip
    assert found["g2"] == ("inbound", "missed", "0301000142", (0, 0, 25, 0, 0), [("101", "no_answer")])
    assert found["g3"] == ("outbound", "answered", "+12025550101", (0, 0, 12, 0, 60), [("101", "answered")])
    assert found["g4"][1:4] == ("abandoned", "+12025550102", (5, 35, 0, 0, 0))
    # what is not told stays empty
    assert found["g5"][3] == (None, None, None, None, 45)
    assert found["g6"][1] == "voicemail"
    assert found["g7"][:2] == ("internal", "answered")
    assert found["g8"][1] == "busy"
    assert found["g9"][1] == "machine"
    # handed over after a minute
    assert found["g10"][3:] == ((0, 0, 10, 0, 170), [("101", "answered"), ("102", "answered")])
    assert "bad" not in found


def test_3cx_reports():
    found = list(calls("3cx").values())
    assert [one[:2] for one in found] == [
        ("inbound", "answered"),
        ("inbound", "missed"),
        ("outbound", "answered"),
        ("outbound", "missed"),
        ("inbound", "answered"),
    ]
    # two phones that rang for one call are one call; a name that was not filled in is none
    assert found[1][4] == [("101", "no_answer"), ("102", "no_answer")]
    assert [one[3][4] for one in found] == [60, 0, 30, 0, 40]
    assert all(one[3][3] is None for one in found if one[1] == "answered")


def test_yeastar_live_and_report():
    found = calls("yeastar", read("yeastar", arrive=True))
    live = found["1793616000.1"]
    # told as it happened: holds are known, and the report that follows doubles nothing
    assert live[:3] == ("inbound", "answered", "12025550101")
    assert live[3] == pytest.approx((0, 0, 5, 15, 45), abs=0.01)
    assert live[4] == [("101", "answered")]
    # told only when over: times by the PBX's clock, in its zone
    assert found["1793616000.2"][1:] == (
        "missed", "12025550102", (None, None, None, 0, 0), [("101", "no_answer")],
    )  # fmt: skip
    assert found["1793616000.3"][:2] == ("outbound", "busy")
    assert found["1793616000.4"][3] == (None, 20, None, None, 50)
    # the calling phone hung up, and nobody said so of the other side
    assert found["1793616000.5"][:3] == ("outbound", "answered", "0301000142")
    assert found["1793616000.5"][4] == [("101", "answered")]
    assert found["1793616000.6"][1] == "voicemail"
    started = {call.call_id: call.started_at for call in fold_all(read("yeastar"), SITE)}
    assert started["1793616000.2"] == parse_time("2026-11-02T10:00:00Z")


@pytest.mark.parametrize("name", FILES)
def test_order_and_repeats_do_not_matter(name):
    events = read(name, arrive=True)
    expected = calls(name, events)
    for seed in range(20):
        again = events + random.Random(seed).sample(events, len(events) // 2)
        random.Random(seed).shuffle(again)
        assert calls(name, again) == expected
    # the same body gives the same ids
    assert [event.id for event in read(name)] == [event.id for event in read(name)]


# --- the gate, a request at a time ---

KEY = "00" * 16
SCOPE = Scope(
    "1",
    Site(country="NL", extensions=frozenset({"101", "102", "109"})),
    frozenset({"101"}),
    KEY,
    {never_hash(KEY, "+12025550106"): frozenset()},
)


class Table:
    """What Odoo keeps between requests."""

    def __init__(self):
        self.kept, self.held, self.forgotten, self.outside, self.now = {}, {}, [], 0, 0.0

    def post(self, events, after=1.0, settle=60.0):
        self.now += after
        result = sift(
            SCOPE,
            kept=self.kept.values(),
            held=self.held.values(),
            forgotten=self.forgotten,
            new=events,
            now=self.now,
            settle=settle,
        )
        waiting = {event.id for event in result.waiting}
        self.held = {ident: pair for ident, pair in self.held.items() if ident in waiting}
        self.held |= {event.id: (self.now, event) for event in result.waiting if event.id not in self.held}
        self.kept |= {event.id: event for event in result.kept}
        self.forgotten = result.forgotten
        self.outside += sum(result.outside.values())


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_decided_one_by_one_as_all_at_once(rng):
    """However the events of some calls are cut into requests, the same is kept, and each outcast counted once."""
    events = read("generic")
    whole = Table()
    whole.post(events)
    whole.post([], after=61)
    parts = Table()
    shuffled = events + rng.sample(events, 5)
    rng.shuffle(shuffled)
    while shuffled:
        size = rng.randint(1, 8)
        parts.post(shuffled[:size])
        shuffled = shuffled[size:]
    parts.post([], after=61)
    assert parts.kept.keys() == whole.kept.keys()
    assert (parts.outside, whole.outside) == (2, 2)  # 102 is unticked (g8), and one number is never logged (g9)
    assert not parts.held
    # of phones that are not ticked, and of numbers that are not to be known, nothing is there
    assert "Phone/102" not in json.dumps([event.to_dict()["data"] for event in parts.kept.values()])
    # a late repeat of an outcast stays one, and is not counted again
    parts.post([event for event in events if event.call in ("g8", "g9")])
    parts.post([], after=61)
    assert (parts.outside, parts.kept.keys()) == (2, whole.kept.keys())


# --- hostile input ---

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)


@pytest.mark.parametrize("name", ADAPTERS)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_nothing_crashes_a_reader(name, data):
    """A good body with something else in one place, or any bytes at all."""
    if name in FILES and data.draw(st.booleans()):
        good = data.draw(st.sampled_from([body for body in bodies(name) if body.startswith(b"{")]))
        value = json.loads(good)
        place = value
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            if not keys:
                break
            key = data.draw(st.sampled_from(list(keys)))
            if isinstance(place[key], (dict, list)) and data.draw(st.booleans()):
                place = place[key]
                continue
            place[key] = data.draw(ANYTHING)
            break
        body = json.dumps(value).encode()
    else:
        body = data.draw(st.binary(max_size=80) | ANYTHING.map(lambda value: json.dumps(value).encode()))
    request = WebhookRequest(body=body, received_at=parse_time("2026-11-02T09:00:00Z"))
    try:
        items = list(ADAPTERS[name].read(request))
    except BadBody as error:
        assert "\n" not in str(error)
        return
    events = []
    for item in items:
        if isinstance(item, Refused):
            continue
        try:
            events.append(Event.from_dict(item.to_dict()))
        except ValueError:
            continue
    fold_all(events, SITE)


# --- signatures ---


def test_tokens_and_signatures():
    def good(name, headers, body=b"", secrets=("old", "secret")):
        try:
            ADAPTERS[name].verify(WebhookRequest(headers=headers, body=body), list(secrets), 0.0)
        except BadSignature as error:
            assert "secret" not in str(error)
            return False
        return True

    assert good("generic", {"authorization": "Bearer secret"})
    assert good("generic", {"authorization": "bearer old"})
    basic = base64.b64encode(b"3cx:secret").decode()
    assert good("3cx", {"authorization": f"Basic {basic}"})
    signed = base64.b64encode(hmac.digest(b"secret", b"{}", hashlib.sha256)).decode()
    assert good("yeastar", {"x-signature": signed}, b"{}")
    assert not good("yeastar", {"x-signature": signed}, b"{ }")
    for name in FILES:
        for value in ("", "Bearer", "Bearer ", "Bearer secre", "Basic", "Basic ÿ", "Basic " + "=" * 9, "\ud800", basic):
            assert not good(name, {"authorization": value, "x-signature": value})
        assert not good(name, {"authorization": "Bearer "}, secrets=())


# --- what a phone is ---


def test_phones_and_lines():
    site = Site(country="NL", extensions=frozenset({"101", "+31610000123"}))
    assert extension_of(phone("alice"), "", site) == "alice"
    assert extension_of(phone("101-abcdef"), "", site) == "101-abcdef"
    assert extension_of(line(), "118", site) is None
    # a telephone number is a customer's, also where a call was sent on to it, until somebody enters it
    assert extension_of(phone("0610000124"), "0610000124", site) is None
    assert extension_of(phone("+31610000123"), "+31610000123", site) == "+31610000123"
