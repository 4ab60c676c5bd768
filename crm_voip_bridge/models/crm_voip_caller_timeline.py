from odoo import models


class CrmVoipCaller(models.AbstractModel):
    _inherit = "crm.voip.caller"

    def action_crm_voip_timeline(self):
        """All that happened with this caller, as far as the user may see it.

        An opportunity shows its own rows first; without that filter, those of its customer.
        """
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_timeline_action")
        partner, lead = self._crm_voip_customer()
        # of one company, its name beside each of its people says nothing
        context = {"partner_display_name_hide_company": True}
        if partner:
            domain = [("customer_id", "=", (partner.commercial_partner_id if lead else partner).id)]
            if lead:
                context["search_default_lead_id"] = lead.id
        else:
            domain = [("lead_id", "=", lead.id)]
        name = self.env._("Time line of %s", self.display_name)
        return {
            **action,
            "name": name,
            "display_name": name,
            "domain": domain,
            "context": context,
        }
