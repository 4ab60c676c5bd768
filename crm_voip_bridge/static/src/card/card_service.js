import { CardNote } from "@crm_voip_bridge/card/card_note";
import { CardTab } from "@crm_voip_bridge/card/card_tab";
import { subscribeNews } from "@crm_voip_bridge/news";
import { browser } from "@web/core/browser/browser";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { session } from "@web/session";

import { markRaw, reactive } from "@odoo/owl";

/** Cards shown at a time; the others wait in the background. */
export const MOST_CARDS = 3;
/** Seconds that a card stays after the call, until Odoo has said otherwise. */
const CAP = 120;
/** Milliseconds that a word about a card that is gone stays ("taken by …"). */
export const NOTICE_TIME = 4000;
/** Hours for which it is remembered that somebody closed a card. */
const REMEMBER_CLOSED = 24;

/** How far a call has come: a card that was closed comes back only when the call has come further. */
const STAGES = { queued: 0, ringing: 1, talking: 2, ended: 3 };
/** Which cards matter most. */
const PRIORITY = ["talking", "ringing", "ended", "queued"];

/**
 * A call as the cards know it.
 *
 * @typedef {Object} CardCall
 * @property {number} id
 * @property {"queued" | "ringing" | "talking" | "ended"} state what it is to this person now
 * @property {Object} head what Odoo sent: see `_prepare_card_head` of `crm.voip.call`
 * @property {Object | null} details what the card asked for: see `_prepare_card_vals`, null while they come
 * @property {boolean} refused the details are not for this person
 * @property {number} offset milliseconds that the PBX's clock is ahead of this browser's
 * @property {CardNote} note
 * @property {string} noteText
 * @property {string} noteState
 * @property {number | false} outcomeId
 */

/**
 * The calls of the person logged in, as the bus tells them, and what can be done with their cards.
 *
 * Every tab keeps the calls; only the one that has the cards ({@link CardTab}) shows them, asks for details, and tells
 * Odoo what happened to them.
 */
export class CallCards {
    constructor({ orm, notification, action, bus_service: bus }) {
        this.orm = markRaw(orm);
        this.notification = markRaw(notification);
        this.action = markRaw(action);
        this.bus = markRaw(bus);
        /** @type {Object<number, CardCall>} */
        this.calls = {};
        /** Short words about cards that are gone: `[{ id, text }]`. */
        this.notices = [];
        /** What a screen reader says. */
        this.announcement = "";
        /** Id of the card that is opened wide; null: none; undefined: the one that matters most. */
        this.opened = undefined;
        this.owns = false;
        this.prefix = `crm_voip_bridge.card.${session.db || ""}.${user.userId}`;
        this.closedKey = `${this.prefix}.closed`;
    }

    start() {
        this.tab = markRaw(new CardTab(`${this.prefix}.tab`, () => this.onTabChange()));
        this.tab.start();
        this.owns = this.tab.owns;
        subscribeNews(this.bus, "crm_voip_bridge/call", (head) => this.receive(head));
        browser.addEventListener("storage", ({ key }) => {
            if (key === this.closedKey) {
                this.forgetClosed();
            }
        });
        for (const type of ["pagehide", "beforeunload"]) {
            browser.addEventListener(type, () => this.flushNotes());
        }
        if (session.crm_voip?.card) {
            this.bus.start();
            this.bus.addEventListener("BUS:RECONNECT", () => this.loadCurrent());
            this.loadCurrent();
        }
    }

    /** What goes on already: after a reload, or when the connection was lost for a while. */
    async loadCurrent() {
        const heads = await this.orm.silent
            .call("crm.voip.call", "card_current", [])
            .catch(() => null); // the bus tells what comes
        if (!heads) {
            return;
        }
        const going = new Set(heads.map((head) => head.id));
        for (const call of Object.values(this.calls)) {
            if (call.state !== "ended" && !going.has(call.id)) {
                this.remove(call);
            }
        }
        for (const head of heads) {
            this.receive(head);
        }
    }

    // ------------------------------------------------------------------ what is shown

    /** @returns {CardCall[]} the cards that are shown, the newest first */
    get shown() {
        return this.owns ? this.byPriority.slice(0, MOST_CARDS).sort((a, b) => b.id - a.id) : [];
    }

