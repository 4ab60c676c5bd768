"""Counting what the PBX's own record has, for Odoo to compare with its log.

:class:`Count` is the arithmetic: events of a stretch of time go in, through a gate of its own; what comes out is told
of each call that may be recorded. Of all others it knows the number and nothing else. :class:`Audits` reads and tells,
beside the bridge's other work and slower than it could, so that it disturbs nobody.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from .backoff import Backoff
from .client import AUDIT_PATH, BadFormat, NotThere, OdooProblem, bridge_head
from .events import UTC, Event, format_time
from .fold import components, fold_all
from .history import HistoryProblem
from .notices import Notices
from .scope import Audit, Gate, Scope
from .spool import Spool

#: calls told at once
PIECE = 500
#: a call that began within the stretch may end so much later
TAIL = timedelta(hours=4)
#: seconds, of the record's time, in which a call that is over may still surprise
LATE = 60.0
#: seconds, of the record's time, after which a call that says nothing more counts as open
OPEN = 6 * 3600.0
#: events after which the calls that are over are folded
_STEP = 5_000
#: seconds between two looks for something to do
PAUSE = 5.0
#: events of the spool that may wait: what Odoo does not have yet would look lost
_MOST_WAITING = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What the PBX's own record tells of a call; seconds as in :class:`lib.call.Call`."""

    call: str
    started_at: datetime
    ended_at: datetime | None
    talk_s: float | None

    def to_dict(self) -> dict:
        return {
            "call": self.call,
            "start": format_time(self.started_at),
            "end": format_time(self.ended_at),
            "talk": self.talk_s,
        }


class _Counting(Gate):
    """A gate that counts the calls it leaves out if they began within a stretch of time."""

    def __init__(self, scope: Scope, begin: datetime, end: datetime):
        # the record's time is the only one here, so what waits is bounded by number and the record's hours
        super().__init__(scope)
        self.begin, self.end = begin, end
        self.left_out = 0

    def _count(self, call) -> None:
        if not call.count:
            call.count = True
            self.left_out += bool(call.first and self.begin <= call.first < self.end)


class Count:
    """Calls of a stretch of time, by the PBX's own record. Pure; its clock is the record's.

    :param begin: calls that began earlier do not count; nor do those that begin at ``end`` or later
    """

    def __init__(self, scope: Scope, begin: datetime, end: datetime):
        self.scope, self.begin, self.end = scope, begin, end
        #: calls that may be recorded
        self.calls = 0
        #: ids of all calls seen; they never leave this process but where Odoo knows them already
        self.seen: set[str] = set()
        self._gate = _Counting(scope, begin, end)
        self._now = begin.timestamp()
        self._held: list[Event] = []
        self._next = _STEP

    @property
    def outside(self) -> int:
        """Calls that may not be recorded."""
        return self._gate.left_out

    def feed(self, event: Event) -> list[Told]:
        """Take the next event of the record.

        :return: calls that are over
        """
        if event.at is None:
            return []
        self.seen.add(event.call)
        before, self._now = self._now, max(self._now, event.at.timestamp())
        if self._now - before > self._gate.settle:
            self._held += self._gate.tick(self._now)
        self._held += self._gate.feed(event, self._now)
        return self._fold() if len(self._held) >= self._next else []

    def finish(self) -> list[Told]:
        """The record has no more.

        :return: the rest of the calls, those that are not over among them
        """
        self._held += self._gate.tick(self._now + LATE)
        return self._fold(everything=True)

    def _fold(self, everything: bool = False) -> list[Told]:
        over, self._held = (self._held, []) if everything else self._parted()
        self._next = len(self._held) + _STEP
        told = []
        for call in fold_all(over, self.scope.site):
            if call.started_at and self.begin <= call.started_at < self.end:
                told.append(Told(call.call_id, call.started_at, call.ended_at, call.talk_s))
        self.calls += len(told)
        return told

    def _parted(self) -> tuple[list[Event], list[Event]]:
        """Events of calls that are over, and of those that are not."""
        over, open_ = [], []
        for group in components(self._held):
            quiet = self._now - max(event.at for event in group).timestamp()
            alive = {event.leg for event in group if event.leg and event.type != "reported"}
            alive -= {event.leg for event in group if event.type == "ended"}
            (over if quiet > OPEN or (quiet > LATE and not alive) else open_).extend(group)
        return over, open_


