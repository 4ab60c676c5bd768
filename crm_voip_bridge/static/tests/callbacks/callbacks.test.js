import { describe, expect, test } from "@odoo/hoot";
import { press, queryAllTexts, queryOne } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import {
    contains,
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
    patchTranslations,
} from "@web/../tests/web_test_helpers";
import { registry } from "@web/core/registry";

import { readLink } from "@crm_voip_bridge/dial/dial_service";
import { formatCrmVoipMinutes } from "@crm_voip_bridge/callbacks/minutes_field";

class Callback extends models.Model {
    _name = "callback";

    name = fields.Char();
    number = fields.Char();
    working_minutes = fields.Float();

    _records = [
        { id: 1, name: "Lotte", number: "+31 20 100 0101", working_minutes: 45 },
        { id: 2, name: "Jens", number: "<b>1</b>", working_minutes: 185.4 },
        { id: 3, name: "Dewi", number: false, working_minutes: 0 },
    ];
}

defineMailModels();
defineModels([Callback]);

const FORM = /* xml */ `
    <form js_class="crm_voip_callback_form" edit="false">
        <header>
            <widget name="crm_voip_call_button" field="number" options="{'hotkey': 'k'}"/>
            <button name="action_next" type="object" string="Next" data-hotkey="x"/>
        </header>
        <field name="name"/>
        <field name="number"/>
    </form>`;

describe("the number to call", () => {
    test("is a link in lists, text whatever it is, nothing without a number", async () => {
        await mountView({
            type: "list",
            resModel: "callback",
            arch: `<list><field name="number" widget="crm_voip_call_number"/></list>`,
        });
        expect(queryAllTexts("td[name='number']")).toEqual(["+31 20 100 0101", "<b>1</b>", ""]);
        expect("a.o_crm_voip_call_number").toHaveCount(2);
        expect("a.o_crm_voip_call_number:eq(0)").toHaveAttribute("href", "tel:+31201000101");
        expect("td[name='number'] b").toHaveCount(0);
    });

    test("is a link that click to call takes, with the record that it is on", async () => {
        await mountView({ type: "form", resModel: "callback", resId: 1, arch: FORM });
        const button = queryOne("a.btn.o_crm_voip_call_number");
        expect(readLink(button)).toEqual({
            number: "+31201000101",
            resModel: "callback",
            resId: 1,
        });
    });
});

describe("working through", () => {
    test.tags("desktop");
    test("Next shows the next one in place", async () => {
        onRpc("callback", "next_open", ({ args }) => (args[0][0] === 1 ? 2 : false));
        await mountView({ type: "form", resModel: "callback", resId: 1, resIds: [1], arch: FORM });
        expect(".o_field_widget[name='name']").toHaveText("Lotte");
        await contains("button[name='action_next']").click();
        expect(".o_field_widget[name='name']").toHaveText("Jens");
        await contains("button[name='action_next']").click();
        expect(".o_field_widget[name='name']").toHaveText("Jens");
        expect(".o_notification").toHaveText(/last one/);
    });

    test.tags("desktop");
    test("and by its key", async () => {
        onRpc("callback", "next_open", () => 3);
        await mountView({ type: "form", resModel: "callback", resId: 1, arch: FORM });
        await press(["alt", "x"]);
        await animationFrame();
        await animationFrame();
        expect(".o_field_widget[name='name']").toHaveText("Dewi");
    });
});

describe("working minutes", () => {
    test.tags("headless");
    test("as people say them", () => {
        patchTranslations();
        expect(formatCrmVoipMinutes(0)).toBe("0 min");
        expect(formatCrmVoipMinutes(59.4)).toBe("59 min");
        expect(formatCrmVoipMinutes(59.6)).toBe("1 h 00");
        expect(formatCrmVoipMinutes(185)).toBe("3 h 05");
        expect(registry.category("formatters").get("crm_voip_minutes")(61)).toBe("1 h 01");
    });

    test.tags("headless");
    test("nothing for what was not measured", () => {
        for (const value of [false, null, undefined, "", NaN, Infinity]) {
            expect(formatCrmVoipMinutes(value)).toBe("");
        }
    });

    test("in a list", async () => {
        await mountView({
            type: "list",
            resModel: "callback",
            arch: `<list><field name="working_minutes" widget="crm_voip_minutes"/></list>`,
        });
        expect(queryAllTexts("td[name='working_minutes']")).toEqual(["45 min", "3 h 05", "0 min"]);
    });
});
