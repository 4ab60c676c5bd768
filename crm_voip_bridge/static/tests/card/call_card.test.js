import { beforeEach, describe, expect, getFixture, test } from "@odoo/hoot";
import {
    click,
    drag,
    edit,
    manuallyDispatchProgrammaticEvent,
    press,
    queryAll,
    queryAllTexts,
    queryFirst,
    queryOne,
    queryRect,
} from "@odoo/hoot-dom";
import { advanceTime, animationFrame, Deferred, mockDate } from "@odoo/hoot-mock";
import { defineMailModels, start } from "@mail/../tests/mail_test_helpers";
import {
    defineModels,
    getService,
    makeServerError,
    MockServer,
    mockService,
    models,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";
import { browser } from "@web/core/browser/browser";
import { session } from "@web/session";

import { cardLines } from "@crm_voip_bridge/card/call_card";
import { SAVE_AFTER, TRY_AGAIN_AFTER } from "@crm_voip_bridge/card/card_note";
import { NOTICE_TIME } from "@crm_voip_bridge/card/card_service";

import { Component, xml } from "@odoo/owl";

const OUTCOMES = [
    { id: 1, name: "Interested", icon: "fa-thumbs-up", key: "i", color: 1, asks: false },
    { id: 2, name: "Promised", icon: false, key: "p", color: 2, asks: "date", choices: [] },
    {
        id: 3,
        name: "Lost",
        icon: false,
        key: "l",
        color: 0,
        asks: "reason",
        choices: [[7, "Price"]],
    },
];

/** What Odoo answers; tests change it. */
let answers;

class CrmVoipCall extends models.Model {
    _name = "crm.voip.call";

    card_current() {
        return answers.current;
    }

    card_details(id) {
        expect.step(`details ${id}`);
        if (answers.refused) {
            throw makeServerError({ type: "AccessError", message: "none of yours" });
        }
        return answers.details;
    }

    card_pick(id) {
        const { partner_id: partner, lead_id: lead, remember } = arguments[arguments.length - 1];
        expect.step(`pick ${id} ${partner || `lead ${lead}`} ${remember}`);
        return { ...answers.details, candidates: [] };
    }

    card_action(id, name) {
        expect.step(`action ${id} ${name}`);
        return {
            type: "ir.actions.act_window",
            res_model: "res.partner",
            views: [[false, "form"]],
        };
    }

    card_targets() {
        return [
            { name: "Tom Okafor", number: "102" },
            { name: "Rina Hartono", number: "103" },
        ];
    }

    card_transfer(id, number) {
        expect.step(`transfer ${id} ${number}`);
        return { state: "sent" };
    }

    card_hangup(id) {
        expect.step(`hangup ${id}`);
        return { state: "refused", text: "The PBX says no" };
    }
}

class CrmVoipWrapup extends models.Model {
    _name = "crm.voip.wrapup";

    desk_shown(id) {
        expect.step(`shown ${id}`);
    }

    desk_opened(id) {
        expect.step(`opened ${id}`);
    }

    desk_noted(id) {
        expect.step(`noted ${id}`);
    }

    desk_note(id, text) {
        expect.step(`note ${id} ${text}`);
        if (answers.noteFails) {
            throw makeServerError({ type: "UserError", message: "later" });
        }
        return answers.noteWaits;
    }

    desk_outcome(id, outcome, values) {
        expect.step(`outcome ${id} ${outcome} ${JSON.stringify(values)}`);
        return { message: "Interested. Call on Friday.", undo: true, done: true };
    }

    desk_outcome_undo(id) {
        expect.step(`undo ${id}`);
        return { message: "Taken back.", undo: false };
    }

    desk_close(id, how) {
        expect.step(`close ${id} ${how}`);
    }
}

defineMailModels();
defineModels([CrmVoipCall, CrmVoipWrapup]);

beforeEach(() => {
    mockDate("2026-11-02 09:00:00", 0);
    patchWithCleanup(session, { crm_voip: { card: true }, db: "test" });
    answers = {
        current: [],
        refused: false,
        noteFails: false,
        noteWaits: true,
        details: {
            contact: { model: "res.partner", id: 7, name: "Ada" },
            candidates: [],
            opportunities: [{ id: 3, name: "Bench scales", stage: "Qualified", amount: "€ 1,200" }],
            more_opportunities: 2,
            activity: {
                name: "Send it",
                date: "2026-11-03",
                state: "planned",
                model: "crm.lead",
                id: 3,
            },
            promised: [
                { id: 5, date: "2026-11-01", summary: "A quotation", user: "Tom", overdue: true },
            ],
            calls: [
                {
                    id: 2,
                    direction: "inbound",
                    result: "Answered",
                    at: "2026-11-02 07:05:00",
                    talk: "1:05",
                    outcome: "Interested",
                },
            ],
            messages: [
                {
                    id: 8,
                    author: "Ada",
                    at: "2026-10-30 12:00:00",
                    text: "Thanks",
                    model: "res.partner",
                    res_id: 7,
                },
            ],
            outcomes: OUTCOMES,
            wrapup: { note: "", outcome_id: false, promised_at: false },
            cap: 120,
            can: {
                open: true,
                pick: true,
                remember: true,
                new_contact: false,
                new_lead: true,
                hangup: true,
                transfer: true,
            },
        },
    };
});

/** The head of a card as Odoo sends it. */
function head(values = {}) {
    return {
        id: 1,
        state: "ringing",
        direction: "inbound",
        disposition: "in_progress",
        role: "called",
        took_part: false,
        queue: false,
        label: "Ada Lovelace",
        company: "Analytical Engines",
        name: false,
        number: "+31 30 100 0142",
        country: "NL",
        partner_id: 7,
        lead_id: false,
        several: false,
        user_id: false,
        user_name: false,
        started_at: "2026-11-02 09:00:00",
        answered_at: false,
        ended_at: false,
        now: "2026-11-02 09:00:00",
        ...values,
    };
}

const talking = (values = {}) =>
    head({
        state: "talking",
        took_part: true,
        user_id: serverState.userId,
        user_name: "Mitchell Admin",
        answered_at: "2026-11-02 09:00:00",
        ...values,
    });

const ended = (values = {}) =>
    talking({
        state: "ended",
        disposition: "answered",
        ended_at: "2026-11-02 09:00:05",
        ...values,
    });

async function tell(...heads) {
    for (const one of heads) {
        MockServer.env["bus.bus"]._sendone(serverState.partnerId, "crm_voip_bridge/call", one);
    }
    await settle();
}

/** All that was asked is answered and drawn. */
async function settle() {
    for (let turn = 0; turn < 4; turn++) {
        await animationFrame();
    }
}

async function startClient() {
    await start();
    await settle();
}

const TAB_KEY = () => `crm_voip_bridge.card.test.${serverState.userId}.tab`;
const NOTE_KEY = (id) => `crm_voip_bridge.card.test.${serverState.userId}.note.${id}`;

/** Another tab of this browser takes the cards. */
async function otherTab() {
    browser.localStorage.setItem(TAB_KEY(), "another");
    await settle();
}

async function type(text) {
    await click(".o_crm_voip_note textarea");
    await edit(text);
    await animationFrame();
}

describe("a call", () => {
    test("rings, is answered, ends", async () => {
        await startClient();
        expect(".o_crm_voip_cards").toHaveCount(0);
        await tell(head());
        expect.verifySteps(["shown 1", "details 1"]);
        expect(".o_crm_voip_card[data-call-id='1']").toHaveAttribute("data-state", "ringing");
        expect(".o_crm_voip_label").toHaveText("Ada Lovelace");
        expect(".o_crm_voip_company").toHaveText("Analytical Engines");
        expect(".o_crm_voip_number").toHaveText("+31 30 100 0142");
        expect(".o_crm_voip_flag").toHaveAttribute("alt", "Netherlands");
        expect(".o_crm_voip_state").toHaveText("Incoming call");
        expect(".o_crm_voip_announcement").toHaveText("Call from Ada Lovelace rings");
        expect("[name=hangup]").toHaveCount(0, { message: "what rings is declined at the phone" });
        await tell(talking());
        expect.verifySteps(["details 1"]);
        expect(".o_crm_voip_state").toHaveText("On the phone");
        expect(".o_crm_voip_whose").toHaveText("You");
        expect("[name=hangup]").toHaveCount(1);
        expect("[name=transfer]").toHaveCount(1);
        await tell(ended());
        expect.verifySteps(["details 1"]);
        expect(".o_crm_voip_state").toHaveText("Call ended");
        expect(".o_crm_voip_clock").toHaveText("0:05");
        expect("[name=hangup]").toHaveCount(0);
        expect("[name=transfer]").toHaveCount(0);
    });

    test("what the bus tells once more from before the page was loaded is left alone", async () => {
        session.crm_voip.now = "2026-11-02 08:59:59";
        await startClient();
        await tell(ended({ now: "2026-11-02 08:59:58" }));
        expect(".o_crm_voip_card").toHaveCount(0);
        expect.verifySteps([]);
        await tell(head({ now: "2026-11-02 08:59:59" }));
        expect.verifySteps(["shown 1", "details 1"]);
        expect(".o_crm_voip_card").toHaveCount(1);
    });

    test("its clock runs by the PBX's time, whatever this computer's says", async () => {
        await startClient();
        await tell(talking({ now: "2026-11-02 09:31:00", answered_at: "2026-11-02 09:30:50" }));
        expect(".o_crm_voip_clock").toHaveText("0:10");
        await advanceTime(55_000);
        expect(".o_crm_voip_clock").toHaveText("1:05");
        expect.verifySteps(["shown 1", "details 1"]);
    });

    test("what is known of the caller", async () => {
        await startClient();
        await tell(talking());
        expect(".o_crm_voip_opportunity").toHaveText(/Bench scales\s*Qualified\s*€ 1,200/);
        expect(".o_crm_voip_facts").toHaveText(/And 2 more open opportunities/);
        expect(".o_crm_voip_activity").toHaveText(/Send it\s*Tomorrow/);
        expect(".o_crm_voip_promise").toHaveText(/A quotation\s*Tom\s*Yesterday/);
        if (!getService("ui").isSmall) {
            expect(".o_crm_voip_before").toHaveText(/Answered · Interested\s*1:05/);
            expect(".o_crm_voip_message").toHaveText(/Ada: Thanks/);
        }
        expect.verifySteps(["shown 1", "details 1"]);
    });

    test("is drawn before Odoo says the rest, and without it", async () => {
        answers.details = new Deferred();
        await startClient();
        await tell(head());
        expect(".o_crm_voip_label").toHaveText("Ada Lovelace");
        expect(".o_crm_voip_loading").toHaveCount(1);
        answers.refused = true;
        await tell(talking());
        expect(".o_crm_voip_loading").toHaveCount(0);
        expect(".o_crm_voip_card").toHaveCount(1);
        expect.verifySteps(["shown 1", "details 1", "details 1"]);
    });

    test("a name is text, whoever wrote it", async () => {
        await startClient();
        const name = `<img src=x onerror="window.hacked = 1"><b>Zoë</b>`;
        await tell(head({ label: name, company: name, number: name }));
        await tell(head({ id: 2, label: false, company: false, name, partner_id: false }));
        expect(queryAllTexts(".o_crm_voip_label")).toEqual(["+31 30 100 0142", name]);
        expect(".o_crm_voip_claimed").toHaveText(name);
        expect(".o_crm_voip_company").toHaveText(name);
        expect(".o_crm_voip_card b, .o_crm_voip_card [src=x]").toHaveCount(0);
        expect(window.hacked).toBe(undefined);
        expect.verifySteps(["shown 1", "details 1", "shown 2", "details 2"]);
    });

    test("unknown, withheld and internal", async () => {
        await startClient();
        await tell(head({ label: false, company: false, partner_id: false }));
        expect(".o_crm_voip_label").toHaveText("+31 30 100 0142");
        expect(".o_crm_voip_number").toHaveText("Netherlands");
        await tell(head({ label: false, company: false, number: false, country: false }));
        expect(".o_crm_voip_label").toHaveText("Number withheld");
        await tell(
            talking({ label: "Tom Okafor", direction: "internal", number: false, country: false }),
        );
        expect(".o_crm_voip_label").toHaveText("Tom Okafor");
        expect(".o_crm_voip_note").toHaveCount(0, {
            message: "a talk with a colleague is no paperwork",
        });
        expect.verifySteps(["shown 1", "details 1", "details 1", "details 1"]);
    });

    test("one that a colleague takes is gone, and who took it is said for a moment", async () => {
        await startClient();
        await tell(head());
        await tell(head({ state: "taken", taken_by: "Tom Okafor" }));
        expect(".o_crm_voip_card").toHaveCount(0);
        expect(".o_crm_voip_notice").toHaveText("Ada Lovelace: taken by Tom Okafor");
        expect(".o_crm_voip_announcement").toHaveText("Ada Lovelace: taken by Tom Okafor");
        await advanceTime(NOTICE_TIME);
        await settle();
        expect(".o_crm_voip_cards").toHaveCount(0);
        // whoever never had the card hears nothing
        await tell(head({ id: 9, state: "taken", taken_by: "Tom Okafor" }));
        expect(".o_crm_voip_cards").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1"]);
    });

    test("one that nobody takes is gone", async () => {
        await startClient();
        await tell(head());
        await tell(head({ state: "ended", disposition: "missed" }));
        expect(".o_crm_voip_card").toHaveCount(0);
        expect(".o_crm_voip_notice").toHaveText("Ada Lovelace: nobody took it");
        expect.verifySteps(["shown 1", "details 1"]);
    });

    test("one's own that nobody answered waits for its outcome", async () => {
        await startClient();
        await tell(head({ direction: "outbound", role: "caller" }));
        expect(".o_crm_voip_state").toHaveText("Calling…");
        expect("[name=hangup]").toHaveCount(1);
        await tell(
            head({
                direction: "outbound",
                role: "caller",
                state: "ended",
                took_part: true,
                disposition: "busy",
                ended_at: "2026-11-02 09:00:05",
            }),
        );
        expect(".o_crm_voip_state").toHaveText("Busy");
        expect(".o_crm_voip_outcome").toHaveCount(3);
        expect.verifySteps(["shown 1", "details 1", "details 1"]);
    });

    test("one that was handed over says whose it is now", async () => {
        await startClient();
        await tell(talking());
        await tell(ended({ disposition: "in_progress", user_id: 99, user_name: "Rina Hartono" }));
        expect(".o_crm_voip_state").toHaveText("Handed over");
        expect(".o_crm_voip_whose").toHaveText("Rina Hartono");
        expect.verifySteps(["shown 1", "details 1", "details 1"]);
    });

    test("a consultation that became part of the customer's call goes on there", async () => {
        await startClient();
        await tell(head({ id: 5, direction: "internal", label: "Tom" }));
        await tell({ id: 5, state: "merged", into: 1 }, talking());
        expect(queryAllTexts(".o_crm_voip_label")).toEqual(["Ada Lovelace"]);
        expect.verifySteps(["shown 5", "details 5", "shown 1", "details 1"]);
    });

    test("waiting in a queue is no work yet", async () => {
        await startClient();
        await tell(head({ state: "queued", role: "queue", queue: "support" }));
        expect(".o_crm_voip_state").toHaveText("Waits in support");
        expect(".o_crm_voip_note").toHaveCount(0);
        expect.verifySteps(["details 1"]);
    });

    test("after a reload in mid-call", async () => {
        answers.current = [talking()];
        answers.details.wrapup = { note: "Wants steel", outcome_id: false, promised_at: false };
        await startClient();
        expect(".o_crm_voip_label").toHaveText("Ada Lovelace");
        expect(".o_crm_voip_note textarea").toHaveValue("Wants steel");
        expect.verifySteps(["shown 1", "details 1"]);
    });

    test("nothing is asked where the company has no cards", async () => {
        session.crm_voip = { card: false };
        answers.current = [talking()];
        await startClient();
        expect(".o_crm_voip_cards").toHaveCount(0);
    });
});

describe("cards", () => {
    test("are three at most; all can be closed", async () => {
        await startClient();
        await tell(...[1, 2, 3, 4, 5].map((id) => head({ id, label: `Caller ${id}` })));
        expect(queryAllTexts(".o_crm_voip_label")).toEqual(["Caller 5", "Caller 4", "Caller 3"]);
        expect(".o_crm_voip_all").toHaveText(/And 2 more calls/);
        expect(".o_crm_voip_opened").toHaveCount(1);
        await tell(talking({ id: 1, label: "Caller 1" }));
        // the one on the phone is always there
        expect(queryAllTexts(".o_crm_voip_label")).toEqual(["Caller 5", "Caller 4", "Caller 1"]);
        expect(".o_crm_voip_opened .o_crm_voip_label").toHaveText("Caller 1");
        await click("[name=close_all]");
        await settle();
        expect(".o_crm_voip_cards").toHaveCount(0);
        await tell(head({ id: 4 }));
        expect(".o_crm_voip_card").toHaveCount(0, { message: "what was closed stays closed" });
        const asked = [1, 2, 3, 4, 5].flatMap((id) => [`shown ${id}`, `details ${id}`]);
        expect.verifySteps([...asked, "details 1", "close 1 closed"], { ignoreOrder: true });
    });

    test("one that was closed while it rang comes back when one takes the call", async () => {
        await startClient();
        await tell(head());
        await click("[name=close]");
        await tell(head());
        expect(".o_crm_voip_card").toHaveCount(0);
        await tell(talking());
        expect(".o_crm_voip_card").toHaveCount(1);
        await click("[name=close]");
        await tell(ended());
        expect(".o_crm_voip_card").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1", "shown 1", "details 1", "close 1 closed"]);
    });

    test("a screen reader knows what they are", async () => {
        await startClient();
        await tell(head());
        expect(".o_crm_voip_cards").toHaveAttribute("role", "region");
        expect(".o_crm_voip_cards").toHaveAttribute("aria-label", "Calls");
        expect(".o_crm_voip_announcement").toHaveAttribute("aria-live", "polite");
        expect(".o_crm_voip_announcement").toHaveAttribute("role", "status");
        expect(".o_crm_voip_card").toHaveAttribute("aria-label", "Incoming call: Ada Lovelace");
        for (const button of queryAll(".o_crm_voip_cards button")) {
            expect(Boolean(button.textContent.trim() || button.ariaLabel)).toBe(true);
        }
        expect.verifySteps(["shown 1", "details 1"]);
    });

    test.tags("desktop");
    test("are moved, and stay where they were put", async () => {
        await startClient();
        await tell(head());
        const before = queryRect(".o_crm_voip_cards");
        const { drop } = await drag(".o_crm_voip_label", { position: "center" });
        await drop(getFixture(), { position: { x: before.x - 150, y: before.y + 60 } });
        await settle();
        const after = queryRect(".o_crm_voip_cards");
        expect(after.x).toBeLessThan(before.x - 100);
        expect(after.y).toBeGreaterThan(before.y);
        const { x, y } = JSON.parse(browser.localStorage.getItem("crm_voip_bridge.card.place"));
        expect(queryOne(".o_crm_voip_cards").getAttribute("style")).toBe(
            `--o-crm-voip-x: ${x}px; --o-crm-voip-y: ${y}px;`,
        );
        // and with arrow keys
        await press(["alt", "shift", "p"]);
        await press(["shift", "ArrowLeft"]);
        await settle();
        expect(JSON.parse(browser.localStorage.getItem("crm_voip_bridge.card.place")).x).toBe(
            x + 20,
        );
        expect.verifySteps(["shown 1", "details 1"]);
    });

    test.tags("mobile");
    test("on a phone they are a sheet at the bottom, as wide as the screen", async () => {
        await startClient();
        await tell(
            talking(),
            head({ id: 2, label: "A very long name of somebody who calls from far away" }),
        );
        expect(".o_crm_voip_cards").toHaveClass("o_crm_voip_small");
        const { x, width, bottom } = queryRect(".o_crm_voip_cards");
        expect(x).toBe(0);
        expect(Math.round(width)).toBe(window.innerWidth);
        expect(Math.round(bottom)).toBe(window.innerHeight);
        for (const el of queryAll(".o_crm_voip_cards button, .o_crm_voip_cards textarea")) {
            const rect = el.getBoundingClientRect();
            expect(rect.left >= 0 && rect.right <= window.innerWidth).toBe(true);
        }
        expect(".o_crm_voip_opened").toHaveCount(1);
        expect.verifySteps(["shown 1", "details 1", "shown 2", "details 2"]);
    });
});

describe("one tab", () => {
    test("another tab that is looked at shows the cards", async () => {
        await startClient();
        await tell(talking());
        expect(".o_crm_voip_card").toHaveCount(1);
        await otherTab();
        expect(".o_crm_voip_cards").toHaveCount(0);
        expect(".o_crm_voip_announcement").toHaveText("");
        // what happens meanwhile is known here, too, but nothing is asked or told
        await tell(head({ id: 2, label: "Bob" }));
        expect.verifySteps(["shown 1", "details 1"]);
        await manuallyDispatchProgrammaticEvent(window, "focus");
        await settle();
        expect(queryAllTexts(".o_crm_voip_label")).toEqual(["Bob", "Ada Lovelace"]);
        expect(browser.localStorage.getItem(TAB_KEY())).not.toBe("another");
        expect.verifySteps(["details 1", "shown 2", "details 2"], { ignoreOrder: true });
    });

    test("a tab that goes away leaves them", async () => {
        await startClient();
        await tell(talking());
        await otherTab();
        expect(".o_crm_voip_card").toHaveCount(0);
        // the other one is closed, and this one is visible
        browser.localStorage.removeItem(TAB_KEY());
        await settle();
        expect(".o_crm_voip_card").toHaveCount(1);
        await manuallyDispatchProgrammaticEvent(window, "pagehide");
        expect(browser.localStorage.getItem(TAB_KEY())).toBe(null);
        expect.verifySteps(["shown 1", "details 1", "details 1"]);
    });

    test("what is closed in one is closed in all", async () => {
        await startClient();
        await tell(head());
        await otherTab();
        const key = `crm_voip_bridge.card.test.${serverState.userId}.closed`;
        browser.localStorage.setItem(key, JSON.stringify({ 1: { stage: 1, at: Date.now() } }));
        await manuallyDispatchProgrammaticEvent(window, "focus");
        await settle();
        expect(".o_crm_voip_card").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1"]);
    });
});

describe("the note", () => {
    test("is saved while it is typed", async () => {
        await startClient();
        await tell(talking());
        await type("Wants");
        await type("Wants steel");
        expect(JSON.parse(browser.localStorage.getItem(NOTE_KEY(1))).text).toBe("Wants steel");
        expect.verifySteps(["shown 1", "details 1", "noted 1"]);
        await advanceTime(SAVE_AFTER);
        await settle();
        expect.verifySteps(["note 1 Wants steel"]);
        expect(".o_crm_voip_note_state").toHaveText("Saved");
        expect(browser.localStorage.getItem(NOTE_KEY(1))).toBe(null);
        await type("Wants steel, soon");
        await click(".o_crm_voip_label");
        queryOne(".o_crm_voip_note textarea").blur();
        await settle();
        expect.verifySteps(["note 1 Wants steel, soon"]);
    });

    test("one save after the other, so that the last one wins", async () => {
        answers.noteWaits = new Deferred();
        await startClient();
        await tell(talking());
        await type("One");
        await advanceTime(SAVE_AFTER);
        await type("Two");
        await advanceTime(SAVE_AFTER);
        expect.verifySteps(["shown 1", "details 1", "noted 1", "note 1 One"]);
        answers.noteWaits.resolve(true);
        await settle();
        expect.verifySteps(["note 1 Two"]);
    });

    test("an answer from before somebody typed changes nothing", async () => {
        await startClient();
        await tell(talking());
        const before = answers.details;
        answers.details = new Deferred();
        await tell(talking({ several: true }));
        await type("Wants steel");
        await advanceTime(SAVE_AFTER);
        await settle();
        answers.details.resolve({ ...before, candidates: [] });
        await settle();
        expect(".o_crm_voip_note textarea").toHaveValue("Wants steel");
        expect.verifySteps(["shown 1", "details 1", "details 1", "noted 1", "note 1 Wants steel"]);
    });

    test("is tried again until Odoo has it", async () => {
        answers.noteFails = true;
        await startClient();
        await tell(talking());
        await type("Wants steel");
        await advanceTime(SAVE_AFTER);
        await settle();
        expect(".o_crm_voip_note_state").toHaveText("Not saved yet, trying again");
        answers.noteFails = false;
        await advanceTime(TRY_AGAIN_AFTER);
        await settle();
        expect(".o_crm_voip_note_state").toHaveText("Saved");
        expect.verifySteps([
            "shown 1",
            "details 1",
            "noted 1",
            "note 1 Wants steel",
            "note 1 Wants steel",
        ]);
    });

    test("a page that goes away sends it, and keeps it until Odoo has it", async () => {
        patchWithCleanup(browser, {
            fetch(url, init) {
                if (!String(url).includes("desk_note")) {
                    return super.fetch(url, init);
                }
                const { params } = JSON.parse(init.body);
                expect.step(`${url} ${params.args} ${init.keepalive}`);
                return Promise.reject(new Error("the page is gone"));
            },
        });
        await startClient();
        await tell(talking());
        await type("Wants steel");
        await manuallyDispatchProgrammaticEvent(window, "pagehide");
        expect.verifySteps([
            "shown 1",
            "details 1",
            "noted 1",
            "/web/dataset/call_kw/crm.voip.wrapup/desk_note 1,Wants steel true",
        ]);
        expect(JSON.parse(browser.localStorage.getItem(NOTE_KEY(1))).text).toBe("Wants steel");
    });

    test("what did not reach Odoo before a reload is there again", async () => {
        browser.localStorage.setItem(
            NOTE_KEY(1),
            JSON.stringify({ text: "Wants steel", base: "Wants" }),
        );
        browser.localStorage.setItem(NOTE_KEY(2), JSON.stringify({ text: "Mine", base: "Old" }));
        answers.details.wrapup.note = "Wants";
        answers.current = [talking()];
        await startClient();
        expect(".o_crm_voip_note textarea").toHaveValue("Wants steel");
        expect.verifySteps(["shown 1", "details 1", "note 1 Wants steel"]);
        // what was written elsewhere meanwhile stays, too
        await tell(talking({ id: 2 }));
        expect(".o_crm_voip_opened textarea").toHaveValue("Wants\nMine");
        expect.verifySteps(["shown 2", "details 2", "note 2 Wants\nMine"]);
        expect(browser.localStorage.getItem(NOTE_KEY(2))).toBe(null);
    });

    test("is saved when the card is closed", async () => {
        await startClient();
        await tell(talking());
        await type("Wants steel");
        await click("[name=close]");
        await settle();
        expect.verifySteps(
            ["shown 1", "details 1", "noted 1", "note 1 Wants steel", "close 1 closed"],
            { ignoreOrder: true },
        );
    });
});

describe("after the call", () => {
    test("an outcome ends it; it can be taken back", async () => {
        await startClient();
        await tell(ended());
        await click("[data-outcome-id='1']");
        await settle();
        expect(".o_crm_voip_card").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1", "outcome 1 1 {}"]);
        expect(".o_notification_content").toHaveText("Interested. Call on Friday.");
        await click(".o_notification_buttons button:contains(Undo)");
        await settle();
        expect.verifySteps(["undo 1"]);
        expect(".o_crm_voip_card").toHaveCount(1);
        expect(".o_crm_voip_outcome.active").toHaveCount(0);
    });

    test("an outcome during the call: the card goes when the call ends", async () => {
        await startClient();
        await tell(talking());
        await click("[data-outcome-id='1']");
        await settle();
        expect("[data-outcome-id='1']").toHaveAttribute("aria-pressed", "true");
        await tell(ended());
        expect(".o_crm_voip_card").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1", "outcome 1 1 {}"]);
    });

    test("a promise asks for its day", async () => {
        await startClient();
        await tell(ended());
        await click("[data-outcome-id='2']");
        await animationFrame();
        expect(queryOne("[name=promised_at]").value).toBe("2026-11-03");
        await click(".o_crm_voip_ask button:contains(In a week)");
        await animationFrame();
        await click("[name=answer]");
        await settle();
        expect.verifySteps(["shown 1", "details 1", 'outcome 1 2 {"promised_at":"2026-11-09"}']);
    });

    test("a lost one asks for the reason", async () => {
        await startClient();
        await tell(ended());
        await click("[data-outcome-id='3']");
        await animationFrame();
        await click("[name=answer]");
        await settle();
        expect.verifySteps(["shown 1", "details 1", 'outcome 1 3 {"reason":7}']);
    });

    test("it stays as long as the company says", async () => {
        answers.details.cap = 60;
        await startClient();
        await tell(ended({ ended_at: "2026-11-02 09:00:00" }));
        // what the company says comes with the details
        await settle();
        await advanceTime(59_000);
        expect(".o_crm_voip_card").toHaveCount(1);
        await advanceTime(3000);
        await settle();
        expect(".o_crm_voip_card").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1", "close 1 timeout"]);
    });

    test("nothing is taken away from under somebody's fingers", async () => {
        await startClient();
        await tell(ended({ ended_at: "2026-11-02 09:00:00" }));
        await type("Wants");
        await advanceTime(121_000);
        await settle();
        expect(".o_crm_voip_card").toHaveCount(1);
        expect.verifySteps(["shown 1", "details 1", "noted 1", "note 1 Wants", "close 1 timeout"], {
            ignoreOrder: true,
        });
        queryFirst(".o_crm_voip_note textarea").blur();
        await advanceTime(10);
        await settle();
        expect(".o_crm_voip_card").toHaveCount(0);
    });

    test("the next call that one takes ends it, one that only rings does not", async () => {
        await startClient();
        await tell(ended());
        await tell(head({ id: 2, label: "Bob" }));
        expect(".o_crm_voip_card").toHaveCount(2);
        await tell(talking({ id: 2, label: "Bob" }));
        expect(queryAllTexts(".o_crm_voip_label")).toEqual(["Bob"]);
        expect.verifySteps(
            ["shown 1", "details 1", "shown 2", "details 2", "close 1 next_call", "details 2"],
            { ignoreOrder: true },
        );
    });
});

describe("what it offers", () => {
    test("the next step is planned in Odoo's own dialog, then the card tells it", async () => {
        mockService("action", {
            doAction: ({ res_model: model, context }, { onClose }) => {
                expect.step(`${model} ${context.active_model} ${context.active_id}`);
                onClose();
            },
        });
        await startClient();
        await tell(talking());
        await click("[name=next_step]");
        await settle();
        expect.verifySteps(
            ["shown 1", "details 1", "mail.activity.schedule res.partner 7", "details 1"],
            { ignoreOrder: true },
        );
    });

    test("opening the record, and making new ones", async () => {
        mockService("action", {
            doAction: ({ res_model: model, res_id: id }) => expect.step(`open ${model} ${id}`),
        });
        answers.details.can.new_contact = true;
        await startClient();
        await tell(talking());
        await click("[name=open]");
        await settle();
        expect.verifySteps(["shown 1", "details 1", "opened 1", "open res.partner 7"], {
            ignoreOrder: true,
        });
        if (getService("ui").isSmall) {
            // on a phone the card makes room
            expect(".o_crm_voip_opened").toHaveCount(0);
            await click("[name=toggle]");
            await animationFrame();
        }
        await click("[name=new_contact]");
        await settle();
        expect.verifySteps(["action 1 new_contact", "open res.partner undefined"]);
    });

    test("choosing who it is", async () => {
        answers.details.candidates = [
            { model: "res.partner", id: 7, name: "Ada", hint: "Engines" },
            { model: "crm.lead", id: 3, name: "Bench scales", hint: false },
        ];
        await startClient();
        await tell(talking({ label: false, company: false, partner_id: false, several: true }));
        expect(".o_crm_voip_candidates").toHaveText(/Who is it\?/);
        await click("[name=remember]");
        await click("[data-partner-id='7']");
        await settle();
        expect(".o_crm_voip_candidate").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1", "pick 1 7 true"]);
    });

    test("hanging up and handing over", async () => {
        await startClient();
        await tell(talking());
        await click("[name=hangup]");
        await settle();
        expect(".o_notification_content").toHaveText("The PBX says no");
        await click("[name=transfer]");
        await settle();
        expect(queryAllTexts(".o_crm_voip_target")).toEqual([
            "Tom Okafor\n102",
            "Rina Hartono\n103",
        ]);
        await click(".o_crm_voip_targets input");
        await edit("rin");
        await animationFrame();
        await click(".o_crm_voip_target");
        await settle();
        expect(".o_crm_voip_targets").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1", "hangup 1", "transfer 1 103"]);
    });

    test("what the PBX cannot do is no button", async () => {
        Object.assign(answers.details.can, { hangup: false, transfer: false });
        await startClient();
        await tell(talking());
        expect("[name=hangup], [name=transfer]").toHaveCount(0);
        expect.verifySteps(["shown 1", "details 1"]);
    });

    test("lines of other addons", async () => {
        class Vip extends Component {
            static template = xml`<b class="vip" t-out="props.call.head.label" />`;
            static props = ["call"];
        }
        patchWithCleanup(cardLines.content, {
            vip: [5, { Component: Vip, isShown: (call) => call.head.partner_id === 7 }],
            none: [5, { Component: Vip, isShown: () => false }],
        });
        await startClient();
        await tell(talking());
        expect(".o_crm_voip_line").toHaveCount(1);
        expect(".o_crm_voip_line[data-line=vip] .vip").toHaveText("Ada Lovelace");
        expect.verifySteps(["shown 1", "details 1"]);
    });
});

describe.tags("desktop");
describe("by keyboard", () => {
    test("there, an outcome, step by step back", async () => {
        await startClient();
        await tell(ended());
        await press(["alt", "shift", "p"]);
        expect(".o_crm_voip_card").toBeFocused();
        await press("p");
        await animationFrame();
        expect(".o_crm_voip_ask").toHaveCount(1);
        await press("Escape");
        await animationFrame();
        expect(".o_crm_voip_ask").toHaveCount(0);
        expect(".o_crm_voip_card").toBeFocused();
        // letters in the note are letters
        await type("iii");
        expect.verifySteps(["shown 1", "details 1", "noted 1"]);
        await press("Escape");
        await settle();
        expect(".o_crm_voip_opened").toHaveCount(0);
        expect(".o_crm_voip_card").toBeFocused();
        await press("Escape");
        await settle();
        expect(".o_crm_voip_card").toHaveCount(0);
        expect.verifySteps(["note 1 iii", "close 1 closed"]);
    });

    test("an outcome by its key", async () => {
        await startClient();
        await tell(ended());
        await press("i");
        await settle();
        expect.verifySteps(["shown 1", "details 1"]);
        await press(["alt", "shift", "p"]);
        await press("i");
        await settle();
        expect.verifySteps(["outcome 1 1 {}"]);
        expect(".o_crm_voip_card").toHaveCount(0);
    });

    test("buttons have hotkeys on the card that is open", async () => {
        await startClient();
        await tell(talking(), head({ id: 2 }));
        const keys = queryAll(".o_crm_voip_cards [data-hotkey]").map((el) => [
            el.closest(".o_crm_voip_card").dataset.callId,
            el.name,
            el.dataset.hotkey,
        ]);
        expect(keys).toEqual([
            ["1", "close", "shift+w"],
            ["1", "open", "shift+o"],
            ["1", "next_step", "shift+s"],
            ["1", "transfer", "shift+t"],
            ["1", "hangup", "shift+h"],
            ["1", "new_lead", "shift+l"],
        ]);
        expect.verifySteps(["shown 1", "details 1", "shown 2", "details 2"]);
    });

    test("a call that does not go away is closed only when it is over", async () => {
        await startClient();
        await tell(talking());
        await press(["alt", "shift", "p"]);
        await press("Escape");
        await press("Escape");
        await settle();
        expect(".o_crm_voip_card").toHaveCount(1);
        expect.verifySteps(["shown 1", "details 1"]);
    });
});
