import { expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime, mockDate } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";

class Call extends models.Model {
    _name = "call";

    started_at = fields.Datetime();

    _records = [
        { id: 1, started_at: "2026-11-02 08:59:53" },
        { id: 2, started_at: "2026-11-02 07:58:57" },
        { id: 3, started_at: "2026-11-02 09:00:02" },
        { id: 4, started_at: false },
    ];
}

defineMailModels();
defineModels([Call]);

test.tags("desktop");
test("runs, from nought where the clock here is behind", async () => {
    mockDate("2026-11-02 09:00:00");
    await mountView({
        type: "list",
        resModel: "call",
        arch: `<list><field name="started_at" widget="crm_voip_clock"/></list>`,
    });
    expect(queryAllTexts("td[name='started_at']")).toEqual(["0:07", "1:01:03", "0:00", ""]);
    await advanceTime(1000);
    expect(queryAllTexts("td[name='started_at']")).toEqual(["0:08", "1:01:04", "0:00", ""]);
    await advanceTime(59000);
    expect(queryAllTexts("td[name='started_at']")).toEqual(["1:07", "1:02:03", "0:58", ""]);
    // not read out each second
    expect(".o_crm_voip_clock:first").toHaveAttribute("aria-live", "off");
});
