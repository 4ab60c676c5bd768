from odoo import api, fields, models


class CrmSupportRequest(models.Model):
    """What a customer wants of us, until it is done."""

    _name = "crm.support.request"
    _inherit = ["mail.thread", "mail.activity.mixin", "portal.mixin"]
    _description = "Support request"
    _order = "waiting_since, id"

    name = fields.Char("What they want", required=True)
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    contact_id = fields.Many2one("res.partner", "Contact", index=True, ondelete="restrict")
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        compute="_compute_partner_id",
        store=True,
        index=True,
        help="The company of the contact.",
    )
    topic_id = fields.Many2one("crm.support.topic", index="btree_not_null", ondelete="set null", tracking=True)
    reason_id = fields.Many2one("crm.support.reason", index="btree_not_null", ondelete="restrict", tracking=True)
    state = fields.Selection(
        [
            ("waiting", "Waits for us"),
            ("serving", "Being served"),
            ("customer", "Waits for the customer"),
            ("done", "Done"),
        ],
        required=True,
        default="waiting",
        tracking=True,
        index=True,
    )
    user_id = fields.Many2one("res.users", "Technician", index="btree_not_null", ondelete="set null")
    promised_on = fields.Date("Promised for", tracking=True)
    waiting_since = fields.Datetime(readonly=True, default=fields.Datetime.now)
    done_at = fields.Datetime("Done at", readonly=True)
    contact_ids = fields.One2many("crm.support.contact", "request_id", "Contacts")

    @api.depends("contact_id.commercial_partner_id")
    def _compute_partner_id(self):
        for request in self:
            request.partner_id = request.contact_id.commercial_partner_id
