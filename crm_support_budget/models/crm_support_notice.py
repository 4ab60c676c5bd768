from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_duration

from ..lib.cost import Call as Other
from ..lib.cost import blocks, cost


class CrmSupportNotice(models.Model):
    """One customer has had a long day: said to the supervisors once, while it happens."""

    _name = "crm.support.notice"
    _inherit = ["mail.thread", "mail.activity.mixin", "crm.voip.own"]
    _description = "Long-day notice"
    _order = "at desc, id desc"

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "at"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    day = fields.Date(required=True, readonly=True)
    at = fields.Datetime("When", required=True, readonly=True)
    kind = fields.Selection(
        [("customer", "Over the daily limit"), ("technician", "A large part of a technician's day")], readonly=True
    )
    minutes = fields.Float("Minutes today", readonly=True, help="When the notice was made.")
    contacts = fields.Float("Contacts today", readonly=True, help="When the notice was made.")
    user_id = fields.Many2one("res.users", "Technician", readonly=True, index="btree_not_null", ondelete="set null")
    others_waiting = fields.Integer("Others waiting", readonly=True, help="Customers who waited then.")
    facts = fields.Char(compute="_compute_facts")
    state = fields.Selection(
        [("open", "To look at"), ("taken", "Taken over"), ("seen", "Seen")],
        required=True,
        readonly=True,
        default="open",
    )
    takeover_id = fields.Many2one("crm.support.takeover", readonly=True, index="btree_not_null", ondelete="set null")
    # more than 0 only of what was merged, so that a merge of customers loses none
    place = fields.Integer(readonly=True, default=0)

    _once_a_day = models.UniqueIndex("(company_id, partner_id, day, place)")

    @api.depends("partner_id", "day")
    def _compute_display_name(self):
        for notice in self:
            # sudo: whoever reads it reads whose it is
            notice.display_name = self.env._("Long day: %s", notice.sudo().partner_id.name)

    @api.depends("minutes", "contacts", "others_waiting")
    @api.depends_context("lang")
    def _compute_facts(self):
        for notice in self:
            # sudo: as above
            notice.facts = self.env._(
                "%(customer)s has had %(hours)s h of help in %(contacts)s contacts today, and %(others)s others are waiting.",
                customer=notice.sudo().partner_id.name,
                hours=format_duration(notice.minutes / 60),
                contacts=round(notice.contacts),
                others=notice.others_waiting,
            )

    # --- seeing it ---

    @api.model
    def _look(self, company=None, now=None):
        """Make the notices that are due now; each customer gets one a day, however often and from wherever this runs.

        :return: the notices that are new
        """
        now = now or fields.Datetime.now()
        # sudo: what is noticed does not depend on who looks
        made = self.sudo().browse()
        for one in company or self.env["res.company"].sudo().search([("id", "!=", False)]):
            made |= self.sudo()._look_at(one, now)
        return made

    def _look_at(self, company, now):
        today = now.astimezone(company._crm_voip_zone()).date()
        start, end = company._crm_voip_bounds(today, today)
        running = self.env["crm.voip.call"]._crm_support_running(company)
        self.env["crm.support.entry"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id, user_id, sum(measured_minutes), sum(measured_contacts) FROM crm_support_entry
                    WHERE company_id = %s AND at >= %s AND at < %s AND at <= %s GROUP BY 1, 2""",
                company.id,
                start,
                end,
                now,
            )
        )
        shares = {(customer, user): (minutes, contacts) for customer, user, minutes, contacts in rows}
        for one in running:
            key = (one["customer"], one["user"] or None)
            minutes, contacts = shares.get(key, (0.0, 0.0))
            shares[key] = minutes + max((now - one["since"]) / timedelta(minutes=1), 0.0), contacts + 1
        customers = self.env["res.partner"].browse(sorted({customer for customer, _user in shares}))
        readings = self.env["crm.support.meter"]._of(customers, company, now)
        due = {}
        for (customer, user), (minutes, contacts) in sorted(shares.items(), key=lambda one: one[1]):
            reading = readings[customer]
            large = bool(user) and (
                0 < company.crm_support_share_minutes <= minutes or 0 < company.crm_support_share_contacts <= contacts
            )
            if reading.is_long_day or large:
                # the technician who had most of it comes last, and stays
                due[customer] = ("customer" if reading.is_long_day else "technician", user, reading)
        if not due:
            return self.browse()
        waiting = self.env["crm.support.request"]._waiting_for_us(company).partner_id
        made = self.browse()
        for customer, (kind, user, reading) in due.items():
            rows = self.env.execute_query(
                SQL(
                    """INSERT INTO crm_support_notice
                              (company_id, partner_id, day, at, kind, minutes, contacts, user_id, others_waiting, state, place,
                               create_uid, create_date, write_uid, write_date)
                       VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'open', 0, %s, %s, %s, %s)
                       ON CONFLICT (company_id, partner_id, day, place) DO NOTHING RETURNING id""",
                    company.id,
                    customer,
                    today,
                    now,
                    kind,
                    reading.day_minutes,
                    reading.day_contacts,
                    user,
                    len(waiting.filtered(lambda one, customer=customer: one.id != customer)),
                    self.env.uid,
                    now,
                    self.env.uid,
                    now,
                )
            )
            made |= self.browse([ident for (ident,) in rows])
        made._tell()
        return made

    def _tell(self):
        """Tell the supervisors; inside the house, so in the dry run, too."""
        for company, some in self.grouped("company_id").items():
            for notice in some:
                company._crm_support_ask_supervisors(notice, "facts")
            for supervisor in company._crm_support_supervisors():
                for notice in some.with_context(lang=supervisor.lang):
                    supervisor._bus_send(
                        "simple_notification",
                        {"type": "warning", "title": notice.display_name, "message": notice.facts, "sticky": True},
                    )

    # --- what is done about it ---

    def action_take_over(self):
        """The present user becomes the customer's contact."""
        self.ensure_one()
        takeover = self.env["crm.support.takeover"]._begin(self.partner_id, self.company_id)
        # sudo: what became of a notice is noted here alone
        self.sudo().write({"state": "taken", "takeover_id": takeover.id})
        self.activity_ids.action_feedback(feedback=self.env._("Taken over"))

    def action_seen(self):
        """It is looked at, and nothing is done."""
        if not self.env.user.has_group("crm_support_budget.group_supervisor"):
            return
        self.sudo().filtered(lambda one: one.state == "open").write({"state": "seen"})  # sudo: see action_take_over
        self.activity_ids.action_feedback(feedback=self.env._("Seen"))

    def action_cost(self):
        """What this day cost the others, as a page."""
        self.ensure_one()
        return self.env.ref("crm_support_budget.action_report_cost").report_action(self)

    def _cost(self):
        """What the day cost the others, from the PBX's record.

        :return: ``{"talks": [(start, end)], "blocks": …, "costs": [(partner or None, lib.cost.Cost)], "minutes": …}``
        """
        self.ensure_one()
        start, end = self.company_id._crm_voip_bounds(self.day, self.day)
        # sudo: who waited is counted for the company; single colleagues are not in it
        Call = self.env["crm.voip.call"].sudo()
        day = [("company_id", "=", self.company_id.id), ("started_at", ">=", start), ("started_at", "<", end)]
        own = Call.search_fetch([*day, ("partner_id", "child_of", self.partner_id.ids), ("answered_at", "!=", False)])
        talks = [
            (call.answered_at, call.ended_at or fields.Datetime.now()) for call in own if call.direction != "internal"
        ]
        if not talks:
            return {"talks": [], "blocks": [], "costs": [], "minutes": 0.0}
        others = Call.search_fetch([*day, ("direction", "=", "inbound"), ("id", "not in", own.ids)])
        others = others.filtered(lambda call: call.partner_id.commercial_partner_id != self.partner_id)
        named = {call.id: call for call in others}
        found = cost(
            talks,
            [
                Other(
                    call.id,
                    call.started_at,
                    call.answered_at or call.ended_at or fields.Datetime.now(),
                    call.disposition,
                )
                for call in others
            ],
        )
        return {
            "talks": talks,
            "blocks": blocks(talks),
            "costs": [(named[one.who], one) for one in found],
            "minutes": sum((one[1] - one[0]) / timedelta(minutes=1) for one in blocks(talks, timedelta())),
        }
