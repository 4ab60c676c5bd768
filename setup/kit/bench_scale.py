"""setup/bench scale: every screen with millions of calls, beside the same with few.

Two databases are made, one after the other (:mod:`bench_calls`), and asked by web RPC as the browser asks: the same
fields, domains and orders as the views', as persons with many and with few calls, as a leader and as an
administrator. Times are those of the whole request; queries are those that Odoo's own log counts.
"""

import json
import re
import statistics
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from . import bench_calls, bench_contacts, odoo, processes
from .places import LOGS, MAIN_ADDON, PYTHON, RUN, SETUP, digest, done, mark_done
from .screen import Trouble, say, step

CALLS, SMALL, CONTACTS = 5_000_000, 50_000, 100_000
#: place of the contact with many calls: four thousand of five million, with its people
BUSY = 40
#: requests of each kind; one more goes before, unmeasured
TURNS = 7
#: seconds that ingest and reading are measured, alone and together
LASTING = 20
#: logins by whom is meant
PEOPLE = {
    "many calls": "scale_0",
    "few calls": f"scale_{bench_calls.PEOPLE}",
    "leader": "scale_leader_3",
    "administrator": "admin",
}
_ACCESS = re.compile(r'"POST ([^ #]+)\S* HTTP/1\.1" 200 - (\d+) ([\d.]+) ([\d.]+)')


@dataclass(frozen=True)
class Seen:
    """What one screen takes. `ms`: the quickest of the requests, for others use the machine, too; `queries`: of one."""

    screen: str
    who: str
    ms: float
    queries: int


def measure(cluster, root, calls: int, port: int, keep: bool, only: str = "") -> int:
    """Make both databases, measure, print one table; 0."""
    seen, sizes, rates = {}, {}, {}
    for count in (SMALL, calls):
        database = f"crm_voip_scale_{count}"
        server = odoo.Odoo(root, cluster)
        try:
            _prepare(server, database, count)
            sizes[count] = _sizes(cluster, database)
            with _serving(server, database, port) as address:
                seen[count] = _screens(cluster, address, database, only)
                if not only:
                    rates[count] = _ingest(server, address, database)
        finally:
            if not keep:
                server.drop(database)
    return _print(calls, seen, sizes, rates)


# ------------------------------------------------------------------ the database


def _prepare(server: odoo.Odoo, database: str, calls: int) -> None:
    cluster = server.cluster
    mark = f"{calls} {digest(SETUP / 'kit' / 'bench_calls.py', SETUP / 'kit' / 'bench_contacts.py')}"
    if cluster.exists(database) and done(database, mark):
        with step(f"{calls:_} calls: updating {MAIN_ADDON}"):
            server.install(database, MAIN_ADDON, update=True)
            cluster.sql("ANALYZE", database)
        return
    server.copy(server.template(), database)
    with step(f"{calls:_} calls: installing {MAIN_ADDON}"):
        server.install(database, MAIN_ADDON)
    with step(f"{calls:_} calls: {CONTACTS:_} contacts, {bench_calls.PEOPLE} people"):
        cluster.sql(bench_contacts.SQL.format(contacts=CONTACTS), database)
        cluster.sql(bench_calls.NUMBERS, database)
        secret = server.shell(database, bench_calls.persons()).split()[-2:]
        (RUN / f"{database}.key").write_text("\n".join(secret))
    compacts = bool(cluster.sql("SELECT 1 FROM pg_class WHERE relname = 'crm_voip_compacted'", database))
    values = bench_calls.values(calls, compacts)
    with step(f"{calls:_} calls: thinking them up"):
        cluster.sql(bench_calls.PLAN.format(**values), database)
    fill = {**bench_calls.FILL, **({"crm_voip_compacted": bench_calls.COMPACTED} if compacts else {})}
    for table, statement in fill.items():
        with step(f"{calls:_} calls: {table}"), _without_indexes(cluster, database, table):
            quick = "SET synchronous_commit = off; SET session_replication_role = replica; "
            cluster.sql(quick + statement.format(**values), database)
    with step(f"{calls:_} calls: statistics"):
        ids = "SELECT setval('crm_voip_call_id_seq', (SELECT max(id) FROM crm_voip_call))"
        cluster.sql(ids, database)
        cluster.sql("DROP TABLE bench_call, bench_day, bench_contact, bench_person", database)
        cluster.sql("VACUUM ANALYZE", database)
    mark_done(database, mark)


