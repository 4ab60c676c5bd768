from odoo import api, fields, models
from odoo.tools import SQL


class CrmProductivityFacts(models.AbstractModel):
    """What the figures of a day are made of: one method for each kind of record, in SQL.

    Each method returns a SELECT of ``(user_id, team_id, at, measure, value)``: one row for each thing that happened and
    each measure it adds to; ``measure`` is the name of a field of ``crm.productivity.day``. ``team_id`` may be NULL: then
    it is the person's team on that day. To add a measure, add a field there and a method here, and name it in
    :meth:`_sources`.
    """

    _name = "crm.productivity.facts"
    _description = "What figures are made of"

    @api.model
    def _sources(self):
        """:return: names of the methods that make facts"""
        return [
            "_facts_of_legs",
            "_facts_of_incoming_calls",
            "_facts_of_wrapups",
            "_facts_of_typed_calls",
            "_facts_of_callbacks",
            "_facts_of_opportunities",
            "_facts_of_meetings",
        ]

    @api.model
    def _first_days(self):
        """:return: ``{company id: the day of its first fact}``"""
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT company_id, min(first)::date - 1 FROM (
                           SELECT company_id, min(started_at) FROM crm_voip_call GROUP BY company_id
                           UNION ALL
                           SELECT company_id, min(create_date) FROM crm_lead WHERE company_id IS NOT NULL GROUP BY company_id
                       ) AS found (company_id, first) WHERE first IS NOT NULL GROUP BY company_id"""
                )
            )
        )

    @api.model
    def _select(self, company, start, end, sources=None):
        """:return: facts of a company between two naive UTC moments, those of some sources or of all"""
        parts = [getattr(self, name)(company, start, end) for name in sources or self._sources()]
        return SQL(" UNION ALL ").join(parts)

    # --- calls ---

    @api.model
    def _facts_of_legs(self, company, start, end):
        """Per person there is made and reached, offered and taken; nobody has a missed call if a colleague took it.

        What the PBX did not measure adds nothing, not a nought.
        """
        return SQL(
            """SELECT leg.user_id, NULL::integer AS team_id, leg.started_at AS at, fact.measure, fact.value
                 FROM crm_voip_leg leg
                 JOIN crm_voip_call call ON call.id = leg.call_id AND %(near)s
                CROSS JOIN LATERAL (SELECT CASE WHEN leg.role = 'called' AND call.direction = 'inbound' THEN
                    extract(epoch FROM COALESCE(leg.answered_at, leg.left_at) - leg.offered_at) END AS seconds) rang
                CROSS JOIN LATERAL (VALUES
                    ('calls_made', CASE WHEN leg.role = 'caller' AND call.direction = 'outbound' THEN 1 END),
                    ('reached', CASE WHEN leg.role = 'caller' AND call.direction = 'outbound'
                                      AND call.disposition = 'answered' THEN 1 END),
                    ('offered', CASE WHEN leg.role = 'called' AND call.direction = 'inbound'
                                      AND leg.offered_at IS NOT NULL THEN 1 END),
                    ('taken', CASE WHEN leg.role = 'called' AND call.direction = 'inbound'
                                    AND leg.offered_at IS NOT NULL AND leg.outcome = 'answered' THEN 1 END),
                    ('conversations', CASE WHEN leg.talk_s >= %(conversation)s AND call.direction != 'internal' THEN 1 END),
                    ('internal_calls', CASE WHEN leg.role = 'caller' AND call.direction = 'internal' THEN 1 END),
                    ('talk_s', CASE WHEN call.direction != 'internal' AND leg.answered_at IS NOT NULL THEN leg.talk_s END),
                    ('talk_calls', CASE WHEN call.direction != 'internal' AND leg.answered_at IS NOT NULL
                                         AND leg.talk_s IS NOT NULL THEN 1 END),
                    ('answer_s', CASE WHEN leg.role = 'called' AND call.direction = 'inbound'
                                       AND leg.answered_at >= leg.offered_at THEN
                                      extract(epoch FROM leg.answered_at - leg.offered_at) END),
                    ('ring_s', CASE WHEN rang.seconds >= 0 THEN rang.seconds END),
                    ('ring_calls', CASE WHEN rang.seconds >= 0 THEN 1 END),
                    ('dial_s', CASE WHEN leg.role = 'caller' AND call.direction = 'outbound' THEN call.ring_s END),
                    ('dial_calls', CASE WHEN leg.role = 'caller' AND call.direction = 'outbound'
                                            AND call.ring_s IS NOT NULL THEN 1 END),
                    ('machine_calls', CASE WHEN leg.role = 'caller' AND call.direction = 'outbound'
                                            AND call.disposition IN ('machine', 'voicemail') THEN 1 END)
                ) AS fact (measure, value)
                WHERE leg.company_id = %(company)s AND leg.started_at >= %(start)s AND leg.started_at < %(end)s
                  AND call.disposition != 'in_progress' AND fact.value IS NOT NULL""",
            conversation=self._threshold(company, "crm_productivity_conversation_s", SQL("leg.started_at")),
            near=self._near(company, start, end),
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _facts_of_incoming_calls(self, company, start, end):
        """What callers went through, answered or not: a team's, for nobody misses a call or makes them wait alone."""
        return SQL(
            """SELECT NULL::integer, team.id, call.started_at, fact.measure, fact.value
                 FROM crm_voip_call call %(team)s
                CROSS JOIN LATERAL (SELECT %(gave_up)s AS holds) gave_up
                CROSS JOIN LATERAL (VALUES
                    ('incoming', 1),
                    ('lost', CASE WHEN call.disposition IN ('missed', 'abandoned', 'voicemail', 'busy', 'failed') THEN 1 END),
                    ('abandoned', CASE WHEN gave_up.holds THEN 1 END),
                    ('short_abandoned', CASE WHEN gave_up.holds
                         AND call.ended_at - call.started_at < %(short)s * interval '1 second' THEN 1 END),
                    ('menu_s', call.ivr_s),
                    ('menu_calls', CASE WHEN call.ivr_s > 0 THEN 1 END),
                    ('queue_s', call.queue_s),
                    ('queued_calls', CASE WHEN call.queue_s > 0 THEN 1 END),
                    ('voicemails', CASE WHEN call.disposition = 'voicemail' THEN 1 END),
                    ('rang_people', CASE WHEN call.disposition != 'machine' THEN 1 END),
                    ('answered_in_time', CASE WHEN call.disposition = 'answered'
                                             AND call.queue_s + call.ring_s <= %(service)s THEN 1 END),
                    ('level_calls', CASE WHEN call.disposition = 'answered' AND call.queue_s + call.ring_s IS NOT NULL
                                             OR gave_up.holds AND call.queue_s + call.ring_s > %(service)s THEN 1 END)
                ) AS fact (measure, value)
                WHERE call.company_id = %(company)s AND call.started_at >= %(start)s AND call.started_at < %(end)s
                  AND call.direction = 'inbound' AND call.disposition != 'in_progress' AND fact.value IS NOT NULL""",
            team=self._team_of_call(),
            gave_up=self._gave_up(),
            service=self._threshold(company, "crm_productivity_level_s", SQL("call.started_at")),
            short=self._threshold(company, "crm_productivity_short_s", SQL("call.started_at")),
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _facts_of_wrapups(self, company, start, end):
        return SQL(
            """SELECT wrapup.user_id, NULL::integer, wrapup.started_at, fact.measure, fact.value
                 FROM crm_voip_wrapup wrapup
                CROSS JOIN LATERAL (VALUES
                    ('after_call_s', wrapup.after_call_s),
                    ('after_calls', CASE WHEN wrapup.after_call_s IS NOT NULL THEN 1 END),
                    ('look_ups', CASE WHEN wrapup.opened_at >= wrapup.rang_at THEN 1 END),
                    ('documented', CASE WHEN wrapup.done_at >= wrapup.noted_at THEN 1 END),
                    ('look_up_s', CASE WHEN wrapup.opened_at >= wrapup.rang_at
                                       THEN extract(epoch FROM wrapup.opened_at - wrapup.rang_at) END),
                    ('documenting_s', CASE WHEN wrapup.done_at >= wrapup.noted_at
                                           THEN extract(epoch FROM wrapup.done_at - wrapup.noted_at) END)
                ) AS fact (measure, value)
                WHERE wrapup.company_id = %(company)s AND wrapup.started_at >= %(start)s AND wrapup.started_at < %(end)s
                  AND fact.value IS NOT NULL""",
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _facts_of_typed_calls(self, company, start, end):
        return SQL(
            """SELECT typed.user_id, NULL::integer, typed.started_at, 'typed_calls', 1
                 FROM crm_voip_typed_call typed
                WHERE typed.company_id = %(company)s AND typed.started_at >= %(start)s AND typed.started_at < %(end)s""",
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _facts_of_callbacks(self, company, start, end):
        """Of those who did not reach us on a day, how many were reached, and after how long. A team's figure."""
        return SQL(
            """SELECT NULL::integer, team.id, callback.first_missed_at, fact.measure, fact.value
                 FROM crm_voip_callback callback
                CROSS JOIN LATERAL (SELECT min(rel.team_id) AS id FROM crm_voip_callback_team_rel rel
                                     WHERE rel.callback_id = callback.id) team
                CROSS JOIN LATERAL (VALUES
                    ('to_call_back', 1),
                    ('called_back', CASE WHEN callback.state = 'done' AND callback.done_how = 'call' THEN 1 END),
                    ('called_back_typed', CASE WHEN callback.state = 'done' AND callback.done_how = 'hand' THEN 1 END),
                    ('attempts', callback.attempts),
                    ('call_back_s', callback.working_minutes * 60)
                ) AS fact (measure, value)
                WHERE callback.company_id = %(company)s AND callback.first_missed_at >= %(start)s
                  AND callback.first_missed_at < %(end)s AND fact.value IS NOT NULL""",
            company=company.id,
            start=start,
            end=end,
        )

    # --- the pipeline ---

    @api.model
    def _facts_of_opportunities(self, company, start, end):
        """What came in, was won and was lost, with its amount in the company's currency; how long the won ones took, each
        by itself.
        """
        return SQL(
            """SELECT lead.user_id, lead.team_id, fact.at, fact.measure, fact.value
                 FROM crm_lead lead
                CROSS JOIN LATERAL (VALUES
                    ('opportunities', lead.create_date, 1),
                    ('won', CASE WHEN lead.won_status = 'won' THEN lead.date_closed END, 1),
                    ('won_amount', CASE WHEN lead.won_status = 'won' THEN lead.date_closed END, lead.expected_revenue),
                    ('opportunities_lost', CASE WHEN lead.won_status = 'lost' THEN lead.date_closed END, 1),
                    ('opened_amount', lead.create_date, lead.expected_revenue),
                    ('lost_amount', CASE WHEN lead.won_status = 'lost' THEN lead.date_closed END, lead.expected_revenue),
                    ('closing_s', CASE WHEN lead.won_status = 'won' AND lead.date_closed >= lead.create_date
                                       THEN lead.date_closed END,
                                  extract(epoch FROM lead.date_closed - lead.create_date))
                ) AS fact (measure, at, value)
                WHERE lead.type = 'opportunity' AND fact.at >= %(start)s AND fact.at < %(end)s AND fact.value IS NOT NULL
                  AND COALESCE(lead.company_id, (SELECT company_id FROM res_users WHERE id = lead.user_id)) = %(company)s
                  AND (lead.create_date >= %(start)s AND lead.create_date < %(end)s
                       OR lead.date_closed >= %(start)s AND lead.date_closed < %(end)s)""",
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _facts_of_meetings(self, company, start, end):
        """A meeting counts once it was held; see :class:`CrmProductivityClock`."""
        return SQL(
            """SELECT event.user_id, NULL::integer, event.start, 'meetings', 1
                 FROM calendar_event event
                 JOIN res_users person ON person.id = event.user_id
                WHERE person.company_id = %(company)s AND event.active AND event.start >= %(start)s
                  AND event.start < %(end)s AND event.stop <= %(now)s""",
            now=fields.Datetime.now(),
            company=company.id,
            start=start,
            end=end,
        )
