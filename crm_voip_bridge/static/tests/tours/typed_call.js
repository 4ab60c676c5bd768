import { registry } from "@web/core/registry";

/** "I called from my mobile": two taps from the contact. */
registry.category("web_tour.tours").add("crm_voip_typed_call", {
    steps: () => [
        {
            content: "the first tap",
            trigger: ".o_form_view button[name='action_crm_voip_typed']",
            run: "click",
        },
        {
            content: "who it was is known",
            trigger: ".modal [name='customer_label']:contains('Ada')",
        },
        {
            content: "the second tap says how long, and saves",
            trigger: ".modal footer button:contains('5 min')",
            run: "click",
        },
        {
            content: "it is said what was typed",
            trigger: ".o_notification:contains('Ada · 5 min')",
        },
        {
            content: "and counted apart from measured calls",
            trigger:
                "body:not(:has(.modal)) button[name='action_crm_voip_typed_calls']:contains('+ 1')",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains('Ada') .badge:contains('Typed')",
        },
    ],
});
