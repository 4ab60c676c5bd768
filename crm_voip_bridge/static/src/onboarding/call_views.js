import { CrmVoipCallHelper } from "./onboarding";

import { registry } from "@web/core/registry";
import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListRenderer } from "@web/views/list/list_renderer";
import { listView } from "@web/views/list/list_view";

import { onWillUnmount } from "@odoo/owl";

/** How often (ms), and how many times, the first call is looked at until it has ended. */
export const FOLLOW = 3000;
const FOLLOW_MOST = 100;

/**
 * Show the first call as soon as it is there, and its end when it ends: somebody waits for it.
 *
 * @param {import("@web/model/relational_model/relational_model").RelationalModel} model
 * @returns {() => Promise<void>} to be called when there is a call
 */
function useFirstCall(model) {
    let timer;
    let left = FOLLOW_MOST;
    let isGone = false;
    const follow = async () => {
        // loading makes another list
        await model.load();
        const goesOn = model.root.records.some((call) => call.data.disposition === "in_progress");
        if (goesOn && left-- > 0 && !isGone) {
            timer = setTimeout(follow, FOLLOW);
        }
    };
    onWillUnmount(() => {
        isGone = true;
        clearTimeout(timer);
    });
    return follow;
}

export class CrmVoipCallListRenderer extends ListRenderer {
    static template = "crm_voip_bridge.CallListRenderer";
    static components = { ...ListRenderer.components, CrmVoipCallHelper };

    setup() {
        super.setup();
        this.onFirstCall = useFirstCall(this.props.list.model);
    }
}

export class CrmVoipCallKanbanRenderer extends KanbanRenderer {
    static template = "crm_voip_bridge.CallKanbanRenderer";
    static components = { ...KanbanRenderer.components, CrmVoipCallHelper };

    setup() {
        super.setup();
        this.onFirstCall = useFirstCall(this.props.list.model);
    }
}

registry
    .category("views")
    .add("crm_voip_call_list", { ...listView, Renderer: CrmVoipCallListRenderer })
    .add("crm_voip_call_kanban", { ...kanbanView, Renderer: CrmVoipCallKanbanRenderer });
