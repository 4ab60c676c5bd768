from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

#: days before, and most days after, that are held against each other
DAYS = 28


class CrmSupportTakeover(models.Model):
    """What taking a customer over changed: contacts per day before and after."""

    _inherit = "crm.support.takeover"

    before_per_day = fields.Float(
        "Contacts per day, before", compute="_compute_per_day", digits=(16, 2), help="Of the 28 days before it."
    )
    after_per_day = fields.Float(
        "Contacts per day, after",
        compute="_compute_per_day",
        digits=(16, 2),
        help="From then on, 28 days at most; of the first day, as it is now.",
    )

    def _compute_per_day(self):
        now, span = fields.Datetime.now(), timedelta(days=DAYS)
        self.env["crm.support.contact"].flush_model()
        self.flush_model()
        rows = (
            self.env.execute_query(
                SQL(
                    """SELECT takeover.id, count(*) FILTER (WHERE contact.at < takeover.since),
                              count(*) FILTER (WHERE contact.at >= takeover.since)
                         FROM crm_support_takeover AS takeover
                         JOIN crm_support_contact AS contact ON contact.partner_id = takeover.partner_id
                              AND contact.company_id = takeover.company_id AND contact.is_support
                              AND contact.at >= takeover.since - %(span)s
                              AND contact.at < least(takeover.since + %(span)s, %(now)s)
                        WHERE takeover.id = ANY(%(ids)s) GROUP BY 1""",
                    span=span,
                    now=now,
                    ids=self.ids,
                )
            )
            if self.ids
            else ()
        )
        counts = {ident: (before, after) for ident, before, after in rows}
        for one in self:
            before, after = counts.get(one.id, (0, 0))
            one.before_per_day = before / DAYS
            # how it goes on, also after the customer was given back
            one.after_per_day = after / max(min((now - one.since) / timedelta(days=1), DAYS), 1.0) if one.since else 0.0
