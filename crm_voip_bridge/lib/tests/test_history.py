"""Files that are rotated while they are read, reports among live events, stretches that are read again."""

import gzip
import os
import time
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from servers import KEY, SCOPE, SECRET, Odoo
from stories import ANSWERED, HELD, START, after, story

from lib import commands
from lib.cdr import read_cdr
from lib.client import OdooClient
from lib.config import Config, ConfigProblem
from lib.events import UTC, Event, format_time
from lib.fetch import Fetches
from lib.fold import fold, fold_all
from lib.history import CDR, CEL, CelFile, HistoryProblem, NoHistory, RecordFile, open_history
from lib.notices import Notices
from lib.process import Intake
from lib.scope import Fetch, Gate, Scope
from lib.spool import Spool

COLUMNS = "eventtype,eventtime,uniqueid,linkedid,channame,cid_num,exten,extra"
SITE = Scope.from_answer(SCOPE).site


def rows(*places, begin=START):
    """One row for each place, a minute apart."""
    at = [(place, (begin + timedelta(minutes=place)).timestamp()) for place in places]
    return "".join(
        f'"CHAN_START","{at:.6f}","{place}.1","{place}.1","PJSIP/101-00000001","101","",""\n' for place, at in at
    )


def calls(history, minute=0, **more):
    return [event.call for event in history.since(START + timedelta(minutes=minute), **more)]


def aged(path, days):
    os.utime(path, (time.time() - days * 86_400,) * 2)


# --- files ---


@pytest.fixture
def path(tmp_path):
    return tmp_path / "Master.csv"


def test_all_that_logrotate_leaves_behind(path):
    """.1, dated and compressed files, in the order of their age; others beside them are not touched."""
    path.write_text(rows(5))
    path.with_name("Master.csv.1").write_text(rows(4))
    path.with_name("Master.csv-20261101").write_text(rows(3))
    path.with_name("Master.csv.2.gz").write_bytes(gzip.compress(rows(1, 2).encode()))
    path.with_name("Master.csv.bak").write_text(rows(99))
    path.with_name("Master.csv.1.swp").write_text(rows(98))
    for name, days in (("Master.csv.1", 0.1), ("Master.csv-20261101", 0.2), ("Master.csv.2.gz", 0.3)):
        aged(path.with_name(name), days)
    history = CelFile(path, COLUMNS)
    now = datetime.now(UTC) - timedelta(days=1)
    assert calls(history) == ["1.1", "2.1", "3.1", "4.1", "5.1"]
    assert calls(history, 2.5, until=START + timedelta(minutes=5)) == ["3.1", "4.1"]
    # what was last written long before is not opened
    path.with_name("Master.csv.2.gz").write_bytes(b"no gzip at all")
    aged(path.with_name("Master.csv.2.gz"), 40)
    assert list(history.since(now)) == []


@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_a_rotation_while_it_is_read_loses_nothing(path, how):
    path.write_text(rows(*range(20_000)))
    seen = set()
    for count, event in enumerate(CelFile(path, COLUMNS).since(START)):
        seen.add(event.call)
        if count == 10:
            old = path.with_name("Master.csv.1")
            if how == "rename":
                path.rename(old)
                path.write_text(rows(20_000))
            else:
                old.write_bytes(path.read_bytes())
                os.truncate(path, 0)
                with open(path, "a") as more:
                    more.write(rows(20_000))
    assert seen == {f"{place}.1" for place in range(20_001)}


def test_a_file_that_was_emptied_is_read_from_where_it_is(path):
    path.write_text(rows(1, 2))
    os.truncate(path, 0)
    assert calls(CelFile(path, COLUMNS)) == []
    with open(path, "a") as more:
        more.write(rows(3) + rows(4)[:30])
    assert calls(CelFile(path, COLUMNS)) == ["3.1"], "half a row is none"
    path.with_name("Master.csv.1.gz").write_bytes(gzip.compress(rows(0).encode())[:-20])
    with pytest.raises(HistoryProblem, match="check \\[cel\\] file"):
        calls(CelFile(path, COLUMNS))


