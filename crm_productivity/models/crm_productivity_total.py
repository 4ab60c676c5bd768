from odoo import api, models
from odoo.addons.crm_voip_bridge.models.crm_voip_people import SMALL_TEAM
from odoo.fields import Domain
from odoo.tools import SQL


class CrmProductivityTotal(models.AbstractModel):
    """Figures by team, without persons: kept by the scheduled action, edited by nobody.

    Figures of a team of fewer than three people are a person's; they are shown where the company decided so. A
    model that inherits this has ``company_id`` and ``team_id``.
    """

    _name = "crm.productivity.total"
    _inherit = ["crm.productivity.shown"]
    _description = "Figures without persons"

    @api.model
    def _domain_shown(self):
        """What is a single person's is left out where the company did not decide otherwise."""
        decided = self._switches().company_id
        shown = Domain("company_id", "in", decided.ids)
        shown |= Domain("team_id", "!=", False) & Domain("team_id", "not in", self._small_teams().ids)
        few = [company.id for company in self.env.companies - decided if self._few_outside_teams(company)]
        return shown | (Domain("team_id", "=", False) & Domain("company_id", "not in", few))

    @api.model
    def _small_teams(self):
        """:return: teams whose totals are a person's"""
        # sudo: how many people a team has is no secret, but the rule must hold for whoever cannot read it
        teams = self.env["crm.team"].sudo().with_context(active_test=False)
        return teams.search([("id", "!=", False)])._crm_voip_small()

    @api.model
    def _few_outside_teams(self, company):
        """:return: whether what belongs to no team is one or two persons'"""
        # who they are: from the records themselves, else from what people did by day
        table = self._table if "user_id" in self._fields else "crm_productivity_day"
        next_one = SQL(
            """SELECT user_id FROM %s AS figure WHERE company_id = %s AND team_id IS NULL AND user_id IS NOT NULL""",
            SQL.identifier(table),
            company.id,
        )
        # from one person to the next, and not all rows
        [(number,)] = self.env.execute_query(
            SQL(
                """WITH RECURSIVE person AS (
                       (%(next)s ORDER BY user_id LIMIT 1)
                        UNION ALL
                       SELECT (%(next)s AND figure.user_id > person.user_id ORDER BY user_id LIMIT 1)
                         FROM person WHERE person.user_id IS NOT NULL)
                   SELECT count(user_id) FROM (SELECT user_id FROM person LIMIT %(most)s) AS found""",
                next=next_one,
                most=SMALL_TEAM,
            )
        )
        return 0 < number < SMALL_TEAM

    @api.model
    def _teams_seen(self, company):
        """:return: ``(teams whose totals the present user may see, whether also what belongs to no team)``"""
        # sudo: which teams there are is no secret
        teams = self.env["crm.team"].sudo().with_context(active_test=False)
        if company not in self.env.companies:
            return teams, False
        teams = teams.search([("company_id", "in", [False, company.id])])
        everything = self.env.su or self.env.user.has_group("crm_voip_bridge.group_all")
        if not everything:
            me = self.env.user
            leads = me.has_group("crm_voip_bridge.group_team")
            teams = teams.filtered(lambda team: me in team.member_ids or (leads and team.user_id == me))
        # sudo: the decision binds those who may not read it, too
        if not self.env.su and not self.env["crm.voip.people.switch"].sudo()._of(company):
            teams -= self._small_teams()
            everything = everything and not self._few_outside_teams(company)
        return teams, everything

    @api.model
    def _has_field_access(self, field, operation):
        if operation == "write" and not self.env.su:
            return False
        return super()._has_field_access(field, operation)
