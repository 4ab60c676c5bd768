from odoo import api, fields, models
from odoo.tools import SQL, format_datetime, format_time

#: seconds by which the log may differ from the PBX's own record
TOLERANCE = 1.0
#: seconds within which the end of a call may be on its way
ON_ITS_WAY = 120


class CrmVoipDifference(models.Model):
    """One call of which the PBX's own record and the log do not say the same."""

    _name = "crm.voip.difference"
    _description = "Difference between PBX and log"
    _order = "at desc, id desc"
    _rec_name = "call_ref"

    completeness_id = fields.Many2one(
        "crm.voip.completeness", "Day", required=True, index=True, readonly=True, ondelete="cascade"
    )
    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    kind = fields.Selection(
        [
            ("missing", "Not logged"),
            ("open", "End not logged"),
            ("times", "Other times"),
            ("unknown", "Not in the PBX's record"),
        ],
        required=True,
        readonly=True,
    )
    call_ref = fields.Char("Id at the PBX", required=True, readonly=True)
    call_id = fields.Many2one("crm.voip.call", readonly=True, index="btree_not_null", ondelete="set null")
    at = fields.Datetime("Began", readonly=True, help="By the PBX's record, or else by the log.")
    pbx_ended_at = fields.Datetime("Ended, by the PBX's record", readonly=True)
    pbx_talk_s = fields.Float("Talk, by the PBX's record (s)", readonly=True)
    log_ended_at = fields.Datetime("Ended, by the log", readonly=True)
    log_talk_s = fields.Float("Talk, by the log (s)", readonly=True)
    solved_at = fields.Datetime("Solved", readonly=True, help="When the two were found to agree.")
    explanation = fields.Text(compute="_compute_explanation")

    _once = models.UniqueIndex("(completeness_id, kind, call_ref)")
    _open_idx = models.Index("(pbx_id) WHERE solved_at IS NULL")

    @api.depends_context("lang", "tz")
    @api.depends("kind", "at", "pbx_ended_at", "pbx_talk_s", "log_ended_at", "log_talk_s", "solved_at")
    def _compute_explanation(self):
        for one in self:
            if one.solved_at:
                one.explanation = self.env._(
                    "Solved: found to agree on %(when)s",
                    when=format_datetime(self.env, one.solved_at, dt_format="short"),
                )
            elif one.kind == "missing":
                one.explanation = self.env._(
                    "The PBX had this call, and nobody told Odoo: the bridge was away, or the record came late. "
                    "“Repair” has it read again."
                )
            elif one.kind == "open":
                one.explanation = self.env._(
                    "By the PBX's record it ended at %(end)s; the log still waits for its end. “Repair” has it read again.",
                    end=self._clock(one.pbx_ended_at),
                )
            elif one.kind == "times":
                one.explanation = self.env._(
                    "The PBX's record says: until %(pbx_end)s, %(pbx_talk)s s connected. The log: until %(log_end)s, "
                    "%(log_talk)s s. Part of it was not heard; “Repair” reads it again and recalculates.",
                    pbx_end=self._clock(one.pbx_ended_at),
                    pbx_talk=round(one.pbx_talk_s),
                    log_end=self._clock(one.log_ended_at),
                    log_talk=round(one.log_talk_s),
                )
            else:
                one.explanation = self.env._(
                    "The log has this call from the PBX itself, but its record does not: it was cut, or not written just then. "
                    "There is nothing to repair."
                )

    def _clock(self, moment):
        return format_time(self.env, moment) if moment else "?"

    @api.model
    def _compare(self, completeness, source, seen):
        """Bring the differences of a day to what the PBX's record tells now.

        :param source: "cel" or "cdr"
        :param seen: ids of calls that its record has, although they are outside the scope by now
        """
        values = {
            "day": completeness.id,
            "pbx": completeness.pbx_id.id,
            "companies": completeness.pbx_id._companies(),
            "begins": completeness.begins_at,
            "ends": completeness.ends_at,
            "now": fields.Datetime.now(),
            "tolerance": TOLERANCE,
            # CDR has whole seconds and tells a transfer as two calls: it knows whether there was a call, and that it ended
            "times": source == "cel",
            "on_its_way": ON_ITS_WAY,
            "seen": list(seen),
        }
        # one statement, however many calls; of what is found again, only a new solution is written
        self.env.cr.execute(
            SQL(
                """WITH log AS (
                       SELECT call.*, ref.ref FROM crm_voip_call AS call
                         JOIN crm_voip_call_ref AS ref ON ref.call_id = call.id AND NOT ref.is_leg
                        WHERE call.pbx_id = %(pbx)s AND call.company_id = ANY(%(companies)s)
                          AND call.started_at >= %(begins)s - interval '1 day'
                          AND call.started_at < %(ends)s + interval '1 day'),
                   told AS (
                       SELECT pbx.ref, pbx.started_at, pbx.ended_at, pbx.talk_s, log.id AS call_id, log.disposition,
                              log.started_at AS log_start, log.ended_at AS log_end, log.talk_s AS log_talk, log.hold_s
                         FROM crm_voip_audit_call AS pbx LEFT JOIN log ON log.ref = pbx.ref
                        WHERE pbx.completeness_id = %(day)s),
                   found AS (
                       SELECT CASE
                                  WHEN call_id IS NULL THEN 'missing'
                                  WHEN disposition = 'in_progress' THEN 'open'
                                  ELSE 'times' END AS kind,
                              ref, call_id, started_at, ended_at, talk_s, log_end, log_talk
                         FROM told
                        WHERE call_id IS NULL
                           OR (disposition = 'in_progress'
                               AND ended_at < %(now)s - %(on_its_way)s * interval '1 second')
                           OR (%(times)s AND disposition <> 'in_progress' AND (
                               abs(extract(epoch FROM log_start - started_at)) > %(tolerance)s
                               OR (ended_at IS NOT NULL
                                   AND COALESCE(abs(extract(epoch FROM log_end - ended_at)) > %(tolerance)s, TRUE))
                               -- the record may not know of hold: it is between talk, and talk and hold
                               OR talk_s < log_talk - %(tolerance)s
                               OR talk_s > log_talk + COALESCE(hold_s, 0) + %(tolerance)s))
                       UNION ALL
                       SELECT DISTINCT ON (log.id) 'unknown', log.call_ref, log.id, log.started_at, NULL::timestamp,
                              NULL::double precision, log.ended_at, log.talk_s
                         FROM log
                        -- what is not told of somebody who was anonymised is as it should be
                        WHERE log.forgotten_at IS NULL AND log.started_at >= %(begins)s + interval '2 seconds'
                          AND log.started_at < %(ends)s - interval '2 seconds'
                          AND NOT EXISTS (
                              SELECT FROM crm_voip_call_ref AS own
                               WHERE own.call_id = log.id AND NOT own.is_leg AND (
                                   own.ref = ANY(%(seen)s::varchar[])
                                   OR EXISTS (SELECT FROM crm_voip_audit_call AS pbx
                                               WHERE pbx.completeness_id = %(day)s AND pbx.ref = own.ref)))),
                   solved AS (
                       UPDATE crm_voip_difference AS known SET solved_at = %(now)s, write_date = %(now)s
                        WHERE known.completeness_id = %(day)s AND known.solved_at IS NULL
                          AND NOT EXISTS (SELECT FROM found
                                           WHERE found.kind = known.kind AND found.ref = known.call_ref))
                   INSERT INTO crm_voip_difference AS known
                       (completeness_id, pbx_id, kind, call_ref, call_id, at, pbx_ended_at, pbx_talk_s, log_ended_at,
                        log_talk_s, create_uid, create_date, write_uid, write_date)
                   SELECT %(day)s, %(pbx)s, kind, ref, call_id, started_at, ended_at, talk_s, log_end, log_talk,
                          1, %(now)s, 1, %(now)s
                     FROM found
                   ON CONFLICT (completeness_id, kind, call_ref) DO UPDATE
                      SET solved_at = NULL, call_id = EXCLUDED.call_id, log_ended_at = EXCLUDED.log_ended_at,
                          log_talk_s = EXCLUDED.log_talk_s, write_date = EXCLUDED.write_date""",
                **values,
            )
        )
        self.invalidate_model(flush=False)

    @api.model
    def _unknown_refs(self, completeness):
        """:return: ids of calls that the log has and the PBX's record has not told"""
        rows = self.env.execute_query(
            SQL(
                """SELECT ref.ref FROM crm_voip_difference AS one
                     JOIN crm_voip_call_ref AS ref ON ref.call_id = one.call_id AND NOT ref.is_leg
                    WHERE one.completeness_id = %s AND one.kind = 'unknown' AND one.solved_at IS NULL
                    ORDER BY ref.id LIMIT 1000""",
                completeness.id,
            )
        )
        return [ref for (ref,) in rows]

    def action_repair(self):
        """Recalculate, and read again what the log lacks of these days."""
        self.completeness_id.action_repair()

    def action_open_call(self):
        """The call of the log."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.voip.call",
            "res_id": self.call_id.id,
            "views": [(False, "form")],
        }
