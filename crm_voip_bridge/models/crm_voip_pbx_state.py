from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .crm_voip_pbx import SILENCE

#: days without a word after which a bridge counts as gone
PRESENT_DAYS = 7


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
    known = fields.Integer(
        "Known up to", readonly=True, help="Place in what the bridge keeps, up to which all of it has arrived here."
    )

    heard_since = fields.Datetime("First heard", readonly=True)

    _bridge_unique = models.UniqueIndex("(pbx_id, bridge)")

    @api.model
    def _count_present(self, pbx):
        """:return: how many bridges reported within the last days, so that each may fill what another one misses"""
        since = fields.Datetime.now() - timedelta(days=PRESENT_DAYS)
        [(count,)] = self.env.execute_query(
            SQL("SELECT count(*) FROM crm_voip_pbx_state WHERE pbx_id = %s AND seen_at > %s", pbx.id, since)
        )
        return count

    @api.model
    def _note(self, pbx, bridge, difference, has_events, places=None):
        """Keep what a bridge says of itself.

        :param bridge: the checked ``bridge`` object of a request: id, version, pbx, waiting
        :param difference: seconds by which its clock is ahead of ours, None if it did not say
        :param has_events: whether events came with it
        :param places: ``(after, last)``: of what the bridge keeps, all after the one place and up to the other has
            come with it; None if it did not say. An older backup of this database knows less than ``after``:
            then that stays so, and the bridge goes back
        :return: the place up to which all of it is known, None if that was never said
        """
        after, last = places or (None, None)
        now = fields.Datetime.now()
        [(is_news, place)] = self.env.execute_query(
            SQL(
                """WITH before AS (
                       SELECT pbx_says, seen_at, event_at FROM %(table)s
                        WHERE pbx_id = %(pbx)s AND bridge = %(bridge)s)
                   INSERT INTO %(table)s AS known
                       (pbx_id, bridge, version, pbx_says, seen_at, event_at, clock_difference, waiting, known,
                        heard_since)
                   VALUES (%(pbx)s, %(bridge)s, %(version)s, %(says)s, %(now)s, %(event)s, %(difference)s, %(waiting)s,
                           CASE WHEN %(after)s = 0 THEN %(last)s ELSE 0 END, %(now)s)
                   ON CONFLICT (pbx_id, bridge) DO UPDATE
                      SET version = EXCLUDED.version, pbx_says = EXCLUDED.pbx_says, seen_at = EXCLUDED.seen_at,
                          event_at = COALESCE(EXCLUDED.event_at, known.event_at),
                          clock_difference = EXCLUDED.clock_difference, waiting = EXCLUDED.waiting,
                          -- empty: it was there before places were said, so what it says is believed once
                          known = CASE WHEN COALESCE(known.known, %(after)s) >= %(after)s
                                       THEN GREATEST(known.known, %(last)s) ELSE known.known END
                   RETURNING NOT EXISTS (
                       SELECT FROM before
                        WHERE pbx_says IS NOT DISTINCT FROM %(says)s AND seen_at > %(fresh)s
                          AND (event_at IS NOT NULL OR %(event)s::timestamp IS NULL)), known.known""",
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
                after=after,
                last=last,
            )
        )
        if is_news:
            self.env["crm.voip.pbx"]._tell_onboarding()
        return place
