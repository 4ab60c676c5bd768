import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

const { DateTime } = luxon;

/**
 * A moment as people say it: with the day of the week, without the year if it is this one, without a
 * time if it is about a whole day.
 *
 * @param {DateTime | false} moment in the person's time zone
 * @param {boolean} wholeDay
 * @param {DateTime} [now]
 * @returns {string}
 */
export function formatCrmVoipWhen(moment, wholeDay, now = DateTime.now()) {
    if (!moment) {
        return "";
    }
    // a whole day is kept as a time of that day in UTC
    const shown = wholeDay ? moment.setZone("utc") : moment;
    const options = { weekday: "short", day: "numeric", month: "short" };
    if (shown.year !== now.year) {
        Object.assign(options, { weekday: undefined, year: "numeric" });
    }
    const day = shown.toLocaleString(options);
    return wholeDay ? day : `${day} ${shown.toLocaleString(DateTime.TIME_SIMPLE)}`;
}

export class CrmVoipWhenField extends Component {
    static template = "crm_voip_bridge.WhenField";
    static props = { ...standardFieldProps };

    get text() {
        const { data } = this.props.record;
        return formatCrmVoipWhen(data[this.props.name], data.whole_day);
    }
}

export const crmVoipWhenField = {
    component: CrmVoipWhenField,
    displayName: _t("When, in few words"),
    supportedTypes: ["datetime"],
    fieldDependencies: [{ name: "whole_day", type: "boolean" }],
    listViewWidth: [130, 190],
};

registry.category("fields").add("crm_voip_when", crmVoipWhenField);
