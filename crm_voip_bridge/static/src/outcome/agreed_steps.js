import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";

import { Component } from "@odoo/owl";

/**
 * What was agreed with this customer after unacceptable contact, on the call card; not what was said.
 */
export class CrmVoipAgreedSteps extends Component {
    static template = "crm_voip_bridge.AgreedSteps";
    static props = { call: Object };

    get steps() {
        return this.props.call.details.agreed_steps;
    }

    day(step) {
        return step.date && formatDate(deserializeDate(step.date));
    }
}

registry.category("crm_voip_bridge.card_lines").add("crm_voip_agreed_steps", {
    Component: CrmVoipAgreedSteps,
    sequence: 1,
    isShown: (call) => Boolean(call.details?.agreed_steps?.length),
});
