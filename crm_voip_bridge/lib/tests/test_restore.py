"""An older backup of Odoo, or of the spool, is put back: nothing stays lost."""

import time
from datetime import timedelta

import pytest
from servers import until
from test_process import CEL_HEADER, blocks, cel_rows, events, hurry, lines, odoo, pbx, running, sender, stopped  # noqa: F401

from lib.events import UTC, Event, parse_time
from lib.history import CelFile
from lib.spool import DAY, Spool, glance

NOON = parse_time("2026-11-02T12:00:00Z")


def drain(made):
    """Let the sender do all it has to do, and one sign of life."""
    made._told_at = float("-inf")
    for _step in range(50):
        if made.step() and not made.spool.waiting:
            return
    raise AssertionError("it never ends")


# --- the spool ---


def test_it_steps_back_to_what_odoo_knows(tmp_path):
    spool = Spool(tmp_path / "spool.db")
    spool.add(events(10))
    spool.acknowledge(9)
    assert spool.step_back(4) == 5
    assert (spool.sent, spool.waiting, spool.batch().first, spool.behind) == (4, 6, 5, None)
    assert spool.step_back(0) == 4 and spool.batch().first == 1
    spool.close()
    assert glance(tmp_path / "spool.db").waiting == Spool(tmp_path / "spool.db").waiting == 10


def test_of_what_is_not_kept_it_knows_since_when_to_ask(tmp_path):
    now = [1_800_000_000.0]
    spool = Spool(tmp_path / "spool.db", keep_days=7, clock=lambda: now[0])
    spool.begin(NOON)
    for hour in range(20 * 24):
        spool.add(
            [Event(f"h{hour}", "started", "c", "c", NOON + timedelta(hours=hour))],
            settled=NOON + timedelta(hours=hour, minutes=3, seconds=7),
        )
        spool.acknowledge(hour + 1)
        now[0] += 3600
    spool.purge()
    kept = spool._db.execute("SELECT min(seq) FROM event").fetchone()[0]
    assert kept > 300
    # place 101 was written in hour 100: all before that hour's moment is in places up to it
    assert spool.step_back(101) == 480 - kept + 1
    assert spool.behind == NOON + timedelta(hours=100, minutes=3)
    assert spool.sent == kept - 1
    # asked once more before the first was done, the earlier moment counts
    spool.step_back(200)
    assert spool.behind == NOON + timedelta(hours=100, minutes=3)
    spool.caught_up(NOON)  # of another question
    assert spool.behind
    spool.close()
    spool = Spool(tmp_path / "spool.db", clock=lambda: now[0])
    spool.caught_up(spool.behind)
    assert spool.behind is None
    # an Odoo that never heard of it gets what is kept, and no past that nobody asked for
    assert spool.step_back(0) == 0 and spool.behind is None and spool.sent == kept - 1


def test_recordings_that_may_be_unknown_are_sent_again(tmp_path):
    now = [1_800_000_000.0]
    spool = Spool(tmp_path / "spool.db", clock=lambda: now[0])
    for number in range(3):
        said = Event(f"r{number}", "recorded", "c", f"leg{number}", NOON, "ami", {"file": f"{number}.wav"})
        spool.add([said], recordings=[said])
        now[0] += 100
        spool.recording_done(spool.recordings()[0], "sent" if number else "gone")
        now[0] += 100
    spool.acknowledge(3)
    spool.step_back(2)  # the backup was made after the second event; whether it has its file nobody knows
    assert {recording.leg for recording in spool.recordings()} == {"leg1", "leg2"}


def test_an_older_spool_goes_on_behind_what_odoo_knows(tmp_path, odoo):  # noqa: F811
    made = sender(tmp_path, odoo)
    made.spool.add(events(3))
    odoo.known[made.spool.id] = 900
    drain(made)
    made.spool.add([Event("after", "started", "c", "c")])
    assert made.spool.batch().first == 901
    drain(made)
    assert odoo.known[made.spool.id] == 901 and len(odoo.events) == 4


# --- the way to Odoo ---


