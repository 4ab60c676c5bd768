from odoo import models
from odoo.tools import SQL


class CrmVoipOutcome(models.Model):
    _inherit = "crm.voip.outcome"

    def write(self, vals):
        result = super().write(vals)
        if "reached" in vals:
            self._productivity_changed()
        return result

    def _productivity_changed(self):
        """What an outcome says of all calls that have it was corrected."""
        Stale = self.env["crm.productivity.stale"].sudo()  # sudo: figures are kept whoever corrects an outcome
        Wrapup = self.env["crm.voip.wrapup"].sudo()  # sudo: only days are taken from them
        for company, wrapups in Wrapup.search([("outcome_id", "in", self.ids)]).grouped("company_id").items():
            zone = str(Stale._zone(company))
            days = self.env.execute_query(
                SQL(
                    """SELECT DISTINCT (started_at AT TIME ZONE 'UTC' AT TIME ZONE %s)::date
                         FROM crm_voip_wrapup WHERE id = ANY(%s) AND started_at IS NOT NULL""",
                    zone,
                    wrapups.ids,
                )
            )
            Stale._insert({(company.id, day) for (day,) in days})
