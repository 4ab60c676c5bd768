from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL


class Records(NamedTuple):
    """One kind of record that attention is made of, in SQL; its table is ``record``."""

    table: SQL
    #: the contact it is of
    contact: SQL
    #: when it was, naive UTC
    at: SQL
    #: the team, and the person whose team it is if there is none
    team: SQL
    user: SQL
    where: SQL
    #: name of a field of ``crm.productivity.customer`` → expression
    measures: dict
    joins: SQL = SQL()
    #: records of the contact ``spot.contact_id``, where an index on ``contact`` does not lead there
    of_contact: SQL | None = None


class CrmProductivityCustomerFacts(models.AbstractModel):
    """What the attention to customers is made of: one method for each kind of record.

    To add a measure, add a field to ``crm.productivity.customer`` and a method here, and name it in :meth:`_sources`.
    """

    _name = "crm.productivity.customer.facts"
    _description = "What attention to customers is made of"

    @api.model
    def _sources(self):
        """:return: names of the methods that describe records"""
        return ["_calls", "_callbacks", "_messages"]

    @api.model
    def _select(self, company, reach, names):
        """:return: SELECT of ``(customer, day, team_id, measures…)`` from the common table ``spot``

        :param reach: ``contacts``: records of the spots' contacts; ``nobody``: those of no contact; ``all``
        """
        return SQL(" UNION ALL ").join(
            self._select_one(company, getattr(self, name)(company), reach, names) for name in self._sources()
        )

    def _select_one(self, company, records, reach, names):
        between = SQL("%(at)s >= spot.start AND %(at)s < spot.stop", at=records.at)
        if reach == "contacts" and records.of_contact:
            found = SQL("CROSS JOIN LATERAL (%s) AS record", records.of_contact)
        elif reach == "contacts":
            found = SQL("JOIN %s AS record ON %s = spot.contact_id AND %s", records.table, records.contact, between)
        else:
            found = SQL("JOIN %s AS record ON %s", records.table, between)
        contact = SQL("spot.contact_id") if reach == "contacts" else records.contact
        return SQL(
            """SELECT contact.commercial_partner_id AS customer, moment.day, COALESCE(%(team)s, CASE
                      WHEN ever.user_id IS NULL THEN %(own)s
                      WHEN ever.begins <= moment.day AND (ever.ends IS NULL OR ever.ends > moment.day) THEN ever.team_id
                      END) AS team_id, %(measures)s
                 FROM spot %(found)s
                CROSS JOIN LATERAL (SELECT (%(at)s AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS day) moment
                 -- most are in one team ever, and need not be looked for record by record
                 LEFT JOIN (SELECT user_id, min(team_id) AS team_id, min(begins) AS begins, min(ends) AS ends
                              FROM crm_productivity_member GROUP BY user_id HAVING count(*) = 1) ever
                      ON ever.user_id = %(user)s
                 LEFT JOIN res_partner contact ON contact.id = %(contact)s
                %(joins)s
                WHERE %(between)s AND %(where)s %(nobody)s""",
            team=records.team,
            user=records.user,
            own=self.env["crm.productivity.member"]._team_sql(records.user, SQL("moment.day")),
            measures=SQL(", ").join(
                SQL("(%s)::float AS %s", records.measures.get(name, SQL("NULL")), SQL.identifier(name))
                for name in names
            ),
            found=found,
            at=records.at,
            zone=str(self.env["crm.productivity.stale"]._zone(company)),
            contact=contact,
            joins=records.joins,
            between=between,
            where=records.where,
            nobody=SQL("AND %s IS NULL", contact) if reach == "nobody" else SQL(),
        )

    @api.model
    def _calls(self, company):
        """Calls with somebody outside. Handling is what the call cost us: talk, hold, dialling, work afterwards."""
        taken = SQL("record.direction = 'inbound' AND record.disposition = 'answered'")
        return Records(
            table=SQL("crm_voip_call"),
            contact=SQL("record.partner_id"),
            at=SQL("record.started_at"),
            # the team of whoever talked; of a call that nobody took, the team it was for
            team=SQL(
                """CASE WHEN record.user_id IS NULL THEN
                   (SELECT min(rel.team_id) FROM crm_voip_call_team_rel rel WHERE rel.call_id = record.id) END"""
            ),
            user=SQL("record.user_id"),
            joins=SQL(
                """LEFT JOIN LATERAL (SELECT sum(after.after_call_s) AS after_call_s FROM crm_voip_wrapup after
                                       WHERE after.call_id = record.id AND record.disposition = 'answered') wrapup ON TRUE"""
            ),
            where=SQL(
                "record.company_id = %s AND record.direction != 'internal' AND record.disposition != 'in_progress'",
                company.id,
            ),
            measures={
                "calls": SQL("1"),
                "incoming": SQL("CASE WHEN record.direction = 'inbound' THEN 1 END"),
                "taken": SQL("CASE WHEN %s THEN 1 END", taken),
                "missed": SQL(
                    """CASE WHEN record.direction = 'inbound'
                        AND record.disposition IN ('missed', 'abandoned', 'voicemail', 'busy', 'failed') THEN 1 END"""
                ),
                "outgoing": SQL("CASE WHEN record.direction = 'outbound' THEN 1 END"),
                "reached": SQL(
                    "CASE WHEN record.direction = 'outbound' AND record.disposition = 'answered' THEN 1 END"
                ),
                "talk_s": SQL("CASE WHEN record.disposition = 'answered' THEN record.talk_s END"),
                "talk_calls": SQL("CASE WHEN record.disposition = 'answered' AND record.talk_s IS NOT NULL THEN 1 END"),
                "handle_s": self._handle_s(),
                "handled": SQL("CASE WHEN %s IS NOT NULL THEN 1 END", self._handle_s()),
                "pick_up_s": SQL("CASE WHEN %s THEN record.ring_s + COALESCE(record.queue_s, 0) END", taken),
                "picked_up": SQL("CASE WHEN %s AND record.ring_s IS NOT NULL THEN 1 END", taken),
            },
        )

    @api.model
    def _handle_s(self):
        """:return: SQL of what a call ``record`` with its ``wrapup`` cost, empty where the talk is not measured"""
        return SQL(
            """CASE WHEN record.disposition = 'answered' THEN record.talk_s + COALESCE(record.hold_s, 0)
               + COALESCE(wrapup.after_call_s, 0)
               + CASE WHEN record.direction = 'outbound' THEN COALESCE(record.ring_s, 0) ELSE 0 END END"""
        )

    @api.model
    def _callbacks(self, company):
        """Those who did not reach us, in the month in which they did not."""
        return Records(
            table=SQL("crm_voip_callback"),
            contact=SQL("record.partner_id"),
            at=SQL("record.first_missed_at"),
            team=SQL("(SELECT min(rel.team_id) FROM crm_voip_callback_team_rel rel WHERE rel.callback_id = record.id)"),
            user=SQL("NULL::integer"),
            where=SQL("record.company_id = %s", company.id),
            measures={
                "to_call_back": SQL("1"),
                "called_back": SQL("CASE WHEN record.state = 'done' AND record.done_how = 'call' THEN 1 END"),
                "call_back_s": SQL("record.working_minutes * 60"),
            },
        )

    @api.model
    def _messages(self, company):
        """What customers wrote on their contact or on an opportunity."""
        return Records(
            table=SQL(
                """(SELECT turn.*, CASE WHEN turn.res_model = 'res.partner' THEN turn.res_id ELSE lead.partner_id END AS partner_id
                      FROM crm_productivity_turn turn
                      LEFT JOIN crm_lead lead ON turn.res_model = 'crm.lead' AND lead.id = turn.res_id)"""
            ),
            of_contact=SQL(
                """SELECT turn.* FROM crm_productivity_turn turn
                    WHERE turn.res_model = 'res.partner' AND turn.res_id = spot.contact_id
                      AND turn.since >= spot.start AND turn.since < spot.stop
                    UNION ALL
                   SELECT turn.* FROM crm_lead lead
                     JOIN crm_productivity_turn turn ON turn.res_model = 'crm.lead' AND turn.res_id = lead.id
                      AND turn.since >= spot.start AND turn.since < spot.stop
                    WHERE lead.partner_id = spot.contact_id"""
            ),
            contact=SQL("record.partner_id"),
            at=SQL("record.since"),
            team=SQL("record.team_id"),
            user=SQL("record.user_id"),
            where=SQL("record.company_id = %s AND record.known", company.id),
            measures={
                "messages": SQL("1"),
                "answered": SQL("CASE WHEN record.answered_at IS NOT NULL THEN 1 END"),
                "response_worked_s": SQL("record.worked_s"),
            },
        )
