from odoo import models


class CrmVoipTypedCall(models.Model):
    _name = "crm.voip.typed.call"
    _inherit = ["crm.voip.typed.call", "crm.productivity.source"]

    _productivity_moments = ("started_at",)
    _productivity_fields = ("user_id", "company_id")