    /** Number of calls for which there is no room. */
    get hidden() {
        return this.owns ? Math.max(0, Object.keys(this.calls).length - MOST_CARDS) : 0;
    }

    get byPriority() {
        const rank = (call) => PRIORITY.indexOf(call.state);
        return Object.values(this.calls).sort((a, b) => rank(a) - rank(b) || b.id - a.id);
    }

    /** @returns {number | undefined} id of the card that is opened wide */
    get openedId() {
        const shown = this.shown;
        if (this.opened === null || shown.some((call) => call.id === this.opened)) {
            return this.opened ?? undefined;
        }
        return this.byPriority[0]?.id;
    }

    toggle(call) {
        this.opened = this.openedId === call.id ? null : call.id;
    }

    // ------------------------------------------------------------------ what the bus says

    receive(head) {
        const known = this.calls[head.id];
        if (head.state === "merged") {
            this.merge(known, head.into);
        } else if (head.state === "taken") {
            this.taken(known, head);
        } else if (head.state === "ended" && !head.took_part) {
            this.missed(known, head);
        } else if (!this.isClosed(head)) {
            this.show(known, head);
        }
    }

    show(known, head) {
        const before = known?.state;
        const changed = ["state", "partner_id", "lead_id", "several"].some(
            (name) => known?.head[name] !== head[name],
        );
        const call = known || this.add(head);
        call.head = head;
        call.state = head.state;
        call.offset = deserializeDateTime(head.now).toMillis() - Date.now();
        if (before !== head.state) {
            this.announce(call);
            if (head.state === "talking" || (head.state === "ringing" && head.role === "caller")) {
                this.nextCallCame(call);
                this.opened = call.id;
            } else if (!known && !this.isBusy) {
                this.opened = undefined;
            }
            if (head.state === "ended") {
                this.ended(call);
            }
        }
        if (changed && this.calls[call.id]) {
            this.tell(call);
        }
    }

    add(head) {
        const id = head.id;
        const note = new CardNote(id, `${this.prefix}.note.${id}`, () => {
            call.noteText = note.text;
            call.noteState = note.state;
        });
        // read back from the reactive object, so that changes are seen
        this.calls[id] = {
            id,
            head,
            state: head.state,
            details: null,
            refused: false,
            offset: 0,
            note: markRaw(note),
            noteText: "",
            noteState: "",
            outcomeId: false,
            told: markRaw({}),
        };
        const call = this.calls[id];
        return call;
    }

    /** Of a call that became part of another one, the card goes on as that one's. */
    merge(call, into) {
        if (!call) {
            return;
        }
        const other = this.calls[into];
        if (call.note.isDirty && other) {
            other.note.type([other.note.text, call.note.text].filter(Boolean).join("\n"));
        }
        this.remove(call);
    }

    taken(call, head) {
        if (!call) {
            return;
        }
        this.remove(call);
        const name = this.nameOf(head);
        this.notice(
            head.taken_by
                ? _t("%(name)s: taken by %(colleague)s", { name, colleague: head.taken_by })
                : _t("%(name)s: taken by a colleague", { name }),
        );
    }

    missed(call, head) {
        if (!call) {
            return;
        }
        this.remove(call);
        if (head.direction !== "internal" && head.disposition !== "in_progress") {
            this.notice(_t("%(name)s: nobody took it", { name: this.nameOf(head) }));
        }
    }

    /** The person's part of the call is over: some time for what is to be written down. */
    ended(call) {
        if (call.outcomeId) {
            this.leave(call);
            return;
        }
        const until = deserializeDateTime(call.head.ended_at || call.head.now).toMillis();
        const left = until - call.offset + (call.details?.cap ?? CAP) * 1000 - Date.now();
        browser.clearTimeout(call.told.timer);
        call.told.until = until;
        call.told.timer = browser.setTimeout(() => this.timeUp(call), Math.max(0, left));
    }

    timeUp(call) {
        this.desk(call, "desk_close", "timeout");
        this.leave(call);
    }

    /** A call that is the person's own ends the work on those before it. */
    nextCallCame(next) {
        for (const call of Object.values(this.calls)) {
            if (call.id !== next.id && call.state === "ended") {
                this.desk(call, "desk_close", "next_call");
                this.leave(call);
            }
        }
    }

    // ------------------------------------------------------------------ what the person does

