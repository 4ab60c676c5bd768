from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL


class CrmProductivityFacts(models.AbstractModel):
    """What came of calls, and what of them several records tell together."""

    _inherit = "crm.productivity.facts"

    @api.model
    def _sources(self):
        return [
            *super()._sources(),
            "_facts_of_hold",
            "_facts_of_handling",
            "_facts_of_outcomes",
            "_facts_of_contacts",
        ]

    @api.model
    def _team_of_call(self):
        """:return: SQL that joins a call to the one team that it counts for, as ``team.id``"""
        return SQL(
            """CROSS JOIN LATERAL (SELECT min(rel.team_id) AS id FROM crm_voip_call_team_rel rel
                                    WHERE rel.call_id = call.id) team"""
        )

    @api.model
    def _facts_of_hold(self, company, start, end):
        """The PBX says of a call how long its customer was on hold: it is with who made or first took it."""
        return SQL(
            """SELECT call.user_id, CASE WHEN call.user_id IS NULL THEN team.id END, call.started_at,
                      fact.measure, fact.value
                 FROM crm_voip_call call %(team)s
                CROSS JOIN LATERAL (VALUES ('hold_s', call.hold_s), ('hold_calls', 1)) AS fact (measure, value)
                WHERE call.company_id = %(company)s AND call.started_at >= %(start)s AND call.started_at < %(end)s
                  AND call.direction != 'internal' AND call.disposition = 'answered' AND call.hold_s IS NOT NULL""",
            team=self._team_of_call(),
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _facts_of_handling(self, company, start, end):
        """Per person and call with talk. A call of which one part is unknown is left out: without it the time
        would be too short.
        """
        return SQL(
            """SELECT part.user_id, NULL::integer, part.started_at, fact.measure, fact.value
                 FROM (SELECT leg.call_id, leg.user_id, min(leg.started_at) AS started_at,
                              CASE WHEN bool_and(leg.talk_s IS NOT NULL) THEN sum(leg.talk_s) END AS talk_s,
                              bool_or(leg.role = 'caller') AS made
                         FROM crm_voip_leg leg
                        WHERE leg.company_id = %(company)s AND leg.started_at >= %(start)s AND leg.started_at < %(end)s
                          AND leg.user_id IS NOT NULL AND leg.answered_at IS NOT NULL
                        GROUP BY leg.call_id, leg.user_id) part
                 JOIN crm_voip_call call ON call.id = part.call_id AND %(near)s
                 JOIN crm_voip_wrapup wrapup ON wrapup.call_id = part.call_id AND wrapup.user_id = part.user_id
                CROSS JOIN LATERAL (
                    SELECT part.talk_s + wrapup.after_call_s
                           + CASE WHEN call.user_id = part.user_id THEN call.hold_s ELSE 0 END
                           + CASE WHEN part.made THEN call.ring_s ELSE 0 END AS seconds) whole
                CROSS JOIN LATERAL (VALUES ('handle_s', whole.seconds), ('handled', 1)) AS fact (measure, value)
                WHERE call.direction != 'internal' AND call.disposition = 'answered' AND whole.seconds IS NOT NULL""",
            near=self._near(company, start, end),
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _facts_of_outcomes(self, company, start, end):
        """What people said came of the calls they made: typed, so it is never mixed with what was measured."""
        return SQL(
            """SELECT wrapup.user_id, NULL::integer, wrapup.started_at, fact.measure, 1
                 FROM crm_voip_wrapup wrapup
                 JOIN crm_voip_call call ON call.id = wrapup.call_id AND call.direction = 'outbound'
                 JOIN crm_voip_outcome outcome ON outcome.id = wrapup.outcome_id
                CROSS JOIN LATERAL (VALUES
                    ('outcomes', true), ('outcomes_reached', outcome.reached)
                ) AS fact (measure, holds)
                WHERE wrapup.company_id = %(company)s AND wrapup.started_at >= %(start)s AND wrapup.started_at < %(end)s
                  AND fact.holds""",
            company=company.id,
            start=start,
            end=end,
        )

    # --- customers who come back ---

    @api.model
    def _facts_of_contacts(self, company, start, end):
        """Whether a customer came back: the same opportunity, else the same contact, else the same number.

        Of the last days it is not known yet: those calls are in ``contacts``, and in ``contacts_settled`` once
        their days are over.
        """
        after = SQL("other.started_at > call.started_at AND other.started_at <= call.started_at + within.span")
        before = SQL("other.started_at < call.started_at AND other.started_at >= call.started_at - within.span")
        return SQL(
            """SELECT call.user_id, CASE WHEN call.user_id IS NULL THEN team.id END, call.started_at, fact.measure, 1
                 FROM crm_voip_call call %(team)s
                CROSS JOIN LATERAL (SELECT %(days)s * interval '1 day' AS span) within
                CROSS JOIN LATERAL (
                    SELECT call.started_at < %(today)s - within.span AS settled, %(later)s AS returned, %(earlier)s AS again
                ) found
                CROSS JOIN LATERAL (VALUES
                    ('contacts', true),
                    ('repeats', found.again),
                    ('contacts_settled', found.settled),
                    ('contacts_returned', found.settled AND found.returned)
                ) AS fact (measure, holds)
                WHERE call.company_id = %(company)s AND call.started_at >= %(start)s AND call.started_at < %(end)s
                  AND call.direction = 'inbound' AND call.disposition = 'answered' AND fact.holds
                  AND (call.lead_id IS NOT NULL OR call.partner_id IS NOT NULL OR call.outside_e164 IS NOT NULL)""",
            team=self._team_of_call(),
            days=self._threshold(company, "crm_productivity_repeat_days", SQL("call.started_at")),
            # calls of whole days, as the clock turns
            today=self.env["crm.productivity.stale"]._bounds(company, *[self._today(company)] * 2)[0],
            later=self._same_topic(after),
            earlier=self._same_topic(SQL("%s AND other.disposition = 'answered'", before)),
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _same_topic(self, when):
        """:return: SQL of whether another incoming call was about the same; each way has an index of its own"""

        def some(same):
            return SQL(
                """EXISTS (SELECT FROM crm_voip_call other
                            WHERE other.company_id = call.company_id AND other.direction = 'inbound' AND %s AND %s)""",
                same,
                when,
            )

        return SQL(
            """CASE WHEN call.lead_id IS NOT NULL THEN %s
                    WHEN call.partner_id IS NOT NULL THEN %s
                    ELSE %s END""",
            some(SQL("other.lead_id = call.lead_id")),
            some(SQL("other.partner_id = call.partner_id")),
            some(SQL("other.outside_e164 = call.outside_e164")),
        )

    # --- what others need, too ---

    @api.model
    def _today(self, company):
        return self.env["crm.productivity.stale"]._today(company)

    @api.model
    def _threshold(self, company, name, at):
        """:return: SQL of a threshold of the company as it was at a moment"""
        return self.env["crm.productivity.threshold"]._sql(company, name, at)

    @api.model
    def _near(self, company, start, end):
        """:return: SQL of a superset of the calls of a time: legs have the time of their call, and without this the
        planner reads all calls to join a day's legs
        """
        return SQL(
            "call.company_id = %s AND call.started_at >= %s AND call.started_at <= %s",
            company.id,
            start - timedelta(days=1),
            end + timedelta(days=1),
        )

    @api.model
    def _gave_up(self):
        """:return: SQL of whether a caller hung up before a person answered, in a queue or while a phone rang"""
        return SQL(
            """(call.disposition = 'abandoned' OR call.disposition = 'missed' AND EXISTS (
                    SELECT FROM crm_voip_leg gone WHERE gone.call_id = call.id AND gone.outcome = 'cancelled'))"""
        )
