from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import SQL

from ..lib import histogram

#: measures whose single durations are counted in histograms, for medians
SPREAD = ("talk_s", "pick_up_s", "call_back_s", "response_worked_s")
#: first half of the key of the lock under which customers are reckoned
LOCK = 0x70726F63


class CrmProductivityCustomer(models.Model):
    """What a customer had of one team in a month: calls, minutes, messages, and how long they waited.

    A customer is a contact's company, or the contact. Rows without one are of people nobody knows; they are kept by day,
    because each of their calls touches the same row. Kept up by :class:`CrmProductivityCustomerStale`. There is
    no unique constraint on purpose: a merge of contacts would delete or fail on what violates it.
    """

    _name = "crm.productivity.customer"
    _inherit = ["crm.productivity.total"]
    _description = "Attention to a customer"
    _order = "period desc, calls desc, id"
    _rec_name = "partner_id"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Customer", index=True, ondelete="set null")
    team_id = fields.Many2one("crm.team", "Sales team", index=True, ondelete="set null")
    period = fields.Date("Month", required=True, help="Its first day.")
    fifth = fields.Selection("_selection_fifth", "By revenue", help="Of the last twelve months, worked out each night.")

    calls = fields.Integer(help="Calls in both directions, also those without an answer.")
    incoming = fields.Integer("Incoming calls")
    taken = fields.Integer(help="Incoming calls that a person answered.")
    missed = fields.Integer("Nobody answered", help="Incoming calls that no person took.")
    outgoing = fields.Integer("Calls made")
    reached = fields.Integer(help="Calls made that a person answered.")
    talk_calls = fields.Integer("Calls with talk time")
    handled = fields.Integer("Handled calls", help="Calls whose handling time is measured.")
    picked_up = fields.Integer(
        "Calls with waiting time", help="Incoming calls of which it is known how long they rang."
    )
    to_call_back = fields.Integer("To call back")
    called_back = fields.Integer("Called back", help="Those who were reached, whenever that was.")
    messages = fields.Integer("Messages received", help="What a customer writes until somebody answers counts once.")
    answered = fields.Integer("Messages answered")
    talk_s = Measured("Talk time (s)", aggregator="sum")
    handle_s = Measured(
        "Handling (s)",
        aggregator="sum",
        help="Talk, hold, dialling and after-call work of calls that somebody answered.",
    )
    pick_up_s = Measured("Until picked up (s)", aggregator="sum", help="Queue and ringing, until a person answered.")
    call_back_s = Measured("Until called back (s)", aggregator="sum", help="In working time.")
    response_worked_s = Measured("Until answered (s)", aggregator="sum", help="Messages, in working time.")
    histograms = fields.Json(groups=fields.NO_ACCESS, help="Measure → durations, see lib/histogram.")

    _partner_idx = models.Index("(company_id, partner_id, period)")
    _period_idx = models.Index("(company_id, period, fifth)")

    @api.model
    def _selection_fifth(self):
        return [
            ("5", self.env._("Largest fifth")),
            ("4", self.env._("Second fifth")),
            ("3", self.env._("Middle fifth")),
            ("2", self.env._("Fourth fifth")),
            ("1", self.env._("Smallest fifth")),
            ("0", self.env._("No revenue yet")),
            ("nobody", self.env._("Nobody known")),
        ]

    @api.depends("partner_id", "period")
    def _compute_display_name(self):
        for row in self:
            # sudo: whoever sees what a customer had sees who it is, as with calls
            row.display_name = row.sudo().partner_id.display_name or self.env._("Nobody known")

    @api.model
    def _measures(self):
        """:return: names of the fields that hold measures"""
        return [
            name
            for name, field in self._fields.items()
            if field.store and field.type in ("integer", "float") and name != "id"
        ]

    @api.model
    def _spread(self):
        """:return: names of the measures that have histograms"""
        return SPREAD

    # --- drill-down ---

    def _period_end(self):
        return fields.Date.end_of(self.period, "month") if self.partner_id else self.period

    def action_calls(self):
        """The very calls, as far as one may see them."""
        self.ensure_one()
        start = self.env["crm.productivity.stale"]._bounds(self.company_id, self.period, self.period)[0]
        end = self.env["crm.productivity.stale"]._bounds(self.company_id, self._period_end(), self._period_end())[1]
        return self._action_calls(self.partner_id, self.company_id, start, end)

    @api.model
    def _action_calls(self, partner, company, start, end):
        """:param partner: the customer, may be empty: calls of nobody known"""
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_call_action")
        who = ("partner_id.commercial_partner_id", "=", partner.id) if partner else ("partner_id", "=", False)
        period = [("started_at", ">=", start), ("started_at", "<", end), ("company_id", "=", company.id)]
        # sudo: its name, as the row says it
        title = self.env._("Calls: %s", partner.sudo().display_name or self.env._("nobody known"))
        return {
            **action,
            "name": title,
            "display_name": title,
            "domain": [who, ("direction", "!=", "internal"), *period],
            "context": {},
        }

    # --- reckoning ---

    @api.model
    def _lock(self, company):
        """:return: false if somebody else is reckoning this company's customers at this moment"""
        [(free,)] = self.env.execute_query(SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK, company.id))
        return free

    @api.model
    def _replace(self, company, spots, reach, which):
        """Replace rows by what calls, callbacks and messages say now.

        :param spots: SQL of ``(contact_id, start, stop)``: between which naive UTC moments to look
        :param reach: how records are found, see :meth:`CrmProductivityCustomerFacts._select`
        :param which: SQL condition on the rows that are replaced
        """
        kept_since = self.env["crm.productivity.day"]._kept_since(company) or fields.Date.to_date("0001-01-01")
        names = self._measures()
        columns = SQL(", ").join(map(SQL.identifier, names))
        facts = self.env["crm.productivity.customer.facts"]._select(company, reach, names)
        # what calls that are no more left behind stays, see crm.productivity.day
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_productivity_customer WHERE company_id = %s AND period > %s AND %s",
                company.id,
                kept_since,
                which,
            )
        )
        self.env.cr.execute(
            SQL(
                """WITH spot AS MATERIALIZED (%(spots)s),
                   record AS MATERIALIZED (%(facts)s),
                   placed AS (
                       SELECT CASE WHEN customer IS NULL THEN day ELSE date_trunc('month', day)::date END AS period, record.*
                         FROM record),
                   single AS (%(single)s),
                   counted AS (
                       SELECT customer, period, team_id, measure,
                              (ceil(ln(GREATEST(value, %(shortest)s)) / ln(%(gamma)s)) - %(offset)s)::integer::text AS bucket,
                              count(*) AS number
                         FROM single GROUP BY 1, 2, 3, 4, 5),
                   spread AS (
                       SELECT customer, period, team_id, jsonb_object_agg(measure, buckets) AS histograms FROM (
                              SELECT customer, period, team_id, measure, jsonb_object_agg(bucket, number) AS buckets
                                FROM counted GROUP BY 1, 2, 3, 4) one
                        GROUP BY 1, 2, 3),
                   total AS (SELECT customer, period, team_id, %(sums)s FROM placed GROUP BY 1, 2, 3)
                   INSERT INTO crm_productivity_customer
                          (company_id, partner_id, period, team_id, fifth, histograms, %(columns)s)
                   SELECT %(company)s, total.customer, total.period, total.team_id,
                          CASE WHEN total.customer IS NULL THEN 'nobody' ELSE COALESCE(rank.fifth, '0') END,
                          COALESCE(spread.histograms, '{}'::jsonb), %(columns)s
                     FROM total
                     LEFT JOIN spread ON COALESCE(spread.customer, 0) = COALESCE(total.customer, 0)
                          AND spread.period = total.period AND COALESCE(spread.team_id, 0) = COALESCE(total.team_id, 0)
                     LEFT JOIN LATERAL (SELECT max(fifth) AS fifth FROM crm_productivity_rank rank
                                         WHERE rank.company_id = %(company)s AND rank.partner_id = total.customer) rank ON TRUE
                    WHERE total.period > %(kept_since)s""",
                spots=spots,
                facts=facts,
                single=SQL(" UNION ALL ").join(
                    SQL(
                        "SELECT customer, period, team_id, %s AS measure, %s AS value FROM placed WHERE %s IS NOT NULL",
                        name,
                        SQL.identifier(name),
                        SQL.identifier(name),
                    )
                    for name in self._spread()
                ),
                shortest=histogram.SHORTEST,
                gamma=histogram.GAMMA,
                offset=histogram.OFFSET,
                sums=SQL(", ").join(self._sum(name) for name in names),
                columns=columns,
                company=company.id,
                kept_since=kept_since,
            )
        )
        self.invalidate_model()

    def _sum(self, name):
        total = SQL("sum(%s)", SQL.identifier(name))
        if self._fields[name].type == "integer":
            total = SQL("COALESCE(%s, 0)::integer", total)
        return SQL("%s AS %s", total, SQL.identifier(name))
