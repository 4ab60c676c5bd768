"""Real calls on a real Asterisk: what its records fold to is what the phones did.

``expected.json`` was written by the SIP phones themselves (setup/kit/scenarios.py), not by
our readers.
"""

import csv
import io
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lib.ami import read_ami
from lib.cdr import read_cdr
from lib.cel import read_cel
from lib.fold import fold_all

DATA = Path(__file__).parent / "data"
NAMES = sorted(folder.name for folder in DATA.iterdir() if (folder / "expected.json").exists())
SECONDS = ("ivr_s", "queue_s", "ring_s", "hold_s", "talk_s")


def ami(name, change=lambda raw: raw):
    return list(read_ami([change((DATA / name / "ami.txt").read_bytes())]))


def cel_text(name):
    return (DATA / name / "cel.csv").read_text()


def cel(name):
    return list(read_cel(cel_text(name).splitlines()))


def expected(name):
    return json.loads((DATA / name / "expected.json").read_text())["calls"]


def check(calls, name, skip=()):
    """Compare folded calls with what the phones did."""
    wanted = sorted(expected(name), key=lambda call: (call["started_at"], call["from_number"]))
    assert len(calls) == len(wanted), [call.to_dict() for call in calls]
    for call, want in zip(calls, wanted, strict=True):
        got, near = call.to_dict(), pytest.approx
        for key in ("direction", "from_number", "to_number", "disposition"):
            assert got[key] == want[key], (key, got)
        for key in SECONDS:
            if key not in skip and want.get(key) is not None:
                assert got[key] == near(want[key], abs=want["tolerance_s"]), (key, got)
        for key in ("started_at", "answered_at", "ended_at"):
            if want.get(key) is None:
                assert got[key] is None, (key, got)
            else:
                assert apart(got[key], want[key]) <= want["tolerance_s"], (key, got)
        legs = {(leg["number"], leg["role"], leg["outcome"]): leg for leg in got["legs"]}
        assert set(legs) == {(leg["number"], leg["role"], leg["outcome"]) for leg in want["legs"]}
        assert len(legs) == len(got["legs"])
        for leg in want["legs"]:
            told = legs[leg["number"], leg["role"], leg["outcome"]]
            for key in ("offered_at", "answered_at", "left_at"):
                if leg.get(key) is not None:
                    assert apart(told[key], leg[key]) <= want["tolerance_s"], (key, told)
            talk = told["talk_s"]
            if leg.get("talk_s") is not None and "talk_s" not in skip:
                assert talk == near(leg["talk_s"], abs=want["tolerance_s"])


def apart(one: str, two: str) -> float:
    return abs((datetime.fromisoformat(one.replace("Z", "+00:00")) - datetime.fromisoformat(two)).total_seconds())


def shape(calls):
    return [
        (
            call.direction,
            call.disposition,
            call.from_number,
            call.to_number,
            [(leg.number, leg.role, leg.outcome) for leg in call.legs],
        )
        for call in calls
    ]


@pytest.mark.parametrize("name", NAMES)
def test_ami(name):
    check(fold_all(ami(name)), name)


@pytest.mark.parametrize("name", NAMES)
def test_cel(name):
    calls = fold_all(cel(name))
    held = any(want.get("hold_s") for want in expected(name))
    check(calls, name, skip=("hold_s", "talk_s") if held else ("hold_s",))
    assert all(call.hold_s is None and any("hold" in note for note in call.notes) for call in calls)


@pytest.mark.parametrize("name", NAMES)
def test_mixed_doubles_nothing(name):
    events = [*ami(name), *cel(name)]
    random.Random(name).shuffle(events)
    check(fold_all([*events, *events]), name)


