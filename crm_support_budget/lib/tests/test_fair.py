import doctest
import itertools
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import fair as module
from lib.fair import Counters, Waiting

START = datetime(2026, 11, 2, 9)


def at(minutes):
    return START + timedelta(minutes=minutes)


def test_what_the_documentation_says():
    assert not doctest.testmod(module).failed


class Desk:
    """Technicians, and customers who come with cases; nobody gives up.

    :param arrivals: ``[(minute, customer, minutes it takes), …]``
    """

    def __init__(self, arrivals, technicians=1, priorities=None, cap=None):
        self.arrivals = sorted(arrivals)
        self.priorities, self.cap = priorities or {}, cap
        self.counters, self.waiting, self.being = Counters(), [], []
        self.free, self.now = technicians, 0.0
        self.served, self.waits, self.idle_while_waiting = {}, [], 0.0
        self.snapshots = []

    def run(self):
        arrivals = list(self.arrivals)
        while arrivals or self.waiting or self.being:
            self.serve()
            ahead = [arrivals[0][0]] if arrivals else []
            ahead += [end for end, *_case in self.being]
            self.now = max(min(ahead), self.now)
            while arrivals and arrivals[0][0] <= self.now:
                _minute, customer, takes = arrivals.pop(0)
                self.counters.come(customer, self.active())
                self.waiting.append((Waiting(customer, at(self.now)), takes, self.now))
            for case in sorted(self.being):
                if case[0] <= self.now:
                    self.being.remove(case)
                    self.free += 1
                    customer, takes = case[1], case[2]
                    self.counters.charge(customer, takes, self.priorities.get(customer, 1.0))
                    self.served[customer] = self.served.get(customer, 0.0) + takes
                    if customer not in self.active():
                        self.counters.leave(customer, self.active())
        return self

    def active(self):
        return {one.customer for one, *_rest in self.waiting} | {case[1] for case in self.being}

    def busy(self):
        return {
            customer: sum(1 for case in self.being if case[1] == customer)
            for customer in {case[1] for case in self.being}
        }

    def serve(self):
        while self.free:
            chosen = self.counters.next([one for one, *_rest in self.waiting], self.busy(), self.cap)
            if chosen is None:
                break
            place = next(index for index, (one, *_rest) in enumerate(self.waiting) if one is chosen or one == chosen)
            one, takes, since = self.waiting.pop(place)
            self.free -= 1
            self.waits.append((one.customer, self.now - since))
            self.being.append((self.now + takes, one.customer, takes))
        # work-conserving: nobody is free while somebody may be served
        may = [one for one, *_rest in self.waiting if self.cap is None or self.busy().get(one.customer, 0) < self.cap]
        assert not (self.free and may)


cases = st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abcd"), st.integers(1, 40)), min_size=1, max_size=25)


@given(cases, st.integers(1, 3), st.one_of(st.none(), st.integers(1, 2)))
def test_nobody_is_idle_and_everybody_is_served(arrivals, technicians, cap):
    desk = Desk(arrivals, technicians, cap=cap).run()
    assert len(desk.waits) == len(arrivals)


