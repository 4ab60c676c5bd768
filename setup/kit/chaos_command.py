"""setup/chaos: real calls while everything around them breaks, and whether every one of them is right afterwards."""

import argparse
import json
import random
import shutil
import threading
import time
from pathlib import Path

from . import machine, odoo, postgres, processes, proof
from .chaos_faults import FAULTS, Struck
from .chaos_ground import CLUSTER, DATABASE, FAKETIME, NAME, Floor, Ground, faketime_library, make_database
from .chaos_proof import Verdict, judge
from .pbx import Pbx
from .places import LOGS
from .screen import Trouble, say, step

# The database that setup/run --once leaves behind will do as a start; it is only read.
SOURCE = "crm_voip_once"
# How long after the last call Odoo may take until all is told: a bridge that was refused waits two minutes at most.
PATIENCE_S = 150


def main(arguments: list[str]) -> int:
    """Break things while there are calls; 0 only if none is lost, double or wrong."""
    parser = argparse.ArgumentParser(
        prog="setup/chaos",
        description="Places real calls through a real Asterisk while it kills the bridge, restarts Asterisk, stops "
        "PostgreSQL and Odoo, cuts connections, fills disks and sets clocks wrong; then compares every call with the "
        "telephones' own record, with the PBX's and with Odoo.",
        epilog="Faults: " + "; ".join(f"{one.name} ({one.text})" for one in FAULTS.values()) + ".",
    )
    parser.add_argument(
        "--calls", type=int, default=300, metavar="N", help="default: 300; 10000 takes an hour and a half"
    )
    parser.add_argument("--at-once", type=int, default=8, metavar="N", help="calls at the same time (default: 8)")
    parser.add_argument("--bridges", type=int, default=1, metavar="N", help="that read the same PBX (default: 1)")
    parser.add_argument("--seed", help="of an earlier run, to have the same calls and faults again")
    parser.add_argument("--faults", metavar="NAMES", help="only these, separated by commas; none for calls alone")
    parser.add_argument("--rounds", type=int, metavar="N", help="times that each fault comes (default: as many as fit)")
    parser.add_argument(
        "--database", default=SOURCE, metavar="NAME", help=f"to start with a copy of (default: {SOURCE})"
    )
    parser.add_argument("--port", type=int, default=8130, help="of Odoo (default: 8130, or the next free one)")
    options = parser.parse_args(arguments)
    names = list(FAULTS) if options.faults is None else [name for name in options.faults.split(",") if name != "none"]
    if unknown := set(names) - set(FAULTS):
        parser.error(f"no such fault: {' '.join(sorted(unknown))}")
    seed = options.seed or f"{random.SystemRandom().randrange(10**6)}"
    with step("Asterisk"):
        Pbx(NAME).prepare()
    machine.system_packages({"postgresql": postgres.present(), FAKETIME: bool(faketime_library())})
    machine.python_environment("requirements.txt")
    root = odoo.prepare()
    try:
        with postgres.running(CLUSTER) as cluster:
            with postgres.running() as shared:
                source = odoo.Odoo(root, shared)
                source.ready(options.database, demo=True)
                with step("A copy of the database, in a cluster that may be broken"):
                    server = make_database(source, options.database, cluster)
            ground = Ground(server, options.bridges, processes.free_port(options.port), options.calls)
            try:
                return _run(ground, options, names, seed)
            finally:
                ground.stop()
    finally:
        postgres.remove(CLUSTER)
        shutil.rmtree(odoo.filestore(DATABASE), ignore_errors=True)


def _run(ground: Ground, options, names: list[str], seed: str) -> int:
    with step("Starting Odoo, Asterisk and the bridge"):
        ground.start()
    before = _highest(ground)
    say(f"\n{options.calls} calls, {options.at_once} at once; seed {seed}")
    began = time.monotonic()
    floor = Floor(ground.pbx, options.calls, options.at_once, seed)
    floor.wait_until_ready()
    struck = Struck(ground, floor)
    watcher = Watcher(ground, before)
    injected = _break(struck, names, options.rounds, random.Random(seed), began)
    while not floor.over.wait(5):
        pass
    floor.stop()
    ground.heal()
    with step("Waiting until all is told"):
        _wait(ground, floor.told, before)
    with proof.Reader(ground.cluster, DATABASE) as reader:
        rows = reader.rows(proof.CALLS.format(after=before))
        verdict = judge(floor.told, rows, proof.History(ground.pbx), struck.gone)
        evidence = _keep_evidence(reader, verdict)
    delays = watcher.stop()
    if evidence:
        say(f"  What was said of the calls that are wrong is in {evidence} (replay --format journal)")
    _report(verdict, injected, delays, time.monotonic() - began, seed)
    return 0 if verdict.holds and verdict.calls >= options.calls * 0.9 else 1


