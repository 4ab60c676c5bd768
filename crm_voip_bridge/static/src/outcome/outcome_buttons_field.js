import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { useCrmVoipOutcomes } from "./outcome_hook";
import { CrmVoipOutcomePicker } from "./outcome_picker";

import { Component, onWillStart, toRaw, useEnv, useState } from "@odoo/owl";

/** Outcomes of a company, asked for once for all rows of a list. */
const asked = new WeakMap();

function outcomesOf(record, orm, companyId) {
    // each row sees the model through a proxy of its own
    const model = toRaw(record.model);
    if (!asked.has(model)) {
        asked.set(model, new Map());
    }
    const byCompany = asked.get(model);
    if (!byCompany.has(companyId)) {
        byCompany.set(
            companyId,
            orm.call("crm.voip.wrapup", "desk_outcomes", [companyId]).catch((error) => {
                byCompany.delete(companyId);
                throw error;
            }),
        );
    }
    return byCompany.get(companyId);
}

/**
 * The outcomes as small buttons in each row of a list of calls: one click, and the call is finished.
 */
export class CrmVoipOutcomeButtonsField extends Component {
    static template = "crm_voip_bridge.OutcomeButtonsField";
    static components = { CrmVoipOutcomePicker };
    static props = { ...standardFieldProps };

    setup() {
        const { orm } = useEnv().services;
        this.giver = useCrmVoipOutcomes();
        this.state = useState({ outcomes: [] });
        onWillStart(async () => {
            const { record } = this.props;
            const companyId = record.data.company_id?.id ?? false;
            this.state.outcomes = await outcomesOf(record, orm, companyId);
        });
    }

    get outcomeId() {
        return this.props.record.data[this.props.name]?.id ?? false;
    }

    async choose(outcome) {
        const { record } = this.props;
        await this.giver.give(record.resId, outcome, () => record.model.load());
    }
}

registry.category("fields").add("crm_voip_outcome_buttons", {
    component: CrmVoipOutcomeButtonsField,
    displayName: _t("Outcomes of a call"),
    supportedTypes: ["many2one"],
    fieldDependencies: [{ name: "company_id", type: "many2one", relation: "res.company" }],
    isEmpty: () => false,
});
