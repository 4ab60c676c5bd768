"""Formulas of metrics: what an administrator writes about measures, and nothing else.

A formula is arithmetic on names of measures: ``+ - * /``, brackets, numbers, ``median(x)`` and ``p90(x)`` of measures
whose durations are counted in histograms. It is parsed, never run: there is no way from it to anything else.

Not measured is empty: an empty measure makes the whole empty, and so does a division by nothing.

>>> Formula("100 * taken / offered").value({"taken": 3, "offered": 4})
75.0
>>> Formula("100 * taken / offered").value({"taken": 0, "offered": 0}) is None
True
"""

import ast
import operator
from collections.abc import Mapping

from .histogram import percentile

#: longest formula, and most of its parts: nobody waits for one, and nobody reads a longer one
LONGEST, MOST_PARTS = 500, 100
#: function -> percent
PERCENTILES = {"median": 50, "p90": 90}
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


class BadFormula(ValueError):
    """A formula that cannot be used.

    :param reason: ``long``, ``syntax``, ``part``, ``function``, ``unknown``, ``spread`` or ``none``
    :param part: the text it is about
    """

    def __init__(self, reason: str, part: str = ""):
        super().__init__(f"{reason}: {part}")
        self.reason, self.part = reason, part


class Formula:
    """A parsed formula.

    :param names: measures that it adds, subtracts, multiplies or divides
    :param spread: measures of which it takes a percentile
    :raise BadFormula: it is none
    """

    def __init__(self, text: str):
        text = text.strip()
        if len(text) > LONGEST:
            raise BadFormula("long")
        try:
            self._tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BadFormula("syntax", text) from None
        if sum(1 for _node in ast.walk(self._tree)) > MOST_PARTS:
            raise BadFormula("long")
        self.names: set[str] = set()
        self.spread: set[str] = set()
        self._check(self._tree)
        if not self.names and not self.spread:
            raise BadFormula("none", text)

    @property
    def tree(self) -> ast.expr:
        """What was checked, for whoever writes it in another language: numbers, names, calls, signs and operators."""
        return self._tree

    def require(self, names, spread) -> None:
        """Check that all it speaks of exists.

        :param names: measures there are
        :param spread: those of them that have histograms
        :raise BadFormula: one is unknown, or has none
        """
        for name in sorted(self.names | self.spread):
            if name not in names:
                raise BadFormula("unknown", name)
        for name in sorted(self.spread):
            if name not in spread:
                raise BadFormula("spread", name)

    def value(self, measures: Mapping[str, float | None], histograms: Mapping[str, Mapping] | None = None):
        """The number that it stands for, None where something it needs was not measured.

        :param histograms: measure -> histogram, see :mod:`lib.histogram`
        """
        try:
            found = self._of(self._tree, measures, histograms or {})
        except (ZeroDivisionError, OverflowError):
            return None
        return None if found is None else float(found)

    def _check(self, node) -> None:
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return
        if isinstance(node, ast.Name):
            self.names.add(node.id)
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            self._check(node.left)
            self._check(node.right)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            self._check(node.operand)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id not in PERCENTILES:
                raise BadFormula("function", node.func.id)
            if len(node.args) != 1 or node.keywords or not isinstance(node.args[0], ast.Name):
                raise BadFormula("part", ast.unparse(node))
            self.spread.add(node.args[0].id)
        else:
            raise BadFormula("part", ast.unparse(node))

    def _of(self, node, measures, histograms):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return measures.get(node.id)
        if isinstance(node, ast.Call):
            return percentile(histograms.get(node.args[0].id) or {}, PERCENTILES[node.func.id])
        if isinstance(node, ast.UnaryOp):
            found = self._of(node.operand, measures, histograms)
            return None if found is None else -found
        left, right = (self._of(side, measures, histograms) for side in (node.left, node.right))
        return None if left is None or right is None else _OPERATORS[type(node.op)](left, right)
