"""A call that is over, told as a whole, becomes the events that it must have had.

Many providers say nothing until a call ends, and then give some times and a result. Made into events, it
passes the same gate and the same fold as a call that was heard live. What the report does not tell is not
guessed: the event ``untold`` names the parts of the call's time that stay empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..events import Event, event_id, format_time
from ..tracks import REPORT
from .base import BadBody, line, phone

DIRECTIONS = ("inbound", "outbound", "internal")
RESULTS = ("answered", "missed", "abandoned", "busy", "failed", "voicemail", "machine")
#: why a phone that rang did not take the call -> what calling it ended with, and the cause (Q.850) of its end
_OUTCOMES = {
    "no_answer": ("NOANSWER", 16),
    "busy": ("BUSY", 17),
    "declined": ("NOANSWER", 21),
    "cancelled": ("CANCEL", 16),
    "elsewhere": ("CANCEL", 26),
    "failed": ("CHANUNAVAIL", 3),
}
#: likewise of a call as a whole
_RESULTS = {"missed": "no_answer", "busy": "busy", "failed": "failed"}
_LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class Phone:
    """A phone of ours in the call.

    :param number: what it is called at the PBX
    :param offered_at: when it began to ring, None where not told
    :param answered_at: when it was connected, None if it was not
    :param left_at: when it left the call, None: at its end
    :param outcome: a key of :data:`_OUTCOMES`, "" where not told
    """

    number: str
    offered_at: datetime | None = None
    answered_at: datetime | None = None
    left_at: datetime | None = None
    outcome: str = ""


@dataclass(frozen=True)
class Finished:
    """What is known of a call that is over.

    :param call: the PBX's id of it
    :param direction: one of :data:`DIRECTIONS`
    :param outside: the number of the other side, "" of an internal call, or withheld
    :param own: the number of ours that was called, "" where not told
    :param result: one of :data:`RESULTS`
    :param phones: of an outbound or internal call, the first is the one that called
    :param answered_at: outbound: when the other side answered
    :param queue: the queue that it waited in, "" if in none, None where not told
    :param queue_s: seconds in it, None where not told
    :param ivr_s: seconds with a menu or announcement, None where not told
    :param hold_s: seconds on hold, None where not told
    """

    call: str
    direction: str
    started_at: datetime
    ended_at: datetime
    result: str
    outside: str = ""
    own: str = ""
    name: str = ""
    phones: tuple[Phone, ...] = ()
    answered_at: datetime | None = None
    queue: str | None = None
    queue_s: float | None = None
    ivr_s: float | None = None
    hold_s: float | None = None
    recording: str = ""


def tell(source: str, said: Finished) -> Iterator[Event]:
    """The events of a finished call.

    :param source: the adapter's name
    :raise BadBody: the report contradicts itself in what nothing else can be made of
    """
    if said.ended_at < said.started_at or said.ended_at - said.started_at > _LONGEST:
        raise BadBody("the call ends before it begins, or a week later")
    if said.direction != "inbound" and not said.phones:
        raise BadBody("an outbound or internal call has no phone that called")
    if said.direction == "internal" and len(said.phones) < 2:
        raise BadBody("an internal call has no phone that was called")
    return iter(_Telling(f"{source}{REPORT}", said).events)


class _Telling:
    def __init__(self, source: str, said: Finished):
        self.source, self.said = source, said
        self.events: list[Event] = []
        self.call = said.call
        #: leg -> its channel, named by each of its events: whatever order they come in, the gate knows whose they are
        self.channels = {self.call: line() if said.direction == "inbound" else phone(said.phones[0].number)}
        if said.direction == "inbound":
            self._inbound()
        else:
            self._ours()
        self._hold()
        self._rest()

    def _add(self, kind: str, at: datetime | None, leg: str = "", **data) -> None:
        data = {"channel": self.channels.get(leg), **data}
        data = {key: value for key, value in data.items() if value not in ("", None, [])}
        said = (format_time(at) or "", *(f"{key}={data[key]}" for key in sorted(data)))
        ident = event_id(self.source, kind, self.call, leg, *said)
        self.events.append(Event(ident, kind, self.call, leg, at, self.source, data))

    # the other side calls

    def _inbound(self) -> None:
        said, start = self.said, self.said.started_at
        self._add("started", start, self.call, number=said.outside, dialled=said.own, name=said.name)
        if said.ivr_s or said.result == "machine":
            self._add("answered", start, self.call)
            self._add("app", start, self.call, app="background")
        offered = start + timedelta(seconds=said.ivr_s or 0)
        if said.queue or said.queue_s:
            end = said.ended_at
            if said.queue_s is not None:
                end = min(end, offered + timedelta(seconds=said.queue_s))
            self._add("queued", offered, self.call, queue=said.queue)
            self._add("abandoned" if said.result == "abandoned" else "unqueued", end, self.call, queue=said.queue)
        for each in said.phones:
            # outside a menu and a queue, a phone rings from the beginning
            ring = each.offered_at or (offered if not {"ivr", "queue"} & self._untold() else None)
            self._phone(each, ring, _RESULTS.get(said.result, "no_answer"))
        if said.result == "abandoned" or any(each.outcome == "cancelled" for each in said.phones):
            self._add("hangup_requested", said.ended_at, self.call)
        if said.result == "voicemail":
            self._add("app", said.ended_at, self.call, app="voicemail")

    # one of our phones calls

    def _ours(self) -> None:
        said = self.said
        caller, *others = said.phones
        to = said.outside if said.direction == "outbound" else others[0].number
        self._add(
            "started",
            said.started_at,
            self.call,
            number=caller.number,
            dialled=to,
            name=said.name if said.direction == "internal" else "",
        )
        if said.direction == "outbound":
            leg = f"{self.call}/outside"
            self._called(leg, line(), to, said.started_at, name=said.name)
            if said.result == "answered":
                self._taken(leg, said.answered_at, said.ended_at, said.answered_at)
            else:
                self._refused(leg, _RESULTS.get(said.result, "no_answer"))
            if said.answered_at and said.result == "answered" and caller.left_at:
                self._add("unbridged", caller.left_at, self.call, bridge=self.call)
        for each in others:
            ring = each.offered_at or (said.started_at if said.direction == "internal" else None)
            self._phone(each, ring, _RESULTS.get(said.result, "no_answer"))

    # what both have

    def _phone(self, each: Phone, ring: datetime | None, otherwise: str) -> None:
        leg = f"{self.call}/{each.number}"
        self._called(leg, phone(each.number), each.number, ring)
        if each.answered_at or (self.said.result == "answered" and not each.outcome and len(self.said.phones) == 1):
            self._taken(leg, each.answered_at, each.left_at or self.said.ended_at, self.said.answered_at)
        else:
            self._refused(leg, each.outcome or ("elsewhere" if self.said.result == "answered" else otherwise))

    def _called(self, leg: str, channel: str, number: str, at: datetime | None, name: str = "") -> None:
        self.channels[leg] = channel
        if at:
            self._add("started", at, leg, number=number, name=name)
        self._add("ringing", at or self.said.started_at, leg, number=number, by=self.call)

    def _taken(self, leg: str, at: datetime | None, left: datetime, first: datetime | None) -> None:
        self._add("dial_ended", at or first or left, leg, status="ANSWER", by=self.call)
        if at:  # else the fold says that it was answered, and that nothing is known of the talk
            self._add("answered", at, leg)
            for one in (leg, self.call):
                self._add("bridged", at, one, bridge=self.call)
            self._add("unbridged", left, leg, bridge=self.call)
        self._add("ended", left, leg, cause=16)

    def _refused(self, leg: str, outcome: str) -> None:
        status, cause = _OUTCOMES[outcome]
        self._add("dial_ended", self.said.ended_at, leg, status=status, by=self.call)
        self._add("ended", self.said.ended_at, leg, cause=cause)

    def _hold(self) -> None:
        """Its length is known, not when it was: at the end of the talk."""
        if self.said.hold_s and self.said.result == "answered":
            self._add("held", self.said.ended_at - timedelta(seconds=self.said.hold_s), self.call)
            self._add("resumed", self.said.ended_at, self.call)

    def _rest(self) -> None:
        said = self.said
        if said.recording:
            self._add("recorded", said.started_at, self.call, file=said.recording)
        untold = sorted(self._untold())
        if untold:
            self._add("untold", said.ended_at, parts=untold)
        self._add("ended", said.ended_at, cause=_OUTCOMES[_RESULTS.get(said.result, "no_answer")][1])

    def _untold(self) -> set[str]:
        said = self.said
        untold = {"hold"} if said.hold_s is None and said.result == "answered" else set()
        if said.direction == "inbound":
            untold |= {"ivr"} if said.ivr_s is None and said.result != "machine" else set()
            untold |= {"queue"} if said.queue is None and said.queue_s is None else set()
            if untold & {"ivr", "queue"} and not any(each.offered_at for each in said.phones):
                untold.add("ring")
        return untold
