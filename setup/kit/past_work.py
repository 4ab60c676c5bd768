"""What else happened in the demo company's past: opportunities and their fate, messages, meetings, activities.

Pure; moments are UTC. Written to Odoo by past_write.
"""

import math
import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from . import past_customers
from .past_calls import SEED, ZONE
from .past_customers import Customer

_WARES = (
    "Bench scales", "Flow meters", "Lens testers", "Probe stations", "Moisture meters", "Calibration contract",
    "Pressure gauges", "Spare sensors", "Thermal cameras", "Colour meters", "Weighing line", "Leak detectors",
)  # fmt: skip
_SUBJECTS = (
    "Question about the quotation",
    "Delivery date",
    "Which range do we need?",
    "Certificate",
    "One thing more",
)
_QUESTIONS = (
    "Could you tell us when the first ones can be here?",
    "Is the calibration included in the price?",
    "We would need two more than we said. Does that change anything?",
    "Our technician asks which cable fits.",
    "Thank you for the offer. The board meets on Thursday; what is the last day to order?",
)
_ANSWERS = (
    "Yes, it is. The certificate comes with each device.",
    "Ten working days from the order. I have noted it for you.",
    "I have changed the quotation and sent it once more.",
    "The one in the picture. I can send a sample if you like.",
)


