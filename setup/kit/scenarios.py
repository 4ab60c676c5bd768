"""The calls: who calls whom, and what is true about them afterwards.

A scenario is a short script for real telephones (sip.py). What it returns, a list of
`truth(…)`, comes from the script and from the telephones' own record of when they rang, picked up
and hung up; nothing in it was read from the PBX.

A truth is shaped like the object that the bridge's `replay` prints: `direction`, `from_number`,
`to_number` (as dialled and sent), `disposition`, `legs`, times in ISO 8601 UTC, durations in
seconds with two decimals, `None` or left out where the script does not claim anything. Besides
`customer` (a key of `company.CUSTOMERS`, or of a lead in OPPORTUNITIES, or None), `candidates` (keys, where
nobody may be guessed) and `recorded` (whether Odoo may have it).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from . import company, pbx_config
from .ami import Driver
from .sip import Agent, Call

TOLERANCE_S = 0.5


@dataclass(frozen=True)
class Scenario:
    """One script.

    `phones` are the internal numbers that must be there, `once` tells whether it belongs to
    the proof of `setup/run --once` (the others only make recordings for tests).
    """

    name: str
    text: str
    phones: tuple[str, ...]
    play: Callable[["Site"], Awaitable[list[dict]]] = field(repr=False)
    once: bool


SCENARIOS: dict[str, Scenario] = {}


def scenario(*phones: str, once: bool = False):
    """Make a function a scenario; its docstring is what people read about it."""

    def keep(play):
        name = play.__name__
        SCENARIOS[name] = Scenario(name, " ".join(play.__doc__.split()), phones, play, once)
        return play

    return keep


class Site:
    """The telephones of one scenario, the world behind the trunk, and AMI."""

    def __init__(self, sip_password: str, driver_secret: str, pbx_pid: int):
        self.sip_password, self.pbx_pid = sip_password, pbx_pid
        self.driver = Driver(driver_secret)
        self.world = Agent("world", pbx_config.TRUNK_HOST)
        self.phones: dict[str, Agent] = {}
        self.calls: list[tuple[str, Call]] = []

    def phone(self, number: str) -> Agent:
        """The telephone with this internal number, not yet switched on."""
        name = company.phone(number).name
        return Agent(number, pbx_config.phone_host(number), password=self.sip_password, name=name)

    async def incoming(self, caller: str, did: str, name: str | None = None) -> Call:
        """The world calls one of our numbers."""
        call = await self.world.call(did, from_number=caller, from_name=name)
        return self._keep("world", call)

    async def dial(self, number: str, to: str) -> Call:
        """One of our telephones dials."""
        return self._keep(number, await self.phones[number].call(to))

    async def rings(self, number: str, timeout: float = 10) -> Call:
        """One of our telephones rings; `world` for somebody outside."""
        agent = self.world if number == "world" else self.phones[number]
        return self._keep(number, await agent.ring(timeout))

    def _keep(self, number: str, call: Call) -> Call:
        self.calls.append((number, call))
        return call


# ------------------------------------------------------------------ telling the truth


def iso(at: float | None) -> str | None:
    """Epoch seconds as ISO 8601, UTC, milliseconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")


def span(start: float | None, end: float | None) -> float:
    return round(end - start, 2)


def held(call: Call) -> float:
    """Seconds for which this telephone had the other side on hold."""
    total, since = 0.0, None
    for item in call.record:
        if item["what"] == "hold":
            since = item["at"]
        elif since and item["what"].startswith(("resume", "bye", "refer")):
            total, since = total + item["at"] - since, None
    return round(total, 2)


def leg(
    number: str, call: Call, outcome: str, role: str = "called", talk: float | None = None, left: float | None = None
) -> dict:
    """What one of our telephones did, by its own record.

    `talk`: seconds with the other party; without it, from picking up to hanging up less hold, and 0
    if it never picked up. `left`: epoch seconds; a telephone that has passed a call on is out of it, although it
    hangs up only when it is told that the transfer is through.
    """
    answered = outcome == "answered"
    if talk is None:
        talk = round(call.left_at - call.answered_at - held(call), 2) if answered else 0
    return {
        "number": number,
        "outcome": outcome,
        "role": role,
        "offered_at": iso(call.offered_at),
        "answered_at": iso(call.answered_at) if answered else None,
        "left_at": iso(left or call.left_at),
        "talk_s": talk,
    }


