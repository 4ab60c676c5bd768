from collections import defaultdict
from datetime import datetime, timedelta

import pytz

from odoo import api, fields, models
from odoo.tools import SQL

#: most days that one run of the scheduled action reckons in one transaction
CHUNK_DAYS = 31
#: after which the scheduled action is due again
SOON = timedelta(seconds=50)


class CrmProductivityStale(models.Model):
    """Days whose facts are to be reckoned anew."""

    _name = "crm.productivity.stale"
    _inherit = ["crm.productivity.queue"]
    _description = "Day to be reckoned"
    _order = "id"
    _log_access = False
    _rec_name = "day"
    _queued = ("company_id", "day", "part")

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    day = fields.Date(required=True)
    part = fields.Char(help="What of the day; empty: all of it.")

    @api.model
    def _insert(self, rows):
        """:param rows: ``(company id, day)``, or with what of the day as third"""
        return super()._insert({(*row, None)[:3] for row in rows})

    @api.model
    def _rows(self, marks):
        """:param marks: ``{(company id, naive UTC datetime or day), …}``"""
        return {(company_id, self._day_of(company_id, at)) for company_id, at in marks}

    def _day_of(self, company_id, at):
        """:return: the day of a company on which a naive UTC moment is; a day is itself"""
        if not isinstance(at, datetime):
            return at
        return pytz.utc.localize(at).astimezone(self._zone(self.env["res.company"].browse(company_id))).date()

    @api.model
    def _zone(self, company):
        """:return: the time zone in which a company's days are"""
        return company._crm_voip_zone()

    @api.model
    def _bounds(self, company, first, last):
        """:return: naive UTC moments between which the days from ``first`` to ``last`` lie, the second not included"""
        return company._crm_voip_bounds(first, last)

    @api.model
    def _today(self, company):
        return pytz.utc.localize(fields.Datetime.now()).astimezone(self._zone(company)).date()

    @api.model
    def _mark_everything(self):
        """Have all there is worked out anew: conversations, the days of records, and all days."""
        self.env["crm.productivity.turn"]._mark_all()
        self.env["crm.productivity.known"]._begin()
        for company in self.env["res.company"].search([("id", "!=", False)]):
            self._mark_days(company)

    @api.model
    def _mark_days(self, company, first=None, last=None):
        """Have the days of a company reckoned anew.

        :param first: a date; default: of the first fact there is
        :param last: a date, included; default: today
        :return: how many days these are
        """
        first = first or self.env["crm.productivity.facts"]._first_days().get(company.id)
        last = last or self._today(company)
        if not first or first > last:
            return 0
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_productivity_stale (company_id, day)
                   SELECT %s, day::date FROM generate_series(%s::date, %s::date, '1 day') AS day""",
                company.id,
                first,
                last,
            )
        )
        self.env.ref("crm_productivity.ir_cron_reckon")._trigger()
        return (last - first).days + 1

    @api.model
    def _waiting(self, company=None, first=None, last=None):
        """:return: how many days are still to be reckoned"""
        [(count,)] = self.env.execute_query(
            SQL(
                """SELECT count(DISTINCT (company_id, day)) FROM crm_productivity_stale
                    WHERE (%(company)s IS NULL OR company_id = %(company)s)
                      AND (%(first)s::date IS NULL OR day BETWEEN %(first)s AND %(last)s)""",
                company=company and company.id,
                first=first,
                last=last,
            )
        )
        return count

    @api.model
    def _cron_reckon(self):
        """Reckon what is stale, the latest days first, so that today is never behind the past."""
        Cron = self.env["ir.cron"]
        while self.env["crm.productivity.touched"]._reckon_some():
            Cron._commit_progress()
        remaining = self._waiting()
        Cron._commit_progress(remaining=remaining)
        while remaining:
            done = self._reckon_some()
            if not done:  # somebody else is at it
                break
            if not Cron._commit_progress(done, remaining=max(remaining - done, 0)):
                break
            remaining = self._waiting()
        # Odoo looks once a minute for what is due; due a moment later, this would wait for another one
        self.env.ref("crm_productivity.ir_cron_reckon")._trigger(at=fields.Datetime.now() + SOON)

    @api.model
    def _kept(self):
        """:return: names of the models that keep figures by day, in the order in which they are reckoned

        Each has ``_reckon(company, days)``, which replaces what it has of these days, and is false where somebody else is
        at it.
        """
        return ["crm.productivity.day"]

    @api.model
    def _catch_up(self):
        """Bring all figures up to what is known now, within this transaction."""
        Touched = self.env["crm.productivity.touched"]
        self.env.flush_all()
        Touched._write_marks()
        while Touched._reckon_some():
            pass
        self._write_marks()
        while self._reckon_some():
            pass

    @api.model
    def _reckon_some(self):
        """:return: the number of days that were reckoned, those of one company within a month"""
        rows = self.env.execute_query(
            SQL(
                """WITH latest AS (SELECT company_id, day FROM crm_productivity_stale ORDER BY day DESC, company_id LIMIT 1)
                   SELECT stale.id, stale.company_id, stale.day, stale.part FROM crm_productivity_stale stale, latest
                    WHERE stale.company_id = latest.company_id AND stale.day > latest.day - %s""",
                CHUNK_DAYS,
            )
        )
        if not rows:
            return 0
        company = self.env["res.company"].browse(rows[0][1])
        self._plan_simply()
        days = sorted({day for _id, _company, day, part in rows if not part})
        for name in self._kept() if days else ():
            if not self.env[name]._reckon(company, days):
                return 0
        parts = defaultdict(set)
        for _id, _company, day, part in rows:
            if part and day not in days:
                parts[part].add(day)
        for part, some in parts.items():
            if not self.env["crm.productivity.day"]._reckon_part(company, sorted(some), part):
                return 0
        self.env.cr.execute(SQL("DELETE FROM crm_productivity_stale WHERE id = ANY(%s)", [row[0] for row in rows]))
        return len({day for _id, _company, day, _part in rows})
