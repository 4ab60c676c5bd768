"""How even help is shared, and what waiting costs.

Sources: Jain, Chiu, Hawe 1984 (fairness index); Gini 1912; Erlang 1917 (busy lines, waiting); Palm 1946 (waiting with patience).

>>> jain([1, 1, 1, 1]), jain([4, 0, 0, 0])
(1.0, 0.25)
>>> round(erlang_b(2, 1.0), 2)
0.2
"""

import math
from collections.abc import Sequence

#: terms of a sum that is cut off
_TERMS, _SMALL = 10_000, 1e-15


def jain(shares: Sequence[float]) -> float | None:
    """From 1/n (one has all) to 1 (all have the same); None of nobody, and of nothing."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else None


def gini(shares: Sequence[float]) -> float | None:
    """From 0 (all have the same) to almost 1 (one has all); None of nobody, and of nothing."""
    total = sum(shares)
    if not shares or not total:
        return None
    ranked = sum(place * share for place, share in enumerate(sorted(shares), 1))
    return 2 * ranked / (len(shares) * total) - (len(shares) + 1) / len(shares)


def satisfaction(served: float, demand: float, share: float) -> float | None:
    """Of what somebody asked for, or of their share if they asked for more, how much they had: 0 to 1."""
    due = min(demand, share)
    return min(served / due, 1.0) if due > 0 else None


def fair_shares(demands: Sequence[float], capacity: float) -> list[float]:
    """What each gets if as much as there is is shared evenly, and nobody gets more than they ask for (max-min)."""
    shares = [0.0] * len(demands)
    left = capacity
    for count, place in enumerate(sorted(range(len(demands)), key=demands.__getitem__)):
        shares[place] = min(demands[place], left / (len(demands) - count))
        left -= shares[place]
    return shares


def erlang_b(lines: int, load: float) -> float:
    """How many of those who call find all lines busy, 0 to 1.

    :param load: calls that begin × how long one takes, in the same unit of time
    """
    blocked = 1.0
    for line in range(1, lines + 1):
        blocked = load * blocked / (line + load * blocked)
    return blocked


def erlang_c(people: int, load: float) -> float:
    """How many of those who call have to wait if nobody gives up, 0 to 1; 1 where the queue only grows."""
    if load <= 0:
        return 0.0
    if people <= load:
        return 1.0
    busy = erlang_b(people, load)
    return busy / (1 - load / people * (1 - busy))


def mean_wait(people: int, load: float, takes: float) -> float:
    """How long everybody waits on average if nobody gives up, in the unit of ``takes``; infinite where the queue only grows."""
    if people <= load:
        return math.inf if load > 0 else 0.0
    return erlang_c(people, load) * takes / (people - load)


def abandoned(people: int, load: float, takes: float, patience: float) -> float:
    """How many give up while they wait, 0 to 1, if they wait for ``patience`` on average (Erlang A)."""
    if load <= 0 or patience <= 0:
        return 0.0 if load <= 0 else erlang_b(people, load)
    # probabilities of so many customers, as multiples of that of all being busy
    theta = takes / patience
    ahead, beyond, leaving = 1.0, 0.0, 0.0
    for waiting in range(1, _TERMS):
        ahead *= load / (people + waiting * theta)
        beyond += ahead
        leaving += waiting * ahead
        if ahead < _SMALL * beyond:
            break
    before, weight = 0.0, 1.0
    for fewer in range(people, 0, -1):
        weight *= fewer / load
        before += weight
    # those who give up, ÷ those who come
    return theta * leaving / (before + 1 + beyond) / load
