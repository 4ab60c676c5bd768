"""The whole process between a PBX and an Odoo that are real on the wire."""

import contextlib
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from servers import KEY, SCOPE, SECRET, Odoo, Pbx, until, unused_port

from lib import process
from lib.backoff import Backoff
from lib.client import OdooClient
from lib.events import UTC, Event
from lib.history import CelFile, NoHistory
from lib.manager import Manager
from lib.notices import Notices
from lib.process import EX_CONFIG, Bridge, Intake, Sender
from lib.scope import Scope
from lib.spool import Spool, SpoolProblem, glance

pytestmark = pytest.mark.slow

DATA = Path(__file__).with_name("data")
ADDON = Path(__file__).parents[2]
NUMBER = "+31205556677"


@pytest.fixture
def odoo():
    server = Odoo()
    yield server
    server.close()


@pytest.fixture
def pbx():
    server = Pbx()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Nothing here writes rows late; the processes that are killed keep their patience."""
    monkeypatch.setattr(process, "LATE_ROWS", 0.05)
    monkeypatch.setattr(process, "Backoff", lambda first, most: Backoff(first / 10, most))


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, "crm_voip_bridge")
    return caplog


def blocks(call="1795328804.2", phone="101", number=NUMBER, begin=1795328804.0, end=True):
    """An outgoing call as AMI tells it."""

    def block(name, seconds, **fields):
        head = {"Event": name, "Privilege": "call,all", "Timestamp": f"{begin + seconds:.6f}"}
        return "".join(f"{key}: {value}\r\n" for key, value in (head | fields).items()) + "\r\n"

    own = {"Channel": f"PJSIP/{phone}-00000001", "CallerIDNum": phone, "Uniqueid": call, "Linkedid": call}
    other = {"Channel": "PJSIP/trunk-00000002", "CallerIDNum": number, "Uniqueid": f"{call}1", "Linkedid": call}
    text = block("Newchannel", 0, **own, Exten=number)
    text += block("Newchannel", 1, **other, Exten="s")
    text += block("Hangup", 9, **other, Cause="16") + block("Hangup", 9.1, **own, Cause="16") if end else ""
    return text.encode()


def running(tmp_path, odoo, pbx, history=None, name="spool.db", **options):
    spool = Spool(tmp_path / name)
    bridge = Bridge(
        spool,
        OdooClient(odoo.url, KEY, options.pop("secret", SECRET), timeout=5.0),
        lambda: Manager("127.0.0.1", pbx.port, "bridge", options.get("pbx_secret", "pbx-secret")),
        history or NoHistory(),
        notices=Notices(repeat=60),
        recordings=options.get("recordings", ""),
    )
    bridge.sender.backoff = Backoff(0.05, 0.2)
    bridge.start()
    return bridge


def stopped(bridge):
    status = bridge.stop()
    bridge.spool.close()
    return status


# --- the usual day ---


def test_a_call_reaches_odoo_and_the_spool_remembers_it(tmp_path, odoo, pbx):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    began = time.monotonic()
    pbx.say(blocks())
    until(lambda: len(odoo.events) == 4)
    assert time.monotonic() - began < 0.5
    until(lambda: bridge.spool.waiting == 0)
    assert stopped(bridge) == 0
    assert len(list(Spool(tmp_path / "spool.db").recent(60))) == 4
    head = odoo.requests[-1][1]["bridge"]
    assert head["pbx"] == "connected" and head["id"] == bridge.spool.id and head["waiting"] >= 0


def test_outside_the_scope_only_the_count_and_the_extension_travel(tmp_path, odoo, pbx, lines):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    pbx.say(blocks(phone="109") + blocks("1795328999.5", phone="107"))
    until(lambda: odoo.requests and odoo.requests[-1][1].get("outside") == {"2026-11-22": 2})
    until(lambda: odoo.requests[-1][1].get("discovered") == ["107"])
    assert not odoo.events
    stopped(bridge)
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for trace in (NUMBER.encode(), NUMBER[3:].encode(), b"1795328804.2", b"PJSIP/109"):
        assert trace not in on_disk
    assert NUMBER not in lines.text and "109" not in lines.text
    again = Spool(tmp_path / "spool.db")
    assert again.outside() == {"2026-11-22": 2}
    again.close()


def test_who_serves_the_queues_is_told_and_told_again_when_it_changes(tmp_path, odoo, pbx):
    pbx.members = {"support": ["PJSIP/101", "PJSIP/109", "PJSIP/102"]}
    bridge = running(tmp_path, odoo, pbx)

    def said():
        return [request["queues"] for _path, request in odoo.requests if "queues" in request]

    until(lambda: said() == [{"support": ["101", "102"]}])
    pbx.say(blocks())
    until(lambda: len(odoo.events) == 4)
    # what did not change is not repeated with every batch
    assert len(said()) == 1
    pbx.say(b"Event: QueueMemberPause\r\nQueue: support\r\nInterface: PJSIP/102\r\nPaused: 1\r\n\r\n")
    until(lambda: said()[1:] == [{"support": ["101"]}])
    stopped(bridge)


def test_a_new_scope_is_fetched_when_an_answer_names_it(tmp_path, odoo, pbx):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    odoo.scope = {**SCOPE, "version": "v2", "extensions": {"101": False, "109": True}}
    pbx.say(blocks())  # the answer to this names v2
    until(lambda: len(odoo.events) == 4)
    until(lambda: bridge.intake.gate.scope.version == "v2")
    pbx.say(blocks("1795328999.5", phone="109"))
    until(lambda: len(odoo.events) == 8)
    stopped(bridge)


def test_without_a_scope_nothing_touches_the_disk(tmp_path, odoo, pbx, lines):
    odoo.scope_answers = False
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: pbx.logins)
    pbx.say(blocks())
    time.sleep(0.8)
    assert bridge.spool.waiting == 0 and not odoo.events
    odoo.scope_answers = True
    until(lambda: len(odoo.events) == 4)
    stopped(bridge)


# --- trouble ---


@pytest.mark.parametrize("status", [500, 502, 429, 403, 404, 302])
def test_odoo_in_trouble_delays_and_loses_nothing(tmp_path, odoo, pbx, lines, status):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    odoo.answers = [status] * 5
    pbx.say(blocks())
    until(lambda: len(odoo.events) == 4)
    until(lambda: bridge.spool.waiting == 0)
    assert stopped(bridge) == 0
    complaints = [record for record in lines.records if record.levelno >= logging.WARNING]
    assert len(complaints) == 1, [record.getMessage() for record in complaints]
    assert "Odoo answers and accepts" in lines.text
    assert "31201234567" not in lines.text


def test_a_refused_signature_ends_the_process_only_if_nothing_ever_worked(tmp_path, odoo, pbx, lines):
    bridge = running(tmp_path, odoo, pbx, secret="wrong")
    until(lambda: not bridge.running)
    assert stopped(bridge) == EX_CONFIG
    assert lines.text.count("compare [odoo] key and secret") == 1 and "wrong" not in lines.text
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    odoo.secret = "rotated"
    pbx.say(blocks())
    time.sleep(1.0)
    assert bridge.running and bridge.spool.waiting == 4
    odoo.secret = SECRET
    until(lambda: len(odoo.events) == 4)
    assert stopped(bridge) == 0


def test_a_clock_that_is_off_is_named_and_waited_for(tmp_path, odoo, pbx, lines):
    odoo.clock = 900.0
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: "900 s behind Odoo's" in lines.text or "899 s behind Odoo's" in lines.text)
    assert bridge.running
    odoo.clock = 60.0
    until(lambda: "at 300 s Odoo refuses everything" in lines.text)
    odoo.clock = 0.0
    pbx.say(blocks())
    until(lambda: "The clocks agree again" in lines.text)
    stopped(bridge)


def test_a_wrong_pbx_password_ends_the_process(tmp_path, odoo, pbx, lines):
    bridge = running(tmp_path, odoo, pbx, pbx_secret="guess")
    until(lambda: not bridge.running)
    assert stopped(bridge) == EX_CONFIG
    assert lines.text.count("manager.conf") == 1 and "guess" not in lines.text


def test_a_pbx_that_is_not_there_is_waited_for(tmp_path, odoo, lines):
    class Nobody:
        port = unused_port()

    bridge = running(tmp_path, odoo, Nobody)
    until(lambda: "check that Asterisk runs" in lines.text)
    until(lambda: any("does not answer" in request[1]["bridge"]["pbx"] for request in odoo.requests))
    assert bridge.running
    assert stopped(bridge) == 0


def test_something_else_on_the_port_is_named(tmp_path, odoo, pbx, lines):
    pbx.banner = b"SSH-2.0-OpenSSH_9.2\r\n"
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: "not Asterisk's manager interface" in lines.text)
    assert stopped(bridge) == EX_CONFIG


def test_events_without_times_are_not_taken(tmp_path, odoo, pbx, lines):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    pbx.say(b"\r\n".join(line for line in blocks().split(b"\r\n") if not line.startswith(b"Timestamp")))
    until(lambda: "timestampevents = yes" in lines.text)
    assert not odoo.events and bridge.running
    stopped(bridge)


def test_a_full_disk_stops_reading_until_there_is_room(tmp_path, odoo, pbx, lines, monkeypatch):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    real, full = bridge.spool.add, [True]

    def add(*args, **kwargs):
        if full[0]:
            raise SpoolProblem("The disk of the spool is full: make room there", full=True)
        real(*args, **kwargs)

    bridge.spool.add = add
    pbx.say(blocks())
    until(lambda: "make room" in lines.text)
    time.sleep(1.0)
    assert bridge.running and not odoo.events
    full[0] = False
    until(lambda: len(odoo.events) == 4)
    assert "can be written again" in lines.text and lines.text.count("make room") == 1
    stopped(bridge)


def test_the_pbx_restarts_and_calls_that_died_with_it_are_closed(tmp_path, odoo, pbx):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    pbx.say(blocks(end=False))
    until(lambda: len(odoo.events) == 2)
    pbx.hang_up()
    until(lambda: len(odoo.events) == 4)
    unheard, closed = list(odoo.events.values())[-2:]
    # a hold that began meanwhile was not heard, and nobody saw the end
    assert (unheard["type"], closed["type"]) == ("unheard", "closed")
    assert unheard["call"] == closed["call"] == "1795328804.2"
    stopped(bridge)


# --- batches ---


def events(count, size=0):
    return [Event(f"e{number}", "app", "c", "c", None, "ami", {"args": "x" * size}) for number in range(count)]


def sender(tmp_path, odoo, clock=time.time):
    made = Sender(Spool(tmp_path / "spool.db"), OdooClient(odoo.url, KEY, SECRET, timeout=5.0), Notices(), clock)
    made.step()
    odoo.requests.clear()
    return made


def test_batches_have_500_events_and_less_after_413(tmp_path, odoo):
    made = sender(tmp_path, odoo)
    made.spool.add(events(1200))
    while made.spool.waiting:
        made.step()
    assert [len(request["events"]) for _path, request in odoo.requests] == [500, 500, 200]
    odoo.requests.clear()
    odoo.most_bytes = 20_000
    made.spool.add([Event(f"f{number}", "app", "c", "c", None, "ami", {}) for number in range(600)])
    while made.spool.waiting:
        made.step()
    assert len(odoo.events) == 1800


@pytest.mark.parametrize("trouble", ["413", "422"])
def test_one_event_that_cannot_be_sent_blocks_nobody(tmp_path, odoo, trouble, lines):
    made = sender(tmp_path, odoo)
    bad = Event("bad", "app", "c", "c", None, "ami", {"args": "poison" + "x" * 9000})
    made.spool.add([*events(30), bad, *[Event(f"g{number}", "app", "c", "c") for number in range(30)]])
    if trouble == "413":
        odoo.most_bytes = 9000
    else:
        odoo.poison = "poison"
    for _step in range(100):
        made.step()
        if not made.spool.waiting:
            break
    assert len(odoo.events) == 60 and "bad" not in odoo.events
    assert [reason for _seq, reason in made.spool.aside()] == ["too_large" if trouble == "413" else "format"]
    assert "set aside" in lines.text and "poison" not in lines.text


def test_an_odoo_that_understands_nothing_sets_nothing_aside(tmp_path, odoo, lines):
    made = sender(tmp_path, odoo)
    made.spool.add(events(3))
    odoo.answers = [422] * 20
    waits = [made.step() for _step in range(6)]
    assert not made.spool.aside() and made.spool.waiting == 3
    assert max(waits) > 0.4 and lines.text.count("update the older") == 1


def test_signs_of_life(tmp_path, odoo):
    now = [time.time()]
    made = sender(tmp_path, odoo, clock=lambda: now[0])
    for _second in range(125):
        now[0] += 1
        made.step()
    assert len(odoo.requests) == 2
    made.pbx = "trouble"
    now[0] += 1
    made.step()
    assert odoo.requests[-1][1]["bridge"]["pbx"] == "trouble" and len(odoo.requests) == 3


# --- intake ---


def test_what_is_held_without_a_scope_is_bounded(tmp_path):
    intake = Intake(Spool(tmp_path / "spool.db"), most_held=10)
    for event in events(25):
        intake.take(event, 0.0)
    assert intake.lost == 15 and not intake.tick(1.0)


def test_the_settled_moment_never_passes_what_is_undecided(tmp_path):
    spool = Spool(tmp_path / "spool.db")
    intake = Intake(spool)
    intake.set_scope(Scope.from_answer(SCOPE), 0.0)
    assert list(intake.history(iter(()), datetime(2026, 11, 22, 8, 0, tzinfo=UTC), 0.0)) == []
    start = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def say(kind, call, minute, **data):
        intake.take(
            Event(f"{call}{kind}{minute}", kind, call, call, start + timedelta(minutes=minute), "ami", data), minute
        )
        intake.tick(minute + 0.1)

    say("started", "waiting", 0, channel="PJSIP/trunk", number=NUMBER)
    for minute in range(1, 30):
        say("started", f"c{minute}", minute, channel="PJSIP/101", number="101", dialled=NUMBER)
        say("ended", f"c{minute}", minute)
    assert spool.waiting == 58 and spool.settled == start
    say("ended", "waiting", 30)
    intake.tick(40.0)
    intake.tick(41.0)
    assert spool.waiting == 60 and spool.settled == start + timedelta(minutes=30)


# --- kill -9 ---

CEL_HEADER = "eventtype,eventtime,cid_name,cid_num,exten,context,channame,appname,appdata,uniqueid,linkedid,extra\n"


def cel_rows(call, begin, phone="101", number=NUMBER):
    own, other = f"PJSIP/{phone}-00000001", "PJSIP/trunk-00000002"
    rows = [
        ("CHAN_START", 0, phone, number, own, call),
        ("CHAN_START", 1, "", "s", other, call + "1"),
        ("HANGUP", 9, number, "s", other, call + "1"),
        ("HANGUP", 9.1, phone, number, own, call),
    ]
    return "".join(
        f'"{kind}","{begin + seconds:.6f}","","{cid}","{exten}","","{channel}","","","{leg}","{call}",""\n'
        for kind, seconds, cid, exten, channel, leg in rows
    )


def test_what_happened_while_nobody_listened_is_caught_up(tmp_path, odoo, pbx):
    begin = time.time()
    file = tmp_path / "Master.csv"
    file.write_text(CEL_HEADER + cel_rows("1.1", begin - 3600) + cel_rows("1.2", begin - 20))
    for _life in range(2):
        bridge = running(tmp_path, odoo, pbx, CelFile(file))
        until(lambda: bridge.intake.ready)  # noqa: B023
        time.sleep(0.2)
        assert not odoo.events  # a new bridge leaves the past alone
        stopped(bridge)
    begin = time.time()
    bridge = running(tmp_path, odoo, pbx, CelFile(file))
    until(lambda: bridge.intake.ready)
    pbx.say(blocks("2.1", begin=begin))
    until(lambda: len(odoo.events) == 4)
    stopped(bridge)
    with open(file, "a") as more:
        more.write(cel_rows("3.1", begin + 200) + cel_rows("4.1", begin + 300, phone="109"))
    bridge = running(tmp_path, odoo, pbx, CelFile(file))
    until(lambda: {event["call"] for event in odoo.events.values()} == {"2.1", "3.1"})
    until(lambda: sum(odoo.requests[-1][1].get("outside", {}).values()) == 1)
    stopped(bridge)
    for _life in range(3):
        settled = Spool(tmp_path / "spool.db")
        assert settled.settled.timestamp() > begin + 200
        settled.close()
        bridge = running(tmp_path, odoo, pbx, CelFile(file))
        until(lambda: bridge.intake.ready)  # noqa: B023
        time.sleep(0.3)
        stopped(bridge)
    assert sum(odoo.requests[-1][1]["outside"].values()) == 1  # read again, not counted again
    assert {event["call"] for event in odoo.events.values()} == {"2.1", "3.1"}


def start_process(tmp_path, odoo, pbx, **more):
    environment = {
        "PATH": os.environ["PATH"],
        "CRM_VOIP_BRIDGE_ODOO_URL": odoo.url,
        "CRM_VOIP_BRIDGE_ODOO_KEY": KEY,
        "CRM_VOIP_BRIDGE_ODOO_SECRET": SECRET,
        "CRM_VOIP_BRIDGE_PBX_PORT": str(pbx.port),
        "CRM_VOIP_BRIDGE_PBX_USER": "bridge",
        "CRM_VOIP_BRIDGE_PBX_SECRET": "pbx-secret",
        "CRM_VOIP_BRIDGE_SPOOL_FILE": str(tmp_path / "spool.db"),
        **more,
    }
    return subprocess.Popen(
        [sys.executable, str(ADDON / "bridge"), "run"], env=environment, stderr=subprocess.PIPE, text=True
    )


def listens(tmp_path):
    """Whether the process has noted from when on it is to know everything."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{tmp_path / 'spool.db'}?mode=ro", uri=True)) as database:
            return bool(database.execute("SELECT 1 FROM meta WHERE name = 'begun'").fetchone())
    except sqlite3.Error:
        return False  # not made yet


