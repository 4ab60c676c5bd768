import { browser } from "@web/core/browser/browser";
import { uniqueId } from "@web/core/utils/functions";

/**
 * One of a person's browser tabs shows the cards: that which was looked at last.
 *
 * The tab that is focused or becomes visible takes them, and leaves them when it is closed; then a visible one takes
 * them. All tabs of a browser share `localStorage`, and hear of what another one wrote there.
 */
export class CardTab {
    /**
     * @param {string} key under which the tabs of one person know each other
     * @param {() => void} onChange called when this tab gets or loses the cards
     */
    constructor(key, onChange) {
        this.key = key;
        this.onChange = onChange;
        this.id = uniqueId(`${Date.now()}-${Math.random().toString(36).slice(2)}-`);
        this.owns = false;
        this.isGone = false;
    }

    start() {
        browser.addEventListener("focus", () => this.claim());
        // of two windows side by side, it is the one that somebody works in
        browser.addEventListener("pointerdown", () => this.owns || this.claim(), true);
        browser.addEventListener("pageshow", () => {
            this.isGone = false;
            this.claimIfVisible();
        });
        document.addEventListener("visibilitychange", () => this.claimIfVisible());
        browser.addEventListener("pagehide", () => this.release());
        browser.addEventListener("storage", ({ key }) => {
            // null: everything was cleared
            if (key === this.key || key === null) {
                this.look();
            }
        });
        this.claimIfVisible();
    }

    claim() {
        browser.localStorage.setItem(this.key, this.id);
        this.update(true);
    }

    claimIfVisible() {
        if (document.visibilityState === "visible" && !this.isGone) {
            this.claim();
        }
    }

    release() {
        this.isGone = true;
        if (browser.localStorage.getItem(this.key) === this.id) {
            browser.localStorage.removeItem(this.key);
        }
        // told to nobody: the page is gone
        this.owns = false;
    }

    /** Another tab wrote: what counts is what is there now, not what was written when. */
    look() {
        const owner = browser.localStorage.getItem(this.key);
        if (owner === null) {
            this.claimIfVisible();
        } else {
            this.update(owner === this.id);
        }
    }

    update(owns) {
        if (owns !== this.owns) {
            this.owns = owns;
            this.onChange();
        }
    }
}
