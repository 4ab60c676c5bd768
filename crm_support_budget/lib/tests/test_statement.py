import itertools
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lib.meter import Terms, advance, beginning, charge, meter
from lib.statement import billed, fair, month, rounded

START = datetime(2026, 11, 1)
amounts = st.floats(0, 500)


def around_the_clock(start, end):
    return (end - start).total_seconds() / 60


@given(st.lists(st.tuples(st.integers(0, 59), amounts), max_size=12), st.floats(0, 0.05), amounts, amounts)
def test_a_month_adds_up_as_it_is_shown(entries, rate, reserve, carry):
    terms = [Terms(START, rate, reserve, carry)]
    used = [(START + timedelta(days=day), amount) for day, amount in entries]
    middle, end = START + timedelta(days=30), START + timedelta(days=60)
    before = [one for one in used if one[0] < middle]
    found = month(meter(terms, before, around_the_clock, middle), meter(terms, used, around_the_clock, end))
    assert found.opening + found.accrued - found.used - found.lost == found.closing
    # what came is rounded by no more than the others together
    assert abs(found.accrued - rate * 30 * 1440) <= 2
    assert abs(found.used - sum(amount for moment, amount in used if moment >= middle)) <= 0.5 + 1e-6


@given(st.lists(st.tuples(st.integers(0, 59), amounts), max_size=12), amounts, amounts, st.integers(-300, 300))
def test_what_was_found_out_later_has_its_own_line(entries, reserve, carry, told):
    terms = [Terms(START, 0.01, reserve, carry)]
    used = [(START + timedelta(days=day), amount) for day, amount in entries]
    middle, end = START + timedelta(days=30), START + timedelta(days=60)
    begin = meter(terms, [one for one in used if one[0] < middle], around_the_clock, middle)
    found = month(begin, meter(terms, used, around_the_clock, end), told)
    # it begins where the one before ended, and ends where it would without that
    assert found.opening == told
    assert found.opening + found.corrected + found.accrued - found.used - found.lost == found.closing
    assert found.closing == month(begin, meter(terms, used, around_the_clock, end)).closing
    assert 0 <= found.carried <= max(found.closing, 0)
    assert found.carried <= carry + 0.5


@given(st.lists(st.tuples(st.integers(0, 89), amounts), max_size=12), st.floats(0, 0.05), amounts)
def test_nothing_is_billed_twice(entries, rate, reserve):
    terms = [Terms(START, rate, reserve)]
    used = [(START + timedelta(days=day), amount) for day, amount in entries]
    ends = [START + timedelta(days=days) for days in (0, 30, 60, 90)]
    states = [meter(terms, used, around_the_clock, end) for end in ends]
    bills = [billed(begin, end, 0, 0) for begin, end in itertools.pairwise(states)]
    assert sum(bills) <= sum(amount for _moment, amount in used) + 1e-3
    # a debt that stays as it is, is billed once
    idle = advance(states[-1], [Terms(START, 0, reserve)], around_the_clock, START + timedelta(days=200))
    assert billed(states[-1], idle, 0, 15) == 0


def test_estimates_are_not_billed():
    terms = [Terms(START, 0, 60)]
    state = charge(beginning(terms), 100)
    assert billed(None, state, 0, 0) == 40
    assert billed(None, state, 30, 0) == 10
    assert billed(None, state, 30, 15) == 15
    assert billed(None, state, 50, 15) == 0


def test_a_month_in_which_the_meter_began():
    terms = [Terms(START, 1 / 60, 60)]
    state = advance(charge(beginning(terms), 30), terms, around_the_clock, START + timedelta(hours=10))
    # 60 to begin with, 10 hours bring 10, 30 were used: 40
    found = month(None, state)
    assert (found.opening, found.accrued, found.used, found.lost, found.closing) == (60, 10, 30, 0, 40)


def test_which_sentence_is_true():
    served = {"a": 100.0, "b": 20.0, "c": 0.0}
    assert fair(served, set(), "b") == "all"
    # b got all it wanted; of the other 100, each of a and c is due 50
    assert fair(served, {"a", "c"}, "a") == "share"
    assert fair(served, {"a", "c"}, "c") is None
    assert fair(served, {"c"}, "b") == "all"


@given(st.dictionaries(st.integers(0, 6), amounts, min_size=1), st.data())
def test_somebody_always_has_a_sentence(served, data):
    unmet = data.draw(st.sets(st.sampled_from(sorted(served))))
    assert any(fair(served, unmet, one) for one in served)


def test_thirty_minutes_cost_the_same_at_once_and_in_three():
    assert rounded(30, 15) == rounded(10 + 10 + 10, 15) == 30
    assert rounded(31, 15) == 45
    assert rounded(31.5, 0) == 31.5
