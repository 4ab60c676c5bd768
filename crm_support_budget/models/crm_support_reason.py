from odoo import fields, models


class CrmSupportReason(models.Model):
    """What a contact was about, and whether it counts."""

    _name = "crm.support.reason"
    _description = "Reason of a contact"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help="A name for programs; those that ship never change.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    shortcut = fields.Char(
        "Key", size=1, help="Pressed with Alt and Shift on the call card: Alt and a digit alone opens a menu."
    )
    description = fields.Char(translate=True, help="For the customer to read.")
    factor = fields.Float(default=1.0, required=True, help="How much of a contact counts: 0 nothing, 1 all, 2 twice.")
    exempt = fields.Boolean(
        "Never counts", help="Our own fault: once a request has this reason, all that was entered for it is taken back."
    )

    _factor_positive = models.Constraint("CHECK (factor >= 0)", "A factor is not negative.")
    _code_unique = models.UniqueIndex("(code) WHERE code IS NOT NULL")
