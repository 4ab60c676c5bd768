from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.crm_voip_people import SMALL_TEAM
from odoo.fields import Domain
from odoo.tools import SQL


class CrmProductivityTotals(models.AbstractModel):
    """Totals of teams in which there are no persons, and which of them may be shown.

    Totals of fewer than three people are a person's figures: they are shown where the company decided so, and to that
    person. The same holds for the people who are in no team.
    """

    _name = "crm.productivity.totals"
    _inherit = ["crm.productivity.total"]
    _description = "Totals without persons"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="cascade")
    team_id = fields.Many2one("crm.team", "Sales team", readonly=True, ondelete="set null")
    is_loose = fields.Boolean("Of people in no team", readonly=True)

    @api.model
    def _domain_shown(self):
        decided = self._switches().company_id
        undecided = self.env.companies - decided
        many = [company.id for company in undecided if len(self._loose_people(company)) >= SMALL_TEAM]
        loose = Domain("is_loose", "=", False) | Domain("company_id", "in", many)
        return Domain("company_id", "in", decided.ids) | (Domain("team_id", "not in", self._small_teams().ids) & loose)

    @api.model
    def _small_teams(self):
        """Not those in which nobody is but who asks."""
        return super()._small_teams().filtered(lambda team: team.member_ids | team.user_id != self.env.user)

    @api.model
    def _loose_people(self, company):
        """:return: ids of the people of a company who sell or have a telephone, and are in no team"""
        # sudo: who is in no team is no secret, but the rule must hold for whoever cannot read it
        sellers = self.env.ref("sales_team.group_sale_salesman").sudo().all_user_ids
        rows = self.env.execute_query(
            SQL(
                """SELECT person.id FROM res_users person
                    WHERE person.active AND NOT person.share AND person.company_id = %(company)s
                      AND (person.id = ANY(%(sellers)s)
                           OR EXISTS (SELECT FROM crm_voip_extension phone
                                       WHERE phone.user_id = person.id AND phone.recorded))
                      AND NOT EXISTS (SELECT FROM crm_team_member member
                                       WHERE member.active AND member.user_id = person.id)""",
                company=company.id,
                sellers=sellers.ids,
            )
        )
        return {user_id for (user_id,) in rows}

    @api.model
    def _my_teams(self):
        """:return: the teams whose totals the present user may see: all, those led, those one is in"""
        companies = Domain("company_id", "in", [False, *self.env.companies.ids])
        # sudo: which teams one is in or leads is for everybody to know
        teams = self.env["crm.team"].sudo().search(companies)
        if not self.env.user.has_group("crm_voip_bridge.group_all"):
            me = self.env.user
            teams = teams.filtered(lambda team: me in team.member_ids or me == team.user_id)
        return teams.sudo(self.env.su)
