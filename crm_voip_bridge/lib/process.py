"""The bridge as it runs: one side reads the PBX, the other speaks to Odoo, the spool is between.

:class:`Intake` and :class:`Sender` are the brains: told the time, no sockets, no threads.
:class:`Bridge` gives each a thread, a connection and a back-off. What happens when:

* The PBX goes away: back-off; after it is back, its history since the last settled moment passes the gate
  before anything new does. The same at every start, so that kill -9 loses nothing that the
  history still knows. A history that cannot be read now is read later; nothing counts as settled until then.
* Odoo asks for a stretch of the past: :mod:`lib.fetch` reads it beside all this.
* Odoo goes away: back-off; events wait in the spool.
* No scope from Odoo yet: events wait in memory, a bounded number; nothing is written.
* The disk is full: nothing is read from the PBX until there is room.
* Odoo wants something of the PBX (a click to call, a transfer): its websocket wakes the commands' thread, or that one
  asks every other second; the PBX's thread carries it out at once.
* Wrong passwords, before anything ever worked: the process ends with a status that tells
  systemd not to try again. Later: it waits, for what worked once may work again.
"""

import contextlib
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from .ami import AmiEvents, Block
from .audit import Audits
from .backoff import Backoff
from .client import (
    COMMANDS_PATH,
    EVENTS_PATH,
    SCOPE_PATH,
    BadFormat,
    NotThere,
    OdooProblem,
    Refused,
    TooLarge,
    bridge_head,
    events_body,
)
from .desk import Desk
from .events import UTC, Event, parse_time
from .fetch import Fetches
from .history import HistoryProblem
from .manager import PbxProblem
from .notices import Notices, masked
from .queues import QueueMembers
from .recordings import Uploads
from .scope import BadScope, Gate, Scope
from .signature import TOLERANCE
from .spool import Spool, SpoolProblem
from .wake import Bell, WakeProblem

#: exit statuses, as in sysexits.h
EX_SOFTWARE, EX_IOERR, EX_CONFIG = 70, 74, 78

#: seconds that events gather before they are written
GATHER = 0.03
#: seconds between signs of life to Odoo
HEARTBEAT = 60.0
#: history is read from a bit before what was settled: its clock differs from AMI's, and its rows come late
OVERLAP = timedelta(minutes=2)
#: seconds after a login in which the last rows before it may still be written
LATE_ROWS = 0.5
#: seconds after which a history that could not be read, or has more to tell, is read again
READ_AGAIN = 60.0
MOST_EVENTS = 500
#: seconds between two questions for commands: without a websocket, with one, and where nobody may give any
ASK, ASK_AWAKE, ASK_IDLE = 2.0, 30.0, 10.0
#: events that wait in memory while there is no scope
MOST_HELD = 20_000
#: seconds after which the PBX is asked once more who serves its queues: a reload of them says nothing
QUEUES_AGAIN = 300.0
#: seconds into the past of which calls may still go on after a restart
OPEN_CALLS = 24 * 3600


