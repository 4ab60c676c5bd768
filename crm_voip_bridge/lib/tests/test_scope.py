"""The gate: what may be recorded passes, of the rest nothing remains."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import START, story

from lib.ami import read_ami
from lib.cel import read_cel
from lib.events import Event, format_time
from lib.fold import fold
from lib.scope import BadScope, Gate, Scope, never_hash
from lib.site import Site

DATA = Path(__file__).with_name("data")
KEY = "00ff" * 8
HOME, DOCTOR, CUSTOMER = "+31201112233", "+31204445566", "+31205556677"


def scope(ticked="101 102 103", unticked="109", never=(), version="1", prefix=""):
    """Ticked and unticked extensions, and never-log numbers: (number, extensions) each."""
    return Scope.from_answer(
        {
            "version": version,
            "country": "NL",
            "internal_min": 2,
            "internal_max": 5,
            "outside_prefix": prefix,
            "trunks": ["+31201000100"],
            "extensions": dict.fromkeys(ticked.split(), True) | dict.fromkeys(unticked.split(), False),
            "never": {
                "key": KEY,
                "numbers": [
                    {"hash": never_hash(KEY, number), "extensions": phones.split()} for number, phones in never
                ],
            },
        }
    )


def through(gate, *parts, now=0.0):
    """Everything that the gate lets out, the calls being over and settled."""
    out = []
    for events in parts:
        for event in events:
            out += gate.feed(event, now)
            now += 0.001
    return out + gate.tick(now + 10)


def test_ticking_does_not_look_back():
    """A history that is read again shows nothing of a phone from before it was ticked."""
    at = START + timedelta(hours=1)
    since = Scope.from_answer({**ANSWER, "since": {"101": format_time(at)}})
    earlier = inbound("c", CUSTOMER, "101", answered="101")
    assert through(Gate(since), earlier) == []
    later = [replace(event, at=event.at + timedelta(hours=2)) for event in earlier]
    assert fold(through(Gate(since), later)).disposition == "answered"
    # of a call that others took part in, only its leg is left out
    both = through(Gate(since), inbound("d", CUSTOMER, "101", "102", answered="102"))
    assert [leg.number for leg in fold(both).legs] == ["102"]
    with pytest.raises(BadScope):
        Scope.from_answer({**ANSWER, "since": {"101": "some day"}})


def test_calls_that_last_are_told_that_nobody_listened():
    gate = Gate(scope())
    call = inbound("c", CUSTOMER, "101", answered="101")
    for event in call[:7]:
        gate.feed(event, 0.0)
    (told,) = gate.unheard(START + timedelta(seconds=60), 1.0)
    assert (told.type, told.call, told.leg) == ("unheard", "c", "")
    assert gate.unheard(START + timedelta(seconds=60), 1.0)[0].id == told.id
    for event in call[7:]:
        gate.feed(event, 2.0)
    assert gate.unheard(START + timedelta(seconds=90), 3.0) == []


ANSWER = {"version": "1", "country": "NL", "extensions": {"101": True, "102": True, "109": False}}


def texts(events):
    return json.dumps([event.to_dict() for event in events])


def inbound(call, caller, *phones, answered=None, dialled="+31201000101"):
    """A call from outside that rings phones at once."""
    lines = [f"0 started {call} PJSIP/trunk {caller} {dialled}"]
    for phone in phones:
        lines += [
            f"1 started {call}-{phone} PJSIP/{phone} {phone} s",
            f"1 ringing {call}-{phone} {call} {phone} {phone}",
        ]
    if answered:
        lines += [
            f"5 answered {call}-{answered}",
            f"5 dial_ended {call}-{answered} ANSWER {call}",
            f"5 bridged {call}-{answered} {call}b",
            f"5 bridged {call} {call}b",
        ]
    lines += [f"9 ended {call}-{phone} 16" for phone in phones]
    return _named(story(*lines, f"9 ended {call} 16", call=call))


def outbound(call, phone, number, trunk=True):
    lines = [f"0 started {call} PJSIP/{phone} {phone} {number}"]
    if trunk:
        lines += [
            f"1 started {call}-t PJSIP/trunk - s",
            f"1 ringing {call}-t {call} {number} {number}@trunk",
            f"5 answered {call}-t",
            f"9 ended {call}-t 16",
        ]
    return _named(story(*lines, f"9 ended {call} 16", call=call))


def internal(call, phone, other):
    lines = (
        f"0 started {call} PJSIP/{phone} {phone} {other}",
        f"1 started {call}-o PJSIP/{other} {other} s",
        f"1 ringing {call}-o {call} {other} {other}",
        f"9 ended {call}-o 16",
        f"9 ended {call} 16",
    )
    return _named(story(*lines, call=call))


def _named(events):
    """Live events show the channel of their leg, the stories' lines do not always."""
    channels = {event.leg: event.data["channel"] for event in events if event.type == "started"}
    return [
        event
        if "channel" in event.data or event.leg not in channels
        else replace(event, data={**event.data, "channel": channels[event.leg]})
        for event in events
    ]


