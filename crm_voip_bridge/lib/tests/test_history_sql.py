"""Asterisk's records in tables of real servers: the same calls as from its files."""

import csv
import random
import time
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import databases
import pytest
from servers import Odoo, Pbx, until
from test_process import blocks, running, stopped

from lib import history_sql, process
from lib.ami import read_ami
from lib.cel import read_cel
from lib.events import UTC
from lib.fold import fold_all
from lib.history import CDR, CEL, HistoryProblem, RecordFile
from lib.history_sql import RecordTable
from lib.site import Site

pytestmark = pytest.mark.slow

DATA = Path(__file__).with_name("data")
SCENARIOS = sorted(path.parent.name for path in DATA.glob("*/cel.csv"))
SITE = Site(country="NL", trunks=frozenset({"+31201000100", "+31201000101"}))
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
#: as FreePBX makes it: whole seconds, no index on them
FREEPBX_CEL = """CREATE TABLE {table} (
    id {serial} PRIMARY KEY, eventtype varchar(30) NOT NULL, eventtime {time} NOT NULL, cid_name varchar(80) NOT NULL,
    cid_num varchar(80) NOT NULL, cid_ani varchar(80) NOT NULL, cid_rdnis varchar(80) NOT NULL,
    cid_dnid varchar(80) NOT NULL, exten varchar(80) NOT NULL, context varchar(80) NOT NULL,
    channame varchar(80) NOT NULL, appname varchar(80) NOT NULL, appdata varchar(255) NOT NULL, amaflags int NOT NULL,
    accountcode varchar(20) NOT NULL, uniqueid varchar(32) NOT NULL, linkedid varchar(32) NOT NULL,
    peer varchar(80) NOT NULL, userdeftype varchar(255) NOT NULL, extra varchar(512) NOT NULL)"""
CEL_COLUMNS = (
    "eventtype,eventtime,cid_name,cid_num,cid_ani,cid_rdnis,cid_dnid,exten,context,channame,appname,appdata,amaflags,"
    "accountcode,uniqueid,linkedid,peer,userdeftype,extra"
)
#: likewise: one time, the others follow from seconds
FREEPBX_CDR = """CREATE TABLE {table} (
    calldate {time} NOT NULL, clid varchar(80) NOT NULL, src varchar(80) NOT NULL, dst varchar(80) NOT NULL,
    dcontext varchar(80) NOT NULL, channel varchar(80) NOT NULL, dstchannel varchar(80) NOT NULL,
    lastapp varchar(80) NOT NULL, lastdata varchar(80) NOT NULL, duration int NOT NULL, billsec int NOT NULL,
    disposition varchar(45) NOT NULL, amaflags int NOT NULL, accountcode varchar(20) NOT NULL,
    uniqueid varchar(32) NOT NULL, userfield varchar(255) NOT NULL, did varchar(50) NOT NULL,
    recordingfile varchar(255) NOT NULL, linkedid varchar(32) NOT NULL)"""
CDR_COLUMNS = (
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,amaflags,"
    "accountcode,uniqueid,userfield,did,recordingfile,linkedid"
)
TYPES = {
    "mysql": {"serial": "int(11) NOT NULL AUTO_INCREMENT", "seconds": "datetime", "micros": "datetime(6)"},
    "postgresql": {"serial": "serial", "seconds": "timestamp(0)", "micros": "timestamp"},
}


@pytest.fixture(scope="module", params=sorted(databases.SERVERS))
def server(request):
    with databases.running(request.param) as running:
        yield running


def qualified(server, table):
    return f"asteriskcdrdb.{table}" if server.kind == "mysql" else table


def make(server, sql, table, unit="seconds"):
    types = TYPES[server.kind]
    name = qualified(server, table)
    server.run(f"DROP TABLE IF EXISTS {name}", sql.format(table=name, serial=types["serial"], time=types[unit]))
    return name


def cel_rows(scenario, unit="micros"):
    with open(DATA / scenario / "cel.csv", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(row["eventtime"].replace(".", "")))
            row["eventtime"] = at.replace(tzinfo=None, **({"microsecond": 0} if unit == "seconds" else {})).isoformat(
                " "
            )
            row["amaflags"] = int(row["amaflags"] or 0)
            yield tuple(row[name] for name in CEL_COLUMNS.split(","))


