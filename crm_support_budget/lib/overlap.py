"""The same work, measured twice: a call, and the line of a timesheet about it.

A line of a timesheet has a day and no time. So what a technician talked or chatted with a customer on a day is taken to be
part of what the same technician wrote on that day's lines for that customer: it counts once. The lines are reduced, the
first one first; what is left of them was other work.
"""

from collections.abc import Iterable


def covered(lines: Iterable[tuple[int, float]], talked: float) -> dict[int, float]:
    """How many minutes of each line were counted with a call already.

    :param lines: ``(id, minutes)`` of one customer, technician and day
    :param talked: minutes of calls and chats of the same customer, technician and day

    >>> covered([(1, 15), (2, 30)], 20)
    {1: 15, 2: 5}
    >>> covered([(2, 30), (1, 15)], 60)
    {1: 15, 2: 30}
    """
    left, result = max(talked, 0), {}
    for line, minutes in sorted(lines):
        result[line] = min(max(minutes, 0), left)
        left -= result[line]
    return result
