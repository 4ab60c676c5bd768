from odoo import models


class ResUsers(models.Model):
    _inherit = "res.users"

    def action_crm_voip_never(self):
        """The person's own never-log numbers; nobody else's."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Never logged numbers"),
            "res_model": "crm.voip.never",
            "views": [(False, "list"), (False, "form")],
            "domain": [("user_id", "=", self.env.uid)],
            "context": {"default_user_id": self.env.uid},
        }

    def action_crm_voip_people_log(self):
        """Who looked at the person's own calls."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Who looked at my calls"),
            "res_model": "crm.voip.people.log",
            "views": [(False, "list")],
            "domain": [("person_id", "=", self.env.uid)],
        }
