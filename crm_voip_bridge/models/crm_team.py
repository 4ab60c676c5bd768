from odoo import api, fields, models
from odoo.fields import Domain

from .crm_voip_people import SMALL_TEAM


class CrmTeam(models.Model):
    _inherit = "crm.team"

    crm_voip_outcome_required = fields.Boolean(
        "Ask for an outcome of each call",
        help="Answered calls of the team's people that have no outcome yet are in their list “To finish”. "
        "It blocks nobody.",
    )

    def _crm_voip_small(self):
        """:return: those of these teams whose totals are figures of a single person; a team without anybody tells nothing of
        anybody
        """
        return self.filtered(lambda team: 0 < len(team.member_ids | team.user_id) < SMALL_TEAM)

    @api.model
    def _crm_voip_of_user(self, user):
        """:return: the teams in which somebody is, or which they lead"""
        return self.search(Domain("crm_team_member_ids.user_id", "=", user.id) | Domain("user_id", "=", user.id))
