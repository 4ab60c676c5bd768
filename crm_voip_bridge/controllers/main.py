import json
import logging
import secrets
import time
from datetime import date

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..lib.events import format_time, parse_time
from ..lib.signature import KEY_HEADER, SIGNATURE_HEADER, TIME_HEADER, BadSignature, verify
from ..models.transaction import in_own_transaction, without_collector

_logger = logging.getLogger(__name__)

MAX_BODY = 8 * 1024 * 1024
#: an unknown key is checked against this, so that the time it takes tells nothing
_NOBODY = secrets.token_urlsafe(32)
#: most items of a kind that one request tells of; a bridge never has more
_MOST = 1000
_INT4 = 2**31 - 1


class Refusal(Exception):
    """An answer other than 200: it helps the operator and tells an attacker nothing."""

    def __init__(self, status, word, message):
        super().__init__(message)
        self.status, self.word = status, word


class CrmVoipBridge(http.Controller):
    """Where bridges deliver events and fetch what they may record; readme/PROTOCOL describes both."""

    def _route(path):
        # 'none': the signature says who it is, and the public user would be the author of what is written
        return http.route(
            f"/crm_voip_bridge/v1/{path}",
            type="http",
            auth="none",
            methods=["POST"],
            csrf=False,
            save_session=False,
            readonly=False,
            max_content_length=MAX_BODY,
        )

    @_route("events")
    def crm_voip_bridge_events(self):
        return self._serve(self._take_events)

    @_route("scope")
    def crm_voip_bridge_scope(self):
        return self._serve(self._tell_scope)

    del _route

    # --- the work of each route ---

    def _take_events(self, pbx, content):
        """Keep what came, then fold the calls that it is about.

        What is acknowledged is committed: a fold that fails afterwards is made up for by a scheduled action.
        """
        batch = _Batch(content)
        items = content.get("events", [])
        if not isinstance(items, list):
            raise _malformed("'events' is no list")
        events, refused = pbx.env["crm.voip.journal"]._read_batch(items)

        def take(env):
            own = pbx.with_env(env)
            fresh = env["crm.voip.journal"]._take(own, events)
            if refused:
                env["crm.voip.refused"]._keep(own, batch.bridge["id"], [(item, why) for _index, item, why in refused])
            if batch.outside:
                env["crm.voip.outside"]._note(own, batch.bridge["id"], batch.outside)
            if batch.discovered:
                env["crm.voip.extension"]._discover(own, batch.discovered)
            env["crm.voip.pbx.state"]._note(own, batch.bridge, batch.clock_difference, bool(events))
            return fresh, own._scope()["version"]

        fresh, version = in_own_transaction(pbx.env, take)
        if fresh:
            refs = pbx.env["crm.voip.call.ref"]._refs_of(fresh)
            pbx.env["crm.voip.call"]._fold_marked(pbx, refs, told=fresh)
        return {
            "accepted": len(fresh),
            "known": len(events) - len(fresh),
            "refused": [{"id": _id_of(item), "index": index, "reason": why} for index, item, why in refused],
            "scope": version,
        }

    def _tell_scope(self, pbx, content):
        batch = _Batch(content)

        def tell(env):
            own = pbx.with_env(env)
            env["crm.voip.pbx.state"]._note(own, batch.bridge, batch.clock_difference, False)
            return own._scope()

        return in_own_transaction(pbx.env, tell)

    # --- what both share ---

    def _serve(self, work):
        try:
            with without_collector():
                pbx, content = self._authenticate()
                answer = work(pbx, content)
        except Refusal as refusal:
            content = {"error": refusal.word, "message": str(refusal)}
            return request.make_json_response(content, status=refusal.status)
        return request.make_json_response({**answer, "now": _now()})

    def _authenticate(self):
        """:return: ``(pbx, content)`` of a request that is signed with a valid key"""
        env = request.env(user=SUPERUSER_ID, su=True)
        if env["crm.voip.pbx"]._is_neutralized():
            raise Refusal(403, "closed", "This is a neutralized copy of the database: it takes no calls.")
        http_request = request.httprequest
        if (http_request.content_length or 0) > MAX_BODY:
            raise Refusal(413, "too_large", f"A request has at most {MAX_BODY} bytes: send fewer events at once.")
        body = http_request.get_data()
        key = http_request.headers.get(KEY_HEADER, "")
        pbx, known = env["crm.voip.pbx.key"]._secrets(key if _is_text(key, 64) else "")
        try:
            verify(
                known or [_NOBODY],
                key,
                http_request.headers.get(TIME_HEADER, ""),
                http_request.headers.get(SIGNATURE_HEADER, ""),
                body,
                time.time(),
            )
            if not known:
                raise BadSignature("the key is unknown")
        except BadSignature as error:
            _logger.info("A request of a bridge was refused: %s", error)
            message = "Key, signature or time stamp is wrong: compare key, secret and clock with the PBX in Odoo."
            raise Refusal(401, "signature", message) from None
        if pbx._is_closed():
            raise Refusal(403, "closed", "This PBX is archived in Odoo.")
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            raise _malformed("the body is no JSON") from None
        if not isinstance(content, dict):
            raise _malformed("the body is no JSON object")
        return pbx.with_company(pbx.company_id), content


class _Batch:
    """What a request says beside its events, checked.

    :raise Refusal: it is not of the form that readme/PROTOCOL describes
    """

    def __init__(self, content):
        bridge = content.get("bridge")
        if not isinstance(bridge, dict) or not _is_text(bridge.get("id"), 64) or not bridge["id"]:
            raise _malformed("'bridge' has no 'id'")
        waiting = bridge.get("waiting", 0)
        self.bridge = {
            "id": bridge["id"],
            "version": bridge["version"] if _is_text(bridge.get("version"), 64) else "",
            "pbx": bridge["pbx"] if _is_text(bridge.get("pbx"), 250) else "",
            "waiting": min(waiting, _INT4) if _is_count(waiting) else 0,
        }
        now = parse_time(bridge.get("now"))
        self.clock_difference = now.timestamp() - time.time() if now else None
        discovered = content.get("discovered", [])
        if not isinstance(discovered, list) or len(discovered) > _MOST:
            raise _malformed("'discovered' is no list, or too long")
        self.discovered = [text for text in discovered if _is_text(text, 15) and text.isascii() and text.isdigit()]
        self.outside = self._days(content.get("outside", {}))

    def _days(self, outside):
        if not isinstance(outside, dict) or len(outside) > _MOST:
            raise _malformed("'outside' is no object, or too long")
        days = {}
        for day, count in outside.items():
            if not _is_count(count):
                raise _malformed("'outside' has something other than a number of calls")
            try:
                days[date.fromisoformat(day)] = min(count, _INT4)
            except ValueError:
                raise _malformed("'outside' has something other than a day") from None
        return days


def _id_of(item):
    """:return: the id of a refused event, None if it has none that can be said"""
    named = item.get("id") if isinstance(item, dict) else None
    return named if _is_text(named, 128) else None


def _malformed(what):
    return Refusal(422, "format", f"The request is not understood: {what}.")


def _is_text(value, most):
    return isinstance(value, str) and len(value) <= most and value.isprintable()


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _now():
    return format_time(parse_time(time.time()))
