import doctest
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import meter as module
from lib.meter import GREEN, RED, YELLOW, State, Terms, advance, beginning, charge, green_again, meter

START = datetime(2026, 11, 2)


def office(start, end):
    """Working minutes, Monday to Friday 9 to 17, the same on each day: to be reckoned by hand."""
    total, day = 0.0, start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < end:
        if day.weekday() < 5:
            begins, ends = day.replace(hour=9), day.replace(hour=17)
            total += max((min(end, ends) - max(start, begins)).total_seconds(), 0)
        day += timedelta(days=1)
    return total / 60


moments = st.integers(0, 60 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
amounts = st.integers(0, 500).map(float)
entries = st.lists(st.tuples(moments, amounts), max_size=12)
some_terms = st.builds(
    Terms,
    since=moments,
    rate=st.integers(0, 8).map(lambda eighths: eighths / 8),
    reserve=st.integers(0, 300).map(float),
    carry_over=st.integers(0, 300).map(float),
)
terms_over_time = st.lists(some_terms, min_size=1, max_size=4, unique_by=lambda one: one.since).map(
    lambda some: [*some[1:], Terms(START, some[0].rate, some[0].reserve, some[0].carry_over)]
)


def test_what_the_documentation_says():
    assert not doctest.testmod(module).failed


def test_a_week_by_hand():
    """An hour a day, a reserve of two hours, an hour carried over: ⅛ minute for each working minute."""
    terms = [Terms(START, 1 / 8, 120, 60)]

    def at(day, hour, used=()):
        return meter(terms, used, office, START + timedelta(days=day, hours=hour))

    # it begins full; the first day's hour is carried over, the second's is lost
    assert (at(0, 9).first, at(0, 9).second, at(0, 9).colour) == (120, 0, GREEN)
    assert (at(0, 17).first, at(0, 17).second) == (120, 60)
    assert (at(1, 17).first, at(1, 17).second, at(1, 17).lost) == (120, 60, 60)
    # 150 minutes on Wednesday at nine: the reserve, and half of what was carried over
    used = [(START + timedelta(days=2, hours=9), 150.0)]
    assert (at(2, 9, used).first, at(2, 9, used).second, at(2, 9, used).colour) == (0, 30, YELLOW)
    # 250 more: what was carried over, and a debt of 220; at five, after eight hours, it is 160
    used += [(START + timedelta(days=2, hours=9), 250.0)]
    assert (at(2, 9, used).over_by, at(2, 9, used).second, at(2, 9, used).colour) == (220, 0, RED)
    assert at(2, 17, used).over_by == 160


def test_green_again():
    terms = [Terms(START, 1 / 8, 120)]
    state = charge(beginning(terms), 130)
    # ten minutes over: eighty working minutes
    assert green_again(state, terms, lambda start, minutes: start + timedelta(minutes=minutes)) == START + timedelta(
        minutes=80
    )
    assert green_again(beginning(terms), terms, None) == START
    assert green_again(charge(beginning([Terms(START, 0, 5)]), 9), [Terms(START, 0, 5)], None) is None


def test_nothing_negative():
    with pytest.raises(ValueError, match="nothing negative"):
        Terms(START, -1, 5)
    with pytest.raises(ValueError, match="cannot be negative"):
        charge(beginning([Terms(START, 1, 5)]), -1)


@given(terms_over_time, entries, moments)
def test_ledger_adds_up(terms, used, now):
    state = meter(terms, used, office, now)
    assert state.opening + state.accrued - state.lost - state.used == pytest.approx(state.left, abs=1e-6)
    assert state.lost >= -1e-9
    assert state.second >= 0
    assert state.first >= 0 or state.second == 0


@given(terms_over_time, entries, moments, st.integers())
def test_late_is_as_early(terms, used, now, seed):
    shuffled = list(used)
    random.Random(seed).shuffle(shuffled)
    assert meter(terms, shuffled, office, now) == meter(terms, used, office, now)


@given(terms_over_time, entries, moments, moments)
def test_kept_state_goes_on(terms, used, kept_at, now):
    """A checkpoint and what came after it are the whole."""
    kept_at, now = sorted((kept_at, now))
    state = meter(terms, [one for one in used if one[0] <= kept_at], office, kept_at)
    for moment, amount in module.netted(used):
        if kept_at < moment <= now:
            state = charge(advance(state, terms, office, moment), amount)
    state, whole = advance(state, terms, office, now), meter(terms, used, office, now)
    for name in State.__slots__[1:]:
        assert getattr(state, name) == pytest.approx(getattr(whole, name), abs=1e-6), name


@given(terms_over_time, entries, moments, moments, amounts)
def test_more_use_never_raises_anything(terms, used, now, moment, amount):
    less, more = (meter(terms, some, office, now) for some in (used, [*used, (moment, amount)]))
    assert more.first <= less.first + 1e-6
    assert more.second <= less.second + 1e-6


@given(terms_over_time, entries, moments, moments, amounts)
def test_what_does_not_count_changes_nothing(terms, used, now, moment, amount):
    """An exempt contact is an entry of 0; one found to be exempt later is reversed."""
    plain = meter(terms, used, office, now)
    exempt = meter(terms, [*used, (moment, 0.0)], office, now)
    reversed_ = meter(terms, [*used, (moment, amount), (moment, -amount)], office, now)
    for one in (exempt, reversed_):
        assert one.left == pytest.approx(plain.left, abs=1e-6)
        assert one.first == pytest.approx(plain.first, abs=1e-6)


@given(terms_over_time, entries, moments, moments)
def test_one_of_thirty_is_three_of_ten(terms, used, now, moment):
    one, three = (meter(terms, [*used, *some], office, now) for some in ([(moment, 30.0)], [(moment, 10.0)] * 3))
    assert one == three


@given(some_terms, entries, moments)
def test_both_levels_are_one_bucket(terms, used, now):
    """What is left does not depend on how it is shared between the levels."""
    terms = Terms(START, terms.rate, terms.reserve, terms.carry_over)
    level, at = terms.reserve, START
    for moment, amount in [*((moment, amount) for moment, amount in module.netted(used) if moment <= now), (now, 0)]:
        level = min(level + terms.rate * office(at, moment), terms.reserve + terms.carry_over) - amount
        at = moment
    assert meter([terms], used, office, now).left == pytest.approx(level, abs=1e-6)


@given(terms_over_time, entries, moments, moments)
def test_an_agreement_renewed_as_it_was_changes_nothing(terms, used, now, moment):
    """A month that ends, a policy saved again: the same terms once more are no event."""
    holding = module._holding(terms, moment)
    again = [*terms, Terms(moment, holding.rate, holding.reserve, holding.carry_over)]
    one, other = (meter(some, used, office, now) for some in (terms, again))
    assert other.left == pytest.approx(one.left, abs=1e-6)
    assert other.first == pytest.approx(one.first, abs=1e-6)