def test_what_is_in_memory_is_saved_at_the_end(tmp_path, odoo, pbx):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)
    bridge.intake.tick = lambda now: False
    pbx.say(blocks())
    until(lambda: len(bridge.intake.unsaved) == 4)
    assert stopped(bridge) == 0 and glance(tmp_path / "spool.db").waiting >= 4 - len(odoo.events)
    assert len(list(Spool(tmp_path / "spool.db").recent(60))) == 4


def test_sigterm_ends_well(tmp_path, odoo, pbx):
    child = start_process(tmp_path, odoo, pbx)
    until(lambda: listens(tmp_path))
    odoo.answers = [503] * 1000
    pbx.say(blocks())
    until(lambda: glance(tmp_path / "spool.db").waiting == 4)
    child.send_signal(signal.SIGTERM)
    assert child.wait(15) == 0
    said = child.stderr.read()
    assert SECRET not in said and "pbx-secret" not in said and NUMBER not in said
    spool = Spool(tmp_path / "spool.db")
    assert spool.waiting == 4
    spool.close()


def test_a_process_that_was_stopped_goes_on(tmp_path, odoo, pbx):
    child = start_process(tmp_path, odoo, pbx)
    until(lambda: listens(tmp_path))
    child.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    child.send_signal(signal.SIGCONT)
    pbx.say(blocks())
    until(lambda: len(odoo.events) == 4)
    assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    assert child.wait(15) == 0


