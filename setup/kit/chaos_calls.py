"""Many short calls at once, and what the telephones know about each. Runs inside the PBX's network, told what to do.

    chaos_calls.py --pbx NAME --calls N --at-once K --seed S

Every call has a number outside that no other has, so that nobody has to guess later which is which. Prints a JSON
object a line for each call when it is over: `n`, `kind`, `number` (the one outside), `truth` (as in scenarios.py), or
`cut` with what is known of a call that the PBX dropped: `from_number`, `to_number`, `direction`, `started`, `answered` and
`ended` in epoch seconds, None where it did not come to that.

A line on the input is an order: `lost` (the PBX is gone, nobody hangs up any more), `back` (it is there again).
"""

import argparse
import asyncio
import contextlib
import json
import random
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit import company, pbx_config
from kit.pbx import Pbx
from kit.scenarios import held, leg, span, transferred_blind, truth
from kit.sip import Agent, Call, CallFailed

# Seconds that are left to a call that hangs, for instance because the PBX died in a moment that nobody told us of.
PATIENCE_S = 40
DIRECT = {phone.number: phone.did for phone in company.PHONES if phone.number in ("101", "102", "103")}

KINDS = {}


def kind(weight: int):
    """Make a function a kind of call; so often it comes, compared with the others."""

    def keep(play):
        KINDS[play.__name__] = (weight, play)
        return play

    return keep


class Floor:
    """All telephones, and who is called on them."""

    def __init__(self, pbx: Pbx):
        self.agents = {"world": Agent("world", pbx_config.TRUNK_HOST)}
        for phone in company.PHONES:
            number = phone.number
            self.agents[number] = Agent(
                number, pbx_config.phone_host(number), password=pbx.sip_password, name=phone.name
            )
        for agent in self.agents.values():
            agent.hum = False
        self._waited_for: dict[tuple[str, str], asyncio.Queue] = {}
        # What a second call at the same time would make ambiguous.
        self.queue, self.internal = asyncio.Lock(), asyncio.Lock()
        self.there = asyncio.Event()
        self._handing_out: list[asyncio.Task] = []

    def lose(self) -> None:
        """The PBX is gone: nobody says anything more to it, or what is said again would be a new call to the next one."""
        self.there.clear()
        for agent in self.agents.values():
            for task in agent._tasks:
                task.cancel()
            for call in agent.calls.values():
                if not call.is_over:
                    call.lost()
            agent.calls.clear()

    async def switch_on(self, stack: contextlib.AsyncExitStack) -> None:
        for agent in self.agents.values():
            await stack.enter_async_context(agent)
            self._handing_out.append(asyncio.create_task(self._hand_out(agent)))
        await self.register()

    async def register(self) -> None:
        """Tell the PBX where the telephones are, as often as it takes."""
        while True:
            try:
                for number, agent in self.agents.items():
                    if number != "world":
                        await agent.register()
            except CallFailed:
                await asyncio.sleep(0.5)
                continue
            self.there.set()
            return

    def waiting(self, number: str, key: str) -> asyncio.Queue:
        """Calls that come in at a telephone: `key` is who calls, at `world` who is called."""
        return self._waited_for.setdefault((number, key), asyncio.Queue())

    async def _hand_out(self, agent: Agent) -> None:
        while True:
            call = await agent._incoming.get()
            key = call.peer
            if agent.number == "world":
                key = re.search(r"sip:([^@;>]+)", call.local)[1]
            self.waiting(agent.number, key).put_nowait(call)


