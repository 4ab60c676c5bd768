from odoo import models


class CrmVoipCall(models.Model):
    _name = "crm.voip.call"
    _inherit = ["crm.voip.call", "crm.productivity.source"]

    _productivity_moments = ("started_at",)
    _productivity_fields = (
        "company_id", "direction", "disposition", "ended_at", "team_ids", "leg_ids", "partner_id", "lead_id", "outside_e164",
        "user_id", "forgotten_at",
        "hold_s", "queue_s", "ring_s", "ivr_s",
    )  # fmt: skip

    _productivity_partner_idx = models.Index("(partner_id, started_at) WHERE partner_id IS NOT NULL")
    # an opportunity that is open for years has hundreds of calls: what they took is added up without reading them
    _productivity_lead_idx = models.Index(
        "(lead_id, started_at) INCLUDE (id, direction, disposition, talk_s, hold_s, ring_s) WHERE lead_id IS NOT NULL"
    )

    def _after_fold(self):
        # a leg may have changed, and the call itself not
        self._productivity_changed()
        return super()._after_fold()
