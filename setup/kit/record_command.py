"""`PYTHONPATH=setup python3 -m kit record [NAME…]`: record scenarios anew for the tests.

Starts a PBX of its own for it. What comes out is committed: the readers and the fold are tested with
what a real Asterisk said.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from .pbx import Pbx
from .places import MAIN_ADDON, TOP
from .processes import start_quietly, stop
from .scenarios_more import SCENARIOS
from .screen import say, step

DATA = TOP / MAIN_ADDON / "lib/tests/data"
PLAY = Path(__file__).with_name("play.py")


def main(arguments: list[str]) -> int:
    """Record the named scenarios (all without names); the number of those that failed."""
    parser = argparse.ArgumentParser(prog="record", description=__doc__)
    parser.add_argument("--to", type=Path, default=DATA, help="folder (default: %(default)s)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(sorted(SCENARIOS)))
    options = parser.parse_args(arguments)
    pbx = Pbx("recording")
    with step("Asterisk"):
        pbx.prepare()
        pbx.start()
    failed = 0
    for name in options.names or sorted(SCENARIOS):
        told = _play(pbx, "--record", options.to.resolve(), name)
        say(f"  {name}: {told.get('error') or 'recorded'}")
        failed += "error" in told
        if not pbx.running():
            # The scenario killed it. What does one learn who comes back?
            pbx.stop(kill=True)
            pbx.start()
            _play(pbx, "--look", options.to.resolve() / name / "ami_after.txt")
    pbx.stop()
    return min(failed, 1)


def _play(pbx: Pbx, *arguments) -> dict:
    """Run play.py in the PBX's network; what it told."""
    process = start_quietly(
        pbx.inside([sys.executable, PLAY, "--pbx", pbx.data.name, *arguments]), stdout=subprocess.PIPE
    )
    told = process.communicate()[0].decode()
    stop(process)
    if process.returncode and not told:
        return {"error": f"status {process.returncode}"}
    return json.loads(told or "{}")