    close(call) {
        this.rememberClosed([call]);
        if (call.state === "ended" || call.state === "talking") {
            this.desk(call, "desk_close", "closed");
        }
        this.remove(call);
    }

    closeAll() {
        for (const call of Object.values(this.calls)) {
            this.close(call);
        }
    }

    /**
     * @param {CardCall} call
     * @param {string} model
     * @param {number} resId
     */
    async openRecord(call, model, resId) {
        this.once(call, "desk_opened");
        await this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: resId,
            views: [[false, "form"]],
        });
    }

    /**
     * @param {CardCall} call
     * @param {"new_contact" | "new_lead"} name
     */
    async openNew(call, name) {
        const action = await this.orm.call("crm.voip.call", "card_action", [call.id, name]);
        this.once(call, "desk_opened");
        await this.action.doAction(action);
    }

    async pick(call, candidate, remember) {
        const values = {
            [candidate?.model === "crm.lead" ? "lead_id" : "partner_id"]: candidate?.id || false,
        };
        const version = call.note.version;
        const details = await this.orm.call("crm.voip.call", "card_pick", [call.id], {
            ...values,
            remember,
        });
        this.setDetails(call, details, version);
    }

    async planned(call, activityId) {
        await this.orm.call("crm.voip.call", "card_planned", [call.id, activityId]);
        await this.load(call);
    }

    async hangUp(call) {
        await this.command("card_hangup", [call.id]);
    }

    async targets(call) {
        return this.orm.call("crm.voip.call", "card_targets", [call.id]);
    }

    async transfer(call, target) {
        await this.command("card_transfer", [call.id, target]);
    }

    /** What the PBX is told to do; what it did is said by the command itself. */
    async command(method, args) {
        const told = await this.orm.call("crm.voip.call", method, args);
        if (told?.state === "refused") {
            this.notification.add(told.text || told.reason, { type: "warning" });
        }
    }

    async giveOutcome(call, outcome, values = {}) {
        call.note.save();
        const told = await this.orm.call("crm.voip.wrapup", "desk_outcome", [
            call.id,
            outcome.id,
            values,
        ]);
        const buttons = told.undo
            ? [{ name: _t("Undo"), onClick: () => this.undoOutcome(call, remove) }]
            : [];
        const remove = this.notification.add(told.message, {
            type: "success",
            className: "o_crm_voip_outcome_told",
            autocloseDelay: 8000,
            buttons,
        });
        if (told.done) {
            call.outcomeId = outcome.id;
            if (call.state === "ended") {
                this.leave(call);
            }
        }
    }

    async undoOutcome(call, remove) {
        remove?.();
        const told = await this.orm.call("crm.voip.wrapup", "desk_outcome_undo", [call.id]);
        this.notification.add(told.message, { type: "info" });
        call.outcomeId = false;
        if (call.state === "ended") {
            // once more on the screen, with time to choose another one
            this.calls[call.id] ??= call;
            this.opened = call.id;
            browser.clearTimeout(call.told.timer);
            const cap = (call.details?.cap ?? CAP) * 1000;
            call.told.timer = browser.setTimeout(() => this.timeUp(call), cap);
        }
    }

    // ------------------------------------------------------------------ going away

    /** The work is done, but nobody takes a card away from under somebody's fingers. */
    leave(call) {
        call.note.save();
        if (this.owns && this.isTypedIn(call)) {
            call.told.leaves = true;
        } else {
            this.rememberClosed([call]);
            this.remove(call);
        }
    }

    onFocusOut(call) {
        call.note.save();
        // who moves within the card is still there
        browser.setTimeout(() => {
            if (call.told.leaves && !this.isTypedIn(call)) {
                this.leave(call);
            }
        });
    }

    isTypedIn(call) {
        const field = document.activeElement;
        const card = field?.matches("textarea, input, select") && field.closest(".o_crm_voip_card");
        return Boolean(card) && card.dataset.callId === String(call.id);
    }

    /** Whether the person works on a card now. */
    get isBusy() {
        return (
            Object.values(this.calls).some((call) => call.state === "talking") ||
            Boolean(document.activeElement?.closest?.(".o_crm_voip_card"))
        );
    }

    remove(call) {
        call.note.save();
        browser.clearTimeout(call.told.timer);
        delete this.calls[call.id];
        if (this.opened === call.id) {
            this.opened = undefined;
        }
    }

    notice(text) {
        const notice = { id: Date.now() + Math.random(), text };
        this.notices.push(notice);
        this.announcement = text;
        browser.setTimeout(() => {
            this.notices = this.notices.filter(({ id }) => id !== notice.id);
        }, NOTICE_TIME);
    }

    announce(call) {
        const name = this.nameOf(call.head);
        const words = {
            queued: _t("Call from %(name)s waits in %(queue)s", { name, queue: call.head.queue }),
            ringing:
                call.head.role === "caller"
                    ? _t("Calling %(name)s", { name })
                    : _t("Call from %(name)s rings", { name }),
            talking: _t("Call with %(name)s is connected", { name }),
            ended: _t("Call with %(name)s has ended", { name }),
        };
        this.announcement = words[call.state];
    }

    /** Who it is, as text: names of callers come from outside. */
    nameOf(head) {
        return (
            head.label ||
            head.number ||
            head.name ||
            (head.direction === "internal" ? _t("Internal call") : _t("Number withheld"))
        );
    }

    // ------------------------------------------------------------------ talking to Odoo

    /** This tab has the card on its screen, or what it shows has changed. */
    tell(call) {
        if (!this.owns) {
            return;
        }
        if (call.state !== "queued") {
            this.once(call, "desk_shown");
        }
        this.load(call);
    }

    async load(call) {
        const asked = (call.told.asked = (call.told.asked || 0) + 1);
        const version = call.note.version;
        try {
            const details = await this.orm.silent.call("crm.voip.call", "card_details", [call.id]);
            if (asked === call.told.asked) {
                this.setDetails(call, details, version);
            }
        } catch {
            // over meanwhile, or not this person's: the head is all there is
            call.refused = !call.details;
        }
    }

    setDetails(call, details, version) {
        call.details = details;
        call.refused = false;
        call.outcomeId = details.wrapup?.outcome_id || false;
        call.note.load(details.wrapup?.note || "", version);
        if (call.state === "ended" && call.told.until) {
            this.ended(call);
        }
    }

    /** Once for each call: when the card was shown, when the first record was opened. */
    once(call, method) {
        if (!call.told[method]) {
            call.told[method] = true;
            this.desk(call, method);
        }
    }

    /** Tell the wrap-up of the call; only the tab with the cards does. */
    desk(call, method, ...args) {
        if (this.owns) {
            // nobody is bothered because a time could not be noted
            this.orm.silent.call("crm.voip.wrapup", method, [call.id, ...args]).catch(() => {});
        }
    }

    flushNotes() {
        for (const call of Object.values(this.calls)) {
            call.note.flush();
        }
    }

    // ------------------------------------------------------------------ several tabs

    onTabChange() {
        this.owns = this.tab.owns;
        for (const call of Object.values(this.calls)) {
            if (this.owns) {
                this.tell(call);
            } else {
                call.note.save();
            }
        }
    }

    /** @returns {Object<number, { stage: number, at: number }>} what was closed, in any tab */
    readClosed() {
        try {
            return JSON.parse(browser.localStorage.getItem(this.closedKey)) || {};
        } catch {
            return {};
        }
    }

    rememberClosed(calls) {
        if (!this.owns) {
            return;
        }
        const oldest = Date.now() - REMEMBER_CLOSED * 3600 * 1000;
        const closed = Object.fromEntries(
            Object.entries(this.readClosed()).filter(([, { at }]) => at > oldest),
        );
        for (const call of calls) {
            closed[call.id] = { stage: STAGES[call.state], at: Date.now() };
        }
        browser.localStorage.setItem(this.closedKey, JSON.stringify(closed));
    }

    /** Whoever closes a ringing card and takes the call nevertheless wants to see it. */
    isClosed(head) {
        const closed = this.readClosed()[head.id];
        return closed && (head.state === "ended" || STAGES[head.state] <= closed.stage);
    }

    /** Another tab closed cards. */
    forgetClosed() {
        for (const call of Object.values(this.calls)) {
            if (this.isClosed(call.head)) {
                this.remove(call);
            }
        }
    }
}

export const crmVoipCardService = {
    dependencies: ["action", "bus_service", "notification", "orm"],
    start(env, services) {
        const cards = reactive(new CallCards(services));
        cards.start();
        return cards;
    },
};

registry.category("services").add("crm_voip_card", crmVoipCardService);
