"""setup/fuzz: nonsense against every reader of the bridge, every adapter and every route of a real Odoo."""

import argparse
import json
import random
import subprocess
from collections.abc import Iterator

from . import attacks, machine, odoo, postgres, processes
from .places import LOGS, MAIN_ADDON, PYTHON, SETUP, TOP
from .screen import say, step

#: of each part, where setup/test runs it
SHORT = 14.0


def main(arguments: list[str]) -> int:
    """Fuzz for as long as is asked for; 0 only if nothing was found."""
    parser = argparse.ArgumentParser(
        prog="setup/fuzz",
        description="Throws nonsense at the readers of AMI, CEL and CDR, at the adapters of hosted PBXs and at Odoo's "
        "routes: structured by hypothesis, and recordings with bytes changed. What crashes, hangs, grows, or is "
        "answered with 500 is kept in .run/fuzz and shown.",
    )
    parser.add_argument("--minutes", type=float, default=10, help="in all (default: 10)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="to have the same nonsense again")
    parser.add_argument("--no-odoo", action="store_true", help="the readers and adapters only")
    options = parser.parse_args(arguments)
    machine.system_packages({"postgresql": postgres.present()})
    machine.python_environment("requirements.txt", "requirements-dev.txt")
    say(f"Seed {options.seed}")
    seconds = options.minutes * 60 / (1 if options.no_odoo else 2)
    found = list(readers(seconds, options.seed))
    if not options.no_odoo:
        with postgres.running() as cluster:
            found += routes(odoo.Odoo(odoo.prepare(), cluster), seconds, options.seed)
    for what, tries, complaint in found:
        say(f"{what:32}{tries:>9} tries   {complaint or 'nothing found'}")
    return 1 if any(complaint for _what, _tries, complaint in found) else 0


def readers(seconds: float, seed: int) -> Iterator[tuple[str, int, str]]:
    """Fuzz readers, gate, fold and adapters: (what, tries, complaint)."""
    with step(f"Nonsense for readers and adapters, {seconds:.0f} s"):
        yield from _run("readers", seconds, seed)


def routes(server: odoo.Odoo, seconds: float, seed: int) -> Iterator[tuple[str, int, str]]:
    """Fuzz the routes of a real server: (what, tries, complaint)."""
    _pbx, key, secret = attacks.prepare(server)
    with attacks.serving(server, 0) as (port, _process), step(f"Nonsense for Odoo's routes, {seconds:.0f} s"):
        yield from _run("routes", seconds, seed, str(port), key, secret)


def _run(part: str, seconds: float, seed: int, *arguments: str) -> Iterator[tuple[str, int, str]]:
    log = LOGS / f"fuzz-{part}.log"
    LOGS.mkdir(parents=True, exist_ok=True)
    variables = machine.environment(PYTHONPATH=f"{SETUP}:{TOP / MAIN_ADDON}")
    with open(log, "wb") as output:
        process = processes.start_quietly(
            [PYTHON, "-m", "kit.fuzz", part, str(seconds), str(seed), *arguments],
            env=variables, cwd=TOP, stdout=subprocess.PIPE, stderr=output,
        )  # fmt: skip
        told = process.communicate()[0].decode()
        processes.stop(process)
    ended = False
    for line in told.splitlines():
        values = json.loads(line)
        if values == "end":
            ended = True
        else:
            yield tuple(values)
    if not ended:
        yield part, 0, f"ended with {process.returncode}; see {log}"
