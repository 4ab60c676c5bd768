"""How soon a person sees and hears what happens: `python -m kit.bench_desk ADDRESS DATABASE PBX`.

On a running site, all parts real. Times are those of one machine's clock: the PBX's own in the journal, and the browser's
own when a card is drawn or a link is clicked.
"""

import asyncio
import sys

from . import company
from .bench_result import result
from .desk import Desk, must
from .pbx import Pbx

RINGS, CLICKS = 60, 50
CUSTOMER = company.customer("lotte")
# Notes when each card is drawn for the first time, in epoch milliseconds.
WATCH = """() => {
    window.cardsSeen = {};
    const look = () => {
        for (const card of document.querySelectorAll(".o_crm_voip_card[data-call-id]")) {
            window.cardsSeen[card.dataset.callId] ??= Date.now();
        }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true });
}"""
# Notes when a telephone link is clicked, before anything else does.
CLICK = """() => {
    window.clicks = [];
    window.addEventListener("click", (ev) => ev.target.closest("a[href^='tel:']") && window.clicks.push(Date.now()), true);
}"""


async def rings(desk: Desk) -> None:
    """One call a second rings at a desk; from the PBX's ringing to the card on the screen."""
    page = await desk.page("nadia", "/odoo/crm")
    await page.evaluate(WATCH)
    before = await desk.newest("crm.voip.call")
    async with desk.telephones("101") as phones:

        async def one():
            call = await phones.incoming(CUSTOMER.sip, "+31201000101")
            phone = await phones.rings("101")
            await asyncio.sleep(0.6)
            await call.hangup()
            await phone.ended()

        running = []
        for _number in range(RINGS):
            running.append(asyncio.create_task(one()))
            await asyncio.sleep(1)
        await asyncio.gather(*running)
    await asyncio.sleep(1)
    seen = {int(call): at / 1000 for call, at in (await page.evaluate("window.cardsSeen")).items()}
    rang = dict(
        desk.sql(
            "SELECT ref.call_id, extract(epoch FROM min(entry.at))::float FROM crm_voip_journal entry "
            "JOIN crm_voip_call_ref ref ON ref.pbx_id = entry.pbx_id AND ref.ref = entry.call_ref AND NOT ref.is_leg "
            f"WHERE entry.type = 'ringing' AND ref.call_id > {before} GROUP BY ref.call_id"
        )
    )
    must(len(rang) == RINGS, f"{len(rang)} of {RINGS} calls rang")
    times = [seen[call] - at for call, at in rang.items() if call in seen]
    _tell("Ring at the PBX to card on the screen, one call a second", times, RINGS, "s")


async def clicks(desk: Desk) -> None:
    """Clicks on a number; from the click to the PBX's first channel."""
    # the limit is there to stop just what is done here
    await desk.set_switches(crm_voip_dial_minute=1000, crm_voip_dial_hour=1000)
    partner = (await desk.find("res.partner", [("name", "=", CUSTOMER.name)], ["id"]))[0]["id"]
    page = await desk.page("nadia", f"/odoo/contacts/{partner}")
    await page.evaluate(CLICK)
    field = page.locator(".o_field_widget[name=phone]").first
    link = field.locator("a[href^='tel:']")
    before = await desk.newest("crm.voip.command")
    async with desk.telephones("101") as phones:
        for _number in range(CLICKS):
            await field.hover()  # the link shows when one comes near
            await link.click()
            phone = await phones.rings("101")
            await asyncio.sleep(0.2)
            await phone.refuse(603)
            await asyncio.sleep(0.5)
    await asyncio.sleep(1)
    clicked = [at / 1000 for at in await page.evaluate("window.clicks")]
    began = [
        at
        for (at,) in desk.sql(
            "SELECT extract(epoch FROM min(entry.at))::float FROM crm_voip_command command "
            "JOIN crm_voip_journal entry ON entry.pbx_id = command.pbx_id AND entry.call_ref = 'odoo-' || command.ident "
            f"WHERE command.id > {before} AND entry.type = 'started' GROUP BY command.id ORDER BY command.id"
        )
    ]
    must(len(began) == len(clicked) == CLICKS, f"{len(clicked)} clicks, {len(began)} calls")
    _tell("Click on a number to the PBX's channel", [b - c for b, c in zip(began, clicked, strict=True)], CLICKS, "s")


def _tell(what: str, times: list[float], wanted: int, unit: str) -> None:
    times.sort()
    median, most = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.95))]
    missing = wanted - len(times)
    result(
        "The desk: real telephones, real browser",
        what,
        f"{most * 1000:.0f} ms",
        f"95 % of {wanted}; median {median * 1000:.0f} ms, longest {times[-1] * 1000:.0f} ms"
        + (f", {missing} never" if missing else ""),
        "300 ms",
        most <= 0.3 and not missing,
    )


async def main(address: str, database: str, pbx: str) -> None:
    async with Desk(address, database, Pbx(pbx).attach()) as desk:
        await rings(desk)
        await clicks(desk)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
