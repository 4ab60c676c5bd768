import { registry } from "@web/core/registry";

const NOTICE = ".o_notification.o_crm_voip_dial";

/** A click on numbers: of an opportunity's form, of the list of contacts, and one that is not dialled. */
registry.category("web_tour.tours").add("crm_voip_click_to_call", {
    steps: () => [
        {
            content: "the number of the opportunity is a link",
            trigger: ".o_form_view .o_field_widget[name='phone'] input",
            run: "hover && click .o_field_widget[name='phone'] a.o_phone_form_link",
        },
        {
            content: "it says what happens now",
            trigger: `${NOTICE}:contains('Your phone rings, then Lotte Molenaar (+31 30 100 0142) is called.')`,
        },
        {
            content: "another number is typed",
            trigger: ".o_field_widget[name='phone'] input",
            run: "edit 0900 1234",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved .o_field_widget[name='phone'] input",
            run: "hover && click .o_field_widget[name='phone'] a.o_phone_form_link",
        },
        {
            content: "and refused in words, without a dialog",
            trigger: `body:not(:has(.modal)) ${NOTICE}.o_crm_voip_dial_refused:contains('costs more than a usual call')`,
        },
    ],
});