class Intake:
    """From the PBX's events to the spool: gate, gathering, and the moment up to which all is settled.

    Until :meth:`open` was called with a scope, events are held in memory.

    :param now: of the methods: seconds, monotonic
    :param clock: seconds since 1970
    """

    def __init__(self, spool: Spool, most_held: int = MOST_HELD, clock=time.time):
        self.spool, self.clock = spool, clock
        self.gate: Gate | None = None
        self.ready = False
        #: whether the history since then could not be read: until it is, nothing later counts as settled
        self.gap = False
        #: whether there is a folder from which recordings can be sent
        self.keeps_sound = False
        #: events that were held too long for a scope, and given up
        self.lost = 0
        self.unsaved: list[Event] = []
        self._unsaved_since = 0.0
        self._held: deque[Event] = deque()
        self._most_held = most_held
        self._latest: datetime | None = None
        #: PBX time before which everything is decided and saved, None in a new spool
        self.settled = spool.settled

    def set_scope(self, scope: Scope, now: float) -> None:
        """Odoo's scope, the first or a new one."""
        if self.gate is not None:
            self.gate.set_scope(scope)
            return
        self.gate = Gate(scope)
        self.gate.counted_until = self.spool.counted_until
        for event in self.spool.recent(OPEN_CALLS):
            self.gate.restore(event, now)

    def take(self, event: Event, now: float) -> None:
        """Something that the PBX says now."""
        if self.ready:
            self._pass(event, now)
            return
        if len(self._held) >= self._most_held:
            self._held.popleft()
            self.lost += 1
        self._held.append(event)

    def pause(self) -> None:
        """The PBX is gone: what comes next waits until its history was read."""
        self.ready = False

    def history(self, events: Iterator[Event], heard: datetime | None, now: float) -> Iterator[None]:
        """Take what the PBX wrote down, then what was held.

        :param heard: PBX time since when somebody listens again, None if somebody did all the time
        :return: an iterator that must be driven to its end; each step takes a bounded time
        :raise SpoolProblem: the rest was not taken
        """
        self.gate.history_begins()
        if heard:
            self._keep(self.gate.unheard(heard, now), now)
        for count, event in enumerate(events, 1):
            self._pass(event, now)
            if count % 500 == 0:
                self.save()
                yield
        while self._held:
            self._pass(self._held.popleft(), now)
        self.ready = True

    def absent(self, legs: set[str], asked: float, now: float) -> None:
        """These channels exist at the PBX, and no others: see :meth:`lib.scope.Gate.absent`."""
        self._keep(self.gate.absent(legs, asked, now), now)

    def tick(self, now: float) -> bool:
        """Decide and save what is due. Call it several times a second.

        :return: whether something was saved
        :raise SpoolProblem: nothing was saved, everything is still here
        """
        if self.gate is None:
            return False
        self._keep(self.gate.tick(now), now)
        if self.unsaved:
            if now - self._unsaved_since < GATHER and len(self.unsaved) < 2000:
                return False
        elif not self.gate.outside and not self._minute_passed():
            return False
        self.save()
        return True

    def save(self) -> None:
        """Write what passed the gate, all or nothing.

        :raise SpoolProblem: nothing was written, everything is still here
        """
        if self.gate is None:
            return
        settled = self._settles()
        outside = self.gate.outside
        withheld = frozenset(self.gate.mixed)
        self.spool.add(self.unsaved, settled, outside, self.gate.counted_until, self._sounds(), withheld)
        self.gate.mixed -= withheld
        self.unsaved = []
        self.settled = settled
        self.gate.outside_saved(outside)

    def _sounds(self) -> list[Event]:
        """Of what is to be saved, the recordings that Odoo is to have."""
        if not (self.keeps_sound and self.gate.scope.recordings):
            return []
        return [event for event in self.unsaved if event.type == "recorded" and not self.gate.is_mixed(event.call)]

    def begin(self, moment: datetime) -> None:
        """Nothing before this PBX time is wanted.

        :raise SpoolProblem: it could not be written
        """
        self.spool.begin(moment)
        self.settled = moment

    def _pass(self, event: Event, now: float) -> None:
        # a time in the future is a wrong one, and would keep history from ever being read again
        if event.at and (self._latest is None or event.at > self._latest) and event.at < self._tomorrow():
            self._latest = event.at
        self._keep(self.gate.feed(event, now), now)

    def _tomorrow(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC) + timedelta(days=1)

    def _keep(self, events: list[Event], now: float) -> None:
        if events:
            if not self.unsaved:
                self._unsaved_since = now
            self.unsaved += events

    def _settles(self) -> datetime | None:
        """The settled moment; it never goes back, although history is read again from before it."""
        if self.gap:
            return self.settled
        settled = self.gate.since or self._latest
        return max(settled, self.settled) if settled and self.settled else settled or self.settled

    def _minute_passed(self) -> bool:
        settled = self._settles()
        return bool(settled and (self.settled is None or settled - self.settled >= timedelta(minutes=1)))


