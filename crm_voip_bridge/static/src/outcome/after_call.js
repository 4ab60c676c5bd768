import { _t } from "@web/core/l10n/translation";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";
import { useDebounced } from "@web/core/utils/timing";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { formatCrmVoipDuration } from "../fields/duration_field";
import { useCrmVoipOutcomes } from "./outcome_hook";
import { CrmVoipOutcomePicker } from "./outcome_picker";

import { Component, onWillStart, onWillUpdateProps, useEnv, useState } from "@odoo/owl";

/** Waits so long after the last letter before the note is saved. */
const PAUSE = 600;

/**
 * What the present user does after a call, on its form: outcome and note, saved at once.
 *
 * The call itself is nobody's to edit; this writes one's own wrap-up.
 */
export class CrmVoipAfterCall extends Component {
    static template = "crm_voip_bridge.AfterCall";
    static components = { CrmVoipOutcomePicker };
    static props = { ...standardWidgetProps };

    setup() {
        // not useService: the last letters are saved when the form is gone already
        this.orm = useEnv().services.orm;
        this.giver = useCrmVoipOutcomes();
        this.state = useState({ ready: false });
        this.saveSoon = useDebounced(() => this.save(), PAUSE, { execBeforeUnmount: true });
        onWillStart(() => this.load(this.props.record.resId));
        onWillUpdateProps(async (next) => {
            if (next.record.resId !== this.callId) {
                await this.save();
                await this.load(next.record.resId);
            }
        });
    }

    get promised() {
        return (
            this.state.promised_at &&
            _t("Promised for %s", formatDate(deserializeDate(this.state.promised_at)))
        );
    }

    /** One's own times, where there was a call card. */
    get times() {
        const { look_up_s, after_call_s } = this.state;
        return [
            typeof look_up_s === "number" &&
                _t("Looked up after %s", formatCrmVoipDuration(look_up_s)),
            typeof after_call_s === "number" &&
                _t("After-call work %s", formatCrmVoipDuration(after_call_s)),
        ]
            .filter(Boolean)
            .join(" · ");
    }

    async load(callId) {
        this.callId = callId;
        if (!callId) {
            return;
        }
        const read = await this.orm.call("crm.voip.wrapup", "desk_read", [callId]);
        if (callId === this.callId) {
            this.saved = read.note;
            Object.assign(this.state, read, { ready: true, saving: "" });
        }
    }

    onInput(ev) {
        this.state.note = ev.target.value;
        this.state.saving = "";
        this.saveSoon();
    }

    async save() {
        if (!this.state.ready || this.state.note === this.saved) {
            return;
        }
        const note = this.state.note;
        this.saved = note;
        this.state.saving = _t("Saving…");
        try {
            await this.orm.silent.call("crm.voip.wrapup", "desk_note", [this.callId, note]);
            this.state.saving = _t("Saved");
        } catch (error) {
            // what was typed is still there to be saved
            this.saved = undefined;
            this.state.saving = _t("Not saved");
            throw error;
        }
    }

    async choose(outcome) {
        await this.save();
        const { record } = this.props;
        await this.giver.give(this.callId, outcome, () => this.reload(record));
    }

    async takeBack() {
        const { record } = this.props;
        await this.giver.undo(this.callId, () => this.reload(record));
    }

    async reload(record) {
        if (record.resId === this.callId) {
            await Promise.all([this.load(this.callId), record.load()]);
        }
    }
}

registry.category("view_widgets").add("crm_voip_after_call", { component: CrmVoipAfterCall });
