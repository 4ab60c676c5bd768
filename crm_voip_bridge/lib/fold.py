"""A call is a pure function of what was said about it.

``fold`` reads the events of one call, in any order and however often they came, and
gives the :class:`~lib.call.Call`. The vocabulary is in :mod:`lib.events`, the meaning of
each value in the documentation (readme/FORMAT.md).

How it works: :mod:`lib.tracks` tells what happened to each leg. Here the *outside party*
is found (an internal call has the caller in its place), and its time is shared out: connected with a person,
on hold, in a queue, ringing, with a machine; each moment belongs to the first of these
that holds. Phones of ours become legs; local channels are pipes and become nothing.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from . import fold_cdr
from .call import Call, Leg
from .events import Event
from .intervals import Span, intersect, length, subtract, union
from .phone import endpoint, extension_of, is_internal, is_local
from .site import Site
from .tracks import ENTRIES, REPORT, SAME, SECOND, Story, Track, micros, moment, tell

_BUSY = 17
_DECLINED = 21
#: answered elsewhere; sent on by the phone itself
_ELSEWHERE = 26
_FORWARDED = 23
#: Q.850: no route, unobtainable, out of order, refused by the network (others mean that it rang)
_FAILED = frozenset(
    {1, 2, 3, 5, 6, 20, 22, 25, 27, 28, 29, 34, 38, 41, 42, 44, 47, 50, 52, 57, 58, 66, 69, 79, 88, 102, 111}
)
_STATUS_OUTCOME = {
    "BUSY": "busy",
    "CHANUNAVAIL": "failed",
    "CONGESTION": "failed",
    "INVALIDARGS": "failed",
}
_MAILBOX = frozenset({"voicemail", "minivmrecord"})
#: applications that only pass a call on, and say nothing about who answered
_SILENT = frozenset({"dial", "queue", "answer", "park", "parkandannounce", "disa"})
_LONG = 24 * 3600 * SECOND


def components(events: Iterable[Event]) -> list[list[Event]]:
    """Events by call: ids of calls that became one belong together.

    Ids are one when a transfer or a local channel says so, or when a leg is seen under both.
    """
    events = list(events)
    if len({event.call for event in events}) == 1:
        return [events]
    parent: dict[tuple, tuple] = {}

    def find(node):
        while parent.setdefault(node, node) != node:
            parent[node] = node = parent[parent[node]]
        return node

    for event in events:
        root = ("call", event.call)
        others = [("leg", event.leg)] if event.leg else []
        others += [("call", call) for call in event.texts("calls")]
        others += [("leg", leg) for leg in event.texts("legs")]
        if event.type == "reported":
            # CDR tells the two ends of a local channel as two calls; the name comes again after a restart
            pipes = filter(is_local, (event.text("channel"), event.text("called")))
            others += [("pipe", pipe.rpartition(";")[0], event.at and event.at.date()) for pipe in pipes]
        for other in others:
            parent[find(other)] = find(root)
    groups: dict[tuple, list[Event]] = {}
    for event in events:
        groups.setdefault(find(("call", event.call)), []).append(event)
    return list(groups.values())


def fold_all(events: Iterable[Event], site: Site = Site()) -> list[Call]:
    """All calls that the events tell of, by their start; those without a start come last."""
    calls = [call for group in components(events) for part in _lives(group) if (call := fold(part, site))]
    taken: dict[str, int] = {}
    for call in calls:
        again = taken[call.call_id] = taken.get(call.call_id, 0) + 1
        if again > 1:
            call.notes.append(f"the id {call.call_id} was used for an earlier call as well")
            call.call_id = f"{call.call_id}~{again}"
    return sorted(calls, key=lambda call: (call.started_at is None, call.started_at or 0, call.call_id))


def _lives(events: Sequence[Event]) -> list[list[Event]]:
    """One call's events, or several calls' where the PBX used an id again.

    A channel's id comes again when the PBX restarted in between. Then its first leg begins
    anew after everything had ended.
    """
    begins: dict[tuple[str, str], set] = {}
    ends: dict[str, set] = {}
    for event in events:
        if event.at is None:
            continue
        if event.type == "ended":
            ends.setdefault(event.source, set()).add(event.at)
        elif event.type == "started" and event.leg == event.call and not event.data.get("retold"):
            begins.setdefault((event.source, event.leg), set()).add(event.at)
    cuts = []
    for (source, _leg), moments in begins.items():
        # the repeat of one row is no new life: something must have ended in between, by the same clock
        own = pairwise(sorted(moments))
        cuts += [later for first, later in own if any(first < end < later for end in ends.get(source, ()))]
    if not cuts:
        return [list(events)]
    cuts = [
        cut
        for place, cut in enumerate(sorted(cuts))
        if not place or (cut - sorted(cuts)[place - 1]).total_seconds() > 1
    ]
    lives: list[list[Event]] = [[] for _ in range(len(cuts) + 1)]
    for event in events:
        # AMI's account of the new beginning may be the earlier one by a hair
        lives[sum(1 for cut in cuts if event.at is not None and (event.at - cut).total_seconds() >= -0.5)].append(event)
    return [life for life in lives if life]


def fold(events: Iterable[Event], site: Site = Site()) -> Call | None:
    """The call that these events tell of, None if they tell of none.

    :param events: of one call, aliases included
    :param site: tells our phones from the world outside
    """
    events = list(events)
    live = [event for event in events if event.source != "cdr" and not event.source.endswith(REPORT)]
    reports = [event for event in events if event.source.endswith(REPORT)]
    # a provider may tell a call while it lasts, and once more when it is over: the former, if it was heard from the start
    if reports and not any(event.type == "started" and event.leg == event.call and event.at for event in live):
        live = reports + [event for event in live if event.type in ENTRIES]
    if all(event.type in ENTRIES for event in live):
        return fold_cdr.fold([event for event in events if event.type == "reported"], site)
    story = tell(live)
    call = _Folding(story, site).call() if story.tracks else None
    if call is not None and call.ended_at is None and len(live) < len(events):
        return _ended_unheard(call, story, [event for event in events if event.type == "reported"], site)
    return call


def _ended_unheard(call: Call, story: Story, rows: Sequence[Event], site: Site) -> Call:
    """A call whose end nobody heard, and CDR knows: then all of it is CDR's, or both would tell parts of it."""
    told = fold_cdr.fold(rows, site)
    if told is None or told.ended_at is None or micros(told.ended_at) + SECOND < story.last:
        return call
    told.aliases = sorted({*told.aliases, told.call_id, *call.aliases} - {call.call_id})
    told.call_id = call.call_id
    told.notes.append("nobody listened at its end")
    return told


