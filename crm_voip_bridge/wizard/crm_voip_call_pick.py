from odoo import api, fields, models


class CrmVoipCallPick(models.TransientModel):
    """Asks who the other side of a call was; the answer is an entry in its PBX record."""

    _name = "crm.voip.call.pick"
    _description = "Who was it?"

    call_id = fields.Many2one("crm.voip.call", required=True, readonly=True, ondelete="cascade")
    # not by way of superuser mode: whoever may not see the call sees nothing of it here, either
    outside_number = fields.Char(related="call_id.outside_number", related_sudo=False)
    outside_e164 = fields.Char(related="call_id.outside_e164", related_sudo=False)
    name_shown = fields.Char(related="call_id.name", related_sudo=False)
    candidate_partner_ids = fields.Many2many(related="call_id.candidate_partner_ids", related_sudo=False)
    candidate_lead_ids = fields.Many2many(related="call_id.candidate_lead_ids", related_sudo=False)
    partner_id = fields.Many2one("res.partner", "Contact")
    lead_id = fields.Many2one(
        "crm.lead", "Opportunity", compute="_compute_lead_id", store=True, readonly=False, precompute=True
    )
    remember = fields.Boolean(
        "Remember this number",
        help="From now on, calls of this number are this customer's. Earlier calls stay as they are.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        picks = super().create(vals_list)
        picks.call_id.check_access("read")
        return picks

    def write(self, vals):
        result = super().write(vals)
        self.call_id.check_access("read")
        return result

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        call = self.env["crm.voip.call"].browse(values.get("call_id"))
        if call and "partner_id" in fields:
            values["partner_id"] = call.partner_id.id
        if call and "lead_id" in fields:
            values["lead_id"] = call.lead_id.id
        return values

    @api.depends("partner_id")
    def _compute_lead_id(self):
        for pick in self:
            # an opportunity of somebody else does not stay when the contact changes
            own = pick.lead_id.partner_id.commercial_partner_id
            if own and pick.partner_id and own != pick.partner_id.commercial_partner_id:
                pick.lead_id = False
            else:
                pick.lead_id = pick.lead_id

    def action_choose(self):
        """This is who it was."""
        self.ensure_one()
        self.call_id.action_pick(self.partner_id.id, self.lead_id.id, self.remember and bool(self.outside_e164))
        return {"type": "ir.actions.act_window_close"}

    def action_nobody(self):
        """None of them: the call stays in every total, without a customer."""
        self.ensure_one()
        self.call_id.action_pick()
        return {"type": "ir.actions.act_window_close"}