# --- extensions ---


def test_a_call_of_a_ticked_extension_passes_whole_and_at_once():
    gate, call = Gate(scope()), inbound("c", CUSTOMER, "101", answered="101")
    assert through(gate, call[:2]) == call[:2]
    assert through(gate, call[2:]) == call[2:]
    assert not gate.outside and not gate.waiting


def test_a_call_of_an_unticked_extension_is_only_counted():
    gate = Gate(scope())
    assert through(gate, inbound("c", CUSTOMER, "109", answered="109")) == []
    assert through(gate, outbound("d", "109", CUSTOMER)) == []
    assert gate.outside == {"2026-11-02": 2} and not gate.waiting


def test_an_unknown_extension_counts_as_unticked_and_is_reported():
    gate = Gate(scope())
    assert through(gate, inbound("c", CUSTOMER, "104", answered="104")) == []
    assert gate.discovered == {"104"}
    gate.set_scope(scope(ticked="101 104"))
    assert not gate.discovered
    assert through(gate, inbound("d", CUSTOMER, "104"))


def test_a_call_that_touches_no_extension_is_kept_when_it_is_over():
    gate, call = (
        Gate(scope()),
        story("0 started c PJSIP/trunk 0205556677 +31201000100", "1 queued c sales", "9 ended c 16"),
    )
    assert [gate.feed(event, 0.0) for event in call] == [[], [], []]
    assert gate.tick(0.1) == []
    assert gate.tick(1.0) == call


def test_unticked_legs_of_a_kept_call_are_left_out():
    gate = Gate(scope())
    out = through(gate, inbound("c", CUSTOMER, "101", "109", answered="109"))
    assert {event.leg for event in out} == {"c", "c-101"}
    assert "109" not in texts(out).replace("2026-11-02", "")


@pytest.mark.parametrize("events", [internal("c", "101", "109"), internal("c", "109", "101")])
def test_the_number_of_an_unticked_phone_stays_nowhere(events):
    out = through(Gate(scope()), events)
    assert out and "109" not in texts(out)


def test_a_phone_nobody_knew_yet_does_not_slip_through_as_the_number_dialled():
    out = through(Gate(scope(unticked="")), internal("c", "101", "109"))
    assert out and "109" not in texts(out)


def test_arguments_of_applications_name_no_unticked_phone():
    events = inbound("c", CUSTOMER, "101", answered="101")
    dial = replace(
        events[0], id="dial", type="app", data={"app": "dial", "args": "PJSIP/101&PJSIP/109&Local/110@agents,20,tT"}
    )
    out = through(Gate(scope()), [events[0], dial, *events[1:]])
    args = next(event for event in out if event.type == "app").data["args"]
    assert args == "PJSIP/101&PJSIP/&Local/@agents,20,tT"


def test_a_recording_named_after_an_unticked_phone_is_left_out():
    events = inbound("c", CUSTOMER, "101", answered="101")
    for name, kept in (("in-109-c.wav", False), ("in-c.wav", True)):
        file = replace(events[0], id=name, type="recorded", data={"file": name, "channel": "PJSIP/trunk"})
        assert (file in through(Gate(scope()), [*events, file])) is kept


