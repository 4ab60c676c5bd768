from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmVoipPeopleSwitch(models.Model):
    """A company's decision that figures of single persons may be put side by side.

    Who decided, when, for what purpose and under which agreement stays, also after it was turned off.
    Without such a decision it is off.
    """

    _name = "crm.voip.people.switch"
    _description = "Figures of persons"
    _order = "id desc"
    _rec_name = "purpose"

    company_id = fields.Many2one(
        "res.company", required=True, index=True, readonly=True, default=lambda self: self.env.company
    )
    purpose = fields.Text(required=True, help="What for, in words that those concerned understand.")
    agreement = fields.Char(
        required=True, help="Under which agreement: with the works council, in the contract, dated."
    )
    min_group = fields.Integer(
        "Minimum group", default=5, required=True, help="Fewer persons are not compared with each other."
    )
    delay_days = fields.Integer(
        "Delay (working days)",
        default=1,
        required=True,
        help="Own numbers are visible to their owner first; others see them so many working days later.",
    )
    on_by_id = fields.Many2one("res.users", "Turned on by", readonly=True, default=lambda self: self.env.user)
    on_at = fields.Datetime("Turned on", readonly=True, default=fields.Datetime.now)
    off_by_id = fields.Many2one("res.users", "Turned off by", readonly=True)
    off_at = fields.Datetime("Turned off", readonly=True)

    _min_group = models.Constraint("CHECK (min_group >= 3)", "Fewer than three persons are no group.")
    _delay_days = models.Constraint("CHECK (delay_days >= 0)", "The delay is a number of days.")
    _one_on = models.UniqueIndex("(company_id) WHERE off_at IS NULL", "It is turned on already.")

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            # whoever decides is whoever is logged in, now
            for name in ("on_by_id", "on_at", "off_by_id", "off_at"):
                vals.pop(name, None)
        switches = super().create(vals_list)
        self.env.registry.clear_cache()
        return switches

    def write(self, vals):
        if not self.env.su:
            raise UserError(self.env._("A decision is not edited: turn it off and decide anew."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A decision stays on record: turn it off."))

    def action_turn_off(self):
        self.check_access("write")
        # sudo: nothing else of a decision is ever written
        self.sudo().write({"off_by_id": self.env.uid, "off_at": fields.Datetime.now()})
        self.env.registry.clear_cache()

    @api.model
    def _of(self, companies):
        """:return: the decisions of companies that hold now"""
        return self.search([("company_id", "in", companies.ids), ("off_at", "=", False)])

    def _until(self):
        """:return: the moment before which records are old enough for others to see"""
        self.ensure_one()
        now = fields.Datetime.now()
        if not self.delay_days:
            return now
        calendar = self.company_id.resource_calendar_id
        # plan_days counts the present day as the first
        until = calendar.plan_days(-self.delay_days - 1, now, compute_leaves=True) if calendar else None
        return until or fields.Datetime.subtract(now, days=self.delay_days)
