import { formatCrmVoipDuration } from "@crm_voip_bridge/fields/duration_field";
import { deserializeDate, deserializeDateTime, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useRegistry } from "@web/core/registry_hook";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { sortBy } from "@web/core/utils/arrays";

import { Component, onWillUnmount, useRef, useState } from "@odoo/owl";

/**
 * Lines that other addons put on the card, see readme/DEVELOPER.md.
 *
 * @typedef {Object} CardLine
 * @property {typeof Component} Component gets the prop `call`, a `CardCall` of the service `crm_voip_card`
 * @property {number} [sequence] the smaller, the higher on the card
 * @property {(call: Object) => boolean} [isShown] whether the line is on the card of this call
 */
export const cardLines = registry.category("crm_voip_bridge.card_lines");

const ICONS = {
    queued: "fa fa-hourglass-half",
    ringing: "fa fa-phone",
    talking: "fa fa-phone",
    ended: "fa fa-check",
};
const DIRECTION_ICONS = {
    inbound: "oi-arrow-down-left",
    outbound: "oi-arrow-up-right",
    internal: "oi-arrows-h",
};
/** Days from today that are offered for a promise. */
const DAYS = [
    [0, _t("Today")],
    [1, _t("Tomorrow")],
    [7, _t("In a week")],
];

/** One call: who it is, how long already, what is known of them, and what is to be done. */
export class CallCard extends Component {
    static template = "crm_voip_bridge.CallCard";
    static props = {
        call: Object,
        opened: Boolean,
        // the one that hotkeys are about
        first: Boolean,
        onGrab: Function,
    };

    setup() {
        this.cards = useState(useService("crm_voip_card"));
        this.ui = useState(useService("ui"));
        this.root = useRef("root");
        this.lines = useRegistry(cardLines);
        this.state = useState({
            now: Date.now(),
            remember: false,
            // outcome that asks for something, and what was said
            asking: null,
            values: {},
            targets: null,
            search: "",
            earlier: !this.ui.isSmall,
            busy: false,
        });
        const ticking = setInterval(() => (this.state.now = Date.now()), 1000);
        onWillUnmount(() => clearInterval(ticking));
    }

    get call() {
        return this.props.call;
    }

    get head() {
        return this.call.head;
    }

    get details() {
        return this.call.details;
    }

    get can() {
        return this.details?.can || {};
    }

    // ------------------------------------------------------------------ the head

    get icon() {
        return ICONS[this.call.state];
    }

    get title() {
        return this.cards.nameOf(this.head);
    }

    /** What the PBX showed as the name of somebody unknown: a claim, and text. */
    get claimedName() {
        const { label, name, number } = this.head;
        return !label && name && name !== number && name !== this.title ? name : "";
    }

    get number() {
        return this.head.number !== this.title ? this.head.number : "";
    }

    get country() {
        const { country } = this.head;
        if (!country) {
            return null;
        }
        const names = new Intl.DisplayNames([user.lang || "en"], {
            type: "region",
            fallback: "code",
        });
        return {
            name: names.of(country),
            flag: `/base/static/img/country_flags/${encodeURIComponent(country.toLowerCase())}.png`,
        };
    }

    get stateText() {
        const { direction, disposition, queue, role } = this.head;
        switch (this.call.state) {
            case "queued":
                return queue ? _t("Waits in %s", queue) : _t("Waits");
            case "ringing":
                if (role === "caller") {
                    return _t("Calling…");
                }
                return direction === "internal" ? _t("A colleague calls") : _t("Incoming call");
            case "talking":
                return _t("On the phone");
        }
        if (disposition === "in_progress") {
            return _t("Handed over");
        }
        const unanswered = {
            busy: _t("Busy"),
            missed: _t("Not answered"),
            failed: _t("Failed"),
            voicemail: _t("Voicemail"),
        };
        return unanswered[disposition] || _t("Call ended");
    }

