import re

from odoo import api, fields, models

#: digits of a number that are enough to know it again, however it is written
ENOUGH = 6


class CrmSupportRule(models.Model):
    """Which calls are support: the first rule that fits decides, and the contact names it."""

    _name = "crm.support.rule"
    _description = "Which calls are support"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", index=True, help="Empty: all companies.")
    kind = fields.Selection(
        [
            ("queue", "It came through a queue"),
            ("dialled", "A number of ours was called"),
            ("team", "A team took it"),
            ("technician", "A technician took or made it"),
            ("request", "The customer has an open request"),
            ("all", "Any other call"),
        ],
        "When",
        required=True,
    )
    value = fields.Char("Queue or number", help="Name of the queue, or the number of ours that was called.")
    team_id = fields.Many2one("crm.team", ondelete="cascade", index="btree_not_null")
    is_support = fields.Boolean(
        "Is support", default=True, help="Not ticked: such a call is no support, whatever follows."
    )

    _value_needed = models.Constraint(
        "CHECK (kind NOT IN ('queue', 'dialled') OR value IS NOT NULL AND value != '')",
        "Name the queue, or the number that was called.",
    )
    _team_needed = models.Constraint("CHECK (kind != 'team' OR team_id IS NOT NULL)", "Choose the team.")

    @api.model
    def _decide(self, calls):
        """Which rule decides on which call.

        :param calls: of any companies
        :return: ``{call id: rule}``, an empty one where none fits
        """
        found = {}
        # sudo: what is support is the same for everybody
        rules = self.sudo().search([("id", "!=", False)])
        calls = calls.sudo()
        group = self.env.ref("crm_support_budget.group_technician")
        technicians = set(group.sudo().all_user_ids.ids) if "technician" in rules.mapped("kind") else set()
        open_for = self._with_request(calls) if "request" in rules.mapped("kind") else set()
        for call in calls:
            found[call.id] = next(
                (
                    rule
                    for rule in rules
                    if (not rule.company_id or rule.company_id == call.company_id)
                    and rule._fits(call, technicians, open_for)
                ),
                self.browse(),
            )
        return found

    def _fits(self, call, technicians, open_for):
        match self.kind:
            case "queue":
                return (call.queue or "").casefold() == self.value.casefold()
            case "dialled":
                return same_number(self.value, call.dialled if call.direction == "inbound" else call.from_number)
            case "team":
                return self.team_id in call.team_ids
            case "technician":
                return call.user_id.id in technicians
            case "request":
                return call.id in open_for
        return True

    @api.model
    def _with_request(self, calls):
        """:return: ids of the calls at whose start their customer had an open request"""
        customers = calls.partner_id.commercial_partner_id
        requests = (
            self.env["crm.support.request"]
            .sudo()
            .search_fetch([("partner_id", "in", customers.ids), ("company_id", "in", calls.company_id.ids)])
        )
        spans = requests.grouped(lambda one: (one.company_id, one.partner_id))
        return {
            call.id
            for call in calls
            for one in spans.get((call.company_id, call.partner_id.commercial_partner_id), ())
            if call.started_at and one.create_date <= call.started_at <= (one.done_at or call.started_at)
        }


def same_number(one, other):
    """:return: whether two texts are the same number, with or without the country before it"""
    one, other = (re.sub(r"\D", "", text or "").lstrip("0") for text in (one, other))
    shorter, longer = sorted((one, other), key=len)
    return one == other if len(shorter) < ENOUGH else longer.endswith(shorter)
