import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";

import { onMounted, onWillUnmount } from "@odoo/owl";

/** Shortest time between two reloads (ms), whatever the bus says. */
export const PAUSE = 1000;

/**
 * Call `reload` when calls that go on changed: at once, then once a second at most, and not while nobody
 * looks at the page.
 *
 * @param {() => Promise<any>} reload
 */
export function useLiveCalls(reload) {
    const bus = useService("bus_service");
    let timer = null;
    let isStale = false;
    let last = -Infinity;

    const run = async () => {
        timer = null;
        isStale = false;
        last = performance.now();
        await reload();
    };
    const ask = () => {
        isStale = true;
        if (timer === null && document.visibilityState !== "hidden") {
            timer = setTimeout(run, Math.max(0, last + PAUSE - performance.now()));
        }
    };
    const look = () => {
        if (isStale) {
            ask();
        }
    };
    onMounted(() => {
        bus.subscribe("crm_voip_bridge/live", ask);
        // what was said meanwhile is not said again
        bus.addEventListener("BUS:RECONNECT", ask);
        document.addEventListener("visibilitychange", look);
    });
    onWillUnmount(() => {
        clearTimeout(timer);
        bus.unsubscribe("crm_voip_bridge/live", ask);
        bus.removeEventListener("BUS:RECONNECT", ask);
        document.removeEventListener("visibilitychange", look);
    });
}

export class CrmVoipLiveListController extends ListController {
    setup() {
        super.setup();
        useLiveCalls(() => this.model.load());
    }
}

export class CrmVoipLiveKanbanController extends KanbanController {
    setup() {
        super.setup();
        useLiveCalls(() => this.model.load());
    }
}

registry
    .category("views")
    .add("crm_voip_live_list", { ...listView, Controller: CrmVoipLiveListController })
    .add("crm_voip_live_kanban", { ...kanbanView, Controller: CrmVoipLiveKanbanController });
