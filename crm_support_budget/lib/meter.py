"""How much help a customer has left: a bucket of two levels that fills in working time only.

The first level holds what the agreement gives, up to the *reserve*; what overflows it fills the second one, up to the *carry-over*.
Help is taken from the first, then from the second, then it is debt (*over by*). Both levels together behave as one bucket of
``reserve + carry_over``; the split says which colour the meter has:

- green: there is something in the first level;
- yellow: the first is empty, there is something carried over;
- red: neither.

A meter is a function of its terms over time and of what was used when: whoever learns of an entry late gets the same
result as whoever knew it at once. It can be kept as :class:`State` after any entry, and goes on from there.

Amounts are minutes, or contacts: the arithmetic is the same. Moments are naive UTC. Working time is an argument:
``worked(start, end)`` gives working minutes.

Sources: RFC 2697 (a single rate three color marker), with debt, since the length of a call is unknown when it begins.

>>> from datetime import datetime, timedelta
>>> start = datetime(2026, 11, 2)
>>> terms = [Terms(start, rate=0.5, reserve=60, carry_over=30)]
>>> round_the_clock = lambda start, end: (end - start).total_seconds() / 60
>>> state = meter(terms, [(start + timedelta(hours=1), 80)], round_the_clock, start + timedelta(hours=1))
>>> state.first, state.second, state.colour, state.over_by
(0, 10, 'yellow', 0)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

GREEN, YELLOW, RED = "green", "yellow", "red"
#: of colours, the worst first
WORST_FIRST = (RED, YELLOW, GREEN)

Worked = Callable[[datetime, datetime], float]


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds from a moment on.

    :param rate: amount for each working minute
    :param reserve: most that the first level holds; what a customer begins with
    :param carry_over: most that the second level holds
    """

    since: datetime
    rate: float
    reserve: float
    carry_over: float = 0

    def __post_init__(self):
        if self.rate < 0 or self.reserve < 0 or self.carry_over < 0:
            raise ValueError("an agreement gives nothing negative")


@dataclass(frozen=True, slots=True)
class State:
    """A meter at a moment.

    :param opening: what was there at the very beginning
    :param accrued: all that working time brought since
    :param lost: what of it found no room
    :param used: all that was taken
    """

    at: datetime
    first: float
    second: float
    opening: float
    accrued: float = 0
    lost: float = 0
    used: float = 0

    @property
    def left(self) -> float:
        """What there is in both levels, negative in debt; always ``opening + accrued − lost − used``."""
        return self.first + self.second

    @property
    def over_by(self) -> float:
        """The debt, 0 without."""
        return max(-self.first, 0)

    @property
    def colour(self) -> str:
        """:data:`GREEN`, :data:`YELLOW` or :data:`RED`."""
        return GREEN if self.first > 0 else YELLOW if self.second > 0 else RED


def beginning(terms: Sequence[Terms]) -> State:
    """The meter of somebody whose first terms begin: with a full reserve, and nothing carried over."""
    first = min(terms, key=lambda one: one.since)
    return State(first.since, first.reserve, 0, opening=first.reserve)


def advance(state: State, terms: Sequence[Terms], worked: Worked, until: datetime) -> State:
    """The meter at a later moment, without anything used in between.

    :param terms: all there ever were; each holds until the next begins
    """
    if until <= state.at:
        return state
    changes = sorted(one.since for one in terms if state.at < one.since <= until)
    for moment in (*changes, until):
        holding = _holding(terms, state.at)
        state = _filled(state, holding, worked, moment)
        if moment in changes:
            state = _poured(state, _holding(terms, moment))
    return state


def charge(state: State, amount: float) -> State:
    """The meter after somebody was helped; 0 changes nothing.

    :raise ValueError: of a negative amount: what is refunded was never used, see :func:`meter`
    """
    if amount < 0:
        raise ValueError("help cannot be negative")
    from_first = min(max(state.first, 0), amount)
    from_second = min(state.second, amount - from_first)
    debt = amount - from_first - from_second
    return replace(
        state, first=state.first - from_first - debt, second=state.second - from_second, used=state.used + amount
    )


def meter(terms: Sequence[Terms], entries: Iterable[tuple[datetime, float]], worked: Worked, now: datetime) -> State:
    """The meter now, from nothing.

    :param entries: ``(moment, amount)`` in any order; a negative one takes back what was entered at the same moment. Those
        before the first terms and after ``now`` do not count.
    """
    state = beginning(terms)
    for moment, amount in netted(entries):
        if state.at <= moment <= now:
            state = charge(advance(state, terms, worked, moment), amount)
    return advance(state, terms, worked, now)


def netted(entries: Iterable[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """What was used when, in order: reversals have taken their entries back.

    A reversal carries the moment of what it reverses, so that the meter is as if that had never been; never below nothing.
    """
    at: dict[datetime, list[float]] = {}
    for moment, amount in entries:
        at.setdefault(moment, []).append(amount)
    # sorted, so that the sum does not depend on the order in which things arrive
    return [(moment, max(sum(sorted(at[moment])), 0)) for moment in sorted(at)]


def green_again(state: State, terms: Sequence[Terms], plan: Callable[[datetime, float], datetime | None]):
    """When the first level holds something again: now if it does, None if it never will by the terms that hold.

    :param plan: ``plan(start, minutes)``, the moment when so many working minutes have passed
    """
    if state.first > 0:
        return state.at
    rate = _holding(terms, state.at).rate
    return plan(state.at, -state.first / rate) if rate and _holding(terms, state.at).reserve else None


def _holding(terms: Sequence[Terms], at: datetime) -> Terms:
    """The terms that hold at a moment; of several of one moment, the last."""
    return max((one for one in terms if one.since <= at), key=lambda one: one.since, default=None) or min(
        terms, key=lambda one: one.since
    )


def _filled(state: State, terms: Terms, worked: Worked, until: datetime) -> State:
    gain = terms.rate * worked(state.at, until)
    first = min(max(terms.reserve, state.first), state.first + gain)
    over = state.first + gain - first
    second = min(max(terms.carry_over, state.second), state.second + over)
    lost = state.second + over - second
    return replace(state, at=until, first=first, second=second, accrued=state.accrued + gain, lost=state.lost + lost)


def _poured(state: State, terms: Terms) -> State:
    """The meter under other terms: what is more than they hold overflows."""
    first = min(state.first, terms.reserve)
    second = min(state.second + state.first - first, terms.carry_over)
    return replace(state, first=first, second=second, lost=state.lost + state.left - first - second)