def truth(
    direction,
    from_number,
    to_number,
    disposition,
    started,
    ended,
    legs,
    *,
    customer=None,
    answered=None,
    recorded=True,
    candidates=(),
    **seconds,
) -> dict:
    """One call as it must be in the end; `started`, `answered`, `ended` in epoch seconds.

    `seconds`: talk, ring, queue, hold, ivr; those not named are 0, those that are None are
    not claimed.
    """
    said = {
        "direction": direction,
        "from_number": from_number,
        "to_number": to_number,
        "disposition": disposition,
        "started_at": iso(started),
        "answered_at": iso(answered),
        "ended_at": iso(ended),
        "customer": customer,
        "recorded": recorded,
        "candidates": list(candidates),
        "legs": legs,
        "tolerance_s": TOLERANCE_S,
    }
    for name in ("ivr", "queue", "ring", "hold", "talk"):
        value = seconds.get(name, 0)
        if value is not None:
            said[f"{name}_s"] = round(value, 2)
    return said


async def wait(seconds: float) -> None:
    await asyncio.sleep(seconds)


# ------------------------------------------------------------------ the proof's calls


async def answered_in(site: Site, caller: str, did: str, number: str, **more) -> list[dict]:
    """Somebody outside calls one telephone of ours, which picks up; the caller hangs up."""
    call = await site.incoming(caller, did)
    phone = await site.rings(number)
    await wait(1.5)
    await phone.answer()
    await call.answered()
    await wait(3)
    await call.hangup()
    await phone.ended()
    return [
        truth(
            "inbound", caller, did, "answered", call.offered_at, call.left_at,
            [leg(number, phone, "answered")], answered=phone.answered_at, **more,
            ring=span(phone.offered_at, phone.answered_at), talk=span(phone.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("101", once=True)
async def inbound_answered(site):
    """A customer calls a salesperson, who answers."""
    return await answered_in(site, company.customer("lotte").sip, "+31201000101", "101", customer="lotte")


@scenario("105", once=True)
async def inbound_not_answered(site):
    """A customer calls; nobody answers until the PBX gives up."""
    caller = company.customer("amelia").sip
    call = await site.incoming(caller, "+31201000105")
    phone = await site.rings("105")
    await call.ended(timeout=15)
    await phone.ended()
    return [
        truth(
            "inbound", caller, "+31201000105", "missed", call.offered_at, call.left_at,
            [leg("105", phone, "no_answer")], customer="amelia", ring=span(phone.offered_at, phone.left_at),
        )
    ]  # fmt: skip


@scenario("101", once=True)
async def outbound_answered(site):
    """A salesperson calls a customer, who answers."""
    number = "0301000142"
    call = await site.dial("101", number)
    there = await site.rings("world")
    await wait(1.5)
    await there.answer()
    await call.answered()
    await wait(3)
    await call.hangup()
    await there.ended()
    return [
        truth(
            "outbound", "101", number, "answered", call.offered_at, call.left_at,
            [leg("101", call, "answered", "caller")], customer="lotte", answered=there.answered_at,
            ring=span(there.offered_at, there.answered_at), talk=span(there.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("104", once=True)
async def outbound_busy(site):
    """A salesperson calls a customer whose line is busy."""
    number = "0012025550142"
    call = await site.dial("104", number)
    there = await site.rings("world")
    await wait(0.5)
    there.refuse(486)
    await call.ended()
    return [
        truth(
            "outbound", "104", number, "busy", call.offered_at, call.left_at,
            [leg("104", call, "busy", "caller")], customer="carlos", ring=span(there.offered_at, there.left_at),
        )
    ]  # fmt: skip


@scenario("101", "102", once=True)
async def internal(site):
    """Two colleagues talk."""
    call = await site.dial("101", "102")
    phone = await site.rings("102")
    await wait(1.5)
    await phone.answer()
    await call.answered()
    await wait(2)
    await phone.hangup()
    await call.ended()
    return [
        truth(
            "internal", "101", "102", "answered", call.offered_at, phone.left_at,
            [leg("101", call, "answered", "caller"), leg("102", phone, "answered")], answered=phone.answered_at,
            ring=span(phone.offered_at, phone.answered_at), talk=span(phone.answered_at, phone.left_at),
        )
    ]  # fmt: skip


@scenario(*company.SALES_GROUP, once=True)
async def group_answered(site):
    """Three telephones ring at once; one of them answers."""
    caller = company.customer("carlos").sip
    call = await site.incoming(caller, company.DID_GROUP)
    phones = {number: await site.rings(number) for number in company.SALES_GROUP}
    await wait(2)
    taken = phones["102"]
    await taken.answer()
    await call.answered()
    await wait(3)
    await call.hangup()
    for phone in phones.values():
        await phone.ended()
    return [
        truth(
            "inbound", caller, company.DID_GROUP, "answered", call.offered_at, call.left_at,
            [leg(number, phone, "answered" if phone is taken else "elsewhere") for number, phone in phones.items()],
            customer="carlos", answered=taken.answered_at,
            ring=span(taken.offered_at, taken.answered_at), talk=span(taken.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario(*company.SUPPORT_MEMBERS, once=True)
async def queue_answered(site):
    """A customer waits in the support queue, then somebody answers."""
    caller = company.customer("dewi").sip
    call = await site.incoming(caller, company.DID_SUPPORT)
    phones = {number: await site.rings(number) for number in company.SUPPORT_MEMBERS}
    await wait(3)
    taken = phones["201"]
    await taken.answer()
    await wait(3)
    await call.hangup()
    for phone in phones.values():
        await phone.ended()
    return [
        truth(
            "inbound", caller, company.DID_SUPPORT, "answered", call.offered_at, call.left_at,
            [leg(number, phone, "answered" if phone is taken else "elsewhere") for number, phone in phones.items()],
            customer="dewi", answered=taken.answered_at,
            queue=span(call.answered_at, taken.answered_at), talk=span(taken.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario(*company.SUPPORT_MEMBERS, once=True)
async def queue_given_up(site):
    """Somebody of whom there is only a lead waits in the support queue and gives up while the telephones ring."""
    caller = company.opportunity("aurora").sip
    call = await site.incoming(caller, company.DID_SUPPORT)
    phones = {number: await site.rings(number) for number in company.SUPPORT_MEMBERS}
    await wait(3)
    await call.hangup()
    for phone in phones.values():
        await phone.ended()
    return [
        truth(
            "inbound", caller, company.DID_SUPPORT, "abandoned", call.offered_at, call.left_at,
            [leg(number, phone, "cancelled") for number, phone in phones.items()],
            customer="aurora", queue=span(call.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("104", once=True)
async def hold(site):
    """A salesperson puts the customer on hold and comes back. It is the second number in the contact's field."""
    number = "00496990009142"
    call = await site.dial("104", number)
    there = await site.rings("world")
    await wait(1)
    await there.answer()
    await call.answered()
    await wait(1.5)
    await call.hold()
    await wait(2)
    await call.resume()
    await wait(1.5)
    await there.hangup()
    await call.ended()
    on_hold = held(call)
    return [
        truth(
            "outbound", "104", number, "answered", call.offered_at, there.left_at,
            [leg("104", call, "answered", "caller")], customer="jens", answered=there.answered_at,
            ring=span(there.offered_at, there.answered_at), hold=on_hold,
            talk=span(there.answered_at, there.left_at) - on_hold,
        )
    ]  # fmt: skip


@scenario("101", "102", once=True)
async def transfer_blind(site):
    """A salesperson passes the caller on to a colleague without asking."""
    caller = company.customer("lotte").sip
    call = await site.incoming(caller, "+31201000101")
    first = await site.rings("101")
    await wait(1)
    await first.answer()
    await call.answered()
    await wait(2)
    await first.refer("102")
    second = await site.rings("102")
    await wait(1.5)
    await second.answer()
    await wait(2)
    await call.hangup()
    await second.ended()
    return [transferred_blind(caller, "+31201000101", call, first, second)]


def transferred_blind(caller, did, call, first, second, passed_on=None) -> dict:
    """The truth about a call that `first` took and `second` got."""
    passed_on = passed_on or first.at("refer")
    talk_first = span(first.answered_at, passed_on)
    return truth(
        "inbound", caller, did, "answered", call.offered_at, call.left_at,
        [leg("101", first, "answered", talk=talk_first, left=passed_on), leg("102", second, "answered")],
        customer="lotte", answered=first.answered_at,
        ring=span(first.offered_at, first.answered_at) + span(passed_on, second.answered_at),
        talk=talk_first + span(second.answered_at, call.left_at),
    )  # fmt: skip


@scenario("101", "102", once=True)
async def transfer_attended(site):
    """A salesperson asks a colleague first, then connects the caller."""
    caller = company.customer("lotte").sip
    call = await site.incoming(caller, "+31201000101")
    first = await site.rings("101")
    await wait(1)
    await first.answer()
    await call.answered()
    await wait(2)
    await first.hold()
    asking = await site.dial("101", "102")
    second = await site.rings("102")
    await wait(1)
    await second.answer()
    await asking.answered()
    await wait(1.5)
    await first.refer("102", asking)
    await asking.ended()
    await wait(2)
    await call.hangup()
    await second.ended()
    return [transferred_attended(caller, "+31201000101", call, first, second, first.at("hold"), first.at("refer"))]


def transferred_attended(caller, did, call, first, second, away, joined) -> dict:
    """The truth: from `away` the customer waits, from `joined` on he talks with `second` (epoch seconds)."""
    talk_first, talk_second = span(first.answered_at, away), span(joined, call.left_at)
    return truth(
        "inbound", caller, did, "answered", call.offered_at, call.left_at,
        [
            leg("101", first, "answered", talk=talk_first),
            leg("102", second, "answered", "consulted", talk=talk_second),
        ],
        customer="lotte", answered=first.answered_at, ring=span(first.offered_at, first.answered_at),
        hold=span(away, joined), talk=talk_first + talk_second,
    )  # fmt: skip


@scenario(once=True)
async def announcement(site):
    """A caller hears the opening hours; no telephone rings. The number is a company's, and with an extension a colleague's."""
    caller = company.customer("brandt").sip
    call = await site.incoming(caller, company.DID_ANNOUNCEMENT)
    await call.answered()
    await call.ended(timeout=30)
    return [
        truth(
            "inbound", caller, company.DID_ANNOUNCEMENT, "machine", call.offered_at, call.left_at, [],
            customer="brandt", ivr=span(call.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("104", once=True)
async def voicemail(site):
    """Nobody answers, and the caller leaves a message in the mailbox."""
    caller = company.customer("omar").sip
    call = await site.incoming(caller, company.DID_VOICEMAIL)
    phone = await site.rings("104")
    await call.answered(timeout=15)
    # The greeting takes about ten seconds; then there is something to leave.
    await wait(13)
    await call.hangup()
    await phone.ended()
    return [
        truth(
            "inbound", caller, company.DID_VOICEMAIL, "voicemail", call.offered_at, call.left_at,
            [leg("104", phone, "no_answer")], customer="omar",
            ring=span(phone.offered_at, phone.left_at), ivr=span(call.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("102", once=True)
async def unknown_caller(site):
    """Somebody calls whom the CRM does not know."""
    return await answered_in(site, company.STRANGER, "+31201000102", "102")


@scenario("103", once=True)
async def shared_number(site):
    """The caller's number belongs to contacts of two companies: nobody is guessed."""
    return await answered_in(
        site, company.customer("office_a").sip, "+31201000103", "103", candidates=("office_a", "office_b")
    )


@scenario("101", "102", once=True)
async def two_at_once(site):
    """The same customer calls two people at the same time: two calls, each with the opportunity of who answered."""
    caller = company.customer("amelia").sip
    both = await asyncio.gather(
        answered_in(site, caller, "+31201000101", "101", customer="amelia"),
        answered_in(site, caller, "+31201000102", "102", customer="amelia"),
    )
    return [call for calls in both for call in calls]


@scenario("109", once=True)
async def unrecorded(site):
    """A call of an extension that is not recorded: only counted."""
    return await answered_in(site, company.COUNCIL_CALLER, "+31201000109", "109", recorded=False)


@scenario("101", once=True)
async def never_log(site):
    """A call of a number that is never logged: only counted."""
    return await answered_in(site, company.NEVER_LOG, "+31201000101", "101", recorded=False)
