from odoo import api, fields, models


class CrmVoipCaller(models.AbstractModel):
    """Typed calls with a contact or an opportunity, counted apart from measured ones."""

    _inherit = "crm.voip.caller"

    crm_voip_typed_count = fields.Integer("Typed Calls", compute="_compute_crm_voip_typed_count")
    crm_voip_typed_on = fields.Boolean("Calls Can Be Typed", compute="_compute_crm_voip_typed_on")

    @api.depends_context("uid", "company")
    def _compute_crm_voip_typed_count(self):
        Typed = self.env["crm.voip.typed.call"]
        self.crm_voip_typed_count = 0
        if not Typed.has_access("read"):
            return
        link = self._crm_voip_call_link()
        own = set(self.ids)
        for caller, count in Typed._read_group(self._crm_voip_calls_domain(), [link], ["__count"]):
            for counted in caller._crm_voip_counts_for():
                if counted.id in own:
                    counted.crm_voip_typed_count += count

    @api.depends_context("uid", "company")
    def _compute_crm_voip_typed_on(self):
        # sudo: what the company switched on shows on everybody's screen
        on = self.env["crm.voip.typed.call"].has_access("create") and self.env.company.sudo().crm_voip_typed
        self.crm_voip_typed_on = on

    def action_crm_voip_typed(self):
        """Ask how long a call took that no PBX saw; who it was with is known."""
        self.ensure_one()
        partner, lead = self._crm_voip_customer()
        view = self.env.ref("crm_voip_bridge.crm_voip_typed_call_view_form_quick")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("I called"),
            "res_model": "crm.voip.typed.call",
            "views": [(view.id, "form")],
            "target": "new",
            "context": {
                "default_partner_id": partner.id,
                "default_lead_id": lead.id,
                "default_number": self.phone,
                "default_company_id": self.env.company.id,
            },
        }

    def action_crm_voip_typed_calls(self):
        """The typed calls with this caller, as far as the user may see them."""
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_typed_call_action")
        return {**action, "domain": self._crm_voip_calls_domain(), "context": {}}
