"""The fold: stories whose numbers are worked out by hand, and properties that hold for any."""

import itertools
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import ANSWERED, ATTENDED, HELD, QUEUE, START, after, story

from lib.call import DISPOSITIONS, OUTCOMES
from lib.events import TYPES, Event
from lib.fold import components, fold, fold_all
from lib.site import Site

STORIES = {"answered": ANSWERED, "held": HELD, "queue": QUEUE, "attended": ATTENDED}


def legs(call):
    return {(leg.number, leg.role, leg.outcome) for leg in call.legs}


def test_answered():
    call = fold(ANSWERED)
    assert (call.call_id, call.direction, call.disposition) == ("c", "inbound", "answered")
    assert (call.from_number, call.to_number) == ("+12025550101", "+31201000101")
    assert (call.started_at, call.answered_at, call.ended_at) == (START, after(5), after(65))
    # rings from 0.1 to 5, talks from 5 to 65
    assert (call.ivr_s, call.queue_s, call.ring_s, call.hold_s, call.talk_s) == (0, 0, 4.9, 0, 60)
    assert legs(call) == {("101", "called", "answered")}
    assert (call.legs[0].offered_at, call.legs[0].answered_at, call.legs[0].talk_s) == (after(0.1), after(5), 60)
    assert call.notes == []


def test_hold_is_no_talk():
    call = fold(HELD)
    assert (call.hold_s, call.talk_s, call.legs[0].talk_s) == (15, 45, 45)


@pytest.mark.parametrize(
    ("more", "hold"),
    [
        (["20 held p"], 45),  # never taken back: until the end
        (["35 resumed p"], 0),  # taken back without a hold
        (["20 held p", "22 held p", "30 resumed p", "40 resumed p"], 10),
        (["20 held c", "30 resumed c"], 10),  # the customer held us
        (["20 held p", "30 resumed p", "25 held c", "40 resumed c"], 20),  # both, once
        (["70 held p"], 0),  # after the end
    ],
)
def test_unbalanced_hold(more, hold):
    call = fold([*ANSWERED, *story(*more)])
    assert (call.hold_s, call.talk_s) == (hold, 60 - hold)


def test_queue():
    call = fold(QUEUE)
    assert (call.direction, call.disposition, call.queue) == ("inbound", "answered", "support")
    # with the machine until 3, in the queue until 20 although phones rang, then talk
    assert (call.ivr_s, call.queue_s, call.ring_s, call.talk_s) == (3, 17, 0, 30)
    # a phone that the queue rang twice is one phone, offered when it first rang
    assert legs(call) == {("201", "called", "elsewhere"), ("202", "called", "answered")}
    assert [leg.offered_at for leg in call.legs] == [after(4), after(4)]


@pytest.mark.parametrize(
    ("end", "disposition", "outcome"),
    [
        (["9 hangup_requested c", "9 abandoned c support", "9 ended c 16", "9 ended p 0"], "abandoned", "cancelled"),
        (["9 abandoned c support", "9 status c queue TIMEOUT", "9 ended p 0", "9.1 ended c 16"], "missed", "no_answer"),
        # the queue let go, then the caller gave up in the announcement that followed
        (
            ["9 unqueued c support", "9 ended p 0", "9 status c queue TIMEOUT", "9 app c playback"]
            + ["12 hangup_requested c", "12 ended c 16"],
            "missed",
            "no_answer",
        ),
        (["9 unqueued c support", "9 ended p 0", "10 app c voicemail", "20 ended c 16"], "voicemail", "no_answer"),
    ],
)
def test_queue_without_an_answer(end, disposition, outcome):
    begin = ["0 started c PJSIP/trunk 0205550101 s", "0 answered c", "1 queued c support", "2 started p PJSIP/201"]
    call = fold(story(*begin, *end))
    assert call.disposition == disposition
    assert legs(call) == {("201", "called", outcome)}
    assert (call.queue_s, call.ring_s, call.talk_s, call.answered_at) == (8, 0, 0, None)


