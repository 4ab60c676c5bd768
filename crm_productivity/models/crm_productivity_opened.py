from odoo import api, fields, models
from odoo.fields import Domain

#: so long it is known who opened a screen: it is counted by the week, over four weeks
KEPT_DAYS = 42


class CrmProductivityOpened(models.Model):
    """That somebody opened a screen with figures, once a day; nobody reads it, it is counted and deleted."""

    _name = "crm.productivity.opened"
    _description = "Screen that was opened"
    _order = "id"
    _log_access = False
    _rec_name = "code"

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", required=True, index=True, ondelete="cascade")
    code = fields.Char("Screen", required=True, help="The model that it shows.")
    at = fields.Datetime(required=True)

    _at_idx = models.Index("(company_id, code, at)")

    @api.model
    def note(self, model):
        """The present user opened a screen of ours.

        :param model: what the screen shows
        """
        company = self.env.company
        if not isinstance(model, str) or not model.startswith("crm.productivity.") or model not in self.env:
            return False
        # sudo: what a company switched on is known to all its people
        if not company.sudo().crm_productivity_use or not self.env[model].has_access("read"):
            return False
        stale = self.env["crm.productivity.stale"]
        today = stale._today(company)
        start, _end = stale._bounds(company, today, today)
        mine = {"company_id": company.id, "user_id": self.env.uid, "code": model}
        known = Domain.AND([(name, "=", value)] for name, value in mine.items()) & Domain("at", ">=", start)
        # sudo: nobody reads or writes it but this
        if not self.sudo().search_count(known, limit=1):
            self.sudo().create({**mine, "at": fields.Datetime.now()})
        return True

    @api.autovacuum
    def _forget(self):
        old = fields.Datetime.subtract(fields.Datetime.now(), days=KEPT_DAYS)
        self.search([("at", "<", old)]).unlink()