@pytest.mark.parametrize("name", NAMES)
def test_ami_and_cel_agree(name):
    one, two = fold_all(ami(name)), fold_all(cel(name))
    assert shape(one) == shape(two)
    for first, second in zip(one, two, strict=True):
        for key in ("started_at", "answered_at", "ended_at"):
            pair = getattr(first, key), getattr(second, key)
            assert (None in pair and pair[0] == pair[1]) or abs(pair[0] - pair[1]) <= timedelta(seconds=0.3)
        for leg, other in zip(first.legs, second.legs, strict=True):
            for key in ("offered_at", "answered_at", "left_at"):
                pair = getattr(leg, key), getattr(other, key)
                assert (None in pair and pair[0] == pair[1]) or abs(pair[0] - pair[1]) <= timedelta(seconds=0.3)


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_either_missing(name):
    """Each event is lost in at most one of the two."""
    dice = random.Random(name)
    one, two = ami(name), cel(name)
    lost = set(dice.sample(range(len(two)), len(two) // 4))
    rest = [event for place, event in enumerate(two) if place not in lost]
    assert shape(fold_all([*one, *rest])) == shape(fold_all(one))


@pytest.mark.parametrize("lag", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("name", NAMES)
def test_a_gap_in_what_was_heard(name, lag):
    """The bridge was away for a while, and read CEL when it came back; a busy AMI speaks later than CEL."""
    dice = random.Random(name)
    late = timedelta(seconds=lag)
    heard, written = [replace(event, at=event.at + late) for event in ami(name)], cel(name)
    held = any(want.get("hold_s") for want in expected(name))
    for _gap in range(15):
        away, back = sorted(dice.choices(range(len(heard) + 1), k=2))
        until = heard[back].at + timedelta(seconds=0.3) if back < len(heard) else None
        caught_up = [event for event in written if until is None or event.at <= until]
        calls = fold_all([*heard[:away], *heard[back:], *caught_up])
        check(calls, name, skip=("hold_s", "talk_s") if held else ("hold_s",))


@pytest.mark.parametrize("name", NAMES)
def test_session_without_times(name):
    """The same calls and legs, and no invented second."""

    def plain(raw):
        return b"\n".join(line for line in raw.splitlines() if not line.startswith(b"Timestamp:"))

    calls = fold_all(ami(name, plain))
    assert sorted(shape(calls)) == sorted(shape(fold_all(ami(name))))
    for call in calls:
        assert (call.started_at, call.answered_at, call.ended_at, call.ring_s) == (None, None, None, None)


@pytest.mark.parametrize("name", NAMES)
def test_noise_between_the_blocks(name):
    def noisy(raw):
        blocks = raw.replace(b"\r\n", b"\n").split(b"\n\n")
        return b"\n\n".join(b"[2026-11-22] VERBOSE[12]: noise\xff\x00 here\n" + block for block in blocks)

    assert shape(fold_all(ami(name, noisy))) == shape(fold_all(ami(name)))


@pytest.mark.parametrize("name", NAMES)
def test_each_whole_event_arrives_in_pieces(name):
    raw = (DATA / name / "ami.txt").read_bytes()
    dice, pieces = random.Random(name), []
    while raw:
        size = dice.randint(1, 700)
        pieces.append(raw[:size])
        raw = raw[size:]
    assert list(read_ami(pieces)) == ami(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_cel_however_it_was_exported(name, delimiter):
    """Other delimiter, columns and rows in another order, ISO times, names as in a database."""
    rows = list(csv.DictReader(io.StringIO(cel_text(name))))
    columns = [column for column in rows[0] if column not in ("cid_ani", "amaflags", "accountcode", "userdeftype")]
    random.Random(name).shuffle(columns)
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter)
    out.writerow(columns)
    for row in reversed(rows):
        seconds, _dot, fraction = row["eventtime"].partition(".")
        moment = datetime.fromtimestamp(int(seconds)).astimezone() + timedelta(microseconds=int(fraction))
        out.writerow([moment.isoformat(sep=" ") if column == "eventtime" else row[column] for column in columns])
    again = fold_all(read_cel(text.getvalue().splitlines()))
    assert [call.to_dict() for call in again] == [call.to_dict() for call in fold_all(cel(name))]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", [ami, cel])
def test_a_prefix_is_never_longer(name, source):
    events = source(name)
    whole = {call.call_id: call for call in fold_all(events)}
    aliases = {alias: call for call in whole.values() for alias in call.aliases}
    for size in range(1, len(events), 7):
        for part in fold_all(events[:size]):
            call = whole.get(part.call_id) or aliases[part.call_id]
            if part.disposition == "in_progress" or part.call_id in aliases:
                continue
            assert part.ended_at <= call.ended_at
            assert all((getattr(part, key) or 0) <= (getattr(call, key) or 0) + 0.001 for key in SECONDS)


@pytest.mark.parametrize("name", ["inbound_busy", "queue_given_up", "inbound_answered", "group_answered"])
def test_cel_without_its_extra_column(name):
    """The call is there, and a note says what cannot be known."""
    rows = list(csv.DictReader(io.StringIO(cel_text(name))))
    text = io.StringIO()
    out = csv.DictWriter(text, [column for column in rows[0] if column != "extra"], extrasaction="ignore")
    out.writeheader()
    out.writerows(rows)
    (call,) = fold_all(read_cel(text.getvalue().splitlines()))
    (want,) = expected(name)
    assert call.disposition == ("answered" if want["disposition"] == "answered" else "missed")
    assert call.talk_s == pytest.approx(want["talk_s"], abs=0.5)
    assert any("extra column" in note for note in call.notes)


CDR_KNOWS = {"inbound_answered", "inbound_not_answered", "outbound_answered", "outbound_busy", "internal"}


@pytest.mark.parametrize("name", sorted(CDR_KNOWS & set(NAMES)))
def test_cdr(name):
    calls = fold_all(read_cdr((DATA / name / "Master.csv").read_text().splitlines()))
    assert [(call.direction, call.disposition) for call in calls] == [
        (want["direction"], want["disposition"]) for want in expected(name)
    ]
    for call, want in zip(calls, expected(name), strict=True):
        assert call.talk_s == pytest.approx(want["talk_s"], abs=1.01)
        assert call.hold_s is None


def test_cdr_of_a_local_channel():
    """Two rows, one call; the second tells when the phone answered."""
    (call,) = fold_all(read_cdr((DATA / "queue_local_member" / "Master.csv").read_text().splitlines()))
    assert (call.disposition, call.talk_s, [leg.number for leg in call.legs]) == ("answered", 3, ["201"])


@pytest.mark.parametrize("name", ["queue_answered", "queue_declined"])
def test_cdr_of_a_queue(name):
    """Who took it is known; for how long is not, since CDR counts from the first ring."""
    (call,) = fold_all(read_cdr((DATA / name / "Master.csv").read_text().splitlines()))
    (want,) = expected(name)
    taken = {leg["number"] for leg in want["legs"] if leg["outcome"] == "answered"}
    assert {leg.number for leg in call.legs if leg.outcome == "answered"} == taken
    assert (call.disposition, call.talk_s, call.answered_at) == ("answered", None, None)
    assert any("queue" in note for note in call.notes)


def test_there_are_recordings():
    assert len(NAMES) >= 20
