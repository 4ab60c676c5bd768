from odoo import fields, models
from odoo.exceptions import UserError


class CrmVoipPbx(models.Model):
    """What bridges are asked to read again in the PBX's own record."""

    _inherit = "crm.voip.pbx"

    fetch_ids = fields.One2many("crm.voip.fetch", "pbx_id", string="Readings of the PBX's record")

    def _fetch_again(self, begins_at, ends_at, reason, before_ticked=False):
        """Have a stretch of the PBX's own record read and sent again.

        :param begins_at: naive UTC, as in a Datetime field; likewise ``ends_at``
        :param reason: in words, for those who look at the PBX's form
        :param before_ticked: whether extensions count that were ticked later, too: an import that somebody asked for
        :return: the ``crm.voip.fetch``, an open one if it is the same
        """
        self.ensure_one()
        if not self.can_history:
            raise UserError(self.env._("This kind of PBX keeps no record that could be read again."))
        # sudo: nobody may make one as they please; who asks has been checked
        fetches = self.env["crm.voip.fetch"].sudo()
        values = {
            "pbx_id": self.id,
            "begins_at": begins_at.replace(microsecond=0),
            "ends_at": ends_at.replace(microsecond=0),
            "before_ticked": before_ticked,
        }
        same = [(name, "=", value) for name, value in values.items()]
        found = fetches.search([*same, ("state", "in", ("waiting", "running"))], limit=1)
        return found or fetches.create({**values, "reason": reason})

    def action_import(self):
        """Ask which earlier calls are to be logged."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import earlier calls"),
            "res_model": "crm.voip.import",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_pbx_id": self.id},
        }

    def action_view_fetches(self):
        """What was read again, and how far what runs is."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_fetch_action")
        return {**action, "domain": [("pbx_id", "=", self.id)], "context": {}}

    def _scope(self):
        """Beside what may be recorded: how many bridges report, and what is to be read again. All name the version."""
        scope = super()._scope()
        bridges = self.env["crm.voip.pbx.state"]._count_present(self)
        if bridges > 1:
            scope["bridges"] = bridges
            scope["version"] += f"-{bridges}b"
        fetches = self.env["crm.voip.fetch"]._open_of(self)
        if fetches:
            scope["fetch"] = fetches
            scope["version"] += "-" + ".".join(fetch["id"] for fetch in fetches)
        return scope