def test_call_detail_records_are_found_by_their_end(path):
    def row(call, begin, seconds, called="PJSIP/101-00000002", said="ANSWERED"):
        start, end = START + timedelta(minutes=begin), START + timedelta(minutes=begin, seconds=seconds)
        times = [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (start, start, end)]
        cells = ["", "+12025550101", "101", "in", "", "PJSIP/trunk-00000001", called, "Dial", "", *times]
        return ",".join(f'"{cell}"' for cell in [*cells, seconds, seconds, said, "DOCUMENTATION", call, ""]) + "\n"

    path.write_text(row("short.1", 0, 30) + row("long.1", -200, 14_000) + row("late.1", 90, 30))
    history = RecordFile(CDR, path)
    assert [event.call for event in history.since(after(1200))] == ["long.1", "late.1"]
    assert [event.call for event in history.since(after(1200), after(1800))] == ["long.1"]
    assert history.check() == after(5400)
    path.write_text("nonsense\n")
    assert list(history.since(START)) == [] and history.check() is None


def test_times_of_another_zone_are_not_taken_for_true(path):
    """A channel's id begins with the second in which it was made."""

    def written(at, made):
        path.write_text(f'"CHAN_START","{at:%Y-%m-%d %H:%M:%S}","{made}.1","{made}.1","PJSIP/101-1","101","",""\n')

    amsterdam, made = ZoneInfo("Europe/Amsterdam"), int(START.timestamp())
    written(START.astimezone(amsterdam), made)
    assert len(list(CelFile(path, COLUMNS, amsterdam).since(START))) == 1
    with pytest.raises(HistoryProblem, match=r"1 h late: set \[cel\] zone"):
        list(CelFile(path, COLUMNS).since(START))
    kolkata = ZoneInfo("Asia/Kolkata")
    with pytest.raises(HistoryProblem, match=r"4\.5 h early"):
        list(CelFile(path, COLUMNS, kolkata).since(START - timedelta(days=1)))
    # the hour that is told twice: the first one is as good as the other
    twice = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    written(twice.astimezone(amsterdam), int(twice.timestamp()))
    assert len(list(CelFile(path, COLUMNS, amsterdam).since(twice - timedelta(hours=2)))) == 1
    # an id that somebody chose says nothing
    written(START, "odoo-12")
    assert len(list(CelFile(path, COLUMNS).since(START))) == 1


# --- reports of CDR ---


def cdr(*rows_):
    order = "start,answer,end,src,dst,channel,dstchannel,lastapp,disposition,duration,billsec,uniqueid,linkedid"
    lines = [order]
    for begin, answer, end, src, dst, channel, called, said, *call in rows_:
        times = ["" if second is None else f"{after(second):%Y-%m-%d %H:%M:%S}" for second in (begin, answer, end)]
        call = call[0] if call else "c"
        lines.append(",".join([*times, src, dst, channel, called, "Dial", said, "", "", call, call]))
    return list(read_cdr(lines))


def gate_of(*ticked, known=(), never=()):
    extensions = {**dict.fromkeys(known, False), **dict.fromkeys(ticked, True)}
    return Gate(Scope.from_answer({**SCOPE, "extensions": extensions, **({"never": never} if never else {})}))


def through(gate, events):
    out = [event for event in events for event in gate.feed(event, 0.0)]
    return out + gate.tick(10.0)


GROUP = cdr(
    (0, None, 5, "+12025550101", "+31201000101", "PJSIP/trunk-00000001", "PJSIP/101-00000002", "NO ANSWER"),
    (0, 5, 65, "+12025550101", "+31201000101", "PJSIP/trunk-00000001", "PJSIP/102-00000003", "ANSWERED"),
)


