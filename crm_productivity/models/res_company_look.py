from odoo import api, fields, models

#: switches that decide which menus there are
SWITCHES = ("crm_productivity_use", "crm_productivity_look")


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_productivity_least_cases = fields.Integer(
        "Too few to say much (calls)",
        default=5,
        required=True,
        help="Hours with fewer calls are pale in “When”: their number says little.",
    )
    crm_productivity_use = fields.Boolean(
        "Who uses it",
        help="How many people of a team used each function, week by week, without names. Seen by leaders for their "
        "teams, and by who has the right to all calls. Turned off, nothing is counted any more; what was counted stays.",
    )

    crm_productivity_look = fields.Boolean(
        "Worth a look",
        help="What could make numbers doubtful is shown to the person themself, with the cases and an innocent "
        "explanation. Others see how often there was something in a team, not whose. Turned off, nothing is looked for "
        "any more; what was found is deleted after its days.",
    )
    crm_productivity_look_days = fields.Integer(
        "Days that it is kept", default=60, required=True, help="What was worth a look longer ago is deleted at night."
    )

    _crm_productivity_look_days = models.Constraint(
        "CHECK (crm_productivity_look_days > 0)", "What is worth a look is kept for a day at least."
    )
    _crm_productivity_least_cases = models.Constraint(
        "CHECK (crm_productivity_least_cases >= 0)", "The number of calls that are too few cannot be negative."
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        names = self.env["crm.productivity.function"]._switches()
        # sudo: it is noted whoever sets up a company
        Since = self.env["crm.productivity.function.since"].sudo()
        for company in companies:
            Since._follow(company, {name: True for name in names if company[name]})
        return companies

    def write(self, vals):
        names = self.env["crm.productivity.function"]._switches() & vals.keys()
        before = {company: {name: company[name] for name in names} for company in self if names}
        result = super().write(vals)
        # sudo: when a function was turned on is noted, whoever did it
        Since = self.env["crm.productivity.function.since"].sudo()
        for company, old in before.items():
            if changed := {name: company[name] for name in names if company[name] != old[name]}:
                Since._follow(company, changed)
        if not vals.keys().isdisjoint(SWITCHES):
            # the menus of what is off are left out, and kept in memory
            self.env.registry.clear_cache()
        for switch, cron in (("crm_productivity_use", "ir_cron_use"), ("crm_productivity_look", "ir_cron_look")):
            if vals.get(switch):
                # sudo: whoever may turn it on wants to see it
                self.env.ref(f"crm_productivity.{cron}").sudo()._trigger()
        return result
