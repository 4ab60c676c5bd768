import { registry } from "@web/core/registry";

/** A week on two pages: looked at, gone back to another week, and mailed to oneself. */
registry.category("web_tour.tours").add("crm_productivity_paper", {
    steps: () => [
        {
            trigger: ".o_form_view .o_cp_page[name='page_numbers'] .o_cp_title:contains('My week')",
        },
        {
            content: "nobody who sells only chooses a team or a colleague",
            trigger:
                ".o_form_view:not(:has(.o_field_widget[name='kind'] input, .o_field_widget[name='user_id']))",
        },
        {
            trigger:
                ".o_cp_page[name='page_meaning'] td:contains('How often you called somebody outside')",
        },
        {
            trigger: "button[name='action_before']",
            run: "click",
        },
        {
            content: "nothing happened then, and the page says what to do",
            trigger: ".o_cp_note:contains('Nothing was measured in this week')",
        },
        {
            trigger: "button[name='action_send_sample']",
            run: "click",
        },
        {
            trigger: ".o_notification:contains('On its way to voip_tom@kestrel.example')",
        },
    ],
});

/** The page for the board: a month, then a quarter. */
registry.category("web_tour.tours").add("crm_productivity_board", {
    steps: () => [
        {
            trigger: ".o_form_view .o_cp_title:contains('Sales and telephone, together')",
        },
        {
            trigger: ".o_cp td[name='business']:contains('No target was set for a team')",
        },
        {
            trigger: ".o_cp td[name='running'] .o_cp_name:contains('Calls complete')",
        },
        {
            trigger: ".o_field_widget[name='span'] input[data-value='quarter']",
            run: "click",
        },
        {
            trigger: ".o_cp_head:contains('Quarter')",
        },
        {
            trigger: "button[name='action_before']",
            run: "click",
        },
        {
            trigger:
                ".o_form_saved, .o_form_view:not(:has(.o_form_dirty)) .o_cp_head:contains('Quarter')",
        },
        {
            trigger:
                ".o_control_panel button:contains('Outages'), .o_form_statusbar button:contains('Outages')",
            run: "click",
        },
        {
            trigger: ".o_view_nocontent:contains('No outage yet')",
        },
    ],
});
