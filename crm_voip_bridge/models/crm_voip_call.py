import logging
import time
import traceback
from collections import defaultdict
from datetime import timezone

from markupsafe import Markup
from psycopg2 import InterfaceError, OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_datetime, split_every

from ..lib.fold import fold_all
from ..lib.numbers import parse
from ..lib.text import shown
from .crm_voip_number import Query
from .measured import Measured
from .transaction import CONFLICTS, in_own_transaction

_logger = logging.getLogger(__name__)

#: what a hot path leaves out of :class:`mail.thread`: a call has no followers and tracks no values
QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
}
#: calls folded in one transaction by the scheduled action
CHUNK = 500
#: seconds before a cut connection to the database is opened anew
RECONNECT = 0.3
#: leaves a many2many without records
_EMPTY = [Command.set([])]
#: longest text that is taken over from a PBX into a field
LONGEST = 250


class CrmVoipCall(models.Model):
    """A call: what its journal says, folded (:mod:`lib.fold`), and who it was with.

    Nobody edits it. A fold writes it, in superuser mode, and only where something differs; what
    a person knows better is an entry in the journal (:meth:`_pick`). It is seen by those in
    ``viewer_ids`` and by the leaders of ``team_ids``, both kept by the fold.
    """

    _name = "crm.voip.call"
    _inherit = ["mail.thread", "mail.activity.mixin", "crm.voip.people", "crm.voip.folded"]
    _description = "Call"
    _order = "started_at desc, id desc"
    _mail_post_access = "read"

    _people_fields = ("user_id", "viewer_ids", "from_number", "to_number", "dialled")
    _people_user = "user_id"
    _people_teams = "team_ids"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True)
    call_ref = fields.Char("Id at the PBX", required=True)
    direction = fields.Selection(
        [("inbound", "Inbound"), ("outbound", "Outbound"), ("internal", "Internal")], required=True
    )
    disposition = fields.Selection(
        [
            ("answered", "Answered"),
            ("missed", "Missed"),
            ("abandoned", "Given up while waiting"),
            ("busy", "Busy"),
            ("failed", "Failed"),
            ("machine", "Machine"),
            ("voicemail", "Voicemail"),
            ("in_progress", "In progress"),
        ],
        "Result",
        required=True,
    )
    from_number = fields.Char("From")
    to_number = fields.Char("To")
    dialled = fields.Char()
    outside_number = fields.Char("Other party", help="The customer's number, as the PBX said it.")
    outside_e164 = fields.Char("International form")
    name = fields.Char("Name shown", help="What the PBX showed as the other party's name.")
    queue = fields.Char()
    started_at = fields.Datetime("Started")
    hour = fields.Selection("_selection_hour", help="In which it started, by the company's clock.")
    answered_at = fields.Datetime("Answered", help="By a person.")
    ended_at = fields.Datetime("Ended")
    ivr_s = Measured("Menu time (s)")
    queue_s = Measured("Queue time (s)")
    ring_s = Measured("Ring time (s)")
    hold_s = Measured("Hold time (s)")
    talk_s = Measured(
        "Talk time (s)", help="Connected with a person, less hold. Empty: not measured.", aggregator="sum"
    )
    notes = fields.Text(help="What the PBX said that contradicts itself.")
    has_recording = fields.Boolean("Recorded at the PBX")
    leg_ids = fields.One2many("crm.voip.leg", "call_id", "Who rang")
    user_id = fields.Many2one(
        "res.users", "Person", index="btree_not_null", help="Who made the call, or took it first."
    )

    match_state = fields.Selection(
        [
            ("matched", "By the number"),
            ("company", "Company only"),
            ("ambiguous", "Several possible"),
            ("unknown", "Unknown number"),
            ("picked", "Chosen by hand"),
            ("none", "No number"),
        ],
        "Recognised",
        required=True,
        default="none",
    )
    partner_id = fields.Many2one("res.partner", "Contact", index="btree_not_null", ondelete="set null")
    lead_id = fields.Many2one("crm.lead", "Opportunity", index="btree_not_null", ondelete="set null")
    candidate_partner_ids = fields.Many2many(
        "res.partner", "crm_voip_call_partner_rel", "call_id", "partner_id", "Possible contacts"
    )
    candidate_lead_ids = fields.Many2many(
        "crm.lead", "crm_voip_call_lead_rel", "call_id", "lead_id", "Possible opportunities"
    )
    viewer_ids = fields.Many2many("res.users", "crm_voip_call_user_rel", "call_id", "user_id", "Seen by")
    team_ids = fields.Many2many("crm.team", "crm_voip_call_team_rel", "call_id", "team_id", "Teams")
    is_mine = fields.Boolean("Mine", compute="_compute_is_mine", search="_search_is_mine")
    customer_label = fields.Char("Customer or number", compute="_compute_customer_label")
    frozen = fields.Boolean(
        "Without PBX record",
        readonly=True,
        copy=False,
        help="The call is older than its PBX record is kept. It is not calculated again.",
    )
    forgotten_at = fields.Datetime(
        "Anonymised", readonly=True, copy=False, help="Whom it was with, or who of us took it, is not kept any more."
    )
    pbx_record = fields.Html("PBX record", compute="_compute_pbx_record", sanitize=False)

    _ref_unique = models.UniqueIndex("(pbx_id, call_ref)")
    # with what lists filter and reports add up, so that a month is counted without reading its calls
    _started_idx = models.Index(
        "(company_id, started_at DESC, id DESC) INCLUDE (direction, disposition, user_id, talk_s)"
    )
    _open_idx = models.Index("(pbx_id) WHERE disposition = 'in_progress'")
    # with what completeness counts
    _pbx_idx = models.Index("(pbx_id, started_at, id) INCLUDE (company_id, disposition)")
    _unfrozen_idx = models.Index("(pbx_id, started_at) WHERE frozen IS NOT TRUE")
    _number_idx = models.Index("(outside_e164, started_at) WHERE outside_e164 IS NOT NULL")

    @api.depends("direction", "outside_number", "partner_id", "started_at")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        labels = dict(self._fields["direction"]._description_selection(self.env))
        for call in self:
            other = (call.partner_id.sudo(False).has_access("read") and call.partner_id.name) or call.outside_number
            when = format_datetime(self.env, call.started_at, dt_format="short") if call.started_at else ""
            call.display_name = " · ".join(filter(None, [labels.get(call.direction), other, when]))

    @api.depends("partner_id", "lead_id", "outside_number", "name", "direction", "forgotten_at")
    @api.depends_context("lang")
    def _compute_customer_label(self):
        # sudo: whoever sees the call sees the name of its customer, as with any link to a record
        for call, real in zip(self, self.sudo(), strict=True):
            known = real.partner_id.name or real.lead_id.contact_name or real.lead_id.partner_name
            if call.direction == "internal":
                call.customer_label = self.env._("Internal call")
            else:
                shown = (
                    call.outside_e164 or parse(call.outside_number, real.pbx_id.country_id.code)[0].kind != "anonymous"
                )
                number = shown and call.outside_number
                nobody = self.env._("Anonymised") if call.forgotten_at else self.env._("Number withheld")
                call.customer_label = known or number or call.name or nobody

    @api.depends_context("uid")
    def _compute_is_mine(self):
        # sudo: whether one took part oneself is for everybody to know
        for call, real in zip(self, self.sudo(), strict=True):
            call.is_mine = self.env.user in (real.user_id | real.leg_ids.user_id)

    def _search_is_mine(self, operator, value):
        if operator != "in":
            return NotImplemented
        # whoever is the call's person has a leg in it; one's own legs are always one's to see
        mine = Domain("leg_ids", "any!", Domain("user_id", "=", self.env.uid))
        return mine if True in value else ~mine

    @api.depends_context("uid")
    def _compute_pbx_record(self):
        if len(self) != 1:  # one call at a time, see crm.voip.people
            self.pbx_record = False
            return
        self._people_look_at(self, "record")
        # sudo: the journal is read by nobody; of a call that one may see, it is shown here
        call = self.sudo()
        events = self.env["crm.voip.journal"].sudo()._events(call.pbx_id, call._refs())
        titles = (
            self.env._("Time"),
            self.env._("What"),
            self.env._("Line"),
            self.env._("Details"),
            self.env._("Source"),
        )
        head = Markup().join(Markup("<th>%s</th>") % title for title in titles)
        rows = Markup().join(
            Markup("<tr>%s</tr>") % Markup().join(Markup("<td>%s</td>") % cell for cell in self._record_row(event))
            for event in sorted(events, key=lambda event: (event.at is None, event.at or 0))
        )
        self.pbx_record = Markup(
            '<div class="table-responsive"><table class="table table-sm small o_crm_voip_pbx_record">'
            "<thead><tr>%s</tr></thead><tbody>%s</tbody></table></div>"
        ) % (head, rows)

    def _record_row(self, event):
        """:return: what is shown of one entry of the PBX record, texts in the order of the columns"""
        at = event.at and fields.Datetime.context_timestamp(self, naive(event.at))
        time = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}" if at else ""
        details = ", ".join(f"{name}: {value}" for name, value in event.data.items() if value not in (None, "", [], {}))
        return tuple(shown(text) for text in (time, event.type, event.leg, details, event.source))

    @api.model
    def _selection_hour(self):
        return [(f"{hour:02}", f"{hour:02}:00") for hour in range(24)]

    # --- rights ---

    @api.ondelete(at_uninstall=False)
    def _unlink_except_absorbed(self):
        if not self.env.context.get("crm_voip_absorbed") or not self.env.su:
            raise UserError(self.env._("A call is not deleted: it is what the PBX said."))

    # --- actions ---

    def action_recalculate(self):
        """Fold the calls once more. Nothing changes if nothing changed."""
        self.check_access("read")
        # sudo: calls are written by the fold alone
        for pbx, calls in self.sudo().filtered(lambda call: not call.frozen).grouped("pbx_id").items():
            refs = calls._refs()
            self.env["crm.voip.call.ref"].sudo()._mark_refs(pbx, refs)
            calls._fold(pbx, refs)

    def action_choose_customer(self):
        """Ask who the other side was."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Who was it?"),
            "res_model": "crm.voip.call.pick",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_call_id": self.id},
        }

    def action_open_customer(self):
        """Open the opportunity, or else the contact."""
        self.ensure_one()
        record = self.lead_id or self.partner_id
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    def action_new_contact(self):
        """A new contact with the number filled in."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New contact"),
            "res_model": "res.partner",
            "views": [(False, "form")],
            "context": {"default_name": self.name, "default_phone": self.outside_e164 or self.outside_number},
        }

    def action_new_opportunity(self):
        """A new opportunity with the customer, or else the number, filled in."""
        self.ensure_one()
        context = {"default_type": "opportunity", "default_name": self.customer_label}
        if self.partner_id:
            context["default_partner_id"] = self.partner_id.id
        else:
            context["default_contact_name"] = self.name
            context["default_phone"] = self.outside_e164 or self.outside_number
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New opportunity"),
            "res_model": "crm.lead",
            "views": [(False, "form")],
            "context": context,
        }

    def action_pick(self, partner_id=False, lead_id=False, remember=False):
        """Say who the other side was.

        :param partner_id: id of the contact, false for nobody
        :param lead_id: id of the lead or opportunity, or false
        :param remember: the number is this customer's from now on
        """
        partner = self.env["res.partner"].browse(partner_id or [])
        lead = self.env["crm.lead"].browse(lead_id or [])
        (partner or lead).check_access("read")
        for call in self:
            call._pick(partner, lead, remember)

    # --- picks and entries ---

    def _pick(self, partner, lead, remember=False):
        """Enter in the journal who the other side was, and fold.

        :param partner: contact, may be empty
        :param lead: lead or opportunity, may be empty; of an empty contact, it brings its own
        :param remember: also keep it in the index of numbers
        """
        self.ensure_one()
        self.check_access("read")
        if self.frozen:
            raise UserError(
                self.env._("This call is older than its PBX record is kept: who it was with is not changed any more.")
            )
        partner = partner or lead.partner_id
        # sudo: an entry is all that a person may add, and this is where it is made
        journal = self.env["crm.voip.journal"].sudo()
        call = self.sudo()
        journal._enter(call, "picked", {"partner": partner.id or None, "lead": lead.id or None})
        if remember and call.outside_e164 and (partner or lead):
            self.env["crm.voip.number"].sudo()._remember(call.outside_e164, partner or lead, call.company_id)
        call._fold(call.pbx_id, call._refs())

    def _refs(self):
        """:return: all ids that the PBX used for these calls"""
        rows = self.env.execute_query(
            SQL("SELECT ref FROM crm_voip_call_ref WHERE call_id = ANY(%s) AND NOT is_leg", self.ids)
        )
        return sorted({ref for (ref,) in rows} | set(self.mapped("call_ref")))

    # --- folding ---

    @api.model
    def _fold_marked(self, pbx, refs, skip_locked=False, told=(), patient=True):
        """Fold marked calls in transactions of their own; what fails stays marked.

        All together, and where that fails in halves, so that one call that cannot be folded keeps
        no other from appearing.

        :param refs: ids of calls of one PBX
        :param told: events of the journal that need not be read again
        :param patient: try once more where the connection to the database was cut
        """
        try:
            in_own_transaction(self.env, lambda env: env[self._name]._fold(pbx.with_env(env), refs, skip_locked, told))
        except CONFLICTS as error:
            _logger.info("PBX %s: %s calls are folded later: %s", pbx.id, len(refs), type(error).__name__)
            in_own_transaction(self.env, lambda env: env.ref("crm_voip_bridge.ir_cron_fold")._trigger())
        except (OperationalError, InterfaceError) as error:
            if patient:
                # a server that restarted, or an administrator who cut this one connection: a new one may do
                time.sleep(RECONNECT)
                self._fold_marked(pbx, refs, skip_locked, told, patient=False)
                return
            # the database is not there: neither halves nor a note would be better
            _logger.warning("PBX %s: %s calls are folded later: %s", pbx.id, len(refs), type(error).__name__)
        except Exception as error:
            if len(refs) > 1:
                middle = len(refs) // 2
                self._fold_marked(pbx, refs[:middle], skip_locked, told)
                self._fold_marked(pbx, refs[middle:], skip_locked, told)
                return
            reason = type(error).__name__
            if in_own_transaction(self.env, lambda env: env["crm.voip.call.ref"]._note_error(pbx, refs, reason)):
                # the frames, not the text: it may hold people's numbers
                frames = "".join(traceback.format_tb(error.__traceback__))
                _logger.error("PBX %s: a call cannot be calculated: %s\n%s", pbx.id, reason, frames)

    @api.model
    def _fold_waiting(self, pbx_ids=None, most=100 * CHUNK):
        """Fold what is still marked.

        :param most: calls at once
        :return: number of calls that were marked
        """
        domain = Domain("dirty", "=", True) & (Domain("pbx_id", "in", pbx_ids) if pbx_ids else Domain.TRUE)
        waiting = self.env["crm.voip.call.ref"].search(domain, order="id", limit=most)
        for pbx, refs in waiting.grouped("pbx_id").items():
            pbx = pbx.with_company(pbx.company_id)
            for chunk in split_every(CHUNK, refs.mapped("ref")):
                self._fold_marked(pbx, list(chunk), skip_locked=True)
        return len(waiting)

    @api.model
    def _fold(self, pbx, refs, skip_locked=False, told=()):
        """Fold the marked ones among some calls, in this transaction.

        :param refs: ids of calls of one PBX
        :param told: events of the journal that need not be read again
        :return: the calls that were created or changed
        """
        self = self.with_context(**QUIET)  # noqa: PLW0642
        Ref = self.env["crm.voip.call.ref"]
        groups = Ref._groups(pbx, refs, skip_locked, told)
        if not groups:
            return self.browse()
        site = pbx._site()
        folded = [(group, call) for group in groups for call in fold_all(group.events, site)]
        records, changed, absorbed = self._store(pbx, groups, folded)
        # the first of a group's calls is what its ids point to
        call_of = {}
        for (group, _call), record in zip(folded, records, strict=True):
            if record:
                call_of.setdefault(id(group), record.id)
        Ref._settle(groups, call_of)
        absorbed.with_context(crm_voip_absorbed=True).unlink()
        changed._after_fold()
        return changed

    @api.model
    def _store(self, pbx, groups, folded):
        """Bring the records to what was folded, with few queries however many there are.

        :param folded: ``[(group, lib.call.Call), …]``
        :return: ``(records, changed, absorbed)``: a call or an empty recordset for each of ``folded``, those of
            them that are new or were written, and those that became part of others
        """
        known = self._known(pbx, groups, folded)
        legs = self.env["crm.voip.leg"]._plan(
            pbx, [(known[index], call) for index, (_group, call) in enumerate(folded)]
        )
        # a call without its PBX record stays what it was, whatever is said later
        legs = [None if record.frozen else rows for record, rows in zip(known, legs, strict=True)]
        prepared = [
            None if rows is None else self._prepare_call_vals(pbx, known[index], call, rows)
            for index, ((_group, call), rows) in enumerate(zip(folded, legs, strict=True))
        ]
        self._match(pbx, folded, known, prepared, legs)
        self._decide_viewers(pbx, folded, known, prepared, legs)

        records, new, changed = list(known), [], self.browse()
        for index, vals in enumerate(prepared):
            if vals is None:
                continue
            if known[index]:
                if differing := known[index]._differing(vals):
                    known[index].write(differing)
                    changed |= known[index]
            else:
                # a new call has none of what is to be emptied
                new.append((index, {name: value for name, value in vals.items() if value != _EMPTY}))
        created = self.create([vals for _index, vals in new])
        for (index, _vals), record in zip(new, created, strict=True):
            records[index] = record
        changed |= created
        changed |= self.env["crm.voip.leg"]._store(
            [(record, rows) for record, rows in zip(records, legs, strict=True) if rows is not None]
        )
        return records, changed, self._absorb(pbx, groups, folded, records)

    @api.model
    def _known(self, pbx, groups, folded):
        """:return: for each of ``folded`` the record that it was, an empty one if it is new"""
        call_refs = [call.call_id for _group, call in folded]
        call_ids = set().union(*(group.call_ids for group in groups))
        found = self.search_fetch(
            Domain("pbx_id", "=", pbx.id) & (Domain("id", "in", list(call_ids)) | Domain("call_ref", "in", call_refs)),
            order="id",
        )
        by_ref = {record.call_ref: record for record in found}
        known = [by_ref.pop(ref, self.browse()) for ref in call_refs]
        # a call whose id changed in a merge goes on in the oldest record of its group
        left = {record.id: record for record in by_ref.values()}
        for index, (group, _call) in enumerate(folded):
            if not known[index]:
                rest = sorted(group.call_ids & left.keys())
                if rest:
                    known[index] = left.pop(rest[0])
        return known

    def _absorb(self, pbx, groups, folded, records):
        """Move what people added to calls that became part of another one.

        :return: the calls that are no more
        """
        target, kept = {}, {record.id for record in records}
        for (group, _call), record in zip(folded, records, strict=True):
            if record:
                target.setdefault(id(group), record)
        absorbed = self.browse()
        for group in groups:
            gone = self.browse(sorted(group.call_ids - kept)).filtered(lambda call: not call.frozen)
            if gone and id(group) in target:
                target[id(group)]._take_over(gone)
                absorbed |= gone
        return absorbed

    def _take_over(self, gone):
        """Make everything that hangs on other calls hang on this one."""
        self.ensure_one()
        for model, name, ids in (
            ("mail.message", "res_id", [("model", "=", self._name)]),
            ("mail.activity", "res_id", [("res_model", "=", self._name)]),
            ("ir.attachment", "res_id", [("res_model", "=", self._name)]),
        ):
            linked = self.env[model].with_context(active_test=False)
            linked.search([*ids, (name, "in", gone.ids)]).write({name: self.id})
        self.message_subscribe(partner_ids=gone.message_partner_ids.ids)
        for model in self.env.registry.values():
            if model._abstract or not model._auto or model._name in ("crm.voip.leg", "crm.voip.call.ref"):
                continue
            for field in model._fields.values():
                if field.store and field.type == "many2one" and field.comodel_name == self._name:
                    linked = self.env[model._name].with_context(active_test=False)
                    linked.search([(field.name, "in", gone.ids)]).write({field.name: self.id})

    def _after_fold(self):
        """Hook: these calls are new or changed, in superuser mode, in the transaction that folded them."""
        self._write_chatter()

    # --- what a call's fields are ---

    def _prepare_call_vals(self, pbx, known, call, legs):
        """Values of a call, but for its customer, viewers and teams.

        :param known: the record that it was, or an empty one
        :param call: :class:`lib.call.Call`
        :param legs: values of its legs, from :meth:`CrmVoipLeg._plan`
        :return: values of all fields concerned, also where they are empty
        """
        outside = call.outside_number
        company_id, _team_id = pbx._line_of(call)
        return {
            "pbx_id": pbx.id,
            "company_id": company_id or pbx.company_id.id,
            "call_ref": call.call_id,
            "direction": call.direction,
            "disposition": call.disposition,
            "from_number": shown(call.from_number[:LONGEST]) or False,
            "to_number": shown(call.to_number[:LONGEST]) or False,
            "dialled": shown(call.dialled[:LONGEST]) or False,
            "outside_number": shown(outside[:LONGEST]) or False,
            "outside_e164": pbx._e164(outside, dialled=call.direction == "outbound") if outside else False,
            "name": shown(call.name[:LONGEST]) or False,
            "queue": shown(call.queue[:LONGEST]) or False,
            "started_at": naive(call.started_at),
            "hour": pbx._hour_of(call.started_at),
            "answered_at": naive(call.answered_at),
            "ended_at": naive(call.ended_at),
            "ivr_s": call.ivr_s,
            "queue_s": call.queue_s,
            "ring_s": call.ring_s,
            "hold_s": call.hold_s,
            "talk_s": call.talk_s,
            "notes": shown("\n".join(call.notes), lines=True) or False,
            "has_recording": bool(call.recordings),
            "user_id": self._person(call, legs),
        }

    def _person(self, call, legs):
        """:return: id of the user who made the call or, of an inbound one, took it first"""
        if call.direction == "inbound":
            own = [leg for leg in legs if leg["outcome"] == "answered"]
        else:
            own = [leg for leg in legs if leg["role"] == "caller"]
        first = min(own, key=lambda leg: (not leg["answered_at"], leg["answered_at"] or 0), default={})
        return first.get("user_id", False)

    @api.model
    def _match(self, pbx, folded, known, prepared, legs):
        """Add the customer to prepared values.

        Who it was is decided once: while the call runs, and anew only if its number changes. A pick
        wins; what a later merge of contacts made of it is kept.
        """
        queries = []
        for index, vals in enumerate(prepared):
            if vals is None:
                continue
            group, _call = folded[index]
            record = known[index]
            pick = next((event for event in reversed(group.events) if event.type == "picked"), None)
            if pick and (picked := self._picked_vals(pick)):
                vals.update(picked)
                continue
            if record and record.match_state == "picked":
                continue
            if record and record.disposition != "in_progress" and record.outside_e164 == vals["outside_e164"]:
                continue
            users = tuple(sorted({leg["user_id"] for leg in legs[index] if leg["user_id"]}))
            queries.append((index, Query(vals["outside_e164"] or None, vals["company_id"], users)))
        matches = self.env["crm.voip.number"]._match([query for _index, query in queries])
        for (index, _query), match in zip(queries, matches, strict=True):
            prepared[index].update(
                match_state=match.state,
                partner_id=match.partner_id or False,
                lead_id=match.lead_id or False,
                candidate_partner_ids=[Command.set(match.candidate_partner_ids)],
                candidate_lead_ids=[Command.set(match.candidate_lead_ids)],
            )

    @api.model
    def _picked_vals(self, pick):
        """:return: the customer that an entry says, ``None`` if it is no more"""
        partner = self.env["res.partner"].browse(pick.data.get("partner") or []).exists()
        lead = self.env["crm.lead"].browse(pick.data.get("lead") or []).exists()
        if bool(partner) != bool(pick.data.get("partner")) or bool(lead) != bool(pick.data.get("lead")):
            return None
        return {
            "match_state": "picked",
            "partner_id": partner.id,
            "lead_id": lead.id,
            "candidate_partner_ids": [Command.set([])],
            "candidate_lead_ids": [Command.set([])],
        }

    @api.model
    def _decide_viewers(self, pbx, folded, known, prepared, legs):
        """Add who may see the calls: who took part or was rung, and the owner of the lead.

        Teams are those of these people and of the number that was called. A call that nobody took and
        that rang nobody's phone is for the leaders of all teams.
        """
        present = [index for index, vals in enumerate(prepared) if vals is not None]
        teams = self._teams_of(pbx, {leg["user_id"] for index in present for leg in legs[index] if leg["user_id"]})
        leads = {index: prepared[index].get("lead_id", known[index].lead_id.id) for index in present}
        owners = {lead.id: lead.user_id.id for lead in self.env["crm.lead"].browse(set(leads.values()) - {False})}
        for index in present:
            users = {leg["user_id"] for leg in legs[index] if leg["user_id"]}
            _company_id, team_id = pbx._line_of(folded[index][1])
            rooms = self.env["crm.voip.extension"].browse(
                leg["extension_id"] for leg in legs[index] if leg["extension_id"] and not leg["user_id"]
            )
            team_ids = {team for user in users for team in teams[user]}.union(
                rooms.team_id.ids, filter(None, [team_id])
            )
            if not team_ids and not any(leg["outcome"] == "answered" for leg in legs[index]):
                team_ids = teams[False]
            if owner := owners.get(leads[index]):
                users.add(owner)
            prepared[index]["viewer_ids"] = [Command.set(sorted(users))]
            prepared[index]["team_ids"] = [Command.set(sorted(team_ids))]

    @api.model
    def _teams_of(self, pbx, user_ids):
        """:return: ``{user id: {team id}}``, all teams of the company under ``False``"""
        teams = defaultdict(set)
        for member in self.env["crm.team.member"].search_fetch([("user_id", "in", sorted(user_ids))]):
            teams[member.user_id.id].add(member.crm_team_id.id)
        for team in self.env["crm.team"].search_fetch([("company_id", "in", [False, pbx.company_id.id])]):
            teams[False].add(team.id)
            teams[team.user_id.id].add(team.id)
        return teams

    @api.model
    def _refresh_viewers(self, leads):
        """The owner of leads changed: the new one sees their calls, too."""
        calls = self.search([("lead_id", "in", leads.ids)])
        for owner, owned in calls.grouped(lambda call: call.lead_id.user_id).items():
            missing = owned.filtered(lambda call, owner=owner: owner and owner not in call.viewer_ids)
            missing.write({"viewer_ids": [Command.link(owner.id)]})

    # --- chatter ---

    def _write_chatter(self):
        """A quiet line on the lead, or else the contact, of each ended call, where the company wants it.

        Without notification; seen by those alone who may see the call (:mod:`mail_message`). A call has
        one line: what changes later changes it.
        """
        ended = self.filtered(lambda call: call.disposition != "in_progress" and call.company_id.crm_voip_chatter)
        if not ended:
            return
        # not env.ref: it asks the database each time
        xmlid_to_id = self.env["ir.model.data"]._xmlid_to_res_id
        author = self.env["res.partner"].browse(xmlid_to_id("base.partner_root"))
        note = xmlid_to_id("mail.mt_note")
        lines = self.env["mail.message"].search([("crm_voip_call_id", "in", ended.ids)]).grouped("crm_voip_call_id")
        new = []
        for call in ended:
            vals = call._prepare_chatter_vals(author, note)
            line = lines.get(call, self.env["mail.message"])
            # calls that merged bring a line each
            (line[1:] if vals else line).unlink()
            line = line[:1]
            if not vals:
                continue
            if line:
                differing = {name: vals[name] for name in ("model", "res_id", "body") if line[name] != vals[name]}
                if differing:
                    line.write(differing)
            else:
                new.append(vals)
        self.env["mail.message"].create(new)

    def _prepare_chatter_vals(self, author, subtype_id):
        """Values of the call's line.

        :param author: contact that the lines are by
        :return: None without a customer
        """
        record = self.lead_id or self.partner_id
        if not record:
            return None
        took = f" · {duration(self.talk_s)}" if self.talk_s else ""
        labels = {
            name: dict(self._fields[name]._description_selection(self.env)) for name in ("direction", "disposition")
        }
        text = f"{labels['direction'][self.direction]} · {labels['disposition'][self.disposition]}{took}"
        return {
            "model": record._name,
            "res_id": record.id,
            "date": self.started_at or fields.Datetime.now(),
            "body": Markup('<p><a href="#" data-oe-model="crm.voip.call" data-oe-id="%s">%s</a></p>') % (self.id, text),
            "message_type": "notification",
            "subtype_id": subtype_id,
            "author_id": author.id,
            # given, or each message asks the database for them
            "email_from": author.email_formatted,
            "reply_to": author.email_formatted,
            "crm_voip_call_id": self.id,
        }

    # --- scheduled actions ---

    @api.model
    def _cron_fold(self):
        """Fold what a request could not, after a conflict, a failure or a crash."""
        self._fold_waiting()

    @api.model
    def _cron_close(self):
        """Close calls of which nothing was heard for a time, by an entry that says so."""
        rows = self.env.execute_query(
            SQL(
                """SELECT call.id, pbx.close_after_hours
                     FROM crm_voip_call AS call JOIN crm_voip_pbx AS pbx ON pbx.id = call.pbx_id
                    WHERE call.disposition = 'in_progress'
                      AND NOT EXISTS (
                          SELECT FROM crm_voip_call_ref AS ref
                            JOIN crm_voip_journal AS entry ON entry.pbx_id = ref.pbx_id AND entry.call_ref = ref.ref
                           WHERE ref.call_id = call.id AND NOT ref.is_leg
                             AND entry.create_date
                                 > now() AT TIME ZONE 'UTC' - pbx.close_after_hours * interval '1 hour')
                    ORDER BY call.id LIMIT %s""",
                CHUNK,
            )
        )
        calls = self.browse(call_id for call_id, _hours in rows)
        for (_id, hours), call in zip(rows, calls, strict=True):
            self.env["crm.voip.journal"]._enter(call, "closed", {"reason": f"nothing was heard for {hours} hours"})
        if calls:  # each in a transaction of its own, so that one that fails keeps no other open
            self.env.ref("crm_voip_bridge.ir_cron_fold")._trigger()


def duration(seconds):
    """Seconds as the screens show them: 0:07, 12:30, 1:02:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def naive(moment):
    """The ORM's form of a time: UTC without saying so, False for None."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None) if moment else False
