"""Working time: what holds for all calendars and moments."""

import doctest
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lib import working
from lib.working import Clock

DAY = datetime(2026, 10, 23)


def at(quarter):
    return DAY + timedelta(minutes=15 * quarter)


@st.composite
def calendars(draw):
    """Spans that do not overlap, in any order; some meet, some are empty."""
    bounds = sorted(draw(st.lists(st.integers(0, 700), max_size=40)))
    spans = [(at(start), at(stop)) for start, stop in zip(bounds[::2], bounds[1::2], strict=False)]
    return draw(st.permutations(spans))


MOMENTS = st.integers(-20, 720).map(at)


def slowly(spans, start, end):
    """The overlap with each span, added up."""
    return sum(max((min(stop, end) - max(begin, start)).total_seconds(), 0) for begin, stop in spans)


def test_documentation():
    assert doctest.testmod(working).failed == 0


@given(calendars(), MOMENTS, MOMENTS)
def test_is_the_overlap(spans, start, end):
    assert Clock(spans).worked(start, end) == slowly(spans, start, end)


@given(calendars(), MOMENTS, MOMENTS, st.data())
def test_more_working_time_never_shortens(spans, start, end, data):
    fewer = data.draw(st.lists(st.sampled_from(spans), unique=True)) if spans else []
    less, more = Clock(fewer).worked(start, end), Clock(spans).worked(start, end)
    assert less <= more <= Clock(None).worked(start, end)


@given(calendars(), MOMENTS, MOMENTS, st.integers(-3000, 3000))
def test_shifting_everything_changes_nothing(spans, start, end, minutes):
    shift = timedelta(minutes=minutes)
    moved = Clock([(begin + shift, stop + shift) for begin, stop in spans])
    assert moved.worked(start + shift, end + shift) == Clock(spans).worked(start, end)


@given(calendars(), st.lists(MOMENTS, min_size=3, max_size=3).map(sorted))
def test_parts_add_up(spans, moments):
    start, middle, end = moments
    clock = Clock(spans)
    assert clock.worked(start, middle) + clock.worked(middle, end) == clock.worked(start, end)
