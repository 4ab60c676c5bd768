"""The desk as people use it: real calls, a real browser, and what must be true on the screen and in Odoo.

`python -m kit.stories ADDRESS DATABASE PBX [NAME…]` plays stories on a running `setup/run` and prints one JSON
object a line for each: `story`, `text`, `problem` (None if all is well), `seconds`. A story looks where its
people look, at the page; where it asks Odoo, it does so as one of them.
"""

import asyncio
import json
import random
import re
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable

from playwright.async_api import expect

from . import company, pbx_config
from .desk import NARROW, Desk, StoryFailed, must, person
from .pbx import Pbx
from .places import LOGS
from .screen import Trouble
from .sip import CallFailed

STORIES: dict[str, Callable[[Desk], Awaitable[None]]] = {}


def story(play):
    """Make a function a story; its docstring is what people read about it."""
    STORIES[play.__name__] = play
    return play


LOTTE, CARLOS, AMELIA, DEWI = (company.customer(key) for key in ("lotte", "carlos", "amelia", "dewi"))
NADIA_DID = "+31201000101"


def card(page, text: str | None = None):
    """The call cards on a page, or those that say something."""
    cards = page.locator(".o_crm_voip_card")
    return cards.filter(has_text=text) if text else cards


async def last_call(desk, login: str, *fields: str) -> dict:
    """The newest call that somebody sees."""
    names = ["id", "disposition", "direction", "partner_id", "lead_id", "outside_e164", *fields]
    return (await desk.find("crm.voip.call", [], names, login, order="id desc", limit=1))[0]


async def ended(desk, login: str, *fields: str) -> dict:
    """The newest call that somebody sees, once it has ended."""

    async def look():
        call = await last_call(desk, login, *fields)
        return call if call["disposition"] != "in_progress" else None

    return await desk.until("the call has ended in Odoo", look)


# ------------------------------------------------------------------ the card


@story
async def card_of_a_customer(desk):
    """A customer calls: the card says who and why, and one click after hanging up all is done."""
    page = await desk.page("nadia", "/odoo/crm")
    async with desk.telephones("101") as phones:
        call = await phones.incoming(LOTTE.sip, NADIA_DID)
        phone = await phones.rings("101")
        shown = card(page, "Lotte Molenaar")
        await expect(shown).to_be_visible(timeout=2_000)
        await expect(shown).to_contain_text("Molenaar Zuivel")
        await expect(shown).to_contain_text("Bench scales for three dairies")
        await phone.answer()
        await call.answered()
        await expect(shown).to_contain_text("0:01", timeout=4_000)
        await shown.locator(".o_crm_voip_note textarea").fill("Wants the scales before May")
        await call.hangup()
        await phone.ended()
    stored = await ended(desk, "nadia")
    await expect(shown).to_be_visible()
    await asyncio.sleep(2)  # of paperwork
    await shown.locator(".o_crm_voip_outcome", has_text="Interested").click()
    await expect(card(page)).to_have_count(0, timeout=3_000)
    stored = await last_call(desk, "nadia", "outcome_id")
    must(stored["outcome_id"] and stored["outcome_id"][1] == "Interested", f"the outcome is {stored['outcome_id']}")
    [wrapup] = await desk.find(
        "crm.voip.wrapup",
        [("call_id", "=", stored["id"])],
        ["note", "rang_at", "noted_at", "done_how", "after_call_s"],
        "nadia",
    )
    must(wrapup["note"] == "Wants the scales before May", f"the note is {wrapup['note']!r}")
    must(wrapup["done_how"] == "outcome" and wrapup["noted_at"] and wrapup["rang_at"], f"the times are {wrapup}")
    must(1 <= wrapup["after_call_s"] < 10, f"after-call time is {wrapup['after_call_s']}")


@story
async def pick_from_a_shared_number(desk):
    """Two customers share a number: the person at the desk picks one, and it is remembered."""
    page = await desk.page("nadia", "/odoo/crm")
    async with desk.telephones("101") as phones:
        call = await phones.incoming(company.customer("office_a").sip, NADIA_DID)
        phone = await phones.rings("101")
        shown = card(page)
        choice = shown.locator(".o_crm_voip_candidate", has_text="Els de Wit")
        await expect(choice).to_be_visible(timeout=3_000)
        await phone.answer()
        await call.answered()
        await choice.click()
        await expect(shown).to_contain_text("Els de Wit")
        await expect(shown.locator(".o_crm_voip_candidate")).to_have_count(0)
        await call.hangup()
        await phone.ended()
    stored = await ended(desk, "nadia")
    must(
        stored["partner_id"] and stored["partner_id"][1].endswith("Els de Wit"),
        f"the contact is {stored['partner_id']}",
    )
    await shown.locator("[name=close]").click()
    await expect(card(page)).to_have_count(0)


