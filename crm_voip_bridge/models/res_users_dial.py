from odoo import fields, models


class ResUsers(models.Model):
    _inherit = "res.users"

    def _crm_voip_session(self):
        return {**super()._crm_voip_session(), "dial": bool(self._crm_voip_phone())}

    def _crm_voip_phone(self):
        """:return: the extension that rings when this person clicks on a number, empty if none does"""
        self.ensure_one()
        # sudo: one's own phone is for everybody to use, whatever lists one may read
        extensions = self.env["crm.voip.extension"].sudo()
        own = extensions.search(
            [
                ("user_id", "=", self.id),
                ("recorded", "=", True),
                ("pbx_id.active", "=", True),
                ("company_id.crm_voip_dial", "=", True),
                ("company_id", "in", self.company_ids.ids),
            ]
        )
        today = fields.Date.context_today(self)
        able = own.filtered(lambda extension: extension.pbx_id.can_dial and extension._is_valid_on(today))
        # of the company that one works in, if there is one
        return (able.filtered(lambda extension: extension.company_id == self.env.company) or able)[:1]
