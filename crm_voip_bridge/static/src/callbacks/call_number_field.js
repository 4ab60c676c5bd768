import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { Component } from "@odoo/owl";

/** A number that is there to be called: a link as all others that click to call takes, or a button with a key. */
export class CrmVoipCallNumberField extends Component {
    static template = "crm_voip_bridge.CallNumberField";
    static props = {
        ...standardFieldProps,
        button: { type: Boolean, optional: true },
        hotkey: { type: String, optional: true },
    };

    get number() {
        return this.props.record.data[this.props.name] || "";
    }

    get href() {
        return "tel:" + this.number.replace(/\s+/g, "");
    }

    get title() {
        return _t("Call %s", this.number);
    }

    /** What click to call (static/src/dial) reads. */
    get clicked() {
        const { resModel, resId } = this.props.record;
        return `${resModel},${resId}`;
    }
}

export const crmVoipCallNumberField = {
    component: CrmVoipCallNumberField,
    displayName: _t("Number to call"),
    supportedTypes: ["char"],
    extractProps: ({ options }) => ({ button: options.button, hotkey: options.hotkey }),
    listViewWidth: [150, 180],
};

registry.category("fields").add("crm_voip_call_number", crmVoipCallNumberField);

/** The same as a button among those of a form's header, where fields have no place. */
export class CrmVoipCallButton extends CrmVoipCallNumberField {
    static props = {
        ...standardWidgetProps,
        name: String,
        button: Boolean,
        hotkey: { type: String, optional: true },
    };
}

export const crmVoipCallButton = {
    component: CrmVoipCallButton,
    extractProps: ({ attrs, options }) => ({
        name: attrs.field,
        button: true,
        hotkey: options.hotkey,
    }),
};

registry.category("view_widgets").add("crm_voip_call_button", crmVoipCallButton);
