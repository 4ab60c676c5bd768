from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lib.meter import Terms, advance, beginning, charge, meter
from lib.statement import fair, month, rounded

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
