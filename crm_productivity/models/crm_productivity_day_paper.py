from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import SQL


class CrmProductivityDay(models.Model):
    """What keeps the telephone running, of a whole company: nobody's figures, and no team's."""

    _inherit = "crm.productivity.day"

    pbx_calls = fields.Integer(
        "Calls of the PBX", help="Those that may be recorded, on days that were compared with the PBX's own record."
    )
    pbx_logged = fields.Integer("Calls of the PBX that are logged", help="On days that were compared.")
    outage_s = Measured("Outage (s)", aggregator="sum", help="Nothing was heard from the PBX.")
    outage_usual_calls = Measured(
        "Usual calls in outages", aggregator="sum", help="In the same hours of the four weeks before, on average."
    )
    outage_late_calls = fields.Integer("Calls in outages that came later")


class CrmProductivityFacts(models.AbstractModel):
    _inherit = "crm.productivity.facts"

    @api.model
    def _sources(self):
        return [*super()._sources(), "_facts_of_completeness", "_facts_of_outages"]

    @api.model
    def _facts_of_completeness(self, company, start, end):
        """Of days that were compared: what the PBX had and may be recorded, and what of it is logged."""
        return SQL(
            """SELECT NULL::integer, NULL::integer, compared.begins_at, fact.measure, fact.value
                 FROM crm_voip_completeness compared
                 JOIN crm_voip_pbx pbx ON pbx.id = compared.pbx_id
                CROSS JOIN LATERAL (VALUES
                    ('pbx_calls', compared.pbx_count - compared.outside_count),
                    ('pbx_logged', LEAST(compared.logged_count, compared.pbx_count - compared.outside_count))
                ) AS fact (measure, value)
                WHERE pbx.company_id = %(company)s AND compared.begins_at >= %(start)s AND compared.begins_at < %(end)s
                  AND compared.checked_at IS NOT NULL AND compared.source IS NOT NULL AND fact.value IS NOT NULL""",
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _facts_of_outages(self, company, start, end):
        """Outages that are over belong to the day on which they began."""
        return SQL(
            """SELECT NULL::integer, NULL::integer, outage.begins_at, fact.measure, fact.value
                 FROM crm_productivity_outage outage
                CROSS JOIN LATERAL (VALUES
                    ('outage_s', extract(epoch FROM outage.ends_at - outage.begins_at)),
                    ('outage_usual_calls', outage.usual_calls)
                ) AS fact (measure, value)
                WHERE outage.company_id = %(company)s AND outage.begins_at >= %(start)s AND outage.begins_at < %(end)s
                  AND outage.ends_at IS NOT NULL
                UNION ALL
               SELECT NULL, NULL, call.started_at, 'outage_late_calls', 1
                 FROM crm_productivity_outage outage
                 JOIN crm_voip_call call ON call.pbx_id = outage.pbx_id AND call.started_at >= outage.begins_at
                      AND call.started_at < outage.ends_at
                WHERE outage.company_id = %(company)s AND call.company_id = %(company)s
                  AND outage.begins_at < %(end)s AND outage.ends_at > %(start)s
                  AND call.started_at >= %(start)s AND call.started_at < %(end)s""",
            company=company.id,
            start=start,
            end=end,
        )
