from collections import defaultdict

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.fields import Domain
from odoo.tools import SQL

from ..lib.histogram import percentile

#: months that are added up, this one included, if the context does not say
MONTHS = 3
#: id of the line of those whom nobody knows; contacts' ids are far below
NOBODY_ID = 2**31 - 1


class CrmProductivityAttention(models.Model):
    """What each customer had in the last months: a line a customer, of the rows that the present user may see.

    The months are those of ``crm_productivity_months`` in the context, which the filters set.
    """

    _name = "crm.productivity.attention"
    _description = "Attention by customer"
    _order = "talk_s desc nulls last, calls desc, id"
    _rec_name = "partner_id"
    _auto = False
    _log_access = False
    _depends = {"crm.productivity.customer": ["company_id", "partner_id", "team_id", "period"]}

    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    customer = fields.Char("Customer shown", compute="_compute_customer")
    fifth = fields.Selection(
        lambda self: self.env["crm.productivity.customer"]._selection_fifth(), "By revenue", readonly=True
    )
    calls = fields.Integer(readonly=True, help="Calls in both directions, also those without an answer.")
    incoming = fields.Integer("Incoming calls", readonly=True)
    missed = fields.Integer("Nobody answered", readonly=True, help="Incoming calls that no person took.")
    to_call_back = fields.Integer("To call back", readonly=True)
    called_back = fields.Integer("Called back", readonly=True)
    picked_up = fields.Integer("Calls with waiting time", readonly=True)
    messages = fields.Integer("Messages received", readonly=True)
    answered = fields.Integer("Messages answered", readonly=True)
    talk_s = Measured("Talk time", aggregator="sum", readonly=True, help="Empty: not measured.")
    handle_s = Measured("Handling", aggregator="sum", readonly=True, help="Talk, hold, dialling and after-call work.")
    pick_up_median = Measured(
        "Picked up after",
        compute="_compute_medians",
        aggregator=None,
        help="Half of the calls were picked up sooner. Queue and ringing; empty: not measured.",
    )
    response_median = Measured(
        "Messages answered after",
        compute="_compute_medians",
        aggregator=None,
        help="Half of the messages were answered sooner, in working time. Empty: not measured.",
    )

    @property
    def _table_query(self):
        rows = self._rows()
        names = [name for name, field in self._fields.items() if field.store and field.type in ("integer", "float")]
        return SQL(
            """SELECT COALESCE(partner_id, %s) AS id, partner_id, max(fifth) AS fifth, %s FROM %s WHERE %s
                GROUP BY partner_id""",
            NOBODY_ID,
            SQL(", ").join(
                SQL(
                    "sum(%s)%s AS %s",
                    SQL.identifier(name),
                    SQL("::integer") if self._fields[name].type == "integer" else SQL(),
                    SQL.identifier(name),
                )
                for name in names
                if name != "id"
            ),
            rows.from_clause,
            rows.where_clause or SQL("TRUE"),
        )

    def _rows(self, domain=Domain.TRUE):
        """:return: query of the kept rows of the period that the present user may see"""
        return self.env["crm.productivity.customer"]._search(Domain("period", ">=", self._first()) & domain)

    @api.model
    def _first(self):
        """:return: first day of the period"""
        months = self.env.context.get("crm_productivity_months")
        months = months if isinstance(months, int) and 0 < months <= 120 else MONTHS
        today = self.env["crm.productivity.stale"]._today(self.env.company)
        return today.replace(day=1) - relativedelta(months=months - 1)

    @api.depends("partner_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.customer

    @api.depends("partner_id")
    @api.depends_context("lang")
    def _compute_customer(self):
        # sudo: whoever sees what a customer had sees who it is, as with calls
        for line, real in zip(self, self.sudo(), strict=True):
            line.customer = real.partner_id.display_name or self.env._("Nobody known")

    @api.depends("partner_id")
    @api.depends_context("crm_productivity_months", "uid", "allowed_company_ids")
    def _compute_medians(self):
        contacts = [line.partner_id.id or False for line in self]
        # the rights decide which rows; the histograms themselves are read by nobody singly
        rows = self._rows(Domain("partner_id", "in", contacts))
        buckets = self.env.execute_query(
            SQL(
                """SELECT partner_id, measure.key, bucket.key, sum(bucket.value::integer)::integer
                     FROM %s CROSS JOIN jsonb_each(histograms) measure CROSS JOIN jsonb_each_text(measure.value) bucket
                    WHERE %s AND measure.key IN ('pick_up_s', 'response_worked_s') GROUP BY 1, 2, 3""",
                rows.from_clause,
                rows.where_clause or SQL("TRUE"),
            )
        )
        spread = defaultdict(dict)
        for partner_id, measure, bucket, number in buckets:
            spread[partner_id, measure][bucket] = number
        for line in self:
            contact = line.partner_id.id or None
            line.pick_up_median = percentile(spread[contact, "pick_up_s"], 50)
            line.response_median = percentile(spread[contact, "response_worked_s"], 50)

    def _bounds(self):
        stale = self.env["crm.productivity.stale"]
        return stale._bounds(self.env.company, self._first(), stale._today(self.env.company))

    def action_calls(self):
        """The very calls, as far as one may see them."""
        self.ensure_one()
        start, end = self._bounds()
        return self.env["crm.productivity.customer"]._action_calls(self.partner_id, self.env.company, start, end)

    def action_messages(self):
        """The very messages, as far as one may see them."""
        self.ensure_one()
        start, end = self._bounds()
        # sudo: which contacts and opportunities are the customer's; the messages are under their own rules
        customer = self.sudo().partner_id
        contacts = customer.search([("commercial_partner_id", "=", customer.id)]) if customer else customer
        leads = self.env["crm.lead"].sudo().with_context(active_test=False)
        leads = leads.search([("partner_id", "in", contacts.ids or [False])])
        on_contact = Domain("res_model", "=", "res.partner") & Domain("res_id", "in", contacts.ids)
        on_lead = Domain("res_model", "=", "crm.lead") & Domain("res_id", "in", leads.ids)
        period = Domain("since", ">=", start) & Domain("since", "<", end)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Messages: %s", self.customer),
            "res_model": "crm.productivity.turn",
            "views": [(False, "list")],
            "domain": list(period & (on_contact | on_lead)),
            "help": self.env._(
                "Answered messages of colleagues are theirs to see. Yours, and those that wait, stand here."
            ),
        }
