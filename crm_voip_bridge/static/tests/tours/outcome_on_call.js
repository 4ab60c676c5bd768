import { registry } from "@web/core/registry";

/** After a call: a note, an outcome, what follows, and the way back, all on the call's form. */
registry.category("web_tour.tours").add("crm_voip_outcome_on_call", {
    steps: () => [
        {
            trigger: ".o_main_navbar [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_calls']",
            run: "click",
        },
        {
            content: "my team asks for an outcome",
            trigger:
                ".o-dropdown--menu [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_to_finish']",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains('Ada') td[name='customer_label']",
            run: "click",
        },
        {
            trigger: ".o_crm_voip_after_call .o_crm_voip_note textarea",
            run: "edit Wants <b>two</b> scales",
        },
        {
            content: "what was typed is saved by itself",
            trigger: ".o_crm_voip_saving:contains('Saved')",
        },
        {
            trigger: ".o_crm_voip_outcome:contains('Call back')",
            run: "click",
        },
        {
            content: "the next step is planned",
            trigger: ".o_crm_voip_outcome_told:contains('Call back')",
        },
        {
            trigger: ".o_crm_voip_outcome.active:contains('Call back')",
        },
        {
            content: "on second thoughts, something was promised",
            trigger: ".o_crm_voip_outcome:contains('Promised')",
            run: "click",
        },
        {
            content: "which needs a date",
            trigger: ".modal .o_crm_voip_day:contains('In a week')",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_crm_voip_given:contains('Promised for')",
        },
        {
            trigger: ".o_crm_voip_outcome_told:contains('Promised') button:contains('Undo')",
            run: "click",
        },
        {
            trigger: ".o_crm_voip_after_call:not(:has(.active)):not(:has(.o_crm_voip_given))",
        },
        {
            trigger: ".o_crm_voip_outcome:contains('Unacceptable')",
            run: "click",
        },
        {
            trigger: ".modal .o_crm_voip_kind:contains('Harassment')",
            run: "click",
        },
        {
            trigger: ".modal textarea[name='fact']",
            run: "edit He said that he knows where I live",
        },
        {
            trigger: ".modal .o_crm_voip_confirm",
            run: "click",
        },
        {
            content: "which is no outcome",
            trigger:
                "body:not(:has(.modal)):has(.o_crm_voip_outcome_told:contains('leader')) .o_crm_voip_after_call:not(:has(.active))",
        },
        {
            content: "the list to work through",
            trigger: ".breadcrumb-item:contains('To finish') a, .o_back_button",
            run: "click",
        },
        {
            content: "one click finishes a call",
            trigger: ".o_data_row:contains('Ada') .o_crm_voip_outcome[aria-label='Interested']",
            run: "click",
        },
        {
            trigger: ".o_nocontent_help:contains('Nothing to finish')",
        },
    ],
});
