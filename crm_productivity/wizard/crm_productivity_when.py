from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

#: whole weeks, so that each weekday is in it as often
WEEKS = {"weeks": 4, "quarter": 13, "year": 52}
#: what is shown -> (field with the number, field with the cases it is among)
SHOWN = {
    "offered": ("offered", "offered"),
    "taken": ("taken", "offered"),
    "lost": ("lost", "offered"),
    "reached": ("reached", "made"),
}
#: shades of a cell
SHADES = 10


class CrmProductivityWhen(models.TransientModel):
    """When customers call, and when they answer: weekdays by hours, over some weeks.

    Whoever sells sees the company's totals and those of their own teams, leaders those of theirs. There are no
    persons in it; a click on a cell opens the very calls, as far as one may see them.
    """

    _name = "crm.productivity.when"
    _description = "When"

    what = fields.Selection(
        [
            ("offered", "Incoming calls"),
            ("taken", "Taken"),
            ("lost", "Nobody answered"),
            ("reached", "Customers answer us"),
        ],
        "Show",
        required=True,
        default="offered",
    )
    period = fields.Selection(
        [("weeks", "4 weeks"), ("quarter", "13 weeks"), ("year", "52 weeks")], required=True, default="quarter"
    )
    team_id = fields.Many2one("crm.team", "Sales team", help="Empty: the whole company.")
    allowed_team_ids = fields.Many2many("crm.team", compute="_compute_allowed_team_ids")
    heat = fields.Json(compute="_compute_heat")
    left_out = fields.Char(compute="_compute_heat")

    @api.depends_context("lang")
    def _compute_display_name(self):
        for when in self:
            when.display_name = self.env._("When")

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_allowed_team_ids(self):
        teams = self._teams()
        for when in self:
            when.allowed_team_ids = teams

    @api.model
    def _teams(self):
        Hour = self.env["crm.productivity.hour"]
        # sudo: whether a company decided is asked of those who may not read it, too
        decided = self.env["crm.voip.people.switch"].sudo()._of(self.env.company)
        return Hour._my_teams() if decided else Hour._my_teams() - Hour._small_teams()

    @api.depends("what", "period", "team_id")
    @api.depends_context("uid", "company", "lang")
    def _compute_heat(self):
        for when in self:
            what, period = when.what or "offered", when.period or "quarter"
            when.heat, when.left_out = when._heat(what, period, when.team_id)

    # --- the cells ---

    @api.model
    def _heat(self, what, period, team):
        """:return: ``(values for the widget, a sentence about what is left out)``"""
        company = self.env.company
        first, last = self._span(company, period)
        # sudo: totals without persons; which of them, the domain says
        Hour = self.env["crm.productivity.hour"].sudo().with_context(allowed_company_ids=company.ids)
        within = Domain("company_id", "=", company.id) & Domain("day", ">=", first) & Domain("day", "<=", last)
        if team:
            if team not in self._teams():
                raise UserError(self.env._("These are not figures of a team of yours."))
            within &= Domain("team_id", "=", team.id)
        shown = Domain("is_shown", "=", True)
        number, among = SHOWN[what]
        names = ("offered", "taken", "lost", "made", "reached")
        rows = Hour._read_group(within & shown, ["weekday", "hour"], [f"{name}:sum" for name in names])
        counts = {(int(day), int(hour)): dict(zip(names, sums, strict=True)) for day, hour, *sums in rows}
        hidden = not team and Hour.search_count(within & ~shown, limit=1)
        left_out = bool(hidden) and self.env._(
            "Calls of teams of fewer than three people are left out: these are figures of single persons."
        )
        there = self._hours_there(company, first, last)
        if not there:
            return {"rows": [], "empty": self._empty_text()}, left_out
        least = company.crm_productivity_least_cases
        hours = self._hours_shown(company, counts)
        values = {}
        for place in there:
            sums = counts.get(place, dict.fromkeys(names, 0))
            values[place] = self._cell(what, sums[number], sums[among], least)
        most = max((value["value"] for value in values.values() if not value["few"] and value["value"]), default=0)
        most = 100 if what == "reached" else most
        days = dict(self.env["crm.productivity.hour"]._fields["weekday"]._description_selection(self.env))
        lines = []
        for weekday in range(1, 8):
            cells = []
            for hour in hours:
                cell = values.get((weekday, hour), {"value": None, "text": "", "few": False, "cases": 0})
                shade = cell["value"] and most and max(1, round(cell["value"] / most * SHADES))
                title = self._title(days[str(weekday)], hour, what, cell, least)
                cells.append({**cell, "hour": hour, "shade": 0 if cell["few"] else shade or 0, "title": title})
            lines.append({"weekday": weekday, "name": days[str(weekday)], "cells": cells})
        total = {name: sum(sums[name] for sums in counts.values()) for name in names}
        return {
            "hours": [f"{hour:02}" for hour in hours],
            "rows": lines,
            "what": what,
            "first": fields.Date.to_string(first),
            "last": fields.Date.to_string(last),
            "summary": self._summary(total),
            "few": self.env._("Pale: fewer than %s calls, too few to say much.", least),
            "caption": dict(self._fields["what"]._description_selection(self.env))[what],
        }, left_out

    def _cell(self, what, number, cases, least):
        if what == "reached":
            value = round(100 * number / cases) if cases else None
            text = "" if value is None else f"{value} %"
        else:
            value, text = number, str(number)
        return {"value": value, "text": text, "number": number, "cases": cases, "few": 0 < cases < least}

    def _title(self, day, hour, what, cell, least):
        when = self.env._("%(day)s, %(from)s to %(to)s", **{"day": day, "from": f"{hour}:00", "to": f"{hour + 1}:00"})
        if cell["value"] is None:
            if what == "reached":
                return self.env._("%s: no calls made", when)
            return self.env._("%s: not measured", when)
        values = {"when": when, "number": cell["number"], "cases": cell["cases"]}
        title = {
            "offered": lambda: self.env._("%(when)s: %(number)s incoming calls", **values),
            "taken": lambda: self.env._("%(when)s: %(number)s taken of %(cases)s incoming calls", **values),
            "lost": lambda: self.env._("%(when)s: nobody answered %(number)s of %(cases)s incoming calls", **values),
            "reached": lambda: self.env._("%(when)s: %(number)s reached of %(cases)s calls made", **values),
        }[what]()
        if cell["few"]:
            return self.env._("%(title)s. Fewer than %(least)s: too few to say much.", title=title, least=least)
        return title

    def _summary(self, total):
        return self.env._(
            "%(offered)s incoming calls, %(taken)s of them taken; %(made)s calls made, %(reached)s of them reached somebody.",
            **total,
        )

    def _empty_text(self):
        if self.env.user.has_group("crm_voip_bridge.group_manager"):
            return self.env._(
                "There are no calls yet. Connect a PBX under Calls, and tick the extensions to be logged."
            )
        return self.env._("There are no calls yet. They come by themselves once a PBX is connected.")

    @api.model
    def _span(self, company, period):
        """:return: first and last day of a period, today included"""
        last = self.env["crm.productivity.stale"]._today(company)
        return last - timedelta(days=7 * WEEKS[period] - 1), last

    @api.model
    def _hours_there(self, company, first, last):
        """:return: ``{(weekday, hour)}`` that there were since calls are logged, by the company's clock"""
        stale = self.env["crm.productivity.stale"]
        start, end = stale._bounds(company, first, last)
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT extract(isodow FROM local)::integer, extract(hour FROM local)::integer
                     FROM (SELECT moment AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s AS local
                             FROM generate_series(%(start)s::timestamp, %(end)s::timestamp, '1 hour') AS moment
                            WHERE moment < %(end)s AND moment <= %(now)s) AS hours
                    WHERE local::date >= (SELECT min(day) FROM crm_productivity_hour WHERE company_id = %(company)s)""",
                zone=str(stale._zone(company)),
                start=start,
                end=end,
                now=fields.Datetime.now(),
                company=company.id,
            )
        )
        return set(rows)

    @api.model
    def _hours_shown(self, company, counts):
        """:return: the hours with anything in them, the working hours, and those between"""
        hours = {hour for _day, hour in counts}
        for line in company.sudo().resource_calendar_id.attendance_ids:  # sudo: office hours are known to all
            hours |= set(range(int(line.hour_from), min(24, -int(-line.hour_to // 1))))
        hours = hours or set(range(8, 18))
        return range(min(hours), max(hours) + 1)

    # --- the calls ---

    @api.model
    def action_calls(self, what, period, team_id, weekday, hour):
        """:return: the action that opens the very calls of a cell, as far as one may see them"""
        if what not in SHOWN or period not in WEEKS or weekday not in range(1, 8) or hour not in range(24):
            raise UserError(self.env._("There is no such hour."))
        company = self.env.company
        first, last = self._span(company, period)
        start, end = self.env["crm.productivity.stale"]._bounds(company, first, last)
        domain = [
            ("company_id", "=", company.id),
            ("started_at", ">=", fields.Datetime.to_string(start)),
            ("started_at", "<", fields.Datetime.to_string(end)),
            ("crm_productivity_weekday", "=", str(weekday)),
            ("hour", "=", f"{hour:02}"),
            ("direction", "=", "outbound" if what == "reached" else "inbound"),
            ("disposition", "!=", "in_progress"),
        ]
        if what == "taken":
            domain.append(("disposition", "=", "answered"))
        elif what == "lost":
            domain.append(("disposition", "in", ["missed", "abandoned", "voicemail", "busy", "failed"]))
        if team_id:
            team = self.env["crm.team"].browse(team_id)
            if team not in self._teams():
                raise UserError(self.env._("These are not figures of a team of yours."))
            domain.append(("crm_productivity_team_id", "=", team.id))
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_call_action")
        days = dict(self.env["crm.productivity.hour"]._fields["weekday"]._description_selection(self.env))
        title = self.env._("%(day)s at %(hour)s:00", day=days[str(weekday)], hour=hour)
        return {
            **action,
            "name": title,
            "display_name": title,
            "domain": domain,
            "context": {},
            "views": [(False, "list"), (False, "form")],
            "help": self.env._("You see the calls that you took part in, or whose team you lead."),
        }