@contextmanager
def _without_indexes(cluster, database: str, table: str):
    """Made at the end, indexes cost a fraction."""
    rows = cluster.sql(
        f"""SELECT relation.relname, pg_get_indexdef(index.indexrelid), obj_description(index.indexrelid, 'pg_class')
              FROM pg_index AS index JOIN pg_class AS relation ON relation.oid = index.indexrelid
             WHERE index.indrelid = '{table}'::regclass AND NOT index.indisprimary""",
        database,
    )
    for name, *_definition in rows:
        cluster.sql(f'DROP INDEX "{name}"', database)
    yield
    for name, definition, comment in rows:
        cluster.sql(f"SET maintenance_work_mem = '1GB'; {definition}", database)
        if comment:  # by which Odoo knows whether the index is the one that the code wants
            quoted = comment.replace("'", "''")
            cluster.sql(f"COMMENT ON INDEX \"{name}\" IS '{quoted}'", database)


def _sizes(cluster, database: str) -> list[tuple[str, int, int]]:
    """Table, rows, bytes with its indexes; the largest first."""
    rows = cluster.sql(
        """SELECT relname, reltuples::bigint, pg_total_relation_size(oid) FROM pg_class
            WHERE relkind = 'r' AND relname LIKE 'crm_voip%' ORDER BY 3 DESC LIMIT 12""",
        database,
    )
    return [(name, int(count), int(size)) for name, count, size in rows]


# ------------------------------------------------------------------ asking as a browser does


class Person:
    """Somebody who opens screens."""

    def __init__(self, address: str, database: str, who: str):
        self.who = who
        login = PEOPLE[who]
        self.client = odoo.Client(address, database, login, login)
        self._views: dict[tuple, dict] = {}

    def call(self, model: str, method: str, *args, **kwargs):
        return self.client.call(model, method, *args, **kwargs)

    def action(self, name: str) -> dict:
        return self.client.action(f"{MAIN_ADDON}.{name}")

    def fields(self, action: dict, kind: str) -> dict:
        """The specification that the web client makes of a view."""
        key = (action.get("id"), kind)
        if key not in self._views:
            view = next((view for view, name in action["views"] if name == kind), False)
            got = self.call(action["res_model"], "get_views", views=[[view, kind]], options={})
            arch = ElementTree.fromstring(got["views"][kind]["arch"])
            self._views[key] = _specification(arch, got["models"], action["res_model"])
        return self._views[key]


def _specification(node, models: dict, model: str) -> dict:
    known = models[model]["fields"]
    wanted = {}
    for field in _fields_of(node):
        name = field.get("name")
        kind = known.get(name, {}).get("type")
        if kind in ("one2many", "many2many"):
            inner = next((child for child in field if child.tag in ("list", "kanban")), None)
            comodel = known[name]["relation"]
            if inner is not None:
                wanted[name] = {"fields": _specification(inner, models, comodel), "limit": 40}
            else:
                wanted.setdefault(name, {"fields": {"display_name": {}}})
        elif kind == "many2one":
            wanted[name] = {"fields": {"display_name": {}}}
        elif kind:
            wanted[name] = {}
    return wanted


def _fields_of(node):
    """Fields of a view, without those of views inside it."""
    for child in node:
        if child.tag == "field":
            yield child
        else:
            yield from _fields_of(child)


class Log:
    """What Odoo's log says of the last request."""

    def __init__(self):
        self._file = open(LOGS / "odoo.log", errors="replace")  # noqa: SIM115, as long as the program
        self.skip()

    def skip(self) -> None:
        self._file.seek(0, 2)

    def queries(self, path: str) -> int:
        """Queries of the one request to a path since the last look."""
        for _try in range(50):
            found = [match for line in self._file if (match := _ACCESS.search(line)) and match[1] == path]
            if found:
                return int(found[-1][2])
            time.sleep(0.02)
        return -1


def _screens(cluster, address: str, database: str, only: str) -> list[Seen]:
    log, seen = Log(), []
    with step("Screens") as change:
        for who in PEOPLE:
            person = Person(address, database, who)
            for screen, request in _requests(person, _Example(cluster, database, PEOPLE[who])):
                if only not in screen:
                    continue
                change(f"Screens: {screen}, {who}")
                seen.append(_time(person, screen, request, log))
    return seen


