from datetime import datetime, timedelta, timezone

from odoo import api, models, tools

from ..lib.hours import Hours

#: years that a plan looks ahead
AHEAD = 3
#: minutes of a day, where a company works round the clock
DAY = 24 * 60
#: weeks of a month, on average
WEEKS = 365.2425 / 12 / 7
#: what of a calendar decides when it works
_TIMES = {
    "attendance_ids",
    "global_leave_ids",
    "leave_ids",
    "tz",
    "two_weeks_calendar",
    "flexible_hours",
    "hours_per_day",
}


class ResourceCalendar(models.Model):
    """The working time in which budgets come back, a year of it kept in memory at a time.

    An empty record stands for a company without working hours: it works round the clock.
    """

    _inherit = "resource.calendar"

    @tools.ormcache("self.id", "year")
    def _crm_support_year(self, year):
        """:return: ``lib.hours.Hours`` of a year, by UTC"""
        start, end = (datetime(one, 1, 1, tzinfo=timezone.utc) for one in (year, year + 1))
        # sudo: when a company works is for everybody to know whose budget depends on it
        found = self.sudo()._work_intervals_batch(start, end)[False]
        return Hours(
            [
                tuple(moment.astimezone(timezone.utc).replace(tzinfo=None) for moment in (begin, stop))
                for begin, stop, _records in found
            ]
        )

    def _crm_support_worked(self, start, end):
        """:return: minutes of working time between two moments, naive UTC"""
        if end <= start:
            return 0.0
        if not self:
            return (end - start).total_seconds() / 60
        first = self._crm_support_year(start.year)
        if start.year == end.year:
            return first.worked(start, end)
        between = sum(self._crm_support_year(year).total for year in range(start.year + 1, end.year))
        return first.total - first.until(start) + between + self._crm_support_year(end.year).until(end)

    def _crm_support_plan(self, start, minutes):
        """:return: the moment when so many minutes of working time have passed, None if not within some years"""
        if not self:
            return start + timedelta(minutes=minutes)
        for year in range(start.year, start.year + AHEAD):
            hours = self._crm_support_year(year)
            if found := hours.plan(start, minutes):
                return found
            minutes -= hours.total - hours.until(start)
            start = datetime(year + 1, 1, 1)
        return None

    def _crm_support_period(self, period):
        """:return: minutes of working time in an average ``day``, ``week`` or ``month``"""
        # sudo: see _crm_support_year
        calendar = self.sudo()
        week = calendar.hours_per_week * 60 or 7 * DAY
        if period == "day":
            return calendar.hours_per_day * 60 or DAY
        return week if period == "week" else week * WEEKS

    # --- what changes when it works ---

    def write(self, vals):
        done = super().write(vals)
        if _TIMES & vals.keys():
            self._crm_support_changed()
        return done

    @api.model
    def _crm_support_changed(self):
        """When somebody works was changed, perhaps for the past: what is kept of meters no longer holds."""
        self.env.registry.clear_cache()
        self.env["crm.support.meter"]._stale_all()


class ResourceCalendarAttendance(models.Model):
    _inherit = "resource.calendar.attendance"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        self.env["resource.calendar"]._crm_support_changed()
        return lines

    def write(self, vals):
        done = super().write(vals)
        self.env["resource.calendar"]._crm_support_changed()
        return done

    def unlink(self):
        done = super().unlink()
        self.env["resource.calendar"]._crm_support_changed()
        return done


class ResourceCalendarLeaves(models.Model):
    _inherit = "resource.calendar.leaves"

    @api.model_create_multi
    def create(self, vals_list):
        leaves = super().create(vals_list)
        leaves._crm_support_leave()
        return leaves

    def write(self, vals):
        self._crm_support_leave()
        done = super().write(vals)
        self._crm_support_leave()
        return done

    def unlink(self):
        self._crm_support_leave()
        done = super().unlink()
        self.env.registry.clear_cache()
        return done

    def _crm_support_leave(self):
        # the holidays of a person change nothing: budgets come back in the company's time
        if any(not leave.resource_id for leave in self):
            self.env["resource.calendar"]._crm_support_changed()
