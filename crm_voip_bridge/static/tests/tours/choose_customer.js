import { registry } from "@web/core/registry";

/** A number that two contacts share: somebody says who it was. */
registry.category("web_tour.tours").add("crm_voip_choose_customer", {
    steps: () => [
        {
            content: "calls have a menu of their own beside the pipeline",
            trigger: ".o_main_navbar [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_calls']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_all_calls']",
            run: "click",
        },
        {
            content: "the call of the shared number shows the number",
            trigger: ".o_data_row:contains('+12025550150') td[name='customer_label']",
            run: "click",
        },
        {
            content: "who rang is on the form",
            trigger: ".o_field_widget[name='leg_ids'] .o_data_row:contains('101')",
        },
        {
            trigger: ".o_statusbar_buttons button[name='action_choose_customer']",
            run: "click",
        },
        {
            content: "both that carry the number are offered",
            trigger: ".modal .o_field_radio[name='partner_id'] label:contains('Els de Wit')",
            run: "click",
        },
        {
            content: "choosing one fills in the contact",
            trigger: ".modal .o_field_many2one[name='partner_id'] input:value('Els de Wit')",
        },
        {
            trigger: ".modal .o_field_widget[name='remember'] input",
            run: "click",
        },
        {
            trigger: ".modal footer button[name='action_choose']",
            run: "click",
        },
        {
            content: "the call is with that contact",
            trigger:
                "body:not(:has(.modal)) .o_field_widget[name='partner_id']:contains('Els de Wit')",
        },
        {
            trigger: ".o_statusbar_buttons button[name='action_open_customer']",
            run: "click",
        },
        {
            content: "and the contact knows of the call",
            trigger: "button[name='action_crm_voip_calls']:contains('1')",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains('Els de Wit')",
        },
    ],
});
