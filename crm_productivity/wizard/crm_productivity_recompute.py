from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmProductivityRecompute(models.TransientModel):
    """Has the figures of some days made anew from what was recorded, and says how far that is."""

    _name = "crm.productivity.recompute"
    _description = "Recalculate figures"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    date_from = fields.Date("From", required=True, default=lambda self: self._default_date_from())
    date_to = fields.Date("To", required=True, default=fields.Date.context_today)
    kept_since = fields.Date("Kept as they are until", compute="_compute_kept_since")
    asked_at = fields.Datetime(readonly=True)
    days = fields.Integer(readonly=True)
    days_left = fields.Integer(compute="_compute_progress")
    percent = fields.Float(compute="_compute_progress")

    @api.model
    def _default_date_from(self):
        first = self.env["crm.productivity.facts"].sudo()._first_days()  # sudo: the first day tells nothing of anybody
        return first.get(self.env.company.id) or fields.Date.context_today(self)

    @api.depends("company_id")
    def _compute_kept_since(self):
        for recompute in self:
            recompute.kept_since = self.env["crm.productivity.day"]._kept_since(recompute.company_id)

    @api.depends("asked_at", "date_from", "date_to", "company_id")
    def _compute_progress(self):
        for recompute in self:
            asked = recompute.asked_at and recompute.date_from and recompute.date_to
            # sudo: how many days wait tells nothing of anybody
            left = self.env["crm.productivity.stale"].sudo()._waiting(*recompute._period()) if asked else 0
            recompute.days_left = left
            recompute.percent = 100 * (recompute.days - left) / recompute.days if recompute.days else 0

    def _period(self):
        return self.company_id, self.date_from, self.date_to

    def action_recompute(self):
        """Have the days reckoned by the scheduled action."""
        self.ensure_one()
        self.env["crm.productivity.day"].check_access("read")
        if self.date_to < self.date_from:
            raise UserError(self.env._("The period ends before it begins."))
        # sudo: nobody has a right on the queue
        days = self.env["crm.productivity.stale"].sudo()._mark_days(*self._period())
        self.write({"asked_at": fields.Datetime.now(), "days": days})
        return self.action_refresh()

    def action_refresh(self):
        """Show how far it is."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Recalculate figures"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }
