"""The proof notices what is wrong: a proof that cannot fail proves nothing."""

import json

import pytest
from kit import proof, scenarios_more
from kit.places import MAIN_ADDON, TOP
from kit.proof import compare, facts_told
from kit.scenarios import SCENARIOS

DATA = TOP / MAIN_ADDON / "lib/tests/data"
TOLD = {path.parent.name: json.loads(path.read_text()) for path in sorted(DATA.glob("*/expected.json"))}
CALLS = [(name, call) for name, one in TOLD.items() if name in SCENARIOS for call in one["calls"]]


def stored(call):
    """What Odoo would have if all were right."""
    facts = facts_told(call)
    return {"contact": None, "opportunity": None, "candidates": [], **json.loads(json.dumps(facts))}


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _call in CALLS])
def test_what_is_right_agrees(name, call):
    assert compare(facts_told(call), stored(call)) == []


@pytest.mark.parametrize(
    "field", ["direction", "disposition", "from_number", "to_number", "contact", "opportunity", "person"]
)
def test_a_wrong_word_is_noticed(field):
    call = TOLD["inbound_answered"]["calls"][0]
    assert compare(facts_told(call), {**stored(call), field: "wrong"})
    assert compare(facts_told(call), {**stored(call), field: None})


@pytest.mark.parametrize("field", [*proof.SECONDS, "started", "answered", "ended"])
def test_a_wrong_time_is_noticed(field):
    call = TOLD["inbound_answered"]["calls"][0]
    right = stored(call)
    assert compare(facts_told(call), {**right, field: right[field] + 0.6})
    assert not compare(facts_told(call), {**right, field: right[field] + 0.4})
    assert compare(facts_told(call), {**right, field: None}), "not measured is not 0"


def test_whole_seconds_are_no_difference():
    call = TOLD["inbound_answered"]["calls"][0]
    right = stored(call)
    assert not compare(facts_told(call), {**right, "started": float(int(right["started"]))})


@pytest.mark.parametrize("field", ["number", "role", "outcome", "person", "talk_s", "answered"])
def test_a_wrong_leg_is_noticed(field):
    call = TOLD["group_answered"]["calls"][0]
    right = stored(call)
    right["legs"][1][field] = 99 if field in ("talk_s", "answered") else "wrong"
    assert compare(facts_told(call), right)


def test_a_leg_too_many_or_too_few_is_noticed():
    call = TOLD["group_answered"]["calls"][0]
    right = stored(call)
    assert compare(facts_told(call), {**right, "legs": right["legs"][:2]})
    assert compare(facts_told(call), {**right, "legs": right["legs"] + right["legs"][:1]})


def test_the_opportunity_is_that_of_the_person_on_the_call():
    first, second = (facts_told(call)["opportunity"] for call in TOLD["two_at_once"]["calls"])
    assert {first, second} == {"Lens testers", "Service contract 2026"}
    assert facts_told(TOLD["inbound_not_answered"]["calls"][0])["opportunity"] is None


def test_a_call_is_found_by_its_numbers_and_its_time():
    call = TOLD["inbound_answered"]["calls"][0]
    right = stored(call)
    later = {**right, "started": right["started"] + 60}
    assert proof._matching(call, [later, right]) is right
    assert proof._matching(call, [{**right, "to_number": "1"}]) is None


def test_every_scenario_is_recorded_and_every_recording_has_one():
    assert scenarios_more.SCENARIOS is SCENARIOS
    assert {path.name for path in DATA.iterdir() if (path / "expected.json").exists()} == set(SCENARIOS)


def test_recordings_hold_no_secret():
    for path in DATA.rglob("*"):
        if path.is_file():
            assert b"Secret:" not in path.read_bytes(), path


class Records:
    """A PBX whose records are two files."""

    def __init__(self, folder):
        self.data = folder


def history(tmp_path, name, change=lambda text: text):
    for source, target in (("cel.csv", "log/cel-custom/Master.csv"), ("Linked.csv", "log/cdr-custom/Linked.csv")):
        path = tmp_path / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(change((DATA / name / source).read_text()))
    return proof.History(Records(tmp_path))


@pytest.mark.parametrize("name", [name for name, one in SCENARIOS.items() if one.once])
def test_asterisks_own_records_agree_with_the_telephones(tmp_path, name):
    records = history(tmp_path, name)
    assert [records.check(call) for call in TOLD[name]["calls"]] == [[]] * len(TOLD[name]["calls"])


@pytest.mark.parametrize(("old", "new"), [("ANSWERED", "NO ANSWER"), ("HANGUP", "OTHER"), ("CHAN_START", "OTHER")])
def test_a_contradiction_in_asterisks_records_is_noticed(tmp_path, old, new):
    records = history(tmp_path, "inbound_answered", lambda text: text.replace(old, new))
    assert records.check(TOLD["inbound_answered"]["calls"][0])
