from odoo import fields, models

from .crm_productivity_threshold import THRESHOLDS


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_productivity_conversation_s = fields.Integer(
        "Conversation from (s)",
        default=60,
        required=True,
        help="A call with at least so much talk is a conversation. No standard exists, so the threshold is shown with "
        "each number.",
    )
    crm_productivity_level_s = fields.Integer(
        "Answered in time within (s)",
        default=20,
        required=True,
        help="Calls that a person answers within this time, in the queue and ringing, count as answered in time.",
    )
    crm_productivity_short_s = fields.Integer(
        "Given up at once within (s)",
        default=5,
        required=True,
        help="Who hangs up so soon mostly dialled wrongly: shown apart from those who gave up waiting.",
    )
    crm_productivity_repeat_days = fields.Integer(
        "Comes back within (days)",
        default=7,
        required=True,
        help="Who calls again on the same opportunity, or else at all, within so many days came back on the same topic.",
    )

    _crm_productivity_conversation = models.Constraint(
        "CHECK (crm_productivity_conversation_s > 0)", "A conversation lasts at least a second."
    )
    _crm_productivity_level = models.Constraint(
        "CHECK (crm_productivity_level_s > 0)", "Answering takes at least a second."
    )
    _crm_productivity_short = models.Constraint(
        "CHECK (crm_productivity_short_s >= 0)", "A time is not less than nothing."
    )
    _crm_productivity_repeat = models.Constraint(
        "CHECK (crm_productivity_repeat_days BETWEEN 1 AND 60)", "Between one day and sixty."
    )

    def write(self, vals):
        names = [name for name in THRESHOLDS if name in vals]
        before = {company: {name: company[name] for name in names} for company in self} if names else {}
        result = super().write(vals)
        # sudo: since when a threshold holds is kept whoever may change it
        Threshold = self.env["crm.productivity.threshold"].sudo()
        for company, values in before.items():
            for name, value in values.items():
                if company[name] != value:
                    Threshold._changed(company.sudo(), name, value)
        return result
