from odoo import api, fields, models
from odoo.fields import Domain


class ResPartner(models.Model):
    """A customer's meter, on the contact and in the list of all meters."""

    _inherit = "res.partner"

    crm_support_colour = fields.Selection(
        [("green", "Enough left"), ("yellow", "Little left"), ("red", "Used up")],
        "Support meter",
        compute="_compute_crm_support",
        search="_search_crm_support_colour",
        groups="crm_support_budget.group_technician",
    )
    crm_support_contact_ids = fields.One2many(
        "crm.support.contact", "partner_id", "Help that they had", groups="crm_support_budget.group_technician"
    )
    crm_support_left = fields.Char(
        "Support left", compute="_compute_crm_support", groups="crm_support_budget.group_technician"
    )
    crm_support_green_at = fields.Datetime(
        "Support left again on", compute="_compute_crm_support", groups="crm_support_budget.group_technician"
    )
    crm_support_today = fields.Char(
        "Support today",
        compute="_compute_crm_support",
        help="Minutes and contacts, the running call included.",
        groups="crm_support_budget.group_technician",
    )

    @api.depends_context("company", "lang")
    def _compute_crm_support(self):
        company, customers = self.env.company, self.commercial_partner_id.filtered("id")
        Meter = self.env["crm.support.meter"]
        readings = Meter._of(customers, company)
        for partner in self:
            reading = readings.get(partner.commercial_partner_id.id)
            partner.crm_support_colour = reading and reading.colour
            partner.crm_support_left = reading and Meter._left_in_words(reading)
            partner.crm_support_green_at = reading and reading.green_at
            partner.crm_support_today = reading and Meter._today_in_words(reading)

    def _search_crm_support_colour(self, operator, value):
        if operator != "in":
            return NotImplemented
        # those with a history, which are the ones whose meter is not simply full
        found = self.env["crm.support.contact"]._read_group([("company_id", "=", self.env.company.id)], ["partner_id"])
        customers = self.browse([customer.id for (customer,) in found if customer])
        readings = self.env["crm.support.meter"]._of(customers, self.env.company)
        return Domain(
            "commercial_partner_id", "in", [one for one, reading in readings.items() if reading.colour in value]
        )

    def action_crm_support(self):
        """The customer's ledger."""
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_support_budget.crm_support_entry_action")
        return {**action, "domain": [("partner_id", "=", self.commercial_partner_id.id)]}
