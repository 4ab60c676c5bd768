"""The calls of the demo company's past, and what its PBX would have said of each.

Pure: the same dates give the same calls. Day by day, hour by hour people ring, are put through, give up, are called
back; no telephone has two calls at a time. Shares and lengths are those of a small sales office, not measured ones.
"""

import heapq
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from . import company, past_customers

ZONE = ZoneInfo("Europe/Amsterdam")
SEED = 20_010_203
#: hour by the clock of the office → share of the day's calls
_HOURS = {8: 0.6, 9: 1.3, 10: 1.5, 11: 1.3, 12: 0.45, 13: 0.9, 14: 1.3, 15: 1.2, 16: 1.0, 17: 0.4, 18: 0.06}
_WEEKDAYS = (1.1, 1.1, 1.0, 1.05, 0.75)
#: calls of a usual day by kind; those that follow from others come on top
_USUAL = {"direct": 8.0, "group": 8.0, "queue": 8.5, "out": 24.0, "internal": 2.5}
#: hour → chance that somebody who is called answers
_REACHED = {8: 0.3, 9: 0.36, 10: 0.42, 11: 0.42, 12: 0.22, 13: 0.34, 14: 0.38, 15: 0.42, 16: 0.42, 17: 0.4, 18: 0.4}
_SALES = {"101": 0.16, "102": 0.32, "103": 0.28, "104": 0.24}
_CALLED = {"lotte": "nadia", "jens": "nadia", "amelia": "tom", "carlos": "jonas", "omar": "rina"}
_SUPPORT = company.SUPPORT_MEMBERS
PERSON_OF = {phone.number: phone.key for phone in company.PHONES if phone.user}
PHONE_OF = {key: number for number, key in PERSON_OF.items()}
DID_OF = {phone.number: phone.did for phone in company.PHONES}


@dataclass(frozen=True)
class Call:
    """One call: what rang whom for how long. Seconds; `taker` is the phone that had it, `wait` the time in the queue."""

    ref: str
    start: datetime
    kind: str
    number: str
    phones: tuple[str, ...]
    taker: str | None = None
    wait: float = 0
    ring: float = 0
    talk: float = 0
    hold: float = 0
    result: str = ""

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.wait + self.ring + self.talk + self.hold + 0.2)


def working_days(first: date, last: date, free: frozenset[date]) -> list[date]:
    """Mondays to Fridays on which the company works."""
    days = (first + timedelta(days=place) for place in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5 and day not in free]


def calls(days: list[date], now: datetime, share: float, absent: dict[str, tuple[date, date]]) -> Iterator[Call]:
    """All calls of some days that were over at `now`, in the order of their beginning.

    :param share: of a usual day's calls
    :param absent: phone → first and last day on which its person is away
    """
    office = _Office(random.Random(f"{SEED} {days[0]}"), days, absent)
    for place, day in enumerate(days):
        office.plan(day, share * (0.88 + 0.24 * place / len(days)))
    yield from (call for call in office.calls() if call.end < now - timedelta(minutes=2))


