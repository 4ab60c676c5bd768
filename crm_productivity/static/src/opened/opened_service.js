import { registry } from "@web/core/registry";

/**
 * Tells the server once a day that a screen with figures was opened, for “Who uses it”.
 *
 * Which window was opened is known in the browser alone: it keeps actions and views in its own cache.
 */
export const crmProductivityOpenedService = {
    dependencies: ["action", "orm"],
    start(env, { action, orm }) {
        const told = new Set();
        env.bus.addEventListener("ACTION_MANAGER:UI-UPDATED", () => {
            const model = action.currentController?.action.res_model;
            const key = `${model} ${new Date().toDateString()}`;
            if (String(model).startsWith("crm.productivity.") && !told.has(key)) {
                told.add(key);
                orm.silent.call("crm.productivity.opened", "note", [model]).catch(() => {
                    told.delete(key);
                });
            }
        });
    },
};

registry.category("services").add("crm_productivity_opened", crmProductivityOpenedService);