def _break(struck: Struck, names: list[str], rounds: int | None, rng: random.Random, began: float) -> dict[str, int]:
    """Inject faults as long as there are calls, each kind once before any comes again; how often each came."""
    injected = dict.fromkeys(names, 0)
    struck.floor.over.wait(2)
    while names and not struck.floor.over.is_set() and (rounds is None or rounds > min(injected.values())):
        for name in rng.sample(names, len(names)):
            if struck.floor.over.wait(rng.uniform(0.3, 1.5)):
                break
            at = time.monotonic() - began
            did = FAULTS[name].do(struck, rng)
            injected[name] += 1
            say(f"  {at:6.1f} s  {FAULTS[name].text}: {did} ({len(struck.floor.told)} calls so far)")
    return injected


def _highest(ground: Ground) -> int:
    return int(ground.cluster.sql("SELECT coalesce(max(id), 0) FROM crm_voip_call", DATABASE)[0][0])


def _wait(ground: Ground, told: list[dict], before: int) -> None:
    """Until Odoo has as many finished calls as it must, and nobody has anything more to say."""
    wanted = sum("truth" in one and one["truth"]["recorded"] for one in told)
    deadline = time.monotonic() + PATIENCE_S
    quiet, last = 0, None
    while time.monotonic() < deadline and quiet < 4:
        time.sleep(0.5)
        done, going, waiting = map(int, ground.cluster.sql(
            "SELECT count(*) FILTER (WHERE disposition != 'in_progress'), count(*) FILTER (WHERE disposition = 'in_progress'), "
            "(SELECT coalesce(sum(waiting), 0) + count(*) FILTER (WHERE pbx_says != 'connected') FROM crm_voip_pbx_state) + "
            # kept, and not calculated yet: of an older copy, say, that was made in between
            "(SELECT count(*) FROM crm_voip_call_ref WHERE dirty) "
            f"FROM crm_voip_call WHERE id > {before}", DATABASE,
        )[0])  # fmt: skip
        now = (done, going, waiting)
        quiet = quiet + 1 if now == last and done >= wanted and not going and not waiting else 0
        last = now


class Watcher:
    """Notes how long after its end each call is finished in Odoo, whatever becomes of the database."""

    def __init__(self, ground: Ground, before: int):
        self._ground, self._before = ground, before
        self._seen: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> list[float]:
        """The seconds, sorted."""
        self._over.set()
        self._thread.join(10)
        return sorted(self._seen.values())

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            try:
                rows = self._ground.cluster.sql(
                    "SELECT call_ref, extract(epoch FROM now() AT TIME ZONE 'utc' - ended_at) FROM crm_voip_call "
                    f"WHERE id > {self._before} AND disposition != 'in_progress' AND ended_at IS NOT NULL "
                    "AND write_date > now() AT TIME ZONE 'utc' - interval '20 s'", DATABASE,
                )  # fmt: skip
            except Trouble:
                continue
            for call, late in rows:
                self._seen.setdefault(call, float(late))


def _keep_evidence(reader: proof.Reader, verdict: Verdict) -> Path | None:
    """Write down the PBX record of the calls that are wrong or double; where."""
    path = LOGS / f"{NAME}-evidence.jsonl"
    path.unlink(missing_ok=True)
    if not verdict.suspects:
        return None
    ids = ",".join(map(str, verdict.suspects))
    rows = reader.rows(
        "SELECT event_id AS id, type, call_ref AS call, coalesce(leg_ref, '') AS leg, "
        'to_char(at, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') AS at, source, data, create_date AS came '
        "FROM crm_voip_journal journal WHERE (pbx_id, call_ref) IN "
        f"(SELECT pbx_id, ref FROM crm_voip_call_ref WHERE call_id IN ({ids}) AND NOT is_leg) ORDER BY journal.id"
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _report(verdict: Verdict, injected: dict[str, int], delays: list[float], seconds: float, seed: str) -> None:
    for what, found in (("lost", verdict.lost), ("double", verdict.double), ("wrong", verdict.wrong)):
        for text in found[:40]:
            say(f"  ✗ {what}: {text}")
        if len(found) > 40:
            say(f"  ✗ {what}: {len(found) - 40} more")
    say("\nKinds of calls: " + ", ".join(f"{count} {name}" for name, count in verdict.kinds.most_common()))
    say("Faults: " + (", ".join(f"{count} × {FAULTS[name].text}" for name, count in injected.items()) or "none"))
    say(
        f"Of the calls, {verdict.outside} may not be logged, {verdict.end_unknown} ended with the PBX and nobody knows when, "
        f"{verdict.never_there} the PBX itself knows nothing of."
    )
    if delays:
        say(f"From hang-up to right in Odoo: {delays[len(delays) // 2]:.1f} s (median), {delays[-1]:.1f} s (longest).")
    say(f"{seconds:.0f} s; seed {seed}; logs in {LOGS}")
    say(
        f"\n{verdict.calls} calls, {len(verdict.lost)} lost, {len(verdict.double)} double, "
        f"{len(verdict.wrong)} wrong by more than a second, {sum(injected.values())} faults"
    )
