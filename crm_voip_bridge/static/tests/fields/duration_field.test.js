import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { defineModels, fields, models, mountView, onRpc } from "@web/../tests/web_test_helpers";
import { registry } from "@web/core/registry";

import { formatCrmVoipDuration } from "@crm_voip_bridge/fields/duration_field";

class Call extends models.Model {
    _name = "call";

    customer = fields.Char();
    talk_s = fields.Float({ string: "Talk", aggregator: "sum" });

    _records = [
        { id: 1, customer: "Lotte", talk_s: 65.4 },
        { id: 2, customer: "Lotte", talk_s: 3600 },
        { id: 3, customer: "Jens", talk_s: 0 },
        { id: 4, customer: "Dewi", talk_s: false },
    ];
}

defineMailModels();
defineModels([Call]);

const LIST = /* xml */ `
    <list>
        <field name="customer"/>
        <field name="talk_s" widget="crm_voip_duration" sum="Total"/>
    </list>`;

/** The mock server has no floats without a value; Odoo answers with false for ours. */
function answerUnmeasured() {
    const clear = (rows, isUnmeasured, name) =>
        rows.filter(isUnmeasured).forEach((row) => Object.assign(row, { [name]: false }));
    onRpc("call", "web_search_read", async ({ parent }) => {
        const answer = await parent();
        clear(answer.records, (record) => record.id === 4, "talk_s");
        return answer;
    });
    onRpc("call", "web_read", async ({ parent }) => {
        const records = await parent();
        clear(records, (record) => record.id === 4, "talk_s");
        return records;
    });
    onRpc("call", "web_read_group", async ({ parent }) => {
        const answer = await parent();
        clear(answer.groups, (group) => group.customer === "Dewi", "talk_s:sum");
        return answer;
    });
}

describe("the format", () => {
    test.tags("headless");
    test("minutes and seconds, hours where there are some", () => {
        expect(formatCrmVoipDuration(7)).toBe("0:07");
        expect(formatCrmVoipDuration(60)).toBe("1:00");
        expect(formatCrmVoipDuration(754)).toBe("12:34");
        expect(formatCrmVoipDuration(3599)).toBe("59:59");
        expect(formatCrmVoipDuration(3600)).toBe("1:00:00");
        expect(formatCrmVoipDuration(3723)).toBe("1:02:03");
        expect(formatCrmVoipDuration(360000)).toBe("100:00:00");
    });

    test.tags("headless");
    test("a measured zero is shown, what was not measured is not", () => {
        expect(formatCrmVoipDuration(0)).toBe("0:00");
        for (const value of [false, null, undefined, "", NaN, Infinity]) {
            expect(formatCrmVoipDuration(value)).toBe("");
        }
    });

    test.tags("headless");
    test("parts of a second are rounded, also over a minute and an hour", () => {
        expect(formatCrmVoipDuration(0.4)).toBe("0:00");
        expect(formatCrmVoipDuration(59.6)).toBe("1:00");
        expect(formatCrmVoipDuration(3599.5)).toBe("1:00:00");
    });

    test.tags("headless");
    test("a clock behind ours has a sign, nothing has none", () => {
        expect(formatCrmVoipDuration(-75)).toBe("-1:15");
        expect(formatCrmVoipDuration(-0.2)).toBe("0:00");
    });

    test.tags("headless");
    test("totals of pivots and graphs find it", () => {
        expect(registry.category("formatters").get("crm_voip_duration")(90)).toBe("1:30");
    });
});

describe.tags("desktop");
describe("in views", () => {
    test("a list and its total", async () => {
        answerUnmeasured();
        await mountView({ type: "list", resModel: "call", arch: LIST });
        expect(queryAllTexts("td[name='talk_s']")).toEqual(["1:05", "1:00:00", "0:00", ""]);
        expect(queryAllTexts("tfoot .o_list_number")).toEqual(["1:01:05"]);
    });

    test("the totals of groups", async () => {
        answerUnmeasured();
        await mountView({ type: "list", resModel: "call", arch: LIST, groupBy: ["customer"] });
        expect(queryAllTexts(".o_group_header .o_list_number")).toEqual(["", "0:00", "1:01:05"]);
    });

    test("a form shows the label of a measured zero, and nothing for what was not measured", async () => {
        answerUnmeasured();
        const arch = `<form><group><field name="talk_s" widget="crm_voip_duration" readonly="1"/></group></form>`;
        await mountView({ type: "form", resModel: "call", resId: 3, arch });
        expect(".o_field_widget[name='talk_s']").toHaveText("0:00");
        expect(".o_field_widget[name='talk_s']").not.toHaveClass("o_field_empty");
    });

    test("a form of what was not measured", async () => {
        answerUnmeasured();
        const arch = `<form><group><field name="talk_s" widget="crm_voip_duration" readonly="1"/></group></form>`;
        await mountView({ type: "form", resModel: "call", resId: 4, arch });
        expect(".o_field_widget[name='talk_s']").toHaveText("");
        expect(".o_field_widget[name='talk_s']").toHaveClass("o_field_empty");
    });

    test("a pivot", async () => {
        await mountView({
            type: "pivot",
            resModel: "call",
            arch: `<pivot><field name="talk_s" type="measure" widget="crm_voip_duration"/></pivot>`,
        });
        expect(".o_pivot_cell_value").toHaveText("1:01:05");
    });
});
