import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** Who waits how long: from a figure to the waits, and from a wait to its request. */
tours.add("crm_support_waits", {
    steps: () => [
        {
            content: "of any month",
            trigger: ".o_facet_remove",
            run: "click",
        },
        {
            content: "three customers without revenue, three waits",
            trigger: ".o_pivot table:contains('No revenue yet'):contains('Half waited less than')",
        },
        {
            trigger: ".o_pivot td.o_pivot_cell_value:contains('30')",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains('Customer 2') td[name=outcome]",
            run: "click",
        },
        {
            trigger: ".o_form_view:contains('Help of Customer 2')",
        },
    ],
});

/** Use, and the screen that says which agreements do not fit. */
tours.add("crm_support_use", {
    steps: () => [
        {
            content: "of any month",
            trigger: ".o_facet_remove",
            run: "click",
        },
        {
            trigger: ".o_pivot table:contains('Customer 0'):contains('Minutes counted')",
        },
        {
            trigger: ".o_switch_view.o_graph",
            run: "click",
        },
        {
            trigger: ".o_graph_view canvas",
        },
    ],
});

tours.add("crm_support_fit", {
    steps: () => [
        {
            trigger: ".o_nocontent_help:contains('No agreement is too small or unused')",
        },
        {
            trigger: "button:contains('Work out now')",
            run: "click",
        },
        {
            content: "without the filter, those that fit are there, too",
            trigger: ".o_facet_remove",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains('Customer 1'):contains('Fits')",
        },
    ],
});

tours.add("crm_support_dashboard", {
    steps: () => [
        {
            content: "charts are drawn",
            trigger: ".o-spreadsheet .o-figure canvas",
        },
    ],
});
