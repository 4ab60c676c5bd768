import { expect, test } from "@odoo/hoot";
import { manuallyDispatchProgrammaticEvent, queryAllTexts, queryOne } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";

class Recording extends models.Model {
    _name = "recording";

    state = fields.Selection({
        selection: [
            ["kept", "Kept"],
            ["expired", "Its time was over"],
            ["deleted", "Deleted on request"],
        ],
    });
    seconds = fields.Float();
    is_played = fields.Boolean();
    can_listen = fields.Boolean();
    gone_at = fields.Datetime();
    gone_by_id = fields.Many2one({ relation: "res.users" });
    reason = fields.Char();

    _records = [
        { id: 1, state: "kept", seconds: 75, is_played: true, can_listen: true },
        { id: 2, state: "kept", seconds: 9, is_played: false, can_listen: true },
        { id: 3, state: "kept", seconds: 9, is_played: true, can_listen: false },
        { id: 4, state: "expired", gone_at: "2026-11-22 09:00:00" },
        {
            id: 5,
            state: "deleted",
            gone_at: "2026-11-22 09:00:00",
            reason: "<img src=x> asked",
        },
    ];
}

class Call extends models.Model {
    _name = "call";

    has_sound = fields.Boolean();

    _records = [
        { id: 1, has_sound: true },
        { id: 2, has_sound: false },
    ];
}

defineMailModels();
defineModels([Recording, Call]);

const ARCH = `<kanban can_open="0"><templates><t t-name="card"><field name="state" widget="crm_voip_player"/></t></templates></kanban>`;

async function mountPlayers(domain = []) {
    await mountView({ type: "kanban", resModel: "recording", arch: ARCH, domain });
}

test("a player for what may be heard, which fetches nothing before play", async () => {
    await mountPlayers([["id", "=", 1]]);
    const audio = queryOne("audio");
    expect(audio).toHaveAttribute("src", "/crm_voip_bridge/recording/1");
    expect(audio).toHaveAttribute("preload", "none");
    expect(".o_crm_voip_player .o_crm_voip_duration").toHaveText("1:15");
    expect(".o_crm_voip_player a").toHaveAttribute(
        "href",
        "/crm_voip_bridge/recording/1?download=1",
    );
    expect(".o_crm_voip_player_message").toHaveCount(0);
});

test("what no browser plays is for downloading", async () => {
    await mountPlayers([["id", "=", 2]]);
    expect("audio").toHaveCount(0);
    expect(".o_crm_voip_player a").toHaveCount(1);
});

test("without the right there is neither player nor download", async () => {
    await mountPlayers([["id", "=", 3]]);
    expect("audio, .o_crm_voip_player a").toHaveCount(0);
    expect(".o_crm_voip_player_message").toHaveText(/one needs the right/);
});

test("of what is gone it is said why, as text", async () => {
    await mountPlayers([["id", ">", 3]]);
    expect("audio, .o_crm_voip_player a, .o_crm_voip_player img").toHaveCount(0);
    const [expired, deleted] = queryAllTexts(".o_crm_voip_player_message");
    expect(expired).toMatch(/^Deleted on .* because its time was over\.$/);
    expect(deleted).toMatch(/: <img src=x> asked$/);
});

test("a file that does not play any more", async () => {
    await mountPlayers([["id", "=", 1]]);
    await manuallyDispatchProgrammaticEvent(queryOne("audio"), "error");
    await animationFrame();
    expect("audio").toHaveCount(0);
    expect(".o_crm_voip_player_message").toHaveText(/reload the page/);
});

test.tags("desktop");
test("a loudspeaker in the list", async () => {
    await mountView({
        type: "list",
        resModel: "call",
        arch: `<list><field name="has_sound" widget="crm_voip_has_sound"/></list>`,
    });
    expect(".o_data_row:eq(0) .o_crm_voip_has_sound").toHaveCount(1);
    expect(".o_data_row:eq(1) .o_crm_voip_has_sound").toHaveCount(0);
});