def test_reports_pass_the_gate_by_the_same_rules():
    gate = gate_of("101", "102")
    call = fold(through(gate, GROUP), SITE)
    assert (call.disposition, call.talk_s, [leg.number for leg in call.legs]) == ("answered", 60.0, ["101", "102"])
    assert gate.kept == 1 and not gate.outside and not gate.busy
    # nobody ticked: only the count stays
    gate = gate_of(known=("101", "102"))
    assert through(gate, GROUP) == [] and sum(gate.outside.values()) == 1
    # phones that nobody knows count as unticked, and are discovered
    gate = gate_of()
    assert through(gate, GROUP) == [] and gate.discovered == {"101", "102"}


def test_of_a_report_the_phone_that_is_not_recorded_is_left_out():
    kept = through(gate_of("101", known=("102",)), GROUP)
    assert "102" not in str([event.to_dict() for event in kept])
    call = fold(kept, SITE)
    assert (call.direction, call.disposition, [leg.number for leg in call.legs]) == ("inbound", "answered", ["101"])
    internal = cdr((0, 5, 65, "101", "102", "PJSIP/101-00000002", "PJSIP/102-00000003", "ANSWERED"))
    kept = through(gate_of("101", known=("102",)), internal)
    assert "102" not in str([event.to_dict() for event in kept])
    assert fold(kept, SITE).direction == "internal"


def test_never_log_numbers_hold_for_reports():
    from lib.scope import never_hash

    def never(number, *extensions):
        return {"key": "00", "numbers": [{"hash": never_hash("00", number), "extensions": list(extensions)}]}

    assert through(gate_of("101", "102", never=never("+12025550101")), GROUP) == []
    # a person's own: theirs is left out if they took it, else their phone alone
    assert through(gate_of("101", "102", never=never("+12025550101", "102")), GROUP) == []
    kept = through(gate_of("101", "102", never=never("+12025550101", "101")), GROUP)
    assert [leg.number for leg in fold(kept, SITE).legs] == ["102"]


def test_an_end_that_nobody_heard_is_taken_from_the_report():
    """The bridge dies in mid-call; CDR has all of it. What was heard to its end stays as it was heard."""
    report = cdr((0, 5, 65, "+12025550101", "+31201000101", "PJSIP/trunk-00000001", "PJSIP/101-00000002", "ANSWERED"))
    heard = [event for event in ANSWERED if event.at < after(10)]
    closed = Event("x", "closed", "c", "", after(5), "ami", {})
    for events in ([*heard, *report], [*heard, closed, *report]):
        call = fold(events, SITE)
        assert (call.disposition, call.ended_at, call.talk_s, call.call_id) == ("answered", after(65), 60.0, "c")
        assert "nobody listened at its end" in call.notes
    assert fold([*HELD, *report], SITE) == fold(HELD, SITE)
    # a stretch is over, the call is not: somebody heard more since
    first = cdr((0, 5, 7, "+12025550101", "+31201000101", "PJSIP/trunk-00000001", "PJSIP/101-00000002", "ANSWERED"))
    on = [*heard, *story("30 held p")]
    assert fold([*on, *first], SITE) == fold(on, SITE)


# --- what one bridge missed, another one heard ---


def test_a_word_for_calls_that_were_heard_from_beginning_to_end():
    scope = Scope.from_answer({**SCOPE, "extensions": {"101": True}, "bridges": 2})
    alone = Scope.from_answer({**SCOPE, "extensions": {"101": True}})

    def words(gate, events, at=None):
        out = []
        for event in events:
            if at is not None and event.at >= at:
                out, at = out + gate.unheard(at, 0.0), None
            out += gate.feed(event, 0.0)
        return [event for event in out + gate.tick(5.0) if event.type in ("heard", "unheard")]

    assert [(word.type, word.at) for word in words(Gate(scope), HELD)] == [("heard", after(65))]
    assert words(Gate(scope), HELD) == words(Gate(scope), reversed(HELD)), "two bridges say it in the same words"
    assert words(Gate(alone), HELD) == []
    assert [word.type for word in words(Gate(scope), HELD, after(30))] == ["unheard"]
    cel = story("0 started c PJSIP/trunk +12025550101 101", source="cel")
    assert words(Gate(scope), [*cel, *HELD[1:]]) == [], "its beginning was read, not heard"
    restored = Gate(scope)
    for event in HELD[:8]:
        restored.restore(event, 0.0)
    assert words(restored, HELD[8:]) == []


