from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import format_amount

from ..lib.numbers import parse, shown
from .crm_voip_call import duration

#: what a call did longer ago than this is no news: it comes from the PBX's history
FRESH = timedelta(minutes=3)
#: longest call that a page still shows a card for when it is loaded again
LONGEST_CALL = timedelta(hours=12)
#: most lines of a kind on a card; the record itself has them all
MOST_OPPORTUNITIES, MOST_CALLS, MOST_MESSAGES, MOST_CANDIDATES = 4, 3, 3, 8
#: messages that somebody wrote
WRITTEN = ("comment", "email", "email_outgoing")


class CrmVoipCall(models.Model):
    """The call card: who is told of a call while it rings and talks, and what the card says.

    A fold sends the head of the card with all that is needed to draw it (:meth:`_prepare_card_head`) to everybody
    whom the call concerns now; each gets their own part of it (:meth:`_card_part`). The rest is fetched by the card
    (:meth:`card_details`), with the rights of who looks at it.
    """

    _inherit = "crm.voip.call"

    # --- telling ---

    def _after_fold(self):
        result = super()._after_fold()
        self._card_tell()
        return result

    def _card_tell(self, fresh_only=True):
        """Send the heads of the cards of these calls to all whom they concern now.

        As many queries for five hundred calls as for one, and none where the company has no cards.

        :param fresh_only: leave out what happened some time ago
        """
        calls = self.filtered(lambda call: call.company_id.crm_voip_card)
        if not calls:
            return
        clocks = self._card_clocks(calls.pbx_id)
        if fresh_only:
            calls = calls.filtered(lambda call: call._card_is_fresh(clocks[call.pbx_id]))
        for user, head in calls._card_heads(clocks):
            user._bus_send("crm_voip_bridge/call", head)

    def _take_over(self, gone):
        # a card of a call that became part of another one goes on as that one's
        for call in gone.filtered(lambda call: call.company_id.crm_voip_card):
            for user in call.leg_ids.user_id:
                user._bus_send("crm_voip_bridge/call", {"id": call.id, "state": "merged", "into": self.id})
        return super()._take_over(gone)

    def _pick(self, partner, lead, remember=False):
        result = super()._pick(partner, lead, remember)
        # sudo: whom a call concerns is not for who looks to know. A pick in the middle of a long call is news, too
        self.sudo().filtered(lambda call: call.disposition == "in_progress")._card_tell(fresh_only=False)
        return result

    @api.model
    def _card_clocks(self, pbxs):
        """:return: ``{pbx: its time now}``, by its bridges' clocks as far as they were measured"""
        # sudo: the state of bridges is the administrator's
        states = self.env["crm.voip.pbx.state"].sudo().search_fetch([("pbx_id", "in", pbxs.ids)])
        # the newest of each comes first
        off = {state.pbx_id.id: state.clock_difference for state in reversed(states)}
        now = fields.Datetime.now()
        return {pbx: now + timedelta(seconds=off.get(pbx.id, 0)) for pbx in pbxs}

    def _card_is_fresh(self, now):
        """Whether what is new about the call happened just now."""
        if self.disposition != "in_progress":
            if self.ended_at:
                return self.ended_at > now - FRESH
            # closed without an end: whoever saw it begin is told
            return bool(self.started_at) and self.create_date - self.started_at < FRESH
        legs = self.leg_ids
        times = [self.started_at, self.answered_at, *legs.mapped("offered_at")]
        times += [*legs.mapped("answered_at"), *legs.mapped("left_at")]
        return any(at and at > now - FRESH for at in times)

    def _card_heads(self, clocks):
        """The heads of the cards of these calls.

        :param clocks: from :meth:`_card_clocks`
        :return: ``[(user, head), …]`` with a head for each person whom a call concerns
        """
        queued = self.filtered(lambda call: call.queue and call.direction == "inbound")
        servers = queued and self.env["crm.voip.queue"]._servers(queued.pbx_id, set(queued.mapped("queue")))
        nobody, no_legs = self.env["res.users"], self.env["crm.voip.leg"]
        heads = []
        for call in self:
            now = clocks[call.pbx_id]
            legs = call.leg_ids.filtered("user_id").grouped("user_id")
            serve = servers.get((call.pbx_id.id, call.queue), nobody) if call in queued else nobody
            head = None
            for user in dict.fromkeys([*legs, *serve.filtered("crm_voip_card_queue")]):
                part = user._crm_voip_has_card() and call._card_part(legs.get(user, no_legs), now)
                if part:
                    head = head or call._prepare_card_head(now)
                    heads.append((user, {**head, **part}))
        return heads

    def _card_part(self, legs, now):
        """What the call is to one person now.

        :param legs: those of this person, none of somebody who only serves the queue
        :return: values that complete the head, None if it does not concern the person any more
        """
        live = self.disposition == "in_progress"
        talking = self.leg_ids.filtered(lambda leg: live and leg.outcome == "answered" and not leg.left_at)
        part = {"state": "ended", "took_part": False, "role": legs[:1].role or "queue"}
        if self.direction == "internal":
            other = (self.leg_ids - legs)[:1]
            part["label"] = other.user_id.name or other.extension_id.name or other.number or False
        if talking & legs:
            return {**part, "state": "talking", "took_part": True}
        if live and any(not leg.outcome and not leg.left_at for leg in legs):
            return {**part, "state": "ringing"}
        # nobody has paperwork for a talk with a colleague
        took_part = self.direction != "internal" and legs.filtered(
            lambda leg: leg.role == "caller" or (leg.outcome == "answered" and leg.role != "consulted")
        )
        if took_part:
            left = max((at for at in took_part.mapped("left_at") if at), default=self.ended_at or now)
            return {**part, "took_part": True, "ended_at": fields.Datetime.to_string(left)}
        if live and not talking and self._card_waits():
            # the PBX rings the members of a queue again and again; in between, it waits
            serves = not legs or legs.user_id.crm_voip_card_queue
            return {**part, "state": "queued"} if serves else part
        if any(leg.role == "caller" or leg.outcome == "answered" for leg in legs):
            return part
        taker = talking or self.leg_ids.filtered(lambda leg: leg.outcome == "answered" and leg.role == "called")
        if taker:
            first = taker[:1]
            # said once: who takes a call is news for a moment
            return (first.answered_at or now) > now - FRESH and {
                **part,
                "state": "taken",
                "taken_by": first.user_id.name or first.extension_id.name or first.number or False,
            }
        return part

    def _card_waits(self):
        """Whether the caller waits in a queue, as far as the call tells."""
        return bool(self.queue) and self.direction == "inbound" and self.disposition == "in_progress"

    def _prepare_card_head(self, now):
        """What all cards of the call say alike, enough to draw one; in superuser mode.

        Names of callers are whatever somebody outside wrote there: text, never markup.

        :param now: the PBX's time now
        :return: JSON values by name
        """
        self.ensure_one()
        withheld = parse(self.outside_number, None)[0].kind == "anonymous"
        number, country = shown(self.outside_e164 or (not withheld and self.outside_number))
        partner, lead = self.partner_id, self.lead_id
        company = partner.commercial_company_name or lead.partner_name
        label = partner.name or lead.contact_name or lead.partner_name or lead.name
        has_it = self.leg_ids.filtered(lambda leg: leg.outcome == "answered" and not leg.left_at and leg.user_id)
        whose = has_it[-1:].user_id or self.user_id
        return {
            "id": self.id,
            "direction": self.direction,
            "disposition": self.disposition,
            "queue": self.queue,
            "label": label or False,
            "company": company if company and company != label else False,
            "name": self.name,
            "number": number or False,
            "country": country or False,
            "partner_id": partner.id,
            "lead_id": lead.id,
            "several": bool(self.candidate_partner_ids or self.candidate_lead_ids),
            "user_id": whose.id,
            "user_name": whose.name,
            "started_at": fields.Datetime.to_string(self.started_at),
            "answered_at": fields.Datetime.to_string(self.answered_at),
            "ended_at": fields.Datetime.to_string(self.ended_at),
            "now": fields.Datetime.to_string(now),
        }

    # --- what the card asks ---

    @api.model
    def card_current(self):
        """The heads of the cards that concern the user now: for a page that was loaded in mid-call.

        :return: list of heads, see :meth:`_prepare_card_head`
        """
        if not self.env.user._crm_voip_has_card():
            return []
        # sudo: whom a call concerns is decided from its legs, see _card_part; each gets only what is theirs
        calls = self.sudo()
        user = self.env.user
        now = fields.Datetime.now()
        companies = user.company_ids.filtered("crm_voip_card")
        mine = Domain("company_id", "in", companies.ids) & Domain("started_at", ">", now - LONGEST_CALL)
        whose = Domain("leg_ids", "any", [("user_id", "=", user.id)])
        if user.crm_voip_card_queue:
            whose |= Domain("queue", "!=", False)
        found = calls.search(mine & Domain("disposition", "=", "in_progress") & whose, order="started_at", limit=50)
        found |= self._card_unfinished(now).filtered(lambda call: call.company_id in companies)
        heads = found._card_heads(self._card_clocks(found.pbx_id))
        return [
            head
            for person, head in heads
            if person == user and (head["state"] in ("ringing", "queued", "talking") or head["took_part"])
        ]

    @api.model
    def card_details(self, call_id):
        """What the card of a call shows besides its head.

        :return: see :meth:`_prepare_card_vals`
        :raise AccessError: the user may not see the call, and does not serve the queue that it waits in
        """
        return self._card_call(call_id)._prepare_card_vals()

    @api.model
    def card_pick(self, call_id, partner_id=False, lead_id=False, remember=False):
        """Say who the other side is.

        :param partner_id: id of the contact, false for nobody
        :param lead_id: id of the lead or opportunity
        :param remember: the number is this customer's from now on
        :return: as :meth:`card_details`
        """
        call = self._card_call(call_id)
        call.action_pick(partner_id, lead_id, remember and bool(call.outside_e164))
        return call._prepare_card_vals()

    @api.model
    def card_action(self, call_id, name):
        """What opens the form of a new record, of the customer of this call.

        :param name: ``new_contact`` or ``new_lead``
        """
        call = self._card_call(call_id)
        call.check_access("read")
        action = call.action_new_contact() if name == "new_contact" else call.action_new_opportunity()
        # saved, the record takes this call and earlier ones of the number: see crm.voip.caller
        return {**action, "context": {**action["context"], "crm_voip_call_id": call.id}}

    @api.model
    def _card_call(self, call_id):
        """:return: a call whose card the user may have, with the user's rights in all companies that are theirs

        :raise AccessError: there is none
        """
        # a telephone rings whichever companies are ticked in the web client
        user = self.env.user
        call = self.with_context(allowed_company_ids=user.company_ids.ids).browse(int(call_id)).exists()
        # sudo: whether a call concerns somebody is looked up before any right is given
        real = call.sudo()
        if call and call.has_access("read"):
            if user not in real.leg_ids.user_id:
                call._people_look_at(call, "call")
            return call
        if real._card_waits() and real.company_id in user.company_ids and user._crm_voip_has_card():
            servers = self.env["crm.voip.queue"]._servers(real.pbx_id, [real.queue])
            if user in servers.get((real.pbx_id.id, real.queue), ()):
                return call
        raise AccessError(self.env._("This call is none of yours, or it is over."))

    def _prepare_card_vals(self):
        """What the card shows besides its head; extend it for lines of your own (readme/DEVELOPER.md).

        ``self`` is one call that the user may have a card of, with the user's own rights, which may not suffice to
        read the call itself (it waits in a queue): read it with ``sudo()``, and everything else without.

        :return: JSON values by name:
            ``contact`` ``{model, id, name}``, false where the user may not open it;
            ``candidates`` ``[{model, id, name, hint}]``; ``opportunities`` ``[{id, name, stage, amount}]`` and
            ``more_opportunities``, the number of others; ``activity`` ``{name, date, state, user, model, id}``;
            ``promised`` as :meth:`_card_promises`; ``calls`` ``[{id, direction, result, at, talk, outcome}]``;
            ``messages`` ``[{id, author, at, text, model, res_id}]``;
            ``outcomes`` and ``wrapup`` as the wrap-up says, ``cap``: seconds that the card stays; ``can`` ``{name: bool}``: what to offer
        """
        self.ensure_one()
        # sudo: see above
        call = self.sudo()
        partner = self.env["res.partner"].browse(call.partner_id.id)._filtered_access("read")
        lead = self.env["crm.lead"].browse(call.lead_id.id)._filtered_access("read")
        opportunities = self._card_opportunities(partner, lead)
        promised = self._card_promises()
        contact = lead or partner
        return {
            "contact": bool(contact) and {"model": contact._name, "id": contact.id, "name": contact.display_name},
            "candidates": self._card_candidates(call),
            "opportunities": [
                {
                    "id": one.id,
                    "name": one.name,
                    "stage": one.stage_id.name or False,
                    "amount": format_amount(self.env, one.expected_revenue, one.company_currency)
                    if one.expected_revenue
                    else False,
                }
                for one in opportunities[:MOST_OPPORTUNITIES]
            ],
            "more_opportunities": max(0, len(opportunities) - MOST_OPPORTUNITIES),
            "activity": self._card_activity(partner, opportunities | lead, {one["id"] for one in promised}),
            "promised": promised,
            "calls": [self._prepare_card_call(one) for one in self._card_earlier_calls(call)],
            "messages": self._card_messages(partner, opportunities | lead),
            **self._card_wrapup(call),
            "can": self._card_can(call, contact),
        }

    # --- the parts of the card ---

    def _card_candidates(self, call):
        """:return: who else it could be, as far as the user may see them"""
        partners = self.env["res.partner"].browse(call.candidate_partner_ids.ids[:MOST_CANDIDATES])
        leads = self.env["crm.lead"].browse(call.candidate_lead_ids.ids[:MOST_CANDIDATES])
        known = bool(call.partner_id)
        return [
            {"model": "res.partner", "id": one.id, "name": one.name, "hint": one.commercial_company_name or False}
            for one in partners._filtered_access("read")
        ] + [
            {
                "model": "crm.lead",
                "id": one.id,
                "name": one.name,
                # of a customer who is known, the opportunities are told apart by how far they are
                "hint": (one.stage_id.name if known else one.partner_name or one.partner_id.name) or False,
            }
            for one in leads._filtered_access("read")
        ]

    def _card_opportunities(self, partner, lead):
        """:return: the open opportunities of the customer, that of the call first"""
        if not partner:
            return lead
        domain = Domain("won_status", "=", "pending") & Domain("type", "=", "opportunity")
        # sudo: which company somebody belongs to decides, also where that one is not visible
        family = partner.sudo().commercial_partner_id
        domain &= Domain("partner_id.commercial_partner_id", "=", family.id)
        return lead | self.env["crm.lead"].search(domain, limit=20)

    def _card_earlier_calls(self, call):
        """:return: earlier calls with the customer, or of the unknown number, that the user may see, newest first"""
        if call.partner_id:
            domain = Domain("partner_id.commercial_partner_id", "=", call.partner_id.commercial_partner_id.id)
        elif call.lead_id:
            domain = Domain("lead_id", "=", call.lead_id.id)
        elif call.outside_e164:
            domain = Domain("outside_e164", "=", call.outside_e164)
        else:
            return self.browse()
        if call.started_at:
            domain &= Domain("started_at", "<", call.started_at)
        return self.search(domain & Domain("id", "!=", call.id), limit=MOST_CALLS)

    def _prepare_card_call(self, call):
        """A line about an earlier call. It tells no colleague's name: several calls together never do."""
        labels = dict(self._fields["disposition"]._description_selection(self.env))
        return {
            "id": call.id,
            "direction": call.direction,
            "result": labels[call.disposition],
            "at": fields.Datetime.to_string(call.started_at),
            "talk": duration(call.talk_s) if call.talk_s else False,
            "outcome": call.outcome_id.name or False,
        }

    def _card_activity(self, partner, leads, others):
        """:return: what is to be done next with the customer, or False

        :param others: ids of activities that the card shows already
        """
        about = Domain("res_model", "=", "crm.lead") & Domain("res_id", "in", leads.ids)
        about |= Domain("res_model", "=", "res.partner") & Domain("res_id", "in", partner.ids)
        domain = about & Domain("id", "not in", list(others))
        activity = self.env["mail.activity"].search(domain, order="date_deadline, id", limit=1)
        return bool(activity) and {
            "name": activity.summary or activity.activity_type_id.name or False,
            "icon": activity.icon or False,
            "date": fields.Date.to_string(activity.date_deadline),
            "state": activity.state,
            "user": activity.user_id.name or False,
            "model": activity.res_model,
            "id": activity.res_id,
        }

    def _card_messages(self, partner, leads):
        """:return: the last things written to and by the customer, newest first"""
        about = Domain("model", "=", "crm.lead") & Domain("res_id", "in", leads.ids)
        about |= Domain("model", "=", "res.partner") & Domain("res_id", "in", partner.ids)
        if not partner and not leads:
            return []
        domain = about & Domain("message_type", "in", WRITTEN)
        return [
            {
                "id": message.id,
                "author": message.author_id.name or message.email_from or False,
                "at": fields.Datetime.to_string(message.date),
                "text": message.preview or message.subject or False,
                "model": message.model,
                "res_id": message.res_id,
            }
            for message in self.env["mail.message"].search(domain, order="date desc, id desc", limit=MOST_MESSAGES)
        ]

    def _card_can(self, call, contact):
        """:return: ``{name: bool}``, what the card offers; what the PBX cannot do is no button"""
        outside = call.direction != "internal"
        readable = self.has_access("read")
        return {
            "open": bool(contact),
            "pick": outside and readable,
            "remember": bool(call.outside_e164),
            "new_contact": outside
            and readable
            and not call.partner_id
            and self.env["res.partner"].has_access("create"),
            "new_lead": outside and readable and self.env["crm.lead"].has_access("create"),
            **self._card_commands(),
        }

    # --- what the wrap-up says ---

    @api.model
    def _card_unfinished(self, now):
        """:return: calls of the user that ended just now and wait for their outcome, in superuser mode"""
        # sudo: one's own wrap-ups
        wrapups = self.env["crm.voip.wrapup"].sudo()
        since = now - timedelta(seconds=max(self.env.user.company_ids.mapped("crm_voip_wrapup_cap"), default=0))
        return wrapups.search(
            [("user_id", "=", self.env.uid), ("done_at", "=", False), ("call_id.ended_at", ">", since)]
        ).call_id

    def _card_wrapup(self, call):
        """:return: ``outcomes``, ``wrapup`` and ``cap`` of the card"""
        return {
            "outcomes": self.env["crm.voip.outcome"]._for_card(self),
            "wrapup": self.env["crm.voip.wrapup"]._read_card(self),
            "cap": call.company_id.crm_voip_wrapup_cap,
        }
