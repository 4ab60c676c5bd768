from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: minutes after which a bridge that said nothing more of a reading loses it to another one
PATIENCE = 10
#: days that finished readings are shown
KEEP_DAYS = 90


class CrmVoipFetch(models.Model):
    """A stretch of time that a bridge is to read again in the PBX's own record, and to send.

    Told with the scope, taken by one bridge, done once. What Odoo knows already changes nothing, so a bridge that was
    stopped begins anew.
    """

    _name = "crm.voip.fetch"
    _description = "Reading of a PBX's own record"
    _order = "id desc"
    _rec_name = "reason"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    begins_at = fields.Datetime("From", required=True, readonly=True)
    ends_at = fields.Datetime("Until", required=True, readonly=True)
    reason = fields.Char(required=True, readonly=True)
    before_ticked = fields.Boolean(
        "Also before they were ticked",
        readonly=True,
        help="Extensions that are ticked count for the whole stretch, not only since they were ticked.",
    )
    state = fields.Selection(
        [("waiting", "Waiting"), ("running", "Running"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="waiting",
    )
    bridge = fields.Char(readonly=True)
    heard_at = fields.Datetime("Last heard", readonly=True)
    read_until = fields.Datetime(readonly=True, help="How far the bridge has read.")
    call_count = fields.Integer("Calls found", readonly=True)
    new_count = fields.Integer("New calls", readonly=True)
    problem = fields.Char(readonly=True)
    progress = fields.Float(compute="_compute_progress")
    result = fields.Char(compute="_compute_result")

    _order_in_time = models.Constraint("CHECK (begins_at < ends_at)", "The end is not after the beginning.")
    _open = models.Index("(pbx_id) WHERE state IN ('waiting', 'running')")

    @api.depends("state", "read_until")
    def _compute_progress(self):
        for fetch in self:
            whole = fetch.ends_at - fetch.begins_at
            part = min(max((fetch.read_until or fetch.begins_at) - fetch.begins_at, timedelta()), whole)
            fetch.progress = 100 if fetch.state == "done" else 100 * (part / whole)

    @api.depends("state", "call_count", "new_count", "problem")
    def _compute_result(self):
        for fetch in self:
            counts = {"found": fetch.call_count, "new": fetch.new_count}
            fetch.result = {
                "waiting": self.env._("The bridge is told with its next sign of life"),
                "running": self.env._("%(found)s calls found so far", **counts),
                "done": self.env._("%(found)s calls found, %(new)s new", **counts),
                "failed": fetch.problem,
            }[fetch.state]

    def action_again(self):
        """Ask for the same once more."""
        self.check_access("read")
        self.pbx_id.check_access("write")
        for fetch in self:
            fetch.pbx_id._fetch_again(fetch.begins_at, fetch.ends_at, fetch.reason, fetch.before_ticked)

    @api.model
    def _open_of(self, pbx):
        """What a bridge is told, the oldest first.

        :return: ``[{"id": str, "from": ISO 8601, "until": ISO 8601, "earlier": bool}, …]``
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT id, begins_at, ends_at, before_ticked FROM crm_voip_fetch
                    WHERE pbx_id = %s AND state IN ('waiting', 'running') ORDER BY id LIMIT 20""",
                pbx.id,
            )
        )
        return [
            {
                "id": str(ident),
                "from": f"{begins_at.isoformat(timespec='seconds')}Z",
                "until": f"{ends_at.isoformat(timespec='seconds')}Z",
                "earlier": bool(earlier),
            }
            for ident, begins_at, ends_at, earlier in rows
        ]

    @api.model
    def _note(self, pbx, bridge, report):
        """Keep what a bridge says of a reading; the first that takes it has it, unless it falls silent.

        :param bridge: its id
        :param report: checked: id (int), state ("running", "done", "failed"), calls, at (naive UTC or None), reason
        :return: whether the bridge is to go on
        """
        now = fields.Datetime.now()
        taken = self.env.execute_query(
            SQL(
                """UPDATE crm_voip_fetch
                      SET state = %(state)s, bridge = %(bridge)s, heard_at = %(now)s, call_count = %(calls)s,
                          read_until = COALESCE(%(at)s, read_until), problem = %(reason)s, write_date = %(now)s
                    WHERE id = %(id)s AND pbx_id = %(pbx)s AND state IN ('waiting', 'running')
                      AND (bridge IS NULL OR bridge = %(bridge)s OR heard_at < %(silent)s)
                RETURNING id""",
                state=report["state"],
                bridge=bridge,
                now=now,
                calls=report["calls"],
                at=report["at"],
                reason=report["reason"] or None,
                id=report["id"],
                pbx=pbx.id,
                silent=now - timedelta(minutes=PATIENCE),
            )
        )
        self.invalidate_model(flush=False)
        if taken and report["state"] == "done":
            self.browse(report["id"])._count_new()
        return bool(taken) and report["state"] == "running"

    def _count_new(self):
        """How many calls of the stretch came to be since it was asked for."""
        self.env.cr.execute(
            SQL(
                """UPDATE crm_voip_fetch AS asked
                      SET new_count = (SELECT count(*) FROM crm_voip_call AS call
                                        WHERE call.pbx_id = asked.pbx_id AND call.create_date >= asked.create_date
                                          AND call.started_at >= asked.begins_at AND call.started_at < asked.ends_at)
                    WHERE asked.id = %s""",
                self.id,
            )
        )
        self.invalidate_recordset(flush=False)

    @api.autovacuum
    def _gc_fetches(self):
        before = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.search([("state", "in", ("done", "failed")), ("create_date", "<", before)]).unlink()
