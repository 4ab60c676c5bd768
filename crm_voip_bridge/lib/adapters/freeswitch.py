"""FreeSWITCH: the call detail records that ``mod_json_cdr`` posts, one for each leg when it is over.

Source: https://developer.signalwire.com/freeswitch/module-reference/event-handlers/mod_json_cdr/ and the module's own
code.

Traps: the times to use are the ``*_uepoch`` ones, microseconds, where 0 is "never"; ``billsec`` counts from the answer,
which a menu may have given; values are URL-encoded inside the JSON unless ``encode-values`` is off, and the whole
is JSON, a form field or base64 as ``encode`` says; both legs of a connection are reported, the one that ended first
comes first; ``?uuid=…`` is appended to the address, whatever it has already; a caller that gives up leaves
cause 16 on both legs, and a phone that lost to a colleague has the cause LOSE_RACE.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import unquote, unquote_to_bytes

from ..events import Event, parse_time
from ..phone import is_local
from .base import Adapter, BadBody, BadSignature, WebhookRequest, line, matches, phone
from .sip import is_number, user

_HOLDS = re.compile(r"\{([0-9]{10,17}),([0-9]{10,17})\}")
#: application -> what a caller meets
_APPS = {
    "voicemail": "voicemail",
    "ivr": "background",
    "playback": "playback",
    "endless_playback": "playback",
    "speak": "playback",
    "phrase": "playback",
    "play_and_get_digits": "read",
    "read": "read",
    "record": "record",
    "echo": "echo",
    "conference": "confbridge",
}
_MOST_APPS = 50
#: causes that FreeSWITCH adds to those of Q.850, by its own names
_CAUSES = {"LOSE_RACE": 26, "PICKED_OFF": 26, "ORIGINATOR_CANCEL": 16, "USER_NOT_REGISTERED": 20, "GATEWAY_DOWN": 38}
_STATUSES = {
    "LOSE_RACE": "CANCEL",
    "ORIGINATOR_CANCEL": "CANCEL",
    "USER_BUSY": "BUSY",
    "NO_ANSWER": "NOANSWER",
    "NO_USER_RESPONSE": "NOANSWER",
    "ALLOTTED_TIMEOUT": "NOANSWER",
}
#: DIALSTATUS of the leg that called
_SAID = {"SUCCESS": "ANSWER", "CANCEL": "CANCEL", "NOANSWER": "NOANSWER", "BUSY": "BUSY"}


class FreeSwitch(Adapter):
    name = "freeswitch"
    label = "FreeSWITCH"
    capabilities = frozenset({"hold", "queue"})
    makes_secret = True

    def verify(self, request: WebhookRequest, secrets: list[str], now: float) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                _user, _, given = base64.b64decode(given.strip(), validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                given = ""
        else:
            # the module puts a second question mark behind what the address has
            given = request.query.get("token", "").partition("?")[0]
        if not matches(given, secrets):
            raise BadSignature("the token does not fit")

    def read(self, request: WebhookRequest) -> Iterator[Event]:
        record = _record(request)
        variables = record.get("variables")
        if not isinstance(variables, Mapping):
            raise BadBody("there are no 'variables'")
        values = {key: unquote(value) for key, value in variables.items() if isinstance(value, str)}
        return _Leg(self, values, record).tell()


def _record(request: WebhookRequest) -> Mapping:
    """The record in a body, however it is wrapped.

    :raise BadBody: there is none
    """
    body = request.body.strip()
    if request.form is not None:
        body = request.form.get("cdr", "").encode("utf-8", "replace")
    elif body.startswith(b"cdr="):
        body = body.removeprefix(b"cdr=")
        if body[:1] != b"{":
            # the brace is encoded as %7B, and a per cent sign is no letter of base64
            body = unquote_to_bytes(body) if body[:1] == b"%" else _base64(body)
    record = replace(request, body=body, form=None).json()
    if not isinstance(record, Mapping):
        raise BadBody("the record is no JSON object")
    return record


def _base64(body: bytes) -> bytes:
    try:
        return base64.b64decode(body + b"=" * (-len(body) % 4)).rstrip(b"\x00")
    except (binascii.Error, ValueError):
        raise BadBody("the record is neither JSON nor base64") from None


class _Leg:
    """One record."""

    def __init__(self, adapter: Adapter, values: Mapping[str, str], record: Mapping):
        self.adapter, self.values, self.record = adapter, values, record
        self.uuid = values.get("uuid", "")
        self.start, self.end = self._time("start"), self._time("end")
        if not self.uuid or self.start is None:
            raise BadBody("the record has no 'uuid' or no 'start_uepoch'")
        self.called = values.get("direction") == "outbound"
        self.profile = _profile(record)
        self.channel, self.number = self._end()
        self.call = self._call()
        self.up = self._time("answer")

    def _time(self, name: str) -> datetime | None:
        return _micros(self.values.get(f"{name}_uepoch", "")) or parse_time(self.values.get(f"{name}_epoch"))

    def _call(self) -> str:
        """The leg with which the call began, as this one knows it."""
        values = self.values
        if values.get("cc_side") == "agent" and values.get("cc_member_session_uuid"):
            return values["cc_member_session_uuid"]
        if not self.called:
            return self.uuid
        return values.get("originating_leg_uuid") or values.get("originator") or values.get("call_uuid") or self.uuid

    def _end(self) -> tuple[str, str]:
        """Channel and number of who is at the end of this leg."""
        values = self.values
        name = values.get("channel_name", "")
        if name.startswith("loopback/"):
            place, _, side = name.removeprefix("loopback/").rpartition("-")
            return f"Local/{place}@loopback;{1 if side == 'a' else 2}", ""
        if not self.called:
            ours = values.get("user_name") or values.get("sip_auth_username", "")
            if ours:
                return phone(ours), ours
            return line(), self._profiled("caller_id_number") or values.get("sip_from_user", "")
        number = values.get("sip_to_user") or self._profiled("destination_number")
        if values.get("sip_gateway_name") or values.get("sip_gateway") or "/gateway/" in name:
            return line(), number
        ours = values.get("dialed_user") or user(name.rpartition("/")[2])
        return (phone(ours), ours) if ours and not is_number(ours) else (line(), number or ours)

    def _profiled(self, key: str) -> str:
        value = self.profile.get(key)
        return unquote(value) if isinstance(value, str) else ""

    def say(self, kind: str, at: datetime | None, leg: str | None = None, /, **data) -> Event:
        leg = self.uuid if leg is None else leg
        if leg == self.uuid:
            data["channel"] = self.channel
        return self.adapter.event(kind, self.call, leg, at, **data)

    def tell(self) -> Iterator[Event]:
        number, name = self.number, "" if self.called else self._profiled("caller_id_name")
        dialled = "" if self.called else self._profiled("destination_number") or self.values.get("sip_req_user", "")
        yield self.say("started", self.start, number=number, name=name, dialled=dialled)
        other = self.values.get("other_loopback_leg_uuid", "")
        if other and is_local(self.channel):
            yield self.say("paired", self.start, legs=sorted((self.uuid, other)))
        if self.called:
            yield self.say("ringing", self.start, number=number, by=self.call if self.call != self.uuid else "")
        if self.up:
            yield self.say("answered", self.up)
            if self.called:
                yield self.say("dial_ended", self.up, status="ANSWER")
        yield from self._applications()
        yield from self._bridge()
        for start, end in _HOLDS.findall(self.values.get("hold_events", "")):
            yield self.say("held", _micros(start))
            yield self.say("resumed", _micros(end))
        if "hold_events" not in self.values:
            yield from self._hold()
        yield from self._hangup()

    def _applications(self) -> Iterator[Event]:
        log = self.record.get("app_log")
        log = log.get("applications") if isinstance(log, Mapping) else None
        seen = 0
        for row in log if isinstance(log, list) else ():
            name = row.get("app_name") if isinstance(row, Mapping) else None
            at = _micros(str(row.get("app_stamp", ""))) if isinstance(name, str) else None
            if at is None or seen >= _MOST_APPS:
                continue
            if name in _APPS:
                seen += 1
                yield self.say("app", at, app=_APPS[name])
            elif name in ("callcenter", "fifo"):
                seen += 1
                queue = str(row.get("app_data", "")).split("@")[0].split(" ")[0]
                yield from self._queue(at, queue)
        if not log and self.values.get("last_app") in _APPS:
            yield self.say("app", self.up or self.end, app=_APPS[self.values["last_app"]])

    def _queue(self, at: datetime, queue: str) -> Iterator[Event]:
        values = self.values
        yield self.say("queued", at, queue=queue)
        gone = values.get("cc_cause", "").lower() == "cancel"
        gave_up = gone and values.get("cc_cancel_reason", "") in ("BREAK_OUT", "")
        names = () if gave_up else ("cc_queue_answered", "cc_queue_canceled", "cc_queue_terminated", "bridge")
        out = next((moment for name in names if (moment := self._time(name))), self.end)
        # whole seconds there: never before it came
        out = max(out, at) if out else at
        yield self.say("abandoned" if gave_up else "unqueued", out, queue=queue)
        if gone and not gave_up:
            yield self.say("status", out, name="queue", value="TIMEOUT")

    def _bridge(self) -> Iterator[Event]:
        """The last connection: each record of the two legs tells it of both, so earlier partners tell theirs."""
        partner = self.values.get("bridge_uuid") or self.values.get("last_bridge_to", "")
        at = self._time("bridge")
        if not partner or at is None or partner == self.uuid:
            return
        bridge = "+".join(sorted((partner, self.uuid)))
        # handed over from another call, it belongs to that one, too
        calls = [partner] if self.called and partner != self.call else []
        yield self.say("bridged", at, bridge=bridge, calls=calls)
        yield self.say("bridged", at, partner, bridge=bridge)
        if self.end:
            yield self.say("unbridged", self.end, partner, bridge=bridge)

    def _hold(self) -> Iterator[Event]:
        """The one hold that older releases tell, by its start and the sum of all."""
        start, lasted = self._time("last_hold"), self.values.get("hold_accum_usec", "")
        if start and lasted.isascii() and lasted.isdigit() and 0 < len(lasted) < 13 and int(lasted):
            yield self.say("held", start)
            yield self.say("resumed", start + timedelta(microseconds=int(lasted)))

    def _hangup(self) -> Iterator[Event]:
        values = self.values
        if self.end is None:
            return
        cause, number = values.get("hangup_cause", ""), values.get("hangup_cause_q850", "")
        if self.called and not self.up and cause in _STATUSES:
            yield self.say("dial_ended", self.end, status=_STATUSES[cause])
        plain = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else None
        itself = values.get("sip_hangup_disposition", "").startswith("recv")
        itself = itself or (not self.called and cause == "ORIGINATOR_CANCEL")
        said = _SAID.get(values.get("DIALSTATUS", ""), "") if not self.called else ""
        data = {"cause": _CAUSES.get(cause, plain), "dial_status": said}
        yield self.say("ended", self.end, **data, **({"by_itself": True} if itself else {}))


def _profile(record: Mapping) -> Mapping:
    """The caller's first profile: before a transfer changed what was dialled."""
    flow = record.get("callflow")
    flows = [row for row in (flow if isinstance(flow, list) else [flow]) if isinstance(row, Mapping)]
    flows.sort(key=lambda row: str(row.get("profile_index", "")).rjust(6, "0"))
    profile = flows[0].get("caller_profile") if flows else None
    return profile if isinstance(profile, Mapping) else {}


def _micros(text: str) -> datetime | None:
    """A time in microseconds since 1970, None of 0."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or not int(text):
        return None
    return parse_time(f"{int(text) // 1_000_000}.{int(text) % 1_000_000:06d}")
