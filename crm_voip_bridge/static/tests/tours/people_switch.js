import { registry } from "@web/core/registry";

/** Figures of persons are turned on with a purpose and an agreement, and off again. */
registry.category("web_tour.tours").add("crm_voip_people_switch", {
    steps: () => [
        {
            trigger: "#crm_voip_people:contains('Off') button:contains('Turn on')",
            run: "click",
        },
        {
            content: "without a reason it stays off",
            trigger: ".modal footer .btn-primary:contains('Turn on')",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name='purpose'].o_field_invalid textarea",
            run: "edit Share calls fairly",
        },
        {
            trigger: ".modal .o_field_widget[name='agreement'] input",
            run: "edit Works council, 12 May 2026",
        },
        {
            trigger: ".modal footer .btn-primary:contains('Turn on')",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) #crm_voip_people:contains('On') button:contains('Decision')",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row td[name='purpose']:contains('Share calls fairly')",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name='action_turn_off']",
            run: "click",
        },
        {
            trigger: ".modal footer .btn-primary",
            run: "click",
        },
        {
            content: "who turned it off stays on record",
            trigger: ".o_form_view .o_field_widget[name='off_by_id']",
        },
    ],
});
