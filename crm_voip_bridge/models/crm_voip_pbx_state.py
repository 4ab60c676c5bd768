from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .crm_voip_pbx import SILENCE


class CrmVoipPbxState(models.Model):
    """What a bridge last said of itself; one row for each bridge of a PBX, written in plain SQL."""

    _name = "crm.voip.pbx.state"
    _description = "State of a bridge"
    _order = "seen_at desc, id"
    _rec_name = "bridge"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    bridge = fields.Char(required=True, readonly=True)
    version = fields.Char(readonly=True)
    pbx_says = fields.Char("Connection to the PBX", readonly=True)
    seen_at = fields.Datetime("Last heard", readonly=True)
    event_at = fields.Datetime("Last event arrived", readonly=True)
    clock_difference = fields.Float("Clock difference (s)", readonly=True)
    waiting = fields.Integer("Waiting to send", readonly=True)

    _bridge_unique = models.UniqueIndex("(pbx_id, bridge)")

    @api.model
    def _note(self, pbx, bridge, difference, has_events):
        """Keep what a bridge says of itself.

        :param bridge: the checked ``bridge`` object of a request: id, version, pbx, waiting
        :param difference: seconds by which its clock is ahead of ours, None if it did not say
        :param has_events: whether events came with it
        """
        now = fields.Datetime.now()
        [(is_news,)] = self.env.execute_query(
            SQL(
                """WITH before AS (
                       SELECT pbx_says, seen_at, event_at FROM %(table)s
                        WHERE pbx_id = %(pbx)s AND bridge = %(bridge)s)
                   INSERT INTO %(table)s AS known
                       (pbx_id, bridge, version, pbx_says, seen_at, event_at, clock_difference, waiting)
                   VALUES (%(pbx)s, %(bridge)s, %(version)s, %(says)s, %(now)s, %(event)s, %(difference)s, %(waiting)s)
                   ON CONFLICT (pbx_id, bridge) DO UPDATE
                      SET version = EXCLUDED.version, pbx_says = EXCLUDED.pbx_says, seen_at = EXCLUDED.seen_at,
                          event_at = COALESCE(EXCLUDED.event_at, known.event_at),
                          clock_difference = EXCLUDED.clock_difference, waiting = EXCLUDED.waiting
                   RETURNING NOT EXISTS (
                       SELECT FROM before
                        WHERE pbx_says IS NOT DISTINCT FROM %(says)s AND seen_at > %(fresh)s
                          AND (event_at IS NOT NULL OR %(event)s::timestamp IS NULL))""",
                table=SQL.identifier(self._table),
                pbx=pbx.id,
                bridge=bridge["id"],
                version=bridge["version"],
                says=bridge["pbx"],
                now=now,
                fresh=now - timedelta(seconds=SILENCE),
                event=now if has_events else None,
                difference=difference,
                waiting=bridge["waiting"],
            )
        )
        if is_news:
            self.env["crm.voip.pbx"]._tell_onboarding()
