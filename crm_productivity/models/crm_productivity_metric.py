from difflib import get_close_matches

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import formatLang

from ..lib.formula import BadFormula, Formula

#: from here on a duration is told in days
LONG_S = 3 * 86400
#: fields whose change makes another number of it: a new version
DEFINING = ("formula", "unit", "basis")


class CrmProductivityMetric(models.Model):
    """A number that is shown, explained in both languages: what it means to the business, and how it is computed.

    The screens take from here what they say beside each number. An administrator may add metrics by a formula over
    the measures of ``crm.productivity.day``. A changed formula makes a new version that holds from the day of the
    change on; earlier periods keep the earlier one, and say so.
    """

    _name = "crm.productivity.metric"
    _description = "Metric"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, copy=False, help="By which views and targets know it. Lower-case letters.")
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    unit = fields.Selection(
        [("count", "Number"), ("duration", "Time"), ("percent", "Percent"), ("amount", "Amount")],
        required=True,
        default="count",
    )
    meaning = fields.Text("What it means", required=True, translate=True, help="To somebody who sells.")
    computation = fields.Text("How it is computed", required=True, translate=True, help="To somebody who checks.")
    formula = fields.Char(
        required=True,
        help="Arithmetic on measures: 100 * taken / offered, median(talk_s). Empty where something was not measured.",
    )
    basis = fields.Char("Rests on", help="The measure that says on how many cases the number rests, as talk_calls.")
    direction = fields.Selection(
        [("more", "More is better"), ("less", "Less is better"), ("neither", "Neither")],
        required=True,
        default="neither",
    )
    provenance = fields.Selection(
        [
            ("measured", "Measured by a machine"),
            ("derived", "Derived from what was measured"),
            ("typed", "Typed by a person"),
        ],
        required=True,
        default="derived",
    )
    version = fields.Integer(default=1, readonly=True, copy=False)
    since = fields.Date(readonly=True, copy=False, help="Empty: from the beginning.")
    until = fields.Date(readonly=True, copy=False, help="The first day on which a later version holds.")
    may_be_target = fields.Boolean(help="People may be asked to reach so much of it.")
    counterweight_id = fields.Many2one(
        "crm.productivity.metric",
        "Beside it",
        ondelete="restrict",
        help="Shown beside a target: the number of calls is worth nothing without the conversations.",
    )
    is_own = fields.Boolean("Shown in “My numbers”", default=True)

    _version_unique = models.Constraint("UNIQUE (code, version)", "A metric with this code is there already.")

    @api.constrains("formula", "basis")
    def _check_formula(self):
        day = self.env["crm.productivity.day"]
        names, spread = set(day._measures()), set(day._spread())
        for metric in self:
            try:
                Formula(metric.formula).require(names, spread)
            except BadFormula as problem:
                raise ValidationError(self._explain(problem, names, spread)) from None
            if metric.basis and metric.basis not in names:
                raise ValidationError(self._explain(BadFormula("unknown", metric.basis), names, spread))

    @api.constrains("code")
    def _check_code(self):
        for metric in self:
            if not metric.code.isidentifier() or metric.code != metric.code.lower():
                raise ValidationError(self.env._("A code has lower-case letters, digits and _ only: %s", metric.code))

    def _explain(self, problem, names, spread):
        """:return: what is wrong with a formula, in words that help"""
        texts = {
            "long": self.env._("The formula is too long."),
            "syntax": self.env._("This is no formula: %s. One is: 100 * taken / offered", problem.part),
            "none": self.env._("The formula names no measure: %s", problem.part),
            "part": self.env._(
                "“%s” cannot be used: a formula has names of measures, numbers, + - * / and brackets, median() and p90().",
                problem.part,
            ),
            "function": self.env._("There is no function “%s”: use median() or p90().", problem.part),
            "unknown": self._explain_unknown(problem.part, names),
            "spread": self.env._(
                "Of “%(part)s” no single values are kept, so it has no median. Of these they are: %(names)s",
                part=problem.part,
                names=", ".join(sorted(spread)),
            ),
        }
        return texts[problem.reason]

    def _explain_unknown(self, part, names):
        """:return: that there is no such measure, and which ones are spelt alike, if any are"""
        alike = get_close_matches(part, sorted(names), 4, 0.5)
        return self.env._(
            "There is no measure “%(part)s”. There are: %(names)s", part=part, names=", ".join(alike or sorted(names))
        )

    def write(self, vals):
        defining = [name for name in DEFINING if name in vals]
        if not defining or self.env.context.get("install_mode"):
            return super().write(vals)
        today = fields.Date.context_today(self)
        for metric in self.filtered(
            lambda metric: any((metric[name] or "") != (vals[name] or "") for name in defining)
        ):
            if metric.since == today:
                continue  # it was changed today already: nobody has seen a report of that version
            # the old definition stays, for the periods that it was for
            old = {**metric._prepare_old_vals(), "until": today}
            super(CrmProductivityMetric, metric).write({"version": metric.version + 1, "since": today})
            metric.flush_recordset()
            metric.copy(old)
        return super().write(vals)

    def _prepare_old_vals(self):
        """Values of the record that keeps the definition that is about to change."""
        return {"code": self.code, "version": self.version, "since": self.since, "active": False}

    @api.model
    def _of_code(self, code, day):
        """:return: the version of a metric that held on a day, the first one before its beginning"""
        versions = self.with_context(active_test=False).search([("code", "=", code)], order="version")
        return next((one for one in versions if not one.until or day < one.until), versions[-1:])

    def _value(self, measures, histograms):
        """:return: the number, None where it was not measured"""
        self.ensure_one()
        return Formula(self.formula).value(measures, histograms)

    def _trend(self, value, before):
        """:return: whether a number is better or worse than an earlier one, False where that cannot be said"""
        if self.direction == "neither" or value is None or before is None or value == before:
            return False
        return "better" if (value > before) == (self.direction == "more") else "worse"

    def _shown(self, value, currency=None):
        """:return: a number as text, in the reader's language"""
        self.ensure_one()
        if value is None:
            return self.env._("not measured")
        if self.unit == "amount" and currency:
            return currency.format(value)
        if self.unit == "percent":
            return self.env._("%s %%", formatLang(self.env, value, digits=0))
        if self.unit == "duration":
            return self._duration(value)
        # calls per topic, say: a part of a call is what it is about
        return formatLang(self.env, value, digits=0 if float(value).is_integer() else 1)

    def _duration(self, seconds):
        if seconds >= LONG_S:
            return self.env._("%s days", formatLang(self.env, seconds / 86400, digits=1))
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return self.env._("%(hours)s h %(minutes)02d min", hours=hours, minutes=minutes)
        if minutes:
            return self.env._("%(minutes)s min %(seconds)02d s", minutes=minutes, seconds=rest)
        return self.env._("%s s", rest)
