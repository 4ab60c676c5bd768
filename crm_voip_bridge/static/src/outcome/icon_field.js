import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

/** A name of Font Awesome as its picture. */
export class CrmVoipIconField extends Component {
    static template = "crm_voip_bridge.IconField";
    static props = { ...standardFieldProps };

    get icon() {
        // nothing but a class name gets into the class
        return /^fa-[a-z0-9-]+$/.exec(this.props.record.data[this.props.name] || "")?.[0];
    }
}

registry.category("fields").add("crm_voip_icon", {
    component: CrmVoipIconField,
    displayName: _t("Icon"),
    supportedTypes: ["char"],
});