def test_a_local_channel_to_an_unticked_phone_is_left_out_with_it():
    lines = (
        "0 started c PJSIP/trunk 0205556677 +31201000100",
        "1 started l1 Local/109@agents",
        "1 ringing l1 c",
        "1 started l2 Local/109@agents",
        "1 paired l1 l1+l2",
        "2 started p PJSIP/109 109",
        "2 started q PJSIP/101 101",
        "9 ended l1 26",
        "9 ended l2 26",
        "9 ended p 26",
        "9 ended q 16",
        "9 ended c 16",
    )
    out = through(Gate(scope()), _named(story(*lines)))
    assert {event.leg for event in out} == {"c", "q"} and "109" not in texts(out)


# --- numbers that are never logged ---


@pytest.mark.parametrize(
    "shown", [DOCTOR, "0204445566", "0031204445566", "31204445566", "0204445566@trunk", "00204445566"]
)
def test_a_company_wide_never_log_number_drops_the_whole_call(shown):
    gate = Gate(scope(never=[(DOCTOR, "")], prefix="0"))
    assert through(gate, inbound("c", shown, "101", "102", answered="101")) == []
    assert through(gate, outbound("d", "101", shown)) == []
    assert sum(gate.outside.values()) == 2 and not gate.waiting


def test_nothing_of_a_call_is_let_out_before_its_number_is_known():
    gate = Gate(scope(never=[(DOCTOR, "")]))
    dialling = story(
        "0 started c PJSIP/101 101 s",  # click to call: our own phone rings first
        "0 ringing c - 101 101",
        "2 answered c",
        "3 started t PJSIP/trunk - s",
    )
    assert [gate.feed(event, 0.0) for event in _named(dialling)] == [[]] * 4
    ringing = story(f"3 ringing t c {DOCTOR} {DOCTOR}@trunk", "4 ended t 16", "4 ended c 16")
    assert through(gate, ringing) == [] and sum(gate.outside.values()) == 1


def test_a_click_to_call_passes_once_the_number_is_known():
    gate = Gate(scope(never=[(DOCTOR, "")]))
    dialling = _named(story("0 started c PJSIP/101 101 s", "2 answered c", "3 started t PJSIP/trunk - s"))
    assert through(gate, dialling) == []
    ringing = story(f"3 ringing t c {CUSTOMER} {CUSTOMER}@trunk")
    assert through(gate, ringing) == [*dialling, *ringing]


def test_a_personal_number_drops_the_call_that_the_person_made_or_answered():
    never = [(HOME, "101")]
    for call in (
        outbound("c", "101", HOME),
        inbound("c", HOME, "101", answered="101"),
        inbound("c", HOME, "102", "101", answered="101"),
        inbound("c", HOME, "101"),  # nobody else was rung: it concerns nobody else
    ):
        gate = Gate(scope(never=never))
        assert through(gate, call) == [] and sum(gate.outside.values()) == 1


def test_a_personal_number_is_kept_for_others_without_the_persons_legs():
    gate = Gate(scope(never=[(HOME, "101")]))
    call = inbound("c", HOME, "101", "102", answered="102")
    assert [gate.feed(event, 0.0) for event in call] == [[]] * len(call)
    out = gate.tick(10.0)
    assert {event.leg for event in out} == {"c", "c-102"}
    assert HOME in texts(out)
    assert out == [event for event in call if event.leg != "c-101"]
    assert through(Gate(scope(never=[(HOME, "101")])), outbound("d", "102", HOME))


def test_a_kept_call_that_is_transferred_to_a_never_log_number_goes_on_without_it():
    gate = Gate(scope(never=[(DOCTOR, "")]))
    kept = inbound("c", CUSTOMER, "101", answered="101")
    later = _named(
        story(
            f"6 transferred c-101 blind c c-101 {DOCTOR}",
            f"6 started x PJSIP/trunk {DOCTOR}",
            f"6 ringing x c {DOCTOR} {DOCTOR}@trunk",
            "7 answered x",
            "8 ended x 16",
        )
    )
    later[0] = replace(later[0], data={**later[0].data, "to": DOCTOR})
    out = through(gate, kept[:7], later, kept[7:])
    assert {event.leg for event in out} == {"c", "c-101"}
    assert DOCTOR not in texts(out) and DOCTOR[3:] not in texts(out)
    assert {event.id for event in kept} <= {event.id for event in out}


