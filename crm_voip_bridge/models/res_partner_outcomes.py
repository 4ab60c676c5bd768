from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _crm_voip_notes_about(self):
        """The supervisor notes held about these contacts, for an access request.

        Also those about their numbers when nobody knew yet whose they were.

        :return: ``crm.voip.supervisor.note`` records, in superuser mode
        :raise AccessError: the user is no administrator of calls
        """
        if not self.env.su and not self.env.user.has_group("crm_voip_bridge.group_manager"):
            raise AccessError(self.env._("What is held about a person is given out by administrators of calls."))
        self.check_access("read")
        # sudo: the index of numbers is nobody's to read; an administrator reads all notes of the company anyway
        numbers = self.sudo().crm_voip_number_ids.mapped("e164")
        return (
            self.env["crm.voip.supervisor.note"]
            .sudo()
            .search(
                (
                    Domain("partner_id", "in", self.ids)
                    | Domain("lead_id.partner_id", "in", self.ids)
                    | (Domain("partner_id", "=", False) & Domain("number", "in", numbers))
                )
                & Domain("company_id", "in", self.env.companies.ids)
                & Domain("expires_on", ">=", fields.Date.today())
            )
        )

    def action_crm_voip_notes_about(self):
        """List what is held about the person, to read and to print."""
        notes = self._crm_voip_notes_about()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_supervisor_note_action")
        return {
            **action,
            "name": self.env._("Notes held about this person"),
            "domain": [("id", "in", notes.ids)],
            "context": {},
        }
