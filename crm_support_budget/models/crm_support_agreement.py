from odoo import api, fields, models


class CrmSupportAgreement(models.Model):
    """Which policy holds for a customer and all its contacts, from when until when."""

    _name = "crm.support.agreement"
    _inherit = ["mail.thread"]
    _description = "Support agreement"
    _order = "date_from desc, id desc"

    name = fields.Char(compute="_compute_name")
    partner_id = fields.Many2one("res.partner", "Customer", required=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    policy_id = fields.Many2one("crm.support.policy", required=True, index=True, ondelete="restrict", tracking=True)
    date_from = fields.Date("From", required=True, default=fields.Date.context_today, tracking=True)
    date_until = fields.Date("Until", tracking=True, help="The last day. Empty: it goes on.")
    suspended = fields.Boolean(tracking=True, help="Meanwhile the company's default policy holds.")
    active = fields.Boolean(default=True)

    def _compute_name(self):
        for agreement in self:
            agreement.name = f"{agreement.partner_id.name} · {agreement.policy_id.name}"

    # --- what held since when ---

    @api.model_create_multi
    def create(self, vals_list):
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
        return {}

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
