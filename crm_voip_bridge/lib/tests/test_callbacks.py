"""Callbacks of one number, told as situations, and what holds for all of them."""

import itertools
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.callbacks import (
    KINDS,
    MISSED,
    UNANSWERED,
    Call,
    Callback,
    Entry,
    callbacks,
    kind_of,
    match,
    plan,
    worked,
)

DAY = datetime(2026, 11, 2)


def at(hour, minute=0):
    return DAY + timedelta(hours=hour, minutes=minute)


def missed(number, hour):
    return Call(number, "missed", at(hour))


def connected(number, hour):
    return Call(number, "connected", at(hour))


def attempt(number, hour):
    return Call(number, "attempt", at(hour))


def shape(found):
    return [
        (
            [call.id for call in one.missed],
            [call.id for call in one.attempts],
            one.state,
            one.call and one.call.id,
            one.entry and one.entry.id,
        )
        for one in found
    ]


class TestCalls:
    def test_nothing(self):
        assert callbacks([]) == []

    def test_missed(self):
        [one] = callbacks([missed(1, 9)])
        assert (one.state, one.since, one.closed_at) == ("open", at(9), None)
        assert one.working_minutes(lambda start, end: 1) is None

    def test_never_two(self):
        assert shape(callbacks([missed(1, 9), missed(2, 10), missed(3, 11)])) == [([1, 2, 3], [], "open", None, None)]

    def test_a_later_connected_call_closes(self):
        [one] = callbacks([missed(1, 9), connected(2, 10)])
        assert (one.state, one.call.id, one.closed_at) == ("done", 2, at(10))
        assert one.working_minutes(lambda start, end: (end - start).total_seconds()) == 60

    def test_an_earlier_one_does_not(self):
        assert shape(callbacks([connected(1, 8), missed(2, 9)])) == [([2], [], "open", None, None)]

    def test_one_at_the_same_moment_does_not(self):
        assert shape(callbacks([connected(1, 9), missed(2, 9)])) == [([2], [], "open", None, None)]

    def test_attempts_count_and_leave_it_open(self):
        calls = [attempt(1, 8), missed(2, 9), attempt(3, 10), attempt(4, 11)]
        assert shape(callbacks(calls)) == [([2], [3, 4], "open", None, None)]

    def test_attempts_of_the_next_one_are_its_own(self):
        calls = [missed(1, 9), attempt(2, 10), connected(3, 11), attempt(4, 12), missed(5, 13), attempt(6, 14)]
        assert shape(callbacks(calls)) == [([1], [2], "done", 3, None), ([5], [6], "open", None, None)]

    def test_late_connected_call_splits(self):
        calls = [missed(1, 9), missed(2, 11)]
        assert len(callbacks(calls)) == 1
        assert shape(callbacks([*calls, connected(3, 10)])) == [
            ([1], [], "done", 3, None),
            ([2], [], "open", None, None),
        ]


class TestPeople:
    def test_dropped(self):
        [one] = callbacks([missed(1, 9)], [Entry(1, "dropped", at(10))])
        assert (one.state, one.closed_at, one.call) == ("dropped", at(10), None)

    def test_done_by_hand_is_not_measured(self):
        [one] = callbacks([missed(1, 9)], [Entry(1, "done", at(10))])
        assert one.state == "done"
        assert one.working_minutes(lambda start, end: 1) is None

    def test_a_later_miss_is_another_one(self):
        found = callbacks([missed(1, 9), missed(2, 11)], [Entry(1, "dropped", at(10))])
        assert [one.state for one in found] == ["dropped", "open"]

    def test_reopened(self):
        entries = [Entry(1, "dropped", at(10)), Entry(2, "reopened", at(11), entry=1)]
        assert shape(callbacks([missed(1, 9)], entries)) == [([1], [], "open", None, None)]
        entries.append(Entry(3, "done", at(12)))
        assert shape(callbacks([missed(1, 9)], entries)) == [([1], [], "done", None, 3)]

    def test_reopened_although_connected(self):
        entries = [Entry(1, "reopened", at(11), call=2)]
        assert shape(callbacks([missed(1, 9), connected(2, 10)], entries)) == [([1], [], "open", None, None)]
        calls = [missed(1, 9), connected(2, 10), connected(3, 12)]
        assert shape(callbacks(calls, entries)) == [([1], [], "done", 3, None)]

    def test_reopened_joins_the_next_one(self):
        calls = [missed(1, 9), connected(2, 10), missed(3, 11)]
        assert len(callbacks(calls)) == 2
        assert shape(callbacks(calls, [Entry(1, "reopened", at(12), call=2)])) == [([1, 3], [], "open", None, None)]

    def test_connected_before_it_was_dropped(self):
        found = callbacks([missed(1, 9), connected(2, 10)], [Entry(1, "dropped", at(11))])
        assert shape(found) == [([1], [], "done", 2, None)]


