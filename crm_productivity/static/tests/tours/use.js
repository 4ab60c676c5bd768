import { registry } from "@web/core/registry";

/** What is used, what is on and unused, and how it was taken up. */
registry.category("web_tour.tours").add("crm_productivity_use", {
    steps: () => [
        {
            trigger: ".o_main_navbar [data-menu-xmlid='crm_productivity.crm_productivity_menu']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu [data-menu-xmlid='crm_productivity.crm_productivity_menu_use']",
            run: "click",
        },
        {
            content: "a question in numbers",
            trigger: ".o_data_row:contains('Outcomes of calls'):contains('2 of 3 gave no outcome')",
        },
        {
            content: "what is off is said to be",
            trigger: ".o_data_row:contains('Click to call'):contains('Off')",
        },
        {
            trigger: ".o_data_row:contains('Outcomes of calls') button[name='action_by_week']",
            run: "click",
        },
        {
            trigger: ".o_graph_view canvas",
        },
    ],
});
