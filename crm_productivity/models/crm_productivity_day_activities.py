from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import SQL

#: models whose activities are sales work
WORK = ("crm.lead", "res.partner", "crm.voip.call", "crm.voip.typed.call")


class CrmProductivityDay(models.Model):
    """Measures of what was to be done, and of the pipeline."""

    _inherit = "crm.productivity.day"

    activities_done = fields.Integer("Activities done", help="Marked as done by this person: typed.")
    activities_due = fields.Integer("Activities due", help="By their deadline, done or not, once the day is over.")
    activities_kept = fields.Integer("Activities done in time", help="Of those due: done on that day or before.")
    activities_late = fields.Integer("Activities overdue", help="Of those due: not done when the day was over.")
    promises = fields.Integer(
        "Promised dates", help="What was promised on the telephone for this day, once it is over."
    )
    promises_kept = fields.Integer("Promised dates kept", help="What was promised was done on that day or before.")
    promises_late = fields.Integer(
        "Promised dates missed", help="What was promised was not done when the day was over."
    )
    opportunities_moved = fields.Integer("Opportunities moved", help="From one stage to another, by this person.")
    opened_amount = fields.Monetary("Amount of new opportunities", currency_field="currency_id")
    lost_amount = fields.Monetary("Amount lost", currency_field="currency_id")
    closing_s = Measured("From creation to won (s)", aggregator="sum")

    @api.model
    def _spread(self):
        return (*super()._spread(), "closing_s")


class CrmProductivityFacts(models.AbstractModel):
    _inherit = "crm.productivity.facts"

    @api.model
    def _sources(self):
        return [
            *super()._sources(),
            "_facts_of_done_activities",
            "_facts_of_due_activities",
            "_facts_of_promises",
            "_facts_of_moves",
        ]

    @api.model
    def _noon(self, company, day):
        """:return: SQL of the moment in the middle of a day of the company, naive UTC"""
        zone = str(self.env["crm.productivity.stale"]._zone(company))
        return SQL("((%s + time '12:00') AT TIME ZONE %s AT TIME ZONE 'UTC')", day, zone)

    @api.model
    def _done_on(self, company):
        """:return: SQL of the day of the company on which an activity was done"""
        zone = str(self.env["crm.productivity.stale"]._zone(company))
        return SQL("(activity.crm_productivity_done_at AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", zone)

    @api.model
    def _facts_of_done_activities(self, company, start, end):
        return SQL(
            """SELECT person.id, NULL::integer, activity.crm_productivity_done_at, 'activities_done', 1
                 FROM mail_activity activity
                 JOIN res_users person ON person.id = COALESCE(activity.crm_productivity_done_by_id, activity.user_id)
                WHERE person.company_id = %(company)s AND activity.crm_productivity_done_at >= %(start)s
                  AND activity.crm_productivity_done_at < %(end)s AND activity.res_model = ANY(%(work)s)""",
            company=company.id,
            start=start,
            end=end,
            work=list(WORK),
        )

    @api.model
    def _facts_of_due_activities(self, company, start, end):
        """What was done before Odoo kept when is in neither; what is due today may still be done today."""
        return SQL(
            """SELECT activity.user_id, NULL::integer, %(at)s, fact.measure, 1
                 FROM mail_activity activity
                 JOIN res_users person ON person.id = activity.user_id
                CROSS JOIN LATERAL (SELECT COALESCE(%(done_on)s <= activity.date_deadline, FALSE) AS holds) kept
                CROSS JOIN LATERAL (VALUES
                    ('activities_due', TRUE), ('activities_kept', kept.holds), ('activities_late', NOT kept.holds)
                ) AS fact (measure, holds)
                WHERE person.company_id = %(company)s AND activity.date_deadline >= %(start)s::date - 1
                  AND activity.date_deadline <= %(end)s::date + 1 AND %(at)s >= %(start)s AND %(at)s < %(end)s
                  AND activity.date_deadline < %(today)s
                  AND (activity.active OR activity.crm_productivity_done_at IS NOT NULL)
                  AND activity.res_model = ANY(%(work)s) AND fact.holds""",
            at=self._noon(company, SQL("activity.date_deadline")),
            done_on=self._done_on(company),
            today=self._today(company),
            company=company.id,
            start=start,
            end=end,
            work=list(WORK),
        )

    @api.model
    def _facts_of_promises(self, company, start, end):
        """A date promised after a call; kept, if the activity that it left was done by then.

        The date is the one that the customer heard: moving the activity does not move it.
        """
        return SQL(
            """SELECT wrapup.user_id, NULL::integer, %(at)s, fact.measure, 1
                 FROM crm_voip_wrapup wrapup
                 LEFT JOIN mail_activity activity ON activity.id = (wrapup.followed->>'activity')::integer
                CROSS JOIN LATERAL (SELECT COALESCE(%(done_on)s <= wrapup.promised_at, FALSE) AS holds) kept
                CROSS JOIN LATERAL (VALUES
                    ('promises', TRUE), ('promises_kept', kept.holds), ('promises_late', NOT kept.holds)
                ) AS fact (measure, holds)
                WHERE wrapup.company_id = %(company)s AND wrapup.promised_at >= %(start)s::date - 1
                  AND wrapup.promised_at <= %(end)s::date + 1 AND %(at)s >= %(start)s AND %(at)s < %(end)s
                  AND wrapup.promised_at < %(today)s AND fact.holds""",
            at=self._noon(company, SQL("wrapup.promised_at")),
            done_on=self._done_on(company),
            today=self._today(company),
            company=company.id,
            start=start,
            end=end,
        )

    # --- the pipeline ---

    @api.model
    def _stage_field_id(self):
        return self.env["ir.model.fields"]._get_ids("crm.lead")["stage_id"]

    @api.model
    def _facts_of_moves(self, company, start, end):
        """Who moved opportunities between stages, as the chatter kept it; a machine's moves are nobody's."""
        return SQL(
            """SELECT person.id, CASE WHEN person.id IS NULL THEN lead.team_id END, message.date, 'opportunities_moved', 1
                 FROM mail_message message
                 -- of a day's messages, not of all changes there are
                CROSS JOIN LATERAL (SELECT change.old_value_integer, change.new_value_integer
                                      FROM mail_tracking_value change
                                     WHERE change.mail_message_id = message.id AND change.field_id = %(stage)s OFFSET 0) change
                 JOIN crm_lead lead ON lead.id = message.res_id AND lead.type = 'opportunity'
                 LEFT JOIN LATERAL (SELECT min(id) AS id FROM res_users
                                     WHERE partner_id = message.author_id AND share IS NOT TRUE AND id != 1) person ON TRUE
                WHERE message.model = 'crm.lead' AND message.date >= %(start)s AND message.date < %(end)s
                  AND change.old_value_integer != change.new_value_integer
                  AND COALESCE(lead.company_id, (SELECT company_id FROM res_users WHERE id = lead.user_id)) = %(company)s""",
            stage=self._stage_field_id(),
            company=company.id,
            start=start,
            end=end,
        )
