from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

#: most names of people who can help that are told
HELPERS = 3


class CrmVoipPbx(models.Model):
    """How far the telephone system is connected, for the empty screen of calls."""

    _inherit = "crm.voip.pbx"

    @api.model
    @api.readonly
    def onboarding_state(self):
        """How far the user's companies are on the way to their first call.

        Of keys, bridges and extensions only who administers calls is told.

        :return: ``{"calls": bool, "can_set_up": bool, "who": [name, …]}``; for who can set it up also
            ``"pbx": {"id": int, "name": str} | False, "key": bool, "bridge": "never" | "silent" | "trouble" |
            "connected", "says": str, "known": int, "ticked": int, "numbers": [str, …]}``
        """
        self.browse().check_access("read")
        can = self.has_access("create")
        companies = self.env.companies
        # sudo: whether there is a call yet is no secret of anybody
        calls = bool(
            self.env["crm.voip.call"].sudo().search([("company_id", "in", companies.ids)], order="id", limit=1)
        )
        state = {"calls": calls, "can_set_up": can, "who": []}
        if calls:
            return state
        if not can:
            state["who"] = self._onboarding_helpers()
            return state
        pbxs = self.search([("company_id", "in", companies.ids)])
        # the one that is furthest
        pbx = max(pbxs, key=lambda one: (bool(one.state_ids), one._has_secret()), default=pbxs)
        bridge, says = pbx._onboarding_bridge() if pbx else ("never", "")
        ticked = pbx.extension_ids.filtered("recorded")
        mine = ticked.filtered(lambda extension: extension.user_id == self.env.user)
        return {
            **state,
            "pbx": {"id": pbx.id, "name": pbx.name} if pbx else False,
            "key": pbx._has_secret(),
            "bridge": bridge,
            "says": says,
            "known": len(pbx.extension_ids),
            "ticked": len(ticked),
            "numbers": (mine or ticked)[:HELPERS].mapped("number"),
        }

    def _has_secret(self):
        """Whether it has what its bridge, or its provider, proves itself with."""
        return bool(self.key_ids or self.secret_ids)

    def _onboarding_bridge(self):
        """:return: ``(state, words)`` of the bridge that was heard last"""
        self.ensure_one()
        latest = max(self.state_ids, key=lambda state: state.seen_at, default=self.state_ids)
        if not latest:
            return "never", ""
        if latest.seen_at < fields.Datetime.now() - timedelta(seconds=latest.pbx_id._silence()):
            return "silent", ""
        if latest.pbx_says == "connected":
            return "connected", ""
        return "trouble", latest.pbx_says or ""

    @api.model
    def _onboarding_helpers(self):
        """:return: names of some people who can connect a PBX"""
        # sudo: whom to ask is for everybody to know
        group = self.env.ref("crm_voip_bridge.group_manager").sudo()
        domain = Domain("all_group_ids", "in", group.ids) & Domain("company_ids", "in", self.env.companies.ids)
        return self.env["res.users"].sudo().search(domain, order="id desc", limit=HELPERS).mapped("name")

    @api.model
    def _tell_onboarding(self):
        """Tell the empty screens of administrators that something changed; not what."""
        group_id = self.env["ir.model.data"]._xmlid_to_res_id("crm_voip_bridge.group_manager")
        self.env["res.groups"].browse(group_id)._bus_send("crm_voip_bridge/onboarding", {})
