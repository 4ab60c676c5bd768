from odoo import api, fields, models
from odoo.tools import SQL


class CrmVoipCallRef(models.Model):
    """Every id of a call or leg that a PBX ever used, and which of them are one call.

    Ids that belong together have the same ``head``, the id of one call among them. When calls
    merge, the heads of the one become those of the other, and an id that is no longer the
    call's own keeps pointing to it. A row of a call is also the mark that it is to be folded,
    and the lock while that happens.

    A mark is always an UPDATE, also of a row that is marked already: whoever folds that call
    with an older snapshot then fails to take the lock and starts anew, so no event is missed.
    """

    _name = "crm.voip.call.ref"
    _description = "Id of a call"
    _rec_name = "ref"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", required=True, ondelete="restrict")
    ref = fields.Char(required=True)
    is_leg = fields.Boolean(required=True)
    head = fields.Char(required=True)
    call_id = fields.Many2one("crm.voip.call", index="btree_not_null", ondelete="set null")
    dirty = fields.Boolean(required=True, default=False)
    error = fields.Char(help="Why it could not be calculated the last time.")

    _ref_unique = models.UniqueIndex("(pbx_id, ref, is_leg)")
    _head_idx = models.Index("(pbx_id, head)")
    # as the ORM asks: PostgreSQL does not see that the one is the other
    _dirty_idx = models.Index("(pbx_id, id) WHERE dirty IS TRUE")

    @api.model
    def _mark(self, pbx, events):
        """Take in the ids that events name and mark their calls as to be folded."""
        calls, legs = set(), {}
        for event in events:
            for ref, is_leg in _named([event]):
                if is_leg:
                    legs.setdefault(ref, event.call)
                else:
                    calls.add(ref)
        # in order, so that two bridges wait for each other instead of locking each other out
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_voip_call_ref (pbx_id, ref, is_leg, head, dirty)
                   SELECT %s, ref, FALSE, ref, TRUE FROM unnest(%s::varchar[]) AS call (ref)
                   ON CONFLICT (pbx_id, ref, is_leg) DO UPDATE SET dirty = TRUE""",
                pbx.id,
                sorted(calls),
            )
        )
        if legs:
            self.env.cr.execute(
                SQL(
                    """INSERT INTO crm_voip_call_ref (pbx_id, ref, is_leg, head, dirty)
                       SELECT %s, ref, TRUE, head, FALSE FROM unnest(%s::varchar[], %s::varchar[]) AS leg (ref, head)
                       ON CONFLICT (pbx_id, ref, is_leg) DO NOTHING""",
                    pbx.id,
                    sorted(legs),
                    [legs[ref] for ref in sorted(legs)],
                )
            )

    @api.model
    def _refs_of(self, events):
        """:return: the calls that events are about"""
        return sorted(ref for ref, is_leg in _named(events) if not is_leg)

    @api.model
    def _mark_refs(self, pbx, refs):
        """Mark calls that are known already as to be folded."""
        self.env.cr.execute(
            SQL(
                "UPDATE crm_voip_call_ref SET dirty = TRUE WHERE pbx_id = %s AND ref = ANY(%s) AND NOT is_leg",
                pbx.id,
                list(refs),
            )
        )

    @api.model
    def _note_error(self, pbx, refs, reason):
        """:return: whether this is news"""
        return bool(
            self.env.execute_query(
                SQL(
                    """UPDATE crm_voip_call_ref SET error = %(reason)s
                        WHERE pbx_id = %(pbx)s AND ref = ANY(%(refs)s) AND NOT is_leg
                          AND error IS DISTINCT FROM %(reason)s RETURNING id""",
                    reason=reason,
                    pbx=pbx.id,
                    refs=list(refs),
                )
            )
        )

    @api.model
    def _groups(self, pbx, refs, skip_locked=False, told=()):
        """Lock the marked calls among some ids, with all that belongs to them, and read their events.

        :param refs: ids of calls
        :param skip_locked: leave what another transaction is folding to it
        :param told: events of the journal that need not be read again
        :return: list of :class:`Group`
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT ref, head FROM crm_voip_call_ref"
                " WHERE pbx_id = %s AND ref = ANY(%s) AND NOT is_leg AND dirty ORDER BY id FOR UPDATE %s",
                pbx.id,
                list(refs),
                SQL("SKIP LOCKED") if skip_locked else SQL(),
            )
        )
        nodes, events = {}, {}
        wanted, heads = {(ref, False) for ref, _head in rows}, {head for _ref, head in rows}
        while wanted:
            nodes.update(self._lock(pbx, heads))
            for key in wanted:  # named by an event that is in the journal, but not marked yet: its own turn comes
                nodes.setdefault(key, (None, key[0], None))
            calls = {ref for ref, is_leg in nodes if not is_leg} - events.keys()
            events.update((ref, []) for ref in calls)
            for event in self.env["crm.voip.journal"]._events(pbx, calls, told) if calls else ():
                events[event.call].append(event)
            wanted.update(*(_named(events[call]) for call in calls))
            # an event that came since the mark may name what was not known to belong here
            wanted -= nodes.keys()
            heads = self._heads(pbx, wanted) if wanted else set()
        return _join(nodes, events)

    # two queries with arrays rather than one with a subquery: right also before PostgreSQL has statistics

    def _heads(self, pbx, keys):
        """:return: the heads of ids, given as ``(ref, is_leg)``"""
        return {
            head
            for ref, is_leg, head in self.env.execute_query(
                SQL(
                    "SELECT ref, is_leg, head FROM crm_voip_call_ref WHERE pbx_id = %s AND ref = ANY(%s)",
                    pbx.id,
                    [ref for ref, _is_leg in keys],
                )
            )
            if (ref, is_leg) in keys
        }

    def _lock(self, pbx, heads):
        """:return: ``{(ref, is_leg): (row id, head, call id)}`` of all that has one of these heads, locked"""
        return {
            (ref, is_leg): (row_id, head, call_id)
            for row_id, ref, is_leg, head, call_id in self.env.execute_query(
                SQL(
                    "SELECT id, ref, is_leg, head, call_id FROM crm_voip_call_ref"
                    " WHERE pbx_id = %s AND head = ANY(%s) ORDER BY id FOR UPDATE",
                    pbx.id,
                    list(heads),
                )
            )
        }

    @api.model
    def _settle(self, groups, call_of):
        """Write down which ids are one call, and that they are folded.

        :param call_of: ``{id(group): call record}``
        """
        rows = [
            # a leg's row finds its call by the head
            (row_id, group.head, None if is_leg else call_of.get(id(group)))
            for group in groups
            for row_id, is_leg, head in group.rows
            if not is_leg or head != group.head
        ]
        self.env.cr.execute(
            SQL(
                """UPDATE crm_voip_call_ref AS ref
                      SET head = new.head, call_id = new.call_id, dirty = FALSE, error = NULL
                     FROM unnest(%s::int[], %s::varchar[], %s::int[]) AS new(id, head, call_id)
                    WHERE ref.id = new.id
                      AND (ref.dirty OR ref.head != new.head OR ref.call_id IS DISTINCT FROM new.call_id)""",
                [row[0] for row in rows],
                [row[1] for row in rows],
                [row[2] for row in rows],
            )
        )
        self.invalidate_model(flush=False)


