import { registry } from "@web/core/registry";

/** Somebody who has only this web page connects a PBX, as far as the page goes. */
registry.category("web_tour.tours").add("crm_voip_connect_pbx", {
    steps: () => [
        {
            trigger: ".o_main_navbar [data-menu-xmlid='crm.crm_menu_config']",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu [data-menu-xmlid='crm_voip_bridge.crm_voip_menu_pbx']",
            run: "click",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "the steps are told before anything is asked",
            trigger: ".o_form_view div[name='onboarding']:contains('check')",
        },
        {
            trigger: ".o_field_widget[name='name'] input",
            run: "edit Harbour office",
        },
        {
            trigger: ".o_field_widget[name='extension_ids'] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name='extension_ids'] td[name='number'] input",
            run: "edit 301",
        },
        {
            trigger: ".o_field_widget[name='extension_ids'] td[name='recorded'] input",
            run: "click",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_statusbar_buttons button[name='action_new_key']:contains('Make a key')",
            run: "click",
        },
        {
            content: "the secret is there, with a button to copy it",
            trigger: ".modal .o_field_widget[name='secret'] .o_btn_char_copy",
        },
        {
            trigger: ".modal .o_field_widget[name='secret'] span:not(:empty)",
        },
        {
            trigger: ".modal footer button",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_notebook a.nav-link[name='keys']",
            run: "click",
        },
        {
            content: "the key is listed, its secret nowhere any more",
            trigger:
                ".o_form_view:not(:has([name='secret'])) .o_field_widget[name='key_ids'] .o_data_row",
        },
    ],
});
