from odoo import models
from odoo.exceptions import AccessError


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    def _check_access(self, operation):
        """Files of recordings are reached by their route alone, where listening is noted.

        Core keeps fields that nobody may read from everybody but system administrators.
        """
        result = super()._check_access(operation)
        if self.env.su or not self:
            return result
        # sudo: what a file belongs to decides who may read it
        recordings = self.sudo().filtered(lambda file: file.res_model == "crm.voip.recording").with_env(self.env)
        if not recordings:
            return result
        forbidden, error = result or (self.browse(), None)
        return forbidden | recordings, error or (
            lambda: AccessError(self.env._("A recording is listened to on the form of its call."))
        )
