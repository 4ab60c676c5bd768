"""A PBX that only tells: plays recorded AMI sessions to whoever logs in, as if they happened now.

    recorded_pbx.py PORT FILE…

For who has no Asterisk (or no root to start one): the bridge cannot tell the difference, so
that the calls take the same path as real ones. User `bridge`; the secret is in the variable AMI_SECRET.
"""

import asyncio
import hashlib
import os
import re
import sys
import time

# Seconds between two recordings.
PAUSE_S = 1.0
# Times and the ids made of them: ten digits, a dot, more digits.
_MOMENT = re.compile(rb"\b(\d{10})(?=\.\d)")
_TIMESTAMP = re.compile(rb"^Timestamp: ([\d.]+)", re.M)


class RecordedPbx:
    """Serves AMI on loopback; the recordings begin when the first client has logged in."""

    def __init__(self, secret: str, files: list[str]):
        self.secret, self.files = secret, files
        self.clients: set[asyncio.StreamWriter] = set()
        self.somebody = asyncio.Event()

    async def serve(self, port: int) -> None:
        """Listen for ever; play everything once."""
        server = await asyncio.start_server(self._session, "127.0.0.1", port)
        async with server:
            await self.somebody.wait()
            # Whoever has just come asks for what is going on before it listens.
            await asyncio.sleep(3)
            for file in self.files:
                await self._play(file)
            await server.serve_forever()

    async def _play(self, file: str) -> None:
        with open(file, "rb") as recording:
            blocks = re.split(rb"\r?\n\r?\n", recording.read())
        blocks = [block for block in blocks if _TIMESTAMP.search(block)]
        first = float(_TIMESTAMP.search(blocks[0])[1])
        begin = time.time()
        later = int(begin) - int(first)
        for block in blocks:
            due = begin + float(_TIMESTAMP.search(block)[1]) - first
            await asyncio.sleep(max(0, due - time.time()))
            block = _MOMENT.sub(lambda found: str(int(found[1]) + later).encode(), block)
            for client in self.clients:
                client.write(b"\r\n".join(block.splitlines()) + b"\r\n\r\n")
        await asyncio.sleep(PAUSE_S)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
                asked = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
                for lines in self._answers(asked, writer):
                    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            self.clients.discard(writer)
            writer.close()

    def _answers(self, asked: dict, writer: asyncio.StreamWriter):
        mark = f"ActionID: {asked.get('ActionID', '')}"
        action = asked.get("Action", "")
        if action == "Challenge":
            yield ["Response: Success", mark, f"Challenge: {id(writer)}"]
        elif action == "Login":
            right = hashlib.md5(f"{id(writer)}{self.secret}".encode(), usedforsecurity=False).hexdigest()
            if asked.get("Key") != right:
                yield ["Response: Error", mark, "Message: Authentication failed"]
                return
            yield ["Response: Success", mark, "Message: Authentication accepted"]
            yield ["Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted"]
            self.clients.add(writer)
            self.somebody.set()
        elif action == "CoreShowChannels":
            yield ["Response: Success", mark, "EventList: start"]
            yield ["Event: CoreShowChannelsComplete", mark, "EventList: Complete", "ListItems: 0"]
        elif action == "QueueStatus":
            yield ["Response: Success", mark, "EventList: start"]
            yield ["Event: QueueStatusComplete", mark, "EventList: Complete", "ListItems: 0"]
        else:
            yield ["Response: Success", mark, "Ping: Pong"]


if __name__ == "__main__":
    asyncio.run(RecordedPbx(os.environ["AMI_SECRET"], sys.argv[2:]).serve(int(sys.argv[1])))
