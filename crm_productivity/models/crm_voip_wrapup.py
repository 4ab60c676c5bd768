from odoo import models


class CrmVoipWrapup(models.Model):
    _name = "crm.voip.wrapup"
    _inherit = ["crm.voip.wrapup", "crm.productivity.source"]

    _productivity_moments = ("started_at", "promised_at")
    _productivity_fields = (
        "after_call_s", "opened_at", "rang_at", "noted_at", "done_at", "company_id", "outcome_id", "followed", "user_id",
    )  # fmt: skip

    _productivity_idx = models.Index("(company_id, started_at)")
    _productivity_call_idx = models.Index("(call_id) INCLUDE (after_call_s)")
    _productivity_promised_idx = models.Index("(company_id, promised_at) WHERE promised_at IS NOT NULL")
    _productivity_activity_idx = models.Index("((followed->>'activity')) WHERE promised_at IS NOT NULL")
