"""Old calls without their PBX record: what they were stays, and what is known of them is known for ever."""

import hashlib
import re
from collections import defaultdict
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: bytes kept of each event id: among the events of one call, no two are ever alike in so many
HASH_BYTES = 8
#: why an event is not taken, told to the bridge and shown on the PBX's form
FROZEN = "the call is older than its PBX record is kept, and takes no further event"
_LIFE = re.compile(r"~[0-9]+\Z")


class Group(NamedTuple):
    """Calls that are settled together, because their ids were ever said to belong together.

    :param call_ids: of ``crm.voip.call``
    :param refs: the PBX's ids of these calls
    :param row_ids: of the rows of ``crm.voip.call.ref`` of these calls
    :param leg_ids: of those of their legs
    """

    call_ids: list
    refs: list
    row_ids: list
    leg_ids: list


class CrmVoipCompacted(models.Model):
    """What is left of the PBX record of one call: a hash of each event's id.

    A late repeat of an event counts as known; anything else that is said of the call is refused. The call itself is
    ``frozen``: no fold touches it again, and its numbers stay what they were.

    Compacting takes whole groups of calls (:class:`Group`), with their rows in ``crm.voip.call.ref`` locked and
    written: an event that comes at the same moment fails on them, and finds the call compacted when it is tried again.
    """

    _name = "crm.voip.compacted"
    _description = "Compacted PBX record"
    _rec_name = "call_ref"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", required=True, ondelete="cascade")
    call_ref = fields.Char(required=True)
    hashes = fields.Binary(attachment=False, help="The first 8 bytes of SHA-256 of each event id, one after the other.")

    _call_unique = models.UniqueIndex("(pbx_id, call_ref)")

    @api.model
    def _known(self, pbx, refs):
        """:return: ``{ref: set of hashes}`` of those calls that are compacted"""
        rows = self.env.execute_query(
            SQL(
                "SELECT call_ref, hashes FROM crm_voip_compacted WHERE pbx_id = %s AND call_ref = ANY(%s)", pbx.id, refs
            )
        )
        return {
            ref: {bytes(hashes[at : at + HASH_BYTES]) for at in range(0, len(hashes), HASH_BYTES)}
            for ref, hashes in ((ref, bytes(hashes or b"")) for ref, hashes in rows)
        }

    @api.model
    def _close(self, pbx, refs):
        """Let nothing be taken any more that is said of these calls, which Odoo does not have."""
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_voip_compacted (pbx_id, call_ref, hashes)
                   SELECT %s, ref, ''::bytea FROM unnest(%s::varchar[]) AS said (ref)
                   ON CONFLICT (pbx_id, call_ref) DO NOTHING""",
                pbx.id,
                sorted(refs),
            )
        )

    @api.model
    def _compact(self, pbx, call_ids, before=None):
        """Compact calls with all that belongs to them; what is not settled yet is left for another time.

        :param call_ids: of calls of the PBX
        :param before: only groups whose calls all began before this moment, UTC
        :return: ids of the calls that are frozen now
        """
        groups = self._groups(pbx, call_ids, before)
        refs = sorted(ref for group in groups for ref in group.refs)
        frozen = sorted(ident for group in groups for ident in group.call_ids)
        if not groups:
            return frozen
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_voip_compacted AS known (pbx_id, call_ref, hashes)
                   SELECT %(pbx)s, said.ref, COALESCE(string_agg(
                              substring(sha256(convert_to(entry.event_id, 'UTF8')) FOR %(size)s), ''::bytea
                          ), ''::bytea)
                     FROM unnest(%(refs)s::varchar[]) AS said (ref)
                LEFT JOIN crm_voip_journal AS entry ON entry.pbx_id = %(pbx)s AND entry.call_ref = said.ref
                 GROUP BY said.ref
                   ON CONFLICT (pbx_id, call_ref) DO UPDATE SET hashes = known.hashes || EXCLUDED.hashes""",
                pbx=pbx.id,
                refs=refs,
                size=HASH_BYTES,
            )
        )
        self._drop_journal(pbx, refs)
        self._drop_refs([ident for group in groups for ident in group.leg_ids])
        # a new version of each row, so that whoever marks it with an older snapshot starts anew
        self.env.cr.execute(
            SQL(
                "UPDATE crm_voip_call_ref SET dirty = FALSE WHERE id = ANY(%s)",
                [ident for group in groups for ident in group.row_ids],
            )
        )
        self.env.cr.execute(SQL("UPDATE crm_voip_call SET frozen = TRUE WHERE id = ANY(%s)", frozen))
        self.env["crm.voip.call"].browse(frozen).invalidate_recordset(["frozen"], flush=False)
        self.env["crm.voip.call.ref"].invalidate_model(flush=False)
        return frozen

    @api.model
    def _delete(self, pbx, call_ids, before):
        """Delete calls with all that hangs on them and all that the PBX said of them.

        A call stays as long as a callback goes on that it belongs to.

        :param before: only groups whose calls all began before this moment, UTC
        :return: ids of the calls that are no more
        """
        groups = self._groups(pbx, call_ids, before)
        ids = [call_id for group in groups for call_id in group.call_ids]
        callbacks = self.env["crm.voip.callback"].search(
            Domain("first_call_id", "in", ids) | Domain("last_call_id", "in", ids)
        )
        going_on = callbacks.filtered(lambda callback: callback.last_missed_at >= before)
        staying = set((going_on.first_call_id | going_on.last_call_id).ids)
        groups = [group for group in groups if staying.isdisjoint(group.call_ids)]
        calls = self.env["crm.voip.call"].browse(sorted(call_id for group in groups for call_id in group.call_ids))
        # files and activities are not what the database deletes by itself
        self.env["crm.voip.recording"].search([("call_id", "in", calls.ids)])._forget("expired")
        (callbacks - going_on)._vanish()
        calls.with_context(crm_voip_absorbed=True).unlink()
        refs = [ref for group in groups for ref in group.refs]
        self._drop_journal(pbx, refs)
        self._drop_refs([ident for group in groups for ident in (*group.row_ids, *group.leg_ids)])
        self.env.cr.execute(
            SQL("DELETE FROM crm_voip_compacted WHERE pbx_id = %s AND call_ref = ANY(%s)", pbx.id, refs)
        )
        return calls.ids

    @api.model
    def _groups(self, pbx, call_ids, before=None):
        """The groups of calls that are settled, locked.

        Left out are those of which something waits to be calculated, of which a call still lasts, or of which
        one began later than asked.

        :return: list of :class:`Group`
        """
        self.env["crm.voip.call"].flush_model(["call_ref", "started_at", "disposition"])
        heads = [
            head
            for (head,) in self.env.execute_query(
                SQL(
                    """SELECT DISTINCT ref.head FROM crm_voip_call AS call
                         JOIN crm_voip_call_ref AS ref ON ref.pbx_id = call.pbx_id AND NOT ref.is_leg
                              -- an id that was used for an earlier call as well, see lib.fold
                          AND ref.ref IN (call.call_ref, regexp_replace(call.call_ref, '~[0-9]+$', ''))
                        WHERE call.pbx_id = %s AND call.id = ANY(%s)""",
                    pbx.id,
                    list(call_ids),
                )
            )
        ]
        groups, head_of, blocked = defaultdict(lambda: Group([], [], [], [])), {}, set()
        for row_id, ref, is_leg, head, dirty in self.env.execute_query(
            SQL(
                """SELECT id, ref, is_leg, head, dirty FROM crm_voip_call_ref
                    WHERE pbx_id = %s AND head = ANY(%s) ORDER BY id FOR UPDATE""",
                pbx.id,
                heads,
            )
        ):
            group = groups[head]
            if is_leg:
                group.leg_ids.append(row_id)
                continue
            group.row_ids.append(row_id)
            group.refs.append(ref)
            head_of[ref] = head
            if dirty:
                blocked.add(head)
        # the lives of an id that came again are calls of their own, and nothing points to the later ones
        names = [name for ref in head_of for name in (ref, *(f"{ref}~{life}" for life in range(2, 10)))]
        for call_id, call_ref, lasts, late in self.env.execute_query(
            SQL(
                """SELECT id, call_ref, disposition = 'in_progress', COALESCE(started_at, create_date) >= %s
                     FROM crm_voip_call WHERE pbx_id = %s AND call_ref = ANY(%s)""",
                before,
                pbx.id,
                names,
            )
        ):
            head = head_of.get(call_ref) or head_of[_LIFE.sub("", call_ref)]
            groups[head].call_ids.append(call_id)
            if lasts or late:
                blocked.add(head)
        return [group for head, group in groups.items() if head not in blocked]

    @api.model
    def _drop_journal(self, pbx, refs):
        self.env.cr.execute(
            SQL("DELETE FROM crm_voip_journal WHERE pbx_id = %s AND call_ref = ANY(%s)", pbx.id, list(refs))
        )

    @api.model
    def _drop_refs(self, row_ids):
        self.env.cr.execute(SQL("DELETE FROM crm_voip_call_ref WHERE id = ANY(%s)", list(row_ids)))


def hash_of(event_id):
    """:return: what is kept of an event id, as :meth:`CrmVoipCompacted._compact` makes it in SQL"""
    return hashlib.sha256(event_id.encode()).digest()[:HASH_BYTES]
