"""Calls that only tests need: what else a PBX says, and where it misleads.

`SCENARIOS` from here are all of them, those of scenarios.py included.
"""

import os
import signal

from . import company, pbx_config
from .scenarios import (
    SCENARIOS,
    Site,
    answered_in,
    held,
    iso,
    leg,
    scenario,
    span,
    transferred_attended,
    transferred_blind,
    truth,
    wait,
)

__all__ = ["SCENARIOS"]

LOTTE = company.customer("lotte").sip
DEWI = company.customer("dewi").sip
DID = "+31201000101"


# ------------------------------------------------------------------ not answered


async def unanswered_in(site: Site, code: int | None, disposition: str, outcome: str) -> list[dict]:
    """A customer calls one telephone, which refuses with `code`, or whose caller gives up."""
    call = await site.incoming(LOTTE, DID)
    phone = await site.rings("101")
    await wait(2)
    if code:
        phone.refuse(code)
    else:
        await call.hangup()
    await call.ended()
    await phone.ended()
    return [
        truth(
            "inbound", LOTTE, DID, disposition, call.offered_at, call.left_at, [leg("101", phone, outcome)],
            customer="lotte", ring=span(phone.offered_at, phone.left_at),
        )
    ]  # fmt: skip


@scenario("101")
async def inbound_declined(site):
    """The telephone that rings declines the call."""
    return await unanswered_in(site, 603, "missed", "declined")


@scenario("101")
async def inbound_busy(site):
    """The telephone that is called is busy."""
    return await unanswered_in(site, 486, "busy", "busy")


@scenario("101")
async def inbound_cancelled(site):
    """The caller gives up while the telephone rings."""
    return await unanswered_in(site, None, "missed", "cancelled")


@scenario()
async def inbound_unreachable(site):
    """The telephone that is called is not there at all."""
    call = await site.incoming(LOTTE, DID)
    await call.ended()
    return [truth("inbound", LOTTE, DID, "failed", call.offered_at, call.left_at, [], customer="lotte")]


