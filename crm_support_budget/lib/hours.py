"""Working time between two moments, in the same time however long that is.

>>> from datetime import datetime
>>> hours = Hours([(datetime(2026, 11, 2, 8), datetime(2026, 11, 2, 16))])
>>> hours.worked(datetime(2026, 11, 2, 7), datetime(2026, 11, 2, 9))
60.0
>>> hours.plan(datetime(2026, 11, 2, 7), 30)
datetime.datetime(2026, 11, 2, 8, 30)
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate


class Hours:
    """Spans of working time, with what they add up to.

    :param spans: ``(start, end)``, naive UTC, in order and without overlap
    """

    __slots__ = ("_before", "_ends", "_starts")

    def __init__(self, spans: Sequence[tuple[datetime, datetime]]):
        self._starts = [start for start, _end in spans]
        self._ends = [end for _start, end in spans]
        self._before = [0.0, *accumulate(_minutes(start, end) for start, end in spans)]

    @property
    def total(self) -> float:
        """Minutes of all spans."""
        return self._before[-1]

    def until(self, moment: datetime) -> float:
        """Minutes of working time before a moment."""
        begun = bisect_right(self._starts, moment)
        if not begun:
            return 0.0
        return self._before[begun - 1] + _minutes(self._starts[begun - 1], min(moment, self._ends[begun - 1]))

    def worked(self, start: datetime, end: datetime) -> float:
        """Minutes of working time between two moments."""
        return self.until(end) - self.until(start)

    def plan(self, start: datetime, minutes: float) -> datetime | None:
        """The moment when so many minutes of working time have passed; None if there are not so many."""
        wanted = self.until(start) + minutes
        if wanted > self.total:
            return None
        place = bisect_left(self._before, wanted) - 1
        if place < 0:
            return start
        return max(self._starts[place] + timedelta(minutes=wanted - self._before[place]), start)


def _minutes(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 60
