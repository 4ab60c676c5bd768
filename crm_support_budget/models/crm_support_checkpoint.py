import json
from datetime import datetime

from odoo import api, fields, models
from odoo.tools import SQL, split_every

from ..lib.meter import State

#: customers whose states are kept in one transaction
CHUNK = 500


class CrmSupportCheckpoint(models.Model):
    """The state of a customer's meter after an entry, so that a reading begins there and not years ago.

    It can be deleted at any time: a meter is worked out from the ledger alone, and is the same with it and without.
    """

    _name = "crm.support.checkpoint"
    _description = "Kept state of a meter"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", required=True, readonly=True, ondelete="cascade")
    at = fields.Datetime(required=True, readonly=True, help="Of the last entry that is in it.")
    minutes = fields.Json(readonly=True)
    contacts = fields.Json(readonly=True)

    _customer_unique = models.UniqueIndex("(partner_id, company_id, at)")

    @api.model
    def _keep_up(self):
        """Replace what does not hold, and keep the states of last night; for the scheduled action.

        Marks that are seen here are deleted: the entries that they stand for are seen here, too, by the same snapshot.
        """
        while self._keep_some():
            self.env["ir.cron"]._commit_progress(CHUNK)

    @api.model
    def _keep_some(self):
        """:return: whether there is more"""
        company_marks = self.env.execute_query(
            SQL("SELECT id FROM crm_support_late WHERE partner_id IS NULL ORDER BY id")
        )
        if company_marks:
            # of all customers: whatever is kept goes, and each is marked by itself
            self.env.cr.execute("DELETE FROM crm_support_checkpoint")
            self.env.cr.execute(
                """INSERT INTO crm_support_late (company_id, partner_id, at)
                   SELECT company_id, partner_id, min(at) FROM crm_support_entry GROUP BY company_id, partner_id"""
            )
            self.env.cr.execute(
                SQL("DELETE FROM crm_support_late WHERE id = ANY(%s)", [ident for (ident,) in company_marks])
            )
            return True
        rows = self.env.execute_query(
            SQL(
                """SELECT company_id, partner_id, min(at), array_agg(id) FROM crm_support_late
                    WHERE partner_id IS NOT NULL GROUP BY company_id, partner_id ORDER BY 1, 2 LIMIT %s""",
                CHUNK,
            )
        )
        for company_id in sorted({company for company, *_more in rows}):
            company = self.env["res.company"].browse(company_id)
            some = {partner: (at, marks) for one, partner, at, marks in rows if one == company_id}
            self.env.cr.execute(
                SQL(
                    """DELETE FROM crm_support_checkpoint AS kept USING (VALUES %s) AS late (partner_id, at)
                        WHERE kept.company_id = %s AND kept.partner_id = late.partner_id AND kept.at >= late.at""",
                    SQL(", ").join(SQL("(%s, %s::timestamp)", partner, at) for partner, (at, _marks) in some.items()),
                    company_id,
                )
            )
            marks = [mark for _at, several in some.values() for mark in several]
            self.env.cr.execute(SQL("DELETE FROM crm_support_late WHERE id = ANY(%s)", marks))
            self._keep(company, list(some))
        return len(rows) == CHUNK

    @api.model
    def _keep(self, company, customers):
        """Keep the states of some customers as of last midnight, and of each end of a month before."""
        today = fields.Datetime.now().astimezone(company._crm_voip_zone()).date()
        midnight, _tomorrow = company._crm_voip_bounds(today, today)
        Meter = self.env["crm.support.meter"]
        for some in split_every(CHUNK, customers):
            fresh = []
            for customer, states in Meter._replayed(list(some), company, midnight).items():
                fresh += [
                    (company.id, customer, at, json.dumps(as_kept(minutes)), json.dumps(as_kept(contacts)))
                    for at, minutes, contacts in states
                ]
            if fresh:
                self.env.cr.execute_values(
                    """INSERT INTO crm_support_checkpoint (company_id, partner_id, at, minutes, contacts) VALUES %s
                       ON CONFLICT (partner_id, company_id, at)
                       DO UPDATE SET minutes = EXCLUDED.minutes, contacts = EXCLUDED.contacts""",
                    fresh,
                    page_size=len(fresh),
                )


def as_kept(state):
    """:return: since when the terms hold and the state then, as a dictionary of JSON, which keeps every digit; None of None"""
    if state is None:
        return None
    since, one = state
    return {
        "since": since.isoformat(),
        "at": one.at.isoformat(),
        **{name: getattr(one, name) for name in ("first", "second", "opening", "accrued", "lost", "used")},
    }


def read(kept):
    """:return: of what is kept, since when its terms hold and the ``lib.meter.State``; None of None"""
    if not kept:
        return None
    since, at = (datetime.fromisoformat(kept[name]) for name in ("since", "at"))
    return since, State(at, *(kept[name] for name in ("first", "second", "opening", "accrued", "lost", "used")))
