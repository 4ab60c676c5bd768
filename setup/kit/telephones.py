"""Telephones by remote control: `telephones.py --pbx NAME NUMBER…`, inside the PBX's network.

A browser sees Odoo on this machine, telephones see the PBX in its own network. So who needs both at once
tells the telephones what to do, one JSON object a line: `{"id", "on", "do", "with"}`, where `on` is
"site" or the name of a call that an earlier answer gave, `do` a method or attribute of
:class:`kit.scenarios.Site` or :class:`kit.sip.Call`, `with` its arguments. The answer is `{"id", "value"}` or
`{"id", "error"}`. The end of the input ends everything.
"""

import argparse
import asyncio
import contextlib
import inspect
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit.pbx import Pbx
from kit.scenarios import Site
from kit.sip import Call, CallFailed


class Switchboard:
    """Does what it is told, several things at a time."""

    def __init__(self, site: Site):
        self.known: dict[str, object] = {"site": site}

    async def obey(self, order: dict) -> None:
        """Do one thing and tell how it ended."""
        try:
            value = getattr(self.known[order["on"]], order["do"])
            if callable(value):
                value = value(*order.get("with", ()))
            if inspect.isawaitable(value):
                value = await value
            answer = {"value": self._told(value)}
        except (CallFailed, OSError, ValueError) as error:
            answer = {"error": f"{error}" or type(error).__name__}
        print(json.dumps({"id": order["id"], **answer}), flush=True)

    def _told(self, value):
        if not isinstance(value, Call):
            return value
        name = f"call-{len(self.known)}"
        self.known[name] = value
        return {"call": name, "peer": value.peer}


async def serve(pbx: Pbx, numbers: list[str]) -> None:
    """Switch these telephones on, and listen until nobody says anything more."""
    site = Site(pbx.sip_password, pbx.driver_secret, pbx.pid)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(site.world)
        await stack.enter_async_context(site.driver)
        for number in numbers:
            site.phones[number] = await stack.enter_async_context(site.phone(number))
            await site.phones[number].register()
        board, running = Switchboard(site), set()
        print(json.dumps({"id": 0, "value": "ready"}), flush=True)
        while text := await orders.readline():
            task = asyncio.create_task(board.obey(json.loads(text)))
            running.add(task)
            task.add_done_callback(running.discard)
        for task in running:
            task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description="Telephones by remote control, on the running PBX.")
    parser.add_argument("--pbx", default="data", metavar="NAME", help="which of this checkout's (default: %(default)s)")
    parser.add_argument("numbers", nargs="*", metavar="NUMBER")
    options = parser.parse_args()
    asyncio.run(serve(Pbx(options.pbx).attach(), options.numbers))


if __name__ == "__main__":
    main()
