from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lib.stages import LOST, MOVED, OPEN, WON, Change, stays

BEGAN = datetime(2026, 11, 2, 9)
HOUR = timedelta(hours=1)


def at(hours):
    return BEGAN + hours * HOUR


def told(found):
    return [(stay.stage, stay.seconds and stay.seconds / 3600, stay.ended) for stay in found]


def test_never_moved():
    assert told(stays([], BEGAN, 1, BEGAN, None, lost=False)) == [(1, None, OPEN)]


def test_lost():
    assert told(stays([], BEGAN, 1, BEGAN, at(5), lost=True)) == [(1, 5, LOST)]


def test_lost_at_an_unknown_time():
    assert told(stays([], BEGAN, 1, BEGAN, None, lost=True)) == [(1, None, LOST)]


def test_won_and_put_away():
    changes = [Change(at(2), "stage", 1, 9), Change(at(3), "active", 1, 0)]
    assert told(stays(changes, BEGAN, 9, at(2), at(2), lost=False, won_stages={9})) == [(1, 2, MOVED), (9, None, WON)]


def test_lost_and_taken_up_in_the_first_stage():
    changes = [Change(at(1), "active", 1, 0), Change(at(10), "active", 0, 1), Change(at(12), "stage", 1, 2)]
    assert told(stays(changes, BEGAN, 2, at(12), None, lost=False)) == [(1, 1, LOST), (1, 2, MOVED), (2, None, OPEN)]


def test_moved_while_it_was_lost():
    """The time in which it was lost is not time in the stage."""
    changes = [Change(at(1), "active", 1, 0), Change(at(10), "stage", 1, 2)]
    assert told(stays(changes, BEGAN, 2, at(10), None, lost=False)) == [(1, 1, LOST), (2, None, OPEN)]


def test_only_the_last_stay_counts_the_opportunity():
    changes = [Change(at(1), "stage", 1, 2), Change(at(2), "stage", 2, 1)]
    assert [stay.last for stay in stays(changes, BEGAN, 1, at(2), None, lost=False)] == [False, True, True]


def test_what_was_before_it_became_an_opportunity():
    changes = [Change(at(1), "stage", 1, 2), Change(at(9), "stage", 2, 3)]
    assert told(stays(changes, at(5), 3, at(9), None, lost=False)) == [(2, 4, MOVED), (3, None, OPEN)]


def test_a_clock_that_went_back():
    changes = [Change(at(5), "stage", 1, 2), Change(at(4), "stage", 2, 3)]
    assert told(stays(changes, BEGAN, 3, at(4), None, lost=False)) == [(1, 5, MOVED), (2, None, MOVED), (3, None, OPEN)]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 500)), max_size=8),
    st.integers(1, 4),
    st.booleans(),
    st.integers(-1000, 1000),
)
def test_any_history(moves, stage, lost, shift):
    """Whatever was tracked: it ends where it is, nothing overlaps or is negative, and a shift in time changes nothing."""
    changes = [
        Change(at(hours), "stage", old, 1 + (old + hours) % 4) for old, hours in sorted(moves, key=lambda one: one[1])
    ]
    found = stays(changes, BEGAN, stage, at(600), at(700), lost)
    assert found[-1].stage == stage
    assert found[-1].ended == (LOST if lost else OPEN)
    assert all(stay.ended != OPEN for stay in found[:-1])
    assert all(stay.seconds is None or stay.seconds >= 0 for stay in found)
    assert sum(stay.seconds or 0 for stay in found) <= 700 * 3600
    assert sum(stay.last for stay in found) == len({stay.stage for stay in found})
    later = [Change(change.at + shift * HOUR, change.what, change.old, change.new) for change in changes]
    moved = stays(later, BEGAN + shift * HOUR, stage, at(600 + shift), at(700 + shift), lost)
    assert told(moved) == told(found)