    /** Whose call it is now, where that is not plain to see. */
    get whose() {
        const { user_id: userId, user_name: name, direction } = this.head;
        if (!name || direction === "internal" || this.call.state === "ringing") {
            return null;
        }
        return { id: userId, name: userId === user.userId ? _t("You") : name };
    }

    get clock() {
        const { answered_at, ended_at, started_at } = this.head;
        const at = (time) => (time ? deserializeDateTime(time).toMillis() : null);
        const since = at(answered_at) ?? (this.call.state === "ended" ? null : at(started_at));
        if (since === null) {
            return "";
        }
        const until =
            this.call.state === "ended" ? at(ended_at) : this.state.now + this.call.offset;
        return until === null ? "" : formatCrmVoipDuration(Math.max(0, (until - since) / 1000));
    }

    get ariaLabel() {
        return `${this.stateText}: ${this.title}`;
    }

    get toggleText() {
        return this.props.opened ? _t("Show less") : _t("Show more");
    }

    hotkey(key) {
        return this.props.first ? key : undefined;
    }

    // ------------------------------------------------------------------ the body

    get extraLines() {
        const entries = this.lines.entries.map(([key, line]) => ({ key, ...line }));
        const shown = entries.filter((line) => !line.isShown || line.isShown(this.call));
        return sortBy(shown, (line) => line.sequence ?? 50);
    }

    get canTransfer() {
        return this.can.transfer && this.call.state === "talking";
    }

    /** What rings here is declined at the telephone; what one dials oneself can be given up. */
    get canHangUp() {
        const { state } = this.call;
        const dialling = state === "ringing" && this.head.role === "caller";
        return this.can.hangup && (state === "talking" || dialling);
    }

    get isControlled() {
        return this.canTransfer || this.canHangUp;
    }

    get candidatesTitle() {
        return this.head.partner_id ? _t("Which opportunity is it about?") : _t("Who is it?");
    }

    /** Those among which the person is asked to choose are there already. */
    get otherOpportunities() {
        const { candidates, opportunities } = this.details;
        const asked = new Set(
            candidates.filter(({ model }) => model === "crm.lead").map(({ id }) => id),
        );
        return opportunities.filter(({ id }) => !asked.has(id));
    }

    get moreText() {
        return _t("And %s more open opportunities", this.details.more_opportunities);
    }

    get earlierCount() {
        return (this.details?.calls.length || 0) + (this.details?.messages.length || 0);
    }

    get noteStateText() {
        return {
            saving: _t("Saving…"),
            saved: _t("Saved"),
            failed: _t("Not saved yet, trying again"),
        }[this.call.noteState];
    }

    get days() {
        return DAYS.map(([days, label]) => ({
            label,
            value: luxon.DateTime.now().plus({ days }).toISODate(),
        }));
    }

    get today() {
        return luxon.DateTime.now().toISODate();
    }

    get shownTargets() {
        const words = this.state.search.toLowerCase().trim();
        return (this.state.targets || []).filter(({ name, number }) =>
            `${name} ${number}`.toLowerCase().includes(words),
        );
    }

    directionIcon(direction) {
        return DIRECTION_ICONS[direction];
    }

    /** A time in a few letters: the hour today, else the day. */
    when(time) {
        const at = deserializeDateTime(time);
        return at.hasSame(luxon.DateTime.now(), "day")
            ? at.toLocaleString(luxon.DateTime.TIME_SIMPLE)
            : formatDate(at);
    }

    day(date) {
        const at = deserializeDate(date);
        const days = at.startOf("day").diff(luxon.DateTime.now().startOf("day"), "days").days;
        const near = { [-1]: _t("Yesterday"), 0: _t("Today"), 1: _t("Tomorrow") };
        return near[Math.round(days)] || formatDate(at);
    }

    activityClass(state) {
        return { overdue: "text-danger", today: "text-warning" }[state] || "text-success";
    }

    // ------------------------------------------------------------------ what happens

    /** One thing at a time; a second click on a button does nothing. */
    async doing(work) {
        if (this.state.busy) {
            return;
        }
        this.state.busy = true;
        try {
            await work();
        } finally {
            this.state.busy = false;
        }
    }

