from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.exceptions import UserError
from odoo.tools import SQL

#: shown figure -> share of waits that were shorter
SHARES = {"median": 0.5, "most": 0.9}


class CrmSupportRequest(models.Model):
    """A request remembers when it was first made, however often it waits again."""

    _inherit = "crm.support.request"

    asked_at = fields.Datetime(
        "First asked", readonly=True, help="From here, the time until the first help is counted."
    )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals.setdefault("waiting_since", fields.Datetime.now())
            vals.setdefault("asked_at", vals["waiting_since"])
        return super().create(vals_list)

    def write(self, vals):
        done = super().write(vals)
        if vals.get("waiting_since"):
            # a call that arrives late may have been the first
            for request in self:
                if request.waiting_since < (request.asked_at or request.waiting_since):
                    request.asked_at = request.waiting_since
        return done


class CrmSupportWait(models.Model):
    """Each time that a customer waited for us: on the phone until somebody took the call, or for help with a request.

    A call that nobody took is part of the request that it made. Whoever still waits counts as long as they have waited by now.
    Read from calls and requests themselves, of the companies that are chosen.
    """

    _name = "crm.support.wait"
    _inherit = ["crm.voip.export"]
    _description = "Waiting of customers"
    _order = "since desc, id desc"
    _rec_name = "partner_id"
    _auto = False
    _log_access = False
    _depends = {
        "crm.support.contact": ["company_id", "partner_id", "at", "call_id", "is_support", "request_id"],
        "crm.support.request": [
            "company_id", "partner_id", "asked_at", "waiting_since", "helped_at", "done_at", "state", "tries", "topic_id",
        ],
        "crm.voip.call": ["direction", "started_at", "queue_s", "ring_s"],
        "crm.lead": ["type", "won_status", "date_closed", "expected_revenue", "company_id", "user_id", "partner_id"],
        "res.partner": ["commercial_partner_id"],
    }  # fmt: skip

    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    fifth = fields.Selection(
        "_selection_fifth",
        "By revenue",
        readonly=True,
        help="In which fifth of all customers it is, by what it brought in the last twelve months. Shown to see whether "
        "all are treated alike: revenue decides nothing.",
    )
    kind = fields.Selection(
        [("call", "On the phone"), ("request", "For help"), ("again", "For help again")], readonly=True
    )
    outcome = fields.Selection(
        [
            ("helped", "Helped"),
            ("waits", "Waits still"),
            ("closed", "Closed without help"),
            ("begun", "Somebody is at it"),
        ],
        readonly=True,
    )
    since = fields.Datetime(readonly=True)
    until = fields.Datetime("First helped", readonly=True)
    minutes = Measured(
        "Waited (min)", aggregator="avg", readonly=True, help="By the clock, nights included. Empty: not measured."
    )
    median = Measured("Half waited less than (min)", aggregator="avg", readonly=True)
    most = Measured("Nine of ten waited less than (min)", aggregator="avg", readonly=True)
    longest = Measured("Longest (min)", aggregator="max", readonly=True)
    waits = fields.Integer("Waits (number)", aggregator="sum", readonly=True, help="On so many the minutes rest.")
    customers = fields.Integer("Customers (number)", aggregator="count_distinct", readonly=True)
    tries = fields.Integer("Calls nobody took", readonly=True)
    topic_id = fields.Many2one("crm.support.topic", readonly=True)
    call_id = fields.Many2one("crm.voip.call", readonly=True)
    request_id = fields.Many2one("crm.support.request", readonly=True)

    @api.model
    def _selection_fifth(self):
        return [
            ("5", self.env._("Largest fifth")),
            ("4", self.env._("Second fifth")),
            ("3", self.env._("Middle fifth")),
            ("2", self.env._("Fourth fifth")),
            ("1", self.env._("Smallest fifth")),
            ("0", self.env._("No revenue yet")),
        ]

    @property
    def _table_query(self):
        companies = self.env.companies
        return SQL(
            """SELECT one.*, one.minutes AS median, one.minutes AS most, one.minutes AS longest,
                      one.partner_id AS customers, (one.minutes IS NOT NULL)::integer AS waits,
                      coalesce(rank.fifth, '0') AS fifth
                 FROM (%s UNION ALL %s UNION ALL %s) AS one
                 LEFT JOIN (%s) AS rank ON rank.company_id = one.company_id AND rank.partner_id = one.partner_id""",
            self._on_the_phone(companies.ids),
            self._for_help(companies.ids),
            self._again(companies.ids),
            self.env["crm.support.revenue"]._fifths(companies),
        )

    @api.model
    def _on_the_phone(self, companies):
        return SQL(
            """SELECT contact.id::bigint * 3 AS id, contact.company_id, contact.partner_id, 'call' AS kind,
                      'helped' AS outcome, call.started_at AS since, contact.at AS until,
                      (coalesce(call.queue_s, 0) + coalesce(call.ring_s, 0)) / 60 AS minutes, 0 AS tries,
                      request.topic_id, contact.call_id, contact.request_id
                 FROM crm_support_contact AS contact
                 JOIN crm_voip_call AS call ON call.id = contact.call_id
                 LEFT JOIN crm_support_request AS request ON request.id = contact.request_id
                WHERE contact.company_id = ANY(%s) AND contact.is_support AND call.direction = 'inbound'
                  AND num_nonnulls(call.queue_s, call.ring_s) > 0""",
            companies,
        )

    @api.model
    def _for_help(self, companies):
        return SQL(
            """SELECT id * 3 + 1, company_id, partner_id, 'request',
                      CASE WHEN helped IS NOT NULL THEN 'helped' WHEN state = 'waiting' THEN 'waits'
                           WHEN state = 'done' THEN 'closed' ELSE 'begun' END,
                      since, helped,
                      EXTRACT(EPOCH FROM CASE WHEN helped IS NOT NULL THEN helped WHEN state = 'waiting' THEN %(now)s
                                              WHEN state = 'done' THEN done_at END - since) / 60,
                      tries, topic_id, NULL::integer, id::integer
                 FROM (%(requests)s) AS request""",
            now=fields.Datetime.now(),
            requests=self._requests(companies),
        )

    @api.model
    def _again(self, companies):
        """Whoever was helped already, and waits for us now."""
        return SQL(
            """SELECT id * 3 + 2, company_id, partner_id, 'again', 'waits', waiting_since, NULL::timestamp,
                      EXTRACT(EPOCH FROM %(now)s - waiting_since) / 60, 0, topic_id, NULL::integer, id::integer
                 FROM (%(requests)s) AS request WHERE state = 'waiting' AND waiting_since > helped""",
            now=fields.Datetime.now(),
            requests=self._requests(companies),
        )

    @api.model
    def _requests(self, companies):
        """:return: SELECT of requests with the moment of the first help since they were made, however it was given"""
        return SQL(
            """SELECT request.id::bigint, request.company_id, request.partner_id, request.state, request.done_at,
                      request.waiting_since, request.tries, request.topic_id, asked.since,
                      least(contact.at, CASE WHEN request.helped_at >= asked.since THEN request.helped_at END) AS helped
                 FROM crm_support_request AS request
                CROSS JOIN LATERAL (SELECT coalesce(request.asked_at, request.waiting_since) AS since) AS asked
                CROSS JOIN LATERAL (SELECT min(at) AS at FROM crm_support_contact AS contact
                                     WHERE contact.request_id = request.id AND contact.at >= asked.since
                                       AND contact.is_support) AS contact
                WHERE request.company_id = ANY(%s)""",
            companies,
        )

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, how = aggregate_spec.partition(":")
        if name not in SHARES:
            return super()._read_group_select(aggregate_spec, query)
        if how != "avg":
            raise ValueError(f"{name} has no {how}")
        # of all waits that are counted together: never the mean of several
        return SQL(
            "percentile_cont(%s) WITHIN GROUP (ORDER BY %s)",
            SHARES[name],
            self._field_to_sql(self._table, name, query),
        )

    def action_open(self):
        """The call or the request itself."""
        self.ensure_one()
        record = self.call_id if self.kind == "call" else self.request_id
        if not record:
            raise UserError(self.env._("It is not there any more."))
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }
