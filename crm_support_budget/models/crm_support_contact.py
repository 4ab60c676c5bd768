from odoo import fields, models

from odoo.addons.crm_voip_bridge.models.measured import Measured


class CrmSupportContact(models.Model):
    """One time that we helped a customer: a call, a message, a chat, a line of a timesheet, or by hand.

    It says what was measured, and what people said about it (reason, request). What it costs the customer is in the
    ledger (``crm.support.entry``), and follows from it.
    """

    _name = "crm.support.contact"
    _description = "Support contact"
    _order = "at desc, id desc"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    source = fields.Selection(
        [
            ("call", "Call"),
            ("message", "Message"),
            ("chat", "Live chat"),
            ("timesheet", "Timesheet"),
            ("hand", "By hand"),
        ],
        required=True,
        readonly=True,
    )
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", readonly=True)
    contact_id = fields.Many2one("res.partner", "Contact", readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index=True, ondelete="restrict")
    user_id = fields.Many2one("res.users", "Technician", readonly=True, index="btree_not_null", ondelete="set null")
    at = fields.Datetime("When", required=True, readonly=True)
    minutes = Measured(readonly=True, help="Talked, or worked. Empty: not measured.", aggregator="sum")
    rule_id = fields.Many2one("crm.support.rule", "Decided by", readonly=True, ondelete="set null")
    request_id = fields.Many2one("crm.support.request", index="btree_not_null", ondelete="set null")
    reason_id = fields.Many2one("crm.support.reason", index="btree_not_null", ondelete="restrict")
    topic_id = fields.Many2one(related="request_id.topic_id")
    entry_ids = fields.One2many("crm.support.entry", "support_contact_id", "Entries")

    _source_unique = models.UniqueIndex("(res_model, res_id) WHERE res_id IS NOT NULL")
