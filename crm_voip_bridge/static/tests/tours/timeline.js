import { registry } from "@web/core/registry";

const rows = (text) => `.o_crm_voip_timeline .o_data_row:contains('${text}')`;

/** What happened with a company, filtered, and what a row opens. */
registry.category("web_tour.tours").add("crm_voip_timeline", {
    steps: () => [
        {
            trigger: ".o_form_view button[name='action_crm_voip_timeline']",
            run: "click",
        },
        {
            content: "all kinds beside each other, the newest first",
            trigger: `.o_crm_voip_timeline ${[
                "Send the offer",
                "She wants five",
                "Hello from Jan",
                "Answered",
                "Scales",
            ]
                .map((text) => `.o_data_row:contains('${text}')`)
                .join(" ~ ")}`,
        },
        {
            content: "what a colleague did is not there",
            trigger: ".o_crm_voip_timeline:not(:contains('Secret'))",
        },
        {
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            trigger: ".o_filter_menu .o_menu_item:contains('Calls')",
            run: "click",
        },
        {
            trigger: `.o_crm_voip_timeline:not(:contains('She wants five')) .o_data_row:contains('Answered') td[name='title']`,
            run: "click",
        },
        {
            content: "a call opens as a call",
            trigger: ".o_form_view .o_field_widget[name='customer_label']:contains('Lotte')",
        },
        {
            trigger: ".breadcrumb-item a:contains('Time line of Molenaar'), .o_back_button",
            run: "click",
        },
        {
            trigger: ".o_searchview_facet .o_facet_remove",
            run: "click",
        },
        {
            trigger: `${rows("She wants five")} td[name='title']`,
            run: "click",
        },
        {
            content: "a note opens where it was written",
            trigger:
                ".o_form_view .o_field_widget[name='name']:contains('Scales'), .o_form_view .o_field_widget[name='name'] textarea:value('Scales')",
        },
        {
            trigger: "button[name='action_crm_voip_timeline']",
            run: "click",
        },
        {
            content: "an opportunity begins with its own rows",
            trigger: `.o_searchview_facet:contains('Scales')`,
        },
        {
            trigger:
                ".o_crm_voip_timeline:not(:contains('Hello from Jan')) .o_data_row:contains('She wants five')",
        },
        {
            trigger: ".o_searchview_facet .o_facet_remove",
            run: "click",
        },
        {
            content: "and has those of its customer behind them",
            trigger: rows("Hello from Jan"),
        },
    ],
});