class Sender:
    """From the spool to Odoo: scope, batches, signs of life.

    :param client: an :class:`lib.client.OdooClient`
    :param clock: seconds since 1970
    """

    def __init__(self, spool: Spool, client, notices: Notices, clock=time.time, backoff: Backoff | None = None):
        self.spool, self.client, self.notices, self.clock = spool, client, notices, clock
        self.backoff = backoff or Backoff(1, 120)
        self.scope: Scope | None = None
        #: whether Odoo has ever accepted a request of this process
        self.greeted = False
        #: the configuration is wrong: the process should end
        self.hopeless = False
        #: set by the PBX's side: "connected", "connecting" or what is wrong
        self.pbx = "connecting"
        self.discovered: frozenset[str] = frozenset()
        #: called when an answer says that commands wait
        self.on_commands: Callable = lambda: None
        #: who serves which queue, None before the PBX said so
        self.queues: dict[str, list[str]] | None = None
        self._stale = False
        self._most = MOST_EVENTS
        self._told = None
        self._told_at = float("-inf")

    def step(self) -> float:
        """Do what is due, once.

        :return: seconds to wait before the next step, unless events come; 0: there is more to do
        """
        try:
            if self.scope is None or self._stale:
                self._fetch_scope()
            more = self._send()
        except (OdooProblem, BadScope) as problem:
            self.notices.say(getattr(problem, "topic", "odoo.scope"), str(problem), logging.ERROR)
            off = abs(self.client.clock_off or 0)
            self.hopeless = isinstance(problem, Refused) and not self.greeted and off < TOLERANCE / 2
            return self.backoff.next()
        self.greeted = True
        self.backoff.reset()
        self.notices.over("odoo", "Odoo answers and accepts")
        self._watch_clock()
        return 0.0 if more else 1.0

    @property
    def failing(self) -> bool:
        """Whether the last step had to back off: events that come must not hurry the next."""
        return self.backoff.waiting

    def _fetch_scope(self) -> None:
        body = json.dumps({"bridge": self.head()}).encode()
        scope = Scope.from_answer(self.client.post(SCOPE_PATH, body))
        # the version that Odoo is told from now on says that this is done
        if scope.forgotten and self.spool.forget(scope.forgotten_state, scope.recalls):
            self.notices.say("spool.forgotten", "What was kept of people who are forgotten is deleted", logging.INFO)
        self.scope, self._stale = scope, False

    def _send(self) -> bool:
        batch = self.spool.batch(self._most)
        outside = self.spool.outside()
        queues = self.queues
        news = (self.pbx, self.discovered, tuple(outside.items()), queues)
        now = self.clock()
        since = now - self._told_at
        if batch is None and (since < 1 or (news == self._told and 0 <= since < HEARTBEAT)):
            return False
        texts = batch.texts if batch else []
        # who serves the queues is said when it changes, and with signs of life; batches need not carry it
        again = batch is None or self._told is None or queues != self._told[-1]
        last = batch.last if batch else self.spool.sent
        body = events_body(
            self.head(len(texts)),
            texts,
            self.scope.version,
            self.discovered,
            outside,
            queues if again else None,
            (self.spool.told, last),
        )
        try:
            answer = self.client.post(EVENTS_PATH, body)
        except (TooLarge, BadFormat) as problem:
            if batch is None:
                raise
            self._divide(batch, problem)
            return True
        self._told, self._told_at = news, now
        if batch:
            self._most = min(MOST_EVENTS, self._most * 2)
        self._compare(answer.get("last"), last)
        refused = answer.get("refused")
        if refused and isinstance(refused, list):
            first = refused[0].get("reason") if isinstance(refused[0], dict) else ""
            self.notices.say(
                "events.refused",
                f"Odoo cannot use {len(refused)} events ({masked(first or '', 80)}); it keeps them on the PBX's form",
            )
        self._stale = answer.get("scope") != self.scope.version
        if answer.get("commands") is True:
            self.on_commands()
        return self.spool.waiting > 0

    def _compare(self, known, last: int) -> None:
        """Go on behind what Odoo knows.

        :param known: the place that it names, None by an older Odoo
        :param last: the place up to which it was told all
        """
        if not isinstance(known, int) or isinstance(known, bool) or known < 0:
            known = last
        if known < last:
            again = self.spool.step_back(known)
            self.notices.say(
                "odoo.restored",
                f"Odoo knows less than before, as after the restore of a backup: {again} events are sent again"
                + (", and the PBX's history is read for what is not kept" if self.spool.behind else ""),
            )
        elif last != self.spool.sent:
            self.spool.acknowledge(last)
        if known > self.spool.last:
            self.spool.go_on_from(known)

    def _divide(self, batch, problem: OdooProblem) -> None:
        """Send less at once. The one event that cannot be sent is set aside and blocks nobody."""
        count = len(batch.texts)
        if count > 1:
            self._most = count // 2
            return
        if isinstance(problem, BadFormat):
            # is it the event, or would Odoo understand nothing that we say?
            self.client.post(EVENTS_PATH, events_body(self.head(), [], self.scope.version))
        self.spool.set_aside(batch.first, problem.topic.rpartition(".")[2])
        self._most = MOST_EVENTS
        self.notices.say(
            "events.aside",
            f"An event is set aside, because Odoo does not take it ({problem.topic.rpartition('.')[2]}); "
            "the command check counts them",
        )

    def head(self, sent: int = 0) -> dict:
        """What is said of the bridge; ``sent`` events come along, and will not wait any more."""
        return bridge_head(self.spool.id, self.spool.waiting - sent, self.pbx, self.clock())

    def _watch_clock(self) -> None:
        off = self.client.clock_off or 0.0
        if abs(off) > 20:
            self.notices.say(
                "clock",
                f"This machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Odoo's; at {TOLERANCE} s "
                "Odoo refuses everything: set the time (timedatectl set-ntp true)",
            )
        else:
            self.notices.over("clock", "The clocks agree again")


