from datetime import date, timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date, format_datetime

#: weeks are counted from this Monday
FIRST_MONDAY = date(2000, 1, 3)
#: an id is the team's, then the week's
WEEKS = 10000
#: stands where nothing was measured
NOTHING = "–"


class CrmProductivityWeek(models.Model):
    """A week of a team, or of all teams that one may see: the numbers of :class:`CrmProductivityWeekTotal`, the work
    that waits, and what it all rests on.

    There is nothing to store: a week is a row of a query, so that it has an address that can be kept and sent.
    """

    _name = "crm.productivity.week"
    _description = "Week of a team"
    _auto = False
    _depends = {"crm.productivity.day": ["company_id", "day"], "crm.team": ["active", "company_id"]}
    _order = "monday desc, team_id"

    company_id = fields.Many2one("res.company", readonly=True)
    team_id = fields.Many2one("crm.team", "Sales team", readonly=True)
    monday = fields.Date("Week from", readonly=True)
    sunday = fields.Date("Until", compute="_compute_sunday")
    name = fields.Char(compute="_compute_name")
    title = fields.Char(compute="_compute_name")
    is_first = fields.Boolean(compute="_compute_is_first")
    is_current = fields.Boolean(compute="_compute_sunday")
    total_ids = fields.Many2many("crm.productivity.week.total", compute="_compute_total_ids", string="Numbers")
    team_week_ids = fields.Many2many("crm.productivity.week", compute="_compute_team_week_ids", string="Teams")
    is_hidden = fields.Boolean(compute="_compute_is_hidden")
    notice = fields.Char(compute="_compute_notice")
    unanswered_count = fields.Integer("Messages without an answer", compute="_compute_work")
    unanswered_since = fields.Datetime("The oldest waits since", compute="_compute_work")
    overdue_count = fields.Integer("Overdue callbacks", compute="_compute_work")
    overdue_since = fields.Datetime("The oldest was due", compute="_compute_work")
    may_compare = fields.Boolean(compute="_compute_may_compare")
    compare_note = fields.Char(compute="_compute_may_compare")
    footing = fields.Html(compute="_compute_footing", sanitize=False)

    @property
    def _table_query(self):
        company = self.env.company
        this_monday, _sunday = self.env["crm.productivity.period"]._week(company)
        return SQL(
            """SELECT COALESCE(team.id, 0) * %(weeks)s + (week::date - %(first)s::date) / 7 AS id,
                      %(company)s AS company_id, team.id AS team_id, week::date AS monday
                 FROM generate_series(
                          date_trunc('week', LEAST(%(this)s::date - 371, (SELECT min(day) FROM crm_productivity_day
                                                                           WHERE company_id = %(company)s)))::timestamp,
                          %(this)s::timestamp, '7 days') AS week
                CROSS JOIN (SELECT NULL::integer AS id UNION ALL
                            SELECT id FROM crm_team WHERE active AND (company_id IS NULL OR company_id = %(company)s)
                     ) AS team""",
            weeks=WEEKS,
            first=FIRST_MONDAY,
            company=company.id,
            this=this_monday,
        )

    @api.model
    def _id_of(self, team, monday):
        """:return: the id of a week of a team, of all of them if there is none"""
        return (team.id or 0) * WEEKS + (monday - FIRST_MONDAY).days // 7

    # --- what is shown ---

    @api.depends("monday")
    def _compute_sunday(self):
        for week in self:
            week.sunday = week.monday + timedelta(days=6)
            week.is_current = week.monday == self.env["crm.productivity.period"]._week(week.company_id)[0]

    @api.depends("monday")
    def _compute_is_first(self):
        """Whether there is none before it: a year back, or as far as there are figures."""
        before = self.browse(week.id - 1 for week in self).exists()
        for week in self:
            week.is_first = week.id - 1 not in before._ids

    @api.depends("monday", "team_id")
    @api.depends_context("lang")
    def _compute_name(self):
        for week in self:
            week.title = self.env._(
                "Week %(number)s · %(monday)s – %(sunday)s",
                number=week.monday.isocalendar().week,
                monday=format_date(self.env, week.monday),
                sunday=format_date(self.env, week.sunday),
            )
            week.name = week.team_id.name or self.env._("All teams")

    @api.depends("monday")
    def _compute_display_name(self):
        for week in self:
            week.display_name = f"{week.name} · {week.title}"

    def _compute_total_ids(self):
        Total = self.env["crm.productivity.week.total"]
        for week in self:
            week.total_ids = False if week.is_hidden else Total.browse(Total._ids_of(week))

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_team_week_ids(self):
        """The same week of the other teams, and of all, where there are several to choose from."""
        for week in self:
            found = self.search([("monday", "=", week.monday)], order="team_id")
            week.team_week_ids = found - week if len(found.filtered("team_id")) > 1 else False

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_is_hidden(self):
        Team = self.env["crm.productivity.team"]
        decided, small = Team._switches().company_id, Team._small_teams()
        for week in self:
            week.is_hidden = week.team_id in small and week.company_id not in decided

    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_notice(self):
        Team = self.env["crm.productivity.team"]
        for week in self:
            mine = week.team_id or self._teams()
            left_out = (
                mine & Team._small_teams() if week.company_id not in Team._switches().company_id else mine.browse()
            )
            if week.is_hidden:
                week.notice = self.env._(
                    "This team has fewer than three people: its totals would be a single person's figures. They are "
                    "shown where the company decided so: an administrator of calls can, under “Figures of persons” "
                    "in the settings."
                )
            elif not mine:
                week.notice = self.env._(
                    "You lead no sales team, so there is nothing to add up. Whoever administers sales can name you as "
                    "the leader of a team."
                )
            elif left_out:
                week.notice = self.env._(
                    "Not counted in: %s. Totals of fewer than three people are a single person's figures.",
                    ", ".join(left_out.mapped("name")),
                )
            elif all(total.shown == NOTHING for total in week.total_ids):
                week.notice = self.env._(
                    "Nothing was recorded in this week. Calls come by themselves once a PBX is connected, under Calls in the "
                    "settings; messages and opportunities once people work with them in the CRM."
                )
            else:
                week.notice = False

    @api.model
    def _teams(self):
        """:return: the teams whose totals the present user may see"""
        teams = self.env["crm.team"].search([("company_id", "in", [False, self.env.company.id])])
        if self.env.user.has_group("crm_voip_bridge.group_all"):
            return teams
        return teams.filtered(lambda team: team.user_id == self.env.user)

    # --- work that waits ---

    def _of_team(self, name):
        """:return: the domain of what belongs to the team"""
        company = Domain("company_id", "=", self.company_id.id)
        return company & Domain(name, "in", self.team_id.ids) if self.team_id else company

    def _domain_unanswered(self):
        return self._of_team("team_id") & Domain("is_waiting", "=", True) & Domain("known", "=", True)

    def _domain_overdue(self):
        return self._of_team("team_ids") & Domain("is_overdue", "=", True)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_work(self):
        for week in self:
            week.unanswered_count = week.overdue_count = 0
            week.unanswered_since = week.overdue_since = False
            if week.is_hidden:
                continue
            [(week.unanswered_count, week.unanswered_since)] = self.env["crm.productivity.turn"]._read_group(
                week._domain_unanswered(), [], ["__count", "since:min"]
            )
            [(week.overdue_count, week.overdue_since)] = self.env["crm.voip.callback"]._read_group(
                week._domain_overdue(), [], ["__count", "due_at:min"]
            )

    def action_unanswered(self):
        return self._list("crm_productivity.crm_productivity_turn_action", self._domain_unanswered())

    def action_overdue(self):
        return self._list("crm_voip_bridge.crm_voip_callback_action", self._domain_overdue())

    @api.model
    def _list(self, action, domain, **values):
        action = self.env["ir.actions.act_window"]._for_xml_id(action)
        if "name" in values:
            values["display_name"] = values["name"]
        return {**action, "domain": list(domain), "context": values.pop("context", {}), **values}

    # --- what it rests on ---

    @api.depends_context("uid", "allowed_company_ids", "lang", "tz")
    def _compute_may_compare(self):
        Day = self.env["crm.productivity.day"]
        note = decided = Day._people_decided()
        if decided:
            note = self.env._(
                "The company decided so. Everybody sees their own figures first: those of colleagues are shown of days "
                "that ended before %s. Whoever is looked at finds it in their log.",
                format_datetime(self.env, Day._people_until(), dt_format="short"),
            )
        for week in self:
            week.may_compare = decided and not week.is_hidden
            week.compare_note = note

    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_footing(self):
        for week in self:
            footing = self.env["crm.productivity.period"]._footing(
                week.company_id, week.monday, week.sunday, teams=week.team_id
            )
            week.footing = self.env["ir.qweb"]._render("crm_productivity.footing", {"footing": footing})

    # --- going on ---

    @api.model
    def action_open_this_week(self):
        """Open the present week: of one's team, or of all teams if one has several."""
        teams = self._teams()
        monday, _sunday = self.env["crm.productivity.period"]._week(self.env.company)
        return self._open(teams if len(teams) == 1 else teams.browse(), monday)

    def _open(self, team, monday):
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_productivity.crm_productivity_week_action")
        return {**action, "res_id": self._id_of(team, monday), "views": [(False, "form")], "target": "main"}

    def action_open(self):
        self.ensure_one()
        return self._open(self.team_id, self.monday)

    def action_previous(self):
        self.ensure_one()
        return self._open(self.team_id, self.monday - timedelta(days=7))

    def action_next(self):
        self.ensure_one()
        return self._open(self.team_id, self.monday + timedelta(days=7))

    def _domain_figures(self):
        """:return: the domain of the rows of ``crm.productivity.team`` or ``…day`` of this week"""
        return self._of_team("team_id") & Domain("day", ">=", self.monday) & Domain("day", "<=", self.sunday)

    def _figures(self, **context):
        return self._list(
            "crm_productivity.crm_productivity_team_action",
            self._domain_figures(),
            context=context,
            name=self.display_name,
        )

    def action_measures(self):
        """All measures."""
        self.ensure_one()
        return self._figures(pivot_row_groupby=["team_id"], pivot_measures=self._all_measures())

    @api.model
    def _all_measures(self):
        """:return: names of what can be shown of a team, the numbers that say most first"""
        Team = self.env["crm.productivity.team"]
        found = Team.fields_get(attributes=["aggregator"])
        names = [*Team._derived(), *Team._measures()]
        return [name for name in names if found[name].get("aggregator")]

    def action_by_day(self):
        self.ensure_one()
        return self._figures(pivot_row_groupby=["day:day"])

    def action_by_team(self):
        self.ensure_one()
        return self._figures(pivot_row_groupby=["team_id"])

    def action_compare(self):
        """Persons side by side, where the company decided so."""
        self.ensure_one()
        self.env["crm.productivity.day"]._people_demand()
        return self._list(
            "crm_productivity.crm_productivity_day_compare_action",
            self._domain_figures() & Domain("user_id", "!=", False),
            name=self.display_name,
        )
