from collections import defaultdict

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class CrmProductivityTarget(models.Model):
    """What was done in the periods of targets: one query for the sums of all of them, one for the spread, one for outcomes."""

    _inherit = "crm.productivity.target"

    def _place(self):
        """By what rows of the query below find their target; a target that is not saved yet has no id."""
        return (self.company_id.id, self.user_id.id or None, self.team_id.id or None, self.date_from, self.date_to)

    def _values(self):
        """:return: the targets' places as rows of SQL"""
        places = sorted({target._place() for target in self}, key=str)
        return places, SQL(", ").join(
            SQL("(%s, %s::integer, %s::integer, %s::integer, %s::date, %s::date)", number, *place)
            for number, place in enumerate(places)
        )

    def _totals(self, names):
        """:param names: ``(measures to add up, measures whose spread is asked for)``
        :return: ``{place: (measures, histograms)}``
        """
        sums, spread = (sorted(some) for some in names)
        if not self:
            return {}
        places, values = self._values()
        Day = self.env["crm.productivity.day"]
        Day.flush_model()
        first, last = min(place[3] for place in places), max(place[4] for place in places)
        # which rows of persons are one's own to see, the rights decide; what a team did together, :meth:`_seen` did
        visible = Day._search(Domain("day", ">=", first) & Domain("day", "<=", last)).subselect()
        if self.user_id <= self.env.user:
            visible = SQL("(SELECT 0)")
        # worked out once, not once for each target
        head = SQL("WITH visible (id) AS MATERIALIZED %s", visible)
        joined = SQL(
            """FROM (VALUES %(values)s) AS target (number, company_id, user_id, team_id, first, last)
               CROSS JOIN LATERAL (
                   SELECT * FROM crm_productivity_day own
                    WHERE own.user_id = target.user_id AND own.company_id = target.company_id
                      AND own.day BETWEEN target.first AND target.last
                      AND (target.user_id = %(uid)s OR own.id IN (SELECT id FROM visible))
                    UNION ALL
                   SELECT * FROM crm_productivity_day teams
                    WHERE teams.team_id = target.team_id AND teams.company_id = target.company_id
                      AND teams.day BETWEEN target.first AND target.last) day""",
            values=values,
            uid=self.env.uid,
        )
        found = {place: ({}, defaultdict(dict)) for place in places}
        columns = SQL(", ").join(SQL("sum(day.%s)::float", SQL.identifier(name)) for name in sums) if sums else SQL("1")
        for number, *row in self.env.execute_query(
            SQL("%s SELECT target.number, %s %s GROUP BY 1", head, columns, joined)
        ):
            found[places[number]][0].update(zip(sums, row, strict=False))
        if spread:
            rows = self.env.execute_query(
                SQL(
                    """%s SELECT target.number, measure.name, bucket.key, sum(bucket.value::integer)::integer
                       %s CROSS JOIN unnest(%s) AS measure (name)
                       CROSS JOIN LATERAL jsonb_each_text(day.histograms -> measure.name) bucket GROUP BY 1, 2, 3""",
                    head,
                    joined,
                    spread,
                )
            )
            for number, measure, bucket, count in rows:
                found[places[number]][1][measure][bucket] = count
        self._note_looks()
        return found

    def _note_looks(self):
        """Whoever's figures are looked at finds it in their log."""
        people = self.user_id - self.env.user
        if people:
            self.env["crm.voip.people.log"]._note(people, "target")

    def _outcomes(self):
        """:return: ``{place: [(name of the outcome, number of calls), …]}``, as people typed them"""
        if not self:
            return {}
        places, values = self._values()
        self.env["crm.voip.wrapup"].flush_model(["user_id", "company_id", "started_at", "outcome_id"])
        zones = self.env["crm.productivity.stale"]
        bounds = {place: zones._bounds(self.env["res.company"].browse(place[0]), *place[3:]) for place in places}
        until = self._outcomes_until(places)
        moments = SQL(", ").join(
            SQL("(%s, %s::timestamp, %s::timestamp)", number, bounds[place][0], min(bounds[place][1], until[place]))
            for number, place in enumerate(places)
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT target.number, wrapup.outcome_id, count(*)
                     FROM (VALUES %(values)s) AS target (number, company_id, user_id, team_id, first, last)
                     JOIN (VALUES %(moments)s) AS moment (number, start, stop) ON moment.number = target.number
                     JOIN crm_voip_wrapup wrapup ON wrapup.company_id = target.company_id
                      AND wrapup.started_at >= moment.start AND wrapup.started_at < moment.stop
                    WHERE wrapup.outcome_id IS NOT NULL AND (wrapup.user_id = target.user_id OR EXISTS (
                          SELECT FROM crm_productivity_member member
                           WHERE member.team_id = target.team_id AND member.user_id = wrapup.user_id
                             AND member.begins <= wrapup.started_at
                             AND (member.ends IS NULL OR member.ends > wrapup.started_at)))
                    GROUP BY 1, 2 ORDER BY 3 DESC, 2""",
                values=values,
                moments=moments,
            )
        )
        # sudo: an outcome's name is for everybody who sees the number beside it
        names = {one.id: one.name for one in self.env["crm.voip.outcome"].sudo().browse({row[1] for row in rows})}
        found = defaultdict(list)
        for number, outcome_id, count in rows:
            found[places[number]].append((names[outcome_id], count))
        return found

    def _outcomes_until(self, places):
        """:return: ``{place: the moment up to which it may be shown}``: of others not before the delay is over"""
        # sudo: the decision binds those who may not read it, too
        switches = self.env["crm.voip.people.switch"].sudo()._of(self.company_id)
        until = {switch.company_id.id: switch._until() for switch in switches}
        latest = fields.Datetime.to_datetime("9999-12-31")
        return {
            place: until.get(place[0], latest) if place[1] and place[1] != self.env.uid else latest for place in places
        }
