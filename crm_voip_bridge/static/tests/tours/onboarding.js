import { registry } from "@web/core/registry";
import { rpc } from "@web/core/network/rpc";

/** What a bridge beside a PBX would do. */
const bridge = {
    async takeKey() {
        const [pbx] = await call("crm.voip.pbx", "search", [[["name", "=", "Harbour office"]]]);
        const action = await call("crm.voip.pbx", "action_new_key", [[pbx]]);
        this.key = action.context.default_key;
        this.secret = action.context.default_secret;
    },

    async send(content) {
        const now = new Date();
        const time = Math.floor(now / 1000);
        const body = JSON.stringify({
            bridge: { id: "tour", version: "1", pbx: "connected", now: now.toISOString() },
            events: [],
            ...content,
        });
        const bytes = new TextEncoder();
        const secret = await crypto.subtle.importKey(
            "raw",
            bytes.encode(this.secret),
            { name: "HMAC", hash: "SHA-256" },
            false,
            ["sign"],
        );
        const signed = await crypto.subtle.sign(
            "HMAC",
            secret,
            bytes.encode(`${time}.${this.key}.${body}`),
        );
        const hex = [...new Uint8Array(signed)].map((byte) => byte.toString(16).padStart(2, "0"));
        const answer = await fetch("/crm_voip_bridge/v1/events", {
            method: "POST",
            headers: {
                "Content-Type": "application/json",
                "X-Voip-Key": this.key,
                "X-Voip-Timestamp": String(time),
                "X-Voip-Signature": `v1=${hex.join("")}`,
            },
            body,
        });
        if (!answer.ok) {
            throw new Error(await answer.text());
        }
    },
};

function call(model, method, args) {
    return rpc(`/web/dataset/call_kw/${model}/${method}`, { model, method, args, kwargs: {} });
}

/** A call from a mobile to 101, from its first ring to its end. */
function phoneCall() {
    const at = (second) => new Date(Date.now() + 1000 * second).toISOString();
    const event = (second, type, leg, data) => ({
        id: `tour-${second}-${type}-${leg}`,
        type,
        call: "tour.1",
        leg,
        at: at(second),
        source: "tour",
        data,
    });
    return [
        event(1, "started", "tour.1", {
            channel: "PJSIP/trunk-1",
            number: "+31612345678",
            dialled: "101",
        }),
        event(1, "started", "tour.2", { channel: "PJSIP/101-2", number: "101" }),
        event(2, "ringing", "tour.2", { by: "tour.1" }),
        event(4, "answered", "tour.2", {}),
        event(4, "dial_ended", "tour.2", { by: "tour.1", status: "ANSWER" }),
        event(4, "bridged", "tour.1", { bridge: "b" }),
        event(4, "bridged", "tour.2", { bridge: "b" }),
        event(9, "ended", "tour.1", { cause: 16 }),
        event(9, "ended", "tour.2", { cause: 16 }),
    ];
}

const BACK_TO_CALLS = [
    {
        trigger: ".o_main_navbar [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_calls']",
        run: "click",
    },
    {
        trigger: ".o-dropdown--menu [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_all_calls']",
        run: "click",
    },
];

/** From an empty screen to the first call; what the bridge says ticks by itself. */
registry.category("web_tour.tours").add("crm_voip_onboarding", {
    steps: () => [
        ...BACK_TO_CALLS,
        {
            content: "nothing is done; the first step is the one to do",
            trigger:
                ".o_crm_voip_onboarding:not(:has(.o_done)) .o_crm_voip_step[data-step='1'].o_present",
        },
        {
            trigger: ".o_crm_voip_onboarding button[name='connect']:contains('Connect a PBX')",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name='name'] input",
            run: "edit Harbour office",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger:
                ".o_form_saved .o_statusbar_buttons button[name='action_new_key'], .o_form_view .o_statusbar_buttons button[name='action_new_key']",
        },
        ...BACK_TO_CALLS,
        {
            content: "the PBX is there, its key is not",
            trigger:
                ".o_crm_voip_onboarding [data-tick='pbx'].o_done:contains('Harbour office') + [data-tick='key']:not(.o_done)",
            run: async () => {
                await bridge.takeKey();
                await bridge.send({ discovered: ["101"] });
            },
        },
        {
            content: "without a reload, the bridge is connected and has seen a phone",
            trigger:
                ".o_crm_voip_onboarding:has([data-tick='key'].o_done) .o_crm_voip_step[data-step='1'].o_done",
            timeout: 30000,
        },
        {
            trigger: ".o_crm_voip_step[data-step='2'].o_present:contains('none ticked') button",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains('101') td[name='recorded'] input",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains('101') td[name='recorded'] input:checked",
        },
        ...BACK_TO_CALLS,
        {
            content: "now one calls oneself",
            trigger: ".o_crm_voip_step[data-step='3'].o_present:contains('101')",
            run: () => bridge.send({ events: phoneCall() }),
        },
        {
            content: "without a reload, the call is there",
            trigger: ".o_list_view .o_data_row:contains('+31612345678')",
            timeout: 30000,
        },
    ],
});
