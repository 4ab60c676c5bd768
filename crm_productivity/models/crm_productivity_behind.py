from odoo import api, models

#: measures of calls: measure -> (what holds of one's own phone in the call, what holds of the call)
CALLS = {
    "calls_made": ([("role", "=", "caller")], [("direction", "=", "outbound")]),
    "reached": ([("role", "=", "caller")], [("direction", "=", "outbound"), ("disposition", "=", "answered")]),
    "offered": ([("role", "=", "called"), ("offered_at", "!=", False)], [("direction", "=", "inbound")]),
    "taken": (
        [("role", "=", "called"), ("offered_at", "!=", False), ("outcome", "=", "answered")],
        [("direction", "=", "inbound")],
    ),
    "answer_s": ([("role", "=", "called"), ("answered_at", "!=", False)], [("direction", "=", "inbound")]),
    "conversations": ([("talk_s", ">=", "threshold")], [("direction", "!=", "internal")]),
    "internal_calls": ([("role", "=", "caller")], [("direction", "=", "internal")]),
    "talk_s": ([("answered_at", "!=", False), ("talk_s", "!=", False)], [("direction", "!=", "internal")]),
    "talk_calls": ([("answered_at", "!=", False), ("talk_s", "!=", False)], [("direction", "!=", "internal")]),
    "ring_s": ([("role", "=", "called"), ("offered_at", "!=", False)], [("direction", "=", "inbound")]),
    "ring_calls": ([("role", "=", "called"), ("offered_at", "!=", False)], [("direction", "=", "inbound")]),
    "dial_s": ([("role", "=", "caller")], [("direction", "=", "outbound"), ("ring_s", "!=", False)]),
    "dial_calls": ([("role", "=", "caller")], [("direction", "=", "outbound"), ("ring_s", "!=", False)]),
    "machine_calls": (
        [("role", "=", "caller")],
        [("direction", "=", "outbound"), ("disposition", "in", ["machine", "voicemail"])],
    ),
}
#: measures of calls that count for whoever made or first took them -> what holds of the call
TAKERS = {
    "hold_s": [("direction", "!=", "internal"), ("disposition", "=", "answered"), ("hold_s", "!=", False)],
    "hold_calls": [("direction", "!=", "internal"), ("disposition", "=", "answered"), ("hold_s", "!=", False)],
    "contacts": [("direction", "=", "inbound"), ("disposition", "=", "answered")],
    "contacts_settled": [("direction", "=", "inbound"), ("disposition", "=", "answered")],
    "contacts_returned": [("direction", "=", "inbound"), ("disposition", "=", "answered")],
    "repeats": [("direction", "=", "inbound"), ("disposition", "=", "answered")],
}
#: measures of what was done after a call -> what holds of it
WRAPUPS = {
    "after_call_s": [("after_call_s", "!=", False)],
    "after_calls": [("after_call_s", "!=", False)],
    "look_up_s": [("opened_at", "!=", False), ("rang_at", "!=", False)],
    "documenting_s": [("noted_at", "!=", False), ("done_at", "!=", False)],
    "handled": [("after_call_s", "!=", False)],
    "handle_s": [("after_call_s", "!=", False)],
    "outcomes": [("outcome_id", "!=", False)],
    "outcomes_reached": [("outcome_id.reached", "=", True)],
}
#: measures of opportunities -> (moment, what holds of it)
LEADS = {
    "opportunities": ("create_date", []),
    "opened_amount": ("create_date", []),
    "closing_s": ("date_closed", [("won_status", "=", "won")]),
    "lost_amount": ("date_closed", [("won_status", "=", "lost")]),
    "won": ("date_closed", [("won_status", "=", "won")]),
    "won_amount": ("date_closed", [("won_status", "=", "won")]),
    "opportunities_lost": ("date_closed", [("won_status", "=", "lost")]),
}
#: measures of messages -> what holds of the message
TURNS = {
    "questions": [],
    "answered": [("answered_at", "!=", False)],
    "response_s": [("waited_s", "!=", False)],
    "response_worked_s": [("worked_s", "!=", False)],
    "own_response_s": [("own_worked_s", "!=", False)],
    "first_response_s": [("first", "=", True), ("worked_s", "!=", False)],
}
#: measures of activities by their deadline
DUE = ("activities_due", "activities_kept", "activities_late")
#: measures of dates promised after a call
PROMISES = ("promises", "promises_kept", "promises_late")


