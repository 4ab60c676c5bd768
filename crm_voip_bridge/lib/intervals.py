"""Arithmetic on stretches of time: lists of ``(start, end)``, sorted, apart from each other."""

from collections.abc import Iterable

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> list[Span]:
    """Everything that any of the spans covers; empty and reversed ones cover nothing.

    >>> union([(5, 9), (1, 3), (2, 6), (7, 7)])
    [(1, 9)]
    """
    spans = sorted(spans)
    if len(spans) < 2:
        return [span for span in spans if span[0] < span[1]]
    merged: list[Span] = []
    for start, end in spans:
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """What of the spans no hole covers.

    >>> subtract([(0, 10)], [(2, 3), (8, 12)])
    [(0, 2), (3, 8)]
    """
    spans, holes = union(spans), union(holes)
    if not spans or not holes:
        return spans
    left = []
    place = 0
    for start, end in spans:
        while place < len(holes) and holes[place][1] <= start:
            place += 1
        # a hole may reach into the next span, so it is looked at again there
        for hole_start, hole_end in holes[place:]:
            if hole_start >= end:
                break
            if hole_start > start:
                left.append((start, hole_start))
            start = max(start, hole_end)
        if start < end:
            left.append((start, end))
    return left


def intersect(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """What both cover.

    >>> intersect([(0, 10)], [(2, 3), (8, 12)])
    [(2, 3), (8, 10)]
    """
    spans, others = union(spans), union(others)
    return subtract(spans, subtract(spans, others)) if spans and others else []


def length(spans: Iterable[Span]) -> int:
    """How much the spans cover together."""
    return sum(end - start for start, end in union(spans))
