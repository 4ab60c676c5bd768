from odoo import fields, models


class CrmVoipPeopleLog(models.Model):
    _inherit = "crm.voip.people.log"

    how = fields.Selection(
        selection_add=[("target", "Looked at how far a target is"), ("paper", "Opened the weekly report")],
        ondelete={"target": "cascade", "paper": "cascade"},
    )
