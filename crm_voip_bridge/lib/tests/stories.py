"""Calls told in a few words, for the tests: each line is one event.

>>> inbound = story("0 started c PJSIP/trunk 0205550100 101", "1 started p PJSIP/101")
>>> [event.type for event in inbound]
['started', 'started']
"""

from datetime import datetime, timedelta

from lib.events import UTC, Event, event_id

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_ARGS = {
    "started": ("channel", "number", "dialled"),
    "ringing": ("by", "number", "dialled"),
    "dial_ended": ("status", "by"),
    "bridged": ("bridge", "swap"),
    "unbridged": ("bridge",),
    "queued": ("queue",),
    "unqueued": ("queue",),
    "abandoned": ("queue",),
    "app": ("app",),
    "status": ("name", "value"),
    "ended": ("cause",),
    "transferred": ("kind", "calls", "legs"),
    "paired": ("legs",),
}


def story(*lines: str, call: str = "c", source: str = "ami", start: datetime = START) -> list[Event]:
    """Events of lines ``second type leg value…``; a leg ``leg@call`` belongs to another call.

    A value ``-`` is left out, ``a+b`` is a list.
    """
    events = []
    for line in lines:
        second, kind, leg, *values = line.split()
        leg, _, other = leg.partition("@")
        data = {}
        for name, value in zip(_ARGS.get(kind, ()), values, strict=False):
            if value == "-":
                continue
            data[name] = value.split("+") if name in ("calls", "legs") else int(value) if name == "cause" else value
        at = start + timedelta(seconds=float(second))
        ident = event_id(source, line, str(start))
        events.append(Event(ident, kind, other or call, leg, at, source, data))
    return events


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


#: a customer rings 101 through the trunk; talk from 5 to 65
ANSWERED = story(
    "0 started c PJSIP/trunk +12025550101 +31201000101",
    "0.1 started p PJSIP/101",
    "0.1 ringing p c",
    "5 answered p",
    "5 dial_ended p ANSWER c",
    "5 answered c",
    "5 bridged p b",
    "5 bridged c b",
    "65 unbridged p b",
    "65 hangup_requested c",
    "65 unbridged c b",
    "65 ended p 16",
    "65 ended c 16",
)

#: the same with a hold from 20 to 35
HELD = [*ANSWERED, *story("20 held p", "35 resumed p")]

#: a queue rings two phones in two rounds, the second is taken
QUEUE = story(
    "0 started c PJSIP/trunk +12025550101 +31201000110",
    "0 answered c",
    "3 queued c support",
    "4 started p PJSIP/201",
    "4 started q PJSIP/202",
    "9 ended p 0",
    "9 ended q 0",
    "14 started p2 PJSIP/201",
    "14 started q2 PJSIP/202",
    "20 answered q2",
    "20 dial_ended q2 ANSWER",
    "20 dial_ended p2 CANCEL",
    "20 unqueued c support",
    "20 bridged q2 b",
    "20 bridged c b",
    "20 ended p2 26",
    "50 unbridged c b",
    "50 unbridged q2 b",
    "50 ended q2 16",
    "50 ended c 16",
)

#: the customer talks with 101, who asks 102 on a second line and hands over
ATTENDED = [
    *ANSWERED[:8],
    *story(
        "20 held p",
        "21 started k PJSIP/101 101 102",
        "21.2 started t PJSIP/102",
        "21.2 ringing t k",
        "25 answered t",
        "25 dial_ended t ANSWER k",
        "25 answered k",
        "25 bridged t b2",
        "25 bridged k b2",
        call="k",
    ),
    *story(
        "35 transferred p attended c+k p+k+t+c",
        "35 unbridged t@k b2",
        "35 bridged t b p",
        "35 unbridged k@k b2",
        "35 unbridged p b",
        "35 ended p 16",
        "35 ended k@k 16",
        "95 unbridged t b",
        "95 unbridged c b",
        "95 ended t 16",
        "95 ended c 16",
    ),
]
