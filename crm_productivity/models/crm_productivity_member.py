from odoo import api, fields, models
from odoo.tools import SQL


class CrmProductivityMember(models.Model):
    """Who was in which team on which day.

    Odoo keeps who is in a team now. The figures of a week in which somebody changed teams stay with the team
    for which they were made, also when the week is reckoned again a year later.
    """

    _name = "crm.productivity.member"
    _description = "Team membership over time"
    _order = "begins desc, id desc"
    _log_access = False
    _rec_name = "user_id"

    user_id = fields.Many2one("res.users", required=True, index=True, ondelete="cascade")
    team_id = fields.Many2one("crm.team", required=True, index=True, ondelete="cascade")
    begins = fields.Date(required=True)
    ends = fields.Date(help="The first day on which it holds no more.")

    @api.model
    def _team_sql(self, user, day):
        """:param user: SQL of a user's id
        :param day: SQL of a day
        :return: SQL of the team that the person was in on that day, NULL for none; of several the first one
        """
        return SQL(
            """(SELECT member.team_id FROM crm_productivity_member member
                 WHERE member.user_id = %(user)s AND member.begins <= %(day)s
                   AND (member.ends IS NULL OR member.ends > %(day)s)
                 ORDER BY member.begins, member.id LIMIT 1)""",
            user=user,
            day=day,
        )

    @api.model
    def _begin(self):
        """Take over who is where now, as if it had always been so: who knows better? Else calls of before would be no team's."""
        self.env["crm.team.member"].flush_model()
        self.env.cr.execute(
            """INSERT INTO crm_productivity_member (user_id, team_id, begins)
               SELECT DISTINCT user_id, crm_team_id, DATE '2000-01-01' FROM crm_team_member
                WHERE active AND NOT EXISTS (SELECT FROM crm_productivity_member known
                                              WHERE known.user_id = crm_team_member.user_id
                                                AND known.team_id = crm_team_member.crm_team_id AND known.ends IS NULL)"""
        )

    @api.model
    def _follow(self, users):
        """Bring the history of some people to what holds from today on."""
        self.env["crm.team.member"].flush_model(["user_id", "crm_team_id", "active"])
        self.flush_model()
        today = fields.Date.today()
        # a membership that began and ended on one day left nothing
        self.env.cr.execute(
            SQL(
                """UPDATE crm_productivity_member history SET ends = GREATEST(%(today)s, begins)
                    WHERE user_id = ANY(%(users)s) AND ends IS NULL
                      AND NOT EXISTS (SELECT FROM crm_team_member now WHERE now.active AND now.user_id = history.user_id
                                         AND now.crm_team_id = history.team_id)""",
                today=today,
                users=users.ids,
            )
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_productivity_member (user_id, team_id, begins)
                   SELECT DISTINCT user_id, crm_team_id, %(today)s FROM crm_team_member now
                    WHERE active AND user_id = ANY(%(users)s)
                      AND NOT EXISTS (SELECT FROM crm_productivity_member known WHERE known.user_id = now.user_id
                                         AND known.team_id = now.crm_team_id AND known.ends IS NULL)""",
                today=today,
                users=users.ids,
            )
        )
        self.invalidate_model()
