from odoo import api, fields, models
from odoo.tools import SQL

#: days after which nobody waits for his turn any more
KEPT_DAYS = 8


class CrmVoipCallbackTurn(models.Model):
    """Whose turn it is to work out the callbacks of a number.

    A callback follows from all calls of a number. A transaction that folds a missed call and one that folds a
    connected call of the same number do not see each other's, and neither would close the callback. Both write the
    number's row here, so one of them fails and starts anew with what the other one left (:mod:`transaction`).
    """

    _name = "crm.voip.callback.turn"
    _description = "Turn of a number"
    _rec_name = "number"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    number = fields.Char(required=True)
    at = fields.Datetime(required=True)

    _number_unique = models.UniqueIndex("(company_id, number)")

    @api.model
    def _take(self, keys):
        """:param keys: ``(company id, number)`` of calls that are folded"""
        if not keys:
            return
        # in order, so that two transactions wait for each other instead of locking each other out
        keys = sorted(keys)
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_voip_callback_turn (company_id, number, at)
                   SELECT company, number, now() AT TIME ZONE 'UTC'
                     FROM unnest(%s::int[], %s::varchar[]) AS turn (company, number)
                   ON CONFLICT (company_id, number) DO UPDATE SET at = EXCLUDED.at""",
                [company for company, _number in keys],
                [number for _company, number in keys],
            )
        )

    @api.autovacuum
    def _gc_turns(self):
        old = fields.Datetime.subtract(fields.Datetime.now(), days=KEPT_DAYS)
        self.search([("at", "<", old)], limit=10_000).unlink()
