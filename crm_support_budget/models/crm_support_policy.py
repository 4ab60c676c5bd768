from odoo import api, fields, models

from .crm_support_terms import REMEMBERED


class CrmSupportPolicy(models.Model):
    """How much help an agreement gives, how it comes back, and what happens when it is used up."""

    _name = "crm.support.policy"
    _inherit = ["mail.thread"]
    _description = "Support policy"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", index=True, help="Empty: all companies.")
    description = fields.Text(translate=True, help="In plain words, for the customer to read.")
    period = fields.Selection(
        [("day", "Working day"), ("week", "Week"), ("month", "Month")], required=True, default="month"
    )
    minutes = fields.Float(help="Minutes of help in each period. 0: minutes are not limited.")
    contacts = fields.Float(help="Calls and messages in each period. 0: their number is not limited.")
    reserve_minutes = fields.Float("Reserve (min)", help="Most that can be saved up, and what one begins with.")
    reserve_contacts = fields.Float("Reserve (contacts)", help="Most that can be saved up, and what one begins with.")
    carry_minutes = fields.Float("Carried over at most (min)", help="What is kept of minutes that were not used.")
    carry_contacts = fields.Float(
        "Carried over at most (contacts)", help="What is kept of contacts that were not used."
    )
    day_minutes = fields.Float("Long day (min)", help="More on one day makes a long-day notice. 0: no limit.")
    day_contacts = fields.Float("Long day (contacts)", help="More on one day makes a long-day notice. 0: no limit.")
    priority = fields.Float(
        default=1.0, required=True, help="Weight in the queue: with 2, each minute of help counts half. Never revenue."
    )
    calendar_id = fields.Many2one(
        "resource.calendar", "Working hours", help="In which budgets come back. Empty: the company's."
    )
    used_up = fields.Selection(
        [
            ("warn", "Tell whoever helps"),
            ("ask", "Ask a supervisor"),
            ("after", "Serve after the others"),
            ("bill", "Mark for billing"),
        ],
        "When used up",
        required=True,
        default="warn",
    )
    currency_id = fields.Many2one("res.currency", default=lambda self: self.env.company.currency_id)
    rate = fields.Monetary("Rate per hour", help="For what is marked for billing.")
    rounding = fields.Float("Round the month to (min)", help="Of what is billed, the month's total. 0: not rounded.")
    message_minutes = fields.Float(
        "A message takes (min)",
        help="An estimate: shown as such, and never billed. 0: messages count as contacts only.",
    )
    words = fields.Text("In words", compute="_compute_words", help="What the policy gives, as the customer reads it.")
    agreement_ids = fields.One2many("crm.support.agreement", "policy_id", "Agreements")

    _priority_positive = models.Constraint("CHECK (priority > 0)", "A priority is more than nothing.")
    _not_negative = models.Constraint(
        """CHECK (least(minutes, contacts, reserve_minutes, reserve_contacts, carry_minutes, carry_contacts, day_minutes,
                        day_contacts, rate, rounding, message_minutes) >= 0)""",
        "A policy gives nothing negative.",
    )

    @api.depends("period", "minutes", "contacts", "reserve_minutes", "carry_minutes", "priority", "used_up")
    @api.depends_context("lang")
    def _compute_words(self):
        for policy in self:
            policy.words = " ".join(policy._words({name: policy[name] for name in REMEMBERED}))

    @api.model
    def _words(self, said):
        """:return: what terms give, in sentences

        :param said: values as they are remembered
        """
        period = dict(self._fields["period"]._description_selection(self.env))[said["period"]].lower()
        words = []
        if said["minutes"]:
            words.append(
                self.env._("%(minutes)g minutes of help each %(period)s.", minutes=said["minutes"], period=period)
            )
            words.append(
                self.env._(
                    "Up to %(reserve)g minutes can be had at once, and %(carry)g more if little was used before.",
                    reserve=said["reserve_minutes"],
                    carry=said["carry_minutes"],
                )
            )
        if said["contacts"]:
            words.append(
                self.env._("%(contacts)g calls or messages each %(period)s.", contacts=said["contacts"], period=period)
            )
        if not words:
            words.append(self.env._("As much help as is needed."))
        if said["priority"] != 1:
            words.append(self.env._("In the queue, a minute counts as %g.", 1 / said["priority"]))
        words.append(
            {
                "warn": self.env._("When it is used up, we talk about it."),
                "ask": self.env._("When it is used up, a supervisor decides what is done next."),
                "after": self.env._("When it is used up, others are helped first."),
                "bill": self.env._("What is more is billed at the agreed rate."),
            }[said["used_up"]]
        )
        words.append(self.env._("Our own defects and what did not arrive never count."))
        return words

    # --- what held since when ---

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        policies._remember()
        return policies

    def write(self, vals):
        done = super().write(vals)
        if {*REMEMBERED, "calendar_id"} & vals.keys():
            self._remember()
        return done

    def _remember(self):
        said = {
            policy.id: {**{name: policy[name] for name in REMEMBERED}, "calendar": policy.calendar_id.id}
            for policy in self
        }
        self.env["crm.support.terms"]._remember("policy_id", said)
