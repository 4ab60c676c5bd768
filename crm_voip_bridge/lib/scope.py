"""What may be recorded: the gate that every event passes before it touches a disk.

Odoo says which extensions are ticked and which numbers are never logged (:class:`Scope`).
:class:`Gate` holds each call's events in memory until it is certain, then lets them through
or forgets them:

* A call is kept if it touches a ticked extension, or no extension at all (an IVR only, a
  queue given up). Phones that Odoo does not know count as unticked.
* A call of a company-wide never-log number is forgotten. One of a person's never-log number
  is forgotten if a phone of that person called or answered it, which is certain only at its
  end; else that person's phones count as unticked in it.
* Of a kept call, legs of unticked phones are left out, likewise a leg to a never-log number
  that came later (a transfer). What other events say of them is blanked: numbers stay
  nowhere, leg ids do.
* An outgoing call is not let through before the number it goes to is known.
* Nothing is kept of the time before calls are kept, nor of a call with somebody who was forgotten since.
* Whatever is not certain (a call whose beginning nobody saw, a leg whose phone nobody
  named) is left out, never kept.

Calls are components of linked ids: a transfer joins them, and so does a leg that moves.
Nothing of a forgotten call remains but a count.
"""

import hashlib
import hmac
import re
from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from .events import Event, event_id, format_time, parse_time
from .numbers import e164
from .phone import endpoint, extension_of, is_internal
from .site import Site

KEEP, FORGET = "keep", "forget"
#: sources that are the PBX's own records, not what somebody heard
_RECORDS = ("cel", "cdr")
#: what a dialplan shows before, or instead of, a number
_NO_NUMBER = ("", "s", "h", "i", "t")
_TOKEN = re.compile(r"\+?[0-9]{2,20}")
#: a phone named in an application's arguments or a local channel: PJSIP/109, Local/109@agents
_NAMED_PHONE = re.compile(r"(?i)(\b(?:local|[a-z]{3,8}2?)/)([0-9]{1,15})(?![0-9])")
_LOCAL = re.compile(r"Local/([0-9]+)@")
#: keys of Event.data that hold ids, never numbers
_IDS = frozenset({"alias", "by", "swap", "legs", "calls", "bridge", "n", "cause", "by_itself"})
#: a number's cache: as many as some busy hours bring; cleared when full, it costs little to fill
_CACHE = 5_000


class BadScope(ValueError):
    """Odoo's answer is no scope; the text says why."""