@pytest.mark.parametrize(
    ("end", "disposition", "outcome"),
    [
        (["9 dial_ended p NOANSWER c", "9 ended p 0", "9.1 ended c 19"], "missed", "no_answer"),
        (["9 hangup_requested c", "9 dial_ended p CANCEL c", "9 ended p 0", "9 ended c 127"], "missed", "cancelled"),
        (["2 dial_ended p NOANSWER c", "2 ended p 21", "2 ended c 21"], "missed", "declined"),
        (["2 dial_ended p BUSY c", "2 ended p 17", "2 ended c 17"], "busy", "busy"),
        (["2 dial_ended p CHANUNAVAIL c", "2 ended p 20", "2 ended c 20"], "failed", "failed"),
        (["9 dial_ended p NOANSWER c", "9 ended p 0", "9 app c voicemail", "20 ended c 16"], "voicemail", "no_answer"),
    ],
)
def test_inbound_not_answered(end, disposition, outcome):
    call = fold(story("0 started c PJSIP/trunk 0205550101 101", "0 started p PJSIP/101", "0 ringing p c", *end))
    assert (call.disposition, call.direction) == (disposition, "inbound")
    assert legs(call) == {("101", "called", outcome)}
    assert (call.talk_s, call.hold_s, call.answered_at) == (0, 0, None)


def test_group_is_one_call():
    ring = [f"0 started p{n} PJSIP/10{n}" for n in (1, 2, 3)]
    call = fold(
        story(
            "0 started c PJSIP/trunk 0205550101 s",
            *ring,
            *["4 answered p2", "4 bridged p2 b", "4 bridged c b", "4 ended p1 26", "4 ended p3 26"],
            *["10 ended c 16", "10 ended p2 16"],
        )
    )
    assert legs(call) == {
        ("101", "called", "elsewhere"),
        ("102", "called", "answered"),
        ("103", "called", "elsewhere"),
    }
    assert (call.ring_s, call.talk_s) == (4, 6)
    assert [leg.talk_s for leg in call.legs] == [0, 6, 0]


@pytest.mark.parametrize(
    ("end", "disposition", "outcome"),
    [
        (["8 answered o", "8 bridged o b", "8 bridged c b", "18 ended o 16", "18 ended c 16"], "answered", "answered"),
        (["2 dial_ended o BUSY c", "2 ended o 17", "2 ended c 17"], "busy", "busy"),
        (["2 dial_ended o CONGESTION c", "2 ended o 34", "2 ended c 34"], "failed", "failed"),
        (["9 dial_ended o NOANSWER c", "9 ended o 0", "9 ended c 19"], "missed", "no_answer"),
        (["9 hangup_requested c", "9 dial_ended o CANCEL c", "9 ended o 0", "9 ended c 127"], "missed", "cancelled"),
    ],
)
def test_outbound(end, disposition, outcome):
    begin = ["0 started c PJSIP/101 101 0205550101", "0.5 started o PJSIP/trunk", "0.5 ringing o c 0205550101"]
    call = fold(story(*begin, *end))
    assert (call.direction, call.disposition) == ("outbound", disposition)
    assert (call.from_number, call.to_number) == ("101", "0205550101")
    # the outside party is no leg
    assert legs(call) == {("101", "caller", outcome)}
    if disposition == "answered":
        assert (call.ring_s, call.talk_s, call.answered_at) == (7.5, 10, after(8))


def test_click_to_call():
    begin = ["0 started c PJSIP/101", "0 ringing c"]
    call = fold(story(*begin, "10 ended c 0"))
    assert (call.disposition, legs(call)) == ("failed", {("101", "caller", "no_answer")})
    talk = ["3 answered c", "3.1 started o PJSIP/trunk", "3.1 ringing o c 0205550101", "7 answered o"]
    talk += ["7 bridged o b", "7 bridged c b", "17 ended o 16", "17 ended c 16"]
    call = fold(story(*begin, *talk))
    assert (call.direction, call.to_number, call.ring_s, call.talk_s) == ("outbound", "0205550101", 3.9, 10)


def test_internal():
    call = fold(
        story(
            "0 started c PJSIP/101 101 102",
            *["0 started p PJSIP/102", "4 answered p", "4 bridged p b", "4 bridged c b"],
            *["10 ended p 16", "10 ended c 16"],
        )
    )
    assert (call.direction, call.from_number, call.to_number, call.talk_s) == ("internal", "101", "102", 6)
    assert legs(call) == {("101", "caller", "answered"), ("102", "called", "answered")}
    assert call.outside_number == ""


