import { expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";

class Call extends models.Model {
    _name = "call";

    direction = fields.Selection({
        selection: [
            ["inbound", "Inbound"],
            ["outbound", "Outbound"],
            ["internal", "Internal"],
        ],
    });

    _records = [
        { id: 1, direction: "inbound" },
        { id: 2, direction: "outbound" },
        { id: 3, direction: "internal" },
        { id: 4, direction: false },
    ];
}

defineMailModels();
defineModels([Call]);

test.tags("desktop");
test("an arrow and the word, nothing for no direction", async () => {
    await mountView({
        type: "list",
        resModel: "call",
        arch: `<list><field name="direction" widget="crm_voip_direction"/></list>`,
    });
    expect(queryAllTexts("td[name='direction']")).toEqual(["Inbound", "Outbound", "Internal", ""]);
    expect(".o_data_row:eq(0) i.oi-arrow-down-left").toHaveCount(1);
    expect(".o_data_row:eq(1) i.oi-arrow-up-right").toHaveCount(1);
    expect(".o_data_row:eq(2) i.oi-arrows-h").toHaveCount(1);
    expect(".o_data_row:eq(3) i").toHaveCount(0);
});

test("in a card", async () => {
    await mountView({
        type: "kanban",
        resModel: "call",
        arch: `
            <kanban><templates><t t-name="card">
                <field name="direction" widget="crm_voip_direction"/>
            </t></templates></kanban>`,
    });
    expect(".o_kanban_record:eq(0) .o_crm_voip_direction").toHaveText("Inbound");
});
