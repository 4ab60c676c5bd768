import logging
import re
import time
from datetime import datetime, timezone
from pathlib import Path
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..lib.adapters import __file__ as _ADAPTERS_FILE
from ..lib.adapters.base import BadBody, BadSignature, Refused, WebhookRequest
from ..models.crm_voip_held import SOURCE
from ..models.crm_voip_pbx_webhook import PATH
from ..models.transaction import without_collector
from .bridge_file import BridgeFile
from .main import MAX_BODY, Refusal
from .raw import RAW

_logger = logging.getLogger(__name__)

#: most events of one request
_MOST = 20_000
_LONGEST_NUMBER = 40
#: what a field may be called; anything else may be somebody's number
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9.-]{0,39}\Z")


class Webhook(http.Controller):
    """Where hosted PBXs post what happens; readme/PBXS.md says how each is set up."""

    def _route(path, methods, most=MAX_BODY):
        # 'none': the signature says who it is
        return http.route(
            path,
            type=RAW,
            auth="none",
            methods=methods,
            csrf=False,
            save_session=False,
            readonly=False,
            max_content_length=most,
        )

    @_route(f"{PATH}<string:token>", ["GET", "POST"])
    def crm_voip_bridge_webhook(self, token):
        return self._serve(token, self._take)

    @_route(f"{PATH}<string:token>/lookup", ["GET"], 0)
    def crm_voip_bridge_webhook_lookup(self, token):
        """Who is calling, for the display of a phone."""
        return self._serve(token, self._look_up)

    del _route

    def _take(self, pbx, adapter, told):
        items, bad = [], None
        try:
            for item in adapter.read(told):
                items.append(item)
                if len(items) > _MOST:
                    raise BadBody("too many events at once")
        except BadBody as error:
            items, bad = [], str(error)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            # an adapter's mistake: the same body would only fail again. What was in it is nobody's business
            _logger.warning("A webhook of kind %s could not be read: %s", adapter.name, type(error).__name__)
            items, bad = [], "the body could not be read"
        events = [item for item in items if not isinstance(item, Refused)]
        events, refused = pbx.env["crm.voip.journal"]._read_batch([event.to_dict() for event in events])
        refused = [(_shape(item), why) for _index, item, why in refused]
        refused += [(_shape(item.item), item.reason) for item in items if isinstance(item, Refused)]
        if bad:
            refused = [(_shape(_content(told)), bad)]
        bridge = {"id": SOURCE, "version": "", "pbx": "connected", "waiting": 0}

        def take(held, own):
            env = own.env
            fresh, waiting = held._receive(own, events) if events else ([], 0)
            if refused:
                env["crm.voip.refused"]._keep(own, SOURCE, refused)
            env["crm.voip.pbx.state"]._note(own, bridge, None, bool(events))
            return fresh, waiting

        fresh, waiting = pbx._receive_webhook(take)
        result = {
            "accepted": len(fresh),
            "waiting": waiting,
            "known": len(events) - len(fresh) - waiting if len(fresh) + waiting <= len(events) else 0,
            "refused": [{"index": index, "reason": why} for index, (_item, why) in enumerate(refused)],
        }
        return adapter.answer(told, {**result, "error": bad} if bad else result)

    def _look_up(self, pbx, adapter, told):
        if "lookup" not in adapter.capabilities:
            raise Refusal(404, "lookup", "This kind of PBX looks nobody up.")
        number = told.query.get("number", "")
        if not number or len(number) > _LONGEST_NUMBER or not number.isprintable():
            raise Refusal(422, "format", "The request has no number.")
        return request.make_json_response({"contact": pbx._lookup(number)})

    # --- what both share ---

    def _serve(self, token, work):
        try:
            with without_collector():
                answer = self._answer(token, work)
        except Refusal as refusal:
            content = {"error": refusal.word, "message": str(refusal)}
            return request.make_json_response(content, status=refusal.status)
        if isinstance(answer, http.Response):
            return answer
        headers = [("Content-Type", answer.content_type), ("Cache-Control", "no-store"), *answer.headers.items()]
        return request.make_response(answer.body, headers=headers, status=answer.status)

    def _answer(self, token, work):
        env = request.env(user=SUPERUSER_ID, su=True)
        if env["crm.voip.pbx"]._is_neutralized():
            raise Refusal(403, "closed", "This is a neutralized copy of the database: it takes no calls.")
        pbx, adapter, secrets = env["crm.voip.pbx"]._webhook(token)
        told = self._told(pbx)
        # nothing is said to a PBX that has no secret, nor to a neighbour of its address
        challenge = adapter.challenge(told) if adapter and secrets else None
        if challenge is not None:
            return challenge
        try:
            if not adapter or not secrets:
                raise BadSignature("there is no such address, or no secret yet")
            adapter.verify(told, secrets, time.time())
        except (BadSignature, ValueError, TypeError) as error:
            reason = error if isinstance(error, BadSignature) else "it could not be understood"
            _logger.info("A webhook was refused: %s", reason)
            message = "Address, secret or signature is wrong: compare them with the PBX in Odoo."
            raise Refusal(401, "signature", message) from None
        if pbx._is_closed():
            raise Refusal(403, "closed", "This PBX is archived in Odoo.")
        return work(pbx.with_company(pbx.company_id), adapter, told)

    def _told(self, pbx):
        """The request as an adapter sees it."""
        http_request = request.httprequest
        if (http_request.content_length or 0) > MAX_BODY:
            raise Refusal(413, "too_large", f"A request has at most {MAX_BODY} bytes.")
        query = http_request.query_string.decode("utf-8", "replace")
        public = pbx.webhook_url or ""
        return WebhookRequest(
            method=http_request.method,
            url=http_request.url,
            headers={name.lower(): value for name, value in http_request.headers.items()},
            query=http_request.args.to_dict(),
            body=http_request.get_data(),
            public_url=f"{public}?{query}" if query and public else public,
            zone=ZoneInfo(pbx._zone()) if pbx else timezone.utc,
            received_at=datetime.now(timezone.utc),
        )


class TemplateFile(BridgeFile):
    @http.route("/crm_voip_bridge/pbx/<int:pbx_id>/3cx.xml", type="http", auth="user", readonly=True)
    def template(self, pbx_id):
        """3CX's CRM template; the token is entered there, so that the file holds no secret."""
        pbx = self._pbx(pbx_id)
        values = {
            "name": pbx.name,
            "country": pbx.country_id.code or "",
            "address": pbx.webhook_url or "",
            "lookup": f"{pbx.webhook_url or ''}/lookup",
        }
        values = {name: quoteattr(value, {'"': "&quot;"})[1:-1] for name, value in values.items()}
        template = (Path(_ADAPTERS_FILE).parent / "3cx.xml").read_text(encoding="utf-8")
        return self._download((template % values).encode(), "odoo-3cx.xml", "application/xml; charset=utf-8")


def _content(told):
    """What came, for its shape alone."""
    try:
        return told.fields()
    except BadBody:
        return None


def _shape(value, depth=0):
    """A value without its contents: the call may be one that is not to be recorded, so no number of it is kept."""
    if isinstance(value, dict) and depth < 4:
        named = [(key if _NAME.match(key) else "…", item) for key, item in list(value.items())[:60]]
        return {key: _shape(item, depth + 1) for key, item in named}
    if isinstance(value, list) and depth < 4:
        return [_shape(item, depth + 1) for item in value[:5]]
    names = {str: "text", bool: "boolean", int: "number", float: "number", type(None): "nothing"}
    return names.get(type(value), "…")
