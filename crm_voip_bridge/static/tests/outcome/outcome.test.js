import { describe, expect, test } from "@odoo/hoot";
import { click, edit, queryAllTexts, queryOne, runAllTimers } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import {
    defineModels,
    fields,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import { registry } from "@web/core/registry";

import { CrmVoipAgreedSteps } from "@crm_voip_bridge/outcome/agreed_steps";

class Outcome extends models.Model {
    _name = "outcome";

    name = fields.Char();
    icon = fields.Char();

    _records = [
        { id: 1, name: "Interested", icon: "fa-thumbs-up" },
        { id: 2, name: "Broken", icon: "fa-x onclick" },
    ];
}

class Call extends models.Model {
    _name = "call";

    customer = fields.Char();
    company_id = fields.Many2one({ relation: "res.company" });
    outcome_id = fields.Many2one({ relation: "outcome" });

    _records = [
        { id: 1, customer: "Lotte", company_id: 1 },
        { id: 2, customer: "Jens", company_id: 1 },
    ];
}

defineMailModels();
defineModels([Call, Outcome]);

const OUTCOMES = [
    { id: 1, name: "Interested", icon: "fa-thumbs-up", key: "1", color: 10, asks: false },
    { id: 2, name: "Promised …", icon: "fa-handshake-o", key: "3", color: 8, asks: "date" },
    {
        id: 3,
        name: "Lost",
        icon: false,
        key: false,
        color: 0,
        asks: "reason",
        choices: [[7, "Too dear"]],
    },
    {
        id: 4,
        name: "Unacceptable contact",
        icon: "fa-exclamation-triangle",
        key: "x",
        color: 1,
        asks: "fact",
        choices: [
            ["insult", "Insult"],
            ["harassment", "Harassment"],
        ],
    },
];

/** Answers as a server whose call has neither outcome nor note; every step is told. */
function answerDesk(read = {}) {
    const state = { note: "", outcome_id: false, promised_at: false, others: [], ...read };
    onRpc("crm.voip.wrapup", "desk_read", () => ({ ...state, outcomes: OUTCOMES }));
    onRpc("crm.voip.wrapup", "desk_outcomes", ({ args }) => {
        expect.step(`outcomes of ${args[0]}`);
        return OUTCOMES;
    });
    onRpc("crm.voip.wrapup", "desk_note", ({ args }) => {
        expect.step(`note ${args[0]}: ${args[1]}`);
        return true;
    });
    onRpc("crm.voip.wrapup", "desk_outcome", ({ args }) => {
        const [callId, outcomeId, values] = args;
        expect.step(`outcome ${callId}: ${outcomeId} ${JSON.stringify(values)}`);
        state.outcome_id = outcomeId;
        state.promised_at = values.promised_at || false;
        return { message: `Given: ${outcomeId}`, undo: true, done: true };
    });
    onRpc("crm.voip.wrapup", "desk_outcome_undo", ({ args }) => {
        expect.step(`undo ${args[0]}`);
        state.outcome_id = state.promised_at = false;
        return { message: "Taken back", undo: false };
    });
}

const FORM = /* xml */ `
    <form>
        <field name="customer"/>
        <widget name="crm_voip_after_call"/>
    </form>`;

async function mountForm() {
    await mountView({ resModel: "call", type: "form", resId: 1, arch: FORM });
    await animationFrame();
}

describe("after the call", () => {
    test("an outcome is given with one click, and taken back", async () => {
        answerDesk();
        await mountForm();
        expect(queryAllTexts(".o_crm_voip_outcome")).toEqual([
            "Interested",
            "Promised …",
            "Lost",
            "Unacceptable contact",
        ]);
        expect(".o_crm_voip_outcome.active").toHaveCount(0);
        await click(".o_crm_voip_outcome[data-outcome-id='1']");
        await animationFrame();
        expect.verifySteps(["outcome 1: 1 {}"]);
        expect(".o_crm_voip_outcome.active").toHaveText("Interested");
        expect(".o_crm_voip_outcome.active").toHaveAttribute("aria-pressed", "true");
        expect(".o_notification").toHaveText(/Given: 1/);
        await click(".o_notification button:contains(Undo)");
        await animationFrame();
        expect.verifySteps(["undo 1"]);
        expect(".o_crm_voip_outcome.active").toHaveCount(0);
    });

    test("the link takes it back, too", async () => {
        answerDesk({ outcome_id: 1 });
        await mountForm();
        await click(".o_crm_voip_take_back");
        await animationFrame();
        expect.verifySteps(["undo 1"]);
        expect(".o_crm_voip_take_back").toHaveCount(0);
    });

    test("a promise asks for a day", async () => {
        answerDesk();
        await mountForm();
        await click(".o_crm_voip_outcome[data-outcome-id='2']");
        await animationFrame();
        expect(".o_crm_voip_day").toHaveCount(4);
        const date = queryOne(".o_crm_voip_day:eq(1)").dataset.date;
        await click(".o_crm_voip_day:eq(1)");
        await animationFrame();
        expect.verifySteps([`outcome 1: 2 {"promised_at":"${date}"}`]);
        expect(".modal").toHaveCount(0);
        expect(".o_crm_voip_given").toHaveText(/Promised for/);
    });

    test("nothing is given when one changes one's mind", async () => {
        answerDesk();
        await mountForm();
        await click(".o_crm_voip_outcome[data-outcome-id='2']");
        await animationFrame();
        expect(".o_crm_voip_confirm").not.toBeEnabled();
        await click(".modal-footer .btn-secondary");
        await animationFrame();
        expect(".modal").toHaveCount(0);
        expect.verifySteps([]);
    });

    test("lost asks for a reason", async () => {
        answerDesk();
        await mountForm();
        await click(".o_crm_voip_outcome[data-outcome-id='3']");
        await animationFrame();
        await click(".o_crm_voip_reason:contains(Too dear)");
        await animationFrame();
        expect.verifySteps(['outcome 1: 3 {"reason":7}']);
    });

    test("a supervisor note asks for what was said", async () => {
        answerDesk();
        await mountForm();
        await click(".o_crm_voip_outcome[data-outcome-id='4']");
        await animationFrame();
        expect(".o_crm_voip_confirm").not.toBeEnabled();
        await click(".o_crm_voip_kind[data-kind='harassment']");
        await click(".modal textarea");
        await edit("He called <b>me</b> names");
        await animationFrame();
        await click(".o_crm_voip_confirm");
        await animationFrame();
        expect.verifySteps([
            'outcome 1: 4 {"fact":"He called <b>me</b> names","kind":"harassment"}',
        ]);
    });

    test("a note is saved while typing, once", async () => {
        answerDesk();
        await mountForm();
        await click(".o_crm_voip_note textarea");
        await edit("Blue", { confirm: false });
        expect.verifySteps([]);
        await runAllTimers();
        await animationFrame();
        expect.verifySteps(["note 1: Blue"]);
        expect(".o_crm_voip_saving").toHaveText("Saved");
        await click(".o_crm_voip_outcome[data-outcome-id='1']");
        await animationFrame();
        expect.verifySteps(["outcome 1: 1 {}"]);
    });

    test("what was typed last is saved before an outcome is given", async () => {
        answerDesk();
        await mountForm();
        await click(".o_crm_voip_note textarea");
        await edit("Blue", { confirm: false });
        await click(".o_crm_voip_outcome[data-outcome-id='1']");
        await animationFrame();
        expect.verifySteps(["note 1: Blue", "outcome 1: 1 {}"]);
    });

    test("what others noted is text", async () => {
        answerDesk({
            others: [{ name: "Rina", outcome: "Call back", note: "<img src=x onerror=alert(1)>" }],
        });
        await mountForm();
        expect(".o_crm_voip_other").toHaveText(/Rina/);
        expect(".o_crm_voip_other img").toHaveCount(0);
        expect(".o_crm_voip_noted").toHaveText("<img src=x onerror=alert(1)>");
    });
});

test("one's own times are shown where there are some", async () => {
    answerDesk({ look_up_s: 5, after_call_s: 0 });
    await mountForm();
    expect(".o_crm_voip_times").toHaveText("Looked up after 0:05 · After-call work 0:00");
});

test("no times without a card", async () => {
    answerDesk({ look_up_s: false, after_call_s: false });
    await mountForm();
    expect(".o_crm_voip_times").toHaveCount(0);
});

describe("buttons in a list", () => {
    const LIST = /* xml */ `
        <list>
            <field name="customer"/>
            <field name="outcome_id" widget="crm_voip_outcome_buttons"/>
        </list>`;

    test("outcomes are asked for once for all rows, and given in place", async () => {
        answerDesk();
        await mountView({ resModel: "call", type: "list", arch: LIST });
        await animationFrame();
        expect.verifySteps(["outcomes of 1"]);
        expect(".o_data_row:eq(1) .o_crm_voip_outcome").toHaveCount(4);
        expect(".o_data_row:eq(1) .o_crm_voip_outcome:eq(0)").toHaveAttribute(
            "aria-label",
            "Interested",
        );
        await click(".o_data_row:eq(1) .o_crm_voip_outcome[data-outcome-id='1']");
        await animationFrame();
        expect.verifySteps(["outcome 2: 1 {}"]);
    });
});

test("what was agreed is shown as text, on a card that has it", async () => {
    const line = registry.category("crm_voip_bridge.card_lines").get("crm_voip_agreed_steps");
    expect(line.isShown({})).toBe(false);
    expect(line.isShown({ details: { agreed_steps: [] } })).toBe(false);
    const call = {
        details: {
            agreed_steps: [
                {
                    id: 1,
                    step: "contact",
                    label: "A fixed contact person",
                    text: "<img src=x onerror=alert(1)>",
                    date: "2026-11-03",
                    contact: "Nadia",
                },
            ],
        },
    };
    expect(line.isShown(call)).toBe(true);
    await mountWithCleanup(CrmVoipAgreedSteps, { props: { call } });
    expect(".o_crm_voip_agreed").toHaveCount(1);
    expect(".o_crm_voip_agreed").toHaveText(/A fixed contact person\s*: Nadia/);
    expect(".o_crm_voip_agreed img").toHaveCount(0);
    expect(".o_crm_voip_agreed_text").toHaveText("<img src=x onerror=alert(1)>");
});

test("an icon is a class name and nothing else", async () => {
    await mountView({
        resModel: "outcome",
        type: "list",
        arch: `<list><field name="icon" widget="crm_voip_icon"/></list>`,
    });
    expect(".o_data_row:eq(0) i.fa-thumbs-up").toHaveCount(1);
    expect(".o_data_row:eq(1) i").toHaveCount(0);
});
