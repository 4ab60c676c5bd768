from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.addons.crm_voip_bridge.models.working_time import WorkingTime
from odoo.fields import Domain
from odoo.tools import SQL

from ..lib import answers
from ..lib.working import Clock
from .mail_message import THREADS


class CrmProductivityTurn(models.Model):
    """What a customer wrote until somebody answered (:mod:`lib.answers`), in a thread of a contact or an opportunity.

    Worked out from the thread's messages whenever one of them changes, and from who it was assigned to.
    """

    _name = "crm.productivity.turn"
    _inherit = ["crm.voip.own"]
    _description = "Customer's message"
    _order = "since desc, id desc"
    _rec_name = "res_name"
    _log_access = False

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "since"
    _people_teams = "team_id"

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    res_model = fields.Char(required=True)
    res_id = fields.Many2oneReference(model_field="res_model", required=True)
    res_name = fields.Char("From", compute="_compute_res_name")
    team_id = fields.Many2one("crm.team", "Sales team", ondelete="set null")
    user_id = fields.Many2one(
        "res.users",
        "Person",
        ondelete="cascade",
        help="Who answered; while nobody has, whose contact or opportunity it is.",
    )
    since = fields.Datetime("Waiting since", required=True, help="The earliest message that was not answered.")
    own_since = fields.Datetime("Theirs since", help="Empty: whoever answered helped a colleague out.")
    answered_at = fields.Datetime("Answered")
    settled_at = fields.Datetime("No answer needed", help="When somebody said so. It is no answer.")
    settled_by_id = fields.Many2one("res.users", "Said by", ondelete="set null")
    is_waiting = fields.Boolean("Waiting", compute="_compute_is_waiting", search="_search_is_waiting")
    channel_id = fields.Many2one("crm.productivity.channel", ondelete="set null", index="btree_not_null")
    first = fields.Boolean("First message")
    known = fields.Boolean(
        "Written by a person",
        help="Not set: it arrived before anybody looked whether a machine wrote it; not measured.",
    )
    waited_s = Measured("Answered after (s)", help="By the clock.")
    worked_s = Measured("Answered after, working time (s)", help="In the company's working time.")
    own_worked_s = Measured("Own time (s)", help="In the working time of whoever answered, since it was theirs.")

    _thread_idx = models.Index("(res_model, res_id, since)")
    _since_idx = models.Index("(company_id, since)")
    _open_idx = models.Index("(company_id, user_id) WHERE answered_at IS NULL AND settled_at IS NULL")

    @api.depends("res_model", "res_id")
    def _compute_res_name(self):
        for model, turns in self.grouped("res_model").items():
            # sudo: whoever sees that a message waits sees from whom, as with calls
            names = {one.id: one.display_name for one in self.env[model].sudo().browse(turns.mapped("res_id")).exists()}
            for turn in turns:
                turn.res_name = names.get(turn.res_id, "")

    @api.model
    def _has_field_access(self, field, operation):
        if operation == "write" and not self.env.su:
            return False
        return super()._has_field_access(field, operation)

    @api.depends("answered_at", "settled_at")
    def _compute_is_waiting(self):
        for turn in self:
            turn.is_waiting = not (turn.answered_at or turn.settled_at)

    def _search_is_waiting(self, operator, value):
        if operator != "in":
            return NotImplemented
        waiting = Domain("answered_at", "=", False) & Domain("settled_at", "=", False)
        return waiting if True in value else ~waiting

    def action_settle(self):
        """Say that no answer is needed. It is no answer: it counts apart."""
        waiting = self.filtered("is_waiting")
        waiting.check_access("read")
        # sudo: an entry is made here and nowhere else, and it is whose it is
        self.env["crm.productivity.settled"].sudo().create(
            [{"res_model": turn.res_model, "res_id": turn.res_id, "user_id": self.env.uid} for turn in waiting]
        )
        for model, turns in waiting.sudo().grouped("res_model").items():  # sudo: upkeep
            turns._reckon(model, turns.mapped("res_id"))

    def action_open(self):
        """Open the conversation."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }

    # --- what is to be worked out ---

    @api.model
    def _threads(self):
        """:return: names of the models whose threads are conversations with customers"""
        return (*THREADS, "discuss.channel") if "im_livechat.channel" in self.env else THREADS

    @api.model
    def _mark_all(self):
        """Have all conversations worked out anew."""
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_productivity_touched (res_model, res_id)
                   SELECT DISTINCT model, res_id FROM mail_message
                    WHERE model = ANY(%s) AND res_id != 0 AND message_type IN ('email', 'comment')
                    UNION
                   SELECT CASE WHEN lead_id IS NULL THEN 'res.partner' ELSE 'crm.lead' END, COALESCE(lead_id, partner_id)
                     FROM crm_productivity_message WHERE lead_id IS NOT NULL OR partner_id IS NOT NULL""",
                list(self._threads()),
            )
        )

    @api.model
    def _reckon(self, model, ids, since=None):
        """Replace what is known of some conversations by what their messages say now.

        :param since: ``{id: moment of the first message that changed, None for all}``: what ended before it is left alone
        """
        self.env.flush_all()
        records = self.env[model].with_context(active_test=False).browse(ids).exists()
        ends = self._ends_before(model, {one: (since or {}).get(one) for one in records.ids})
        messages = self._messages(model, records.ids, ends)
        records = records.filtered(lambda record: messages.get(record.id))
        assignments = self._assignments(records)
        by_company = defaultdict(list)
        main = self.env.ref("base.main_company")
        for record in records:
            found = answers.turns(messages[record.id], assignments.get(record.id, ()), record.id in ends)
            by_company[self._company_of(record) or main].append((record, found))
        vals_list = []
        for company, some in by_company.items():
            vals_list += self._prepare_turns(company, some)
        self._after_reckon(model, self._replace(model, ids, vals_list, ends))

    @api.model
    def _ends_before(self, model, since):
        """:return: ``{thread id: when the last turn ended that ended before what changed}``"""
        some = {one: at for one, at in since.items() if at}
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT thread.id, last.ended FROM unnest(%s::integer[], %s::timestamp[]) AS thread (id, at)
                        CROSS JOIN LATERAL (
                              SELECT COALESCE(turn.answered_at, turn.settled_at) AS ended FROM crm_productivity_turn turn
                               WHERE turn.res_model = %s AND turn.res_id = thread.id AND turn.since < thread.at
                                 AND COALESCE(turn.answered_at, turn.settled_at) < thread.at
                               ORDER BY turn.since DESC LIMIT 1) last""",
                    list(some),
                    list(some.values()),
                    model,
                )
            )
            if some
            else ()
        )

    @api.model
    def _replace(self, model, ids, vals_list, ends):
        """Store what is known of some conversations; what is as it was is left alone, or a mail of today would have the days
        of all earlier ones reckoned.

        :return: see :meth:`_after_reckon`
        """
        columns = sorted(name for name, field in self._fields.items() if field.store and name != "id")
        table, listed = SQL.identifier(self._table), SQL(", ").join(map(SQL.identifier, columns))
        rows = self.env.execute_query(
            SQL(
                """SELECT id, %s FROM (SELECT turn.* FROM %s JOIN %s AS turn ON turn.res_model = %s AND turn.res_id = thread.id
                                          AND turn.since > thread.since) turn""",
                listed,
                self._thread_sql(ids, ends),
                table,
                model,
            )
        )
        old = {tuple(values): row_id for row_id, *values in rows}
        new = {
            tuple(
                vals.get(name) if self._fields[name].type in ("boolean", "float") else vals.get(name) or None
                for name in columns
            )
            for vals in vals_list
        }
        gone, fresh = old.keys() - new, new - old.keys()
        # of two that are the same, one is too many
        kept = set(old.values())
        leave = [old[values] for values in gone] + [row_id for row_id, *_values in rows if row_id not in kept]
        if leave:
            self.env.cr.execute(SQL("DELETE FROM %s WHERE id = ANY(%s)", table, leave))
        if fresh:
            names = ", ".join(columns)
            self.env.cr.execute_values(
                f"INSERT INTO crm_productivity_turn ({names}) VALUES %s",  # noqa: S608 (names of our own fields)
                list(fresh),
                page_size=1000,
            )
        self.invalidate_model()
        places = [columns.index(name) for name in ("company_id", "res_id", "since")]
        return {tuple(values[place] for place in places) for values in gone | fresh}

    @api.model
    def _after_reckon(self, model, changed):
        """Hook: some conversations were worked out anew.

        :param changed: ``{(company id, id of the thread, moment since which somebody waited), …}``, before and after
        """
        self.env["crm.productivity.stale"]._mark({(company_id, since) for company_id, _thread, since in changed})

    def _prepare_turns(self, company, some):
        """:param some: ``[(record, [lib.answers.Turn]), …]`` of one company"""
        moments = [turn.since for _record, turns in some for turn in turns]
        ends = [turn.answered_at for _record, turns in some for turn in turns if turn.answered_at]
        people = {turn.person for _record, turns in some for turn in turns if turn.person}
        if not moments:
            return []
        working = WorkingTime(company, people, min(moments), max(ends, default=max(moments)) + timedelta(seconds=1))
        clocks = {person: Clock(working._of(person)) for person in (False, *people)}
        return [self._prepare_turn_vals(company, record, turn, clocks) for record, turns in some for turn in turns]

    def _prepare_turn_vals(self, company, record, turn, clocks):
        """:param clocks: ``{user id, False for the company: lib.working.Clock}``"""
        measured = turn.known and turn.answered_at
        own = measured and turn.own_since and turn.person
        return {
            "company_id": company.id,
            "res_model": record._name,
            "res_id": record.id,
            "team_id": record.team_id.id if "team_id" in record._fields else False,
            "user_id": turn.person or False,
            "since": turn.since,
            "own_since": turn.own_since or False,
            "answered_at": turn.answered_at or False,
            "settled_at": turn.settled_at or False,
            "settled_by_id": turn.settled_by or False,
            "channel_id": turn.channel or False,
            "first": turn.first,
            "known": turn.known,
            "waited_s": round((turn.answered_at - turn.since).total_seconds(), 3) if measured else None,
            "worked_s": round(clocks[False].worked(turn.since, turn.answered_at), 3) if measured else None,
            "own_worked_s": round(clocks[turn.person].worked(turn.own_since, turn.answered_at), 3) if own else None,
        }

    @api.model
    def _company_of(self, record):
        """:return: the company that a thread is of, an empty one if it says none"""
        if record._name == "discuss.channel":
            return self._operator_of(record).company_id
        return record.company_id or record.user_id.company_id

    @api.model
    def _operator_of(self, chat):
        """:return: the user who has a live chat"""
        return chat.livechat_operator_id.user_ids.filtered(lambda user: not user.share)[:1]
