import { describe, expect, test } from "@odoo/hoot";
import { click, queryOne, waitFor, waitForNone } from "@odoo/hoot-dom";
import { advanceTime } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { MockServer, mountWithCleanup, onRpc, serverState } from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";

describe.current.tags("desktop");
defineMailModels();

const PLANNED = {
    call_id: 7,
    activity_id: 12,
    name: "Ask for the order",
    record: "Lotte <b>van Dijk</b>",
    duration: "12:30",
};

function tell(values = {}) {
    MockServer.env["bus.bus"]._sendone(serverState.partnerId, "crm_voip_bridge/planned", {
        ...PLANNED,
        ...values,
    });
}

test("says what was marked done, as text", async () => {
    await mountWithCleanup(WebClient);
    tell();
    await waitFor(".o_notification.o_crm_voip_planned");
    expect(".o_notification_content").toHaveText(
        "Planned call marked done. Ask for the order, with Lotte <b>van Dijk</b> (12:30)",
    );
    expect(".o_notification_content b").toHaveCount(0);
});

test("Undo takes it back, once", async () => {
    onRpc("crm.voip.call", "card_planned_undo", ({ args }) => {
        expect.step(`undo ${args[0]}`);
        return { message: "Planned again: Ask for the order" };
    });
    await mountWithCleanup(WebClient);
    tell();
    await waitFor(".o_crm_voip_planned");
    await click(queryOne(".o_crm_voip_planned .o_notification_buttons button"));
    await waitFor(".o_notification:contains(Planned again)");
    expect.verifySteps(["undo 7"]);
    expect(".o_crm_voip_planned").toHaveCount(0);
});

test("goes away by itself, and not too soon", async () => {
    await mountWithCleanup(WebClient);
    tell({ record: "" });
    await waitFor(".o_crm_voip_planned");
    expect(".o_notification_content").toHaveText(
        "Planned call marked done. Ask for the order (12:30)",
    );
    await advanceTime(10000);
    expect(".o_crm_voip_planned").toHaveCount(1);
    await advanceTime(10000);
    await waitForNone(".o_crm_voip_planned");
});
