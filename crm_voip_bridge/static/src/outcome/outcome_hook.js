import { _t } from "@web/core/l10n/translation";
import { CrmVoipOutcomeDialog } from "./outcome_dialog";

import { useEnv } from "@odoo/owl";

/**
 * Gives outcomes to calls: asks what has to be asked, says what followed, offers the way back.
 *
 * @returns {{
 *  give: (callId: number, outcome: Object, changed?: Function) => Promise<void>,
 *  undo: (callId: number, changed?: Function) => Promise<void>,
 * }} `changed` is called after anything changed, also by Undo
 */
export function useCrmVoipOutcomes() {
    // not useService: the component is often gone when somebody clicks Undo
    const { dialog, notification, orm } = useEnv().services;

    async function undo(callId, changed) {
        const told = await orm.call("crm.voip.wrapup", "desk_outcome_undo", [callId]);
        notification.add(told.message, { type: "info" });
        await changed?.();
    }

    async function send(callId, outcome, values, changed) {
        const told = await orm.call("crm.voip.wrapup", "desk_outcome", [
            callId,
            outcome.id,
            values,
        ]);
        const buttons = [];
        const close = notification.add(told.message, {
            type: "success",
            buttons,
            className: "o_crm_voip_outcome_told",
            ...(told.undo && { autocloseDelay: 8000 }),
        });
        if (told.undo) {
            buttons.push({
                name: _t("Undo"),
                onClick: () => {
                    close();
                    return undo(callId, changed);
                },
            });
        }
        await changed?.();
    }

    async function give(callId, outcome, changed) {
        if (!outcome.asks) {
            return send(callId, outcome, {}, changed);
        }
        dialog.add(CrmVoipOutcomeDialog, {
            outcome,
            confirm: (values) => send(callId, outcome, values, changed),
        });
    }

    return { give, undo };
}
