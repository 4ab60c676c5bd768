"""What Asterisk's AMI would have said of each call of past_calls, as the bridge sends it to Odoo.

Pure; the events are those of `crm_voip_bridge/lib/events.py`, in their JSON form.
"""

from datetime import timedelta

from . import company
from .past_calls import DID_OF, Call

_VALUES = {
    "started": ("channel", "number", "dialled"),
    "ringing": ("by",),
    "dial_ended": ("status", "by"),
    "bridged": ("bridge",),
    "unbridged": ("bridge",),
    "queued": ("queue",),
    "unqueued": ("queue",),
    "abandoned": ("queue",),
    "app": ("app",),
    "ended": ("cause",),
}


def events(call: Call) -> list[dict]:
    """All that is said of a call, in order."""
    told = _Telling(call)
    {"out": _outgoing, "internal": _internal}.get(call.kind, _incoming)(call, told)
    return told.events


class _Telling:
    """Collects events; legs have short names, `c` is the one that the call began with."""

    def __init__(self, call: Call):
        self._call, self.events = call, []

    def __call__(self, second: float, kind: str, leg: str, *values) -> None:
        data = dict(zip(_VALUES.get(kind, ()), values, strict=True))
        if "by" in data:
            data["by"] = self._leg(data["by"])
        self.events.append(
            {
                "id": f"past:{self._call.ref}:{len(self.events)}",
                "type": kind,
                "call": self._call.ref,
                "leg": self._leg(leg),
                "at": f"{self._call.start + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S.%fZ}",
                "source": "ami",
                "data": data,
            }
        )

    def _leg(self, leg: str) -> str:
        return self._call.ref if leg == "c" else f"{self._call.ref}.{leg}"

    def talk(self, at: float, legs: tuple[str, str], talk: float, hold: float) -> None:
        """Two legs hear each other, less a hold in the middle by the second one, and hang up."""
        for leg in legs:
            self(at, "bridged", leg, "b")
        middle = at + talk * 0.4
        if hold:
            self(middle, "held", legs[1])
            self(middle + hold, "resumed", legs[1])
        for leg in legs:
            self(at + talk + hold, "unbridged", leg, "b")
        for leg in legs:
            self(at + talk + hold, "ended", leg, 16)


def _incoming(call: Call, told: _Telling) -> None:
    did = {"group": company.DID_GROUP, "queue": company.DID_SUPPORT}.get(call.kind) or DID_OF[call.phones[0]]
    told(0, "started", "c", "PJSIP/trunk-00000001", call.number, did)
    if call.kind == "queue":
        told(0.1, "answered", "c")
        told(0.2, "queued", "c", company.SUPPORT_QUEUE)
    ringing = call.wait
    legs = {phone: f"p{place}" for place, phone in enumerate(call.phones)}
    if call.result == "abandoned":
        # the queue rang those who were free, all the while
        for phone, leg in legs.items():
            told(0.3, "started", leg, f"PJSIP/{phone}-0000000{leg[1]}", phone, "")
            told(0.3, "ringing", leg, "c")
        told(call.wait, "abandoned", "c", company.SUPPORT_QUEUE)
        for leg in legs.values():
            told(call.wait, "dial_ended", leg, "CANCEL", "c")
            told(call.wait, "ended", leg, 16)
        told(call.wait + 0.1, "hangup_requested", "c")
        told(call.wait + 0.1, "ended", "c", 16)
        return
    for phone, leg in legs.items():
        told(ringing + 0.1, "started", leg, f"PJSIP/{phone}-0000000{leg[1]}", phone, "")
        if call.result != "busy":
            told(ringing + 0.1, "ringing", leg, "c")
    up = ringing + call.ring
    if call.taker:
        own = legs[call.taker]
        told(up, "answered", own)
        told(up, "dial_ended", own, "ANSWER", "c")
        for leg in legs.values():
            if leg != own:
                told(up, "dial_ended", leg, "CANCEL", "c")
                told(up + 0.1, "ended", leg, 26)
        if call.kind == "queue":
            told(up, "unqueued", "c", company.SUPPORT_QUEUE)
        else:
            told(up, "answered", "c")
        told.talk(up, ("c", own), call.talk, call.hold)
        return
    for leg in legs.values():
        told(up, "dial_ended", leg, "BUSY" if call.result == "busy" else "NOANSWER", "c")
        told(up, "ended", leg, 17 if call.result == "busy" else 16)
    if call.result == "voicemail":
        told(up + 0.1, "answered", "c")
        told(up + 0.1, "app", "c", "voicemail")
        told(up + call.talk, "ended", "c", 16)
    else:
        told(up + 0.1, "ended", "c", 17 if call.result == "busy" else 16)


def _outgoing(call: Call, told: _Telling) -> None:
    told(0, "started", "c", f"PJSIP/{call.phones[0]}-00000001", call.phones[0], call.number)
    told(0.2, "started", "t", "PJSIP/trunk-00000002", call.number, "")
    if call.result != "busy":
        told(0.3, "ringing", "t", "c")
    if call.taker:
        told(call.ring, "answered", "t")
        told(call.ring, "dial_ended", "t", "ANSWER", "c")
        told(call.ring, "answered", "c")
        told.talk(call.ring, ("t", "c"), call.talk, call.hold)
        return
    told(call.ring, "dial_ended", "t", "BUSY" if call.result == "busy" else "NOANSWER", "c")
    told(call.ring, "ended", "t", 17 if call.result == "busy" else 16)
    told(call.ring + 0.1, "ended", "c", 17 if call.result == "busy" else 16)


def _internal(call: Call, told: _Telling) -> None:
    told(0, "started", "c", f"PJSIP/{call.phones[0]}-00000001", call.phones[0], call.phones[1])
    told(0.1, "started", "p", f"PJSIP/{call.phones[1]}-00000002", call.phones[1], "")
    told(0.1, "ringing", "p", "c")
    told(call.ring, "answered", "p")
    told(call.ring, "dial_ended", "p", "ANSWER", "c")
    told(call.ring, "answered", "c")
    told.talk(call.ring, ("c", "p"), call.talk, call.hold)
