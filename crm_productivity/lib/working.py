"""Working time between two moments, by bisection: a busy hour asks for that of thousands of turns of two years.

>>> from datetime import datetime
>>> def at(hour): return datetime(2026, 11, 2, hour)
>>> clock = Clock([(at(13), at(17)), (at(8), at(12))])
>>> clock.worked(at(11), at(14)) / 3600
2.0
>>> Clock(None).worked(at(11), at(14)) / 3600
3.0
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate

Span = tuple[datetime, datetime]


class Clock:
    """Runs within working time only.

    :param spans: working time, in any order, apart from each other; None: round the clock
    """

    def __init__(self, spans: Iterable[Span] | None):
        self._always = spans is None
        spans = sorted(spans or ())
        self._starts = [start for start, _stop in spans]
        self._lengths = [(stop - start).total_seconds() for start, stop in spans]
        # seconds before each span
        self._before = [0.0, *accumulate(self._lengths)]

    def worked(self, start: datetime, end: datetime) -> float:
        """Seconds of working time between two moments, none if the second is earlier."""
        if end <= start:
            return 0.0
        if self._always:
            return (end - start).total_seconds()
        return self._until(end) - self._until(start)

    def _until(self, moment: datetime) -> float:
        place = bisect_right(self._starts, moment) - 1
        if place < 0:
            return 0.0
        return self._before[place] + min((moment - self._starts[place]).total_seconds(), self._lengths[place])
