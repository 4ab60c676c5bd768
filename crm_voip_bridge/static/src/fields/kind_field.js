import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { formatSelection } from "@web/views/fields/formatters";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

const ARROWS = { inbound: "oi-arrow-down-left", outbound: "oi-arrow-up-right" };

/** What a row of the time line is: its icon and word, and an arrow for which way it went. */
export class CrmVoipKindField extends Component {
    static template = "crm_voip_bridge.KindField";
    static props = { ...standardFieldProps };

    get text() {
        return this.words(this.props.name);
    }

    get icon() {
        return this.props.record.data.icon || "";
    }

    get arrow() {
        return ARROWS[this.props.record.data.direction] || "";
    }

    get way() {
        return this.arrow && this.words("direction");
    }

    words(name) {
        const { data, fields } = this.props.record;
        return formatSelection(data[name], { selection: fields[name].selection });
    }
}

export const crmVoipKindField = {
    component: CrmVoipKindField,
    displayName: _t("Kind of a row of the time line"),
    supportedTypes: ["selection"],
    fieldDependencies: [
        { name: "icon", type: "char" },
        { name: "direction", type: "selection" },
    ],
    listViewWidth: [120, 170],
};

registry.category("fields").add("crm_voip_kind", crmVoipKindField);
