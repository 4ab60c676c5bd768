from odoo import api, fields, models


class CrmSupportSay(models.TransientModel):
    """What people say about help: what it was about, that it is taken back, or that it was given."""

    _name = "crm.support.say"
    _description = "What was it about?"

    kind = fields.Selection(
        [("say", "Reason"), ("waive", "Take back"), ("hand", "By hand")], required=True, readonly=True
    )
    contact_ids = fields.Many2many("crm.support.contact", readonly=True)
    partner_id = fields.Many2one("res.partner", "Who was helped")
    minutes = fields.Float(default=10)
    reason_id = fields.Many2one(
        "crm.support.reason", "What was it about?", compute="_compute_reason_id", readonly=False, store=True
    )
    request_id = fields.Many2one("crm.support.request", domain="[('state', '!=', 'done')]")
    why = fields.Char("In words")

    @api.depends("contact_ids")
    def _compute_reason_id(self):
        for one in self:
            first = one.contact_ids[:1]
            one.reason_id = (first.reason_id or first._proposed_reason()) if first else False

    def action_save(self):
        """Do what was chosen."""
        self.ensure_one()
        match self.kind:
            case "say":
                self.contact_ids._say(self.reason_id, self.request_id or None)
            case "waive":
                self.contact_ids._waive(self.why)
            case "hand":
                self.env["crm.support.contact"]._by_hand(
                    self.partner_id, self.minutes, self.why, reason=self.reason_id, request=self.request_id
                )
        return {"type": "ir.actions.act_window_close"}


class CrmSupportContact(models.Model):
    _inherit = "crm.support.contact"

    def action_say(self):
        """Ask what it was about."""
        return self._ask("say", self.env._("What was it about?"))

    def action_waive(self):
        """Ask why it is taken back."""
        return self._ask("waive", self.env._("Take back"))

    @api.model
    def action_by_hand(self):
        """Ask for help that no machine recorded."""
        return self.browse()._ask("hand", self.env._("Enter help by hand"))

    def _ask(self, kind, title):
        made = self.env["crm.support.say"].create({"kind": kind, "contact_ids": self.ids})
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": made._name,
            "res_id": made.id,
            "views": [(False, "form")],
            "target": "new",
        }
