"""Telnyx: webhooks of its Voice API (call control).

Source: https://developers.telnyx.com/docs/voice/programmable-voice/voice-api-webhooks,
https://developers.telnyx.com/docs/development/api-fundamentals/webhooks and the types of its Python library.

A session is the call, each of its legs has an id of its own. Who is at the other end of a leg: of an incoming
one, the caller (``from``), of an outgoing one, who is called (``to``).

Traps: webhooks come twice, late, and in any order; they are sorted by ``occurred_at`` (microseconds), not by arrival,
and only ``call.initiated`` says in which direction a leg goes; ``hangup_source`` speaks of the leg's caller and
callee; a bridge is told once for each of its legs; leaving a queue is called ``call.dequeued``.
"""

import base64
import binascii
from collections.abc import Callable, Iterator

from ..events import Event, parse_time
from .base import Adapter, BadBody, BadSignature, WebhookRequest, phone
from .sip import is_number, party, user

#: seconds between Telnyx's clock and ours, as its libraries allow
_TOLERANCE = 300
#: hangup_cause -> cause (Q.850)
_CAUSES = {
    "call_rejected": 21,
    "normal_clearing": 16,
    "originator_cancel": 16,
    "timeout": 19,
    "no_answer": 19,
    "time_limit": 16,
    "user_busy": 17,
    "not_found": 1,
}


class Telnyx(Adapter):
    name = "telnyx"
    label = "Telnyx"
    capabilities = frozenset({"live", "hold", "queue"})

    def verify(self, request: WebhookRequest, secrets: list[str], now: float) -> None:
        """:param secrets: public keys as the portal shows them, base64"""
        # late: the bridge, which replays files, does without it
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        stamp = request.headers.get("telnyx-timestamp", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12) or abs(now - int(stamp)) > _TOLERANCE:
            raise BadSignature("the time stamp is missing, too old or too new")
        try:
            signature = base64.b64decode(request.headers.get("telnyx-signature-ed25519", ""), validate=True)
        except (binascii.Error, ValueError):
            raise BadSignature("there is no signature") from None
        signed = stamp.encode() + b"|" + request.body
        for secret in secrets:
            try:
                Ed25519PublicKey.from_public_bytes(base64.b64decode(secret.strip(), validate=True)).verify(
                    signature, signed
                )
            except (InvalidSignature, binascii.Error, ValueError):
                continue
            return
        raise BadSignature("the signature does not fit")

    def read(self, request: WebhookRequest) -> Iterator[Event]:
        content = request.json()
        data = content.get("data") if isinstance(content, dict) else None
        payload = data.get("payload") if isinstance(data, dict) else None
        kind = data.get("event_type") if isinstance(data, dict) else None
        if not isinstance(payload, dict) or not isinstance(kind, str):
            raise BadBody("'data' has no 'event_type' or no 'payload'")
        tell = _MEANINGS.get(kind)
        if tell is None:
            return
        payload = {key: value for key, value in payload.items() if isinstance(value, str)}
        call, leg = payload.get("call_session_id", ""), payload.get("call_leg_id", "")
        if not call or not leg:
            raise BadBody("'call_session_id' or 'call_leg_id' is missing")
        at = parse_time(data.get("occurred_at"))
        # a webhook that comes again has the same id; should it have none, what it says is as good
        ident = str(data.get("id") or f"{kind} {data.get('occurred_at')}")

        def say(what, /, **values):
            return self.event(what, call, leg, at, ident, **values)

        yield from tell(say, payload)


Say = Callable[..., Event]


def _initiated(say: Say, payload: dict) -> Iterator[Event]:
    outgoing = payload.get("direction") == "outgoing"
    channel, number = party(payload.get("to" if outgoing else "from", ""))
    address = user(payload.get("from_sip_uri", ""))
    if not outgoing and payload.get("calling_party_type") == "sip" and address and not is_number(address):
        # a phone of ours that shows the company's number
        channel, number = phone(address), address
    side = {"channel": channel, "number": number}
    # whichever leg it is, both ends are named: who called is known from any of them
    dialled = "" if outgoing else party(payload.get("to", ""))[1]
    yield say("started", **side, dialled=dialled, name=payload.get("caller_id_name", ""), retold=True)
    if outgoing:
        yield say("ringing", **side)


def _answered(say: Say, payload: dict) -> Iterator[Event]:
    yield say("answered")


def _bridged(say: Say, payload: dict) -> Iterator[Event]:
    # no bridge is named: all legs of a session that are bridged hear each other
    yield say("bridged")


def _joined(say: Say, payload: dict) -> Iterator[Event]:
    # sessions that meet in a conference are one call
    yield say("bridged", bridge=payload.get("conference_id", ""), calls=[payload.get("conference_id", "")])


def _left(say: Say, payload: dict) -> Iterator[Event]:
    yield say("unbridged", bridge=payload.get("conference_id", ""))


def _held(say: Say, payload: dict) -> Iterator[Event]:
    yield say("held")


def _resumed(say: Say, payload: dict) -> Iterator[Event]:
    yield say("resumed")


def _queued(say: Say, payload: dict) -> Iterator[Event]:
    yield say("queued", queue=payload.get("queue", ""))


def _dequeued(say: Say, payload: dict) -> Iterator[Event]:
    reason = payload.get("reason", "")
    yield say("abandoned" if reason == "hangup" else "unqueued", queue=payload.get("queue", ""))
    if reason == "timeout":
        yield say("status", name="queue", value="TIMEOUT")


def _machine(say: Say, payload: dict) -> Iterator[Event]:
    if payload.get("result") in ("machine", "fax_detected"):
        yield say("status", name="answered_by", value="machine")


def _spoken(say: Say, payload: dict) -> Iterator[Event]:
    yield say("app", app="playback")


def _gathered(say: Say, payload: dict) -> Iterator[Event]:
    yield say("app", app="read")


def _recorded(say: Say, payload: dict) -> Iterator[Event]:
    yield say("recorded", file=payload["call_leg_id"])


def _hangup(say: Say, payload: dict) -> Iterator[Event]:
    cause, source = payload.get("hangup_cause", ""), payload.get("hangup_source", "")
    # whose end it was, only the leg's direction tells; a caller that cancels is one that gave up
    if cause == "originator_cancel" or (cause == "normal_clearing" and source == "caller"):
        yield say("hangup_requested")
    yield say("ended", cause=_CAUSES.get(cause, 31))


_MEANINGS = {
    "call.initiated": _initiated,
    "call.answered": _answered,
    "call.bridged": _bridged,
    "call.hangup": _hangup,
    "call.hold": _held,
    "call.unhold": _resumed,
    "call.enqueued": _queued,
    "call.dequeued": _dequeued,
    "call.machine.detection.ended": _machine,
    "call.machine.premium.detection.ended": _machine,
    "call.speak.started": _spoken,
    "call.playback.started": _spoken,
    "call.gather.ended": _gathered,
    "call.recording.saved": _recorded,
    "conference.participant.joined": _joined,
    "conference.participant.left": _left,
}
