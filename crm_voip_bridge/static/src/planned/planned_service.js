import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

import { subscribeNews } from "@crm_voip_bridge/news";

/** Milliseconds: long enough to read it and to reach for Undo. */
const SHOWN_FOR = 15000;

/** Tells a person which planned call was marked done after they talked, and takes it back if it was another one. */
export const crmVoipPlannedService = {
    dependencies: ["bus_service", "notification", "orm"],

    start(env, { bus_service: bus, notification, orm }) {
        subscribeNews(bus, "crm_voip_bridge/planned", ({ call_id, name, record, duration }) => {
            const close = notification.add(
                record
                    ? _t("%(name)s, with %(record)s (%(duration)s)", { name, record, duration })
                    : _t("%(name)s (%(duration)s)", { name, duration }),
                {
                    title: _t("Planned call marked done"),
                    type: "success",
                    autocloseDelay: SHOWN_FOR,
                    className: "o_crm_voip_planned",
                    buttons: [
                        {
                            name: _t("Undo"),
                            onClick: async () => {
                                close();
                                const { message } = await orm.call(
                                    "crm.voip.call",
                                    "card_planned_undo",
                                    [call_id],
                                );
                                notification.add(message, { type: "info" });
                            },
                        },
                    ],
                },
            );
        });
        bus.start();
    },
};

registry.category("services").add("crm_voip_planned", crmVoipPlannedService);
