from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..lib.adapters import ADAPTERS

#: days that an older secret stays good after a new one was entered
OVERLAP = 7


class CrmVoipPbxSecret(models.Model):
    """What a hosted PBX proves itself with: a token that it sends, or the key of its signatures.

    As with the keys of bridges, the secret is a column that the ORM does not know: no right, export or
    debug view can show it, and only :meth:`_secrets` reads it.
    """

    _name = "crm.voip.pbx.secret"
    _description = "Secret of a hosted PBX"
    _order = "id desc"
    _rec_name = "pbx_id"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    valid_until = fields.Datetime(readonly=True, help="Empty: until a newer one is entered.")

    def init(self):
        self.env.cr.execute(SQL("ALTER TABLE %s ADD COLUMN IF NOT EXISTS secret varchar", SQL.identifier(self._table)))

    def action_revoke(self):
        """Make a secret worthless at once, for one that became known."""
        self.write({"valid_until": fields.Datetime.now()})

    @api.model
    def _keep(self, pbx, secret):
        """Store a secret of a PBX; its earlier ones stay good for :data:`OVERLAP` days."""
        pbx.check_access("write")
        now = fields.Datetime.now()
        # sudo: a secret is stored here and nowhere else, so nobody has a right to create one
        records = self.sudo()
        records.search([("pbx_id", "=", pbx.id), ("valid_until", "=", False)]).write(
            {"valid_until": now + timedelta(days=OVERLAP)}
        )
        record = records.create({"pbx_id": pbx.id})
        record.flush_recordset()
        self.env.cr.execute(
            SQL("UPDATE %s SET secret = %s WHERE id = %s", SQL.identifier(self._table), secret, record.id)
        )
        return record

    @api.model
    def _secrets(self, pbx):
        """:return: the secrets of a PBX that are valid now, the newest first"""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT secret FROM %s WHERE pbx_id = %s AND secret IS NOT NULL
                      AND (valid_until IS NULL OR valid_until > %s) ORDER BY id DESC""",
                SQL.identifier(self._table),
                pbx.id,
                fields.Datetime.now(),
            )
        )
        return [row[0] for row in rows]


class CrmVoipPbx(models.Model):
    _inherit = "crm.voip.pbx"

    secret_ids = fields.One2many("crm.voip.pbx.secret", "pbx_id", string="Secrets")

    def _makes_secret(self):
        """Whether the secret is ours to choose, rather than the provider's."""
        adapter = ADAPTERS.get(self.kind)
        return bool(adapter and adapter.makes_secret)

    def action_new_secret(self):
        """Enter the provider's secret, or make the one that the PBX is to send. Earlier ones go on for a while."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New secret"),
            "res_model": "crm.voip.pbx.secret.new",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_pbx_id": self.id},
        }