@story
async def new_lead_of_a_stranger(desk):
    """An unknown number calls: a new opportunity with the number filled in takes this call and earlier ones."""
    # reserved for fiction, and another one each time: a number that is known is no stranger's
    stranger = f"+1{random.randint(201, 989)}5550{random.randint(100, 199)}"
    async with desk.telephones("101") as phones:
        early = await phones.incoming(stranger, NADIA_DID)
        await phones.rings("101")
        await early.hangup()
        page = await desk.page("nadia", "/odoo/crm")
        call = await phones.incoming(stranger, NADIA_DID, "Hollow Oak Ltd")
        phone = await phones.rings("101")
        shown = card(page, "Hollow Oak Ltd")
        await expect(shown).to_be_visible(timeout=3_000)
        await phone.answer()
        await call.answered()
        await shown.locator("[name=new_lead]").click()
        await expect(page.locator(".o_form_view [name=phone] input").first).to_have_value(
            re.compile(r"\W*".join(stranger[1:]))
        )
        await page.locator(".o_form_view [name=name] input, .o_form_view [name=name] textarea").first.fill(
            "Hollow Oak asks"
        )
        await page.locator(".o_form_button_save").click()
        await expect(page.locator(".o_form_saved, .o_form_readonly").first).to_be_attached()
        await call.hangup()
        await phone.ended()

    async def both():
        calls = await desk.find("crm.voip.call", [("outside_e164", "=", stranger)], ["lead_id"], "nadia")
        return len(calls) == 2 and all(one["lead_id"] and one["lead_id"][1] == "Hollow Oak asks" for one in calls)

    await desk.until("both calls join the new opportunity", both)
    await card(page).locator("[name=close]").first.click()


@story
async def script_in_the_name(desk):
    """A caller's name with markup and script is shown as the text that it is."""
    name = "<img src=x onerror=document.title=1>"
    page = await desk.page("nadia", "/odoo/crm")
    async with desk.telephones("101") as phones:
        call = await phones.incoming("+12025550187", NADIA_DID, name)
        phone = await phones.rings("101")
        await expect(card(page, "onerror=document.title=1")).to_be_visible(timeout=3_000)
        must(await page.title() != "1", "the script ran")
        must(await card(page).locator("img[src=x]").count() == 0, "the markup was drawn")
        await call.hangup()
        await phone.ended()
    await card(page).locator("[name=close]").first.click()


@story
async def taken_by_a_colleague(desk):
    """Three phones ring; when Tom takes it, Nadia reads so, and her card is gone within a second."""
    nadia, tom = await desk.page("nadia", "/odoo/crm"), await desk.page("tom", "/odoo/crm")
    async with desk.telephones(*company.SALES_GROUP) as phones:
        call = await phones.incoming(CARLOS.sip, company.DID_GROUP)
        ringing = {number: await phones.rings(number) for number in company.SALES_GROUP}
        for page in (nadia, tom):
            await expect(card(page, "Carlos Reyes")).to_be_visible(timeout=3_000)
        await ringing["102"].answer()
        await expect(nadia.get_by_text("taken by Tom Okafor", exact=False).first).to_be_attached(timeout=1_500)
        await expect(card(nadia)).to_have_count(0, timeout=1_000)
        await expect(card(tom, "Carlos Reyes")).to_be_visible()
        await call.hangup()
        await ringing["102"].ended()
    await card(tom).locator("[name=close]").click()


@story
async def one_tab_of_two(desk):
    """Two tabs are open: the card is in the one that was used last, and only there."""
    first, second = await desk.page("nadia", "/odoo/crm"), await desk.page("nadia", "/odoo/crm", tab=2)
    await second.bring_to_front()
    await second.mouse.click(600, 5)
    async with desk.telephones("101") as phones:
        call = await phones.incoming(LOTTE.sip, NADIA_DID)
        phone = await phones.rings("101")
        await expect(card(second)).to_have_count(1, timeout=3_000)
        must(await card(first).count() == 0, "the other tab shows the card, too")
        await first.bring_to_front()
        await first.mouse.click(600, 5)
        await expect(card(first)).to_have_count(1, timeout=3_000)
        await expect(card(second)).to_have_count(0)
        await call.hangup()
        await phone.ended()
    await second.close()
    await card(first).locator("[name=close]").click()


