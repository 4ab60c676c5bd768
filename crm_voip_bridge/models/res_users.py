from odoo import api, fields, models


class ResUsers(models.Model):
    _inherit = "res.users"

    crm_voip_extensions = fields.Text("My extensions", compute="_compute_crm_voip_extensions")

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "crm_voip_extensions"]

    @api.depends_context("uid", "lang")
    def _compute_crm_voip_extensions(self):
        """A person's own numbers, a line each: also for who has no right to any list of them."""
        self.crm_voip_extensions = False
        own = self & self.env.user
        # sudo: whether one's own calls are logged is for everybody to know
        extensions = self.env["crm.voip.extension"].sudo().search([("user_id", "in", own.ids)])
        today = fields.Date.context_today(self)
        lines = [
            self.env._("%s: recorded", extension.number)
            if extension.recorded
            else self.env._("%s: not recorded", extension.number)
            for extension in extensions
            if extension._is_valid_on(today)
        ]
        own.crm_voip_extensions = "\n".join(lines) or self.env._("None. No call of mine is logged.")

    def _crm_voip_session(self):
        """What the web client knows of this person from its start; extend it for functions of your own.

        :return: JSON values by name
        """
        # when the page was loaded: see static/src/news.js
        return {"now": fields.Datetime.to_string(fields.Datetime.now())}