def test_a_consultation_with_a_never_log_number_stays_out_of_the_call_it_is_joined_to():
    gate = Gate(scope(never=[(DOCTOR, "")]))
    kept = inbound("c", CUSTOMER, "101", answered="101")
    # the forgotten call is the older one, so Asterisk goes on with its id
    asked = _named(story("1 started a PJSIP/101 101 0204445566", "2 started at PJSIP/trunk - s", call="a"))
    joined = _named(
        story(
            "6 transferred c-101 attended c+a c-101+a+at+c",
            "7 bridged c@a b",
            "8 ended a@a 16",
            "8 ended at@a 16",
            "9 ended c@a 16",
        )
    )
    out = through(gate, kept[:7], asked, joined, kept[7:8])
    assert {event.call for event in out} == {"c"}
    assert {event.leg for event in out} == {"c", "c-101"}
    transfer = next(event for event in out if event.type == "transferred")
    assert transfer.data["legs"] == ["c-101", "c"] and transfer.data["calls"] == ["c"]
    assert sum(gate.outside.values()) == 1


def test_what_an_unticked_phone_hands_over_to_a_ticked_one_is_kept_from_the_start():
    gate = Gate(scope())
    first = inbound("c", CUSTOMER, "109", answered="109")[:7]
    asked = internal("k", "109", "101")[:3]
    assert through(gate, first) == []
    joined = _named(story("6 transferred c-109 attended c+k c-109+k+k-o+c", "6 ended c-109 16", "6 ended k@k 16"))
    ended = _named(story("9 ended k-o 16", "9 ended c 16"))
    out = through(gate, asked, joined, ended)
    assert {event.leg for event in out} == {"c", "k-o"}
    assert {event.id for event in first if event.leg == "c"} <= {event.id for event in out}
    assert "109" not in texts(out).replace("c-109", "")


def test_a_call_kept_for_others_stays_so_when_it_is_read_again():
    gate = Gate(scope(never=[(HOME, "101"), (DOCTOR, "")]))
    call = inbound("c", HOME, "101", "102", answered="102")
    call.insert(-1, replace(call[0], id="dial", type="app", data={"app": "dial", "args": f"PJSIP/{DOCTOR}@trunk"}))
    once = through(gate, call)
    assert through(gate, call) == once
    assert HOME in texts(once) and DOCTOR not in texts(once)


# --- time, repetition, restarts ---


def test_late_and_repeated_events_get_the_same_decision():
    gate, kept, dropped = Gate(scope()), inbound("c", CUSTOMER, "101"), outbound("d", "109", CUSTOMER)
    assert through(gate, kept, dropped) == kept
    assert through(gate, dropped, kept) == kept
    assert sum(gate.outside.values()) == 1


def test_a_call_whose_beginning_nobody_saw_is_left_out():
    gate, call = Gate(scope()), inbound("c", CUSTOMER, "101", answered="101")
    assert through(gate, call[2:]) == []
    assert gate.headless == 1 and not gate.outside


def test_after_a_restart_what_the_spool_holds_goes_on():
    call = inbound("c", CUSTOMER, "101", "109", answered="101")
    before = through(Gate(scope()), call[:9])
    gate = Gate(scope())
    for event in before:
        gate.restore(event, 0.0)
    out = through(gate, call[9:])
    assert [event.id for event in before + out] == [event.id for event in call if event.leg != "c-109"]


def test_history_is_not_counted_twice():
    history = [replace(event, source="cel") for event in outbound("d", "109", CUSTOMER)]
    gate = Gate(scope())
    through(gate, outbound("d", "109", CUSTOMER))
    again = Gate(scope())
    again.counted_until = gate.counted_until
    again.history_begins()
    assert through(again, history) == [] and not again.outside


def test_what_waits_for_too_long_or_is_too_much_is_given_up():
    gate = Gate(scope(), idle=100, most_waiting=50)
    gate.feed(inbound("c", CUSTOMER, "109")[0], 0.0)
    assert gate.tick(50.0) == [] and gate.waiting == 1
    gate.tick(200.0)
    assert not gate.waiting and gate.overdue == 1 and sum(gate.outside.values()) == 1
    for number in range(500):
        for event in inbound(f"c{number}", CUSTOMER, "109")[:3]:
            gate.feed(event, 300.0 + number)
    assert gate.waiting <= 50 and gate.overdue > 400


