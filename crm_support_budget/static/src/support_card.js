import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

/**
 * The customer's support on the call card: what is left, what is open, who else waits, and what it is about by one key.
 */
export class SupportCard extends Component {
    static template = "crm_support_budget.SupportCard";
    static props = { call: Object };

    setup() {
        this.orm = useService("orm");
        this.cards = useService("crm_voip_card");
    }

    get support() {
        return this.props.call.details.support;
    }

    get tone() {
        return { green: "success", yellow: "warning", red: "danger" }[this.support.colour];
    }

    async say(reason) {
        this.support.reason = reason.id;
        await this.orm.call("crm.voip.call", "action_crm_support_reason", [
            [this.props.call.id],
            reason.id,
        ]);
    }

    open(request) {
        this.cards.openRecord(this.props.call, "crm.support.request", request.id);
    }
}

registry.category("crm_voip_bridge.card_lines").add("crm_support_budget", {
    Component: SupportCard,
    sequence: 15,
    isShown: (call) => Boolean(call.details?.support),
});
