"""What the PBX's own record has, counted: exact numbers, no false alarm, nothing told of calls outside the scope."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from servers import SCOPE
from stories import ANSWERED, ATTENDED, START, story
from test_process import CEL_HEADER, cel_rows

from lib.ami import read_ami
from lib.audit import Audits, Count
from lib.cdr import read_cdr
from lib.cel import read_cel
from lib.client import Unreachable
from lib.fold import fold_all
from lib.history import CelFile, HistoryProblem, NoHistory
from lib.notices import Notices
from lib.scope import Gate, Scope
from lib.spool import Spool

DATA = Path(__file__).with_name("data")
SCENARIOS = sorted(path.parent for path in DATA.glob("*/cel.csv"))
ALL = Scope.from_answer({**SCOPE, "extensions": {str(number): True for number in (*range(100, 120), *range(200, 220))}})
DAY = timedelta(days=1)


def count_of(events, scope=ALL, begin=START - timedelta(hours=1), end=START + DAY):
    count, told = Count(scope, begin, end), []
    for event in sorted(events, key=lambda event: event.at):
        told += count.feed(event)
    return count, told + count.finish()


def through_gate(events, scope):
    """The calls that the live side would log."""
    gate, out = Gate(scope), []
    for event in events:
        out += gate.feed(event, event.at.timestamp())
    return fold_all(out + gate.tick(events[-1].at.timestamp() + 60), scope.site)


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_record_and_what_was_heard_agree(folder):
    """Recorded calls of a real PBX: what CEL tells is what AMI told, so that nothing raises a false alarm."""
    cel = list(read_cel(open(folder / "cel.csv", encoding="utf-8")))  # noqa: SIM115
    ami = [event for event in read_ami(iter([(folder / "ami.txt").read_bytes()])) if event.at]
    live = {call.call_id: call for call in through_gate(ami, ALL) if call.started_at}
    begin = min(event.at for event in cel) - timedelta(seconds=1)
    count, told = count_of(cel, begin=begin, end=begin + DAY)
    assert {call.call for call in told} == live.keys()
    assert count.calls == len(told)
    for call in told:
        other = live[call.call]
        assert abs((call.started_at - other.started_at).total_seconds()) < 1
        if other.ended_at and call.ended_at:
            assert abs((call.ended_at - other.ended_at).total_seconds()) < 1
        if call.talk_s is not None and other.talk_s is not None:
            assert other.talk_s - 1 <= call.talk_s <= other.talk_s + (other.hold_s or 0) + 1


def test_outside_the_scope_there_is_a_number_and_no_more():
    scope = Scope.from_answer({**SCOPE, "extensions": {"101": True, "109": False}})
    inside = story(
        "0 started c PJSIP/trunk +12025550101 +31201000101", "1 started p PJSIP/101", "8 ended p 16", "8 ended c 16"
    )
    outside = [
        event
        for number in range(30)
        for event in story(
            f"{number} started {number} PJSIP/109 109 +12025550100",
            f"{number}.1 started {number}x PJSIP/trunk +12025550100",
            f"{number + 9} ended {number}x 16",
            f"{number + 9} ended {number} 16",
            call=str(number),
        )
    ]
    count, told = count_of([*inside, *outside], scope)
    assert ([call.call for call in told], count.calls, count.outside) == (["c"], 1, 30)
    assert "5550" not in json.dumps([call.to_dict() for call in told])


def test_a_day_begins_and_ends():
    def at(hours, call):
        return story(
            "0 started c PJSIP/trunk +1202 +3120", "9 ended c 16", call=call, start=START + timedelta(hours=hours)
        )

    def renamed(events, call):
        return [type(event)(call + event.id, event.type, call, call, event.at, "cel", event.data) for event in events]

    events = [event for hours in (-2, 0, 1, 30) for event in renamed(at(hours, str(hours)), f"h{hours}")]
    # began the day before, and lasts: its beginning is not in what is read
    events += renamed(story("5 answered c", "20 ended c 16"), "before")
    count, told = count_of(events, begin=START - timedelta(seconds=5), end=START + timedelta(hours=2))
    assert ([call.call for call in told], count.outside) == (["h0", "h1"], 0)


def test_a_call_that_lasts_is_told_without_an_end():
    [call] = count_of(ANSWERED[:8])[1]
    assert (call.call, call.ended_at) == ("c", None)
    # calls that became one are told as one
    assert [call.call for call in count_of(ATTENDED)[1]] == ["c"]


def test_memory_is_bounded_by_what_goes_on_at_once():
    count, most = Count(ALL, START - DAY, START + 9 * DAY), 0
    for number in range(4000):
        for event in story(
            "0 started c PJSIP/trunk +12025550101 +31201000101",
            "0.1 started p PJSIP/101",
            "9 ended p 16",
            "9 ended c 16",
            start=START + timedelta(seconds=20 * number),
        ):
            ident = f"{number}.{event.leg}"
            count.feed(
                type(event)(f"{ident}{event.type}", event.type, f"{number}.c", ident, event.at, "cel", event.data)
            )
            most = max(most, len(count._held))
    count.finish()
    assert count.calls == 4000 and most < 5100


# --- asked and told ---


class Client:
    """Takes what is told of audits; the real route is tested in Odoo's tests."""

    def __init__(self, *answers):
        self.told, self.answers = [], list(answers)

    def post(self, path, body):
        assert path.endswith("/audit")
        self.told.append(json.loads(body))
        answer = self.answers.pop(0) if self.answers else {"go": True}
        if isinstance(answer, Exception):
            raise answer
        return answer


