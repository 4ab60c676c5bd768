"""What fairness means, held to numbers: see simulation.py."""

import itertools
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation import days, gap

from lib.fair import Counters, Waiting
from lib.hours import Hours
from lib.meter import Terms, advance, beginning, meter

START = datetime(2026, 11, 2, 9)


@pytest.fixture(scope="module")
def ways():
    return {way: days(way) for way in ("busy", "first", "fair")}


def test_with_a_busy_tone_most_give_up(ways):
    # 400 days of eight: 87 % where this was first seen
    assert 0.8 < ways["busy"]["lost"] < 0.95


def test_first_come_first_served_makes_the_others_wait_behind_each_case_of_one(ways):
    # four cases of 18 minutes are always before one: 71 on average, 95 of 100 within 100
    assert 60 < ways["first"]["mean"] < 90
    assert 85 < ways["first"]["most"] < 125


def test_the_fair_queue_makes_them_wait_for_the_case_that_is_being_served(ways):
    # what is left of a case of 8 to 28 minutes is 9.9 on average: (18² + 20² ÷ 12) ÷ (2 × 18); seen: 9, and 20
    assert 8 < ways["fair"]["mean"] < 13
    assert ways["fair"]["most"] < 28
    assert ways["fair"]["mean"] < ways["first"]["mean"] / 5


def test_and_costs_the_heavy_customer_next_to_nothing(ways):
    # 382 of 401 minutes
    assert 0.93 < ways["fair"]["heavy"] / ways["first"]["heavy"] <= 1.01


@pytest.mark.parametrize(("parallel", "seen"), [(1, 1.00), (2, 1.93), (4, 3.75)])
def test_several_at_once_widen_the_gap(parallel, seen):
    found = gap(parallel)
    # as many cases of one customer end uncharged as are served at once, and no more
    assert 0.8 * seen < found <= parallel + 1e-9


def test_charging_in_advance_narrows_it():
    assert gap(4, in_advance=12.0) < 0.6 * gap(4)
    assert gap(2, in_advance=12.0) < 0.8 * gap(2)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=7), st.integers(1, 30), st.integers(0, 10_000))
def test_nobody_starves_whatever_their_priority(priorities, longest, seed):
    """Each is served again before the others had c × L_max × Σw ÷ w_min, with c = 2."""
    chance = random.Random(seed)
    counters = Counters()
    customers = dict(enumerate(priorities))
    for customer in customers:
        counters.come(customer, set(customers))
    waited, bound = dict.fromkeys(customers, 0.0), 2 * longest * sum(priorities) / min(priorities)
    for _turn in range(200):
        chosen = counters.next([Waiting(one, START) for one in customers]).customer
        minutes = chance.uniform(0, longest)
        counters.charge(chosen, minutes, customers[chosen])
        for one in customers:
            waited[one] = 0.0 if one == chosen else waited[one] + minutes
            assert waited[one] <= bound


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 300), st.booleans()),
        min_size=1,
        max_size=12,
        unique_by=lambda x: x[1],
    ),
    st.lists(st.integers(0, 100), min_size=6, max_size=6),
    st.permutations(range(6)),
)
def test_who_a_customer_is_and_what_they_bring_changes_no_order(waiting, served, names):
    """With all customers renamed, the order is the same renamed: minutes had, priority and waiting are all that is asked."""

    def order(rename):
        counters = Counters({rename(place): float(minutes) for place, minutes in enumerate(served)})
        some = [Waiting(rename(one), START + timedelta(minutes=at), after) for one, at, after in waiting]
        return [(one.customer, one.since) for one in counters.order(some)]

    plain = order(lambda place: place)
    renamed = order(lambda place: ("renamed", names[place], "revenue", 1e9 * names[place]))
    assert [(("renamed", names[one], "revenue", 1e9 * names[one]), since) for one, since in plain] == renamed


def office(zone, first, count):
    """Working time from 8 to 16, Monday to Friday, by the clocks of a zone."""
    spans = []
    for place in range(count):
        day = first + timedelta(days=place)
        if day.weekday() < 5:
            spans.append(
                tuple(
                    day.replace(hour=hour, tzinfo=ZoneInfo(zone)).astimezone(timezone.utc).replace(tzinfo=None)
                    for hour in (8, 16)
                )
            )
    return Hours(spans).worked


#: clocks go back on 25 October 2026 in Amsterdam, and forward on 28 March 2027; in Jakarta they never do
ZONES = ("Europe/Amsterdam", "Asia/Jakarta")


def test_a_day_on_which_clocks_change_brings_what_other_days_bring():
    for zone, month in itertools.product(ZONES, ((2026, 10), (2027, 3))):
        begins = datetime(*month, 1)
        worked = office(zone, begins, 40)
        for week in range(4):
            start = begins + timedelta(days=7 * week)
            # any seven days have five times eight hours
            assert worked(start, start + timedelta(days=7)) == pytest.approx(2400), (zone, start)


@given(st.lists(st.tuples(st.integers(0, 89), st.integers(8, 15), st.integers(0, 90)), max_size=10), st.integers(1, 89))
def test_daylight_saving_and_ends_of_months_change_nothing(used, until):
    """The same help at the same times by the clock: the meters of two zones are the same, with and without a change of clocks."""
    first = datetime(2026, 10, 1)
    found = []
    for zone in ZONES:

        def utc(day, hour, minute=0, zone=zone):
            local = (first + timedelta(days=day)).replace(hour=hour, minute=minute, tzinfo=ZoneInfo(zone))
            return local.astimezone(timezone.utc).replace(tzinfo=None)

        worked = office(zone, first - timedelta(days=1), 100)
        terms = [Terms(utc(0, 0), 1 / 40, 120, 60)]
        state = meter(terms, [(utc(day, hour), float(minutes)) for day, hour, minutes in used], worked, utc(until, 23))
        found.append((state.first, state.second, state.accrued, state.lost, state.used))
        # a month's last moment and the next one's first are one moment: stopping there changes nothing
        stopped = beginning(terms)
        for month_end in (utc(31, 0), utc(61, 0)):
            stopped = advance(stopped, terms, worked, month_end)
        through = advance(beginning(terms), terms, worked, utc(90, 0))
        stopped = advance(stopped, terms, worked, utc(90, 0))
        assert (stopped.first, stopped.second) == pytest.approx((through.first, through.second))
    assert found[0] == pytest.approx(found[1])
