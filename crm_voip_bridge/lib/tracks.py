"""What happened to each leg of a call, in one pass over its events.

The pass is a state machine in which saying a thing again changes nothing. Before it, AMI's and CEL's
accounts of one happening become one: they share neither id nor time, but kind, leg,
bridge and order, and AMI speaks at most 0.3 s after CEL.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .events import UTC, Event
from .phone import is_local

#: microseconds; everything here counts in them, since 1970
SECOND = 1_000_000
#: AMI tells what CEL tells up to 0.28 s later (seen)
SAME = 400_000

#: what is said about a call rather than what happened in it
ENTRIES = frozenset({"closed", "corrected", "picked", "unheard", "heard", "untold"})

#: end of the source of events that are made from a provider's report of a finished call
REPORT = "/report"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RANK = {
    kind: rank
    for rank, kind in enumerate(
        "started ringing paired app answered queued dial_ended status transferred bridged held resumed"
        " unbridged abandoned unqueued app_ended hangup_requested ended unheard heard closed".split()
    )
}


def micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


@dataclass(slots=True)
class Stay:
    """A leg in a bridge; ``seen`` are the sources that told of its start and of its end."""

    bridge: str
    enter: int
    leave: int | None = None
    seen: tuple[str, str] = ("", "")


@dataclass(slots=True)
class Track:
    """One leg. Times are microseconds, None where nobody told.

    :param call: the call in which the leg began
    :param shown: the number that the leg had at its end: a click to call shows whom it will call
    :param ended_by: the source that told of the end
    :param gave_up: when the leg itself hung up, rather than being hung up on
    :param over: the leg is gone, even if it is not known when
    :param status: of calling this leg (ANSWER, BUSY, …); the first word counts
    :param said: what the dialplan told the leg of the phones it called
    """

    id: str
    call: str
    channel: str = ""
    number: str = ""
    shown: str = ""
    name: str = ""
    dialled: str = ""
    called_number: str = ""
    by: str = ""
    rang: bool = False
    started: int | None = None
    up: int | None = None
    ended: int | None = None
    over: bool = False
    ended_by: str = ""
    gave_up: int | None = None
    cause: int | None = None
    status: str = ""
    said: str = ""
    stays: list[Stay] = field(default_factory=list)
    holds: list[list[int | None]] = field(default_factory=list)
    queues: list[list[int | None]] = field(default_factory=list)
    queue: str = ""
    parked: list[list[int | None]] = field(default_factory=list)
    car_park: str = ""
    dial_string: str = ""
    apps: list[tuple[int, str]] = field(default_factory=list)
    stated: dict[str, str] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        return is_local(self.channel)


@dataclass(slots=True)
class Story:
    """All legs of a call and what concerns them together."""

    tracks: dict[str, Track] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    transfers: list[tuple[int, str, str]] = field(default_factory=list)  # when, kind, to
    recordings: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    closed: int | None = None
    unheard: int | None = None
    heard: int | None = None
    alias: dict[str, str] = field(default_factory=dict)  # of legs that a source may name in two ways
    untold: set[str] = field(default_factory=set)
    over: tuple[int, str, int | None] | None = None  # when the whole call ended, who said so, why
    last: int = 0
    timed: bool = True
    notes: list[str] = field(default_factory=list)


def tell(events: Iterable[Event]) -> Story:
    """The story of one call.

    :param events: in any order, any of them repeated
    """
    story = Story()
    timed = _timed(events, story)
    for at, event in timed:
        _TELL.get(event.type, _nothing)(story, at, event)
        if event.call not in story.calls:
            story.calls.append(event.call)
        if event.type not in ENTRIES:
            story.last = max(story.last, at)
    for track in story.tracks.values():
        _finish(track, story)
    return story


def _timed(events: Iterable[Event], story: Story) -> list[tuple[int, Event]]:
    """Each event once, with a time, sorted."""
    unique = list({event.id: event for event in events}.values())
    story.timed = any(event.at is not None for event in unique if event.type not in ENTRIES)
    story.sources = {event.source for event in unique if event.type not in ENTRIES}
    last: dict[str, int] = {}
    known = []
    for event in unique:
        if event.at is not None:
            at = micros(event.at)
            known.append((at, event))
            last[event.leg] = max(at, last.get(event.leg, 0))
    if story.timed:
        missing = [event for event in unique if event.at is None]
        if missing:
            story.notes.append("some events have no time")
        latest = max(last.values(), default=0)
        known += [(last.get(event.leg, latest), event) for event in missing]
    else:
        # only the order counts then; a step stands for a hundredth of a second
        known = [(_place(event) * 10_000, event) for event in unique]
    known.sort(key=lambda pair: (pair[0], _place(pair[1]), _RANK.get(pair[1].type, 0), pair[1].id))
    if {"ami", "cel"} <= story.sources:
        known = _pair(known)
    return known


def _place(event: Event) -> int:
    place = event.data.get("n", 0)
    return place if isinstance(place, int) else 0


def _pair(events: list[tuple[int, Event]]) -> list[tuple[int, Event]]:
    """One event for what both AMI and CEL told."""
    waiting: dict[tuple, list[int]] = {}
    result: list[tuple[int, Event] | None] = list(events)
    for place, (at, event) in enumerate(events):
        if event.source not in ("ami", "cel"):
            continue
        other = "cel" if event.source == "ami" else "ami"
        said = event.text("bridge") or event.text("app")
        twins = waiting.get((event.type, event.leg, said, other), [])
        while twins and at - events[twins[0]][0] > _same(event, events[twins[0]][1]):
            twins.pop(0)
        if not twins:
            waiting.setdefault((event.type, event.leg, said, event.source), []).append(place)
            continue
        twin = twins.pop(0)
        first_at, first = events[twin]
        both = replace(first, source="both", data={**first.data, **event.data})
        # The earlier time, of ends as of beginnings: else a phone that is called because somebody left would ring before
        # that. But a time that knows the second only says nothing beside one that knows more.
        later = event.source == "ami" and (_is_coarse(event) or _is_coarse(first))
        result[place if later else twin] = (at if later else first_at, both)
        result[twin if later else place] = None
    return [pair for pair in _without_echoes(result) if pair is not None]


def _without_echoes(events: list[tuple[int, Event] | None]) -> list[tuple[int, Event] | None]:
    """Without what CEL told by the second and AMI by the microsecond, in fewer words."""
    told: dict[tuple, list[int]] = {}
    for at, event in filter(None, events):
        if not _is_coarse(event):
            told.setdefault((event.type, event.leg), []).append(at)
    return [
        pair
        for pair in events
        if pair is None
        or not _is_coarse(pair[1])
        or not any(abs(pair[0] - at) <= SAME + SECOND for at in told.get((pair[1].type, pair[1].leg), ()))
    ]


def _is_coarse(event: Event) -> bool:
    """Whether CEL told it by the second, as FreePBX's table does."""
    return event.source == "cel" and event.at is not None and not event.at.microsecond


