"""What a call is once its journal is folded: plain dataclasses, no behaviour beyond their JSON."""

from dataclasses import dataclass, field
from datetime import datetime

from .events import format_time

DIRECTIONS = ("inbound", "outbound", "internal")
DISPOSITIONS = (
    "answered",
    "missed",
    "abandoned",
    "busy",
    "failed",
    "machine",
    "voicemail",
    "in_progress",
)
OUTCOMES = ("answered", "no_answer", "busy", "declined", "cancelled", "elsewhere", "failed")
ROLES = ("caller", "called", "consulted")


@dataclass(slots=True)
class Leg:
    """One phone of ours that called, rang or took part.

    :param ref: the PBX's id of the leg (Asterisk: uniqueid)
    :param number: the internal number, as the PBX said it
    :param role: a value of :data:`ROLES`
    :param talk_s: seconds connected with the outside party (internal calls: with the
        other side), less hold; None where not measured
    :param outcome: a value of :data:`OUTCOMES`, None while undecided
    """

    ref: str
    number: str
    role: str
    offered_at: datetime | None = None
    answered_at: datetime | None = None
    left_at: datetime | None = None
    talk_s: float | None = None
    outcome: str | None = None

    def to_dict(self) -> dict:
        return {
            "number": self.number,
            "role": self.role,
            "offered_at": format_time(self.offered_at),
            "answered_at": format_time(self.answered_at),
            "left_at": format_time(self.left_at),
            "talk_s": self.talk_s,
            "outcome": self.outcome,
        }


@dataclass(slots=True)
class Call:
    """One call, with all its legs.

    Numbers are as the PBX said them. Times are UTC. Seconds are floats, None where not
    measured; ``ivr_s + queue_s + ring_s + hold_s + talk_s`` share out the time of the
    outside party.

    :param call_id: the first linked id; of merged calls the customer's
    :param aliases: the other ids that point to this call
    :param name: what the PBX showed as the outside party's name, hostile text
    :param queue: name of the (last) queue, ""
    :param dialled: what the caller dialled first (inbound: our number)
    :param recordings: file names that the PBX mentioned
    :param notes: what in the data contradicted itself, in words
    """

    call_id: str
    direction: str = "internal"
    from_number: str = ""
    to_number: str = ""
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ivr_s: float | None = None
    queue_s: float | None = None
    ring_s: float | None = None
    hold_s: float | None = None
    talk_s: float | None = None
    disposition: str = "in_progress"
    legs: list[Leg] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    name: str = ""
    queue: str = ""
    dialled: str = ""
    recordings: list[str] = field(default_factory=list)

    @property
    def outside_number(self) -> str:
        """The number of the party that is not ours, "" of an internal call."""
        if self.direction == "internal":
            return ""
        return self.from_number if self.direction == "inbound" else self.to_number

    def to_dict(self) -> dict:
        """The object that ``replay`` prints (design.md, "The bridge's own commands")."""
        return {
            "call_id": self.call_id,
            "direction": self.direction,
            "from_number": self.from_number,
            "to_number": self.to_number,
            "started_at": format_time(self.started_at),
            "answered_at": format_time(self.answered_at),
            "ended_at": format_time(self.ended_at),
            "ivr_s": self.ivr_s,
            "queue_s": self.queue_s,
            "ring_s": self.ring_s,
            "hold_s": self.hold_s,
            "talk_s": self.talk_s,
            "disposition": self.disposition,
            "legs": [leg.to_dict() for leg in self.legs],
            "notes": list(self.notes),
        }