class TestKinds:
    def test_missed(self):
        for disposition in ("missed", "abandoned", "voicemail", "busy"):
            assert kind_of("inbound", disposition, False, False) == "missed"

    def test_failed_needs_a_real_number(self):
        assert kind_of("inbound", "failed", True, False) == "missed"
        assert kind_of("inbound", "failed", False, False) is None

    def test_a_machine_is_what_was_asked_for(self):
        assert kind_of("inbound", "machine", True, True) is None

    def test_attempt(self):
        for disposition in ("missed", "busy", "voicemail", "machine"):
            assert kind_of("outbound", disposition, True, False) == "attempt"

    def test_own_phone_that_was_not_taken_is_no_attempt(self):
        assert kind_of("outbound", "failed", True, False) is None
        assert kind_of("outbound", "failed", True, True) == "attempt"

    def test_connected(self):
        assert kind_of("outbound", "answered", True, False) == kind_of("inbound", "answered", False, False)

    def test_neither_internal_nor_unfinished(self):
        for disposition in {"answered", *MISSED, *UNANSWERED}:
            assert kind_of("internal", disposition, True, True) is None
        for direction in ("inbound", "outbound"):
            assert kind_of(direction, "in_progress", True, True) is None


class TestMatch:
    def test_same_as_before(self):
        found = callbacks([missed(1, 9), missed(2, 10), connected(3, 11), missed(4, 12)])
        assert match([(70, 1, 2), (71, 4, 4)], found) == ([70, 71], [])

    def test_an_earlier_miss_came_late(self):
        assert match([(70, 2, 3)], callbacks([missed(1, 8), missed(2, 9), missed(3, 10)])) == ([70], [])

    def test_split_keeps_the_beginning(self):
        found = callbacks([missed(1, 9), connected(2, 10), missed(3, 11)])
        assert match([(70, 1, 3)], found) == ([70, None], [])

    def test_joined_keeps_the_first(self):
        found = callbacks([missed(1, 9), missed(3, 11)])
        assert match([(70, 1, 1), (71, 3, 3)], found) == ([70], [71])

    def test_first_miss_was_none(self):
        assert match([(70, 1, 2)], callbacks([missed(2, 10)])) == ([70], [])

    def test_none_any_more(self):
        assert match([(70, 1, 1)], callbacks([connected(1, 9)])) == ([], [70])


# --- what holds for all ---

calls_of_a_number = st.lists(
    st.builds(Call, st.integers(1, 30), st.sampled_from(KINDS), st.integers(0, 40).map(lambda n: DAY + timedelta(n))),
    max_size=14,
    unique_by=lambda call: call.id,
)
decisions = st.lists(
    st.builds(
        Entry,
        st.integers(1, 9),
        st.sampled_from(("dropped", "done", "reopened")),
        st.integers(0, 40).map(lambda n: DAY + timedelta(n, 1)),
        st.none() | st.integers(1, 30),
        st.none() | st.integers(1, 9),
    ),
    max_size=4,
    unique_by=lambda entry: entry.id,
)


