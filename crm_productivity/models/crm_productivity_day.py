from collections import defaultdict

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.fields import Domain
from odoo.tools import SQL

from ..lib import histogram

#: measures whose single durations are counted in histograms, for medians and percentiles
SPREAD = (
    "talk_s", "answer_s", "after_call_s", "look_up_s", "documenting_s", "call_back_s",
    "response_s", "response_worked_s", "own_response_s", "first_response_s",
)  # fmt: skip
#: first half of the key of the lock under which days are reckoned
LOCK = 0x70726F64


class CrmProductivityDay(models.Model):
    """What one person, or nobody, did for a team on a day.

    Written by :meth:`_reckon` alone, from what machines recorded; nobody edits it. Rows without a person are what belongs
    to a team: calls that nobody took. Single persons' figures beside others' are under the rule about
    persons (:class:`~odoo.addons.crm_voip_bridge.models.crm_voip_people.CrmVoipPeople`).
    """

    _name = "crm.productivity.day"
    _inherit = ["crm.voip.own", "crm.productivity.shown"]
    _description = "Figures of a day"
    _order = "day desc, id"
    _rec_name = "day"
    _log_access = False

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "ends_at"
    _people_teams = "team_id"

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    team_id = fields.Many2one("crm.team", "Sales team", ondelete="set null")
    user_id = fields.Many2one("res.users", "Person", ondelete="cascade")
    day = fields.Date(required=True)
    ends_at = fields.Datetime("Day ends", required=True)

    calls_made = fields.Integer("Calls made")
    reached = fields.Integer(help="Calls made that a person answered.")
    offered = fields.Integer(help="Incoming calls that rang this person.")
    taken = fields.Integer(help="Incoming calls that this person answered.")
    conversations = fields.Integer(help="Calls with talk of at least the time in the settings.")
    internal_calls = fields.Integer("Internal calls")
    incoming = fields.Integer("Incoming calls")
    lost = fields.Integer("Nobody answered", help="Incoming calls that no person took.")
    abandoned = fields.Integer("Given up while waiting")
    short_abandoned = fields.Integer("Given up at once")
    to_call_back = fields.Integer("To call back")
    called_back = fields.Integer("Called back", help="Those who were reached, whenever that was.")
    typed_calls = fields.Integer("Calls that no PBX saw", help="Typed, not measured.")
    opportunities = fields.Integer("New opportunities")
    won = fields.Integer()
    won_amount = fields.Monetary("Amount won", currency_field="currency_id")
    opportunities_lost = fields.Integer("Opportunities lost")
    meetings = fields.Integer()
    talk_calls = fields.Integer("Calls with talk time")
    after_calls = fields.Integer("Calls with after-call work")
    talk_s = Measured("Talk time (s)", aggregator="sum")
    answer_s = Measured("Time to answer (s)", aggregator="sum", help="From the first ring to the answer.")
    after_call_s = Measured("After-call work (s)", aggregator="sum")
    look_up_s = Measured("Look-up time (s)", aggregator="sum", groups=fields.NO_ACCESS)
    documenting_s = Measured("Documenting time (s)", aggregator="sum", groups=fields.NO_ACCESS)
    call_back_s = Measured("Time until called back (s)", aggregator="sum", help="In working time.")
    questions = fields.Integer("Messages received", help="What a customer writes until somebody answers counts once.")
    answered = fields.Integer("Messages answered")
    response_s = Measured("Answered after (s)", aggregator="sum", help="By the clock.")
    response_worked_s = Measured("Answered after, working time (s)", aggregator="sum")
    own_response_s = Measured(
        "Own time to answer (s)", aggregator="sum", help="In the person's working time, since it was theirs."
    )
    first_response_s = Measured("First answer after, working time (s)", aggregator="sum")
    histograms = fields.Json(groups=fields.NO_ACCESS, help="Measure → durations, see lib/histogram.")

    _person_unique = models.UniqueIndex("(company_id, day, COALESCE(user_id, 0), COALESCE(team_id, 0))")
    _own_idx = models.Index("(user_id, day) WHERE user_id IS NOT NULL")

    # --- who sees it ---

    @api.model
    def _has_field_access(self, field, operation):
        if operation == "write" and not self.env.su:
            return False
        return super()._has_field_access(field, operation)

    @api.model
    def _domain_shown(self):
        return self._domain_of_persons(Domain("user_id", "in", [False, self.env.uid]))

    # --- measures ---

    @api.model
    def _measures(self):
        """:return: names of the fields that hold measures"""
        others = {"id", "company_id", "currency_id", "team_id", "user_id", "day", "ends_at", "is_shown", "is_mine"}
        return [
            name
            for name, field in self._fields.items()
            if field.store and name not in others and field.type in ("integer", "float", "monetary")
        ]

    @api.model
    def _totals(self, domain):
        """Add up what one may see.

        :return: ``(measures, histograms)`` for :meth:`lib.formula.Formula.value`; a measure of no rows is None
        """
        # the rule and the rights decide which rows; sudo: then all measures are added up, also those nobody reads singly
        rows = self.search(domain).sudo()
        names = self._measures()
        self.flush_model()
        [values] = self.env.execute_query(
            SQL(
                "SELECT %s FROM crm_productivity_day WHERE id = ANY(%s)",
                SQL(", ").join(SQL("sum(%s)::float", SQL.identifier(name)) for name in names),
                rows.ids,
            )
        )
        buckets = self.env.execute_query(
            SQL(
                """SELECT measure.key, bucket.key, sum(bucket.value::integer)::integer
                     FROM crm_productivity_day day, jsonb_each(day.histograms) measure, jsonb_each_text(measure.value) bucket
                    WHERE day.id = ANY(%s) GROUP BY measure.key, bucket.key""",
                rows.ids,
            )
        )
        spread = defaultdict(dict)
        for measure, bucket, count in buckets:
            spread[measure][bucket] = count
        measures = dict(zip(names, values, strict=True))
        if len(rows.currency_id) > 1:
            # euros and yen are not so many of anything
            measures.update({name: None for name in names if self._fields[name].type == "monetary"})
        return measures, spread

    # --- reckoning ---

    @api.model
    def _reckon(self, company, days):
        """Replace the figures of some days by what the facts say now.

        :param days: dates; everything between the first and the last is read, those named are written
        :return: false if somebody else is reckoning this company's days at this moment
        """
        days = self._to_reckon(company, days)
        if not days:
            return days is not None
        sums, buckets = self._added_up(company, days)
        self.env.cr.execute(
            SQL("DELETE FROM crm_productivity_day WHERE company_id = %s AND day = ANY(%s)", company.id, days)
        )
        if sums:
            self._insert(company, sums, buckets)
        self.invalidate_model()
        return True

    @api.model
    def _to_reckon(self, company, days):
        """Begin to reckon days of a company; nobody else does until this transaction ends.

        :return: those of them that may be, None if somebody else is reckoning this company's days at this moment
        """
        [(free,)] = self.env.execute_query(SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK, company.id))
        if not free:
            return None
        self.env.flush_all()
        kept_since = self._kept_since(company)
        return [day for day in days if not kept_since or day > kept_since]

    @api.model
    def _kept_since(self, company):
        """:return: the last day of which calls were deleted because their time was over; its figures stay as they were"""
        # sudo: the PBXs are the administrator's; archived ones had calls as well
        pbxs = self.env["crm.voip.pbx"].sudo().with_context(active_test=False)
        moments = pbxs.search([("company_id", "=", company.id)]).mapped("kept_since")
        return max((moment.date() for moment in moments if moment), default=None)

    def _added_up(self, company, days, sources=None):
        """:param sources: of facts, see :meth:`CrmProductivityFacts._sources`; all if not given
        :return: ``({key: {measure: sum}}, {key: {measure: {bucket: count}}})`` with ``key = (day, team, user)``
        """
        start, end = self.env["crm.productivity.stale"]._bounds(company, days[0], days[-1])
        # GROUPING SETS would read the facts once for both; the two are of different shapes, and this one is read in once.
        # The team of a person is looked for once what they did is added up: there are a hundred facts to one sum.
        rows = self.env.execute_query(
            SQL(
                """WITH fact AS MATERIALIZED (
                       SELECT (fact.at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS day, fact.user_id, fact.team_id,
                              fact.measure, fact.value::float AS value
                         FROM (%(facts)s) AS fact (user_id, team_id, at, measure, value)
                   ), added AS (
                   SELECT day, team_id, user_id, measure, NULL AS bucket, sum(value) AS value FROM fact
                    WHERE day = ANY(%(days)s) GROUP BY day, team_id, user_id, measure
                    UNION ALL
                   SELECT day, team_id, user_id, measure,
                          (ceil(ln(GREATEST(value, %(shortest)s)) / ln(%(gamma)s)) - %(offset)s)::integer::text, count(*)
                     FROM fact WHERE day = ANY(%(days)s) AND measure = ANY(%(spread)s)
                    GROUP BY 1, 2, 3, 4, 5)
                   SELECT added.day, COALESCE(added.team_id, own.team_id), added.user_id, measure, bucket, value
                     FROM added
                     LEFT JOIN (SELECT day, user_id, %(team)s AS team_id
                          FROM (SELECT DISTINCT day, user_id FROM added WHERE user_id IS NOT NULL) who) own
                       ON own.day = added.day AND own.user_id = added.user_id""",
                zone=str(self.env["crm.productivity.stale"]._zone(company)),
                facts=self.env["crm.productivity.facts"]._select(company, start, end, sources),
                days=days,
                team=self.env["crm.productivity.member"]._team_sql(SQL("who.user_id"), SQL("who.day")),
                shortest=histogram.SHORTEST,
                gamma=histogram.GAMMA,
                offset=histogram.OFFSET,
                spread=list(self._spread()),
            )
        )
        sums, buckets = (
            defaultdict(lambda: defaultdict(float)),
            defaultdict(lambda: defaultdict(lambda: defaultdict(int))),
        )
        for day, team_id, user_id, measure, bucket, value in rows:
            key = (day, team_id, user_id)
            if bucket is None:
                sums[key][measure] += value
            else:
                buckets[key][measure][bucket] += int(value)
        return sums, buckets

    @api.model
    def _spread(self):
        """:return: names of the measures that have histograms"""
        return SPREAD

    def _insert(self, company, sums, buckets):
        names = self._measures()
        stale = self.env["crm.productivity.stale"]
        ends = {day: stale._bounds(company, day, day)[1] for day in {key[0] for key in sums}}
        counts = {name for name in names if self._fields[name].type != "float"}
        rows = [
            {
                "company_id": company.id,
                "day": day,
                "ends_at": ends[day],
                "team_id": team_id,
                "user_id": user_id,
                "histograms": {measure: dict(one) for measure, one in buckets.get((day, team_id, user_id), {}).items()},
                **{name: values.get(name, 0 if name in counts else None) for name in names},
            }
            for (day, team_id, user_id), values in sorted(sums.items(), key=str)
        ]
        columns = list(rows[0])
        self.env.cr.execute_values(
            f"INSERT INTO crm_productivity_day ({', '.join(columns)}) VALUES %s",  # noqa: S608 (names of our own fields)
            [
                tuple(
                    self._fields[name].convert_to_column_insert(row[name], self) if name == "histograms" else row[name]
                    for name in columns
                )
                for row in rows
            ],
            page_size=500,
        )