    onOpen() {
        const { model, id } = this.details.contact;
        return this.doing(() => this.openRecord(model, id));
    }

    /** Odoo's own dialog for an activity, on the opportunity of the call, or else its contact. */
    async onNextStep() {
        const { lead_id: leadId } = this.call.head;
        const { model, id } = leadId ? { model: "crm.lead", id: leadId } : this.details.contact;
        this.makeRoom();
        // not as one of the things that are done one at a time: one hangs up while the dialog is open
        await this.env.services["mail.store"].scheduleActivity(model, [id]);
        await this.cards.load(this.call);
    }

    async openRecord(model, id) {
        await this.cards.openRecord(this.call, model, id);
        this.makeRoom();
    }

    onNew(name) {
        return this.doing(async () => {
            await this.cards.openNew(this.call, name);
            this.makeRoom();
        });
    }

    /** On a phone the card would cover what was just opened. */
    makeRoom() {
        if (this.ui.isSmall) {
            this.cards.opened = null;
        }
    }

    onPick(candidate) {
        return this.doing(() => this.cards.pick(this.call, candidate, this.state.remember));
    }

    onPlanned(activity) {
        return this.doing(() => this.cards.planned(this.call, activity.id));
    }

    onHangUp() {
        return this.doing(() => this.cards.hangUp(this.call));
    }

    async onTransfer() {
        if (this.state.targets) {
            this.state.targets = null;
            return;
        }
        await this.doing(async () => {
            this.state.search = "";
            this.state.targets = await this.cards.targets(this.call);
        });
    }

    onTarget(target) {
        return this.doing(async () => {
            await this.cards.transfer(this.call, target.number);
            this.state.targets = null;
        });
    }

    onNote(ev) {
        this.call.note.type(ev.target.value);
    }

    onOutcome(outcome) {
        if (!outcome.asks) {
            return this.doing(() => this.cards.giveOutcome(this.call, outcome));
        }
        this.state.asking = this.state.asking?.id === outcome.id ? null : outcome;
        this.state.values = this.state.asking ? this.startValues(outcome) : {};
    }

    startValues({ asks, choices }) {
        if (asks === "date") {
            return { promised_at: this.days[1].value };
        }
        const first = choices?.[0]?.[0];
        return asks === "reason" ? { reason: first } : { kind: first, fact: "" };
    }

    get isAnswered() {
        const { asks } = this.state.asking;
        const { promised_at: day, reason, fact } = this.state.values;
        return { date: day >= this.today, reason: Boolean(reason), fact: Boolean(fact?.trim()) }[
            asks
        ];
    }

    onAnswer() {
        if (!this.isAnswered) {
            return;
        }
        return this.doing(async () => {
            const values = { ...this.state.values };
            if (values.reason) {
                values.reason = Number(values.reason);
            }
            await this.cards.giveOutcome(this.call, this.state.asking, values);
            this.state.asking = null;
        });
    }

    // ------------------------------------------------------------------ keyboard

    onKeydown(ev) {
        const typing = ev.target.matches("textarea, select, input:not([type=checkbox])");
        if (ev.key === "Escape") {
            this.onEscape();
        } else if (typing || ev.altKey || ev.ctrlKey || ev.metaKey || ev.key.length !== 1) {
            return;
        } else {
            const key = ev.key.toLowerCase();
            const outcome = this.details?.outcomes?.find((one) => one.key?.toLowerCase() === key);
            if (!outcome || !this.props.opened) {
                return;
            }
            this.onOutcome(outcome);
        }
        ev.preventDefault();
        // neither the screen below nor a dialog closes for this
        ev.stopPropagation();
    }

    /** Step by step: the question, the open card, then, after the call, the card itself. */
    onEscape() {
        if (this.state.asking || this.state.targets) {
            this.state.asking = this.state.targets = null;
            this.root.el.focus();
        } else if (this.props.opened) {
            this.cards.opened = null;
            this.root.el.focus();
        } else if (this.call.state === "ended") {
            this.cards.close(this.call);
        }
    }
}
