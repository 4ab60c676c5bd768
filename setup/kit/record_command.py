"""`PYTHONPATH=setup python3 -m kit record [NAME…]`: record scenarios anew for the tests.

Starts the PBX by itself, so stop `setup/run` first. What comes out is committed: the readers and the fold
are tested with what a real Asterisk said.
"""

import argparse
import json
import sys
from pathlib import Path

from . import scenarios_more  # noqa: F401
from .pbx import Pbx
from .places import MAIN_ADDON, TOP
from .processes import start_quietly, stop
from .scenarios import SCENARIOS
from .screen import say, step

DATA = TOP / MAIN_ADDON / "lib/tests/data"
PLAY = Path(__file__).with_name("play.py")


def main(arguments: list[str]) -> int:
    """Record the named scenarios (all without names); the number of those that failed."""
    parser = argparse.ArgumentParser(prog="record", description=__doc__)
    parser.add_argument("--to", type=Path, default=DATA, help="folder (default: %(default)s)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(sorted(SCENARIOS)))
    options = parser.parse_args(arguments)
    pbx = Pbx()
    with step("Asterisk"):
        pbx.prepare()
        pbx.start()
    failed = 0
    for name in options.names or sorted(SCENARIOS):
        if not pbx.running():
            # The scenario before this one killed it.
            pbx.stop(kill=True)
            pbx.start()
        command = pbx.inside([sys.executable, PLAY, "--record", options.to.resolve(), name])
        process = start_quietly(command, stdout=-1)
        told = process.communicate()[0].decode()
        stop(process)
        said = json.loads(told) if told else {"error": f"status {process.returncode}"}
        say(f"  {name}: {said.get('error') or 'recorded'}")
        failed += "error" in said
    pbx.stop()
    return min(failed, 1)
