from dateutil.relativedelta import relativedelta

from odoo import api, fields, models


class CrmProductivitySpan(models.AbstractModel):
    """A screen of some months, and of the teams whose totals the present user may see."""

    _name = "crm.productivity.span"
    _description = "Months and teams to choose from"

    #: name of the :class:`CrmProductivityTotal` whose rule says which teams these are
    _figures_of = ""
    #: months at the beginning
    _months = "12"

    company_id = fields.Many2one("res.company", required=True, readonly=True, default=lambda self: self.env.company)
    months = fields.Selection(
        [("1", "This month"), ("3", "Last 3 months"), ("12", "Last 12 months")],
        "Period",
        required=True,
        default=lambda self: self._months,
    )
    team_id = fields.Many2one("crm.team", "Sales team", domain="[('id', 'in', team_ids)]")
    team_ids = fields.Many2many("crm.team", compute="_compute_team_ids")

    @api.depends("company_id")
    @api.depends_context("uid")
    def _compute_team_ids(self):
        for one in self:
            one.team_ids = one._teams_of(one.company_id)[0]

    @api.model
    def _teams_of(self, company):
        """:return: ``(teams whose totals the present user may see, whether also what belongs to no team)``"""
        return self.env[self._figures_of]._teams_seen(company)

    def _chosen(self):
        """:return: likewise, of the team that was chosen"""
        teams, everything = self._teams_of(self.company_id)
        return (teams & self.team_id._origin, False) if self.team_id else (teams, everything)

    def _first(self):
        """:return: the first day of the period"""
        today = self.env["crm.productivity.stale"]._today(self.company_id)
        return today.replace(day=1) - relativedelta(months=int(self.months or self._months) - 1)