class Group:
    """Ids that are one call, or several where the PBX used an id again, with their events.

    :param head: the id that stands for all
    :param rows: ``(id, is_leg, head)`` of the rows of :class:`CrmVoipCallRef`
    :param call_ids: ids of the calls that were folded from it before, several if they merge now
    :param events: all that was said
    """

    __slots__ = ("call_ids", "events", "head", "rows")

    def __init__(self):
        self.head, self.rows, self.call_ids, self.events = None, [], set(), []


def _named(events):
    """:return: the ids that events are about, as ``{(ref, is_leg)}``; what merges is named by the event that says so"""
    named = set()
    for event in events:
        named.add((event.call, False))
        if event.leg:
            named.add((event.leg, True))
        for key, is_leg in (("calls", False), ("legs", True)):
            if key in event.data:
                named.update((ref, is_leg) for ref in _texts(event.data[key]))
    return named


def _texts(values):
    """The ids in a list from outside, whatever else it holds."""
    if not isinstance(values, list):
        return []
    return [text for text in values if isinstance(text, str) and 0 < len(text) <= 160]


def _join(nodes, events):
    """:return: a :class:`Group` for each set of ids that belong together"""
    parent = {}

    def find(key):
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    for key, (_row_id, head, _call_id) in nodes.items():
        parent[find(key)] = find((head, False))
    for call, said in events.items():
        for other in _named(said):
            parent[find(other)] = find((call, False))
    groups = {}
    for key in sorted(nodes):
        ref, is_leg = key
        row_id, head, call_id = nodes[key]
        group = groups.setdefault(find(key), Group())
        if row_id:
            group.rows.append((row_id, is_leg, head))
        if call_id:
            group.call_ids.add(call_id)
        if not is_leg:
            group.head = min(group.head or ref, ref)
            group.events += events.get(ref, ())
    return [group for group in groups.values() if group.events]