class _Office:
    """Its telephones, and what is going to happen."""

    def __init__(self, chance: random.Random, days: list[date], absent: dict):
        self._chance, self._absent = chance, absent
        self._next_day = dict(itertools.pairwise(days))
        self._free: dict[str, datetime] = {}
        self._count = itertools.count()
        self._waiting: list[tuple] = []
        known = [
            (number, one.owner, one.weight)
            for one in past_customers.customers()
            for number in (one.number, *(number for _name, number in one.people))
        ]
        self._known, self._weights = known, [weight for _number, _owner, weight in known]
        # the customers of company.py are called, and never wait for a call: that is for scenarios and stories to see
        self._called = known + [(company.customer(key).e164[0], owner, 0.3) for key, owner in _CALLED.items()]
        self._unhurried = days[-4:]

    def plan(self, day: date, share: float) -> None:
        """Think up when the calls of a day come."""
        for kind, usual in _USUAL.items():
            for _each in range(self._about(usual * share * _WEEKDAYS[day.weekday()])):
                [hour] = self._chance.choices([*_HOURS], [*_HOURS.values()])
                self._push(_at(day, hour) + timedelta(seconds=self._chance.uniform(0, 3600)), kind)

    def calls(self) -> Iterator[Call]:
        """Let it all happen."""
        while self._waiting:
            start, _count, kind, what = heapq.heappop(self._waiting)
            call = getattr(self, f"_{kind}")(start, **what)
            if call:
                yield replace(call, ref=f"past.{start:%Y%m%d}.{next(self._count)}")

    def _push(self, start: datetime, kind: str, **what) -> None:
        heapq.heappush(self._waiting, (start.astimezone(timezone.utc), next(self._count), kind, what))

    # ------------------------------------------------------------ who and how long

    def _about(self, mean: float) -> int:
        return max(0, round(self._chance.gauss(mean, math.sqrt(mean))))

    def _long(self, median: float, spread: float, most: float) -> float:
        return round(min(most, median * math.exp(self._chance.gauss(0, spread))), 1)

    def _who(self) -> tuple[str, str | None]:
        """A number, and whose customer that is."""
        if self._chance.random() < 0.2:
            return past_customers.stranger(self._chance.randrange(2400)), None
        [(number, owner, _weight)] = self._chance.choices(self._known, self._weights)
        return number, owner

    def _is_free(self, phone: str, at: datetime) -> bool:
        away = self._absent.get(phone)
        return not (away and away[0] <= at.astimezone(ZONE).date() <= away[1]) and at >= self._free.get(phone, at)

    def _busy(self, phone: str, call: Call) -> Call:
        # some seconds for a note
        self._free[phone] = call.end + timedelta(seconds=self._chance.uniform(3, 40))
        return call

    # ------------------------------------------------------------ incoming

    def _direct(self, start, number=None, owner=None, again=False):
        if number is None:
            number, owner = self._who()
        phone = PHONE_OF.get(owner) or self._chance.choices([*_SALES], [*_SALES.values()])[0]
        free = self._is_free(phone, start)
        if free and self._chance.random() < 0.8:
            call = Call("", start, "direct", number, (phone,), phone, ring=self._long(6, 0.5, 22), talk=self._talk(150))
            return self._busy(phone, replace(call, hold=self._hold(call.talk)))
        # Jonas has a mailbox
        if free and phone == "104" and self._chance.random() < 0.6:
            words = self._chance.uniform(8, 40)
            call = Call("", start, "direct", number, (phone,), ring=20, talk=words, result="voicemail")
        else:
            ring = self._chance.uniform(8, 25) if free else 0.3
            call = Call("", start, "direct", number, (phone,), ring=ring, result="missed" if free else "busy")
        self._follow_up(call, phone, again)
        return call

    def _group(self, start, number=None, again=False):
        number = number or self._who()[0]
        free = [phone for phone in company.SALES_GROUP if self._is_free(phone, start)]
        if free and self._chance.random() < 0.86:
            taker = self._chance.choices(free, [_SALES[phone] for phone in free])[0]
            call = Call(
                "", start, "group", number, tuple(free), taker, ring=self._long(7, 0.5, 20), talk=self._talk(120)
            )
            return self._busy(taker, replace(call, hold=self._hold(call.talk)))
        if free:
            call = Call("", start, "group", number, tuple(free), ring=self._chance.uniform(3, 25), result="missed")
        else:
            call = Call("", start, "group", number, company.SALES_GROUP, ring=0.3, result="busy")
        self._follow_up(call, self._chance.choices([*_SALES], [*_SALES.values()])[0], again)
        return call

    def _queue(self, start, number=None, again=False):
        number = number or self._who()[0]
        free = [phone for phone in _SUPPORT if self._is_free(phone, start)]
        soonest = min((self._free.get(phone, start) for phone in _SUPPORT), default=start)
        patience = self._long(75, 0.7, 400)
        wait = 1.0 if free else (soonest - start).total_seconds() + 2
        if wait + 4 > patience or self._chance.random() < 0.04:
            gone = min(patience, self._chance.uniform(2, 60))
            call = Call("", start, "queue", number, tuple(free), wait=round(gone, 1), result="abandoned")
            self._follow_up(call, self._chance.choice(_SUPPORT), again)
            return call
        taker = self._chance.choice(free) if free else min(_SUPPORT, key=lambda one: self._free.get(one, start))
        call = Call(
            "", start, "queue", number, tuple(free) or (taker,), taker, wait, self._long(5, 0.4, 14), self._talk(230)
        )
        call = self._busy(taker, replace(call, hold=self._hold(call.talk)))
        if not again and self._chance.random() < 0.1:
            # the same trouble once more
            self._push(self._later(call.end, 600, 1.0), "queue", number=number, again=True)
        return call

    def _talk(self, median: float) -> float:
        return max(6.0, self._long(median, 0.9, 2700))

    def _hold(self, talk: float) -> float:
        return round(self._chance.uniform(5, min(90, talk / 3)), 1) if talk > 60 and self._chance.random() < 0.15 else 0

    # ------------------------------------------------------------ outgoing

    def _out(self, start, number=None, phone=None, turn=0):
        if number is None:
            phone = self._chance.choices([*_SALES], [*_SALES.values()])[0]
            mine = [one for one in self._called if one[1] == PERSON_OF[phone]]
            number = self._chance.choices(mine, [one[2] ** 0.5 for one in mine])[0][0]
            if self._chance.random() < 0.18:
                number = past_customers.stranger(self._chance.randrange(2400))
        if not self._is_free(phone, start):
            later = self._later(start, 25, 0.5)
            if turn or later.astimezone(ZONE).date() == start.astimezone(ZONE).date():
                self._push(later, "out", number=number, phone=phone, turn=turn)
            return None
        # who asked for it is there
        reached = 0.7 if turn else _REACHED.get(start.astimezone(ZONE).hour, 0.3)
        if self._chance.random() < reached:
            call = Call("", start, "out", number, (phone,), phone, ring=self._long(11, 0.4, 28), talk=self._talk(105))
            return self._busy(phone, replace(call, hold=self._hold(call.talk)))
        if self._chance.random() < 0.12:
            return self._busy(
                phone, Call("", start, "out", number, (phone,), ring=self._chance.uniform(1, 4), result="busy")
            )
        call = Call("", start, "out", number, (phone,), ring=self._chance.uniform(14, 32), result="missed")
        if 0 < turn < 6:
            self._push(self._later(call.end, 80, 0.8), "out", number=number, phone=phone, turn=turn + 1)
        return self._busy(phone, call)

    def _internal(self, start):
        one, other = self._chance.sample([*_SALES, *_SUPPORT], 2)
        if not (self._is_free(one, start) and self._is_free(other, start)):
            return None
        call = Call("", start, "internal", other, (one, other), other, ring=self._long(4, 0.4, 12), talk=self._talk(45))
        self._busy(other, call)
        return self._busy(one, call)

    # ------------------------------------------------------------ what follows

    def _follow_up(self, call: Call, phone: str, again: bool) -> None:
        """Somebody calls back, or they try again; hardly ever nothing, but for the last days, of which some is still to do."""
        thrown = self._chance.random()
        if call.start.astimezone(ZONE).date() in self._unhurried and thrown > 0.4:
            return
        if thrown < 0.12 and not again:
            self._push(self._later(call.end, 12, 1.0), call.kind, number=call.number, again=True)
        elif thrown < 0.99:
            self._push(self._later(call.end, 45, 1.0), "out", number=call.number, phone=phone, turn=1)

    def _later(self, at: datetime, minutes: float, spread: float) -> datetime:
        """Some minutes later, or on the next morning."""
        then = (at + timedelta(minutes=self._long(minutes, spread, 1500))).astimezone(ZONE)
        day = at.astimezone(ZONE).date()
        if then.date() == day and then.hour < 18:
            return then
        morning = _at(self._next_day.get(day, day + timedelta(days=1)), 8)
        return morning + timedelta(minutes=self._chance.uniform(35, 150))


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), ZONE)
