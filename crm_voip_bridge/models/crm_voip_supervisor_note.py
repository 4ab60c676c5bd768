from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

#: longest text of a fact or a step
LONGEST_FACT = 4_000
#: what whoever leads decides, and may write; all else of a note stays as it was noted
STEP_FIELDS = {"step", "step_text", "step_date", "contact_user_id"}


class CrmVoipSupervisorNote(models.Model):
    """A factual note about unacceptable contact, or a thank-you for a pleasant one.

    Made with one key on the call card. Seen by its author, the leader of the author's team and the
    administrators of calls; it expires and is then deleted. What was agreed to do about it is chosen by hand, and
    shows on the customer's next call. The person concerned gets it in an access request
    (:meth:`ResPartner._crm_voip_notes_about`), so it says what was said, and nothing that one would not say to them.
    """

    _name = "crm.voip.supervisor.note"
    _inherit = ["crm.voip.own"]
    _description = "Supervisor note"
    _order = "date desc, id desc"
    _rec_name = "kind"
    # who created it is who noted it, and the rule about persons does not know those columns
    _log_access = False

    _people_fields = ("author_id",)
    _people_user = "author_id"
    _people_time = "date"

    kind = fields.Selection(
        [
            ("insult", "Insult"),
            ("harassment", "Harassment"),
            ("advances", "Private advances"),
            ("other", "Other"),
            ("pleasure", "A pleasure"),
        ],
        required=True,
        readonly=True,
    )
    fact = fields.Text("What was said", readonly=True, help="Factual: who said what. The customer may ask to read it.")
    author_id = fields.Many2one("res.users", "Noted by", required=True, readonly=True, index=True, ondelete="cascade")
    date = fields.Datetime("When", required=True, readonly=True)
    expires_on = fields.Date("Deleted on", required=True, readonly=True, index=True)
    call_id = fields.Many2one("crm.voip.call", readonly=True, index="btree_not_null", ondelete="set null")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index="btree_not_null", ondelete="set null")
    lead_id = fields.Many2one("crm.lead", "Opportunity", readonly=True, index="btree_not_null", ondelete="set null")
    number = fields.Char(readonly=True, index="btree_not_null", help="In international form.")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    step = fields.Selection(
        [
            ("none", "None yet"),
            ("talk", "A talk"),
            ("contact", "A fixed contact person"),
            ("notice", "A written notice"),
        ],
        "Agreed step",
        required=True,
        default="none",
    )
    step_text = fields.Text("Agreed", help="Shown on the next call of this customer to whoever takes it.")
    step_date = fields.Date("Agreed on")
    contact_user_id = fields.Many2one("res.users", "Contact person", domain=[("share", "=", False)])
    may_agree = fields.Boolean(compute="_compute_may_agree")

    @api.depends("kind", "date", "partner_id")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for note in self:
            day = fields.Datetime.context_timestamp(note, note.date).date() if note.date else None
            when = day and day.strftime(self.env["res.lang"]._get_data(code=self.env.user.lang).date_format)
            note.display_name = " · ".join(filter(None, [kinds.get(note.kind), when]))

    @api.depends_context("uid")
    def _compute_may_agree(self):
        for note in self:
            note.may_agree = bool(note.id) and note.has_access("write")

    # --- rights ---

    def write(self, vals):
        if not self.env.su and not vals.keys() <= STEP_FIELDS:
            raise AccessError(self.env._("A note stays as it was noted. What was agreed about it can be added."))
        if "step" in vals and "step_date" not in vals and vals["step"] != "none":
            vals = {**vals, "step_date": fields.Date.context_today(self)}
        return super().write(vals)

    # --- making and taking back ---

    @api.model
    def _make(self, call, kind, fact):
        """A note of the present user about a call that they may see.

        :param kind: of the selection
        :param fact: what was said; needed of all but a pleasure
        """
        if kind not in self._fields["kind"].get_values(self.env):
            raise UserError(self.env._("“%s” is no kind of note.", kind))
        fact = (fact or "").replace("\x00", "").strip()[:LONGEST_FACT]
        if not fact and kind != "pleasure":
            raise UserError(self.env._("Say in a few words what was said. The customer may ask to read it."))
        # sudo: a person makes a note by this way alone, of a call that they may see
        call = call.sudo()
        return self.sudo().create(
            {
                "kind": kind,
                "fact": fact or False,
                "author_id": self.env.uid,
                "date": fields.Datetime.now(),
                "expires_on": fields.Date.context_today(self)
                + relativedelta(months=call.company_id.crm_voip_note_months),
                "call_id": call.id,
                "partner_id": call.partner_id.id or call.lead_id.partner_id.id,
                "lead_id": call.lead_id.id,
                "number": call.outside_e164,
                "company_id": call.company_id.id,
            }
        )

    def _thanks(self):
        """:return: what its author is told"""
        if self.kind == "pleasure":
            return self.env._("Noted as a pleasure. Your team's leader sees it, too.")
        return self.env._(
            "Noted for your team's leader. It is deleted on %s.",
            self.expires_on.strftime(self.env["res.lang"]._get_data(code=self.env.user.lang).date_format),
        )

    @api.model
    def _withdraw(self, note_id):
        """Take a note of the present user back, as long as nothing was agreed about it."""
        # sudo: nobody has the right to delete; this one is one's own, and not yet anybody else's business
        note = self.sudo().browse(note_id).exists()
        if note.author_id != self.env.user:
            return
        if note.step != "none":
            raise UserError(self.env._("Something was agreed about this note already: it stays."))
        note.unlink()

    # --- what is shown of it ---

    @api.model
    def _agreed_with(self, partner, lead, number, company):
        """What was agreed about a customer, for whoever takes the next call.

        :return: ``[{"id", "step", "label", "text", "date", "contact"}, …]``, the newest first; nothing of what
            was said
        """
        about = Domain.FALSE
        if partner:
            about |= Domain("partner_id", "=", partner.id)
        if lead:
            about |= Domain("lead_id", "=", lead.id)
        if number:
            about |= Domain("number", "=", number)
        # sudo: what was agreed is for whoever takes the call; why stays with those who may read the note
        notes = self.sudo().search(
            about
            & Domain("company_id", "=", company.id)
            & Domain("step", "!=", "none")
            & Domain("expires_on", ">=", fields.Date.context_today(self)),
            limit=5,
        )
        labels = dict(self._fields["step"]._description_selection(self.env))
        return [
            {
                "id": note.id,
                "step": note.step,
                "label": labels[note.step],
                "text": note.step_text or "",
                "date": note.step_date and fields.Date.to_string(note.step_date),
                "contact": note.contact_user_id.name or False,
            }
            for note in notes
        ]

    # --- scheduled actions ---

    @api.autovacuum
    def _gc_expired(self):
        """What has expired is deleted."""
        self.sudo().search([("expires_on", "<", fields.Date.today())], limit=10_000).unlink()
