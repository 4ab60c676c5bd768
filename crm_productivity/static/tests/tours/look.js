import { registry } from "@web/core/registry";

/** What was found, the cases, and what it was. */
registry.category("web_tour.tours").add("crm_productivity_look", {
    steps: () => [
        {
            trigger: ".o_main_navbar [data-menu-xmlid='crm_productivity.crm_productivity_menu']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu [data-menu-xmlid='crm_productivity.crm_productivity_menu_look']",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains('Many short calls'):contains('wrong number')",
        },
        {
            trigger: ".o_data_row:contains('Many short calls') td[name='day']",
            run: "click",
        },
        {
            trigger: ".o_form_view [name='comment'] textarea",
            run: "edit A line that broke down",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_form_saved, .o_form_view:not(:has(.o_form_dirty))",
        },
        {
            trigger: ".o_form_view button[name='action_cases']",
            run: "click",
        },
        {
            content: "the very calls",
            trigger: ".o_list_view .o_data_row ~ .o_data_row",
        },
    ],
});
