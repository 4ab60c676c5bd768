"""How long customers waited for an answer: what the messages of one thread leave.

A *turn* is what a customer wrote until we answered, in however many messages: the earliest one counts, and
who writes three short messages waits no longer and no shorter than who writes one. It ends with the next message
of a person of ours. Internal notes, automatic answers, bounces and newsletters are no part of the conversation.

The customer waits from the first message of the turn. A person's own clock starts when the thread became theirs, if that
was later; handing it on and taking it back does not start it anew. Who answers a colleague's thread helps out: that is
an answer for the customer, and no waiting time of the helper's.

Who says that no answer is needed answers nothing: the turn ends and stays among those asked. A call is no answer to what
was written, as it is none in Zendesk, where it is a ticket of its own: the machine does not know what was talked about.

Sources: Zendesk (first reply time, in calendar and business hours), Zoho Desk (response time).

>>> from datetime import datetime
>>> def at(hour): return datetime(2026, 11, 2, hour)
>>> thread = [Message(at(9), CUSTOMER), Message(at(10), CUSTOMER), Message(at(12), US, person=7)]
>>> [one] = turns(thread, [Assignment(at(11), 7)])
>>> one.since.hour, one.own_since.hour, one.answered_at.hour, one.person
(9, 11, 12, 7)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

CUSTOMER, US = "customer", "us"
#: who or what wrote a message: ``unknown`` is one that arrived before anybody looked at its headers
PERSON, AUTOMATIC, UNKNOWN = "person", "automatic", "unknown"
#: of :data:`US`: a person says that no answer is needed
SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Message:
    """A message that left the house or came in; internal notes are none.

    :param side: :data:`CUSTOMER` or :data:`US`
    :param kind: :data:`PERSON`, :data:`AUTOMATIC`, :data:`UNKNOWN` or :data:`SETTLED`
    :param person: which of us wrote it
    :param channel: through which it came; an answer counts through whichever it goes
    """

    at: datetime
    side: str
    kind: str = PERSON
    person: int | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """From this moment on the thread is this person's; None: nobody's."""

    at: datetime
    person: int | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a customer wrote until somebody answered.

    :param since: of its first message
    :param first: it is the first of the thread
    :param known: false if one of its messages may have been written by a machine; then nothing is measured
    :param answered_at: None: nobody answered yet
    :param person: who answered, else whose thread it is now; None: nobody's
    :param own_since: when that person's clock started, None if the thread was a colleague's
    :param channel: of its first message
    :param settled_at: when a person said that no answer is needed; then nobody answered
    :param settled_by: that person
    """

    since: datetime
    first: bool
    known: bool
    answered_at: datetime | None
    person: int | None
    own_since: datetime | None
    channel: int | None = None
    settled_at: datetime | None = None
    settled_by: int | None = None


def turns(messages: Iterable[Message], assignments: Iterable[Assignment] = (), begun: bool = False) -> list[Turn]:
    """The customer's turns of a thread, in their order; only the last can wait for an answer.

    :param messages: in any order; all, or all after the end of a turn
    :param assignments: in any order; before the first, the thread is nobody's
    :param begun: there were turns before these messages
    """
    assigned = sorted(assignments, key=lambda one: one.at)
    found: list[Turn] = []
    since: datetime | None = None
    known, channel = True, None
    # of the same moment, the question comes before the answer
    for message in sorted(messages, key=lambda one: (one.at, one.side != CUSTOMER)):
        if message.kind == AUTOMATIC:
            continue
        if message.side == CUSTOMER:
            if since is None:
                since, known, channel = message.at, True, message.channel
            known = known and message.kind == PERSON
        elif since is not None and message.kind == PERSON:
            own = _own_since(assigned, message.person, since, message.at)
            found.append(Turn(since, not (found or begun), known, message.at, message.person, own, channel))
            since = None
        elif since is not None and message.kind == SETTLED:
            # it stays with whose thread it is: a colleague who says so takes it out of nobody's numbers
            holder = next((one.person for one in reversed(assigned) if one.at <= message.at), None) or message.person
            found.append(
                Turn(since, not (found or begun), known, None, holder, None, channel, message.at, message.person)
            )
            since = None
    if since is not None:
        person = assigned[-1].person if assigned else None
        own = _own_since(assigned, person, since, None) if person is not None else None
        found.append(Turn(since, not (found or begun), known, None, person, own, channel))
    return found


def _own_since(assigned: list[Assignment], person: int | None, since: datetime, until: datetime | None):
    """When a person's clock started for a turn that began at ``since``."""
    before = [one for one in assigned if until is None or one.at <= until]
    held = [one for one in before if one.at <= since][-1:]
    later = [one for one in before if one.at > since]
    if any(one.person == person for one in held):
        return since
    taken = next((one.at for one in later if one.person == person), None)
    if taken is not None:
        return taken
    # never theirs: nobody's thread waits for everybody, a colleague's for the colleague
    return since if all(one.person is None for one in held + later) else None
