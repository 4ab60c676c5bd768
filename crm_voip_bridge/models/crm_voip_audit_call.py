import json

from odoo import api, fields, models
from odoo.tools import SQL


class CrmVoipAuditCall(models.Model):
    """What a PBX's own record tells of the calls of a day, while it is being compared; nobody reads it."""

    _name = "crm.voip.audit.call"
    _description = "Call in a PBX's own record"
    _log_access = False

    completeness_id = fields.Many2one("crm.voip.completeness", required=True, ondelete="cascade")
    ref = fields.Char(required=True)
    started_at = fields.Datetime(required=True)
    ended_at = fields.Datetime()
    talk_s = fields.Float()

    _ref_unique = models.UniqueIndex("(completeness_id, ref)")

    @api.model
    def _add(self, completeness, calls):
        """:param calls: ``[{"ref", "started_at", "ended_at", "talk_s"}, …]``, times in ISO 8601 without a zone"""
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_voip_audit_call (completeness_id, ref, started_at, ended_at, talk_s)
                   SELECT %s, ref, started_at, ended_at, talk_s
                     FROM json_to_recordset(%s) AS call (ref varchar, started_at timestamp, ended_at timestamp,
                          talk_s double precision)
                   ON CONFLICT DO NOTHING""",
                completeness.id,
                json.dumps(calls),
            )
        )

    @api.model
    def _count(self, completeness):
        """:return: how many calls were told; ids that the log knows to be one call count once"""
        [(count,)] = self.env.execute_query(
            SQL(
                """SELECT count(DISTINCT COALESCE('call ' || ref.call_id, told.ref))
                     FROM crm_voip_audit_call AS told
                     LEFT JOIN crm_voip_call_ref AS ref
                       ON ref.pbx_id = %s AND ref.ref = told.ref AND NOT ref.is_leg
                    WHERE told.completeness_id = %s""",
                completeness.pbx_id.id,
                completeness.id,
            )
        )
        return count

    @api.model
    def _drop_legs(self, completeness):
        """CDR tells what a transfer left of a call as a call of its own, by the id of a leg: the call is told already."""
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_voip_audit_call AS told USING crm_voip_call_ref AS leg
                    WHERE told.completeness_id = %(day)s
                      AND leg.pbx_id = %(pbx)s AND leg.ref = told.ref AND leg.is_leg
                      AND NOT EXISTS (SELECT FROM crm_voip_call_ref AS call
                                       WHERE call.pbx_id = %(pbx)s AND call.ref = told.ref AND NOT call.is_leg)""",
                day=completeness.id,
                pbx=completeness.pbx_id.id,
            )
        )

    @api.model
    def _forget(self, completeness):
        self.env.cr.execute(SQL("DELETE FROM crm_voip_audit_call WHERE completeness_id = %s", completeness.id))
