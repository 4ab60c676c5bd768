import { _t } from "@web/core/l10n/translation";
import { formatDateTime } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { formatCrmVoipDuration } from "./duration_field";

import { Component, useState } from "@odoo/owl";

/**
 * The player of a recording, on its state: what may be heard plays, of what is gone it is said why.
 *
 * Nothing is fetched before somebody presses play, for each listening is noted.
 */
export class CrmVoipPlayerField extends Component {
    static template = "crm_voip_bridge.PlayerField";
    static props = { ...standardFieldProps };

    setup() {
        this.broken = useState({ value: false });
    }

    get data() {
        return this.props.record.data;
    }

    get url() {
        return `/crm_voip_bridge/recording/${this.props.record.resId}`;
    }

    get duration() {
        return formatCrmVoipDuration(this.data.seconds);
    }

    get label() {
        return _t("Recording of the call");
    }

    /** Why there is nothing to hear, empty if there is. */
    get message() {
        const { state, gone_at: goneAt, gone_by_id: goneBy, reason } = this.data;
        const values = {
            when: goneAt ? formatDateTime(goneAt) : "",
            who: goneBy?.display_name || "",
            reason,
        };
        if (state === "expired") {
            return _t("Deleted on %(when)s, because its time was over.", values);
        }
        if (state === "deleted") {
            return _t("Deleted on %(when)s by %(who)s: %(reason)s", values);
        }
        if (!this.data.can_listen) {
            return _t("There is a recording. To listen, one needs the right “Call recordings”.");
        }
        if (this.broken.value) {
            return _t("It cannot be played. It may have been deleted meanwhile: reload the page.");
        }
        return "";
    }

    onError() {
        this.broken.value = true;
    }
}

export const crmVoipPlayerField = {
    component: CrmVoipPlayerField,
    displayName: _t("Player of a recording"),
    supportedTypes: ["selection"],
    fieldDependencies: [
        { name: "seconds", type: "float" },
        { name: "is_played", type: "boolean" },
        { name: "can_listen", type: "boolean" },
        { name: "gone_at", type: "datetime" },
        { name: "gone_by_id", type: "many2one", relation: "res.users" },
        { name: "reason", type: "char" },
    ],
};

registry.category("fields").add("crm_voip_player", crmVoipPlayerField);

/** Whether a call has a recording: a loudspeaker, or nothing. */
export class CrmVoipHasSoundField extends Component {
    static template = "crm_voip_bridge.HasSoundField";
    static props = { ...standardFieldProps };
}

export const crmVoipHasSoundField = {
    component: CrmVoipHasSoundField,
    displayName: _t("Whether there is a recording"),
    supportedTypes: ["boolean"],
    listViewWidth: 90,
};

registry.category("fields").add("crm_voip_has_sound", crmVoipHasSoundField);
