from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: marks that are followed up in one transaction
CHUNK = 5000
#: what stands for those whom nobody knows
NOBODY = 0


class CrmProductivityCustomerStale(models.Model):
    """Customers whose figures are to be reckoned anew.

    Contacts are noted as they stand on a call, without asking for anything; to which customer they belong is found out
    when they are reckoned. Not a link: a contact that is merged or deleted meanwhile must not take its mark along.
    """

    _name = "crm.productivity.customer.stale"
    _inherit = ["crm.productivity.queue"]
    _description = "Customer to be reckoned"
    _order = "id"
    _log_access = False
    _rec_name = "day"
    _queued = ("company_id", "partner", "day")

    company_id = fields.Many2one("res.company", ondelete="cascade", help="Empty: all.")
    partner = fields.Integer("Contact", help="0: those whom nobody knows. -1: everybody. -2: sums by revenue only.")
    day = fields.Date(help="Empty: whenever it was.")

    @api.model
    def _rows(self, marks):
        """:param marks: ``{(company id or None, contact's id or NOBODY, naive UTC datetime or None), …}``"""
        day_of = self.env["crm.productivity.stale"]._day_of
        return {(company_id, partner, at and day_of(company_id, at)) for company_id, partner, at in marks}

    @api.model
    def _mark_months(self, company, first, last):
        """Have everybody's months reckoned anew, the latest first."""
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_productivity_customer_stale (company_id, partner, day)
                   SELECT %s, -1, month::date FROM generate_series(date_trunc('month', %s::date), %s::date, '1 month') AS month
                    ORDER BY month DESC""",
                company.id,
                first,
                last,
            )
        )

    @api.model
    def _reckon_some(self):
        """Follow up some marks.

        :return: how many
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT id, company_id, partner, day FROM crm_productivity_customer_stale WHERE partner > -2 ORDER BY id LIMIT %s",
                CHUNK,
            )
        )
        if not rows:
            return 0
        self._plan_simply()
        whole = [row for row in rows if row[2] < 0][:1]
        # a month of everybody is work enough for one transaction
        rows = whole or rows
        # sudo: which companies there are
        everybody = self.env["res.company"].sudo().search([("id", "!=", False)])
        marks = defaultdict(set)
        for _id, company_id, partner, day in rows:
            for company in self.env["res.company"].browse(company_id) if company_id else everybody:
                marks[company].add((partner, day))
        self.env.flush_all()
        customer_of = dict(
            self.env.execute_query(
                SQL(
                    "SELECT id, commercial_partner_id FROM res_partner WHERE id = ANY(%s)",
                    sorted({row[2] for row in rows if row[2] > 0}),
                )
            )
        )
        for company, some in marks.items():
            if not self.env["crm.productivity.customer"]._lock(company):
                return 0
            self._reckon(company, some, customer_of)
        self.env.cr.execute(
            SQL("DELETE FROM crm_productivity_customer_stale WHERE id = ANY(%s)", [row[0] for row in rows])
        )
        return len(rows)

    def _reckon(self, company, marks, customer_of):
        """:param marks: ``{(contact's id, day), …}``
        :param customer_of: contact's id → id of the customer it belongs to; one that is no more has none
        """
        Customer = self.env["crm.productivity.customer"]
        bounds = self.env["crm.productivity.stale"]._bounds
        months, all_of, nobody_days, whole = set(), set(), set(), set()
        for partner, day in marks:
            customer = customer_of.get(partner)
            if partner < 0:
                whole.add(day)
            elif customer and day:
                months.add((customer, day.replace(day=1)))
            elif customer:
                all_of.add(customer)
            elif day:  # nobody is known, or nobody any more
                nobody_days.add(day)
        months = sorted((customer, month) for customer, month in months if customer not in all_of)
        edges = {month: bounds(company, month, fields.Date.end_of(month, "month")) for _customer, month in months}
        if months:
            customers = [customer for customer, _month in months]
            begins = [month for _customer, month in months]
            spots = SQL(
                """SELECT contact.id AS contact_id, pair.start, pair.stop
                     FROM unnest(%s::integer[], %s::timestamp[], %s::timestamp[]) AS pair (customer, start, stop)
                     JOIN res_partner contact ON contact.commercial_partner_id = pair.customer""",
                customers,
                [edges[month][0] for month in begins],
                [edges[month][1] for month in begins],
            )
            which = SQL("(partner_id, period) IN (SELECT * FROM unnest(%s::integer[], %s::date[]))", customers, begins)
            Customer._replace(company, spots, "contacts", which)
        if all_of:
            spots = SQL(
                """SELECT id AS contact_id, '-infinity'::timestamp AS start, 'infinity'::timestamp AS stop
                     FROM res_partner WHERE commercial_partner_id = ANY(%s)""",
                sorted(all_of),
            )
            Customer._replace(company, spots, "contacts", SQL("partner_id = ANY(%s)", sorted(all_of)))
        if nobody_days:
            spots = self._spots_of([bounds(company, day, day) for day in sorted(nobody_days)])
            which = SQL("partner_id IS NULL AND period = ANY(%s)", sorted(nobody_days))
            Customer._replace(company, spots, "nobody", which)
        for day in sorted(whole):
            first, last = day.replace(day=1), fields.Date.end_of(day, "month")
            which = SQL("period >= %s AND period <= %s", first, last)
            Customer._replace(company, self._spots_of([bounds(company, first, last)]), "all", which)
        touched = {month for _customer, month in months} | {day.replace(day=1) for day in nobody_days | whole}
        # adding up all customers of a month costs more than one customer: it is done every few minutes
        months = {None} if all_of else touched
        self.env.cr.execute_values(
            "INSERT INTO crm_productivity_customer_stale (company_id, partner, day) VALUES %s",
            [(company.id, -2, month) for month in months],
        )

    @api.model
    def _cron_sum(self):
        """Add up by revenue what changed since the last time."""
        rows = self.env.execute_query(
            SQL("SELECT id, company_id, day FROM crm_productivity_customer_stale WHERE partner = -2")
        )
        months = defaultdict(set)
        for _id, company_id, day in rows:
            months[company_id].add(day)
        for company in self.env["res.company"].browse(months):
            if not self.env["crm.productivity.customer"]._lock(company):
                return
            some = months[company.id]
            self.env["crm.productivity.fifth"]._reckon(company, None if None in some else some)
        self.env.cr.execute(
            SQL("DELETE FROM crm_productivity_customer_stale WHERE id = ANY(%s)", [row[0] for row in rows])
        )

    def _spots_of(self, edges):
        return SQL(
            "SELECT NULL::integer AS contact_id, * FROM unnest(%s::timestamp[], %s::timestamp[]) AS day (start, stop)",
            [start for start, _stop in edges],
            [stop for _start, stop in edges],
        )


class CrmProductivityStale(models.Model):
    _inherit = "crm.productivity.stale"

    @api.model
    def _mark_days(self, company, first=None, last=None):
        number = super()._mark_days(company, first, last)
        if number:
            last = last or self._today(company)
            first = last - timedelta(days=number - 1)
            self.env["crm.productivity.customer.stale"]._mark_months(company, first, last)
        return number

    @api.model
    def _cron_reckon(self):
        result = super()._cron_reckon()
        while self.env["crm.productivity.customer.stale"]._reckon_some():
            self.env["ir.cron"]._commit_progress()
        return result

    @api.model
    def _catch_up(self):
        result = super()._catch_up()
        Stale = self.env["crm.productivity.customer.stale"]
        Stale._write_marks()
        while Stale._reckon_some():
            pass
        Stale._cron_sum()
        return result
