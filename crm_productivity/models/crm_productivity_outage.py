from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: weeks before an outage whose same hours say how many calls are usual
WEEKS = 4


class CrmProductivityOutage(models.Model):
    """A time in which nothing was heard from a PBX, and what it cost.

    Calls go on meanwhile; what the PBX kept of them comes later. A PBX with two bridges is out when both are.
    """

    _name = "crm.productivity.outage"
    _inherit = ["crm.productivity.source"]
    _description = "Outage"
    _order = "begins_at desc, id desc"
    _rec_name = "begins_at"
    _log_access = False

    _productivity_moments = ("begins_at", "ends_at")
    _productivity_fields = ("usual_calls",)

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="cascade")
    kind = fields.Selection(
        [("silent", "Nothing heard from the bridge"), ("pbx", "No connection to the PBX")], required=True, readonly=True
    )
    begins_at = fields.Datetime("From", required=True, readonly=True)
    ends_at = fields.Datetime("Until", readonly=True, help="Empty: it goes on.")
    usual_calls = fields.Float(
        "Usual calls", readonly=True, help="In the same hours of the four weeks before, on average."
    )
    late_calls = fields.Integer("Came later", compute="_compute_late_calls", help="Calls of this time that are logged.")

    _open_unique = models.UniqueIndex("(pbx_id) WHERE ends_at IS NULL")
    _time_idx = models.Index("(company_id, begins_at)")

    def _compute_late_calls(self):
        for outage in self:
            # sudo: a number of a whole PBX, as with completeness
            outage.late_calls = self.env["crm.voip.call"].sudo().search_count(
                [
                    ("pbx_id", "=", outage.pbx_id.id),
                    ("started_at", ">=", outage.begins_at),
                    ("started_at", "<", outage.ends_at or fields.Datetime.now()),
                ]
            )  # fmt: skip

    @api.model
    def _follow(self):
        """Begin and end outages by what is known of the bridges now."""
        self.env["crm.voip.pbx.state"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT state.pbx_id, pbx.company_id, max(state.trouble_since),
                          CASE WHEN bool_or(state.trouble = 'pbx') THEN 'pbx' ELSE 'silent' END
                     FROM crm_voip_pbx_state state JOIN crm_voip_pbx pbx ON pbx.id = state.pbx_id
                    WHERE state.event_at IS NOT NULL
                    GROUP BY state.pbx_id, pbx.company_id HAVING bool_and(state.trouble IS NOT NULL)"""
            )
        )
        going_on = self.search([("ends_at", "=", False)])
        out = {pbx_id for pbx_id, *_values in rows}
        going_on.filtered(lambda outage: outage.pbx_id.id not in out)._end()
        known = set(going_on.pbx_id.ids)
        self.create(
            [
                {"pbx_id": pbx_id, "company_id": company_id, "begins_at": since, "kind": kind}
                for pbx_id, company_id, since, kind in rows
                if pbx_id not in known
            ]
        )

    def _productivity_changed(self):
        result = super()._productivity_changed()
        # calls that came late belong to each of its days
        moments = set()
        for outage in self.filtered("ends_at"):
            days = range(1, (outage.ends_at - outage.begins_at).days + 1)
            moments |= {(outage.company_id.id, outage.begins_at + timedelta(days=day)) for day in days}
        if moments:
            self.env["crm.productivity.stale"]._mark(moments)
        return result

    def _end(self):
        for outage in self:
            outage.ends_at = max(fields.Datetime.now(), outage.begins_at)
            outage.flush_recordset()
            outage.usual_calls = outage._usual()

    def _usual(self):
        """:return: calls in the same hours of the weeks before, on average; 0.0 of a PBX that has no such weeks"""
        zone = str(self.env["crm.productivity.stale"]._zone(self.company_id))
        [(average,)] = self.env.execute_query(
            SQL(
                """WITH first AS (SELECT min(started_at) AS at FROM crm_voip_call WHERE pbx_id = %(pbx)s),
                        earlier AS (
                   SELECT (%(begins)s::timestamp AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s - week * interval '7 days')
                              AT TIME ZONE %(zone)s AT TIME ZONE 'UTC' AS begins,
                          (%(ends)s::timestamp AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s - week * interval '7 days')
                              AT TIME ZONE %(zone)s AT TIME ZONE 'UTC' AS ends
                     FROM generate_series(1, %(weeks)s) AS week)
                   SELECT avg((SELECT count(*) FROM crm_voip_call call
                                WHERE call.pbx_id = %(pbx)s AND call.started_at >= earlier.begins
                                  AND call.started_at < earlier.ends))
                     FROM earlier, first WHERE first.at < earlier.ends""",
                pbx=self.pbx_id.id,
                begins=self.begins_at,
                ends=self.ends_at,
                zone=zone,
                weeks=WEEKS,
            )
        )
        return float(average or 0)


class CrmVoipPbxState(models.Model):
    _inherit = "crm.voip.pbx.state"

    @api.model
    def _note_trouble(self):
        changed = super()._note_trouble()
        self.env["crm.productivity.outage"]._follow()
        return changed


class CrmVoipCompleteness(models.Model):
    """A day that was compared changes how complete the calls of that day are."""

    _name = "crm.voip.completeness"
    _inherit = ["crm.voip.completeness", "crm.productivity.source"]

    _productivity_moments = ("begins_at",)
    _productivity_fields = ("state", "checked_at", "pbx_count", "logged_count", "outside_count")