def test_machine():
    call = fold(story("0 started c PJSIP/trunk 0205550101 s", "0.2 answered c", "0.2 app c playback", "9 ended c 16"))
    assert (call.disposition, call.ivr_s, call.talk_s, call.answered_at, call.legs) == ("machine", 8.8, 0, None, [])


def test_attended_transfer_is_the_customers_call():
    call = fold(ATTENDED)
    assert (call.call_id, call.aliases, call.direction) == ("c", ["k"], "inbound")
    assert legs(call) == {("101", "called", "answered"), ("102", "consulted", "answered")}
    # 5 to 20 with 101, on hold until 35 while the colleagues speak, 35 to 95 with 102
    assert (call.talk_s, call.hold_s, call.ring_s) == (75, 15, 4.9)
    assert {leg.number: leg.talk_s for leg in call.legs} == {"101": 15, "102": 60}
    assert [part.call_id for part in fold_all(ATTENDED)] == ["c"]


def test_blind_transfer():
    call = fold(
        [
            *ANSWERED[:8],
            *story(
                *["20 transferred p blind c p+c", "20 unbridged c b", "20 unbridged p b", "20 ended p 16"],
                *["20.1 started t PJSIP/102", "20.1 ringing t c", "24 answered t", "24 bridged t b2"],
                *["24 bridged c b2", "44 ended t 16", "44 ended c 16"],
            ),
        ]
    )
    assert legs(call) == {("101", "called", "answered"), ("102", "called", "answered")}
    assert {leg.number: leg.talk_s for leg in call.legs} == {"101": 15, "102": 20}
    # the second ring counts as ring
    assert (call.talk_s, call.ring_s, call.hold_s) == (35, pytest.approx(8.8), 0)


def test_local_channels_are_pipes():
    call = fold(
        story(
            *["0 started c PJSIP/trunk 0205550101 s", "0 answered c", "0 queued c support"],
            *["1 started l1 Local/101@agents-00000001;1", "1 started l2 Local/101@agents-00000001;2"],
            *["1 started p PJSIP/101", "1 ringing p l2", "5 answered p", "5 bridged l2 x", "5 bridged p x"],
            *["5 answered l1", "5 bridged l1 y", "5 bridged c y", "25 ended p 16", "25 ended l2 16", "25 ended l1 16"],
            "25 ended c 16",
        )
    )
    assert legs(call) == {("101", "called", "answered")}
    assert (call.queue_s, call.talk_s, call.legs[0].talk_s) == (5, 20, 20)


def test_a_pipe_whose_other_end_is_not_kept():
    """Of a phone that is not recorded, only the name of the pipe to it remains."""
    lines = ["0 started c PJSIP/trunk 0205550101 s", "0 started l1 Local/109@a-00000001;1", "0 paired l1 l1+l2"]
    call = fold(story(*lines, "4 bridged l1 y", "4 bridged c y", "14 ended l1 16", "14 ended c 16"))
    assert (call.call_id, call.ended_at) == ("c", after(14))


def test_swap_in_a_bridge():
    """A local channel that is optimised away hands its place over, in whatever order that is told."""
    lines = ["0 started c PJSIP/trunk 0205550101 s", "0 started l1 Local/101@a-00000001;1"]
    lines += ["0 started l2 Local/101@a-00000001;2", "0 started p PJSIP/101"]
    lines += ["4 bridged l2 x", "4 bridged p x", "4 bridged l1 y", "4 bridged c y"]
    lines += ["4.5 unbridged p x", "4.5 bridged p y l1", "4.5 unbridged l1 y", "4.5 ended l1", "4.5 ended l2"]
    lines += ["14 ended p 16", "14 ended c 16"]
    call = fold(story(*lines))
    assert (call.talk_s, legs(call)) == (10, {("101", "called", "answered")})


def test_parked():
    """Two customers in one car park do not hear each other, and wait for a person again."""
    events = story(
        *["0 started c PJSIP/trunk 0205550101 s", "0 started p PJSIP/101", "2 bridged p b", "2 bridged c b"],
        *["10 unbridged c b", "10 unbridged p b", "10 ended p 16", "10 bridged c lot", "10 bridged z lot"],
        *["30 unbridged c lot", "30 started q PJSIP/102 102 701", "30 bridged q b2", "30 bridged c b2"],
        *["40 ended q 16", "40 ended c 16"],
    )
    events = [
        replace(event, data={**event.data, "parked": True}) if event.data.get("bridge") == "lot" else event
        for event in events
    ]
    call = fold(events)
    assert (call.talk_s, call.hold_s) == (18, 20)


