"""How long an opportunity stayed in which stage, from what was tracked of it.

Tracking may have gaps: imports and automations switch it off, a merge puts the history of two together. A stay whose beginning
or end does not fit what came before is kept, because the opportunity was there, but how long is not measured.

>>> from datetime import datetime
>>> day = lambda number: datetime(2026, 11, number)
>>> one, two = stays([Change(day(3), "stage", 1, 2)], day(1), 2, day(3), None, False)
>>> (one.stage, one.seconds / 86400, one.ended, two.stage, two.ended)
(1, 2.0, 'moved', 2, 'open')
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: how a stay ended
OPEN, MOVED, LOST, WON = "open", "moved", "lost", "won"
#: seconds; a stage that was entered so soon after the beginning was there from the beginning
AT_ONCE = 60


@dataclass(frozen=True)
class Change:
    """A tracked change: of the stage (``stage``, ids), or of whether it is active (``active``, 0 and 1)."""

    at: datetime
    what: str
    old: int
    new: int


@dataclass
class Stay:
    """An opportunity in a stage."""

    stage: int
    entered_at: datetime | None
    left_at: datetime | None = None
    ended: str = OPEN
    next_stage: int | None = None
    last: bool = True

    @property
    def seconds(self) -> float | None:
        """How long; None while it lasts, and where it is not measured."""
        if self.entered_at is None or self.left_at is None:
            return None
        return (self.left_at - self.entered_at).total_seconds()


def stays(
    changes: Iterable[Change],
    began_at: datetime,
    stage: int,
    entered_at: datetime | None,
    closed_at: datetime | None,
    lost: bool,
    won_stages: frozenset | set = frozenset(),
) -> list[Stay]:
    """The stays of an opportunity, the first one first.

    :param changes: in the order in which they happened
    :param began_at: since when it is an opportunity
    :param stage: where it is now
    :param entered_at: since when it is there, as far as known
    :param closed_at: when it was lost
    :param lost: it is lost now
    :param won_stages: stages that mean success: there it is won, and stays
    """
    changes = list(changes)
    moves = [change for change in changes if change.what == "stage"]
    first = moves[0].old if moves else stage
    # never tracked, and yet it entered later: where it was before is not known
    untracked = not moves and entered_at is not None and (entered_at - began_at).total_seconds() > AT_ONCE
    current = Stay(first, entered_at if untracked else began_at)
    found = [current]
    for change in changes:
        if change.what == "active":
            if change.old and not change.new and current.ended == OPEN:
                _leave(current, change.at, LOST)
            elif change.new and not change.old and current.ended == LOST:
                # taken up again: a stay of its own, the time in between was nobody's work
                current = Stay(current.stage, change.at)
                found.append(current)
            continue
        if current.stage != change.old:
            # it got to another stage without a trace: when is not known
            if current.ended == OPEN:
                _leave(current, None, MOVED)
                current.next_stage = change.old
            current = Stay(change.old, None)
            found.append(current)
        if current.ended == OPEN:
            _leave(current, change.at, MOVED)
        current.next_stage = change.new
        current = Stay(change.new, change.at)
        found.append(current)
    if current.stage != stage:
        if current.ended == OPEN:
            _leave(current, None, MOVED)
            current.next_stage = stage
        current = Stay(stage, entered_at if entered_at and entered_at >= began_at else None)
        found.append(current)
    if lost and current.ended == OPEN:
        _leave(current, closed_at, LOST)
    for stay in found:
        if stay.stage in won_stages and stay.ended in (OPEN, LOST):
            # one that was won and is put away is not lost
            stay.left_at, stay.ended = None, WON
        if stay.entered_at and stay.left_at and stay.left_at < stay.entered_at:
            stay.entered_at = None  # a clock that went back; nothing takes less than no time
    # what it was before it became an opportunity is no stay in the pipeline
    found = [stay for stay in found if not (stay.left_at and stay.left_at < began_at)]
    for stay in found:
        if stay.entered_at and stay.entered_at < began_at:
            stay.entered_at = began_at
    seen = set()
    for stay in reversed(found):
        stay.last = stay.stage not in seen
        seen.add(stay.stage)
    return found


def _leave(stay: Stay, at: datetime | None, ended: str) -> None:
    stay.left_at, stay.ended = at, ended
