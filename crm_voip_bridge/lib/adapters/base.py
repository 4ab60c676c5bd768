"""What a hosted PBX posts becomes events: what every adapter is, and what it gets and gives.

An adapter is pure: it looks at one request and nothing else. It does not know what came before, does not
wait for what is missing, and keeps nothing: the same request, repeated, gives the same events with the same
ids, and :mod:`lib.fold` makes sense of any order.

Three rules of the fold and of the gate (:mod:`lib.scope`) that every adapter keeps:

* The leg with which a call begins has the call's id as its own (``event.leg == event.call``), and its
  ``started`` tells ``number`` and ``dialled``. Without it nobody knows who called, and the call is not kept.
* Every event of a leg names its channel: :func:`phone` for a phone of ours, :func:`line` for the world
  outside, ``<name>/<what the PBX says>`` where only the number can tell.
* Times are the PBX's, not those of the request's arrival.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from urllib.parse import parse_qsl

from ..events import UTC, Event, event_id, format_time
from ..phone import LINE, PHONE
from ..signature import BadSignature

__all__ = ["Adapter", "Answer", "BadBody", "BadSignature", "Refused", "WebhookRequest", "line", "matches", "phone"]

#: more fields than any provider posts
_MOST_FIELDS = 2_000
#: digits; what is longer is a telephone number
_LONGEST_EXTENSION = 7
#: no text in a provider's report that is worth keeping is longer
_LONGEST = 512


class BadBody(ValueError):
    """A body that is not what the provider's documentation says; the text says why, in one line.

    It quotes no number and no name: it is shown to administrators and kept.
    """


@dataclass(frozen=True)
class WebhookRequest:
    """What came over HTTP.

    :param url: the address by which the request came, as far as Odoo can tell behind a proxy
    :param headers: names in lower case
    :param query: parameters in the address; of one that stands there twice, the last
    :param body: the very bytes, JSON or a form
    :param form: fields of a form, where whoever received it has taken it apart already; else None
    :param public_url: the address on the PBX's form in Odoo, with this request's query: what somebody pasted
        at the provider, and so what a provider signs who signs its address
    :param zone: of times that state none: that of the PBX's company
    :param received_at: when it arrived, for providers that state no times at all; None when a file is replayed
    :param place: the number of the line in a file that is replayed
    """

    method: str = "POST"
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    form: Mapping[str, str] | None = None
    public_url: str = ""
    zone: tzinfo = UTC
    received_at: datetime | None = None
    place: int = 0

    @property
    def is_json(self) -> bool:
        return self.form is None and self.body.lstrip()[:1] in (b"{", b"[")

    def json(self):
        """The value of a JSON body.

        :raise BadBody: it is none
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadBody("the body is no JSON") from None

    def fields(self) -> dict:
        """The keys and values of the body: a JSON object, or a form.

        :raise BadBody: it is neither
        """
        if self.form is not None:
            return dict(self.form)
        if self.is_json:
            value = self.json()
            if not isinstance(value, dict):
                raise BadBody("the body is no JSON object")
            return value
        try:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        except ValueError:
            raise BadBody("the body is neither JSON nor a form") from None


@dataclass(frozen=True)
class Refused:
    """A part of a body that is none, beside others that are good.

    :param item: the part, JSON values
    :param reason: why, in one line that quotes no number and no name
    """

    item: object
    reason: str


@dataclass(frozen=True)
class Answer:
    """What a provider is told."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value, status: int = 200) -> "Answer":
        return cls(status, json.dumps(value).encode(), "application/json; charset=utf-8")


class Adapter:
    """One kind of hosted PBX; derive a class, and register an instance.

    :cvar name: the PBX's kind in Odoo, the ``source`` of its events, and what follows ``replay --format``
    :cvar label: what the PBX is called
    :cvar capabilities: what it can, a subset of ``CAPABILITIES["asterisk"]`` in models/crm_voip_pbx.py
    :cvar makes_secret: the secret is ours to choose (a token that the provider sends back to us); else it is
        the provider's, and somebody copies it from there
    :cvar settle: seconds after a call's last word in which another report of it may come. Until then it is not
        decided whether a call without a ticked phone may be kept. 0 where one request tells a whole call
    """

    name = ""
    label = ""
    capabilities: frozenset[str] = frozenset()
    makes_secret = False
    settle = 60.0

    def challenge(self, request: WebhookRequest) -> Answer | None:
        """The answer to a provider that tries out the address, before anything is signed; None to all else.

        It must give away nothing but what was asked in this very request. It is called for PBXs that have a
        secret only.
        """
        return None

    def verify(self, request: WebhookRequest, secrets: list[str], now: float) -> None:
        """See that the request is the provider's.

        :param secrets: those that are valid now, never empty; several while one is being changed
        :param now: seconds since 1970
        :raise BadSignature: it is not; the text is for our log and quotes nothing of the request
        """
        raise NotImplementedError

    def read(self, request: WebhookRequest) -> Iterator[Event | Refused]:
        """The events that the request tells, in any order.

        Nothing for what is no call's concern. An event may still be refused when it is stored
        (:meth:`lib.events.Event.from_dict` has the limits). A call that is over, told as a whole, is best made into
        events by :func:`lib.adapters.finished.tell`.

        :raise BadBody: it is not what the provider's documentation says
        """
        raise NotImplementedError

    def answer(self, request: WebhookRequest, result: Mapping) -> Answer:
        """What the provider is told once all is stored.

        :param result: ``{"accepted": int, "known": int, "waiting": int, "refused": [{"index", "id", "reason"}]}``,
            with ``"error": text`` instead if :meth:`read` raised :class:`BadBody`: a body that is kept as refused,
            and that would be no better if it came again
        """
        return Answer()

    # --- for those who derive ---

    def event(self, kind: str, call: str, leg: str = "", at: datetime | None = None, /, *parts: str, **data) -> Event:
        """An event whose id follows from what it says.

        :param kind: a key of :data:`lib.events.TYPES`
        :param parts: what makes it unique, for a provider that numbers what it says; else call, leg, kind, time and
            data do
        :param data: what is empty is left out, and what is long is cut
        """
        data = {key: _short(value) for key, value in data.items() if value not in ("", None, [])}
        said = parts or (format_time(at) or "", json.dumps(data, sort_keys=True, default=str))
        return Event(event_id(self.name, kind, call, leg, *said), kind, call, leg, at, self.name, data)


def _short(value):
    return value[:_LONGEST] if isinstance(value, str) else value


def phone(name: str) -> str:
    """The channel of a phone of ours, whatever it is called there: ``101``, ``alice``.

    Not so a whole telephone number, to which a PBX may send a call on: it is a customer's until somebody enters it
    as an extension.
    """
    is_number = name.lstrip("+").isdigit() and len(name) > _LONGEST_EXTENSION
    return line("forwarded") if is_number else f"{PHONE}{name}"


def line(name: str = "") -> str:
    """The channel of somebody outside, however short the number."""
    return f"{LINE}{name or 'outside'}"


def matches(given: str, secrets: list[str]) -> bool:
    """Whether a text is one of the secrets, in a time that does not tell which or how much of it."""
    good = False
    for secret in secrets:
        good |= hmac.compare_digest(secret.encode("utf-8", "replace"), given.encode("utf-8", "replace"))
    return good
