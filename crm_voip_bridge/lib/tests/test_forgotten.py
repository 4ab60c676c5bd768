"""Somebody who is forgotten: nothing of the time before comes back, and what comes later is kept."""

import json
from datetime import datetime, timedelta, timezone
from itertools import count

import pytest
from servers import KEY, SECRET, Odoo

from lib.client import OdooClient
from lib.events import Event
from lib.notices import Notices
from lib.process import Sender
from lib.scope import BadScope, Gate, Scope, never_hash
from lib.spool import Spool

START = datetime(2026, 11, 2, 9, 0, tzinfo=timezone.utc)
UNTIL = START + timedelta(hours=1)
KEY_OF_HASHES = "11" * 32
LOTTE, OTHER = "+31201000142", "+31201000143"
_ids = count()


@pytest.fixture
def odoo():
    server = Odoo()
    yield server
    server.close()


def scope(**values):
    answer = {
        "version": "1",
        "country": "NL",
        "extensions": {"101": True},
        "forgotten": {
            "key": KEY_OF_HASHES,
            "numbers": [{"hash": never_hash(KEY_OF_HASHES, LOTTE), "until": UNTIL.isoformat()}],
        },
    }
    return Scope.from_answer({**answer, **values})


def event(what, call, leg, at, source="cel", **data):
    return Event(f"e{next(_ids)}", what, call, leg, at, source, data)


def call(number, at, ident="c", source="cel"):
    """A customer calls 101."""
    later = at + timedelta(seconds=30)
    return [
        event("started", ident, ident, at, source, channel="PJSIP/trunk-00000001", number=number, dialled="0201000101"),
        event("started", ident, f"{ident}.p", at, source, channel="PJSIP/101-00000002"),
        event("ringing", ident, f"{ident}.p", at, source, by=ident, number="101"),
        event("answered", ident, f"{ident}.p", at, source),
        event("ended", ident, f"{ident}.p", later, source),
        event("ended", ident, ident, later, source),
    ]


def through(gate, events):
    kept = [one for each in events for one in gate.feed(each, 0)]
    return kept + gate.tick(9)


@pytest.mark.parametrize("written", [LOTTE, "0201000142", "0031201000142", "31201000142", "00201000142"])
def test_history_does_not_bring_them_back(written):
    gate = Gate(scope(outside_prefix="0"))
    assert through(gate, call(written, START)) == []
    assert gate.outside == {}, "it is no call outside the scope"


def test_others_and_later_calls_are_kept():
    gate = Gate(scope())
    assert len(through(gate, call(OTHER, START))) == 6
    assert len(through(gate, call(LOTTE, UNTIL + timedelta(seconds=1), "later"))) == 6


def test_as_somebody_transferred_to_they_are_blanked():
    gate = Gate(scope())
    events = call(OTHER, START)
    events.insert(4, event("transferred", "c", "c.p", START, kind="blind", to="0201000142"))
    told = json.dumps([one.to_dict() for one in through(gate, events)])
    assert "201000142" not in told
    assert "201000143" in told


def test_call_that_goes_on_counts_as_a_later_one():
    gate = Gate(scope(forgotten={}))
    events = call(LOTTE, START, source="ami")
    kept = through(gate, events[:4])
    gate.set_scope(scope())
    later = event("answered", "c", "c", START, "ami", number=LOTTE)
    kept += through(gate, [later, *events[4:]])
    assert [one.id for one in kept] == [one.id for one in [*events[:4], later, *events[4:]]]


def test_nothing_before_calls_are_kept():
    gate = Gate(scope(kept_since=UNTIL.isoformat()))
    assert through(gate, call(OTHER, START)) == []
    assert gate.outside == {}
    assert len(through(gate, call(OTHER, UNTIL, "later"))) == 6


@pytest.mark.parametrize(
    "wrong",
    [
        {"forgotten": {"numbers": [{"hash": "ab", "until": UNTIL.isoformat()}]}},
        {"forgotten": {"key": KEY_OF_HASHES, "numbers": [{"hash": "ab", "until": "soon"}]}},
        {"forgotten": {"key": KEY_OF_HASHES, "numbers": [{"hash": "ab"}]}},
        {"forgotten": [1]},
        {"kept_since": "soon"},
    ],
)
def test_scope_is_never_guessed(wrong):
    with pytest.raises(BadScope):
        scope(**wrong)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_spool_forgets_the_whole_call(tmp_path, acknowledged):
    spool = Spool(tmp_path / "spool")
    gone, stays = call("0201000142", START), call(OTHER, START, "d")
    sound = event("recorded", "c", "c", START, file="/in/2026-0201000142.wav")
    later = call(LOTTE, UNTIL + timedelta(seconds=1), "later")
    spool.add([*gone, sound, *stays, *later], recordings=[sound])
    if acknowledged:
        spool.acknowledge(spool.batch().last)
    current = scope()
    assert spool.forget(current.forgotten_state, current.recalls) == 7
    assert spool.forget(current.forgotten_state, current.recalls) == 0
    assert spool.recordings() == []
    left = [one.call for one in spool.recent(9e9)]
    assert left == ["d"] * 6 + ["later"] * 6
    assert spool.waiting == (0 if acknowledged else 12)
    if not acknowledged:
        batch = spool.batch()
        assert len(batch.texts) == 12
        spool.acknowledge(batch.last)
        assert (spool.waiting, spool.batch()) == (0, None)
    spool.close()
    # of the later call the number stays, of the earlier one not a byte
    for path in tmp_path.iterdir():
        assert b"0201000142" not in path.read_bytes(), path


def test_bridge_deletes_before_it_says_that_it_knows(tmp_path, odoo):
    spool = Spool(tmp_path / "spool")
    made = Sender(spool, OdooClient(odoo.url, KEY, SECRET, timeout=5.0), Notices())
    made.step()
    spool.add([*call(LOTTE, START), *call(OTHER, START, "d")])
    numbers = [{"hash": never_hash(KEY_OF_HASHES, LOTTE), "until": UNTIL.isoformat()}]
    odoo.scope = {**odoo.scope, "version": "v2", "forgotten": {"key": KEY_OF_HASHES, "numbers": numbers}}
    for _again in range(5):
        made.step()
    assert made.scope.version == "v2"
    assert [one.call for one in spool.recent(9e9)] == ["d"] * 6
    spool.add(call(OTHER, START, "e"))
    made.step()
    told = [body.get("scope") for path, body in odoo.requests if path.endswith("events")]
    assert told[-1] == "v2"
    assert spool.waiting == 0
