import { registry } from "@web/core/registry";

/** A call goes on while the page is loaded: who it is, a note, the record, and away. */
registry.category("web_tour.tours").add("crm_voip_call_card", {
    steps: () => [
        {
            content: "the card is there over the pipeline, with the number, for two share it",
            trigger:
                ".o_crm_voip_card[data-state='talking'] .o_crm_voip_label:contains('+1 202-555-0150')",
        },
        {
            trigger: ".o_crm_voip_card .o_crm_voip_candidate:contains('Els de Wit')",
            run: "click",
        },
        {
            content: "now nobody has to be chosen any more",
            trigger: ".o_crm_voip_card:not(:has(.o_crm_voip_candidate)) button[name='open']",
        },
        {
            trigger: ".o_crm_voip_card .o_crm_voip_note textarea",
            run: "edit Wants a quotation",
        },
        {
            trigger: ".o_crm_voip_card .o_crm_voip_note_state:contains('Saved')",
        },
        {
            trigger: ".o_crm_voip_card button[name='open']",
            run: "click",
        },
        {
            content: "the card stays over the record",
            trigger: ".o_form_view .o_breadcrumb:contains('Els de Wit')",
        },
        {
            trigger: ".o_crm_voip_card button[name='close']",
            run: "click",
        },
        {
            trigger: "body:not(:has(.o_crm_voip_card))",
        },
    ],
});
