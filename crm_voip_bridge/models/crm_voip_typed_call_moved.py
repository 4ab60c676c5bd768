from odoo import fields, models


class CrmVoipTypedCall(models.Model):
    _inherit = "crm.voip.typed.call"

    imported_ref = fields.Char(
        readonly=True,
        copy=False,
        help="Model and id of the call that it was elsewhere: so it is moved in once, however often one asks.",
    )

    _imported_unique = models.UniqueIndex("(imported_ref) WHERE imported_ref IS NOT NULL")
