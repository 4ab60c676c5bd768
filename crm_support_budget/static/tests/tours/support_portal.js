import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** A customer: from the account to the meter, to an entry, and an objection to it. */
tours.add("crm_support_portal_objects", {
    url: "/my/home",
    steps: () => [
        {
            trigger: ".o_portal_index_card a[href='/my/support']:contains('Support')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "the meter says what is left",
            trigger: ".o_crm_support_meter:contains('min left') .progress",
        },
        {
            content: "who is helped first is there to read",
            trigger: "h6:contains('Who is helped first')",
        },
        {
            trigger: "a[href='/my/support/entries']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_portal_my_doc_table tbody tr:contains('25') a[href*='/my/support/entry/']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_crm_support_object textarea",
            run: "edit Your update broke the printer",
        },
        {
            trigger: ".o_crm_support_object button:contains('This was your defect')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".alert-success:contains('We look at it')",
        },
        {
            trigger: ".o_crm_support_objection:contains('Your update broke the printer')",
        },
    ],
});

/** The customer afterwards: it was taken back, the meter is full again, and the statement is there. */
tours.add("crm_support_portal_sees", {
    url: "/my/support",
    steps: () => [
        {
            trigger: ".o_crm_support_meter:contains('300 min left')",
        },
        {
            trigger: ".list-group-item:contains('Taken back'):contains('25 min')",
        },
        {
            content: "of the month that is over there is a statement",
            trigger: "a[href*='/my/support/statement/']",
        },
        {
            trigger: ".list-group-item:contains('no reason given')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_crm_support_objection .badge:contains('Accepted')",
        },
        {
            trigger: "dd:contains('does not count any more')",
        },
    ],
});

/** A customer asks, adds something where it is their turn, and says that it is not done. */
tours.add("crm_support_portal_asks", {
    url: "/my/support",
    steps: () => [
        {
            trigger: ".o_crm_support_ask input[name=name]",
            run: "edit The export is empty",
        },
        {
            trigger: ".o_crm_support_ask summary",
            run: "click",
        },
        {
            trigger: ".o_crm_support_ask textarea",
            run: "edit Since this morning",
        },
        {
            trigger: ".o_crm_support_ask button",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger:
                ".o_crm_support_request:contains('The export is empty'):contains('Waits for us')",
        },
        {
            content: "what was written first is there",
            trigger: "#chatterRoot:shadow .o-mail-Message:contains('Since this morning')",
        },
        {
            trigger: "#chatterRoot:shadow .o-mail-Composer-input",
            run: "edit It is the whole office",
        },
        {
            trigger: "#chatterRoot:shadow .o-mail-Composer-send:enabled",
            run: "click",
        },
        {
            trigger: "#chatterRoot:shadow .o-mail-Message:contains('It is the whole office')",
        },
    ],
});