def test_after_a_restore_all_is_there_again(tmp_path, odoo, lines):  # noqa: F811
    made = sender(tmp_path, odoo)
    made.spool.add(events(700))
    drain(made)
    backup = odoo.backup()
    made.spool.add(Event(f"l{number}", "app", "c", "c") for number in range(1300))
    drain(made)
    odoo.restore(backup)
    assert len(odoo.events) == 700
    odoo.requests.clear()
    drain(made)
    assert len(odoo.events) == 2000 and "1300 events are sent again" in lines.text
    assert sum(len(request["events"]) for _path, request in odoo.requests) == 1300, "what it knows is not sent again"
    # with a batch that is due just then, too
    odoo.restore(backup)
    made.spool.add([Event("due", "app", "c", "c")])
    drain(made)
    assert len(odoo.events) == 2001
    # and by a bridge that was started anew
    odoo.restore(backup)
    made.spool.close()
    drain(sender(tmp_path, odoo))
    assert len(odoo.events) == 2001


def test_an_odoo_that_never_heard_of_it_gets_all(tmp_path, odoo):  # noqa: F811
    made = sender(tmp_path, odoo)
    made.spool.add(events(30))
    drain(made)
    odoo.restore(({}, {}, []))
    drain(made)
    assert len(odoo.events) == 30


def test_an_older_odoo_says_nothing_of_places(tmp_path, odoo):  # noqa: F811
    odoo.known = None
    made = sender(tmp_path, odoo)
    made.spool.add(events(30))
    drain(made)
    drain(made)
    assert made.spool.waiting == 0 and sum(len(request["events"]) for _path, request in odoo.requests) == 30


def test_what_was_set_aside_is_no_gap(tmp_path, odoo, lines):  # noqa: F811
    made = sender(tmp_path, odoo)
    bad = Event("bad", "app", "c", "c", None, "ami", {"args": "poison"})
    made.spool.add([*events(3), bad])
    odoo.poison = "poison"
    drain(made)
    assert made.spool.aside() and made.spool.waiting == 0
    made.spool.close()
    made = sender(tmp_path, odoo)
    made.spool.add([Event("after", "app", "c", "c")])
    drain(made)
    assert odoo.known[made.spool.id] == 5 and "sent again" not in lines.text


@pytest.mark.slow
def test_what_is_not_kept_comes_from_the_pbxs_history(tmp_path, odoo, pbx, lines):  # noqa: F811
    """A backup from before all that the spool keeps: the PBX's own record fills the gap, once, and counts nothing twice."""
    begin = time.time() - 3600
    file = tmp_path / "Master.csv"
    rows = [cel_rows(f"{number}.1", begin + 60 * number) for number in range(1, 4)]
    file.write_text(CEL_HEADER + rows[0] + rows[1] + cel_rows("9.1", begin + 130, phone="109") + rows[2])
    spool = Spool(tmp_path / "spool.db")
    spool.begin(parse_time(begin))
    spool.close()
    bridge = running(tmp_path, odoo, pbx, CelFile(file))
    until(lambda: bridge.intake.ready and not bridge.spool.waiting and odoo.events)
    everything = dict(odoo.events)
    assert {event["call"] for event in everything.values()} == {"1.1", "2.1", "3.1"}
    until(lambda: sum(odoo.requests[-1][1]["outside"].values()) == 1)
    stopped(bridge)
    # a week later, nothing is kept any more; the backup has the first call
    spool = Spool(tmp_path / "spool.db", clock=lambda: time.time() + 8 * DAY)
    spool.purge()
    spool._db.execute("INSERT INTO mark VALUES (4, ?)", (parse_time(begin + 70).astimezone(UTC).isoformat(),))
    spool.close()
    first = {ident: event for ident, event in everything.items() if event["call"] == "1.1"}
    odoo.restore((first, {spool.id: 4}, []))
    bridge = running(tmp_path, odoo, pbx, CelFile(file))
    until(lambda: odoo.events.keys() >= everything.keys())
    until(lambda: bridge.spool.behind is None)
    pbx.say(blocks("5.1", begin=time.time()))
    until(lambda: "5.1" in {event["call"] for event in odoo.events.values()})
    assert not any(event["type"] == "unheard" for event in odoo.events.values())
    assert sum(odoo.requests[-1][1]["outside"].values()) == 1
    assert stopped(bridge) == 0
