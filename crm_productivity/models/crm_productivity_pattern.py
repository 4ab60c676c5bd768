from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL


class CrmProductivityPattern(models.Model):
    """Something that makes numbers doubtful, and why it may well be innocent.

    What is looked for is a method ``_find_<code>(company, start, end, zone)`` here; an addon adds a record and a
    method. It gives a SELECT of ``(user_id, day, key, cases, number)``: whose it is, on which day by the company's
    clock, what sets it apart from others of that day, ids of the records, and how many there were.
    """

    _name = "crm.productivity.pattern"
    _description = "What is worth a look"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, copy=False, help="The method that looks for it is _find_ with this code.")
    sequence = fields.Integer(default=100)
    active = fields.Boolean("Looked for", default=True)
    meaning = fields.Text("Why it is worth a look", required=True, translate=True)
    innocent = fields.Text("It may well be", required=True, translate=True, help="The innocent explanation.")
    least = fields.Integer("From how many in a day", required=True, default=1)
    limit_s = fields.Integer("Seconds", help="Of what takes time: at most, or at least; the text says which.")
    res_model = fields.Char("The cases are", required=True)
    threshold = fields.Char(compute="_compute_threshold", help="When it is shown.")

    _code_unique = models.Constraint("UNIQUE (code)", "A pattern with this code is there already.")
    _least = models.Constraint("CHECK (least > 0 AND COALESCE(limit_s, 0) >= 0)", "Thresholds are one or more.")

    @api.constrains("code", "res_model")
    def _check_code(self):
        for pattern in self:
            if not pattern.code.isidentifier() or not hasattr(self, f"_find_{pattern.code}"):
                raise ValidationError(
                    self.env._("Nothing says how to look for “%s”: that takes an addon.", pattern.code)
                )
            if pattern.res_model not in self.env:
                raise ValidationError(self.env._("There are no records of “%s”.", pattern.res_model))

    @api.depends("least", "limit_s")
    @api.depends_context("lang")
    def _compute_threshold(self):
        for pattern in self:
            if pattern.limit_s:
                pattern.threshold = self.env._(
                    "From %(least)s in a day, counting from %(seconds)s seconds", least=pattern.least,
                    seconds=pattern.limit_s,
                )  # fmt: skip
            else:
                pattern.threshold = self.env._("From %s in a day", pattern.least)

    @api.model
    def _day(self, moment, zone):
        return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", moment, zone)

    def _find_short_calls(self, company, start, end, zone):
        """Many calls of a few seconds to one number."""
        return SQL(
            """SELECT leg.user_id, %(day)s, call.outside_e164, array_agg(call.id ORDER BY call.id), count(*)
                 FROM crm_voip_call call JOIN crm_voip_leg leg ON leg.call_id = call.id AND leg.role = 'caller'
                WHERE call.company_id = %(company)s AND call.started_at >= %(start)s AND call.started_at < %(end)s
                  AND call.direction = 'outbound' AND call.disposition != 'in_progress' AND call.outside_e164 IS NOT NULL
                  AND leg.user_id IS NOT NULL
                  AND CASE WHEN call.disposition = 'answered' THEN call.talk_s
                           ELSE extract(epoch FROM call.ended_at - call.started_at) END <= %(limit)s
                GROUP BY 1, 2, 3 HAVING count(*) >= %(least)s""",
            day=self._day(SQL("call.started_at"), zone),
            company=company.id,
            start=start,
            end=end,
            limit=self.limit_s,
            least=self.least,
        )

    def _find_own_numbers(self, company, start, end, zone):
        """Calls to numbers of the company itself."""
        return SQL(
            """SELECT leg.user_id, %(day)s, '', array_agg(call.id ORDER BY call.id), count(*)
                 FROM crm_voip_call call JOIN crm_voip_leg leg ON leg.call_id = call.id AND leg.role = 'caller'
                WHERE call.company_id = %(company)s AND call.started_at >= %(start)s AND call.started_at < %(end)s
                  AND call.direction = 'outbound' AND call.disposition != 'in_progress' AND leg.user_id IS NOT NULL
                  AND call.outside_e164 IN (SELECT line.e164 FROM crm_voip_line line
                                              JOIN crm_voip_pbx pbx ON pbx.id = line.pbx_id
                                             WHERE COALESCE(line.company_id, pbx.company_id) = %(company)s)
                GROUP BY 1, 2 HAVING count(*) >= %(least)s""",
            day=self._day(SQL("call.started_at"), zone),
            company=company.id,
            start=start,
            end=end,
            least=self.least,
        )

    def _find_long_after_calls(self, company, start, end, zone):
        """Long work after the call, again and again. It counts up to the cap of the settings."""
        return SQL(
            """SELECT user_id, %(day)s, '', array_agg(call_id ORDER BY call_id), count(*)
                 FROM crm_voip_wrapup
                WHERE company_id = %(company)s AND started_at >= %(start)s AND started_at < %(end)s
                  AND after_call_s >= LEAST(%(limit)s, %(cap)s)
                GROUP BY 1, 2 HAVING count(*) >= %(least)s""",
            day=self._day(SQL("started_at"), zone),
            company=company.id,
            start=start,
            end=end,
            limit=self.limit_s,
            cap=company.crm_voip_wrapup_cap,
            least=self.least,
        )

    def _find_stages_to_and_fro(self, company, start, end, zone):
        """An opportunity that comes to a stage more than once in a day."""
        return SQL(
            """SELECT person.id, %(day)s, message.res_id::text, array_agg(DISTINCT message.res_id), count(*)
                 FROM mail_message message
                 JOIN mail_tracking_value value ON value.mail_message_id = message.id AND value.field_id = %(field)s
                 JOIN res_users person ON person.partner_id = message.author_id
                 JOIN crm_lead lead ON lead.id = message.res_id
                WHERE message.model = 'crm.lead' AND message.date >= %(start)s AND message.date < %(end)s
                  AND person.company_id = %(company)s AND NOT person.share
                GROUP BY 1, 2, 3
               HAVING count(*) >= %(least)s AND count(*) > count(DISTINCT value.new_value_integer)""",
            day=self._day(SQL("message.date"), zone),
            field=self.env["ir.model.fields"]._get_ids("crm.lead")["stage_id"],
            start=start,
            end=end,
            company=company.id,
            least=self.least,
        )

    def _find_no_contact(self, company, start, end, zone):
        """Calls and meetings marked done, without a call, a message or a meeting with that customer around that day."""
        return SQL(
            """SELECT activity.user_id, activity.date_done, '', array_agg(activity.id ORDER BY activity.id), count(*)
                 FROM mail_activity activity
                 JOIN mail_activity_type type ON type.id = activity.activity_type_id
                 JOIN res_users person ON person.id = activity.user_id
                 LEFT JOIN crm_lead lead ON activity.res_model = 'crm.lead' AND lead.id = activity.res_id
                CROSS JOIN LATERAL (
                      SELECT lead.id AS lead_id,
                             CASE WHEN activity.res_model = 'res.partner' THEN activity.res_id ELSE lead.partner_id END
                          AS partner_id, activity.date_done - 1 AS since, activity.date_done + 2 AS until) about
                WHERE NOT activity.active AND type.category IN ('phonecall', 'meeting')
                  AND activity.date_done >= %(start)s::date AND activity.date_done <= %(end)s::date
                  AND activity.res_model IN ('crm.lead', 'res.partner')
                  AND person.company_id = %(company)s AND NOT person.share
                  AND NOT EXISTS (
                      SELECT FROM crm_voip_call call JOIN crm_voip_leg leg ON leg.call_id = call.id
                       WHERE leg.user_id = activity.user_id AND leg.started_at >= about.since
                         AND leg.started_at < about.until
                         AND (call.lead_id = about.lead_id OR call.partner_id = about.partner_id))
                  AND NOT EXISTS (
                      SELECT FROM crm_voip_typed_call typed
                       WHERE typed.user_id = activity.user_id AND typed.started_at >= about.since
                         AND typed.started_at < about.until
                         AND (typed.lead_id = about.lead_id OR typed.partner_id = about.partner_id))
                  AND NOT EXISTS (
                      SELECT FROM mail_message message
                       WHERE message.author_id = person.partner_id AND message.date >= about.since
                         AND message.date < about.until AND NOT COALESCE(message.is_internal, false)
                         AND message.message_type IN ('email', 'email_outgoing', 'comment', 'sms')
                         AND (message.model = 'crm.lead' AND message.res_id = about.lead_id
                              OR message.model = 'res.partner' AND message.res_id = about.partner_id)
                         AND (message.subtype_id IS NULL OR message.subtype_id != %(activity_done)s))
                  AND NOT EXISTS (
                      SELECT FROM calendar_event event
                       WHERE event.active AND event.user_id = activity.user_id AND event.start >= about.since
                         AND event.start < about.until
                         AND (event.opportunity_id = about.lead_id
                              OR EXISTS (SELECT FROM calendar_event_res_partner_rel rel
                                          WHERE rel.calendar_event_id = event.id
                                            AND rel.res_partner_id = about.partner_id)))
                GROUP BY 1, 2 HAVING count(*) >= %(least)s""",
            start=start,
            end=end,
            company=company.id,
            activity_done=self.env.ref("mail.mt_activities").id,
            least=self.least,
        )

    def _find_meetings_afterwards(self, company, start, end, zone):
        """Meetings without guests that were entered when they were over."""
        return SQL(
            """SELECT event.user_id, %(day)s, '', array_agg(event.id ORDER BY event.id), count(*)
                 FROM calendar_event event JOIN res_users person ON person.id = event.user_id
                WHERE event.active AND person.company_id = %(company)s AND event.create_date >= %(start)s
                  AND event.create_date < %(end)s AND event.create_date > event.stop
                  AND (SELECT count(*) FROM calendar_event_res_partner_rel rel
                        WHERE rel.calendar_event_id = event.id AND rel.res_partner_id != person.partner_id) = 0
                GROUP BY 1, 2 HAVING count(*) >= %(least)s""",
            day=self._day(SQL("event.create_date"), zone),
            company=company.id,
            start=start,
            end=end,
            least=self.least,
        )