@given(
    st.lists(st.integers(1, 60), min_size=40, max_size=60),
    st.lists(st.integers(1, 60), min_size=40, max_size=60),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_bound(one, other, weight, other_weight):
    """Two who always wait: their weighted minutes differ by no more than the longest case of each, weighted."""
    counters = Counters()
    counters.come("one")
    counters.come("other", {"one"})
    cases = {"one": iter(one), "other": iter(other)}
    weights = {"one": weight, "other": other_weight}
    had = dict.fromkeys(weights, 0.0)
    bound = max(one) / weight + max(other) / other_weight
    for turn in itertools.count():
        customer = counters.next([Waiting("one", at(0)), Waiting("other", at(0))]).customer
        minutes = next(cases[customer], None)
        if minutes is None:
            assert turn >= 40
            break
        counters.charge(customer, minutes, weights[customer])
        had[customer] += minutes
        assert abs(had["one"] / weight - had["other"] / other_weight) <= bound + 1e-9


@given(st.integers(2, 8), st.integers(1, 30), st.integers(0, 10_000))
def test_no_starvation(others, longest, seed):
    """Among customers who always wait, each is served again before the others had n × the longest case."""
    chance = random.Random(seed)
    counters = Counters()
    customers = [f"c{place}" for place in range(others + 1)]
    for customer in customers:
        counters.come(customer, set(customers))
    since_served, waited = dict.fromkeys(customers, 0.0), 0.0
    for _turn in range(300):
        chosen = counters.next([Waiting(one, at(0)) for one in customers]).customer
        minutes = chance.randint(1, longest)
        counters.charge(chosen, minutes)
        for customer in customers:
            since_served[customer] = 0.0 if customer == chosen else since_served[customer] + minutes
            waited = max(waited, since_served[customer])
    assert waited <= 2 * longest * len(customers)


def test_being_away_earns_nothing():
    counters = Counters()
    counters.come("here")
    counters.charge("here", 300)
    counters.come("away", {"here"})  # never had anything, but was not here
    assert counters.served["away"] == counters.served["here"] == 300
    # and costs nothing: who had much and left is not punished for it for ever
    counters.charge("away", 500)
    counters.leave("away", {"here"})
    counters.charge("here", 900)
    counters.come("away", {"here"})
    assert counters.served["away"] == 1200


def test_new_one_after_all_have_left():
    counters = Counters()
    counters.come("a")
    counters.charge("a", 300)
    counters.leave("a")
    counters.come("b")
    counters.come("a", {"b"})
    # neither is ahead of the other
    assert counters.served == {"a": 300, "b": 300}


def test_those_whose_budget_is_used_up_come_after_the_others():
    counters = Counters({"light": 10.0, "used up": 0.0})
    waiting = [Waiting("used up", at(0), after_others=True), Waiting("light", at(5))]
    assert [one.customer for one in counters.order(waiting)] == ["light", "used up"]
    assert counters.next(waiting[:1]).customer == "used up"


def test_cap_on_one_customer():
    counters = Counters({"many lines": 0.0, "one line": 50.0})
    waiting = [Waiting("many lines", at(0)), Waiting("one line", at(1))]
    assert counters.next(waiting, {"many lines": 1}, cap=1).customer == "one line"
    assert counters.next(waiting[:1], {"many lines": 1}, cap=1) is None


def test_longest_wait_among_equals():
    counters = Counters({"a": 5.0, "b": 5.0})
    assert counters.next([Waiting("a", at(9)), Waiting("b", at(3))]).customer == "b"


def test_charged_in_advance():
    counters = Counters()
    counters.charge("a", 15, priority=3)
    counters.charge("a", -6, priority=3)
    assert counters.served["a"] == 3
    with pytest.raises(ValueError, match="more than nothing"):
        counters.charge("a", 1, priority=0)


def test_a_day_with_one_who_calls_again_and_again():
    """One technician, eight who call twice a day, one with four cases at once all day long: the eight do not wait for the day."""
    chance = random.Random(7)
    arrivals = [(chance.uniform(0, 460), f"other {place % 8}", 8) for place in range(16)]
    arrivals += [(0, "heavy", 10)] * 4
    arrivals += [(10 * (place + 1), "heavy", 10) for place in range(40)]

    class FirstCome(Counters):
        def order(self, waiting, busy=None, cap=None):
            return sorted(waiting, key=lambda one: one.since)

    waits = {}
    for kind in (Counters, FirstCome):
        desk = Desk(arrivals)
        desk.counters = kind()
        desk.run()
        found = [wait for customer, wait in desk.waits if customer != "heavy"]
        waits[kind] = sum(found) / len(found)
    assert waits[Counters] < 15
    assert waits[FirstCome] > 4 * waits[Counters]