@pytest.fixture(scope="module")
def recorded(server):
    """Both kinds of table, filled with all that was recorded."""
    for table, unit in (("cel", "seconds"), ("cel_full", "micros")):
        name = make(server, FREEPBX_CEL, table, unit)
        for scenario in SCENARIOS:
            server.fill(name, CEL_COLUMNS, list(cel_rows(scenario, unit)))
    return server


@pytest.fixture(scope="module")
def by_the_second(recorded):
    return list(table(recorded).since(LONG_AGO))


def table(server, name="cel", record=CEL, **options):
    return RecordTable(record, **{**server.options, "table": name, **options})


def calls_of(events):
    return {call.call_id: call for call in fold_all(list(events), SITE)}


def shape(call):
    return (
        call.direction,
        call.disposition,
        call.from_number,
        call.to_number,
        sorted((leg.number, leg.role, leg.outcome) for leg in call.legs),
    )


# --- the same calls ---


def test_a_table_tells_what_the_file_tells(recorded):
    told = {event.id: event for event in table(recorded, "cel_full").since(LONG_AGO)}
    written = {}
    for scenario in SCENARIOS:
        with open(DATA / scenario / "cel.csv") as file:
            written |= {event.id: event for event in read_cel(file)}
    assert told == written and len(told) > 500
    assert table(recorded, "cel_full").check() in {event.at for event in written.values()}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whole_seconds_give_the_same_calls(by_the_second, scenario):
    """FreePBX's table, alone and beside what was heard: the same legs and results, times within a second."""
    with open(DATA / scenario / "cel.csv") as file:
        exact = list(read_cel(file))
    legs = {event.leg for event in exact}
    coarse = [event for event in by_the_second if event.leg in legs]
    assert len(coarse) == len(exact), "rows of the same second stay apart"
    heard = list(read_ami(iter([(DATA / scenario / "ami.txt").read_bytes()])))
    for one, other, within in ((exact, coarse, 2.01), (heard, [*heard, *coarse], 0.001)):
        ones, others = calls_of(one), calls_of(other)
        assert ones.keys() == others.keys()
        for ident, call in ones.items():
            assert shape(call) == shape(others[ident])
            for name in ("talk_s", "queue_s", "ring_s", "ivr_s"):
                first, second = getattr(call, name), getattr(others[ident], name)
                assert (first is None) == (second is None), name
                assert first is None or abs(first - second) <= within, name


def test_call_detail_records(server, tmp_path):
    """FreePBX's cdr has the start and seconds only; the file has all times."""
    name = make(server, FREEPBX_CDR, "cdr")
    lines = []
    for scenario in SCENARIOS:
        with open(DATA / scenario / "Linked.csv", newline="") as file:
            for row in csv.reader(file):
                clid, src, dst, context, channel, called, app, data, start, _answer, _end, lasted, billed, said = row[
                    :14
                ]
                uniqueid, linkedid = row[16], row[18]
                server.fill(
                    name,
                    CDR_COLUMNS,
                    [(start, clid, src, dst, context, channel, called, app, data, int(lasted), int(billed), said, 3, "",
                      uniqueid, "", "", "", linkedid)],
                )  # fmt: skip
                lines.append(row)
    path = tmp_path / "Linked.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(lines)
    columns = (
        "clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,disposition,"
        "amaflags,accountcode,uniqueid,userfield,linkedid,sequence"
    )
    written = calls_of(RecordFile(CDR, path, columns).since(LONG_AGO))
    told = calls_of(table(server, "cdr", CDR).since(LONG_AGO))
    assert len(told) > 30 and written.keys() == told.keys()
    for ident, call in written.items():
        assert shape(call) == shape(told[ident])
        for moment in ("started_at", "ended_at", "answered_at"):
            first, second = getattr(call, moment), getattr(told[ident], moment)
            assert first == second or abs((first - second).total_seconds()) <= 1, (ident, moment)
    # a long call is found although it began long before
    begin = min(call.started_at for call in told.values())
    server.fill(name, CDR_COLUMNS, [((begin - timedelta(hours=9)).replace(tzinfo=None), "", "1", "101", "c", "PJSIP/trunk-1",
        "PJSIP/101-1", "Dial", "", 9 * 3600 + 1, 9 * 3600, "ANSWERED", 3, "", "long.1", "", "", "", "long.1")])  # fmt: skip
    late = [event.call for event in table(server, "cdr", CDR).since(begin, begin + timedelta(milliseconds=1))]
    assert "long.1" in late