def test_short_number_through_a_trunk():
    call = fold(
        story("0 started c PJSIP/101 101 1233", "0 started o PJSIP/provider 1233", "0 ringing o c 1233 1233@provider")
    )
    assert (call.direction, [leg.number for leg in call.legs]) == ("outbound", ["101"])


def test_cel_knows_no_hold():
    call = fold([replace(event, source="cel") for event in ANSWERED])
    assert (call.talk_s, call.hold_s) == (60, None)
    assert any("hold" in note for note in call.notes)


def test_taken_by_a_phone_that_is_not_recorded():
    """Its leg is left out before anything is kept; the call is not missed for that."""
    lines = ["0 started c PJSIP/trunk 0205550101 s", "0 started p PJSIP/101", "4 bridged c b", "4 ended p 26"]
    call = fold(story(*lines, "24 unbridged c b", "24 ended c 16"))
    assert (call.disposition, call.talk_s, call.hold_s) == ("answered", 20, None)
    assert legs(call) == {("101", "called", "elsewhere")}
    assert any("not recorded" in note for note in call.notes)


def test_hold_that_nobody_heard():
    """The bridge was down from 25 to 30: somebody may have taken the customer back."""
    unheard = Event("u", "unheard", "c", "", after(30), "ami")
    call = fold([*ANSWERED, *story("20 held p"), unheard])
    assert (call.hold_s, call.talk_s, call.legs[0].talk_s) == (None, 60, 60)
    # before anybody talked it does not matter
    early = Event("u", "unheard", "c", "", after(3), "ami")
    assert fold([*HELD, early]).hold_s == 15


def test_closed_by_who_knew_the_last_word_from_cel():
    last = ANSWERED[7].at
    closed = Event("x", "closed", "c", "", last - timedelta(milliseconds=280), "ami")
    assert fold([*ANSWERED[:8], closed]).disposition == "answered"
    earlier = replace(closed, at=last - timedelta(seconds=2))
    assert fold([*ANSWERED[:8], earlier]).disposition == "in_progress"


def test_in_progress_measures_nothing_yet():
    call = fold(ANSWERED[:8])
    assert (call.disposition, call.ended_at, call.talk_s, call.ring_s) == ("in_progress", None, None, None)
    assert (call.answered_at, call.legs[0].outcome) == (after(5), "answered")


def test_closed_by_an_entry_and_open_again():
    closed = Event("x", "closed", "c", "", after(9000), "odoo", {"author": "cron"})
    call = fold([*ANSWERED[:8], closed])
    assert (call.disposition, call.ended_at, call.talk_s) == ("answered", None, None)
    assert "the end was not seen" in call.notes
    # somebody says something of the call after all
    again = fold([*ANSWERED[:8], closed, *story("9100 held p")])
    assert again.disposition == "in_progress"
    whole = fold([*ANSWERED, closed])
    assert whole.to_dict() == fold(ANSWERED).to_dict()


def test_ids_that_come_again():
    later = story(
        *["0 started c PJSIP/trunk +442079460001 101", "0.1 started p PJSIP/101", "8 ended p 0", "8 ended c 127"],
        start=START + timedelta(days=3),
    )
    calls = fold_all([*ANSWERED, *later])
    assert [(call.call_id, call.disposition) for call in calls] == [("c", "answered"), ("c~2", "missed")]
    assert any("used for an earlier call" in note for note in calls[1].notes)
    # the same row told twice is no second call
    assert len(fold_all([*ANSWERED, *[replace(event, id=event.id + "x") for event in ANSWERED]])) == 1


def test_impossible_order_is_said():
    events = story(
        *["0 started c PJSIP/trunk 0205550101 101", "0 started p PJSIP/101", "4 ended p 16", "4 ended c 16"],
        *["9 answered p", "9 bridged p b", "9 bridged c b"],
    )
    call = fold(events)
    assert call.ended_at is None and call.talk_s is None
    assert any("ended before" in note for note in call.notes)


def test_an_end_before_the_start():
    call = fold(
        story("9 started c PJSIP/trunk 0205550101 101", "9 started p PJSIP/101", "2 ended c 16", "2 ended p 16")
    )
    assert (call.ended_at, call.disposition) == (None, "missed")
    assert call.notes