@story
async def reload_in_mid_call(desk):
    """A page is loaded anew while the person talks: the card is there again, with the note."""
    page = await desk.page("nadia", "/odoo/crm")
    async with desk.telephones("101") as phones:
        call = await phones.incoming(LOTTE.sip, NADIA_DID)
        phone = await phones.rings("101")
        await phone.answer()
        await call.answered()
        await card(page).locator(".o_crm_voip_note textarea").fill("Half a thou")
        await page.reload()
        shown = card(page, "Lotte Molenaar")
        await expect(shown).to_be_visible(timeout=8_000)
        await expect(shown.locator(".o_crm_voip_note textarea")).to_have_value("Half a thou")
        await call.hangup()
        await phone.ended()
    await shown.locator("[name=close]").click()


@story
async def hang_up_and_transfer(desk):
    """From the card: a call is handed to a colleague, who gets the card, and hangs up there."""
    nadia, tom = await desk.page("nadia", "/odoo/crm"), await desk.page("tom", "/odoo/crm")
    async with desk.telephones("101", "102") as phones:
        call = await phones.incoming(AMELIA.sip, NADIA_DID)
        phone = await phones.rings("101")
        await phone.answer()
        await call.answered()
        shown = card(nadia, "Amelia Finch")
        await shown.locator("[name=transfer]").click()
        await nadia.get_by_text("Tom Okafor").last.click()
        other = await phones.rings("102")
        await expect(card(tom, "Amelia Finch")).to_be_visible(timeout=3_000)
        await other.answer()
        await expect(card(tom).locator("[name=hangup]")).to_be_enabled(timeout=3_000)
        await card(tom).locator("[name=hangup]").click()
        await call.ended()
    stored = await ended(desk, "nadia", "leg_ids")
    must(len(stored["leg_ids"]) == 2, f"{len(stored['leg_ids'])} phones took part")
    for page in (nadia, tom):
        await card(page).locator("[name=close]").first.click()


@story
async def waiting_in_the_queue(desk):
    """Who serves a queue and wishes so sees who waits there."""
    await desk.call("priya", "res.users", "write", [await desk.uid("priya")], {"crm_voip_card_queue": True})
    page = await desk.page("priya", "/odoo/crm")
    async with desk.telephones("201", "202") as phones:
        call = await phones.incoming(DEWI.sip, company.DID_SUPPORT)
        ringing = {number: await phones.rings(number) for number in company.SUPPORT_MEMBERS}
        await expect(card(page, "Dewi Lestari")).to_be_visible(timeout=3_000)
        await ringing["202"].answer()
        await expect(card(page)).to_have_count(0, timeout=3_000)
        await call.hangup()
        await ringing["202"].ended()


@story
async def at_phone_width(desk):
    """On a telephone's screen the card fits, and nothing of it is cut off."""
    page = await desk.page("jonas", "/odoo/crm", NARROW)
    async with desk.telephones("104") as phones:
        call = await phones.incoming(CARLOS.sip, "+31201000104")
        phone = await phones.rings("104")
        shown = card(page, "Carlos Reyes")
        await expect(shown).to_be_visible(timeout=3_000)
        box = await shown.bounding_box()
        must(box["x"] >= 0 and box["x"] + box["width"] <= 375, f"the card is {box}")
        wide = await shown.evaluate("card => card.scrollWidth > card.clientWidth + 1")
        must(not wide, "something is cut off at the side")
        await phone.answer()
        await call.answered()
        await call.hangup()
        await phone.ended()
    await shown.locator("[name=close]").click()


# ------------------------------------------------------------------ click to call


async def click_number(page):
    """Click on the number of the contact whose form is open: its link shows when one comes near."""
    field = page.locator(".o_field_widget[name=phone]").first
    await field.hover()
    await field.locator("a[href^='tel:']").click()


