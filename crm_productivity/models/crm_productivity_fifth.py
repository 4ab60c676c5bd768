from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL


class CrmProductivityRank(models.Model):
    """In which fifth a customer is by the revenue of the last twelve months. Worked out each night."""

    _name = "crm.productivity.rank"
    _description = "Customer by revenue"
    _log_access = False
    _rec_name = "partner_id"

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", required=True, index=True, ondelete="cascade")
    fifth = fields.Char(required=True, help="5: the largest; 0: no revenue.")
    revenue = fields.Float()
    day = fields.Date(required=True, help="When it was worked out.")

    _partner_idx = models.Index("(company_id, partner_id)")

    @api.model
    def _cron_rank(self):
        """Rank the customers of all companies, and have the figures of fifths follow."""
        # sudo: figures are kept of all companies
        for company in self.env["res.company"].sudo().search([("id", "!=", False)]):
            self._rank(company)
            self.env["ir.cron"]._commit_progress()

    @api.model
    def _rank(self, company):
        """Rank a company's customers anew."""
        today = self.env["crm.productivity.stale"]._today(company)
        first = today - relativedelta(years=1) + relativedelta(days=1)
        start, end = self.env["crm.productivity.stale"]._bounds(company, first, today)
        self.env.flush_all()
        self.env.cr.execute(SQL("DELETE FROM crm_productivity_rank WHERE company_id = %s", company.id))
        # whoever gave back more than they bought has no revenue
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_productivity_rank (company_id, partner_id, fifth, revenue, day)
                   SELECT %(company)s, customer, ntile(5) OVER (ORDER BY revenue, customer)::text, revenue, %(today)s
                     FROM (SELECT contact.commercial_partner_id AS customer, sum(sold.amount) AS revenue
                             FROM (%(revenue)s) AS sold (partner_id, user_id, team_id, at, amount, lead_id)
                             JOIN res_partner contact ON contact.id = sold.partner_id
                            GROUP BY 1 HAVING sum(sold.amount) > 0) bought""",
                company=company.id,
                today=today,
                revenue=self.env["crm.productivity.revenue"]._select(company, start, end),
            )
        )
        self.env.cr.execute(
            SQL(
                """UPDATE crm_productivity_customer customer SET fifth = now.fifth
                     FROM (SELECT known.id, COALESCE(rank.fifth, '0') AS fifth FROM crm_productivity_customer known
                             LEFT JOIN crm_productivity_rank rank
                                  ON rank.company_id = known.company_id AND rank.partner_id = known.partner_id
                            WHERE known.company_id = %s AND known.partner_id IS NOT NULL) now
                    WHERE now.id = customer.id AND customer.fifth IS DISTINCT FROM now.fifth""",
                company.id,
            )
        )
        self.invalidate_model()
        self.env["crm.productivity.customer"].invalidate_model()
        self.env["crm.productivity.fifth"]._reckon(company, None)


class CrmProductivityFifth(models.Model):
    """What the customers of a fifth by revenue had in a month, of one team: sums of :class:`CrmProductivityCustomer`."""

    _name = "crm.productivity.fifth"
    _inherit = ["crm.productivity.total"]
    _description = "Attention by revenue"
    _order = "month desc, fifth desc, id"
    _rec_name = "fifth"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    team_id = fields.Many2one("crm.team", "Sales team", ondelete="set null")
    month = fields.Date(required=True)
    fifth = fields.Selection(lambda self: self.env["crm.productivity.customer"]._selection_fifth(), required=True)
    # measure -> sum, and measure -> durations: it is only added up, never listed
    measures = fields.Json(groups=fields.NO_ACCESS)
    histograms = fields.Json(groups=fields.NO_ACCESS)

    _month_idx = models.Index("(company_id, month)")

    @api.model
    def _reckon(self, company, months):
        """:param months: first days of months, None for all"""
        which = SQL() if months is None else SQL("AND month = ANY(%s)", sorted(months))
        self.env.cr.execute(SQL("DELETE FROM crm_productivity_fifth WHERE company_id = %s %s", company.id, which))
        if months is None:
            period = SQL()
        elif not months:
            return
        else:
            ends = [fields.Date.end_of(month, "month") for month in sorted(months)]
            period = SQL(
                "AND EXISTS (SELECT FROM unnest(%s::date[], %s::date[]) AS one (first, last) "
                "WHERE customer.period BETWEEN one.first AND one.last) AND customer.period BETWEEN %s AND %s",
                sorted(months),
                ends,
                min(months),
                max(ends),
            )
        names = self.env["crm.productivity.customer"]._measures()
        self.env.cr.execute(
            SQL(
                """WITH customer AS MATERIALIZED (
                       SELECT *, date_trunc('month', period)::date AS month FROM crm_productivity_customer customer
                        WHERE company_id = %(company)s AND fifth IS NOT NULL %(period)s),
                   spread AS (
                       SELECT month, team_id, fifth, jsonb_object_agg(measure, buckets) AS histograms FROM (
                              SELECT month, team_id, fifth, measure, jsonb_object_agg(bucket, number) AS buckets FROM (
                                     SELECT month, team_id, fifth, measure.key AS measure, bucket.key AS bucket,
                                            sum(bucket.value::integer)::integer AS number
                                       FROM customer CROSS JOIN jsonb_each(customer.histograms) measure
                                      CROSS JOIN jsonb_each_text(measure.value) bucket
                                      GROUP BY 1, 2, 3, 4, 5) counted
                               GROUP BY 1, 2, 3, 4) one
                        GROUP BY 1, 2, 3)
                   INSERT INTO crm_productivity_fifth (company_id, month, team_id, fifth, measures, histograms)
                   SELECT %(company)s, total.*, COALESCE(spread.histograms, '{}'::jsonb) FROM (
                          SELECT month, team_id, fifth, jsonb_strip_nulls(jsonb_build_object(%(sums)s)) AS measures
                            FROM customer GROUP BY 1, 2, 3) total
                     LEFT JOIN spread ON spread.month = total.month AND spread.fifth = total.fifth
                          AND COALESCE(spread.team_id, 0) = COALESCE(total.team_id, 0)""",
                company=company.id,
                period=period,
                sums=SQL(", ").join(SQL("%s::text, sum(%s)", name, SQL.identifier(name)) for name in names),
            )
        )
        self.invalidate_model()
