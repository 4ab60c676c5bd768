"""Twilio: voice status callbacks, and those of conferences, recordings and answering machine detection.

Source: https://www.twilio.com/docs/voice/api/call-resource#statuscallback, /docs/voice/twiml/number,
/docs/voice/twiml/conference and /docs/usage/webhooks/webhooks-security.

A *child* call (``<Dial>``) names its parent; the parent is the call, and both are its legs. Legs that meet in a
conference are calls of their own to Twilio, which the conference joins.

Traps: times are whole seconds; of an incoming call only the end is reported, with the seconds since it was
*answered* in ``CallDuration`` (``Duration`` is billed minutes); an answer may be the application's own, so it is no
person until somebody is connected; callbacks overtake each other; a withheld number comes as the word on a
telephone's keys; who hung up is not told, and hold only of conferences.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit

from ..events import UTC, Event, parse_time
from ..phone import PHONE
from .base import Adapter, BadBody, BadSignature, WebhookRequest, line, phone
from .sip import party

#: anonymous, unavailable, unknown, blocked, restricted
_WITHHELD = frozenset({"+266696687", "+86282452253", "+8656696", "+2562533", "+7378742833"})
#: how a call ended that nobody answered -> status of calling it, cause (Q.850)
_VAIN = {
    "busy": ("BUSY", 17),
    "no-answer": ("NOANSWER", 19),
    "canceled": ("CANCEL", None),
    "failed": ("CHANUNAVAIL", 41),
}
_NOT_FOUND = frozenset({"404", "410", "484", "604"})
_HASHES = {"hmac_sha1": hashlib.sha1, "hmac_sha256": hashlib.sha256}


class Twilio(Adapter):
    name = "twilio"
    label = "Twilio"
    capabilities = frozenset({"live"})

    # --- signature ---

    def verify(self, request: WebhookRequest, secrets: list[str], now: float) -> None:
        given = request.headers.get("x-twilio-signature", "").encode("utf-8", "replace")
        settings = request.headers.get("x-twilio-webhooks-signature-settings", "")
        named = dict(part.strip().partition("=")[::2] for part in settings.split(","))
        algorithm = _HASHES.get((named.get("algorithm") or "HMAC_SHA1").lower())
        if not given or algorithm is None:
            raise BadSignature("there is no signature, or of an unknown kind")
        signed = [address + _fields(request) for address in _addresses(request)]
        good = False
        for secret in secrets:
            for text in signed:
                digest = hmac.digest(secret.encode("utf-8", "replace"), text.encode("utf-8", "replace"), algorithm)
                good |= hmac.compare_digest(base64.b64encode(digest), given)
        if not good:
            raise BadSignature("the signature does not fit")

    # --- what it says ---

    def read(self, request: WebhookRequest) -> Iterator[Event]:
        said = request.query if request.method == "GET" else request.fields()
        fields = {key: value for key, value in said.items() if isinstance(value, str)}
        sid = fields.get("CallSid", "")
        if not sid:
            if "ConferenceSid" in fields:  # its start and end, which are no call's concern
                return
            raise BadBody("'CallSid' is missing")
        at = _time(fields.get("Timestamp")) or request.received_at
        if fields.get("AnsweredBy", "").startswith(("machine", "fax")):
            call = fields.get("ParentCallSid") or sid
            yield self.event("status", call, sid, at, sid, "answered by", name="answered_by", value="machine")
        if "ConferenceSid" in fields and "StatusCallbackEvent" in fields:
            yield from self._conference(fields, sid, at)
        elif "RecordingSid" in fields:
            yield from self._recording(fields, sid, at)
        elif "CallStatus" in fields:
            yield from self._status(fields, sid, at)

    def _status(self, fields: dict, sid: str, at: datetime | None) -> Iterator[Event]:
        """A call's progress; ``Direction`` tells which of its two ends is meant."""
        status, parent = fields["CallStatus"], fields.get("ParentCallSid", "")
        call = parent or sid
        outward = fields.get("Direction", "inbound").startswith("outbound")
        channel, number = _party(fields.get("To" if outward else "From", ""))
        side = {"channel": channel, "number": number}
        seconds = fields.get("CallDuration", "")
        lasted = (
            timedelta(seconds=int(seconds)) if seconds.isascii() and seconds.isdigit() and len(seconds) < 7 else None
        )
        up = at - lasted if at and lasted else None

        def say(kind, leg, moment, /, **data):
            return self.event(kind, call, leg, moment, sid, status, leg, **data)

        if parent:
            yield from self._parent(fields, say, call, at, up if status == "completed" else at)
        if outward:
            # its end does not tell when it began to ring
            if status != "completed" and status not in _VAIN:
                yield say("started", sid, at, **side, retold=True)
            yield say("ringing", sid, at, **side, by=parent)
        else:
            name, dialled = fields.get("CallerName", ""), _party(fields.get("To", ""))[1]
            yield say("started", sid, up or at, **side, name=name, dialled=dialled)
        if status == "in-progress" or (status == "completed" and lasted):
            met = at if status == "in-progress" else up
            yield say("answered", sid, met, **side)
            if outward:
                yield say("dial_ended", sid, met, **side, status="ANSWER", by=parent)
            if parent:
                yield say("bridged", sid, met, **side, bridge=parent)
                yield say("bridged", parent, met, bridge=parent)
        if status == "completed" or status in _VAIN:
            yield from self._ended(fields, say, sid, parent, at, outward, side)

    def _parent(self, fields: dict, say, call: str, at: datetime | None, met: datetime | None) -> Iterator[Event]:
        """What a child tells of its parent."""
        ours, _number = _party(fields.get("To", ""))
        channel, number = _party(fields.get("From", ""))
        side = {"channel": channel, "number": number}
        if PHONE not in (ours[: len(PHONE)], channel[: len(PHONE)]):
            # from a number to a number: a customer sent on to a mobile phone, or the reverse; the parent's own
            # report will tell
            side = {}
        yield say("started", call, met or at, **side, retold=True)
        # a device's own hold is known to the device alone, and of waiting in a queue nothing is said
        yield say("untold", "", at, parts=["hold", "queue"])

    def _ended(self, fields, say, sid, parent, at, outward, side) -> Iterator[Event]:
        status = fields["CallStatus"]
        result, cause = _VAIN.get(status, ("", 16))
        if status == "failed" and fields.get("SipResponseCode") in _NOT_FOUND:
            cause = 1
        if outward and result:
            yield say("dial_ended", sid, at, **side, status=result, by=parent)
        if status == "canceled":
            # as in Twilio's words: hung up by the caller while it rang
            yield say("hangup_requested", parent or sid, at)
        yield say("ended", sid, at, **side, cause=cause)
        if parent and not result:
            yield say("unbridged", parent, at, bridge=parent)

    def _conference(self, fields: dict, sid: str, at: datetime | None) -> Iterator[Event]:
        happened, room = fields["StatusCallbackEvent"], fields["ConferenceSid"]
        kinds = {
            "participant-join": "bridged",
            "participant-leave": "unbridged",
            "participant-hold": "held",
            "participant-unhold": "resumed",
        }
        kind = kinds.get(happened)
        if kind is None:
            return
        place = fields.get("SequenceNumber", "")
        bridge = room if kind in ("bridged", "unbridged") else ""
        # of the conference's, so that who keeps the one call finds those that meet it there
        yield self.event(kind, room, sid, at, sid, room, happened, place, bridge=bridge, calls=[sid])

    def _recording(self, fields: dict, sid: str, at: datetime | None) -> Iterator[Event]:
        if fields.get("RecordingStatus", "completed") != "completed":
            return
        recording = fields["RecordingSid"]
        at = _time(fields.get("RecordingStartTime")) or at
        if fields.get("RecordingSource") == "RecordVerb":
            yield self.event("app", sid, sid, at, recording, app="voicemail")
        else:
            yield self.event("recorded", sid, sid, at, recording, file=recording)


