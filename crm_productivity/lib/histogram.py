"""Medians and percentiles of durations that can be added up: a day's to a week's, a person's to a team's.

The durations are counted in buckets whose bounds grow by a constant factor, so that each is known to within
:data:`ACCURACY` of itself, however long (Masson, Rim, Lee: *DDSketch*, VLDB 2019). An average of daily medians is not
a median; the sum of daily histograms is the week's histogram.

A histogram is a dictionary ``{bucket as text: count}``, as JSON keeps it. Durations are seconds.

>>> week = merged([histogram([10, 20, 30]), histogram([40, 50])])
>>> round(percentile(week, 50))
30
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

#: how far from the truth a percentile may be, as a fraction of it
ACCURACY = 0.01
GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
#: what is shorter counts as this long: nobody's answer is measured in milliseconds
SHORTEST = 0.01
OFFSET = math.floor(math.log(SHORTEST, GAMMA))


def bucket(seconds: float) -> str:
    """The name of the bucket of a duration; they sort by length as numbers."""
    return str(math.ceil(math.log(max(seconds, SHORTEST), GAMMA)) - OFFSET)


def seconds_of(name: str) -> float:
    """The middle of a bucket."""
    return 2 * GAMMA ** (int(name) + OFFSET) / (GAMMA + 1)


def histogram(durations: Iterable[float]) -> dict[str, int]:
    """Durations, counted."""
    return dict(Counter(map(bucket, durations)))


def merged(histograms: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Several, added up."""
    total: Counter = Counter()
    for one in histograms:
        total.update(one)
    return dict(total)


def percentile(counts: Mapping[str, int], percent: float) -> float | None:
    """The duration that so many percent do not exceed, in seconds; None of no durations.

    :param percent: 50 is the median
    """
    total = sum(counts.values())
    if total <= 0:
        return None
    rank = max(math.ceil(total * percent / 100), 1)
    for name in sorted(counts, key=int):
        rank -= counts[name]
        if rank <= 0:
            return seconds_of(name)
    return None
