from odoo import api, fields, models


class CrmProductivityMetric(models.Model):
    _inherit = "crm.productivity.metric"

    team_meaning = fields.Text("What it means for a team", translate=True, help="Empty: the same as for a person.")

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    def _explanation(self, of_team=False):
        """:return: what the number means, and how it is computed"""
        self.ensure_one()
        return f"{(of_team and self.team_meaning) or self.meaning}\n\n{self._definition()}"

    @api.model
    def _of_codes(self, codes, day):
        """:return: ``{code: version of the metric that held on a day}``, in one query for all; see :meth:`_of_code`"""
        found = {}
        for one in self.with_context(active_test=False).search([("code", "in", codes)], order="code, version"):
            held = found.get(one.code)
            if not held or (held.until and day >= held.until):
                found[one.code] = one
        return found
