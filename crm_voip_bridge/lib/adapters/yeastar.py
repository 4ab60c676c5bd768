"""Yeastar P-Series: event push by webhook, of the events 30011 (call state) and 30012 (call end details).

Sources: https://help.yeastar.com/en/p-series-cloud-edition/developer-guide/ (monitor-events-via-webhook,
event-call-status-changed, event-new-cdr).

30011 tells members of a call as they change: who calls (``ALERT``, ``ANSWERED``), who is called (``RING``,
``ANSWER``), ``HOLD`` and ``BYE``. 30012 tells a finished call, in whole seconds.

Traps: 30011 states no time, so its arrival counts; its end may come of one member only, so 30012 ends the
whole call; 30012's time has no zone and is the PBX's; ``msg`` is an object, or a text that holds one, by
firmware; an empty value may be a blank; a talk in 30012 includes its holds; a menu, queue or ring group that
takes a call stands in ``call_to`` like an extension. A repeat is known by what it says, for 30011 has no id.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta

from ..events import Event, event_id, format_time, parse_time
from .base import Adapter, BadBody, BadSignature, WebhookRequest, line, matches, phone
from .finished import Finished, Phone, tell

_STATE, _END = 30011, 30012
_RESULTS = {
    "ANSWERED": "answered",
    "NO ANSWER": "missed",
    "NOANSWER": "missed",
    "BUSY": "busy",
    "ABANDONED": "missed",
    "FAILED": "failed",
    "VOICEMAIL": "voicemail",
}


class Yeastar(Adapter):
    name = "yeastar"
    label = "Yeastar P-Series"
    capabilities = frozenset({"live", "hold"})

    def verify(self, request: WebhookRequest, secrets: list[str], now: float) -> None:
        signed = [
            base64.b64encode(hmac.digest(secret.encode(), request.body, hashlib.sha256)).decode() for secret in secrets
        ]
        if not matches(request.headers.get("x-signature", ""), signed):
            raise BadSignature("the signature does not fit")

    def read(self, request: WebhookRequest) -> Iterator[Event]:
        content = request.json()
        if not isinstance(content, dict):
            raise BadBody("the body is no JSON object")
        if content.get("type") not in (_STATE, _END):
            return iter(())
        said = content.get("msg")
        if isinstance(said, str):
            try:
                said = json.loads(said)
            except (ValueError, RecursionError):
                raise BadBody("'msg' is no JSON") from None
        if not isinstance(said, dict) or not _text(said, "call_id"):
            raise BadBody("'msg' has no 'call_id'")
        return self._state(said, request) if content["type"] == _STATE else self._end(said, request)

    # --- 30011 ---

    def _state(self, said: dict, request: WebhookRequest) -> Iterator[Event]:
        members = said.get("members")
        if not isinstance(members, list):
            raise BadBody("'members' is no list")
        named = [
            (kind, member[kind])
            for member in members[:200]
            if isinstance(member, dict)
            for kind in ("inbound", "extension", "outbound")
            if isinstance(member.get(kind), dict)
        ]
        for kind, member in named:
            yield from self._member(_text(said, "call_id"), kind, member, named, request)

    def _member(self, call: str, kind: str, member: dict, members: list, request: WebhookRequest) -> Iterator[Event]:
        status, channel_id = _text(member, "member_status").upper(), _text(member, "channel_id")
        number = _text(member, {"extension": "number", "inbound": "from", "outbound": "to"}[kind])
        # who calls has the call's id; what is said of a member later does not tell whether it called
        calls = kind == "inbound" or status in ("ALERT", "ANSWERED")
        alias = f"{call}/{channel_id or number}"
        leg = call if calls else alias
        channel = phone(number) if kind == "extension" else line(_text(member, "trunk_name"))
        at = request.received_at
        arrival = format_time(at) or str(request.place)

        def event(word, leg, *parts, **data):
            if at is None:
                data["n"] = request.place
            ident = event_id(self.name, word, call, leg, channel_id, *parts)
            data = {key: value for key, value in data.items() if value not in ("", None)}
            return Event(ident, word, call, leg, at, self.name, data)

        own = {"channel": channel, "number": number}
        if status in ("ALERT", "ANSWERED"):
            dialled = _text(member, "to") if kind == "inbound" else _called(members, member)
            yield event("started", leg, **own, dialled=dialled, alias=alias)
        if status in ("RING", "EARLYMEDIA"):
            yield event("started", leg, **own)
            yield event("ringing", leg, **own, by=call)
        if status in ("ANSWERED", "ANSWER"):
            yield event("answered", leg, **own)
            # taken back from hold, if it was there: this can happen again
            yield event("resumed", leg, arrival, **own)
        if status == "ANSWER":
            yield event("dial_ended", leg, **own, status="ANSWER", by=call)
            yield event("bridged", leg, **own, bridge=call)
            yield event("bridged", call, leg, bridge=call)
        elif status == "HOLD":
            yield event("held", leg, arrival, **own)
        elif status == "BYE":
            yield event("ended", leg, **own)

    # --- 30012 ---

    def _end(self, said: dict, request: WebhookRequest) -> Iterator[Event]:
        call = _text(said, "call_id")
        start = parse_time(_text(said, "time_start").replace("/", "-"), request.zone)
        duration, talk = _seconds(said, "call_duration"), _seconds(said, "talk_duration")
        result = _RESULTS.get(_text(said, "status").upper())
        direction = _text(said, "type").lower()
        if start is None or duration is None or result is None or direction not in ("inbound", "outbound", "internal"):
            raise BadBody("a finished call without a believable start, duration, status or type")
        end = start + timedelta(seconds=duration)
        answered = end - timedelta(seconds=min(talk or 0, duration)) if result == "answered" else None
        caller, called = _text(said, "call_from"), _text(said, "call_to")
        waited = _seconds(said, "agent_ring_time")
        taken = Phone(called, answered_at=answered)
        yield from tell(
            self.name,
            Finished(
                call,
                direction,
                start,
                end,
                result,
                outside={"inbound": caller, "outbound": called}.get(direction, ""),
                own=_text(said, "did_number"),
                phones={
                    "inbound": (taken,) if called else (),
                    "outbound": (Phone(caller),),
                    "internal": (Phone(caller), taken),
                }[direction],
                answered_at=answered,
                queue_s=waited or None,
                recording=_text(said, "recording"),
            ),
        )
        # whatever 30011 left open: this arrives when the call is over
        if request.received_at:
            ident = event_id(self.name, "ended", call, _text(said, "uid"), _text(said, "time_start"), called)
            yield Event(ident, "ended", call, "", request.received_at, self.name, {})


def _called(members: list, caller: dict) -> str:
    """What the calling extension dialled, as far as the message tells."""
    for kind, member in members:
        if member is not caller:
            return _text(member, "to" if kind == "outbound" else "number")
    return ""


def _text(values: dict, name: str) -> str:
    value = values.get(name)
    return value.strip()[:160] if isinstance(value, str) else ""


def _seconds(values: dict, name: str) -> int | None:
    value = values.get(name)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:9])
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 7 * 86400:
        return None
    return value