class Errands:
    """Fetches what Odoo wants of the PBX, and tells what became of it.

    :param sender: the other one who speaks to Odoo, and says what is wrong with it
    :param clock: seconds, monotonic
    """

    def __init__(self, desk: Desk, sender: Sender, clock=time.monotonic, backoff: Backoff | None = None):
        self.desk, self.sender, self.clock = desk, sender, clock
        self.backoff = backoff or Backoff(ASK, 60)
        self._failures = 0

    def step(self, awake: bool) -> float:
        """Ask once.

        :param awake: whether a websocket would wake us
        :return: seconds after which to ask again, unless something happens
        """
        if not self.sender.greeted:
            return 0.2
        results, asked = self.desk.results(), self.clock()
        body = json.dumps({"bridge": self.sender.head(), "results": results}).encode()
        try:
            answer = self.sender.client.post(COMMANDS_PATH, body)
        except NotThere:
            return 300.0  # an older Odoo gives no commands
        except OdooProblem as problem:
            self._failures += 1
            # what the sender meets as well, it says
            if self._failures > 2 and not self.sender.failing:
                self.sender.notices.say("commands", f"No click to call: {problem}")
            return self.backoff.next()
        self._failures = 0
        self.backoff.reset()
        self.sender.notices.over("commands", "Odoo gives commands again")
        self.desk.told(len(results))
        self.desk.take(answer.get("commands"), asked)
        if awake:
            return ASK_AWAKE
        return ASK_IDLE if answer.get("idle") is True else ASK


