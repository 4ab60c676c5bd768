"""Signed requests to Odoo, and one clear line for everything that can go wrong with them."""

import email.utils
import json
import time
import urllib.parse
from collections.abc import Mapping
from datetime import datetime

import urllib3

from . import signature
from .events import UTC, format_time
from .notices import masked

VERSION = "19.0.1.2.1"
EVENTS_PATH = "/crm_voip_bridge/v1/events"
SCOPE_PATH = "/crm_voip_bridge/v1/scope"
AUDIT_PATH = "/crm_voip_bridge/v1/audit"
COMMANDS_PATH = "/crm_voip_bridge/v1/commands"
FETCH_PATH = "/crm_voip_bridge/v1/fetch"
RECORDING_PATH = "/crm_voip_bridge/v1/recording"
#: an answer is short; what is longer comes from somebody else
_MOST_ANSWER = 8_000_000


class OdooProblem(Exception):
    """Odoo could not be reached or did not accept; the text names the remedy."""

    topic = "odoo"


class Unreachable(OdooProblem):
    topic = "odoo.unreachable"


class TlsProblem(OdooProblem):
    topic = "odoo.tls"


class NotThere(OdooProblem):
    """The address answers, but there is no Odoo with our addon behind it."""

    topic = "odoo.address"


class Refused(OdooProblem):
    """401: key, signature or clock."""

    topic = "odoo.refused"


class Closed(OdooProblem):
    """403: the PBX is archived, or the database is a neutralised copy."""

    topic = "odoo.closed"


class TooLarge(OdooProblem):
    """413: fewer events at once."""

    topic = "odoo.too_large"


class NoSuchCall(OdooProblem):
    """404 in our own words: Odoo does not have the call of a recording, or not yet."""

    topic = "odoo.call"


class RecordingsOff(Closed):
    """403 in our own words: Odoo takes no recordings from this PBX."""

    topic = "odoo.recordings"


class Gone(OdooProblem):
    """410: Odoo had the recording, and deleted it."""

    topic = "odoo.gone"


class BadFormat(OdooProblem):
    """422: Odoo does not understand what we send."""

    topic = "odoo.format"


class Busy(OdooProblem):
    """429 or 5xx: later."""

    topic = "odoo.busy"


#: status and word of an answer -> what it means, where the status alone would not tell
_OWN_WORDS = {
    (404, "call"): NoSuchCall,
    (403, "recordings"): RecordingsOff,
    (410, "gone"): Gone,
    (422, "sound"): BadFormat,
}


