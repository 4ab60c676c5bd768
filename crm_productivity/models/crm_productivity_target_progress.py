from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.crm_voip_people import SMALL_TEAM
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.addons.crm_voip_bridge.models.working_time import WorkingTime
from odoo.tools import format_date

from .crm_productivity_target import measures_of


class CrmProductivityTarget(models.Model):
    """How far a person or a team is, and where they should be today; of however many targets with the same few queries.

    The person sees it first. Whoever set it sees how far a single person is only where the company decided that figures
    of persons may be put side by side, and not before its delay is over; else the number stays empty for them.
    """

    _inherit = "crm.productivity.target"

    value = Measured("Reached", compute="_compute_progress", help="Empty: not measured, or not yours to see.")
    percent = Measured("% of target", compute="_compute_progress")
    pace = Measured(
        "Should be today",
        compute="_compute_progress",
        help="By the working time that has passed. Empty for shares and usual times, which hold at any moment.",
    )
    state = fields.Selection(
        [
            ("reached", "Reached"),
            ("ahead", "On course"),
            ("behind", "Behind"),
            ("missed", "Not reached"),
            ("later", "Not begun"),
            ("unknown", "Not measured"),
            ("hidden", "Theirs to see"),
        ],
        compute="_compute_progress",
    )
    shown = fields.Char("Reached of target", compute="_compute_progress")
    beside = fields.Char("Beside it", compute="_compute_progress", help="What the number is worth nothing without.")
    remark = fields.Char(compute="_compute_progress", help="What to know about the number: a changed definition, say.")

    @api.depends("metric_id", "user_id", "team_id", "date_from", "date_to", "amount", "company_id")
    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_progress(self):
        found = self._progress()
        for target in self:
            for name, value in found[target].items():
                target[name] = value

    def _progress(self):
        """:return: ``{target: {field: value}}`` for the fields above"""
        complete = self.filtered(lambda one: one.metric_id and one.date_from and one.date_to and one.company_id)
        versions = self.env["crm.productivity.metric"]._versions_of(
            complete.metric_id | complete.metric_id.counterweight_id
        )
        held = {target: versions[target.metric_id.code]._held_on(target.date_from) for target in complete}
        # the counterweight is that of the definition of today: it says what is shown, not how it is reckoned
        weights = {
            target: versions[weight.code]._held_on(target.date_from)
            for target in complete
            if (weight := target.metric_id.counterweight_id)
        }
        seen = complete._seen()
        totals = seen._totals(measures_of(*held.values(), *weights.values()))
        outcomes = seen.filtered(lambda one: one in weights)._outcomes()
        paces = complete._paces()
        result = {}
        for target in self:
            blank = dict.fromkeys(("value", "percent", "pace", "state", "shown", "beside", "remark"), False)
            if target not in held:
                result[target] = {**blank, "value": None, "percent": None, "pace": None, "state": "unknown"}
                continue
            measures, histograms = totals.get(target._place(), ({}, {}))
            values = target._prepare_progress(held[target], held[target]._value(measures, histograms), paces[target])
            if target not in seen:
                values.update(state="hidden", shown=held[target]._shown(target.amount, target.currency_id))
            if (weight := weights.get(target)) and target in seen:
                beside = weight._value(measures, histograms)
                values["beside"] = target._beside_text(weight, beside, outcomes.get(target._place()))
            values["remark"] = target._remark(held[target], versions[target.metric_id.code])
            result[target] = {**blank, **values}
        return result

    def _prepare_progress(self, metric, value, pace):
        """:param pace: see :meth:`_paces`"""
        passed, has_begun, is_over = pace
        less = metric.direction == "less"
        if value is None or not self.amount:
            percent = None
        elif less:
            percent = 100 * self.amount / value if value > 0 else 100
        else:
            percent = 100 * value / self.amount
        should = None if passed is None or not metric._adds_up() else 100 * passed
        if not has_begun:
            state = "later"
        elif percent is None:
            state = "unknown"
        elif percent >= 100:
            state = "reached"
        elif is_over:
            state = "missed"
        else:
            state = "ahead" if should is not None and percent >= should else "behind"
        return {
            "value": value,
            "percent": percent,
            "pace": should,
            "state": state,
            "shown": self.env._(
                "%(reached)s of %(target)s",
                reached=metric._shown(value, self.currency_id),
                target=metric._shown(self.amount, self.currency_id),
            ),
        }

    def _beside_text(self, weight, value, outcomes):
        parts = [
            self.env._("%(name)s: %(value)s", name=weight.name, value=weight._shown(value, self.currency_id)),
        ]
        if outcomes:
            parts.append(
                self.env._(
                    "Outcomes (typed): %s",
                    ", ".join(self.env._("%(name)s %(number)s", name=name, number=number) for name, number in outcomes),
                )
            )
        return " · ".join(parts)

    def _remark(self, held, versions):
        """What to know about the number before one believes it."""
        remarks = []
        later = versions.filtered(lambda one: one.since and self.date_from < one.since <= self.date_to)
        if later:
            remarks.append(
                self.env._(
                    "Computed in another way since %(day)s; this period keeps the way of its beginning (version %(version)s).",
                    day=format_date(self.env, later[0].since),
                    version=held.version,
                )
            )
        if self.user_id and not self.user_id.active:
            remarks.append(self.env._("%s is no longer here.", self.user_id.name))
        return " ".join(remarks) or False

    # --- who sees how far ---

    def _seen(self):
        """:return: those of whose progress the present user may see something

        A person's: the person, and others as the rule about persons says, which the figures of a day
        obey by themselves. A team's: its members, its leader, and who sees all teams; of fewer than three people the
        total is a person's figure, and needs the company's decision.
        """
        user = self.env.user
        others = self.filtered(lambda one: one.user_id and one.user_id != user)
        # sudo: the decision, and how many are in a team, bind those who may not read them, too
        switches = self.env["crm.voip.people.switch"].sudo()._of(self.company_id)
        decided = switches.company_id
        for switch in switches:
            people = others.filtered(lambda one: one.company_id == switch.company_id).user_id  # noqa: B023
            if 1 < len(people) < switch.min_group:
                decided -= switch.company_id  # too few to be put side by side
        sees_all = user.has_group("crm_voip_bridge.group_all")
        seen = self.browse()
        for target in self:
            if target.company_id not in self.env.companies:
                continue
            # sudo: who leads whom
            person, team = target.user_id.sudo(), target.team_id.sudo()
            people = team.member_ids | team.user_id
            if person:
                leads = sees_all or user in person.crm_team_ids.user_id
                may = person == user or (leads and target.company_id in decided)
            else:
                is_small = len(people - user) > 0 and len(people) < SMALL_TEAM
                may = (sees_all or user in people) and (not is_small or target.company_id in switches.company_id)
            if may:
                seen |= target
        return seen

    # --- where one should be today ---

    def _paces(self):
        """:return: ``{target: (fraction of the working time that has passed, has begun, is over)}``"""
        bounds_of = self.env["crm.productivity.stale"]._bounds
        now = fields.Datetime.now()
        found = {}
        for company, targets in self.grouped("company_id").items():
            bounds = {target: bounds_of(company, target.date_from, target.date_to) for target in targets}
            working = WorkingTime(
                company.sudo(),  # sudo: calendars are HR's
                targets.user_id.ids,
                min(start for start, _end in bounds.values()),
                max(end for _start, end in bounds.values()),
            )
            for target, (start, end) in bounds.items():
                whole = working.worked(target.user_id.id, start, end)
                passed = working.worked(target.user_id.id, start, min(max(now, start), end))
                found[target] = (passed / whole if whole else None, now >= start, now >= end)
        return found
