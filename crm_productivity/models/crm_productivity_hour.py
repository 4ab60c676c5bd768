from odoo import api, fields, models
from odoo.tools import SQL

from .crm_productivity_day import LOCK

#: results of incoming calls that no person took
LOST = ("missed", "abandoned", "voicemail", "busy", "failed")
WEEKDAYS = [
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("7", "Sunday"),
]


class CrmProductivityHour(models.Model):
    """How many calls there were in an hour of a day, by the company's clock; without persons.

    In the hour that a clock goes through twice, both are added; an hour that it leaps over has no row. A call counts
    once, for the hour in which it started.
    """

    _name = "crm.productivity.hour"
    _inherit = ["crm.productivity.totals"]
    _description = "Calls by hour"
    _order = "day desc, hour, id"
    _rec_name = "day"
    _log_access = False

    day = fields.Date(required=True, readonly=True)
    weekday = fields.Selection(WEEKDAYS, required=True, readonly=True)
    hour = fields.Selection("_selection_hour", required=True, readonly=True, help="By the company's clock.")
    offered = fields.Integer("Incoming calls", readonly=True)
    taken = fields.Integer(readonly=True, help="Incoming calls that a person of ours answered.")
    lost = fields.Integer("Nobody answered", readonly=True)
    made = fields.Integer("Calls made", readonly=True)
    reached = fields.Integer(readonly=True, help="Calls made that a person answered.")

    _day_idx = models.Index("(company_id, day) INCLUDE (team_id, weekday, hour)")

    @api.model
    def _selection_hour(self):
        return [(f"{hour:02}", f"{hour:02}:00") for hour in range(24)]

    @api.model
    def _counts(self):
        """:return: ``{field: SQL condition on the calls that it counts}``; an addon that adds a field adds its condition"""
        return {
            "offered": SQL("direction = 'inbound'"),
            "taken": SQL("direction = 'inbound' AND disposition = 'answered'"),
            "lost": SQL("direction = 'inbound' AND disposition = ANY(%s)", list(LOST)),
            "made": SQL("direction = 'outbound'"),
            "reached": SQL("direction = 'outbound' AND disposition = 'answered'"),
        }

    @api.model
    def _reckon(self, company, days):
        """Replace the figures of some days; see :meth:`crm.productivity.stale._kept`."""
        [(free,)] = self.env.execute_query(SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK, company.id))
        if not free:
            return False
        kept_since = self.env["crm.productivity.day"]._kept_since(company)
        days = sorted(day for day in days if not kept_since or day > kept_since)
        if not days:
            return True
        self.env.flush_all()
        start, end = self.env["crm.productivity.stale"]._bounds(company, days[0], days[-1])
        counts = self._counts()
        self.env.cr.execute(
            SQL("DELETE FROM crm_productivity_hour WHERE company_id = %s AND day = ANY(%s)", company.id, days)
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_productivity_hour (company_id, team_id, is_loose, day, weekday, hour, %(names)s)
                   SELECT %(company)s, team_id, team_id IS NULL AND user_id IS NOT NULL, local::date,
                          extract(isodow FROM local)::text, to_char(local, 'HH24'), %(sums)s
                     FROM (%(placed)s) AS placed
                    WHERE local::date = ANY(%(days)s) GROUP BY 2, 3, 4, 5, 6""",
                names=SQL(", ").join(map(SQL.identifier, counts)),
                company=company.id,
                sums=SQL(", ").join(SQL("count(*) FILTER (WHERE %s)", condition) for condition in counts.values()),
                placed=self._placed(company, SQL("call.started_at >= %s AND call.started_at < %s", start, end)),
                days=days,
            )
        )
        self.invalidate_model()
        return True

    @api.model
    def _placed(self, company, which):
        """:return: SELECT of calls with the team for which each counts, its person, and ``local``, when it began"""
        # of incoming calls that the call's own team is, of others that of who called, on that day
        return SQL(
            """SELECT call.id, call.direction, call.disposition, call.local, who.user_id,
                      CASE WHEN call.direction = 'inbound' THEN
                          (SELECT min(rel.team_id) FROM crm_voip_call_team_rel rel WHERE rel.call_id = call.id)
                      ELSE %(team)s END AS team_id
                 FROM (SELECT *, started_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s AS local FROM crm_voip_call) AS call
                CROSS JOIN LATERAL (
                      SELECT call.user_id WHERE call.direction = 'inbound'
                      UNION ALL
                      (SELECT leg.user_id FROM crm_voip_leg leg
                        WHERE leg.call_id = call.id AND leg.role = 'caller' AND call.direction = 'outbound'
                        ORDER BY leg.id LIMIT 1)
                 ) AS who
                WHERE call.company_id = %(company)s AND call.disposition != 'in_progress' AND %(which)s""",
            team=self.env["crm.productivity.member"]._team_sql(SQL("who.user_id"), SQL("call.local::date")),
            zone=str(self.env["crm.productivity.stale"]._zone(company)),
            company=company.id,
            which=which,
        )


class CrmProductivityStale(models.Model):
    _inherit = "crm.productivity.stale"

    @api.model
    def _kept(self):
        return [*super()._kept(), "crm.productivity.hour"]
