"""The spool: what was committed is there, whatever happened to the process."""

import os
import signal
import stat
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lib.events import UTC, Event
from lib.spool import DAY, Glance, Spool, SpoolProblem, glance

ADDON = Path(__file__).parents[2]


def event(number, text=""):
    return Event(f"e{number}", "started", "c", "c", datetime(2026, 11, 22, tzinfo=UTC), "ami", {"name": text})


def test_events_come_back_in_order_until_acknowledged(tmp_path):
    spool = Spool(tmp_path / "s.db")
    assert spool.batch() is None and spool.waiting == 0
    spool.add(event(number, "Zoë\u202e<b>") for number in range(1200))
    batch = spool.batch()
    assert len(batch.texts) == 500 and '"id":"e0"' in batch.texts[0] and "Zoë" in batch.texts[0]
    spool.acknowledge(batch.last)
    spool.close()
    spool = Spool(tmp_path / "s.db")
    assert spool.waiting == 700 and '"id":"e500"' in spool.batch().texts[0]
    assert len(list(spool.recent(60))) == 1200


def test_a_batch_is_limited_in_bytes(tmp_path):
    spool = Spool(tmp_path / "s.db")
    spool.add([event(0, "x" * 5000), event(1, "x" * 5000), event(2)])
    assert len(spool.batch(most_bytes=100).texts) == 1
    assert len(spool.batch(most_bytes=6000).texts) == 1
    assert len(spool.batch(most_bytes=12_000).texts) == 3


def test_what_was_acknowledged_stays_some_days(tmp_path):
    now = [1_800_000_000.0]
    spool = Spool(tmp_path / "s.db", keep_days=7, clock=lambda: now[0])
    spool.add(event(number) for number in range(2500))
    spool.acknowledge(2400)
    spool.set_aside(2401, "too_large")
    now[0] += 6 * DAY
    spool.purge()
    assert len(list(spool.recent(30 * DAY))) == 2500
    now[0] += 2 * DAY
    spool.purge()
    assert len(list(spool.recent(30 * DAY))) == 99 == spool.waiting
    assert not spool.aside()


def test_deleted_rows_leave_no_trace_in_the_file(tmp_path):
    now = [1_800_000_000.0]
    spool = Spool(tmp_path / "s.db", clock=lambda: now[0])
    spool.add([event(0, "+31205556677")])
    spool.acknowledge(1)
    now[0] += 8 * DAY
    spool.purge()
    spool.close()
    assert b"+31205556677" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_nobody_else_can_read_it(tmp_path):
    spool = Spool(tmp_path / "s.db")
    spool.add([event(0)])
    for name in ("s.db", "s.db-wal", "s.db-shm"):
        assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600


def test_counts_and_moments(tmp_path):
    spool = Spool(tmp_path / "s.db")
    assert spool.begun is spool.settled is None and spool.counted_until is None and spool.outside() == {}
    moment = datetime(2026, 11, 22, 9, 8, 7, 5, tzinfo=UTC)
    spool.add(settled=moment, outside={"2026-11-22": 3}, counted_until=moment)
    spool.add(outside={"2026-11-22": 2, "2026-11-23": 1})
    assert spool.outside() == {"2026-11-22": 5, "2026-11-23": 1}
    assert spool.counted_until == moment
    assert spool.settled == datetime(2026, 11, 22, 9, 8, tzinfo=UTC)  # tells of no single call
    spool.begin(moment)
    assert spool.begun == spool.settled == moment
    ident = spool.id
    spool.close()
    assert Spool(tmp_path / "s.db").id == ident


def test_troubles_have_one_line_with_the_remedy(tmp_path):
    with pytest.raises(SpoolProblem, match=r"check \[spool\] file"):
        Spool(tmp_path / "nowhere" / "s.db")
    (tmp_path / "s.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(SpoolProblem, match="move it away"):
        Spool(tmp_path / "s.db")


def test_a_full_disk_changes_nothing(tmp_path):
    spool = Spool(tmp_path / "s.db")
    spool.add([event(0)])
    spool._db.execute("PRAGMA max_page_count = 12")
    with pytest.raises(SpoolProblem) as caught:
        spool.add([event(number, "x" * 4000) for number in range(1, 50)], outside={"2026-11-22": 1})
    assert caught.value.full and "make room" in str(caught.value)
    assert spool.waiting == 1 and spool.outside() == {}
    spool._db.execute("PRAGMA max_page_count = 100000")
    spool.add([event(1)])
    assert [each.id for each in spool.recent(60)] == ["e0", "e1"]


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from lib.spool import Spool
from lib.events import Event
spool = Spool(sys.argv[2])
number = spool.waiting
while True:
    spool.add([Event(f"e{number}", "started", "c"), Event(f"e{number + 1}", "started", "c")])
    number += 2
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_committed(tmp_path):
    path, told = tmp_path / "s.db", 0
    for lines in (1, 7, 40):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(ADDON), str(path)], stdout=subprocess.PIPE, text=True
        )
        for _line in range(lines):
            told = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        told = max([told, *map(int, filter(str.isdigit, process.stdout.read().split()))])
        process.wait()
        spool = Spool(path)
        ids = [each.id for each in spool.recent(600)]
        assert len(ids) >= told and len(ids) % 2 == 0
        assert ids == [f"e{number}" for number in range(len(ids))]
        spool.close()


class Model(RuleBasedStateMachine):
    """Against a plain list, with restarts in between."""

    def __init__(self):
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.spool = Spool(Path(self.folder.name) / "s.db")
        self.all, self.sent = [], 0

    def teardown(self):
        self.spool.close()
        self.folder.cleanup()

    @rule(count=st.integers(0, 5))
    def add(self, count):
        new = [event(len(self.all) + number) for number in range(count)]
        self.spool.add(new)
        self.all += [each.id for each in new]

    @rule(most=st.integers(1, 4), taken=st.booleans())
    def send(self, most, taken):
        batch = self.spool.batch(most)
        expected = self.all[self.sent : self.sent + most]
        assert [text.split('"')[3] for text in (batch.texts if batch else [])] == expected
        if batch and taken:
            self.spool.acknowledge(batch.last)
            self.sent += len(expected)

    @rule()
    def restart(self):
        self.spool.close()
        self.spool = Spool(Path(self.folder.name) / "s.db")

    @rule()
    def purge(self):
        self.spool.purge()

    @invariant()
    def counts(self):
        assert self.spool.waiting == len(self.all) - self.sent


Model.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestModel = Model.TestCase


def test_it_can_be_looked_at_while_it_is_used(tmp_path):
    spool = Spool(tmp_path / "s.db")
    spool.add([event(0)])
    assert glance(tmp_path / "s.db") == Glance(spool.id, 1, 0)
