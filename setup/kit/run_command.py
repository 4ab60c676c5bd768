"""setup/run: Odoo, a PBX and the bridge between them, with demo data, until Ctrl-C."""

import argparse
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

from . import (
    company,
    figures_proof,
    ledger_proof,
    machine,
    odoo,
    past,
    pbx_config,
    postgres,
    processes,
    proof,
    story_proof,
)
from .pbx import Pbx
from .places import LOGS, MAIN_ADDON, PYTHON, RUN, TOP
from .scenarios import SCENARIOS
from .screen import Trouble, say, step

# What every new Odoo has; this one listens on loopback only.
LOGIN = PASSWORD = "admin"  # noqa: S105
RECORDINGS = TOP / MAIN_ADDON / "lib" / "tests" / "data"


def main(arguments: list[str]) -> int:
    """Bring everything up, and show calls until stopped; or prove that they are right."""
    parser = argparse.ArgumentParser(
        prog="setup/run",
        description="Brings up Odoo 19 with crm_voip_bridge and demo data, a real Asterisk, and the bridge between them.",
        epilog="ODOO_HOME, if set, names the folder of an Odoo 19 to use instead of Debian's.",
    )
    parser.add_argument("--port", type=int, metavar="N", help="of Odoo (default: 8069, or the next free one)")
    parser.add_argument("--database", default="crm_voip", metavar="NAME", help="default: crm_voip")
    parser.add_argument("--no-pbx", action="store_true", help="recorded calls instead of a real PBX; needs no root")
    parser.add_argument("--fresh", action="store_true", help="begin with a new database")
    parser.add_argument(
        "--no-past", action="store_true", help="a new database without the past quarter's calls and work"
    )
    parser.add_argument(
        "--once", action="store_true", help="the proof: real calls, what Odoo has of them, what people see of them"
    )
    options = parser.parse_args(arguments)
    if options.once and options.no_pbx:
        parser.error("--once places real calls: it needs the PBX")
    started = time.monotonic()
    pbx = None if options.no_pbx else Pbx()
    if pbx:
        # First, because it is this that may be impossible here.
        with step("Asterisk"):
            pbx.prepare()
    machine.system_packages({"postgresql": postgres.present(), "wkhtmltopdf": machine.has_command("wkhtmltopdf")})
    machine.python_environment("requirements.txt")
    if options.once:
        story_proof.prepare()
    root = odoo.prepare()
    with postgres.running() as cluster:
        server = odoo.Odoo(root, cluster)
        site = Site(server, options.database, pbx, processes.free_port(options.port or 8069, insist=bool(options.port)))
        try:
            site.start(fresh=options.fresh, with_past=not options.no_past)
            say(f"\nReady after {time.monotonic() - started:.0f} s.")
            if options.once:
                with figures_proof.Figures(cluster, options.database) as figures:
                    calls, placed = proof.prove(pbx, cluster, options.database)
                    kept = figures.prove(placed)
                ledger = ledger_proof.prove(cluster, site.address, options.database, placed)
                return story_proof.prove(pbx, cluster, site.address, options.database) or calls or kept or ledger
            site.introduce()
            site.follow()
        finally:
            site.stop()
    return 0


