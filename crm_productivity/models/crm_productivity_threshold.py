from odoo import api, fields, models
from odoo.tools import SQL

#: threshold, a field of the company -> the measures that depend on it
THRESHOLDS = {
    "crm_productivity_conversation_s": ("conversations",),
    "crm_productivity_short_s": ("short_abandoned",),
    "crm_productivity_level_s": ("level_calls", "answered_in_time"),
    "crm_productivity_repeat_days": ("contacts_settled", "contacts_returned", "repeats"),
}


class CrmProductivityThreshold(models.Model):
    """Since when a company has had which threshold.

    A changed threshold is a changed definition: it holds from the day of the change on, and days before it keep the
    one they had, also when they are reckoned again. A company that never changed one has no rows.
    """

    _name = "crm.productivity.threshold"
    _description = "Threshold over time"
    _order = "since, id"
    _log_access = False
    _rec_name = "name"

    company_id = fields.Many2one("res.company", required=True, index=True, ondelete="cascade")
    name = fields.Char("Setting", required=True)
    since = fields.Date(help="Empty: from the beginning.")
    value = fields.Integer(required=True)

    @api.model
    def _history(self, company, name):
        """:return: ``[(first day or False, value), …]``, the earliest first; at least one"""
        # sudo: what a number means, everybody may know
        rows = self.sudo().search([("company_id", "=", company.id), ("name", "=", name)])
        found = sorted((row.since or fields.Date.to_date("0001-01-01"), row.value) for row in rows)
        if not found:
            return [(False, company.sudo()[name])]
        return [(False, found[0][1]), *found[1:]]

    @api.model
    def _most(self, company, name):
        """:return: the greatest value that was ever set"""
        return max(value for _since, value in self._history(company, name))

    @api.model
    def _sql(self, company, name, at):
        """:return: SQL of the threshold that held at a moment

        :param at: SQL of a naive UTC moment
        """
        Stale = self.env["crm.productivity.stale"]
        (_never, value), *later = self._history(company, name)
        expression = SQL("%s", value)
        for since, value in later:
            begins = Stale._bounds(company, since, since)[0]
            expression = SQL("CASE WHEN %s >= %s THEN %s ELSE %s END", at, begins, value, expression)
        return expression

    @api.model
    def _changed(self, company, name, before):
        """A threshold was changed: it holds from today on.

        :param before: the value that it had
        """
        Stale = self.env["crm.productivity.stale"]
        today = Stale._today(company)
        rows = self.search([("company_id", "=", company.id), ("name", "=", name)])
        if not rows:
            rows = self.create({"company_id": company.id, "name": name, "value": before})
        # changed twice on a day: the first one was never in a report
        rows.filtered(lambda row: row.since == today).unlink()
        last = rows.exists().sorted(lambda row: (bool(row.since), row.since or today))[-1]
        if last.value != company[name]:
            self.create({"company_id": company.id, "name": name, "value": company[name], "since": today})
        Stale._insert({(company.id, today)})
