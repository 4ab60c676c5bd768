from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_productivity_hour import WEEKDAYS


class CrmVoipCall(models.Model):
    """Where a call counts in the figures by hour, so that these can be followed to the very calls."""

    _inherit = "crm.voip.call"

    crm_productivity_weekday = fields.Selection(
        WEEKDAYS, "Weekday", compute="_compute_crm_productivity_weekday", search="_search_crm_productivity_weekday"
    )
    crm_productivity_team_id = fields.Many2one(
        "crm.team",
        "Counts for team",
        compute="_compute_crm_productivity_team_id",
        search="_search_crm_productivity_team_id",
        compute_sudo=False,
    )

    @api.depends("started_at", "company_id")
    def _compute_crm_productivity_weekday(self):
        stale = self.env["crm.productivity.stale"]
        for call in self:
            day = call.started_at and stale._day_of(call.company_id.id, call.started_at)
            call.crm_productivity_weekday = day and str(day.isoweekday())

    @api.model
    def _search_crm_productivity_weekday(self, operator, value):
        if operator != "in":
            return NotImplemented
        days = [int(one) for one in value if str(one) in dict(WEEKDAYS)]
        stale = self.env["crm.productivity.stale"]
        found = Domain.FALSE
        for company in self.env.companies:
            zone = str(stale._zone(company))
            found |= Domain("company_id", "=", company.id) & Domain.custom(
                to_sql=lambda model, alias, query, zone=zone: SQL(
                    "extract(isodow FROM %s AT TIME ZONE 'UTC' AT TIME ZONE %s)::integer = ANY(%s)",
                    model._field_to_sql(alias, "started_at", query),
                    zone,
                    days,
                ),
                predicate=lambda call: call.crm_productivity_weekday in map(str, days),
            )
        return found

    @api.depends("started_at", "user_id", "team_ids")
    def _compute_crm_productivity_team_id(self):
        self.env.flush_all()
        Hour = self.env["crm.productivity.hour"]
        teams = {}
        # sudo: the time zone of a company is that of whoever may see its calls
        for company in self.sudo().company_id:
            placed = Hour._placed(company, SQL("call.id = ANY(%s)", self.ids))
            teams |= dict(self.env.execute_query(SQL("SELECT id, team_id FROM (%s) AS placed", placed)))
        for call in self:
            call.crm_productivity_team_id = teams.get(call.id)

    @api.model
    def _search_crm_productivity_team_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        teams = [one for one in value if isinstance(one, int) and one]
        if not self.env.su:
            self._people_check_teams(teams)
        Hour = self.env["crm.productivity.hour"]
        found = Domain.FALSE
        for company in self.env.companies:

            def to_sql(model, alias, query, company=company):
                mine = SQL("call.id = %s", SQL.identifier(alias, "id"))
                # each call that the rest of the domain leaves is asked for its team, not all of them
                return SQL(
                    "EXISTS (SELECT FROM (%s) AS placed WHERE placed.team_id = ANY(%s))",
                    Hour._placed(company, mine),
                    teams,
                )

            found |= Domain("company_id", "=", company.id) & Domain.custom(
                to_sql=to_sql, predicate=lambda call: call.crm_productivity_team_id.id in teams
            )
        return found
