"""Answer times: stories with times worked out by hand, and what holds for all threads."""

from bisect import bisect
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.answers import AUTOMATIC, CUSTOMER, PERSON, SETTLED, UNKNOWN, US, Assignment, Message, turns

DAY = datetime(2026, 11, 2)
TOM, RINA = 7, 8


def at(hour, minute=0):
    return DAY + timedelta(hours=hour, minutes=minute)


def asked(hour, kind=PERSON):
    return Message(at(hour), CUSTOMER, kind)


def said(hour, person=TOM, kind=PERSON):
    return Message(at(hour), US, kind, person)


def waits(found):
    return [one.answered_at and (one.answered_at - one.since) / timedelta(hours=1) for one in found]


def test_earliest_unanswered_message_counts():
    # 9 and 10 are one turn, answered at 12: three hours; 13 is answered at 14: one hour
    found = turns([asked(9), asked(10), said(12), said(12), asked(13), said(14)])
    assert waits(found) == [3, 1]
    assert [one.first for one in found] == [True, False]


def test_what_is_no_answer():
    found = turns([asked(9), said(9, None, AUTOMATIC), asked(10, AUTOMATIC)])
    assert waits(found) == [None]
    assert turns([asked(9, AUTOMATIC), said(10)]) == []
    assert turns([said(8)]) == []


def test_earlier_mail_is_unknown():
    found = turns([asked(9, UNKNOWN), asked(10), said(11), asked(12), said(13)])
    assert [one.known for one in found] == [False, True]


def test_own_clock():
    def own(*assignments, person=TOM):
        [one] = turns([asked(9), said(15, person)], [Assignment(at(hour), who) for hour, who in assignments])
        return one.own_since and one.own_since.hour

    assert own() == 9  # nobody's thread waits for everybody
    assert own((8, TOM)) == 9
    assert own((11, TOM)) == 11
    assert own((8, RINA), (12, TOM)) == 12
    assert own((8, TOM), (10, RINA), (14, TOM)) == 9  # to and fro starts no clock anew
    assert own((11, TOM), (12, RINA), (14, TOM)) == 11
    assert own((8, RINA)) is None  # helped out
    assert own((8, RINA), (16, TOM)) is None  # an assignment after the answer
    assert own((8, RINA), (10, None)) is None
    assert own((8, None)) == 9


def test_unanswered_is_whose_thread_it_is():
    [one] = turns([asked(9)], [Assignment(at(8), TOM), Assignment(at(10), RINA)])
    assert (one.answered_at, one.person, one.own_since) == (None, RINA, at(10))
    [one] = turns([asked(9)])
    assert (one.person, one.own_since) == (None, None)


# --- what holds for all ---

MINUTES = st.integers(0, 3 * 24 * 60)
PEOPLE = st.sampled_from([TOM, RINA])
MESSAGES = st.lists(
    st.builds(
        lambda minute, side, kind, person, channel: Message(
            at(0, minute),
            side if kind != SETTLED else US,
            kind,
            person if side == US and kind == PERSON else None,
            channel,
        ),
        MINUTES,
        st.sampled_from([CUSTOMER, US]),
        st.sampled_from([PERSON, PERSON, PERSON, AUTOMATIC, UNKNOWN, SETTLED]),
        PEOPLE,
        st.integers(1, 3),
    ),
    max_size=14,
)
ASSIGNMENTS = st.lists(st.builds(Assignment, MINUTES.map(lambda m: at(0, m)), st.none() | PEOPLE), max_size=5)


def facts(found, shift=timedelta()):
    return [
        (
            one.since - shift,
            one.first,
            one.known,
            one.answered_at and one.answered_at - shift,
            one.person,
            one.own_since and one.own_since - shift,
            one.channel,
            one.settled_at and one.settled_at - shift,
        )
        for one in found
    ]


@given(MESSAGES, ASSIGNMENTS, st.integers(-500, 500))
def test_shifting_everything_changes_nothing(messages, assignments, days):
    shift = timedelta(days=days)
    moved = turns(
        [replace(one, at=one.at + shift) for one in messages],
        [replace(one, at=one.at + shift) for one in assignments],
    )
    assert facts(moved, shift) == facts(turns(messages, assignments))


