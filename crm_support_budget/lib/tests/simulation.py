"""Days of a technician whom one customer calls again and again: what becomes of the others, by how it is decided who is next.

`python3 lib/tests/simulation.py` from the addon's folder prints the table; test_simulation.py holds it to what fairness means.

One technician, eight hours. Eight customers come once a day each, with something short. One customer always has four
contacts at once: as soon as one is served, the next one comes. Three ways: a *busy* tone (whoever calls at the right moment
gets through, and tries again), *first* come first served, the *fair* queue.
"""

import random
import statistics
import sys
from datetime import datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from lib.fair import Counters, Waiting

START = datetime(2026, 11, 2, 9)
DAY, OTHERS, LINES = 480.0, 8, 4
HEAVY = "heavy"
#: minutes after which somebody who heard a busy tone tries again, and how often they do
AGAIN, TRIES = {HEAVY: 1.0, "other": 5.0}, 8


def heavy_takes(chance):
    """:return: minutes"""
    return chance.uniform(8, 28)


def other_takes(chance):
    """:return: minutes"""
    return chance.uniform(4, 16)


def in_a_queue(chance, fair):
    """A day with a queue.

    :param fair: whoever had less is next; else whoever came first
    :return: waits of the others who were served or still wait, how many gave up, minutes of the heavy customer
    """
    counters, waiting, waits, minutes, now = Counters(), [], [], 0.0, 0.0
    arrivals = sorted((chance.uniform(0, DAY - 60), f"other {place}") for place in range(OTHERS))

    def come(customer, minute, served=None):
        counters.come(customer, {one.customer for one in waiting} | ({served} if served else set()))
        waiting.append(Waiting(customer, START + timedelta(minutes=minute)))

    for _line in range(LINES):
        come(HEAVY, 0.0)
    while now < DAY:
        chosen = counters.next(waiting) if fair else min(waiting, key=lambda one: one.since)
        waiting.remove(chosen)
        heavy = chosen.customer == HEAVY
        takes = heavy_takes(chance) if heavy else other_takes(chance)
        if heavy:
            minutes += takes
        else:
            waits.append(now - (chosen.since - START) / timedelta(minutes=1))
        now += takes
        # those who come while somebody is served
        while arrivals and arrivals[0][0] <= now:
            minute, customer = arrivals.pop(0)
            come(customer, minute, chosen.customer)
        counters.charge(chosen.customer, takes)
        if heavy:
            come(HEAVY, now)
    # whoever still waits has waited until now
    waits += [now - (one.since - START) / timedelta(minutes=1) for one in waiting if one.customer != HEAVY]
    return waits, 0, minutes


def with_a_busy_tone(chance):
    """A day without a queue: see :func:`in_a_queue`."""
    calls = [(chance.uniform(0, DAY - 60), 0, f"other {place}", None) for place in range(OTHERS)]
    calls += [(chance.random(), 0, HEAVY, None) for _line in range(LINES)]
    free_at, waits, lost, minutes = 0.0, [], 0, 0.0
    while calls:
        call = min(calls, key=lambda one: one[0])
        calls.remove(call)
        now, tried, customer, since = call
        since = now if since is None else since
        if now >= DAY:
            lost += customer != HEAVY
            continue
        if now >= free_at:
            takes = heavy_takes(chance) if customer == HEAVY else other_takes(chance)
            free_at = now + takes
            if customer == HEAVY:
                minutes += takes
                calls.append((free_at + chance.random(), 0, HEAVY, None))
            else:
                waits.append(now - since)
        elif customer == HEAVY:
            calls.append((now + AGAIN[HEAVY], 0, HEAVY, since))
        elif tried + 1 < TRIES:
            calls.append((now + AGAIN["other"] * chance.uniform(0.5, 1.5), tried + 1, customer, since))
        else:
            lost += 1
    return waits, lost, minutes


WAYS = {
    "busy": with_a_busy_tone,
    "first": lambda chance: in_a_queue(chance, fair=False),
    "fair": lambda chance: in_a_queue(chance, fair=True),
}


def days(way, count=400, seed=6):
    """Many days.

    :return: ``{"mean", "most", "lost", "heavy"}``: minutes that the others wait on average, and that 95 of 100 wait at most;
        share of them who gave up; minutes a day of the heavy customer
    """
    chance = random.Random(seed)
    waits, lost, minutes = [], 0, []
    for _day in range(count):
        found, gone, heavy = WAYS[way](chance)
        waits += found
        lost += gone
        minutes.append(heavy)
    return {
        "mean": statistics.fmean(waits),
        "most": statistics.quantiles(waits, n=20)[-1],
        "lost": lost / (count * OTHERS),
        "heavy": statistics.fmean(minutes),
    }


def gap(parallel, in_advance=0.0, seed=6, rounds=20_000):
    """How far a customer who always has several contacts, and one who always has one, drift apart, in longest cases.

    There are as many technicians as contacts of the one, and twice as many others with one contact each.

    :param parallel: how many contacts the one customer has at once
    :param in_advance: minutes charged when a case begins, settled when it ends
    """
    chance = random.Random(seed)
    longest = 20.0
    contacts = {"many": parallel, **{f"one {place}": 1 for place in range(2 * parallel)}}
    counters, had, busy = Counters(), dict.fromkeys(contacts, 0.0), dict.fromkeys(contacts, 0)
    for customer in contacts:
        counters.come(customer, set(contacts))
    being, now, widest = [], 0.0, 0.0
    for _round in range(rounds):
        while len(being) < parallel:
            waiting = [Waiting(one, START) for one, count in contacts.items() for _place in range(count - busy[one])]
            chosen = counters.next(waiting).customer
            takes = chance.uniform(0.2, 1.0) * longest
            busy[chosen] += 1
            counters.charge(chosen, in_advance)
            being.append((now + takes, chosen, takes))
        being.sort()
        now, customer, takes = being.pop(0)
        busy[customer] -= 1
        counters.charge(customer, takes - in_advance)
        had[customer] += takes
        widest = max(widest, abs(had["many"] - had["one 0"]))
    return widest / longest


if __name__ == "__main__":
    print(f"{'':8}{'mean':>8}{'95 %':>8}{'gave up':>9}{'heavy':>8}   minutes")  # noqa: T201
    for name in WAYS:
        one = days(name)
        print(f"{name:8}{one['mean']:8.0f}{one['most']:8.0f}{one['lost']:9.0%}{one['heavy']:8.0f}")  # noqa: T201
    for count in (1, 2, 4):
        plain, ahead = gap(count), gap(count, in_advance=12.0)
        print(f"{count} at once: {plain:.2f} longest cases apart, {ahead:.2f} charged in advance")  # noqa: T201
