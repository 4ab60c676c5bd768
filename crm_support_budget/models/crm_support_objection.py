from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmSupportObjection(models.Model):
    """A customer says of an entry that it was our defect; a supervisor accepts it, or says why not."""

    _name = "crm.support.objection"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Objection"
    _order = "create_date desc, id desc"

    entry_id = fields.Many2one("crm.support.entry", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(related="entry_id.company_id", store=True, index=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index=True, ondelete="restrict")
    by_id = fields.Many2one("res.partner", "Said by", readonly=True, index=True, ondelete="restrict")
    text = fields.Text("What they say", required=True, readonly=True)
    state = fields.Selection(
        [("open", "To decide"), ("accepted", "Accepted"), ("declined", "Declined")],
        required=True,
        readonly=True,
        default="open",
        tracking=True,
    )
    answer = fields.Text(help="The customer reads it.")
    entry_at = fields.Datetime(related="entry_id.at", string="When it was")
    entry_minutes = fields.Float(related="entry_id.minutes", string="Counted (min)")
    entry_explanation = fields.Char(related="entry_id.explanation", string="Why it counts")
    request_id = fields.Many2one(related="entry_id.request_id")
    would_take_back = fields.Char(compute="_compute_would_take_back", help="What accepting does to the ledger.")

    @api.depends("partner_id")
    def _compute_display_name(self):
        for one in self:
            # sudo: whoever reads it reads whose it is
            one.display_name = self.env._("Objection of %s", one.sudo().partner_id.name)

    @api.depends("entry_id", "state")
    @api.depends_context("lang")
    def _compute_would_take_back(self):
        Entry = self.env["crm.support.entry"]
        for one in self:
            contact = one.entry_id.support_contact_id
            # sudo: what would be taken back does not depend on who decides
            contacts = contact.sudo().request_id.contact_ids or contact.sudo()
            standing = [entry for entry in Entry.sudo()._standing(contacts).values() if entry.counted]
            minutes = round(sum(entry.minutes for entry in standing))
            if len(standing) > 1:
                one.would_take_back = self.env._(
                    "If it was our defect, %(minutes)s minutes are taken back: all %(entries)s entries of the request.",
                    minutes=minutes,
                    entries=len(standing),
                )
            else:
                one.would_take_back = self.env._("If it was our defect, %s minutes are taken back.", minutes)

    @api.model
    def _object(self, entry, text):
        """A person of the customer objects to an entry; supervisors are told.

        :param entry: one that the present user may read
        """
        entry.check_access("read")
        if not self._may_object(entry):
            raise UserError(self.env._("This entry does not count: there is nothing to object to."))
        if not (text or "").strip():
            raise UserError(self.env._("Say what went wrong."))
        # sudo: whoever reads an entry may object to it, and does so here alone
        Objection = self.sudo()
        if Objection.search_count([("entry_id", "=", entry.id), ("state", "=", "open")], limit=1):
            raise UserError(self.env._("An objection to this entry is being looked at already."))
        made = Objection.create(
            {
                "entry_id": entry.id,
                "partner_id": entry.sudo().partner_id.id,
                "by_id": self.env.user.partner_id.id,
                "text": text.strip()[:2000],
            }
        )
        made.company_id._crm_support_ask_supervisors(made)
        return made

    @api.model
    def _may_object(self, entry):
        """:return: whether there is anything to object to: it counts, and nobody has taken it back"""
        return bool(entry.counted and not entry.reverses_id and not entry.reversed)

    def action_accept(self):
        """It was our defect: what was entered is taken back."""
        self._decide("accepted")
        for one in self:
            contact = one.entry_id.support_contact_id
            reason = self.env.ref("crm_support_budget.reason_own_defect")
            # sudo: the ledger follows from what a supervisor decided
            (contact.sudo().request_id or contact.sudo()).write({"reason_id": reason.id})
            contact.sudo()._settle(self.env._("An objection was accepted: our own defect"))

    def action_decline(self):
        """It stays as it is, and the customer reads why."""
        if any(not (one.answer or "").strip() for one in self):
            raise UserError(self.env._("Write an answer: the customer reads it."))
        self._decide("declined")

    def _decide(self, state):
        if not self.env.user.has_group("crm_support_budget.group_supervisor"):
            raise UserError(self.env._("That is decided by a supervisor."))
        if any(one.state != "open" for one in self):
            raise UserError(self.env._("This was decided already."))
        self.sudo().write({"state": state})  # sudo: decided here alone
        self.activity_ids.action_feedback()
