import ast

from odoo import api, models, tools
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..lib import histogram
from ..lib.formula import PERCENTILES, BadFormula, Formula

_OPERATORS = {ast.Add: SQL("+"), ast.Sub: SQL("-"), ast.Mult: SQL("*")}


class Derived(Measured):
    """A number that follows from others by a formula of the dictionary, and cannot be added up.

    A pivot, graph or list works it out for each group anew: the percentage of a month is not the average of the
    percentages of its days, and neither is the median.
    """

    #: code of the metric
    metric = ""


def derived(string, metric):
    """:return: a field with the number of a metric"""
    return Derived(string, metric=metric, compute="_compute_derived", aggregator="avg")


class CrmProductivityDerived(models.AbstractModel):
    """Figures by day that know what their numbers mean, and work out ratios and medians for any grouping."""

    _name = "crm.productivity.derived"
    _description = "Figures that follow from others"

    #: whether rows are a team's: then help says what a number means for a team
    _of_teams = False

    @api.model
    def _derived(self):
        """:return: ``{name of a field: code of its metric}``"""
        return {name: field.metric for name, field in self._fields.items() if isinstance(field, Derived)}

    def _compute_derived(self):
        names = list(self._derived())
        # sudo: whoever reads the row was allowed to see it; its numbers follow from those in it
        rows = self.sudo()._read_group([("id", "in", self.ids)], ["id"], [f"{name}:avg" for name in names])
        found = {record.id: values for record, *values in rows}
        for record in self:
            for name, value in zip(names, found.get(record.id, [None] * len(names)), strict=True):
                record[name] = value

    @api.model
    def _read_group_select(self, aggregate_spec, query):
        name, _colon, aggregator = aggregate_spec.partition(":")
        code = self._derived().get(name)
        if not code:
            return super()._read_group_select(aggregate_spec, query)
        text = self._explained().get(code, {}).get("formula")
        if aggregator != "avg" or not text:
            raise ValueError(f"{name} follows from others: it has no {aggregator}")
        try:
            return SQL("(%s)::float8", self._formula_to_sql(Formula(text).tree, query))
        except (BadFormula, KeyError) as problem:
            # the dictionary speaks of something that is not kept here
            raise ValueError(f"{name}: {problem}") from None

    def _formula_to_sql(self, node, query):
        """:return: an aggregate expression, NULL where :class:`~..lib.formula.Formula` says None"""
        if isinstance(node, ast.Constant):
            return SQL("%s::float8", node.value)
        if isinstance(node, ast.Name):
            return SQL("sum(%s)::float8", self._field_to_sql(self._table, node.id, query))
        if isinstance(node, ast.Call):
            return self._percentile_to_sql(node.args[0].id, PERCENTILES[node.func.id], query)
        if isinstance(node, ast.UnaryOp):
            return SQL("(- %s)", self._formula_to_sql(node.operand, query))
        left, right = (self._formula_to_sql(side, query) for side in (node.left, node.right))
        if isinstance(node.op, ast.Div):
            return SQL("(%s / NULLIF(%s, 0))", left, right)
        return SQL("(%s %s %s)", left, _OPERATORS[type(node.op)], right)

    def _percentile_to_sql(self, measure, percent, query):
        """:return: a percentile of merged histograms, as :func:`lib.histogram.percentile` has it"""
        field = self._fields[measure]
        if not self.env.su and not self._has_field_access(field, "read"):
            raise AccessError(self.env._("%s is shown to the person alone.", measure))
        return SQL(
            """(SELECT 2 * power(%(gamma)s::float8, bucket + %(offset)s) / (%(gamma)s::float8 + 1)
                  FROM (SELECT bucket, sum(number) OVER (ORDER BY bucket) AS below, sum(number) OVER () AS whole
                          FROM (SELECT pair.key::integer AS bucket, sum(pair.value::integer) AS number
                                  FROM jsonb_path_query(jsonb_agg(%(spread)s), 'lax $[*][*] ? (@ != null)') AS one,
                                       jsonb_each_text(one) AS pair
                                 GROUP BY 1) AS counted) AS ranked
                 WHERE below >= GREATEST(ceil(whole * %(percent)s / 100.0), 1) ORDER BY bucket LIMIT 1)""",
            gamma=histogram.GAMMA,
            offset=histogram.OFFSET,
            spread=self._spread_to_sql(measure),
            percent=percent,
        )

    def _spread_to_sql(self, measure):
        """:return: an expression for the histogram of a row, or an array of some"""
        return SQL("%s -> %s", SQL.identifier(self._table, "histograms"), measure)

    @api.model
    def _spread_ahead(self):
        """Let the server go without compiling the queries of this transaction.

        It cannot know how short histograms are, takes a query that merges some for a long one, and compiles for
        half a second what runs for 20 ms.
        """
        self.env.cr.execute("SET LOCAL jit = off")

    @api.model
    def _read_group(self, domain, groupby=(), aggregates=(), having=(), offset=0, limit=None, order=None):
        if not self._derived().keys().isdisjoint(one.partition(":")[0] for one in aggregates):
            self._spread_ahead()
        return super()._read_group(domain, groupby, aggregates, having, offset, limit, order)

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        if not self._derived().keys().isdisjoint(one.partition(":")[0] for one in aggregates):
            self._spread_ahead()
        return super()._read_grouping_sets(domain, grouping_sets, aggregates, order)

    # --- what they mean ---

    @api.model
    @tools.ormcache("self.env.lang")
    def _explained(self):
        """:return: ``{code or name of a measure: {"formula", "meaning"}}`` of the metrics that hold now"""
        # sudo: everybody who sees a number may read what it means
        metrics = (
            self.env["crm.productivity.metric"]
            .sudo()
            .search([("formula", "!=", False), ("scope", "=", "day")], order="version")
        )
        found = {metric.formula: metric for metric in metrics if metric.formula.isidentifier()}
        found |= {metric.code: metric for metric in metrics}
        return {
            name: {"formula": metric.formula, "meaning": metric._explanation(self._of_teams)}
            for name, metric in found.items()
        }

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        found = super().fields_get(allfields, attributes)
        if attributes is None or "help" in attributes:
            explained, derived = self._explained(), self._derived()
            for name, description in found.items():
                if metric := explained.get(derived.get(name, name)):
                    description["help"] = metric["meaning"]
        return found
