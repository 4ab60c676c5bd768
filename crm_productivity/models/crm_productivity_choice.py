from odoo import api, fields, models


class CrmProductivityChoice(models.Model):
    """Which numbers a person wants to see in “My numbers”, and in which order.

    Without a choice, those are shown that are meant for everybody, in the order of the dictionary.
    """

    _name = "crm.productivity.choice"
    _description = "Number to be shown"
    _order = "sequence, id"
    _rec_name = "metric_id"
    _log_access = False

    user_id = fields.Many2one("res.users", "Person", required=True, readonly=True, ondelete="cascade")
    metric_id = fields.Many2one("crm.productivity.metric", "Number", required=True, readonly=True, ondelete="cascade")
    # of one line: a list shows as much of it as there is room for
    meaning = fields.Char(compute="_compute_meaning")
    sequence = fields.Integer(default=100)
    is_shown = fields.Boolean("Shown", default=True)

    _unique = models.UniqueIndex("(user_id, metric_id)")

    @api.depends("metric_id.meaning")
    def _compute_meaning(self):
        for choice in self:
            choice.meaning = choice.metric_id.meaning

    def _fill_up(self):
        """Make the present user's choice complete, as it is without one."""
        metrics = self.env["crm.productivity.metric"].search([("scope", "=", "day")])
        mine = self.search([("user_id", "=", self.env.uid)])
        # sudo: rows are made here and nowhere else, for the present user only
        self.sudo().create(
            [
                {
                    "user_id": self.env.uid,
                    "metric_id": metric.id,
                    "sequence": metric.sequence,
                    "is_shown": metric.is_own,
                }
                for metric in metrics - mine.metric_id
            ]
        )

    def action_as_delivered(self):
        """Forget the choice."""
        # sudo: see _fill_up
        self.sudo().search([("user_id", "=", self.env.uid)]).unlink()
        return {"type": "ir.actions.act_window_close"}
