from collections import defaultdict

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_productivity_derived import derived

#: measures that are a person's own: a team's total of them would not be theirs to see either
OWN = ("look_up_s", "documenting_s")
#: of a total: that of what is added up
_TYPES = {"int4": SQL("int4"), "float8": SQL("float8"), "numeric": SQL("numeric")}


class CrmProductivityTeam(models.Model):
    """What a team did on a day: totals, without persons.

    Totals of fewer than three people are a person's figures; they are shown where the company decided so.
    """

    _name = "crm.productivity.team"
    _inherit = ["crm.productivity.derived", "crm.productivity.total"]
    _description = "Figures of a team"
    _order = "day desc, team_id"
    _rec_name = "day"
    _auto = False
    _of_teams = True
    _depends = {"crm.productivity.day": ["company_id", "team_id", "day"]}

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    team_id = fields.Many2one("crm.team", "Sales team", readonly=True)
    day = fields.Date(readonly=True)
    people = fields.Integer("People who did something", readonly=True, aggregator="max")

    calls_made = fields.Integer("Calls made", readonly=True)
    reached = fields.Integer(readonly=True, help="Calls made that a person answered.")
    incoming = fields.Integer("Incoming calls", readonly=True)
    lost = fields.Integer("Nobody answered", readonly=True, help="Incoming calls that no person took.")
    abandoned = fields.Integer("Given up while waiting", readonly=True)
    short_abandoned = fields.Integer("Given up at once", readonly=True)
    conversations = fields.Integer(readonly=True)
    to_call_back = fields.Integer("Missed, to call back", readonly=True)
    called_back = fields.Integer("Called back", readonly=True)
    questions = fields.Integer("Messages received", readonly=True)
    answered = fields.Integer("Messages answered", readonly=True)
    opportunities = fields.Integer("New opportunities", readonly=True)
    won = fields.Integer(readonly=True)
    won_amount = fields.Monetary("Amount won", currency_field="currency_id", readonly=True)
    opportunities_lost = fields.Integer("Opportunities lost", readonly=True)
    meetings = fields.Integer(readonly=True)
    internal_calls = fields.Integer("Internal calls", readonly=True)
    typed_calls = fields.Integer("Calls that no PBX saw", readonly=True, help="Typed, not measured.")
    talk_calls = fields.Integer("Calls with talk time", readonly=True)
    talk_s = Measured("Talk time (s)", aggregator="sum", readonly=True)
    call_back_s = Measured("Time until called back (s)", aggregator="sum", readonly=True)
    response_worked_s = Measured("Answered after, working time (s)", aggregator="sum", readonly=True)

    reached_percent = derived("Reached (%)", "reached")
    taken_percent = derived("Taken of incoming (%)", "team_taken")
    talk_mean = derived("Average time per call (s)", "talk_mean")
    talk_median = derived("Time per call (s)", "talk_median")
    talk_p90 = derived("Long calls (s)", "talk_p90")
    call_back_median = derived("Called back in (s)", "called_back_in")
    response_median = derived("Messages answered in (s)", "team_answered")

    @property
    def _table_query(self):
        return SQL(
            """SELECT min(id) AS id, company_id, team_id, day, count(DISTINCT user_id) AS people,
                      %s, %s
                 FROM crm_productivity_day GROUP BY company_id, team_id, day""",
            SQL(", ").join(
                SQL(
                    "sum(%(name)s)::%(type)s AS %(name)s",
                    name=SQL.identifier(name),
                    type=_TYPES[self._fields[name].column_type[0]],
                )
                for name in self._measures()
            ),
            SQL(", ").join(
                SQL(
                    "jsonb_agg(histograms -> %s) FILTER (WHERE histograms ? %s) AS %s",
                    name,
                    name,
                    SQL.identifier(f"{name}_spread"),
                )
                for name in self._spread()
            ),
        )

    @api.model
    def _measures(self):
        """:return: names of the fields that are totals of measures of ``crm.productivity.day``"""
        return [
            name
            for name in self.env["crm.productivity.day"]._measures()
            if name in self._fields and name not in OWN and self._fields[name].store
        ]

    def _spread_to_sql(self, measure):
        # the histograms of those who were at it; a column that a query does not name costs it nothing
        return SQL.identifier(self._table, f"{measure}_spread")

    @api.model
    def _spread(self):
        """:return: names of the measures that have histograms here"""
        return [name for name in self.env["crm.productivity.day"]._spread() if name not in OWN]

    # --- totals ---

    @api.model
    def _totals_by_period(self, domain, periods, spread):
        """Add up what one may see, for several periods at once.

        :param periods: ``{name: (first day, last day)}``
        :param spread: names of the measures whose medians are wanted
        :return: ``{name: (measures, histograms)}`` for :meth:`lib.formula.Formula.value`; of no rows there are none
        """
        spread = sorted(set(spread) & set(self._spread()))
        spans = Domain.OR(Domain("day", ">=", first) & Domain("day", "<=", last) for first, last in periods.values())
        names = self._measures()
        table = SQL.identifier(self._table)
        query = self._search(Domain(domain) & spans)

        def found(*columns):
            return query.select(*(SQL("%s.%s", table, SQL.identifier(name)) for name in ("day", *columns)))

        days = self.env.execute_query(
            SQL(
                "SELECT day, %s FROM (%s) AS found GROUP BY day",
                SQL(", ").join(SQL("sum(%s)::float8", SQL.identifier(name)) for name in names),
                found(*names),
            )
        )
        self._spread_ahead()
        buckets = (
            self.env.execute_query(
                SQL(
                    """SELECT found.day, spread.measure, bucket.key, sum(bucket.value::integer)::integer
                     FROM (%s) AS found
                    CROSS JOIN LATERAL (VALUES %s) AS spread (measure, histograms)
                    CROSS JOIN LATERAL jsonb_array_elements(spread.histograms) AS one
                    CROSS JOIN LATERAL jsonb_each_text(one) AS bucket
                    GROUP BY 1, 2, 3""",
                    found(*(f"{name}_spread" for name in spread)),
                    SQL(", ").join(SQL("(%s, found.%s)", name, SQL.identifier(f"{name}_spread")) for name in spread),
                )
            )
            if spread
            else ()
        )
        totals = {}
        for period, (first, last) in periods.items():
            measures, histograms = {}, defaultdict(lambda: defaultdict(int))
            for day, *values in days:
                if first <= day <= last:
                    for name, value in zip(names, values, strict=True):
                        if value is not None:
                            measures[name] = (measures.get(name) or 0) + value
            for day, measure, bucket, count in buckets:
                if first <= day <= last:
                    histograms[measure][bucket] += count
            totals[period] = measures, histograms
        return totals
