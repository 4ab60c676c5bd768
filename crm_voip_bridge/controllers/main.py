import hashlib
import json
import logging
import secrets
import time
from datetime import date

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..lib.events import format_time, parse_time
from ..lib.signature import ABOUT_HEADER, KEY_HEADER, SIGNATURE_HEADER, TIME_HEADER, BadSignature, verify
from ..lib.sound import MOST_BYTES
from ..models.crm_voip_recording import NotTaken
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


#: why a file is not kept -> what the bridge is told
_NOT_TAKEN = {
    "call": Refusal(404, "call", "Odoo does not have the call of this recording, or not yet."),
    "gone": Refusal(410, "gone", "This recording was deleted, or its time is over."),
    "sound": Refusal(422, "sound", "The file is no sound of a kind that is known."),
}


class CrmVoipBridge(http.Controller):
    """Where bridges deliver events and fetch what they may record; readme/PROTOCOL describes both."""

    def _route(path, most=MAX_BODY):
        # 'none': the signature says who it is, and the public user would be the author of what is written
        return http.route(
            f"/crm_voip_bridge/v1/{path}",
            type="http",
            auth="none",
            methods=["POST"],
            csrf=False,
            save_session=False,
            readonly=False,
            max_content_length=most,
        )

    @_route("events")
    def crm_voip_bridge_events(self):
        return self._serve(self._take_events)

    @_route("scope")
    def crm_voip_bridge_scope(self):
        return self._serve(self._tell_scope)

    @_route("commands")
    def crm_voip_bridge_commands(self):
        return self._serve(self._hand_out_commands)

    @_route("recording", MOST_BYTES)
    def crm_voip_bridge_recording(self):
        return self._serve(self._take_recording, self._authenticate_file)

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
            if batch.queues is not None:
                env["crm.voip.queue"]._note(own, batch.bridge["id"], batch.queues)
            return fresh, own._scope()["version"], env["crm.voip.command"]._is_waited_for(own)

        fresh, version, waited_for = in_own_transaction(pbx.env, take)
        if fresh:
            refs = pbx.env["crm.voip.call.ref"]._refs_of(fresh)
            pbx.env["crm.voip.call"]._fold_marked(pbx, refs, told=fresh)
        return {
            "accepted": len(fresh),
            "known": len(events) - len(fresh),
            "refused": [{"id": _id_of(item), "index": index, "reason": why} for index, item, why in refused],
            "scope": version,
            **({"commands": True} if waited_for else {}),
        }

    def _tell_scope(self, pbx, content):
        batch = _Batch(content)

        def tell(env):
            own = pbx.with_env(env)
            env["crm.voip.pbx.state"]._note(own, batch.bridge, batch.clock_difference, False)
            return own._scope()

        return in_own_transaction(pbx.env, tell)

    def _hand_out_commands(self, pbx, content):
        _Batch(content)
        results = content.get("results", [])
        if not isinstance(results, list) or len(results) > _MOST:
            raise _malformed("'results' is no list, or too long")

        def hand_out(env):
            own, commands = pbx.with_env(env), env["crm.voip.command"]
            if results:
                commands._note_results(own, results)
            return commands._hand_out(own), own._expects_commands()

        commands, expected = in_own_transaction(pbx.env, hand_out)
        return {"commands": commands, **({} if expected else {"idle": True})}

    def _take_recording(self, pbx, about):
        """Keep a file, unless what is said of it is reason enough not to look at it."""
        # read whatever the answer: the other side would find its line cut instead
        data = request.httprequest.get_data(cache=False)
        if not pbx._takes_recordings():
            raise Refusal(403, "recordings", "Recordings are switched off for this PBX in Odoo.")
        try:
            if not pbx.env["crm.voip.recording"]._find_call(pbx, about):
                return {"known": True}
            if len(data) != about["size"] or hashlib.sha256(data).hexdigest() != about["sha256"]:
                raise _malformed("the file is not the one that was announced")
            taken = in_own_transaction(
                pbx.env, lambda env: bool(env["crm.voip.recording"]._take(pbx.with_env(env), about, data))
            )
        except NotTaken as reason:
            raise _NOT_TAKEN[reason.args[0]] from None
        return {"known": not taken}

    # --- what all share ---

    def _serve(self, work, authenticate=None):
        try:
            with without_collector():
                pbx, content = (authenticate or self._authenticate)()
                answer = work(pbx, content)
        except Refusal as refusal:
            content = {"error": refusal.word, "message": str(refusal)}
            return request.make_json_response(content, status=refusal.status)
        return request.make_json_response({**answer, "now": _now()})

    def _authenticate(self):
        """:return: ``(pbx, content)`` of a request that is signed with a valid key"""
        if (request.httprequest.content_length or 0) > MAX_BODY:
            raise Refusal(413, "too_large", f"A request has at most {MAX_BODY} bytes: send fewer events at once.")
        body = request.httprequest.get_data()
        pbx = self._signer(body)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            raise _malformed("the body is no JSON") from None
        if not isinstance(content, dict):
            raise _malformed("the body is no JSON object")
        return pbx, content

    def _authenticate_file(self):
        """:return: ``(pbx, about)`` of a request with a file, which is described in a header that is signed"""
        said = request.httprequest.headers.get(ABOUT_HEADER, "")
        pbx = self._signer(said.encode("utf-8", "replace"))
        try:
            about = json.loads(said)
        except (ValueError, RecursionError):
            raise _malformed(f"{ABOUT_HEADER} is no JSON") from None
        if not isinstance(about, dict):
            raise _malformed(f"{ABOUT_HEADER} is no JSON object")
        for name, most in (("call", 160), ("file", 255)):
            if not _is_text(about.get(name), most) or not about[name]:
                raise _malformed(f"'{name}' is missing, or no text")
        leg, at = about.get("leg", ""), about.get("at")
        if not _is_text(leg, 160) or not (at is None or _is_text(at, 64)):
            raise _malformed("'leg' or 'at' is no text")
        if not _is_count(about.get("size")) or not _is_text(about.get("sha256"), 64):
            raise _malformed("'size' or 'sha256' is missing")
        if about["size"] > MOST_BYTES:
            raise Refusal(413, "too_large", f"A recording has at most {MOST_BYTES} bytes.")
        return pbx, {**about, "leg": leg, "at": at}

    def _signer(self, signed):
        """:return: the PBX whose key signed these bytes, in superuser mode"""
        env = request.env(user=SUPERUSER_ID, su=True)
        if env["crm.voip.pbx"]._is_neutralized():
            raise Refusal(403, "closed", "This is a neutralized copy of the database: it takes no calls.")
        http_request = request.httprequest
        key = http_request.headers.get(KEY_HEADER, "")
        pbx, known = env["crm.voip.pbx.key"]._secrets(key if _is_text(key, 64) else "")
        try:
            verify(
                known or [_NOBODY],
                key,
                http_request.headers.get(TIME_HEADER, ""),
                http_request.headers.get(SIGNATURE_HEADER, ""),
                signed,
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
        return pbx.with_company(pbx.company_id)


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
        self.queues = self._members(content["queues"]) if "queues" in content else None

    def _members(self, queues):
        if not isinstance(queues, dict) or len(queues) > _MOST:
            raise _malformed("'queues' is no object, or too long")
        members = {}
        for name, numbers in queues.items():
            if not _is_text(name, 128) or not name or not isinstance(numbers, list) or len(numbers) > _MOST:
                raise _malformed("'queues' has something other than lists of numbers by name")
            members[name] = [text for text in numbers if _is_text(text, 15) and text.isascii() and text.isdigit()]
        return members

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
