from odoo import models


class ResUsers(models.Model):
    _inherit = "res.users"

    def write(self, vals):
        if "active" in vals and not vals["active"]:
            self._crm_voip_hand_over()
        return super().write(vals)

    def action_archive(self):
        # before the activities of those who leave are deleted
        self._crm_voip_hand_over()
        return super().action_archive()

    def _crm_voip_hand_over(self):
        # sudo: whoever archives a user does not thereby decide that nobody calls back
        self.env["crm.voip.callback"].sudo()._hand_over(self)
