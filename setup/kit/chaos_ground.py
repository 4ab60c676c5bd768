"""What setup/chaos breaks: a PBX, Odoo, its database and bridges, each of which can be stopped and started by itself.

Nothing of it is shared with anybody else: PostgreSQL is a cluster of its own, the PBX and its telephones
have a network that outlives Asterisk, and the spools lie on a small disk of their own, which can be filled.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from . import odoo, pbx_config, processes
from .chaos_line import Line
from .pbx import Pbx
from .places import LOGS, MAIN_ADDON, PYTHON, RUN, TOP
from .run_command import LOGIN, PASSWORD
from .screen import Trouble

NAME = "chaos"
CLUSTER = "pg-chaos"
DATABASE = "crm_voip_chaos"
# The disk of the spools, in megabytes: room for an outage, and soon full.
DISK_MB = 16
FAKETIME = "libfaketime"


class Ground:
    """All parts. `start` and `stop` are for all of them, the rest is for who breaks things."""

    def __init__(self, server: odoo.Odoo, bridges: int, port: int, calls: int):
        self.server, self.cluster = server, server.cluster
        self.address = f"http://127.0.0.1:{port}"
        self._port = port
        self.folder = RUN / NAME
        self.disk = self.folder / "disk"
        # what a restore brings is sent and kept once more: some 50 kB for each call
        self.disk_mb = DISK_MB + calls * bridges // 10
        self.pbx = Pbx(NAME)
        self._ami_port = processes.free_port(5138)
        self.ami_line, self.odoo_line = Line(self._ami_port), Line(port)
        self._holder: subprocess.Popen | None = None
        self._odoo: subprocess.Popen | None = None
        self.bridges: list[subprocess.Popen | None] = [None] * bridges
        # When the copy was taken that the next restore brings back, in epoch seconds.
        self.backed_up: float | None = None

    # ------------------------------------------------------------ all of it

    def start(self) -> None:
        """Start everything anew, with nothing in the PBX's records and the spools."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.pbx.data / "log", ignore_errors=True)
        self.disk.mkdir(parents=True)
        for line in (self.ami_line, self.odoo_line):
            line.__enter__()
        self._hold_namespaces()
        self.start_odoo(again=False)
        self.start_pbx()
        key = self._new_key()
        for number in range(len(self.bridges)):
            self._configure_bridge(number, *key)
            self.start_bridge(number, again=False)
        self._wait_for_bridges()

    def stop(self) -> None:
        """Stop everything; nothing stays but the logs."""
        for number, _process in enumerate(self.bridges):
            self.stop_bridge(number)
        self.pbx.stop()
        self.stop_odoo()
        for line in (self.ami_line, self.odoo_line):
            line.__exit__()
        if self._holder:
            processes.stop(self._holder)
        for folder in (self.folder, self.pbx.data):
            shutil.rmtree(folder, ignore_errors=True)

    def heal(self) -> None:
        """Undo whatever a fault has left behind."""
        self.empty_disk()
        for line in (self.ami_line, self.odoo_line):
            line.be("open")

    def _hold_namespaces(self) -> None:
        """A process that keeps network and disk while those who use them come and go."""
        mount = f"mount -t tmpfs -o size={self.disk_mb}m,mode=0700 tmpfs '{self.disk}' && exec sleep infinity"
        self._holder = processes.start(f"{NAME}-holder", ["unshare", "--net", "--mount", "sh", "-c", mount])
        deadline = time.monotonic() + 10
        while f" {self.disk} " not in Path(f"/proc/{self._holder.pid}/mountinfo").read_text():
            if self._holder.poll() is not None or time.monotonic() > deadline:
                raise Trouble(f"A disk for the spools could not be made; see {LOGS / f'{NAME}-holder.log'}")
            time.sleep(0.05)
        self.pbx.network = Path(f"/proc/{self._holder.pid}/ns/net")

    # ------------------------------------------------------------ the PBX

    def start_pbx(self) -> None:
        self.pbx.start(ami_port=self._ami_port)

    # ------------------------------------------------------------ Odoo and its database

    def start_odoo(self, *, again: bool = True) -> None:
        """Start Odoo and wait until it answers."""
        self._odoo = self.server.serve(DATABASE, self._port, f"{NAME}-odoo", again=again)
        while not odoo.answers(self.address):
            if self._odoo.poll() is not None:
                raise Trouble(f"Odoo does not start. Its log: {LOGS / f'{NAME}-odoo.log'}")
            time.sleep(0.2)

    def stop_odoo(self, kill: bool = False) -> None:
        if self._odoo:
            _end(self._odoo, kill)
            self._odoo = None

    def back_up(self) -> None:
        """Keep a copy of the database. Nobody may use it meanwhile."""
        self.cluster.drop(f"{DATABASE}_backup")
        self.cluster.copy(DATABASE, f"{DATABASE}_backup")

    def restore(self) -> None:
        """Take the copy instead of the database; there is none afterwards."""
        self.cluster.drop(DATABASE)
        self.cluster.sql(f"ALTER DATABASE {DATABASE}_backup RENAME TO {DATABASE}")

    # ------------------------------------------------------------ the bridges

    def start_bridge(self, number: int, clock_s: int = 0, *, again: bool = True) -> None:
        """Start a bridge, whose clock may be wrong by so many seconds."""
        environment = {**os.environ}
        if clock_s:
            # Only the time of day is wrong: the processor's own clock has no opinion of it.
            environment |= {
                "FAKETIME": f"{clock_s:+d}s",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
            environment["LD_PRELOAD"] = str(faketime_library())
        self.bridges[number] = processes.start(
            f"{NAME}-bridge-{number}",
            ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--wd=/", "--", PYTHON,
             TOP / MAIN_ADDON / "bridge", "run", "--config", self._configuration(number)],
            env=environment, again=again,
        )  # fmt: skip

    def stop_bridge(self, number: int, kill: bool = False) -> None:
        if self.bridges[number]:
            _end(self.bridges[number], kill)
            self.bridges[number] = None

    def fill_disk(self) -> None:
        """Leave no byte on the disk of the spools."""
        with open(self._filler(), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                pass

    def empty_disk(self) -> None:
        self._filler().unlink(missing_ok=True)

    def _filler(self) -> Path:
        # As the holder sees it: nobody else has this disk.
        return Path(f"/proc/{self._holder.pid}/root{self.disk}") / "somebody-elses-file"

    def _configuration(self, number: int) -> Path:
        return self.folder / f"bridge-{number}.conf"

    def _new_key(self) -> tuple[str, str]:
        client = odoo.Client(self.address, DATABASE, LOGIN, PASSWORD)
        pbx = client.call("crm.voip.pbx", "search", [], limit=1)
        shown = client.call("crm.voip.pbx", "action_new_key", pbx)["context"]
        return shown["default_key"], shown["default_secret"]

    def _configure_bridge(self, number: int, key: str, secret: str) -> None:
        path = self._configuration(number)
        path.touch(mode=0o600)
        path.write_text(
            f"[odoo]\nurl = http://127.0.0.1:{self.odoo_line.port}\nkey = {key}\nsecret = {secret}\n"
            f"[pbx]\nhost = 127.0.0.1\nport = {self.ami_line.port}\nuser = bridge\nsecret = {self.pbx.ami_secret}\n"
            f"context = {pbx_config.PHONES_CONTEXT}\n"
            f"[cel]\nfile = {self.pbx.data / 'log/cel-custom/Master.csv'}\ncolumns = {pbx_config.CEL_COLUMNS}\n"
            f"[spool]\nfile = {self.disk / f'spool-{number}.db'}\n"
        )

    def _wait_for_bridges(self, patience: float = 30) -> None:
        deadline = time.monotonic() + patience
        connected = "SELECT count(*) FROM crm_voip_pbx_state WHERE pbx_says = 'connected'"
        before = 0
        while int(self.cluster.sql(connected, DATABASE)[0][0]) < before + len(self.bridges):
            if time.monotonic() > deadline:
                raise Trouble(f"A bridge does not connect; see {LOGS / f'{NAME}-bridge-0.log'}")
            time.sleep(0.2)


def _end(process: subprocess.Popen, kill: bool) -> None:
    if kill:
        os.killpg(process.pid, signal.SIGKILL)
    processes.stop(process)


def faketime_library() -> Path | None:
    """Where Debian's libfaketime is."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def make_database(source: odoo.Odoo, name: str, cluster) -> odoo.Odoo:
    """An Odoo that uses a copy of a database, in another cluster."""
    target = replace(source, cluster=cluster)
    dump = RUN / f"{NAME}.dump"
    try:
        programs = cluster.programs
        processes.run([programs / "pg_dump", "-Fc", "-Z1", "-f", dump, name], env=source.cluster.environment())
        cluster.drop(DATABASE)
        processes.run([programs / "createdb", "-T", "template0", DATABASE], env=cluster.environment())
        processes.run(
            [programs / "pg_restore", "-j", "2", "--no-owner", "-d", DATABASE, dump], env=cluster.environment()
        )
    finally:
        dump.unlink(missing_ok=True)
    # What bridges of the past said of themselves would pass for ours.
    cluster.sql("DELETE FROM crm_voip_pbx_state", DATABASE)
    shutil.rmtree(odoo.filestore(DATABASE), ignore_errors=True)
    shutil.copytree(odoo.filestore(name), odoo.filestore(DATABASE))
    return target


class Floor:
    """The telephones, as seen from here; `chaos_calls.py` is what moves them."""

    def __init__(self, pbx: Pbx, calls: int, at_once: int, seed: str):
        script = Path(__file__).with_name("chaos_calls.py")
        command = [
            sys.executable,
            script,
            "--pbx",
            pbx.data.name,
            "--calls",
            calls,
            "--at-once",
            at_once,
            "--seed",
            seed,
        ]
        self.told: list[dict] = []
        self.over = threading.Event()
        self._ready, self._done = threading.Event(), threading.Event()
        self._process = processes.start_quietly(
            pbx.inside([str(part) for part in command]), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for text in self._process.stdout:
            one = json.loads(text)
            if "ready" in one:
                self._ready.set()
            elif "done" in one:
                self._done.set()
            elif "n" in one:
                self.told.append(one)
            elif "over" in one:
                self.over.set()
        self.over.set()

    def wait_until_ready(self) -> None:
        """Until all telephones are registered."""
        if not self._ready.wait(30):
            raise Trouble("The telephones could not be switched on.")

    def order(self, word: str) -> None:
        """Tell the telephones something, and wait until they know."""
        if self._process.poll() is not None:
            return
        self._done.clear()
        self._process.stdin.write(f"{word}\n".encode())
        self._process.stdin.flush()
        self._done.wait(30)

    def stop(self) -> None:
        """Switch everything off; its status."""
        processes.stop(self._process)