class _Folding:
    """One call while it is being worked out."""

    def __init__(self, story: Story, site: Site):
        self.story = story
        self.site = site
        self.notes = story.notes
        self.phones = {
            track.id: extension
            for track in story.tracks.values()
            if (extension := extension_of(track.channel, track.number, site)) and not _through_trunk(track)
        }
        self.tracks = [track for track in story.tracks.values() if not track.local]
        self.call_id = self._survivor()
        self.primary = self._primary()
        self.party = self._party()
        self.contacts = self._contacts()
        self.contacts += self._strangers()
        self.contacts.sort(key=lambda contact: contact[0])
        self.spans = [span for span, _with in self.contacts]
        self.machine: list[Span] = []
        if self.party is not None and self.party.stated.get("answered_by") == "machine":
            # the line was up with their mailbox or bot, whoever of us listened
            self.machine, self.contacts, self.spans = union(self.spans), [], []

    # who is who

    def _survivor(self) -> str:
        """The id that stays when calls merged: the customer's, then the first."""

        def order(call: str):
            own = [track for track in self.tracks if track.call == call]
            outside = any(track.id not in self.phones for track in own)
            times = [track.started for track in own if track.started is not None]
            return (not own, not outside, min(times, default=self.story.last), call)

        return min(self.story.calls, key=order)

    def _primary(self) -> Track | None:
        """The leg that the call began with."""
        first = self.story.tracks.get(self.call_id)
        if first is not None and not first.local:
            return first
        own = [track for track in self.tracks if track.call == self.call_id] or self.tracks
        return min(own, key=lambda track: (track.rang, _or_last(track.started), track.id), default=None)

    def _outside(self) -> list[Track]:
        return [track for track in self.tracks if track.id not in self.phones]

    def _party(self) -> Track | None:
        """The leg whose time is shared out."""
        primary = self.primary
        if primary is None or primary.id not in self.phones:
            return primary
        outside = self._outside()
        if not outside:
            return primary
        # the one that was connected, else the last that was tried
        return min(outside, key=lambda track: (not track.stays, track.up is None, -(track.started or 0), track.id))

    @property
    def direction(self) -> str:
        if self.primary is not None and self.primary.id not in self.phones:
            # a PBX that calls the customer first, and connects somebody of ours when they answer
            return "outbound" if self.primary.rang else "inbound"
        if self.primary is not self.party:
            return "outbound"
        # nothing was called: what was dialled, or was to be called by click, tells where to
        if not self._called() and _is_outside_number(self._dialled() or self._clicked(), self.site):
            return "outbound"
        return "internal"

    def _dialled(self) -> str:
        dialled = self.primary.dialled if self.primary else ""
        return "" if dialled in ("s", "h", "i", "t") else dialled

    def _originated(self) -> bool:
        """Whether the PBX called our own phone first, to call somebody else once it answers."""
        return self.primary.id in self.phones and not self._dialled()

    def _clicked(self) -> str:
        """The number that a click to call was for, as far as the PBX said it or our own phone showed it."""
        primary = self.primary
        if primary is None or not self._originated():
            return ""
        shown = primary.shown if primary.shown != primary.number else ""
        return primary.stated.get("clicked") or shown

    def _called(self) -> list[Track]:
        return [track for track in self.tracks if track is not self.primary]

    # when

    def _contacts(self) -> list[tuple[Span, frozenset[str]]]:
        """When the party was connected, and with which legs, through local channels if need be."""
        party = self.party
        if party is None:
            return []
        last = self.story.last + 1  # somebody who came in just now is in
        moves = []
        for track in self.story.tracks.values():
            for stay in track.stays:
                leave = stay.leave if stay.leave is not None else last
                if leave > stay.enter:
                    moves += [(stay.enter, 1, track.id, stay.bridge), (leave, 0, track.id, stay.bridge)]
        moves.sort()
        pairs = self._pairs()
        where: dict[str, str] = {}
        inside: dict[str, set[str]] = {}
        contacts: list[tuple[Span, frozenset[str]]] = []
        since, others = 0, frozenset()
        for place, (at, enters, leg, bridge) in enumerate(moves):
            if enters:
                where[leg] = bridge
                inside.setdefault(bridge, set()).add(leg)
            elif where.get(leg) == bridge:
                del where[leg]
                inside[bridge].discard(leg)
            if place + 1 < len(moves) and moves[place + 1][0] == at:
                continue
            now = self._reachable(party.id, where, inside, pairs)
            if now != others:
                if others and at > since:
                    contacts.append(((since, at), others))
                since, others = at, now
        return contacts

    def _strangers(self) -> list[tuple[Span, frozenset[str]]]:
        """When the party was in a bridge in which nobody else was ever seen: with somebody who is not recorded.

        A leg that is alone there for a moment waits for the other side, and in a conference it may be the first.
        """
        party = self.party
        if party is None or any(app == "confbridge" for _at, app in party.apps):
            return []
        known = {stay.bridge for track in self.story.tracks.values() if track is not party for stay in track.stays}
        spans = zip(party.stays, self._stays(party), strict=True)
        alone = [span for stay, span in spans if stay.bridge not in known and span[1] - span[0] > SECOND]
        if alone:
            self.notes.append("connected with a phone that is not recorded")
        return [(span, frozenset()) for span in alone]

    def _pairs(self) -> dict[str, str]:
        """Local channel's end -> its other end."""
        pairs = {}
        ends: dict[str, str] = {}
        for track in self.story.tracks.values():
            if track.local:
                name = track.channel.rpartition(";")[0] or track.channel
                if name in ends:
                    pairs[ends[name]], pairs[track.id] = track.id, ends[name]
                ends[name] = track.id
        for one, two in self.story.pairs:
            pairs[one], pairs[two] = two, one
        return pairs

    def _reachable(self, leg, where, inside, pairs) -> frozenset[str]:
        """Legs, other than local ones, that hear ``leg``."""
        if leg not in where:
            return frozenset()
        found, ways = {leg}, [leg]
        while ways:
            here = ways.pop()
            near = set(inside.get(where.get(here, ""), ())) if here in where else set()
            # the other end of a pipe may be known by name only: of a phone that is not recorded nothing else is kept
            if pairs.get(here) in self.story.tracks:
                near.add(pairs[here])
            for other in near - found:
                found.add(other)
                ways.append(other)
        found.discard(leg)
        return frozenset(other for other in found if not self.story.tracks[other].local)

    def _held(self) -> list[Span]:
        """When one side had put the other on hold."""
        held = []
        talking = {self.party.id} | {leg for _span, legs in self.contacts for leg in legs}
        for leg in talking if self._hears_hold() else ():
            for start, end in self.story.tracks[leg].holds:
                held.append((start, self._until(end)))
        alone = union(self._stays(self.party))
        if self.spans:
            # alone in the bridge between two persons: the colleague asks somebody
            first = self.spans[0][0]
            held += [
                span
                for span in subtract(alone, self.spans)
                if span[0] >= first and span[1] - span[0] > SECOND // 2 and self._has_company(span[0])
            ]
        parked = [(start, self._until(end)) for start, end in self.party.parked]
        return union([*intersect(held, union([*self.spans, *alone])), *parked])

    def _has_company(self, at: int) -> bool:
        """Whether somebody who was connected with the party before is still there, if elsewhere."""
        before = {leg for span, legs in self.contacts if span[0] < at for leg in legs}
        return any((self.story.tracks[leg].ended or at + 1) > at for leg in before)

    def _until(self, end: int | None) -> int:
        """What has no end yet lasted at least until the last thing that was said."""
        return self.story.last if end is None else end

    def _stays(self, track: Track) -> list[Span]:
        return [(stay.enter, self._until(stay.leave)) for stay in track.stays]

    def _queued(self) -> list[Span]:
        """When the party waited in a queue: until it was connected, whatever the source says of the end."""
        queued = []
        for start, end in self.party.queues:
            end = self._until(end)
            connected = min((span[0] for span in self.spans if span[0] >= start), default=None)
            if connected is not None:
                # AMI: out of the queue while the agent hears an announcement; CEL: in it until the end
                others = [at for at, _app in self.party.apps if end < at < connected]
                others += [other for other, _end in self.party.queues if end < other < connected]
                end = min(end, connected) if others or end > connected else connected
            queued.append((start, end))
        return queued

    def _ringing(self) -> list[Span]:
        """When a phone was being called for the party."""
        ringing = []
        for track in self.tracks:
            if track is self.primary or track.started is None or self._is_consulted(track):
                continue
            if self.party is not self.primary and track.id in self.phones and not self.spans:
                continue  # our own phone, not theirs
            end = self._until(track.ended)
            met = [span[0] for span, legs in self.contacts if track.id in legs or track is self.party]
            met += [span[0] for span in self.machine[:1]]
            ringing.append((track.started, min(met, default=end)))
        return ringing

    def _machine(self) -> list[Span]:
        """When the party's side was up: what nobody else claims of it was a machine."""
        party = self.party
        if self.machine:
            return self.machine
        begins = [at for at in (party.up, *(at for at, app in party.apps if app not in _SILENT)) if at is not None]
        if not begins or party is not self.primary:
            return []
        return [(min(begins), self._until(party.ended))]

    # legs

    def _is_consulted(self, track: Track) -> bool:
        """Whether a colleague called this phone while the party was with them or waited for them."""
        if track is self.primary or track is self.party or track.id not in self.phones or not self.spans:
            return False
        if track.started is None:
            return False
        began = track.started
        if not any(start <= began < (self._until(end)) for start, end in self._stays(self.party)):
            return False
        # not in the very moment: where only seconds are known, that is who was called first
        return began > self.spans[0][0] and self._has_company(began)

    def _phones_of_ours(self) -> list[Track]:
        """The legs that are shown: each phone once, unless it took part more than once."""
        shown: list[Track] = []
        answered = {leg for _span, legs in self.contacts for leg in legs} | {self.primary.id if self.primary else ""}
        mine = [track for track in self.tracks if track.id in self.phones]
        mine.sort(key=lambda track: (track is not self.primary, _or_last(track.started), track.id))
        taking_part = {self.phones[track.id] for track in mine if track.id in answered}
        for track in mine:
            number = self.phones[track.id]
            if track.id not in answered and number in taking_part:
                continue  # an earlier ring of the phone that took it, or its second line to a colleague
            again = next((leg for leg in shown if self.phones[leg.id] == number and leg.id not in answered), None)
            if again is not None:
                shown[shown.index(again)] = track  # the queue rang it once more
                continue
            shown.append(track)
        return shown

    def _first_offer(self, track: Track) -> int | None:
        """When this phone was first called; the queue may have done so many times."""
        times = [
            other.started
            for other in self.tracks
            if self.phones.get(other.id) == self.phones[track.id]
            and other.started is not None
            and other is not self.primary
            and other.call == track.call
            and not (other.stays and other is not track)
        ]
        times = [time for time in times if track.started is None or time <= track.started]
        return min(times, default=track.started)

    def _legs(self, held: list[Span], disposition: str) -> list[Leg]:
        over = self._over()
        legs = []
        for track in self._phones_of_ours():
            caller = track is self.primary
            consulted = not caller and self._is_consulted(track)
            with_party = [span for span, others in self.contacts if track.id in others]
            if track is self.party:
                with_party = self.spans
            taken = bool(with_party) or (consulted and bool(track.stays))
            leg = Leg(
                ref=track.id,
                number=self.phones[track.id],
                role="caller" if caller else "consulted" if consulted else "called",
                offered_at=moment(self._first_offer(track)),
                left_at=moment(self._left(track)),
            )
            if taken:
                first = with_party[0][0] if with_party else track.stays[0].enter
                leg.answered_at = moment(first if caller else min(first, _or_last(track.up)))
            if taken:
                leg.outcome = "answered"
            elif caller:
                leg.outcome = self._caller_outcome(track, disposition) if over else None
            elif track.over or over:
                leg.outcome = self._outcome(track)
            if over:
                leg.talk_s = _seconds(subtract(with_party, held))
            legs.append(leg)
        return legs

    def _left(self, track: Track) -> int | None:
        """When a phone left the call; after handing it over it may stay up for itself for a while."""
        if self.story.transfers and track.stays and track.stays[-1].leave is not None:
            return track.stays[-1].leave
        return track.ended

    def _caller_outcome(self, track: Track, disposition: str) -> str:
        if disposition in ("answered", "machine", "voicemail"):
            return "answered"
        if not track.up and self._originated():
            return self._outcome(track)
        if disposition in ("busy", "failed"):
            return disposition
        if self.party.cause == _DECLINED and self.party is not track:
            return "declined"
        return "cancelled" if self._gave_up(track) else "no_answer"

    def _gave_up(self, track: Track) -> bool:
        tried = [other.status for other in self._called() if other.status]
        said = track.said or track.stated.get("dial", "")
        if said or tried:
            return "CANCEL" in (said, *tried) and said not in ("NOANSWER", "BUSY")
        return track.gave_up is not None

    def _outcome(self, track: Track) -> str:
        """Why a phone that was called did not take the call."""
        if track.cause == _BUSY or track.status == "BUSY":
            return "busy"
        if track.cause == _DECLINED:
            return "declined"
        if track.status in _STATUS_OUTCOME:
            return _STATUS_OUTCOME[track.status]
        if track.cause == _ELSEWHERE:
            return "elsewhere"
        if track.cause in _FAILED and not track.up:
            return "failed"
        if track.cause == _FORWARDED and self.spans:
            return "elsewhere"
        end = self._until(track.ended)
        if any(track.started is not None and track.started <= span[0] <= end + SECOND for span in self.spans):
            return "elsewhere"
        party = self.party
        if party.gave_up is not None and not self._timed_out(party):
            # CEL may tell the phone's end before that of the caller who caused it
            slack = SECOND if self.story.timed else 0
            if end >= party.gave_up - slack:
                return "cancelled"
        return "no_answer"

    def _timed_out(self, party: Track) -> bool:
        return (party.said or party.stated.get("dial", "")) == "NOANSWER"

    # what came of it

    def _over(self) -> bool:
        party, primary = self.party, self.primary
        if party is None:
            return True
        # who closed it may have known the last thing that was said by the other source's clock
        if self.story.closed is not None and self.story.closed >= self.story.last - SAME:
            return True
        if party is primary and party.id not in self.phones:
            return party.over
        if party is not primary and self.spans:
            return party.over
        return all(track.over for track in self.tracks)

    def _ended(self) -> int | None:
        party, primary = self.party, self.primary
        if party.id not in self.phones and (party is primary or self.spans):
            return party.ended
        ends = [track.ended for track in self.tracks]
        return None if None in ends else max(ends, default=None)

    def _disposition(self) -> str:
        if not self._over():
            return "in_progress"
        if self.spans:
            return "answered"
        if self.machine:
            return "machine"
        taken = [track for track in self._called() if track.status == "ANSWER" and not track.stays]
        if taken and not self._saw_bridges():
            return "answered"
        tracks = self.story.tracks.values()
        if any(app in _MAILBOX for track in tracks for _at, app in track.apps) or any(
            "voicemail" in track.stated for track in tracks
        ):
            return "voicemail"
        party = self.party
        if party.queues:
            _start, end = party.queues[-1]
            left = party.ended is not None and (end is None or party.ended - end <= SECOND)
            return "abandoned" if left and party.gave_up is not None and not self._queue_over() else "missed"
        outcomes = {self._outcome(track) for track in self._reached_for()}
        if outcomes:
            if outcomes <= {"busy"}:
                return "busy"
            if outcomes <= {"failed", "busy"}:
                return "busy" if "busy" in outcomes else "failed"
            return "missed"
        if party is self.primary and (self.direction != "outbound" or party.id not in self.phones) and self._machine():
            return "machine"
        said = self.primary.said or self.primary.stated.get("dial", "")
        return {"BUSY": "busy", "NOANSWER": "missed", "CANCEL": "missed"}.get(said, "failed")

    def _queue_over(self) -> bool:
        """Whether the queue itself let the caller go."""
        return self.party.stated.get("queue", "") in ("TIMEOUT", "FULL", "JOINEMPTY", "LEAVEEMPTY", "WITHDRAW")

    def _saw_bridges(self) -> bool:
        return any(track.stays for track in self.story.tracks.values())

    def _reached_for(self) -> list[Track]:
        """Those who were called for the party."""
        if self.party is not self.primary:
            return self._outside()
        if self.party.rang and self.party.up is None and self.party.id not in self.phones:
            return [self.party]
        return self._called()

    def call(self) -> Call | None:
        """The whole of it."""
        party, primary, story = self.party, self.primary, self.story
        if party is None or primary is None:
            return None
        disposition = self._disposition()
        call = Call(
            call_id=self.call_id,
            aliases=sorted(set(story.calls) - {self.call_id}),
            direction=self.direction,
            started_at=moment(primary.started),
            disposition=disposition,
            notes=self.notes,
            name=(party if party is not primary or self.direction == "inbound" else primary).name,
            queue=next((track.queue for track in self.tracks if track.queue), ""),
            dialled=primary.dialled,
            recordings=story.recordings,
        )
        call.from_number, call.to_number = self._numbers()
        held = self._held()
        call.legs = self._legs(held, disposition)
        if self.spans:
            call.answered_at = moment(self.spans[0][0])
        elif disposition == "answered":
            self._answered_unseen(call)
        if disposition != "in_progress":
            self._share(call, held)
        if not story.timed:
            self._without_times(call)
        if story.sources == {"cel"}:
            call.notes.append("CEL knows no hold: talk is the connected time")
            if call.ended_at and all(track.cause is None for track in story.tracks.values()):
                call.notes.append("CEL came without its extra column: busy, refused and given up are not told apart")
        call.notes[:] = dict.fromkeys(call.notes)
        return call

    def _numbers(self) -> tuple[str, str]:
        primary, party = self.primary, self.party
        dialled = self._dialled()
        called = next((track.called_number for track in self._called() if track.called_number), "")
        if self.direction == "inbound":
            return primary.number, dialled or called
        own = self.phones.get(primary.id) or primary.number
        if self.direction == "outbound" and primary.id not in self.phones:
            first = next((self.phones[track.id] for track in self.tracks if track.id in self.phones), "")
            return first, primary.called_number or primary.number
        if self.direction == "outbound":
            return own, dialled or (party is not primary and (party.called_number or party.number)) or self._clicked()
        return own, dialled or next(
            (self.phones[track.id] for track in self._called() if track.id in self.phones), called
        )

    def _share(self, call: Call, held: list[Span]):
        """Share out the party's time."""
        party = self.party
        ended = self._ended()
        call.ended_at = moment(ended)
        if ended is None:
            self.notes.append("the end was not seen")
        if call.started_at is None:
            self.notes.append("the beginning was not seen")
        if ended is not None and self.primary.started is not None and ended - self.primary.started > _LONG:
            self.notes.append("longer than a day")
        if party.started is None or ended is None:
            if not self.spans or self.spans[-1][1] >= self.story.last or self.party.started is None:
                for leg in call.legs:
                    leg.talk_s = None
                return
        end = self._until(ended)
        life = [(party.started, end)]
        talk = intersect(subtract(self.spans, held), life)
        hold = intersect(held, life)
        met = union([*talk, *hold])
        queue = intersect(subtract(self._queued(), met), life)
        ring = intersect(subtract(self._ringing(), [*met, *queue]), life)
        ivr = intersect(subtract(self._machine(), [*met, *queue, *ring]), life)
        # what lies between a ring and its answer is setting up, not a machine
        ivr = [span for span in ivr if span[1] - span[0] > SECOND // 10]
        if call.disposition != "answered" or self.spans:
            call.talk_s = _seconds(talk)
        call.queue_s, call.ring_s, call.ivr_s = _seconds(queue), _seconds(ring), _seconds(ivr)
        call.hold_s = _seconds(hold) if self._hears_hold() else None
        if any(track.started is None and track.rang for track in self._called()):
            self.notes.append("since when a phone rang was not seen")
            call.ring_s = call.ivr_s = None
        for part in self.story.untold & {"queue", "ring", "ivr"}:
            setattr(call, f"{part}_s", None)
        if call.hold_s is None and self.story.sources != {"cel"}:
            self.notes.append("hold was not measured all the time: talk is the connected time")

    def _hears_hold(self) -> bool:
        """Whether somebody who knows of hold listened whenever the party was connected."""
        if "hold" in self.story.untold and (self.spans or self.party.parked):
            return False  # of a call that connected nobody, there is no hold to tell of
        if self.story.sources == {"cel"} or not all(legs for _span, legs in self.contacts):
            return False
        if self._missed() and self.spans and self.spans[0][0] < self.story.unheard:
            return False
        partners = {leg for _span, legs in self.contacts for leg in legs} | {self.party.id}
        return all("cel" not in stay.seen for leg in partners for stay in self.story.tracks[leg].stays)

    def _missed(self) -> bool:
        """Whether some of it was heard by nobody: a bridge was away, and no other one heard all of it."""
        story = self.story
        whole = story.heard is not None and story.heard >= story.last - SECOND
        return story.unheard is not None and not whole

    def _answered_unseen(self, call: Call):
        """Somebody answered, and no source told of the bridge."""
        self.notes.append("the connection was not seen: talk is not measured")
        taken = next(track for track in self._called() if track.status == "ANSWER")
        call.answered_at = moment(taken.up)
        for leg in call.legs:
            leg.talk_s = None
            if leg.ref in (taken.id, self.primary.id):
                leg.outcome, leg.answered_at = "answered", moment(taken.up)

    def _without_times(self, call: Call):
        """Nothing but the order is known, and the seconds that the PBX states itself."""
        call.notes.append("the source states no times")
        call.started_at = call.answered_at = call.ended_at = None
        call.ivr_s = call.queue_s = call.ring_s = call.hold_s = call.talk_s = None
        for leg in call.legs:
            leg.offered_at = leg.answered_at = leg.left_at = leg.talk_s = None
        if call.disposition == "in_progress":
            return
        for name in ("queue_s", "talk_s"):
            stated = [track.stated[name] for track in self.story.tracks.values() if name in track.stated]
            if len(stated) == 1 and stated[0].isdigit():
                setattr(call, name, float(stated[0]))


def _through_trunk(track: Track) -> bool:
    """Whether a number was called through a trunk (``1233@provider``), however short it is."""
    number, _at, trunk = track.dial_string.partition("@")
    return number.isdigit() and bool(trunk) and endpoint(track.channel).partition("/")[2] == trunk


def _or_last(value: int | None) -> int:
    return value if value is not None else 1 << 62


def _seconds(spans: list[Span]) -> float:
    return round(length(spans) / SECOND, 3)


def _is_outside_number(dialled: str, site: Site) -> bool:
    digits = dialled.lstrip("+")
    return len(digits) > 2 and digits.isascii() and digits.isdigit() and not is_internal(dialled, site)