def test_the_fold_believes_who_heard_all():
    whole, gap = fold(HELD, SITE), Event("u", "unheard", "c", "", after(40), "ami", {})
    assert whole.hold_s == 15.0 and fold([*HELD, gap], SITE).hold_s is None
    heard = Event("h", "heard", "c", "", after(65), "ami", {})
    for late in (gap, Event("u", "unheard", "c", "", after(90), "ami", {})):
        assert fold([*HELD, late, heard], SITE) == whole
    # it heard the beginning of what became a longer call
    early = Event("h", "heard", "c", "", after(30), "ami", {})
    assert fold([*HELD, gap, early], SITE).hold_s is None
    assert fold([heard], SITE) is None


# --- a history that cannot be read now ---


def test_nothing_is_settled_until_the_history_was_read(tmp_path):
    spool = Spool(tmp_path / "spool.db")
    intake = Intake(spool)
    intake.set_scope(Scope.from_answer(SCOPE), 0.0)
    intake.begin(START)

    def broken():
        raise HistoryProblem("the server is away")
        yield

    with pytest.raises(HistoryProblem):
        list(intake.history(broken(), after(60), 0.0))
    intake.gap = True
    list(intake.history(iter(()), None, 0.0))
    for event in story("600 started d PJSIP/101 101 +12025550101", "660 ended d", call="d"):
        intake.take(event, 1.0)
    intake.tick(2.0)
    assert spool.waiting == 2 and spool.settled == START
    intake.gap = False
    intake.tick(3.0)
    intake.save()
    assert spool.settled == after(660)
    spool.close()


def test_calls_without_a_beginning_are_taken_once_the_history_tells_it():
    gate = gate_of("101")
    tail = [event for event in ANSWERED if event.at > after(30)]
    assert through(gate, tail) == [] and gate.headless == 1 and not gate.outside
    gate.history_begins()
    report = cdr((0, 5, 65, "+12025550101", "+31201000101", "PJSIP/trunk-00000001", "PJSIP/101-00000002", "ANSWERED"))
    kept = through(gate, report)
    assert fold(kept, SITE).talk_s == 60.0


# --- stretches that are read again ---


class Busy:
    """A history of calls, one a minute, each in a row or two of CEL."""

    source = "cel"

    def __init__(self, count):
        self.events = []
        for place in range(count):
            phone = ("101", "101", "109")[place % 3]
            number = f"+1202555{place:04}"
            self.events += story(
                f"0 started c PJSIP/{phone} {phone} {number}", f"{30 if place % 7 else 300} ended c 16",
                call=f"{place}.1", source="cel", start=START + timedelta(minutes=place),
            )  # fmt: skip
        # the leg has the call's id, as with Asterisk
        self.events = [replace(event, leg=event.call) for event in self.events]
        self.events.sort(key=lambda event: event.at)

    def since(self, moment, until=None):
        return (event for event in self.events if event.at >= moment)


@pytest.fixture
def odoo():
    server = Odoo()
    yield server
    server.close()


def fetches(tmp_path, odoo, history, scope, name="spool.db"):
    spool = Spool(tmp_path / name)
    return Fetches(history, spool, OdooClient(odoo.url, KEY, SECRET, timeout=5.0), Notices(), lambda: scope[0])


