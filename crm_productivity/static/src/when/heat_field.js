import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component, useRef, useState } from "@odoo/owl";

const STEPS = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
};

/** Weekdays by hours; arrows go from cell to cell, a click or Enter opens the calls. */
export class CrmProductivityHeatField extends Component {
    static template = "crm_productivity.HeatField";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.table = useRef("table");
        this.state = useState({ place: false });
    }

    get heat() {
        return this.props.record.data[this.props.name] || {};
    }

    /** One cell is reached with Tab: the one last used, else the first. */
    isCurrent(row, cell) {
        const places = this.heat.rows.flatMap((one) =>
            one.cells
                .filter(({ value }) => value !== null)
                .map(({ hour }) => `${one.weekday}-${hour}`),
        );
        const current = places.includes(this.state.place) ? this.state.place : places[0];
        return current === `${row.weekday}-${cell.hour}`;
    }

    onKeydown(ev) {
        const step = STEPS[ev.key];
        const from = ev.target.closest("td");
        if (!step || !from) {
            return;
        }
        ev.preventDefault();
        let row = from.parentElement.rowIndex;
        let column = from.cellIndex;
        const { rows } = this.table.el;
        // over the hours that there were not
        for (;;) {
            row += step[0];
            column += step[1];
            const next = rows[row]?.cells[column];
            if (!next || next.tagName === "TH") {
                return;
            }
            const button = next.querySelector("button");
            if (button) {
                this.state.place = button.dataset.place;
                button.focus();
                return;
            }
        }
    }

    async open(row, cell) {
        this.state.place = `${row.weekday}-${cell.hour}`;
        const { what, period, team_id: team } = this.props.record.data;
        const action = await this.orm.call("crm.productivity.when", "action_calls", [
            what,
            period,
            team ? team.id : false,
            row.weekday,
            cell.hour,
        ]);
        await this.action.doAction(action);
    }
}

export const crmProductivityHeatField = {
    component: CrmProductivityHeatField,
    displayName: _t("Weekdays by hours"),
    supportedTypes: ["json"],
    isEmpty: () => false,
};

registry.category("fields").add("crm_productivity_heat", crmProductivityHeatField);