class Play:
    """One call while it happens: the telephones that take part, and what was meant."""

    def __init__(self, floor: Floor, n: int, seed: str):
        self.floor, self.n = floor, n
        self.random = random.Random(f"{seed}-{n}")
        # A Dutch subscriber number that begins with 1 is given to nobody.
        self.number = f"+31301{n:06}"
        self.calls: list[Call] = []
        self.meant: dict = {}

    async def comes_in(self, did: str) -> Call:
        """The world calls one of our numbers."""
        self.meant = {"direction": "inbound", "from_number": self.number, "to_number": did}
        return self._keep(await self.floor.agents["world"].call(did, from_number=self.number))

    async def goes_out(self, phone: str, to: str, direction: str = "outbound") -> Call:
        """One of our telephones dials."""
        if not self.calls:
            self.meant = {"direction": direction, "from_number": phone, "to_number": to}
        return self._keep(await self.floor.agents[phone].call(to))

    async def rings(self, phone: str, key: str | None = None) -> Call:
        """A telephone rings because of this call."""
        try:
            call = await asyncio.wait_for(self.floor.waiting(phone, key or self.number).get(), 15)
        except asyncio.TimeoutError:
            raise CallFailed(f"{phone} was not called") from None
        call.ringing()
        return self._keep(call)

    def _keep(self, call: Call) -> Call:
        self.calls.append(call)
        return call

    async def wait(self, least: float, most: float) -> None:
        await asyncio.sleep(self.random.uniform(least, most))

    async def ring_time(self) -> None:
        await self.wait(0.3, 1.5)

    async def talk_time(self) -> None:
        await self.wait(0.5, 4)

    def cut(self) -> dict:
        """What is known of a call that the PBX dropped; its telephones are freed."""
        for call in self.calls:
            if not call.is_over:
                call.lost()
        first = self.calls[0] if self.calls else None
        answered = [call.answered_at for call in self.calls[1:] if call.answered_at]
        return {
            **self.meant,
            "started": first and first.offered_at,
            "answered": min(answered, default=None),
            "ended": first and (first.left_at or first.at("lost")),
        }


async def play(floor: Floor, n: int, seed: str) -> dict:
    """One call, of a kind that the seed decides; what is to be said about it."""
    one = Play(floor, n, seed)
    name = one.random.choices(list(KINDS), [weight for weight, _play in KINDS.values()])[0]
    said = {"n": n, "kind": name, "number": one.number}
    if name == "internal":
        said["number"] = None
    try:
        true = await asyncio.wait_for(KINDS[name][1](one), PATIENCE_S)
        if "invite sent" in "".join(note["what"] for note in one.calls[0].record) and not one.calls[0].at("lost"):
            return {**said, "truth": true}
    except (CallFailed, asyncio.TimeoutError, asyncio.CancelledError, TypeError) as failure:
        # A TypeError is a time that the telephones do not have, because the call was lost in between.
        said["failed"] = f"{type(failure).__name__}: {failure}"
    if floor.there.is_set():
        # The PBX is there and did something else than it should have: nothing must stay open because of it.
        for call in one.calls:
            with contextlib.suppress(CallFailed, asyncio.TimeoutError):
                await asyncio.wait_for(call.hangup(), 3)
    return {**said, "cut": one.cut()}


# ------------------------------------------------------------------ kinds


def _answered(one: Play, did: str, call: Call, phones: dict[str, Call], taken: str, **more) -> dict:
    """The truth about a call from outside that one of some telephones took."""
    phone = phones[taken]
    waited = span(phone.offered_at, phone.answered_at)
    return truth(
        "inbound", one.number, did, "answered", call.offered_at, _end(call, phone),
        [leg(number, each, "answered" if number == taken else "elsewhere") for number, each in phones.items()],
        answered=phone.answered_at, talk=span(phone.answered_at, _end(call, phone)), **({"ring": waited} | more),
    )  # fmt: skip


def _end(*calls: Call) -> float:
    """When the first side hung up."""
    return min(call.left_at for call in calls)


async def _either_hangs_up(one: Play, *calls: Call) -> None:
    first = one.random.choice(calls)
    await first.hangup()
    for call in calls:
        await call.ended()


@kind(20)
async def direct_answered(one: Play) -> dict:
    """A person's direct number, and the person answers."""
    number, did = one.random.choice(list(DIRECT.items()))
    call = await one.comes_in(did)
    phone = await one.rings(number)
    await one.ring_time()
    await phone.answer()
    await call.answered()
    await one.talk_time()
    await _either_hangs_up(one, call, phone)
    return _answered(one, did, call, {number: phone}, number)


async def _direct_not_answered(one: Play, code: int | None, disposition: str, outcome: str) -> dict:
    number, did = one.random.choice(list(DIRECT.items()))
    call = await one.comes_in(did)
    phone = await one.rings(number)
    await one.ring_time()
    if code:
        phone.refuse(code)
    else:
        await call.hangup()
    await call.ended()
    await phone.ended()
    return truth(
        "inbound", one.number, did, disposition, call.offered_at, call.left_at, [leg(number, phone, outcome)],
        ring=span(phone.offered_at, phone.left_at),
    )  # fmt: skip


@kind(8)
async def missed(one: Play) -> dict:
    """The caller gives up."""
    return await _direct_not_answered(one, None, "missed", "cancelled")


