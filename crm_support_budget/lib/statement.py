"""A month of a meter, in figures that add up as they are shown.

>>> from datetime import datetime
>>> from .meter import State
>>> moment = datetime(2026, 11, 1)
>>> month(State(moment, 60, 0, 60), State(moment, 30.4, 0, 60, accrued=10.6, used=40.2))
Month(opening=60, corrected=0, accrued=11, used=40, lost=0, closing=31, carried=0)
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from .measures import fair_shares
from .meter import State


@dataclass(frozen=True, slots=True)
class Month:
    """What there was, what came, what was used, what found no room, and what there is.

    ``opening + corrected + accrued − used − lost = closing``.

    :param corrected: what was found out about earlier months after their statement was made
    :param carried: of ``closing``, what is carried over beyond the reserve
    """

    opening: int
    corrected: int
    accrued: int
    used: int
    lost: int
    closing: int
    carried: int


def month(begin: State | None, end: State, told: int | None = None) -> Month:
    """The figures of a month, rounded so that they add up.

    :param begin: the meter when the month began; None if it began within the month, or others terms did
    :param end: when it was over
    :param told: what the statement of the month before said at its end; None if there was none
    """
    opening = round(begin.left if begin else end.opening)
    used, lost = (round(getattr(end, name) - (getattr(begin, name) if begin else 0)) for name in ("used", "lost"))
    corrected = opening - told if begin and told is not None else 0
    closing = round(end.left)
    return Month(
        opening=opening - corrected,
        corrected=corrected,
        # what came is what nobody counts along: the rest of the rounding goes there
        accrued=closing - opening + used + lost,
        used=used,
        lost=lost,
        closing=closing,
        carried=min(max(round(end.second), 0), max(closing, 0)),
    )


def billed(begin: State | None, end: State, estimated: float, step: float) -> float:
    """Minutes to be billed for a month: what it added to the debt, so that nothing is billed twice.

    :param estimated: minutes that are an estimate, never billed
    :param step: see :func:`rounded`
    """
    added = end.over_by - (begin.over_by if begin else 0)
    return rounded(max(round(added, 6) - estimated, 0), step)


def fair(served: Mapping[Hashable, float], unmet: set, customer: Hashable) -> str | None:
    """Which sentence is true of a customer: ``all`` they asked for, at least their ``share`` of what there was, or None.

    :param served: customer -> minutes of help
    :param unmet: customers who still wait for something
    """
    if customer not in unmet:
        return "all"
    names = sorted({*served, customer}, key=str)
    # whoever still waits would have taken any amount
    demands = [math.inf if name in unmet else served.get(name, 0.0) for name in names]
    shares = dict(zip(names, fair_shares(demands, sum(served.values())), strict=True))
    return "share" if served.get(customer, 0.0) >= shares[customer] - 1e-9 else None


def rounded(minutes: float, step: float) -> float:
    """The minutes of a month as they are billed: the total, rounded up to a step; 0 rounds nothing."""
    return math.ceil(minutes / step - 1e-9) * step if step else minutes