# --- how it is read ---


def fill_many(server, name, count, step=1.0):
    begin = datetime(2026, 11, 1, 9, 0)
    rows = [
        ("CHAN_START", begin + timedelta(seconds=int(step * place)), "", "1", "", "", "", "s", "c", "PJSIP/101-1", "", "", 3,
         "", f"{place}.1", f"{place}.1", "", "", "")
        for place in range(count)
    ]  # fmt: skip
    server.fill(name, CEL_COLUMNS, rows)
    return begin.replace(tzinfo=UTC)


def test_pages_lose_and_repeat_nothing(server, monkeypatch):
    monkeypatch.setattr(history_sql, "PAGE", 100)
    name = make(server, FREEPBX_CEL, "many")
    begin = fill_many(server, name, 5000)
    queries = []
    monkeypatch.setattr(
        history_sql._Reading,
        "_two",
        lambda self, *rest, real=history_sql._Reading._two: (queries.append(1), real(self, *rest))[1],
    )
    for after, before in ((0, None), (4900, None), (1234, 1300), (0, 50), (6000, None), (-5000, -10)):
        until = None if before is None else begin + timedelta(seconds=before)
        events = list(table(server, "many").since(begin + timedelta(seconds=after), until))
        wanted = [f"{place}.1" for place in range(max(after, 0), min(5000, 5000 if before is None else max(before, 0)))]
        assert [event.call for event in events] == wanted
    assert len(queries) < 6 * 40, "the place is found by halving, not by reading"


def test_without_an_id_pages_go_by_time(server, monkeypatch):
    """Many rows of one second, more than a page has."""
    monkeypatch.setattr(history_sql, "PAGE", 100)
    name = make(server, FREEPBX_CEL, "timed")
    begin = fill_many(server, name, 2000, step=0.002)
    server.run(f"ALTER TABLE {name} DROP COLUMN id")
    calls = {event.call for event in table(server, "timed").since(begin)}
    assert len(calls) == 2000
    calls = {
        event.call for event in table(server, "timed").since(begin + timedelta(seconds=1), begin + timedelta(seconds=2))
    }
    assert calls == {f"{place}.1" for place in range(500, 1000)}