@dataclass(frozen=True)
class Step:
    """What became of an opportunity at a moment: `created`, the name of a stage, `won` or `lost`."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Deal:
    key: str
    name: str
    customer: Customer
    person: str
    amount: int
    steps: tuple[Step, ...]

    @property
    def closed_at(self) -> datetime | None:
        last = self.steps[-1]
        return last.at if last.what in ("won", "lost") else None


@dataclass(frozen=True)
class Message:
    """A mail: `deal` is None of one on the contact. `kind` is `person` or `automatic`."""

    at: datetime
    inbound: bool
    customer: Customer
    deal: str | None
    person: str
    subject: str
    body: str
    kind: str = "person"


@dataclass(frozen=True)
class Task:
    """An activity or, with `hours`, a meeting. `done_at` is None of what is still to be done."""

    deal: str
    person: str
    kind: str
    summary: str
    at: datetime
    done_at: datetime | None = None
    hours: float = 0


class Past:
    """All of it, between the first and the last of some working days.

    :param share: of what usually happens
    :param live: whether what is not over stays so; else all was answered, and every opportunity closed
    """

    def __init__(self, days: list[date], now: datetime, share: float = 1.0, live: bool = True):
        self._chance = random.Random(f"{SEED} work {days[0]}")
        self._days, self._now, self._live = days, now, live
        self.customers = past_customers.customers()
        self.deals = [self._deal(place) for place in range(round(140 * share))]
        self.messages = sorted(self._messages(share), key=lambda one: one.at)
        self.tasks = sorted(self._tasks(), key=lambda one: one.at)

    # ------------------------------------------------------------ when

    def _moment(self, day: date) -> datetime:
        minutes = self._chance.triangular(0, 9.2 * 60, 150)
        local = datetime.combine(day, time(8, 15), ZONE) + timedelta(minutes=minutes)
        return local.astimezone(timezone.utc)

    def _day_after(self, at: datetime, working_days: float) -> date | None:
        """The day some working days later, None if that is to come."""
        place = sum(day <= at.astimezone(ZONE).date() for day in self._days) - 1 + max(1, round(working_days))
        return self._days[place] if place < len(self._days) else None

    def _answered(self, at: datetime, median: float) -> datetime:
        """Some working minutes later."""
        local = at.astimezone(ZONE)
        left = min(2400.0, median * math.exp(self._chance.gauss(0, 0.9)))
        while True:
            end = datetime.combine(local.date(), time(17, 30), ZONE)
            begin = datetime.combine(local.date(), time(8, 30), ZONE)
            local = max(local, begin)
            # what comes after them does not matter, as long as there is something
            works = local.date() in self._days or (local.date() > self._days[-1] and local.weekday() < 5)
            if works and (end - local).total_seconds() / 60 > left:
                return (local + timedelta(minutes=left)).astimezone(timezone.utc)
            if works:
                left -= max(0.0, (end - local).total_seconds() / 60)
            local = datetime.combine(local.date() + timedelta(days=1), time(8, 30), ZONE)

    # ------------------------------------------------------------ opportunities

    def _deal(self, place: int) -> Deal:
        chance = self._chance
        [customer] = chance.choices(self.customers, [one.weight for one in self.customers])
        person = customer.owner if chance.random() < 0.8 else chance.choice(("nadia", "tom", "rina", "jonas"))
        day = self._days[int(len(self._days) * chance.random() ** 1.1)]
        steps = [Step(self._moment(day), "created")]
        fate = chance.random()
        path = {"won": ["Qualified", "Proposition", "won"], "lost": ["Qualified", "lost"]}
        wanted = path["won"] if fate < 0.42 else path["lost"] if fate < 0.78 else ["Qualified", "Proposition"]
        if not self._live:
            wanted = path["won"] if fate < 0.5 else path["lost"]
        for what in wanted:
            later = self._day_after(steps[-1].at, chance.lognormvariate(1.6, 0.7))
            if later is None:
                if self._live:
                    break
                later = self._days[-1]
            at = max(self._moment(later), steps[-1].at + timedelta(minutes=5))
            if at > self._now:
                break
            steps.append(Step(at, what))
        last = self._moment(self._days[-1 - place % 4])
        if self._live and wanted[-1] == "won" and steps[-1].what == "Proposition" and steps[-1].at < last < self._now:
            # so that this week has some, too
            steps.append(Step(last, "won"))
        amount = round(chance.lognormvariate(8.4, 0.8) * (0.5 + customer.weight), -2)
        name = f"{_WARES[place % len(_WARES)]} for {customer.name.split()[0]}"
        return Deal(f"{self._days[0]:%y}-{place}", name, customer, person, int(amount) or 500, tuple(steps))

    # ------------------------------------------------------------ messages

    def _messages(self, share: float):
        for deal in self.deals:
            at = deal.steps[0].at
            yield self._written(at, False, deal.customer, deal.key, deal.person)
            for _turn in range(self._chance.choice((1, 2, 2, 3, 4, 5))):
                day = self._day_after(at, self._chance.lognormvariate(1.2, 0.7))
                if day is None or (deal.closed_at and day > deal.closed_at.date()):
                    break
                at = yield from self._exchange(day, deal.customer, deal.key, deal.person)
        for _each in range(round(330 * share)):
            [customer] = self._chance.choices(self.customers, [one.weight for one in self.customers])
            person = customer.owner if self._chance.random() < 0.5 else self._chance.choice(("priya", "marek"))
            yield from self._exchange(self._chance.choice(self._days), customer, None, person)

    def _exchange(self, day: date, customer: Customer, deal: str | None, person: str):
        """They write, once or twice, and are answered; gives the moment when that was over."""
        at = self._moment(day)
        if at > self._now:
            return at
        yield self._written(at, True, customer, deal, person)
        if self._chance.random() < 0.15:
            again = at + timedelta(minutes=self._chance.uniform(5, 50))
            if again < self._now:
                at = again
                yield self._written(at, True, customer, deal, person)
        if self._chance.random() < 0.05:
            at_once = at + timedelta(seconds=20)
            yield self._written(at_once, False, customer, deal, person, "automatic")
        # who buys little waits longer
        answered = self._answered(at, 70 + 110 * (1 - customer.weight))
        overlooked = self._live and self._chance.random() < 0.22 and (self._now - at).days < 6
        if answered < self._now and not overlooked:
            yield self._written(answered, False, customer, deal, person)
            if self._chance.random() < 0.06:
                yield self._written(answered + timedelta(seconds=40), True, customer, deal, person, "automatic")
        return answered

    def _written(self, at, inbound, customer, deal, person, kind="person") -> Message:
        subject = "Out of office" if kind == "automatic" and inbound else self._chance.choice(_SUBJECTS)
        body = self._chance.choice(_QUESTIONS if inbound else _ANSWERS)
        if kind == "automatic":
            body = "I am away and read this on Monday." if inbound else "We have your message and will answer soon."
        return Message(at.replace(microsecond=0), inbound, customer, deal, person, subject, body, kind)

    # ------------------------------------------------------------ meetings and activities

    def _tasks(self):
        for deal in self.deals:
            until = deal.closed_at or self._now
            at = deal.steps[0].at
            for _each in range(self._chance.choice((1, 2, 2, 3))):
                day = self._day_after(at, self._chance.lognormvariate(1.3, 0.6))
                if day is None:
                    break
                at = self._moment(day)
                if at > until:
                    break
                if self._chance.random() < 0.35:
                    hours = self._chance.choice((0.5, 1, 1, 1.5))
                    yield Task(deal.key, deal.person, "meeting", f"Visit: {deal.name}", at, hours=hours)
                else:
                    late = timedelta(days=self._chance.choice((0, 0, 0, 0, 1, 2)))
                    done_at = min(at + late, self._now - timedelta(minutes=30))
                    yield Task(deal.key, deal.person, "todo", f"Follow up: {deal.name}", at, done_at)
            if not deal.closed_at and self._live:
                due = self._now + timedelta(days=self._chance.choice((-6, -3, -1, 0, 1, 2, 3, 5, 8)))
                yield Task(deal.key, deal.person, "todo", f"Next step: {deal.name}", due)