class Audits:
    """Answers Odoo's questions about the PBX's own record.

    :param history: as in :mod:`lib.history`
    :param scope: gives the scope that holds now, None if there is none yet
    :param ready: says whether all that happened until now is in the spool
    :param pause: waits so many seconds, and returns whether to stop
    :param clock: seconds since 1970
    """

    def __init__(
        self,
        history,
        spool: Spool,
        client,
        notices: Notices,
        scope: Callable[[], Scope | None],
        ready: Callable[[], bool] = lambda: True,
        pause: Callable[[float], bool] = lambda seconds: False,
        clock=time.time,
        backoff: Backoff | None = None,
    ):
        self.history, self.spool, self.client, self.notices = history, spool, client, notices
        self.scope, self.ready, self.pause, self.clock = scope, ready, pause, clock
        self.backoff = backoff or Backoff(5, 600)
        self._answered: set[str] = set()

    def step(self) -> float:
        """Answer what is asked, once.

        :return: seconds to wait before the next step
        """
        scope = self.scope()
        asked = [audit for audit in scope.audits if audit.id not in self._answered] if scope else []
        self._answered &= {audit.id for audit in scope.audits} if scope else set()
        if not asked or not self.ready() or self.spool.waiting > _MOST_WAITING:
            return PAUSE
        try:
            for audit in asked:
                self._answer(scope, audit)
                self._answered.add(audit.id)
        except (NotThere, BadFormat):
            return 300.0  # an older Odoo
        except OdooProblem:
            return self.backoff.next()  # the other side of the bridge has the same trouble, and says so
        self.backoff.reset()
        return PAUSE

    def _answer(self, scope: Scope, audit: Audit) -> None:
        """Tell what the record has of one stretch.

        :raise OdooProblem: it is to be done again, from the start
        """
        said = {"id": audit.id, "run": secrets.token_hex(8)}
        if not self.history.source:
            self._post(**said, problem="none")
            return
        count, piece = Count(scope, audit.begin, audit.end), []
        try:
            for told in self._tell(count, audit):
                if told is None:
                    return  # the bridge stops; it is asked again
                piece += told
                while len(piece) >= PIECE:
                    if self._post(**said, calls=[call.to_dict() for call in piece[:PIECE]]).get("go") is not True:
                        return
                    del piece[:PIECE]
        except HistoryProblem as problem:
            self.notices.say("cel", str(problem), logging.ERROR)
            self._post(**said, problem=str(problem)[:500])
            return
        said["calls"] = [call.to_dict() for call in piece]
        said["total"] = {"calls": count.calls, "outside": count.outside}
        said["source"] = self.history.source
        answer = self._post(**said)
        looked_for = answer.get("look_for")
        if isinstance(looked_for, list) and looked_for:
            # Odoo has calls that are not among ours: they may be there, and be outside the scope by now
            seen = [ref for ref in looked_for if isinstance(ref, str) and ref in count.seen]
            self._post(**{**said, "calls": []}, seen=seen)

    def _tell(self, count: Count, audit: Audit) -> Iterator[list[Told] | None]:
        until = min(audit.end + TAIL, datetime.fromtimestamp(self.clock(), UTC) + timedelta(minutes=5))
        for number, event in enumerate(self.history.since(audit.begin, until)):
            if event.at and event.at > until:
                break
            if number % 500 == 499 and self.pause(0.01):
                yield None
                return
            if told := count.feed(event):
                yield told
        yield count.finish()

    def _post(self, **values) -> dict:
        head = bridge_head(self.spool.id, self.spool.waiting, "", self.clock())
        return self.client.post(AUDIT_PATH, json.dumps({"bridge": head, **values}).encode())
