from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import format_date, format_datetime

#: most numbers on a side, and most targets
MOST, TARGETS = 6, 4


class CrmProductivityBoard(models.TransientModel):
    """One page that sales and IT put on the table together: what the business wanted and got, and what keeps it running."""

    _name = "crm.productivity.board"
    _inherit = ["crm.productivity.printed"]
    _description = "Board page"
    _rec_name = "days"

    company_id = fields.Many2one("res.company", required=True, readonly=True, default=lambda self: self.env.company)
    span = fields.Selection([("month", "Month"), ("quarter", "Quarter")], "Period", required=True, default="month")
    day = fields.Date(
        "Any day of it", required=True, default=lambda self: self._today(), help="Any day of the month or quarter."
    )
    first = fields.Date(compute="_compute_days")
    last = fields.Date(compute="_compute_days", help="The last day of the period.")
    until = fields.Date(compute="_compute_days", help="The last day that is counted.")
    days = fields.Char(compute="_compute_days")
    html = fields.Html("Page", compute="_compute_html", sanitize=False)

    @api.depends("span", "day")
    @api.depends_context("lang")
    def _compute_days(self):
        for board in self:
            day = board.day or board._today()
            months = 3 if board.span == "quarter" else 1
            board.first = day.replace(day=1, month=day.month - (day.month - 1) % months)
            board.last = board.first + relativedelta(months=months, days=-1)
            board.until = max(min(board.last, board._today()), board.first)
            if board.span == "quarter":
                quarter = (board.first.month + 2) // 3
                board.days = self.env._("Quarter %(quarter)s of %(year)s", quarter=quarter, year=board.first.year)
            else:
                board.days = format_date(self.env, board.first, date_format="MMMM y")

    # --- what the screen does ---

    @api.model
    def action_open(self):
        """Open the page of the present month; in its first week, of the month before."""
        today = self._today()
        board = self.create({"day": today - timedelta(days=7)})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Board page"),
            "res_model": self._name,
            "res_id": board.id,
            "views": [(self.env.ref("crm_productivity.crm_productivity_board_view_form").id, "form")],
        }

    def action_before(self):
        self.day = self.first - timedelta(days=1)

    def action_next(self):
        self.day = min(self.last + timedelta(days=1), max(self._today(), self.first))

    def action_print(self):
        return self.env.ref("crm_productivity.report_board_action").report_action(self, config=False)

    # --- what is printed ---

    def _periods(self):
        """:return: the days that are counted, and those of the period before as far as this one has come"""
        months = 3 if self.span == "quarter" else 1
        before = self.first - relativedelta(months=months)
        if self.until == self.last:
            return (self.first, self.until), (before, self.first - timedelta(days=1))
        return (self.first, self.until), (
            before,
            min(before + (self.until - self.first), self.first - timedelta(days=1)),
        )

    def _values(self):
        """:return: all that the template needs, in the reader's language"""
        self.ensure_one()
        self._check_reader()
        board = self.with_company(self.company_id)
        periods = board._periods()
        day, domain = board._scope(self.company_id, periods[1][0], periods[0][1])
        now, before = board._totals_of(day, domain, periods)
        for total, period in zip((now, before), periods, strict=True):
            board._nothing_was_out(total[0], *period)
        sides = {
            side: board._printed_rows(
                board.env["crm.productivity.metric"]._on_board(side, MOST), periods, now, before, self.company_id, True
            )
            for side in ("business", "running")
        }
        for row in sides["running"]:
            row["detail"] = board._detail(row["code"], now[0])
        # one page is one page: each side has room for so many sentences
        tight = [board._fit(rows, 1800) for rows in sides.values()]
        measured = any(row["measured"] for rows in sides.values() for row in rows)
        return {
            "board": board,
            "company": self.company_id,
            "direction": board._printed_direction(),
            "compared": board._printed_days(*periods[1]),
            "is_going_on": self.until < self.last,
            "until": format_date(board.env, self.until),
            "printed_on": format_date(board.env, board._today()),
            "targets": [board._printed_target(target) for target in board._targets()],
            "going_on": board._going_on(),
            "footing": board.env["crm.productivity.period"]
            .with_context(allowed_company_ids=self.company_id.ids)
            ._footing(self.company_id, self.first, self.until),
            "empty": not measured and board._empty_text(domain),
            "is_tight": any(tight),
            **sides,
        }

    def _empty_text(self, domain):
        if domain is None:
            return self.env._("Fewer than three people did something: their total would be a person's figure.")
        return self.env._(
            "Nothing was measured in this period. Numbers come by themselves once telephones are recorded (Configuration › "
            "Calls › PBXs), opportunities are assigned and mail arrives in Odoo."
        )

    def _targets(self):
        """:return: the teams' targets that lie in the period"""
        if not self.company_id.crm_productivity_targets:
            return self.env["crm.productivity.target"]
        return self.env["crm.productivity.target"].search(
            Domain("team_id", "!=", False)
            & Domain("company_id", "=", self.company_id.id)
            & Domain("date_from", "<=", self.until)
            & Domain("date_to", ">=", self.first),
            order="date_to desc, id",
            limit=TARGETS,
        )

    # --- what keeps it running ---

    def _nothing_was_out(self, measures, first, last):
        """Where somebody watched and nothing was out, an outage of nought seconds was measured."""
        since = self.env["crm.productivity.metric"]._of_code("outage", last).since
        # sudo: whether anything is connected, everybody may know who reads this page
        watched = self.env["crm.voip.pbx.state"].sudo().search_count(
            [("company_id", "=", self.company_id.id), ("event_at", "!=", False), ("heard_since", "!=", False)], limit=1
        )  # fmt: skip
        if measures.get("outage_s") is None and watched and (not since or since <= last):
            measures["outage_s"] = 0.0

    def _detail(self, code, measures):
        """:return: what a number of the right side rests on, where there is more to say than the number"""
        if code == "calls_complete":
            compared = measures.get("pbx_calls") or 0
            missing = compared - (measures.get("pbx_logged") or 0)
            return compared and self.env._(
                "%(missing)s of %(all)s calls are missing", missing=f"{missing:.0f}", all=f"{compared:.0f}"
            )
        if code == "outage" and measures.get("outage_s"):
            usual = measures.get("outage_usual_calls") or 0
            late = measures.get("outage_late_calls") or 0
            times = self._count_outages()
            return self.env._(
                "%(outages)s; about %(usual)s calls usually come in such hours: %(late)s came later, about %(lost)s not seen",
                outages=self.env._("1 outage") if times == 1 else self.env._("%s outages", times),
                usual=round(usual),
                late=round(late),
                lost=round(max(usual - late, 0)),
            )
        return False

    def _outages(self):
        # sudo: when nothing was heard of a PBX is for whoever reads this page; it tells of no person
        return self.env["crm.productivity.outage"].sudo()

    def _count_outages(self):
        start, end = self.env["crm.productivity.stale"]._bounds(self.company_id, self.first, self.until)
        return self._outages().search_count(
            [("company_id", "=", self.company_id.id), ("begins_at", ">=", start), ("begins_at", "<", end),
             ("ends_at", "!=", False)]
        )  # fmt: skip

    def _going_on(self):
        """:return: a line for each PBX of which nothing is heard at this moment"""
        return [
            self.env._(
                "%(pbx)s: nothing heard since %(since)s",
                pbx=outage.pbx_id.name,
                since=format_datetime(self.env, outage.begins_at, dt_format="short"),
            )
            for outage in self._outages().search([("company_id", "=", self.company_id.id), ("ends_at", "=", False)])
        ]

    @api.depends("span", "day", "company_id")
    @api.depends_context("uid", "lang")
    def _compute_html(self):
        for board in self:
            try:
                board.html = self.env["ir.qweb"]._render(
                    "crm_productivity.board_page", {"v": board._values(), "is_screen": True}
                )
            except (AccessError, UserError) as problem:
                board.html = self.env["ir.qweb"]._render("crm_productivity.paper_refused", {"text": problem.args[0]})
