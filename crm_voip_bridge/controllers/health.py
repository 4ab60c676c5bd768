from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..lib.health import CONTENT_TYPE, exposition


class CrmVoipHealth(http.Controller):
    """Where a monitoring tool asks how the PBXs are."""

    @http.route("/crm_voip_bridge/health", type="http", auth="none", methods=["GET"], save_session=False, readonly=True)
    def crm_voip_bridge_health(self, token="", **_others):
        scheme, _, said = request.httprequest.headers.get("Authorization", "").partition(" ")
        env = request.env(user=SUPERUSER_ID, su=True)
        token = said.strip() if scheme.lower() == "bearer" else token
        company_id = env["crm.voip.health"]._company_of(token) if 0 < len(token) <= 128 else None
        if company_id is None:
            return request.make_response(
                "A token is needed: a PBX's form in Odoo makes one.\n",
                [("WWW-Authenticate", 'Bearer realm="crm_voip_bridge"'), ("Content-Type", "text/plain; charset=utf-8")],
                status=401,
            )
        text = exposition(env["crm.voip.health"]._gauges(company_id))
        return request.make_response(text, [("Content-Type", CONTENT_TYPE), ("Cache-Control", "no-store")])
