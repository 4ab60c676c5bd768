"""3CX: what its CRM template reports of each call when it is over.

The template (``3cx.xml`` beside this file, filled in and downloaded from the PBX's form) posts the variables
of 3CX's ``ReportCall`` scenario as JSON. Source:
https://www.3cx.com/docs/server-side-crm-template-xml-description/.

Traps: 3CX gives no id of the call, so it is made from what identifies it; a variable that it does not fill in
comes as its own name in brackets; the time of a call that nobody answered is that of year 1; it reports once
for each of our phones that took part, and of a menu, a queue's length or a hold it tells nothing.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import timedelta

from ..events import Event, event_id, format_time, parse_time
from .base import Adapter, Answer, BadBody, BadSignature, WebhookRequest, matches
from .finished import Finished, Phone, tell

#: CallType -> direction, result
_TYPES = {
    "inbound": ("inbound", "answered"),
    "missed": ("inbound", "missed"),
    "outbound": ("outbound", "answered"),
    "notanswered": ("outbound", "missed"),
}


class ThreeCx(Adapter):
    name = "3cx"
    label = "3CX"
    capabilities = frozenset({"lookup"})
    makes_secret = True

    def verify(self, request: WebhookRequest, secrets: list[str], now: float) -> None:
        # the template's Basic authentication: any user, with the token as the password
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            _user, _, given = base64.b64decode(given.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            given = ""
        if kind.lower() != "basic" or not matches(given, secrets):
            raise BadSignature("the token does not fit")

    def read(self, request: WebhookRequest) -> Iterator[Event]:
        fields = {
            key: "" if not isinstance(value, str) or value.startswith("[") else value.strip()
            for key, value in request.fields().items()
        }
        known = _TYPES.get(fields.get("type", "").lower())
        if known is None:
            raise BadBody("'type' is none of 3CX's types of calls")
        direction, result = known
        start, end = (parse_time(fields.get(name)) for name in ("started_at", "ended_at"))
        duration = _seconds(fields.get("duration", ""))
        answered = parse_time(fields.get("answered_at")) if result == "answered" else None
        if end is None and duration is not None and (answered or start):
            end = (answered or start) + timedelta(seconds=duration)
        if start is None or end is None:
            raise BadBody("the call has no believable start or end")
        if result == "answered" and answered is None and duration is not None:
            answered = max(start, end - timedelta(seconds=duration))
        number, agent = fields.get("number", ""), fields.get("agent", "")
        # reports of several phones of one call begin together; without a number, only the phone tells calls apart
        ident = event_id("call", direction, format_time(start), number or agent)
        taken = (Phone(agent, answered_at=answered),) if agent else ()
        if direction == "outbound" and not taken:
            raise BadBody("an outgoing call names no extension")
        return tell(
            self.name,
            Finished(
                ident,
                direction,
                start,
                end,
                result,
                outside=number,
                own=fields.get("did", ""),
                name=fields.get("name", ""),
                phones=taken,
                answered_at=answered,
                queue=fields.get("queue") or None,
            ),
        )

    def answer(self, request: WebhookRequest, result: Mapping) -> Answer:
        # 3CX does not send again, whatever it hears; its log shows what came
        return Answer.json({"ok": "error" not in result})


def _seconds(text: str) -> int | None:
    """Seconds of ``hh:mm:ss``."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
        return None
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds
