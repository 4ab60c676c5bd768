from odoo import api, models

from ..lib.headers import written_by


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    @api.model
    def message_parse(self, message, save_original=False):
        values = super().message_parse(message, save_original=save_original)
        # the head is not stored: it is now or never
        values["crm_productivity_kind"] = "automatic" if values.get("is_bounce") else written_by(message)
        return values

    def _get_message_create_valid_field_names(self):
        return super()._get_message_create_valid_field_names() | {"crm_productivity_kind"}
