import { registry } from "@web/core/registry";

/** Weekdays by hours, another number, and the very calls of a cell. */
registry.category("web_tour.tours").add("crm_productivity_when", {
    steps: () => [
        {
            trigger: ".o_main_navbar [data-menu-xmlid='crm_productivity.crm_productivity_menu']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu [data-menu-xmlid='crm_productivity.crm_productivity_menu_when']",
            run: "click",
        },
        {
            content: "two calls at ten o'clock on Monday",
            trigger: ".o_crm_productivity_heat button[data-place='1-10']:contains('2')",
        },
        {
            content: "what a cell says does not hang on its colour",
            trigger:
                ".o_crm_productivity_heat button[data-place='1-10'][aria-label*='2 incoming calls']",
        },
        {
            trigger: ".o_field_widget[name='what'] label:contains('Nobody answered')",
            run: "click",
        },
        {
            content: "one of them was lost",
            trigger: ".o_crm_productivity_heat button[data-place='1-10'][aria-label*='1 of 2']",
            run: "click",
        },
        {
            trigger: ".o_breadcrumb:contains('Monday at 10:00')",
        },
        {
            content: "the very call",
            trigger:
                ".o_list_view:has(.o_data_row:contains('Missed')):not(:has(.o_data_row ~ .o_data_row))",
        },
    ],
});
