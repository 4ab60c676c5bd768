import { CallCard } from "@crm_voip_bridge/card/call_card";
import { browser } from "@web/core/browser/browser";
import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

import { Component, useExternalListener, useRef, useState } from "@odoo/owl";

/** Pixels that a finger may slip before the cards move. */
const SLACK = 5;
/** Pixels that an arrow key moves them. */
const STEP = 20;
/** Pixels that stay between the cards and the edge of the window. */
const MARGIN = 8;
const PLACE_KEY = "crm_voip_bridge.card.place";

/** The cards of the calls that go on, over whatever screen is open. */
export class CallCardsContainer extends Component {
    static template = "crm_voip_bridge.CallCardsContainer";
    static components = { CallCard };
    static props = {};

    setup() {
        this.cards = useState(useService("crm_voip_card"));
        this.ui = useState(useService("ui"));
        this.root = useRef("root");
        this.place = useState(this.readPlace());
        useHotkey("alt+shift+p", () => this.focus(), {
            global: true,
            bypassEditableProtection: true,
            isAvailable: () => this.cards.shown.length > 0,
        });
        useExternalListener(window, "resize", () => this.move(0, 0));
    }

    get isShown() {
        return this.cards.shown.length > 0 || (this.cards.owns && this.cards.notices.length > 0);
    }

    get hiddenText() {
        return this.cards.hidden ? _t("And %s more calls", this.cards.hidden) : "";
    }

    get style() {
        const { x, y } = this.place;
        return this.ui.isSmall ? "" : `--o-crm-voip-x: ${x}px; --o-crm-voip-y: ${y}px;`;
    }

    /** From wherever the keyboard is, to the card that is open. */
    focus() {
        const el = this.root.el;
        const card =
            el?.querySelector(".o_crm_voip_opened") || el?.querySelector(".o_crm_voip_card");
        card?.focus();
    }

    // ------------------------------------------------------------------ moving

    readPlace() {
        try {
            const { x, y } = JSON.parse(browser.localStorage.getItem(PLACE_KEY));
            return { x: Number(x) || 0, y: Number(y) || 0 };
        } catch {
            return { x: 16, y: 56 };
        }
    }

    /** The place is the distance from the upper corner at the end of a line: there is room when cards grow. */
    move(dx, dy) {
        const width = this.root.el?.offsetWidth || 0;
        const fit = (value, most) => Math.round(Math.max(MARGIN, Math.min(value, most - MARGIN)));
        const end = localization.direction === "rtl" ? 1 : -1;
        this.place.x = fit(this.place.x + end * dx, browser.innerWidth - width);
        this.place.y = fit(this.place.y + dy, browser.innerHeight * 0.6);
    }

    keepPlace() {
        browser.localStorage.setItem(PLACE_KEY, JSON.stringify(this.place));
    }

    /** @param {PointerEvent} ev of a mouse, a pen or a finger, on the head of a card */
    onGrab(ev) {
        if (this.ui.isSmall || ev.button || ev.target.closest("button, a")) {
            return;
        }
        const target = ev.currentTarget;
        let { clientX, clientY } = ev;
        let moving = false;
        const onMove = (moved) => {
            const [dx, dy] = [moved.clientX - clientX, moved.clientY - clientY];
            if (!moving && Math.hypot(dx, dy) < SLACK) {
                return;
            }
            moving = true;
            ({ clientX, clientY } = moved);
            this.move(dx, dy);
        };
        const stop = () => {
            window.removeEventListener("pointermove", onMove);
            window.removeEventListener("pointerup", stop);
            window.removeEventListener("pointercancel", stop);
            if (moving) {
                this.keepPlace();
            }
        };
        window.addEventListener("pointermove", onMove);
        window.addEventListener("pointerup", stop);
        window.addEventListener("pointercancel", stop);
        // no text is marked while the cards move
        if (!target.matches(":focus-within")) {
            ev.preventDefault();
        }
    }

    /** Shift and an arrow, while the card itself has the focus. */
    onMoveKey(ev) {
        if (!ev.shiftKey || this.ui.isSmall || !ev.target.matches(".o_crm_voip_card")) {
            return;
        }
        const steps = {
            ArrowLeft: [-STEP, 0],
            ArrowRight: [STEP, 0],
            ArrowUp: [0, -STEP],
            ArrowDown: [0, STEP],
        };
        if (steps[ev.key]) {
            ev.preventDefault();
            ev.stopPropagation();
            this.move(...steps[ev.key]);
            this.keepPlace();
        }
    }
}

registry.category("main_components").add("crm_voip_bridge.call_cards", {
    Component: CallCardsContainer,
});
