import { Component } from "@odoo/owl";

/**
 * The outcomes of a call to choose from, a button each; the one that was given is pressed.
 */
export class CrmVoipOutcomePicker extends Component {
    static template = "crm_voip_bridge.OutcomePicker";
    static props = {
        outcomes: Array,
        outcomeId: { type: [Number, { value: false }], optional: true },
        // icons only, for lists
        compact: { type: Boolean, optional: true },
        choose: Function,
    };

    title(outcome) {
        return outcome.key ? `${outcome.name} (${outcome.key})` : outcome.name;
    }
}
