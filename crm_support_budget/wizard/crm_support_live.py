from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..lib.meter import GREEN, RED, WORST_FIRST, YELLOW

#: days of which customers with help are shown
DAYS = 35


class CrmSupportLive(models.TransientModel):
    """Before support budgets act: which customers it concerns, and what happens to them."""

    _name = "crm.support.live"
    _description = "From when support budgets act"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, readonly=True)
    live_from = fields.Date("Act from", required=True, default=fields.Date.context_today)
    would = fields.Char("In the dry run", readonly=True)
    said = fields.Char("Customers", readonly=True)
    line_ids = fields.One2many("crm.support.live.line", "live_id", "Customers it concerns", readonly=True)

    def _compute_display_name(self):
        self.display_name = self.env._("From when support budgets act")

    @api.model
    def action_preview(self):
        """Show every customer whom it concerns."""
        self._check()
        company = self.env.company
        lines = self._prepare_lines(company)
        counts = {colour: sum(line["colour"] == colour for line in lines) for colour in (YELLOW, RED)}
        live = self.create(
            {
                "would": self.env["crm.support.would"]._line(company),
                "said": self.env._(
                    "%(all)s with help in the last days, of them %(yellow)s yellow and %(red)s red now",
                    all=len(lines),
                    yellow=counts[YELLOW],
                    red=counts[RED],
                ),
                "line_ids": [Command.create(line) for line in lines],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": live.display_name,
            "res_model": self._name,
            "res_id": live.id,
            "views": [(False, "form")],
            "target": "new",
        }

    @api.model
    def _prepare_lines(self, company):
        """:return: values of a line for each customer with help in the last days, the worst first"""
        now = fields.Datetime.now()
        # sudo: whoever switches it on sees whom it concerns
        groups = (
            self.env["crm.support.entry"]
            .sudo()
            ._read_group(
                [("company_id", "=", company.id), ("at", ">=", now - timedelta(days=DAYS)), ("at", "<=", now)],
                ["partner_id"],
            )
        )
        customers = self.env["res.partner"].union(*[customer for (customer,) in groups])
        Meter = self.env["crm.support.meter"]
        readings = Meter._of(customers, company, now)
        worst = (*WORST_FIRST, None)
        return [
            {
                "partner_id": customer.id,
                "colour": reading.colour or False,
                "left": Meter._left_in_words(reading),
                "effect": self._effect(reading),
            }
            for customer, reading in sorted(
                ((customer, readings[customer.id]) for customer in customers),
                key=lambda one: (worst.index(one[1].colour), one[1].minutes_left or 0, one[0].id),
            )
        ]

    @api.model
    def _effect(self, reading):
        """:return: what happens to a customer from the first day on, in words; False if nothing does"""
        if reading.colour != RED:
            return False
        return {
            "warn": self.env._("whoever helps is told"),
            "ask": self.env._("a supervisor is asked before it is helped"),
            "after": self.env._("is served after the others"),
            "bill": self.env._("is marked for billing"),
        }[reading.used_up]

    def action_live(self):
        """Budgets act from the day that was chosen."""
        self.ensure_one()
        self._check()
        if self.live_from < fields.Date.context_today(self):
            raise UserError(self.env._("A day that is over cannot be chosen: what was not done then stays undone."))
        # sudo: supervisors decide about this one setting of their company
        self.company_id.sudo().crm_support_live_from = self.live_from
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    @api.model
    def _check(self):
        if not self.env.user.has_group("crm_support_budget.group_supervisor"):
            raise UserError(self.env._("From when support budgets act is decided by a supervisor."))


class CrmSupportLiveLine(models.TransientModel):
    _name = "crm.support.live.line"
    _description = "Customer that budgets concern"

    live_id = fields.Many2one("crm.support.live", required=True, index=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    colour = fields.Selection([(GREEN, "Green"), (YELLOW, "Yellow"), (RED, "Red")], "Meter", readonly=True)
    left = fields.Char("What is left", readonly=True)
    effect = fields.Char("What happens", readonly=True)
