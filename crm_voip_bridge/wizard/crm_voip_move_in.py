import time
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tools import SQL

#: calls taken over by one statement
BATCH = 5000
#: seconds after which somebody who waits is told how far it is
PATIENCE = 20


@dataclass(frozen=True)
class Source:
    """Where calls are taken over from.

    :param model: name of a model of another addon
    :param title: what that addon calls them, translated
    :param origin: as in ``crm.voip.typed.call``
    :param fields: names that the model must have, so that it is the one we know
    :param columns: SQL of ``company_id, user_id, partner_id, lead_id, number, started_at, minutes, direction, note``
        from the table, called ``source``, and from ``person``, whose call it was
    :param person: SQL of the id of the user whose call it was
    :param happened: SQL of whether it is a call that took place and is over
    :param left: why the others stay where they are, translated
    """

    model: str
    title: str
    origin: str
    fields: frozenset
    columns: SQL
    person: SQL
    happened: SQL
    left: str


class CrmVoipMoveIn(models.TransientModel):
    """Takes over the calls that were kept by other addons; they stay there, too.

    They become calls that no PBX saw, marked as moved in for ever, and so never part of measured figures. Each is
    taken over once, in SQL, some thousand at a time: a company may bring ten years of them.
    """

    _name = "crm.voip.move.in"
    _description = "Moving in"

    line_ids = fields.One2many("crm.voip.move.in.line", "move_id", readonly=True)
    waiting = fields.Integer("To take over", compute="_compute_counts")
    taken = fields.Integer("Taken over", compute="_compute_counts")
    progress = fields.Float(compute="_compute_counts")

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        if "line_ids" in fields:
            self._check_administrator()
            values["line_ids"] = [Command.create(self._look(source)) for source in self._present()]
        return values

    @api.depends("line_ids.waiting", "line_ids.taken")
    def _compute_counts(self):
        for move in self:
            move.waiting = sum(move.line_ids.mapped("waiting"))
            move.taken = sum(move.line_ids.mapped("taken"))
            move.progress = 100 * move.taken / ((move.taken + move.waiting) or 1)

    # --- what there is ---

    @api.model
    def _sources(self):
        """Where calls may be taken over from; extend it for addons of your own.

        :return: list of :class:`Source`
        """
        return [
            Source(
                model="crm.phonecall",
                title=self.env._("Phone calls that people typed (crm_phonecall)"),
                origin="imported_typed",
                fields=frozenset(
                    ("company_id", "user_id", "partner_id", "opportunity_id", "partner_phone", "date", "date_open",
                     "duration", "direction", "state", "name", "description", "tag_ids")
                ),
                # its durations are wrong where it reckoned them (from the planned date, and 0 where one was typed):
                # nobody can tell which, so they stay as they are, and mere zeros are not known
                columns=SQL(
                    """COALESCE(source.company_id, person.company_id) AS company_id, source.partner_id,
                       source.opportunity_id AS lead_id, source.partner_phone AS number,
                       date_trunc('second', COALESCE(source.date, source.date_open, source.create_date)) AS started_at,
                       CASE WHEN source.duration > 0 THEN source.duration END AS minutes,
                       CASE source.direction WHEN 'in' THEN 'inbound' ELSE 'outbound' END AS direction,
                       concat_ws(E'\\n', source.name, NULLIF(source.description, ''), (
                           SELECT string_agg('#' || (tag.name->>'en_US'), ' ' ORDER BY tag.id)
                             FROM crm_phonecall_tag_rel AS rel JOIN crm_tag AS tag ON tag.id = rel.tag_id
                            WHERE rel.phone_id = source.id)) AS note"""
                ),
                person=SQL("COALESCE(source.user_id, source.create_uid)"),
                happened=SQL("source.state = 'done'"),
                left=self.env._("planned or cancelled: they are no calls that took place"),
            ),
            Source(
                model="voip.call",
                title=self.env._("Calls of the softphone in the browser (voip_oca)"),
                origin="imported_browser",
                fields=frozenset(
                    ("user_id", "partner_id", "phone_number", "type_call", "state", "start_date", "end_date",
                     "activity_name")
                ),
                columns=SQL(
                    """person.company_id, source.partner_id, NULL::integer AS lead_id, source.phone_number AS number,
                       date_trunc('second', COALESCE(source.start_date, source.create_date)) AS started_at,
                       CASE WHEN source.end_date >= source.start_date
                            THEN extract(epoch FROM source.end_date - source.start_date)::float / 60 END AS minutes,
                       CASE source.type_call WHEN 'incoming' THEN 'inbound' ELSE 'outbound' END AS direction,
                       NULLIF(concat_ws(E'\\n', NULLIF(source.activity_name, ''),
                           CASE WHEN source.state != 'terminated' THEN initcap(source.state) END), '') AS note"""
                ),
                person=SQL("COALESCE(source.user_id, source.create_uid)"),
                # a browser that was closed leaves its call as it was: after a day it is over
                happened=SQL(
                    "(source.state NOT IN ('calling', 'ongoing')"
                    " OR source.create_date < now() AT TIME ZONE 'UTC' - interval '1 day')"
                ),
                left=self.env._("still going on"),
            ),
        ]  # fmt: skip

    @api.model
    def _present(self):
        """:return: those sources whose addon is installed"""
        return [
            source
            for source in self._sources()
            if source.model in self.env and source.fields <= self.env[source.model]._fields.keys()
        ]

    @api.model
    def _is_needed(self):
        """Whether any call waits to be taken over, in any of the user's companies."""
        return any(
            self.env.execute_query(SQL("SELECT EXISTS (%s)", self._rows(source, SQL("1"))))[0][0]
            for source in self._present()
        )

    @api.model
    def _rows(self, source, columns, waiting=True):
        """:return: SQL that selects columns of the calls of a source that took place, in the companies at hand

        :param waiting: only those that are not taken over
        """
        self.env.flush_all()
        fresh = SQL(
            """NOT EXISTS (SELECT FROM crm_voip_typed_call AS typed
                            WHERE typed.imported_ref = %s || source.id::text)""",
            f"{source.model},",
        )
        return SQL(
            """SELECT %(columns)s
                 FROM (SELECT source.id, person.id AS user_id, %(own)s, (%(happened)s) AS happened
                         FROM %(table)s AS source JOIN res_users AS person ON person.id = COALESCE(%(person)s, %(me)s)
                      ) AS source
                WHERE source.company_id = ANY(%(companies)s) AND %(fresh)s""",
            columns=columns,
            own=source.columns,
            happened=source.happened,
            table=SQL.identifier(self.env[source.model]._table),
            person=source.person,
            me=self.env.uid,
            companies=self.env.companies.ids,
            fresh=SQL("source.happened AND %s", fresh) if waiting else SQL("TRUE"),
        )

    @api.model
    def _look(self, source):
        """:return: values of a line about a source"""
        columns = SQL("count(*), min(source.started_at), max(source.started_at)")
        ((waiting, first, last),) = self.env.execute_query(self._rows(source, columns))
        ((every, happened),) = self.env.execute_query(
            self._rows(source, SQL("count(*), count(*) FILTER (WHERE source.happened)"), waiting=False)
        )
        return {
            "model": source.model,
            "title": source.title,
            "waiting": waiting,
            "taken": happened - waiting,
            "left": every - happened,
            "left_why": source.left,
            "date_from": first and first.date(),
            "date_to": last and last.date(),
        }

    # --- taking over ---

    def action_take_over(self):
        """Take over what waits, for as long as somebody has the patience to look on."""
        self.ensure_one()
        self._check_administrator()
        until = time.monotonic() + PATIENCE
        for source in self._present():
            after = 0
            while time.monotonic() < until and (after := self._take(source, after)):
                pass
        self.env["crm.voip.typed.call"].invalidate_model()
        # the menu goes away with the last call
        self.env.registry.clear_cache()
        self.line_ids = [Command.clear(), *(Command.create(self._look(source)) for source in self._present())]
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Moving in"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_view(self):
        """The calls that were taken over."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Calls that were moved in"),
            "res_model": "crm.voip.typed.call",
            "views": [(False, "list"), (False, "form")],
            "domain": [("imported_ref", "!=", False)],
        }

    def _check_administrator(self):
        if not self.env.user.has_group("crm_voip_bridge.group_manager"):
            raise AccessError(self.env._("Only an administrator of calls takes calls over from elsewhere."))

    @api.model
    def _take(self, source, after):
        """Take over the next calls of a source.

        :param after: id of the last one that was looked at
        :return: the same for the next time, 0 if there are no more
        """
        names = (
            "company_id",
            "user_id",
            "partner_id",
            "lead_id",
            "number",
            "started_at",
            "minutes",
            "direction",
            "note",
        )
        columns = SQL(", ").join(SQL.identifier(name) for name in names)
        batch = SQL(
            "%s AND source.id > %s ORDER BY source.id LIMIT %s", self._rows(source, SQL("source.*")), after, BATCH
        )
        ((last,),) = self.env.execute_query(
            SQL(
                """WITH batch AS MATERIALIZED (%(batch)s),
                        taken AS (INSERT INTO crm_voip_typed_call (imported_ref, origin, %(columns)s)
                                  SELECT %(model)s || batch.id::text, %(origin)s, %(columns)s FROM batch
                                  ON CONFLICT DO NOTHING)
                   SELECT COALESCE(max(id), 0) FROM batch""",
                batch=batch,
                columns=columns,
                model=f"{source.model},",
                origin=source.origin,
            )
        )
        return last


class CrmVoipMoveInLine(models.TransientModel):
    """What one addon has to take over."""

    _name = "crm.voip.move.in.line"
    _description = "Calls of another addon"

    move_id = fields.Many2one("crm.voip.move.in", required=True, ondelete="cascade")
    model = fields.Char(required=True)
    title = fields.Char("From")
    waiting = fields.Integer("To take over")
    taken = fields.Integer("Taken over")
    left = fields.Integer("Left there")
    left_why = fields.Char("Why")
    date_from = fields.Date("First")
    date_to = fields.Date("Last")
