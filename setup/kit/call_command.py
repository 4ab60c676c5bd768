"""setup/call: one more real call on the PBX that setup/run has started."""

import argparse

from . import pbx, proof
from .scenarios_more import SCENARIOS
from .screen import say


def main(arguments: list[str]) -> int:
    """Place the calls of one kind; 1 if it could not be played."""
    # What stops the PBX or makes no sense in a demonstration is for recordings only.
    kinds = {name.replace("_", "-"): one for name, one in SCENARIOS.items() if name != "pbx_killed"}
    width = max(map(len, kinds))
    parser = argparse.ArgumentParser(
        prog="setup/call",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Places one more real call on the demo PBX. setup/run must be running.",
        epilog="kinds:\n" + "\n".join(f"  {name:<{width}}  {one.text}" for name, one in kinds.items()),
    )
    parser.add_argument("kind", choices=kinds, metavar="KIND", nargs="?", default="inbound-answered", help="see below")
    options = parser.parse_args(arguments)
    running = next((one for one in pbx.known() if one.running()), pbx.Pbx()).attach()
    say(f"{kinds[options.kind].text}")
    failed = 0
    for one in proof.played(running, [kinds[options.kind].name]):
        failed += "error" in one
        for text in [one["error"]] if "error" in one else map(proof.line, map(proof.facts_told, one["calls"])):
            say(f"  {text}")
    return min(failed, 1)
