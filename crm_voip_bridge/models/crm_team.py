from odoo import api, fields, models
from odoo.fields import Domain


class CrmTeam(models.Model):
    _inherit = "crm.team"

    crm_voip_outcome_required = fields.Boolean(
        "Ask for an outcome of each call",
        help="Answered calls of the team's people that have no outcome yet are in their list “To finish”. "
        "It blocks nobody.",
    )

    @api.model
    def _crm_voip_of_user(self, user):
        """:return: the teams in which somebody is, or which they lead"""
        return self.search(Domain("crm_team_member_ids.user_id", "=", user.id) | Domain("user_id", "=", user.id))
