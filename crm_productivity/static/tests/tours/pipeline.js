import { registry } from "@web/core/registry";

/** The pipeline: stages, effort, down to the very opportunities. */
registry.category("web_tour.tours").add("crm_productivity_pipeline", {
    steps: () => [
        {
            trigger: ".o_main_navbar [data-menu-xmlid='crm_productivity.crm_productivity_menu']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu [data-menu-xmlid='crm_productivity.crm_productivity_menu_pipeline']",
            run: "click",
        },
        {
            content: "what they cost, and what was not measured",
            trigger: ".o_form_view .o_field_widget[name='effort']:contains('Not measured: 4')",
        },
        {
            trigger:
                ".o_field_widget[name='line_ids'] .o_data_row:contains('First contact') td[name='reached']:contains('2')",
        },
        {
            content: "a stage without any stays visible",
            trigger: ".o_field_widget[name='line_ids'] .o_data_row:contains('Nobody came here')",
        },
        {
            trigger:
                ".o_field_widget[name='line_ids'] .o_data_row:contains('First contact') button[name='action_leads']",
            run: "click",
        },
        {
            content: "the very opportunities",
            trigger: ".o_list_view .o_data_row:contains('Pumps for Aurora')",
        },
        {
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name='action_stays']",
            run: "click",
        },
        {
            trigger: ".o_pivot_view:contains('First contact')",
        },
        {
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name='action_efforts']",
            run: "click",
        },
        {
            trigger:
                ".o_list_view .o_data_row:contains('Pumps for Aurora') td[name='talk_s']:contains('1:00')",
        },
    ],
});
