from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_duration


class CrmSupportNext(models.TransientModel):
    """Whom to help next, and why."""

    _name = "crm.support.next"
    _description = "Next customer"

    request_id = fields.Many2one("crm.support.request", readonly=True, ondelete="cascade")
    partner_id = fields.Many2one(related="request_id.partner_id")
    contact_id = fields.Many2one(related="request_id.contact_id")
    phone = fields.Char(related="request_id.contact_id.phone", string="Phone")
    wanted = fields.Char(related="request_id.name", string="They want")
    waiting_since = fields.Datetime(related="request_id.waiting_since")
    promised_on = fields.Date(related="request_id.promised_on")
    tries = fields.Integer(related="request_id.tries")
    why = fields.Char("Why they are next", readonly=True)
    agreed = fields.Text(related="request_id.agreed")
    waiting = fields.Integer("Others waiting", readonly=True)
    other_id = fields.Many2one(
        "crm.support.request", "Another one", domain="[('state', '=', 'waiting')]", ondelete="cascade"
    )
    other_why = fields.Char("Why another one", help="The others wait longer for it, so it is kept.")
    dry_run_line = fields.Char(compute="_compute_dry_run_line")

    def _compute_display_name(self):
        self.display_name = self.env._("Next customer")

    @api.depends("request_id")
    def _compute_dry_run_line(self):
        self.dry_run_line = self.env.company._crm_support_dry_line()

    @api.model
    def action_next(self):
        """Offer the next customer to whoever asks."""
        return self._shown(self.env["crm.support.request"]._offer())

    @api.model
    def _shown(self, request):
        company = self.env.company
        order = self.env["crm.support.request"]._order_of_serving(company, self.env.user)
        made = self.create(
            {
                "request_id": request.id,
                "why": self._why(request, order) if request else False,
                "waiting": max(len(order) - 1, 0),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Next customer"),
            "res_model": self._name,
            "res_id": made.id,
            "views": [(False, "form")],
            "target": "current",
        }

    @api.model
    def _why(self, request, order):
        """:return: why this one is next, in a sentence"""
        company = self.env.company
        customers = [one.partner_id.id for one, _served, _reading in order]
        had = self._minutes_of_week(company, customers)
        waited = fields.Datetime.now() - request.waiting_since
        said = self.env._(
            "Has had %(had)s min this week, and waits for %(waited)s h.",
            had=round(had.get(request.partner_id.id, 0)),
            waited=format_duration(waited / timedelta(hours=1)),
        )
        most = max(
            (one for one in customers if one != request.partner_id.id), key=lambda one: had.get(one, 0), default=None
        )
        if most and round(had.get(most, 0)) > round(had.get(request.partner_id.id, 0)):
            # sudo: who else waits is seen by everybody who helps
            name = self.env["res.partner"].sudo().browse(most).name
            said += " " + self.env._("%(customer)s has had %(had)s.", customer=name, had=round(had[most]))
        return said

    @api.model
    def _minutes_of_week(self, company, customers):
        today = fields.Datetime.now().astimezone(company._crm_voip_zone()).date()
        start, _end = company._crm_voip_bounds(today - timedelta(days=today.weekday()), today)
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id, sum(measured_minutes) FROM crm_support_entry
                    WHERE partner_id = ANY(%s) AND company_id = %s AND at >= %s GROUP BY 1""",
                customers,
                company.id,
                start,
            )
        )
        return dict(rows)

    def action_take(self):
        """Begin with the customer that is next; their phone is called, if whoever takes it has one."""
        self.ensure_one()
        if not self.request_id:
            raise UserError(self.env._("Nobody is waiting."))
        self.request_id._take_turn(self.request_id)
        return self._open(self.request_id)

    def action_take_other(self):
        """Begin with another one, and say why."""
        self.ensure_one()
        if not self.other_id:
            raise UserError(self.env._("Choose whom you take instead."))
        self.other_id._take_turn(self.request_id, self.other_why)
        return self._open(self.other_id)

    def _open(self, request):
        action = {
            "type": "ir.actions.act_window",
            "res_model": request._name,
            "res_id": request.id,
            "views": [(False, "form")],
        }
        phone = request.contact_id.phone or request.partner_id.phone
        if phone and self.env.user._crm_voip_phone():
            # a refusal is told by the bridge, and does not undo that the request is served
            self.env["crm.voip.command"].dial(phone, request._name, request.id)
        return action