def _time(person: Person, screen: str, request, log: Log) -> Seen:
    model, method, args, kwargs = request
    path = f"/web/dataset/call_kw/{model}/{method}"
    times, queries = [], 0
    for turn in range(TURNS + 1):
        log.skip()
        began = time.perf_counter()
        try:
            person.call(model, method, *args, **kwargs)
        except Trouble as refusal:
            raise Trouble(f"{screen} as {person.who}: {refusal}") from None
        took = (time.perf_counter() - began) * 1000
        if turn:
            times.append(took)
        queries = log.queries(path)
        if took > 5000 and turn:
            break
    return Seen(screen, person.who, min(times), queries)


class _Example:
    """Which records a person looks at."""

    def __init__(self, cluster, database: str, login: str):
        self._rows = lambda statement: cluster.sql(statement, database)
        user = f"(SELECT id FROM res_users WHERE login = '{login}')"
        if login == PEOPLE["leader"]:
            seen = f"IN (SELECT %s_id FROM crm_voip_%s_team_rel JOIN crm_team ON crm_team.id = team_id WHERE user_id = {user})"
        else:
            seen = f"IN (SELECT %s_id FROM crm_voip_%s_user_rel WHERE user_id = {user})"
        of_call, of_callback = (
            ("IS NOT NULL",) * 2 if login == "admin" else (seen % ("call", "call"), seen % ("callback", "callback"))
        )
        self.call = self._id("crm_voip_call", f"id {of_call} AND partner_id IS NOT NULL ORDER BY id DESC")
        self.callback = self._id("crm_voip_callback", f"id {of_callback} ORDER BY id DESC")
        self.customer = self._partner(bench_calls.contact_number(BUSY))
        self.rare = self._partner(bench_calls.contact_number(CONTACTS - 3))
        self.lead = self._id("crm_lead", "partner_id IS NOT NULL ORDER BY id")
        self.pbx = self._id("crm_voip_pbx", "TRUE")

    def _id(self, table: str, where: str) -> int:
        """Id of the first record, 0 if there is none."""
        rows = self._rows(f"SELECT id FROM {table} WHERE {where} LIMIT 1")
        return int(rows[0][0]) if rows else 0

    def _partner(self, e164: str) -> int:
        return self._id("res_partner", f"phone_sanitized = '{e164}'")