class OdooClient:
    """Posts JSON to one Odoo, for one PBX.

    :param url: of Odoo, without path
    :param database: sent as ``X-Odoo-Database``, "" where the host name decides
    :param ca_file: certificates to trust instead of the machine's
    :param clock: seconds since 1970
    :param timeout: seconds for an answer
    """

    def __init__(self, url, key, secret, database="", ca_file="", clock=time.time, timeout=30.0):
        self.url, self.key, self.database, self.clock = url.rstrip("/"), key, database, clock
        self._secret = secret
        #: seconds that this machine's clock is ahead of Odoo's, None before the first answer
        self.clock_off: float | None = None
        self._pool = urllib3.PoolManager(
            cert_reqs="CERT_REQUIRED",
            ca_certs=ca_file or None,
            # one for events, one for commands
            maxsize=2,
            retries=False,
            timeout=urllib3.Timeout(connect=min(10.0, timeout), read=timeout),
        )

    def post(self, path: str, body: bytes) -> dict:
        """Send a body and return the JSON object of the answer.

        :raise OdooProblem: one of its kinds
        """
        return self._send(path, body, body, {"Content-Type": "application/json"})

    def post_file(self, path: str, about: Mapping, file) -> dict:
        """Send a file with what is to be said about it, and return the JSON object of the answer.

        What is signed is what is said, and that tells size and checksum of the file: so Odoo can refuse before
        it has read all, and neither side holds a file in memory in order to sign it.

        :param about: JSON values, with ``size`` and ``sha256``
        :param file: open for reading bytes, at its start
        :raise OdooProblem: one of its kinds
        """
        text = json.dumps(about)
        headers = {signature.ABOUT_HEADER: text, "Content-Type": "application/octet-stream"}
        headers["Content-Length"] = str(about["size"])
        return self._send(path, file, text.encode(), headers)

    def _send(self, path: str, body, signed: bytes, headers: dict) -> dict:
        now = self.clock()
        headers |= {"User-Agent": f"crm-voip-bridge/{VERSION}"}
        headers |= signature.headers(self._secret, self.key, int(now), signed)
        if self.database:
            headers["X-Odoo-Database"] = self.database
        try:
            answer = self._pool.request(
                "POST", self.url + path, body=body, headers=headers, redirect=False, preload_content=False
            )
            try:
                text = answer.read(_MOST_ANSWER)
            finally:
                answer.release_conn()
        except urllib3.exceptions.SSLError as error:
            raise TlsProblem(
                f"TLS with {self.url} fails ({_reason(error)}): renew Odoo's certificate, or name its authority in [odoo] ca_file"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(
                f"Odoo at {self.url} does not answer ({_reason(error)}): check [odoo] url, that Odoo runs, and the firewall"
            ) from error
        self._measure_clock(answer.headers.get("Date"), now, self.clock())
        values = _json(text)
        if answer.status == 200 and values is not None:
            return values
        raise self._problem(answer.status, values or {}, answer.headers)

    def session(self) -> str:
        """A cookie with a session of nobody in our database, which a websocket needs where there are several.

        :raise OdooProblem: nobody answers
        """
        if not self.database:
            return ""
        address = f"{self.url}/web/login?{urllib.parse.urlencode({'db': self.database})}"
        try:
            answer = self._pool.request("GET", address, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"Odoo at {self.url} does not answer ({_reason(error)})") from error
        for cookie in answer.headers.getlist("Set-Cookie"):
            if cookie.startswith("session_id="):
                return cookie.partition(";")[0]
        return ""

    def _measure_clock(self, date: str | None, before: float, after: float) -> None:
        try:
            theirs = email.utils.parsedate_to_datetime(date).timestamp()
        except (TypeError, ValueError):
            return
        # the header has whole seconds, cut off; within them nobody is wrong
        off = before - (theirs + 1) if before > theirs + 1 else min(after - theirs, 0.0)
        self.clock_off = round(off, 1)

    def _problem(self, status: int, values: Mapping, headers: Mapping) -> OdooProblem:
        said = masked(values.get("message") or "")
        word = values.get("error")
        own = _OWN_WORDS.get((status, word if isinstance(word, str) else ""))
        if own:
            return own(f"Odoo says: {said}")
        if status == 401:
            off = self.clock_off or 0.0
            if abs(off) > signature.TOLERANCE / 2:
                return Refused(
                    f"Odoo refuses the signature, because this machine's clock is {abs(off):.0f} s "
                    f"{'ahead of' if off > 0 else 'behind'} Odoo's: set the time (timedatectl set-ntp true)"
                )
            return Refused(
                "Odoo refuses the signature: compare [odoo] key and secret with the PBX's form in Odoo, or make a new key there"
            )
        if status == 403:
            return Closed(
                f"Odoo accepts nothing from this PBX{': ' + said if said else ''}; unarchive the PBX in Odoo, "
                "or, if this Odoo is a test copy, point [odoo] url to the real one"
            )
        if status == 413:
            return TooLarge("Odoo, or the proxy before it, finds the batch too large")
        if status == 422:
            return BadFormat(
                f"Odoo does not understand this bridge{': ' + said if said else ''}; update the older of the two: "
                "the PBX's form in Odoo offers the bridge that fits"
            )
        if status == 429 or status >= 500:
            return Busy(f"Odoo at {self.url} answers {status}{': ' + said if said else ''}; look into Odoo's log")
        if 300 <= status < 400:
            return NotThere(
                f"Odoo's address has moved: set [odoo] url to the start of {masked(headers.get('Location'))}"
            )
        return NotThere(
            f"No bridge route at {self.url} (answer {status}): check [odoo] url and database, "
            "and that crm_voip_bridge is installed there"
        )


def bridge_head(spool_id: str, waiting: int, pbx: str, now: float) -> dict:
    """What every request says of the bridge.

    :param pbx: "connected", "connecting", or one line of what is wrong
    :param now: seconds since 1970
    """
    moment = format_time(datetime.fromtimestamp(now, UTC))
    return {"id": spool_id, "version": VERSION, "now": moment, "waiting": waiting, "pbx": pbx[:250]}


def events_body(
    head: Mapping,
    texts: list[str],
    scope="",
    discovered=(),
    outside: Mapping | None = None,
    queues: Mapping | None = None,
    places: tuple[int, int] | None = None,
) -> bytes:
    """The body of a batch.

    :param texts: events as JSON texts, put in as they are
    :param queues: who serves which queue, None to say nothing of them
    :param places: of what is in the spool, all after the one and up to the other is in here; None to say nothing of it
    """
    rest = {"bridge": head, "scope": scope, "discovered": sorted(discovered), "outside": outside or {}}
    if places is not None:
        rest["after"], rest["last"] = places
    if queues is not None:
        rest["queues"] = queues
    return (json.dumps(rest)[:-1] + ', "events": [' + ",".join(texts) + "]}").encode()


def _json(text: bytes) -> dict | None:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _reason(error: BaseException) -> str:
    """The innermost reason of a network error, short."""
    while getattr(error, "reason", None) and isinstance(error.reason, BaseException):
        error = error.reason
    text = str(error.args[-1] if error.args else error)
    return masked(text.rpartition(">: ")[2] or type(error).__name__, 120)
