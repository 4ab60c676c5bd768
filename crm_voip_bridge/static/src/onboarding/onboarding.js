import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { ActionHelper } from "@web/views/action_helper";

import { Component, onMounted, onWillStart, onWillUnmount, useState } from "@odoo/owl";

/** How often (ms) the server is asked if the bus says nothing. */
export const POLL = 10000;
/** How long after a word of the bus the call that it was about is there. */
const SOON = 1500;

/**
 * What an empty list of calls says: if there is no call at all yet, the three steps to the first one, with
 * what is done ticked; else the words of the view.
 */
export class CrmVoipCallHelper extends Component {
    static template = "crm_voip_bridge.CallHelper";
    static components = { ActionHelper };
    static props = {
        noContentHelp: { type: String, optional: true },
        showRibbon: { type: Boolean, optional: true },
        onFirstCall: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        const bus = useService("bus_service");
        this.state = useState({ how: null });
        let poll, soon;
        const told = () => {
            this.ask();
            clearTimeout(soon);
            soon = setTimeout(() => this.ask(), SOON);
        };
        onWillStart(() => this.ask(true));
        onMounted(() => {
            if (this.isOnboarding) {
                bus.subscribe("crm_voip_bridge/onboarding", told);
                poll = setInterval(() => {
                    if (document.visibilityState !== "hidden") {
                        this.ask();
                    }
                }, POLL);
            }
        });
        onWillUnmount(() => {
            bus.unsubscribe("crm_voip_bridge/onboarding", told);
            clearInterval(poll);
            clearTimeout(soon);
        });
    }

    async ask(isFirst = false) {
        if (this.isAsking || this.isDone) {
            return;
        }
        this.isAsking = true;
        try {
            const how = await this.orm.silent.call("crm.voip.pbx", "onboarding_state", []);
            this.state.how = how;
            if (how.calls && !isFirst) {
                this.isDone = true;
                this.props.onFirstCall();
            }
        } catch {
            // without an answer the steps stay as they are, and the next poll asks again
        } finally {
            this.isAsking = false;
        }
    }

    get isOnboarding() {
        return Boolean(this.state.how) && !this.state.how.calls;
    }

    /** Whom to ask, for who cannot set it up. */
    get helpers() {
        const { who } = this.state.how;
        return who.length
            ? _t(
                  "An administrator of calls sets this up: %s. Ask for the telephone system to be connected, and for your extension to be ticked.",
                  who.join(", "),
              )
            : _t(
                  "Nobody administers calls yet. An administrator of Odoo gives somebody the right “Calls: Administrator”.",
              );
    }

    get bridgeText() {
        const { bridge, says } = this.state.how;
        switch (bridge) {
            case "connected":
                return _t("The bridge is connected");
            case "trouble":
                return _t("The bridge reaches Odoo, but not the PBX yet: %s", says);
            case "silent":
                return _t("The bridge has been silent for some minutes: does it run?");
        }
        return _t("The bridge runs beside the PBX");
    }

    get extensionsText() {
        const { known, ticked } = this.state.how;
        if (ticked) {
            return _t("Ticked: %(ticked)s of %(known)s. Nothing of the others is logged.", {
                ticked,
                known,
            });
        }
        return known
            ? _t(
                  "Known: %s, none ticked. Nothing is logged until you tick whose calls may be.",
                  known,
              )
            : _t(
                  "Say whose calls may be logged. The bridge also lists the extensions that it sees.",
              );
    }

    /**
     * The steps, as they are shown.
     *
     * @returns {{ number: number, title: string, text?: string, isDone: boolean, isPresent: boolean,
     *     ticks?: { name: string, text: string, isDone: boolean, isTrouble?: boolean }[],
     *     button?: { name: string, label: string, run: () => any } }[]}
     */
    get steps() {
        const { pbx, key, bridge, ticked, numbers } = this.state.how;
        const isConnected = bridge === "connected";
        // the first that is not done is the one to do now
        const present = !isConnected ? 1 : ticked ? 3 : 2;
        return [
            {
                title: _t("Connect a PBX"),
                isDone: isConnected,
                ticks: [
                    {
                        name: "pbx",
                        isDone: pbx !== false,
                        text: pbx ? _t("Entered in Odoo: %s", pbx.name) : _t("Entered in Odoo"),
                    },
                    { name: "key", isDone: key, text: _t("A key made for its bridge") },
                    {
                        name: "bridge",
                        isDone: isConnected,
                        isTrouble: ["trouble", "silent"].includes(bridge),
                        text: this.bridgeText,
                    },
                ],
                button: {
                    name: "connect",
                    label: pbx ? _t("Open the PBX") : _t("Connect a PBX"),
                    run: () => this.openPbx(),
                },
            },
            {
                title: _t("Tick the extensions"),
                isDone: ticked > 0,
                text: this.extensionsText,
                button: {
                    name: "extensions",
                    label: _t("Tick extensions"),
                    run: () => this.openExtensions(),
                },
            },
            {
                title: _t("Call yourself"),
                isDone: false,
                text:
                    present === 3
                        ? _t(
                              "From a mobile, ring %s, or ring the mobile from there. The call appears here by itself.",
                              numbers.join(", "),
                          )
                        : _t("It is the quickest proof: the call appears here by itself."),
            },
        ].map((step, index) => ({ ...step, number: index + 1, isPresent: index + 1 === present }));
    }

    openPbx() {
        const { pbx } = this.state.how;
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "crm.voip.pbx",
            res_id: pbx ? pbx.id : false,
            views: [[false, "form"]],
        });
    }

    openExtensions() {
        this.action.doAction("crm_voip_bridge.crm_voip_extension_action");
    }
}
