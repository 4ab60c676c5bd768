"""RingCentral: telephony session notifications of an account (``/restapi/v1.0/account/~/telephony/sessions``).

Source: https://developers.ringcentral.com/guide/voice/telephony-session-notifications,
/guide/notifications/event-filters/account-telephony-sessions and /guide/notifications/webhooks/creating-webhooks.

A session is a call, its *parties* are the legs: ``p-…-1`` called, ``p-…-2`` was called, further ones were called later.
Only parties of the account itself are reported, so what a party says of the other end (``from``, ``to``) has to
tell of the customer.

Traps: notifications overtake each other (``sequence`` counts them, ``eventTime`` dates them); a caller inside the
company is *Answered* as soon as the called one's rules begin to run, while nobody has; *Answered* after *Hold* is
the end of the hold; a party that leaves by a transfer is *Disconnected* or *Gone* while the call goes on, perhaps in
another session (``peerId``); the answer to the handshake may have 1024 bytes at most, headers included.
"""

import re
from collections.abc import Iterator, Mapping

from ..events import Event, parse_time
from .base import Adapter, Answer, BadBody, BadSignature, WebhookRequest, line, matches, phone

_PARTY = re.compile(r"(.+)-([0-9]{1,4})\Z")
_TOKEN = re.compile(r"[\x21-\x7e]{1,255}\Z")
_ELSEWHERE = 26
#: reason of a party's end -> cause (Q.850)
_CAUSES = {
    "Rejected": 21,
    "TargetBusy": 17,
    "NoAnswer": 19,
    "Timeout": 19,
    "Pickup": _ELSEWHERE,
    "TakeOver": _ELSEWHERE,
    "AgentAnswered": _ELSEWHERE,
    "InvalidNumber": 1,
    "NoSuchUser": 1,
    "InternationalDisabled": 52,
    "DestinationBlocked": 52,
    "NotEnoughFunds": 50,
    "InternalError": 41,
}
#: with these (or none, or a missed call) the call itself is over, not only a party's part in it
_FINAL = frozenset({"", "CallFinished", "CallDropped", "Cancelled", "InvalidNumber", "NoSuchUser"})
_MAILBOX = frozenset({"VoiceMail", "Voicemail", "VoiceMailScreening", "VMScreening"})


class RingCentral(Adapter):
    name = "ringcentral"
    label = "RingCentral"
    capabilities = frozenset({"live", "hold"})
    makes_secret = True

    def challenge(self, request: WebhookRequest) -> Answer | None:
        # a notification has a body, and is nothing to be answered before it is verified
        empty = request.body.strip() in (b"", b"{}")
        return self._echo(request) if empty and "validation-token" in request.headers else None

    def verify(self, request: WebhookRequest, secrets: list[str], now: float) -> None:
        # the header's name is the newer of two in RingCentral's documentation
        names = ("verification-token", "validation-token")
        if not any(matches(request.headers.get(name, ""), secrets) for name in names):
            raise BadSignature("the verification token does not fit")

    def answer(self, request: WebhookRequest, result: Mapping) -> Answer:
        return self._echo(request) if "validation-token" in request.headers else Answer()

    def _echo(self, request: WebhookRequest) -> Answer:
        """What RingCentral wants to see that the address is ours."""
        token = request.headers["validation-token"]
        # it goes back into a header, so it is a single plain word or nothing
        return Answer(headers={"Validation-Token": token}) if _TOKEN.match(token) else Answer(status=400)

    def read(self, request: WebhookRequest) -> Iterator[Event]:
        content = request.json()
        body = content.get("body") if isinstance(content, dict) else None
        if not isinstance(body, dict):
            raise BadBody("'body' is missing")
        session, parties = body.get("telephonySessionId"), body.get("parties", [])
        if session is None:  # what else an account may have subscribed to
            return
        if not isinstance(session, str) or not session or not isinstance(parties, list):
            raise BadBody("'telephonySessionId' or 'parties' is of the wrong kind")
        at = parse_time(body.get("eventTime") or content.get("timestamp"))
        for values in parties[:200]:
            if isinstance(values, dict) and isinstance(values.get("id"), str) and values["id"]:
                yield from _Party(self, session, values, at, f"{body.get('sequence')} {values['id']}").tell()


