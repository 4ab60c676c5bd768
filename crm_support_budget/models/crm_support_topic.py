from odoo import fields, models


class CrmSupportTopic(models.Model):
    """What customers need help with."""

    _name = "crm.support.topic"
    _description = "Topic"
    _order = "sequence, name"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
