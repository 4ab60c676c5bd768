from odoo import api, fields, models


class CrmSupportRequest(models.Model):
    """What was agreed with a customer after unacceptable contact applies to whoever helps, too."""

    _inherit = "crm.support.request"

    agreed = fields.Text(
        "Agreed with them",
        compute="_compute_agreed",
        help="After unacceptable contact; what was said stays in the note.",
    )

    @api.depends("contact_id", "company_id")
    @api.depends_context("lang")
    def _compute_agreed(self):
        Note = self.env["crm.voip.supervisor.note"]
        for one in self:
            steps = Note._agreed_with(one.contact_id, one.lead_id, False, one.company_id) if one.contact_id else ()
            one.agreed = (
                "\n".join(
                    ": ".join(filter(None, [" ".join(filter(None, [step["label"], step["contact"]])), step["text"]]))
                    for step in steps
                )
                or False
            )

    @api.model
    def _not_for(self, user, company):
        """Whoever has a fixed contact person is offered to that one alone."""
        # sudo: that there is one is for everybody who helps; why stays with those who may read the note
        notes = (
            self.env["crm.voip.supervisor.note"]
            .sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("step", "=", "contact"),
                    ("contact_user_id", "not in", [False, user.id]),
                    ("expires_on", ">=", fields.Date.context_today(self)),
                ]
            )
        )
        return super()._not_for(user, company) | set(notes.partner_id.commercial_partner_id.ids)
