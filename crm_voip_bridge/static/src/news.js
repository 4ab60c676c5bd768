import { session } from "@web/session";

/**
 * Hear what the bus tells from now on. A new page is told once more what others heard in the last minute: that is no
 * news, and would come up again after it was closed.
 *
 * @param {object} bus the service
 * @param {string} type of messages that say by `now` when they were sent
 * @param {(payload: object) => void} callback
 */
export function subscribeNews(bus, type, callback) {
    bus.subscribe(type, (payload) => {
        if (!(payload.now < session.crm_voip?.now)) {
            callback(payload);
        }
    });
}
