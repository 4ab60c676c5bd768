"""The demo company's past, as it is thought up; that Odoo takes it is seen wherever `setup/run` makes a database."""

import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

import phonenumbers
import pytest
from kit import company, past_calls, past_customers, past_events, past_work
from kit.places import MAIN_ADDON, TOP

NOW = datetime(2026, 11, 18, 13, 0, tzinfo=timezone.utc)
#: a company that works on all weekdays but one
DAYS = past_calls.working_days(date(2026, 8, 17), date(2026, 11, 18), frozenset({date(2026, 10, 14)}))
ABSENT = {"104": (date(2026, 9, 28), date(2026, 10, 2))}


@pytest.fixture(scope="module")
def calls():
    return list(past_calls.calls(DAYS, NOW, 1.0, ABSENT))


@pytest.fixture(scope="module")
def fold():
    """The fold of the addon, as Odoo does it."""
    sys.path.insert(0, str(TOP / MAIN_ADDON))
    try:
        from lib.events import Event
        from lib.fold import fold as folded
    finally:
        sys.path.remove(str(TOP / MAIN_ADDON))
    return lambda call: folded([Event.from_dict(event) for event in past_events.events(call)])


def test_the_same_day_has_the_same_past(calls):
    assert list(past_calls.calls(DAYS, NOW, 1.0, ABSENT)) == calls
    again = past_work.Past(DAYS, NOW)
    assert (again.deals, again.messages, again.tasks) == (
        (past := past_work.Past(DAYS, NOW)).deals,
        past.messages,
        past.tasks,
    )


def test_later_on_the_day_there_is_more_and_nothing_else(calls):
    later = list(past_calls.calls(DAYS, NOW + timedelta(hours=3), 1.0, ABSENT))
    assert len(later) > len(calls)
    assert {call.ref for call in calls} <= {call.ref for call in later}


def test_nothing_is_to_come_and_nobody_works_on_a_free_day(calls):
    assert max(call.end for call in calls) < NOW
    days = {call.start.astimezone(past_calls.ZONE).date() for call in calls}
    assert days <= set(DAYS)
    assert date(2026, 10, 14) not in days


def test_no_telephone_has_two_calls_at_a_time(calls):
    talks = defaultdict(list)
    for call in calls:
        for phone in {call.taker, *(call.phones if call.kind in ("out", "internal") else ())} - {None}:
            talks[phone].append((call.start + timedelta(seconds=call.wait), call.end))
    assert len(talks) == 6
    for phone, spans in talks.items():
        for (_start, end), (start, _end) in pairwise(sorted(spans)):
            assert start >= end, f"{phone} has two calls at {start}"


def test_who_is_away_takes_no_call(calls):
    first, last = ABSENT["104"]
    for call in calls:
        if first <= call.start.date() <= last:
            assert call.taker != "104"


def test_it_is_like_the_work_of_a_small_office(calls):
    assert 2500 <= len(calls) <= 4000
    out = [call for call in calls if call.kind == "out"]
    assert 0.35 < sum(bool(call.taker) for call in out) / len(out) < 0.5
    kinds = Counter((call.kind, call.result) for call in calls)
    for kind in (
        ("queue", "abandoned"),
        ("direct", "voicemail"),
        ("group", "missed"),
        ("out", "busy"),
        ("internal", ""),
    ):
        assert kinds[kind], kind
    hours = Counter(call.start.astimezone(past_calls.ZONE).hour for call in calls)
    assert hours[12] < hours[10] / 2
    assert any(call.hold for call in calls)


def test_the_fold_makes_of_it_what_was_meant(calls, fold):
    directions = {"out": "outbound", "internal": "internal"}
    for call in calls:
        got = fold(call)
        assert got.direction == directions.get(call.kind, "inbound")
        assert got.disposition == (call.result or "answered"), call
        assert not got.notes, call
        if call.taker:
            assert got.talk_s == pytest.approx(call.talk, abs=0.2)
            assert got.hold_s == pytest.approx(call.hold, abs=0.2)


def test_numbers_are_valid_and_nobody_elses():
    own = {number for one in past_customers.customers() for number in (one.number, *dict(one.people).values())}
    own |= {past_customers.stranger(place) for place in range(2400)}
    assert len(own) > 2400 + len(past_customers.customers())
    taken = {number for one in (*company.CUSTOMERS, *company.OPPORTUNITIES) for number in one.e164}
    taken |= {company.NEVER_LOG, company.STRANGER, company.COUNCIL_CALLER, *company.TRUNK_NUMBERS}
    assert not own & taken
    for number in own:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number)), number
        # scenarios and stories have strangers of North America
        assert not number.startswith("+1")


def test_opportunities_go_forward_in_time():
    past = past_work.Past(DAYS, NOW)
    ends = Counter(deal.steps[-1].what for deal in past.deals)
    assert ends["won"] > 20
    assert ends["lost"] > 10
    for deal in past.deals:
        moments = [step.at for step in deal.steps]
        assert moments == sorted(moments)
        assert moments[-1] <= NOW


def test_messages_are_answered_but_for_the_last_ones():
    past = past_work.Past(DAYS, NOW)
    assert all(one.at < NOW for one in past.messages)
    threads = defaultdict(list)
    for one in past.messages:
        if one.kind == "person":
            threads[one.deal or one.customer.key].append(one)
    waiting = [thread[-1].at for thread in threads.values() if thread[-1].inbound]
    assert 3 <= len(waiting) <= 40
    assert min(waiting) > NOW - timedelta(days=9)


def test_a_past_that_is_over_has_nothing_open():
    days = past_calls.working_days(date(2025, 8, 18), date(2025, 11, 18), frozenset())
    past = past_work.Past(days, NOW, 0.2, live=False)
    assert {deal.steps[-1].what for deal in past.deals} <= {"won", "lost"}
    assert all(task.done_at or task.kind == "meeting" for task in past.tasks)
