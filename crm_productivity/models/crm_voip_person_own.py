from odoo import models
from odoo.fields import Domain


class CrmVoipPerson(models.AbstractModel):
    """What of a colleague's targets and comments is told on request, and taken out when they are anonymised."""

    _inherit = "crm.voip.person"

    def _tell_colleague(self, person, oneself):
        own = Domain("user_id", "in", person.users.ids) & Domain("company_id", "in", person.pbxs.company_id.ids)
        sections = super()._tell_colleague(person, oneself)
        sections["targets"] = (
            self.env._("Targets"),
            self._rows(
                self._search_all("crm.productivity.target", own), ("metric_id", "date_from", "date_to", "amount")
            ),
        )
        if oneself:  # others read them where the numbers are shown, and nowhere else
            sections["number_comments"] = (
                self.env._("Comments beside numbers"),
                self._rows(
                    self._search_all("crm.productivity.comment", own), ("date_from", "date_to", "metric_id", "text")
                ),
            )
        return sections

    def _erase_colleague(self, person, calls):
        own = Domain("user_id", "in", person.users.ids)
        here = own & Domain("company_id", "in", person.pbxs.company_id.ids)
        for model, domain in (
            ("crm.productivity.comment", here),
            ("crm.productivity.target", here),
            ("crm.productivity.choice", own),
        ):
            self.env[model].search(domain).unlink()
        return super()._erase_colleague(person, calls)
