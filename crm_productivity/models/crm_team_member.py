from odoo import api, models


class CrmTeamMember(models.Model):
    _inherit = "crm.team.member"

    @api.model_create_multi
    def create(self, vals_list):
        members = super().create(vals_list)
        members._productivity_follow(members.user_id)
        return members

    def write(self, vals):
        users = self.user_id
        result = super().write(vals)
        if not vals.keys().isdisjoint(("active", "user_id", "crm_team_id")):
            self._productivity_follow(users | self.user_id)
        return result

    def unlink(self):
        users = self.user_id
        result = super().unlink()
        self._productivity_follow(users)
        return result

    def _productivity_follow(self, users):
        # sudo: whoever may change a team changes what it did from now on
        self.env["crm.productivity.member"].sudo()._follow(users)
