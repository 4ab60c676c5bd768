"""A PBX and an Odoo in threads, real on the wire: AMI over TCP, signed requests over HTTP."""

import contextlib
import hashlib
import json
import queue
import socket
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lib import signature
from lib.events import BadEvent, Event

KEY, SECRET = "test-key", "test-secret-0123456789"
SCOPE = {
    "version": "v1",
    "country": "NL",
    "internal_min": 2,
    "internal_max": 5,
    "outside_prefix": "",
    "trunks": [],
    "extensions": {"101": True, "102": True, "109": False},
    "never": {"key": "00", "numbers": []},
}


class Odoo:
    """Takes batches as Odoo does. ``answers`` holds statuses to give before it behaves."""

    def __init__(self, ssl_context=None):
        self.events: dict[str, dict] = {}
        self.requests: list[tuple[str, dict]] = []
        self.scope = dict(SCOPE)
        self.answers: list[int] = []
        self.most_bytes = 10**9
        self.poison = ""
        self.clock = 0.0
        self.scope_answers = True
        self.secret = SECRET
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._serve(self)

            def date_time_string(self, timestamp=None):
                return formatdate(time.time() + outer.clock, usegmt=True)

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        scheme = "http"
        if ssl_context:
            self._server.socket = ssl_context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        status, values = self._answer(request, body)
        text = json.dumps(values).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def _answer(self, request, body):
        head = request.headers
        try:
            signature.verify(
                [self.secret],
                head[signature.KEY_HEADER],
                head[signature.TIME_HEADER],
                head[signature.SIGNATURE_HEADER],
                body,
                time.time() + self.clock,
            )
        except signature.BadSignature:
            return 401, {"error": "signature", "message": "refused"}
        if self.answers:
            status = self.answers.pop(0)
            if status != 200:
                return status, {"error": "test", "message": "call +31201234567 for help"}
        values = json.loads(body)
        self.requests.append((request.path, values))
        if request.path.endswith("/scope"):
            return (200, self.scope) if self.scope_answers else (503, {})
        if not request.path.endswith("/events"):
            return 404, {}
        if len(body) > self.most_bytes:
            return 413, {"error": "too_large"}
        if self.poison and self.poison in body.decode():
            return 422, {"error": "format"}
        refused = []
        for place, event in enumerate(values["events"]):
            try:
                self.events.setdefault(Event.from_dict(event).id, event)
            except BadEvent as error:
                refused.append({"id": event.get("id"), "index": place, "reason": str(error)})
        return 200, {"accepted": len(values["events"]), "known": 0, "refused": refused, "scope": self.scope["version"]}


class Pbx:
    """A manager interface: one user, challenge and digest, and whatever blocks are given to :meth:`say`."""

    def __init__(self, user="bridge", secret="pbx-secret"):  # noqa: S107
        self.user, self.secret = user, secret
        self.logins = 0
        self.channels: list[str] = []
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self.queues: list[queue.Queue] = []
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self):
        # shutdown first: it wakes the thread that waits in accept
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def hang_up(self):
        """Close all sessions, as a restart does."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._connections.clear()
        self.queues.clear()

    def say(self, data: bytes):
        """To every session that is logged in."""
        for each in list(self.queues):
            each.put(data)

    def _listen(self):
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._session, args=(connection,), daemon=True).start()

    def _session(self, connection):
        with contextlib.suppress(OSError):
            connection.sendall(self.banner)
            rest = b""
            while data := connection.recv(4096):
                *blocks, rest = (rest + data).split(b"\r\n\r\n")
                for block in blocks:
                    fields = dict(line.split(": ", 1) for line in block.decode().split("\r\n"))
                    self._act(connection, fields)

    def _act(self, connection, fields):
        def answer(*lines):
            connection.sendall(
                "".join(f"{line}\r\n" for line in (*lines, f"ActionID: {fields['ActionID']}", "")).encode()
            )

        action = fields["Action"]
        if action == "Challenge":
            answer("Response: Success", "Challenge: 4711")
        elif action == "Login":
            digest = hashlib.md5(f"4711{self.secret}".encode(), usedforsecurity=False).hexdigest()
            if (fields["Username"], fields["Key"]) != (self.user, digest):
                answer("Response: Error", "Message: Authentication failed")
                connection.close()
                return
            self.logins += 1
            answer("Response: Success", "Message: Authentication accepted")
            connection.sendall(b"Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n")
            lines = queue.Queue()
            self.queues.append(lines)
            threading.Thread(target=self._send, args=(connection, lines), daemon=True).start()
        elif action == "CoreShowChannels":
            answer("Response: Success", "EventList: start")
            for leg in self.channels:
                connection.sendall(f"Event: CoreShowChannel\r\nUniqueid: {leg}\r\n\r\n".encode())
            connection.sendall(b"Event: CoreShowChannelsComplete\r\n\r\n")
        elif action == "Ping":
            answer("Response: Success", "Ping: Pong", f"Timestamp: {time.time():.6f}")

    @staticmethod
    def _send(connection, lines):
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(lines.get())


def until(condition, seconds=10.0):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
