from odoo import api, fields, models
from odoo.fields import Domain


class CrmVoipLed(models.AbstractModel):
    """Records of teams, seen by the teams' leaders.

    The rule asks for the teams first and then for the records of these: a path through the team
    (``team_ids.user_id``) would be walked for each of millions of records.
    """

    _name = "crm.voip.led"
    _description = "Seen by who leads the team"

    is_led = fields.Boolean("Of a team that I lead", compute="_compute_is_led", search="_search_is_led")

    @api.depends("team_ids.user_id")
    @api.depends_context("uid")
    def _compute_is_led(self):
        # sudo: whether one leads a team oneself is for everybody to know
        for record, real in zip(self, self.sudo(), strict=True):
            record.is_led = self.env.user in real.team_ids.user_id

    def _search_is_led(self, operator, value):
        if operator != "in":
            return NotImplemented
        # sudo: see _compute_is_led
        teams = self.env["crm.team"].sudo().with_context(active_test=False).search([("user_id", "=", self.env.uid)])
        led = Domain("team_ids", "in", teams.ids)
        return led if True in value else ~led