@story
async def click_to_call(desk):
    """A click on a number in a contact: one's own phone rings, then the customer's."""
    [lotte] = await desk.find("res.partner", [("name", "=", LOTTE.name)], ["id"])
    page = await desk.page("nadia", f"/odoo/contacts/{lotte['id']}")
    async with desk.telephones("101") as phones:
        await click_number(page)
        own = await phones.rings("101")
        await own.answer()
        there = await phones.rings("world")
        await there.answer()
        await asyncio.sleep(1)
        await own.hangup()
        await there.ended()
    stored = await ended(desk, "nadia")
    must(stored["direction"] == "outbound" and stored["disposition"] == "answered", f"the call is {stored}")
    must(stored["partner_id"] and stored["partner_id"][0] == lotte["id"], f"the contact is {stored['partner_id']}")
    command = (await desk.find("crm.voip.command", [], ["state", "kind"], order="id desc", limit=1))[0]
    must(command["state"] == "done" and command["kind"] == "dial", f"the command is {command}")
    await card(page).locator("[name=close]").first.click()


@story
async def own_phone_not_taken(desk):
    """Nobody takes one's own phone: the customer is not called, and the page says why."""
    [lotte] = await desk.find("res.partner", [("name", "=", LOTTE.name)], ["id"])
    page = await desk.page("nadia", f"/odoo/contacts/{lotte['id']}")
    async with desk.telephones("101") as phones:
        await click_number(page)
        own = await phones.rings("101")
        await own.refuse(603)

        async def refused():
            [command] = await desk.find("crm.voip.command", [], ["state", "reason"], order="id desc", limit=1)
            return command if command["state"] == "refused" else None

        command = await desk.until("the command is refused", refused)
        must(command["reason"], "no reason is given")
        await expect(page.locator(".o_notification").filter(has_text=command["reason"]).first).to_be_visible()
    await card(page).locator("[name=close]").first.click()


@story
async def numbers_that_are_not_dialled(desk):
    """Tricks, premium and satellite numbers, and what is too late never reach the PBX."""
    before = await desk.newest("crm.voip.command")
    for number in ("0201234567\r\nAction: Originate", "+31900123456", "+8816123456789", "020 123 4567abc", "112"):
        try:
            answer = await desk.call("nadia", "crm.voip.command", "dial", number)
        except Trouble as refusal:
            must("Traceback" not in str(refusal), f"no words for a person: {refusal}")
        else:
            raise StoryFailed(f"{number!r} gave {answer}")
    async with desk.telephones("101") as phones:
        # the bridge is kept from fetching for longer than a command is good for
        desk.signal(signal.SIGSTOP)
        try:
            await desk.call("nadia", "crm.voip.command", "dial", LOTTE.sip)
            await asyncio.sleep(20)
        finally:
            desk.signal(signal.SIGCONT)
        try:
            await phones.rings("101", 4)
        except CallFailed:
            pass
        else:
            raise StoryFailed("a command of 20 seconds ago was dialled")

        async def expired():
            [command] = await desk.find("crm.voip.command", [], ["state"], order="id desc", limit=1)
            return command["state"] == "expired"

        await desk.until("the command is marked as expired", expired)
    asked = f"SELECT 'odoo-' || ident FROM crm_voip_command WHERE id > {before}"
    must(not desk.sql(f"SELECT 1 FROM crm_voip_journal WHERE call_ref IN ({asked})"), "the PBX was asked to call")


# ------------------------------------------------------------------ what follows


@story
async def callback_closed_by_calling(desk):
    """A missed call makes one callback; calling that customer closes it, whoever calls."""
    async with desk.telephones("104", "102") as phones:
        for _time in range(2):
            call = await phones.incoming(AMELIA.sip, "+31201000105")
            await asyncio.sleep(1.5)
            await call.hangup()

        async def opened():
            found = await desk.find("crm.voip.callback", [("number", "=", AMELIA.e164[0])], ["state", "missed_count"])
            return found if found and found[-1]["state"] == "open" else None

        found = await desk.until("a callback", opened)
        must(len([one for one in found if one["state"] == "open"]) == 1, f"there are {found}")
        out = await phones.dial("102", "00442079460142")
        there = await phones.rings("world")
        await there.answer()
        await out.answered()
        await asyncio.sleep(1)
        await out.hangup()
        await there.ended()

    async def closed():
        [one] = await desk.find(
            "crm.voip.callback", [("id", "=", found[-1]["id"])], ["state", "done_by_id", "attempts", "done_call_id"]
        )
        return one if one["state"] == "done" else None

    one = await desk.until("the callback is closed", closed)
    must(one["done_by_id"][1] == person("tom"), f"closed by {one['done_by_id']}")