def _party(text: str) -> tuple[str, str]:
    """Channel and number of what Twilio calls From or To."""
    if text.startswith("client:"):
        name = text.removeprefix("client:").partition("?")[0]
        return phone(name), name
    if text.lower().startswith(("sip:", "sips:")):
        return party(text)
    number = "" if text in _WITHHELD or text.lower() in ("anonymous", "restricted", "unavailable", "unknown") else text
    return line(), number


def _time(text: str | None) -> datetime | None:
    """A time of RFC 2822, or ISO 8601."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return parse_time(text)
    try:
        return parse_time((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _addresses(request: WebhookRequest) -> Iterator[str]:
    """The addresses that may have been signed: Twilio states the port or does not."""
    for address in dict.fromkeys(filter(None, (request.public_url, request.url))):
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            continue
        bare = parts.netloc.removesuffix(f":{port}") if port else parts.netloc
        usual = port or (443 if parts.scheme == "https" else 80)
        yield SplitResult(parts.scheme, bare, *parts[2:]).geturl()
        yield SplitResult(parts.scheme, f"{bare}:{usual}", *parts[2:]).geturl()


def _fields(request: WebhookRequest) -> str:
    """What is signed after the address: of a form its fields, sorted; of JSON nothing, its digest is in the address.

    :raise BadSignature: that digest is missing, or is another body's
    """
    if request.is_json:
        digest = parse_qs(urlsplit(request.url).query).get("bodySHA256", [""])[0] or request.query.get("bodySHA256", "")
        if not hmac.compare_digest(hashlib.sha256(request.body).hexdigest().encode(), digest.lower().encode()):
            raise BadSignature("the digest of the body does not fit")
        return ""
    if request.form is not None:
        pairs = list(request.form.items())
    else:
        try:
            pairs = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=2_000)
        except ValueError:
            raise BadSignature("the body is no form") from None
    return "".join(key + value for key, value in sorted(set(pairs)))
