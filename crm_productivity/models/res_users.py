from odoo import models


class ResUsers(models.Model):
    _inherit = "res.users"

    def unlink(self):
        # who is deleted, and not archived, is nobody: their figures become those of nobody
        days = self.env["crm.productivity.day"].sudo().search([("user_id", "in", self.ids)])  # sudo: all of them
        self.env["crm.productivity.stale"].sudo()._insert({(day.company_id.id, day.day) for day in days})
        return super().unlink()
