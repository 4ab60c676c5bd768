from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.lib.callbacks import MISSED
from odoo.exceptions import UserError
from odoo.tools import SQL

#: states in which it waits for us
WAITING = ("waiting", "serving")


class CrmSupportRequest(models.Model):
    """What a customer wants of us, until it is done.

    Made by itself from a call of a customer that nobody took, or by hand. It is not a help desk: where a company has tasks
    or tickets, the request points to one.
    """

    _name = "crm.support.request"
    _inherit = ["mail.thread", "mail.activity.mixin", "portal.mixin", "crm.voip.own"]
    _description = "Support request"
    _order = "waiting_since, id"
    _mail_post_access = "read"

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "waiting_since"

    name = fields.Char("What they want", required=True, tracking=True)
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    contact_id = fields.Many2one("res.partner", required=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one("res.partner", "Customer", compute="_compute_partner_id", store=True, readonly=True)
    topic_id = fields.Many2one("crm.support.topic", index="btree_not_null", ondelete="set null", tracking=True)
    reason_id = fields.Many2one(
        "crm.support.reason",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        help="With “Our own defect” or “Failed delivery”, all that was entered for this request is taken back.",
    )
    state = fields.Selection(
        [
            ("waiting", "Waits for us"),
            ("serving", "Being served"),
            ("customer", "Waits for the customer"),
            ("done", "Done"),
        ],
        required=True,
        default="waiting",
        tracking=True,
        group_expand=True,
    )
    origin = fields.Selection(
        [
            ("missed", "Missed call"),
            ("given_up", "Gave up in the queue"),
            ("message", "Unanswered message"),
            ("portal", "Portal"),
            ("hand", "By hand"),
        ],
        "Made from",
        required=True,
        default="hand",
        readonly=True,
    )
    user_id = fields.Many2one(
        "res.users", "Technician", groups="base.group_user", index="btree_not_null", ondelete="set null", tracking=True
    )
    promised_on = fields.Date("Promised for", tracking=True)
    is_late = fields.Boolean("Promise is past", compute="_compute_is_late", search="_search_is_late")
    waiting_since = fields.Datetime("Waits since", readonly=True, default=fields.Datetime.now)
    helped_at = fields.Datetime("First helped", readonly=True, help="When somebody of us first talked about it.")
    done_at = fields.Datetime("Done at", readonly=True)
    tries = fields.Integer(
        "Times they called", readonly=True, default=0, help="Calls that nobody took, since it waits."
    )
    contact_ids = fields.One2many("crm.support.contact", "request_id", "Contacts")
    lead_id = fields.Many2one("crm.lead", "Opportunity", index="btree_not_null", ondelete="set null")
    linked = fields.Reference("_selection_linked", "Task or ticket", help="Where the work itself is followed.")
    awaits_call = fields.Boolean(
        readonly=True,
        help="Made from a call that nobody took, and nobody is at it yet: a customer has one such request.",
    )
    repeats = fields.Integer(
        "Repeat contacts",
        compute="_compute_repeats",
        help="Contacts of this customer about the same topic, in the last days.",
    )
    minutes = fields.Float("Minutes so far", compute="_compute_minutes")

    _open_idx = models.Index("(company_id, waiting_since) WHERE state IN ('waiting', 'serving')")
    _customer_idx = models.Index("(partner_id, company_id, waiting_since)")
    # of two missed calls that are followed up at once, the second is followed up again, and finds the first one's
    _awaits_unique = models.UniqueIndex("(partner_id, company_id) WHERE awaits_call")

    @api.depends("contact_id.commercial_partner_id")
    def _compute_partner_id(self):
        for request in self:
            request.partner_id = request.contact_id.commercial_partner_id

    @api.depends("promised_on", "state")
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for request in self:
            request.is_late = bool(request.promised_on and request.promised_on < today and request.state != "done")

    def _search_is_late(self, operator, value):
        if operator != "in":
            return NotImplemented
        late = fields.Domain("promised_on", "<", fields.Date.context_today(self)) & fields.Domain("state", "!=", "done")
        return late if True in value else ~late

    @api.model
    def _selection_linked(self):
        """Kinds of records that a request can point to: those that are there.

        Extend :meth:`_linked_models` for one's own.
        """
        models_ = self.env["ir.model"].sudo().search([("model", "in", self._linked_models())])  # sudo: names of models
        return [(one.model, one.name) for one in models_]

    @api.model
    def _linked_models(self):
        """:return: names of models of tasks and tickets, whether or not they are there"""
        return ["project.task", "helpdesk.ticket"]

    @api.depends("topic_id", "partner_id")
    def _compute_repeats(self):
        counts = {}
        for company, some in self.grouped("company_id").items():
            since = fields.Datetime.now() - timedelta(days=company.sudo().crm_support_repeat_days)
            rows = (
                self.env.execute_query(
                    SQL(
                        """SELECT contact.partner_id, request.topic_id, count(*)
                         FROM crm_support_contact AS contact
                         JOIN crm_support_request AS request ON request.id = contact.request_id
                        WHERE contact.company_id = %s AND contact.partner_id = ANY(%s) AND contact.at >= %s
                          AND contact.is_support AND request.topic_id = ANY(%s) GROUP BY 1, 2""",
                        company.id,
                        some.partner_id.ids,
                        since,
                        some.topic_id.ids,
                    )
                )
                if some.topic_id and some.partner_id
                else ()
            )
            counts |= {(company.id, partner, topic): count for partner, topic, count in rows}
        for request in self:
            request.repeats = counts.get((request.company_id.id, request.partner_id.id, request.topic_id.id), 0)

    def _compute_minutes(self):
        # sudo: what a request took is the customer's, not a person's
        sums = dict(
            self.env["crm.support.contact"]
            .sudo()
            ._read_group([("request_id", "in", self.ids), ("is_support", "=", True)], ["request_id"], ["minutes:sum"])
        )
        for request in self:
            request.minutes = sums.get(request.sudo(), 0.0) or 0.0

    # --- what becomes of it ---

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        requests._reason_changed(requests.filtered("reason_id"))
        return requests

    def write(self, vals):
        if "state" in vals:
            vals["awaits_call"] = False
            vals.setdefault("done_at", fields.Datetime.now() if vals["state"] == "done" else False)
            if vals["state"] == "waiting":
                again = self.filtered(lambda one: one.state not in WAITING)
                if again:
                    vals.setdefault("waiting_since", fields.Datetime.now())
        before = {request.id: request.reason_id for request in self}
        done = super().write(vals)
        if "reason_id" in vals:
            self._reason_changed(self.filtered(lambda one: before[one.id] != one.reason_id))
        return done

    @api.model
    def _reason_changed(self, requests):
        # sudo: the ledger follows from what is decided here
        requests.sudo().contact_ids._settle()

    def action_serve(self):
        """Whoever asks begins with it."""
        for request in self:
            if request.state == "serving" and request.user_id not in (self.env.user, self.env["res.users"]):
                raise UserError(self.env._("%s is at it already.", request.user_id.name))
        self.write({"state": "serving", "user_id": self.env.uid})

    def action_wait(self):
        """It is the customer's turn."""
        self.write({"state": "customer"})

    def action_done(self):
        """It is done."""
        self.write({"state": "done"})

    def action_again(self):
        """It waits for us again."""
        self.write({"state": "waiting"})

    # --- the rule about persons ---

    def _read_format(self, fnames, load="_classic_read"):
        rows = super()._read_format(fnames, load)
        if "user_id" in fnames and not self.env.su:
            # who is at it is a task, and no figure of what a person did; afterwards it is
            open_ = self.filtered(lambda request: request.state != "done")
            shown = {row["id"]: row["user_id"] for row in open_.sudo()._read_format(["user_id"], load)}
            for row in rows:
                if row["id"] in shown:
                    row["user_id"] = shown[row["id"]]
        return rows

    # --- for the others ---

    @api.model
    def _open_of(self, customers, company):
        """:return: requests of these customers that are not done, the oldest first"""
        return self.search(
            [("partner_id", "in", customers.ids), ("company_id", "=", company.id), ("state", "!=", "done")]
        )

    @api.model
    def _waiting_for_us(self, company):
        """:return: requests that nobody is at"""
        return self.search([("company_id", "=", company.id), ("state", "=", "waiting")])

    # --- made by itself ---

    @api.model
    def _follow(self, calls):
        """What follows from calls that ended: nobody took it, or somebody of us talked.

        A customer has one request that waits: who calls again is counted on it, and waits since the first time.

        :param calls: support calls, in superuser mode
        """
        for company, some in calls.filtered("partner_id").grouped("company_id").items():
            customers = some.partner_id.commercial_partner_id
            open_ = self._open_of(customers, company).grouped("partner_id")
            for call in some.sorted("started_at"):
                customer = call.partner_id.commercial_partner_id
                request = open_.get(customer, self.browse())[:1]
                if call.disposition in MISSED and call.direction == "inbound":
                    if not request:
                        open_[customer] = self.create(self._prepare_missed_vals(call))
                    elif call.started_at > (request.helped_at or call.started_at - timedelta(1)):
                        request.write(request._prepare_again_vals(call))
                elif call.disposition == "answered" and request:
                    request.write(request._prepare_helped_vals(call))

    def _helped(self):
        """The first help with a request is that of its first contact since it was made, however it was given."""
        if not self:
            return
        self.flush_model()
        self.env["crm.support.contact"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """UPDATE crm_support_request AS request SET helped_at = least(request.helped_at, first.at)
                     FROM (SELECT contact.request_id AS id, min(contact.at) AS at
                             FROM crm_support_contact AS contact
                             JOIN crm_support_request AS asked ON asked.id = contact.request_id
                            WHERE contact.request_id = ANY(%s) AND contact.is_support
                              AND contact.at >= coalesce(asked.asked_at, asked.waiting_since)
                            GROUP BY 1) AS first
                    WHERE first.id = request.id AND request.helped_at IS DISTINCT FROM least(request.helped_at, first.at)
                RETURNING request.id""",
                self.ids,
            )
        )
        self.browse([ident for (ident,) in rows]).invalidate_recordset(["helped_at"])

    @api.model
    def _prepare_missed_vals(self, call):
        given_up = call.disposition == "abandoned"
        return {
            "name": self.env._("Gave up in the queue: call back") if given_up else self.env._("Missed call: call back"),
            "company_id": call.company_id.id,
            "contact_id": call.partner_id.id,
            "lead_id": call.lead_id.id,
            "origin": "given_up" if given_up else "missed",
            "waiting_since": call.started_at,
            "tries": 1,
            "awaits_call": True,
        }

    def _prepare_again_vals(self, call):
        vals = {"tries": self.tries + 1}
        if self.state == "customer":
            vals |= {"state": "waiting", "waiting_since": call.started_at}
        elif self.waiting_since > call.started_at:
            vals["waiting_since"] = call.started_at
        return vals

    def _prepare_helped_vals(self, call):
        at = call.answered_at or call.started_at
        vals = {"helped_at": min(at, self.helped_at or at)}
        if self.state == "waiting" and self.origin in ("missed", "given_up") and at >= self.waiting_since:
            # they wanted to be called, and were: whoever talked may keep it open
            vals |= {"state": "done", "user_id": call.user_id.id or self.user_id.id, "done_at": call.ended_at or at}
        return vals
