import ast

from odoo import api, models
from odoo.exceptions import ValidationError

from ..lib.formula import Formula
from .crm_productivity_target import CALLS


class CrmProductivityMetric(models.Model):
    """What targets and “My numbers” ask of a metric."""

    _inherit = "crm.productivity.metric"

    @api.constrains("formula", "may_be_target", "counterweight_id")
    def _check_used_as_target(self):
        # sudo: also a target that one may not see must not become one that says nothing
        used = self.env["crm.productivity.target"].sudo().search([("metric_id", "in", self.ids)]).metric_id
        for metric in self & used.sudo(False):
            metric._check_target()

    def _check_target(self):
        """:raise ValidationError: nobody can be asked to reach so much of it"""
        self.ensure_one()
        if not self.may_be_target:
            raise ValidationError(
                self.env._("“%s” is no number to aim at: more of it is not better by itself.", self.name)
            )
        if self._counts_calls() and not self.counterweight_id:
            raise ValidationError(
                self.env._(
                    "“%s” is worth nothing without what came of the calls: choose under “Beside it” what is shown with it.",
                    self.name,
                )
            )

    def _counts_calls(self):
        return self._adds_up() and not Formula(self.formula).names.isdisjoint(CALLS)

    def _adds_up(self):
        """Whether two halves of a period make the whole: sums do, shares and medians do not."""
        tree = ast.parse(self.formula.strip(), mode="eval")
        return not any(isinstance(node, (ast.Div, ast.Call)) for node in ast.walk(tree))

    @api.model
    def _versions_of(self, metrics):
        """:return: ``{code: all versions, the first one first}``, read at once"""
        found = self.with_context(active_test=False).search(
            [("code", "in", list(set(metrics.mapped("code"))))], order="version"
        )
        return found.grouped("code")

    def _held_on(self, day):
        """:return: of all versions of one metric, the one that held on a day; see :meth:`_of_code`"""
        return next((one for one in self if not one.until or day < one.until), self[-1:])
