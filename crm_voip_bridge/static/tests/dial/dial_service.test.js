import { describe, expect, getFixture, test } from "@odoo/hoot";
import { click, keyDown, keyUp, on, queryFirst, waitForNone } from "@odoo/hoot-dom";
import { advanceTime, animationFrame, mockUserAgent } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import {
    contains,
    defineModels,
    fields,
    getService,
    makeServerError,
    MockServer,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";
import { browser } from "@web/core/browser/browser";
import { session } from "@web/session";
import { WebClient } from "@web/webclient/webclient";

import { readLink } from "@crm_voip_bridge/dial/dial_service";

class Customer extends models.Model {
    _name = "customer";

    name = fields.Char();
    phone = fields.Char();

    _records = [
        { id: 1, name: "Lotte", phone: "030 100 0142" },
        { id: 2, name: "Carlos", phone: "+1 202 555 0142" },
    ];
}

defineMailModels();
defineModels([Customer]);

const FORM = `<form><group><field name="name"/><field name="phone" widget="phone"/></group></form>`;
const NOTICE = ".o_notification.o_crm_voip_dial";
const ANNOUNCED = `${NOTICE}:not(.o_crm_voip_dial_refused)`;
const REFUSED = ".o_notification.o_crm_voip_dial_refused";

/** The person has a phone, and Odoo answers to a click on a number. */
function usePhone(
    answer = { state: "sent", command: 7, text: "Your phone rings, then Lotte is called." },
) {
    patchWithCleanup(session, { crm_voip: { dial: true } });
    onRpc("crm.voip.command", "dial", ({ args }) => {
        expect.step(JSON.stringify(args));
        return typeof answer === "function" ? answer(args) : answer;
    });
    // a link that is followed all the same leads nowhere here
    patchWithCleanup(browser.location, { assign: (href) => expect.step(href) });
}

/** In a form, the link shows under the mouse only. */
async function clickLink() {
    await contains(".o_field_phone a", { visible: false }).click();
}

async function tell(told) {
    // the websocket has a moment to connect
    await advanceTime(500);
    MockServer.env["bus.bus"]._sendone(serverState.partnerId, "crm_voip_bridge/command", {
        kind: "dial",
        number: "+31301000142",
        reason: "",
        ...told,
    });
    await advanceTime(500);
    await animationFrame();
}

test.tags("headless");
test("a link that is no proper one is read as it stands", () => {
    const link = document.createElement("a");
    link.setAttribute("href", "tel:100%");
    expect(readLink(link)).toEqual({ number: "100%", resModel: false, resId: false });
});

describe.tags("desktop");
describe("the click", () => {
    test("in a form: it dials, with the record", async () => {
        usePhone();
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        expect.verifySteps(['["0301000142","customer",1,false]']);
        expect(NOTICE).toHaveCount(1);
        expect(NOTICE).toHaveText("Your phone rings, then Lotte is called.");
    });

    test("in a readonly form", async () => {
        usePhone();
        await mountView({
            type: "form",
            resModel: "customer",
            resId: 2,
            arch: `<form edit="0"><field name="phone" widget="phone" readonly="1"/></form>`,
        });
        await clickLink();
        expect.verifySteps(['["+12025550142","customer",2,false]']);
    });

    test("by keyboard, as with any link", async () => {
        usePhone();
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        // the browser makes a click of Enter on a link
        queryFirst(".o_field_phone a").click();
        await animationFrame();
        expect.verifySteps(['["0301000142","customer",1,false]']);
    });

    test("in a list: it dials and opens no record", async () => {
        usePhone();
        await mountView({
            type: "list",
            resModel: "customer",
            arch: `<list><field name="name"/><field name="phone" widget="phone"/></list>`,
            selectRecord: (id) => expect.step(`open ${id}`),
        });
        await contains(".o_data_row:eq(1) .o_field_phone a").click();
        expect.verifySteps(['["+12025550142","customer",2,false]']);
        await contains(".o_data_row:eq(1) td[name=name]").click();
        expect.verifySteps(["open 2"]);
    });

    test("in a list of contacts: text for who has no phone here", async () => {
        // decided when the page loads, and no test has a phone then
        await mountView({
            type: "list",
            resModel: "customer",
            arch: `<list><field name="phone" widget="crm_voip_phone" options="{'enable_sms': False}"/></list>`,
        });
        expect("td[name=phone] a").toHaveCount(0);
        expect("td[name=phone]:eq(0)").toHaveText("030 100 0142");
        expect("td[name=phone] [data-crm-voip-record='customer,1']").toHaveCount(1);
    });

    test("in a card: it dials and opens no record", async () => {
        usePhone();
        await mountView({
            type: "kanban",
            resModel: "customer",
            arch: `
                <kanban><templates><t t-name="card">
                    <field name="name"/><field name="phone" widget="phone"/>
                </t></templates></kanban>`,
            selectRecord: (id) => expect.step(`open ${id}`),
        });
        await contains(".o_kanban_record:eq(1) .o_field_phone a").click();
        expect.verifySteps(['["+12025550142","customer",2,false]']);
        await contains(
            ".o_kanban_record:eq(1) [name=name], .o_kanban_record:eq(1) span:contains(Carlos)",
        ).click();
        expect.verifySteps(["open 2"]);
    });

    test("any other link to a number, without a record", async () => {
        usePhone();
        await mountWithCleanup(WebClient);
        getFixture().insertAdjacentHTML(
            "beforeend",
            `<a class="other" href="tel:+31%2030%20100%200142"><b>Lotte</b></a>`,
        );
        await click(".other b");
        await animationFrame();
        expect.verifySteps(['["+31 30 100 0142",false,false,false]']);
    });

    test("is left to whoever handled it, and to who writes", async () => {
        usePhone();
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        getFixture().insertAdjacentHTML(
            "beforeend",
            `<a class="handled" href="tel:1">1</a><a class="stopped" href="tel:2">2</a>
             <div contenteditable="true"><a class="written" href="tel:3">3</a></div>`,
        );
        on(".handled", "click", (ev) => ev.preventDefault());
        on(".stopped", "click", (ev) => (ev.preventDefault(), ev.stopPropagation()));
        await click(".handled");
        await click(".stopped");
        await click(".written");
        await animationFrame();
        expect(NOTICE).toHaveCount(0);
        expect.verifySteps([]);
    });

    test("is the browser's own with another button or a key", async () => {
        usePhone();
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        getFixture().insertAdjacentHTML("beforeend", `<a class="plain" href="tel:+3140">+3140</a>`);
        await contains(".plain").click();
        expect.verifySteps(['["+3140",false,false,false]']);
        for (const key of ["Control", "Shift", "Alt", "Meta"]) {
            await keyDown(key);
            await click(".plain");
            await keyUp(key);
        }
        await animationFrame();
        expect(NOTICE).toHaveCount(1);
        expect.verifySteps([]);
    });

    test("does nothing of ours for who has no phone here", async () => {
        usePhone();
        patchWithCleanup(session, { crm_voip: { dial: false } });
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        await animationFrame();
        expect(".o_field_phone a").toHaveCount(1);
        expect.verifySteps([]);
    });

    test("does nothing of ours on a telephone in the hand", async () => {
        mockUserAgent("android");
        usePhone();
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        await animationFrame();
        expect(".o_field_phone a").toHaveCount(1);
        expect.verifySteps([]);
    });
});

describe.tags("desktop");
describe("the answer", () => {
    test("a number on the blacklist is asked for", async () => {
        usePhone(([, , , confirmed]) =>
            confirmed
                ? { state: "sent", command: 8, text: "Your phone rings." }
                : { state: "confirm", text: "Lotte does not wish to be called. Call anyway?" },
        );
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        expect(".modal-body").toHaveText("Lotte does not wish to be called. Call anyway?");
        await contains(".modal-footer .btn-secondary").click();
        expect.verifySteps(['["0301000142","customer",1,false]']);
        expect(NOTICE).toHaveCount(0);
        await clickLink();
        await contains(".modal-footer .btn-primary").click();
        expect.verifySteps([
            '["0301000142","customer",1,false]',
            '["0301000142","customer",1,true]',
        ]);
        expect(NOTICE).toHaveText("Your phone rings.");
    });

    test("a refusal is a word beside the page, not a dialog", async () => {
        usePhone(() => {
            throw makeServerError({ message: "0900 costs more than a usual call." });
        });
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        expect.verifySteps(['["0301000142","customer",1,false]']);
        expect(REFUSED).toHaveText("0900 costs more than a usual call.");
        expect(".modal").toHaveCount(0);
    });

    test("without an extension any more it is a link as any other", async () => {
        usePhone({ state: "tel" });
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        await animationFrame();
        expect.verifySteps(['["0301000142","customer",1,false]', "tel:0301000142"]);
        expect(NOTICE).toHaveCount(0);
    });
});

describe.tags("desktop");
describe("what becomes of it", () => {
    test("once the own phone is answered, nothing is left to say", async () => {
        usePhone();
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        await tell({ id: 7, state: "accepted" });
        expect(NOTICE).toHaveCount(1);
        await tell({ id: 7, state: "done" });
        await waitForNone(NOTICE);
        expect.verifySteps(['["0301000142","customer",1,false]']);
    });

    test("a refusal takes the place of the announcement", async () => {
        usePhone();
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        await tell({ id: 7, state: "refused", reason: "Your phone is busy. <b>x</b>" });
        await waitForNone(ANNOUNCED);
        expect(REFUSED).toHaveText("Your phone is busy. <b>x</b>");
        expect(`${REFUSED} b`).toHaveCount(0);
        expect.verifySteps(['["0301000142","customer",1,false]']);
    });

    test("a result that is here before the answer", async () => {
        let answer;
        usePhone(() => new Promise((resolve) => (answer = resolve)));
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        await tell({ id: 7, state: "refused", reason: "Your phone is busy." });
        expect(NOTICE).toHaveCount(0);
        answer({ state: "sent", command: 7, text: "Your phone rings." });
        await animationFrame();
        await animationFrame();
        await waitForNone(ANNOUNCED);
        expect(REFUSED).toHaveText("Your phone is busy.");
        expect.verifySteps(['["0301000142","customer",1,false]']);
    });

    test("a refusal of a page that was left is told all the same, once", async () => {
        usePhone();
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await tell({ id: 99, state: "done" });
        await tell({ id: 98, state: "refused", reason: "Your phone is busy." });
        await advanceTime(6000);
        await animationFrame();
        expect(REFUSED).toHaveCount(1);
    });

    test("when nobody says anything, Odoo is asked", async () => {
        usePhone();
        onRpc("crm.voip.command", "outcome", ({ args }) => {
            expect.step(`outcome ${args}`);
            return {
                id: 7,
                kind: "dial",
                state: "expired",
                number: "",
                reason: "Not taken in time.",
            };
        });
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        await advanceTime(18500);
        await animationFrame();
        expect.verifySteps(['["0301000142","customer",1,false]', "outcome 7"]);
        await waitForNone(ANNOUNCED);
        expect(REFUSED).toHaveText("Not taken in time.");
    });

    test("while the phone still rings, there is nothing to complain of", async () => {
        usePhone();
        onRpc("crm.voip.command", "outcome", () => ({ id: 7, state: "accepted", reason: "" }));
        await mountView({ type: "form", resModel: "customer", resId: 1, arch: FORM });
        await clickLink();
        await advanceTime(18500);
        await animationFrame();
        expect(REFUSED).toHaveCount(0);
        expect(NOTICE).toHaveCount(1);
        await tell({ id: 7, state: "refused", reason: "Your phone rang and was not answered." });
        expect(REFUSED).toHaveText("Your phone rang and was not answered.");
        expect.verifySteps(['["0301000142","customer",1,false]']);
    });

    test("hanging up and transferring are followed in the same way", async () => {
        patchWithCleanup(session, { crm_voip: { dial: false } });
        onRpc("crm.voip.call", "card_hangup", ({ args }) => {
            expect.step(`hangup ${args}`);
            return { state: "sent", command: 9, text: "Hanging up." };
        });
        onRpc("crm.voip.call", "card_transfer", ({ args }) => {
            expect.step(`transfer ${args}`);
            throw makeServerError({ message: "Nobody has the extension 999." });
        });
        await mountWithCleanup(WebClient);
        expect(await getService("crm_voip_dial").hangup(5)).toBe("sent");
        await animationFrame();
        expect(NOTICE).toHaveText("Hanging up.");
        await tell({ id: 9, kind: "hangup", state: "done" });
        await waitForNone(NOTICE);
        expect(await getService("crm_voip_dial").transfer(5, "999")).toBe("refused");
        await animationFrame();
        expect(REFUSED).toHaveText("Nobody has the extension 999.");
        expect.verifySteps(["hangup 5", "transfer 5,999"]);
    });
});
