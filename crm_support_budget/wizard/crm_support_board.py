from odoo import api, fields, models

from ..lib.meter import RED, YELLOW


class CrmSupportBoard(models.TransientModel):
    """What a supervisor has to know now: who waits, who is being helped, whose meter is used up, whose day is long."""

    _name = "crm.support.board"
    _description = "Support now"

    waiting = fields.Integer("Customers waiting", compute="_compute_now")
    waiting_ids = fields.Many2many("crm.support.request", string="Waits for us", compute="_compute_now")
    serving_ids = fields.Many2many("crm.support.request", string="Being helped", compute="_compute_now")
    turned_ids = fields.Many2many("crm.support.crossing", string="Yellow and red meters", compute="_compute_now")
    notice_ids = fields.Many2many("crm.support.notice", string="Long days to look at", compute="_compute_now")
    dry_run_line = fields.Char(compute="_compute_now")

    def _compute_display_name(self):
        self.display_name = self.env._("Support now")

    @api.depends_context("company", "uid")
    def _compute_now(self):
        company = self.env.company
        Request, Crossing = self.env["crm.support.request"], self.env["crm.support.crossing"]
        here = [("company_id", "=", company.id)]
        order = [request.id for request, _served, _reading in Request._order_of_serving(company)]
        waiting = Request.search([*here, ("state", "=", "waiting")])
        # those whom the order leaves out for now, as a cap does, come after it
        place = {ident: number for number, ident in enumerate(order)}
        waiting = waiting.sorted(lambda one: (place.get(one.id, len(place)), one.waiting_since, one.id))
        last = Crossing._last(company)
        turned = [customer for customer, (_place, colour) in last.items() if colour in (RED, YELLOW)]
        crossings = Crossing.search([*here, ("partner_id", "in", turned)])
        for board in self:
            board.waiting = len(waiting.partner_id)
            board.waiting_ids = waiting
            board.serving_ids = Request.search([*here, ("state", "=", "serving")])
            board.turned_ids = crossings.filtered(lambda one: last[one.partner_id.id][0] == one.place)
            board.notice_ids = self.env["crm.support.notice"].search([*here, ("state", "=", "open")])
            board.dry_run_line = company._crm_support_dry_line()

    @api.model
    def action_look(self):
        """Open the board, as it is now."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Support now"),
            "res_model": self._name,
            "res_id": self.create({}).id,
            "views": [(False, "form")],
            "target": "current",
        }
