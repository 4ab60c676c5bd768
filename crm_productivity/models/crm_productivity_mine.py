from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime, format_time

#: minutes; figures that were not brought up to date for longer are said to be behind
BEHIND = 10


class CrmProductivityMine(models.Model):
    """The screen “My numbers”: what waits for me, my numbers, and how complete they are.

    There is one record, and it is about whoever reads it: no address, no call and no export leads to a colleague's.
    """

    _name = "crm.productivity.mine"
    _description = "My numbers"
    _auto = False
    _log_access = False

    name = fields.Char(compute="_compute_head")
    as_of = fields.Char(compute="_compute_head", help="Until when what happened is in the numbers.")
    behind = fields.Char(compute="_compute_head")
    nothing_yet = fields.Boolean(compute="_compute_nothing")
    can_set_up = fields.Boolean(compute="_compute_nothing")
    who = fields.Char("Who can help", compute="_compute_nothing")
    no_phone = fields.Boolean(compute="_compute_nothing")
    tile_ids = fields.Many2many("crm.productivity.tile", compute="_compute_tiles", string="Numbers")
    target_ids = fields.Many2many("crm.productivity.target", compute="_compute_targets", string="Targets")
    to_finish = fields.Integer("Calls to finish", compute="_compute_work")
    to_finish_text = fields.Char(compute="_compute_work")
    unanswered = fields.Integer("Unanswered messages", compute="_compute_work")
    unanswered_text = fields.Char(compute="_compute_work")
    promised = fields.Integer("Promised dates", compute="_compute_work")
    promised_text = fields.Char(compute="_compute_work")
    overdue = fields.Integer("Overdue callbacks", compute="_compute_work")
    overdue_text = fields.Char(compute="_compute_work")
    footing = fields.Text(
        compute="_compute_footing", help="What the telephone systems and channels tell, and since when."
    )

    @property
    def _table_query(self):
        return SQL("SELECT 1 AS id")

    # --- head ---

    @api.depends_context("uid", "lang", "tz")
    def _compute_head(self):
        now = fields.Datetime.now()
        at = self._reckoned_until(now)
        for mine in self:
            mine.name = self.env._("My numbers")
            mine.as_of = at and self.env._("As of %s", format_time(self.env, at, time_format="short"))
            mine.behind = False
            if not at:
                mine.behind = self.env._("The numbers are being worked out for the first time. It takes some minutes.")
            elif now - at > timedelta(minutes=BEHIND):
                mine.behind = self.env._(
                    "The numbers stand still since %s. An administrator finds why under Scheduled Actions: “Figures: "
                    "reckon what changed”.",
                    format_datetime(self.env, at, dt_format="short"),
                )

    @api.model
    def _reckoned_until(self, now):
        """:return: until when what happened this week is in the numbers, False where it never was"""
        first, today = self.env["crm.productivity.tile"]._periods()["week"]
        # sudo: until when figures are reckoned is for everybody who reads them
        waiting = self.env["crm.productivity.stale"].sudo()._waiting(self.env.company, first, today)
        if not waiting and not self.env["crm.productivity.touched"].sudo().search_count([], limit=1):
            return now
        lastcall = self.env.ref("crm_productivity.ir_cron_reckon").sudo().lastcall
        return lastcall and min(lastcall, now)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_nothing(self):
        state = self.env["crm.voip.pbx"].onboarding_state()
        phone = self.env["crm.productivity.tile"]._has_phone()
        helpers = state["who"] or ([] if state["can_set_up"] else self.env["crm.voip.pbx"]._onboarding_helpers())
        for mine in self:
            mine.nothing_yet = not state["calls"]
            mine.can_set_up = state["can_set_up"]
            mine.who = ", ".join(helpers)
            mine.no_phone = state["calls"] and not phone

    # --- numbers ---

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_tiles(self):
        self.tile_ids = self.env["crm.productivity.tile"].search([("id", "!=", False)])

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_targets(self):
        """Those of teams; one's own stand beside their numbers."""
        company = self.env.company
        today = self.env["crm.productivity.stale"]._today(company)
        Target = self.env["crm.productivity.target"]
        on = company.sudo().crm_productivity_targets  # sudo: what is switched on
        self.target_ids = on and Target.search(
            [
                ("team_id.member_ids", "in", self.env.user.ids),
                ("company_id", "=", company.id),
                ("date_from", "<=", today),
                ("date_to", ">=", today),
            ]
        )

    # --- work ---

    def _work(self):
        """The lists that can be worked through: ``{field: (model, domain of what waits for me, its moment)}``."""
        today = fields.Date.context_today(self)
        promise = self.env["ir.model.data"]._xmlid_to_res_id("crm_voip_bridge.mail_activity_type_promise")
        mine = Domain("user_id", "=", self.env.uid)
        here = Domain("company_id", "in", self.env.companies.ids)
        return {
            "to_finish": ("crm.voip.call", Domain("is_to_finish", "=", True), "started_at"),
            "unanswered": (
                "crm.productivity.turn",
                mine & here & Domain("is_waiting", "=", True) & Domain("known", "=", True),
                "since",
            ),
            "promised": (
                "mail.activity",
                mine & Domain("activity_type_id", "=", promise) & Domain("date_deadline", "<=", today),
                "date_deadline",
            ),
            "overdue": (
                "crm.voip.callback",
                mine & here & Domain("is_overdue", "=", True),
                "due_at",
            ),
        }

    @api.depends_context("uid", "lang", "tz", "allowed_company_ids")
    def _compute_work(self):
        now = fields.Datetime.now()
        for name, (model, domain, moment) in self._work().items():
            [(number, oldest)] = self.env[model]._read_group(domain, [], ["__count", f"{moment}:min"])
            for mine in self:
                mine[name] = number
                mine[f"{name}_text"] = self._oldest(oldest, now) if number else self.env._("Nothing waiting")

    def _oldest(self, moment, now):
        """:return: since when the oldest of a list waits, as text"""
        if not isinstance(moment, type(now)):  # a day
            days = (fields.Date.context_today(self) - moment).days
        else:
            days = (now - moment).days
            if not days:
                hours, minutes = divmod(int((now - moment).total_seconds()) // 60, 60)
                if hours:
                    return self.env._("The oldest since %s h", hours)
                return self.env._("The oldest since %s min", max(minutes, 1))
        if days <= 0:
            return self.env._("Due today")
        return self.env._("The oldest since 1 day") if days == 1 else self.env._("The oldest since %s days", days)

    def action_to_finish(self):
        return self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_call_action_to_finish")

    def action_unanswered(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_productivity.crm_productivity_turn_action")
        mine = [("user_id", "=", self.env.uid), ("known", "=", True)]
        return {**action, "context": {"search_default_waiting": 1}, "domain": mine}

    def action_promised(self):
        promise = self.env["ir.model.data"]._xmlid_to_res_id("crm_voip_bridge.mail_activity_type_promise")
        action = self.env["ir.actions.act_window"]._for_xml_id("mail.mail_activity_action_my")
        return {
            **action,
            "name": self.env._("Promised dates"),
            "domain": [("activity_type_id", "=", promise), ("user_id", "=", self.env.uid)],
            "context": {"force_search_count": 1},
            "help": self.env._("No promises are open. A date promised in a call stands here until it is kept."),
        }

    def action_overdue(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_callback_action")
        return {**action, "context": {"search_default_mine": 1, "search_default_overdue": 1}}

    # --- what it rests on ---

    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_footing(self):
        first, last = self.env["crm.productivity.tile"]._periods()["week"]
        footing = self.env["crm.productivity.period"]._footing(self.env.company, first, last, user=self.env.user)
        lines = [*footing["completeness"], *footing["channels"]]
        self.footing = "\n".join(map(str, lines)) or False

    # --- buttons ---

    def action_refresh(self):
        """Read everything anew: the client does so after a button."""
        return False

    def action_choose(self):
        """Let the person choose which numbers they see, and in which order."""
        self.env["crm.productivity.choice"]._fill_up()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Choose your numbers"),
            "res_model": "crm.productivity.choice",
            "views": [(False, "list")],
            "domain": [("user_id", "=", self.env.uid)],
            "target": "new",
        }

    def action_connect(self):
        return self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_call_action")
