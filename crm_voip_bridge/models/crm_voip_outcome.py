import re
from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

#: what follows from an outcome that is no outcome: it makes a note, and the call goes without
NOTES = ("unacceptable", "pleasure")
#: what the call card asks for before it can be given, per what follows
ASKS = {"promise": "date", "lost": "reason", "unacceptable": "fact"}


class CrmVoipOutcome(models.Model):
    """What came of a call, as the person chose it, and what follows from it.

    What follows happens with the rights of whoever chose it (:meth:`_follow`), is kept with their
    wrap-up, and can be taken back (:meth:`_take_back`).
    """

    _name = "crm.voip.outcome"
    _inherit = "crm.voip.export"
    _description = "Outcome"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    icon = fields.Char(help="Of Font Awesome, such as fa-thumbs-up.")
    key = fields.Char(size=1, help="One letter or digit that gives this outcome on the call card.")
    color = fields.Integer("Colour")
    company_id = fields.Many2one("res.company", index="btree_not_null", help="Empty: for all companies.")
    team_ids = fields.Many2many("crm.team", string="Sales teams", help="Empty: for all of them.")
    reached = fields.Boolean(
        help="Whoever was called was reached. Typed by a person: reports show it apart from what was measured."
    )
    follows = fields.Selection(
        [
            ("none", "Nothing"),
            ("activity", "An activity"),
            ("promise", "A promise with a date"),
            ("stage", "A stage of the opportunity"),
            ("lost", "The opportunity is lost"),
            ("unacceptable", "A supervisor note about unacceptable contact"),
            ("pleasure", "A thank-you"),
        ],
        "What follows",
        required=True,
        default="none",
    )
    activity_type_id = fields.Many2one("mail.activity.type", "Activity")
    activity_summary = fields.Char("Summary", translate=True)
    delay_days = fields.Integer("In days", default=1)
    working_days = fields.Boolean(default=True, help="Count the days on which the company works.")
    customer_only = fields.Boolean(
        "Only for known customers", help="Of a call with an unknown number, nothing follows."
    )
    stage_id = fields.Many2one("crm.stage")
    lost_reason_id = fields.Many2one("crm.lost.reason", "Lost reason", help="Empty: the person is asked.")

    @api.constrains("key")
    def _check_key(self):
        for outcome in self:
            if outcome.key and not outcome.key.isalnum():
                raise ValidationError(self.env._("The key is a letter or a digit, not “%s”.", outcome.key))

    @api.constrains("icon")
    def _check_icon(self):
        for outcome in self:
            if outcome.icon and not re.fullmatch("fa-[a-z0-9-]+", outcome.icon):
                raise ValidationError(self.env._("“%s” is no icon's name, such as fa-thumbs-up.", outcome.icon))

    @api.constrains("key", "active", "company_id", "team_ids")
    def _check_key_unique(self):
        for outcome in self.filtered(lambda one: one.key and one.active):
            same = self.search(
                Domain("key", "=ilike", outcome.key)
                & Domain("id", "!=", outcome.id)
                & (Domain("company_id", "in", (False, outcome.company_id.id)) if outcome.company_id else Domain.TRUE)
                & (Domain("team_ids", "in", [False, *outcome.team_ids.ids]) if outcome.team_ids else Domain.TRUE)
            )
            if same:
                raise ValidationError(
                    self.env._("The key “%(key)s” gives “%(other)s” already.", key=outcome.key, other=same[0].name)
                )

    @api.constrains("follows", "activity_type_id", "stage_id")
    def _check_follows(self):
        for outcome in self:
            if outcome.follows == "activity" and not outcome.activity_type_id:
                raise ValidationError(self.env._("“%s”: say which activity follows.", outcome.name))
            if outcome.follows == "stage" and not outcome.stage_id:
                raise ValidationError(self.env._("“%s”: say which stage follows.", outcome.name))

    # --- which ones there are ---

    @api.model
    def _of_company(self, company):
        """:return: the outcomes that the present user may give in a company, as far as it switched them on"""
        kinds = Domain.FALSE
        if company.crm_voip_outcomes:
            kinds |= Domain("follows", "not in", NOTES)
        if company.crm_voip_supervisor_notes:
            kinds |= Domain("follows", "in", NOTES)
        if kinds == Domain.FALSE:
            return self.browse()
        outcomes = self.search(kinds & Domain("company_id", "in", (False, company.id)))
        # sudo: in which team one is, everybody may know
        teams = outcomes.sudo().team_ids and self.env["crm.team"].sudo()._crm_voip_of_user(self.env.user)
        return outcomes.filtered(lambda one: not (own := one.sudo().team_ids) or own & teams)

    @api.model
    def _for_card(self, call):
        """The outcomes that the present user may give a call.

        :return: ``[{"id", "name", "icon", "key", "color", "asks", "choices"}, …]``; ``asks`` is false, ``date``,
            ``reason`` or ``fact``, ``choices`` holds what there is to choose from as ``[[value, label], …]``
        """
        # sudo: which company a call belongs to is seen by who sees the call
        call = call.sudo()
        return [] if call.direction == "internal" else self._of_company(call.company_id)._to_card()

    def _to_card(self):
        shown = []
        for outcome in self:
            asks = outcome._asks()
            shown.append(
                {
                    "id": outcome.id,
                    "name": outcome.name,
                    "icon": outcome.icon or False,
                    "key": outcome.key or False,
                    "color": outcome.color,
                    "asks": asks,
                    "choices": outcome._choices(asks),
                }
            )
        return shown

    def _asks(self):
        """:return: what has to be said before this can be given: ``date``, ``reason``, ``fact`` or False"""
        if self.follows == "lost" and self.lost_reason_id:
            return False
        return ASKS.get(self.follows, False)

    @api.model
    def _choices(self, asks):
        if asks == "reason":
            return [[reason.id, reason.name] for reason in self.env["crm.lost.reason"].search([])]
        if asks == "fact":
            kinds = self.env["crm.voip.supervisor.note"]._fields["kind"]._description_selection(self.env)
            return [[kind, label] for kind, label in kinds if kind != "pleasure"]
        return []

    # --- what follows ---

    def _follow(self, about, values):
        """Do what follows, with the present user's own rights.

        :param about: a call, or what else has ``lead_id``, ``partner_id`` and ``company_id``
        :param values: what was asked for: ``promised_at`` (date), ``reason`` (id of a lost reason)
        :return: ``(done, text)``: JSON values from which :meth:`_take_back` knows what to take back, and what
            happened in words
        :raise UserError: something that has to be said is missing
        """
        self.ensure_one()
        return getattr(self, f"_follow_{self.follows}")(about, values)

    def _follow_none(self, about, values):
        return {}, ""

    def _follow_activity(self, about, values):
        if self.customer_only and not self._customer_of(about):
            return {}, ""
        return self._schedule(about, self._prepare_activity_vals(about))

    def _follow_promise(self, about, values):
        day = values.get("promised_at")
        if not day:
            raise UserError(self.env._("Until when was it promised? Choose a date."))
        if day < fields.Date.context_today(self):
            raise UserError(self.env._("A promise is for today or later."))
        # somebody may have deleted it; core keeps the other one
        promise = self.env.ref("crm_voip_bridge.mail_activity_type_promise", raise_if_not_found=False)
        promise = promise or self.env.ref("mail.mail_activity_data_todo")
        return self._schedule(
            about,
            {
                **self._prepare_activity_vals(about),
                "activity_type_id": promise.id,
                "summary": self.activity_summary or promise.summary,
                "date_deadline": day,
            },
        )

    def _follow_stage(self, about, values):
        lead, why = self._lead_of(about)
        if not lead:
            return {}, why
        before = lead.stage_id
        if before == self.stage_id:
            return {}, ""
        lead.stage_id = self.stage_id
        done = {"lead": lead.id, "stage": [before.id, self.stage_id.id]}
        return done, self.env._("“%(lead)s” is now in %(stage)s", lead=lead.name, stage=self.stage_id.name)

    def _follow_lost(self, about, values):
        reason = self.lost_reason_id or self.env["crm.lost.reason"].browse(values.get("reason") or []).exists()
        lead, why = self._lead_of(about)
        if not lead:
            return {}, why
        if not reason:
            raise UserError(self.env._("Why is it lost? Choose a reason."))
        if not lead.active:
            return {}, ""
        done = {"lead": lead.id, "lost": True, "probability": not lead.is_automated_probability and lead.probability}
        lead.action_set_lost(lost_reason_id=reason.id)
        return done, self.env._("“%(lead)s” is lost: %(reason)s", lead=lead.name, reason=reason.name)

    def _in_words(self, text):
        """:return: the outcome and what followed, for whoever gave it"""
        return " · ".join(filter(None, (self.name.rstrip(" .…"), text)))

    def _schedule(self, about, vals):
        """:return: as :meth:`_follow`"""
        record = self._record_for_activity(about)
        if not record:
            return {}, ""
        activity = self.env["mail.activity"].create(
            {**vals, "res_model_id": self.env["ir.model"]._get_id(record._name), "res_id": record.id}
        )
        words = {
            "what": activity.summary or activity.activity_type_id.name,
            "day": activity.date_deadline.strftime(self.env["res.lang"]._get_data(code=self.env.user.lang).date_format),
            "record": record.sudo().display_name,
        }
        if words["what"] == self.name or self.follows == "promise":
            return {"activity": activity.id}, self.env._("%(day)s, on “%(record)s”", **words)
        return {"activity": activity.id}, self.env._("%(what)s: %(day)s, on “%(record)s”", **words)

    def _prepare_activity_vals(self, call):
        """Hook: values of the activity that follows, but for what it is on.

        :param call: a call, or a typed one
        """
        return {
            "activity_type_id": self.activity_type_id.id,
            "summary": self.activity_summary or self.activity_type_id.summary,
            "date_deadline": self._day(call.sudo().company_id),
            "user_id": self.env.uid,
        }

    def _day(self, company):
        """:return: the date in so many days; a working day, if such are counted"""
        today = fields.Date.context_today(self)
        # sudo: the company's working time is no secret
        calendar = company.sudo().resource_calendar_id
        if self.delay_days <= 0:
            return today
        if self.working_days and calendar:
            tz = pytz.timezone(calendar.tz)
            tomorrow = tz.localize(datetime.combine(today + timedelta(days=1), time.min))
            if planned := calendar.plan_days(self.delay_days, tomorrow, compute_leaves=True):
                return planned.date()
        return today + timedelta(days=self.delay_days)

    @api.model
    def _customer_of(self, about):
        return about.lead_id or about.partner_id

    @api.model
    def _record_for_activity(self, about):
        """:return: the first of opportunity, contact and call on which the user may put an activity"""
        for record in (about.lead_id, about.partner_id, about):
            if record and "activity_ids" in record._fields and self._may_plan(record):
                return record
        return about.browse()

    @api.model
    def _may_plan(self, record):
        record = record.sudo(False)
        # as mail.activity itself asks
        return bool(self.env["mail.message"]._filter_records_for_message_operation(record._name, record.ids, "create"))

    def _lead_of(self, about):
        """:return: ``(opportunity or empty, why it is empty)``"""
        lead = about.lead_id.sudo(False)
        if not lead:
            return lead, self.env._("There is no opportunity: nothing else changes.")
        if not lead.has_access("write"):
            return lead.browse(), self.env._("The opportunity is not yours to change: it stays as it is.")
        return lead, ""

    @api.model
    def _take_back(self, done):
        """Take back what :meth:`_follow` did, as far as nobody has gone on from there.

        :param done: what it returned
        """
        # what is done meanwhile stays as done, and what is somebody else's by now stays theirs
        activity = self.env["mail.activity"].browse(done.get("activity") or []).exists()
        if activity and activity.has_access("unlink") and activity.sudo().active:
            activity.unlink()
        lead = self.env["crm.lead"].browse(done.get("lead") or []).exists()
        if not lead or not lead.has_access("write"):
            return
        if done.get("stage"):
            before, after = self.env["crm.stage"].browse(done["stage"])
            if lead.stage_id == after and before.exists():
                lead.stage_id = before
        if done.get("lost") and not lead.active and lead.won_status == "lost":
            lead.action_restore()
            if done.get("probability"):
                lead.probability = done["probability"]

    @api.model
    def _offered(self, call, outcome_id):
        """:return: the outcome of that id
        :raise UserError: the present user cannot give it to that call
        """
        # sudo: see _for_card
        company = call.sudo().company_id
        outcome = self._of_company(company).filtered(lambda one: one.id == outcome_id)
        if not outcome or call.sudo().direction == "internal":
            raise UserError(self.env._("This outcome is not to be had for this call. Reload the page."))
        return outcome