def test_emergency_and_trunk_numbers_are_not_internal():
    call = fold(story("0 started c PJSIP/101 101 112", "1 ended c 0"), Site(country="NL"))
    assert (call.direction, call.to_number) == ("outbound", "112")
    # a phone may be named like a service number
    call = fold(story("0 started c PJSIP/trunk 02079460001 s", "0 started p PJSIP/101"), Site(country="GB"))
    assert [leg.number for leg in call.legs] == ["101"]


def test_components():
    other = story("0 started d PJSIP/trunk 0205550102 101", call="d")
    assert sorted(len(group) for group in components([*ATTENDED, *other])) == [1, len(ATTENDED)]


# properties


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_order_and_any_repetition(name, data):
    events = STORIES[name]
    shuffled = data.draw(st.permutations(events))
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=20))
    assert fold([*shuffled, *repeated]).to_dict() == fold(events).to_dict()


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_ami_and_cel_mixed(name, data):
    """CEL tells the same up to 0.28 s earlier and knows no hold; parts of either may be missing."""
    known = {"started", "answered", "bridged", "unbridged", "ended", "queued", "transferred"}
    ami = STORIES[name]
    cel = [
        replace(
            event,
            id="cel" + event.id,
            source="cel",
            at=event.at - timedelta(milliseconds=data.draw(st.integers(0, 250))),
            data={key: value for key, value in event.data.items() if key != "swap"},
        )
        for event in ami
        if event.type in known
    ]
    whole = fold(ami)
    mixed = fold([*ami, *cel])
    # a time is that of the one or the other; a sum of stretches has several of them
    same_within(whole, mixed, 0.6, 0.3)
    assert mixed.disposition == whole.disposition
    # each happening is lost by at most one of the two
    lost = data.draw(st.lists(st.sampled_from(range(len(cel))), unique=True, max_size=4))
    gone = {cel[place].id.removeprefix("cel") for place in lost}
    same_within(whole, fold([event for event in [*ami, *cel] if event.id not in gone]), 0.6)


def same_within(one, two, seconds, moments=None):
    assert legs(one) == legs(two)
    assert (one.call_id, one.direction, one.disposition) == (two.call_id, two.direction, two.disposition)
    for name in ("ring_s", "queue_s", "ivr_s"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), abs=seconds), name
    if two.hold_s is not None:
        assert two.talk_s == pytest.approx(one.talk_s, abs=seconds)
    for name in ("started_at", "answered_at", "ended_at"):
        assert abs((getattr(one, name) - getattr(two, name)).total_seconds()) <= (moments or seconds), name


@pytest.mark.parametrize("name", STORIES)
def test_a_prefix_is_never_longer(name):
    events = sorted(STORIES[name], key=lambda event: event.at)
    whole = fold(events)
    for size in range(1, len(events)):
        part = fold(events[:size])
        for field in ("ivr_s", "queue_s", "ring_s", "talk_s"):
            value = getattr(part, field)
            assert value is None or value <= getattr(whole, field) + 1e-6
        assert part.ended_at is None or part.ended_at <= whole.ended_at


texts = st.text(max_size=8) | st.sampled_from(["PJSIP/101", "PJSIP/trunk", "Local/1@a;1", "Local/1@a;2", "101", "b"])
wild = st.builds(
    Event,
    id=st.uuids().map(str),
    type=st.sampled_from(sorted(TYPES)),
    call=st.sampled_from("cdk"),
    leg=st.sampled_from(["", "c", "d", "k", "p", "q", "t"]),
    at=st.none() | st.integers(-10, 100).map(after),
    source=st.sampled_from(["ami", "cel", "cdr", "odoo", "x"]),
    data=st.dictionaries(
        st.sampled_from("channel number dialled bridge swap calls legs cause status by name value queue app n".split()),
        st.none() | texts | st.integers(-5, 200) | st.lists(texts | st.integers(), max_size=3) | st.booleans(),
        max_size=6,
    ),
)


@given(st.lists(wild, max_size=25))
@settings(max_examples=600, deadline=None)
def test_nothing_crashes_it(events):
    calls = fold_all(events)
    for call in calls:
        assert call.disposition in DISPOSITIONS
        assert all(leg.outcome is None or leg.outcome in OUTCOMES for leg in call.legs)
        for name in ("ivr_s", "queue_s", "ring_s", "hold_s", "talk_s"):
            assert getattr(call, name) is None or getattr(call, name) >= 0
        if call.started_at and call.ended_at:
            assert call.ended_at >= call.started_at
    shuffled = events[:]
    random.Random(1).shuffle(shuffled)
    assert [call.to_dict() for call in fold_all(shuffled)] == [call.to_dict() for call in calls]


