from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.tools import SQL

#: days back for which a night without an answer is made up for
DAYS = 7
#: hour of the company's day from which the day before is compared
NIGHT = 2
#: hours after which a repair is looked at, whatever became of it
PATIENCE = 3


class CrmVoipCompleteness(models.Model):
    """A day of a PBX: its own record against the log.

    A row is asked for (each night, or by a button), told to the bridge with the scope, answered by it in pieces, and
    compared (:meth:`CrmVoipDifference._compare`). What can be repaired is, once by itself; then it is asked again.
    """

    _name = "crm.voip.completeness"
    _description = "PBX record against log"
    _order = "day desc, id desc"
    _rec_name = "day"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    day = fields.Date(required=True, readonly=True, help="By the company's clock.")
    begins_at = fields.Datetime("From", required=True, readonly=True)
    ends_at = fields.Datetime("Until", required=True, readonly=True)
    state = fields.Selection(
        [
            ("waiting", "Asked"),
            ("repairing", "Repairing"),
            ("done", "Compared"),
            ("failed", "Cannot be compared"),
        ],
        required=True,
        readonly=True,
        default="waiting",
    )
    asked_count = fields.Integer(readonly=True, default=1)
    run = fields.Char(readonly=True)
    checked_at = fields.Datetime("Compared at", readonly=True)
    source = fields.Char(readonly=True)
    pbx_count = fields.Integer("By the PBX", readonly=True, help="Calls that the PBX's own record has.")
    logged_count = fields.Integer("Logged", readonly=True)
    outside_count = fields.Integer(
        "Outside scope",
        readonly=True,
        help="Calls that may not be recorded; their number is all that is known of them.",
    )
    open_count = fields.Integer("Open", readonly=True, help="Logged calls that are not over.")
    problem = fields.Char(readonly=True)
    fetch_id = fields.Many2one("crm.voip.fetch", "Repair", readonly=True, ondelete="set null")
    repaired_at = fields.Datetime("Repair began", readonly=True)
    difference_ids = fields.One2many("crm.voip.difference", "completeness_id", readonly=True)
    difference_count = fields.Integer("Differences", compute="_compute_difference_count")
    line = fields.Char("In words", compute="_compute_line")

    _day_unique = models.UniqueIndex("(pbx_id, day)")
    _open_idx = models.Index("(pbx_id) WHERE state = 'waiting'")

    @api.depends("difference_ids.solved_at")
    def _compute_difference_count(self):
        counts = dict(
            self.env["crm.voip.difference"]._read_group(
                [("completeness_id", "in", self.ids), ("solved_at", "=", False)], ["completeness_id"], ["__count"]
            )
        )
        for row in self:
            row.difference_count = counts.get(row._origin, 0)

    @api.depends_context("lang")
    @api.depends("state", "pbx_count", "logged_count", "outside_count", "open_count", "problem", "difference_ids")
    def _compute_line(self):
        for row in self:
            row.line = row.pbx_id._completeness_line(row.day, row.day, last_event=False)

    # --- asking ---

    @api.model
    def _ask(self, pbx, day):
        """Ask what the PBX's record has of a day, or of that part of it which is over.

        :param day: by the company's clock
        :return: the row, empty if nothing of that day is ours
        """
        begins_at, ends_at = self._bounds(pbx, day)
        # what happened before a bridge first reported is not missing
        begins_at = max(filter(None, [begins_at, pbx._heard_since()]))
        ends_at = min(ends_at, fields.Datetime.now() - timedelta(minutes=1))
        row = self.search([("pbx_id", "=", pbx.id), ("day", "=", day)])
        if begins_at >= ends_at:
            return row
        values = {"begins_at": begins_at, "ends_at": ends_at, "state": "waiting", "run": False, "problem": False}
        if row:
            row.write({**values, "asked_count": row.asked_count + 1})
            return row
        return self.create({**values, "pbx_id": pbx.id, "day": day})

    @api.model
    def _bounds(self, pbx, day):
        """:return: beginning and end of a day of the company, naive UTC"""
        return pbx.company_id._crm_voip_bounds(day, day)

    @api.model
    def _open_of(self, pbx):
        """What a bridge is asked.

        :return: ``[{"id": str, "from": ISO 8601, "until": ISO 8601}, …]``
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT id, asked_count, begins_at, ends_at FROM crm_voip_completeness
                    WHERE pbx_id = %s AND state = 'waiting' ORDER BY day DESC LIMIT 10""",
                pbx.id,
            )
        )
        return [
            {
                "id": f"{ident}.{count}",
                "from": f"{begins_at.isoformat(timespec='seconds')}Z",
                "until": f"{ends_at.isoformat(timespec='seconds')}Z",
            }
            for ident, count, begins_at, ends_at in rows
        ]

    def action_ask_again(self):
        """Compare once more."""
        self.pbx_id.check_access("write")
        # sudo: nobody edits these; who asks has been checked
        for row in self.sudo():
            row._ask(row.pbx_id, row.day)

    # --- the answer ---

    @api.model
    def _take(self, pbx, report):
        """Take a piece of a bridge's answer.

        :param report: checked: id, asked, run, calls, total (None before the end), source, seen (None if not asked for),
            problem
        :return: what the bridge is answered
        """
        found = self.env.execute_query(
            SQL(
                """SELECT id FROM crm_voip_completeness
                    WHERE id = %s AND pbx_id = %s AND state = 'waiting' AND asked_count = %s FOR UPDATE""",
                report["id"],
                pbx.id,
                report["asked"],
            )
        )
        if not found:
            return {"go": False}  # another bridge was faster, or a person asked anew
        row = self.browse(found[0])
        told = self.env["crm.voip.audit.call"]
        if row.run != report["run"]:
            told._forget(row)
            row.run = report["run"]
        if report["problem"]:
            row.write({"state": "failed", "problem": report["problem"], "checked_at": fields.Datetime.now()})
            return {"go": False}
        if report["calls"]:
            told._add(row, report["calls"])
        if report["total"] is None:
            return {"go": True}
        row.flush_recordset()
        if report["source"] == "cdr":
            told._drop_legs(row)
        differences = self.env["crm.voip.difference"]
        differences._compare(row, report["source"], report["seen"] or ())
        if report["seen"] is None and (refs := differences._unknown_refs(row)):
            return {"look_for": refs}
        row._finish(report)
        return {"go": False}

    def _finish(self, report):
        """All is told: count, and repair what can be."""
        logged, still_open, left = self._counts(report["seen"] or ())
        inside = self.env["crm.voip.audit.call"]._count(self)
        self.env["crm.voip.audit.call"]._forget(self)
        self.write(
            {
                "state": "done",
                "checked_at": fields.Datetime.now(),
                "source": report["source"],
                "pbx_count": inside + report["total"]["outside"],
                # they were logged while they were inside
                "outside_count": max(report["total"]["outside"] - left, 0),
                "logged_count": logged,
                "open_count": still_open,
            }
        )
        if not self.repaired_at:
            self._repair(by_itself=True)

    def _counts(self, seen):
        """:return: ``(logged, open, left)``: calls in the log, those of them not over, those no longer in scope"""
        [row] = self.env.execute_query(
            SQL(
                """SELECT count(*), count(*) FILTER (WHERE disposition = 'in_progress'),
                          count(*) FILTER (WHERE call_ref = ANY(%(seen)s::varchar[]))
                     FROM crm_voip_call WHERE pbx_id = %(pbx)s AND company_id = ANY(%(companies)s)
                      AND started_at >= %(begins)s AND started_at < %(ends)s""",
                seen=list(seen),
                pbx=self.pbx_id.id,
                companies=self.pbx_id._companies(),
                begins=self.begins_at,
                ends=self.ends_at,
            )
        )
        return row

    # --- repairing ---

    def _repair(self, by_itself=False):
        """Recalculate, and have what the log lacks read again in the PBX's record; then it is compared once more.

        :param by_itself: nobody asked for it: calls that may not have been logged at the time stay away
        """
        for row in self:
            wrong = row.difference_ids.filtered(lambda one: not one.solved_at and one.kind != "unknown")
            loosened = row.company_id.crm_voip_never_shortened_at
            if by_itself and loosened:
                wrong = wrong.filtered(lambda one, loosened=loosened: one.kind != "missing" or one.at >= loosened)
            if not wrong:
                continue
            wrong.call_id.action_recalculate()
            ends = [moment for one in wrong for moment in (one.at, one.pbx_ended_at) if moment]
            margin = timedelta(minutes=10)
            row.write(
                {
                    "state": "repairing",
                    "repaired_at": fields.Datetime.now(),
                    "fetch_id": row.pbx_id._fetch_again(
                        min(ends) - margin, max(ends) + margin, self.env._("Differences between PBX and log")
                    ).id,
                }
            )

    def action_repair(self):
        """Recalculate, and read again what the log lacks."""
        self.pbx_id.check_access("write")
        # sudo: nobody edits these; who asks has been checked
        self.sudo().filtered(lambda row: row.state != "waiting")._repair()

    @api.model
    def _cron_compare(self):
        """Ask for the nights' comparisons, and again for what was repaired meanwhile."""
        now = fields.Datetime.now()
        for row in self.search([("state", "=", "repairing")]):
            if row.fetch_id.state in ("done", "failed", False) or row.repaired_at < now - timedelta(hours=PATIENCE):
                row._ask(row.pbx_id, row.day)
        # of what nobody answered for hours, a bridge may believe that it did
        unanswered = [("state", "=", "waiting"), ("write_date", "<", now - timedelta(hours=PATIENCE))]
        for row in self.search([*unanswered, ("day", ">", fields.Date.today() - timedelta(days=2 * DAYS))]):
            row._ask(row.pbx_id, row.day)
        pbxs = self.env["crm.voip.pbx"].search([("state_ids.event_at", "!=", False)])
        for pbx in pbxs.filtered("can_history"):
            local = pytz.utc.localize(now).astimezone(pytz.timezone(pbx._zone()))
            if local.hour < NIGHT:
                continue
            days = [local.date() - timedelta(days=number) for number in range(1, DAYS + 1)]
            known = self.search([("pbx_id", "=", pbx.id), ("day", "in", days)])
            whole = {row.day for row in known if row.ends_at >= self._bounds(pbx, row.day)[1]}
            for day in days:
                # what was asked for while the day went on is not the whole of it
                if day not in whole:
                    self._ask(pbx, day)

    def action_view_differences(self):
        """The calls of which the two do not say the same."""
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_difference_action")
        return {**action, "domain": [("completeness_id", "in", self.ids)]}