def test_a_large_table_takes_little_memory_and_its_key(server):
    name = make(server, FREEPBX_CEL, "large")
    begin = fill_many(server, name, 1000)
    for _double in range(6):
        server.run(
            f"INSERT INTO {name} ({CEL_COLUMNS}) SELECT {CEL_COLUMNS.replace('eventtime', later(server))} FROM {name}"
        )
    tracemalloc.start()
    count = sum(1 for _event in table(server, "large").since(begin + timedelta(seconds=1500)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 30_000 < count < 64_000 and peak < 15_000_000
    plan = str(server.run(f"EXPLAIN SELECT eventtime FROM {name} WHERE id >= 50000 AND id < 64000 ORDER BY id LIMIT 1"))
    assert "PRIMARY" in plan or "large_pkey" in plan


def later(server):
    return "eventtime + interval 600 second" if server.kind == "mysql" else "eventtime + interval '600 second'"


def test_the_zone_of_the_pbx(server):
    name = make(server, FREEPBX_CEL, "zoned")
    fill_many(server, name, 10)
    at = datetime(2026, 11, 1, 8, 0, 5, tzinfo=UTC)
    zoned = table(server, "zoned", zone=ZoneInfo("Europe/Amsterdam"))
    assert [event.call for event in zoned.since(at)] == [f"{place}.1" for place in range(5, 10)]
    assert zoned.check() == at + timedelta(seconds=4)


def test_what_is_written_while_it_is_read_comes_too(server, monkeypatch):
    monkeypatch.setattr(history_sql, "PAGE", 10)
    name = make(server, FREEPBX_CEL, "growing")
    begin = fill_many(server, name, 15)
    seen = []
    for place, event in enumerate(table(server, "growing").since(begin)):
        if place == 3:
            row = next(cel_rows(SCENARIOS[0], "seconds"))
            server.fill(name, CEL_COLUMNS, [row])
        seen.append(event.call)
    assert len(seen) == 16


def test_a_bridge_catches_up_from_a_table_that_was_away(server, tmp_path, monkeypatch):
    """The database is down when the bridge comes back: what it missed comes later, and what rings meanwhile at once."""
    monkeypatch.setattr(process, "LATE_ROWS", 0.05)
    monkeypatch.setattr(process, "READ_AGAIN", 0.5)
    name = make(server, FREEPBX_CEL, "caught")
    odoo, pbx = Odoo(), Pbx()

    def run():
        bridge = running(tmp_path, odoo, pbx, table(server, "caught"))
        until(lambda: bridge.intake.ready)
        return bridge

    def calls():
        return {event["call"] for event in odoo.events.values()}

    try:
        stopped(run())
        at = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=2)
        for kind, phone, leg in (("CHAN_START", "101", "3.1"), ("CHAN_START", "trunk", "3.2"), ("HANGUP", "trunk", "3.2"),
                                 ("HANGUP", "101", "3.1")):  # fmt: skip
            exten = "+31205556677" if phone == "101" else "s"
            server.fill(name, CEL_COLUMNS, [(kind, at, "", phone, "", "", "", exten, "", f"PJSIP/{phone}-00000001", "", "", 3,
                "", leg, "3.1", "", "", "")])  # fmt: skip
        server.stop()
        bridge = run()
        pbx.say(blocks("5.1", begin=time.time() + 60))
        until(lambda: calls() == {"5.1"})
        assert bridge.intake.gap and bridge.spool.settled.replace(tzinfo=None) < at
        server.start()
        until(lambda: calls() == {"5.1", "3.1"}, 30)
        until(lambda: not bridge.intake.gap)
        assert len(odoo.events) == 8
        assert stopped(bridge) == 0
    finally:
        odoo.close()
        pbx.close()
        if server.process.poll() is not None:
            server.start()


# --- a line for each thing that may be wrong ---


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"port": 1}, "does not answer: check [cel] host and port"),
        ({"host": "nowhere.invalid"}, "does not answer"),
        ({"password": "guess"}, "check [cel] user and password"),
        ({"user": "stranger"}, "check [cel] user and password"),
        ({"database": "elsewhere"}, "check [cel] database"),
        ({"table": "elsewhere"}, "has no table 'elsewhere'"),
        ({"user": "nobody"}, "GRANT SELECT ON cel"),
        ({"table": "odd"}, "no column for eventtype, uniqueid"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_remedy(recorded, wrong, words):
    if wrong.get("table") == "odd":
        name = qualified(recorded, "odd")
        recorded.run(f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} (id int, eventtime timestamp)")
    reader = table(recorded, **{"name": wrong.get("table", "cel"), **{k: v for k, v in wrong.items() if k != "table"}})
    for read in (reader.check, lambda: list(reader.since(LONG_AGO))):
        with pytest.raises(HistoryProblem) as problem:
            read()
        said = str(problem.value)
        assert words in said, said
        assert databases.PASSWORD not in said and "guess" not in said and len(said.splitlines()) == 1


def test_an_encrypted_way(recorded):
    """With the certificate that is to be trusted; a server with another one is not read."""
    own = recorded.folder / "server.crt"
    assert table(recorded, tls=True, ca_file=str(own)).check()
    with pytest.raises(HistoryProblem, match="tls and ca_file"):
        table(recorded, tls=True).check()


def test_a_missing_driver_is_named(recorded, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pymysql" if recorded.kind == "mysql" else "psycopg2", None)
    with pytest.raises(HistoryProblem, match="apt install python3-p"):
        table(recorded).check()


def test_a_server_that_goes_away_and_comes_back(recorded, monkeypatch):
    monkeypatch.setattr(history_sql, "PAGE", 50)
    events = table(recorded).since(LONG_AGO)
    next(events)
    recorded.stop()
    with pytest.raises(HistoryProblem, match=r"lost|does not answer"):
        list(events)
    with pytest.raises(HistoryProblem, match="does not answer"):
        table(recorded).check()
    recorded.start()
    assert table(recorded).check()
    # hostile names are names
    bad = table(recorded, 'cel`; DROP TABLE cel; --"')
    with pytest.raises(HistoryProblem, match="has no table"):
        bad.check()
    assert random.choice(list(table(recorded).since(LONG_AGO)))
