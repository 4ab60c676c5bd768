import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

/**
 * Seconds as a person reads them: 0:07, 12:30, 1:02:03.
 *
 * What was not measured is empty; a measured zero is 0:00.
 *
 * @param {number | false | null | undefined} seconds
 * @returns {string}
 */
export function formatCrmVoipDuration(seconds) {
    if (typeof seconds !== "number" || !Number.isFinite(seconds)) {
        return "";
    }
    const whole = Math.round(Math.abs(seconds));
    const sign = seconds < 0 && whole ? "-" : "";
    const twoDigits = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    const shown = hours ? `${hours}:${twoDigits(minutes)}` : String(minutes);
    return `${sign}${shown}:${twoDigits(whole % 60)}`;
}

export class CrmVoipDurationField extends Component {
    static template = "crm_voip_bridge.DurationField";
    static props = { ...standardFieldProps };

    get text() {
        return formatCrmVoipDuration(this.props.record.data[this.props.name]);
    }
}

export const crmVoipDurationField = {
    component: CrmVoipDurationField,
    displayName: _t("Duration of a call"),
    supportedTypes: ["float", "integer"],
    // a measured zero is a value, and its label stays
    isEmpty: (record, name) => typeof record.data[name] !== "number",
    listViewWidth: [72, 120],
};

registry.category("fields").add("crm_voip_duration", crmVoipDurationField);
// totals of lists, groups, pivots and graphs take their format from here
registry.category("formatters").add("crm_voip_duration", formatCrmVoipDuration);
