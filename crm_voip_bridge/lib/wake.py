"""Odoo's websocket, over which it says that there is something to fetch; and a bell between threads.

The wake-up says nothing else: what is to be done comes by signed request. Odoo's bus lets anybody subscribe to a
channel; ours is a signed text, which Odoo turns into the PBX of the key (readme/PROTOCOL).

What Odoo's websocket wants: an ``Origin``, no ``User-Agent`` (a browser's is asked for its version), and where one
server has several databases a session cookie that names ours; it refuses ``X-Odoo-Database``. It closes by
itself after an hour or so.
"""

import contextlib
import json
import socket
import time
import urllib.parse

from . import signature
from .client import OdooProblem
from .notices import masked

try:
    import websocket
except ModuleNotFoundError:  # it is optional: without it, the bridge asks every other second
    websocket = None

#: what is signed instead of a body
SUBJECT = b"crm_voip_bridge/wake"
PREFIX = "crm_voip_bridge"
#: seconds for connecting, and for what the other side should say at once
TIMEOUT = 10.0
#: seconds without a word after which we ask whether anybody is there
QUIET = 30.0


class WakeProblem(Exception):
    """There is no websocket; the text says why."""


class Wake:
    """A subscription to the wake-ups of one PBX.

    :param url: of Odoo, or of its websocket's server where that is another one; without path
    :param client: the :class:`lib.client.OdooClient` whose key is used
    :param secret: of that key
    :raise WakeProblem: there is none
    """

    def __init__(self, url: str, client, secret: str, ca_file: str = "", clock=time.time):
        if websocket is None:
            raise WakeProblem("the Python package websocket-client is not installed")
        parts = urllib.parse.urlsplit(url)
        options = {"ca_certs": ca_file} if ca_file else {}
        try:
            self._line = websocket.create_connection(
                urllib.parse.urlunsplit((parts.scheme.replace("http", "ws", 1), parts.netloc, "/websocket", "", "")),
                timeout=TIMEOUT,
                origin=client.url,
                cookie=client.session() or None,
                sslopt=options,
                redirect_limit=0,
                # as our requests: straight, whatever the environment says of proxies
                http_no_proxy=["*"],
                enable_multithread=True,
            )
            channel = subscription(secret, client.key, int(clock()))
            self._line.send(json.dumps({"event_name": "subscribe", "data": {"channels": [channel], "last": 0}}))
            self._line.settimeout(QUIET)
        except (websocket.WebSocketException, OdooProblem, OSError, ValueError) as error:
            self.close()
            raise WakeProblem(_reason(error)) from None

    def wait(self) -> bool:
        """Wait for a word.

        :return: whether it was a wake-up; false if there was none for a time
        :raise WakeProblem: the websocket is closed
        """
        try:
            try:
                said = self._line.recv()
            except websocket.WebSocketTimeoutException:
                self._line.ping()
                self._line.settimeout(TIMEOUT)
                # what answers may be the pong or anything else; nothing at all is the end
                code, said = self._line.recv_data(control_frame=True)
                if code == websocket.ABNF.OPCODE_CLOSE:
                    raise WakeProblem("Odoo closed it") from None
                self._line.settimeout(QUIET)
        except (websocket.WebSocketException, OSError) as error:
            raise WakeProblem(_reason(error)) from None
        return b"crm_voip_bridge/wake" in (said if isinstance(said, bytes) else said.encode())

    def close(self) -> None:
        line = getattr(self, "_line", None)
        if line is not None:
            with contextlib.suppress(Exception):  # whatever state it is in
                line.shutdown()


def subscription(secret: str, key: str, timestamp: int) -> str:
    """The channel to subscribe to.

    :param timestamp: seconds since 1970, good for some minutes
    """
    return ":".join((PREFIX, key, str(timestamp), signature.sign(secret, key, timestamp, SUBJECT)))


def subscriber(channel: str) -> tuple[str, str, str] | None:
    """Key, time and signature that a channel's name holds, None if it is another one's."""
    parts = channel.split(":")
    return tuple(parts[1:]) if len(parts) == 4 and parts[0] == PREFIX else None


class Bell:
    """Wakes a thread that waits in ``select``: give it to :meth:`lib.manager.Manager.read`."""

    def __init__(self):
        self._far, self._near = socket.socketpair()
        for end in (self._far, self._near):
            end.setblocking(False)

    def fileno(self) -> int:
        return self._near.fileno()

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it has not stopped ringing since the last time
            self._far.send(b"!")

    def still(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._near.recv(64):
                pass


def _reason(error: BaseException) -> str:
    return masked(f"{type(error).__name__}: {error}", 160)
