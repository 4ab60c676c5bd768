import hashlib
import json

from odoo import api, fields, models

from .res_company_retention import older_than_days

#: characters kept of an event that was refused
EXCERPT = 2000


class CrmVoipRefused(models.Model):
    """An event that could not be kept, with the reason; the good ones beside it were."""

    _name = "crm.voip.refused"
    _inherit = "crm.voip.export"
    _description = "Refused event"
    _order = "id desc"
    _rec_name = "reason"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    at = fields.Datetime("Arrived", required=True, readonly=True)
    bridge = fields.Char(readonly=True)
    reason = fields.Char(required=True, readonly=True)
    excerpt = fields.Text(readonly=True)
    digest = fields.Char(required=True, readonly=True)

    # a bridge that sends the same again does not fill the table
    _once = models.UniqueIndex("(pbx_id, digest)")

    @api.model
    def _keep(self, pbx, bridge, refused):
        """:param refused: ``[(event as it came, reason), …]``"""
        now = fields.Datetime.now()
        rows = []
        for event, reason in refused:
            text = json.dumps(event, ensure_ascii=True)
            digest = hashlib.sha256(text.encode()).hexdigest()[:32]
            rows.append((pbx.id, now, bridge, reason, text[:EXCERPT], digest))
        self.env.cr.execute_values(
            "INSERT INTO crm_voip_refused (pbx_id, at, bridge, reason, excerpt, digest) VALUES %s"
            " ON CONFLICT (pbx_id, digest) DO NOTHING",
            rows,
            page_size=len(rows),
        )

    @api.model
    def _keep_reasons(self, pbx, bridge, reasons):
        """Show why events are not taken of which nothing may be kept: a line for each reason, however many came.

        :param reasons: texts
        """
        now = fields.Datetime.now()
        rows = [
            (pbx.id, now, bridge, reason, None, hashlib.sha256(f"reason:{reason}".encode()).hexdigest()[:32])
            for reason in sorted(reasons)
        ]
        self.env.cr.execute_values(
            "INSERT INTO crm_voip_refused (pbx_id, at, bridge, reason, excerpt, digest) VALUES %s"
            " ON CONFLICT (pbx_id, digest) DO NOTHING",
            rows,
        )

    @api.autovacuum
    def _gc_refused(self):
        self.env.cr.execute(older_than_days(self._table, "at"))
