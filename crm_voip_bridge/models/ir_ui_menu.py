from odoo import models

#: menus of functions that are off as delivered, with the company's switch
SWITCHED_MENUS = {
    "crm_voip_bridge.crm_voip_menu_live": "crm_voip_live",
    "crm_voip_bridge.crm_voip_menu_to_finish": "crm_voip_outcomes",
    "crm_voip_bridge.crm_voip_menu_typed_call": "crm_voip_typed",
    "crm_voip_bridge.crm_voip_menu_supervisor_note": "crm_voip_supervisor_notes",
}


class IrUiMenu(models.Model):
    """A screen that none of the person's companies wants, or that has nothing to do, has no menu."""

    _inherit = "ir.ui.menu"

    def _load_menus_blacklist(self):
        hidden = super()._load_menus_blacklist()
        # sudo: what a company switched on shows on everybody's screen
        companies = self.env.user.sudo().company_ids
        off = [xmlid for xmlid, switch in SWITCHED_MENUS.items() if not any(companies.mapped(switch))]
        # sudo: calls that were moved in are there to be seen, whoever may see which
        if self.env["crm.voip.typed.call"].sudo().search_count([("origin", "!=", "typed")], limit=1):
            off = [xmlid for xmlid in off if xmlid != "crm_voip_bridge.crm_voip_menu_typed_call"]
        if not self.env["crm.voip.move.in"]._is_needed():
            off.append("crm_voip_bridge.crm_voip_menu_move_in")
        for xmlid in off:
            if menu := self.env.ref(xmlid, raise_if_not_found=False):
                hidden.append(menu.id)
        return hidden
