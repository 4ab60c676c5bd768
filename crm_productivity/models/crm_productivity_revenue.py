from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import SQL

#: config parameter: up to when changed invoices were looked at
PULLED = "crm_productivity.invoices_until"
#: a transaction that began earlier may become visible later; nothing is lost by looking twice
OVERLAP = timedelta(minutes=15)


class CrmProductivityRevenue(models.AbstractModel):
    """What customers brought: won opportunities, or invoices where Odoo's invoicing is installed and in use.

    Invoicing is no dependency: its tables are read where they are, and what changed in them is pulled by a scheduled action.
    Another source of revenue is a method ``_select_<code>`` and an entry in :meth:`_sources`.
    """

    _name = "crm.productivity.revenue"
    _description = "Revenue"

    @api.model
    def _sources(self):
        """:return: ``{code: name}`` of what there is in this database"""
        sources = {"won": self.env._("Amounts of won opportunities")}
        if "account.move" in self.env:
            sources["invoiced"] = self.env._("Posted invoices and credit notes")
        return sources

    @api.model
    def _used(self, company):
        """:return: code of the source that a company's revenue is taken from"""
        chosen = company.sudo().crm_productivity_revenue  # sudo: whose revenue it is decides, not who asks
        if chosen in self._sources():
            return chosen
        return "invoiced" if self._is_invoicing(company) else "won"

    @api.model
    def _is_invoicing(self, company):
        """:return: whether a company ever posted an invoice to a customer here"""
        if "account.move" not in self.env:
            return False
        [(found,)] = self.env.execute_query(
            SQL(
                """SELECT EXISTS (SELECT FROM account_move WHERE company_id = %s AND state = 'posted'
                                     AND move_type IN ('out_invoice', 'out_refund', 'out_receipt'))""",
                company.id,
            )
        )
        return found

    @api.model
    def _select(self, company, start, end):
        """:return: SELECT of ``(partner_id, user_id, team_id, at, amount, lead_id)`` between two naive UTC moments; the
        amount in the company's currency
        """
        return getattr(self, f"_select_{self._used(company)}")(company, start, end)

    @api.model
    def _select_won(self, company, start, end):
        return SQL(
            """SELECT lead.partner_id, lead.user_id, lead.team_id, lead.date_closed, lead.expected_revenue, lead.id
                 FROM crm_lead lead LEFT JOIN res_users person ON person.id = lead.user_id
                WHERE lead.type = 'opportunity' AND lead.won_status = 'won' AND lead.expected_revenue IS NOT NULL
                  AND lead.date_closed >= %(start)s AND lead.date_closed < %(end)s
                  AND COALESCE(lead.company_id, person.company_id) = %(company)s""",
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _select_invoiced(self, company, start, end):
        """Invoices less credit notes, without tax, on the day they bear."""
        # an invoice has a date and no time: its noon by the company's clock
        noon = SQL(
            "(move.invoice_date + time '12:00') AT TIME ZONE %s AT TIME ZONE 'UTC'",
            str(self.env["crm.productivity.stale"]._zone(company)),
        )
        has_team = "team_id" in self.env["account.move"]._fields
        return SQL(
            """SELECT move.partner_id, move.invoice_user_id, %(team)s, %(noon)s, move.amount_untaxed_signed, %(lead)s
                 FROM account_move move
                WHERE move.company_id = %(company)s AND move.state = 'posted'
                  AND move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
                  AND move.invoice_date BETWEEN %(start)s::date - 1 AND %(end)s::date + 1
                  AND %(noon)s >= %(start)s AND %(noon)s < %(end)s""",
            team=SQL("move.team_id") if has_team else SQL("NULL::integer"),
            noon=noon,
            lead=self._lead_of_invoice(),
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _lead_of_invoice(self):
        """:return: SQL of the opportunity from which ``move`` was ordered, where the sales app knows it"""
        orders = self.env.get("sale.order")
        if orders is None or "opportunity_id" not in orders._fields:
            return SQL("NULL::integer")
        return SQL(
            """(SELECT min(ordered.opportunity_id) FROM account_move_line line
                  JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = line.id
                  JOIN sale_order_line sold ON sold.id = rel.order_line_id
                  JOIN sale_order ordered ON ordered.id = sold.order_id
                 WHERE line.move_id = move.id)"""
        )

    @api.model
    def _amount_of_lead(self):
        """:return: SQL of what the opportunity ``lead`` brought: what was invoiced of its orders where that is known and is
        what counts, else the amount for which it was won
        """
        orders = self.env.get("sale.order")
        # sudo: which companies there are
        companies = (
            self.env["res.company"]
            .sudo()
            .search([("id", "!=", False)])
            .filtered(lambda one: self._used(one) == "invoiced")
        )
        if not companies or orders is None or "opportunity_id" not in orders._fields:
            return SQL("lead.expected_revenue")
        return SQL(
            """CASE WHEN lead.company_id = ANY(%s) THEN COALESCE((
                   SELECT sum(move.amount_untaxed_signed) FROM account_move move
                    WHERE move.state = 'posted' AND move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
                      AND move.id IN (SELECT line.move_id FROM sale_order ordered
                                        JOIN sale_order_line sold ON sold.order_id = ordered.id
                                        JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = sold.id
                                        JOIN account_move_line line ON line.id = rel.invoice_line_id
                                       WHERE ordered.opportunity_id = lead.id)), lead.expected_revenue)
               ELSE lead.expected_revenue END""",
            companies.ids,
        )

    @api.model
    def _source_changed(self, companies):
        """Another source counts from now on: the amounts of all days follow, by the scheduled action."""
        Stale = self.env["crm.productivity.stale"].sudo()  # sudo: upkeep
        for company in companies:
            self.env.cr.execute(
                SQL(
                    """INSERT INTO crm_productivity_stale (company_id, day)
                       SELECT DISTINCT company_id, day FROM crm_productivity_day WHERE company_id = %s""",
                    company.id,
                )
            )
            if "account.move" in self.env:
                Stale._insert(
                    set(
                        self.env.execute_query(
                            SQL(
                                """SELECT DISTINCT company_id, invoice_date FROM account_move WHERE company_id = %s
                                      AND state = 'posted' AND move_type IN ('out_invoice', 'out_refund', 'out_receipt')
                                      AND invoice_date IS NOT NULL""",
                                company.id,
                            )
                        )
                    )
                )
        self.env.ref("crm_productivity.ir_cron_rank").sudo()._trigger()  # sudo: whoever changed the setting asks for it

    # --- following invoices ---

    @api.model
    def _cron_pull(self):
        """Have the days of invoices that changed since the last time reckoned anew."""
        self._pull()

    @api.model
    def _pull(self):
        """:return: number of invoices that changed"""
        if "account.move" not in self.env:
            return 0
        # sudo: where it stopped is the scheduled action's own note
        config = self.env["ir.config_parameter"].sudo()
        since = fields.Datetime.to_datetime(config.get_param(PULLED)) or fields.Datetime.to_datetime(
            "1970-01-02 00:00:00"
        )
        now = fields.Datetime.now()
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO crm_productivity_touched (res_model, res_id)
                   SELECT %s, id FROM account_move
                    WHERE write_date >= %s AND move_type IN ('out_invoice', 'out_refund', 'out_receipt')
                   RETURNING id""",
                self._name,
                since - OVERLAP,
            )
        )
        config.set_param(PULLED, fields.Datetime.to_string(now))
        return len(rows)

    @api.model
    def _productivity_places(self, ids):
        """:return: SQL of ``(id, company_id, at)`` of invoices, see :class:`CrmProductivityKnown`"""
        return SQL(
            """SELECT move.id, move.company_id,
                      (move.invoice_date + time '12:00') AT TIME ZONE COALESCE(owner.tz, 'UTC') AT TIME ZONE 'UTC'
                 FROM account_move move JOIN res_company company ON company.id = move.company_id
                 JOIN res_partner owner ON owner.id = company.partner_id
                WHERE move.id = ANY(%s) AND move.state = 'posted' AND move.invoice_date IS NOT NULL""",
            ids,
        )


class CrmProductivityDay(models.Model):
    _inherit = "crm.productivity.day"

    invoiced = Measured(
        "Invoiced", aggregator="sum", help="Without tax. Empty where revenue is not taken from invoices."
    )


class CrmProductivityFacts(models.AbstractModel):
    _inherit = "crm.productivity.facts"

    @api.model
    def _sources(self):
        return [*super()._sources(), "_facts_of_invoices"]

    @api.model
    def _facts_of_invoices(self, company, start, end):
        """Invoiced amounts are of the invoice's salesperson."""
        revenue = self.env["crm.productivity.revenue"]
        if revenue._used(company) != "invoiced":
            return SQL("SELECT NULL::integer, NULL::integer, NULL::timestamp, NULL::text, NULL::float WHERE FALSE")
        return SQL(
            """SELECT sold.user_id, sold.team_id, sold.at, 'invoiced', sold.amount
                 FROM (%s) AS sold (partner_id, user_id, team_id, at, amount, lead_id)""",
            revenue._select_invoiced(company, start, end),
        )
