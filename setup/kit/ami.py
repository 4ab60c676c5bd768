"""AMI as the scenarios need it: write down what the bridge's user is told, and give commands.

Deliberately not the bridge's own reader: what proves that one must not share its mistakes.
"""

import asyncio
import re
from pathlib import Path


class Recorder:
    """Writes all that AMI says to `path`, byte for byte; the password is only sent, so never in it."""

    def __init__(self, path: Path, user: str, secret: str, *, host="127.0.0.1", port=5038):
        self.path, self.user, self.secret, self.address = path, user, secret, (host, port)
        self.size = 0

    async def __aenter__(self) -> "Recorder":
        reader, self._writer = await asyncio.open_connection(*self.address)
        self._writer.write(f"Action: Login\r\nUsername: {self.user}\r\nSecret: {self.secret}\r\n\r\n".encode())
        self._ready = asyncio.Event()
        self._task = asyncio.ensure_future(self._record(reader))
        await asyncio.wait_for(self._ready.wait(), 10)
        return self

    async def _record(self, reader) -> None:
        with self.path.open("wb") as file:
            while data := await reader.read(65536):
                file.write(data)
                file.flush()
                self.size += len(data)
                if b"FullyBooted" in data:
                    self._ready.set()

    def ask(self, action: str) -> None:
        """Send an action without further fields; the answer is written down like everything."""
        self._writer.write(f"Action: {action}\r\n\r\n".encode())

    async def quiet(self, seconds: float = 0.5, timeout: float = 10) -> None:
        """Wait until nothing has been said for that long."""
        for _ in range(int(timeout / seconds)):
            before = self.size
            await asyncio.sleep(seconds)
            if self.size == before:
                return

    async def __aexit__(self, *exc) -> None:
        self._writer.close()
        await asyncio.wait([self._task], timeout=2)
        self._task.cancel()


class Driver:
    """Gives commands, such as `await driver.act("Originate", Channel="PJSIP/101", …)`."""

    def __init__(self, secret: str, *, host="127.0.0.1", port=5038):
        self.secret, self.address = secret, (host, port)
        self._number = 0

    async def __aenter__(self) -> "Driver":
        self._reader, self._writer = await asyncio.open_connection(*self.address)
        await self.act("Login", Username="driver", Secret=self.secret, Events="off")
        return self

    async def __aexit__(self, *exc) -> None:
        self._writer.close()

    async def channel(self, number: str) -> str:
        """The name of the oldest channel of a telephone, such as `PJSIP/101-0000000c`."""
        answer = await self.act("Command", Command="core show channels concise")
        names = re.findall(rf"^Output: (PJSIP/{number}-[^!]+)!", answer["block"], re.M)
        if not names:
            raise ValueError(f"{number} has no channel")
        return min(names)

    async def act(self, action: str, **fields) -> dict[str, str]:
        """Do it and return the answer's fields, and all of it as `block`. ValueError if AMI refuses."""
        self._number += 1
        number = str(self._number)
        lines = [f"Action: {action}", f"ActionID: {number}", *(f"{key}: {value}" for key, value in fields.items())]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        while True:
            block = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 10)).decode("utf-8", "replace")
            answer = dict(re.findall(r"^(\w+): (.*?)\r$", block, re.M))
            if answer.get("ActionID") == number and "Response" in answer:
                if answer["Response"] == "Error":
                    raise ValueError(f"{action}: {answer.get('Message')}")
                return {**answer, "block": block}
