"""What a person at a desk has: a telephone on the demo PBX, and Odoo in a real browser.

:class:`Desk` is the world of the stories (stories.py) and of the figures (bench_desk.py). Runs with Odoo's
own Python, which has Playwright; the telephones are another process, inside the PBX's network (telephones.py).
"""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import sys
import time
from pathlib import Path

import psycopg2
from playwright.async_api import Browser, Error, Page, async_playwright

from . import company, odoo
from .pbx import Pbx
from .places import LOGS
from .sip import CallFailed

TELEPHONES = Path(__file__).with_name("telephones.py")
# As tests of Odoo do; the rest keeps a browser of a closed network from looking outside.
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-features=Translate"
).split()
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 375, "height": 740}


class StoryFailed(Exception):
    """Something is not as it must be; the text says what."""


class Telephones:
    """The telephones of some numbers, switched on while the context lasts."""

    def __init__(self, pbx: Pbx, *numbers: str):
        self._command = list(map(str, pbx.inside([sys.executable, TELEPHONES, "--pbx", pbx.data.name, *numbers])))
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future] = {}

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        with open(LOGS / "telephones.log", "ab") as log:
            self._process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe, stderr=log)
        self._waiting[0] = asyncio.get_running_loop().create_future()
        self._listener = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._waiting[0], 20)
        return self

    async def __aexit__(self, *_exc):
        self._process.stdin.close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), 10)
        if self._process.returncode is None:
            self._process.kill()
        self._listener.cancel()

    async def _listen(self):
        while text := await self._process.stdout.readline():
            answer = json.loads(text)
            future = self._waiting.pop(answer["id"], None)
            if future and not future.done():
                if "error" in answer:
                    future.set_exception(CallFailed(answer["error"]))
                else:
                    future.set_result(answer["value"])
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(CallFailed("the telephones are gone"))

    async def ask(self, on: str, do: str, *values):
        """Have something done by the site or a call; what it gave."""
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "on": on, "do": do, "with": values}).encode() + b"\n")
        value = await asyncio.wait_for(future, 40)
        return Line(self, value) if isinstance(value, dict) and "call" in value else value

    async def incoming(self, caller: str, did: str, name: str | None = None) -> "Line":
        """The world calls one of our numbers."""
        return await self.ask("site", "incoming", caller, did, name)

    async def dial(self, number: str, to: str) -> "Line":
        """One of our telephones dials."""
        return await self.ask("site", "dial", number, to)

    async def rings(self, number: str, timeout: float = 10) -> "Line":
        """One of our telephones rings; `world` for somebody outside."""
        return await self.ask("site", "rings", number, timeout)


class Line:
    """A call as one telephone knows it: the methods of :class:`kit.sip.Call`, from afar."""

    def __init__(self, telephones: Telephones, told: dict):
        self._telephones, self._name, self.peer = telephones, told["call"], told["peer"]

    def __getattr__(self, name: str):
        return lambda *values: self._telephones.ask(self._name, name, *values)


