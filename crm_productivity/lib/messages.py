"""What other systems tell of messages: who wrote when, and never what.

A source posts JSON, signed with a secret that both sides know: ``X-Signature-256: sha256=…``, the HMAC-SHA256 of the
very bytes (Meta calls the header ``X-Hub-Signature-256``). A request that comes again does no harm: messages are known by
the source's own ids.

Sources of the formats: readme/MESSAGES.md (ours); Meta, *WhatsApp Cloud API, Webhooks*: ``messages`` are the customer's,
a status ``sent`` is a message of ours. What was sent by template, and is no answer of the service window, a machine sent.

>>> [one.incoming for one in read_own({"messages": [
...     {"id": "1", "at": "2026-11-02T09:00:00Z", "direction": "in", "number": "+12025550101"}]})]
[True]
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

#: most messages of a request, and characters of an id
MOST, LONGEST = 1000, 200


class BadMessage(ValueError):
    """A body that cannot be used; its text says why, without what was in it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A message that some system told about.

    :param ref: its id there
    :param at: aware
    :param number: of the customer
    :param email: of the customer
    :param login: of whoever of us wrote it, if the source knows
    """

    ref: str
    at: datetime
    incoming: bool
    number: str | None = None
    email: str | None = None
    automatic: bool = False
    login: str | None = None


def is_signed(body: bytes, header: str | None, secrets: list[str]) -> bool:
    """Whether a body was signed with one of these secrets."""
    given = (header or "").strip()
    return any(
        hmac.compare_digest(
            f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}".encode(), given.encode()
        )
        for secret in secrets
    )


def read_own(content) -> list[Told]:
    """Messages in our own format.

    :raise BadMessage: something is missing, or is not what it should be
    """
    rows = content.get("messages") if isinstance(content, Mapping) else None
    if not isinstance(rows, list) or len(rows) > MOST:
        raise BadMessage(f"“messages” must be a list of at most {MOST}")
    return [_read_own(row) for row in rows]


def _read_own(row) -> Told:
    if not isinstance(row, Mapping):
        raise BadMessage("a message must be an object")
    if row.get("direction") not in ("in", "out"):
        raise BadMessage("“direction” must be “in” or “out”")
    number, email, login = (_text(row, name, needed=False) for name in ("number", "email", "login"))
    if not number and not email:
        raise BadMessage("a message needs the customer's “number” or “email”")
    if not isinstance(row.get("automatic", False), bool):
        raise BadMessage("“automatic” must be true or false")
    try:
        at = datetime.fromisoformat(_text(row, "at"))
    except ValueError:
        raise BadMessage("“at” must be a time as 2026-11-02T09:00:00Z") from None
    if at.tzinfo is None:
        raise BadMessage("“at” must say its time zone, as 2026-11-02T09:00:00Z")
    return Told(
        _text(row, "id"), _usable(at), row["direction"] == "in", number, email, row.get("automatic", False), login
    )


def read_whatsapp(content) -> list[Told]:
    """Messages as Meta's Cloud API posts them; anything else in it is passed over.

    :raise BadMessage: it is no such body
    """
    if not isinstance(content, Mapping) or content.get("object") != "whatsapp_business_account":
        raise BadMessage("this is not of a WhatsApp business account")
    found = list(_whatsapp(content))
    if len(found) > MOST:
        raise BadMessage(f"more than {MOST} messages")
    return found


def _whatsapp(content) -> Iterator[Told]:
    for entry in _list(content, "entry"):
        for change in _list(entry, "changes"):
            value = change.get("value")
            if change.get("field") != "messages" or not isinstance(value, Mapping):
                continue
            for message in _list(value, "messages"):
                # a reaction asks nothing, and what the system says is no message
                if message.get("type") not in ("reaction", "system", "unsupported"):
                    yield Told(_text(message, "id"), _epoch(message), True, f"+{_text(message, 'from').lstrip('+')}")
            for status in _list(value, "statuses"):
                # of each message there are several: sent, delivered, read
                if status.get("status") == "sent":
                    pricing = status.get("pricing")
                    kind = pricing.get("category") if isinstance(pricing, Mapping) else None
                    number = f"+{_text(status, 'recipient_id').lstrip('+')}"
                    by_machine = kind not in (None, "service", "referral_conversion")
                    yield Told(_text(status, "id"), _epoch(status), False, number, automatic=by_machine)


def challenge(query: Mapping[str, str], token: str | None) -> str | None:
    """What Meta wants to hear when an address is entered there; None if that is not asked, or the token is wrong."""
    given = query.get("hub.verify_token") or ""
    if query.get("hub.mode") != "subscribe" or not token or not hmac.compare_digest(given.encode(), token.encode()):
        return None
    return query.get("hub.challenge")


#: kind of channel -> how its bodies are read
READERS = {"own": read_own, "whatsapp": read_whatsapp}


def _list(holder, name) -> list:
    rows = holder.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise BadMessage(f"“{name}” must be a list of objects")
    return rows


def _text(row, name, needed=True) -> str | None:
    value = row.get(name)
    if value is None and not needed:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not value.isprintable():
        raise BadMessage(f"“{name}” must be a text of at most {LONGEST} characters")
    return value.strip()


def _epoch(row) -> datetime:
    text = _text(row, "timestamp")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise BadMessage("“timestamp” must be seconds since 1970")
    return _usable(datetime.fromtimestamp(int(text), timezone.utc))


def _usable(at: datetime) -> datetime:
    try:
        at = at.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        raise BadMessage("a time is out of any range") from None
    if not 2000 <= at.year <= 2100:
        raise BadMessage("a time is out of any range")
    return at
