import { registry } from "@web/core/registry";

/** A day's callbacks, one after the other, by keys. */
registry.category("web_tour.tours").add("crm_voip_callbacks", {
    steps: () => [
        {
            trigger: ".o_main_navbar [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_calls']",
            run: "click",
        },
        {
            trigger:
                ".o-dropdown--menu [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_callbacks']",
            run: "click",
        },
        {
            content: "open ones, the number is a link",
            trigger:
                ".o_list_view .o_data_row:contains('Lotte') a.o_crm_voip_call_number[href='tel:+12025550150']",
        },
        {
            content: "what is done is not among them",
            trigger: ".o_list_view:not(:has(.o_data_row:contains('Reached')))",
        },
        {
            trigger: ".o_control_panel button[name='action_work_through']",
            run: "click",
        },
        {
            content: "the first one that is due",
            trigger: ".o_form_view h1:contains('Lotte')",
        },
        {
            trigger:
                ".o_statusbar_buttons a.o_crm_voip_call_number[href='tel:+12025550150'][data-hotkey='k']",
        },
        {
            content: "the missed call is in its list",
            trigger: ".o_field_widget[name='call_ids'] .o_data_row:contains('Missed')",
        },
        {
            content: "next by key",
            trigger: "body",
            run: "press alt+x",
        },
        {
            trigger: ".o_form_view h1:contains('+12025550151')",
        },
        {
            content: "in place: the way back is one step",
            trigger: ".o_breadcrumb:not(:contains('Lotte'))",
        },
        {
            trigger: ".o_statusbar_buttons button[name='action_drop']",
            run: "click",
        },
        {
            trigger: ".modal label:contains('Wrong number')",
            run: "click",
        },
        {
            trigger: ".modal footer button[name='action_drop']",
            run: "click",
        },
        {
            content: "it says who dropped it, and why",
            trigger: "body:not(:has(.modal)) .alert:contains('Wrong number, advertising')",
        },
        {
            content: "and can be opened again",
            trigger: ".o_statusbar_buttons button[name='action_reopen']",
            run: "click",
        },
        {
            trigger: ".modal footer button:contains('Open again')",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) .o_statusbar_buttons a.o_crm_voip_call_number[href='tel:+12025550151']",
        },
        {
            trigger: ".o_breadcrumb .o_back_button, .o_breadcrumb a:contains('Callbacks')",
            run: "click",
        },
        {
            content: "what is done says how long they waited",
            trigger: ".o_searchview .o_facet_remove",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains('Reached') td[name='working_minutes']:contains('min')",
        },
    ],
});
