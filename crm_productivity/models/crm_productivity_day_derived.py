from odoo import models

from .crm_productivity_derived import derived


class CrmProductivityDay(models.Model):
    _name = "crm.productivity.day"
    _inherit = ["crm.productivity.day", "crm.productivity.derived"]

    reached_percent = derived("Reached (%)", "reached")
    taken_percent = derived("Taken of offered (%)", "taken")
    talk_mean = derived("Average time per call (s)", "talk_mean")
    talk_median = derived("Time per call (s)", "talk_median")
    talk_p90 = derived("Long calls (s)", "talk_p90")
    own_response_median = derived("Messages answered in (s)", "response_median")

    # persons in no team, see crm.productivity.team
    _no_team_idx = models.Index("(company_id, user_id) WHERE team_id IS NULL")
