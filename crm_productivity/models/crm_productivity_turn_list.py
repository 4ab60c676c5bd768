from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL


class CrmProductivityTurn(models.Model):
    _inherit = "crm.productivity.turn"

    is_covered = fields.Boolean(
        "In the numbers", compute="_compute_is_covered", search="_search_is_covered",
        help="Its channel was covered on that day, see the channel.",
    )  # fmt: skip

    def _compute_is_covered(self):
        covered = self.search([("id", "in", self.ids), ("is_covered", "=", True)])
        for turn in self:
            turn.is_covered = turn in covered

    def _search_is_covered(self, operator, value):
        if operator != "in":
            return NotImplemented
        Channel = self.env["crm.productivity.channel"]

        def covered(_model, alias, _query):
            channel, company, since = (SQL.identifier(alias, name) for name in ("channel_id", "company_id", "since"))
            return SQL("(%s IS NULL OR %s)", channel, Channel._covers_sql(channel, company, since))

        found = Domain.custom(to_sql=covered)
        return found if True in value else ~found

    def action_unsettle(self):
        """Take back that no answer is needed; whose message it is can."""
        Settled = self.env["crm.productivity.settled"].sudo()  # sudo: nobody has a right on what only buttons write
        own = self.filtered(lambda turn: turn.settled_at and turn.user_id == self.env.user)
        if not own:
            raise UserError(self.env._("Nobody said of a message of yours that it needs no answer."))
        for turn in own:
            said = Domain("res_model", "=", turn.res_model) & Domain("res_id", "=", turn.res_id)
            Settled.search(said & Domain("at", ">=", turn.since) & Domain("at", "<=", turn.settled_at)).unlink()
        for model, turns in own.sudo().grouped("res_model").items():  # sudo: upkeep
            turns._reckon(model, turns.mapped("res_id"))
