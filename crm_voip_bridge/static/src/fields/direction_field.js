import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { formatSelection } from "@web/views/fields/formatters";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

const ICONS = {
    inbound: "oi-arrow-down-left",
    outbound: "oi-arrow-up-right",
    internal: "oi-arrows-h",
};

/** Which way a call went: an arrow, and the word beside it for who does not read arrows. */
export class CrmVoipDirectionField extends Component {
    static template = "crm_voip_bridge.DirectionField";
    static props = { ...standardFieldProps };

    get icon() {
        return ICONS[this.props.record.data[this.props.name]] || "";
    }

    get text() {
        const { name, record } = this.props;
        return formatSelection(record.data[name], { selection: record.fields[name].selection });
    }
}

export const crmVoipDirectionField = {
    component: CrmVoipDirectionField,
    displayName: _t("Direction of a call"),
    supportedTypes: ["selection"],
    listViewWidth: [100, 130],
};

registry.category("fields").add("crm_voip_direction", crmVoipDirectionField);
