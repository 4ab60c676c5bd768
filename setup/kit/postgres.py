"""A PostgreSQL cluster of our own: reached through a socket only, never run by root.

Several programs may use it at once (a demo that runs, tests beside it). Each holds a shared
lock; whoever is the last to leave stops the server.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import machine, processes
from .places import RUN
from .screen import Trouble, say, step

ROLE = "odoo"
OLDEST = 13
# PostgreSQL refuses to run as root; Debian's package brings this user.
_USER = "postgres" if machine.is_root() else None
_SETTINGS = """\
# Written at every start.
listen_addresses = ''
unix_socket_directories = '{socket}'
max_connections = 100
shared_buffers = 256MB
"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster. `socket` is the folder that clients name as their host, `home` all that belongs to it."""

    programs: Path
    socket: Path
    home: Path
    name: str = "pg"

    def stop(self, how: str = "fast") -> None:
        """Stop the server under whoever uses it; `immediate` is how a power cut looks to it."""
        _control(self.programs, self.home, "stop", "-m", how)

    def start(self) -> None:
        """Start the server again after `stop`."""
        _control(self.programs, self.home, "start", "-w", "-l", self.home / "log")

    def sql(self, statement: str, database: str = "postgres") -> list[list[str]]:
        """Rows of a statement, every value as text."""
        command = [self.programs / "psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database]
        output = processes.run([*command, "-c", statement], env=self.environment())
        return [line.split("\t") for line in output.splitlines()]

    def exists(self, database: str) -> bool:
        """Whether there is a database of this name."""
        return bool(self.sql(f"SELECT 1 FROM pg_database WHERE datname = {_quoted(database)}"))

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        processes.run([self.programs / "dropdb", "--force", "--if-exists", database], env=self.environment())

    def copy(self, template: str, database: str) -> None:
        """Make `database` a copy of `template`."""
        processes.run([self.programs / "createdb", "-T", template, database], env=self.environment())

    def environment(self) -> dict[str, str]:
        """What libpq needs to find this cluster."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return {**clean, "PGHOST": str(self.socket), "PGUSER": ROLE, "LC_ALL": "C.UTF-8"}


def present() -> bool:
    """Whether a PostgreSQL server that will do is installed."""
    return bool(_installed())


@contextmanager
def running(name: str = "pg"):
    """The cluster, made and started if need be; stopped when nobody uses it any more.

    `name`: that of another one, for who wants to stop it without asking the others.
    """
    home = _home(name)
    programs = _programs(home)
    cluster = Cluster(programs, _socket_folder(home), home, name)
    RUN.mkdir(exist_ok=True)
    with open(RUN / ("postgres.lock" if name == "pg" else f"{name}.lock"), "a") as lock:
        # Using it is for all at once, making and starting it for one at a time.
        fcntl.flock(lock, fcntl.LOCK_SH)
        while not _answers(cluster):
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _answers(cluster):
                _start(home, cluster)
            fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield cluster
        finally:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                _control(programs, home, "stop", "-m", "fast")


def remove(name: str) -> None:
    """Delete a cluster that nobody uses any more."""
    home = _home(name)
    if (home / "data" / "postmaster.pid").exists():
        _control(_programs(home), home, "stop", "-m", "immediate")
    shutil.rmtree(home, ignore_errors=True)
    (RUN / f"{name}.lock").unlink(missing_ok=True)


def _start(home: Path, cluster: Cluster) -> None:
    data = home / "data"
    if _as_user(["test", "-e", data / "PG_VERSION"]) != 0:
        with step("A database cluster of our own"):
            home.mkdir(parents=True, exist_ok=True)
            # Whoever can enter this folder is let in without a password: its owner, and root.
            home.chmod(0o700)
            if _USER:
                shutil.chown(home, _USER, _USER)
            initdb = [cluster.programs / "initdb", "-U", ROLE, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
            processes.run([*initdb, "-D", data], user=_USER, cwd="/")
            with open(data / "postgresql.conf", "a") as settings:
                settings.write("\ninclude 'setup.conf'\n")
        if home.parent != RUN:
            say(f"    Its folder is {home}: the user {_USER} cannot enter this one.")
    cluster.socket.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _USER:
        shutil.chown(cluster.socket, _USER, _USER)
    socket = str(cluster.socket).replace("'", "''")
    (data / "setup.conf").write_text(_SETTINGS.format(socket=socket))
    (data / "setup.conf").chmod(0o644)
    _control(cluster.programs, home, "start", "-w", "-l", home / "log")


def _control(programs: Path, home: Path, *arguments) -> None:
    # The server may outlive this program if others use it, so it is no child of ours; and it
    # keeps what it inherits, so that a pipe here would never end.
    command = processes.as_user(_USER, [programs / "pg_ctl", "-s", "-D", home / "data", *arguments])
    if subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, check=False).returncode:  # fmt: skip
        raise Trouble(f"PostgreSQL does not {arguments[0]}; its log: {home / 'log'}")


def _answers(cluster: Cluster) -> bool:
    command = [cluster.programs / "pg_isready", "-q"]
    return subprocess.run(command, env=cluster.environment(), check=False).returncode == 0


def _installed() -> dict[int, Path]:
    """Version → folder of the server programs."""
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    if shutil.which("pg_ctl"):
        folders.append(Path(shutil.which("pg_ctl")).resolve().parent)
    found = {}
    for folder in folders:
        if (folder / "initdb").exists():
            version = int(re.search(r"\d+", processes.run([folder / "initdb", "--version"]))[0])
            if version >= OLDEST:
                found[version] = folder
    return found


def _programs(home: Path) -> Path:
    """Programs of the version that an existing cluster has, else of the newest."""
    installed = _installed()
    if not installed:
        raise Trouble(f"PostgreSQL {OLDEST} or newer is not installed.")
    made_by = home / "data" / "PG_VERSION"
    if not made_by.is_file():
        return installed[max(installed)]
    version = int(made_by.read_text())
    if version not in installed:
        raise Trouble(f"{home} was made by PostgreSQL {version}: install postgresql-{version}, or delete that folder.")
    return installed[version]


def _home(name: str) -> Path:
    """`.run/pg`, or a folder elsewhere if the user postgres cannot enter this checkout."""
    RUN.mkdir(exist_ok=True)
    if _as_user(["test", "-x", RUN]) == 0:
        return RUN / name
    return Path("/var/lib") / f"crm_voip_bridge-{_mark(RUN if name == 'pg' else RUN / name)}"


def _socket_folder(home: Path) -> Path:
    # The system allows 107 bytes for a socket's whole path.
    if len(os.fsencode(home)) < 80:
        return home / "socket"
    return Path(tempfile.gettempdir()) / f"crm_voip_bridge-{_mark(home)}"


def _mark(place: Path) -> str:
    """A short name for a folder of this checkout."""
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:8]


def _as_user(command) -> int:
    return subprocess.run(processes.as_user(_USER, command), check=False, capture_output=True).returncode


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
