import { browser } from "@web/core/browser/browser";
import { rpc } from "@web/core/network/rpc";
import { user } from "@web/core/user";

/** Milliseconds after the last letter until a note is saved, and between attempts while Odoo does not answer. */
export const SAVE_AFTER = 800;
export const TRY_AGAIN_AFTER = 5000;

const MODEL = "crm.voip.wrapup";

/**
 * The note of one call, kept while it is typed.
 *
 * What Odoo has not acknowledged lies in this browser's storage as well, so that neither a reload nor a
 * lost connection costs a letter.
 */
export class CardNote {
    /**
     * @param {number} callId
     * @param {string} key of the draft in `localStorage`
     * @param {() => void} onChange called when `text` or `state` changed
     */
    constructor(callId, key, onChange) {
        this.callId = callId;
        this.key = key;
        this.onChange = onChange;
        this.text = "";
        this.saved = "";
        this.isBegun = false;
        /** How often something was typed: what Odoo answers to an earlier question says nothing of it. */
        this.version = 0;
        /** @type {"" | "typed" | "saving" | "saved" | "failed"} */
        this.state = "";
        this.timer = null;
        this.running = Promise.resolve();
    }

    get isDirty() {
        return this.text !== this.saved;
    }

    /**
     * What Odoo has, and what was typed here before a reload and may not have reached it.
     *
     * @param {string} text
     * @param {number} version that the note had when Odoo was asked
     */
    load(text, version) {
        if (this.isDirty || this.version !== version) {
            return; // somebody types
        }
        this.saved = this.text = text;
        const draft = this.readDraft();
        if (draft && draft.text !== text) {
            // what somebody wrote elsewhere meanwhile stays, too
            this.text = !text || draft.base === text ? draft.text : `${text}\n${draft.text}`;
            this.save();
        } else {
            browser.localStorage.removeItem(this.key);
        }
        this.onChange();
    }

    /** @param {string} text as it is now, after a letter was typed */
    type(text) {
        if (!this.isBegun && !this.text && !this.saved && text) {
            this.isBegun = true;
            this.call("desk_noted", []).catch(() => {}); // a time of day is not worth a message
        }
        this.version++;
        this.text = text;
        this.state = "typed";
        this.writeDraft();
        browser.clearTimeout(this.timer);
        this.timer = browser.setTimeout(() => this.save(), SAVE_AFTER);
        this.onChange();
    }

    /** Save what is not saved yet; one after the other, so that the last one wins. */
    save() {
        browser.clearTimeout(this.timer);
        this.running = this.running.then(() => this.saveNow());
        return this.running;
    }

    async saveNow() {
        if (!this.isDirty) {
            return;
        }
        const text = this.text;
        this.setState("saving");
        try {
            await this.call("desk_note", [text]);
        } catch {
            this.setState("failed");
            this.timer = browser.setTimeout(() => this.save(), TRY_AGAIN_AFTER);
            return;
        }
        this.saved = text;
        if (this.isDirty) {
            this.writeDraft();
        } else {
            browser.localStorage.removeItem(this.key);
            this.setState("saved");
        }
    }

    /** The page goes away: there is no time to wait for an answer. */
    flush() {
        if (!this.isDirty) {
            return;
        }
        const url = `/web/dataset/call_kw/${MODEL}/desk_note`;
        const params = this.params("desk_note", [this.text]);
        const body = JSON.stringify({ id: 0, jsonrpc: "2.0", method: "call", params });
        const headers = { "Content-Type": "application/json" };
        // without an answer, the draft is still here when the page comes back
        browser.fetch(url, { method: "POST", keepalive: true, headers, body }).catch(() => {});
    }

    params(method, args) {
        const kwargs = { context: { ...user.context } };
        return { model: MODEL, method, args: [this.callId, ...args], kwargs };
    }

    call(method, args) {
        const url = `/web/dataset/call_kw/${MODEL}/${method}`;
        return rpc(url, this.params(method, args), { silent: true });
    }

    setState(state) {
        this.state = state;
        this.onChange();
    }

    readDraft() {
        try {
            return JSON.parse(browser.localStorage.getItem(this.key));
        } catch {
            return null;
        }
    }

    writeDraft() {
        browser.localStorage.setItem(
            this.key,
            JSON.stringify({ text: this.text, base: this.saved }),
        );
    }
}
