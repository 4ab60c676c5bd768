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
from ..models.crm_voip_call import CHUNK
from ..models.crm_voip_recording import NotTaken
from ..models.transaction import in_own_transaction, without_collector
from .raw import RAW

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
            type=RAW,
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

    @_route("fetch")
    def crm_voip_bridge_fetch(self):
        return self._serve(self._note_fetch)

    @_route("audit")
    def crm_voip_bridge_audit(self):
        return self._serve(self._take_audit)

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
            own, barred = pbx.with_env(env), []
            fresh = env["crm.voip.journal"]._take(own, events, barred)
            if refused:
                env["crm.voip.refused"]._keep(own, batch.bridge["id"], [(item, why) for _index, item, why in refused])
            if barred:
                env["crm.voip.refused"]._keep_reasons(own, batch.bridge["id"], {why for _event, why in barred})
            if batch.outside:
                env["crm.voip.outside"]._note(own, batch.bridge["id"], batch.outside)
            if batch.discovered:
                env["crm.voip.extension"]._discover(own, batch.discovered)
            # in the transaction of the events: a backup holds both or neither
            state = env["crm.voip.pbx.state"]
            place = state._note(own, batch.bridge, batch.clock_difference, bool(events), batch.places)
            if batch.queues is not None:
                env["crm.voip.queue"]._note(own, batch.bridge["id"], batch.queues)
            return fresh, barred, own._scope()["version"], env["crm.voip.command"]._is_waited_for(own), place

        fresh, barred, version, waited_for, place = in_own_transaction(pbx.env, take)
        if fresh:
            refs = pbx.env["crm.voip.call.ref"]._refs_of(fresh)
            pbx.env["crm.voip.call"]._fold_marked(pbx, refs, told=fresh)
        elif not items:
            # a sign of life: time for what could not be folded when it came, because the database went away in between
            pbx.env["crm.voip.call"]._fold_waiting(pbx.ids, most=CHUNK)
        places = {_id_of(item): index for index, item in enumerate(items)} if barred else {}
        return {
            "accepted": len(fresh),
            "known": len(events) - len(fresh) - len(barred),
            "refused": [
                *({"id": _id_of(item), "index": index, "reason": why} for index, item, why in refused),
                *({"id": event.id, "index": places.get(event.id), "reason": why} for event, why in barred),
            ],
            "scope": version,
            **({"commands": True} if waited_for else {}),
            **({"last": place} if batch.places else {}),
        }

    def _tell_scope(self, pbx, content):
        batch = _Batch(content)

        def tell(env):
            own = pbx.with_env(env)
            env["crm.voip.pbx.state"]._note(own, batch.bridge, batch.clock_difference, False)
            return own._scope()

        return in_own_transaction(pbx.env, tell)

    def _note_fetch(self, pbx, content):
        """A bridge says how far it is with a stretch of the PBX's record that it reads again."""
        bridge, report = _Batch(content).bridge["id"], _fetch_report(content)
        go = in_own_transaction(pbx.env, lambda env: env["crm.voip.fetch"]._note(pbx.with_env(env), bridge, report))
        return {"go": go}

    def _take_audit(self, pbx, content):
        """A bridge tells what the PBX's own record has of a day."""
        _Batch(content)
        report = _audit_report(content)
        return in_own_transaction(pbx.env, lambda env: env["crm.voip.completeness"]._take(pbx.with_env(env), report))

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
        places = content.get("after"), content.get("last")
        self.places = places if all(_is_count(place) and place <= _INT4 for place in places) else None

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


def _fetch_report(content):
    """:return: what a request says of a reading of the PBX's record, as ``crm.voip.fetch`` takes it"""
    ident, state, calls = content.get("id"), content.get("state"), content.get("calls", 0)
    if not (_is_text(ident, 10) and ident.isascii() and ident.isdigit() and int(ident) <= _INT4):
        raise _malformed("'id' is no id of a reading")
    if state not in ("running", "done", "failed"):
        raise _malformed("'state' is none of running, done, failed")
    if not _is_count(calls) or not _is_text(content.get("reason", ""), 500):
        raise _malformed("'calls' is no number, or 'reason' no text")
    at = parse_time(content.get("at"))
    return {
        "id": int(ident),
        "state": state,
        "calls": min(calls, _INT4),
        "at": at and at.replace(tzinfo=None, microsecond=0),
        "reason": content.get("reason", ""),
    }


def _audit_report(content):
    """:return: what a request tells of the PBX's own record, as ``crm.voip.completeness`` takes it"""
    ident, _, asked = content["id"].partition(".") if _is_text(content.get("id"), 21) else ("", "", "")
    if not all(part.isascii() and part.isdigit() and int(part) <= _INT4 for part in (ident, asked)):
        raise _malformed("'id' is no id of a question")
    run, source, problem = content.get("run"), content.get("source", "cel"), content.get("problem", "")
    if not _is_text(run, 32) or not run or source not in ("cel", "cdr") or not _is_text(problem, 500):
        raise _malformed("'run', 'source' or 'problem' is not as described")
    calls, seen, total = content.get("calls", []), content.get("seen"), content.get("total")
    if not isinstance(calls, list) or len(calls) > _MOST:
        raise _malformed("'calls' is no list, or too long")
    if seen is not None and not (
        isinstance(seen, list) and len(seen) <= _MOST and all(_is_text(ref, 160) for ref in seen)
    ):
        raise _malformed("'seen' is no list of ids, or too long")
    if total is not None:
        if not isinstance(total, dict) or not all(_is_count(total.get(name)) for name in ("calls", "outside")):
            raise _malformed("'total' has no numbers")
        total = {name: min(total[name], _INT4) for name in ("calls", "outside")}
    return {
        "id": int(ident),
        "asked": int(asked),
        "run": run,
        "source": source,
        "problem": problem,
        "calls": [_audit_call(call) for call in calls],
        "seen": seen,
        "total": total,
    }


def _audit_call(call):
    if not isinstance(call, dict) or not _is_text(call.get("call"), 160) or not call["call"]:
        raise _malformed("'calls' has something other than calls")
    start, end, talk = parse_time(call.get("start")), parse_time(call.get("end")), call.get("talk")
    if start is None or (talk is not None and not (_is_count(talk) or (isinstance(talk, float) and 0 <= talk < 1e9))):
        raise _malformed("'calls' has a call without a start, or with a talk that is no number of seconds")
    times = {"started_at": start, "ended_at": end}
    times = {name: moment and moment.replace(tzinfo=None).isoformat() for name, moment in times.items()}
    return {"ref": call["call"], "talk_s": talk, **times}


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