def asked(begin, end, earlier=False, **more):
    fetch = {
        "id": "7",
        "from": format_time(after(60 * begin)),
        "until": format_time(after(60 * end)),
        "earlier": earlier,
    }
    return [Scope.from_answer({**SCOPE, "fetch": [fetch], **more})]


def drive(made, steps=2000, sends=True):
    for _step in range(steps):
        made.step()
        if sends and made.spool.waiting:
            made.spool.acknowledge(made.spool.last)
        if made._work is None and made._not_before:
            return
    raise AssertionError("it does not end")


def test_a_stretch_is_read_sent_and_reported(tmp_path, odoo):
    history = Busy(300)
    made = fetches(tmp_path, odoo, history, asked(100, 200))
    drive(made)
    sent = list(made.spool.recent(60))
    starts = {event.call for event in sent if event.type == "started"}
    assert starts == {f"{place}.1" for place in range(100, 200) if place % 3 != 2}
    # calls that began in it end, though later
    assert {event.call for event in sent if event.type == "ended"} == starts
    states = [(report["state"], report.get("calls", 0)) for report in odoo.fetches]
    assert states[0] == ("running", 0) and states[-1] == ("done", len(starts))
    assert made.spool.outside() == {} and made.step() == 1.0, "done once, though the scope still says so"


def test_ticked_later_counts_only_for_an_import(tmp_path, odoo):
    since = {"101": format_time(after(60 * 150))}
    made = fetches(tmp_path, odoo, Busy(300), asked(100, 200, since=since))
    drive(made)
    assert min(event.at for event in made.spool.recent(60)) >= after(60 * 150)
    imported = fetches(tmp_path, odoo, Busy(300), asked(100, 200, earlier=True, since=since), "other.db")
    drive(imported)
    assert min(event.at for event in imported.spool.recent(60)) == after(60 * 100)


def test_it_waits_while_much_waits_to_be_sent(tmp_path, odoo):
    made = fetches(tmp_path, odoo, Busy(6000), asked(0, 6000))
    for _step in range(100):
        made.step()
    assert 1000 < made.spool.waiting < 1600, "a live event waits behind no more than that"
    drive(made)
    assert odoo.fetches[-1]["state"] == "done"


def test_another_bridge_has_it(tmp_path, odoo):
    odoo.go = False
    made = fetches(tmp_path, odoo, Busy(300), asked(100, 200))
    drive(made)
    assert len(odoo.fetches) == 1 and made.spool.last == 0


def test_a_restart_begins_anew_and_changes_nothing(tmp_path, odoo):
    scope = asked(0, 900)
    made = fetches(tmp_path, odoo, Busy(900), scope)
    for _step in range(2):
        made.step()
    first = {event.id for event in made.spool.recent(60)}
    made.spool.close()
    again = fetches(tmp_path, odoo, Busy(900), scope)
    drive(again)
    ids = [event.id for event in again.spool.recent(60)]
    assert first and len(set(ids)) == 1200 and odoo.fetches[-1]["calls"] == 600


def test_a_record_that_cannot_be_read_is_reported(tmp_path, odoo):
    made = fetches(tmp_path, odoo, CelFile(tmp_path / "nowhere.csv"), asked(0, 10))
    drive(made)
    assert odoo.fetches[-1]["state"] == "failed" and "check [cel] file" in odoo.fetches[-1]["reason"]
    made = fetches(tmp_path, odoo, NoHistory(), asked(0, 10), "other.db")
    drive(made)
    assert "fill in [cel]" in odoo.fetches[-1]["reason"]


def test_a_bridge_without_a_record_lets_others_go_first(tmp_path, odoo):
    now = [1000.0]
    made = fetches(tmp_path, odoo, NoHistory(), asked(0, 10, bridges=2))
    made.clock = lambda: now[0]
    assert made.step() == 1.0 and not odoo.fetches
    now[0] += 181
    drive(made)
    assert odoo.fetches[-1]["state"] == "failed"


