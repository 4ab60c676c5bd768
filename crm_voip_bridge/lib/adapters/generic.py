"""Any PBX, by somebody who can program it: our own events, or whole calls, over HTTP with a token."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from ..events import BadEvent, Event, parse_time
from .base import Adapter, Answer, BadBody, BadSignature, Refused, WebhookRequest, matches
from .finished import DIRECTIONS, RESULTS, Finished, Phone, tell

#: most events or calls in one request, as of a bridge
MOST = 500
_OUTCOMES = ("answered", "no_answer", "busy", "declined", "cancelled", "elsewhere", "failed")
_WEEK = 7 * 24 * 3600


class Generic(Adapter):
    """``{"events": [event, …]}`` and ``{"calls": [call, …]}``; readme/PBXS.md describes both."""

    name = "generic"
    label = "Any PBX (by its integrator)"
    capabilities = frozenset({"live", "hold", "queue"})
    makes_secret = True

    def verify(self, request: WebhookRequest, secrets: list[str], now: float) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not matches(given.strip(), secrets):
            raise BadSignature("the token does not fit")

    def read(self, request: WebhookRequest) -> Iterator[Event | Refused]:
        content = request.json()
        if not isinstance(content, dict):
            raise BadBody("the body is no JSON object")
        events, calls = content.get("events", []), content.get("calls", [])
        if not isinstance(events, list) or not isinstance(calls, list):
            raise BadBody("'events' or 'calls' is no list")
        if not events and not calls and not content.keys() & {"events", "calls"}:
            raise BadBody("neither 'events' nor 'calls'")
        if len(events) + len(calls) > MOST:
            raise BadBody(f"more than {MOST} at once")
        for item in events:
            try:
                event = Event.from_dict(item)
                if event.type == "reported":
                    raise BadEvent("a call that is over belongs into 'calls'")
                yield replace(event, source=self.name)
            except BadEvent as error:
                yield Refused(item, str(error))
        for item in calls:
            try:
                yield from tell(self.name, _finished(item, request.zone))
            except BadBody as error:
                yield Refused(item, str(error))

    def answer(self, request: WebhookRequest, result: Mapping) -> Answer:
        return Answer.json(dict(result), 422 if "error" in result else 200)


def _finished(item, zone) -> Finished:
    """A call as the body tells it.

    :raise BadBody: something that is needed is missing or of the wrong kind
    """
    if not isinstance(item, dict):
        raise BadBody("a call is a JSON object")
    one = _Reading(item, zone)
    start, end = one.time("started_at"), one.time("ended_at")
    duration, talk = one.seconds("duration_s"), one.seconds("talk_s")
    if start is None:
        raise BadBody("'started_at' is missing")
    if end is None and duration is None:
        raise BadBody("'ended_at' or 'duration_s' is missing")
    end = end or start + timedelta(seconds=duration)
    answered = one.time("answered_at")
    result = one.word("result", RESULTS)
    if answered is None and talk and result == "answered":
        answered = end - timedelta(seconds=talk)
    phones = tuple(_phone(phone, zone) for phone in one.items("phones"))
    if not phones and one.text("extension"):
        takes = answered if result == "answered" else None
        phones = (Phone(one.text("extension"), answered_at=takes),)
    direction = one.word("direction", DIRECTIONS)
    outward = direction != "inbound"
    return Finished(
        call=one.text("id", True),
        direction=direction,
        started_at=start,
        ended_at=end,
        result=result,
        outside=one.text("to" if outward else "from") if direction != "internal" else "",
        own=one.text("from" if outward else "to"),
        name=one.text("name"),
        phones=phones,
        answered_at=answered,
        queue=one.text("queue") if "queue" in item else None,
        queue_s=one.seconds("queue_s"),
        ivr_s=one.seconds("ivr_s"),
        hold_s=one.seconds("hold_s"),
        recording=one.text("recording"),
    )


def _phone(item, zone) -> Phone:
    if not isinstance(item, dict):
        raise BadBody("a phone is a JSON object")
    one = _Reading(item, zone)
    outcome = one.word("outcome", _OUTCOMES) if item.get("outcome") else ""
    return Phone(
        one.text("number", True),
        one.time("offered_at"),
        one.time("answered_at"),
        one.time("left_at"),
        "" if outcome == "answered" else outcome,
    )


class _Reading:
    """Values of a JSON object, as what they must be."""

    def __init__(self, item: Mapping, zone):
        self.item, self.zone = item, zone

    def text(self, name: str, needed: bool = False) -> str:
        value = self.item.get(name)
        value = "" if value is None else value
        if not isinstance(value, str) or len(value) > 120 or "\x00" in value or (needed and not value):
            raise BadBody(f"'{name}' is missing, or no text of 120 characters at most")
        return value

    def word(self, name: str, words) -> str:
        value = self.item.get(name)
        if not isinstance(value, str) or value not in words:
            raise BadBody(f"'{name}' is none of {', '.join(words)}")
        return value

    def time(self, name: str):
        value = self.item.get(name)
        moment = parse_time(value, self.zone)
        if moment is None and value not in (None, ""):
            raise BadBody(f"'{name}' is no time")
        return moment

    def seconds(self, name: str) -> float | None:
        value = self.item.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _WEEK:
            raise BadBody(f"'{name}' is no number of seconds")
        return value

    def items(self, name: str) -> list:
        value = self.item.get(name) or []
        if not isinstance(value, list) or len(value) > 200:
            raise BadBody(f"'{name}' is no list, or too long")
        return value
