import json
import logging

from odoo import SUPERUSER_ID, http
from odoo.addons.crm_voip_bridge.controllers.raw import RAW
from odoo.http import request

from ..lib.messages import READERS, BadMessage, challenge, is_signed
from ..models.crm_productivity_channel import PATH

_logger = logging.getLogger(__name__)

#: bytes; a thousand messages have some 200 000
MAX_BODY = 1024 * 1024


class Messages(http.Controller):
    """Where other systems post who wrote when; readme/MESSAGES.md says how each is set up."""

    # 'none': the signature says who it is
    @http.route(
        f"{PATH}<string:token>",
        type=RAW,
        auth="none",
        methods=["GET", "POST"],
        csrf=False,
        save_session=False,
        readonly=False,
        max_content_length=MAX_BODY,
    )
    def crm_productivity_messages(self, token):
        env = request.env(user=SUPERUSER_ID, su=True)
        if env["crm.voip.pbx"]._is_neutralized():
            return self._refuse(403, "This is a neutralized copy of the database: it takes no messages.")
        channel, secrets = env["crm.productivity.channel"]._of_token(token)
        if request.httprequest.method == "GET":
            told = challenge(request.httprequest.args, token if channel else None)
            if told is None:
                return self._refuse(401, "Address or token is wrong: compare them with the channel in Odoo.")
            return request.make_response(told, headers=[("Content-Type", "text/plain")])
        body = request.httprequest.get_data()
        headers = request.httprequest.headers
        signature = headers.get("X-Hub-Signature-256") or headers.get("X-Signature-256")
        if not secrets or not is_signed(body, signature, secrets):
            # the same whether there is no such address, no secret yet, or a wrong one
            _logger.info("A message was refused: its signature is wrong")
            return self._refuse(401, "Address or signature is wrong: compare them with the channel in Odoo.")
        try:
            told = READERS[channel.kind](json.loads(body))
        except (ValueError, RecursionError) as problem:
            text = str(problem) if isinstance(problem, BadMessage) else "this is no JSON"
            return self._refuse(422, text)
        channel = channel.with_company(channel.company_id)
        return request.make_json_response({"accepted": channel._take(told) if told else 0, "told": len(told)})

    def _refuse(self, status, text):
        return request.make_json_response({"error": text}, status=status)
