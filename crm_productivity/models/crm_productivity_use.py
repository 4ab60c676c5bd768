from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.crm_voip_people import SMALL_TEAM
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.fields import Domain
from odoo.tools import SQL

#: weeks counted anew each night: what was done is known late only where a bridge was cut off
RECENT_WEEKS = 5
#: weeks counted when it is turned on
FIRST_WEEKS = 26
#: what is a ratio of two columns, in any group
RATIOS = {"share": ("people", "entitled"), "stickiness": ("people", "month_people")}


class CrmProductivityUse(models.Model):
    """How many people of a team used a function in a week, of how many who are entitled to it; without persons."""

    _name = "crm.productivity.use"
    _inherit = ["crm.productivity.totals"]
    _description = "Use of a function in a week"
    _order = "week desc, function_id, team_id, id"
    _rec_name = "week"
    _log_access = False

    function_id = fields.Many2one(
        "crm.productivity.function", required=True, readonly=True, index=True, ondelete="cascade"
    )
    week = fields.Date(required=True, readonly=True, help="Its Monday.")
    week_no = fields.Integer(
        "Weeks since it was turned on", readonly=True, aggregator="max", help="0: the week in which it was."
    )
    people = fields.Integer("People who used it", readonly=True)
    month_people = fields.Integer(
        "In four weeks", readonly=True, help="People who used it in this week or three before."
    )
    entitled = fields.Integer("People for whom it is", readonly=True)
    share = Measured("Used by (%)", readonly=True, help="Of those for whom it is.")
    stickiness = Measured(
        "Used again (%)", readonly=True, help="Of those who used it in four weeks, how many did in the last one."
    )

    _week_idx = models.Index("(company_id, week)")

    @api.model
    def _domain_shown(self):
        """Fewer than three people for whom it is are persons as well."""
        many = Domain("company_id", "in", self._switches().company_id.ids) | Domain("entitled", ">=", SMALL_TEAM)
        return super()._domain_shown() & many

    def _read_group_select(self, aggregate_spec, query):
        name, _, how = aggregate_spec.partition(":")
        if name not in RATIOS or how not in ("avg", "sum", "max", "min"):
            return super()._read_group_select(aggregate_spec, query)
        part, whole = (self._field_to_sql(self._table, one, query) for one in RATIOS[name])
        return SQL("100.0 * sum(%s) / NULLIF(sum(%s), 0)", part, whole)

    @api.model
    def _last_full_week(self, company):
        """:return: the Monday of the last week that is over"""
        today = self.env["crm.productivity.stale"]._today(company)
        return today - timedelta(days=today.weekday() + 7)

    # --- counting ---

    @api.model
    def _cron_reckon(self):
        self.env["crm.productivity.function.since"]._begin()
        Cron = self.env["ir.cron"]
        companies = self.env["res.company"].search([("crm_productivity_use", "=", True)])
        Cron._commit_progress(remaining=len(companies))
        for company in companies:
            self._reckon_company(company)
            Cron._commit_progress(1)

    @api.model
    def _reckon_company(self, company):
        """Count the last weeks anew; all that are shown, the first time."""
        weeks = RECENT_WEEKS if self.search_count([("company_id", "=", company.id)], limit=1) else FIRST_WEEKS
        monday = self._last_full_week(company) + timedelta(days=7)
        self._reckon(company, [monday - timedelta(days=7 * count) for count in range(weeks)])

    @api.model
    def _reckon(self, company, days):
        """Count the weeks of some days anew."""
        mondays = sorted({day - timedelta(days=day.weekday()) for day in days})
        functions = self.env["crm.productivity.function"].search([("active", "=", True)])
        self.env.flush_all()
        self.env.cr.execute(
            SQL("DELETE FROM crm_productivity_use WHERE company_id = %s AND week = ANY(%s)", company.id, mondays)
        )
        if functions:
            self._insert(company, functions, mondays)
        self.invalidate_model()
        return True

    def _insert(self, company, functions, mondays):
        stale = self.env["crm.productivity.stale"]
        Acts = self.env["crm.productivity.acts"]
        start, end = stale._bounds(company, mondays[0] - timedelta(days=21), mondays[-1] + timedelta(days=6))
        kinds = sorted(set(functions.mapped("entitled")))
        entitled = SQL(" UNION ").join(
            SQL(
                "SELECT %s AS kind, found.* FROM (%s) AS found (user_id)",
                kind,
                getattr(Acts, f"_entitled_{kind}")(company),
            )
            for kind in kinds
        )
        # a function for leaders has one in each team: it is counted for the company
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_productivity_use (company_id, function_id, team_id, is_loose, week, week_no, people,
                                                     month_people, entitled, share, stickiness)
                   WITH act AS MATERIALIZED (
                       SELECT DISTINCT function_id, user_id,
                              date_trunc('week', at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS week
                         FROM (%(acts)s) AS act (function_id, user_id, at)
                   ), person AS MATERIALIZED (
                       SELECT DISTINCT entitled.kind, person.id AS user_id, person.create_date::date AS since
                         FROM (%(entitled)s) AS entitled
                         JOIN res_users person ON person.id = entitled.user_id
                        WHERE person.active AND NOT person.share AND person.company_id = %(company)s
                   ), turned AS (
                       SELECT since.function_id, function.entitled AS kind, monday.week,
                              min(date_trunc('week', since.on_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date) AS since
                         FROM crm_productivity_function_since since
                         JOIN crm_productivity_function function ON function.id = since.function_id
                        CROSS JOIN unnest(%(mondays)s::date[]) AS monday (week)
                        WHERE since.company_id = %(company)s AND function.id = ANY(%(functions)s)
                          AND since.on_at < monday.week + 7 AND (since.off_at IS NULL OR since.off_at >= monday.week)
                        GROUP BY 1, 2, 3
                   ), used AS (
                       SELECT turned.function_id, turned.kind, turned.week, turned.since, person.user_id,
                              bool_or(act.week = turned.week) AS this_week, count(act.week) > 0 AS this_month
                         FROM turned
                         JOIN person ON person.kind = turned.kind AND person.since < turned.week + 7
                         LEFT JOIN act ON act.function_id = turned.function_id AND act.user_id = person.user_id
                                      AND act.week BETWEEN turned.week - 21 AND turned.week
                        GROUP BY 1, 2, 3, 4, 5
                   ), placed AS (
                       SELECT used.*, CASE WHEN kind != 'leaders' THEN (
                              SELECT member.team_id FROM crm_productivity_member member
                               WHERE member.user_id = used.user_id AND member.begins < used.week + 7
                                 AND (member.ends IS NULL OR member.ends > used.week)
                               ORDER BY member.begins DESC, member.id LIMIT 1) END AS team_id
                         FROM used
                   )
                   SELECT %(company)s, function_id, team_id, team_id IS NULL AND kind != 'leaders', week,
                          GREATEST((week - since) / 7, 0), count(*) FILTER (WHERE this_week),
                          count(*) FILTER (WHERE this_month), count(*),
                          100.0 * count(*) FILTER (WHERE this_week) / count(*),
                          100.0 * count(*) FILTER (WHERE this_week) / NULLIF(count(*) FILTER (WHERE this_month), 0)
                     FROM placed GROUP BY function_id, kind, team_id, week, since""",
                zone=str(stale._zone(company)),
                acts=Acts._acts(company, functions, start, end),
                entitled=entitled,
                company=company.id,
                mondays=mondays,
                functions=functions.ids,
            )
        )
