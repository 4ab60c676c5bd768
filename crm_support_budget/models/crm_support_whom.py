from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..lib.fair import Waiting
from ..lib.meter import RED
from .crm_support_request import WAITING

#: for so long an offer is nobody else's
OFFERED = timedelta(minutes=2)


class CrmSupportRequest(models.Model):
    """Whom to help next."""

    _inherit = "crm.support.request"

    offered_to_id = fields.Many2one(
        "res.users", "Offered to", groups="base.group_user", readonly=True, index="btree_not_null", ondelete="set null"
    )
    offered_until = fields.Datetime(readonly=True)
    allowed_by_id = fields.Many2one(
        "res.users",
        "Allowed by",
        groups="base.group_user",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The supervisor who lets it be served though the budget is used up.",
    )

    _people_fields = ("user_id", "offered_to_id", "allowed_by_id")

    # --- who is there ---

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        requests._came_and_left({})
        return requests

    def write(self, vals):
        before = {one.id: one.state in WAITING for one in self} if "state" in vals else None
        done = super().write(vals)
        if before is not None:
            self._came_and_left(before)
        return done

    def _came_and_left(self, before):
        """:param before: ``{request id: whether it waited or was served}``"""
        Counter = self.env["crm.support.counter"]
        for company, some in self.filtered("partner_id").grouped("company_id").items():
            came = some.filtered(lambda one: one.state in WAITING and not before.get(one.id))
            left = some.filtered(lambda one: one.state not in WAITING and before.get(one.id))
            if not (came or left):
                continue
            self.flush_model(["state", "partner_id", "company_id"])
            rows = self.env.execute_query(
                SQL(
                    """SELECT partner_id, array_agg(id) FROM crm_support_request
                        WHERE company_id = %s AND state IN %s GROUP BY 1""",
                    company.id,
                    WAITING,
                )
            )
            active = {customer: set(ids) for customer, ids in rows}
            for customer in came.partner_id:
                others = active.get(customer.id, set()) - set(came.ids)
                if not others:
                    Counter._come(customer.id, company, set(active) - {customer.id})
            for customer in left.partner_id:
                if customer.id not in active:
                    Counter._leave(customer.id, company, set(active))

    # --- the order ---

    @api.model
    def _order_of_serving(self, company, user=None):
        """Who waits for us, in the order in which they are to be served.

        :param user: for whom; nobody in particular if not given
        :return: ``[(request, minutes ÷ priority had, reading)]``
        """
        # sudo: everybody who helps sees who waits, and in what order
        waiting = self.sudo().search(
            [("company_id", "=", company.id), ("state", "in", WAITING), ("partner_id", "!=", False)]
        )
        customers = waiting.partner_id
        readings = self.env["crm.support.meter"]._of(customers, company)
        counters = self.env["crm.support.counter"]._counters(customers.ids, company)
        busy = {}
        for one in waiting:
            if one.state == "serving":
                busy[one.partner_id.id] = busy.get(one.partner_id.id, 0) + 1
        now = fields.Datetime.now()
        kept_from = self._not_for(user, company) if user else set()
        may = {}
        for one in waiting:
            reading = readings[one.partner_id.id]
            used_up = reading.colour == RED and not reading.dry
            if one.state != "waiting" or one.partner_id.id in kept_from:
                continue
            if one.offered_to_id and one.offered_to_id != user and one.offered_until > now:
                continue
            if used_up and reading.used_up == "ask" and not one.allowed_by_id:
                continue
            may[one.id] = one
        candidates = [
            _Candidate(
                one.partner_id.id,
                one.waiting_since,
                readings[one.partner_id.id].colour == RED
                and not readings[one.partner_id.id].dry
                and readings[one.partner_id.id].used_up == "after",
                one,
            )
            for one in may.values()
        ]
        cap = company.sudo().crm_support_cap or None  # sudo: see above
        return [
            (one.request, counters.served.get(one.customer, counters.floor), readings[one.customer])
            for one in counters.order(candidates, busy, cap)
        ]

    @api.model
    def _not_for(self, user, company):
        """:return: ids of customers that somebody is not offered: others took them over"""
        return set()

    @api.model
    def _offer(self, company=None):
        """Offer the next one to the present user, and to nobody else for a while.

        :return: the request, an empty one if nobody waits
        """
        company = company or self.env.company
        user = self.env.user
        for request, _served, _reading in self._order_of_serving(company, user):
            # whoever presses at the same moment passes over what is locked, and gets the next
            [*found] = self.env.execute_query(
                SQL(
                    "SELECT id FROM crm_support_request WHERE id = %s AND state = 'waiting' FOR UPDATE SKIP LOCKED",
                    request.id,
                )
            )
            if found:
                # sudo: to whom it is offered is noted here alone
                request.sudo().write({"offered_to_id": user.id, "offered_until": fields.Datetime.now() + OFFERED})
                return request.with_env(self.env)
        return self.browse()

    def _take_turn(self, offered, why=None):
        """The present user begins with a request, and it is kept what was offered.

        :param offered: the request that the order gave
        :param why: in words, where it is another one
        """
        self.ensure_one()
        if self != offered and not (why or "").strip():
            raise UserError(self.env._("Say why you take another one: the others wait longer for it."))
        if self.state != "waiting" or (
            self.offered_to_id not in (self.env.user, self.env["res.users"])
            and self != offered
            and self.offered_until > fields.Datetime.now()
        ):
            raise UserError(self.env._("Somebody else is at it already. Press “Next customer” again."))
        self.action_serve()
        # sudo: turns are only added to, here
        self.env["crm.support.turn"].sudo().create(self._prepare_turn_vals(offered, why))

    def _prepare_turn_vals(self, offered, why):
        return {
            "company_id": self.company_id.id,
            "user_id": self.env.uid,
            "request_id": self.id,
            "partner_id": self.partner_id.id,
            "offered_id": offered.id,
            "why": (why or "").strip() or False,
            "waited_s": (fields.Datetime.now() - self.waiting_since).total_seconds(),
        }

    def action_allow(self):
        """A supervisor lets requests be served though the budget is used up."""
        if not self.env.user.has_group("crm_support_budget.group_supervisor"):
            raise UserError(self.env._("That is decided by a supervisor."))
        self.write({"allowed_by_id": self.env.uid})


class _Candidate(Waiting):
    """A request that waits, with all that the order asks."""

    __slots__ = ("request",)

    def __init__(self, customer, since, after_others, request):
        super().__init__(customer, since, after_others)
        object.__setattr__(self, "request", request)


class CrmSupportTurn(models.Model):
    """Whom somebody served, and whom the order had offered."""

    _name = "crm.support.turn"
    _inherit = ["crm.voip.own"]
    _description = "Turn"
    _order = "create_date desc, id desc"

    _people_fields = ("user_id", "create_uid", "write_uid")
    _people_user = "user_id"
    _people_time = "create_date"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    user_id = fields.Many2one(
        "res.users",
        "Technician",
        groups="base.group_user",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    request_id = fields.Many2one(
        "crm.support.request", "Served", required=True, readonly=True, index=True, ondelete="cascade"
    )
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index=True, ondelete="cascade")
    offered_id = fields.Many2one("crm.support.request", readonly=True, index="btree_not_null", ondelete="set null")
    why = fields.Char("Why another one", readonly=True)
    waited_s = fields.Float("Waited (s)", readonly=True, aggregator="avg")
