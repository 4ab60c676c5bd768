import io

from werkzeug.exceptions import NotFound

from odoo import fields, http
from odoo.http import content_disposition, request
from odoo.tools import file_open

from ..lib import config, package

#: what the filled-in configuration is called, here and in the steps on the PBX's form
CONFIG_NAME = "crm-voip-bridge.conf"
SERVICE_NAME = "crm-voip-bridge.service"


class BridgeFile(http.Controller):
    """What somebody needs who has only this web page and root on the PBX."""

    @http.route("/crm_voip_bridge/pbx/<int:pbx_id>/bridge.pyz", type="http", auth="user", readonly=True)
    def bridge(self, pbx_id):
        """The bridge as one file."""
        self._pbx(pbx_id)
        file = io.BytesIO()
        package.build(file)
        return self._download(file.getvalue(), package.FILE_NAME, "application/zip")

    @http.route("/crm_voip_bridge/pbx/<int:pbx_id>/bridge.conf", type="http", auth="user", readonly=True)
    def configuration(self, pbx_id):
        """Its configuration, filled in but for the secrets, which are stored nowhere that could be read."""
        pbx = self._pbx(pbx_id)
        now = fields.Datetime.now()
        keys = pbx.key_ids.filtered(lambda key: not key.valid_until or key.valid_until > now)
        text = config.render(
            {
                # the address at which this person reached Odoo does work, which a setting may not
                "odoo_url": request.httprequest.host_url.rstrip("/"),
                "odoo_database": request.env.cr.dbname,
                **({"odoo_key": keys[0].key} if keys else {}),
            }
        )
        return self._download(text.encode(), CONFIG_NAME, "text/plain; charset=utf-8")

    @http.route("/crm_voip_bridge/pbx/<int:pbx_id>/bridge.service", type="http", auth="user", readonly=True)
    def service(self, pbx_id):
        """A systemd unit; how it is put to use stands in its first lines."""
        self._pbx(pbx_id)
        with file_open(f"crm_voip_bridge/bridge/{SERVICE_NAME}", "rb") as unit:
            return self._download(unit.read(), SERVICE_NAME, "text/plain; charset=utf-8")

    def _pbx(self, pbx_id):
        pbx = request.env["crm.voip.pbx"]
        # whoever may change it, as on the form; to anybody else it does not exist
        if pbx.has_access("write"):
            pbx = pbx.search([("id", "=", pbx_id)])
        if not pbx or not pbx.has_access("write"):
            raise NotFound()
        return pbx

    def _download(self, content, name, kind):
        return request.make_response(
            content,
            headers=[
                ("Content-Type", kind),
                ("Content-Disposition", content_disposition(name)),
                ("Cache-Control", "no-store"),
            ],
        )