@kind(6)
async def busy(one: Play) -> dict:
    """The telephone is busy."""
    return await _direct_not_answered(one, 486, "busy", "busy")


@kind(4)
async def declined(one: Play) -> dict:
    """The person declines."""
    return await _direct_not_answered(one, 603, "missed", "declined")


@kind(8)
async def group_answered(one: Play) -> dict:
    """Three telephones ring, one answers."""
    call = await one.comes_in(company.DID_GROUP)
    phones = {number: await one.rings(number) for number in company.SALES_GROUP}
    taken = one.random.choice(company.SALES_GROUP)
    await one.ring_time()
    await phones[taken].answer()
    await call.answered()
    await one.talk_time()
    await _either_hangs_up(one, call, phones[taken])
    for phone in phones.values():
        await phone.ended()
    return _answered(one, company.DID_GROUP, call, phones, taken)


@kind(5)
async def group_given_up(one: Play) -> dict:
    """Three telephones ring, nobody answers."""
    call = await one.comes_in(company.DID_GROUP)
    phones = {number: await one.rings(number) for number in company.SALES_GROUP}
    await one.ring_time()
    await call.hangup()
    for phone in phones.values():
        await phone.ended()
    return truth(
        "inbound", one.number, company.DID_GROUP, "missed", call.offered_at, call.left_at,
        [leg(number, phone, "cancelled") for number, phone in phones.items()],
        ring=span(min(phone.offered_at for phone in phones.values()), call.left_at),
    )  # fmt: skip


@kind(6)
async def queue_answered(one: Play) -> dict:
    """Somebody waits in a queue and is served."""
    async with one.floor.queue:
        call = await one.comes_in(company.DID_SUPPORT)
        phones = {number: await one.rings(number) for number in company.SUPPORT_MEMBERS}
        taken = one.random.choice(company.SUPPORT_MEMBERS)
        await one.ring_time()
        await phones[taken].answer()
        await one.talk_time()
        await _either_hangs_up(one, call, phones[taken])
        for phone in phones.values():
            await phone.ended()
    return _answered(
        one, company.DID_SUPPORT, call, phones, taken, ring=0, queue=span(call.answered_at, phones[taken].answered_at)
    )


@kind(5)
async def queue_given_up(one: Play) -> dict:
    """Somebody waits in a queue and gives up."""
    async with one.floor.queue:
        call = await one.comes_in(company.DID_SUPPORT)
        phones = {number: await one.rings(number) for number in company.SUPPORT_MEMBERS}
        await one.ring_time()
        await call.hangup()
        for phone in phones.values():
            await phone.ended()
    return truth(
        "inbound", one.number, company.DID_SUPPORT, "abandoned", call.offered_at, call.left_at,
        [leg(number, phone, "cancelled") for number, phone in phones.items()],
        queue=span(call.answered_at, call.left_at),
    )  # fmt: skip


@kind(3)
async def announcement(one: Play) -> dict:
    """An announcement, and no person."""
    call = await one.comes_in(company.DID_ANNOUNCEMENT)
    await call.answered()
    await one.talk_time()
    await call.hangup()
    return truth(
        "inbound", one.number, company.DID_ANNOUNCEMENT, "machine", call.offered_at, call.left_at, [],
        ivr=span(call.answered_at, call.left_at),
    )  # fmt: skip


@kind(10)
async def outbound_answered(one: Play) -> dict:
    """One of us calls somebody outside, who answers; now and then with a hold."""
    number = one.random.choice(list(DIRECT))
    call = await one.goes_out(number, one.number)
    there = await one.rings("world")
    await one.ring_time()
    await there.answer()
    await call.answered()
    await one.wait(0.5, 2)
    if one.random.random() < 0.4:
        await call.hold()
        await one.wait(0.7, 2)
        await call.resume()
        await one.wait(0.5, 1.5)
    await _either_hangs_up(one, call, there)
    on_hold = held(call)
    end = _end(call, there)
    return truth(
        "outbound", number, one.number, "answered", call.offered_at, end, [leg(number, call, "answered", "caller")],
        answered=there.answered_at, ring=span(there.offered_at, there.answered_at), hold=on_hold,
        talk=span(there.answered_at, end) - on_hold,
    )  # fmt: skip