def audits(tmp_path, client, history, **options):
    asked = {"id": "7.1", "from": "2026-11-02T08:00:00Z", "until": "2026-11-03T08:00:00Z"}
    scope = Scope.from_answer({**SCOPE, "audit": [asked]})
    return Audits(history, Spool(tmp_path / "spool.db"), client, Notices(), lambda: scope, **options)


def record(tmp_path, calls):
    file = tmp_path / "Master.csv"
    rows = "".join(cel_rows(f"{number}.1", START.timestamp() + 30 * number) for number in range(calls))
    file.write_text(CEL_HEADER + rows + cel_rows("5000.1", START.timestamp() + 5, phone="109"))
    return CelFile(file)


def test_a_question_is_answered_once_and_in_pieces(tmp_path):
    client = Client({"go": True}, {"go": True}, {"look_for": ["3.1", "5000.1", "nowhere"]}, {"go": False})
    made = audits(tmp_path, client, record(tmp_path, 1100))
    made.step()
    assert [len(told["calls"]) for told in client.told] == [500, 500, 100, 0]
    assert len({told["run"] for told in client.told}) == 1 and all(told["id"] == "7.1" for told in client.told)
    assert client.told[2]["total"] == {"calls": 1100, "outside": 1} and "total" not in client.told[1]
    # of the calls that Odoo knows, it says which of them it saw
    assert client.told[3]["seen"] == ["3.1", "5000.1"]
    assert "5556677" not in json.dumps(client.told) and "5000.1" not in json.dumps(client.told[:3])
    made.step()
    assert len(client.told) == 4


def test_it_waits_and_stops_and_begins_anew(tmp_path):
    client, ready = Client(Unreachable("away")), [False]
    made = audits(tmp_path, client, record(tmp_path, 3), ready=lambda: ready[0])
    made.step()
    assert not client.told, "what is not caught up would look lost"
    ready[0] = True
    assert made.step() > 0 and len(client.told) == 1
    made.step()
    assert len(client.told) == 2 and client.told[1]["total"]["calls"] == 3


def test_another_bridge_was_faster(tmp_path):
    client = Client({"go": False})
    audits(tmp_path, client, record(tmp_path, 1100)).step()
    assert len(client.told) == 1


def test_without_a_record_it_says_so(tmp_path):
    client = Client()
    audits(tmp_path, client, NoHistory()).step()
    assert client.told[0]["problem"] == "none"

    class Broken:
        source = "cel"

        def since(self, moment, until=None):
            raise HistoryProblem("The record cannot be read: check its rights")

    client = Client()
    (tmp_path / "b").mkdir()
    audits(tmp_path / "b", client, Broken()).step()
    assert "check its rights" in client.told[0]["problem"]


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_cdr_tells_of_every_call_that_it_has(folder):
    """A consultation, or the second leg of a transfer, may be a call of its own there; Odoo knows both ids."""
    with open(folder / "Master.csv", encoding="utf-8") as file:
        cdr = list(read_cdr(file))
    ami = [event for event in read_ami(iter([(folder / "ami.txt").read_bytes()])) if event.at]
    live = [call for call in through_gate(ami, ALL) if call.started_at]
    if not cdr:
        assert folder.name in ("click_own_unanswered", "inbound_unreachable", "pbx_killed")
        return
    begin = min(event.at for event in cdr) - timedelta(seconds=2)
    count, told = count_of(cdr, begin=begin, end=begin + DAY)
    assert count.outside == 0
    assert {call.call_id for call in live} <= {call.call for call in told}
    assert {call.call for call in told} <= {ref for event in ami for ref in (event.call, event.leg)}
