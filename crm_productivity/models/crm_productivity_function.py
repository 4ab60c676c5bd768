from collections import defaultdict

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.tools import format_date


class CrmProductivityFunction(models.Model):
    """A function of ours, who is to use it, and whether they do.

    It counts what people did with it, never that they logged in. What is counted, the method
    ``_acts_of_<code>`` of :class:`CrmProductivityActs` says, or that a screen was opened; who is entitled,
    ``_entitled_<entitled>``. An addon with a function of its own adds a record here and a method there.
    """

    _name = "crm.productivity.function"
    _description = "Function, and who uses it"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, copy=False, help="The method that finds its use is _acts_of_ with this code.")
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    switch = fields.Char(
        "Switch of the company", help="The company's field that turns it on. Empty: it is on since it was installed."
    )
    screens = fields.Char(help="For screens: the models that they show, with commas. Opening one is its use.")
    entitled = fields.Selection("_selection_entitled", "For whom", required=True, default="sellers")
    counts = fields.Text("What counts as use", required=True, translate=True)
    hint = fields.Text("If nobody uses it", translate=True, help="What to do.")
    question = fields.Char(
        "Question to the team",
        translate=True,
        help="With {missing} and {entitled}: {missing} of {entitled} gave no outcome: what keeps them?",
    )

    state = fields.Selection(
        [("off", "Off"), ("new", "Too new"), ("unused", "On, unused"), ("used", "Used")], compute="_compute_use"
    )
    since = fields.Date("On since", compute="_compute_use")
    since_text = fields.Char("Since", compute="_compute_use")
    week_shown = fields.Char("Last week", compute="_compute_use")
    share = fields.Char(compute="_compute_use")
    stickiness = fields.Char(
        compute="_compute_use", help="Of those who used it in four weeks, how many did in the last one."
    )
    advice = fields.Char("What to do", compute="_compute_use")

    _code_unique = models.Constraint("UNIQUE (code)", "A function with this code is there already.")

    @api.model
    def _selection_entitled(self):
        return [
            ("phones", "People whose telephone is logged"),
            ("sellers", "People who sell"),
            ("leaders", "People who lead a team"),
        ]

    @api.constrains("switch")
    def _check_switch(self):
        fields_of_company = self.env["res.company"]._fields
        for function in self.filtered("switch"):
            field = fields_of_company.get(function.switch)
            if not function.switch.startswith(("crm_voip_", "crm_productivity_")) or (
                field is not None and field.type != "boolean"
            ):
                raise ValidationError(self.env._("“%s” is no switch of a company.", function.switch))

    @api.constrains("code", "screens")
    def _check_code(self):
        Acts = self.env["crm.productivity.acts"]
        for function in self.filtered(lambda function: not function.screens):
            if not function.code.isidentifier() or not hasattr(Acts, f"_acts_of_{function.code}"):
                raise ValidationError(
                    self.env._("Nothing says what counts as the use of “%s”: that takes an addon.", function.code)
                )

    @api.model_create_multi
    def create(self, vals_list):
        functions = super().create(vals_list)
        self.env.registry.clear_cache()
        return functions

    def write(self, vals):
        result = super().write(vals)
        if "switch" in vals:
            self.env.registry.clear_cache()
        return result

    @api.model
    @tools.ormcache()
    def _switches(self):
        """:return: names of the companies' fields that turn functions on"""
        # sudo: what is watched does not depend on who changes it
        functions = self.sudo().with_context(active_test=False).search([("switch", "!=", False)])
        return frozenset(functions.mapped("switch")) & self.env["res.company"]._fields.keys()

    def _is_on(self, company):
        """:return: whether a company has it; one whose addon is not there, none has"""
        self.ensure_one()
        if not self.switch:
            return True
        # sudo: what a company switched on is known to all its people
        return self.switch in company._fields and company.sudo()[self.switch]

    # --- what is shown ---

    @api.depends_context("uid", "company", "lang")
    def _compute_use(self):
        company = self.env.company
        Use = self.env["crm.productivity.use"]
        week = Use._last_full_week(company)
        rows = Use._read_group(
            [("company_id", "=", company.id), ("week", "=", week), ("function_id", "in", self.ids)],
            ["function_id"],
            ["people:sum", "month_people:sum", "entitled:sum"],
        )
        found = {function.id: sums for function, *sums in rows}
        # sudo: since when a company has a function is known to all its people
        Since = self.env["crm.productivity.function.since"].sudo()
        since = defaultdict(lambda: Since)
        since |= Since.search([("company_id", "=", company.id), ("off_at", "=", False)]).grouped("function_id")
        for function in self:
            began = since[function][:1]
            people, month_people, entitled = found.get(function.id, (0, 0, 0))
            function.since = began.on_at and began.on_at.date()
            function.since_text = began._text()
            function.state = function._state(company, entitled, month_people)
            function.week_shown = function._week_text(people, entitled)
            function.share = f"{100 * people / entitled:.0f} %" if entitled else "–"
            function.stickiness = f"{100 * people / month_people:.0f} %" if month_people else "–"
            function.advice = function._advice(people, entitled)

    def _state(self, company, entitled, month_people):
        if not self._is_on(company):
            return "off"
        if not entitled:
            return "new"
        return "used" if month_people else "unused"

    def _week_text(self, people, entitled):
        if not entitled:
            return "–"
        return self.env._("%(people)s of %(entitled)s people", people=people, entitled=entitled)

    def _advice(self, people, entitled):
        """:return: what to do, or to ask the team: numbers, never names"""
        if self.state == "unused":
            return self.hint
        if self.state != "used" or not self.question or people >= entitled:
            return False
        return self.question.replace("{missing}", str(entitled - people)).replace("{entitled}", str(entitled))

    def action_by_week(self):
        """How it was taken up, week by week."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_productivity.crm_productivity_use_action")
        return {
            **action,
            "name": self.name,
            "display_name": self.name,
            "domain": [("function_id", "=", self.id)],
            "context": {},
        }

    @api.model
    def action_refresh(self):
        """Count anew, now."""
        self.check_access("write")
        # sudo: the counting is the same whoever asks for it
        self.env["crm.productivity.use"].sudo()._reckon_company(self.env.company)
        return {"type": "ir.actions.client", "tag": "soft_reload"}


class CrmProductivityFunctionSince(models.Model):
    """When a company turned a function on and off. Kept from the day on which this was installed."""

    _name = "crm.productivity.function.since"
    _description = "Since when a function is on"
    _order = "on_at desc, id desc"
    _rec_name = "function_id"
    _log_access = False

    function_id = fields.Many2one("crm.productivity.function", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, index=True, ondelete="cascade")
    on_at = fields.Datetime("Turned on", required=True)
    off_at = fields.Datetime("Turned off")
    is_before = fields.Boolean("Since before", help="It was on already when this began to be noted.")

    def _text(self):
        if not self:
            return "–"
        day = format_date(self.env, self.on_at)
        return self.env._("since before %s", day) if self.is_before else day

    @api.model
    def _begin(self):
        """Note what is on and was not noted: it was on before, since its first use at least."""
        Acts = self.env["crm.productivity.acts"]
        for company in self.env["res.company"].search([("active", "=", True)]):
            noted = self.search([("company_id", "=", company.id), ("off_at", "=", False)]).function_id
            functions = self.env["crm.productivity.function"].search([("active", "=", True)]) - noted
            on = functions.filtered(lambda function, company=company: function._is_on(company))
            first = Acts._first(company, on)
            self.create(
                [
                    {
                        "function_id": function.id,
                        "company_id": company.id,
                        "on_at": first.get(function.id) or fields.Datetime.now(),
                        "is_before": True,
                    }
                    for function in on
                ]
            )

    @api.model
    def _follow(self, company, switches):
        """:param switches: ``{field: whether it is on now}`` of those that changed"""
        functions = self.env["crm.productivity.function"].with_context(active_test=False)
        for function in functions.search([("switch", "in", list(switches))]):
            now = fields.Datetime.now()
            if switches[function.switch]:
                self.create({"function_id": function.id, "company_id": company.id, "on_at": now})
            else:
                known = [("function_id", "=", function.id), ("company_id", "=", company.id), ("off_at", "=", False)]
                self.search(known).off_at = now