def test_decisions_are_forgotten_in_time():
    gate = Gate(scope(), remember=100, most_ended=10)
    for number in range(50):
        through(gate, inbound(f"c{number}", CUSTOMER, "101"))
    assert len(gate._ended) <= 10
    gate.tick(1000.0)
    assert not gate._ended and not gate._by_id and not gate._by_leg and not gate._open


def test_a_call_from_before_a_restart_is_closed_at_the_last_word_about_it():
    call, gate = inbound("c", CUSTOMER, "101", answered="101")[:7], Gate(scope())
    for event in call:
        gate.restore(event, 0.0)
    # the PBX's record knows the beginning as well, and less of what came then
    through(gate, [replace(event, id=f"cel{event.id}", source="cel") for event in call[:3]])
    closed = gate.absent(set(), 50.0, 50.0)
    assert [(event.type, event.at) for event in closed] == [("closed", call[-1].at)]


def test_calls_that_the_pbx_does_not_have_any_more_are_closed():
    gate, call = Gate(scope()), inbound("c", CUSTOMER, "101", answered="101")[:7]
    gone, there = through(gate, call), outbound("d", "102", CUSTOMER)[:3]
    through(gate, there, now=1.0)
    assert len(gone) == 7
    closed = gate.absent({"d"}, 50.0, 50.0)
    assert [(event.type, event.call, event.at) for event in closed] == [("closed", "c", call[-1].at)]
    assert gate.absent({"d"}, 51.0, 51.0) == []
    assert gate.absent(set(), 0.5, 52.0) == []  # it said something since it was asked


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"version": "1"},
        {"version": "1", "extensions": []},
        {"version": "1", "extensions": {}, "never": {"numbers": [{"hash": "00", "extensions": []}]}},
        {"version": "1", "extensions": {}, "never": {"key": "xyz", "numbers": []}},
        {"version": "1", "extensions": {}, "internal_min": "many"},
    ],
)
def test_a_scope_is_never_guessed(values):
    with pytest.raises(BadScope):
        Scope.from_answer(values)


def test_only_true_ticks():
    assert Scope.from_answer({"version": "1", "extensions": {"101": "yes", "102": 1, "103": True}}).ticked == {"103"}


# --- real recordings ---

RECORDINGS = sorted(path.name for path in DATA.iterdir() if (path / "ami.txt").exists())


def _recorded(name, source):
    folder = DATA / name
    if source == "ami":
        return list(read_ami([(folder / "ami.txt").read_bytes()]))
    with open(folder / "cel.csv", encoding="utf-8") as file:
        return list(read_cel(file))


@pytest.mark.parametrize("source", ["ami", "cel"])
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_call_of_ticked_phones_folds_as_without_the_gate(name, source):
    events = _recorded(name, source)
    gate = Gate(scope(ticked="101 102 103 104 105 106 109 201 202 203 204", unticked=""))
    out = through(gate, events)
    site = Site(country="NL")
    assert {event.id for event in out} == {event.id for event in events}
    assert fold(out, site) == fold(events, site)
    assert not gate.outside


@pytest.mark.parametrize("source", ["ami", "cel"])
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_call_of_unticked_phones_leaves_nothing(name, source):
    events = _recorded(name, source)
    gate = Gate(scope(ticked="", unticked="101 102 103 104 105 106 109 201 202 203 204"))
    out = through(gate, events) + gate.tick(1e6)  # where the PBX was killed, no call ends
    rung = any(
        event.data.get("channel", "").startswith("PJSIP/") and event.data["channel"][6:].isdigit() for event in events
    )
    assert bool(out) is not rung and bool(gate.outside) is rung


# --- properties ---

PHONES = st.lists(st.sampled_from(["101", "102", "109", "110"]), min_size=1, max_size=3, unique=True)
NUMBERS = st.sampled_from([CUSTOMER, HOME, DOCTOR, "0205556677", ""])


@st.composite
def calls(draw):
    """Several calls, their events woven together, each call's own in order."""
    made = []
    for place in range(draw(st.integers(1, 5))):
        call = f"c{place}"
        kind = draw(st.sampled_from(["inbound", "outbound", "internal"]))
        phones = draw(PHONES)
        number = draw(NUMBERS)
        if kind == "inbound":
            made.append(inbound(call, number or "-", *phones, answered=draw(st.sampled_from([None, *phones]))))
        elif kind == "outbound":
            made.append(outbound(call, phones[0], number or "s", trunk=bool(number)))
        else:
            made.append(internal(call, phones[0], phones[-1] if len(phones) > 1 else "103"))
    shuffled = [place for place, call in enumerate(made) for _event in call]
    draw(st.randoms()).shuffle(shuffled)
    queues = [list(call) for call in made]
    return made, [queues[place].pop(0) for place in shuffled]


