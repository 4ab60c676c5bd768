from odoo import api, fields, models
from odoo.tools import SQL


class CrmProductivityDay(models.Model):
    _inherit = "crm.productivity.day"

    messages_sent = fields.Integer("Messages written", help="To customers, on their contacts and opportunities.")
    settled = fields.Integer("No answer needed", help="Messages received of which somebody said so.")


class CrmProductivityFacts(models.AbstractModel):
    _inherit = "crm.productivity.facts"

    @api.model
    def _sources(self):
        return [*super()._sources(), "_facts_of_messages", "_facts_of_sent_messages"]

    @api.model
    def _facts_of_messages(self, company, start, end):
        """Of what customers wrote on a day, how much was answered, and after how long: of covered channels only, and of
        each way to write by itself (:data:`~.crm_productivity_day_channels.WAYS`).
        """
        covered = self.env["crm.productivity.channel"]._covers_sql(
            SQL("turn.channel_id"), SQL("turn.company_id"), SQL("turn.since")
        )
        return SQL(
            """SELECT turn.user_id, turn.team_id, turn.since, fact.measure, fact.value
                 FROM crm_productivity_turn turn
                 LEFT JOIN crm_productivity_channel channel ON channel.id = turn.channel_id
                CROSS JOIN LATERAL (SELECT CASE WHEN channel.kind IN ('mail', 'sms', 'chat') THEN channel.kind
                                                WHEN channel.id IS NOT NULL THEN 'other' END AS name) AS way
                CROSS JOIN LATERAL (VALUES
                    ('questions', 1),
                    ('answered', CASE WHEN turn.answered_at IS NOT NULL THEN 1 END),
                    ('settled', CASE WHEN turn.settled_at IS NOT NULL THEN 1 END),
                    ('response_s', turn.waited_s),
                    ('response_worked_s', turn.worked_s),
                    ('own_response_s', turn.own_worked_s),
                    ('first_response_s', CASE WHEN turn.first THEN turn.worked_s END),
                    (way.name || '_questions', 1),
                    (way.name || '_answered', CASE WHEN turn.answered_at IS NOT NULL THEN 1 END),
                    (way.name || '_response_s', turn.worked_s)
                ) AS fact (measure, value)
                WHERE turn.company_id = %(company)s AND turn.since >= %(start)s AND turn.since < %(end)s
                  AND turn.known AND (turn.channel_id IS NULL OR %(covered)s)
                  AND fact.measure IS NOT NULL AND fact.value IS NOT NULL""",
            company=company.id,
            start=start,
            end=end,
            covered=covered,
        )

    @api.model
    def _facts_of_sent_messages(self, company, start, end):
        """What people wrote to customers; each message once, to however many."""
        return SQL(
            """SELECT staff.id, NULL::integer, message.date, 'messages_sent', 1
                 FROM mail_message message
                 JOIN res_users staff ON staff.partner_id = message.author_id AND NOT staff.share AND staff.active
                WHERE message.date >= %(start)s AND message.date < %(end)s AND message.model IN ('crm.lead', 'res.partner')
                  AND message.message_type IN ('comment', 'email', 'email_outgoing', 'sms')
                  AND staff.company_id = %(company)s AND %(outside)s
                UNION ALL
               SELECT user_id, NULL, at, 'messages_sent', 1 FROM crm_productivity_message
                WHERE company_id = %(company)s AND at >= %(start)s AND at < %(end)s AND NOT incoming AND NOT automatic
                  AND user_id IS NOT NULL""",
            start=start,
            end=end,
            company=company.id,
            outside=self.env["crm.productivity.turn"]._outside_sql(),
        )
