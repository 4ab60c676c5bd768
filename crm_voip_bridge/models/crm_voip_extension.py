from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class CrmVoipExtension(models.Model):
    """An internal number, and whose it was from when to when.

    A number that changes hands gets a second record: the past stays with whom it was. What is
    not ticked is not recorded; numbers that the bridge discovers come in unticked.
    """

    _name = "crm.voip.extension"
    _inherit = "crm.voip.scope"
    _description = "Extension"
    _order = "pbx_id, number, date_from desc, id desc"
    _check_company_auto = True

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, ondelete="cascade", check_company=True)
    company_id = fields.Many2one(related="pbx_id.company_id", store=True, index=True)
    number = fields.Char(required=True)
    name = fields.Char(help="What the phone is called: a room, or the name of a person without a login.")
    user_id = fields.Many2one(
        "res.users",
        "Person",
        index="btree_not_null",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        help="Empty: a phone that no single person uses, or a person without a login.",
    )
    team_id = fields.Many2one("crm.team", help="Of a phone without a person: the leader of this team sees its calls.")
    recorded = fields.Boolean(help="Calls of this number are logged. Nothing of it is, until this is ticked.")
    recorded_since = fields.Datetime(
        help="Calls that began earlier stay unrecorded: ticking is not looking back. Empty: since ever.",
    )
    date_from = fields.Date("From", help="Empty: since ever.")
    date_to = fields.Date("Until", help="The last day. Empty: until further notice.")

    _period = models.Constraint("CHECK (date_from <= date_to)", "The last day is before the first.")

    @api.depends("number", "name", "user_id")
    def _compute_display_name(self):
        for extension in self:
            whose = extension.name or extension.user_id.name
            extension.display_name = f"{extension.number} {whose}" if whose else extension.number

    @api.constrains("pbx_id", "number", "date_from", "date_to")
    def _check_overlap(self):
        """One number belongs to one at a time."""
        for extension in self:
            others = Domain("pbx_id", "=", extension.pbx_id.id) & Domain("number", "=", extension.number)
            others &= Domain("id", "!=", extension.id)
            if extension.date_from:
                others &= Domain("date_to", "=", False) | Domain("date_to", ">=", extension.date_from)
            if extension.date_to:
                others &= Domain("date_from", "=", False) | Domain("date_from", "<=", extension.date_to)
            if self.search_count(others, limit=1):
                raise ValidationError(
                    self.env._(
                        "Extension %s is already somebody's in that time: end the earlier record first.",
                        extension.number,
                    )
                )

    def write(self, vals):
        ticked = self.browse()
        if vals.get("recorded") and "recorded_since" not in vals:
            ticked = self.filtered(lambda extension: not extension.recorded)
            super(CrmVoipExtension, ticked).write({**vals, "recorded_since": fields.Datetime.now()})
        return super(CrmVoipExtension, self - ticked).write(vals)

    def _is_valid_on(self, day):
        self.ensure_one()
        return (not self.date_from or self.date_from <= day) and (not self.date_to or day <= self.date_to)

    @api.model
    def _discover(self, pbx, numbers):
        """Take in internal numbers that a bridge saw and Odoo does not know, unticked.

        :param numbers: texts as the bridge sent them
        """
        known = set(self.search([("pbx_id", "=", pbx.id), ("number", "in", numbers)]).mapped("number"))
        self.create([{"pbx_id": pbx.id, "number": number} for number in sorted(set(numbers) - known)])

    @api.model
    def _of_pbx(self, pbx):
        """:return: ``{number: extensions}``, whoever had the number and whenever"""
        return self.search_fetch([("pbx_id", "=", pbx.id)]).grouped("number")
