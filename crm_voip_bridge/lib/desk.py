"""What Odoo wants of the PBX: commands come, are carried out once and in time, and are answered for.

:class:`Desk` is the brain of it. It is told the time, opens no socket and has no thread; one thread
brings what was fetched (:meth:`Desk.take`) and takes away what became of it, another one owns the PBX's
connection, sends what is due and shows what the PBX says.

What a command may do is decided here once more, whatever Odoo has checked: a number is digits, an
extension is digits, a leg is an id of the PBX's own making. A command that is late is never carried out, nor is
one whose id is known already, also after a restart.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .ami import Block
from .callers import QueueCallers
from .dial import is_dial_string, shown_name
from .notices import masked
from .spool import SpoolProblem

#: seconds for which the own phone rings
RING = 30
#: seconds after which the PBX will say no more of a command
PATIENCE = RING + 15
#: commands that are kept at most, and results
MOST = 200
#: highest priority of a waiting caller
HIGHEST = 1_000_000

#: before the id of a command, in ActionID and in the id of the channel that it makes
MARK = "odoo-"
_IDENT = re.compile(r"[0-9a-f]{8,64}")
_EXTENSION = re.compile(r"[0-9]{1,15}")
#: no slash: Asterisk takes a Channel between slashes for a pattern of many
_LEG = re.compile(r"[A-Za-z0-9_.:;@+\-]{1,150}")
#: Reason of OriginateResponse: the last that was heard of the own phone. Asterisk 22 says 0 whenever the phone answered
#: with anything but ringing; why is in the cause of the hang-up, just before or after, if there was a channel at all
_REASONS = {"1": "declined", "3": "unanswered", "5": "busy"}
#: Q.850
_CAUSES = {"17": "busy", "18": "unanswered", "19": "unanswered", "21": "declined"}
#: seconds to wait for that hang-up
AFTERWORD = 0.5
_ERRORS = (
    ("permission denied", "rights"),
    ("extension does not exist", "extension"),
    ("no such channel", "gone"),
    ("no such caller", "gone"),
    ("no such queue", "gone"),
    ("does not exist", "gone"),
    ("not permitted", "transfer"),
    ("transfer", "transfer"),
)


@dataclass(frozen=True)
class Action:
    """What to send to the PBX; ``ident`` is its ActionID."""

    ident: str
    name: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class _Command:
    ident: str
    kind: str
    args: Mapping
    until: float


class Desk:
    """Commands between Odoo and one PBX.

    :param remember: told an id before its command is carried out; false if it was told it before
    :param channel: the phone of ``{extension}``, as ``PJSIP/{extension}``
    :param context: of the dialplan, where numbers are dialled
    :param arrived: called when there is something to carry out
    :param answered: called when there is something to tell Odoo
    """

    def __init__(
        self,
        remember: Callable[[str], bool],
        channel: str = "PJSIP/{extension}",
        context: str = "from-internal",
        arrived: Callable = lambda: None,
        answered: Callable = lambda: None,
    ):
        self.remember, self.channel, self.context = remember, channel, context
        self.arrived, self.answered = arrived, answered
        #: whether there is a PBX to give commands to
        self.connected = False
        self._lock = threading.Lock()
        self._waiting: deque[_Command] = deque()
        self._running: dict[str, tuple[str, float]] = {}  # id -> kind, when it was sent
        self._failed: dict[str, float] = {}  # id -> when that was said, while nobody said why
        self._causes: dict[str, str] = {}  # id -> why, while nobody said that it failed
        self._results: list[dict] = []
        self._callers = QueueCallers()

    # --- Odoo's side ---

    def take(self, items, asked: float) -> None:
        """What Odoo answered with.

        :param items: ``[{"id", "kind", "args", "expires_in"}, …]`` as it came
        :param asked: when it was asked (monotonic): time counts from then, so nobody's clock matters
        """
        for item in items if isinstance(items, list) else ():
            command = _read(item, asked)
            if command is None:
                continue
            if not self.connected:
                self._answer(command.ident, "refused", "pbx")
                continue
            with self._lock:
                if len(self._waiting) < MOST:
                    self._waiting.append(command)
            self.arrived()

    def results(self) -> list[dict]:
        """What became of commands and was not told yet, as Odoo wants it."""
        with self._lock:
            return list(self._results)

    def told(self, count: int) -> None:
        """Odoo knows the first so many of :meth:`results`."""
        with self._lock:
            del self._results[:count]

    # --- the PBX's side ---

    def due(self, now: float) -> Iterator[Action]:
        """What to send now."""
        for ident, (_kind, since) in list(self._running.items()):
            if now - since > PATIENCE:
                self._finish(ident, "refused", "silent")
        for ident, since in list(self._failed.items()):
            if now - since > AFTERWORD:
                self._finish(ident, "refused", "unreachable")
        while self._waiting:
            with self._lock:
                command = self._waiting.popleft()
            if action := self._begin(command, now):
                yield action

    def see(self, block: Block, now: float) -> None:
        """What the PBX says; most is about something else."""
        self._callers.see(block)
        if not self._running:
            return
        event = block.get("event", "").lower()
        ours = block.get("uniqueid" if event == "hangup" else "actionid", "")
        ident = ours.removeprefix(MARK)
        running = self._running.get(ident)
        if running is None or ident == ours:
            return
        good = block.get("response", "").lower() == "success"
        if event == "originateresponse":
            reason = _REASONS.get(block.get("reason", "")) or self._causes.get(ident)
            if good or reason:
                self._finish(ident, "done" if good else "refused", "" if good else reason)
            else:
                self._failed[ident] = now
        elif event == "hangup":
            cause = _CAUSES.get(block.get("cause", ""), "unreachable")
            if ident in self._failed:
                self._finish(ident, "refused", cause)
            else:
                self._causes[ident] = cause
        elif not event and "response" in block:
            if not good:
                self._finish(ident, "refused", _error(block.get("message", "")))
            elif running[0] == "dial":
                self._answer(ident, "accepted", "")
            else:
                self._finish(ident, "done", "")

    def lost(self) -> None:
        """The connection to the PBX is gone, and nobody will say what became of what was sent."""
        self.connected = False
        self._callers.forget()
        with self._lock:
            waiting, self._waiting = [command.ident for command in self._waiting], deque()
        for ident in waiting:
            self._answer(ident, "refused", "pbx")
        for ident in list(self._running):
            self._finish(ident, "refused", "lost")

    # --- inside ---

    def _begin(self, command: _Command, now: float) -> Action | None:
        if not now < command.until:  # also where that is no number
            self._answer(command.ident, "expired", "")
            return None
        if command.kind == "queue_priority" and not self._callers.place(command.args.get("leg")):
            self._answer(command.ident, "refused", "gone")  # served, or given up, meanwhile
            return None
        made = self._action(command)
        if made is None:
            self._answer(command.ident, "refused", "format")
            return None
        try:
            if not self.remember(command.ident):
                return None  # it was carried out, and that was told
        except SpoolProblem:
            self._answer(command.ident, "refused", "spool")
            return None
        self._running[command.ident] = command.kind, now
        name, fields = made
        return Action(MARK + command.ident, name, fields)

    def _action(self, command: _Command) -> tuple[str, dict[str, str]] | None:
        """Name and fields of what AMI is asked for, None if that would not be safe."""
        number, leg = command.args.get("number"), command.args.get("leg")
        extension = command.args.get("extension")
        if command.kind == "dial":
            if not is_dial_string(number) or not _fits(_EXTENSION, extension):
                return None
            # The name, not the number: dialplans find out by the number whose phone it is.
            name = shown_name(command.args.get("name")) or number
            return "Originate", {
                "Channel": self.channel.replace("{extension}", extension),
                "Context": self.context,
                "Exten": number,
                "Priority": "1",
                "Async": "true",
                "Timeout": str(RING * 1000),
                "ChannelId": MARK + command.ident,
                "CallerID": f'"{name}" <{extension}>',
            }
        if not _fits(_LEG, leg):
            return None
        if command.kind == "queue_priority":
            priority, place = command.args.get("priority"), self._callers.place(leg)
            if place is None or type(priority) is not int or not 0 <= priority <= HIGHEST:
                return None
            fields = {"Queue": place[0], "Caller": place[1], "Priority": str(priority), "Immediate": "yes"}
            return "QueueChangePriorityCaller", fields
        if command.kind == "hangup":
            return "Hangup", {"Channel": leg}
        if command.kind == "transfer" and is_dial_string(number):
            return "BlindTransfer", {"Channel": leg, "Context": self.context, "Exten": number}
        return None

    def _finish(self, ident: str, state: str, reason: str) -> None:
        self._running.pop(ident, None)
        self._failed.pop(ident, None)
        self._causes.pop(ident, None)
        self._answer(ident, state, reason)

    def _answer(self, ident: str, state: str, reason: str) -> None:
        with self._lock:
            if len(self._results) < MOST:
                self._results.append({"id": ident, "state": state, "reason": reason})
        self.answered()


def _read(item, asked: float) -> _Command | None:
    if not isinstance(item, Mapping) or not _fits(_IDENT, item.get("id")):
        return None
    kind, args, seconds = item.get("kind"), item.get("args"), item.get("expires_in")
    if not isinstance(kind, str) or not isinstance(args, Mapping):
        kind, args = "", {}
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        seconds = 0
    return _Command(item["id"], kind, args, asked + min(seconds, 60))


def _fits(pattern: re.Pattern, text) -> bool:
    return isinstance(text, str) and bool(pattern.fullmatch(text))


def _error(message: str) -> str:
    """A word for what the PBX says, or what it says, without what could be somebody's number."""
    low = message.lower()
    return next((word for text, word in _ERRORS if text in low), masked(message, 100) or "pbx")
