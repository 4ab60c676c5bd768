from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import format_date


class CrmProductivityTile(models.Model):
    """What stands beside one of my numbers: my target, and my comments."""

    _inherit = "crm.productivity.tile"

    target = fields.Char(compute="_compute_target")
    target_percent = Measured("% of target", compute="_compute_target")
    target_pace = Measured("Should be today (%)", compute="_compute_target")
    target_state = fields.Char(compute="_compute_target")
    target_text = fields.Char("Where one should be", compute="_compute_target")
    comment = fields.Char("Comments", compute="_compute_comment")
    comment_ids = fields.Many2many("crm.productivity.comment", compute="_compute_comment")
    may_comment = fields.Boolean(compute="_compute_comment")

    @api.depends("metric_id")
    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_target(self):
        company, today = self.env.company, self._periods()["today"][0]
        Target = self.env["crm.productivity.target"]
        targets = Target
        if company.sudo().crm_productivity_targets:  # sudo: what is switched on
            targets = Target.search(
                [
                    ("user_id", "=", self.env.uid),
                    ("company_id", "=", company.id),
                    ("metric_id", "in", self.metric_id.ids),
                    ("date_from", "<=", today),
                    ("date_to", ">=", today),
                ]
            )
        # the one that ends first is the one to work for
        of_metric = {one.metric_id: one for one in targets.sorted("date_to", reverse=True)}
        for tile in self:
            target = of_metric.get(tile.metric_id, Target)
            tile.target = target.shown
            tile.target_percent = target.percent if target else None
            tile.target_pace = target.pace if target else None
            tile.target_state = target.state
            tile.target_text = target and tile._target_text(target)

    def _target_text(self, target):
        words = dict(target._fields["state"]._description_selection(self.env))[target.state]
        until = format_date(self.env, target.date_to)
        if target.pace is False:
            return self.env._("Target until %(day)s: %(state)s", day=until, state=words)
        return self.env._(
            "Target until %(day)s: %(state)s, %(pace)d %% of the working time has passed",
            day=until,
            state=words,
            pace=target.pace,
        )

    @api.depends("metric_id")
    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_comment(self):
        first, last = self._periods()["week"]
        company = self.env.company
        may = company.sudo().crm_productivity_comments  # sudo: what is switched on
        Comment = self.env["crm.productivity.comment"]
        found = Comment._beside(self.env.user, first, last) if may else Comment
        beside = found.filtered(lambda one: one.company_id == company).grouped("metric_id")
        for tile in self:
            some = beside.get(tile.metric_id, Comment)
            tile.comment_ids = some
            tile.comment = " · ".join(some.mapped("text"))
            tile.may_comment = may

    def action_comment(self):
        """Write something beside the number."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Comment on “%s”", self.name),
            "res_model": "crm.productivity.comment",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_metric_id": self.metric_id.id},
        }
