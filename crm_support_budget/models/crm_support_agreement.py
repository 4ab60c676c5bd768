from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from .crm_support_terms import REMEMBERED


class CrmSupportAgreement(models.Model):
    """Which policy holds for a customer and all its contacts, from when until when."""

    _name = "crm.support.agreement"
    _inherit = ["mail.thread"]
    _description = "Support agreement"
    _order = "date_from desc, id desc"

    partner_id = fields.Many2one("res.partner", "Customer", required=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    policy_id = fields.Many2one("crm.support.policy", required=True, index=True, ondelete="restrict", tracking=True)
    date_from = fields.Date("From", required=True, default=fields.Date.context_today, tracking=True)
    date_until = fields.Date("Until", tracking=True, help="The last day. Empty: it goes on.")
    suspended = fields.Boolean(tracking=True, help="Meanwhile the company's default policy holds.")
    active = fields.Boolean(default=True)
    own_minutes = fields.Float("Minutes instead", tracking=True, help="0: as the policy says.")
    own_contacts = fields.Float("Contacts instead", tracking=True, help="0: as the policy says.")
    own_priority = fields.Float("Priority instead", tracking=True, help="0: as the policy says.")
    words = fields.Text("In words", compute="_compute_words")
    colour = fields.Selection(
        [("green", "Enough left"), ("yellow", "Little left"), ("red", "Used up")], "Meter", compute="_compute_meter"
    )
    left = fields.Char(compute="_compute_meter", help="What is left now, or by how much it is over.")
    green_at = fields.Datetime("Some left again on", compute="_compute_meter")
    today = fields.Char(compute="_compute_meter", help="Minutes and contacts today, the running call included.")

    _not_negative = models.Constraint(
        "CHECK (least(own_minutes, own_contacts, own_priority) >= 0)", "An agreement gives nothing negative."
    )
    _in_order = models.Constraint("CHECK (date_until >= date_from)", "It ends before it begins.")

    @api.depends("partner_id", "policy_id")
    def _compute_display_name(self):
        for agreement in self:
            agreement.display_name = " · ".join(filter(None, [agreement.partner_id.name, agreement.policy_id.name]))

    @api.depends("policy_id", "own_minutes", "own_contacts", "own_priority")
    @api.depends_context("lang")
    def _compute_words(self):
        Policy = self.env["crm.support.policy"]
        for agreement in self:
            policy = agreement.policy_id
            said = policy and {**{name: policy[name] for name in REMEMBERED}, **agreement._own()}
            agreement.words = " ".join(Policy._words(said)) if said else False

    def _compute_meter(self):
        readings = {}
        for company, some in self.grouped("company_id").items():
            readings[company] = self.env["crm.support.meter"]._of(some.partner_id, company) if company else {}
        for agreement in self:
            reading = readings[agreement.company_id].get(agreement.partner_id.id)
            agreement.colour = reading and reading.colour
            agreement.green_at = reading and reading.green_at
            agreement.left = reading and self.env["crm.support.meter"]._left_in_words(reading)
            agreement.today = reading and self.env["crm.support.meter"]._today_in_words(reading)

    @api.constrains("partner_id", "company_id", "date_from", "date_until", "active")
    def _check_overlap(self):
        for agreement in self.filtered("active"):
            others = self.search(
                [
                    ("partner_id", "=", agreement.partner_id.id),
                    ("company_id", "=", agreement.company_id.id),
                    ("id", "!=", agreement.id),
                    ("date_from", "<=", agreement.date_until or date.max),
                    "|",
                    ("date_until", "=", False),
                    ("date_until", ">=", agreement.date_from),
                ],
                limit=1,
            )
            if others:
                raise ValidationError(
                    self.env._(
                        "%(customer)s has an agreement from %(since)s already: end it the day before the new one begins.",
                        customer=agreement.partner_id.name,
                        since=format_date(self.env, others.date_from),
                    )
                )

    @api.onchange("partner_id")
    def _onchange_partner_id(self):
        self.partner_id = self.partner_id.commercial_partner_id

    # --- what held since when ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            # an agreement is with the company, whoever of it was chosen
            partner = self.env["res.partner"].browse(vals.get("partner_id"))
            vals["partner_id"] = partner.commercial_partner_id.id
        agreements = super().create(vals_list)
        agreements._remember()
        agreements._meters_changed(agreements._spans())
        return agreements

    def write(self, vals):
        before = self._spans()
        done = super().write(vals)
        self._remember()
        if {"partner_id", "company_id", "date_from", "date_until", "active"} & vals.keys():
            self._meters_changed(before | self._spans())
        return done

    def unlink(self):
        before = self._spans()
        done = super().unlink()
        self._meters_changed(before)
        return done

    def _remember(self):
        self.env["crm.support.terms"]._remember("agreement_id", {one.id: one._said() for one in self})

    def _said(self):
        """:return: what is remembered of the agreement, besides its dates"""
        return {"policy": self.policy_id.id, "suspended": self.suspended, "own": self._own()}

    def _own(self):
        """:return: what the agreement changes of its policy, ``{name: value}``"""
        own = {"minutes": self.own_minutes, "contacts": self.own_contacts, "priority": self.own_priority}
        return {name: value for name, value in own.items() if value}

    def _spans(self):
        """:return: whose meters hang on the agreements, and since when"""
        return {
            (one.company_id, one.partner_id, one.company_id._crm_voip_bounds(one.date_from, one.date_from)[0])
            for one in self
        }

    @api.model
    def _meters_changed(self, spans):
        for company, customer, since in spans:
            self.env["crm.support.meter"]._stale(customer, company, since)
