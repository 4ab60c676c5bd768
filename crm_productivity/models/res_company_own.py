from odoo import fields, models

#: switches that show or hide a menu
SWITCHES = ("crm_productivity_targets",)


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_productivity_targets = fields.Boolean("Targets")
    crm_productivity_targets_repeat = fields.Boolean("Copy targets to the next period")
    crm_productivity_comments = fields.Boolean("Comments beside numbers")

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(SWITCHES):
            # the menus of what is off are left out, and kept in memory
            self.env.registry.clear_cache("default", "templates")
        return result
