import { formatCrmVoipDuration } from "./duration_field";

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component, onMounted, onWillUnmount, useState } from "@odoo/owl";

const { DateTime } = luxon;

/** How long it is since a moment, as a running clock: 0:07, 12:30, 1:02:03. */
export class CrmVoipClockField extends Component {
    static template = "crm_voip_bridge.ClockField";
    static props = { ...standardFieldProps };

    setup() {
        this.state = useState({ now: DateTime.now() });
        let timer;
        onMounted(() => {
            timer = setInterval(() => (this.state.now = DateTime.now()), 1000);
        });
        onWillUnmount(() => clearInterval(timer));
    }

    get text() {
        const since = this.props.record.data[this.props.name];
        if (!since) {
            return "";
        }
        // a clock here that is behind the server's counts from nought
        return formatCrmVoipDuration(Math.max(0, this.state.now.diff(since).as("seconds")));
    }
}

export const crmVoipClockField = {
    component: CrmVoipClockField,
    displayName: _t("Time since"),
    supportedTypes: ["datetime"],
    listViewWidth: [72, 120],
};

registry.category("fields").add("crm_voip_clock", crmVoipClockField);
