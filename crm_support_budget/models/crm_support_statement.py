from dataclasses import asdict
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..lib.statement import billed, fair, month
from .crm_support_meter import AMOUNTS


class CrmSupportStatement(models.Model):
    """A customer's month: what there was, what came, what was used and what not counted, and what is left.

    Kept as it was told: what is found out later stands in the statement of the month in which it was.
    """

    _name = "crm.support.statement"
    _inherit = ["mail.thread"]
    _description = "Support statement"
    _order = "month desc, partner_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="restrict"
    )
    month = fields.Date(required=True, readonly=True, help="Its first day.")
    figures = fields.Json(readonly=True)
    sent_at = fields.Datetime("Sent", readonly=True)

    @api.depends("month", "partner_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for one in self:
            one.display_name = self.env._("Help in %s", format_date(self.env, one.month, date_format="MMMM y"))

    @api.model
    def _of(self, customer, company, first):
        """The statement of a month that is over; made when it is first asked for.

        :param first: the first day of the month
        """
        # sudo: a statement is worked out from the ledger alone, whoever asks for it
        return self._known(customer, company, first) or self.sudo().create(
            {
                "company_id": company.id,
                "partner_id": customer.id,
                "month": first,
                "figures": self._prepare_figures(customer, company, first),
            }
        )

    @api.model
    def _known(self, customer, company, first):
        # sudo: see _of
        return self.sudo().search(
            [("partner_id", "=", customer.id), ("company_id", "=", company.id), ("month", "=", first)], limit=1
        )

    @api.model
    def _prepare_figures(self, customer, company, first):
        """:return: what a statement shows, as JSON"""
        begin, end = company._crm_voip_bounds(first, fields.Date.end_of(first, "month"))
        end = min(end, fields.Datetime.now())
        Meter = self.env["crm.support.meter"]
        before = Meter._from_nothing(customer, company, begin - timedelta(microseconds=1))
        after = Meter._from_nothing(customer, company, end - timedelta(microseconds=1))
        earlier = self._known(customer, company, first - relativedelta(months=1)).figures or {}
        rows = self._entries_of(customer, company, begin, end)
        figures, begun = {}, {}
        for place, amount in enumerate(AMOUNTS):
            if after[amount]:
                same = before[amount] and before[amount].opening == after[amount].opening
                begun[amount] = before[amount] if same else None
                one = month(begun[amount], after[amount], earlier.get(amount, {}).get("closing"))
                figures[amount] = asdict(one) | {"not_counted": round(sum(row[place + 2] - row[place] for row in rows))}
        figures["not_counted"] = round(sum(row[2] - row[0] for row in rows))
        figures["calls"] = round(sum(row[3] for row in rows))
        # of which the figures are made, however much is found out later
        figures["entries"] = [row[5] for row in rows]
        reading = Meter._of(customer, company, end)[customer.id]
        policy = self.env["crm.support.policy"].sudo().browse(reading.policy or [])  # sudo: see _of
        if policy.used_up == "bill" and "minutes" in figures:
            # an estimate is never billed
            estimated = sum(row[0] for row in rows if row[4])
            minutes = billed(begun["minutes"], after["minutes"], estimated, policy.rounding)
            figures["billed"] = {
                "minutes": round(minutes, 2),
                "amount": minutes / 60 * policy.rate,
                "currency": policy.currency_id.id,
            }
        figures["sentence"] = self._sentence(customer, company, begin, end)
        return figures

    @api.model
    def _entries_of(self, customer, company, begin, end):
        """:return: ``(minutes, contacts, measured minutes, measured contacts, estimated, id)``, oldest first"""
        self.env["crm.support.entry"].flush_model()
        return self.env.execute_query(
            SQL(
                """SELECT minutes, contacts, measured_minutes, measured_contacts, estimated, id
                     FROM crm_support_entry
                    WHERE partner_id = %s AND company_id = %s AND at >= %s AND at < %s ORDER BY at, id""",
                customer.id,
                company.id,
                begin,
                end,
            )
        )

    @api.model
    def _sentence(self, customer, company, begin, end):
        served = dict(
            self.env.execute_query(
                SQL(
                    """SELECT partner_id, sum(measured_minutes) FROM crm_support_entry
                        WHERE company_id = %s AND at >= %s AND at < %s GROUP BY 1""",
                    company.id,
                    begin,
                    end,
                )
            )
        )
        self.env["crm.support.request"].flush_model()
        unmet = self.env.execute_query(
            SQL(
                """SELECT DISTINCT partner_id FROM crm_support_request
                    WHERE company_id = %s AND waiting_since < %s AND partner_id IS NOT NULL
                      AND (state = 'waiting' OR done_at >= %s) AND coalesce(helped_at, 'infinity') >= %s""",
                company.id,
                end,
                end,
                end,
            )
        )
        return fair(served, {ident for (ident,) in unmet}, customer.id)

    # --- by mail ---

    @api.model
    def _cron_send(self):
        """Make the statements of last month, and send them where that is switched on."""
        today = fields.Date.today()
        first = today.replace(day=1) - relativedelta(months=1)
        for company in self.env["res.company"].search([("crm_support_statements", "=", True)]):
            begin, end = company._crm_voip_bounds(first, fields.Date.end_of(first, "month"))
            customers = self.env["crm.support.entry"]._read_group(
                [("company_id", "=", company.id), ("at", ">=", begin), ("at", "<", end)], ["partner_id"]
            )
            known = self.search([("company_id", "=", company.id), ("month", "=", first)]).partner_id
            for (customer,) in customers:
                if customer not in known:
                    self._of(customer, company, first)._send()
                    self.env["ir.cron"]._commit_progress(1)

    def _send(self):
        """Mail statements to their customers, in their language."""
        template = self.env.ref("crm_support_budget.mail_template_statement")
        for one in self.filtered(lambda one: one.partner_id.email and not one.sent_at):
            text = self.env._(
                "%(customer)s gets the statement of %(month)s", customer=one.partner_id.name, month=one.month
            )
            if one.company_id._crm_support_may("mail", one.partner_id, text):
                template.send_mail(one.id)
                one.sent_at = fields.Datetime.now()