def _requests(person: Person, example: _Example):
    """What a browser asks: (screen, (model, method, arguments, keyword arguments))."""

    def action(name: str) -> dict:
        return person.action(name)

    calls, callbacks = action("crm_voip_call_action"), action("crm_voip_callback_action")
    month = date.today().replace(day=1) - timedelta(days=1)
    days = [month.replace(day=1).isoformat(), date.today().replace(day=1).isoformat()]
    in_month = ["&", ["started_at", ">=", days[0]], ["started_at", "<", days[1]]]

    def listed(of: dict, domain: list, order: str = "", kind: str = "list"):
        spec = {"specification": person.fields(of, kind), "limit": 80, "offset": 0, "count_limit": 10001}
        return of["res_model"], "web_search_read", [], {"domain": domain, "order": order, **spec}

    def read(of: dict, record: int):
        return of["res_model"], "web_read", [[record]], {"specification": person.fields(of, "form")}

    def grouped(of: dict, domain: list, by: list, measures: list):
        sets = [by[:length] for length in range(len(by) + 1)]
        return (
            of["res_model"],
            "formatted_read_grouping_sets",
            [],
            {"domain": domain, "grouping_sets": sets, "aggregates": measures},
        )

    def opened(model: str, record: int, names: dict):
        return model, "web_read", [[record]], {"specification": names}

    yield "Calls: list", listed(calls, [])
    yield "Calls: list, mine", listed(calls, [["is_mine", "=", True]])
    yield (
        "Calls: list, missed",
        listed(
            calls, ["&", ["direction", "=", "inbound"], ["disposition", "in", ["missed", "abandoned", "voicemail"]]]
        ),
    )
    yield (
        "Calls: list, unmatched",
        listed(calls, ["&", "&", ["direction", "!=", "internal"], ["partner_id", "=", False], ["lead_id", "=", False]]),
    )
    yield "Calls: list, of last month", listed(calls, in_month)
    yield (
        "Calls: list, of a day a year ago",
        listed(
            calls,
            [
                "&",
                ["started_at", ">=", f"{month.year - 1}-{month.month:02}-12"],
                ["started_at", "<", f"{month.year - 1}-{month.month:02}-13"],
            ],
        ),
    )
    yield "Calls: list, busy or failed", listed(calls, [["disposition", "in", ["busy", "failed"]]])
    yield "Calls: list, with notes of the PBX", listed(calls, [["notes", "!=", False]])
    yield "Calls: list, by talk time", listed(calls, in_month, "talk_s desc")
    yield "Calls: second page", (lambda r: (r[0], r[1], r[2], {**r[3], "offset": 80}))(listed(calls, []))
    number, name = bench_calls.contact_number(41), "Person 1234"
    for what, text in (("number as typed", f"0{number[3:]}"), ("last digits", number[-6:]), ("name", name)):
        either = [
            "|",
            "|",
            "|",
            ["partner_id", "ilike", text],
            ["lead_id", "ilike", text],
            ["outside_number", "ilike", text],
            ["outside_e164", "ilike", text],
        ]
        either = (
            [["customer_label", "ilike", text]]
            if person.call("crm.voip.call", "fields_get", ["customer_label"], ["searchable"])["customer_label"][
                "searchable"
            ]
            else either
        )
        yield f"Calls: search by {what}", listed(calls, either)
    yield "Calls: list of a customer", listed(calls, [["partner_id", "child_of", example.customer]])
    yield "Calls: form", read(calls, example.call)
    yield (
        "Calls: groups by result",
        (
            calls["res_model"],
            "web_read_group",
            [],
            {"domain": [], "groupby": ["disposition"], "aggregates": ["talk_s:sum"], "limit": 80},
        ),
    )
    measures = ["__count", "talk_s:sum"]
    yield "Calls: a month's pivot by day", grouped(calls, in_month, ["started_at:day", "disposition"], measures)
    by = "user_id" if person.who in ("leader", "administrator") else "direction"
    yield (
        f"Calls: a month's pivot by {'person' if by == 'user_id' else 'direction'}",
        grouped(calls, in_month, [by, "disposition"], measures),
    )
    yield (
        "Calls: a month's graph",
        (
            calls["res_model"],
            "formatted_read_group",
            [],
            {"domain": in_month, "groupby": ["started_at:day", "disposition"], "aggregates": ["__count"]},
        ),
    )
    yield "Calls: pivot of all times", grouped(calls, [], ["started_at:month", "disposition"], measures)
    week = datetime.now() - timedelta(days=datetime.now().weekday())
    yield (
        "Calls: a day of the calendar",
        (
            calls["res_model"],
            "search_read",
            [],
            {
                "domain": [
                    "&",
                    ["started_at", "<=", f"{week:%Y-%m-%d} 23:59:59"],
                    ["shown_until", ">=", f"{week:%Y-%m-%d} 00:00:00"],
                ],
                "fields": [
                    "started_at",
                    "ended_at",
                    "customer_label",
                    "direction",
                    "disposition",
                    "talk_s",
                    "lead_id",
                    "display_name",
                ],
            },
        ),
    )
    finish = action("crm_voip_call_action_to_finish")
    yield "To finish", listed(finish, [["is_to_finish", "=", True]])
    live = action("crm_voip_call_action_live") if person.who in ("leader", "administrator") else None
    if live:
        yield (
            "Calls going on",
            listed(live, ["&", ["disposition", "=", "in_progress"], ["company_id.crm_voip_live", "=", True]]),
        )
    yield "Callbacks: list, open", listed(callbacks, [["state", "=", "open"]], "due_at, id")
    yield "Callbacks: list, all", listed(callbacks, [], "due_at, id")
    yield (
        "Callbacks: list, mine and open",
        listed(callbacks, ["&", ["is_mine", "=", True], ["state", "=", "open"]], "due_at, id"),
    )
    if example.callback:
        yield "Callbacks: form", read(callbacks, example.callback)
    month_missed = ["&", ["first_missed_at", ">=", days[0]], ["first_missed_at", "<", days[1]]]
    yield (
        "Callbacks: a month's pivot",
        grouped(callbacks, month_missed, ["first_missed_at:week", "state"], ["__count", "missed_count:sum"]),
    )
    buttons = {"crm_voip_call_count": {}, "crm_voip_typed_count": {}, "crm_voip_unmatched_count": {}}
    yield "Contact with many calls: buttons", opened("res.partner", example.customer, buttons)
    yield "Contact with few calls: buttons", opened("res.partner", example.rare, buttons)
    yield "Opportunity: buttons", opened("crm.lead", example.lead, buttons)
    timeline = action("crm_voip_timeline_action")
    yield "Time line of a contact with many calls", listed(timeline, [["customer_id", "=", example.customer]])
    yield "Time line of a contact with few calls", listed(timeline, [["customer_id", "=", example.rare]])
    if person.who == "administrator":
        yield "PBX: form", read(action("crm_voip_pbx_action"), example.pbx)
        yield "Settings", ("res.config.settings", "default_get", [["company_id"]], {})