@story
async def planned_call_closed(desk):
    """A planned call is marked done by the call itself, with its duration, and can be undone."""
    await desk.set_switches(crm_voip_planned=True, crm_voip_planned_s=1)
    summary = f"Ask about the dairies {random.randint(1000, 9999)}"
    [lead] = await desk.find("crm.lead", [("name", "=", "Bench scales for three dairies")], ["id"], "nadia")
    # one that another story planned would make it several
    await desk.call("nadia", "crm.lead", "activity_unlink", [lead["id"]], ["mail.mail_activity_data_call"])
    [kind] = await desk.find("mail.activity.type", [("category", "=", "phonecall")], ["id"], limit=1)
    await desk.call(
        "nadia", "crm.lead", "activity_schedule", [lead["id"]], activity_type_id=kind["id"],
        summary=summary, user_id=await desk.uid("nadia"),
    )  # fmt: skip
    page = await desk.page("nadia", "/odoo/crm")
    async with desk.telephones("101") as phones:
        out = await phones.dial("101", "0301000142")
        there = await phones.rings("world")
        await there.answer()
        await out.answered()
        await asyncio.sleep(2)
        await out.hangup()
        await there.ended()

        async def done():
            return await desk.find(
                "mail.activity",
                [("summary", "=", summary), ("active", "=", False)],
                ["feedback"],
                "nadia",
            )

        await desk.until("the planned call is done", done)
        undo = page.locator(".o_notification").get_by_role("button", name="Undo")
        await undo.click()

        async def open_again():
            return not await done()

        await desk.until("it is open again", open_again)
        # a notification under the mouse stays, and would be over the card
        await page.mouse.move(300, 600)
    await card(page).locator("[name=close]").first.click()


@story
async def typed_from_a_mobile(desk):
    """A call from a mobile: two taps on the contact, and it is marked as typed for ever."""
    [dewi] = await desk.find("res.partner", [("name", "=", DEWI.name)], ["id"])
    before, measured = await desk.newest("crm.voip.typed.call"), await desk.newest("crm.voip.call")
    page = await desk.page("rina", f"/odoo/contacts/{dewi['id']}", NARROW)
    more = page.locator(".o_cp_action_menus button, .o_statusbar_buttons .o-dropdown, .o_statusbar_buttons button")
    button = page.locator("button[name=action_crm_voip_typed]")
    if not await button.is_visible():
        await more.first.click()
    await button.click()
    await page.locator(".o_crm_voip_minutes button", has_text="5").first.click()

    async def typed():
        domain = [("id", ">", before), ("minutes", "!=", False)]
        return await desk.find("crm.voip.typed.call", domain, ["partner_id", "minutes", "origin"], "rina")

    [call] = await desk.until("the typed call is there", typed)
    must(call["partner_id"][0] == dewi["id"] and call["minutes"] == 5, f"it is {call}")
    must(call["origin"] == "typed", f"it is marked as {call['origin']}")
    try:
        await desk.call("rina", "crm.voip.typed.call", "write", [call["id"]], {"origin": "imported_browser"})
    except Trouble:
        pass
    else:
        raise StoryFailed("the mark could be changed")
    must(await desk.newest("crm.voip.call") == measured, "it is among the measured calls")


@story
async def recording_is_heard(desk):
    """A recorded call has a player for who may listen, and who was recorded reads who listened."""
    async with desk.telephones("101") as phones:
        call = await phones.incoming(LOTTE.sip, pbx_config.DID_RECORDING)
        phone = await phones.rings("101")
        await phone.answer()
        await call.answered()
        await asyncio.sleep(3)
        await call.hangup()
        await phone.ended()
    stored = await ended(desk, "nadia")

    async def arrived():
        return desk.sql(f"SELECT id FROM crm_voip_recording WHERE call_id = {stored['id']} AND state = 'kept'")

    await desk.until("the recording has arrived", arrived, patience=30)
    page = await desk.page("nadia", f"/odoo/crm-calls/{stored['id']}")
    await page.locator(".o_notebook .nav-link[name=recording]").click()
    player = page.locator(".o_crm_voip_player audio")
    await expect(player).to_be_visible()
    await player.evaluate("audio => { audio.muted = true; return audio.play(); }")
    seconds = await player.evaluate("audio => audio.duration")
    must(2 < seconds < 6, f"it lasts {seconds} s")
    source = await player.evaluate("audio => audio.currentSrc")
    other = await desk.page("tom", "/odoo/crm")
    answer = await other.context.request.get(source)
    must(answer.status == 404, f"who may not listen got {answer.status}")


