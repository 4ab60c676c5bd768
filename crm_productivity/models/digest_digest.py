from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.exceptions import AccessError
from odoo.fields import Domain

#: numbers of the digest: name of the field → code of the metric; one's own, and totals of whoever may see them
OWN = {
    "kpi_crm_productivity_my_calls": "calls_made",
    "kpi_crm_productivity_my_conversations": "conversations",
    "kpi_crm_productivity_my_replies": "reply_rate",
    "kpi_crm_productivity_my_won": "won_amount",
}
TOTALS = {
    "kpi_crm_productivity_conversations": "conversations",
    "kpi_crm_productivity_taken": "team_taken",
    "kpi_crm_productivity_reached": "reached",
    "kpi_crm_productivity_replies": "reply_rate",
}


class DigestDigest(models.Model):
    """Numbers in Odoo's own digest, of whole days up to yesterday: each reader's own, and totals for those who may see them."""

    _inherit = "digest.digest"

    kpi_crm_productivity_my_calls = fields.Boolean("My calls made")
    kpi_crm_productivity_my_calls_value = Measured(compute="_compute_kpi_crm_productivity_own")
    kpi_crm_productivity_my_conversations = fields.Boolean("My conversations")
    kpi_crm_productivity_my_conversations_value = Measured(compute="_compute_kpi_crm_productivity_own")
    kpi_crm_productivity_my_replies = fields.Boolean("My messages answered")
    kpi_crm_productivity_my_replies_value = Measured(compute="_compute_kpi_crm_productivity_own")
    kpi_crm_productivity_my_won = fields.Boolean("My amount won")
    kpi_crm_productivity_my_won_value = Measured(compute="_compute_kpi_crm_productivity_own")
    kpi_crm_productivity_conversations = fields.Boolean("Conversations of the teams")
    kpi_crm_productivity_conversations_value = Measured(compute="_compute_kpi_crm_productivity_totals")
    kpi_crm_productivity_taken = fields.Boolean("Calls taken")
    kpi_crm_productivity_taken_value = Measured(compute="_compute_kpi_crm_productivity_totals")
    kpi_crm_productivity_reached = fields.Boolean("Reached of called")
    kpi_crm_productivity_reached_value = Measured(compute="_compute_kpi_crm_productivity_totals")
    kpi_crm_productivity_replies = fields.Boolean("Messages answered")
    kpi_crm_productivity_replies_value = Measured(compute="_compute_kpi_crm_productivity_totals")

    @api.depends_context("uid", "company", "start_datetime", "end_datetime")
    def _compute_kpi_crm_productivity_own(self):
        for digest in self:
            company = digest.company_id or self.env.company
            day = self.env["crm.productivity.day"].with_context(allowed_company_ids=company.ids)
            own = Domain("user_id", "=", self.env.uid) & Domain("company_id", "=", company.id)
            digest._crm_productivity_put(OWN, day, own)

    @api.depends_context("uid", "company", "start_datetime", "end_datetime")
    def _compute_kpi_crm_productivity_totals(self):
        printed = self.env["crm.productivity.printed"]
        for digest in self:
            company = digest.company_id or self.env.company
            if not printed._may_see_totals(company):
                # core leaves the number out of this reader's digest
                raise AccessError(self.env._("Totals are for whoever leads a team, or may see all calls."))
            day, domain = printed._scope(company, *digest._crm_productivity_days())
            digest._crm_productivity_put(TOTALS, day, domain)

    def _crm_productivity_put(self, codes, day, domain):
        first, last = self._crm_productivity_days()
        [total] = self.env["crm.productivity.printed"]._totals_of(day, domain, [(first, last)])
        for name, code in codes.items():
            metric = self.env["crm.productivity.metric"]._of_code(code, last)
            self[f"{name}_value"] = metric._value(*total) if metric else None

    def _crm_productivity_days(self):
        """:return: first and last whole day of the time that the digest asks for"""
        now = fields.Datetime.now()
        start = fields.Date.to_date(self.env.context.get("start_datetime") or now - timedelta(days=1))
        end = fields.Date.to_date(self.env.context.get("end_datetime") or now)
        last = end - timedelta(days=1)
        return min(start, last), last

    def _compute_kpis(self, company, user):
        """What was not measured is said to be so; core would print 0."""
        kpis = super()._compute_kpis(company, user)
        ours = {**OWN, **TOTALS}
        for place, (_name, (this, earlier)) in enumerate(self._compute_timeframes(company)):
            digest, before = (
                self.with_context(start_datetime=start, end_datetime=end).with_user(user).with_company(company)
                for start, end in (this, earlier)
            )
            for kpi in kpis:
                name = kpi["kpi_name"]
                if name not in ours:
                    continue
                value, was = digest[f"{name}_value"], before[f"{name}_value"]
                metric = digest.env["crm.productivity.metric"]._of_code(ours[name], digest._crm_productivity_days()[1])
                shown = metric._shown(None if value is False else value, (self.company_id or company).currency_id)
                kpi[f"kpi_col{place + 1}"].update(value=shown, margin=self._get_margin_value(value or 0.0, was or 0.0))
        return kpis

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref("crm.crm_menu_root").id
        actions.update(dict.fromkeys(OWN, f"crm_productivity.crm_productivity_tile_action?menu_id={menu}"))
        actions.update(dict.fromkeys(TOTALS, f"crm_productivity.crm_productivity_team_action?menu_id={menu}"))
        return actions
