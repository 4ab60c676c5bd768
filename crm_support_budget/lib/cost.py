"""What one customer's long day cost the others.

>>> from datetime import datetime
>>> at = lambda minute: datetime(2026, 11, 2, 9, minute)
>>> [(one.who, one.what, one.waited) for one in cost([(at(0), at(30))], [Call("b", at(10), at(15), "abandoned")])]
[('b', 'gave_up', 5.0)]
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: what became of a call that a person of ours did not take
_LOST = {"abandoned": "gave_up", "missed": "not_taken", "voicemail": "not_taken", "busy": "busy", "failed": "busy"}
#: two conversations with less between them are one block
GAP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of somebody else.

    :param until: when a person of ours took it, or it ended
    :param disposition: as of the bridge
    """

    who: Hashable
    since: datetime
    until: datetime
    disposition: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What happened to somebody while another was helped.

    :param what: ``gave_up``, ``not_taken``, ``busy`` or ``waited``
    :param waited: minutes that they waited while the other was helped
    """

    who: Hashable
    what: str
    since: datetime
    waited: float


def blocks(talks: Iterable[tuple[datetime, datetime]], gap: timedelta = GAP) -> list[tuple[datetime, datetime]]:
    """Conversations as the long blocks that they make: those with little between them are one."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(talks):
        if found and start - found[-1][1] <= gap:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def cost(talks: Sequence[tuple[datetime, datetime]], calls: Iterable[Call]) -> list[Cost]:
    """Who of the others waited, or gave up, at a time when somebody of ours talked with this customer.

    :param talks: conversations with the customer
    :param calls: of all others
    :return: in the order in which they called; whoever did not wait in that time is left out
    """
    busy = blocks(talks, timedelta())
    found = []
    for call in sorted(calls, key=lambda one: one.since):
        together = sum(
            (max(min(call.until, end) - max(call.since, start), timedelta()) for start, end in busy), timedelta()
        )
        # a busy tone takes no time
        inside = any(start <= call.since < end for start, end in busy)
        what = _LOST.get(call.disposition, "waited")
        if together or (inside and what != "waited"):
            found.append(Cost(call.who, what, call.since, together / timedelta(minutes=1)))
    return found