def _same(event: Event, other: Event) -> int:
    """How far apart AMI and CEL may tell one happening."""
    return SAME + SECOND if _is_coarse(event) or _is_coarse(other) else SAME


def _track(story: Story, event: Event) -> Track:
    leg = event.leg or event.call
    leg = story.alias.get(leg, leg)
    track = story.tracks.get(leg)
    if track is None:
        track = story.tracks[leg] = Track(leg, event.call)
    track.channel = track.channel or event.text("channel")
    track.number = track.number or event.text("number")
    return track


def _nothing(story, at, event):
    """Words that do not change the story of a leg."""


def _started(story, at, event):
    if event.text("alias"):
        story.alias[event.text("alias")] = event.leg
    track = _track(story, event)
    if track.started is None:
        track.started = at if event.at or not story.timed else None
        track.call = event.call
    retold = event.data.get("retold") is True
    for name in ("number", "name", "dialled"):
        value = event.text(name)
        if value and not (retold and getattr(track, name)):
            setattr(track, name, value)


def _called(story, at, event):
    """The leg is being called, or that came to an end; the first word counts."""
    track = _track(story, event)
    track.rang = True
    track.by = track.by or event.text("by")
    track.called_number = track.called_number or event.text("number")
    track.dial_string = track.dial_string or event.text("dialled")
    track.status = track.status or event.text("status")


def _answered(story, at, event):
    track = _track(story, event)
    if track.up is None:
        track.up = at


def _bridged(story, at, event):
    track = _track(story, event)
    # a source that does not name its bridges has one a call, as far as anybody can tell
    bridge = event.text("bridge") or event.call
    if event.data.get("parked") is True:
        _leave(track, at, event.source)
        _open(track.parked, at)
        track.car_park = bridge
        return
    swapped = story.tracks.get(event.text("swap"))
    if swapped is not None:
        _leave(swapped, at, event.source, bridge)
    if track.stays and track.stays[-1].leave is None:
        if track.stays[-1].bridge == bridge:
            return
        _leave(track, at, event.source)  # nobody is in two bridges at once
    track.stays.append(Stay(bridge, at, seen=(event.source, "")))


