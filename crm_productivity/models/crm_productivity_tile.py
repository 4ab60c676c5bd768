import statistics
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..lib.formula import Formula
from ..lib.histogram import merged
from .crm_productivity_behind import CALLS, TAKERS, WRAPUPS
from .crm_productivity_target import measures_of

#: full weeks before the present one that are looked back on
WEEKS = 8
#: fewer measured weeks have no usual value
LEAST_WEEKS = 3
#: measures that a telephone system must tell: without a phone of one's own they are not measured
PHONE = {*CALLS, *WRAPUPS, *TAKERS}


class CrmProductivityTile(models.Model):
    """One of my numbers: today, this week, against the own target and the own past, and on how much it rests.

    The record is the metric; what it says is always about whoever reads it, so nobody can ask for a colleague's.
    However many numbers there are, they are read with the same few queries.
    """

    _name = "crm.productivity.tile"
    _description = "One of my numbers"
    _order = "sequence, id"
    _rec_name = "metric_id"
    _auto = False
    _log_access = False
    _depends = {
        "crm.productivity.metric": ["active", "is_own", "sequence"],
        "crm.productivity.choice": ["user_id", "metric_id", "is_shown", "sequence"],
    }

    metric_id = fields.Many2one("crm.productivity.metric", "Number", readonly=True)
    sequence = fields.Integer(readonly=True)
    name = fields.Char(related="metric_id.name")
    meaning = fields.Text(related="metric_id.meaning")
    computation = fields.Text(related="metric_id.computation")
    formula = fields.Char(related="metric_id.formula")
    provenance = fields.Selection(related="metric_id.provenance", string="Where it comes from")
    tag = fields.Char(compute="_compute_tag", help="The provenance in one word.")
    settings = fields.Char("By the settings", compute="_compute_settings")
    version = fields.Integer(related="metric_id.version")
    since = fields.Date(related="metric_id.since")
    week = fields.Char("This week", compute="_compute_figures")
    today = fields.Char(compute="_compute_figures")
    before = fields.Char("Last week until this day", compute="_compute_figures")
    usual = fields.Char("Usual week", compute="_compute_figures")
    rests_on = fields.Char(compute="_compute_figures")
    trend = fields.Selection([("better", "Better"), ("worse", "Worse")], compute="_compute_figures")
    spark = fields.Json("The weeks before", compute="_compute_figures")
    spark_text = fields.Char("The weeks before, in words", compute="_compute_figures")
    changed = fields.Char(compute="_compute_figures")

    @property
    def _table_query(self):
        return SQL(
            """SELECT metric.id, metric.id AS metric_id, COALESCE(choice.sequence, metric.sequence) AS sequence
                 FROM crm_productivity_metric metric
                 LEFT JOIN crm_productivity_choice choice ON choice.metric_id = metric.id AND choice.user_id = %s
                WHERE metric.active AND COALESCE(choice.is_shown, metric.is_own)""",
            self.env.uid,
        )

    # --- what it shows ---

    @api.depends("metric_id")
    @api.depends_context("lang")
    def _compute_tag(self):
        words = {"measured": self.env._("measured"), "derived": self.env._("derived"), "typed": self.env._("typed")}
        for tile in self:
            tile.tag = words.get(tile.provenance)

    @api.model
    def _periods(self):
        """:return: ``{name: (first day, last day)}``; a week before ends on the same weekday as today"""
        today = self.env["crm.productivity.stale"]._today(self.env.company)
        monday = today - timedelta(days=today.weekday())
        week = timedelta(days=7)
        return {
            "today": (today, today),
            "week": (monday, today),
            "before": (monday - week, today - week),
            **{
                f"past{number}": (monday - number * week, monday - number * week + timedelta(days=6))
                for number in range(WEEKS, 0, -1)
            },
        }

    @api.depends("metric_id")
    @api.depends_context("lang", "allowed_company_ids")
    def _compute_settings(self):
        for tile in self:
            tile.settings = tile.metric_id.thresholds

    @api.depends("metric_id")
    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_figures(self):
        company, periods = self.env.company, self._periods()
        versions = self.env["crm.productivity.metric"]._versions_of(self.metric_id)
        every = [one for some in versions.values() for one in some]
        sums, spread = measures_of(*every)
        bases = {one.basis for one in every if one.basis} | {"typed_calls"}
        totals = self._totals(company, periods, sums | bases, spread)
        for tile in self:
            held = {name: versions[tile.metric_id.code]._held_on(first) for name, (first, _last) in periods.items()}
            values = {name: held[name]._value(*total) if total else None for name, total in totals.items()}
            tile.update(tile._prepare_figures(held, values, totals, periods, company))

    def _totals(self, company, periods, names, spread):
        """:return: ``{period: (measures, histograms)}``, None where the person has no figures at all yet"""
        Day = self.env["crm.productivity.day"]
        rows = Day._own_since(company, min(first for first, _last in periods.values()), names)
        counts = {name for name in names if Day._fields[name].type in ("integer", "monetary")}
        if not self._has_phone() and not any(row[1].get(name) for row in rows for name in PHONE):
            counts -= PHONE
            rows = [(day, {**values, **dict.fromkeys(PHONE)}, some) for day, values, some in rows]
        totals = {}
        for period, (first, last) in periods.items():
            within = [row for row in rows if first <= row[0] <= last]
            if not within and (period.startswith("past") or not rows):
                # a week without anything is a holiday, and no figure
                totals[period] = None
                continue
            # what is counted is nought where nothing was done; what is timed is not measured
            measures = {name: 0.0 if name in counts else None for name in names}
            parts = defaultdict(list)
            for _day, values, some in within:
                for name, value in values.items():
                    if value is not None:
                        measures[name] = (measures[name] or 0.0) + value
                for name in spread & some.keys():
                    parts[name].append(some[name])
            totals[period] = (measures, {name: merged(some) for name, some in parts.items()})
        return totals

    @api.model
    def _has_phone(self):
        # sudo: whether one's own phone is ticked, one may know
        return bool(
            self.env["crm.voip.extension"]
            .sudo()
            .search_count([("user_id", "=", self.env.uid), ("recorded", "=", True)], limit=1)
        )

    def _prepare_figures(self, held, values, totals, periods, company):
        def shown(name, value):
            return self.env._("–") if value is None else held[name]._shown(value, company.currency_id)

        past = [name for name in periods if name.startswith("past")]
        measured = [values[name] for name in past if values[name] is not None]
        usual = statistics.median(measured) if len(measured) >= LEAST_WEEKS else None
        # an earlier definition is no measure of the present one
        same = held["week"] == held["before"]
        return {
            **{name: shown(name, values[name]) for name in ("today", "week", "before")},
            "usual": shown("week", usual),
            "rests_on": self._rests_on(held["week"], totals["week"]),
            "trend": held["week"]._trend(values["week"], values["before"]) if same else False,
            "spark": self._prepare_spark(held, values, past, periods),
            "spark_text": self.env._(
                "The %(weeks)s weeks before: %(values)s",
                weeks=len(past),
                values=", ".join(shown(name, values[name]) for name in past),
            ),
            "changed": self._changed(held, periods),
        }

    def _prepare_spark(self, held, values, past, periods):
        """:return: bars, each with its height in percent of the highest"""
        most = max((values[name] or 0 for name in past), default=0)
        return [
            {
                "height": round(100 * max(values[name], 0) / most) if most > 0 and values[name] is not None else 0,
                "text": self.env._(
                    "Week of %(day)s: %(value)s",
                    day=format_date(self.env, periods[name][0]),
                    value=self.env._("–")
                    if values[name] is None
                    else held[name]._shown(values[name], self.env.company.currency_id),
                ),
            }
            for name in past
        ]

    def _rests_on(self, metric, total):
        measures = total[0] if total else {}
        typed = round(measures.get("typed_calls") or 0)
        number = measures.get(metric.basis or "calls_made")
        if number is not None and typed and Formula(metric.formula).names == {"calls_made"}:
            # never added up
            return self.env._("%(measured)d measured + %(typed)d typed", measured=number, typed=typed)
        if metric.basis and number is not None:
            return self.env._("rests on %(number)d", number=number)
        return False

    def _changed(self, held, periods):
        oldest = next(name for name in periods if name.startswith("past"))
        if held[oldest] == held["week"]:
            return False
        return self.env._(
            "Computed in another way since %s: earlier weeks keep the earlier way.",
            format_date(self.env, held["week"].since),
        )

    # --- behind it ---

    def action_explain(self):
        """What the number means, how it is computed, and what it is made of."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_show_today(self):
        return self._behind("today")

    def action_show_week(self):
        return self._behind("week")

    def action_show_before(self):
        return self._behind("before")

    def _behind(self, period):
        """The very calls, messages or opportunities of a period; where there are none to show, the days."""
        self.ensure_one()
        company, (first, last) = self.env.company, self._periods()[period]
        bounds = self.env["crm.productivity.stale"]._bounds(company, first, last)
        formula = Formula(self.metric_id.formula)
        # the cases that it rests on are all of them: of “reached” also those that were not
        measures = [*filter(None, [self.metric_id.basis]), *sorted(formula.spread), *sorted(formula.names)]
        name = self.env._(
            "%(number)s, %(first)s – %(last)s",
            number=self.name,
            first=format_date(self.env, first),
            last=format_date(self.env, last),
        )
        action = self.env["crm.productivity.behind"]._action(measures, company, *bounds, name)
        return action or {**self.action_show_days(), "name": name}

    def action_show_days(self):
        """The days that the number was added up from."""
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_productivity.crm_productivity_day_action")
        return {**action, "domain": [("user_id", "=", self.env.uid)], "context": {}}