def test_many_legs_are_quick():
    """An hour in a queue that rings thirty phones every ten seconds: time must not grow with the square."""
    lines = ["0 started c PJSIP/trunk 0205550101 s", "0 answered c", "0 queued c support"]
    for second, phone in itertools.product(range(1, 3600, 10), range(200, 230)):
        lines += [f"{second} started p{second}-{phone} PJSIP/{phone}", f"{second + 8} ended p{second}-{phone} 0"]
    call = fold(story(*lines, "3600 hangup_requested c", "3600 ended c 16"))
    assert (call.disposition, call.queue_s, len(call.legs)) == ("abandoned", 3600, 30)


# --- what hosted providers say otherwise ---


def with_data(event: Event, **data) -> Event:
    return replace(event, data={**event.data, **data})


def test_a_machine_that_answers_is_no_person():
    dialled = story(
        "0 started c Phone/101 101 +12025550101",
        "1 started t Line/outside +12025550101",
        "1 ringing t c",
        "9 answered t",
        "9 bridged t b",
        "9 bridged c b",
        "11 status t answered_by machine",
        "29 ended t 16",
        "29 ended c 16",
    )
    call = fold(dialled)
    assert (call.disposition, call.answered_at) == ("machine", None)
    assert (call.ivr_s, call.ring_s, call.hold_s, call.talk_s) == (20, 8, 0, 0)
    assert [leg.talk_s for leg in call.legs] == [0]


def test_what_is_told_again_neither_begins_a_call_anew_nor_corrects_it():
    again = [
        with_data(event, retold=True)
        for event in story("-1 started c PJSIP/trunk 100", "30 started c PJSIP/trunk 100 100", "64 started c - 100")
    ]
    (call,) = fold_all([*ANSWERED, *again])
    (plain,) = fold_all(ANSWERED)
    assert call.started_at == after(-1)
    assert replace(call, started_at=plain.started_at, ivr_s=plain.ivr_s) == plain


def test_waiting_for_the_next_phone_is_hold_only_while_the_former_is_there():
    def handed_on(end):
        return [
            *ANSWERED[:8],
            *story(
                f"{end} ended p 16",
                "36 started t PJSIP/102",
                "36 ringing t c",
                "46 answered t",
                "46 bridged t b",
                "60 ended t 16",
                "70 ended c 16",
                "35 unbridged p b",
            ),
        ]

    call = fold(handed_on(35))
    # the second phone rings; after both have gone, nobody is left to hold the line
    assert (call.ring_s, call.hold_s, call.talk_s) == (14.9, 0, 44)
    assert legs(call) == {("101", "called", "answered"), ("102", "called", "answered")}
    call = fold(handed_on(47))
    assert (call.ring_s, call.hold_s, call.talk_s) == (4.9, 11, 44)
    assert legs(call) == {("101", "called", "answered"), ("102", "consulted", "answered")}


def test_a_customer_who_is_called_first_makes_an_outgoing_call():
    customer = ["0 started c Line/outside +12025550101", "0 ringing c - +12025550101"]
    met = [
        "8 answered c",
        "9 started p Phone/101",
        "9 ringing p c",
        "12 bridged p b",
        "12 bridged c b",
        "42 ended p 16",
    ]
    call = fold(story(*customer, *met, "42 ended c 16"))
    assert (call.direction, call.disposition, call.talk_s) == ("outbound", "answered", 30)
    assert (call.from_number, call.to_number) == ("101", "+12025550101")
    assert fold(story(*customer, "20 ended c 19")).disposition == "missed"
    assert fold(story(*customer, "20 ended c 17")).disposition == "busy"
    assert fold(story(*customer, "8 answered c", "20 ended c 16")).disposition == "machine"


def test_ringing_that_nobody_saw_begin_is_not_measured():
    call = fold([event for event in ANSWERED if event.leg != "p" or event.type != "started"])
    assert (call.ring_s, call.ivr_s, call.talk_s) == (None, None, 60)
    assert call.notes == ["since when a phone rang was not seen"]
