from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: so often it is looked at all; the scheduled action comes each minute
EVERY = timedelta(seconds=50)


class CrmProductivityClock(models.Model):
    """Until when it was followed up what time alone changes.

    At midnight what was to be done yesterday and was not is late, and the days are over within which a customer might
    have come back; a meeting that ends was held. Nothing is saved at such moments that would make a day stale.
    """

    _name = "crm.productivity.clock"
    _description = "What time changes"
    _log_access = False
    _rec_name = "at"

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    at = fields.Datetime(required=True)

    _company_unique = models.UniqueIndex("(company_id)")

    @api.model
    def _follow(self):
        """Make the days stale that only time has changed since it was last looked."""
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_productivity_clock (company_id, at) SELECT id, %s FROM res_company company
                    WHERE NOT EXISTS (SELECT FROM crm_productivity_clock clock WHERE clock.company_id = company.id)
                       ON CONFLICT DO NOTHING""",
                fields.Datetime.now(),
            )
        )
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                "SELECT id, company_id, at FROM crm_productivity_clock WHERE at <= %s FOR UPDATE SKIP LOCKED",
                now - EVERY,
            )
        )
        if not rows:
            return
        Stale = self.env["crm.productivity.stale"]
        ended = self._ended(min(at for _id, _company, at in rows), now)
        followed, days = [], set()
        for clock_id, company_id, at in rows:
            company = self.env["res.company"].browse(company_id)
            found = {Stale._day_of(company_id, start) for start, stop in ended.get(company_id, ()) if stop > at}
            last, today = Stale._day_of(company_id, at), Stale._day_of(company_id, now)
            if last < today:
                found |= self._turned(company, last, today)
            if found:
                followed.append(clock_id)
                days |= {(company_id, day) for day in found}
        if followed:
            Stale._insert(days)
            self.env.cr.execute(SQL("UPDATE crm_productivity_clock SET at = %s WHERE id = ANY(%s)", now, followed))
        self.invalidate_model()

    @api.model
    def _turned(self, company, last, today):
        """:return: the days of which something is over since ``last``"""
        spans = {days for _since, days in self.env["crm.productivity.threshold"]._history(
            company, "crm_productivity_repeat_days")}  # fmt: skip
        count = (today - last).days
        return {last + timedelta(days=one - back) for one in range(count + 1) for back in (1, *(s + 1 for s in spans))}

    @api.model
    def _ended(self, start, end):
        """:return: ``{company id: [(start, stop), …]}`` of the meetings that ended within a time"""
        self.env["calendar.event"].flush_model()
        ended = {}
        for company_id, begins, stop in self.env.execute_query(
            SQL(
                """SELECT person.company_id, event.start, event.stop FROM calendar_event event
                     JOIN res_users person ON person.id = event.user_id
                    WHERE event.active AND event.stop > %s AND event.stop <= %s""",
                start,
                end,
            )
        ):
            ended.setdefault(company_id, []).append((begins, stop))
        return ended


class CrmProductivityStale(models.Model):
    _inherit = "crm.productivity.stale"

    @api.model
    def _cron_reckon(self):
        self.env["crm.productivity.clock"]._follow()
        return super()._cron_reckon()

    @api.model
    def _catch_up(self):
        self.env["crm.productivity.clock"]._follow()
        return super()._catch_up()
