from datetime import date, timedelta

from odoo import api, models
from odoo.fields import Domain


class CrmProductivityPeriod(models.AbstractModel):
    """Weeks that are compared with each other, and what every report says about how complete its numbers are."""

    _name = "crm.productivity.period"
    _description = "Periods"

    # --- weeks ---

    @api.model
    def _week(self, company, day=None):
        """:return: ``(monday, sunday)`` of the week of a day, of today in the company's time zone if there is none"""
        day = day or self.env["crm.productivity.stale"]._today(company)
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)

    @api.model
    def _last_week(self, monday):
        """:return: ``(monday, sunday)`` of the week before"""
        return monday - timedelta(days=7), monday - timedelta(days=1)

    @api.model
    def _same_week_last_year(self, monday):
        """The week with the same number (ISO 8601) in the year before.

        Most years have no week 53. Its days, those around New Year, are then those of 52 weeks before.

        :return: ``(monday, sunday)``
        """
        year, week, _weekday = monday.isocalendar()
        try:
            found = date.fromisocalendar(year - 1, week, 1)
        except ValueError:
            found = monday - timedelta(weeks=52)
        return found, found + timedelta(days=6)

    # --- what a report rests on ---

    @api.model
    def _footing(self, company, day_from, day_to, teams=None, user=None):
        """What stands below each report: whether all calls are there, how many were typed, which channels were covered.

        :param teams: of whom the typed share is; all that the reader may see if there are none
        :param user: a person whose own report it is
        :return: ``{"completeness": [line, …], "typed": str, "channels": [line, …]}`` in the reader's language
        """
        # sudo: whether all calls are there is for everybody who reads numbers made of them, and tells of no person
        pbxs = self.env["crm.voip.pbx"].sudo().search([("company_id", "=", company.id)], order="name, id")
        return {
            "completeness": [
                self.env._("%(pbx)s: %(line)s", pbx=pbx.name, line=pbx._completeness_line(day_from, day_to))
                for pbx in pbxs
            ],
            "typed": self._typed_share(company, day_from, day_to, teams, user),
            "channels": self._channels(company, day_from, day_to),
        }

    def _typed_share(self, company, day_from, day_to, teams, user):
        """:return: how many calls were measured and how many typed, empty where the reader may not see it"""
        domain = Domain("company_id", "=", company.id) & Domain("day", ">=", day_from) & Domain("day", "<=", day_to)
        of_teams = self.env["crm.productivity.team"]
        if user or not of_teams.has_access("read"):
            user = user or self.env.user
            days = self.env["crm.productivity.day"]
            if user != self.env.user and not days._people_decided():
                return ""
            [(made, received, typed)] = days._read_group(
                domain & Domain("user_id", "=", user.id), [], ["calls_made:sum", "taken:sum", "typed_calls:sum"]
            )
        else:
            domain &= Domain("team_id", "in", teams.ids) if teams else Domain.TRUE
            [(made, received, typed)] = of_teams._read_group(
                domain, [], ["calls_made:sum", "incoming:sum", "typed_calls:sum"]
            )
        return self.env._(
            "%(measured)s measured + %(typed)s typed", measured=(made or 0) + (received or 0), typed=typed or 0
        )

    def _channels(self, company, day_from, day_to):
        """:return: what is covered of each channel through which customers write"""
        channels = self.env.get("crm.productivity.channel")
        if channels is None:
            return []
        # sudo: from when to when a channel was covered is for everybody who reads numbers made of it
        lines = channels.sudo()._coverage(company, day_from, day_to)
        return [str(line) for line in lines]