@story
async def calls_going_on(desk):
    """A team's leader sees a call come and go without touching anything."""
    page = await desk.page("nadia", "/odoo/crm-calls-going-on")
    async with desk.telephones("104") as phones:
        call = await phones.incoming(CARLOS.sip, "+31201000104")
        phone = await phones.rings("104")
        row = page.locator(".o_crm_voip_live .o_data_row", has_text="Carlos Reyes")
        await expect(row).to_be_visible(timeout=4_000)
        await phone.answer()
        await call.answered()
        await expect(row).to_contain_text("Talking", timeout=4_000)
        await call.hangup()
        await phone.ended()
        await expect(row).to_have_count(0, timeout=4_000)


# ------------------------------------------------------------------ numbers


def kept(desk, measures: str, where: str) -> tuple:
    """Kept figures of Kestrel's days, added up; what `setup/run --once` has held against the telephones."""
    return desk.sql(f"SELECT {measures} FROM crm_productivity_day day WHERE {where}")[0]


@story
async def numbers_of_ones_own(desk):
    """A salesperson's own numbers are today's, as they are kept, and lead to the very calls."""
    uid = await desk.uid("tom")
    today = "day.day = (now() AT TIME ZONE 'Europe/Amsterdam')::date"
    offered, taken = kept(desk, "sum(offered), sum(taken)", f"{today} AND day.user_id = {uid}")
    must(offered, "nobody called Tom today")
    page = await desk.page("tom", "/odoo/my-numbers")
    tile = page.locator(".o_crm_productivity_tiles .o_kanban_record", has_text="Taken of offered")
    # three heads, then today, last week, the usual week
    await expect(tile.locator(".o_crm_productivity_past > *").nth(3)).to_have_text(
        re.compile(f"^{100 * taken / offered:.0f}\\s%$")
    )
    await tile.locator("button[name=action_explain]").click()
    await page.locator(".modal [name=action_show_today]").first.click()
    await expect(page.locator(".o_list_view .o_data_row").first).to_be_visible()


@story
async def week_of_the_team(desk):
    """A team's leader sees the week of all of them: as many calls as are kept, and what waits."""
    [team] = await desk.find("crm.team", [("user_id", "=", await desk.uid("nadia"))], ["id"], "nadia")
    week = "day.day >= date_trunc('week', now() AT TIME ZONE 'Europe/Amsterdam')"
    [made] = kept(desk, "sum(calls_made)", f"{week} AND day.team_id = {team['id']}")
    page = await desk.page("nadia", "/odoo/crm")
    await page.locator(".o_menu_sections button", has_text="Numbers").click()
    await page.locator(".o-dropdown--menu a", has_text="Team week").click()
    name = page.locator(".fw-bold", has_text=re.compile(r"^\s*Calls made\s*$"))
    total = page.locator(".o_crm_productivity_totals .o_kanban_record", has=name)
    await expect(total.locator(".fs-2")).to_have_text(f"{made}")
    await expect(page.locator(".o_crm_productivity_week [name=action_unanswered]")).to_be_visible()


# ------------------------------------------------------------------ playing


async def play(desk: Desk, name: str) -> dict:
    """Play one story and tell how it went; of a failed one, a picture of each page is kept."""
    started, problem = time.monotonic(), None
    try:
        await desk.tidy()
        await asyncio.wait_for(STORIES[name](desk), 120)
        if desk.complaints:
            problem = "the browser complained: " + "; ".join(dict.fromkeys(desk.complaints))[:500]
    except Exception as error:  # whatever it is, the other stories are played
        place = next((f"line {frame.lineno}: " for frame in traceback.extract_tb(error.__traceback__)[::-1]
                      if frame.filename == __file__), "")  # fmt: skip
        problem = place + (str(error).strip() or type(error).__name__)
        await desk.keep_pictures(LOGS / f"story-{name}")
    text = " ".join(STORIES[name].__doc__.split())
    return {"story": name, "text": text, "problem": problem, "seconds": round(time.monotonic() - started, 1)}


async def main(address: str, database: str, pbx: str, *names: str) -> int:
    """Play all stories, or the named ones; 1 if any failed."""
    failed = 0
    async with Desk(address, database, Pbx(pbx).attach()) as desk:
        for name in names or STORIES:
            told = await play(desk, name)
            if told["problem"]:
                # telephones and browsers share this machine with all else: once more, and it is said
                first, told = told["problem"], await play(desk, name)
                told["text"] += f" (at the second attempt; the first: {first[:200]})"
            failed += told["problem"] is not None
            print(json.dumps(told, ensure_ascii=False), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