class CrmProductivityBehind(models.AbstractModel):
    """The very calls, messages and opportunities that a person's number is made of.

    What is listed is what the facts count (:class:`CrmProductivityFacts`), by the rights of whoever looks.
    To add a measure, extend :meth:`_of_measure`.
    """

    _name = "crm.productivity.behind"
    _description = "What a number is made of"

    @api.model
    def _of_measure(self, measure, company, start, end):
        """The present user's cases of a measure between two naive UTC moments.

        :return: ``(model, domain)``, None where there are no single cases to show
        """
        uid = self.env.uid
        if measure in CALLS or measure in WRAPUPS or measure in TAKERS:
            domain = [*self._within("started_at", start, end), ("company_id", "=", company.id)]
            if measure in TAKERS:
                return "crm.voip.call", [*domain, ("user_id", "=", uid), *TAKERS[measure]]
            if measure in WRAPUPS:
                return "crm.voip.call", [*domain, ("wrapup_ids", "any", [("user_id", "=", uid), *WRAPUPS[measure]])]
            leg, call = CALLS[measure]
            # the threshold is the company's
            leg = [
                (name, operator, company.crm_productivity_conversation_s if value == "threshold" else value)
                for name, operator, value in leg
            ]
            own = ("leg_ids", "any", [("user_id", "=", uid), *leg])
            return "crm.voip.call", [*domain, ("disposition", "!=", "in_progress"), *call, own]
        if measure in LEADS:
            moment, domain = LEADS[measure]
            own = [("type", "=", "opportunity"), ("user_id", "=", uid), ("company_id", "in", [company.id, False])]
            return "crm.lead", [*own, *domain, *self._within(moment, start, end)]
        if measure in TURNS:
            own = [("user_id", "=", uid), ("company_id", "=", company.id), ("known", "=", True)]
            own.append(("is_covered", "=", True))
            return "crm.productivity.turn", [*own, *TURNS[measure], *self._within("since", start, end)]
        if measure == "typed_calls":
            own = [("user_id", "=", uid), ("company_id", "=", company.id)]
            return "crm.voip.typed.call", [*own, *self._within("started_at", start, end)]
        if measure in PROMISES or measure in DUE:
            days = [str(self.env["crm.productivity.stale"]._day_of(company.id, at)) for at in (start, end)]
            if measure in PROMISES:
                own = [("user_id", "=", uid), *self._within("promised_at", *days)]
                return "crm.voip.call", [("company_id", "=", company.id), ("wrapup_ids", "any", own)]
            # what is due today may still be done today
            own = [("user_id", "=", uid), ("date_deadline", "<", "today")]
            return "mail.activity", [*own, *self._within("date_deadline", *days)]
        if measure == "activities_done" and "crm_productivity_done_at" in self.env["mail.activity"]._fields:
            return "mail.activity", [("user_id", "=", uid), *self._within("crm_productivity_done_at", start, end)]
        if measure == "meetings":
            return "calendar.event", [("user_id", "=", uid), *self._within("start", start, end)]
        return None

    @api.model
    def _within(self, name, start, end):
        return [(name, ">=", str(start)), (name, "<", str(end))]

    @api.model
    def _action(self, measures, company, start, end, name):
        """:param measures: the first one that has single cases is shown
        :return: an action, None where no measure has any
        """
        for measure in measures:
            if found := self._of_measure(measure, company, start, end):
                model, domain = found
                return {
                    "type": "ir.actions.act_window",
                    "name": name,
                    "res_model": model,
                    "views": self._views(model),
                    "mobile_view_mode": "kanban",
                    "domain": domain,
                    # lost opportunities are archived ones
                    "context": {"create": False, "active_test": False},
                    "help": self.env._(
                        "Nothing of this kind happened in that time. (A number outlives the calls that it was counted from, "
                        "where a company keeps calls for a limited time.)"
                    ),
                }
        return None

    @api.model
    def _views(self, model):
        kinds = {"calendar.event": ("list", "calendar", "form"), "crm.productivity.turn": ("list",)}
        return [(False, kind) for kind in kinds.get(model, ("list", "kanban", "form"))]
