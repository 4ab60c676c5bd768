import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** A leader's week: the numbers, the very calls, the work that waits, the week before by key, and no persons. */
tours.add("crm_productivity_team_week", {
    steps: () => [
        {
            trigger: ".o_menu_sections button:contains('Numbers')",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu a:contains('Team week')",
            run: "click",
        },
        {
            content: "of four calls three were taken",
            trigger:
                ".o_crm_productivity_totals .o_kanban_record:contains('Taken of offered'):contains('75 %'):contains('from 4')",
        },
        {
            content: "all eight numbers are there",
            trigger: ".o_crm_productivity_totals:has(.o_kanban_record:contains('Amount won'))",
        },
        {
            content: "persons are not offered",
            trigger:
                ".o_crm_productivity_week:contains('not shown side by side'):not(:has(button[name='action_compare']))",
        },
        {
            trigger: ".o_crm_productivity_footing:contains('5 measured + 0 typed')",
        },
        {
            content: "the very calls",
            trigger:
                ".o_crm_productivity_totals .o_kanban_record:contains('Taken of offered') .fs-2",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_group_name:contains('Missed (1)')",
        },
        {
            trigger: ".o_breadcrumb .o_back_button",
            run: "click",
        },
        {
            content: "a callback that is late",
            trigger: ".o_crm_productivity_week button[name='action_overdue']:contains('1')",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains('0153')",
        },
        {
            trigger: ".o_breadcrumb .o_back_button",
            run: "click",
        },
        {
            trigger: "button[name='action_previous'][data-hotkey='p']",
            run: "click",
        },
        {
            trigger:
                ".o_crm_productivity_totals .o_kanban_record:contains('Taken of offered'):contains('–')",
        },
        {
            trigger: "button[name='action_next']",
            run: "click",
        },
        {
            trigger: ".o_crm_productivity_totals .o_kanban_record:contains('75 %')",
        },
        {
            trigger: "button[name='action_by_day']",
            run: "click",
        },
        {
            content: "a percentage of the total, not an average",
            trigger: ".o_pivot_view td:contains('75')",
        },
    ],
});

/** The address of a week can be kept: it opens anew, and after a reload. */
tours.add("crm_productivity_team_week_again", {
    steps: () => [
        {
            trigger: ".o_crm_productivity_totals .o_kanban_record:contains('75 %')",
            run() {
                window.location.reload();
            },
            expectUnloadPage: true,
        },
        {
            trigger: ".o_crm_productivity_totals .o_kanban_record:contains('75 %')",
        },
    ],
});

/** The dashboard draws its figures, and those of one team alone. */
tours.add("crm_productivity_dashboard", {
    steps: () => [
        {
            trigger: "button:contains('Dashboard')",
            run: "click",
        },
        {
            content: "charts are drawn",
            trigger: ".o-spreadsheet .o-figure canvas",
        },
        {
            trigger: ".o_search_panel_current_selection, .o_search_panel:contains('Sales calls')",
        },
    ],
});
