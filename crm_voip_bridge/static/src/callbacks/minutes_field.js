import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

/**
 * Working minutes as a person reads them: 45 min, 3 h 05.
 *
 * What was not measured is empty; a measured zero is 0 min.
 *
 * @param {number | false | null | undefined} minutes
 * @returns {string}
 */
export function formatCrmVoipMinutes(minutes) {
    if (typeof minutes !== "number" || !Number.isFinite(minutes)) {
        return "";
    }
    const whole = Math.round(minutes);
    if (whole < 60) {
        return _t("%s min", whole);
    }
    return _t("%(hours)s h %(minutes)s", {
        hours: Math.floor(whole / 60),
        minutes: String(whole % 60).padStart(2, "0"),
    });
}

export class CrmVoipMinutesField extends Component {
    static template = "crm_voip_bridge.MinutesField";
    static props = { ...standardFieldProps };

    get text() {
        return formatCrmVoipMinutes(this.props.record.data[this.props.name]);
    }
}

export const crmVoipMinutesField = {
    component: CrmVoipMinutesField,
    displayName: _t("Working minutes"),
    supportedTypes: ["float", "integer"],
    isEmpty: (record, name) => typeof record.data[name] !== "number",
    listViewWidth: [90, 130],
};

registry.category("fields").add("crm_voip_minutes", crmVoipMinutesField);
registry.category("formatters").add("crm_voip_minutes", formatCrmVoipMinutes);
