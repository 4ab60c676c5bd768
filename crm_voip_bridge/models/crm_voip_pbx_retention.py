from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models, tools
from odoo.tools import SQL

from ..lib.events import format_time, parse_time
from .transaction import in_own_transaction

#: calls that are deleted or compacted in one transaction
CHUNK = 500
#: a call that began before the moment from which on events are taken may have ended after it: so much later, its events
#: are not taken either
MARGIN = timedelta(days=1)
#: why an event is not taken, told to the bridge and shown on the PBX's form
TOO_OLD = "it is older than calls are kept"


class CrmVoipPbx(models.Model):
    """Deletes and compacts what is older than its company keeps it."""

    _inherit = "crm.voip.pbx"

    kept_since = fields.Datetime(
        "Takes calls since",
        readonly=True,
        copy=False,
        help="What happened earlier was deleted when its time was over, and is not taken again.",
    )

    def _scope_people(self):
        """:return: what the bridge is told besides of people's data: nothing before that moment is to be sent"""
        since = self._taken_since()
        return {"kept_since": format_time(since)} if since else {}

    @tools.ormcache("self.id")
    def _taken_since(self):
        """:return: the moment before which nothing is taken, in UTC; None if there is none"""
        return parse_time(self.kept_since.isoformat()) if self.kept_since else None

    # --- scheduled action ---

    @api.model
    def _cron_retain(self):
        """Delete and compact what is older than it is kept, some hundred calls at a time."""
        progress = self.env["ir.cron"]
        # archived ones hold calls as well
        for pbx in self.with_context(active_test=False).search([("company_id", "!=", False)]):
            in_own_transaction(self.env, lambda env, pbx=pbx: pbx.with_env(env)._move_kept_since())
            pbx.invalidate_recordset(["kept_since"])
            for work in (pbx._steps_of_deletion, pbx._steps_of_compaction):
                for done in work():
                    # the number of those that are left would take longer to find than it is worth
                    if not progress._commit_progress(done, remaining=1):
                        return
        progress._commit_progress(remaining=0)

    def _move_kept_since(self):
        """Nothing that happened before is taken from now on; that moment never goes back."""
        months = self.company_id.crm_voip_keep_call_months
        since = months and fields.Datetime.today() - relativedelta(months=months)
        if since and (not self.kept_since or self.kept_since < since):
            self.kept_since = since

    def _steps_of_deletion(self):
        """Delete calls that are older than they are kept; each step is a transaction of its own."""
        self.ensure_one()
        if not self.company_id.crm_voip_keep_call_months or not self.kept_since:
            return
        before = self.kept_since - MARGIN
        for model in ("crm.voip.typed.call", "crm.voip.callback.entry", "crm.voip.people.log"):
            yield in_own_transaction(
                self.env, lambda env, model=model: self.with_env(env)._delete_of_people(model, before)
            )
        yield from self._walk(before, "_delete", SQL("TRUE"))
        yield in_own_transaction(self.env, lambda env: self.with_env(env)._delete_orphans(before))

    def _steps_of_compaction(self):
        """Compact the PBX record of calls that is older than it is kept; each step is a transaction of its own."""
        self.ensure_one()
        months = self.company_id.crm_voip_keep_record_months
        if not months:
            return
        before = fields.Datetime.today() - relativedelta(months=months)
        yield from self._walk(before, "_compact", SQL("frozen IS NOT TRUE"))
        yield in_own_transaction(self.env, lambda env: self.with_env(env)._delete_orphans(before))

    def _walk(self, before, method, which):
        """Hand the PBX's calls that began before a moment to a method, the oldest first, some hundred at a time.

        What the method leaves for another time is not handed to it again in the same walk.

        :param method: name of one of ``crm.voip.compacted``
        """
        dated = SQL("started_at")
        # a PBX that states no times: when the call came counts
        undated = SQL("create_date")
        for moment, kind in ((dated, which), (undated, SQL("started_at IS NULL AND %s", which))):
            after = (fields.Datetime.to_datetime("1970-01-01 00:00:00"), 0)
            while after:

                def step(env, after=after, moment=moment, kind=kind):
                    rows = env.execute_query(
                        SQL(
                            """SELECT %(moment)s, id FROM crm_voip_call
                                WHERE pbx_id = %(pbx)s AND %(moment)s < %(before)s AND (%(moment)s, id) > %(after)s
                                  AND %(kind)s
                                ORDER BY %(moment)s, id LIMIT %(most)s""",
                            moment=moment,
                            pbx=self.id,
                            before=before,
                            after=after,
                            kind=kind,
                            most=CHUNK,
                        )
                    )
                    if not rows:
                        return None, 0
                    compacted = env["crm.voip.compacted"]
                    done = getattr(compacted, method)(self.with_env(env), [ident for _at, ident in rows], before)
                    return rows[-1], len(done)

                after, done = in_own_transaction(self.env, step)
                yield done

    def _delete_of_people(self, model, before):
        """Delete what is not the PBX's: typed calls, decisions about callbacks, who looked at whose calls.

        :return: number of records
        """
        company, moment = {
            "crm.voip.typed.call": (SQL("company_id"), SQL("started_at")),
            "crm.voip.callback.entry": (SQL("company_id"), SQL("at")),
            "crm.voip.people.log": (SQL("(SELECT company_id FROM res_users WHERE id = person_id)"), SQL("at")),
        }[model]
        # in SQL: nothing that followed from them is taken back, and a person has no way to delete the others
        rows = self.env.execute_query(
            SQL(
                "DELETE FROM %s WHERE %s = %s AND %s < %s RETURNING id",
                SQL.identifier(self.env[model]._table),
                company,
                self.company_id.id,
                moment,
                before,
            )
        )
        self.env[model].invalidate_model(flush=False)
        return len(rows)

    def _delete_orphans(self, before):
        """Delete the PBX record of what is no call: phones that are not ticked, ids that merely were named.

        :return: number of ids
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT ref.id, ref.ref FROM crm_voip_call_ref AS ref
                    WHERE ref.pbx_id = %(pbx)s AND ref.call_id IS NULL AND NOT ref.is_leg AND NOT ref.dirty
                      AND NOT EXISTS (SELECT FROM crm_voip_journal AS entry
                                       WHERE entry.pbx_id = %(pbx)s AND entry.call_ref = ref.ref
                                         AND COALESCE(entry.at, entry.create_date) >= %(before)s)
                    ORDER BY ref.id LIMIT %(most)s FOR UPDATE""",
                pbx=self.id,
                before=before,
                most=20 * CHUNK,
            )
        )
        compacted = self.env["crm.voip.compacted"]
        compacted._drop_journal(self, [ref for _ident, ref in rows])
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_voip_call_ref WHERE pbx_id = %s AND is_leg AND head = ANY(%s)",
                self.id,
                [ref for _ident, ref in rows],
            )
        )
        compacted._drop_refs([ident for ident, _ref in rows])
        return len(rows)