class TestAlways:
    @given(calls_of_a_number, decisions, st.randoms(use_true_random=False))
    def test_any_order_gives_the_same(self, calls, entries, random):
        expected = callbacks(calls, entries)
        shuffled, turned = [*calls, *calls[:3]], entries[::-1]
        random.shuffle(shuffled)
        assert callbacks(shuffled, turned) == expected

    @given(calls_of_a_number, decisions)
    def test_only_the_last_is_open(self, calls, entries):
        found = callbacks(calls, entries)
        assert all(one.state != "open" for one in found[:-1])
        assert all(one.closed_at <= after.since for one, after in itertools.pairwise(found))

    @given(calls_of_a_number, decisions)
    def test_every_miss_is_in_one(self, calls, entries):
        ignored = {entry.call for entry in entries if entry.kind == "reopened"}
        asked = sorted(call.id for call in calls if call.kind == "missed" and call.id not in ignored)
        assert sorted(call.id for one in callbacks(calls, entries) for call in one.missed) == asked

    @given(calls_of_a_number)
    def test_open_means_nobody_talked_since(self, calls):
        found = callbacks(calls)
        talks = [call.at for call in calls if call.kind == "connected"]
        misses = [call.at for call in calls if call.kind == "missed"]
        waiting = any(not any(talk > miss for talk in talks) for miss in misses)
        assert waiting == any(one.state == "open" for one in found)

    @given(calls_of_a_number)
    def test_attempts_lie_inside(self, calls):
        for one in callbacks(calls):
            for call in one.attempts:
                assert one.since <= call.at
                assert one.closed_at is None or call.at <= one.closed_at

    @given(calls_of_a_number, decisions, st.integers(0, 40))
    def test_what_was_closed_before_does_not_matter(self, calls, entries, day):
        """The model reads a number's calls from the beginning of the callback that contains the change."""
        moment = DAY + timedelta(day)
        found = callbacks(calls, entries)
        later = [one for one in found if one.closed_at is None or one.closed_at >= moment]
        start = min([moment, *(one.since for one in later)])
        part = [call for call in calls if call.at >= start]
        assert callbacks(part, entries)[-len(later) :] == later if later else True

    @settings(max_examples=200)
    @given(calls_of_a_number, decisions, st.randoms(use_true_random=False))
    def test_arriving_one_by_one_leaves_one_record_each(self, calls, entries, random):
        """As the model does it: after each arrival, records follow what was found."""
        arrivals = [*calls, *entries]
        random.shuffle(arrivals)
        records, counter = {}, 0
        for count in range(1, len(arrivals) + 1):
            here = arrivals[:count]
            found = callbacks(
                [one for one in here if isinstance(one, Call)], [one for one in here if isinstance(one, Entry)]
            )
            rows = sorted((record, one.missed[0].id, one.missed[-1].id) for record, one in records.items())
            ids, gone = match(rows, found)
            kept = [record for record in ids if record is not None]
            assert len(kept) == len(set(kept))
            assert set(kept) | set(gone) == records.keys()
            records = {}
            for record, one in zip(ids, found, strict=True):
                counter += record is None
                records[record if record is not None else 1000 + counter] = one
            assert sum(one.state == "open" for one in records.values()) <= 1
        assert shape(sorted(records.values(), key=lambda one: one.since)) == shape(callbacks(calls, entries))


spans = st.lists(st.integers(0, 400), min_size=0, max_size=12, unique=True).map(
    lambda hours: [
        (DAY + timedelta(hours=begin), DAY + timedelta(hours=end))
        for begin, end in zip(sorted(hours)[::2], sorted(hours)[1::2], strict=False)
    ]
)


class TestWorkingTime:
    def test_over_a_night(self):
        days = [(at(9), at(17)), (at(24 + 9), at(24 + 17))]
        assert worked(days, at(16), at(24 + 10)) == 2 * 3600
        assert plan(days, at(16), 2 * 3600) == at(24 + 10)
        assert plan(days, at(20), 3600) == at(24 + 10)
        assert plan(days, at(24 + 16), 2 * 3600) is None

    def test_minutes_of_a_callback(self):
        one = Callback([missed(1, 16)], call=connected(2, 24 + 10))
        days = [(at(9), at(17)), (at(24 + 9), at(24 + 17))]
        assert one.working_minutes(lambda start, end: worked(days, start, end)) == 120

    @given(spans, st.integers(0, 400), st.integers(0, 40 * 3600))
    def test_planned_is_worked(self, days, hour, seconds):
        start = at(hour)
        due = plan(days, start, seconds)
        if due is None:
            assert worked(days, start, DAY + timedelta(days=100)) < seconds or not seconds
        else:
            assert worked(days, start, due) == seconds