async def _outbound_not_answered(one: Play, code: int | None, disposition: str, outcome: str) -> dict:
    number = one.random.choice(list(DIRECT))
    call = await one.goes_out(number, one.number)
    there = await one.rings("world")
    await one.ring_time()
    if code:
        there.refuse(code)
    else:
        await call.hangup()
    await call.ended()
    await there.ended()
    return truth(
        "outbound", number, one.number, disposition, call.offered_at, call.left_at,
        [leg(number, call, outcome, "caller")], ring=span(there.offered_at, there.left_at),
    )  # fmt: skip


@kind(5)
async def outbound_missed(one: Play) -> dict:
    """Nobody answers outside."""
    return await _outbound_not_answered(one, None, "missed", "cancelled")


@kind(4)
async def outbound_busy(one: Play) -> dict:
    """The line outside is busy."""
    return await _outbound_not_answered(one, 486, "busy", "busy")


@kind(4)
async def internal(one: Play) -> dict:
    """Two colleagues talk. There is no number outside that tells it apart: one at a time."""
    async with one.floor.internal:
        call = await one.goes_out("101", "202", "internal")
        phone = await one.rings("202", "101")
        await one.ring_time()
        await phone.answer()
        await call.answered()
        await one.talk_time()
        await _either_hangs_up(one, call, phone)
    end = _end(call, phone)
    return truth(
        "internal", "101", "202", "answered", call.offered_at, end,
        [leg("101", call, "answered", "caller"), leg("202", phone, "answered")], answered=phone.answered_at,
        ring=span(phone.offered_at, phone.answered_at), talk=span(phone.answered_at, end),
    )  # fmt: skip


@kind(5)
async def transferred(one: Play) -> dict:
    """A caller is passed on to a colleague."""
    did = DIRECT["101"]
    call = await one.comes_in(did)
    first = await one.rings("101")
    await one.ring_time()
    await first.answer()
    await call.answered()
    await one.wait(0.7, 1.5)
    # The telephone that passes on waits for news of it; meanwhile the other one rings.
    passing = asyncio.ensure_future(first.refer("102"))
    second = await one.rings("102")
    await one.ring_time()
    await second.answer()
    await passing
    await one.wait(0.7, 2)
    await call.hangup()
    await second.ended()
    return {**transferred_blind(one.number, did, call, first, second), "customer": None}


@kind(4)
async def unrecorded(one: Play) -> dict:
    """A telephone that is not recorded: nothing of it may be anywhere but in a count."""
    did = company.phone("109").did
    call = await one.comes_in(did)
    phone = await one.rings("109")
    await one.ring_time()
    await phone.answer()
    await call.answered()
    await one.talk_time()
    await _either_hangs_up(one, call, phone)
    return {**_answered(one, did, call, {"109": phone}, "109"), "recorded": False}


# ------------------------------------------------------------------ all of them


class Players:
    """Places the calls, so many at a time; stands still while the PBX is gone."""

    def __init__(self, floor: Floor, options):
        self.floor, self.options = floor, options
        self._next = options.first
        self._playing: set[asyncio.Task] = set()

    async def work(self) -> None:
        while self._next < self.options.first + self.options.calls:
            n, self._next = self._next, self._next + 1
            await self.floor.there.wait()
            playing = asyncio.create_task(play(self.floor, n, self.options.seed))
            self._playing.add(playing)
            tell(await playing)
            self._playing.discard(playing)
            await asyncio.sleep(random.Random(f"pause-{self.options.seed}-{n}").uniform(0, 1.5))

    async def obey(self) -> None:
        """Follow the orders on the input."""
        orders = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
        while order := (await orders.readline()).decode().strip():
            if order == "lost":
                self.floor.lose()
                for playing in self._playing:
                    playing.cancel()
            elif order == "back":
                await self.floor.register()
            tell({"done": order})
        # Whoever started this is gone.
        sys.exit(3)


def tell(what: dict) -> None:
    print(json.dumps(what), flush=True)


async def run(pbx: Pbx, options) -> None:
    """Place all calls."""
    floor = Floor(pbx)
    async with contextlib.AsyncExitStack() as stack:
        await floor.switch_on(stack)
        players = Players(floor, options)
        obeying = asyncio.create_task(players.obey())
        tell({"ready": time.time()})
        await asyncio.gather(*(players.work() for _ in range(options.at_once)))
        tell({"over": time.time()})
        obeying.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description="Many short calls on the running PBX.")
    parser.add_argument("--pbx", default="data")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first call")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    asyncio.run(run(Pbx(options.pbx).attach(), options))


if __name__ == "__main__":
    main()