class Bridge:
    """Runs both sides until stopped.

    :param connect: gives a new :class:`lib.manager.Manager`, or raises :class:`~lib.manager.PbxProblem`
    :param history: as in :mod:`lib.history`
    :param server: tells several Asterisks of one PBX apart
    :param wake: gives a new :class:`lib.wake.Wake`, or raises :class:`~lib.wake.WakeProblem`; None to do without
    :param dialling: ``channel`` and ``context`` of :class:`lib.desk.Desk`
    :param recordings: the folder with the PBX's recordings, "" if none are to be sent
    """

    def __init__(
        self,
        spool: Spool,
        client,
        connect: Callable,
        history,
        server: str = "",
        notices: Notices | None = None,
        clock=time.monotonic,
        wake: Callable | None = None,
        dialling: Mapping[str, str] | None = None,
        recordings: str = "",
    ):
        self.spool, self.connect, self.history, self.wake = spool, connect, history, wake
        self.notices, self.clock = notices or Notices(), clock
        self.intake = Intake(spool)
        self.sender = Sender(spool, client, self.notices)
        self.uploads = None
        if recordings:
            self.intake.keeps_sound = True
            self.uploads = Uploads(recordings, spool, client, self.notices, lambda: self.sender.scope)
        self.fetches = Fetches(history, spool, client, self.notices, lambda: self.sender.scope)
        self.server = server
        self.status = 0
        self._stop, self._wake, self._errand = threading.Event(), threading.Event(), threading.Event()
        self.audits = Audits(
            history,
            spool,
            client,
            self.notices,
            lambda: self.sender.scope,
            lambda: self.intake.ready and not spool.behind,
            self._stop.wait,
        )
        self._bell = Bell()
        self.desk = Desk(spool.begin_command, **(dialling or {}), arrived=self._bell.ring, answered=self._errand.set)
        self.errands = Errands(self.desk, self.sender, clock)
        self.sender.on_commands = self._errand.set
        #: whether Odoo's websocket wakes us
        self.awake = False
        self._threads: list[threading.Thread] = []
        self._connected_once = False
        self._again_at = float("-inf")
        self._queues = QueueMembers()

    def start(self) -> None:
        sides = [("pbx", self._read_pbx), ("odoo", self._speak_to_odoo), ("commands", self._run_errands)]
        sides.append(("audit", self._answer_audits))
        sides.append(("fetch", self._fetch))
        if self.wake:
            sides.append(("wake", self._listen_to_odoo))
        if self.uploads:
            sides.append(("recordings", self._send_recordings))
        for name, side in sides:
            thread = threading.Thread(target=self._guarded, args=(side,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def running(self) -> bool:
        return not self._stop.is_set()

    def stop(self) -> int:
        """Save what is in memory, and end.

        :return: the process's exit status
        """
        self._stop.set()
        self._wake.set()
        self._errand.set()
        # a request under way may last; the spool knows what was not acknowledged
        for thread, patience in zip(self._threads, (10, 3, 3, 3, 3, 3), strict=False):
            thread.join(patience)
        return self.status

    def _fail(self, status: int) -> None:
        self.status = self.status or status
        self._stop.set()
        self._wake.set()
        self._errand.set()

    def _guarded(self, side: Callable) -> None:
        try:
            side()
        except Exception as error:  # a process with one side only would look alive
            trace = error.__traceback__
            while trace.tb_next:
                trace = trace.tb_next
            # the message could hold somebody's number, the place cannot
            self.notices.log.critical(
                "Stopped by a programming error: %s in %s, line %s",
                type(error).__name__,
                trace.tb_frame.f_code.co_name,
                trace.tb_lineno,
            )
            self._fail(EX_SOFTWARE)

    # --- the PBX's side ---

    def _read_pbx(self) -> None:
        backoff = Backoff(1, 60)
        while self.running:
            began = self.clock()
            try:
                self.intake.save()  # nothing is read while nothing can be kept
                self.notices.over("spool", "The spool can be written again")
                with contextlib.closing(self.connect()) as link:
                    self._connected_once = True
                    self._listen(link)
            except PbxProblem as problem:
                self.sender.pbx = str(problem)
                self.notices.say(problem.topic, str(problem), logging.ERROR)
                if problem.config and not self._connected_once:
                    self._fail(EX_CONFIG)
            except SpoolProblem as problem:
                self.sender.pbx = "the spool cannot be written"
                self.notices.say("spool", str(problem), logging.ERROR)
                if not problem.full:
                    self._fail(EX_IOERR)
            self.desk.lost()
            self.intake.pause()
            if self.clock() - began > 60:
                backoff.reset()
            self._stop.wait(backoff.next())
        try:
            self.intake.save()
        except SpoolProblem as problem:
            self.notices.say("spool.last", str(problem), logging.ERROR)
            self._fail(EX_IOERR)

    def _listen(self, link) -> None:
        """Read one session to its end."""
        maker, intake = AmiEvents(self.server), self.intake
        self.sender.pbx = "connected"
        self.notices.over("pbx", "The PBX is connected")
        began, told_lost = self.clock(), 0
        channels, asked = _Channels(), self.clock()
        self._queues, asked_queues = QueueMembers(), self.clock()
        read_again = float("inf")
        link.send("CoreShowChannels")
        self.desk.connected = True
        link.send("QueueStatus")
        while self.running:
            self._carry_out(link)
            if not intake.ready and self._take_scope() and self.clock() - began > LATE_ROWS:
                self._catch_up(link, maker, channels)
                read_again = self.clock() + READ_AGAIN
            elif intake.gap and self.clock() > read_again:
                intake.pause()
                self._catch_up(link, maker, channels, listening=True)
                read_again = self.clock() + READ_AGAIN
            self._take_scope()
            for block in link.read(GATHER if intake.unsaved else 0.2, self._bell):
                self._take(block, maker, channels)
            now = self.clock()
            if now - asked_queues > QUEUES_AGAIN:
                asked_queues = now
                link.send("QueueStatus")
            if channels.complete and intake.ready:
                intake.absent(channels.take(), asked, now)
            if intake.tick(now):
                self._wake.set()
            if intake.lost != told_lost:
                told_lost = intake.lost
                self.notices.say(
                    "intake.lost",
                    f"Odoo has not said yet what may be recorded, and {told_lost} events were too many to wait in memory: "
                    "with [cel] file they are read again",
                )
            if intake.ready and self.spool.behind and now >= self._again_at:
                self._read_again(link, maker, channels, self.spool.behind)
            self._tell_gate()
            if intake.gate is not None and self._queues.complete:
                self.sender.queues = self._queues.served(intake.gate.scope)

    def _take(self, block: Block, maker: AmiEvents, channels: "_Channels") -> None:
        for event in maker.events(block):
            if event.at is None:
                raise PbxProblem(
                    "pbx.times",
                    "The PBX's events have no time: set timestampevents = yes in the [general] section of manager.conf "
                    "and reload (asterisk -rx 'manager reload')",
                )
            self.intake.take(event, self.clock())
        channels.see(block)
        self.desk.see(block, self.clock())
        self._queues.see(block)

    def _carry_out(self, link) -> None:
        """Give the PBX the commands that have come."""
        for action in self.desk.due(self.clock()):
            link.send(action.name, action.ident, **action.fields)

    def _take_scope(self) -> bool:
        """Hand a new scope to the gate.

        :return: whether there is any
        """
        scope, gate = self.sender.scope, self.intake.gate
        if scope is not None and (gate is None or gate.scope is not scope):
            self.intake.set_scope(scope, self.clock())
        return scope is not None

    def _catch_up(self, link, maker: AmiEvents, channels: "_Channels", listening: bool = False) -> None:
        """What happened while nobody listened; the session is read on meanwhile.

        :param listening: it could not be read before, and the session went on without it
        """
        heard = None if listening else parse_time(link.ask("Ping").get("timestamp")) or datetime.now(UTC)
        if self.spool.begun is None:
            # a new spool: the past is not its business, what comes from now on is, by the PBX's clock
            self.intake.begin(heard)
            events = iter(())
        else:
            events = self.history.since(max(self.intake.settled - OVERLAP, self.spool.begun))
        done = self._read_history(link, maker, channels, events, heard)
        if done is not None:
            self.intake.gap = not done
        if done is False:
            for _step in self.intake.history(iter(()), None, self.clock()):
                pass

    def _read_again(self, link, maker: AmiEvents, channels: "_Channels", behind: datetime) -> None:
        """Odoo was restored from a backup that is older than what the spool keeps: the PBX's history has the rest."""
        since = max(behind - OVERLAP, self.spool.begun or behind)
        done = self._read_history(link, maker, channels, self.history.since(since))
        if done:
            self.intake.save()
            self.spool.caught_up(behind)
        elif done is False:
            self._again_at = self.clock() + READ_AGAIN

    def _read_history(self, link, maker: AmiEvents, channels: "_Channels", events, heard=None) -> bool | None:
        """Read what the PBX wrote down, and what it says meanwhile.

        :param heard: as in :meth:`Intake.history`
        :return: whether it could be read, None if the bridge is to end before
        """
        try:
            for _step in self.intake.history(events, heard, self.clock()):
                for block in link.read(0):
                    self._take(block, maker, channels)
                self._carry_out(link)
                if not self.running:
                    return None
        except HistoryProblem as problem:
            self.notices.say("history", str(problem), logging.ERROR)
            return False
        self.notices.over("history", "The PBX's history can be read again")
        return True

    def _tell_gate(self) -> None:
        gate = self.intake.gate
        if gate is None:
            return
        if len(gate.discovered) != len(self.sender.discovered) or gate.discovered != self.sender.discovered:
            self.sender.discovered = frozenset(gate.discovered)
        if gate.overdue:
            self.notices.say(
                "gate.overdue",
                f"{gate.overdue} calls were given up: nobody could tell for hours whether they may be recorded",
            )
            gate.overdue = 0
        if gate.headless:
            self.notices.say(
                "gate.headless",
                f"{gate.headless} calls are left out: they began before the bridge listened, and no history tells how",
                logging.INFO,
            )
            gate.headless = 0
            # a row of CDR is written when a call is over: now, this one's is there
            self.intake.gap |= self.history.source == "cdr"

    # --- Odoo's side ---

    def _speak_to_odoo(self) -> None:
        purged = float("-inf")
        while self.running:
            try:
                wait = self.sender.step()
                if self.clock() - purged > 3600:
                    self.spool.purge()
                    purged = self.clock()
            except SpoolProblem as problem:
                self.notices.say("spool", str(problem), logging.ERROR)
                wait = 30.0
            if self.sender.hopeless:
                self._fail(EX_CONFIG)
            if self.sender.failing:
                self._stop.wait(wait)
            elif wait:
                self._wake.wait(wait)
            self._wake.clear()

    def _send_recordings(self) -> None:
        while self.running:
            try:
                wait = self.uploads.step()
            except SpoolProblem as problem:
                self.notices.say("spool", str(problem), logging.ERROR)
                wait = 30.0
            self._stop.wait(wait)

    def _answer_audits(self) -> None:
        while self.running:
            self._stop.wait(self.audits.step())

    def _fetch(self) -> None:
        while self.running:
            try:
                wait = self.fetches.step()
            except SpoolProblem as problem:
                self.notices.say("spool", str(problem), logging.ERROR)
                wait = 30.0
            if wait:
                self._stop.wait(wait)

    def _run_errands(self) -> None:
        while self.running:
            self._errand.wait(self.errands.step(self.awake))
            self._errand.clear()

    def _listen_to_odoo(self) -> None:
        """Keep a websocket, whose word ends the wait for the next errand."""
        backoff = Backoff(1, 120)
        while self.running:
            if not self.sender.greeted:
                self._stop.wait(0.2)
                continue
            began = self.clock()
            try:
                with contextlib.closing(self.wake()) as line:
                    self.awake = True
                    self.notices.over("wake", "Odoo's websocket wakes the bridge again")
                    self._errand.set()  # what came before we listened
                    while self.running:
                        if line.wait():
                            self._errand.set()
            except WakeProblem as problem:
                self.awake = False
                self._errand.set()
                lasted = self.clock() - began
                if lasted > 60:
                    backoff.reset()  # it closes by itself now and then
                else:
                    self.notices.say(
                        "wake",
                        f"No websocket with Odoo ({problem}): a click to call takes up to {ASK:.0f} s. Behind a proxy, pass "
                        "/websocket on to Odoo's evented port, or name its address in [odoo] websocket",
                        logging.INFO,
                    )
                self._stop.wait(backoff.next())


class _Channels:
    """The PBX's answer to CoreShowChannels, as far as it has come."""

    def __init__(self):
        self.complete = False
        self._legs: set[str] = set()

    def see(self, block: Block) -> None:
        name = block.get("event", "").lower()
        if name == "coreshowchannel":
            self._legs.add(block.get("uniqueid", ""))
        elif name == "coreshowchannelscomplete":
            self.complete = True

    def take(self) -> set[str]:
        self.complete = False
        return self._legs
