from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..lib.formula import BadFormula, Formula

#: what is counted and added up of the pipeline, by stage and by opportunities that were won
PIPELINE = (
    "reached", "onward", "back", "lost", "here", "timed", "seconds", "measured", "talk_s", "handle_s", "measured_amount",
)  # fmt: skip


class CrmProductivityMetric(models.Model):
    """Numbers on customers and on the pipeline have their place in the dictionary, too: of measures of their own."""

    _inherit = "crm.productivity.metric"

    scope = fields.Selection(
        [("day", "People and teams"), ("customer", "Customers"), ("pipeline", "Pipeline")],
        "Number of",
        required=True,
        default="day",
        help="Whose measures the formula is of. My numbers, targets and reports have those of people and teams.",
    )

    @api.model
    def _measures_of(self, scope):
        """:return: ``(names of measures, those of them that have single durations)``"""
        if scope == "customer":
            customer = self.env["crm.productivity.customer"]
            return set(customer._measures()), set(customer._spread())
        return set(PIPELINE), {"seconds"}

    @api.depends("scope")
    def _compute_preview(self):
        others = self.filtered(lambda metric: metric.scope != "day")
        others.preview = others.problem = False
        for metric in others:
            names, spread = self._measures_of(metric.scope)
            try:
                Formula(metric.formula or "").require(names, spread)
            except BadFormula as problem:
                metric.problem = metric._explain(problem, names, spread)
        return super(CrmProductivityMetric, self - others)._compute_preview()

    @api.constrains("formula", "basis", "scope", "is_own", "may_be_target")
    def _check_formula(self):
        others = self.filtered(lambda metric: metric.scope != "day")
        for metric in others:
            names, spread = self._measures_of(metric.scope)
            try:
                Formula(metric.formula).require(names, spread)
                if metric.basis and metric.basis not in names:
                    raise BadFormula("unknown", metric.basis)
            except BadFormula as problem:
                raise ValidationError(metric._explain(problem, names, spread)) from None
            if metric.is_own or metric.may_be_target:
                raise ValidationError(
                    self.env._(
                        "“%s” is a number of customers or of the pipeline: it is no target, and nobody's own.",
                        metric.name,
                    )
                )
        return super(CrmProductivityMetric, self - others)._check_formula()


class CrmProductivityExplained(models.AbstractModel):
    """A screen whose columns say what the dictionary says of them."""

    _name = "crm.productivity.explained"
    _description = "Columns of the dictionary"

    #: name of a field → code of a metric
    _explained_by = {}

    @api.model
    def _metrics(self, *codes):
        """:return: ``{code: metric}`` as they are defined today"""
        metrics = self.env["crm.productivity.metric"].search([("code", "in", codes)], order="version")
        return {metric.code: metric for metric in metrics}

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        found = super().fields_get(allfields, attributes)
        if attributes is None or "help" in attributes:
            metrics = self._metrics(*self._explained_by.values())
            for name in found.keys() & self._explained_by.keys():
                if metric := metrics.get(self._explained_by[name]):
                    found[name]["help"] = f"{metric.meaning}\n\n{metric.computation}"
        return found
