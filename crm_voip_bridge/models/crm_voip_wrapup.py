from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..lib.text import shown
from .crm_voip_outcome import NOTES
from .measured import Measured

#: longest note; what is longer is no note
LONGEST_NOTE = 10_000


class CrmVoipWrapup(models.Model):
    """What one person did about one call: the times on the call card, the note, the outcome.

    Each person has one for each call, made when it is first needed. Times are noted here, not told by the
    browser; nobody writes them, and nobody but the person reads them (look-up and documenting time are shown
    per person to that person alone). The outcome and the note are seen on the call by those who see the call.

    The browser uses the methods ``desk_…``. Each asks whether the present user may see the call, and writes for
    nobody else.
    """

    _name = "crm.voip.wrapup"
    _inherit = ["crm.voip.own"]
    _description = "After the call"
    _order = "started_at desc, id desc"
    _rec_name = "call_id"
    _log_access = False

    _people_fields = ("user_id",)
    _people_user = "user_id"

    call_id = fields.Many2one("crm.voip.call", required=True, readonly=True, index=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", "Person", required=True, readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    started_at = fields.Datetime("Call started", readonly=True)
    rang_at = fields.Datetime("Rang", readonly=True, help="Empty: there was no call card.")
    opened_at = fields.Datetime("Record opened", readonly=True, help="The first one opened from the card.")
    noted_at = fields.Datetime("Note begun", readonly=True, help="When its first letter was typed on the card.")
    hung_up_at = fields.Datetime("Hung up", readonly=True, help="The person, who may have passed the call on.")
    done_at = fields.Datetime("Done", readonly=True)
    done_how = fields.Selection(
        [
            ("outcome", "Outcome given"),
            ("closed", "Card closed"),
            ("next_call", "Next call came"),
            ("timeout", "Time ran out"),
        ],
        readonly=True,
    )
    after_call_s = Measured(
        "After-call work (s)",
        readonly=True,
        help="From hanging up until it was done, at most as long as the company says. Empty: there was no card.",
    )
    note = fields.Text(readonly=True)
    outcome_id = fields.Many2one("crm.voip.outcome", readonly=True, index="btree_not_null", ondelete="restrict")
    outcome_at = fields.Datetime("Outcome given", readonly=True)
    promised_at = fields.Date("Promised for", readonly=True)
    followed = fields.Json(help="What followed from the outcome, to be taken back.", groups=fields.NO_ACCESS)

    _call_user_unique = models.UniqueIndex("(call_id, user_id)")
    _open_idx = models.Index("(user_id) WHERE rang_at IS NOT NULL AND done_at IS NULL")

    # --- for the call card ---

    @api.model
    def desk_shown(self, call_id):
        """The card of a call appeared."""
        wrapup = self._own(self._call(call_id))
        if not wrapup.rang_at:
            now = fields.Datetime.now()
            # whoever's next call rings is done with the one before
            before = self.sudo().search(
                [("user_id", "=", self.env.uid), ("rang_at", "!=", False), ("done_at", "=", False)]
            )
            before._settle()
            before.filtered("hung_up_at")._done("next_call")
            wrapup.rang_at = min(wrapup._rang_at() or now, now)
        return True

    @api.model
    def desk_opened(self, call_id):
        """A record was opened from the card."""
        wrapup = self._own(self._call(call_id))
        if not wrapup.opened_at:
            wrapup.opened_at = fields.Datetime.now()
        return True

    @api.model
    def desk_noted(self, call_id):
        """The first letter of a note was typed on the card."""
        wrapup = self._own(self._call(call_id))
        if not wrapup.noted_at:
            wrapup.noted_at = fields.Datetime.now()
        return True

    @api.model
    def desk_note(self, call_id, text):
        """Keep the note; as often as it changes.

        :param text: plain text; never shown as markup
        """
        call = self._call(call_id)
        # a zero byte is no text for PostgreSQL, and nothing of a note may turn round what stands beside it
        text = shown(text or "", lines=True)[:LONGEST_NOTE].rstrip() or False
        wrapup = self._own(call)
        if wrapup.note != text:
            wrapup.note = text
            call.invalidate_recordset(["note"])
        return True

    @api.model
    def desk_outcome(self, call_id, outcome_id, values=None):
        """Give a call its outcome and do what follows from it, with one's own rights.

        Another outcome replaces what the first one did. A supervisor note and a thank-you are no outcome: the
        call keeps the one it has.

        :param values: what the outcome asks for: ``promised_at`` (ISO date), ``reason`` (id of a lost reason),
            or ``fact`` (text) with ``kind`` of a supervisor note
        :return: ``{"message": what happened in words, "undo": whether :meth:`desk_outcome_undo` takes it back,
            "done": whether the call has its outcome}``
        """
        call = self._call(call_id)
        outcome = self.env["crm.voip.outcome"]._offered(call, outcome_id)
        values = dict(values or {})
        if outcome.follows in NOTES:
            return self._own(call)._give_note(call, outcome, values)
        return self._own(call)._give(call, outcome, values)

    @api.model
    def desk_outcome_undo(self, call_id):
        """Take back the last outcome, supervisor note or thank-you that one gave a call, with what followed."""
        call = self._call(call_id)
        wrapup = self._own(call)
        followed = dict(wrapup.followed or {})
        if note_id := followed.pop("note", None):
            wrapup.followed = followed
            self.env["crm.voip.supervisor.note"]._withdraw(note_id)
            return {"message": self.env._("Taken back."), "undo": False}
        if not wrapup.outcome_id:
            return {"message": self.env._("There is nothing to take back."), "undo": False}
        name = wrapup.outcome_id.name
        self.env["crm.voip.outcome"]._take_back(followed)
        wrapup.write({"outcome_id": False, "outcome_at": False, "promised_at": False, "followed": False})
        if wrapup.done_how == "outcome":
            # the work goes on
            wrapup.write({"done_at": False, "done_how": False, "hung_up_at": False, "after_call_s": False})
        call._take_outcome()
        return {"message": self.env._("“%s” taken back.", name), "undo": False}

    @api.model
    def desk_close(self, call_id, how):
        """The card went away.

        :param how: ``closed``, ``next_call`` or ``timeout``
        """
        if how not in ("closed", "next_call", "timeout"):
            raise UserError(self.env._("A card is closed by a person, the next call or time."))
        self._own(self._call(call_id))._done(how)
        return True

    @api.model
    def desk_read(self, call_id):
        """All that a screen needs for the present user's part after a call.

        :return: that of :meth:`_read_card`, with ``outcomes`` to choose from, what ``others`` noted as
            ``[{"name", "outcome", "note"}, …]``, and one's own times ``look_up_s`` and ``after_call_s`` (seconds,
            or False)
        """
        call = self._call(call_id)
        # sudo: of a call that one may open, one reads who noted what; each of them finds it in their log
        wrapups = self.sudo().search([("call_id", "=", call.id), ("user_id", "!=", self.env.uid)])
        others = wrapups.filtered(lambda one: one.note or one.outcome_id)
        self._people_log(others.user_id, "call", call)
        own = self.sudo().search([("call_id", "=", call.id), ("user_id", "=", self.env.uid)])
        return {
            **self._read_card(call),
            "look_up_s": own._look_up_s(),
            "after_call_s": own.after_call_s,
            "outcomes": self.env["crm.voip.outcome"]._for_card(call),
            "others": [
                {"name": one.user_id.name, "outcome": one.outcome_id.name or False, "note": one.note or False}
                for one in others
            ],
        }

    @api.model
    @api.readonly
    def desk_outcomes(self, company_id=False):
        """:return: the outcomes that one may give in a company, for lists of calls"""
        company = self.env.companies.filtered(lambda one: one.id == company_id) or self.env.company
        return self.env["crm.voip.outcome"]._of_company(company)._to_card()

    @api.model
    def _read_card(self, call):
        """:return: ``{"note", "outcome_id", "promised_at"}`` of the present user's wrap-up of a call"""
        # sudo: one's own, and only read
        wrapup = self.sudo().search([("call_id", "=", call.id), ("user_id", "=", self.env.uid)])
        return {
            "note": wrapup.note or "",
            "outcome_id": wrapup.outcome_id.id,
            "promised_at": wrapup.promised_at and fields.Date.to_string(wrapup.promised_at),
        }

    # --- whose it is ---

    @api.model
    def _call(self, call_id):
        """:return: the call, which the present user may see"""
        call = self.env["crm.voip.call"].browse(int(call_id))
        call.check_access("read")
        return call

    @api.model
    def _own(self, call):
        """:return: the present user's wrap-up of a call, made if there is none, in superuser mode"""
        # sudo: nobody has the right to write one; all that is written here is one's own
        own = self.sudo()
        domain = [("call_id", "=", call.id), ("user_id", "=", self.env.uid)]
        wrapup = own.search(domain)
        if not wrapup:
            # two requests of one card at a time: the ORM's error would not be tried again
            self.env.cr.execute(
                SQL(
                    """INSERT INTO crm_voip_wrapup (call_id, user_id, company_id, started_at)
                       SELECT id, %s, company_id, started_at FROM crm_voip_call WHERE id = %s
                       ON CONFLICT (call_id, user_id) DO NOTHING""",
                    self.env.uid,
                    call.id,
                )
            )
            wrapup = own.search(domain)
        return wrapup

    # --- outcome ---

    def _give(self, call, outcome, values):
        """Give the outcome; see :meth:`desk_outcome`.

        :param call: with the present user's rights; ``self`` is in superuser mode
        """
        self.ensure_one()
        day = values.get("promised_at")
        try:
            values["promised_at"] = fields.Date.to_date(day) if day else False
        except (ValueError, TypeError) as error:
            raise UserError(self.env._("“%s” is no date.", day)) from error
        if self.followed:
            self.env["crm.voip.outcome"].sudo(False)._take_back(self.followed)
        followed, text = outcome._follow(call, values)
        self.write(
            {
                "outcome_id": outcome.id,
                "outcome_at": fields.Datetime.now(),
                "promised_at": outcome.follows == "promise" and values["promised_at"],
                "followed": followed,
            }
        )
        self._done("outcome")
        call._take_outcome()
        return {"message": outcome._in_words(text), "undo": True, "done": True}

    def _give_note(self, call, outcome, values):
        """Make a supervisor note, or a thank-you; see :meth:`desk_outcome`."""
        self.ensure_one()
        note = self.env["crm.voip.supervisor.note"]._make(
            call,
            "pleasure" if outcome.follows == "pleasure" else values.get("kind") or "other",
            values.get("fact"),
        )
        self.followed = {**(self.followed or {}), "note": note.id}
        return {"message": note._thanks(), "undo": True, "done": False}

    # --- times ---

    def _done(self, how):
        """This is when the work after the call ended; only the first time counts."""
        open_ones = self.filtered(lambda one: not one.done_at)
        if not open_ones:
            return
        open_ones.write({"done_at": fields.Datetime.now(), "done_how": how})
        open_ones._settle()

    def _settle(self):
        """Work out the times, of those where all is known: after the fold, and when a card is done."""
        waiting = self.filtered(lambda one: one.rang_at and not one.hung_up_at)
        for wrapup in waiting:
            if moment := wrapup._hung_up_at():
                wrapup.hung_up_at = moment
        for wrapup in self:
            if not (wrapup.rang_at and wrapup.done_at and wrapup.hung_up_at):
                continue
            seconds = (wrapup.done_at - wrapup.hung_up_at).total_seconds()
            if seconds < 0 and wrapup.done_how != "outcome":
                continue  # the card was away already when the call ended
            after_call_s = min(max(seconds, 0), wrapup.company_id.crm_voip_wrapup_cap)
            if wrapup.after_call_s is False or wrapup.after_call_s != after_call_s:
                wrapup.after_call_s = after_call_s

    def _look_up_s(self):
        """:return: seconds from the ring to the first opening of a record from the card, False without both"""
        if not (self.rang_at and self.opened_at):
            return False
        return max(0, (self.opened_at - self.rang_at).total_seconds())

    def _own_legs(self):
        """:return: the phones with which the person called, or talked"""
        return self.call_id.leg_ids.filtered(
            lambda leg: leg.user_id == self.user_id and (leg.role == "caller" or leg.outcome == "answered")
        )

    def _rang_at(self):
        """:return: when the person's phone rang first, or they began to call, by Odoo's clock; False: unknown"""
        own = self.call_id.leg_ids.filtered(lambda leg: leg.user_id == self.user_id)
        moments = [leg.offered_at or (leg.role == "caller" and leg.started_at) for leg in own]
        return self._by_our_clock(min(filter(None, moments), default=False))

    def _hung_up_at(self):
        """:return: when the person's part of the call ended, by Odoo's clock; False: not yet, or unknown"""
        own = self._own_legs()
        if not own:
            return False
        ended = self.call_id.disposition != "in_progress"
        lefts = [leg.left_at or (ended and self.call_id.ended_at) for leg in own]
        return self._by_our_clock(all(lefts) and max(lefts))

    def _by_our_clock(self, moment):
        """:return: a time of the PBX, less what its bridge's clock is ahead of ours"""
        if not moment:
            return False
        return (moment - timedelta(seconds=self.call_id.pbx_id.clock_difference)).replace(microsecond=0)

    # --- merging calls ---

    def _join(self, other):
        """Take over another wrap-up of the same person, whose call became part of this one's."""
        first = [one for one in (self, other) if one.rang_at or one.note or one.outcome_id]
        later = max(first or [self], key=lambda one: one.outcome_at or one.done_at or one.rang_at or one.started_at)
        vals = {
            name: min(filter(None, (self[name], other[name])), default=False)
            for name in ("rang_at", "opened_at", "noted_at")
        }
        notes = dict.fromkeys(filter(None, (self.note, other.note)))
        vals |= {
            "note": "\n".join(notes) or False,
            # worked out anew: the call that both belong to ends when it ends
            "hung_up_at": False,
            "after_call_s": False,
        }
        for name in ("done_at", "done_how", "outcome_at", "promised_at", "followed"):
            vals[name] = later[name]
        vals["outcome_id"] = later.outcome_id.id
        self.write(vals)
        other.unlink()
