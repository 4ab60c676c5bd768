from odoo import api, fields, models

from ..lib.reading import Reading


class CrmSupportMeter(models.Model):
    """How much help each customer has left."""

    _name = "crm.support.meter"
    _description = "Support meter"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Customer", required=True, readonly=True, ondelete="cascade")

    _customer_unique = models.UniqueIndex("(company_id, partner_id)")

    @api.model
    def _of(self, customers, company, now=None):
        """What the meters of some customers say.

        :param customers: ``res.partner``; commercial entities
        :param now: naive UTC, the present moment if not given
        :return: ``{customer id: lib.reading.Reading}``
        """
        now = now or fields.Datetime.now()
        return {customer.id: Reading(now) for customer in customers}

    @api.model
    def _entered(self, entries):
        """Entries were appended to the ledger."""