@scenario(*company.SALES_GROUP)
async def group_not_answered(site):
    """Three telephones ring; the caller gives up."""
    call = await site.incoming(LOTTE, company.DID_GROUP)
    phones = {number: await site.rings(number) for number in company.SALES_GROUP}
    await wait(2)
    await call.hangup()
    for phone in phones.values():
        await phone.ended()
    return [
        truth(
            "inbound", LOTTE, company.DID_GROUP, "missed", call.offered_at, call.left_at,
            [leg(number, phone, "cancelled") for number, phone in phones.items()],
            customer="lotte", ring=span(phones["101"].offered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario(*company.SALES_GROUP)
async def group_declined_answered(site):
    """Three telephones ring; one declines, one is busy, the third answers."""
    call = await site.incoming(LOTTE, company.DID_GROUP)
    phones = {number: await site.rings(number) for number in company.SALES_GROUP}
    phones["103"].refuse(486)
    await wait(1)
    phones["101"].refuse(603)
    await wait(1)
    taken = phones["102"]
    await taken.answer()
    await call.answered()
    await wait(1.5)
    await call.hangup()
    await taken.ended()
    outcomes = {"101": "declined", "102": "answered", "103": "busy"}
    return [
        truth(
            "inbound", LOTTE, company.DID_GROUP, "answered", call.offered_at, call.left_at,
            [leg(number, phone, outcomes[number]) for number, phone in phones.items()],
            customer="lotte", answered=taken.answered_at,
            ring=span(taken.offered_at, taken.answered_at), talk=span(taken.answered_at, call.left_at),
        )
    ]  # fmt: skip


async def unanswered_out(site: Site, code: int | None, disposition: str, outcome: str) -> list[dict]:
    """We call a customer, who refuses with `code`, or we give up."""
    call = await site.dial("101", "0301000142")
    there = await site.rings("world")
    await wait(2)
    if code:
        there.refuse(code)
    else:
        await call.hangup()
    await call.ended()
    await there.ended()
    return [
        truth(
            "outbound", "101", "0301000142", disposition, call.offered_at, call.left_at,
            [leg("101", call, outcome, "caller")], customer="lotte", ring=span(there.offered_at, there.left_at),
        )
    ]  # fmt: skip


@scenario("101")
async def outbound_not_answered(site):
    """We call a customer and give up."""
    return await unanswered_out(site, None, "missed", "cancelled")


@scenario("101")
async def outbound_declined(site):
    """We call a customer, who declines."""
    return await unanswered_out(site, 603, "missed", "declined")


@scenario("101")
async def outbound_no_such_number(site):
    """We call a number that the network does not know."""
    return await unanswered_out(site, 404, "failed", "failed")


@scenario("101")
async def outbound_network_refuses(site):
    """The network takes no calls."""
    return await unanswered_out(site, 503, "failed", "failed")


@scenario("101", "102")
async def internal_not_answered(site):
    """A colleague does not answer."""
    call = await site.dial("101", "102")
    phone = await site.rings("102")
    await wait(2)
    await call.hangup()
    await phone.ended()
    return [
        truth(
            "internal", "101", "102", "missed", call.offered_at, call.left_at,
            [leg("101", call, "cancelled", "caller"), leg("102", phone, "cancelled")],
            ring=span(phone.offered_at, call.left_at),
        )
    ]  # fmt: skip


# ------------------------------------------------------------------ queues


@scenario(*company.SUPPORT_MEMBERS)
async def queue_timeout(site):
    """Nobody in the queue answers until the PBX gives up; the caller is still there."""
    did = pbx_config.DID_QUEUE_TIMEOUT
    call = await site.incoming(DEWI, did)
    phones = {number: await site.rings(number) for number in company.SUPPORT_MEMBERS}
    await call.ended(timeout=15)
    for phone in phones.values():
        await phone.ended()
    return [
        truth(
            "inbound", DEWI, did, "missed", call.offered_at, call.left_at,
            [leg(number, phone, "no_answer") for number, phone in phones.items()],
            customer="dewi", queue=span(call.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario()
async def queue_given_up_silently(site):
    """The caller gives up in a queue for which no telephone rings."""
    call = await site.incoming(DEWI, company.DID_SUPPORT)
    await call.answered()
    await wait(2.5)
    await call.hangup()
    return [
        truth(
            "inbound", DEWI, company.DID_SUPPORT, "abandoned", call.offered_at, call.left_at, [],
            customer="dewi", queue=span(call.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario(*company.SUPPORT_MEMBERS)
async def queue_retry(site):
    """The queue rings its members twice before one of them answers: one leg for each telephone."""
    did = pbx_config.DID_QUEUE_RETRY
    call = await site.incoming(DEWI, did)
    first = {number: await site.rings(number) for number in company.SUPPORT_MEMBERS}
    for phone in first.values():
        await phone.ended()
    second = {number: await site.rings(number) for number in company.SUPPORT_MEMBERS}
    await wait(0.8)
    taken = second["202"]
    await taken.answer()
    await wait(2)
    await call.hangup()
    for phone in second.values():
        await phone.ended()
    legs = []
    for number, phone in second.items():
        legs.append(leg(number, phone, "answered" if phone is taken else "elsewhere"))
        legs[-1]["offered_at"] = leg(number, first[number], "no_answer")["offered_at"]
    return [
        truth(
            "inbound", DEWI, did, "answered", call.offered_at, call.left_at, legs,
            customer="dewi", answered=taken.answered_at,
            queue=span(call.answered_at, taken.answered_at), talk=span(taken.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario(*company.SUPPORT_MEMBERS)
async def queue_declined(site):
    """One member declines, the other answers."""
    call = await site.incoming(DEWI, company.DID_SUPPORT)
    phones = {number: await site.rings(number) for number in company.SUPPORT_MEMBERS}
    await wait(1)
    phones["201"].refuse(486)
    await wait(1.5)
    taken = phones["202"]
    await taken.answer()
    await wait(2)
    await taken.hangup()
    await call.ended()
    return [
        truth(
            "inbound", DEWI, company.DID_SUPPORT, "answered", call.offered_at, taken.left_at,
            [leg("201", phones["201"], "busy"), leg("202", taken, "answered")],
            customer="dewi", answered=taken.answered_at,
            queue=span(call.answered_at, taken.answered_at), talk=span(taken.answered_at, taken.left_at),
        )
    ]  # fmt: skip


async def one_member(site: Site, did: str, number: str, queue: bool) -> list[dict]:
    call = await site.incoming(DEWI, did)
    phone = await site.rings(number)
    await wait(2)
    await phone.answer()
    await call.answered()
    await wait(3)
    await call.hangup()
    await phone.ended()
    before = (
        {"queue": span(call.answered_at, phone.answered_at)}
        if queue
        else {"ring": span(phone.offered_at, phone.answered_at)}
    )
    return [
        truth(
            "inbound", DEWI, did, "answered", call.offered_at, call.left_at, [leg(number, phone, "answered")],
            customer="dewi", answered=phone.answered_at, talk=span(phone.answered_at, call.left_at), **before,
        )
    ]  # fmt: skip


@scenario("201")
async def queue_local_member(site):
    """The queue's member is reached through a Local channel that stays: everything comes twice."""
    return await one_member(site, pbx_config.DID_QUEUE_LOCAL, "201", queue=True)


@scenario("101")
async def local_channel(site):
    """A telephone is dialled through a Local channel that takes itself out."""
    return await one_member(site, pbx_config.DID_LOCAL, "101", queue=False)


@scenario(*company.SUPPORT_MEMBERS)
async def queue_to_voicemail(site):
    """The queue gives up and its mailbox takes the call."""
    did = pbx_config.DID_QUEUE_VOICEMAIL
    call = await site.incoming(DEWI, did)
    phones = {number: await site.rings(number) for number in company.SUPPORT_MEMBERS}
    for phone in phones.values():
        await phone.ended()
    await wait(4)
    await call.hangup()
    return [
        truth(
            "inbound", DEWI, did, "voicemail", call.offered_at, call.left_at,
            [leg(number, phone, "no_answer") for number, phone in phones.items()],
            customer="dewi", queue=span(call.answered_at, phones["201"].left_at), ivr=span(phones["201"].left_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("101")
async def announcement_then_answered(site):
    """The caller hears an announcement, then a salesperson answers."""
    did = pbx_config.DID_MENU
    call = await site.incoming(DEWI, did)
    phone = await site.rings("101")
    await wait(1.5)
    await phone.answer()
    await wait(2)
    await call.hangup()
    await phone.ended()
    return [
        truth(
            "inbound", DEWI, did, "answered", call.offered_at, call.left_at, [leg("101", phone, "answered")],
            customer="dewi", answered=phone.answered_at, ivr=span(call.answered_at, phone.offered_at),
            ring=span(phone.offered_at, phone.answered_at), talk=span(phone.answered_at, call.left_at),
        )
    ]  # fmt: skip


# ------------------------------------------------------------------ click to call


async def click(site: Site, name: str, number: str, timeout_s: float = 20) -> None:
    await site.driver.act(
        "Originate", Channel="PJSIP/101", Context="internal", Exten=number, Priority=1, Async="true",
        Timeout=int(timeout_s * 1000), ChannelId=f"ctc-{name}-1", CallerID=f"Click to call <{number}>",
    )  # fmt: skip


@scenario("101")
async def click_answered(site):
    """Somebody clicks on a number: the own telephone rings first, then the customer's."""
    number = "0301000142"
    await click(site, "answered", number)
    own = await site.rings("101")
    await wait(1)
    await own.answer()
    there = await site.rings("world")
    await wait(1.5)
    await there.answer()
    await wait(2)
    await own.hangup()
    await there.ended()
    # As on every call that we make, "answered" is when the customer was there.
    caller = leg("101", own, "answered", "caller", talk=span(there.answered_at, own.left_at))
    caller["answered_at"] = iso(there.answered_at)
    return [
        truth(
            "outbound", "101", number, "answered", own.offered_at, own.left_at,
            [caller],
            customer="lotte", answered=there.answered_at,
            ring=span(there.offered_at, there.answered_at), talk=span(there.answered_at, own.left_at),
        )
    ]  # fmt: skip


@scenario("101")
async def click_own_unanswered(site):
    """Somebody clicks on a number and does not pick up the own telephone."""
    number = "0301000142"
    await click(site, "unanswered", number, timeout_s=3)
    own = await site.rings("101")
    await own.ended()
    return [
        truth(
            "outbound", "101", number, "failed", own.offered_at, own.left_at,
            [leg("101", own, "no_answer", "caller")], customer="lotte",
        )
    ]  # fmt: skip


@scenario("101")
async def click_busy(site):
    """Somebody clicks on a number that is busy."""
    number = "0301000142"
    await click(site, "busy", number)
    own = await site.rings("101")
    await own.answer()
    there = await site.rings("world")
    await wait(1)
    there.refuse(486)
    await own.ended()
    return [
        truth(
            "outbound", "101", number, "busy", own.offered_at, own.left_at,
            [leg("101", own, "busy", "caller")], customer="lotte",
            ring=span(there.offered_at, there.left_at),
        )
    ]  # fmt: skip


# ------------------------------------------------------------------ hold and transfers


@scenario("101")
async def hold_to_the_end(site):
    """The customer hangs up while on hold: there is no end of the hold."""
    call = await site.incoming(LOTTE, DID)
    phone = await site.rings("101")
    await wait(1)
    await phone.answer()
    await call.answered()
    await wait(1.5)
    await phone.hold()
    await wait(2)
    await call.hangup()
    await phone.ended()
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at, [leg("101", phone, "answered")],
            customer="lotte", answered=phone.answered_at, ring=span(phone.offered_at, phone.answered_at),
            hold=held(phone), talk=span(phone.answered_at, call.left_at) - held(phone),
        )
    ]  # fmt: skip


async def taken(site: Site):
    """A customer has called 101, who has answered: (call, telephone)."""
    call = await site.incoming(LOTTE, DID)
    first = await site.rings("101")
    await wait(1)
    await first.answer()
    await call.answered()
    await wait(2)
    return call, first


async def second_takes(site: Site, call):
    """102 rings, answers, and the caller hangs up: the telephone's call."""
    second = await site.rings("102")
    await wait(1.5)
    await second.answer()
    await wait(2)
    await call.hangup()
    await second.ended()
    return second


@scenario("101", "102")
async def transfer_blind_ami(site):
    """The caller is passed on from outside the telephone, by AMI."""
    call, first = await taken(site)
    await site.driver.act("BlindTransfer", Channel=await site.driver.channel("101"), Context="internal", Exten="102")
    second = await second_takes(site, call)
    return [transferred_blind(LOTTE, DID, call, first, second, passed_on=first.left_at)]


@scenario("101", "102")
async def transfer_blind_keys(site):
    """The caller is passed on by keys: ## and the number."""
    call, first = await taken(site)
    await first.keys("##")
    await wait(1)
    await first.keys("102")
    second = await second_takes(site, call)
    # While the number was being keyed in, the caller heard music without being put on hold by the telephone.
    said = transferred_blind(LOTTE, DID, call, first, second, passed_on=first.left_at)
    away = span(first.at("key"), first.left_at)
    said.update(hold_s=away, talk_s=round(said["talk_s"] - away, 2), tolerance_s=1.0)
    said["legs"][0]["talk_s"] = round(said["legs"][0]["talk_s"] - away, 2)
    return [said]


@scenario("101", "102")
async def transfer_blind_not_answered(site):
    """The caller is passed on to somebody who does not answer, and gives up."""
    call, first = await taken(site)
    await first.refer("102")
    second = await site.rings("102")
    await wait(2)
    await call.hangup()
    await second.ended()
    talk = span(first.answered_at, first.at("refer"))
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at,
            [leg("101", first, "answered", talk=talk, left=first.at("refer")), leg("102", second, "cancelled")],
            customer="lotte", answered=first.answered_at, talk=talk,
            ring=span(first.offered_at, first.answered_at) + span(first.at("refer"), call.left_at),
        )
    ]  # fmt: skip


@scenario("101")
async def transfer_blind_outside(site):
    """The caller is passed on to a number outside: two outside parties talk through us."""
    call, first = await taken(site)
    await first.refer("00494066969142")
    there = await site.rings("world")
    await wait(1.5)
    await there.answer()
    await wait(2)
    await call.hangup()
    await there.ended()
    talk = span(first.answered_at, first.at("refer"))
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at, [leg("101", first, "answered", talk=talk, left=first.at("refer"))],
            customer="lotte", answered=first.answered_at,
            ring=span(first.offered_at, first.answered_at) + span(first.at("refer"), there.answered_at),
            talk=talk + span(there.answered_at, call.left_at),
        )
    ]  # fmt: skip


async def asked(site: Site, first, start) -> tuple:
    """102 is asked by `start()`, and talks with 101 for a while: (when the caller was left, 102's call)."""
    await start()
    second = await site.rings("102")
    await wait(1)
    await second.answer()
    await wait(1.5)
    return second


@scenario("101", "102")
async def transfer_attended_ami(site):
    """The caller is passed on after asking, by AMI."""
    call, first = await taken(site)
    first.note("away")
    channel = await site.driver.channel("101")
    second = await asked(
        site, first, lambda: site.driver.act("Atxfer", Channel=channel, Context="internal", Exten="102")
    )
    await first.hangup()
    await wait(2)
    await call.hangup()
    await second.ended()
    return [transferred_attended(LOTTE, DID, call, first, second, first.at("away"), first.left_at)]


@scenario("101", "102")
async def transfer_attended_keys(site):
    """The caller is passed on after asking, by keys: *2, the number, hang up."""
    call, first = await taken(site)

    async def press():
        await first.keys("*2")
        await wait(1)
        await first.keys("102")

    second = await asked(site, first, press)
    await first.hangup()
    await wait(2)
    await call.hangup()
    await second.ended()
    said = transferred_attended(LOTTE, DID, call, first, second, first.at("key"), first.left_at)
    said["tolerance_s"] = 1.0
    return [said]


@scenario("101", "102")
async def transfer_attended_outbound(site):
    """We called the customer, ask a colleague, and connect the two."""
    number = "0301000142"
    call = await site.dial("101", number)
    there = await site.rings("world")
    await wait(1)
    await there.answer()
    await call.answered()
    await wait(1.5)
    await call.hold()
    asking = await site.dial("101", "102")
    second = await site.rings("102")
    await wait(1)
    await second.answer()
    await asking.answered()
    await wait(1)
    await call.refer("102", asking)
    await asking.ended()
    await wait(2)
    await there.hangup()
    await second.ended()
    away, joined = call.at("hold"), call.at("refer")
    first_talk, second_talk = span(there.answered_at, away), span(joined, there.left_at)
    return [
        truth(
            "outbound", "101", number, "answered", call.offered_at, there.left_at,
            [
                leg("101", call, "answered", "caller", talk=first_talk),
                leg("102", second, "answered", "consulted", talk=second_talk),
            ],
            customer="lotte", answered=there.answered_at, ring=span(there.offered_at, there.answered_at),
            hold=span(away, joined), talk=first_talk + second_talk,
        )
    ]  # fmt: skip


@scenario("101", "102")
async def consulted_and_back(site):
    """A colleague is asked and says no: the first one goes on with the customer. Two calls, never joined."""
    call, first = await taken(site)
    await first.hold()
    asking = await site.dial("101", "102")
    second = await site.rings("102")
    await wait(1)
    await second.answer()
    await asking.answered()
    await wait(1.5)
    await asking.hangup()
    await second.ended()
    await first.resume()
    await wait(1.5)
    await call.hangup()
    await first.ended()
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at, [leg("101", first, "answered")],
            customer="lotte", answered=first.answered_at, ring=span(first.offered_at, first.answered_at),
            hold=held(first), talk=span(first.answered_at, call.left_at) - held(first),
        ),
        truth(
            "internal", "101", "102", "answered", asking.offered_at, asking.left_at,
            [leg("101", asking, "answered", "caller"), leg("102", second, "answered")],
            answered=second.answered_at, ring=span(second.offered_at, second.answered_at),
            talk=span(second.answered_at, asking.left_at),
        ),
    ]  # fmt: skip


@scenario("101", "102")
async def picked_up_by_colleague(site):
    """A colleague takes a call that rings on another telephone."""
    call = await site.incoming(LOTTE, DID)
    rung = await site.rings("101")
    await wait(1.5)
    taken_by = await site.dial("102", "*8101")
    await taken_by.answered()
    await rung.ended()
    await wait(2)
    await call.hangup()
    await taken_by.ended()
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at,
            [leg("101", rung, "elsewhere"), leg("102", taken_by, "answered")],
            customer="lotte", answered=taken_by.answered_at,
            ring=span(rung.offered_at, taken_by.answered_at), talk=span(taken_by.answered_at, call.left_at),
        )
    ]  # fmt: skip


# ------------------------------------------------------------------ as FreePBX does it, and other detours


@scenario(*company.SALES_GROUP)
async def group_local(site):
    """Three telephones ring through Local channels that stay, as in FreePBX's ring groups; one answers."""
    did = pbx_config.DID_GROUP_LOCAL
    call = await site.incoming(LOTTE, did)
    phones = {number: await site.rings(number) for number in company.SALES_GROUP}
    await wait(2)
    taken_by = phones["103"]
    await taken_by.answer()
    await call.answered()
    await wait(2)
    await call.hangup()
    for phone in phones.values():
        await phone.ended()
    return [
        truth(
            "inbound", LOTTE, did, "answered", call.offered_at, call.left_at,
            [leg(number, phone, "answered" if phone is taken_by else "elsewhere") for number, phone in phones.items()],
            customer="lotte", answered=taken_by.answered_at,
            ring=span(taken_by.offered_at, taken_by.answered_at), talk=span(taken_by.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("101", "102")
async def forwarded_by_phone(site):
    """The telephone that is called sends the caller on to a colleague's (302), who answers."""
    call = await site.incoming(LOTTE, DID)
    first = await site.rings("101")
    first.forward("102")
    second = await site.rings("102")
    await wait(1.5)
    await second.answer()
    await call.answered()
    await wait(2)
    await call.hangup()
    await second.ended()
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at,
            [leg("101", first, "elsewhere"), leg("102", second, "answered")],
            customer="lotte", answered=second.answered_at,
            ring=span(first.offered_at, second.answered_at), talk=span(second.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("101", "102")
async def transfer_while_ringing(site):
    """The caller is passed on while the colleague's telephone still rings: asked, but not waited for."""
    call, first = await taken(site)
    first.note("away")
    channel = await site.driver.channel("101")
    await site.driver.act("Atxfer", Channel=channel, Context="internal", Exten="102")
    second = await site.rings("102")
    await wait(1)
    await first.hangup()
    await wait(1.5)
    await second.answer()
    await wait(2)
    await call.hangup()
    await second.ended()
    talk_first, talk_second = span(first.answered_at, first.at("away")), span(second.answered_at, call.left_at)
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at,
            [
                leg("101", first, "answered", talk=talk_first),
                leg("102", second, "answered", "consulted", talk=talk_second),
            ],
            customer="lotte", answered=first.answered_at, talk=talk_first + talk_second,
            # How the wait in between is shared out is not claimed: music at first, ringing then.
            ring=None, hold=None,
        )
    ]  # fmt: skip


@scenario("101", *company.SUPPORT_MEMBERS)
async def transfer_to_queue(site):
    """The caller is passed on to a queue, and waits there until somebody answers."""
    call, first = await taken(site)
    await first.refer(pbx_config.QUEUE_EXTENSION)
    phones = {number: await site.rings(number) for number in company.SUPPORT_MEMBERS}
    await wait(2)
    second = phones["202"]
    await second.answer()
    await wait(2)
    await call.hangup()
    for phone in phones.values():
        await phone.ended()
    away = first.at("refer")
    talk = span(first.answered_at, away)
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at,
            [
                leg("101", first, "answered", talk=talk, left=away),
                *(leg(number, phone, "answered" if phone is second else "elsewhere") for number, phone in phones.items()),
            ],
            customer="lotte", answered=first.answered_at, ring=span(first.offered_at, first.answered_at),
            queue=span(away, second.answered_at), talk=talk + span(second.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("101")
async def second_call_taken(site):
    """A second caller rings the same telephone, which puts the first on hold, answers and comes back."""
    call, first = await taken(site)
    other = await site.incoming(DEWI, DID)
    second = await site.rings("101")
    await wait(1)
    await first.hold()
    await second.answer()
    await other.answered()
    await wait(2)
    await other.hangup()
    await second.ended()
    await first.resume()
    await wait(1.5)
    await call.hangup()
    await first.ended()
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at, [leg("101", first, "answered")],
            customer="lotte", answered=first.answered_at, ring=span(first.offered_at, first.answered_at),
            hold=held(first), talk=span(first.answered_at, call.left_at) - held(first),
        ),
        truth(
            "inbound", DEWI, DID, "answered", other.offered_at, other.left_at, [leg("101", second, "answered")],
            customer="dewi", answered=second.answered_at, ring=span(second.offered_at, second.answered_at),
            talk=span(second.answered_at, other.left_at),
        ),
    ]  # fmt: skip


# ------------------------------------------------------------------ names, numbers, accidents


@scenario("101")
async def anonymous_caller(site):
    """The caller withholds the number."""
    return await answered_in(site, "anonymous", DID, "101")


@scenario("101")
async def caller_with_odd_name(site):
    """The caller's name has markup, quotes and a right-to-left mark in it."""
    call = await site.incoming(LOTTE, DID, name="Zoë <b>\u202eشركة</b> & 'Söhne'; [x]")
    phone = await site.rings("101")
    await wait(1)
    await phone.answer()
    await call.answered()
    await wait(1.5)
    await call.hangup()
    await phone.ended()
    return [
        truth(
            "inbound", LOTTE, DID, "answered", call.offered_at, call.left_at, [leg("101", phone, "answered")],
            customer="lotte", answered=phone.answered_at, ring=span(phone.offered_at, phone.answered_at),
            talk=span(phone.answered_at, call.left_at),
        )
    ]  # fmt: skip


@scenario("101")
async def recorded_by_mixmonitor(site):
    """A call whose sound the PBX records."""
    return await answered_in(site, LOTTE, pbx_config.DID_RECORDING, "101", customer="lotte")


@scenario("101")
async def pbx_killed(site):
    """Asterisk dies in the middle of a call: nothing says how it ended."""
    call = await site.incoming(LOTTE, DID)
    phone = await site.rings("101")
    await wait(1)
    await phone.answer()
    await call.answered()
    await wait(3)
    os.kill(site.pbx_pid, signal.SIGKILL)
    said = truth(
        "inbound", LOTTE, DID, "in_progress", call.offered_at, None,
        [{**leg("101", phone, "answered", talk=0), "left_at": None, "talk_s": None}], customer="lotte", answered=phone.answered_at,
        ivr=None, queue=None, ring=None, hold=None, talk=None,
    )  # fmt: skip
    # Nobody is there to say goodbye to.
    call.lost()
    phone.lost()
    return [said]
