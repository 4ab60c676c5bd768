from odoo import api, fields, models
from odoo.tools import SQL

from .crm_support_terms import EVER


class CrmSupportLate(models.Model):
    """From when on the kept states of a meter do not hold: a queue that is only appended to.

    Whoever enters something appends the moment of it, in its own transaction, so that nobody waits for anybody. A state that
    was kept at that moment or later is passed over by whoever reads the meter, until :meth:`CrmSupportCheckpoint._keep_up` has
    replaced it. Without customer: of all customers.
    """

    _name = "crm.support.late"
    _description = "Kept states of meters that do not hold"
    _log_access = False

    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", readonly=True, ondelete="cascade")
    at = fields.Datetime(required=True, readonly=True)

    _customer_idx = models.Index("(partner_id, company_id, at)")

    @api.model
    def _mark(self, marks):
        """:param marks: ``(company id, customer id, moment)``; None stands for all"""
        if marks:
            self.env.cr.execute_values(
                "INSERT INTO crm_support_late (company_id, partner_id, at) VALUES %s",
                sorted(marks, key=str),
                page_size=len(marks),
            )

    @api.model
    def _mark_all(self):
        self.env.cr.execute(SQL("INSERT INTO crm_support_late (at) VALUES (%s)", EVER))
