from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.crm_voip_people import SMALL_TEAM
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from ..lib.formula import BadFormula, Formula
from .crm_productivity_threshold import THRESHOLDS


class CrmProductivityMetric(models.Model):
    """What a metric says of itself: its settings, its earlier versions, and what it would be for last week."""

    _inherit = "crm.productivity.metric"

    thresholds = fields.Char("By the settings", compute="_compute_thresholds", help="As the company has them today.")
    definition = fields.Text(
        compute="_compute_definition", help="How it is computed, with the settings of the company."
    )
    preview = fields.Char("Last week", compute="_compute_preview")
    problem = fields.Char(compute="_compute_preview")
    version_ids = fields.Many2many(
        "crm.productivity.metric", compute="_compute_version_ids", string="Versions", context={"active_test": False}
    )
    measures = fields.Html(compute="_compute_measures", sanitize=False)
    history = fields.Char(compute="_compute_version_ids", string="Earlier definition")

    @api.depends("formula", "basis")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_thresholds(self):
        for metric in self:
            metric.thresholds = " ".join(
                self._threshold_text(name, self.env.company[name]) for name in metric._threshold_names()
            )

    @api.depends("computation", "thresholds")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_definition(self):
        for metric in self:
            metric.definition = metric._definition()

    @api.depends("formula", "basis", "unit")
    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_preview(self):
        """Whether a formula works is seen while it is typed."""
        day = self.env["crm.productivity.day"]
        names, spread = set(day._measures()), set(day._spread())
        totals = None
        for metric in self:
            metric.preview = metric.problem = False
            if not metric.formula:
                continue
            try:
                Formula(metric.formula).require(names, spread)
                if metric.basis and metric.basis not in names:
                    raise BadFormula("unknown", metric.basis)
            except BadFormula as problem:
                metric.problem = metric._explain(problem, names, spread)
                continue
            totals = totals or self._last_week()
            shown = {}
            for who, total in totals.items():
                shown[who] = metric._shown(metric._value(*total), self.env.company.currency_id)
            if "all" in shown:
                metric.preview = self.env._("You: %(own)s. The company: %(all)s.", **shown)
            else:
                metric.preview = self.env._("You: %(own)s.", **shown)

    @api.depends("code", "formula", "version", "since")
    @api.depends_context("lang")
    def _compute_version_ids(self):
        all_versions = self.with_context(active_test=False).search(
            [("code", "in", self.mapped("code"))], order="version desc"
        )
        versions = all_versions.grouped("code")
        for metric in self:
            metric.version_ids = versions.get(metric.code, self.browse())
            earlier = metric.version_ids.filtered(lambda one, before=metric.version - 1: one.version == before)
            metric.history = bool(earlier and metric.since) and self.env._(
                "Before %(day)s it was: %(formula)s", day=format_date(self.env, metric.since), formula=earlier.formula
            )

    @api.depends("code")
    @api.depends_context("lang")
    def _compute_measures(self):
        day = self.env["crm.productivity.day"]
        rows = Markup().join(
            Markup("<tr><td><code>%s</code></td><td>%s</td><td>%s</td></tr>")
            % (
                name,
                day._fields[name]._description_string(self.env),
                day._fields[name]._description_help(self.env) or "",
            )
            for name in sorted(day._measures())
        )
        self.measures = (
            Markup('<div class="table-responsive"><table class="table table-sm"><tbody>%s</tbody></table></div>') % rows
        )

    def copy_data(self, default=None):
        default = default or {}
        return [
            # a copy by hand is a metric of its own; its code has to be another one
            vals if "code" in default else {**vals, "code": f"{metric.code}_copy"}
            for metric, vals in zip(self, super().copy_data(default), strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_versions(self):
        for metric in self:
            if metric.version > 1 or metric.until:
                raise ValidationError(
                    self.env._("“%s” was shown with more than one definition: archive it instead.", metric.name)
                )

    # --- what depends on settings ---

    def _threshold_names(self):
        """:return: the settings on which the number depends"""
        self.ensure_one()
        try:
            formula = Formula(self.formula or "")
        except BadFormula:
            return []
        used = formula.names | formula.spread | {self.basis}
        return [name for name, measures in THRESHOLDS.items() if used.intersection(measures)]

    @api.model
    def _threshold_text(self, name, value):
        """:return: a setting as a sentence"""
        texts = {
            "crm_productivity_conversation_s": self.env._("A conversation has at least %s seconds of talk.", value),
            "crm_productivity_level_s": self.env._("In time is within %s seconds.", value),
            "crm_productivity_short_s": self.env._("At once is within %s seconds.", value),
            "crm_productivity_repeat_days": self.env._("Who calls again within %s days came back.", value),
        }
        return texts[name]

    def _definition(self):
        """:return: how it is computed, with the settings that it depends on"""
        self.ensure_one()
        return " ".join(filter(None, (self.computation, self.thresholds)))

    # --- versions ---

    @api.model
    def _versions_between(self, code, first, last):
        """:return: the versions of a metric that held on some day of a period, the earliest first"""
        versions = self.with_context(active_test=False).search([("code", "=", code)], order="version")
        held = versions.filtered(
            lambda one: (not one.since or one.since <= last) and (not one.until or one.until > first)
        )
        return held or self._of_code(code, first)

    def _definition_note(self, first, last, company=None):
        """:return: what to say beside a number over a period in which its definition changed, "" if it did not"""
        self.ensure_one()
        notes = []
        for version in self._versions_between(self.code, first, last):
            if version.until and version.until <= last:
                notes.append(
                    self.env._(
                        "Before %(day)s it was: %(formula)s",
                        day=format_date(self.env, version.until),
                        formula=version.formula,
                    )
                )
        company = company or self.env.company
        for name in self._threshold_names():
            (_never, value), *later = self.env["crm.productivity.threshold"]._history(company, name)
            for since, following in later:
                if first < since <= last:
                    notes.append(
                        self.env._(
                            "Before %(day)s: %(rule)s",
                            day=format_date(self.env, since),
                            rule=self._threshold_text(name, value),
                        )
                    )
                value = following
        return "\n".join(notes)

    # --- preview ---

    @api.model
    def _last_week(self):
        """:return: ``{"own": totals, "all": totals}`` of last week; "all" where that is no person's figure"""
        Day = self.env["crm.productivity.day"]
        company = self.env.company
        today = self.env["crm.productivity.stale"]._today(company)
        monday = today - timedelta(days=today.weekday() + 7)
        week = (
            Domain("company_id", "=", company.id)
            & Domain("day", ">=", monday)
            & Domain("day", "<=", monday + timedelta(days=6))
        )
        totals = {"own": Day._totals(week & Domain("user_id", "=", self.env.uid))}
        if not self.env.user.has_group("crm_voip_bridge.group_manager"):
            return totals
        # sudo: the total of a company is no person's figure, if there are enough of them
        everybody = Day.sudo()
        people = everybody._read_group(week & Domain("user_id", "!=", False), [], ["user_id:count_distinct"])[0][0]
        if people >= SMALL_TEAM:
            totals["all"] = everybody._totals(week)
        return totals