NEVER = [(DOCTOR, ""), (HOME, "101")]


@settings(max_examples=200, deadline=None)
@given(calls(), st.randoms(use_true_random=False))
def test_whatever_happens_nothing_unticked_or_private_gets_out(made, chance):
    events = made[1] + chance.sample(made[1], len(made[1]) // 2)
    gate = Gate(scope(never=NEVER))
    out = through(gate, events)
    said = texts(out).replace("2026-11-02", "")
    assert DOCTOR not in said and '"109"' not in said and '"110"' not in said
    assert "PJSIP/109" not in said and "PJSIP/110" not in said
    kept = {event.id: event for event in out}
    assert set(kept) <= {event.id for event in events}
    for call in made[0]:
        legs = {event.data["channel"][6:] for event in call if event.type == "started"}
        if HOME in texts(call) and "101" in legs:
            assert not any(
                event.leg.endswith("101") or "PJSIP/101" in texts([event])
                for event in out
                if event.call == call[0].call
            )


@settings(max_examples=200, deadline=None)
@given(calls())
def test_nothing_of_an_unsuspicious_call_is_lost_and_each_is_kept_or_counted(made):
    gate = Gate(scope(never=NEVER))
    out = {event.id for event in through(gate, made[1])}
    gone = 0
    for call in made[0]:
        legs = {event.data["channel"][6:] for event in call if event.type == "started"} - {"trunk"}
        if legs <= {"101", "102", "103"} and not any(number in texts(call) for number in (HOME, DOCTOR)):
            assert {event.id for event in call} <= out
        gone += not any(event.id in out for event in call)
    assert sum(gate.outside.values()) == gone
    assert gate.waiting == 0 and not gate._open and not gate._settling


@settings(max_examples=200, deadline=None)
@given(calls(), st.randoms(use_true_random=False))
def test_any_order_within_a_moment_gives_the_same_decision(made, chance):
    """Kept or not does not depend on the order; what is certain at once may differ in when."""
    shuffled = chance.sample(made[1], len(made[1]))
    straight, mixed = Gate(scope(never=[(DOCTOR, "")])), Gate(scope(never=[(DOCTOR, "")]))
    first = {event.id for event in through(straight, made[1])}
    second = {event.id for event in _at_once(mixed, shuffled)}
    assert first == second
    assert straight.outside == mixed.outside


def _at_once(gate, events):
    out = [event for each in events for event in gate.feed(each, 0.0)]
    return out + gate.tick(10.0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            Event,
            st.text(min_size=1, max_size=5),
            st.sampled_from(
                ["started", "ringing", "answered", "ended", "transferred", "paired", "app", "closed", "recorded"]
            ),
            st.sampled_from("abc"),
            st.sampled_from(["", "a", "b", "x", "y"]),
            st.none(),
            st.sampled_from(["ami", "cel"]),
            st.dictionaries(
                st.sampled_from(["channel", "number", "dialled", "to", "calls", "legs", "by", "swap", "args", "file"]),
                st.one_of(
                    st.text(max_size=8),
                    st.lists(st.sampled_from("abxy"), max_size=3),
                    st.integers(),
                    st.none(),
                    st.sampled_from(["PJSIP/101", "Local/109@a", HOME]),
                ),
                max_size=5,
            ),
        )
    )
)
def test_nothing_crashes_it(events):
    gate = Gate(scope(never=NEVER))
    through(gate, events)
    gate.tick(1e6)
    assert gate.waiting == 0


def test_memory_stays_bounded():
    gate, chance = Gate(scope(), most_waiting=1000, most_ended=100), random.Random(1)
    for number in range(2000):
        call = inbound(f"c{number}", CUSTOMER, chance.choice(["101", "109"]))
        for event in call[: chance.randrange(1, len(call) + 1)]:
            gate.feed(event, float(number))
    gate.tick(2000.0)
    assert gate.waiting <= 1000 and len(gate._ended) <= 101
