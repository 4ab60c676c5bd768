"""What setup/bench measures in Odoo, run with Odoo's own Python: DATABASE PORT PART…

Events go to the running server by the bridge's own client; peers and raw SQL run here, in turns
with ours, with the same durability. Each result is a line of JSON.
"""

import itertools
import json
import random
import statistics
import sys
import time
from datetime import datetime, timedelta, timezone

from psycopg2.extras import execute_values

import odoo.tools
from odoo import SUPERUSER_ID, Command, api
from odoo.modules.registry import Registry

from .bench_contacts import CONTACTS, e164, spelled
from .bench_result import result

#: calls of a batch; a bridge sends EVENTS at most
BATCH, EVENTS = 500, 500
#: measured batches; one more goes before, unmeasured
BATCHES = 10
#: seconds that a call of the usual shape takes
LASTING = 180
PHONES = [str(number) for number in range(101, 121)]
DIALLED = "+31101000100"
START = datetime(2026, 1, 5, 8, 0, tzinfo=timezone.utc)
SPELLINGS = ("with +", "with 00", "national", "bare")


def main():
    """Measure what is asked for."""
    database, port, *parts = sys.argv[1:]
    odoo.tools.config.parse_config(["-d", database, "--log-level=warn"])
    registry = Registry(database)
    # after it, for the folder of our addons is on the path only now
    from odoo.addons.crm_voip_bridge.lib.client import OdooClient

    with registry.cursor() as cr:
        contacts = _count(cr)
        pbx_id, key, secret = _set_up(api.Environment(cr, SUPERUSER_ID, {}))
    _clean(registry)
    try:
        if "path" in parts:
            client = OdooClient(f"http://127.0.0.1:{port}", key, secret, database, timeout=600)
            measure_path(registry, Sender(client), pbx_id, contacts)
        if "lookup" in parts:
            measure_lookup(registry, pbx_id, contacts)
        if "intake" in parts:
            measure_intake(registry, contacts)
    finally:
        _clean(registry)


# ------------------------------------------------------------------ who is there


def _count(cr):
    cr.execute("SELECT count(*) FROM res_partner WHERE phone_sanitized LIKE '+31__1%'")
    return min(cr.fetchone()[0], CONTACTS * 4)


def _set_up(env):
    """A PBX with twenty phones, each somebody's; made once, with a new key each time."""
    env.company.country_id = env.ref("base.nl")
    env.company.crm_voip_chatter = False
    pbx = env["crm.voip.pbx"].search([("name", "=", "Bench")])
    if not pbx:
        pbx = env["crm.voip.pbx"].create({"name": "Bench", "country_id": env.ref("base.nl").id})
        env["crm.voip.line"].create({"pbx_id": pbx.id, "number": DIALLED})
        groups = Command.set(env.ref("sales_team.group_sale_salesman").ids + env.ref("base.group_user").ids)
        users = (
            env["res.users"]
            .with_context(no_reset_password=True)
            .create([{"name": f"Person {phone}", "login": f"bench_{phone}", "group_ids": [groups]} for phone in PHONES])
        )
        env["crm.team"].search([], limit=1).member_ids = [Command.link(user.id) for user in users]
        env["crm.voip.extension"].create(
            [
                {"pbx_id": pbx.id, "number": phone, "user_id": user.id, "recorded": True}
                for phone, user in zip(PHONES, users, strict=True)
            ]
        )
    pbx.key_ids.unlink()
    return pbx.id, *env["crm.voip.pbx.key"]._generate(pbx)


def _clean(registry):
    """Every measurement begins with the same, empty tables of calls."""
    with registry.cursor() as cr:
        for table in ("crm_voip_journal", "crm_voip_call_ref", "crm_voip_call", "voip_call", "crm_phonecall"):
            cr.execute(f"DELETE FROM {table}")
    with registry.cursor() as cr:
        cr._cnx.autocommit = True
        for table in ("journal", "call_ref", "call", "leg", "call_user_rel", "call_team_rel"):
            cr.execute(f"VACUUM ANALYZE crm_voip_{table}")


def _warm(registry, numbers):
    """Have these contacts in memory, as they are in an Odoo that works: no disk is measured."""
    with registry.cursor() as cr:
        cr.execute(
            """SELECT count(lead.name), count(employer.name)
                 FROM crm_voip_number number
                 JOIN res_partner person ON person.id = number.partner_id
                 JOIN res_partner employer ON employer.id = person.commercial_partner_id
            LEFT JOIN crm_lead lead ON lead.partner_id = ANY(ARRAY[person.id, employer.id])
                WHERE number.e164 = ANY(%s)""",
            [numbers],
        )


