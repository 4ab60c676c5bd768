from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import SQL

DAY = 24 * 60 * 60


class CrmProductivityFunnel(models.TransientModel):
    """What became of opportunities in each stage, how long they stayed, and what they cost; of teams one may see, or one's own."""

    _name = "crm.productivity.funnel"
    _inherit = ["crm.productivity.span"]
    _description = "Pipeline"
    _figures_of = "crm.productivity.stay"
    _months = "3"

    name = fields.Char(compute="_compute_name")
    currency_id = fields.Many2one(related="company_id.currency_id")
    mine = fields.Boolean("Only mine")
    line_ids = fields.One2many("crm.productivity.funnel.line", "funnel_id", "Stages")
    age_ids = fields.One2many("crm.productivity.funnel.line", "funnel_id", "Open by age")
    effort = fields.Text(compute="_compute_effort")

    @api.depends_context("lang")
    def _compute_name(self):
        self.name = self.env._("Pipeline")

    @api.model
    def action_open(self):
        """Open the screen: of the teams that one may see, else of oneself."""
        company = self.env.company
        teams, everything = self._teams_of(company)
        # sudo: stages without anything in them stay visible; those of other companies' teams do not
        stages = self.env["crm.stage"].sudo().search([("id", "!=", False)])
        stages = stages.filtered(
            lambda stage: (
                not stage.team_ids
                or stage.team_ids.filtered(lambda team: team.company_id in (company, company.browse()))
            )
        )
        one = self.create(
            {
                "mine": not teams and not everything,
                "line_ids": [fields.Command.create({"stage_id": stage}) for stage in [*stages.ids, False]],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Pipeline"),
            "res_model": self._name,
            "res_id": one.id,
            "views": [(False, "form")],
        }

    def _bounds(self):
        stale = self.env["crm.productivity.stale"]
        return stale._bounds(self.company_id, self._first(), stale._today(self.company_id))

    def _where(self, alias):
        """:return: SQL condition: the teams that the present user may see, or what is their own"""
        table = SQL.identifier(alias)
        if self.mine:
            where = SQL("%s.user_id = %s", table, self.env.uid)
            return SQL("%s AND %s.team_id = %s", where, table, self.team_id.id) if self.team_id else where
        teams, everything = self._chosen()
        return SQL(
            "(%(t)s.team_id = ANY(%(teams)s) OR %(all)s AND %(t)s.team_id IS NULL)",
            t=table,
            teams=teams.ids,
            all=everything,
        )

    # --- effort ---

    @api.depends("company_id", "months", "team_id", "mine")
    @api.depends_context("lang", "uid")
    def _compute_effort(self):
        for one in self:
            one.effort = "\n".join(one._efforts())

    def _efforts(self):
        """:return: sentences on what won and lost opportunities of the period cost"""
        start, end = self._bounds()
        rows = self.env.execute_query(
            SQL(
                """SELECT state, count(*), COALESCE(sum(amount), 0), sum(measured), sum(talk_s), sum(handle_s),
                          sum(amount) FILTER (WHERE handle_s IS NOT NULL)
                     FROM crm_productivity_effort effort
                    WHERE kind = 'opportunity' AND state != 'pending' AND company_id = %s AND looked_at >= %s
                      AND looked_at < %s AND %s GROUP BY state""",
                self.company_id.id,
                start,
                end,
                self._where("effort"),
            )
        )
        found = {row[0]: row[1:] for row in rows}
        metrics = self.line_ids._metrics("effort_talk", "effort_handle", "effort_amount")
        if not found:
            return [self.env._("No opportunity was won or lost in this period.")]
        return [
            text for state in ("won", "lost") for text in self._effort_of(metrics, state, *found.get(state, (0,) * 6))
        ]

    def _effort_of(self, metrics, state, number, amount, measured, talk_s, handle_s, measured_amount):
        duration = self.env["crm.productivity.metric"]._duration
        measures = {"measured": measured, "talk_s": talk_s, "handle_s": handle_s, "measured_amount": measured_amount}
        measures = {name: None if value is None else float(value) for name, value in measures.items()}
        codes = ("effort_talk", "effort_handle", "effort_amount")
        talk, handle, by_amount = (metrics[code]._value(measures, {}) for code in codes)
        amount = self.currency_id.format(amount)
        if state == "won":
            texts = [self.env._("Won: %(number)s opportunities, %(amount)s.", number=number, amount=amount)]
        else:
            texts = [self.env._("Lost or archived: %(number)s opportunities.", number=number)]
        if talk is not None:
            texts.append(
                self.env._(
                    "Calls were measured for %(measured)s of them: talk %(talk)s each, handling %(handle)s each.",
                    measured=measured,
                    talk=duration(talk),
                    handle=duration(handle or 0),
                )
            )
        if by_amount is not None and by_amount > 0:
            texts.append(
                self.env._(
                    "That is %(handle)s of handling for each %(thousand)s they brought.",
                    handle=duration(by_amount),
                    thousand=self.currency_id.format(1000),
                )
            )
        if number and number > (measured or 0):
            texts.append(
                self.env._(
                    "Not measured: %(number)s; no telephone system saw a call of them.", number=number - (measured or 0)
                )
            )
        return [" ".join(texts)]

    # --- further ---

    def _action(self, xml_id, moment):
        self.ensure_one()
        start, end = self._bounds()
        action = self.env["ir.actions.act_window"]._for_xml_id(xml_id)
        domain = [(moment, ">=", start), (moment, "<", end), ("company_id", "=", self.company_id.id)]
        if self.team_id:
            domain.append(("team_id", "=", self.team_id.id))
        if self.mine:
            domain.append(("is_mine", "=", True))
        return {**action, "domain": domain}

    def action_stays(self):
        """Pivot, graph and list of the time in stages."""
        return self._action("crm_productivity.crm_productivity_stay_action", "looked_at")

    def action_efforts(self):
        """Effort by opportunity."""
        return self._action("crm_productivity.crm_productivity_effort_action", "looked_at")


class CrmProductivityFunnelLine(models.TransientModel):
    _name = "crm.productivity.funnel.line"
    _inherit = ["crm.productivity.explained"]
    _description = "A stage of the pipeline"
    _order = "id"
    _rec_name = "stage_id"

    _explained_by = {"conversion": "stage_moved_on", "days": "stage_time"}

    funnel_id = fields.Many2one("crm.productivity.funnel", required=True, index=True, ondelete="cascade")
    currency_id = fields.Many2one(related="funnel_id.currency_id")
    stage_id = fields.Many2one("crm.stage", readonly=True, ondelete="cascade")
    stage = fields.Char("Stage shown", compute="_compute_stage")
    reached = fields.Integer(compute="_compute_figures", help="Opportunities that came to this stage in the period.")
    onward = fields.Integer("Moved on", compute="_compute_figures", help="Of these: went to a later stage, or won.")
    back = fields.Integer("Went back", compute="_compute_figures", help="Of these: last went to an earlier stage.")
    lost = fields.Integer(compute="_compute_figures", help="Of these: lost or archived while in this stage.")
    here = fields.Integer("Still there", compute="_compute_figures", help="Of these: not decided yet.")
    conversion = Measured(
        "Moved on, %", compute="_compute_figures", help="Of those that left the stage. Empty: none has left."
    )
    days = Measured("Days, usually", compute="_compute_figures", help="Half of them left sooner. Empty: not measured.")
    timed = fields.Integer("Measured", compute="_compute_figures", help="Stays whose length is known.")
    open_count = fields.Integer("Open now", compute="_compute_figures", help="Whenever they came.")
    open_amount = fields.Monetary("Expected", compute="_compute_figures", currency_field="currency_id")
    age_0 = fields.Integer("Up to 30 days", compute="_compute_figures")
    age_1 = fields.Integer("31 to 90 days", compute="_compute_figures")
    age_2 = fields.Integer("91 to 180 days", compute="_compute_figures")
    age_3 = fields.Integer("Older", compute="_compute_figures")
    age_4 = fields.Integer("Age not measured", compute="_compute_figures")
    old_amount = fields.Monetary(
        "Expected, older",
        compute="_compute_figures",
        currency_field="currency_id",
        help="More than 90 days in the stage.",
    )

    @api.depends("stage_id")
    @api.depends_context("lang")
    def _compute_stage(self):
        for line in self:
            line.stage = line.stage_id.name or self.env._("Deleted stages")

    @api.depends("funnel_id.months", "funnel_id.team_id", "funnel_id.mine", "funnel_id.company_id", "stage_id")
    @api.depends_context("uid")
    def _compute_figures(self):
        Stay = self.env["crm.productivity.stay"]
        for one, lines in self.grouped("funnel_id").items():
            where = one._where("stay")
            figures = Stay._funnel(one.company_id, *one._bounds(), where)
            ages = Stay._ageing(one.company_id, where)
            moved_on = self._metrics("stage_moved_on")["stage_moved_on"]
            for line in lines:
                found = figures.get(line.stage_id.id or None, {})
                for name in ("reached", "onward", "back", "lost", "here", "timed"):
                    line[name] = found.get(name, 0)
                line.conversion = moved_on._value(found, {})
                median = found.get("median")
                line.days = None if median is None else median / DAY
                of_age = ages[line.stage_id.id or None]
                line.open_count = sum(number for number, _amount in of_age)
                line.open_amount = sum(amount for _number, amount in of_age)
                line.old_amount = sum(amount for _number, amount in of_age[2:4])
                for place, (number, _amount) in enumerate(of_age):
                    line[f"age_{place}"] = number

    def action_leads(self):
        """The very opportunities that came to the stage in the period, as far as one may see them."""
        return self._action_leads(SQL("stay.looked_at >= %s AND stay.looked_at < %s", *self.funnel_id._bounds()))

    def action_open(self):
        """The open opportunities in the stage."""
        return self._action_leads(SQL("stay.ended = 'open'"))

    def _action_leads(self, which):
        self.ensure_one()
        stage = SQL("stay.stage_id = %s", self.stage_id.id) if self.stage_id else SQL("stay.stage_id IS NULL")
        leads = SQL(
            "(SELECT stay.lead_id FROM crm_productivity_stay stay WHERE stay.company_id = %s AND %s AND %s AND %s)",
            self.funnel_id.company_id.id,
            stage,
            which,
            self.funnel_id._where("stay"),
        )
        ids = [
            lead_id
            for (lead_id,) in self.env.execute_query(SQL("SELECT DISTINCT * FROM %s AS found LIMIT 10000", leads))
        ]
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Opportunities: %s", self.stage),
            "res_model": "crm.lead",
            "views": [(False, "list"), (False, "kanban"), (False, "form")],
            "domain": [("id", "in", ids)],
            # also those that are lost
            "context": {"active_test": False, "default_type": "opportunity"},
        }
