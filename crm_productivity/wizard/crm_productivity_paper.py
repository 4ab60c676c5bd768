from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.crm_voip_people import SMALL_TEAM
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..models.crm_productivity_metric_paper import MOST

#: most teams, targets, comments and characters of a comment on the first page
TEAMS, TARGETS, COMMENTS, COMMENT = 6, 4, 1, 110


class CrmProductivityPaper(models.TransientModel):
    """A week on two pages: the numbers, and what they mean and rest on.

    Made by the person who reads it, and read by nobody else. One's own numbers are always one's to print. A colleague's
    need the company's decision, and the colleague finds it in their log. A team's are totals, without persons.
    """

    _name = "crm.productivity.paper"
    _inherit = ["crm.productivity.printed"]
    _description = "Weekly report"
    _rec_name = "title"

    kind = fields.Selection([("own", "My numbers"), ("team", "Team")], required=True, default="own")
    company_id = fields.Many2one("res.company", required=True, readonly=True, default=lambda self: self.env.company)
    user_id = fields.Many2one("res.users", "Person", required=True, default=lambda self: self.env.user)
    week = fields.Date(required=True, default=lambda self: self._today(), help="Any day of the week that it is about.")
    monday = fields.Date(compute="_compute_days")
    until = fields.Date(compute="_compute_days", help="The last day that is counted.")
    title = fields.Char(compute="_compute_title")
    days = fields.Char(compute="_compute_title")
    can_team = fields.Boolean(compute="_compute_can")
    can_person = fields.Boolean(compute="_compute_can")
    html = fields.Html("Pages", compute="_compute_html", sanitize=False)
    letter = fields.Html(compute="_compute_letter", sanitize=False, help="What the mail has of it.")

    @api.depends("week", "company_id")
    def _compute_days(self):
        for paper in self:
            week = paper.week or paper._today()
            paper.monday = week - timedelta(days=week.weekday())
            # a week that goes on is compared with last week up to the same day
            paper.until = min(paper.monday + timedelta(days=6), max(paper._today(), paper.monday))

    @api.depends("kind", "user_id", "monday", "until")
    @api.depends_context("lang")
    def _compute_title(self):
        for paper in self:
            paper.title = self.env._("Team week") if paper.kind == "team" else self.env._("My week")
            paper.days = self.env._(
                "Week %(week)s, %(days)s",
                week=paper.monday.isocalendar().week,
                days=paper._printed_days(paper.monday, paper.until),
            )

    @api.depends("company_id")
    @api.depends_context("uid")
    def _compute_can(self):
        for paper in self:
            paper.can_team = paper._may_see_totals(paper.company_id)
            paper.can_person = paper.can_team and paper._day()._people_decided()

    # --- what the screen does ---

    @api.model
    def action_open(self):
        """Open this week's report of the present user."""
        # on a Monday the week before is what there is to read
        today = self._today()
        paper = self.create({"week": today - timedelta(days=1) if today.weekday() == 0 else today})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Weekly report"),
            "res_model": self._name,
            "res_id": paper.id,
            "views": [(self.env.ref("crm_productivity.crm_productivity_paper_view_form").id, "form")],
        }

    def action_before(self):
        self.week = self.monday - timedelta(days=7)

    def action_next(self):
        self.week = min(self.monday + timedelta(days=7), self._today())

    def action_print(self):
        return self.env.ref("crm_productivity.report_paper_action").report_action(self, config=False)

    def action_send_sample(self):
        """Mail it to the present user, now, as the scheduled action would."""
        self.ensure_one()
        if not self.env.user.email:
            raise UserError(self.env._("You have no mail address. Enter one in your preferences."))
        with_pdf = self.env["crm.productivity.letter"]._mail(
            self.env.user, self.company_id, self.until, even_empty=True
        )
        text = (
            self.env._("On its way to %s.", self.env.user.email)
            if with_pdf
            else self.env._(
                "On its way to %s, without PDF: the program that makes them (wkhtmltopdf) is not on the server.",
                self.env.user.email,
            )
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "success" if with_pdf else "warning", "message": text},
        }

    # --- whose numbers ---

    def _day(self):
        return self.env["crm.productivity.day"].with_context(allowed_company_ids=self.company_id.ids)

    def _check_whose(self):
        """:raise AccessError: the paper is of somebody whose numbers the present user may not see"""
        if self.kind == "team":
            if not self.can_team:
                raise AccessError(self.env._("A team's numbers are for whoever leads it, or may see all calls."))
        elif self.user_id != self.env.user:
            day = self._day()
            day._people_demand()
            if not self._sees_all() and not self._led_teams(self.company_id).member_ids & self.user_id:
                raise AccessError(self.env._("This person is in no team of yours."))
            day._people_log(self.user_id, "paper")

    def _own_teams(self):
        """:return: teams whose totals the present user may see, and that did something in the two weeks"""
        return self._shown_teams(self.company_id, *self._both_weeks())

    def _both_weeks(self):
        return self.monday - timedelta(days=7), self.until

    def _whose(self):
        """:return: ``(model of days, domain)`` to be added up; no domain where there is nothing to see"""
        if self.kind == "team":
            return self._scope(self.company_id, *self._both_weeks())
        return self._day(), Domain("company_id", "=", self.company_id.id) & Domain("user_id", "=", self.user_id.id)

    def _periods(self):
        week = timedelta(days=7)
        return (self.monday, self.until), (self.monday - week, self.until - week)

    # --- what is printed ---

    def _values(self):
        """:return: all that the templates need, in the reader's language"""
        self.ensure_one()
        self._check_reader()
        paper = self.with_company(self.company_id)
        periods = paper._periods()
        of_team = self.kind == "team"
        chosen = "in_team_letter" if of_team else "in_letter"
        metrics = paper.env["crm.productivity.metric"].search([(chosen, "=", True)], limit=MOST)
        day, domain = paper._whose()
        now, before = paper._totals_of(day, domain, periods)
        rows = paper._printed_rows(metrics, periods, now, before, self.company_id, of_team)
        targets = paper._targets()
        paper._put_beside(rows, targets)
        return {
            "paper": paper,
            "company": self.company_id,
            "direction": paper._printed_direction(),
            "whose": paper._whose_name(),
            "compared": paper._printed_days(*periods[1]),
            "is_going_on": self.until < self.monday + timedelta(days=6),
            "rows": rows,
            # those that stand beside their number need no line of their own
            "targets": [
                paper._printed_target(target) for target in targets if target not in (row["aim"] for row in rows)
            ],
            "teams": paper._teams_side_by_side(metrics, periods[0]),
            "work": paper._work(),
            "footing": paper._footing(),
            "empty": paper._empty_text(domain, rows, targets),
            "changed": [row for row in rows if row["changed"]],
            # what an administrator wrote may be long; two pages are two pages
            "is_tight": paper._fit(rows, 2600),
            "is_roomy": len(rows) <= 8 and self.kind == "own" and len(targets) <= 2,
        }

    def _whose_name(self):
        if self.kind == "own":
            return self.user_id.name
        return self.company_id.name if self._sees_all() else ", ".join(self._own_teams().sudo().mapped("name"))

    def _empty_text(self, domain, rows, targets):
        if domain is None:
            return self.env._(
                "Fewer than %s people did something: their total would be a person's figure. It is shown where the company "
                "decided so, under “Figures of persons” in the settings.",
                SMALL_TEAM,
            )
        if targets or any(row["measured"] and (row["unit"] != "count" or row["value"] != "0") for row in rows):
            return False
        return self.env._(
            "Nothing was measured in this week. Numbers come by themselves once telephones are recorded (Configuration › "
            "Calls › PBXs), opportunities are assigned and mail arrives in Odoo."
        )

    def _targets(self):
        """:return: targets that the week is part of: the person's own, or those of the teams"""
        if not self.company_id.crm_productivity_targets:
            return self.env["crm.productivity.target"]
        whose = (
            Domain("user_id", "=", self.user_id.id)
            if self.kind == "own"
            else Domain("team_id", "in", self._own_teams().ids)
        )
        return self.env["crm.productivity.target"].search(
            whose
            & Domain("company_id", "=", self.company_id.id)
            & Domain("date_from", "<=", self.until)
            & Domain("date_to", ">=", self.monday),
            order="date_to, id",
            limit=TARGETS,
        )  # fmt: skip

    def _put_beside(self, rows, targets):
        """Put the person's target and comments to the numbers that they are about."""
        # one target of a team cannot stand beside the number of several
        beside = targets if self.kind == "own" else targets.browse()
        comments = self._comments()
        for row in rows:
            target = beside.filtered(lambda one, row=row: one.metric_id.code == row["code"])[:1]
            row.update(aim=target, target=target and self._printed_target(target))
            row["comments"] = comments.get(row["code"], [])[:COMMENTS]

    def _comments(self):
        """:return: ``{code: [what the person wrote beside the number in the week, …]}``, as far as the reader may see it"""
        found = defaultdict(list)
        if self.kind == "own" and "crm.productivity.comment" in self.env:
            scope = self.env["crm.productivity.comment"].with_context(allowed_company_ids=self.company_id.ids)
            for comment in scope._beside(self.user_id, *self._periods()[0]):
                found[comment.metric_id.code].append(self._shortened(comment.text, COMMENT))
        return found

    def _teams_side_by_side(self, metrics, period):
        """:return: ``[(team, [number, …]), …]`` where there are several, with the metrics in the same order"""
        teams = self._own_teams() if self.kind == "team" else ()
        if len(teams) < 2:
            return []
        # sudo: totals of teams that one may see, without persons
        day = self._day().sudo()
        company = Domain("company_id", "=", self.company_id.id)
        codes = metrics.mapped("code")
        held = metrics._of_codes(codes, period[1])
        lines = []
        for team in teams[:TEAMS]:
            [total] = self._totals_of(day, company & Domain("team_id", "=", team.id), [period])
            numbers = [
                held[code]._shown_small(held[code]._value(*total), self.company_id.currency_id) for code in codes
            ]
            lines.append((team.sudo().name, numbers))
        return lines

    def _work(self):
        """What is to be done now; only one's own, or a team's as a number.

        :return: ``[(what, how many), …]``; nought stays visible
        """
        if self.kind == "own" and self.user_id != self.env.user:
            return []
        scope = self.with_context(allowed_company_ids=self.company_id.ids)
        mine = Domain("user_id", "=", self.env.uid) if self.kind == "own" else Domain.TRUE
        company = Domain("company_id", "=", self.company_id.id)
        work = [
            (
                self.env._("Unanswered messages"),
                scope.env["crm.productivity.turn"].search_count(company & mine & Domain("is_waiting", "=", True)),
            ),
            (
                self.env._("Overdue callbacks"),
                scope.env["crm.voip.callback"].search_count(company & mine & Domain("is_overdue", "=", True)),
            ),
        ]
        if self.kind == "own":
            work += [
                (
                    self.env._("Calls to finish"),
                    scope.env["crm.voip.call"].search_count(company & Domain("is_to_finish", "=", True)),
                ),
                (
                    self.env._("Overdue activities"),
                    scope.env["mail.activity"].search_count(
                        [("user_id", "=", self.env.uid), ("date_deadline", "<", self._today())]
                    ),
                ),
            ]
        return work

    def _footing(self):
        """:return: whether all calls are there, how many were typed, which channels were covered"""
        scope = self.env["crm.productivity.period"].with_context(allowed_company_ids=self.company_id.ids)
        user = self.user_id if self.kind == "own" else None
        return scope._footing(self.company_id, self.monday, self.until, user=user)

    # --- as pages, and as a mail ---

    @api.depends("kind", "user_id", "monday", "until", "company_id")
    @api.depends_context("uid", "lang")
    def _compute_html(self):
        for paper in self:
            try:
                paper.html = self.env["ir.qweb"]._render(
                    "crm_productivity.paper_pages", {"v": paper._values(), "is_screen": True}
                )
            except (AccessError, UserError) as problem:
                paper.html = self.env["ir.qweb"]._render("crm_productivity.paper_refused", {"text": problem.args[0]})

    @api.depends("monday", "until", "company_id")
    @api.depends_context("uid", "lang")
    def _compute_letter(self):
        for paper in self:
            values = [one._values() for one in paper._letter_papers() or paper]
            paper.letter = self.env["ir.qweb"]._render("crm_productivity.letter_sections", {"sections": values})

    def _letter_papers(self):
        """:return: what one mail has: own numbers, and those of the teams for whoever leads some; none if there are none"""
        values = {"company_id": self.company_id.id, "week": self.week}
        own = self if self.kind == "own" and self.user_id == self.env.user else self.create(values)
        papers = own if self._is_measured(own) else self.browse()
        if self.can_team:
            papers |= self.create({**values, "kind": "team"})
        return papers

    @api.model
    def _is_measured(self, own):
        """Whether somebody has numbers of their own: those who lead only are not told that they did nothing."""
        if own._targets():
            return True
        first, last = own._both_weeks()
        mine = Domain("user_id", "=", own.user_id.id) & Domain("company_id", "=", own.company_id.id)
        days = Domain("day", ">=", first) & Domain("day", "<=", last)
        return bool(own._day().search_count(mine & days, limit=1))