def test_a_number_that_becomes_private_meanwhile_is_left_out(tmp_path, odoo):
    from lib.scope import never_hash

    scope = asked(0, 3000)
    made = fetches(tmp_path, odoo, Busy(3000), scope)
    for _step in range(3):
        made.step()
    never = {"key": "00", "numbers": [{"hash": never_hash("00", "+12025552500"), "extensions": []}]}
    scope[0] = asked(0, 3000, never=never)[0]
    drive(made)
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"+12025552502" in on_disk and b"+12025552500" not in on_disk


REQUIRED = {
    f"CRM_VOIP_BRIDGE_{name}": value
    for name, value in (("ODOO_URL", "https://odoo.example"), ("ODOO_KEY", "k"), ("ODOO_SECRET", "s"), ("PBX_USER", "u"),
                        ("PBX_SECRET", "s"))
}  # fmt: skip


def configured(**values):
    return Config(None, REQUIRED | {f"CRM_VOIP_BRIDGE_{name}": value for name, value in values.items()})


def test_the_configuration_says_which_record_is_read():
    assert open_history(configured()).source == ""
    assert open_history(configured(CDR_FILE="a.csv")).source == "cdr"
    both = configured(CDR_FILE="a.csv", CEL_SERVER="mysql", CEL_USER="crmvoip", CEL_PASSWORD="x", CEL_PORT="3307")
    table = open_history(both)
    assert (table.source, table.table, table.database) == ("cel", "cel", "asteriskcdrdb")
    assert open_history(configured(CDR_SERVER="postgresql", CDR_USER="u")).table == "cdr"
    for wrong, words in (
        ({"CEL_SERVER": "oracle"}, "must be mysql or postgresql"),
        ({"CEL_SERVER": "mysql"}, r"\[cel\] user is missing"),
        ({"CDR_SERVER": "mysql", "CDR_USER": "u", "CDR_FILE": "a"}, r"\[cdr\] has both file and server"),
        ({"CEL_PORT": "many"}, "must be a positive number"),
        ({"CEL_CA_FILE": "/nowhere"}, r"\[cel\] ca_file cannot be read"),
    ):
        with pytest.raises(ConfigProblem, match=words):
            configured(**wrong)


def test_check_says_which_record_is_read(path, capsys):
    def said(**values):
        commands._check_history(configured(**values), commands._Report())
        return capsys.readouterr().out

    assert "note history: not configured" in said()
    path.write_text(rows(5))
    assert "ok   CEL: newest row of 2026-11-02T09:05" in said(CEL_FILE=str(path), CEL_COLUMNS=COLUMNS)
    assert "note CDR: is not used" in said(CEL_FILE=str(path), CEL_COLUMNS=COLUMNS, CDR_FILE="b.csv")
    path.write_text(rows(5, begin=datetime.now(UTC)))
    assert "FAIL CEL: its newest row is of the future" not in said(CEL_FILE=str(path), CEL_COLUMNS=COLUMNS)
    path.write_text(rows(90, begin=datetime.now(UTC)))
    assert "FAIL CEL: its newest row is of the future" in said(CEL_FILE=str(path), CEL_COLUMNS=COLUMNS)
    path.write_text("")
    out = said(CDR_FILE=str(path))
    assert "ok   CDR: readable, no row yet" in out and "whole seconds" in out
    assert "FAIL CDR: Asterisk's call detail records" in said(CDR_FILE="/nowhere/b.csv")


def test_records_know_themselves():
    assert (CEL.source, CDR.source, NoHistory.source, CelFile("x").source) == ("cel", "cdr", "", "cel")
    assert NoHistory().check() is None and list(NoHistory().since(START)) == []
    assert Fetch.from_answer({"id": 7, "from": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}).id == "7"
    assert fold_all([], SITE) == []