def _unbridged(story, at, event):
    track = _track(story, event)
    bridge = event.text("bridge")
    if not bridge:
        _leave(track, at, event.source)
        return
    if track.parked and bridge == track.car_park:
        _close(track.parked, at)
        return
    if not any(stay.bridge == bridge for stay in track.stays) and track.up is not None:
        # nobody told how it came into the bridge; it cannot have been before it was up
        track.stays.append(Stay(bridge, track.up, seen=("", "")))
        story.notes.append("the beginning of a connection was not seen")
    _leave(track, at, event.source, bridge)


def _leave(track: Track, at: int, source: str, bridge: str | None = None):
    if track.stays and track.stays[-1].leave is None and bridge in (None, track.stays[-1].bridge):
        stay = track.stays[-1]
        stay.leave, stay.seen = at, (stay.seen[0], source)


def _open(spans: list[list[int | None]], at: int):
    if not spans or spans[-1][1] is not None:
        spans.append([at, None])


def _close(spans: list[list[int | None]], at: int):
    if spans and spans[-1][1] is None:
        spans[-1][1] = at


def _held(story, at, event):
    _open(_track(story, event).holds, at)


def _resumed(story, at, event):
    _close(_track(story, event).holds, at)


def _queued(story, at, event):
    track = _track(story, event)
    track.queue = event.text("queue") or track.queue
    # CEL tells a moment before AMI that the queue began, and long after it that it ended
    _open(track.queues, at)


def _unqueued(story, at, event):
    _close(_track(story, event).queues, at)


def _app(story, at, event):
    _track(story, event).apps.append((at, event.text("app")))


def _status(story, at, event):
    if event.text("name") == "clicked" and (event.leg or event.call) not in story.tracks:
        return  # the own phone could not even be called, so nothing was
    track = _track(story, event)
    track.stated.setdefault(event.text("name"), event.text("value") or event.text("to"))


def _transferred(story, at, event):
    story.transfers.append((at, event.text("kind"), event.text("to")))
    story.calls += [call for call in event.texts("calls") if call not in story.calls]


def _paired(story, at, event):
    legs = event.texts("legs")
    if len(legs) == 2:
        story.pairs.append((legs[0], legs[1]))


def _recorded(story, at, event):
    file = event.text("file")
    if file and file not in story.recordings:
        story.recordings.append(file)


def _hangup_requested(story, at, event):
    track = _track(story, event)
    track.gave_up = track.gave_up or at


def _ended(story, at, event):
    if not event.leg:
        # several reports of one call: the last of them
        cause = event.data.get("cause")
        story.over = at, event.source, cause if isinstance(cause, int) else None
        return
    track = _track(story, event)
    track.shown = track.shown or event.text("number")
    if not track.over:
        track.over = True
        track.ended_by = event.source
        track.ended = at if event.at or not story.timed else None
    cause = event.data.get("cause")
    if track.cause is None and isinstance(cause, int):
        track.cause = cause
    if event.data.get("by_itself") is True:
        track.gave_up = track.gave_up or at
    track.said = track.said or event.text("dial_status")


def _unheard(story, at, event):
    story.unheard = max(at, story.unheard or at)


def _heard(story, at, event):
    story.heard = max(at, story.heard or at)


def _untold(story, at, event):
    story.untold.update(event.texts("parts"))


def _closed(story, at, event):
    story.closed = max(at, story.closed or at)


_TELL = {
    "started": _started,
    "ringing": _called,
    "dial_ended": _called,
    "answered": _answered,
    "bridged": _bridged,
    "unbridged": _unbridged,
    "held": _held,
    "resumed": _resumed,
    "queued": _queued,
    "unqueued": _unqueued,
    "abandoned": _unqueued,
    "app": _app,
    "status": _status,
    "transferred": _transferred,
    "paired": _paired,
    "recorded": _recorded,
    "hangup_requested": _hangup_requested,
    "ended": _ended,
    "closed": _closed,
    "unheard": _unheard,
    "heard": _heard,
    "untold": _untold,
}


def _finish(track: Track, story: Story):
    """Close what the leg's end closes, and empty what cannot be."""
    if story.over and not track.over:
        at, track.ended_by, cause = story.over
        track.over = True
        # by another clock, the end of all may seem to come before the last word of one
        track.ended = max([at, *(stay.enter for stay in track.stays), track.started or 0]) if story.timed else None
        track.cause = cause if track.cause is None else track.cause
    if track.ended is not None:
        begun = [time for time in (track.started, track.up) if time is not None]
        begun += [stay.enter for stay in track.stays]
        if begun and max(begun) > track.ended + SECOND // 2:
            story.notes.append("a leg ended before it began or was answered: its end is left empty")
            track.ended = None
    if track.ended is not None:
        _leave(track, track.ended, track.ended_by)
        for spans in (track.holds, track.queues, track.parked):
            for span in spans:
                if span[1] is None:
                    span[1] = max(track.ended, span[0])
