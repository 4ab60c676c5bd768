"""Percentiles from histograms against those of the plain numbers."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.histogram import ACCURACY, SHORTEST, histogram, merged, percentile

DURATIONS = st.lists(st.floats(0, 1e7), min_size=1, max_size=60)


def exactly(durations, percent):
    """The nearest-rank percentile."""
    return sorted(durations)[max(math.ceil(len(durations) * percent / 100), 1) - 1]


@given(DURATIONS, st.floats(0, 100))
def test_close_to_the_truth(durations, percent):
    truth = max(exactly(durations, percent), SHORTEST)
    assert percentile(histogram(durations), percent) == pytest.approx(truth, rel=ACCURACY * 1.01)


@given(st.lists(DURATIONS, max_size=6))
def test_parts_add_up_to_the_whole(parts):
    whole = histogram([one for part in parts for one in part])
    assert merged(map(histogram, parts)) == whole


@given(DURATIONS)
def test_survives_json(durations):
    counts = histogram(durations)
    assert json.loads(json.dumps(counts)) == counts
    assert sum(counts.values()) == len(durations)


def test_worked_out_by_hand():
    # 1 … 100 seconds: the median is the fiftieth, 90 of 100 are not longer than 90 s
    counts = histogram(range(1, 101))
    assert percentile(counts, 50) == pytest.approx(50, rel=0.01)
    assert percentile(counts, 90) == pytest.approx(90, rel=0.01)
    assert percentile({}, 50) is None
    assert percentile(histogram([0]), 50) == pytest.approx(SHORTEST, rel=0.01)
