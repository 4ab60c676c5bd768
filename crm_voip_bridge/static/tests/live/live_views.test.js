import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import {
    defineModels,
    fields,
    getService,
    MockServer,
    models,
    mountView,
    onRpc,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";

class Call extends models.Model {
    _name = "call";

    customer = fields.Char();

    _records = [{ id: 1, customer: "Lotte" }];
}

defineMailModels();
defineModels([Call]);
describe.current.tags("desktop");

const LIST = `<list js_class="crm_voip_live_list"><field name="customer"/></list>`;
const KANBAN = /* xml */ `
    <kanban js_class="crm_voip_live_kanban">
        <templates><t t-name="card"><field name="customer"/></t></templates>
    </kanban>`;

const names = () => queryAllTexts(".o_data_cell, .o_kanban_record:not(.o_kanban_ghost)");

/** Say on the bus that calls changed, and wait until the page heard it. */
async function tell(count = 1) {
    let heard = 0;
    const onHeard = () => heard++;
    getService("bus_service").subscribe("crm_voip_bridge/live", onHeard);
    for (let n = 0; n < count; n++) {
        MockServer.env["bus.bus"]._sendone(serverState.partnerId, "crm_voip_bridge/live", {
            ids: [2],
        });
    }
    while (heard < count) {
        await animationFrame();
    }
    getService("bus_service").unsubscribe("crm_voip_bridge/live", onHeard);
}

async function mountLive(type = "list", arch = LIST) {
    const loads = { count: 0 };
    onRpc("call", "web_search_read", () => {
        loads.count++;
    });
    await mountView({ type, resModel: "call", arch });
    loads.count = 0;
    return loads;
}

for (const [type, arch] of [
    ["list", LIST],
    ["kanban", KANBAN],
]) {
    test(`a call that begins appears in the ${type}, and goes when it ends`, async () => {
        await mountLive(type, arch);
        expect(names()).toEqual(["Lotte"]);
        const [id] = [MockServer.env["call"].create({ customer: "Jens" })].flat();
        await tell();
        await advanceTime(10);
        await animationFrame();
        expect(names()).toEqual(["Lotte", "Jens"]);
        MockServer.env["call"].unlink([id]);
        await tell();
        await advanceTime(1000);
        await animationFrame();
        expect(names()).toEqual(["Lotte"]);
    });
}

test("once a second at most, and the last word is not lost", async () => {
    const loads = await mountLive();
    await tell(5);
    await advanceTime(10);
    expect(loads.count).toBe(1);
    await tell(5);
    await advanceTime(500);
    expect(loads.count).toBe(1);
    await advanceTime(600);
    expect(loads.count).toBe(2);
    await advanceTime(5000);
    expect(loads.count).toBe(2);
});

test("not while nobody looks; then once", async () => {
    let visibility = "hidden";
    patchWithCleanup(document, {
        get visibilityState() {
            return visibility;
        },
    });
    const loads = await mountLive();
    await tell(3);
    await advanceTime(3000);
    expect(loads.count).toBe(0);
    visibility = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
    await advanceTime(10);
    expect(loads.count).toBe(1);
    document.dispatchEvent(new Event("visibilitychange"));
    await advanceTime(3000);
    expect(loads.count).toBe(1);
});
