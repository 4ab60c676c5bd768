from odoo import api, fields, models
from odoo.tools import SQL


class CrmProductivityDay(models.Model):
    """A team's days, found as fast as a person's; and what persons wrote beside their numbers."""

    _inherit = "crm.productivity.day"

    comments = fields.Char(
        compute="_compute_comments", help="What the person wrote beside a number of this day or week."
    )

    _team_idx = models.Index("(team_id, day) WHERE team_id IS NOT NULL")

    @api.depends("user_id", "day")
    def _compute_comments(self):
        # sudo: whoever sees a person's figures sees what that person says about them
        own = self.sudo().filtered("user_id")
        days = own.mapped("day")
        beside = {}
        if own:
            found = self.env["crm.productivity.comment"].sudo()._between(own.user_id, min(days), max(days))
            beside = found.grouped("user_id")
        for row, real in zip(self, self.sudo(), strict=True):
            some = beside.get(real.user_id, ())
            texts = [one._shown() for one in some if one._is_about(real.company_id, real.day)]
            row.comments = " · ".join(texts) or False

    @api.model
    def _own_since(self, company, first, names):
        """The present user's own figures, whatever team they were for.

        :param names: measures
        :return: ``[(day, {measure: sum}, {measure: histogram}), …]``
        """
        self.flush_model()
        names = sorted(names)
        rows = self.env.execute_query(
            SQL(
                "SELECT day, histograms, %s FROM crm_productivity_day WHERE user_id = %s AND company_id = %s AND day >= %s",
                SQL(", ").join(SQL("%s::float", SQL.identifier(name)) for name in names) if names else SQL("1"),
                self.env.uid,
                company.id,
                first,
            )
        )
        return [(day, dict(zip(names, values, strict=False)), spread or {}) for day, spread, *values in rows]
