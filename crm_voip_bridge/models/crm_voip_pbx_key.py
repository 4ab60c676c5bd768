import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: days that an older key stays good after a new one was made
OVERLAP = 7


class CrmVoipPbxKey(models.Model):
    """A key with which a bridge signs what it sends.

    The secret is a column that the ORM does not know: no right, export or debug view can
    show it, and only :meth:`_secrets` reads it.
    """

    _name = "crm.voip.pbx.key"
    _description = "Key of a PBX"
    _order = "id desc"
    _rec_name = "key"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    key = fields.Char(required=True, readonly=True, copy=False)
    valid_until = fields.Datetime(readonly=True, help="Empty: until a newer key is made.")

    _key_unique = models.Constraint("UNIQUE (key)", "Two keys have the same name.")

    def init(self):
        self.env.cr.execute(SQL("ALTER TABLE %s ADD COLUMN IF NOT EXISTS secret varchar", SQL.identifier(self._table)))

    def action_revoke(self):
        """Make a key worthless at once, for one that became known."""
        self.write({"valid_until": fields.Datetime.now()})

    @api.model
    def _generate(self, pbx):
        """Make a key of a PBX; its earlier keys stay good for :data:`OVERLAP` days.

        :return: ``(key, secret)``, the secret for this one time
        """
        pbx.check_access("write")
        until = fields.Datetime.now() + timedelta(days=OVERLAP)
        # sudo: a key is made here and nowhere else, so nobody has a right to create one
        keys = self.sudo()
        keys.search([("pbx_id", "=", pbx.id), ("valid_until", "=", False)]).write({"valid_until": until})
        key, secret = secrets.token_urlsafe(12), secrets.token_urlsafe(32)
        record = keys.create({"pbx_id": pbx.id, "key": key})
        record.flush_recordset()
        self.env.cr.execute(
            SQL("UPDATE %s SET secret = %s WHERE id = %s", SQL.identifier(self._table), secret, record.id)
        )
        return key, secret

    @api.model
    def _secrets(self, key):
        """:return: ``(pbx, [secret])`` of a key that is valid now, ``(empty, [])`` of any other"""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT pbx_id, secret FROM %s
                    WHERE key = %s AND secret IS NOT NULL
                      AND (valid_until IS NULL OR valid_until > %s)""",
                SQL.identifier(self._table),
                key,
                fields.Datetime.now(),
            )
        )
        pbx = self.env["crm.voip.pbx"].browse(row[0] for row in rows)
        return pbx, [row[1] for row in rows]


class CrmVoipPbxKeyShow(models.AbstractModel):
    """Shows a secret once; it has no table."""

    _name = "crm.voip.pbx.key.show"
    _description = "New key of a PBX"

    # the web client asks for the defaults of a form by its fields, id among them
    id = fields.Id()
    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", readonly=True)
    key = fields.Char(readonly=True)
    secret = fields.Char(readonly=True)
