import { _t } from "@web/core/l10n/translation";
import { Dialog } from "@web/core/dialog/dialog";
import { useAutofocus } from "@web/core/utils/hooks";

import { Component, useState } from "@odoo/owl";

const { DateTime } = luxon;

/**
 * Asks what an outcome cannot do without: until when it was promised, why it is lost, what was said.
 */
export class CrmVoipOutcomeDialog extends Component {
    static template = "crm_voip_bridge.OutcomeDialog";
    static components = { Dialog };
    static props = {
        close: Function,
        outcome: Object,
        confirm: Function,
    };

    setup() {
        const [kind] = this.props.outcome.choices?.[0] || [false];
        this.state = useState({ date: "", fact: "", kind });
        // a date has no selection that autofocus could set: its dialog begins with the days
        useAutofocus({ refName: "fact" });
    }

    get title() {
        return this.props.outcome.name;
    }

    get today() {
        return DateTime.local().toISODate();
    }

    /** Dates that one tap promises. */
    get days() {
        const today = DateTime.local().startOf("day");
        const name = (date) =>
            date.toLocaleString({ weekday: "short", day: "numeric", month: "short" });
        return [
            { label: _t("Today"), date: today },
            { label: _t("Tomorrow"), date: today.plus({ days: 1 }) },
            { label: _t("In a week"), date: today.plus({ weeks: 1 }) },
            { label: _t("In two weeks"), date: today.plus({ weeks: 2 }) },
        ].map(({ label, date }) => ({ label, title: name(date), value: date.toISODate() }));
    }

    async confirm(values) {
        await this.props.confirm(values);
        this.props.close();
    }
}
