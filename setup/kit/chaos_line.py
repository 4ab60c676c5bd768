"""A line between two programs that can be cut, go deaf, and say again what was said on it.

Runs in a thread of its own, so that whoever spoils it does nothing else.

    with Line(target_port) as line:
        line.port               where the one side connects
        line.be("closed")       see MODES
        line.repeat(8, random)  requests from the past once more, in any order
"""

import asyncio
import http.client
import re
import threading
from collections import deque

MODES = {
    "open": "everything passes",
    "closed": "nobody gets through, and who was connected no longer is",
    "mute": "nothing passes, and nobody is told",
    "deaf": "what is said arrives, the answers do not",
}
# Only these change anything at the other side; a wake-up over the websocket, for instance, does not.
_KEPT = re.compile(rb"POST (/crm_voip_bridge/v1/events) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


class Line:
    """Passes connections on to a port of this machine's loopback."""

    def __init__(self, target: int):
        self.target = target
        self.mode = "open"
        # Requests as they were, signature and all: (headers, body).
        self.requests: deque[tuple[bytes, bytes]] = deque(maxlen=400)
        self._ends: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Line":
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._connected, "127.0.0.1", 0), self._loop)
        self.port = server.result().sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def be(self, mode: str) -> None:
        """Change what the line does; whoever is connected has to begin anew, unless all that happens is silence."""
        if mode not in MODES:
            raise ValueError(mode)
        asyncio.run_coroutine_threadsafe(self._be(mode), self._loop).result(10)

    async def _be(self, mode: str) -> None:
        if mode in ("open", "closed"):
            # What was swallowed is missing in the middle of something.
            for end in list(self._ends):
                end.transport.abort()
        self.mode = mode

    def repeat(self, most: int, random) -> dict[int, int]:
        """Send requests of the past again, in a random order; how often which status was the answer."""
        requests = list(self.requests)
        chosen = random.sample(requests, min(most, len(requests)))
        told: dict[int, int] = {}
        for head, body in chosen:
            status = self._say(head, body)
            told[status] = told.get(status, 0) + 1
        return told

    def _say(self, head: bytes, body: bytes) -> int:
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        try:
            connection.request("POST", first.split()[1], body, headers)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            if self.mode == "closed":
                writer.transport.abort()
                return
            try:
                there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
            except OSError:
                writer.transport.abort()
                return
            self._ends.add(there_writer)
            try:
                await asyncio.gather(
                    self._pass_on(reader, there_writer, Listener(self.requests), ("mute",)),
                    self._pass_on(there_reader, writer, None, ("mute", "deaf")),
                )
            finally:
                self._ends.discard(there_writer)
                there_writer.close()
        finally:
            self._ends.discard(writer)
            writer.close()

    async def _pass_on(self, reader, writer, listener: "Listener | None", swallowing: tuple) -> None:
        try:
            while data := await reader.read(65536):
                if self.mode in swallowing:
                    continue
                if listener:
                    listener.hear(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class Listener:
    """Picks the requests that are worth repeating out of what one side says."""

    def __init__(self, kept: deque):
        self._kept, self._said = kept, b""

    def hear(self, data: bytes) -> None:
        """Something more was said."""
        self._said += data
        while b"\r\n\r\n" in self._said:
            head, _, rest = self._said.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            body, self._said = rest[:size], rest[size:]
            # A sign of life without events says nothing new.
            if _KEPT.match(head) and not body.endswith(b'"events": []}'):
                self._kept.append((head, body))
        if not self._said.startswith(b"POST"[: len(self._said)]):
            # No HTTP, or a websocket.
            self._said = b""
