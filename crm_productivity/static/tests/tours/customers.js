import { registry } from "@web/core/registry";

/** Small and large customers beside each other, down to the very calls. */
registry.category("web_tour.tours").add("crm_productivity_customers", {
    steps: () => [
        {
            trigger: ".o_main_navbar [data-menu-xmlid='crm_productivity.crm_productivity_menu']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu [data-menu-xmlid='crm_productivity.crm_productivity_menu_customer']",
            run: "click",
        },
        {
            content: "what the numbers say, in words, with the number of cases",
            trigger: ".o_form_view .o_field_widget[name='sentence']:contains('2 and 2 calls')",
        },
        {
            trigger: ".o_field_widget[name='line_ids'] .o_data_row:contains('Smallest fifth')",
        },
        {
            content: "a fifth without any stays visible",
            trigger: ".o_field_widget[name='line_ids'] .o_data_row:contains('Middle fifth')",
        },
        {
            content: "another period",
            trigger: ".o_field_widget[name='months'] input, .o_field_widget[name='months'] select",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains('Last 3 months')",
            run: "click",
        },
        {
            content: "its customers",
            trigger:
                ".o_field_widget[name='line_ids'] .o_data_row:contains('Smallest fifth') button[name='action_customers']",
            run: "click",
        },
        {
            content: "the period goes along",
            trigger: ".o_searchview_facet:contains('Last 3 months')",
        },
        {
            trigger: ".o_list_view .o_data_row:contains('Customer 0') td[name='customer']",
            run: "click",
        },
        {
            content: "the very calls",
            trigger: ".o_list_view .o_data_row td[name='direction'], .o_list_view .o_data_row",
        },
        {
            trigger: ".o_breadcrumb:contains('Calls: Customer 0')",
        },
    ],
});
