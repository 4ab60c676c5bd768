"""Odoo 19: where it comes from, how it is started, how it is asked.

Without ODOO_HOME it is unpacked from Debian's package into `.run/odoo`; nothing is installed.
"""

import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from . import machine, processes
from .places import CACHE, PYTHON, RUN, SETUP, TOP, addons, digest, done, mark_done, needed
from .postgres import ROLE, Cluster
from .screen import Trouble, step, warn

SERIES = "19.0"
# A database with nothing but crm, from which others are copied.
TEMPLATE = "template_crm"
_PACKAGES = SETUP / "odoo-packages.txt"
_DATA = RUN / "data"


@dataclass(frozen=True)
class Odoo:
    """An Odoo 19 and the cluster that it uses.

    `root` is the folder of the package `odoo`; `beside` are folders with addons of others; `ours` is the folder
    with our addons, for an earlier version of them.
    """

    root: Path
    cluster: Cluster
    beside: tuple[Path, ...] = ()
    ours: Path = TOP

    def command(self, *arguments) -> list:
        """The command line that runs `odoo-bin` with these arguments, in `environment()`."""
        return [PYTHON, SETUP / "kit" / "bin" / "odoo-bin", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """Variables under which this Odoo finds its code, its addons and its cluster."""
        if self.beside or self.ours != TOP:
            # Wins over the file, which programs without them use at the same time.
            more["ODOO_ADDONS_PATH"] = ",".join(map(str, [*self._addons(), *self.beside]))
        configuration = str(replace(self, ours=TOP)._configuration())
        variables = machine.environment(PYTHONPATH=str(self.root), ODOO_RC=configuration, **more)
        # Its old name would win over ours.
        variables.pop("OPENERP_SERVER", None)
        return variables

    def _addons(self) -> list[Path]:
        return [
            folder for folder in (self.root / "odoo" / "addons", self.root / "addons", self.ours) if folder.is_dir()
        ]

    def _configuration(self) -> Path:
        path = RUN / ("odoo.conf" if self.cluster.name == "pg" else f"odoo-{self.cluster.name}.conf")
        text = "\n".join([
            "[options]",
            f"addons_path = {','.join(map(str, self._addons()))}",
            f"data_dir = {_DATA}",
            f"db_host = {self.cluster.socket}",
            f"db_user = {ROLE}",
            "http_interface = 127.0.0.1",
            "list_db = False",
            "",
        ])  # fmt: skip
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return path

    # ------------------------------------------------------------ databases

    def template(self) -> str:
        """Name of a database with crm and what else our addons need of Odoo's, made at the first call."""
        mark = f"{self._release()} {digest(SETUP / 'requirements.txt')} {needed()}"
        if not self.cluster.exists(TEMPLATE) or not done(TEMPLATE, mark):
            with step("A database with Odoo CRM, to copy from"):
                self.drop(TEMPLATE)
                self.install(TEMPLATE, *needed())
            mark_done(TEMPLATE, mark)
        return TEMPLATE

    def ready(self, database: str, *, demo: bool = False) -> bool:
        """Have a database with our addons as they are now; whether it is a new one.

        With `demo`, a new one gets the addons' demo data, and none of Odoo's own.
        """
        mark = digest(*_installed_files())
        new = not self.cluster.exists(database)
        if not new and done(f"database-{database}", mark):
            return False
        if new:
            self.copy(self.template(), database)
        with step(f"Database {database}: {'installing' if new else 'updating'} {', '.join(addons())}"):
            try:
                if new and demo:
                    self._install_with_demo(database)
                else:
                    self.install(database, *addons(), update=not new)
            except BaseException:
                # Half an installation must not pass for a database next time.
                if new:
                    self.drop(database)
                raise
        mark_done(f"database-{database}", mark)
        return new

    def _install_with_demo(self, database: str) -> None:
        # Odoo loads demo data only where what is below has it, too.
        self.cluster.sql("UPDATE ir_module_module SET demo = (state = 'installed')", database)
        log = self.install(database, *addons())
        loaded = {row[0] for row in self.cluster.sql("SELECT name FROM ir_module_module WHERE demo", database)}
        if not loaded.issuperset(addons()):
            raise Trouble(f"The demo data could not be loaded. See {log}")
        listed = ",".join(f"'{name}'" for name in addons())
        self.cluster.sql(f"UPDATE ir_module_module SET demo = (name IN ({listed}))", database)

    def copy(self, source: str, database: str) -> None:
        """Make `database` anew as a copy of `source`, with its files."""
        self.drop(database)
        self.cluster.copy(source, database)
        shutil.copytree(filestore(source), filestore(database))

    def drop(self, database: str) -> None:
        """Remove a database and its files."""
        self.cluster.drop(database)
        shutil.rmtree(filestore(database), ignore_errors=True)

    def install(self, database: str, *names: str, update: bool = False) -> Path:
        """Install addons, or update those that are there already; the path of the log. Trouble if it failed."""
        log = RUN / "log" / f"install-{database}.log"
        old = self._installed(database, names) if update else set()
        actions = (("--update", old), ("--init", set(names) - old))
        processes.run(
            self.command(
                "-d", database, *(part for action, some in actions if some for part in (action, ",".join(sorted(some)))),
                "--stop-after-init", "--no-http", "--max-cron-threads=0",
            ),
            env=self.environment(),
            log=log,
        )  # fmt: skip
        # Odoo ends with 0 for an addon that it cannot find, too.
        missing = set(names) - self._installed(database, names)
        if missing:
            raise Trouble(f"Not installed: {', '.join(sorted(missing))}. See {log}")
        return log

    def _installed(self, database: str, names) -> set[str]:
        """Which of these addons a database has."""
        listed = ",".join(f"'{name}'" for name in names)
        rows = self.cluster.sql(
            f"SELECT name FROM ir_module_module WHERE state = 'installed' AND name IN ({listed})", database
        )
        return {name for (name,) in rows}

    def uninstall(self, database: str, *names: str) -> Path:
        """Uninstall addons; the path of the log."""
        log = RUN / "log" / f"uninstall-{database}.log"
        processes.run(self.command("module", "uninstall", "-d", database, *names), env=self.environment(), log=log)
        return log

    def shell(self, database: str, program: str) -> str:
        """Run a program as `odoo-bin shell` does, with `env`; what it printed. Trouble if it failed."""
        with tempfile.TemporaryFile() as file:
            file.write(program.encode())
            file.seek(0)
            return processes.run(
                self.command("shell", "-d", database, "--no-http", "--log-level=warn"),
                env=self.environment(),
                stdin=file,
            )

    def _release(self) -> str:
        return (self.root / "odoo" / "release.py").read_text()

    # ------------------------------------------------------------ the server

    def serve(
        self,
        database: str,
        port: int,
        name: str = "odoo",
        *,
        again: bool = False,
        workers: int = 0,
        gevent_port: int = 0,
    ) -> subprocess.Popen:
        """Start the server for one database on loopback. Without workers one port serves pages and websocket.

        `name`: that of the log, which is continued if this is done `again`.
        """
        return processes.start(
            name,
            self.command(
                "-d", database, f"--db-filter=^{re.escape(database)}$", f"--http-port={port}",
                f"--workers={workers}", "--max-cron-threads=1", *([f"--gevent-port={gevent_port}"] if workers else []),
            ),
            env=self.environment(), again=again,
        )  # fmt: skip


def filestore(database: str) -> Path:
    """Folder with the files of a database."""
    return _DATA / "filestore" / database


def _installed_files() -> list[Path]:
    """What a database with our addons depends on."""
    kinds = (".py", ".xml", ".csv", ".sql", ".po")
    files = [path for name in addons() for path in (TOP / name).rglob("*") if path.suffix in kinds]
    return sorted(path for path in files if not {"tests", "static"} & set(path.relative_to(TOP).parts))


# ------------------------------------------------------------------ getting it


def prepare() -> Path:
    """Folder of the package `odoo`: that of ODOO_HOME, or one that is unpacked here."""
    given = os.environ.get("ODOO_HOME")
    if given:
        return _found_in(Path(given).expanduser())
    packages = [line.split() for line in _PACKAGES.read_text().splitlines() if line and line[0] != "#"]
    mark = f"{RUN} {digest(_PACKAGES)}"
    unpacked = RUN / "odoo"
    if not unpacked.is_dir() or not done("odoo", mark):
        files = _download(packages)
        with step("Odoo 19: unpacking 1.2 GB"):
            shutil.rmtree(unpacked, ignore_errors=True)
            unpacked.mkdir(parents=True)
            for file in files:
                processes.run(["dpkg-deb", "-x", file, unpacked])
            # Debian leaves this library out, and Odoo's asset bundles fail without the file.
            left_out = _found_in(unpacked) / "odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js"
            left_out.parent.mkdir(parents=True, exist_ok=True)
            left_out.touch()
        mark_done("odoo", mark)
    return _found_in(unpacked)


def _download(packages: list[list[str]]) -> list[Path]:
    """The packages' files, from this user's cache if they are there."""
    folder = CACHE / f"odoo-{digest(_PACKAGES)}"
    complete = folder / "complete"
    if not complete.exists():
        with step("Odoo 19: 130 MB from Debian"):
            shutil.rmtree(folder, ignore_errors=True)
            try:
                machine.debian_download([(name, suite) for name, suite, _version in packages], folder)
            except Trouble as trouble:
                raise Trouble(f"{trouble}\nAn Odoo 19 of your own is used if ODOO_HOME names its folder.") from None
        complete.touch()
    files = sorted(folder.glob("*.deb"))
    for file in files:
        name, version = processes.run(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", file]).split()
        known = {listed: known for listed, _suite, known in packages}[name]
        if version != known:
            warn(
                f"{name} is {version} in Debian now; {known} is known to work. Should something fail, "
                "ODOO_HOME can name the folder of another Odoo 19."
            )
    return files


def _found_in(home: Path) -> Path:
    """The folder below `home` that holds the package `odoo`; Trouble if it is another version."""
    candidates = [home, home / "usr/lib/python3/dist-packages", home / "src", home / "odoo"]
    for root in candidates:
        release = root / "odoo" / "release.py"
        if release.is_file():
            version = re.search(r"version_info = \((\d+), (\d+)", release.read_text())
            if not version or ".".join(version.groups()) != SERIES:
                raise Trouble(f"{root} is not Odoo {SERIES}. ODOO_HOME can name the folder of one that is.")
            return root
    raise Trouble(f"There is no Odoo in {home}. ODOO_HOME is the folder that `odoo-bin` or the package `odoo` is in.")


# ------------------------------------------------------------------ asking it


class Client:
    """A logged-in user of a running Odoo, as a browser would be."""

    def __init__(self, address: str, database: str, login: str, password: str):
        self.address = address
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        # Never by way of a proxy: it is on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        self._post("/web/session/authenticate", {"db": database, "login": login, "password": password})

    def call(self, model: str, method: str, *args, **kwargs):
        """Call a public method of a model."""
        params = {"model": model, "method": method, "args": list(args), "kwargs": kwargs}
        return self._post(f"/web/dataset/call_kw/{model}/{method}", params)

    def action(self, name: str) -> dict:
        """A window action by its external id, as the browser gets it."""
        return self._post("/web/action/load", {"action_id": name})

    def _post(self, path: str, params: dict):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "call", "params": params}).encode()
        request = urllib.request.Request(self.address + path, body, {"Content-Type": "application/json"})
        with self._opener.open(request, timeout=60) as response:
            answer = json.load(response)
        if "error" in answer:
            error = answer["error"].get("data") or answer["error"]
            raise Trouble(f"Odoo refused {path}: {error.get('message')}")
        return answer["result"]


def answers(address: str) -> bool:
    """Whether an Odoo is ready at this address."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/web/health", timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
