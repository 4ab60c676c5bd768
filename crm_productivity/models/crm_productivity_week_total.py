from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..lib.formula import Formula
from .crm_productivity_week import NOTHING

#: the numbers that a manager's week opens with, by the codes of their metrics; their order is that of the screen
CODES = (
    "calls_made",
    "team_taken",
    "called_back_in",
    "talk",
    "talk_median",
    "reached",
    "team_answered",
    "won_amount",
)  # fmt: skip
#: an id is the week's, then the place on the screen
PLACES = 16


class CrmProductivityWeekTotal(models.Model):
    """One number of a team's week, against the week before and the same week of last year."""

    _name = "crm.productivity.week.total"
    _description = "Number of a team's week"
    _auto = False
    _depends = {"crm.productivity.day": ["company_id", "day"], "crm.team": ["active", "company_id"]}
    _order = "id"

    week_id = fields.Many2one("crm.productivity.week", readonly=True)
    team_id = fields.Many2one("crm.team", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    place = fields.Integer(readonly=True)
    metric_id = fields.Many2one("crm.productivity.metric", compute="_compute_number")
    name = fields.Char(compute="_compute_number")
    meaning = fields.Text(compute="_compute_number")
    computation = fields.Text("How it is computed", compute="_compute_number")
    shown = fields.Char("This week", compute="_compute_number")
    rests_on = fields.Char(compute="_compute_number")
    version = fields.Char(compute="_compute_number")
    last_week = fields.Char(compute="_compute_number")
    last_change = fields.Char(compute="_compute_number")
    last_trend = fields.Selection(
        [("better", "Better"), ("worse", "Worse"), ("other", "Changed")], compute="_compute_number"
    )
    last_year = fields.Char(compute="_compute_number")
    year_change = fields.Char(compute="_compute_number")
    year_trend = fields.Selection(
        [("better", "Better"), ("worse", "Worse"), ("other", "Changed")], compute="_compute_number"
    )

    @property
    def _table_query(self):
        return SQL(
            """SELECT week.id * %(places)s + place AS id, week.id AS week_id, week.team_id, week.company_id, place
                 FROM (%(weeks)s) AS week CROSS JOIN generate_series(0, %(last)s) AS place""",
            places=PLACES,
            weeks=self.env["crm.productivity.week"]._table_query,
            last=len(CODES) - 1,
        )

    @api.model
    def _ids_of(self, week):
        return [week.id * PLACES + place for place in range(len(CODES))]

    # --- numbers ---

    def _periods(self, week):
        """:return: ``{name: (first day, last day)}``; a week that is not over is compared up to the same weekday"""
        period = self.env["crm.productivity.period"]
        today = self.env["crm.productivity.stale"]._today(week.company_id)
        last = min(week.sunday, max(today, week.monday))
        ahead = last - week.monday
        before, year = period._last_week(week.monday)[0], period._same_week_last_year(week.monday)[0]
        return {"now": (week.monday, last), "last": (before, before + ahead), "year": (year, year + ahead)}

    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_number(self):
        for week, totals in self.grouped("week_id").items():
            periods = self._periods(week)
            metrics = {
                name: self.env["crm.productivity.metric"]._of_codes(CODES, first)
                for name, (first, _last) in periods.items()
            }
            found = self.env["crm.productivity.team"]._totals_by_period(
                week._of_team("team_id"),
                periods,
                {
                    one
                    for by_code in metrics.values()
                    for metric in by_code.values()
                    for one in Formula(metric.formula).spread
                },
            )
            for total in totals:
                total._show({name: by_code.get(CODES[total.place]) for name, by_code in metrics.items()}, found)

    def _show(self, metrics, found):
        """:param metrics: the version of the metric in each period
        :param found: ``{name of a period: (measures, histograms)}``
        """
        metric, currency = metrics["now"], self.company_id.currency_id
        values = {name: one._value(*found[name]) if one else None for name, one in metrics.items()}
        self.metric_id = metric
        self.name = metric.name
        self.meaning = metric.team_meaning or metric.meaning
        self.computation = metric._definition()
        self.rests_on = self._rests_on(metric, found["now"][0])
        for name, field, change, trend in (
            ("now", "shown", None, None),
            ("last", "last_week", "last_change", "last_trend"),
            ("year", "last_year", "year_change", "year_trend"),
        ):
            self[field] = NOTHING if values[name] is None else metric._shown(values[name], currency)
            if change:
                self[change] = self._change(metric, values["now"], values[name])
                self[trend] = bool(self[change]) and (metric._trend(values["now"], values[name]) or "other")
        self.version = (
            self.env._("Last year it was computed otherwise (version %s).", metrics["year"].version)
            if metrics["year"] != metric
            else False
        )

    def _rests_on(self, metric, measures):
        """:return: on how many cases a number rests, in words"""
        if metric.code == "called_back_in":
            return self.env._(
                "%(back)d called back of %(missed)d missed",
                back=measures.get("called_back", 0),
                missed=measures.get("to_call_back", 0),
            )
        if metric.code == "won_amount":
            return self.env._("%d won", measures.get("won", 0))
        basis = metric.basis and measures.get(metric.basis, 0)
        return self.env._("from %d", basis) if metric.basis else False

    def _change(self, metric, now, before):
        """:return: the change as text, empty where it cannot be said"""
        if now is None or before is None or now == before:
            return False
        sign = "+" if now > before else "−"
        if metric.unit == "percent":
            points = round(abs(now - before))
            if not points:
                return False
            if points == 1:
                return self.env._("%s1 point", sign)
            return self.env._("%(sign)s%(points)d points", sign=sign, points=points)
        if not before:
            return False
        percent = round(100 * abs(now - before) / abs(before))
        return f"{sign}{percent} %" if percent else False

    # --- the very calls, callbacks, messages and opportunities ---

    def action_open(self):
        """What the number is made of, as far as the present user may see it."""
        self.ensure_one()
        week, code = self.week_id, CODES[self.place]
        start, end = self.env["crm.productivity.stale"]._bounds(week.company_id, week.monday, week.sunday)

        def within(name):
            return Domain(name, ">=", start) & Domain(name, "<", end)

        values = {"name": self.env._("%(number)s · %(week)s", number=self.name, week=week.display_name)}
        if code == "won_amount":
            domain = Domain("won_status", "=", "won") & within("date_closed") & Domain("type", "=", "opportunity")
            domain &= Domain("company_id", "in", [False, week.company_id.id])
            domain &= Domain("team_id", "=", week.team_id.id) if week.team_id else Domain.TRUE
            return week._list("crm.crm_lead_opportunities", domain, **values, **self._as_list())
        if code == "team_answered":
            domain = week._of_team("team_id") & within("since") & Domain("known", "=", True)
            return week._list("crm_productivity.crm_productivity_turn_action", domain, **values)
        if code == "called_back_in":
            domain = week._of_team("team_ids") & within("first_missed_at")
            return week._list("crm_voip_bridge.crm_voip_callback_action", domain, **values)
        domain = week._of_team("team_ids") & within("started_at") & Domain("disposition", "!=", "in_progress")
        if code in ("talk", "talk_median"):
            domain &= Domain("direction", "!=", "internal") & Domain("answered_at", "!=", False)
        else:
            domain &= Domain("direction", "=", "inbound" if code == "team_taken" else "outbound")
        context = {"group_by": ["disposition"]} if code in ("team_taken", "reached") else {}
        return week._list("crm_voip_bridge.crm_voip_call_action", domain, context=context, **values)

    def _as_list(self):
        return {"views": [(False, "list"), (False, "form")], "view_mode": "list,form"}
