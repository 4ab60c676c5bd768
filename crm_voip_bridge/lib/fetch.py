"""Reading a stretch of the PBX's own record once more, because Odoo asks for it: an import, or a repair.

Beside the live side and without disturbing it: a gate of its own, some events at a time, and only while hardly
anything waits to be sent, so that a call that rings now is not behind last month's. Odoo gives each stretch to one
bridge. Nothing of it is remembered here: after a restart it begins anew, and what Odoo knows changes nothing.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from .client import FETCH_PATH, OdooProblem, bridge_head
from .events import UTC, Event, format_time
from .history import HistoryProblem
from .notices import Notices, masked
from .scope import Fetch, Gate, Scope
from .spool import Spool

#: events that are looked at in one step, at most
STEP = 500
#: events waiting to be sent with which no more are added
FULL = 1_000
#: seconds between two words about how far it is
TELL = 5.0
#: seconds after which a stretch is asked for again that another bridge has
ELSEWHERE = 60.0
#: seconds that a bridge without a record leaves a stretch to others
AFTER_OTHERS = 180.0
#: calls that began before the end are followed for so long after it
LONGEST = timedelta(hours=12)


class Fetches:
    """Does what the scope asks to be read again, one stretch after the other.

    :param history: as in :mod:`lib.history`
    :param client: an :class:`lib.client.OdooClient`
    :param scope: gives the present :class:`lib.scope.Scope`, None before there is one
    :param clock: seconds since 1970
    """

    def __init__(
        self, history, spool: Spool, client, notices: Notices, scope: Callable[[], Scope | None], clock=time.time
    ):
        self.history, self.spool, self.client = history, spool, client
        self.notices, self.scope, self.clock = notices, scope, clock
        self._work: Iterator[float] | None = None
        self._not_before: dict[str, float] = {}

    def step(self) -> float:
        """Do a bounded piece of what there is to do.

        :return: seconds to wait before the next step
        :raise SpoolProblem: nothing is lost; the stretch begins anew
        """
        scope = self.scope()
        if self._work is None and scope is not None:
            now = self.clock()
            if scope.several and not self.history.source:
                # another bridge may have what this one has not: it goes first
                for fetch in scope.fetches:
                    self._not_before.setdefault(fetch.id, now + AFTER_OTHERS)
            due = [fetch for fetch in scope.fetches if self._not_before.get(fetch.id, 0) <= now]
            if due:
                self._work = self._do(due[0])
        if self._work is None:
            return 1.0
        try:
            return next(self._work)
        except StopIteration:
            self._work = None
            return 0.0
        except BaseException:
            self._work = None
            raise

    def _do(self, fetch: Fetch) -> Iterator[float]:
        if (yield from self._tell(fetch, {"state": "running"})) is not True:
            self._not_before[fetch.id] = self.clock() + ELSEWHERE
            return
        # whatever comes of it: the scope that still names it may be old
        self._not_before[fetch.id] = self.clock() + ELSEWHERE
        reading = _Reading(fetch, self.scope())
        told = self.clock()
        try:
            if not self.history.source:
                raise HistoryProblem(
                    "The bridge knows of no record of this PBX: fill in [cel], or else [cdr], in its configuration"
                )
            for events in reading.events(self.history):
                while self.spool.waiting > FULL:
                    yield 0.2
                if events:
                    self.spool.add(events)
                if self.clock() - told > TELL or self.clock() < told:
                    told = self.clock()
                    if (yield from self._tell(fetch, {"state": "running", **reading.progress})) is not True:
                        return
                reading.follow(self.scope())
                yield 0.0
        except HistoryProblem as problem:
            yield from self._tell(fetch, {"state": "failed", **reading.progress, "reason": masked(str(problem), 400)})
            return
        last = self.spool.last
        while self.spool.sent < last:
            yield 0.2
        yield from self._tell(fetch, {"state": "done", **reading.progress})

    def _tell(self, fetch: Fetch, values: dict):
        """Say how far it is, until Odoo has heard it.

        :return: whether to go on
        """
        while True:
            head = bridge_head(self.spool.id, self.spool.waiting, "connected", self.clock())
            body = json.dumps({"bridge": head, "id": fetch.id, **values}).encode()
            try:
                return self.client.post(FETCH_PATH, body).get("go")
            except OdooProblem:
                yield 10.0  # what is wrong with Odoo, the sender says


class _Reading:
    """One stretch while it is read."""

    def __init__(self, fetch: Fetch, scope: Scope):
        self.fetch = fetch
        self.gate = Gate(scope)
        self.follow(scope)
        self._at = fetch.begin

    def follow(self, scope: Scope) -> None:
        """The scope may change meanwhile: a number that is never to be logged is left out from now on."""
        if scope is not getattr(self, "_scope", None):
            self._scope = scope
            self.gate.set_scope(replace(scope, since={}) if self.fetch.earlier else scope)

    @property
    def progress(self) -> dict:
        return {"calls": self.gate.kept, "at": format_time(self._at)}

    def events(self, history) -> Iterator[list[Event]]:
        """What may be sent, in pieces; some are empty.

        The gate is told the PBX's own time, for that is the one that passes here.
        """
        gate, fetch, out = self.gate, self.fetch, []
        for count, event in enumerate(history.since(fetch.begin), 1):
            if event.at >= fetch.end:
                if event.at > fetch.end + LONGEST or not gate.busy:
                    break
                if not gate.knows(event):
                    continue
            elif event.at < fetch.begin:
                continue  # a row of CDR that ended in the stretch
            self._at = max(self._at, event.at)
            now = self._at.astimezone(UTC).timestamp()
            out += gate.feed(event, now)
            out += gate.tick(now)
            if count % STEP == 0:
                yield out
                out = []
        yield out + gate.tick(self._at.timestamp() + gate.settle)
