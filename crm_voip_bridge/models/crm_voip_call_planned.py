from collections import defaultdict
from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_datetime

from .crm_voip_call import duration
from .crm_voip_callback import RECENT_DAYS


class CrmVoipCall(models.Model):
    """Planned calls close themselves: the activity that a call was, is marked done, and can be taken back."""

    _inherit = "crm.voip.call"

    planned_activity_id = fields.Many2one(
        "mail.activity", "Planned call", index="btree_not_null", ondelete="set null", help="The activity that this was."
    )
    planned_state = fields.Selection(
        [("done", "Marked done"), ("undone", "Taken back")],
        "Planned call is",
        help="What was taken back is not marked done again.",
    )
    planned_trace = fields.Json(help="What marking it done left behind, to undo it.", groups=fields.NO_ACCESS)

    # --- calls from the card ---

    @api.model
    def card_planned(self, call_id, activity_id):
        """Say which planned call it was; only one's own.

        :return: ``{"message": text}``
        """
        call = self.browse(call_id)
        call.check_access("read")
        # sudo: calls are nobody's to write; which activities it can be is decided here
        call = call.sudo()
        activity = call._planned()[call].filtered(lambda activity: activity.id == activity_id)
        if activity.user_id != self.env.user:
            raise UserError(self.env._("This is not one of your planned calls for this customer any more."))
        if call.planned_state == "done":
            raise UserError(self.env._("A planned call was marked done already: take that back first."))
        call._mark_planned(activity)
        return {"message": self.env._("Marked done: %s", activity.display_name)}

    @api.model
    def card_planned_undo(self, call_id):
        """It was not the planned call: restore the activity as it was.

        :return: ``{"message": text}``
        """
        call = self.browse(call_id)
        call.check_access("read")
        # sudo: see card_planned
        call = call.sudo()
        activity = call.planned_activity_id
        if call.planned_state != "done" or (activity and activity.user_id != self.env.user):
            raise UserError(self.env._("There is nothing of yours to take back."))
        name = activity.display_name
        if activity:
            activity._crm_voip_undone(call.planned_trace or {})
        call.write({"planned_state": "undone", "planned_activity_id": False, "planned_trace": False})
        return {"message": self.env._("Planned again: %s", name)}

    # --- following calls ---

    def _after_fold(self):
        result = super()._after_fold()
        talked = self.filtered(lambda call: not call.planned_state and call._is_conversation())
        if talked:
            talked._close_planned()
        return result

    def _take_over(self, gone):
        for call in gone:
            if call.planned_state and not self.planned_state:
                self.write({name: call[name] for name in ("planned_state", "planned_activity_id", "planned_trace")})
        return super()._take_over(gone)

    def _is_conversation(self):
        """Whether it can be a call that somebody planned: long enough, with a known customer, of these days."""
        company = self.company_id
        return bool(
            company.crm_voip_planned
            and self.disposition == "answered"
            and self.direction != "internal"
            and (self.partner_id or self.lead_id)
            and self.talk_s is not False
            and self.talk_s >= company.crm_voip_planned_s
            and self.started_at
            and self.create_date - self.started_at <= timedelta(days=RECENT_DAYS)
        )

    def _close_planned(self):
        """Mark done what was planned, where exactly one fits."""
        taken = self.env["mail.activity"]
        for call, activities in self._planned().items():
            activity = activities - taken
            if len(activity) == 1:
                call._mark_planned(activity)
                taken |= activity

    def _planned(self):
        """The activities that calls can have been, with few queries however many calls there are.

        They are of a type for telephone calls, of somebody who talked with the customer, on the call's opportunity,
        contact or company, due or nearly so, and were planned before the call. A callback is none of them:
        it closes by its own rules.

        :return: ``{call: activities}``, in the order in which the calls began
        """
        talked = {call: call._talkers() for call in self}
        places = {call: call._planned_places() for call in self}
        users = {user for some in talked.values() for user in some.ids}
        about = defaultdict(set)
        for model, res_id in (place for some in places.values() for place in some):
            about[model].add(res_id)
        activities = self.env["mail.activity"]
        if users and about:
            callback = self.env["ir.model.data"]._xmlid_to_res_id("crm_voip_bridge.mail_activity_type_callback")
            activities = activities.search(
                Domain.OR(
                    Domain("res_model", "=", model) & Domain("res_id", "in", sorted(ids))
                    for model, ids in about.items()
                )
                & Domain("user_id", "in", sorted(users))
                & Domain("activity_type_id.category", "=", "phonecall")
                & Domain("activity_type_id", "!=", callback)
            )
        return {
            call: activities.filtered(
                lambda activity, call=call: (
                    activity.user_id in talked[call]
                    and (activity.res_model, activity.res_id) in places[call]
                    and activity.create_date <= call.started_at
                    and activity.date_deadline <= call._planned_until(activity.user_id)
                )
            )
            for call in self.sorted("started_at")
        }

    def _talkers(self):
        """:return: those of us who talked with the customer, not only with a colleague about them"""
        return self.leg_ids.filtered(
            lambda leg: leg.outcome == "answered" and (leg.role != "consulted" or leg.talk_s)
        ).user_id

    def _planned_places(self):
        """:return: ``{(model, id)}`` of the records on which such a call is planned"""
        partner = self.partner_id
        leads = self.lead_id
        if partner and self.match_state != "ambiguous":
            leads |= self.candidate_lead_ids
        partners = partner | partner.parent_id | partner.commercial_partner_id | leads.partner_id
        return {("res.partner", record.id) for record in partners} | {("crm.lead", record.id) for record in leads}

    def _planned_until(self, user):
        """:return: the last day of what is due or nearly so, where the person is"""
        zone = pytz.timezone(user.tz or self.company_id.partner_id.tz or "UTC")
        day = pytz.utc.localize(self.started_at).astimezone(zone).date()
        return day + timedelta(days=self.company_id.crm_voip_planned_days)

    def _mark_planned(self, activity):
        """This was the planned call: mark it done as the person would, and tell them."""
        self.ensure_one()
        user = activity.user_id
        own = self.with_context(lang=user.lang or self.env.lang, tz=user.tz or self.company_id.partner_id.tz)
        when = format_datetime(own.env, self.answered_at or self.started_at, dt_format="short")
        feedback = own.env._("Talked %(time)s on %(when)s.", time=duration(self.talk_s), when=when)
        trace = activity._crm_voip_done(user, feedback, self)
        self.write({"planned_activity_id": activity.id, "planned_state": "done", "planned_trace": trace})
        user._bus_send(
            "crm_voip_bridge/planned",
            {
                "call_id": self.id,
                "activity_id": activity.id,
                "name": activity.display_name,
                "record": activity.res_name or "",
                "duration": duration(self.talk_s),
                "now": fields.Datetime.to_string(fields.Datetime.now()),
            },
        )
