import { registry } from "@web/core/registry";

const TILE = ".o_crm_productivity_tiles .o_kanban_record:contains('Taken of offered')";

const menu = (xmlid) => [
    {
        trigger: ".o_main_navbar [data-menu-xmlid='crm_productivity.crm_productivity_menu']",
        run: "click",
    },
    {
        trigger: `.o-dropdown--menu [data-menu-xmlid='crm_productivity.${xmlid}']`,
        run: "click",
    },
];

/** A salesperson's morning: the numbers, what they mean, the very calls, what waits, and which of them to see. */
registry.category("web_tour.tours").add("crm_productivity_my_numbers", {
    steps: () => [
        ...menu("crm_productivity_menu_mine"),
        {
            content: "one call of one offered was taken",
            trigger: `${TILE}:contains('100 %'):contains('rests on 1'):contains('derived')`,
        },
        {
            trigger:
                ".o_crm_productivity_work button[name='action_unanswered']:contains('Nothing waiting')",
        },
        {
            trigger: `${TILE} button[name='action_explain']`,
            run: "click",
        },
        {
            content: "what it means, and how it is computed",
            trigger: ".modal .o_field_widget[name='computation']:contains('taken ÷ offered')",
        },
        {
            trigger: ".modal footer button[name='action_show_week']",
            run: "click",
        },
        {
            content: "the very call",
            trigger: ".o_list_view .o_data_row:contains('Ada')",
        },
        {
            content: "and back",
            trigger: ".o_breadcrumb a:contains('My numbers')",
            run: "click",
        },
        // a comment beside a number: written, shown, taken away
        {
            trigger: `${TILE} button[name='action_explain']`,
            run: "click",
        },
        {
            trigger: ".modal footer button[name='action_comment']",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name='text'] textarea",
            run: "edit At the fair in Utrecht",
        },
        {
            trigger: ".modal footer .o_form_button_save",
            run: "click",
        },
        {
            content: "it stands beside the number",
            trigger: `body:not(:has(.modal)) ${TILE}:contains('At the fair in Utrecht')`,
        },
        {
            trigger: `${TILE} button[name='action_explain']`,
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name='comment_ids']:contains('At the fair') button[name='action_delete']",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${TILE}:not(:contains('At the fair'))`,
        },
        {
            trigger: "button[name='action_choose']",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row:contains('Taken of offered') .o_boolean_toggle input",
            run: "click",
        },
        {
            trigger:
                ".modal .o_data_row:contains('Taken of offered') .o_boolean_toggle input:not(:checked)",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            content: "it is not shown any more",
            trigger: `.o_crm_productivity_tiles:not(:has(.o_kanban_record:contains('Taken of offered')))`,
        },
        {
            trigger: ".o_crm_productivity_work button[name='action_to_finish']:contains('1')",
            run: "click",
        },
        {
            content: "a list to be worked through",
            trigger: ".o_list_view .o_data_row:contains('Ada')",
        },
    ],
});

/** A team's target: set, copied to the next month. */
registry.category("web_tour.tours").add("crm_productivity_targets", {
    steps: () => [
        ...menu("crm_productivity_menu_target"),
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "the amount won comes first",
            trigger: ".o_field_widget[name='metric_id'] input:value('Amount won')",
        },
        {
            trigger: ".o_field_widget[name='amount'] input",
            run: "edit 1000",
        },
        {
            trigger: ".o_field_widget[name='team_id'] input",
            run: "edit Sales NL",
        },
        {
            trigger: ".ui-autocomplete a:contains('Sales NL')",
            run: "click",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "half of it is reached",
            trigger: ".o_form_saved .o_field_widget[name='percent']:contains('50')",
        },
        {
            trigger: "button[name='action_next_period']",
            run: "click",
        },
        {
            content: "next month's has not begun",
            trigger: ".o_list_view .o_data_row:contains('Not begun')",
        },
    ],
});
