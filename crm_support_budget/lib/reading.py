"""What a customer's meter says at a moment."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """All that screens, cards, mails and the queue ask of a meter; amounts that a policy does not use are None.

    :param colour: ``green``, ``yellow``, ``red``; None without a policy
    :param minutes_left: below 0: over by so much
    :param contacts_left: likewise
    :param green_at: naive UTC, when something is left again; None if it is so now, or never will be
    :param day_minutes: had today, by the company's day, the running call included
    :param day_contacts: likewise
    :param day_minutes_limit: of the long-day notice; None without one
    :param day_contacts_limit: likewise
    :param running_minutes: of ``day_minutes``, what calls that still run took so far; already taken off ``minutes_left``
    :param priority: weight in the queue
    :param used_up: what is done in red: ``warn``, ``ask``, ``after``, ``bill``
    :param policy: id, None without one
    :param agreement: id, None where the company's default holds
    :param dry: nothing leaves the house yet
    """

    at: datetime
    colour: str | None = None
    minutes_left: float | None = None
    contacts_left: float | None = None
    green_at: datetime | None = None
    day_minutes: float = 0.0
    day_contacts: float = 0.0
    day_minutes_limit: float | None = None
    day_contacts_limit: float | None = None
    running_minutes: float = 0.0
    priority: float = 1.0
    used_up: str = "warn"
    policy: int | None = None
    agreement: int | None = None
    dry: bool = True

    @property
    def over_by(self) -> float:
        """Minutes over, 0 without a debt."""
        return max(-(self.minutes_left or 0.0), 0.0)

    @property
    def is_long_day(self) -> bool:
        """Whether today is over the daily limit."""
        return (self.day_minutes_limit is not None and self.day_minutes > self.day_minutes_limit) or (
            self.day_contacts_limit is not None and self.day_contacts > self.day_contacts_limit
        )
