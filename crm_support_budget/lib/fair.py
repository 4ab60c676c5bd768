"""Whom to help next, so that nobody takes a technician's whole day.

Each customer has a *counter*: the minutes of help they had, divided by their priority. Whoever waits with the smallest is next; of
several, whoever waits longest. Somebody who comes back begins no lower than the smallest of those who are there:
having been away earns no credit and costs none. Nothing needs to be known in advance about how long a case takes, and
technicians may come and go.

Sources: start-time fair queueing (Goyal, Vin, Cheng 1996) in the counter form of VTC (Sheng et al., OSDI 2024,
arXiv 2401.00588). For two customers who always wait, their weighted minutes never differ by more than the longest case of each,
weighted.

>>> from datetime import datetime
>>> at = lambda minute: datetime(2026, 11, 2, 9, minute)
>>> queue = Counters({"heavy": 310.0, "light": 12.0})
>>> queue.next([Waiting("heavy", at(0)), Waiting("light", at(20))]).customer
'light'
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody of a customer who waits for us.

    :param since: when they began to wait
    :param after_others: only when nobody else waits (their budget is used up, and the agreement says so)
    """

    customer: Hashable
    since: datetime
    after_others: bool = False


@dataclass(slots=True)
class Counters:
    """The counters of all customers.

    :param served: customer -> minutes ÷ priority, as far as they were ever helped
    :param floor: below which nobody begins: the smallest counter of those who were there last
    """

    served: dict[Hashable, float] = field(default_factory=dict)
    floor: float = 0.0

    def come(self, customer: Hashable, active: Collection[Hashable] = ()) -> None:
        """Somebody begins to wait who did not wait, nor was served, at this moment.

        :param active: customers who wait or are served now
        """
        others = [self.served.get(one, self.floor) for one in active if one != customer]
        self.floor = max(self.floor, min(others)) if others else self.floor
        if customer not in active:
            self.served[customer] = max(self.served.get(customer, self.floor), self.floor)

    def leave(self, customer: Hashable, active: Collection[Hashable] = ()) -> None:
        """Somebody waits no more, nor is served. With nobody left, the next begins where the last one was.

        :param active: customers who still wait or are served
        """
        if not active:
            self.floor = max(self.floor, self.served.get(customer, self.floor))

    def next(self, waiting: Iterable[Waiting], busy: Mapping[Hashable, int] | None = None, cap: int | None = None):
        """Who is to be served, None if nobody may be.

        :param busy: customer -> how many of theirs are being served now
        :param cap: most of one customer that are served at the same time; None: no limit
        """
        order = self.order(waiting, busy, cap)
        return order[0] if order else None

    def order(self, waiting: Iterable[Waiting], busy: Mapping[Hashable, int] | None = None, cap: int | None = None):
        """Those who may be served, the next one first; of each customer whoever waits longest comes first.

        Those who follow are in the order that holds if nobody else is served meanwhile.
        """
        busy = busy or {}
        may = [one for one in waiting if cap is None or busy.get(one.customer, 0) < cap]
        return sorted(may, key=lambda one: (one.after_others, self.served.get(one.customer, self.floor), one.since))

    def charge(self, customer: Hashable, minutes: float, priority: float = 1.0) -> None:
        """Somebody was helped.

        :param minutes: how long; negative if less than what was charged in advance
        :param priority: 2 counts each minute half
        :raise ValueError: of a priority that is not positive
        """
        if not priority > 0:
            raise ValueError("a priority is more than nothing")
        self.served[customer] = self.served.get(customer, self.floor) + minutes / priority
