import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import measures as module
from lib.measures import abandoned, erlang_b, erlang_c, fair_shares, gini, jain, mean_wait, satisfaction

amounts = st.lists(st.floats(0, 1e6), min_size=1, max_size=20)


def test_what_the_documentation_says():
    assert not doctest.testmod(module).failed


@given(amounts)
def test_indexes_are_within_their_bounds(shares):
    if sum(shares) > 1e-3:
        assert 1 / len(shares) - 1e-9 <= jain(shares) <= 1 + 1e-9
        assert -1e-9 <= gini(shares) < 1


def test_of_nobody():
    assert jain([]) is gini([]) is jain([0, 0]) is gini([0, 0]) is satisfaction(3, 0, 5) is None


@given(amounts, st.floats(0, 1e6))
def test_fair_shares(demands, capacity):
    shares = fair_shares(demands, capacity)
    assert sum(shares) == pytest.approx(min(capacity, sum(demands)))
    assert all(share <= demand + 1e-6 for share, demand in zip(shares, demands, strict=True))
    # who got less than they asked for got no less than anybody else
    short = [share for share, demand in zip(shares, demands, strict=True) if share < demand - 1e-3]
    assert all(share >= max(shares) - 1e-3 for share in short)


def test_share_of_what_there_was():
    # 100 minutes for three who ask for 10, 60 and 90: 10, 45, 45
    assert fair_shares([10, 60, 90], 100) == [10, 45, 45]
    assert satisfaction(45, 60, 45) == 1
    assert satisfaction(30, 60, 40) == 0.75


def test_erlang_against_tables():
    # Erlang B, 10 lines at 5 erlang: 1.84 %; Erlang C, 10 people at 8 erlang: 40.92 % (published tables)
    assert erlang_b(10, 5) == pytest.approx(0.0184, abs=1e-4)
    assert erlang_c(10, 8) == pytest.approx(0.4092, abs=1e-4)
    # M/M/1 at half load waits as long as a case takes
    assert mean_wait(1, 0.5, 10) == pytest.approx(10)
    assert mean_wait(1, 1, 10) == math.inf
    assert erlang_c(1, 2) == 1


def test_erlang_a_against_its_neighbours():
    # patience without end is Erlang C, patience of nothing is Erlang B
    assert abandoned(5, 4, 10, 1e9) == pytest.approx(0, abs=1e-4)
    assert abandoned(5, 4, 10, 1e-6) == pytest.approx(erlang_b(5, 4), abs=1e-4)
    # as long as a case takes, the queue is M/M/∞: Poisson, those beyond the fifth leave
    poisson = [math.exp(-4) * 4**count / math.factorial(count) for count in range(60)]
    assert abandoned(5, 4, 10, 10) == pytest.approx(
        sum((count - 5) * poisson[count] for count in range(6, 60)) / 4, abs=1e-9
    )


@given(st.integers(1, 20), st.floats(0.1, 30))
def test_one_person_less_never_helps(people, load):
    assert erlang_b(people + 1, load) <= erlang_b(people, load)
    assert erlang_c(people + 1, load) <= erlang_c(people, load) + 1e-12
    assert abandoned(people + 1, load, 5, 10) <= abandoned(people, load, 5, 10) + 1e-9
