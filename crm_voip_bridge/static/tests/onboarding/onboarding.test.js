import { describe, expect, test } from "@odoo/hoot";
import { click, queryAll, queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import {
    defineModels,
    fields,
    MockServer,
    mockService,
    models,
    mountView,
    onRpc,
    serverState,
} from "@web/../tests/web_test_helpers";

import { markup } from "@odoo/owl";

import { FOLLOW } from "@crm_voip_bridge/onboarding/call_views";
import { POLL } from "@crm_voip_bridge/onboarding/onboarding";

class Call extends models.Model {
    _name = "call";

    customer = fields.Char();
    disposition = fields.Char();
}

class Pbx extends models.Model {
    _name = "crm.voip.pbx";
}

defineMailModels();
defineModels([Call, Pbx]);

const NOTHING = {
    calls: false,
    can_set_up: true,
    who: [],
    pbx: false,
    key: false,
    bridge: "never",
    says: "",
    known: 0,
    ticked: 0,
    numbers: [],
};
const ENTERED = { ...NOTHING, pbx: { id: 7, name: "Harbour" }, key: true };
const CONNECTED = { ...ENTERED, bridge: "connected", known: 5 };
const TICKED = { ...CONNECTED, ticked: 2, numbers: ["101", "102"] };

const VIEWS = {
    list: `<list js_class="crm_voip_call_list"><field name="customer"/><field name="disposition" column_invisible="1"/></list>`,
    kanban: /* xml */ `
        <kanban js_class="crm_voip_call_kanban">
            <field name="disposition"/>
            <templates><t t-name="card"><field name="customer"/><b t-out="record.disposition.value"/></t></templates>
        </kanban>`,
};

/** An empty screen of calls; what is returned says how far it is, and how often it was asked. */
async function mountCalls(state, type = "list") {
    const server = { state, asked: 0 };
    onRpc("crm.voip.pbx", "onboarding_state", () => {
        server.asked++;
        if (server.state instanceof Error) {
            throw server.state;
        }
        return server.state;
    });
    await mountView({
        type,
        resModel: "call",
        arch: VIEWS[type],
        noContentHelp: markup`<p class="o_usual_words">No calls yet</p>`,
    });
    return server;
}

const done = () => queryAll(".o_crm_voip_step.o_done").map((step) => step.dataset.step);
const ticked = () => queryAll(".o_crm_voip_tick.o_done").map((tick) => tick.dataset.tick);
const present = () =>
    queryAll(".o_crm_voip_step[aria-current='step']").map((step) => step.dataset.step);

async function poll() {
    await advanceTime(POLL);
    await animationFrame();
}

describe("the steps", () => {
    for (const type of Object.keys(VIEWS)) {
        test(`ticks come by themselves in the ${type}`, async () => {
            const server = await mountCalls(NOTHING, type);
            expect(".o_usual_words").toHaveCount(0);
            expect([done(), ticked(), present()]).toEqual([[], [], ["1"]]);
            expect("button[name='connect']").toHaveText("Connect a PBX");
            server.state = ENTERED;
            await poll();
            expect([done(), ticked(), present()]).toEqual([[], ["pbx", "key"], ["1"]]);
            expect("button[name='connect']").toHaveText("Open the PBX");
            expect("[data-tick='pbx']").toHaveText(/Harbour/);
            server.state = CONNECTED;
            await poll();
            expect([done(), ticked(), present()]).toEqual([["1"], ["pbx", "key", "bridge"], ["2"]]);
            expect("[data-step='2']").toHaveText(/Known: 5, none ticked/);
            server.state = TICKED;
            await poll();
            expect([done(), present()]).toEqual([["1", "2"], ["3"]]);
            expect("[data-step='3']").toHaveText(/ring 101, 102/);
        });

        test(`the first call appears by itself in the ${type}, and ends there`, async () => {
            const shown = () =>
                queryAllTexts(".o_data_cell, .o_kanban_record:not(.o_kanban_ghost)").join();
            const server = await mountCalls(TICKED, type);
            const [id] = [
                MockServer.env["call"].create({ customer: "Lotte", disposition: "in_progress" }),
            ].flat();
            server.state = { calls: true, can_set_up: true, who: [] };
            await poll();
            await animationFrame();
            expect(".o_crm_voip_onboarding").toHaveCount(0);
            expect(shown()).toMatch(/^Lotte/);
            const { asked } = server;
            MockServer.env["call"].write([id], {
                customer: "Lotte, ended",
                disposition: "answered",
            });
            await advanceTime(FOLLOW);
            await animationFrame();
            expect(shown()).toMatch(/^Lotte, ended/);
            // and then it is a list like others
            MockServer.env["call"].write([id], { customer: "Jens" });
            await poll();
            expect(shown()).toMatch(/^Lotte, ended/);
            expect(server.asked).toBe(asked);
        });
    }

    test("the bus is quicker than the poll", async () => {
        const server = await mountCalls(ENTERED);
        server.state = CONNECTED;
        MockServer.env["bus.bus"]._sendone(serverState.partnerId, "crm_voip_bridge/onboarding", {});
        while (!done().length) {
            await animationFrame();
        }
        expect(done()).toEqual(["1"]);
        // a call is there a moment after the event that told of it
        server.state = { calls: true, can_set_up: true, who: [] };
        MockServer.env["call"].create({ customer: "Lotte" });
        await advanceTime(1500);
        await animationFrame();
        expect(queryAllTexts(".o_data_cell")).toEqual(["Lotte"]);
    });

    test("what is wrong with the bridge is said, as text", async () => {
        const server = await mountCalls({
            ...ENTERED,
            bridge: "trouble",
            says: "<b>no</b> secret",
        });
        expect("[data-tick='bridge']").toHaveText(/<b>no<\/b> secret/);
        expect("[data-tick='bridge'] .fa-exclamation-circle").toHaveCount(1);
        server.state = { ...ENTERED, bridge: "silent" };
        await poll();
        expect("[data-tick='bridge']").toHaveText(/silent/);
    });

    test("a server that does not answer changes nothing", async () => {
        const server = await mountCalls(CONNECTED);
        server.state = new Error("away");
        await poll();
        expect(done()).toEqual(["1"]);
        server.state = TICKED;
        await poll();
        expect(done()).toEqual(["1", "2"]);
    });

    test("buttons go where the step is done", async () => {
        const actions = [];
        mockService("action", {
            doAction(action) {
                actions.push(action.res_model ? `${action.res_model},${action.res_id}` : action);
            },
        });
        const server = await mountCalls(NOTHING);
        await click("button[name='connect']");
        server.state = ENTERED;
        await poll();
        await click("button[name='connect']");
        await click("button[name='extensions']");
        expect(actions).toEqual([
            "crm.voip.pbx,false",
            "crm.voip.pbx,7",
            "crm_voip_bridge.crm_voip_extension_action",
        ]);
    });
});

test("who cannot set it up is told who can", async () => {
    await mountCalls({ calls: false, can_set_up: false, who: ["Nadia", "Priya"] });
    expect(".o_crm_voip_onboarding_who").toHaveText(/Nadia, Priya/);
    expect(".o_crm_voip_onboarding button").toHaveCount(0);
});

test("with calls elsewhere, an empty list says what it always says", async () => {
    const server = await mountCalls({ calls: true, can_set_up: true, who: [] });
    expect(".o_usual_words").toHaveCount(1);
    expect(".o_crm_voip_onboarding").toHaveCount(0);
    await poll();
    expect(server.asked).toBe(1);
});
