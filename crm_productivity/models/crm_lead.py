from odoo import api, models
from odoo.tools import SQL


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "crm.productivity.followed"]

    # of its conversation, too: whose message it is that waits
    _productivity_fields = (
        "create_date", "date_closed", "user_id", "team_id", "company_id", "type", "stage_id", "active", "probability",
        "expected_revenue",
    )  # fmt: skip

    _productivity_created_idx = models.Index("(create_date) WHERE type = 'opportunity'")
    _productivity_closed_idx = models.Index("(date_closed) WHERE type = 'opportunity' AND date_closed IS NOT NULL")

    @api.model
    def _productivity_places(self, ids):
        return SQL(
            """SELECT lead.id, COALESCE(lead.company_id, person.company_id), fact.at FROM crm_lead lead
                 LEFT JOIN res_users person ON person.id = lead.user_id
                CROSS JOIN LATERAL (VALUES (lead.create_date), (lead.date_closed)) AS fact (at)
                WHERE lead.id = ANY(%s)""",
            ids,
        )
