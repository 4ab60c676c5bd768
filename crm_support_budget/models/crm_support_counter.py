from odoo import api, fields, models
from odoo.tools import SQL

from ..lib import terms
from ..lib.fair import Counters


class CrmSupportCounter(models.Model):
    """How much of our time each customer had, for the order in which customers are served (``lib.fair``).

    Minutes that count, divided by the priority that is agreed. Whoever comes back begins no lower than those who are there, so
    having been away earns no credit. What does not count, as our own defect, moves nobody back.

    A row without customer is the company's floor: where whoever comes begins if nobody is there.
    """

    _name = "crm.support.counter"
    _description = "Help that a customer had, for the order of serving"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", readonly=True, ondelete="cascade")
    served = fields.Float(required=True, readonly=True, help="Minutes divided by priority.")

    # merged customers have the sum of both: not unique over the contact, or core's merge would delete one
    _customer_idx = models.Index("(company_id, partner_id)")

    @api.model
    def _charge(self, entries):
        """Entries were appended to the ledger; what takes one back gives back.

        Appends, so that nobody waits: a customer's counter is the sum of its rows.
        """
        for company, some in entries.grouped("company_id").items():
            timelines = self.env["crm.support.terms"]._timelines(some.partner_id.ids, company)
            rows = []
            for entry in some:
                held = terms.held_at(timelines[entry.partner_id.id], entry.at) or {}
                if entry.minutes:
                    rows.append(
                        {
                            "company_id": company.id,
                            "partner_id": entry.partner_id.id,
                            "served": entry.minutes / held.get("priority", 1.0),
                        }
                    )
            self.sudo().create(rows)  # sudo: follows from the ledger

    @api.model
    def _counters(self, customers, company):
        """:return: ``lib.fair.Counters`` of some customers"""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id, sum(served) FROM crm_support_counter
                    WHERE company_id = %s AND (partner_id = ANY(%s) OR partner_id IS NULL) GROUP BY 1""",
                company.id,
                list(customers),
            )
        )
        served = dict(rows)
        return Counters({one: value for one, value in served.items() if one}, served.get(None, 0.0))

    @api.model
    def _come(self, customer, company, active):
        """Somebody of a customer begins to wait who did not wait, nor was served.

        :param active: ids of customers who wait or are served now
        """
        self._lock(company)
        counters = self._counters({customer, *active}, company)
        before, floor = counters.served.get(customer, 0.0), counters.floor
        counters.come(customer, active)
        self._moved(company, customer, counters.served.get(customer, 0.0) - before)
        self._moved(company, None, counters.floor - floor)

    @api.model
    def _leave(self, customer, company, active):
        """Somebody waits no more, nor is served.

        :param active: ids of customers who still do
        """
        self._lock(company)
        counters = self._counters({customer, *active}, company)
        floor = counters.floor
        counters.leave(customer, active)
        self._moved(company, None, counters.floor - floor)

    @api.model
    def _lock(self, company):
        # who comes and who leaves is counted one after the other
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [190_000, company.id])

    @api.model
    def _moved(self, company, customer, minutes):
        if minutes:
            self.sudo().create(
                {"company_id": company.id, "partner_id": customer, "served": minutes}
            )  # sudo: see _charge

    @api.model
    def _fold_rows(self):
        """Make one row of the many of each customer; for the scheduled action."""
        self.env.cr.execute(
            """WITH old AS (DELETE FROM crm_support_counter RETURNING company_id, partner_id, served)
               INSERT INTO crm_support_counter (company_id, partner_id, served)
               SELECT company_id, partner_id, sum(served) FROM old GROUP BY company_id, partner_id"""
        )
