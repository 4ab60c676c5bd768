from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: months of which the revenue ranks customers
MONTHS = 12
#: kinds of documents that are an invoice to a customer
INVOICES = ("out_invoice", "out_refund", "out_receipt")


class CrmSupportRevenue(models.AbstractModel):
    """What customers brought in the last twelve months, and in which fifth of all customers that puts them.

    Won opportunities; of a company that ever posted an invoice here, invoices less credit notes instead. Odoo's invoicing is
    read where it is installed. It is for reports on how long whom waits; nothing that decides asks for it.
    """

    _name = "crm.support.revenue"
    _description = "Revenue of customers"

    @api.model
    def _fifths(self, companies):
        """:return: SELECT of ``(company_id, partner_id, fifth)``, one row for each customer with revenue; 5 is the largest"""
        # grouped by what it is joined by, so that a query that does not show the fifth is planned without it
        return SQL(
            """SELECT company_id, partner_id, max(fifth)::text AS fifth
                 FROM (SELECT sold.company_id, contact.commercial_partner_id AS partner_id,
                              ntile(5) OVER (PARTITION BY sold.company_id
                                             ORDER BY sum(sold.amount), contact.commercial_partner_id) AS fifth
                         FROM (%s) AS sold JOIN res_partner AS contact ON contact.id = sold.partner_id
                        GROUP BY 1, 2 HAVING sum(sold.amount) > 0) AS ranked
                GROUP BY 1, 2""",
            self._select(companies),
        )

    @api.model
    def _select(self, companies):
        """:return: SELECT of ``(company_id, partner_id, amount)``, amounts in the currency of their company"""
        since = fields.Datetime.now() - relativedelta(months=MONTHS)
        invoicing = self._invoicing(companies)
        return SQL(" UNION ALL ").join(
            [self._won(companies - invoicing, since), *([self._invoiced(invoicing, since)] if invoicing else ())]
        )

    @api.model
    def _invoicing(self, companies):
        """:return: those that ever posted an invoice to a customer here"""
        if "account.move" not in self.env:
            return companies.browse()
        self.env["account.move"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT company.id FROM unnest(%s::integer[]) AS company (id)
                    WHERE EXISTS (SELECT FROM account_move AS move WHERE move.company_id = company.id
                                     AND move.state = 'posted' AND move.move_type IN %s)""",
                companies.ids,
                INVOICES,
            )
        )
        return companies.browse([ident for (ident,) in rows])

    @api.model
    def _won(self, companies, since):
        return SQL(
            """SELECT coalesce(lead.company_id, person.company_id) AS company_id, lead.partner_id,
                      lead.expected_revenue AS amount
                 FROM crm_lead AS lead LEFT JOIN res_users AS person ON person.id = lead.user_id
                WHERE lead.type = 'opportunity' AND lead.won_status = 'won' AND lead.date_closed >= %s
                  AND coalesce(lead.company_id, person.company_id) = ANY(%s)""",
            since,
            companies.ids,
        )

    @api.model
    def _invoiced(self, companies, since):
        return SQL(
            """SELECT move.company_id, move.partner_id, move.amount_untaxed_signed AS amount
                 FROM account_move AS move
                WHERE move.state = 'posted' AND move.move_type IN %s AND move.invoice_date >= %s
                  AND move.company_id = ANY(%s)""",
            INVOICES,
            since.date(),
            companies.ids,
        )
