from odoo import models

#: menus of functions that are off as delivered, with the company's switch
SWITCHED_MENUS = {
    "crm_productivity.crm_productivity_menu_use": "crm_productivity_use",
    "crm_productivity.crm_productivity_menu_look": "crm_productivity_look",
    "crm_productivity.crm_productivity_menu_look_team": "crm_productivity_look",
    "crm_productivity.crm_productivity_menu_pattern": "crm_productivity_look",
}


class IrUiMenu(models.Model):
    """A screen that none of the person's companies wants has no menu."""

    _inherit = "ir.ui.menu"

    def _load_menus_blacklist(self):
        hidden = super()._load_menus_blacklist()
        # sudo: what a company switched on shows on everybody's screen
        companies = self.env.user.sudo().company_ids
        for xmlid, switch in SWITCHED_MENUS.items():
            menu = self.env.ref(xmlid, raise_if_not_found=False)
            if menu and not any(companies.mapped(switch)):
                hidden.append(menu.id)
        return hidden
