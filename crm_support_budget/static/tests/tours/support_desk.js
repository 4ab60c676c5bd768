import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** A supervisor reads an objection, and that it was our defect. */
tours.add("crm_support_accepts", {
    steps: () => [
        {
            trigger: ".o_data_row:contains('Your update broke the printer') td[name=text]",
            run: "click",
        },
        {
            content: "what accepting does is said before",
            trigger: ".o_form_view div[name=would_take_back]:contains('25 minutes')",
        },
        {
            trigger: "button[name=action_accept]",
            run: "click",
        },
        {
            trigger: ".o_statusbar_status .o_arrow_button_current:contains('Accepted')",
        },
    ],
});

/** A technician takes the next customer, and says what a contact was about, with the keyboard alone. */
tours.add("crm_support_takes_next", {
    steps: () => [
        {
            content: "who has had least, and why",
            trigger: ".o_form_view:contains('Portal & Sons'):contains('It does not print')",
        },
        {
            trigger: "button[name=action_take]",
            run: "press alt+c",
        },
        {
            content: "the request, which is being served now",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains('Being served')",
        },
        {
            trigger: ".o_field_widget[name=contact_ids] .o_data_row td[name=minutes]",
            run: "click",
        },
        {
            content: "the contact, in a window of its own",
            trigger: ".modal .o_form_view button[name=action_say]",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=reason_id] .o_selection_badge:contains('Courtesy')",
            run: "click",
        },
        {
            trigger: ".modal button[name=action_save]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason_id]:contains('Courtesy')",
        },
    ],
});

/** A call of a customer runs: its reason is said with one key, on the card. */
tours.add("crm_support_reason_key", {
    steps: () => [
        {
            trigger: ".o_crm_voip_card .o_crm_support_card:contains('left')",
        },
        {
            content: "with Alt and 5 alone, Odoo opens the fifth menu",
            trigger: ".o_crm_support_card button:contains('Our own defect')",
            run: "press alt+shift+5",
        },
        {
            trigger: ".o_crm_support_card button[aria-pressed=true]:contains('Our own defect')",
        },
    ],
});

/** A supervisor takes a customer over, from the notice. */
tours.add("crm_support_takes_over", {
    steps: () => [
        {
            trigger: ".o_data_row:contains('Portal & Sons') td[name=partner_id]",
            run: "click",
        },
        {
            trigger: ".o_form_view:contains('has had')",
        },
        {
            trigger: "button[name=action_take_over]",
            run: "press alt+t",
        },
        {
            trigger: ".o_statusbar_status .o_arrow_button_current:contains('Taken over')",
        },
        {
            content: "it is not offered a second time",
            trigger: ".o_form_view:not(:has(button[name=action_take_over]))",
        },
    ],
});
