"""The stories of stories.py on a running site, told as they happen."""

import json
import subprocess

from . import machine, processes
from .pbx import Pbx
from .places import LOGS, PYTHON, SETUP
from .postgres import Cluster
from .screen import say

#: what a story fails with is often said here
LOG = LOGS / "stories.log"


def prepare() -> None:
    """Have a browser, and what drives it."""
    machine.system_packages({"chromium": machine.has_command("chromium", "google-chrome")})
    machine.python_environment("requirements-dev.txt")


def prove(pbx: Pbx, cluster: Cluster, address: str, database: str) -> int:
    """Play all stories; 0 only if each holds."""
    say("\nThe desk: real calls, and real browsers of the people they are for.")
    environment = {**cluster.environment(), **machine.environment(PYTHONPATH=str(SETUP))}
    command = [PYTHON, "-m", "kit.stories", address, database, pbx.data.name]
    held = failed = 0
    with open(LOG, "wb") as errors:
        process = processes.start_quietly(command, env=environment, stdout=subprocess.PIPE, stderr=errors)
        try:
            for line in process.stdout:
                told = json.loads(line)
                say(f"  {'✗' if told['problem'] else '✓'} {told['text']} ({told['seconds']:.0f} s)")
                if told["problem"]:
                    failed += 1
                    say(f"    ✗ {told['story']}: {told['problem']}\n      pictures: {LOGS}/story-{told['story']}-*.png")
                else:
                    held += 1
        finally:
            processes.stop(process)
    if process.returncode not in (0, 1):
        failed += 1
        say(f"  ✗ stories ended with status {process.returncode}:\n{LOG.read_text(errors='replace')[-3000:]}")
    say(f"\n{held} stories hold, {failed} do not")
    return 1 if failed or not held else 0
