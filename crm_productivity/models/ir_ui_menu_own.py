from odoo import models


class IrUiMenu(models.Model):
    _inherit = "ir.ui.menu"

    def _load_menus_blacklist(self):
        hidden = super()._load_menus_blacklist()
        # sudo: what a company switched on shows on everybody's screen
        if not any(self.env.user.sudo().company_ids.mapped("crm_productivity_targets")):
            menu = self.env.ref("crm_productivity.crm_productivity_menu_target", raise_if_not_found=False)
            hidden += menu.ids if menu else []
        return hidden
