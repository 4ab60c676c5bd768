"""setup/bench: how fast everything is, beside its peers or the raw limit, in one run.

The database with its million contacts is prepared once and kept; the programs that measure are
`bench_odoo` and `bench_bridge`, run with Odoo's own Python.
"""

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

from . import bench_productivity, bench_scale, machine, odoo, peers, postgres, processes, story_proof
from .bench_contacts import CONTACTS, SQL
from .bench_result import Result
from .pbx import Pbx
from .places import LOGS, MAIN_ADDON, PYTHON, RUN, SETUP, TOP, addons, digest, done, mark_done
from .run_command import Site
from .screen import Trouble, say, step

DATABASE = "crm_voip_bench"
PORT = 8169
DESK_DATABASE = "crm_voip_bench_desk"
PARTS = ("path", "lookup", "intake", "bridge", "desk")
SCALE, PRODUCTIVITY = "scale", "productivity"


def main(arguments: list[str]) -> int:
    """Prepare what is missing, measure, print the table."""
    parser = argparse.ArgumentParser(
        prog="setup/bench",
        description="Measures the way of calls into Odoo, the lookup of numbers, the bridge, each beside a peer "
        "or the raw limit, and how soon a person at a desk sees what happens. The first run prepares a database; the following ones take some minutes. "
        "By their names only: scale, every screen with millions of calls, which takes half an hour and up to 25 GB; "
        "and productivity, the figures of two years, which takes as long and up to 12 GB.",
    )
    parser.add_argument(
        "part",
        nargs="*",
        choices=[[], *PARTS, SCALE, PRODUCTIVITY],
        metavar="PART",
        help=f"only {', '.join(PARTS)}, {SCALE}, {PRODUCTIVITY}",
    )
    parser.add_argument("--contacts", type=int, default=CONTACTS, help=f"in the database (default: {CONTACTS:_})")
    parser.add_argument("--fresh", action="store_true", help="prepare the database anew")
    parser.add_argument("--port", type=int, default=PORT, help=f"of Odoo while measuring (default: {PORT})")
    parser.add_argument(
        "--calls",
        type=int,
        default=bench_scale.CALLS,
        help=f"for scale and productivity (default: {bench_scale.CALLS:_})",
    )
    parser.add_argument("--keep", action="store_true", help="the databases of scale or productivity, for another run")
    parser.add_argument(
        "--screen", default="", metavar="WORD", help="of scale or productivity, only screens with this in their name"
    )
    options = parser.parse_args(arguments)
    parts = options.part or PARTS
    machine.system_packages({"postgresql": postgres.present()})
    machine.python_environment("requirements.txt")
    if SCALE in parts:
        with postgres.running() as cluster:
            return bench_scale.measure(
                cluster, odoo.prepare(), options.calls, options.port, options.keep, options.screen
            )
    if PRODUCTIVITY in parts:
        with postgres.running(bench_productivity.CLUSTER) as cluster:
            return bench_productivity.measure(
                cluster, odoo.prepare(), options.calls, options.port, options.keep, options.screen
            )
    rows = []
    database = DATABASE if options.contacts == CONTACTS else f"{DATABASE}_{options.contacts}"
    of_odoo = set(parts) - {"bridge", "desk"}
    if of_odoo:
        with postgres.running() as cluster:
            server = odoo.Odoo(odoo.prepare(), cluster, beside=(peers.folder(),))
            _prepare(server, database, options.contacts, options.fresh)
            port = processes.free_port(options.port)
            running = server.serve(database, port)
            with step("Odoo starts"):
                _wait(f"http://127.0.0.1:{port}", running)
            rows += _measure("bench_odoo", server.environment(), database, port, *of_odoo)
            processes.stop(running)
    if "bridge" in parts:
        rows += _measure("bench_bridge", machine.environment(PYTHONPATH=str(TOP / MAIN_ADDON)), RUN / "bench")
    if "desk" in parts:
        rows += _desk(options.port)
    _print(rows, options.contacts, RUN / "done" / f"{database}-seconds")
    return 0


