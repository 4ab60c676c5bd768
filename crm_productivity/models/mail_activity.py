from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from .crm_productivity_day_activities import WORK


class MailActivity(models.Model):
    _name = "mail.activity"
    _inherit = ["mail.activity", "crm.productivity.followed"]

    _productivity_fields = ("user_id", "date_deadline", "active", "res_model", "res_model_id")

    # Odoo keeps the day, by the clock of Greenwich, and not who it was
    crm_productivity_done_at = fields.Datetime(readonly=True, copy=False)
    crm_productivity_done_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="set null")

    _productivity_done_idx = models.Index("(crm_productivity_done_at) WHERE crm_productivity_done_at IS NOT NULL")

    def write(self, vals):
        if vals.get("active"):
            return super().write({**vals, **dict.fromkeys(self._productivity_prepare_done_vals(), False)})
        if vals.get("active") is None:
            return super().write(vals)
        # what is done already stays done when it was; core asks the same, so nothing is read for it
        open_ones = self.filtered("active")
        result = super(MailActivity, self - open_ones).write(vals)
        return super(MailActivity, open_ones).write({**vals, **self._productivity_prepare_done_vals()}) and result

    @api.model
    def _productivity_prepare_done_vals(self):
        """:return: who marks activities as done now, and when"""
        return {
            "crm_productivity_done_at": fields.Datetime.now(),
            # what a machine marks as done, its person did
            "crm_productivity_done_by_id": self.env.uid != SUPERUSER_ID and self.env.uid,
        }

    @api.model
    def _productivity_places(self, ids):
        return SQL(
            """SELECT activity.id, person.company_id, fact.at
                 FROM mail_activity activity
                 JOIN res_users person ON person.id IN (activity.user_id, activity.crm_productivity_done_by_id)
                 JOIN res_company company ON company.id = person.company_id
                 JOIN res_partner place ON place.id = company.partner_id
                CROSS JOIN LATERAL (
                    SELECT activity.crm_productivity_done_at
                     UNION ALL
                    SELECT (day + time '12:00') AT TIME ZONE COALESCE(place.tz, 'UTC') AT TIME ZONE 'UTC'
                      FROM (SELECT activity.date_deadline UNION ALL
                            SELECT wrapup.promised_at FROM crm_voip_wrapup wrapup
                             WHERE wrapup.promised_at IS NOT NULL AND wrapup.followed->>'activity' = activity.id::text
                           ) AS days (day)
                ) AS fact (at)
                WHERE activity.id = ANY(%s) AND activity.res_model = ANY(%s)""",
            ids,
            list(WORK),
        )