# ------------------------------------------------------------------ calls


class Calls:
    """Calls of the usual shape: a customer rings two phones, one of them answers; a dozen events.

    Four of five callers are in the CRM. They come one after the other, so that some 25 go on at once.
    """

    def __init__(self, registry, contacts):
        self.registry, self.contacts = registry, contacts
        self.run = int(time.time())
        self.counter = itertools.count(1)

    def take(self, count):
        """The next calls: lists of events, as the journal's JSON objects."""
        places = [next(self.counter) for _ in range(count)]
        _warm(self.registry, [self.number(place)[1] for place in places])
        return [self._call(place) for place in places]

    def number(self, place):
        """Who calls, as a trunk says it; and the caller's E.164."""
        chance = random.Random(f"{self.run} {place}")
        number = e164(chance.randrange(self.contacts)) if place % 5 else f"+31501{place:06}"
        return spelled(number)[place % 4], number

    def _call(self, place):
        start = START + timedelta(seconds=7 * place)
        ref = caller = f"{self.run}.{3 * place}"
        one, two = f"{self.run}.{3 * place + 1}", f"{self.run}.{3 * place + 2}"
        phones = PHONES[place % len(PHONES)], PHONES[(place + 1) % len(PHONES)]
        channels = {caller: "PJSIP/trunk", one: f"PJSIP/{phones[0]}", two: f"PJSIP/{phones[1]}"}
        number, _e164 = self.number(place)
        began = {"number": number, "dialled": DIALLED, "context": "from-trunk"}
        told = [
            (0, "started", caller, began),
            (0.1, "started", one, {"number": phones[0], "context": "internal"}),
            (0.1, "ringing", one, {"by": caller, "number": phones[0], "dialled": phones[0]}),
            (0.1, "started", two, {"number": phones[1], "context": "internal"}),
            (0.1, "ringing", two, {"by": caller, "number": phones[1], "dialled": phones[1]}),
            (8, "answered", one, {"number": phones[0]}),
            (8, "answered", caller, {"number": number}),
            (8.1, "ended", two, {"number": phones[1], "cause": 26}),
            (8.1, "bridged", one, {"bridge": f"bridge-{ref}", "number": phones[0]}),
            (8.1, "bridged", caller, {"bridge": f"bridge-{ref}", "number": number}),
            (LASTING, "ended", one, {"number": phones[0], "cause": 16}),
            (LASTING, "ended", caller, {"number": number, "cause": 16}),
        ]
        return [
            {
                "id": f"bench:{ref}:{position}",
                "type": kind,
                "call": ref,
                "leg": leg,
                "at": (start + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "source": "ami",
                "data": {"channel": channels[leg], **data},
            }
            for position, (second, kind, leg, data) in enumerate(told)
        ]


class Sender:
    """Posts events as a bridge does."""

    def __init__(self, client):
        self.client = client

    def __call__(self, events):
        """Seconds until they were acknowledged, and folded."""
        from odoo.addons.crm_voip_bridge.lib.client import EVENTS_PATH, bridge_head, events_body

        texts = [json.dumps(event, separators=(",", ":")) for event in events]
        body = events_body(bridge_head("bench", len(events), "connected", time.time()), texts)
        began = time.perf_counter()
        answer = self.client.post(EVENTS_PATH, body)
        took = time.perf_counter() - began
        if answer["accepted"] != len(events):
            raise SystemExit(f"Odoo did not take all events: {answer}")
        return took


# ------------------------------------------------------------------ the whole path


def measure_path(registry, send, pbx_id, contacts):
    """Calls per second from signed request to committed call, beside what could be had."""
    calls = Calls(registry, contacts)
    send(list(itertools.chain(*calls.take(BATCH))))
    ours, split, raw, raw_split = [], [], [], []
    for _ in range(BATCHES):
        batch = calls.take(BATCH)
        ours.append(send(list(itertools.chain(*batch))))
        raw.append(_insert_raw(registry, batch, BATCH))
        # the way a spool is emptied: in the order of time, many calls at once, cut at so many events
        batch = calls.take(BATCH)
        events = sorted(itertools.chain(*batch), key=lambda event: event["at"])
        split.append(sum(send(events[at : at + EVENTS]) for at in range(0, len(events), EVENTS)))
        raw_split.append(_insert_raw(registry, batch, EVENTS // 12))
    _check(registry, (1 + 2 * BATCHES) * BATCH * 2)
    with registry.cursor() as cr:
        api.Environment(cr, SUPERUSER_ID, {}).company.crm_voip_chatter = True
    chatter = [send(list(itertools.chain(*calls.take(BATCH)))) for _ in range(4)]
    with registry.cursor() as cr:
        cr.execute("SELECT count(*) FROM mail_message WHERE crm_voip_call_id IS NOT NULL")
        lines = cr.fetchone()[0] / (len(chatter) * BATCH)
        api.Environment(cr, SUPERUSER_ID, {}).company.crm_voip_chatter = False
    live = [send([event]) for event in sorted(itertools.chain(*calls.take(80)), key=lambda event: event["at"])]
    oca = _one_by_one(registry, _create_voip_oca, [calls.number(place) for place in range(1, 31)])
    phonecall = _one_by_one(registry, _create_phonecall, [calls.number(place) for place in range(1, 301)])

    def rate(seconds, count=BATCH):
        return count / statistics.median(seconds)

    def beside(seconds, limit):
        return f"{rate(seconds) / rate(limit):.0%} of raw · {rate(seconds) / oca:.0f} × voip_oca"

    section = f"Whole path: 12 events, 2 legs a call, {BATCH} calls committed at once; calls/s"
    good = rate(ours) / rate(raw) >= 0.5 and rate(ours) / oca >= 50
    result(section, f"ours, {BATCH} calls a request", f"{rate(ours):.0f}", beside(ours, raw), "50 % and 50 ×", good)
    what = f"ours, {EVENTS} events a request, most calls cut in two"
    result(section, what, f"{rate(split):.0f}", beside(split, raw_split))
    result(
        section, f"ours, with chatter lines on {lines:.0%} of the calls", f"{rate(chatter):.0f}", beside(chatter, raw)
    )
    result(
        section, "raw multi-row INSERT", f"{rate(raw):.0f}", f"{rate(raw_split):.0f} for {EVENTS // 12} calls at once"
    )
    result(section, "voip_oca, create_call one by one", f"{oca:.1f}")
    result(section, "crm_phonecall, create one by one", f"{phonecall:.0f}", "without looking for the caller")
    section = f"Live: each event a request of its own, one worker, calls of {LASTING // 60} minutes"
    each = statistics.mean(live)
    result(section, "calls at once", f"{LASTING / (12 * each):.0f}", f"{1 / each:.0f} events/s")
    slow = sorted(live)[int(len(live) * 0.95)]
    result(
        section, "from event to stored call, ms", f"{statistics.median(live) * 1000:.0f}", f"95 %: {slow * 1000:.0f}"
    )


def _check(registry, expected):
    """A figure counts only if everything is there."""
    with registry.cursor() as cr:
        cr.execute(
            "SELECT count(*), count(*) FILTER (WHERE disposition = 'answered' AND talk_s > 0) FROM crm_voip_call"
        )
        calls, answered = cr.fetchone()
        cr.execute("SELECT count(*) FROM crm_voip_call_ref WHERE dirty")
        waiting = cr.fetchone()[0]
        cr.execute("SELECT count(*) FROM crm_voip_leg")
        legs = cr.fetchone()[0]
    # the batch that went before has no raw copy
    if (calls, answered, legs, waiting) != (expected - BATCH, expected - BATCH, 2 * (expected - BATCH), 0):
        raise SystemExit(
            f"Of {expected - BATCH} calls, {calls} are there, {answered} answered, {legs} legs, {waiting} wait"
        )


def _insert_raw(registry, batch, at_once):
    """Seconds to insert the rows that these calls became once more, under other ids."""
    took = 0.0
    for start in range(0, len(batch), at_once):
        refs = [events[0]["call"] for events in batch[start : start + at_once]]
        with registry.cursor() as cr:
            rows = _Rows(cr, refs)
        began = time.perf_counter()
        with registry.cursor() as cr:
            rows.insert(cr)
        took += time.perf_counter() - began
    return took


class _Rows:
    """What calls became: rows of each table, to be inserted once more."""

    def __init__(self, cr, refs):
        self.columns = {}
        self.calls = self._read(cr, "crm_voip_call", "call_ref = ANY(%s)", refs)
        self.call_ids = [row[-1] for row in self.calls]
        self.others = {
            table: self._read(cr, table, "call_id = ANY(%s)", self.call_ids)
            for table in ("crm_voip_leg", "crm_voip_call_user_rel", "crm_voip_call_team_rel")
        }
        self.refs = self._read(cr, "crm_voip_call_ref", "head = ANY(%s)", refs)
        self.journal = self._read(cr, "crm_voip_journal", "call_ref = ANY(%s)", refs)

    def _read(self, cr, table, where, values):
        cr.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND column_name != 'id'"
            " ORDER BY ordinal_position",
            [table],
        )
        columns = cr.fetchall()
        self.columns[table] = [name for name, _type in columns]
        texts = [f'"{name}"::text' if kind == "jsonb" else f'"{name}"' for name, kind in columns]
        with_id = ", id" if table == "crm_voip_call" else ""
        cr.execute(f"SELECT {', '.join(texts)}{with_id} FROM {table} WHERE {where}", [values])
        return cr.fetchall()

    def insert(self, cr):
        """As few statements as there are tables."""
        ids = self._insert(cr, "crm_voip_call", [self._copy("crm_voip_call", row[:-1]) for row in self.calls], True)
        call_of = dict(zip(self.call_ids, ids, strict=True))
        for table, rows in self.others.items():
            self._insert(cr, table, [self._copy(table, row, call_of) for row in rows])
        self._insert(cr, "crm_voip_call_ref", [self._copy("crm_voip_call_ref", row, call_of) for row in self.refs])
        self._insert(cr, "crm_voip_journal", [self._copy("crm_voip_journal", row) for row in self.journal])

    def _copy(self, table, row, call_of=None):
        """The row with other ids, so that it violates no unique index."""
        return tuple(
            f"r{value}" if name in ("call_ref", "ref", "head", "event_id") and table != "crm_voip_leg"
            else call_of[value] if name == "call_id" and value
            else value
            for name, value in zip(self.columns[table], row, strict=True)
        )  # fmt: skip

    def _insert(self, cr, table, rows, give_ids=False):
        if not rows:
            return []
        names = ", ".join(f'"{name}"' for name in self.columns[table])
        statement = f"INSERT INTO {table} ({names}) VALUES %s" + (" RETURNING id" if give_ids else "")
        found = execute_values(cr._obj, statement, rows, page_size=len(rows), fetch=give_ids)
        return [row[0] for row in found or ()]


def _one_by_one(registry, create, numbers):
    """Calls per second, each in a transaction of its own, as each RPC call is."""
    for warm in (True, False):
        began = time.perf_counter()
        for said, number in numbers[:2] if warm else numbers[2:]:
            with registry.cursor() as cr:
                create(api.Environment(cr, SUPERUSER_ID, {}), said, number)
    return (len(numbers) - 2) / (time.perf_counter() - began)


def _create_voip_oca(env, said, _number):
    env["voip.call"].create_call({"phone_number": said, "type_call": "incoming", "state": "terminated"})


def _create_phonecall(env, said, _number):
    env["crm.phonecall"].create(
        {
            "name": said,
            "partner_phone": said,
            "direction": "in",
            "state": "done",
            "duration": 3,
            "date": START.replace(tzinfo=None),
        }
    )


# ------------------------------------------------------------------ numbers


def measure_lookup(registry, pbx_id, contacts, rounds=60):
    """Milliseconds to find whose a number is, as a PBX spells it."""
    from odoo.addons.crm_voip_bridge.models.crm_voip_number import Query

    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        pbx, index = env["crm.voip.pbx"].browse(pbx_id), env["crm.voip.number"]
        company = pbx.company_id.id
        chance = random.Random(pbx_id)

        def some(count):
            chosen = [(n, e164(n)) for n in (chance.randrange(contacts) for _ in range(count))]
            _warm(registry, [number for _n, number in chosen])
            return chosen

        def ours(texts):
            return index._match([Query(pbx._e164(text) or None, company) for text in texts])

        def raw(numbers):
            cr.execute("SELECT e164, partner_id, lead_id FROM crm_voip_number WHERE e164 = ANY(%s)", [numbers])
            return cr.fetchall()

        def raw_one(number):
            cr.execute("SELECT partner_id, lead_id FROM crm_voip_number WHERE e164 = %s", [number])
            return cr.fetchall()

        def oca(text):
            return env["res.partner"].search([("phone", "=", text)], limit=1)

        def timed(work, *values):
            began = time.perf_counter()
            found = work(*values)
            return (time.perf_counter() - began) * 1000, found

        def owner(n):
            cr.execute("SELECT id FROM res_partner WHERE phone_sanitized = %s", [e164(n)])
            return cr.fetchone()[0]

        ours([DIALLED]), raw_one(DIALLED), raw([DIALLED]), oca(DIALLED)
        alone, single, batch, batch_raw, peer = [], [], [], [], []
        found, found_oca = dict.fromkeys(SPELLINGS, 0), dict.fromkeys(SPELLINGS, 0)
        for n, number in some(rounds // 10):
            right = owner(n)
            for name, text in zip(SPELLINGS, spelled(number), strict=True):
                found[name] += ours([text])[0].partner_id == right
                took, records = timed(oca, text)
                peer.append(took)
                found_oca[name] += records.id == right
        for turn in range(rounds):
            place = turn % 4
            one, other = some(100), some(100)
            texts = [spelled(number)[(place + shift) % 4] for shift, (_n, number) in enumerate(one)]
            alone.append(timed(ours, [spelled(some(1)[0][1])[place]])[0])
            single.append(timed(raw_one, some(1)[0][1])[0])
            batch.append(timed(ours, texts)[0] / 100)
            batch_raw.append(timed(raw, [number for _n, number in other])[0] / 100)
        asked = rounds // 10

    section = "Number lookup, one of four spellings; ms a number"
    base, base_batch = statistics.median(single), statistics.median(batch_raw)

    def line(what, times, aim="", met=None):
        value = statistics.median(times)
        beside = f"{value / base:.1f} × raw alone, {value / base_batch:.1f} × raw in a batch"
        result(section, what, f"{value:.3f}", beside, aim, met)

    def spellings(counts):
        return f"{sum(count == asked for count in counts.values())} of 4 spellings found"

    all_found = all(count == asked for count in found.values())
    line("ours, alone", alone)
    line("ours, in a batch of 100", batch, "2 × raw alone", statistics.median(batch) <= 2 * base)
    line("raw indexed SELECT, alone", single)
    line("raw indexed SELECT, 100 in one statement", batch_raw)
    line("voip_oca's search", peer)
    result(section, "ours finds", spellings(found), f"voip_oca: {_share(found_oca, asked)}", "4 of 4", all_found)


def _share(counts, asked):
    return f"{sum(counts.values()) / (asked * len(counts)):.0%} of all"


# ------------------------------------------------------------------ taking in


def measure_intake(registry, contacts, count=20_000):
    """Seconds to read the numbers of all contacts at installation, from a part of them."""
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        cr.execute("SELECT id FROM res_partner WHERE phone_sanitized LIKE '+31__1%%' ORDER BY id LIMIT %s", [count])
        ids = [row[0] for row in cr.fetchall()]
        cr.execute("SELECT e164, source, partner_id FROM crm_voip_number WHERE partner_id = ANY(%s)", [ids])
        rows = cr.fetchall()
        cr.execute("DELETE FROM crm_voip_number WHERE partner_id = ANY(%s)", [ids])
        began = time.perf_counter()
        for start in range(0, len(ids), 1000):
            env["crm.voip.number"]._sync(env["res.partner"].browse(ids[start : start + 1000]))
            env.invalidate_all()
        ours = (time.perf_counter() - began) * contacts / len(ids)
        cr.execute("DELETE FROM crm_voip_number WHERE partner_id = ANY(%s)", [ids])
        began = time.perf_counter()
        for start in range(0, len(rows), 1000):
            some = rows[start : start + 1000]
            execute_values(
                cr._obj, "INSERT INTO crm_voip_number (e164, source, partner_id) VALUES %s", some, page_size=1000
            )
        raw = (time.perf_counter() - began) * contacts / len(ids)
        cr.rollback()
    section = f"Numbers of {contacts:_} contacts taken in at installation; seconds"
    result(section, "ours", f"{ours:.0f}", f"{ours / raw:.1f} × raw")
    result(section, "raw INSERT of the finished rows", f"{raw:.0f}")


if __name__ == "__main__":
    main()
