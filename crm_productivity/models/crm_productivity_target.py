from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..lib.formula import Formula

#: numbers of calls: more of them is nothing by itself, so something is to stand beside a target of one
CALLS = ("calls_made", "offered", "taken", "incoming", "internal_calls", "talk_calls", "typed_calls", "after_calls")
#: months of a period
MONTHS = {"month": 1, "quarter": 3}
#: what a target is at most: what no number reaches
MOST = 1e15


class CrmProductivityTarget(models.Model):
    """What a person or a team is to reach in a period; how far they are is in the other half of this class.

    A company switches targets on. Whoever leads a team sets them, for the team or for people in it.
    """

    _name = "crm.productivity.target"
    _description = "Target"
    _order = "date_from desc, team_id, user_id, id"
    _rec_name = "metric_id"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    metric_id = fields.Many2one(
        "crm.productivity.metric",
        "Number",
        required=True,
        ondelete="restrict",
        domain=[("may_be_target", "=", True)],
        default=lambda self: self.env.ref("crm_productivity.metric_won_amount", raise_if_not_found=False),
    )
    unit = fields.Selection(related="metric_id.unit")
    user_id = fields.Many2one("res.users", "Person", index=True, ondelete="cascade", check_company=True)
    team_id = fields.Many2one("crm.team", "Sales team", index=True, ondelete="cascade", check_company=True)
    period = fields.Selection(
        [("week", "Week"), ("month", "Month"), ("quarter", "Quarter"), ("own", "Own dates")],
        compute="_compute_period",
        store=True,
        readonly=False,
    )
    date_from = fields.Date("From", required=True, default=lambda self: fields.Date.context_today(self).replace(day=1))
    date_to = fields.Date(
        "To",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1) + relativedelta(months=1, days=-1),
    )
    amount = fields.Float(
        "Target", required=True, help="Money in the company's currency, times in seconds, shares in percent."
    )
    is_copied = fields.Boolean("Copied to the next period", readonly=True, copy=False)

    _amount_positive = models.Constraint(
        f"CHECK (amount > 0 AND amount < {MOST:.0f})",
        "A target is more than nothing, and a number that can be reached.",
    )
    _period = models.Constraint("CHECK (date_to >= date_from)", "The period ends before it begins.")
    _whose = models.Constraint(
        "CHECK ((user_id IS NULL) != (team_id IS NULL))", "A target is a person's or a team's, one of both."
    )

    # --- periods ---

    @api.model
    def _period_around(self, period, day):
        """:return: ``(first, last)`` of the week, month or quarter that a day is in"""
        if period == "week":
            first = day - timedelta(days=day.weekday())
            return first, first + timedelta(days=6)
        months = MONTHS[period]
        first = day.replace(day=1, month=(day.month - 1) // months * months + 1)
        return first, first + relativedelta(months=months, days=-1)

    @api.depends("date_from", "date_to")
    def _compute_period(self):
        for target in self:
            bounds = (target.date_from, target.date_to)
            target.period = "own"
            for period in ("week", "month", "quarter") if all(bounds) else ():
                if self._period_around(period, target.date_from) == bounds:
                    target.period = period

    @api.onchange("period")
    def _onchange_period(self):
        if self.period and self.period != "own":
            day = self.date_from or fields.Date.context_today(self)
            self.date_from, self.date_to = self._period_around(self.period, day)

    @api.onchange("date_from")
    def _onchange_date_from(self):
        if self.date_from and self.date_to and self.date_to < self.date_from:
            self.date_to = self._period_around("month", self.date_from)[1]

    # --- what may be a target ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals.pop("is_copied", None)
            if vals.get("period") in ("week", *MONTHS) and not vals.get("date_to"):
                day = fields.Date.to_date(vals.get("date_from")) or fields.Date.context_today(self)
                vals["date_from"], vals["date_to"] = self._period_around(vals["period"], day)
        targets = super().create(vals_list)
        off = targets.company_id.filtered(lambda company: not company.sudo().crm_productivity_targets)
        if off:
            raise UserError(
                self.env._(
                    "Targets are not switched on for %s. An administrator of calls can do that in the settings.",
                    ", ".join(off.mapped("display_name")),
                )
            )
        return targets

    @api.constrains("metric_id")
    def _check_metric(self):
        for target in self:
            target.metric_id._check_target()

    # --- the next period ---

    def action_next_period(self):
        """Copy targets to the period after theirs, of the same length; those that are there already stay."""
        made = self._copy_on()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Targets"),
            "res_model": self._name,
            "views": [(False, "list"), (False, "kanban"), (False, "form")],
            "domain": [("id", "in", made.ids)],
        }

    def _copy_on(self):
        """:return: the targets of the next periods, made or found; of who left none is made"""
        self.check_access("write")
        vals_of = {target: target._prepare_next_vals() for target in self if target._goes_on()}
        found = self.search(
            [
                ("company_id", "in", self.company_id.ids),
                ("metric_id", "in", self.metric_id.ids),
                ("date_from", "in", [vals["date_from"] for vals in vals_of.values()]),
            ]
        )
        there = {target._key(target.date_from, target.date_to): target for target in found}
        made = self.browse()
        for target, vals in vals_of.items():
            key = target._key(vals["date_from"], vals["date_to"])
            if key not in there:
                there[key] = target.copy(vals)
            made |= there[key]
        # sudo: a note that it was done, which nobody sets by hand
        self.sudo().is_copied = True
        return made

    def _goes_on(self):
        return self.metric_id.active and (self.user_id.active if self.user_id else self.team_id.active)

    def _key(self, first, last):
        return (self.company_id, self.metric_id, self.user_id, self.team_id, first, last)

    def _prepare_next_vals(self):
        start = self.date_to + timedelta(days=1)
        whole_months = self.date_from.day == 1 and start.day == 1
        if whole_months:
            months = (start.year - self.date_from.year) * 12 + start.month - self.date_from.month
            end = start + relativedelta(months=months, days=-1)
        elif self.date_from.weekday() == 0 and (self.date_to - self.date_from).days < 7:
            # a working week is followed by a working week
            start, end = self.date_from + timedelta(days=7), self.date_to + timedelta(days=7)
        else:
            end = start + (self.date_to - self.date_from)
        return {"date_from": start, "date_to": end}

    @api.model
    def _cron_next_period(self):
        """Copy on what ended, where a company wants that; what somebody deleted after it was copied stays away."""
        today = fields.Date.today()
        companies = self.env["res.company"].search(
            [("crm_productivity_targets", "=", True), ("crm_productivity_targets_repeat", "=", True)]
        )
        ended = self.search(
            [
                ("company_id", "in", companies.ids),
                ("is_copied", "=", False),
                ("date_to", "<=", today),
                ("date_to", ">", today - timedelta(days=14)),
            ]
        )
        ended._copy_on()

    # --- from the team to its people ---

    def action_share_out(self):
        """Give each person of the team an equal share as a target of their own, to be changed as it suits."""
        self.ensure_one()
        self.check_access("write")
        people = self.team_id.member_ids.filtered("active")
        if not people:
            raise UserError(self.env._("Nobody is in this team."))
        if not self.metric_id._adds_up():
            raise UserError(
                self.env._(
                    "“%s” cannot be shared out: a share or a usual time holds for each alike.", self.metric_id.name
                )
            )
        has = self.search(
            [
                ("user_id", "in", people.ids),
                ("metric_id", "=", self.metric_id.id),
                ("company_id", "=", self.company_id.id),
                ("date_from", "=", self.date_from),
                ("date_to", "=", self.date_to),
            ]
        )
        share = self.amount / len(people)
        made = self.create(
            [{**self._prepare_share_vals(share), "user_id": person.id} for person in people - has.user_id]
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Shares of %s", self.team_id.name),
            "res_model": self._name,
            "views": [(False, "list"), (False, "kanban"), (False, "form")],
            "domain": [("id", "in", (made | has).ids)],
        }

    def _prepare_share_vals(self, share):
        return {
            "metric_id": self.metric_id.id,
            "company_id": self.company_id.id,
            "date_from": self.date_from,
            "date_to": self.date_to,
            "amount": self.currency_id.round(share) if self.unit == "amount" else share,
        }


def measures_of(*metrics):
    """:return: ``(names that are added up, names whose spread is asked for)`` of metrics' formulas"""
    formulas = [Formula(metric.formula) for metric in metrics]
    names = {name for formula in formulas for name in formula.names}
    return names, {name for formula in formulas for name in formula.spread}