# ------------------------------------------------------------------ the server


@contextmanager
def _serving(server: odoo.Odoo, database: str, port: int):
    port = processes.free_port(port)
    running = server.serve(database, port)
    address = f"http://127.0.0.1:{port}"
    try:
        with step("Odoo starts"):
            while not odoo.answers(address):
                if running.poll() is not None:
                    raise Trouble(f"Odoo does not start. Its log: {LOGS / 'odoo.log'}")
                time.sleep(0.2)
        yield address
    finally:
        processes.stop(running)


# ------------------------------------------------------------------ ingest, and both at once


def _ingest(server: odoo.Odoo, address: str, database: str) -> dict[str, float]:
    """Calls per second taken in, and milliseconds of a list: each alone, and at the same time."""
    person = Person(address, database, "many calls")
    calls = person.action("crm_voip_call_action")
    spec = {"specification": person.fields(calls, "list"), "limit": 80, "count_limit": 10001}

    def look() -> float:
        began = time.perf_counter()
        person.call("crm.voip.call", "web_search_read", domain=[], **spec)
        return (time.perf_counter() - began) * 1000

    rates = {}
    with step("Taking calls in, with the switches as delivered"):
        rates["calls/s, as delivered"] = _send(server, address, database, "delivered", LASTING)
    with step("Reading while calls are taken in"):
        rates["list, ms, nothing else going on"] = statistics.median(look() for _turn in range(20))
        both = {}
        taking = threading.Thread(
            target=lambda: both.update(rate=_send(server, address, database, "delivered", LASTING))
        )
        taking.start()
        times = []
        while taking.is_alive():
            times.append(look())
        taking.join()
        rates["list, ms, while calls are taken in"] = statistics.median(times)
        rates["list, ms, while calls are taken in, 95 %"] = sorted(times)[int(len(times) * 0.95)]
        rates["calls/s, while lists are read without a pause"] = both["rate"]
    with step("Taking calls in, with all switches on"):
        rates["calls/s, all switches on"] = _send(server, address, database, "all", LASTING)
    return rates


def _send(server: odoo.Odoo, address: str, database: str, switches: str, seconds: float) -> float:
    key, secret = (RUN / f"{database}.key").read_text().split()
    environment = server.environment()
    environment["PYTHONPATH"] = f"{SETUP}:{environment['PYTHONPATH']}"
    command = [PYTHON, "-m", "kit.bench_ingest", database, address, key, secret, switches, str(seconds)]
    ended = subprocess.run(command, env=environment, cwd=RUN, capture_output=True, text=True, check=False)
    if ended.returncode:
        # after all that was measured before, no reason to lose it
        say(f"Taking calls in failed:\n{ended.stderr[-2000:]}")
        return 0.0
    return json.loads(ended.stdout.splitlines()[-1])


# ------------------------------------------------------------------ the table


def _print(calls: int, seen: dict, sizes: dict, rates: dict) -> int:
    small = {(one.screen, one.who): one for one in seen[SMALL]}
    slow = 0
    say(f"\nMilliseconds and queries: {SMALL:_} calls → {calls:_} calls")
    screens = list(dict.fromkeys(one.screen for one in seen[calls]))
    for screen in screens:
        say(f"\n  {screen}")
        for one in (one for one in seen[calls] if one.screen == screen):
            before = small[one.screen, one.who]
            ratio = one.ms / before.ms
            # what takes less than a tenth of a second nobody sees
            good = ratio < 2 or one.ms < 100
            slow += not good
            say(
                f"    {one.who:14} {before.ms:7.0f} ms {before.queries:4} q → {one.ms:7.0f} ms {one.queries:4} q"
                f"   {ratio:5.1f} × {'✓' if good else '✗'}"
            )
    for count, rows in sizes.items():
        total = sum(size for _name, _rows, size in rows)
        say(f"\n{count:_} calls: {total / 1e6:_.0f} MB with indexes, {total / count:_.0f} bytes a call")
        for name, number, size in rows[:8]:
            say(f"    {name:30} {number:12_} rows {size / 1e6:9_.0f} MB")
    for name in next(iter(rates.values()), {}):
        say(f"\n{name}: " + " → ".join(f"{rates[count][name]:.0f}" for count in rates))
    say(f"\n{slow} of {len(seen[calls])} take twice as long or more, and a tenth of a second at least.")
    return 0
