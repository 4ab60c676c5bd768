"""Which callbacks the calls of one number leave: since when, how often tried, closed by what.

A callback begins with a missed call. Further missed calls belong to it, attempts without an answer are
counted, and it ends with the first connected call that is later than its first missed one, in either direction,
by anyone of us, or when a person says so. The next missed call begins another one. So there is never more
than one open, and an earlier connected call closes nothing.

Calls come in any order, late and several times: the answer is a function of the set of them, never of the way
in which they arrived. What people decided is part of the input, too (:class:`Entry`), so that
it can be worked out anew at any time.

>>> from datetime import datetime
>>> def at(hour): return datetime(2026, 11, 2, hour)
>>> [one] = callbacks([Call(3, "connected", at(12)), Call(1, "missed", at(9)), Call(2, "attempt", at(10))])
>>> one.state, one.since.hour, len(one.attempts), one.call.id
('done', 9, 1, 3)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: what becomes of an inbound call that nobody of us took
MISSED = frozenset(("missed", "abandoned", "voicemail", "busy", "failed"))
#: what becomes of an outbound call that did not get through
UNANSWERED = frozenset(("missed", "busy", "failed", "machine", "voicemail"))
KINDS = ("missed", "connected", "attempt")

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the number that matters here.

    :param kind: a value of :data:`KINDS`
    :param at: when it began; of a connected one, when a person was reached
    """

    id: int
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person decided about the number's callback.

    :param kind: ``dropped`` or ``done`` (by hand) close it, ``reopened`` takes a closing back
    :param call: of a ``reopened`` one, the call that shall not have closed it
    :param entry: of a ``reopened`` one, the decision that shall not have
    """

    id: int
    kind: str
    at: datetime
    call: int | None = None
    entry: int | None = None


@dataclass(slots=True)
class Callback:
    """One callback, open or closed.

    :param missed: its missed calls, one at least, in their order
    :param attempts: calls to the number that did not get through meanwhile
    :param call: the connected call that closed it
    :param entry: the decision that closed it; one of both, or neither
    """

    missed: list[Call]
    attempts: list[Call] = field(default_factory=list)
    call: Call | None = None
    entry: Entry | None = None

    @property
    def since(self) -> datetime:
        """When the customer first did not reach us."""
        return self.missed[0].at

    @property
    def state(self) -> str:
        """``open``, ``done`` or ``dropped``."""
        if self.entry:
            return self.entry.kind
        return "done" if self.call else "open"

    @property
    def closed_at(self) -> datetime | None:
        closing = self.call or self.entry
        return closing and closing.at

    def working_minutes(self, working: Callable[[datetime, datetime], float]) -> float | None:
        """How long the customer waited for us.

        :param working: seconds of working time between two moments
        :return: None unless a connected call closed it: what a person said is not measured
        """
        return working(self.since, self.call.at) / 60 if self.call else None


def kind_of(direction: str, disposition: str, public: bool, rang_out: bool) -> str | None:
    """What a call is for a callback.

    :param public: the number is one that can be called back for sure (E.164)
    :param rang_out: a failed call failed at the customer's side, not at our own phone
    :return: a value of :data:`KINDS`, None if it does not matter
    """
    if direction == "internal" or disposition == "in_progress":
        return None
    if disposition == "answered":
        return "connected"
    if direction == "inbound":
        # a call that failed under an odd number is a machine that tries out telephone systems
        return "missed" if disposition in MISSED and (public or disposition != "failed") else None
    return "attempt" if disposition in UNANSWERED and (rang_out or disposition != "failed") else None


#: of what happens at the same moment; what is not later than a missed call does not close it
_RANK = {"connected": 0, "dropped": 1, "done": 1, "missed": 2, "attempt": 3}


def callbacks(calls: Iterable[Call], entries: Iterable[Entry] = ()) -> list[Callback]:
    """All callbacks of one number, in their order; only the last can be open.

    :param calls: calls of the number, in any order
    :param entries: decisions of people about it, in any order
    """
    ignored, closings = _decided(entries)
    steps: list[Call | Entry] = [call for call in set(calls) if call.id not in ignored]
    steps += closings
    found: list[Callback] = []
    waiting: Callback | None = None
    for step in sorted(steps, key=lambda step: (step.at, _RANK[step.kind], step.id)):
        if step.kind == "missed":
            if waiting:
                waiting.missed.append(step)
            else:
                waiting = Callback([step])
                found.append(waiting)
        elif waiting and step.kind == "attempt":
            waiting.attempts.append(step)
        elif waiting:
            if isinstance(step, Entry):
                waiting.entry = step
            else:
                waiting.call = step
            waiting = None
    return found


def _decided(entries: Iterable[Entry]) -> tuple[set[int], list[Entry]]:
    """:return: ids of calls that close nothing, and the closings by hand that hold"""
    entries = set(entries)
    undone = [entry for entry in entries if entry.kind == "reopened"]
    taken_back = {entry.entry for entry in undone}
    closings = [entry for entry in entries if entry.kind != "reopened" and entry.id not in taken_back]
    return {entry.call for entry in undone}, closings


def match(known: Iterable[tuple[int, int, int]], found: list[Callback]) -> tuple[list[int | None], list[int]]:
    """Which record each callback is, so that it keeps its activity and its person when calls come late.

    :param known: ``(record id, id of its first missed call, id of its last one)`` in the order of the records
    :param found: from :func:`callbacks`
    :return: a record id or None for each callback, and the ids of records that are none any more
    """
    place = {call.id: index for index, one in enumerate(found) for call in one.missed}
    records: list[int | None] = [None] * len(found)
    left = []
    # by the first missed call before any by the last: of a callback that was split, the record is its beginning
    for calls in (1, 2):
        for row in left if calls == 2 else list(known):
            index = place.get(row[calls])
            if index is not None and records[index] is None:
                records[index] = row[0]
            elif calls == 1:
                left.append(row)
    kept = set(records)
    return records, [row[0] for row in left if row[0] not in kept]


# --- working time ---


def worked(spans: Iterable[Span], start: datetime, end: datetime) -> float:
    """Seconds of working time between two moments.

    :param spans: working time, apart from each other
    """
    total = timedelta()
    for begin, stop in spans:
        begin, stop = max(begin, start), min(stop, end)
        if begin < stop:
            total += stop - begin
    return total.total_seconds()


def plan(spans: Iterable[Span], start: datetime, seconds: float) -> datetime | None:
    """The moment when so much working time has passed.

    :param spans: working time, sorted, apart from each other
    :return: None if it does not suffice
    """
    left = timedelta(seconds=seconds)
    for begin, stop in spans:
        begin = max(begin, start)
        if begin < stop:
            if left <= stop - begin:
                return begin + left
            left -= stop - begin
    return None