def test_kill_9_at_any_moment_loses_nothing(tmp_path, odoo, pbx):
    """Calls go on while the process is killed again and again; CEL has what memory lost."""
    file = tmp_path / "Master.csv"
    file.write_text(CEL_HEADER)
    more = {"CRM_VOIP_BRIDGE_CEL_FILE": str(file)}
    child = start_process(tmp_path, odoo, pbx, **more)
    until(lambda: odoo.requests)
    until(lambda: pbx.queues)
    calls = 0
    until(lambda: listens(tmp_path))  # what happens before is not its business
    for life in range(4):
        for _call in range(10 + 7 * life):
            calls += 1
            begin = time.time()
            with open(file, "a") as rows:
                rows.write(cel_rows(f"{calls}.1", begin))
            pbx.say(blocks(f"{calls}.1", begin=begin))
            time.sleep(0.005)
        child.kill()
        child.wait()
        pbx.queues.clear()
        child = start_process(tmp_path, odoo, pbx, **more)
        until(lambda: pbx.queues)
    until(lambda: len({event["call"] for event in odoo.events.values()}) == calls, 20)
    for call in range(1, calls + 1):
        legs = {(event["type"], event["leg"]) for event in odoo.events.values() if event["call"] == f"{call}.1"}
        assert {("started", f"{call}.1"), ("ended", f"{call}.1")} <= legs
    child.terminate()
    assert child.wait(15) == 0


def test_a_spool_is_used_by_one_bridge_only(tmp_path):
    spool = Spool(tmp_path / "spool.db")
    with pytest.raises(SpoolProblem, match="Another bridge"):
        Spool(tmp_path / "spool.db")
    spool.close()


def test_a_programming_error_stops_the_process_and_says_no_number(tmp_path, odoo, pbx, lines):
    bridge = running(tmp_path, odoo, pbx)
    until(lambda: bridge.intake.ready)

    def broken(*_args):
        raise RuntimeError(NUMBER)

    bridge.intake.take = broken
    pbx.say(blocks())
    until(lambda: not bridge.running)
    assert stopped(bridge) == 70
    assert "RuntimeError in broken" in lines.text and NUMBER not in lines.text


def test_the_spool_file_is_plain_sqlite_with_json(tmp_path):
    spool = Spool(tmp_path / "spool.db")
    spool.add(events(1))
    body = sqlite3.connect(tmp_path / "spool.db").execute("SELECT body FROM event").fetchone()[0]
    assert json.loads(body)["id"] == "e0"
    spool.close()