class Site:
    """Odoo, a PBX and the bridge, as one. Without `pbx`, recordings take its place."""

    def __init__(self, server: odoo.Odoo, database: str, pbx: Pbx | None, port: int):
        self.server, self.database, self.pbx = server, database, pbx
        self.address = f"http://127.0.0.1:{port}"
        self.ami_port = processes.free_port(5038)
        self._port = port
        self._parts: dict[str, subprocess.Popen] = {}
        self._configuration = RUN / f"bridge-{database}.conf"
        self._spool = RUN / f"spool-{database}.db"

    # ------------------------------------------------------------ up and down

    def start(self, *, fresh: bool, with_past: bool = False) -> None:
        """Have a database, with a past if it is a new one and shall have one, and start all parts."""
        if fresh:
            self.server.drop(self.database)
        if self.server.ready(self.database, demo=True):
            # What was waiting was for another database, and so was the key.
            for file in (self._configuration, *RUN.glob(f"{self._spool.name}*")):
                file.unlink(missing_ok=True)
            if with_past:
                past.make(self.server, self.database)
        with step("Starting Odoo"):
            self._parts["odoo"] = self.server.serve(self.database, self._port)
            self._wait_for_odoo()
        with step("Starting Asterisk" if self.pbx else "Starting the recorded PBX"):
            secret = self._start_pbx()
        with step("Starting the bridge"):
            self._configure_bridge(secret)
            self._parts["bridge"] = processes.start(
                "bridge", [PYTHON, TOP / MAIN_ADDON / "bridge", "run", "--config", self._configuration]
            )
            self._wait_for_bridge()

    def stop(self) -> None:
        """Stop all parts, the bridge first so that it can send what it has."""
        for name in ("bridge", "recorded-pbx"):
            if name in self._parts:
                processes.stop(self._parts.pop(name))
        if self.pbx:
            self.pbx.stop()
        for process in self._parts.values():
            processes.stop(process)
        self._parts.clear()

    def _start_pbx(self) -> str:
        """Start the PBX; the AMI secret of the bridge."""
        if self.pbx:
            self.pbx.start(ami_port=self.ami_port)
            return self.pbx.ami_secret
        secret = secrets.token_hex(16)
        recordings = [RECORDINGS / name / "ami.txt" for name, one in SCENARIOS.items() if one.once]
        self._parts["recorded-pbx"] = processes.start(
            "recorded-pbx",
            [sys.executable, Path(__file__).with_name("recorded_pbx.py"), str(self.ami_port)]
            + [file for file in recordings if file.exists()],
            env={**os.environ, "AMI_SECRET": secret},
        )
        return secret

    def _wait_for_odoo(self) -> None:
        while not odoo.answers(self.address):
            self._check()
            time.sleep(0.2)

    def _wait_for_bridge(self, patience: float = 30) -> None:
        """Until Odoo knows that the bridge listens to the PBX: what is said now is heard."""
        deadline = time.monotonic() + patience
        # Odoo keeps whole seconds; what is older was said by an earlier bridge.
        since = f"to_timestamp({int(time.time())}) AT TIME ZONE 'utc'"
        connected = f"SELECT 1 FROM crm_voip_pbx_state WHERE pbx_says = 'connected' AND seen_at >= {since}"
        while not self.server.cluster.sql(connected, self.database):
            self._check()
            if time.monotonic() > deadline:
                raise Trouble(f"The bridge does not connect.\n{self._last_words('bridge')}")
            time.sleep(0.2)

    def _check(self) -> None:
        """Trouble if a part has ended by itself."""
        for name, process in self._parts.items():
            if process.poll() is not None:
                raise Trouble(f"{name} ended with status {process.returncode}.\n{self._last_words(name)}")

    @staticmethod
    def _last_words(name: str) -> str:
        log = LOGS / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) + f"\nAll of it: {log}"

    def _configure_bridge(self, ami_secret: str) -> None:
        """Write the bridge's file; the key, shown once by Odoo, is kept there as by anybody else."""
        key, secret = self._known_key() or self._new_key()
        lines = ["[odoo]", f"url = {self.address}", f"key = {key}", f"secret = {secret}"]
        lines += ["[pbx]", "host = 127.0.0.1", f"port = {self.ami_port}", "user = bridge", f"secret = {ami_secret}"]
        lines += [f"context = {pbx_config.PHONES_CONTEXT}"]
        if self.pbx:
            lines += ["[cel]", f"file = {self.pbx.data / 'log/cel-custom/Master.csv'}"]
            lines += ["[recordings]", f"folder = {self.pbx.data / 'spool/monitor'}"]
        lines += ["[spool]", f"file = {self._spool}"]
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("\n".join(lines) + "\n")

    def _known_key(self) -> tuple[str, str] | None:
        if not self._configuration.exists():
            return None
        odoo_part = self._configuration.read_text().split("[pbx]")[0]
        known = dict(line.split(" = ", 1) for line in odoo_part.splitlines() if " = " in line)
        return known["key"], known["secret"]

    def _new_key(self) -> tuple[str, str]:
        client = odoo.Client(self.address, self.database, LOGIN, PASSWORD)
        pbx = client.call("crm.voip.pbx", "search", [], limit=1)
        shown = client.call("crm.voip.pbx", "action_new_key", pbx)["context"]
        return shown["default_key"], shown["default_secret"]

    # ------------------------------------------------------------ words

    def introduce(self) -> None:
        """Say where everything is."""
        say(f"\n  Odoo       {self.address}   login {LOGIN}, password {PASSWORD}")
        people = [phone for phone in company.PHONES if phone.user]
        say(f"             also as {', '.join(phone.key for phone in people)}: the password is the login")
        say("  Extensions " + "\n             ".join(_extension(phone) for phone in company.PHONES))
        say("  Numbers    CRM › Numbers: the past quarter is there, and a call changes them within a minute")
        say(
            "             My numbers as tom or rina; Team week, When, Pipeline, Customers, Targets as nadia, who leads them;"
        )
        say("             What the numbers mean, and the switches in Settings › CRM › Calls, as admin")
        say(
            "  Support    CRM › Support as marek (technician) or priya (supervisor); and as the customers jens and amelia see it"
        )
        if self.pbx:
            say("  One more call: setup/call (setup/call --help names the kinds)")
        say("\nCalls as they are logged; Ctrl-C stops everything.\n")

    def follow(self) -> None:
        """One line per call that is logged, for ever."""
        with proof.Reader(self.server.cluster, self.database) as reader:
            last = reader.rows("SELECT coalesce(max(id), 0) AS id FROM crm_voip_call")[0]["id"]
            shown = set()
            while True:
                for row in reader.rows(proof.CALLS.format(after=last)):
                    if row["id"] not in shown and row["disposition"] != "in_progress":
                        shown.add(row["id"])
                        say(f"{time.strftime('%H:%M:%S')}  {proof.line(proof.facts_stored(row))}")
                self._check()
                time.sleep(0.3)


def _extension(phone: company.Phone) -> str:
    remarks = [phone.team or "", "" if phone.recorded else "not recorded"]
    words = ", ".join(filter(None, remarks))
    return f"{phone.number}  {phone.name}" + (f" ({words})" if words else "")
