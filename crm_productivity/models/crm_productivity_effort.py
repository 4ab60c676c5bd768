from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import SQL

from .crm_productivity_customer_stale import NOBODY


class CrmProductivityEffort(models.Model):
    """What an opportunity cost: calls, talk, handling, messages; and what it brought.

    Empty is not measured: no telephone system saw a call of it. Kept as a whole row, reckoned anew when the
    opportunity, a call or a message of it changes.
    """

    _name = "crm.productivity.effort"
    _inherit = ["crm.voip.own", "crm.productivity.total"]
    _description = "Effort for an opportunity"
    _order = "talk_s desc nulls last, id desc"
    _rec_name = "lead_id"
    _log_access = False

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "looked_at"
    _people_teams = "team_id"

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    lead_id = fields.Many2one("crm.lead", "Opportunity", required=True, index=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Contact", index="btree_not_null", ondelete="set null")
    stage_id = fields.Many2one("crm.stage", index=True, ondelete="set null")
    team_id = fields.Many2one("crm.team", "Sales team", index=True, ondelete="set null")
    user_id = fields.Many2one("res.users", "Salesperson", index=True, ondelete="set null")
    kind = fields.Selection([("lead", "Lead"), ("opportunity", "Opportunity")], required=True)
    state = fields.Selection(
        [("pending", "Open"), ("won", "Won"), ("lost", "Lost or archived")],
        "Won or lost",
        required=True,
        default="pending",
    )
    looked_at = fields.Datetime("Created or closed", required=True)
    calls = fields.Integer(help="Calls about it in both directions, also those without an answer.")
    messages = fields.Integer("Messages received")
    measured = fields.Integer(help="1: at least a call with talk time is known.", aggregator="sum")
    talk_s = Measured("Talk time (s)", aggregator="sum", help="Empty: not measured.")
    handle_s = Measured("Handling (s)", aggregator="sum", help="Talk, hold, dialling and after-call work.")
    amount = fields.Monetary(
        "Brought", currency_field="currency_id", help="What was invoiced for it, or the amount for which it was won."
    )

    _outside_idx = models.Index("(company_id, user_id) WHERE team_id IS NULL")
    _looked_idx = models.Index("(company_id, looked_at, team_id) WHERE kind = 'opportunity'")

    @api.model
    def _reckon(self, model, ids):
        """Replace what is known of some opportunities."""
        self.env.flush_all()
        before = dict(
            self.env.execute_query(
                SQL(
                    "DELETE FROM crm_productivity_effort WHERE lead_id = ANY(%s) RETURNING lead_id, partner_id",
                    list(ids),
                )
            )
        )
        after = dict(self.env.execute_query(self._insert(list(ids))))
        self.invalidate_model()
        moved = {
            partner_id or NOBODY
            for lead_id in before.keys() & after.keys()
            if before[lead_id] != after[lead_id]
            for partner_id in (before[lead_id], after[lead_id])
        }
        if moved:
            self._follow_customers(moved, [one for one in before if before.get(one) != after.get(one)])

    def _follow_customers(self, partners, lead_ids):
        """What was written on opportunities is another customer's from now on, whenever it was."""
        Stale = self.env["crm.productivity.customer.stale"]
        marks = {(None, partner, None) for partner in partners if partner != NOBODY}
        if NOBODY in partners:
            marks |= {
                (company_id, NOBODY, since)
                for company_id, since in self.env.execute_query(
                    SQL(
                        """SELECT company_id, since FROM crm_productivity_turn
                            WHERE res_model = 'crm.lead' AND res_id = ANY(%s)""",
                        lead_ids,
                    )
                )
            }
        Stale._mark(marks)
        Stale._write_marks()

    @api.model
    def _reckon_of_invoices(self, model, ids):
        """:param ids: of invoices that changed"""
        lead = self.env["crm.productivity.revenue"]._lead_of_invoice()
        rows = self.env.execute_query(SQL("SELECT %s FROM account_move move WHERE move.id = ANY(%s)", lead, list(ids)))
        leads = sorted({lead_id for (lead_id,) in rows if lead_id})
        if leads:
            self._reckon(model, leads)

    def _insert(self, ids):
        facts = self.env["crm.productivity.customer.facts"]
        return SQL(
            """INSERT INTO crm_productivity_effort
                      (company_id, lead_id, partner_id, stage_id, team_id, user_id, kind, state, looked_at, calls, messages,
                       measured, talk_s, handle_s, amount)
               SELECT COALESCE(lead.company_id, person.company_id), lead.id, lead.partner_id, lead.stage_id, lead.team_id,
                      lead.user_id, COALESCE(lead.type, 'lead'),
                      CASE WHEN lead.won_status = 'won' THEN 'won' WHEN lead.active THEN 'pending' ELSE 'lost' END,
                      CASE WHEN lead.won_status = 'won' OR NOT lead.active THEN COALESCE(lead.date_closed, lead.create_date)
                           ELSE lead.create_date END,
                      talk.calls, letters.messages, CASE WHEN talk.talk_s IS NOT NULL THEN 1 ELSE 0 END, talk.talk_s,
                      talk.handle_s, CASE WHEN lead.won_status = 'won' THEN %(amount)s ELSE 0 END
                 FROM crm_lead lead
                 LEFT JOIN res_users person ON person.id = lead.user_id
                CROSS JOIN LATERAL (
                     SELECT count(*) AS calls, sum(CASE WHEN record.disposition = 'answered' THEN record.talk_s END) AS talk_s,
                            sum(%(handle)s) AS handle_s
                       FROM crm_voip_call record
                       LEFT JOIN LATERAL (SELECT sum(after.after_call_s) AS after_call_s FROM crm_voip_wrapup after
                                           WHERE after.call_id = record.id AND record.disposition = 'answered') wrapup ON TRUE
                      WHERE record.lead_id = lead.id AND record.direction != 'internal'
                        AND record.disposition != 'in_progress') talk
                CROSS JOIN LATERAL (
                     SELECT count(*) AS messages FROM crm_productivity_turn turn
                      WHERE turn.res_model = 'crm.lead' AND turn.res_id = lead.id AND turn.known) letters
                WHERE lead.id = ANY(%(ids)s) AND COALESCE(lead.company_id, person.company_id) IS NOT NULL
                  AND lead.create_date IS NOT NULL
            RETURNING lead_id, partner_id""",
            handle=facts._handle_s(),
            amount=self.env["crm.productivity.revenue"]._amount_of_lead(),
            ids=ids,
        )


class CrmProductivityTouched(models.Model):
    _inherit = "crm.productivity.touched"

    @api.model
    def _followers(self, model):
        followers = super()._followers(model)
        if model == "crm.lead":
            followers += [self.env["crm.productivity.stay"]._reckon, self.env["crm.productivity.effort"]._reckon]
        elif model == "crm.productivity.effort":
            # a call or a message of an opportunity: its id, and nothing else of it changed
            followers.append(self.env["crm.productivity.effort"]._reckon)
        elif model == "crm.productivity.revenue":
            followers.append(self.env["crm.productivity.effort"]._reckon_of_invoices)
        return followers
