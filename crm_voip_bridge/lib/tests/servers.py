"""A PBX and an Odoo in threads, real on the wire: AMI over TCP, signed requests over HTTP."""

import base64
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
        #: bridge -> place of its spool up to which all is known; None: an Odoo that does not care
        self.known: dict[str, int] | None = {}
        #: what was said about a recording, and its bytes
        self.recordings: list[tuple[dict, bytes]] = []
        #: status and word to refuse recordings with
        self.refuses: tuple[int, str] | None = None
        self.scope = dict(SCOPE)
        self.answers: list[int] = []
        self.most_bytes = 10**9
        self.poison = ""
        self.clock = 0.0
        self.scope_answers = True
        self.secret = SECRET
        #: commands to give to whoever asks next, what became of earlier ones, and when somebody asked
        self.commands: list[dict] = []
        self.results: list[dict] = []
        self.asked: list[float] = []
        self.command_status = 200
        self.slow = 0.0
        #: what was said of stretches that are read again, and whether to go on with them
        self.fetches: list[dict] = []
        self.go = True
        #: channels that were subscribed to; headers of the handshakes; sockets
        self.channels: list[str] = []
        self.handshakes: list = []
        self.sockets: list[socket.socket] = []
        self.websocket = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._serve(self)

            def do_GET(self):
                outer._get(self)

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

    def backup(self):
        """What there is, to be put back by :meth:`restore`."""
        return dict(self.events), dict(self.known), list(self.recordings)

    def restore(self, backup):
        self.events, self.known, self.recordings = (type(part)(part) for part in backup)

    def wake(self, text=None):
        """Say over every websocket that there is something to fetch, or anything else."""
        message = {"id": 1, "message": {"type": "crm_voip_bridge/wake", "payload": {}}}
        data = json.dumps([message]).encode() if text is None else text.encode()
        for each in list(self.sockets):
            with contextlib.suppress(OSError):
                each.sendall(bytes([0x81, len(data)]) + data)

    def close_sockets(self):
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.sockets.clear()

    def _get(self, request):
        """Odoo's websocket, and the page that gives a session."""
        request.close_connection = True
        if request.path.startswith("/web/login"):
            request.send_response(303)
            request.send_header("Set-Cookie", "frontend_lang=en_US; Path=/")
            request.send_header("Set-Cookie", f"session_id=of-{request.path.rpartition('=')[2]}; Path=/")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        self.handshakes.append(dict(request.headers))
        if not self.websocket:
            request.send_error(400)
            return
        token = request.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(token.encode(), usedforsecurity=False).digest()).decode()
        request.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        with contextlib.suppress(OSError, ValueError):
            while True:
                opcode, text = self._frame(request.rfile)
                if opcode == 8:
                    return
                if opcode == 9:
                    request.connection.sendall(bytes([0x8A, len(text)]) + text)
                elif opcode == 1:
                    self.channels += json.loads(text)["data"]["channels"]
                    self.sockets.append(request.connection)

    @staticmethod
    def _frame(file):
        first, second = file.read(2)
        size = second & 127
        if size == 126:
            size = int.from_bytes(file.read(2), "big")
        mask = file.read(4)
        return first & 15, bytes(byte ^ mask[place % 4] for place, byte in enumerate(file.read(size)))

    def _give(self, values):
        self.asked.append(time.monotonic())
        self.results += values["results"]
        if self.command_status != 200:
            return self.command_status, {"error": "test"}
        given, self.commands = self.commands, []
        time.sleep(self.slow)
        return 200, {"commands": given}

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
                head.get(signature.ABOUT_HEADER, "").encode() or body,
                time.time() + self.clock,
            )
        except signature.BadSignature:
            return 401, {"error": "signature", "message": "refused"}
        if request.path.endswith("/commands"):
            return self._give(json.loads(body))
        if self.answers:
            status = self.answers.pop(0)
            if status != 200:
                return status, {"error": "test", "message": "call +31201234567 for help"}
        if request.path.endswith("/recording"):
            return self._take_recording(json.loads(head[signature.ABOUT_HEADER]), body)
        values = json.loads(body)
        if request.path.endswith("/fetch"):
            self.fetches.append(values)
            return 200, {"go": self.go and values["state"] == "running"}
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
        answer = {"accepted": len(values["events"]), "known": 0, "refused": refused, "scope": self.scope["version"]}
        if self.known is not None and "last" in values:
            bridge, known = values["bridge"]["id"], self.known.get(values["bridge"]["id"], 0)
            answer["last"] = self.known[bridge] = max(known, values["last"]) if values["after"] <= known else known
        return 200, {**answer, **({"commands": True} if self.commands else {})}

    def _take_recording(self, about, body):
        if self.refuses:
            return self.refuses[0], {"error": self.refuses[1], "message": "for a reason"}
        assert about["size"] == len(body) and about["sha256"] == hashlib.sha256(body).hexdigest()
        self.recordings.append((about, body))
        return 200, {"known": False}


class Pbx:
    """A manager interface: one user, challenge and digest, and whatever blocks are given to :meth:`say`."""

    def __init__(self, user="bridge", secret="pbx-secret"):  # noqa: S107
        self.user, self.secret = user, secret
        self.logins = 0
        self.channels: list[str] = []
        #: queue -> interfaces of its members
        self.members: dict[str, list[str]] = {}
        #: what was asked for beside the usual, and how to answer: True, or a message of refusal
        self.actions: list[dict] = []
        self.allows: bool | str = True
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
        elif action == "QueueStatus":
            answer("Response: Success", "EventList: start", "Message: Queue status will follow")
            for name, interfaces in self.members.items():
                lines = [f"Event: QueueParams\r\nQueue: {name}\r\n\r\n"]
                lines += [
                    f"Event: QueueMember\r\nQueue: {name}\r\nLocation: {one}\r\nPaused: 0\r\n\r\n" for one in interfaces
                ]
                connection.sendall("".join(lines).encode())
            connection.sendall(b"Event: QueueStatusComplete\r\n\r\n")
        elif action == "ListCommands":
            able = ("Originate", "Hangup", "BlindTransfer") if self.allows is True else ()
            answer("Response: Success", "Ping: Keepalive", *(f"{name}: words" for name in able))
        elif action in ("Originate", "Hangup", "BlindTransfer"):
            self.actions.append({**fields, "at": time.monotonic()})
            if self.allows is True:
                answer("Response: Success", "Message: done")
            else:
                answer("Response: Error", f"Message: {self.allows}")
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
