import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { browser } from "@web/core/browser/browser";
import { isMobileOS } from "@web/core/browser/feature_detection";
import { _t } from "@web/core/l10n/translation";
import { RPCError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { session } from "@web/session";

import { subscribeNews } from "@crm_voip_bridge/news";

/** Milliseconds after which somebody who heard nothing of a command is told so: longer than a phone rings. */
const PATIENCE = 18000;
/** Milliseconds for which a result is kept of which we do not know yet that it is ours. */
const KEPT = 5000;
const ENDED = ["done", "refused", "expired"];

/**
 * The link to a telephone number that a click is on.
 *
 * @param {EventTarget | null} target
 * @returns {HTMLAnchorElement | null}
 */
function phoneLink(target) {
    const link = target?.closest?.('a[href^="tel:"]');
    // within a text that is being written, a click sets the cursor
    return link && !link.isContentEditable ? link : null;
}

/** Whether a click is a plain one: not to open a tab, nor for a menu. */
function isPlain(ev) {
    return ev.button === 0 && !ev.ctrlKey && !ev.metaKey && !ev.shiftKey && !ev.altKey;
}

/**
 * What a link dials, and the record that it is on, as far as the view says.
 *
 * @param {HTMLAnchorElement} link
 */
export function readLink(link) {
    let number = link.getAttribute("href").slice("tel:".length);
    try {
        number = decodeURIComponent(number);
    } catch {
        // a lone percent sign is part of what somebody typed
    }
    const [resModel, resId] = (
        link.closest("[data-crm-voip-record]")?.dataset.crmVoipRecord || ","
    ).split(",");
    return { number, resModel: resModel || false, resId: Number(resId) || false };
}

/**
 * Dials through the person's own phone, and tells what became of it.
 *
 * There is one listener for all links to telephone numbers, whoever shows them, after all others: what another addon
 * has handled (`preventDefault`, `stopPropagation`) is left to it, and no component is patched for it.
 */
export const crmVoipDialService = {
    dependencies: ["bus_service", "dialog", "multi_tab", "notification", "orm"],
    start(env, { bus_service, dialog, multi_tab, notification, orm }) {
        /** id of a command -> how to close the word of it, and the timer */
        const followed = new Map();
        /** id of a command -> what became of it before we knew that it is ours */
        const early = new Map();

        function say(text, type, options = {}) {
            return notification.add(text, {
                type,
                className: "o_crm_voip_dial",
                ...options,
            });
        }

        function end(told) {
            const { close, timer } = followed.get(told.id) || {};
            browser.clearTimeout(timer);
            followed.delete(told.id);
            close?.();
            if (told.state !== "done") {
                say(told.reason || _t("The telephone system did not do it."), "danger", {
                    className: "o_crm_voip_dial o_crm_voip_dial_refused",
                    autocloseDelay: 10000,
                });
            }
        }

        subscribeNews(bus_service, "crm_voip_bridge/command", (told) => {
            if (!ENDED.includes(told.state)) {
                return;
            }
            if (followed.has(told.id)) {
                end(told);
                return;
            }
            // the answer to our own request may come after the result
            early.set(told.id, told);
            browser.setTimeout(async () => {
                // of a page that was left meanwhile: one tab tells
                if (
                    early.delete(told.id) &&
                    told.state !== "done" &&
                    (await multi_tab.isOnMainTab())
                ) {
                    end(told);
                }
            }, KEPT);
        });
        bus_service.start();

        /** Tell that a command is under way, until it is known what became of it. */
        function follow({ command, text }) {
            const close = say(text, "info", { sticky: true });
            const timer = browser.setTimeout(async () => {
                const told = await orm.silent
                    .call("crm.voip.command", "outcome", [command])
                    .catch(() => ({}));
                if (followed.has(command)) {
                    if (told.state === "accepted") {
                        // the phone still rings
                        followed.get(command).timer = browser.setTimeout(
                            () => end({ id: command, state: "done" }),
                            2 * PATIENCE,
                        );
                        return;
                    }
                    end({
                        id: command,
                        state: told.state === "done" ? "done" : "expired",
                        reason:
                            told.reason ||
                            _t(
                                "The telephone system has not answered. See whether your phone rings.",
                            ),
                    });
                }
            }, PATIENCE);
            followed.set(command, { close, timer });
            if (early.has(command)) {
                const told = early.get(command);
                early.delete(command);
                end(told);
            }
        }

        /** Ask for a command, and say what is wrong as a word beside the page, which nothing has to be clicked for. */
        async function ask(model, method, args) {
            try {
                return await orm.call(model, method, args);
            } catch (error) {
                if (
                    error instanceof RPCError &&
                    error.exceptionName === "odoo.exceptions.UserError"
                ) {
                    say(error.data.message, "danger", {
                        className: "o_crm_voip_dial o_crm_voip_dial_refused",
                        autocloseDelay: 10000,
                    });
                    return { state: "refused" };
                }
                throw error;
            }
        }

        /**
         * @param {string} number as it is shown
         * @param {{resModel?: string | false, resId?: number | false, confirmed?: boolean}} [on]
         * @returns {Promise<string>} `sent`, `refused`, `confirm` or `tel`
         */
        async function dial(number, { resModel = false, resId = false, confirmed = false } = {}) {
            const answer = await ask("crm.voip.command", "dial", [
                number,
                resModel,
                resId,
                confirmed,
            ]);
            if (answer.state === "sent") {
                follow(answer);
            } else if (answer.state === "confirm") {
                dialog.add(ConfirmationDialog, {
                    title: _t("Call anyway?"),
                    body: answer.text,
                    confirmLabel: _t("Call"),
                    confirm: () => dial(number, { resModel, resId, confirmed: true }),
                    cancel: () => {},
                });
            } else if (answer.state === "tel") {
                browser.location.assign(`tel:${number.replace(/\s+/g, "")}`);
            }
            return answer.state;
        }

        async function command(method, args) {
            const answer = await ask("crm.voip.call", method, args);
            if (answer.state === "sent") {
                follow(answer);
            }
            return answer.state;
        }

        // who has no phone here keeps the links as they are, and so does who holds a phone in the hand
        if (session.crm_voip?.dial && !isMobileOS()) {
            document.addEventListener(
                "click",
                (ev) => {
                    if (isPlain(ev) && phoneLink(ev.target)) {
                        // the list view's own mark for clicks that open no record
                        ev.target.special_click = true;
                    }
                },
                { capture: true },
            );
            document.addEventListener("click", (ev) => {
                const link = !ev.defaultPrevented && isPlain(ev) && phoneLink(ev.target);
                if (link) {
                    ev.preventDefault();
                    const { number, ...on } = readLink(link);
                    dial(number, on);
                }
            });
        }

        return {
            dial,
            follow,
            hangup: (callId) => command("card_hangup", [callId]),
            transfer: (callId, target) => command("card_transfer", [callId, target]),
        };
    },
};

registry.category("services").add("crm_voip_dial", crmVoipDialService);
