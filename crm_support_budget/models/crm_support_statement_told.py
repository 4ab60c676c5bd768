from odoo import fields, models
from odoo.tools import format_datetime

from .crm_support_meter import AMOUNTS

#: entries on a statement
MOST = 300


class CrmSupportStatement(models.Model):
    """What a statement shows besides its figures."""

    _inherit = "crm.support.statement"

    def _get_report_base_filename(self):
        self.ensure_one()
        return self.env._("Support %s", fields.Date.to_string(self.month)[:7])

    def _rows(self):
        """:return: what a statement says line by line: ``[(what, {amount: number})]``; up to ``closing`` it adds up"""
        self.ensure_one()
        shown = [amount for amount in AMOUNTS if amount in self.figures]

        def row(what, number):
            return what, {amount: number(self.figures[amount]) for amount in shown}

        rows = [
            row("opening", lambda one: one["opening"]),
            row("corrected", lambda one: one.get("corrected", 0)),
            row("accrued", lambda one: one["accrued"]),
            row("had", lambda one: -one["used"] - one.get("not_counted", 0)),
            row("not_counted", lambda one: one.get("not_counted", 0)),
            row("lost", lambda one: -one["lost"]),
            row("closing", lambda one: one["closing"]),
            row("carried", lambda one: one.get("carried", 0)),
        ]
        always = ("opening", "accrued", "had", "not_counted", "closing", "carried")
        return [(what, numbers) for what, numbers in rows if what in always or any(numbers.values())]

    def _found_out(self):
        """What was found out about the month after its statement was made; the next one takes it into account.

        :return: ``{amount: (by how much its end changed, the end now)}``
        """
        self.ensure_one()
        # sudo: worked out from the ledger alone, see _of
        now = self.sudo()._prepare_figures(self.partner_id, self.company_id, self.month)
        found = {}
        for amount in AMOUNTS:
            if amount in self.figures and amount in now:
                by = now[amount]["closing"] - self.figures[amount]["closing"]
                if by:
                    found[amount] = by, now[amount]["closing"]
        return found

    def _lines(self):
        """:return: the entries that the figures are made of, oldest first: ``([{"at", "minutes", "contacts", "text"}], how many more)``"""
        self.ensure_one()
        ids = self.figures.get("entries", [])
        # sudo: the entries are the customer's, and so is the statement
        entries = self.env["crm.support.entry"].sudo().browse(ids[:MOST]).exists()
        zone = str(self.company_id._crm_voip_zone())
        lines = [
            {
                "at": format_datetime(self.env, one.at, tz=zone, dt_format="short"),
                "minutes": round(one.minutes),
                "contacts": round(one.contacts),
                "text": one.explanation,
            }
            for one in entries
        ]
        return lines, len(ids) - len(lines)