@given(MESSAGES, ASSIGNMENTS, st.data())
def test_splitting_a_message_changes_nothing(messages, assignments, data):
    order = sorted(messages, key=lambda one: (one.at, one.side != CUSTOMER))
    if not order:
        return
    place = data.draw(st.integers(0, len(order) - 1))
    one = order[place]
    # its second half comes at any time before the next message
    until = order[place + 1].at if place + 1 < len(order) else one.at + timedelta(days=1)
    later = one.at + data.draw(st.floats(0, 0.999)) * (until - one.at)
    split = [*order, replace(one, at=later)]
    assert facts(turns(split, assignments)) == facts(turns(messages, assignments))


@given(MESSAGES, ASSIGNMENTS, st.randoms())
def test_order_of_arrival_does_not_matter(messages, assignments, random):
    # at one moment the thread can be one person's only
    assignments = list({one.at: one for one in assignments}.values())
    moments = {(one.at, one.side): one for one in messages}
    messages = list(moments.values())
    shuffled = random.sample(messages, len(messages))
    assert turns(shuffled, random.sample(assignments, len(assignments))) == turns(messages, assignments)


def seconds(spans, start, end):
    """Working time between two moments, second by second in spirit: overlap with each span."""
    return sum(max((min(stop, end) - max(begin, start)).total_seconds(), 0) for begin, stop in spans)


@settings(max_examples=50)
@given(MESSAGES, ASSIGNMENTS, st.lists(st.integers(0, 60), min_size=2, max_size=8, unique=True), st.data())
def test_more_working_time_never_shortens(messages, assignments, hours, data):
    bounds = sorted(hours)
    spans = [(at(a), at(b)) for a, b in zip(bounds[::2], bounds[1::2], strict=False)]
    fewer = data.draw(st.lists(st.sampled_from(spans), unique=True))
    for one in turns(messages, assignments):
        if one.answered_at:
            assert seconds(fewer, one.since, one.answered_at) <= seconds(spans, one.since, one.answered_at)
            # an own clock never runs longer than the customer waited
            if one.own_since:
                assert one.since <= one.own_since <= one.answered_at


@given(MESSAGES, ASSIGNMENTS)
def test_each_question_is_in_one_turn(messages, assignments):
    found = turns(messages, assignments)
    starts = [one.since for one in found]
    assert starts == sorted(starts)
    for message in messages:
        if message.side == CUSTOMER and message.kind != AUTOMATIC:
            one = found[bisect(starts, message.at) - 1]
            assert one.since <= message.at
            assert one.answered_at is None or message.at <= one.answered_at
    assert all(one.answered_at or one.settled_at for one in found[:-1])


@given(MESSAGES, ASSIGNMENTS, st.data())
def test_what_comes_after_a_turn_is_the_same_without_what_was_before(messages, assignments, data):
    whole = turns(messages, assignments)
    place = data.draw(st.integers(0, len(whole)))
    before, after = whole[:place], whole[place:]
    ends = [one.answered_at or one.settled_at for one in before]
    if not all(ends):
        return
    some = [one for one in messages if not ends or one.at > ends[-1]]
    assert turns(some, assignments, bool(before)) == after


@given(MESSAGES, ASSIGNMENTS)
def test_no_answer_needed_never_makes_a_rate_better(messages, assignments):
    """Neither that of all, nor that of any person whose threads these are."""
    found = turns(messages, assignments)
    without = turns([one for one in messages if one.kind != SETTLED], assignments)
    assert len(found) >= len(without)
    assert sum(1 for one in found if one.answered_at) <= sum(1 for one in without if one.answered_at)


@given(MESSAGES, ASSIGNMENTS, st.data())
def test_through_which_channel_is_told_and_nothing_else(messages, assignments, data):
    """A question in a chat that is answered by mail is answered."""
    others = [replace(one, channel=data.draw(st.integers(1, 3))) for one in messages]
    assert [one[:6] for one in facts(turns(others, assignments))] == [
        one[:6] for one in facts(turns(messages, assignments))
    ]


def test_settled_stays_with_whose_it_is():
    def settled(*assignments):
        [one] = turns(
            [asked(9), Message(at(12), US, SETTLED, RINA)], [Assignment(at(hour), who) for hour, who in assignments]
        )
        return one.answered_at, one.person, one.settled_by

    assert settled((8, TOM)) == (None, TOM, RINA)
    assert settled((8, TOM), (13, RINA)) == (None, TOM, RINA)  # an assignment after it
    assert settled() == (None, RINA, RINA)
