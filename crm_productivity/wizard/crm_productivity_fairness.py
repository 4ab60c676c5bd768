from collections import defaultdict

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import SQL, format_date, formatLang

#: how many times as long somebody waits before it is said to be longer
CLEARLY = 1.2
#: metrics by which small and large customers are compared in words
COMPARED = ("customer_pick_up", "customer_response")


class CrmProductivityFairness(models.TransientModel):
    """Are small customers answered as fast as large ones? By fifths of revenue, of a period and of teams one may see."""

    _name = "crm.productivity.fairness"
    _inherit = ["crm.productivity.span"]
    _description = "Small and large customers"
    _figures_of = "crm.productivity.fifth"

    name = fields.Char(compute="_compute_name")
    line_ids = fields.One2many("crm.productivity.fairness.line", "fairness_id", "Customers")
    sentence = fields.Text(compute="_compute_sentence")
    ground = fields.Text("What it rests on", compute="_compute_sentence")

    @api.depends_context("lang")
    def _compute_name(self):
        self.name = self.env._("Small and large customers")

    @api.model
    def action_open(self):
        """Open the screen, over twelve months."""
        fifths = [code for code, _name in self.env["crm.productivity.customer"]._selection_fifth()]
        one = self.create({"line_ids": [fields.Command.create({"fifth": code}) for code in fifths]})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customers"),
            "res_model": self._name,
            "res_id": one.id,
            "views": [(False, "form")],
        }

    def action_customers(self):
        """Each customer."""
        self.ensure_one()
        return self._action_customers()

    def _action_customers(self, fifth=None):
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_productivity.crm_productivity_attention_action")
        context = {f"search_default_months_{self.months}": 1}
        return {**action, "context": context, "domain": [("fifth", "=", fifth)] if fifth else []}

    def action_table(self):
        """Pivot, graph and list by month."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_productivity.crm_productivity_customer_action")
        domain = [("period", ">=", self._first())]
        return {**action, "domain": domain + ([("team_id", "=", self.team_id.id)] if self.team_id else [])}

    def _figures(self):
        """:return: ``{fifth: (measures, histograms)}``"""
        teams, everything = self._chosen()
        where = SQL(
            "company_id = %s AND month >= %s AND (team_id = ANY(%s) OR %s AND team_id IS NULL)",
            self.company_id.id,
            self._first(),
            teams.ids,
            everything,
        )
        found = defaultdict(lambda: ({}, defaultdict(dict)))
        for fifth, measure, value in self.env.execute_query(
            SQL(
                """SELECT fifth, measure.key, sum(measure.value::float) FROM crm_productivity_fifth
                    CROSS JOIN jsonb_each_text(measures) measure WHERE %s GROUP BY 1, 2""",
                where,
            )
        ):
            found[fifth][0][measure] = value
        for fifth, measure, bucket, number in self.env.execute_query(
            SQL(
                """SELECT fifth, measure.key, bucket.key, sum(bucket.value::integer)::integer FROM crm_productivity_fifth
                    CROSS JOIN jsonb_each(histograms) measure CROSS JOIN jsonb_each_text(measure.value) bucket
                    WHERE %s GROUP BY 1, 2, 3""",
                where,
            )
        ):
            found[fifth][1][measure][bucket] = number
        return found

    @api.depends("company_id", "months", "team_id")
    @api.depends_context("lang", "uid")
    def _compute_sentence(self):
        for one in self:
            figures = one._figures()
            one.sentence = "\n".join(one._sentences(figures))
            one.ground = "\n".join(one._grounds())

    def _sentences(self, figures):
        """:return: what the figures say, as far as they say anything"""
        if not figures:
            return [
                self.env._(
                    "No calls or messages of customers are known here yet. They come by themselves when a telephone system is "
                    "connected, in the settings under Calls. Figures of a team of fewer than three people are a single "
                    "person's, and need a decision of the company."
                )
            ]
        few = self.company_id.sudo().crm_productivity_few_cases  # sudo: a threshold that is shown to everybody
        if "1" not in figures or "5" not in figures:
            return [
                self.env._(
                    "Customers cannot be put side by side by revenue: none of the smallest or none of the largest fifth "
                    "called or wrote in this period."
                )
            ]
        metrics = self.line_ids._metrics(*COMPARED)
        said = [text for code in COMPARED if (text := self._compared(metrics[code], figures["1"], figures["5"], few))]
        return said or [
            self.env._(
                "Too few cases to compare small customers with large ones: it takes %(few)s calls or messages on both sides.",
                few=few,
            )
        ]

    def _compared(self, metric, small, large, few):
        """:return: a sentence on who waits how long, None if there are too few cases"""
        cases = [int(one[0].get(metric.basis) or 0) for one in (small, large)]
        waits = [metric._value(*one) for one in (small, large)]
        if min(cases) < few or None in waits:
            return None
        ratio = waits[0] / waits[1] if waits[1] else None
        duration = self.env["crm.productivity.metric"]._duration
        values = {"small": duration(waits[0]), "large": duration(waits[1]), "few": cases[0], "many": cases[1]}
        texts = {
            ("customer_pick_up", "more"): self.env._(
                "Customers of the smallest fifth wait %(ratio)s× as long until a call is picked up as those of the largest "
                "(%(small)s and %(large)s; %(few)s and %(many)s calls).",
                ratio=ratio and formatLang(self.env, ratio, digits=1),
                **values,
            ),
            ("customer_pick_up", "less"): self.env._(
                "Calls of customers of the smallest fifth are picked up sooner than those of the largest "
                "(%(small)s and %(large)s; %(few)s and %(many)s calls).",
                **values,
            ),
            ("customer_pick_up", "same"): self.env._(
                "Calls of small customers are picked up about as fast as those of large ones "
                "(%(small)s and %(large)s; %(few)s and %(many)s calls).",
                **values,
            ),
            ("customer_response", "more"): self.env._(
                "Customers of the smallest fifth wait %(ratio)s× as long for an answer to a message as those of the largest "
                "(%(small)s and %(large)s of working time; %(few)s and %(many)s messages).",
                ratio=ratio and formatLang(self.env, ratio, digits=1),
                **values,
            ),
            ("customer_response", "less"): self.env._(
                "Messages of customers of the smallest fifth are answered sooner than those of the largest "
                "(%(small)s and %(large)s of working time; %(few)s and %(many)s messages).",
                **values,
            ),
            ("customer_response", "same"): self.env._(
                "Messages of small customers are answered about as fast as those of large ones "
                "(%(small)s and %(large)s of working time; %(few)s and %(many)s messages).",
                **values,
            ),
        }
        if ratio is None or 1 / CLEARLY < ratio < CLEARLY:
            return texts[metric.code, "same"]
        return texts[metric.code, "more" if ratio >= CLEARLY else "less"]

    def _grounds(self):
        revenue = self.env["crm.productivity.revenue"]
        # sudo: when it was worked out is no secret
        rank = self.env["crm.productivity.rank"].sudo().search([("company_id", "=", self.company_id.id)], limit=1)
        kind = revenue._sources()[revenue._used(self.company_id)]
        if not rank:
            return [
                self.env._(
                    "No customer has revenue of the last twelve months yet (%(kind)s). Customers are ranked each night.",
                    kind=kind,
                )
            ]
        return [
            self.env._(
                "Customers are put into five groups of equal number by their revenue of the last twelve months (%(kind)s), "
                "last on %(day)s. Words compare the groups from %(few)s cases on. A time is that of the middle case: half of "
                "them waited less.",
                kind=kind,
                day=format_date(self.env, rank.day),
                few=self.company_id.sudo().crm_productivity_few_cases,  # sudo: a threshold that is shown to everybody
            )
        ]


class CrmProductivityFairnessLine(models.TransientModel):
    _name = "crm.productivity.fairness.line"
    _inherit = ["crm.productivity.explained"]
    _description = "A fifth of the customers"
    _order = "id"
    _rec_name = "fifth"

    _explained_by = {
        "pick_up_s": "customer_pick_up",
        "response_s": "customer_response",
        "call_back_s": "customer_call_back",
        "called_back": "customer_called_back",
        "handle_s": "customer_handle",
    }

    fairness_id = fields.Many2one("crm.productivity.fairness", required=True, index=True, ondelete="cascade")
    fifth = fields.Selection(
        lambda self: self.env["crm.productivity.customer"]._selection_fifth(),
        "By revenue",
        required=True,
        readonly=True,
    )
    customers = fields.Integer(compute="_compute_figures", help="By revenue; those without any are not counted.")
    calls = fields.Integer(compute="_compute_figures")
    talk_s = Measured("Talk time", compute="_compute_figures", help="Empty: not measured.")
    handle_s = Measured("Handling", compute="_compute_figures", help="Talk, hold, dialling and after-call work.")
    missed = fields.Integer("Nobody answered", compute="_compute_figures")
    to_call_back = fields.Integer("To call back", compute="_compute_figures")
    called_back = fields.Integer("Called back", compute="_compute_figures")
    picked_up = fields.Integer(
        "Calls picked up", compute="_compute_figures", help="Those whose waiting time is measured."
    )
    pick_up_s = Measured("Picked up after", compute="_compute_figures", help="Half of the calls were picked up sooner.")
    call_back_s = Measured(
        "Called back after", compute="_compute_figures", help="Half of them sooner, in working time."
    )
    messages = fields.Integer(compute="_compute_figures")
    answered = fields.Integer(compute="_compute_figures")
    response_s = Measured(
        "Messages answered after", compute="_compute_figures", help="Half of them sooner, in working time."
    )
    few_calls = fields.Boolean(compute="_compute_figures")
    few_messages = fields.Boolean(compute="_compute_figures")

    @api.depends("fairness_id.months", "fairness_id.team_id", "fairness_id.company_id", "fifth")
    @api.depends_context("uid")
    def _compute_figures(self):
        for one, lines in self.grouped("fairness_id").items():
            figures = one._figures()
            numbers = one.company_id and dict(
                self.env.execute_query(
                    SQL(
                        "SELECT fifth, count(*) FROM crm_productivity_rank WHERE company_id = %s GROUP BY 1",
                        one.company_id.id,
                    )
                )
            )
            few = one.company_id.sudo().crm_productivity_few_cases  # sudo: a threshold that is shown to everybody
            metrics = self._metrics(*self._explained_by.values())
            for line in lines:
                measures, spread = figures.get(line.fifth, ({}, {}))
                line.customers = (numbers or {}).get(line.fifth, 0)
                for name in ("calls", "missed", "to_call_back", "called_back", "picked_up", "messages", "answered"):
                    line[name] = int(measures.get(name) or 0)
                line.talk_s = measures.get("talk_s")
                line.handle_s = measures.get("handle_s")
                for name in ("pick_up_s", "call_back_s", "response_s"):
                    line[name] = metrics[self._explained_by[name]]._value(measures, spread)
                line.few_calls = line.picked_up < few
                line.few_messages = line.answered < few

    def action_customers(self):
        """The customers of the fifth."""
        self.ensure_one()
        return self.fairness_id._action_customers(self.fifth)