def _desk(port: int) -> list[Result]:
    """What a person at a desk waits for, with all parts real: this needs the demo PBX."""
    pbx = Pbx()
    with step("Asterisk"):
        pbx.prepare()
    story_proof.prepare()
    with postgres.running() as cluster:
        site = Site(odoo.Odoo(odoo.prepare(), cluster), DESK_DATABASE, pbx, processes.free_port(port))
        try:
            site.start(fresh=False)
            environment = {**cluster.environment(), **machine.environment()}
            return _measure("bench_desk", environment, site.address, DESK_DATABASE, pbx.data.name)
        finally:
            site.stop()


# ------------------------------------------------------------------ the database


def _prepare(server: odoo.Odoo, database: str, contacts: int, fresh: bool) -> None:
    """Have the database with so many contacts, the peers, and our addons as they are now."""
    mark = f"{contacts} {peers.PEERS} {digest(SETUP / 'kit' / 'bench_contacts.py')}"
    code = digest(*_installed_files())
    if fresh or not server.cluster.exists(database) or not done(database, mark):
        server.copy(server.template(), database)
        with step("The database for measuring: addons of others"):
            server.install(database, *peers.PEERS)
        with step(f"The database for measuring: {contacts:_} contacts"):
            server.cluster.sql(SQL.format(contacts=contacts), database)
            server.cluster.sql("VACUUM ANALYZE", database)
        started = time.monotonic()
        with step(f"The database for measuring: installing {MAIN_ADDON}, which reads all numbers"):
            server.install(database, MAIN_ADDON)
        mark_done(f"{database}-seconds", f"{time.monotonic() - started:.0f}")
        server.cluster.sql("VACUUM ANALYZE", database)
        mark_done(database, mark)
    elif not done(f"{database}-code", code):
        with step(f"The database for measuring: updating {MAIN_ADDON}"):
            server.install(database, MAIN_ADDON, update=True)
    mark_done(f"{database}-code", code)


def _installed_files() -> list[Path]:
    kinds = (".py", ".xml", ".csv", ".sql")
    files = [path for name in addons() for path in (TOP / name).rglob("*") if path.suffix in kinds]
    return sorted(path for path in files if "tests" not in path.relative_to(TOP).parts)


def _wait(address: str, process: subprocess.Popen) -> None:
    while not odoo.answers(address):
        if process.poll() is not None:
            raise Trouble(f"Odoo does not start. Its log: {LOGS / 'odoo.log'}")
        time.sleep(0.2)


# ------------------------------------------------------------------ measuring


def _measure(program: str, environment: dict, *arguments) -> list[Result]:
    """The results of a program, which tells them as they come."""
    paths = [str(SETUP), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    log = LOGS / f"{program}.log"
    results = []
    with step("Measuring") as change, open(log, "wb") as errors:
        process = processes.start_quietly(
            [PYTHON, "-m", f"kit.{program}", *map(str, arguments)],
            env=environment, cwd=RUN, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        for line in process.stdout:
            results.append(Result(**json.loads(line)))
            change(f"Measuring: {results[-1].section.partition(';')[0]}")
        status = process.wait()
        processes.stop(process)
    if status:
        tail = "\n".join(log.read_text(errors="replace").strip().splitlines()[-15:])
        raise Trouble(f"Measuring ended with {status}:\n{tail}\nAll of it: {log}")
    return results


def _print(results: list[Result], contacts: int, installing: Path) -> None:
    say(f"\n{contacts:_} contacts, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end")
    if installing.exists():
        say(f"{MAIN_ADDON} took {installing.read_text()} s to install when this database was prepared")
    width = [max(len(getattr(row, name)) for row in results) for name in ("what", "figure", "beside")]
    section = None
    for row in results:
        if row.section != section:
            section = row.section
            say(f"\n{section}")
        aim = f"aim: {row.aim} {'✓' if row.met else '✗'}" if row.aim else ""
        say(f"  {row.what:{width[0]}}  {row.figure:>{width[1]}}  {row.beside:{width[2]}}  {aim}".rstrip())
    if any(row.met is False for row in results):
        say("\nAn aim is not reached (✗). Other programs on the same processors make figures worse; ratios say more.")
