"""A call from its CDR rows alone: whole seconds, and much that they cannot tell stays empty."""

from collections.abc import Iterable

from .call import Call, Leg
from .events import Event, parse_time
from .phone import extension_of, is_internal, is_local
from .site import Site

_OUTCOMES = {
    "ANSWERED": "answered",
    "BUSY": "busy",
    "FAILED": "failed",
    "CONGESTION": "failed",
    "NO ANSWER": "no_answer",
}


def fold(events: Iterable[Event], site: Site = Site()) -> Call | None:
    """The call of these ``reported`` events, None if there are none.

    :param events: rows of one call, in any order, any of them repeated
    """
    rows = sorted({event.id: event for event in events}.values(), key=_order)
    if not rows:
        return None
    return _Folding(rows, site).call()


def _order(event: Event):
    return (event.at is None, event.at or 0, event.text("called"), event.id)


class _Folding:
    def __init__(self, rows: list[Event], site: Site):
        self.rows = rows
        self.site = site
        self.notes: list[str] = ["CDR only: whole seconds, hold and queue are not measured"]

    def _taken(self) -> list[Event]:
        """Rows in which a person was connected."""
        return [row for row in self.rows if row.text("disposition") == "ANSWERED" and self._called(row) is not None]

    def _called(self, row: Event) -> str | None:
        """The phone or trunk that the row called; None of a machine, or of a pipe told elsewhere."""
        channel = row.text("called")
        if not channel:
            return None
        if is_local(channel):
            behind = channel.rpartition(";")[0]
            if any(other.text("channel").rpartition(";")[0] == behind for other in self.rows):
                return None
            return channel.removeprefix("Local/").partition("@")[0]
        return extension_of(channel, "", self.site) or ""

    def call(self) -> Call:
        rows, site = self.rows, self.site
        first = next((row for row in rows if not is_local(row.text("channel"))), rows[0])
        from_number, to_number = first.text("from"), first.text("to")
        caller = extension_of(first.text("channel"), from_number, site)
        called = [self._called(row) for row in rows]
        # a phone that is not recorded has lost its number, and is none outside
        unrecorded = [row.text("called").endswith("/") for row in rows]
        outside = any(one == "" and not hidden for one, hidden in zip(called, unrecorded, strict=True)) or (
            not any(called) and not is_internal(to_number, site) and to_number.strip("+").isdigit()
        )
        direction = "inbound" if caller is None else "outbound" if outside else "internal"
        call = Call(
            call_id=first.call,
            aliases=sorted({row.call for row in rows} - {first.call}),
            direction=direction,
            from_number=caller or from_number,
            to_number=to_number,
            dialled=to_number,
            started_at=min((row.at for row in rows if row.at), default=None),
            disposition=self._disposition(direction),
            notes=self.notes,
            name=first.text("name").partition("<")[0].strip(' "'),
        )
        ends = [end for row in rows if (end := parse_time(row.data.get("end")))]
        call.ended_at = max(ends, default=None)
        if call.started_at and call.ended_at and call.ended_at < call.started_at:
            self.notes.append("the call ends before it starts: its end is left empty")
            call.ended_at = None
        self._legs(call, caller, first)
        self._times(call)
        self.notes[:] = dict.fromkeys(self.notes)
        return call

    def _disposition(self, direction: str) -> str:
        if self._taken():
            return "answered"
        apps = {row.text("app") for row in self.rows}
        said = {row.text("disposition") for row in self.rows}
        if "voicemail" in apps:
            return "voicemail"
        if "queue" in apps:
            return "abandoned"
        if "ANSWERED" in said:
            return "machine"
        if "NO ANSWER" in said:
            return "missed"
        return "busy" if "BUSY" in said else "failed"

    def _legs(self, call: Call, caller: str | None, first: Event):
        by_number: dict[str, Leg] = {}
        if caller is not None:
            outcome = {"missed": "no_answer", "abandoned": "cancelled", "busy": "busy", "failed": "failed"}
            call.legs.append(
                Leg(
                    first.leg,
                    caller,
                    "caller",
                    offered_at=call.started_at,
                    outcome=outcome.get(call.disposition, "answered"),
                )
            )
        taken = self._taken()
        for row in self.rows:
            number = self._called(row)
            if not number:
                continue
            outcome = _OUTCOMES.get(row.text("disposition"), "no_answer")
            if outcome == "no_answer":
                if row.data.get("billed_s"):
                    self.notes.append("not answered, yet with billed seconds: those are not counted")
                if any(_overlap(row, other) for other in taken):
                    outcome = "elsewhere"
            leg = by_number.get(number)
            if leg is None:
                leg = by_number[number] = Leg(f"{row.leg}/{number}", number, "called", offered_at=row.at)
                call.legs.append(leg)
            if leg.outcome != "answered":
                leg.outcome = outcome
            if leg.talk_s is None and outcome != "answered":
                leg.talk_s = 0.0
            leg.left_at = parse_time(row.data.get("end"))
            if outcome == "answered":
                leg.answered_at = leg.answered_at or self._answer(row)
                leg.talk_s = _add(leg.talk_s, self._talk(row))

    def _times(self, call: Call):
        taken = self._taken()
        if not taken:
            call.talk_s = 0.0
            if (
                len(self.rows) == 1
                and call.legs
                and call.disposition in ("missed", "busy")
                and call.started_at
                and call.ended_at
            ):
                call.ring_s = (call.ended_at - call.started_at).total_seconds()
            for leg in call.legs:
                if leg.role == "caller":
                    leg.talk_s, leg.left_at = 0.0, call.ended_at
            return
        answers = [answer for row in taken if (answer := self._answer(row))]
        call.answered_at = min(answers, default=None)
        talks = [self._talk(row) for row in taken]
        call.talk_s = None if None in talks else sum(talks)
        queue = any(row.data.get("app") == "queue" for row in self.rows)
        if call.answered_at and call.started_at and not queue and len(self.rows) == 1:
            call.ring_s = (call.answered_at - call.started_at).total_seconds()
        for leg in call.legs:
            if leg.role == "caller":
                leg.answered_at, leg.talk_s, leg.left_at = call.answered_at, call.talk_s, call.ended_at

    def _answer(self, row: Event):
        if row.text("app") == "queue":
            # the caller was up while the phones rang, and CDR takes that for the answer (seen)
            self.notes.append("when a phone of the queue answered is not measured, nor the talk")
            return None
        answer = parse_time(row.data.get("answer"))
        end = parse_time(row.data.get("end"))
        if answer is None or (row.at and answer < row.at) or (end and answer > end):
            self.notes.append("answered at an impossible time: it is left empty")
            return None
        return answer

    def _talk(self, row: Event) -> float | None:
        answer, end = self._answer(row), parse_time(row.data.get("end"))
        if answer is not None and answer == row.at:
            self.notes.append(
                "answered in the second in which it began: a menu may have done that, talk may include it"
            )
        return (end - answer).total_seconds() if answer and end else None


def _overlap(row: Event, other: Event) -> bool:
    """Whether ``row`` rang while ``other`` was ringing too."""
    answer = parse_time(other.data.get("answer"))
    end = parse_time(row.data.get("end"))
    # a second either way: whole ones are all that is known, and of some tables the answer is reckoned from them
    return bool(
        row.at
        and answer
        and (answer - row.at).total_seconds() >= -1
        and (end is None or other.at is None or (end - other.at).total_seconds() >= -1)
    )


def _add(one: float | None, two: float | None) -> float | None:
    return two if one is None else one if two is None else one + two