def never_hash(key: str, number: str) -> str:
    """How a never-log number travels from Odoo to the bridge.

    :param key: hexadecimal, a new one whenever the list changes would do
    :param number: E.164
    :return: 32 hexadecimal digits, the first half of the HMAC-SHA256
    """
    return hmac.digest(bytes.fromhex(key), number.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()


@dataclass(frozen=True)
class Audit:
    """A stretch of PBX time of which Odoo wants to know what the PBX's own record has (:mod:`lib.audit`).

    :param id: Odoo's name for the question
    """

    id: str
    begin: datetime
    end: datetime

    @classmethod
    def from_answer(cls, values: Mapping) -> "Audit":
        begin, end = parse_time(values["from"]), parse_time(values["until"])
        if begin is None or end is None:
            raise BadScope("the scope asks about a stretch of time without a believable beginning or end")
        return cls(str(values["id"]), begin, end)


@dataclass(frozen=True)
class Fetch:
    """A stretch of PBX time that is to be read again in the PBX's own record.

    :param earlier: extensions count that were ticked later, too
    """

    id: str
    begin: datetime
    end: datetime
    earlier: bool = False

    @classmethod
    def from_answer(cls, values: Mapping) -> "Fetch":
        begin, end = parse_time(values["from"]), parse_time(values["until"])
        if begin is None or end is None:
            raise BadScope("the scope asks to read again at no believable time")
        return cls(str(values["id"]), begin, end, values.get("earlier") is True)


@dataclass(frozen=True)
class Scope:
    """What Odoo wants recorded.

    :param version: Odoo's name for this state of it
    :param site: the PBX's habits; its ``extensions`` are all that Odoo knows
    :param ticked: the extensions that are recorded
    :param since: extension -> when it was ticked; it counts as unticked in calls that began earlier
    :param recordings: whether Odoo takes files of sound
    :param key: of the hashes, see :func:`never_hash`
    :param several: whether other bridges report of the same PBX
    :param fetches: what is to be read again in the PBX's own record
    :param never: hash -> extensions of the person whose number it is; empty: of the company
    :param audits: what Odoo wants to know of the PBX's own record
    :param kept_since: what happened earlier is not wanted any more
    :param forgotten_key: of the hashes in ``forgotten``
    :param forgotten: hash of the number of somebody who is forgotten -> until when: no call that began
        before that is kept
    """

    version: str
    site: Site = field(default_factory=Site)
    ticked: frozenset[str] = frozenset()
    key: str = ""
    never: Mapping[str, frozenset[str]] = field(default_factory=dict)
    since: Mapping[str, datetime] = field(default_factory=dict)
    recordings: bool = False
    several: bool = False
    fetches: tuple["Fetch", ...] = ()
    audits: tuple["Audit", ...] = ()
    kept_since: datetime | None = None
    forgotten_key: str = ""
    forgotten: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def from_answer(cls, values: Mapping) -> "Scope":
        """The scope in Odoo's answer to ``/crm_voip_bridge/v1/scope``.

        :raise BadScope: something is missing or of the wrong type; a scope is never guessed
        """
        try:
            extensions = {str(number): ticked is True for number, ticked in values["extensions"].items()}
            never = values.get("never") or {}
            key = str(never.get("key") or "")
            bytes.fromhex(key)
            numbers = {
                str(entry["hash"]): frozenset(map(str, entry["extensions"])) for entry in never.get("numbers") or ()
            }
            if numbers and not key:
                raise BadScope("the scope has never-log numbers without a key")
            site = Site(
                country=str(values.get("country") or ""),
                internal_min=int(values.get("internal_min") or 2),
                internal_max=int(values.get("internal_max") or 5),
                outside_prefix=str(values.get("outside_prefix") or ""),
                extensions=frozenset(extensions),
                trunks=frozenset(map(str, values.get("trunks") or ())),
            )
            ticked = frozenset(number for number, ticked in extensions.items() if ticked)
            since = {str(number): parse_time(moment) for number, moment in (values.get("since") or {}).items()}
            if None in since.values():
                raise BadScope("the scope has an extension ticked at no believable time")
            kept_since = parse_time(values.get("kept_since"))
            if kept_since is None and values.get("kept_since"):
                raise BadScope("the scope begins at no believable time")
            forgotten_key, forgotten = _forgotten(values.get("forgotten") or {})
            return cls(
                str(values["version"]),
                site,
                ticked,
                key,
                numbers,
                since,
                recordings=values.get("recordings") is True,
                several=isinstance(values.get("bridges"), int) and values["bridges"] > 1,
                fetches=tuple(map(Fetch.from_answer, values.get("fetch") or ())),
                audits=tuple(map(Audit.from_answer, values.get("audit") or ())),
                kept_since=kept_since,
                forgotten_key=forgotten_key,
                forgotten=forgotten,
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadScope(f"Odoo's answer is no scope ({type(error).__name__}: {error})") from error

    def never_log(self, text: str) -> frozenset[str] | None:
        """Whose never-log number the text holds: None nobody's, empty the company's.

        Every way to read it counts: with and without the prefix for an outside line, with
        a trunk's name or a star code around it.
        """
        if not self.never:
            return None
        found = None
        for number in self._readings(text):
            extensions = self.never.get(never_hash(self.key, number))
            if extensions is not None:
                # several people may have the same number at home
                found = extensions if found is None or not extensions or not found else found | extensions
                if not extensions:
                    return extensions
        return found

    def forgotten_until(self, text: str) -> datetime | None:
        """Until when nothing of the number in the text may be kept, None if nobody with it is forgotten."""
        if not self.forgotten:
            return None
        moments = (self.forgotten.get(never_hash(self.forgotten_key, number)) for number in self._readings(text))
        return max(filter(None, moments), default=None)

    @property
    def forgotten_state(self) -> str:
        """Names who is forgotten, and until when."""
        parts = sorted(f"{name}:{format_time(until)}" for name, until in self.forgotten.items())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def recalls(self, event: Event) -> bool:
        """Whether an event tells of somebody who is forgotten, of a time that is."""
        if not self.forgotten or event.at is None:
            return False
        return any(
            (until := self.forgotten_until(value)) and event.at <= until
            for key, value in event.data.items()
            if key not in _IDS and isinstance(value, str) and _TOKEN.search(value)
        )

    def _readings(self, text: str) -> set[str]:
        """All numbers that a text may say, in E.164, or as they stand."""
        found = set()
        for token in {text, *_TOKEN.findall(text)}:
            found |= {e164(token, self.site.country, self.site, dialled) for dialled in (False, True)}
            found |= {e164("+" + token.lstrip("+"), None), token}  # as it stands: a short number has no E.164
        return found - {None}


def _forgotten(values: Mapping) -> tuple[str, dict[str, datetime]]:
    """Key and numbers of the people who are forgotten.

    :raise BadScope: as :meth:`Scope.from_answer`
    """
    key = str(values.get("key") or "")
    bytes.fromhex(key)
    numbers = {str(entry["hash"]): parse_time(entry["until"]) for entry in values.get("numbers") or ()}
    if None in numbers.values() or (numbers and not key):
        raise BadScope("the scope has forgotten people without a key, or until no believable time")
    return key, numbers


@dataclass(slots=True)
class _Leg:
    extension: str | None = None
    named: bool = False  # some event showed its channel: that it is no phone is known, too
    rung: bool = False
    up: bool = False
    ended: bool = False
    hidden: bool = False  # of a never-log number, of a forgotten call, or a pipe to an unticked phone


class _Call:
    __slots__ = (
        "alive",
        "begun",
        "count",
        "decision",
        "done",
        "first",
        "gone",
        "headless",
        "heard",
        "ids",
        "joined",
        "last",
        "last_at",
        "legs",
        "live",
        "mixed",
        "numbered",
        "over_since",
        "pending",
        "private",
        "whole",
    )

    def __init__(self, now: float):
        self.ids: set[str] = set()
        self.legs: dict[str, _Leg] = {}
        self.alive = 0  # legs that have not ended
        self.over_since: float | None = None
        self.begun = False  # its first leg was seen from the start
        self.pending: list[Event] = []
        self.decision: str | None = None
        self.numbered = False  # the number of the other side was seen
        self.private: frozenset[str] = frozenset()  # phones of the persons whose never-log number it is
        self.gone: frozenset[str] = frozenset()  # ids of forgotten calls that were joined to it
        self.done = False  # its PBX said that all of it has ended
        self.joined = False  # what the other call was waiting with is not looked at yet
        self.live = False  # something of it came live, not from the PBX's history
        self.mixed = False  # somebody who is not recorded took part
        self.count = False  # it was counted as outside the scope
        self.first: datetime | None = None
        self.last_at: datetime | None = None
        self.last = now
        self.whole = False  # it was heard from its beginning on, without a gap
        self.headless = False  # it was forgotten because nobody saw how it began
        self.heard = float("-inf")  # when the PBX last said something of it, not its history

    @property
    def over(self) -> bool:
        return (self.done or not self.alive) and bool(self.legs)


class Gate:
    """Lets through what may be recorded.

    Pure: no clock, no disk. Memory is bounded by ``most_waiting`` events that are not
    decided and ``most_ended`` calls whose decision is remembered for late events.

    :param idle: seconds after which an undecided call that says nothing more is forgotten
    :param idle_kept: likewise of a kept call: its decision
    :param remember: seconds that the decision is remembered after the call's end
    :param settle: seconds that an undecided call may still surprise after its last leg ended:
        a PBX does not say things in exactly the order in which they happened
    """

    def __init__(
        self,
        scope: Scope,
        idle: float = 4 * 3600,
        idle_kept: float = 24 * 3600,
        remember: float = 3600,
        settle: float = 0.5,
        most_waiting: int = 20_000,
        most_ended: int = 2_000,
    ):
        self.idle, self.idle_kept, self.remember = idle, idle_kept, remember
        self.settle = settle
        self.most_waiting, self.most_ended = most_waiting, most_ended
        #: internal numbers seen that the scope does not know
        self.discovered: set[str] = set()
        #: undecided events in memory
        self.waiting = 0
        #: calls that were forgotten because they waited too long or were too many
        self.overdue = 0
        #: calls that were forgotten because nobody saw how they began
        self.headless = 0
        #: calls that were kept
        self.kept = 0
        #: ids of kept calls in which somebody who is not recorded is to be heard: their sound is not kept
        self.mixed: set[str] = set()
        #: PBX time of the last call counted as outside the scope: history that was counted is not counted again
        self.counted_until: datetime | None = None
        self._counted_before: datetime | None = None
        self._sweep_at = 0.0
        self._outside: Counter[str] = Counter()
        self._open: dict[int, _Call] = {}
        self._settling: dict[int, _Call] = {}
        self._ended: OrderedDict[int, _Call] = OrderedDict()
        self._by_id: dict[str, _Call] = {}
        self._by_leg: dict[str, _Call] = {}
        self._phones: dict[tuple[str, str], str | None] = {}
        self._never: dict[str, frozenset[str] | None] = {}
        self._until: dict[str, datetime | None] = {}
        self.scope = scope

    def set_scope(self, scope: Scope) -> None:
        """A new scope holds for what is not decided yet, and for legs of kept calls from now on."""
        self.scope = scope
        self.discovered -= scope.site.extensions
        self._phones.clear()
        self._never.clear()
        self._until.clear()

    # --- what goes in, what comes out ---

    def feed(self, event: Event, now: float) -> list[Event]:
        """Take one event, in any order, as often as it comes.

        :param now: seconds, monotonic
        :return: what may be kept from now on, this event or earlier ones
        """
        if self.scope.kept_since and event.at and event.at < self.scope.kept_since:
            return []
        call = self._call_of(event, now)
        call.last = now
        self._date(call, event)
        if event.source not in _RECORDS and event.type != "unheard":
            call.live, call.heard = True, now
            call.whole |= event.type == "started" and event.leg in call.ids
        before = call.begun and call.numbered
        named = self._note(call, event)
        certain = call.begun and call.numbered
        out = []
        if call.decision is None:
            call.pending.append(event)
            self.waiting += 1
            if certain and (named or not before) and self._is_ticked(call):
                out = self._keep(call)
        elif call.decision == KEEP:
            if call.pending and (named or call.joined):
                out = self._release(call)
            call.joined = False
            out += self._through(call, event)
        self._place(call, now)
        if self.waiting > self.most_waiting:
            self._make_room()
        return out

    def restore(self, event: Event, now: float) -> None:
        """Tell the gate, after a restart, of an event that it let through earlier: its call is kept."""
        call = self._call_of(event, now)
        call.decision, call.live = KEEP, True
        self._date(call, event)
        self._note(call, event)
        self._place(call, now)

    def tick(self, now: float) -> list[Event]:
        """Decide calls that are over, forget what waited too long. Call it several times a second.

        :return: what may be kept from now on
        """
        out = []
        for call in [call for call in self._settling.values() if now - call.over_since >= self.settle]:
            if call.decision is None:
                out += self._decide(call)
            if call.decision == FORGET:
                self._count(call)
            elif call.whole and self.scope.several and not call.ids <= call.gone:
                out.append(self._whole(call))
            call.whole = False
            self._place(call, now)
        if now < self._sweep_at:
            return out
        self._sweep_at = now + 30
        for call in list(self._open.values()):
            if now - call.last > (self.idle_kept if call.decision == KEEP else self.idle):
                if call.decision is None:
                    self.overdue += 1
                    self._forget(call)
                self._drop(call)
        while self._ended:
            call = next(iter(self._ended.values()))
            if now - call.last <= self.remember and len(self._ended) <= self.most_ended:
                break
            self._drop(call)
        return out

    def restore_forgotten(self, calls: Collection[str], legs: Collection[str], now: float) -> None:
        """Tell the gate of a call that it forgot, and counted, earlier: what comes late of it is forgotten too."""
        call = _Call(now)
        call.ids, call.decision, call.count = set(calls), FORGET, True
        call.legs = {leg: _Leg(named=True, ended=True, hidden=True) for leg in legs}
        self._by_id.update(dict.fromkeys(call.ids, call))
        self._by_leg.update(dict.fromkeys(call.legs, call))
        self._open[id(call)] = call

    def pending(self) -> list[Event]:
        """What waits to be decided."""
        calls = {id(call): call for call in self._by_id.values()}
        return [event for call in calls.values() for event in call.pending]

    def forgotten(self) -> list[tuple[set[str], set[str]]]:
        """Ids and legs of the calls that are forgotten, which are counted now if they were not before."""
        calls = {id(call): call for call in self._by_id.values() if call.decision == FORGET}
        for call in calls.values():
            self._count(call)
        return [(set(call.ids), set(call.legs)) for call in calls.values()]

    def absent(self, legs: Collection[str], asked: float, now: float) -> list[Event]:
        """The PBX says which channels exist: calls without any of them have ended, unseen.

        :param legs: ids of all channels of the PBX
        :param asked: when it was asked; calls that said something since are left alone
        :return: what may be kept from now on, with an entry that closes each such call
        """
        out = []
        for call in list(self._open.values()):
            if call.heard < asked and not call.over and not any(leg in legs for leg in call.legs):
                ident, at = min(call.ids - call.gone), call.last_at
                key = event_id("ami", "closed", ident, format_time(at) or "")
                reason = "the PBX does not have the call any more; nobody saw its end"
                out += self.feed(Event(key, "closed", ident, "", at, "ami", {"reason": reason}), now)
        return out

    def unheard(self, at: datetime, now: float) -> list[Event]:
        """Nobody listened until this PBX time: what no history tells (hold) is not known of calls that last.

        :return: what may be kept from now on, with an event that says so of each such call
        """
        out = []
        for call in list(self._open.values()):
            call.whole = call.whole and call.over
            if not call.over and not call.ids <= call.gone:
                ident = min(call.ids - call.gone)
                out += self.feed(
                    Event(event_id("ami", "unheard", ident, format_time(at)), "unheard", ident, "", at, "ami"), now
                )
        return out

    def _whole(self, call: _Call) -> Event:
        """The word that this call was heard from beginning to end, for who reads it beside another bridge's gap."""
        ident, at = min(call.ids - call.gone), call.last_at
        return Event(event_id("ami", "heard", ident, format_time(at) or ""), "heard", ident, "", at, "ami")

    @property
    def busy(self) -> bool:
        """Whether some call has not ended."""
        return bool(self._open)

    def knows(self, event: Event) -> bool:
        """Whether an event is of a call that came before."""
        return event.call in self._by_id or event.leg in self._by_leg

    def is_mixed(self, call: str) -> bool:
        """Whether somebody who is not recorded is to be heard in a kept call."""
        found = self._by_id.get(call)
        return found is not None and found.mixed

    def history_begins(self) -> None:
        """What follows may have been counted before: do not count it twice.

        And it may tell how calls began of which nobody knew.
        """
        self._counted_before = self.counted_until
        for call in [call for call in self._ended.values() if call.headless]:
            self._drop(call)

    @property
    def outside(self) -> dict[str, int]:
        """Calls outside the scope that are not saved yet: UTC day -> number."""
        return dict(self._outside)

    def outside_saved(self, counts: Mapping[str, int]) -> None:
        """These counts are on disk."""
        self._outside -= Counter(counts)

    @property
    def since(self) -> datetime | None:
        """PBX time of the first event of calls that are neither kept nor counted yet, None if there are none.

        Who reads the PBX's history from there on after a crash misses nothing, and counts nothing twice.
        """
        waiting = (call.first for call in self._open.values() if call.decision != KEEP and not call.count)
        return min(filter(None, waiting), default=None)

    # --- which call ---

    def _call_of(self, event: Event, now: float) -> _Call:
        """The call of an event; calls that it shows to be one are joined."""
        found = [self._by_id.get(event.call)]
        if event.leg:
            found.append(self._by_leg.get(event.leg))
        found += map(self._by_id.get, event.texts("calls"))
        found += map(self._by_leg.get, event.texts("legs"))
        call = None
        for other in {id(other): other for other in found if other is not None}.values():
            call = other if call is None else self._join(call, other)
        if call is None:
            call = _Call(now)
            self._open[id(call)] = call
        if event.call not in call.ids:
            call.ids.add(event.call)
            self._by_id[event.call] = call
        if event.leg and event.leg not in call.legs:
            call.legs[event.leg] = _Leg()
            call.alive += 1
            self._by_leg[event.leg] = call
        return call

    def _join(self, one: _Call, other: _Call) -> _Call:
        """One call of two. A forgotten one brings nothing along but legs that stay hidden."""
        if (other.decision is None, other.decision == FORGET) < (one.decision is None, one.decision == FORGET):
            one, other = other, one  # the kept one stays, else the one that is undecided
        if other.decision == FORGET and one.decision != FORGET:
            self._count(other)
            one.gone |= other.ids | other.legs.keys() | other.gone
            for leg in other.legs.values():
                leg.hidden = True
        elif other.decision == FORGET:
            one.count = one.count or other.count
        elif other.decision == KEEP:
            self.kept -= 1
        one.ids |= other.ids
        one.legs.update(other.legs)
        one.alive += other.alive
        one.pending += other.pending
        one.numbered |= other.numbered
        one.begun |= other.begun
        one.private |= other.private
        one.gone |= other.gone
        one.joined = True
        one.done |= other.done
        one.mixed |= other.mixed
        one.live |= other.live
        one.whole &= other.whole
        one.last, one.heard = max(one.last, other.last), max(one.heard, other.heard)
        times = [moment for moment in (one.first, other.first) if moment]
        one.first = min(times, default=None)
        one.last_at = max(filter(None, (one.last_at, other.last_at)), default=None)
        for place in (self._open, self._settling, self._ended):
            place.pop(id(other), None)
        self._by_id.update(dict.fromkeys(other.ids, one))
        self._by_leg.update(dict.fromkeys(other.legs, one))
        return one

    # --- what an event tells about its call ---

    def _date(self, call: _Call, event: Event) -> None:
        """Note when the PBX spoke of the call for the first and for the last time."""
        if event.at and event.type != "unheard":
            call.first = min(call.first or event.at, event.at)
            call.last_at = max(call.last_at or event.at, event.at, parse_time(event.data.get("end")) or event.at)

    def _note(self, call: _Call, event: Event) -> bool:
        """Note the facts.

        :return: whether the leg's channel is named here for the first time
        """
        kind, data = event.type, event.data
        leg = call.legs.get(event.leg)
        if kind == "reported" and leg is not None:
            return self._note_report(call, event, leg)
        if kind == "ended" and not event.leg:
            call.done = True
            return False
        if kind == "closed":
            for each in call.legs.values():
                each.ended = True
            call.alive = 0
            return False
        named = False
        if leg is not None:
            channel = event.text("channel")
            if channel and not leg.named:
                leg.named = named = True
                number = event.text("number")
                leg.extension = self._phone(channel, number)
                piped = _LOCAL.match(channel)
                if piped and self._is_unticked(call, piped[1]):
                    leg.hidden = True
            if kind in ("ringing", "dial_ended"):
                leg.rung = True
            leg.up |= kind in ("answered", "bridged") or (kind == "dial_ended" and data.get("status") == "ANSWER")
            if kind == "ended" and not leg.ended:
                leg.ended = True
                call.alive -= 1
        call.begun |= kind == "started" and (event.leg in call.ids or data.get("retold") is True)
        for key in ("number", "dialled", "to"):
            text = event.text(key)
            if text not in _NO_NUMBER:
                self._note_number(call, event, leg, key, text)
        return named

    def _note_report(self, call: _Call, event: Event, leg: _Leg) -> bool:
        """Note a stretch of a call told in one row: who called is its leg, who was called gets one of its own."""
        data, called = event.data, event.text("called")
        leg.named = leg.up = call.begun = call.numbered = True
        leg.extension = leg.extension or self._phone(event.text("channel"), event.text("from"))
        if called:
            up = data.get("disposition") == "ANSWERED"
            other = call.legs.setdefault(f"{event.leg}/{called}", _Leg(named=True, rung=True, ended=True))
            other.extension, other.up = self._phone(called, ""), other.up or up
        if not call.live and not leg.ended:  # of a call that somebody hears, they hear the end
            leg.ended = True
            call.alive -= 1
        for key in ("from", "to"):
            if event.text(key) not in _NO_NUMBER:
                self._note_number(call, event, leg, key, event.text(key))
        return True

    def _note_number(self, call: _Call, event: Event, leg: _Leg | None, key: str, text: str) -> None:
        own = leg is not None and leg.extension is not None
        if not call.numbered:
            call.numbered = self._tells_other_side(call, event, leg, key, text)
        extensions = self._never_log(text)
        if extensions is None and self._is_forgotten(call, text):
            call.count = True  # it is no call outside the scope
            extensions = frozenset()
        if extensions is None:
            return
        if call.decision == KEEP:
            if leg is not None and key != "to" and not self._belongs(call, text):
                leg.hidden = True
        elif call.decision is None:
            if not extensions or (own and key == "dialled" and event.type == "started" and leg.extension in extensions):
                self._forget(call)
            else:
                call.private |= extensions

    def _tells_other_side(self, call: _Call, event: Event, leg: _Leg | None, key: str, text: str) -> bool:
        """Whether a text is the number that the call comes from or goes to.

        The outgoing leg to a trunk shows our own number, or none, until it is dialled.
        """
        if leg is None or not leg.named or event.type not in ("started", "ringing", "answered"):
            return False
        if leg.extension is None:
            return event.type != "started" or key == "dialled" or event.leg in call.ids
        if key != "dialled" or event.type != "started":
            return False
        # a number of internal length may be a queue, or a phone nobody knows yet: its channel will tell
        return text in self.scope.site.extensions or not is_internal(text, self.scope.site)

    def _phone(self, channel: str, number: str) -> str | None:
        key = (endpoint(channel), number)
        try:
            return self._phones[key]
        except KeyError:
            pass
        if len(self._phones) >= _CACHE:
            self._phones.clear()
        phone = self._phones[key] = extension_of(channel, number, self.scope.site)
        if phone and phone not in self.scope.site.extensions and len(self.discovered) < 1000:
            self.discovered.add(phone)
        return phone

    def _is_forgotten(self, call: _Call, text: str) -> bool:
        """Whether a number is that of somebody who was forgotten since the call began."""
        if not self.scope.forgotten or call.first is None:
            return False
        if text not in self._until:
            if len(self._until) >= _CACHE:
                self._until.clear()
            self._until[text] = self.scope.forgotten_until(text)
        until = self._until[text]
        # a call that goes on meanwhile counts as a later one, in Odoo as well
        return until is not None and call.first <= until and not (call.live and call.decision == KEEP)

    def _never_log(self, text: str) -> frozenset[str] | None:
        if not self.scope.never:
            return None
        try:
            return self._never[text]
        except KeyError:
            pass
        if len(self._never) >= _CACHE:
            self._never.clear()
        found = self._never[text] = self.scope.never_log(text)
        return found

    def _records(self, call: _Call, number: str) -> bool:
        """Whether a phone is recorded in this call: ticked when it began, and not for a person who is left out."""
        if number not in self.scope.ticked or number in call.private:
            return False
        since = self.scope.since.get(number)
        return since is None or call.first is None or call.first >= since

    def _is_unticked(self, call: _Call, number: str) -> bool:
        """Whether a number is known to be a phone that is not recorded in this call."""
        return not self._records(call, number) and (
            number in self.scope.site.extensions or number in self.discovered or number in call.private
        )

    # --- the decision ---

    def _is_ticked(self, call: _Call) -> bool:
        """Whether a phone that is recorded takes part, and no person's never-log number does."""
        return not call.private and any(
            leg.extension and not leg.hidden and self._records(call, leg.extension) for leg in call.legs.values()
        )

    def _decide(self, call: _Call) -> list[Event]:
        """Decide a call that is over, and give what is kept of it."""
        ticked = touched = unsure = False
        for leg in call.legs.values():
            if leg.extension is None:
                unsure |= not leg.named
            elif not leg.hidden:
                touched = True
                if leg.extension not in call.private:
                    ticked |= self._records(call, leg.extension)
                elif leg.up or not leg.rung:
                    self._forget(call)
                    return []
        if call.begun and (ticked or not (touched or unsure)):
            return self._keep(call)
        if not call.begun:  # who called is not known, nor whether it was counted before
            self.headless += 1
            call.headless = call.count = True
        self._forget(call)
        return []

    def _keep(self, call: _Call) -> list[Event]:
        call.decision = KEEP
        self.kept += 1
        return self._release(call)

    def _forget(self, call: _Call) -> None:
        call.decision = FORGET
        self.waiting -= len(call.pending)
        call.pending = []

    def _release(self, call: _Call) -> list[Event]:
        """What may be kept of that which waited; events of legs that are not named yet wait on."""
        pending, call.pending = call.pending, []
        self.waiting -= len(pending)
        return [event for waiting in pending for event in self._through(call, waiting)]

    def _through(self, call: _Call, event: Event) -> list[Event]:
        """The event of a kept call as it may be kept: none or one."""
        leg = call.legs.get(event.leg)
        if leg is not None:
            if not leg.named:
                call.pending.append(event)
                self.waiting += 1
                return []
            # a report stays, for there is but one of both sides; whoever is not recorded is blanked in it
            unrecorded = leg.extension is not None and not self._records(call, leg.extension)
            if leg.hidden or (unrecorded and event.type != "reported"):
                call.mixed |= leg.up
                if call.mixed:
                    self.mixed |= call.ids
                return []
        if event.call in call.gone:
            # the forgotten call was the older one, so the PBX goes on with its id
            event = replace(event, call=min(call.ids - call.gone))
        data = {key: self._blanked(call, key, value) for key, value in event.data.items()}
        if data == event.data:
            return [event]
        if event.type == "recorded":
            return []  # a file named after somebody who is not recorded
        return [replace(event, data={key: value for key, value in data.items() if value not in ("", [])})]

    def _blanked(self, call: _Call, key: str, value):
        """A value without what it says about somebody who is left out."""
        if key in _IDS:
            if not call.gone:
                return value
            if isinstance(value, (list, tuple)):
                return [each for each in value if each not in call.gone]
            return "" if value in call.gone else value
        if not isinstance(value, str):
            return value
        if value in self.scope.site.extensions or value in self.discovered:  # also one that is called by a name
            return "" if self._is_unticked(call, value) else value
        if not _TOKEN.search(value):
            return value

        def token(match):
            text = match[0]
            if len(text) <= self.scope.site.internal_max or text in self.scope.site.extensions:
                return "" if self._is_unticked(call, text) else text
            hidden = self._never_log(text) is not None or self._is_forgotten(call, text)
            return "" if hidden and not self._belongs(call, text) else text

        def phone(match):
            # a phone that nobody knew is as good as unticked
            number = match[2]
            internal = number in self.scope.site.extensions or is_internal(number, self.scope.site)
            return match[1] if internal and not self._records(call, number) else match[0]

        if key in ("args", "channel", "called"):
            value = _NAMED_PHONE.sub(phone, value)
        return _TOKEN.sub(token, value)

    def _belongs(self, call: _Call, text: str) -> bool:
        """Whether a person's never-log number is that of the call itself, kept for other people's sake."""
        owners = self._never_log(text)
        return bool(owners) and owners <= call.private

    # --- the end ---

    def _count(self, call: _Call) -> None:
        if call.count:
            return
        call.count = True
        before = self._counted_before
        if not call.live and before and call.last_at and call.last_at <= before:
            return
        at = call.last_at
        if at:  # a bridge accepts no event without time
            self.counted_until = max(self.counted_until or at, at)
            self._outside[at.date().isoformat()] += 1

    def _place(self, call: _Call, now: float) -> None:
        """Put the call where it belongs: open, settling, or ended and remembered for what comes late."""
        key = id(call)
        if not call.over:
            call.over_since = None
            self._settling.pop(key, None)
            self._ended.pop(key, None)
            self._open[key] = call
            return
        tells = call.decision == KEEP and call.whole and self.scope.several
        if tells or call.decision is None or (call.decision == FORGET and not call.count):
            call.over_since = now
            self._settling[key] = call
            return
        self._settling.pop(key, None)
        self._open.pop(key, None)
        self._ended[key] = call
        if call.pending:  # events of legs that never got a name
            self.waiting -= len(call.pending)
            call.pending = []
        if len(self._ended) > self.most_ended:
            self._drop(next(iter(self._ended.values())))

    def _drop(self, call: _Call) -> None:
        if call.decision == FORGET:
            self._count(call)
        for place in (self._open, self._settling, self._ended):
            place.pop(id(call), None)
        self.waiting -= len(call.pending)
        call.pending = []
        for ident in call.ids:
            if self._by_id.get(ident) is call:
                del self._by_id[ident]
        for ident in call.legs:
            if self._by_leg.get(ident) is call:
                del self._by_leg[ident]

    def _make_room(self) -> None:
        """Too many events wait: the call that has said nothing for the longest time is forgotten."""
        call = min((call for call in self._open.values() if call.pending), key=lambda call: call.last)
        if call.decision == KEEP:  # only events of legs without a name waited
            self.waiting -= len(call.pending)
            call.pending = []
            return
        self.overdue += 1
        self._forget(call)
        self._drop(call)
