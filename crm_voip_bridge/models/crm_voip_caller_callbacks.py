from odoo import models


class CrmVoipCaller(models.AbstractModel):
    _inherit = "crm.voip.caller"

    def unlink(self):
        # sudo: whoever may delete a contact does not thereby decide that nobody calls them back
        self.env["crm.voip.callback"].sudo()._leave(self)
        return super().unlink()
