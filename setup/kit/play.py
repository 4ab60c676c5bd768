"""Places calls. Runs inside the PBX's network: `play.py [--record FOLDER] NAME…`.

Prints one JSON object a line for each scenario: `scenario`, `text`, `calls` (the truth, see
scenarios.py) and `sip` (what each telephone noted). With `--record`, writes for each scenario what the PBX
said meanwhile into FOLDER/NAME: `ami.txt`, `cel.csv`, `Master.csv`, `Linked.csv`, `expected.json`.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit import pbx_config
from kit.ami import Recorder
from kit.pbx import Pbx
from kit.scenarios import Scenario, Site
from kit.scenarios_more import SCENARIOS
from kit.screen import Trouble
from kit.sip import CallFailed


async def play(pbx: Pbx, scenario: Scenario) -> dict:
    """Play one scenario and tell what happened."""
    site = Site(pbx.sip_password, pbx.driver_secret, pbx.pid)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(site.world)
        await stack.enter_async_context(site.driver)
        for number in scenario.phones:
            site.phones[number] = await stack.enter_async_context(site.phone(number))
            await site.phones[number].register()
        calls = await scenario.play(site)
        # What the PBX still has to say about it belongs to the recording.
        await asyncio.sleep(0.3)
    said = [
        {"phone": number, "call_id": call.call_id, "peer": call.peer, "packets": call.packets, "record": call.record}
        for number, call in site.calls
    ]
    return {"scenario": scenario.name, "text": scenario.text, "calls": calls, "sip": said}


RECORDS = {
    "cel.csv": ("log/cel-custom/Master.csv", pbx_config.CEL_COLUMNS),
    "Master.csv": ("log/cdr-csv/Master.csv", None),
    "Linked.csv": ("log/cdr-custom/Linked.csv", None),
}


async def record(pbx: Pbx, scenario: Scenario, folder: Path) -> dict:
    """Play one scenario and keep all that the PBX says about it."""
    folder.mkdir(parents=True, exist_ok=True)
    before = {name: _size(pbx.data / source) for name, (source, _) in RECORDS.items()}
    async with Recorder(folder / "ami.txt", "bridge", pbx.ami_secret) as recorder:
        told = await play(pbx, scenario)
        await recorder.quiet(1.0)
    for name, (source, header) in RECORDS.items():
        with (pbx.data / source).open("rb") as file:
            file.seek(before[name])
            text = (header + "\n").encode() if header else b""
            (folder / name).write_bytes(text + file.read())
    (folder / "expected.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return told


async def look(pbx: Pbx, path: Path) -> None:
    """Write down what a bridge is told that comes back after Asterisk has begun anew."""
    async with Recorder(path, "bridge", pbx.ami_secret) as recorder:
        for action in ("CoreStatus", "CoreShowChannels"):
            recorder.ask(action)
        await recorder.quiet()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Place calls on the running PBX.")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--pbx", default="data", metavar="NAME", help="which of this checkout's (default: %(default)s)")
    parser.add_argument("--look", type=Path, metavar="FILE", help="place no call, write down what AMI says about now")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(sorted(SCENARIOS)))
    options = parser.parse_args()
    if unknown := set(options.names) - set(SCENARIOS):
        parser.error(f"no such scenario: {' '.join(unknown)}")
    failed = 0
    try:
        pbx = Pbx(options.pbx).attach()
        if options.look:
            asyncio.run(look(pbx, options.look))
        # The telephones are there once: who comes second waits.
        with (pbx.data / "telephones.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in options.names:
                work = SCENARIOS[name]
                try:
                    if options.record:
                        told = asyncio.run(record(pbx, work, options.record / name))
                    else:
                        told = asyncio.run(play(pbx, work))
                    print(json.dumps(told, ensure_ascii=False), flush=True)
                except (CallFailed, OSError, ValueError) as error:
                    failed += 1
                    print(json.dumps({"scenario": name, "error": f"{type(error).__name__}: {error}"}), flush=True)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