class _Party:
    """What one notification says of one party."""

    def __init__(self, adapter: Adapter, session: str, values: dict, at, said: str):
        self.adapter, self.session, self.at, self.said = adapter, session, at, said
        self.leg = values["id"]
        self.inbound = values.get("direction") == "Inbound"
        self.caller, self.called = _dict(values.get("from")), _dict(values.get("to"))
        self.missed = values.get("missedCall") is True
        self.status = _dict(values.get("status"))
        own = self.called if self.inbound else self.caller
        # of a menu or an announcement of the company, there is no extension
        self.extension = _extension(own) or _text(values.get("extensionId"))
        found = _PARTY.match(self.leg)
        base = found[1] if found else self.leg
        self.other = f"{base}-1" if self.inbound else f"{base}-2"

    def say(self, kind: str, leg: str = "", /, **data) -> Event:
        return self.adapter.event(kind, self.session, leg, self.at, self.said, kind, leg, **data)

    def tell(self) -> Iterator[Event]:
        code = _text(self.status.get("code"))
        if self.leg == self.other:
            return
        yield from self._ends()
        if code == "Answered":
            yield from self._answered()
        elif code in ("Hold", "Parked"):
            yield self.say("held", self.leg)
        elif code in _MAILBOX or code == "FaxReceive":
            caller = self._calling()
            if self.inbound:
                yield self.say("ended", self.leg, cause=19)  # the phone does not ring any more
            yield self.say("answered", caller)
            yield self.say("app", caller, app="voicemail" if code in _MAILBOX else "fax")
        elif code == "Gone":
            yield from self._gone()
        elif code == "Disconnected":
            yield from self._disconnected()

    def _calling(self) -> str:
        return self.other if self.inbound else self.leg

    def _outside(self) -> bool:
        """Whether the other end is none of the account, so that only this party tells of it."""
        return not _extension(self.caller if self.inbound else self.called)

    def _ends(self) -> Iterator[Event]:
        """Both ends of the connection exist; the account's own says so itself, the customer's never does."""
        own, other = (self.called, self.caller) if self.inbound else (self.caller, self.called)
        number, dialled = _text(other.get("phoneNumber")), _text(self.called.get("phoneNumber"))
        if self.extension:
            channel = phone(self.extension)
            place = "" if self.inbound else dialled or _extension(self.called)
            own_number = _text(own.get("phoneNumber")) if not self.inbound else self.extension
            yield self.say("started", self.leg, channel=channel, number=own_number, dialled=place, retold=True)
            if self.inbound:
                yield self.say("ringing", self.leg, channel=channel, by=self.other)
        if self._outside():
            dialled = dialled if self.inbound else ""
            name = _text(other.get("name"))
            side = {"channel": line(), "number": number}
            yield self.say("started", self.other, **side, name=name, dialled=dialled, retold=True)
            if not self.inbound:
                yield self.say("ringing", self.other, **side, by=self.leg)
        elif self.inbound:
            inside = _extension(self.caller)
            yield self.say("started", self.other, channel=phone(inside), number=inside, dialled=dialled, retold=True)

    def _answered(self) -> Iterator[Event]:
        # also the end of a hold
        yield self.say("resumed", self.leg)
        if self.inbound and not self.extension:
            yield self.say("answered", self.other)  # by a menu of the company
            return
        if not self.inbound and not self._outside():
            return  # the called one's rules run; who takes the call is a party of its own
        called, caller = (self.leg, self.other) if self.inbound else (self.other, self.leg)
        yield self.say("dial_ended", called, status="ANSWER", by=caller)
        for leg in (called, caller):
            yield self.say("answered", leg)
            yield self.say("bridged", leg, bridge=self.session)

    def _gone(self) -> Iterator[Event]:
        """The party connected the other end with that of another session, and left."""
        peer = _dict(self.status.get("peerId"))
        session, party = _text(peer.get("telephonySessionId")), _text(peer.get("partyId"))
        if session and session != self.session:
            # each of the two says so, and moves its own side into the same bridge
            bridge = "+".join(sorted((session, self.session)))
            legs = [self.leg, party] if party else [self.leg]
            calls = sorted((session, self.session))
            yield self.say("transferred", self.leg, kind="attended", calls=calls, legs=legs)
            yield self.say("bridged", self.other, bridge=bridge)
        yield self.say("ended", self.leg, cause=16)

    def _disconnected(self) -> Iterator[Event]:
        reason = _text(self.status.get("reason"))
        # a queue is a party like a phone
        yield self.say("untold", parts=["queue"])
        if reason == "Cancelled":
            yield self.say("hangup_requested", self._calling())
        yield self.say("ended", self.leg, cause=_CAUSES.get(reason, 16))
        if reason in _FINAL or (self.missed and self._outside() and _CAUSES.get(reason) != _ELSEWHERE):
            yield self.say("ended", cause=_CAUSES.get(reason, 16))
        elif not self.inbound and self._outside() and reason in _CAUSES:
            yield self.say("ended", self.other, cause=_CAUSES[reason])


def _dict(value) -> dict:
    return value if isinstance(value, dict) else {}


def _text(value) -> str:
    return value[:160] if isinstance(value, str) else ""


def _extension(end: dict) -> str:
    """What a phone of the account is called: the short number that people know, else RingCentral's own id."""
    return _text(end.get("extensionNumber")) or _text(end.get("extensionId"))