class Desk:
    """Odoo, its database, the PBX and a browser.

    :param address: of Odoo
    :param database: its name
    :param pbx: a running demo PBX

    libpq's environment (PGHOST, PGUSER) says where the database is.
    """

    def __init__(self, address: str, database: str, pbx: Pbx):
        self.address, self.database, self.pbx = address, database, pbx
        self.admin = odoo.Client(address, database, "admin", "admin")
        self._pages: dict[tuple, Page] = {}
        self._clients: dict[str, odoo.Client] = {}
        #: what went wrong in the browser since the last look
        self.complaints: list[str] = []

    async def __aenter__(self):
        self._connection = psycopg2.connect(dbname=self.database)
        self._connection.set_session(readonly=True, autocommit=True)
        self._playwright = await async_playwright().start()
        self._browser: Browser = await self._playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        return self

    async def __aexit__(self, *_exc):
        await self._browser.close()
        await self._playwright.stop()
        self._connection.close()

    def telephones(self, *numbers: str) -> Telephones:
        """Telephones to be switched on."""
        return Telephones(self.pbx, *numbers)

    # ------------------------------------------------------------ the browser

    async def page(self, login: str, path: str = "/odoo/crm-calls", size: dict = WIDE, tab: int = 1) -> Page:
        """A person's page, logged in, at a path; the same page whenever asked for, until closed."""
        page = self._pages.get((login, tab, size["width"]))
        if page is None or page.is_closed():
            context = await self._context(login, size)
            page = await context.new_page()
            page.on("pageerror", lambda error: self.complaints.append(f"{login}: {error}"))
            page.on("console", lambda line: self._heed(login, line))
            self._pages[login, tab, size["width"]] = page
        await page.goto(self.address + path)
        await page.wait_for_selector(".o_web_client .o_action_manager > *", timeout=30_000)
        return page

    async def _context(self, login: str, size: dict):
        for (person, _tab, width), page in self._pages.items():
            if (person, width) == (login, size["width"]) and not page.is_closed():
                return page.context
        context = await self._browser.new_context(viewport=size, has_touch=size is NARROW, locale="en-US")
        await context.request.post(
            f"{self.address}/web/session/authenticate",
            data={"jsonrpc": "2.0", "params": {"db": self.database, "login": login, "password": login}},
        )
        return context

    def _heed(self, login: str, line) -> None:
        if line.type == "error":
            self.complaints.append(f"{login}: {line.text}")

    async def keep_pictures(self, place: Path) -> None:
        """Pictures of all open pages, as `<place>-<login>.png`."""
        place.parent.mkdir(parents=True, exist_ok=True)
        for (login, tab, width), page in self._pages.items():
            with contextlib.suppress(Error):
                await page.screenshot(path=place.with_name(f"{place.name}-{login}-{width}-{tab}.png"))

    async def close_pages(self) -> None:
        """Close all that people have open."""
        for page in self._pages.values():
            with contextlib.suppress(Error):
                await page.context.close()
        self._pages.clear()

    async def tidy(self) -> None:
        """Close what an earlier story left open at people's desks, once its calls have ended."""
        await self.close_pages()

        async def over():
            return not self.sql("SELECT 1 FROM crm_voip_call WHERE disposition = 'in_progress'")

        await self.until("all calls have ended", over)
        for login in ("nadia", "tom", "rina", "jonas", "priya", "marek"):
            for card in await self.call(login, "crm.voip.call", "card_current"):
                await self.call(login, "crm.voip.wrapup", "desk_close", card["id"], "closed")
        self.complaints.clear()

    # ------------------------------------------------------------ Odoo

    def client(self, login: str) -> odoo.Client:
        """A person's own connection."""
        if login == "admin":
            return self.admin
        if login not in self._clients:
            self._clients[login] = odoo.Client(self.address, self.database, login, login)
        return self._clients[login]

    async def call(self, login: str, model: str, method: str, *args, **kwargs):
        """Call a public method of a model as a person would."""
        return await asyncio.to_thread(self.client(login).call, model, method, *args, **kwargs)

    async def find(self, model: str, domain: list, names: list[str], login: str = "admin", **more) -> list[dict]:
        """Records as dictionaries."""
        return await self.call(login, model, "search_read", domain, names, **more)

    def sql(self, select: str) -> list[tuple]:
        """Rows of a SELECT: for what no screen shows."""
        with self._connection.cursor() as cursor:
            cursor.execute(select)
            return cursor.fetchall()

    async def newest(self, model: str) -> int:
        """The highest id there is, 0 if none."""
        return self.sql(f"SELECT coalesce(max(id), 0) FROM {model.replace('.', '_')}")[0][0]

    async def set_switches(self, **values) -> None:
        """Have the demo company decide something: fields of res.company."""
        companies = await self.call("admin", "res.company", "search", [])
        await self.call("admin", "res.company", "write", companies, values)

    async def uid(self, login: str) -> int:
        """A person's id in Odoo."""
        [user] = await self.find("res.users", [("login", "=", login)], ["id"])
        return user["id"]

    def signal(self, number: int) -> None:
        """Send the bridge a signal: it can be stopped for a while, and go on."""
        mark = f"bridge-{self.database}.conf".encode()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes():
                    os.kill(int(path.parent.name), number)

    async def until(self, what: str, ask, patience: float = 10, pause: float = 0.1):
        """Wait for an answer that is something.

        :param what: what is waited for, for the complaint
        :param ask: asynchronous, without arguments
        :raise StoryFailed: it does not come in time
        """
        deadline = time.monotonic() + patience
        while True:
            if found := await ask():
                return found
            if time.monotonic() > deadline:
                raise StoryFailed(f"{what}: not within {patience:.0f} s")
            await asyncio.sleep(pause)


def must(condition, what: str) -> None:
    """:raise StoryFailed: the condition does not hold"""
    if not condition:
        raise StoryFailed(what)


def person(key: str) -> str:
    """The name of one of ours."""
    return next(phone.name for phone in company.PHONES if phone.key == key)


def _chromium() -> str:
    return shutil.which("chromium") or shutil.which("google-chrome")
