from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError

from .crm_voip_call import QUIET
from .crm_voip_outcome import NOTES
from .measured import Measured

#: what a person may not say of a typed call: who typed it, and that it was typed
GIVEN = ("user_id", "origin", "followed")


class CrmVoipTypedCall(models.Model):
    """A call that no PBX saw, from a private mobile, say, as somebody typed it in.

    It is marked as typed for ever and is no ``crm.voip.call``: measured figures never hold it, reports show it
    apart ("12 measured + 1 typed"). Its author corrects and deletes it; what was moved in from elsewhere stays as
    it came.
    """

    _name = "crm.voip.typed.call"
    _inherit = ["mail.activity.mixin", "crm.voip.own"]
    _description = "Call that no PBX saw"
    _order = "started_at desc, id desc"
    # who created it is who called, and the rule about persons does not know those columns
    _log_access = False

    _people_fields = ("user_id",)
    _people_user = "user_id"

    partner_id = fields.Many2one("res.partner", "Contact", index="btree_not_null", ondelete="set null")
    lead_id = fields.Many2one("crm.lead", "Opportunity", index="btree_not_null", ondelete="set null")
    number = fields.Char()
    user_id = fields.Many2one(
        "res.users",
        "Person",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.user,
        ondelete="restrict",
    )
    started_at = fields.Datetime("When", required=True, default=fields.Datetime.now, index=True)
    minutes = Measured("Minutes", aggregator="sum", help="As typed. Empty: not said.")
    direction = fields.Selection([("outbound", "Outbound"), ("inbound", "Inbound")], required=True, default="outbound")
    outcome_id = fields.Many2one("crm.voip.outcome", index="btree_not_null", ondelete="restrict")
    asks = fields.Char(compute="_compute_asks")
    promised_at = fields.Date("Promised for")
    note = fields.Text()
    origin = fields.Selection(
        [
            ("typed", "Typed"),
            ("imported_typed", "Moved in, typed"),
            ("imported_browser", "Moved in, measured by a browser"),
        ],
        required=True,
        readonly=True,
        default="typed",
        help="A call that was typed stays marked as typed.",
    )
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    outcomes_on = fields.Boolean(related="company_id.crm_voip_outcomes")
    followed = fields.Json(help="What followed from the outcome, to be taken back.", groups=fields.NO_ACCESS)
    customer_label = fields.Char("Customer or number", compute="_compute_customer_label")

    _minutes = models.Constraint("CHECK (minutes >= 0)", "A call lasted no negative time.")

    @api.depends("direction", "customer_label", "started_at")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        labels = dict(self._fields["direction"]._description_selection(self.env))
        for call in self:
            call.display_name = " · ".join(filter(None, [labels.get(call.direction), call.customer_label]))

    @api.depends("partner_id", "lead_id", "number")
    def _compute_customer_label(self):
        # sudo: whoever sees the call sees the name of its customer, as with any link to a record
        for call, real in zip(self, self.sudo(), strict=True):
            lead = real.lead_id
            call.customer_label = (
                real.partner_id.name or lead.contact_name or lead.partner_name or lead.name or call.number
            )

    @api.depends("outcome_id")
    def _compute_asks(self):
        for call in self:
            call.asks = call.outcome_id._asks() if call.outcome_id else False

    @api.onchange("lead_id")
    def _onchange_lead_id(self):
        if self.lead_id.partner_id:
            self.partner_id = self.lead_id.partner_id

    # --- rights ---

    @api.model
    def _has_field_access(self, field, operation):
        if operation == "write" and not self.env.su and field.name in GIVEN:
            return False
        return super()._has_field_access(field, operation)

    @api.model_create_multi
    def create(self, vals_list):
        calls = super().create(vals_list)
        if not self.env.su:
            calls._check_typed()
        calls._follow_outcome()
        calls._write_chatter()
        return calls

    def write(self, vals):
        result = super().write(vals)
        if not self.env.su:
            # rules are asked before a write, not after: nobody moves a call where they would not see it
            self.check_access("write")
        if not vals.keys().isdisjoint(("outcome_id", "promised_at")):
            self._follow_outcome()
        if not vals.keys().isdisjoint(("outcome_id", "partner_id", "lead_id", "minutes", "direction", "started_at")):
            self._write_chatter()
        return result

    def unlink(self):
        for call in self.filtered("followed" if self.env.su else lambda one: one.sudo().followed):
            self.env["crm.voip.outcome"]._take_back(call.sudo().followed)
        return super().unlink()

    def _check_typed(self):
        for call in self:
            if not call.company_id.sudo().crm_voip_typed:
                raise UserError(
                    self.env._("Typing calls is switched off. An administrator of calls turns it on in the settings.")
                )
            if not (call.partner_id or call.lead_id or call.number):
                raise UserError(self.env._("Who was it? Choose a contact or an opportunity, or enter a number."))
            if call.outcome_id.follows in NOTES:
                raise UserError(self.env._("A note is made from the call itself."))
            if call.started_at > fields.Datetime.now():
                raise UserError(self.env._("A call that has not been yet cannot be typed in."))

    # --- outcome ---

    def _follow_outcome(self):
        """Do what follows from the outcome instead of what an earlier one did; of calls moved in, nothing does."""
        Outcome = self.env["crm.voip.outcome"]
        for call in self:
            # sudo: what followed is kept for taking it back, and shown to nobody
            real = call.sudo()
            if call.origin != "typed" or real.user_id != self.env.user:
                continue
            if real.followed:
                Outcome._take_back(real.followed)
            if call.outcome_id:
                real.followed, _text = call.outcome_id._follow(call, {"promised_at": call.promised_at})
            else:
                real.followed = False

    # --- actions ---

    def action_save(self):
        """Save with the minutes of the button, and say so.

        The minutes come as ``crm_voip_minutes`` of the context: one tap says how long and is done.
        """
        self.ensure_one()
        minutes = self.env.context.get("crm_voip_minutes")
        if minutes:
            self.minutes = minutes
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Typed: %s", self._describe()),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_open_customer(self):
        """Open the opportunity, or else the contact."""
        self.ensure_one()
        record = self.lead_id or self.partner_id
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    def _describe(self):
        """:return: the call in a few words"""
        labels = dict(self._fields["direction"]._description_selection(self.env))
        minutes = self.minutes and self.env._("%s min", f"{self.minutes:g}")
        parts = (labels[self.direction], self.customer_label, minutes, self.outcome_id.name)
        return " · ".join(filter(None, parts))

    # --- chatter ---

    def _write_chatter(self):
        """A quiet line on the opportunity, or else the contact, where the company wants lines of calls."""
        for call in self.filtered(lambda one: one.sudo().company_id.crm_voip_chatter):
            # superuser: a line about a call is by nobody, also in who created it, and seen by who may see the call
            real = call.with_user(SUPERUSER_ID).with_context(**QUIET, lang=self.env.lang)
            line = real.env["mail.message"].search([("crm_voip_typed_id", "=", call.id)], limit=1)
            vals = real._prepare_chatter_vals()
            if not vals:
                line.unlink()
            elif line:
                line.write({name: vals[name] for name in ("model", "res_id", "body", "date")})
            else:
                real.env["mail.message"].create(vals)

    def _prepare_chatter_vals(self):
        """:return: values of the call's line, None without a customer"""
        record = self.lead_id or self.partner_id
        if not record:
            return None
        author = self.env.ref("base.partner_root")
        labels = dict(self._fields["direction"]._description_selection(self.env))
        minutes = self.minutes and self.env._("%s min", f"{self.minutes:g}")
        text = " · ".join(filter(None, [labels[self.direction], self.env._("typed"), minutes, self.outcome_id.name]))
        return {
            "model": record._name,
            "res_id": record.id,
            "date": self.started_at,
            "body": Markup('<p><a href="#" data-oe-model="crm.voip.typed.call" data-oe-id="%s">%s</a></p>')
            % (self.id, text),
            "message_type": "notification",
            "subtype_id": self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_note"),
            "author_id": author.id,
            "email_from": author.email_formatted,
            "crm_voip_typed_id": self.id,
        }
