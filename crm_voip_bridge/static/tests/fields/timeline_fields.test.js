import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { mockDate, mockTimeZone } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";

import { formatCrmVoipWhen } from "@crm_voip_bridge/fields/when_field";

const { DateTime } = luxon;

class Row extends models.Model {
    _name = "row";

    date = fields.Datetime();
    whole_day = fields.Boolean();
    icon = fields.Char();
    kind = fields.Selection({
        selection: [
            ["call", "Call"],
            ["note", "Note"],
        ],
    });
    direction = fields.Selection({
        selection: [
            ["inbound", "From the customer"],
            ["outbound", "To the customer"],
        ],
    });

    _records = [
        {
            id: 1,
            date: "2026-11-02 09:00:00",
            kind: "call",
            icon: "fa-phone",
            direction: "inbound",
        },
        { id: 2, date: "2026-11-05 12:00:00", whole_day: true, kind: "note", icon: "fa-clock-o" },
        {
            id: 3,
            date: "2025-11-02 09:00:00",
            kind: "call",
            icon: "fa-phone",
            direction: "outbound",
        },
    ];
}

defineMailModels();
defineModels([Row]);

describe("when", () => {
    const now = DateTime.fromISO("2026-11-02T10:00:00", { zone: "utc" });

    test.tags("headless");
    test("the year only if it is another", () => {
        const moment = DateTime.fromISO("2026-11-24T14:05:00", { zone: "utc" });
        expect(formatCrmVoipWhen(moment, false, now)).toBe("Tue, Nov 24 2:05 PM");
        expect(formatCrmVoipWhen(moment.minus({ years: 1 }), false, now)).toBe(
            "Nov 24, 2025 2:05 PM",
        );
        expect(formatCrmVoipWhen(false, false, now)).toBe("");
    });

    test.tags("headless");
    test("a whole day stays that day in every time zone", () => {
        const noon = DateTime.fromISO("2026-11-24T12:00:00", { zone: "utc" });
        for (const zone of ["Pacific/Auckland", "Pacific/Honolulu", "Europe/Amsterdam"]) {
            expect(formatCrmVoipWhen(noon.setZone(zone), true, now)).toBe("Tue, Nov 24");
        }
    });
});

test.tags("desktop");
test("rows of a time line", async () => {
    mockDate("2026-11-02 12:00:00");
    mockTimeZone(+1);
    await mountView({
        type: "list",
        resModel: "row",
        arch: `
            <list>
                <field name="date" widget="crm_voip_when"/>
                <field name="kind" widget="crm_voip_kind"/>
            </list>`,
    });
    expect(queryAllTexts("td[name='date']")).toEqual([
        "Mon, Nov 2 10:00 AM",
        "Thu, Nov 5",
        "Nov 2, 2025 10:00 AM",
    ]);
    expect(".o_data_row:eq(0) .fa-phone + .oi-arrow-down-left").toHaveCount(1);
    expect(".o_data_row:eq(0) .visually-hidden").toHaveText("From the customer");
    expect(".o_data_row:eq(1) .fa-clock-o").toHaveCount(1);
    expect(".o_data_row:eq(1) .oi").toHaveCount(0);
    expect(".o_data_row:eq(2) .oi-arrow-up-right").toHaveCount(1);
});
