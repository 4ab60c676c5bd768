"""setup/bench productivity: the figures of a large sales office, beside the same from the plain tables.

One database is made: two years of calls (:mod:`bench_calls`) and of all other work (:mod:`bench_work`). Its kept
figures are made by the product's own recalculation. Then every menu under "Numbers" is opened by web RPC as a browser
does (:mod:`bench_opening`), as a person with many calls, a leader and an administrator: warm, and cold, which is the
first time after the database server and Odoo were started. Times are the server's, as in Odoo's log. In the same run,
the same figures are added up from the plain tables, and a busy hour is kept up with (:mod:`bench_figures`). At the end
the plans of all statements are looked through for tables that were read from one end to the other.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
from collections import defaultdict

from . import bench_calls, bench_contacts, bench_work, odoo, postgres, processes
from .bench_opening import Log, Opened, Opener, menus
from .bench_scale import _serving, _without_indexes
from .places import LOGS, PYTHON, RUN, SETUP, digest, done, mark_done
from .screen import Trouble, say, step

CALLS = 5_000_000
CLUSTER = "pg-bench"
#: openings of each screen by each person, and starts of the server from cold
WARM, COLD = 20, 3
AIM_MS, AIM_RATIO, AIM_BUSY_S = 300, 15, 2.0
#: the screens that have an aim, by the name of their menu
AIMED = ("Team week", "My numbers", "When", "Customers")
PEOPLE = {"person": "scale_0", "leader": "scale_leader_3", "administrator": "admin"}
#: rows from which on nobody reads a table from end to end
BIG = 50_000
_EXPLAIN = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
}
_FILES = [SETUP / "kit" / f"bench_{name}.py" for name in ("calls", "contacts", "work")]


def measure(cluster, root, calls: int, port: int, keep: bool, only: str = "") -> int:
    """Make the database, measure, print; 1 if an aim is not reached.

    :param cluster: one of its own: it is stopped and started while measuring
    """
    database = f"crm_productivity_{calls}"
    server = odoo.Odoo(root, cluster)
    found = {"calls": calls}
    try:
        found["made"] = _prepare(server, database, calls)
        _screens(server, database, port, only, found)
        if not only:
            found["plain"] = {one["screen"]: one["ms"] for one in _inside(server, database, "plain")}
            [found["busy"]] = _inside(server, database, "busy")
        _plans(server, database, port, only, found)
    finally:
        if not keep:
            server.drop(database)
    return _print(found)


# ------------------------------------------------------------------ the database


def _prepare(server: odoo.Odoo, database: str, calls: int) -> list[dict]:
    """Have the database; what making its figures took, if it is new or the addon has changed."""
    cluster = server.cluster
    mark, code = f"{calls} {digest(*_FILES)}", digest(*odoo._installed_files())
    if not cluster.exists(database) or not done(database, mark):
        _fill(server, database, calls)
        mark_done(database, mark)
        mark_done(f"{database}-code", "")
    if done(f"{database}-code", code):
        return []
    with step(f"{calls:_} calls: updating the addons"):
        server.install(database, "crm_voip_bridge", "crm_productivity", update=True)
        cluster.sql("ANALYZE", database)
    made = _inside(server, database, "recompute")
    with step(f"{calls:_} calls: statistics"):
        cluster.sql("VACUUM ANALYZE", database)
    mark_done(f"{database}-code", code)
    return made


def _copy_template(server: odoo.Odoo, database: str) -> None:
    """A database with Odoo CRM from the cluster that all share."""
    dump = RUN / "template.dump"
    with postgres.running() as shared:
        template = odoo.Odoo(server.root, shared).template()
        processes.run([shared.programs / "pg_dump", "-Fc", "-f", dump, template], env=shared.environment())
    server.drop(database)
    programs, environment = server.cluster.programs, server.cluster.environment()
    processes.run([programs / "createdb", "-T", "template0", database], env=environment)
    processes.run([programs / "pg_restore", "-d", database, dump], env=environment)
    dump.unlink()
    shutil.copytree(odoo.filestore(template), odoo.filestore(database))


def _fill(server: odoo.Odoo, database: str, calls: int) -> None:
    cluster = server.cluster
    _copy_template(server, database)
    with step(f"{calls:_} calls: installing the addons"):
        server.install(database, *odoo.addons())
    people, teams, customers = bench_work.PEOPLE, bench_work.TEAMS, bench_work.CUSTOMERS
    with step(f"{calls:_} calls: {customers:_} customers, {people} people"):
        cluster.sql(bench_contacts.SQL.format(contacts=customers), database)
        cluster.sql(bench_calls.NUMBERS, database)
        server.shell(database, bench_calls.persons(people, teams))
    values = {
        **bench_calls.values(calls, compacts=True, people=people, teams=teams),
        "customers": customers,
        "leads": max(100, calls * bench_work.LEADS // 1_000_000),
        "turns": calls * bench_work.MESSAGES // 2_000_000,
    }
    with step(f"{calls:_} calls: {values['leads']:_} opportunities"):
        cluster.sql(bench_work.CHANCE + bench_work.LEADS_SQL.format(**values), database)
        cluster.sql("ANALYZE", database)
    with step(f"{calls:_} calls: thinking them up"):
        cluster.sql(bench_calls.PLAN.format(**values), database)
        cluster.sql(bench_work.ABOUT_SQL, database)
    # figures do not read the PBX's record
    left_out = ("crm_voip_journal", "crm_voip_call_ref")
    fill = {table: one for table, one in bench_calls.FILL.items() if table not in left_out} | bench_work.FILL
    for table, statement in fill.items():
        with step(f"{calls:_} calls: {table}"), _without_indexes(cluster, database, table):
            cluster.sql(bench_work.CHANCE + statement.format(**values), database)
    with step(f"{calls:_} calls: statistics"):
        cluster.sql("SELECT setval('crm_voip_call_id_seq', (SELECT max(id) FROM crm_voip_call))", database)
        cluster.sql(bench_work.CALLBACKS, database)
        cluster.sql("VACUUM ANALYZE", database)


# ------------------------------------------------------------------ measuring


def _inside(server: odoo.Odoo, database: str, what: str) -> list[dict]:
    """What bench_figures tells."""
    environment = server.environment()
    environment["PYTHONPATH"] = os.pathsep.join([str(SETUP), environment["PYTHONPATH"]])
    log, told = LOGS / f"bench-figures-{what}.log", []
    with step(f"Figures: {what}") as change, open(log, "wb") as errors:
        process = processes.start_quietly(
            [PYTHON, "-m", "kit.bench_figures", database, what],
            env=environment,
            cwd=RUN,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        for line in process.stdout:
            one = json.loads(line)
            if "progress" in one:
                change(f"Figures: {what}, {one['progress']}")
            else:
                told.append(one)
        status = process.wait()
        processes.stop(process)
    if status or not told:
        tail = "\n".join(log.read_text(errors="replace").strip().splitlines()[-15:])
        raise Trouble(f"Measuring ended with {status}:\n{tail}\nAll of it: {log}")
    return told


def _screens(server: odoo.Odoo, database: str, port: int, only: str, found: dict) -> None:
    """Open all screens, cold and warm: `found["seen"][screen, who]` gets the openings of both kinds."""
    seen = found["seen"] = defaultdict(lambda: {"cold": [], "warm": []})
    for turn in range(COLD + 1):
        # nothing of the database is in memory but what the system keeps
        server.cluster.stop()
        server.cluster.start()
        with (
            _serving(server, database, port) as address,
            step(f"Screens {'cold' if turn < COLD else 'warm'}") as change,
        ):
            log = Log()
            shown = menus(odoo.Client(address, database, "admin", "admin"))
            for who, login in PEOPLE.items():
                opener = Opener(address, database, login, log)
                for name, action in shown:
                    if only not in name:
                        continue
                    change(f"Screens, {'cold' if turn < COLD else 'warm'}: {name}, {who}")
                    for _each in range(1 if turn < COLD else WARM + 1):
                        taken = _opened(opener, action)
                        if isinstance(taken, str):
                            found.setdefault("refused", {})[name, who] = taken
                            break
                        seen[name, who]["cold" if turn < COLD else "warm"].append(taken)


def _opened(opener: Opener, action: int) -> Opened | str:
    try:
        return opener.open(action)
    except Trouble as refusal:
        # a menu that this person does not have
        return str(refusal)


# ------------------------------------------------------------------ plans


def _plans(server: odoo.Odoo, database: str, port: int, only: str, found: dict) -> None:
    """Have PostgreSQL tell the plan of every statement while screens are opened and figures kept up."""
    cluster = server.cluster
    for name, value in _EXPLAIN.items():
        cluster.sql(f"ALTER DATABASE \"{database}\" SET {name} = '{value}'", database)
    log = cluster.home / "log"
    try:
        with _serving(server, database, port) as address:
            requests = Log()
            shown = menus(odoo.Client(address, database, "admin", "admin"))
            openers = {who: Opener(address, database, login, requests) for who, login in PEOPLE.items()}
            for name, action in shown:
                if only in name:
                    begin = log.stat().st_size
                    for opener in openers.values():
                        _opened(opener, action)
                    found.setdefault("plans", {})[name] = _read(cluster, database, log, begin)
        if not only:
            begin = log.stat().st_size
            _inside(server, database, "busy")
            found["plans"]["upkeep of a busy hour"] = _read(cluster, database, log, begin, "crm_productivity")
    finally:
        for name in _EXPLAIN:
            cluster.sql(f'ALTER DATABASE "{database}" RESET {name}', database)


def _read(cluster, database: str, log, begin: int, about: str = "") -> tuple[set[str], set[str]]:
    """Indexes that were used and big tables that were read from end to end, since a place in the server's log.

    :param about: only statements that have this in their text
    """
    rows = cluster.sql(f"SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > {BIG}", database)
    big = {name for (name,) in rows}
    with log.open("rb") as file:
        file.seek(begin)
        text = file.read().decode(errors="replace")
    used, whole = set(), set()
    for plan in re.split(r"(?m)^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[\d+\] ", text):
        if "Query Text:" not in plan or about not in plan:
            continue
        used |= set(re.findall(r"Index (?:Only )?Scan (?:Backward )?using (\w+) on", plan))
        used |= set(re.findall(r"Bitmap Index Scan on (\w+)", plan))
        for table in re.findall(r"Seq Scan on (\w+)", plan):
            if table in big:
                whole.add(table)
    return used, whole


# ------------------------------------------------------------------ words


def _late(openings: list[Opened]) -> float:
    """What 95 of a hundred are quicker than; of few, the slowest."""
    times = sorted(one.ms for one in openings)
    return times[min(len(times) - 1, int(len(times) * 0.95))]


def _print(found: dict) -> int:
    missed = 0

    def aim(reached: bool) -> str:
        nonlocal missed
        missed += not reached
        return "✓" if reached else "✗"

    say(f"\n{found['calls']:_} calls, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end")
    for one in found["made"]:
        if one["what"] == "kept":
            say(f"  {one['model']:34} {one['count']:10_} rows {one['bytes'] / 1e6:8_.1f} MB")
        else:
            say(
                f"Made from nothing: {one['count']:_} {one['what']} in {one['seconds']:.0f} s, {one['count'] / max(one['seconds'], 0.01):.0f} a second"
            )
    say(f"\nOpening a screen, ms of the server: 95 of a hundred are quicker (aim: {AIM_MS}), and the middle one")
    for (name, who), kinds in sorted(found["seen"].items(), key=lambda one: (one[0][0] not in AIMED, *one[0])):
        warm, cold = kinds["warm"][1:], kinds["cold"]
        if not warm or not cold:
            continue
        good = aim(max(_late(warm), _late(cold)) < AIM_MS) if name in AIMED else " "
        plain = found.get("plain", {}).get(name)
        middle = statistics.median(one.ms for one in warm)
        beside = (
            f"plain tables {plain:7.0f} ms, {plain / middle:5.0f} × {aim(plain / middle >= AIM_RATIO)}" if plain else ""
        )
        say(
            f"  {name:22} {who:14} warm {_late(warm):6.0f} ({middle:5.0f})  cold {_late(cold):6.0f}  {good} "
            f"{warm[-1].queries:4} queries  {beside}".rstrip()
        )
    for (name, who), why in found.get("refused", {}).items():
        # an administrator has every menu
        what = "not for them" if who != "administrator" else f"{aim(False)} refused"
        say(f"  {name:22} {who:14} {what}: {why.splitlines()[0][:80]}")
    if busy := found.get("busy"):
        good = aim(busy["seconds"] < AIM_BUSY_S and not busy["wrong"])
        say(
            f"\nA busy hour, {busy['calls']} calls and {busy['messages']} messages: figures right after {busy['seconds']:.2f} s (aim: {AIM_BUSY_S:.0f} s) {good}"
        )
        for text in busy["wrong"]:
            say(f"  ✗ {text}")
    say(f"\nIndexes in use, and tables of more than {BIG:_} rows that were read from end to end")
    for name, (used, whole) in found.get("plans", {}).items():
        ours = sorted(one for one in used if "crm_" in one or "mail_" in one)
        say(f"  {name}: {', '.join(ours) or 'none of ours'}")
        if whole:
            say(f"    {aim(False)} read as a whole: {', '.join(sorted(whole))}")
    say(f"\n{missed} aims are not reached." if missed else "\nAll aims are reached.")
    return 1 if missed else 0
