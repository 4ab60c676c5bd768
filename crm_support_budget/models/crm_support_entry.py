from odoo import fields, models


class CrmSupportEntry(models.Model):
    """The ledger of help: only appended to. A correction is an entry that takes another one back."""

    _name = "crm.support.entry"
    _description = "Support entry"
    _order = "at desc, id desc"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one("res.partner", "Customer", required=True, readonly=True, ondelete="restrict")
    contact_id = fields.Many2one("res.partner", "Contact", readonly=True, index="btree_not_null", ondelete="restrict")
    support_contact_id = fields.Many2one(
        "crm.support.contact", "What it is for", required=True, readonly=True, ondelete="restrict"
    )
    user_id = fields.Many2one("res.users", "Technician", readonly=True, index="btree_not_null", ondelete="set null")
    at = fields.Datetime("When", required=True, readonly=True, help="Of the contact; a reversal has that of its entry.")
    entered_at = fields.Datetime("Entered", required=True, readonly=True, default=fields.Datetime.now)
    minutes = fields.Float(readonly=True, help="That count; negative where an entry is taken back.")
    contacts = fields.Float(readonly=True, help="That count; negative where an entry is taken back.")
    measured_minutes = fields.Float(readonly=True, help="Before reason and policy decided what counts.")
    measured_contacts = fields.Float(readonly=True, help="Before reason and policy decided what counts.")
    estimated = fields.Boolean(readonly=True, help="The minutes are the policy's estimate for a message: never billed.")
    source = fields.Selection(related="support_contact_id.source", store=True)
    reason_id = fields.Many2one("crm.support.reason", readonly=True, index="btree_not_null", ondelete="restrict")
    request_id = fields.Many2one("crm.support.request", readonly=True, index="btree_not_null", ondelete="set null")
    counted = fields.Boolean(readonly=True)
    conditions = fields.Json(readonly=True, help="Each condition that decided, in their order.")
    explanation = fields.Char(compute="_compute_explanation", help="Why it counts, or does not.")
    reverses_id = fields.Many2one("crm.support.entry", "Takes back", readonly=True, ondelete="restrict")
    author_id = fields.Many2one("res.users", "By", readonly=True, ondelete="set null")
    why = fields.Char(readonly=True)

    _reverses_unique = models.UniqueIndex("(reverses_id) WHERE reverses_id IS NOT NULL")
    _customer_idx = models.Index("(company_id, partner_id, at)")
    _contact_idx = models.Index("(support_contact_id)")

    def _compute_explanation(self):
        for entry in self:
            entry.explanation = False
