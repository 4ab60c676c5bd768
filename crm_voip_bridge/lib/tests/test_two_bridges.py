"""Recorded calls, told again as if they happened now, to bridges that are killed: what Odoo gets makes the same calls."""

import re
import threading
import time
from pathlib import Path

import pytest
from servers import SCOPE, Odoo, Pbx, until
from test_process import listens, start_process

from lib.ami import read_ami
from lib.events import Event
from lib.fold import fold_all
from lib.scope import Scope

pytestmark = pytest.mark.slow

DATA = Path(__file__).with_name("data")
PLAYED = ("hold", "hold_to_the_end", "group_answered", "queue_answered", "transfer_attended", "inbound_not_answered")
EVERYBODY = {**SCOPE, "extensions": dict.fromkeys(("101", "102", "103", "104", "105", "201", "202"), True)}
_MOMENT = re.compile(rb"\b(\d{10})(?=\.\d)")
_TIME = re.compile(rb"^Timestamp: ([\d.]+)", re.M)


class Day:
    """The recordings at once, beginning now; the PBX tells them live and writes its channel event log."""

    def __init__(self, pbx: Pbx, log: Path):
        self.pbx, self.log = pbx, log
        begin = int(time.time()) + 1
        self.said: list[tuple[float, bytes]] = []
        self.written: list[tuple[float, bytes]] = []
        for name in PLAYED:
            text = (DATA / name / "ami.txt").read_bytes()
            blocks = [block for block in re.split(rb"\r?\n\r?\n", text) if _TIME.search(block)]
            later = begin - int(float(_TIME.search(blocks[0])[1]))

            def shift(text, later=later):
                return _MOMENT.sub(lambda found: str(int(found[1]) + later).encode(), text)

            for block in map(shift, blocks):
                self.said.append((float(_TIME.search(block)[1]), b"\r\n".join(block.splitlines()) + b"\r\n\r\n"))
            header, *rows = (DATA / name / "cel.csv").read_bytes().splitlines(keepends=True)
            self.written += [(float(row.split(b'"')[3]), row) for row in map(shift, rows)]
        log.write_bytes(header)
        self.said.sort(key=lambda one: one[0])
        self.written.sort(key=lambda one: one[0])
        self.begin, self.seconds = begin, self.said[-1][0] - begin
        self._thread = threading.Thread(target=self._play)

    def play(self):
        self._thread.start()

    def over(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float):
        time.sleep(max(0.0, self.begin + seconds - time.time()))

    def _play(self):
        todo = [(at, self._say, block) for at, block in self.said]
        todo += [(at + 0.02, self._write, row) for at, row in self.written]
        todo.sort(key=lambda one: one[0])
        for at, tell, what in todo:
            time.sleep(max(0.0, at - time.time()))
            tell(what)

    def _say(self, block: bytes):
        # whoever comes asks which channels there are
        if leg := re.search(rb"^Uniqueid: (\S+)", block, re.M):
            leg = leg[1].decode()
            if block.startswith(b"Event: Newchannel"):
                self.pbx.channels.append(leg)
            elif block.startswith(b"Event: Hangup\r"):
                self.pbx.channels.remove(leg)
        self.pbx.say(block)

    def _write(self, row: bytes):
        with open(self.log, "ab") as file:
            file.write(row)

    def calls(self, site):
        return told(read_ami(iter([block for _at, block in self.said])), site)


def told(events, site):
    return {call.call_id: call for call in fold_all(events, site)}


def differences(found, wanted):
    """What two accounts of the same calls do not agree in: texts exactly, times within what lies between AMI and CEL."""
    if found.keys() != wanted.keys():
        return [found.keys() ^ wanted.keys()]
    wrong = []
    for ident, call in wanted.items():
        other = found[ident]
        pairs = [(name, getattr(call, name), getattr(other, name)) for name in _TEXTS + _TIMES]
        pairs.append(("legs", len(call.legs), len(other.legs)))
        for one, two in zip(call.legs, other.legs, strict=False):
            pairs += [(name, getattr(one, name), getattr(two, name)) for name in _LEG]
        wrong += [(ident, *pair) for pair in pairs if not same(*pair[1:])]
    return wrong


def same(one, other):
    if one is None or other is None or isinstance(one, (str, int)):
        return one == other
    apart = one - other
    return abs(apart if isinstance(apart, float) else apart.total_seconds()) <= 0.3


_TEXTS = ("direction", "disposition", "from_number", "to_number", "queue")
_TIMES = ("started_at", "answered_at", "ended_at", "talk_s", "hold_s", "queue_s", "ring_s", "ivr_s")
_LEG = ("number", "role", "outcome", "answered_at", "left_at", "talk_s")


@pytest.fixture
def day(tmp_path):
    pbx, odoo = Pbx(), Odoo()
    yield Day(pbx, tmp_path / "Master.csv"), pbx, odoo
    odoo.close()
    pbx.close()


def bridge(tmp_path, odoo, pbx, name, log):
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    pbx_sessions = len(pbx.queues)
    child = start_process(folder, odoo, pbx, CRM_VOIP_BRIDGE_CEL_FILE=str(log))
    until(lambda: len(pbx.queues) > pbx_sessions)
    until(lambda: listens(folder))
    return child


def received(odoo):
    return [Event.from_dict(event) for event in list(odoo.events.values())]


@pytest.mark.parametrize("killed", [(), ("one",), ("one", "two")])
def test_two_bridges_give_the_calls_of_one(day, tmp_path, killed):
    """Both run, and either is killed in mid-call and comes back; also both, one after the other."""
    day, pbx, odoo = day
    odoo.scope = {**EVERYBODY, "bridges": 2}
    site = Scope.from_answer(odoo.scope).site
    alive = {name: bridge(tmp_path, odoo, pbx, name, day.log) for name in ("one", "two")}
    # the bridges were ready before the first call; it begins when its second comes
    day.__init__(pbx, day.log)
    day.play()
    for place, name in enumerate(killed):
        day.wait(2.0 + 1.7 * place)
        alive[name].kill()
        alive[name].wait()
        sessions = len(pbx.queues)
        time.sleep(0.4)
        alive[name] = bridge(tmp_path, odoo, pbx, name, day.log)
        assert sessions
    until(day.over, 30)
    wanted = day.calls(site)
    assert len(wanted) >= len(PLAYED) and any(call.hold_s for call in wanted.values()), (
        "there is something to be missed"
    )
    # of what nobody heard from beginning to end, hold is empty, and never wrong
    allowed = {"hold_s", "talk_s"} if len(killed) > 1 else set()

    def wrong():
        found = told(received(odoo), site)
        return [
            one
            for one in differences(found, wanted)
            if len(one) < 3 or one[1] not in allowed or found[one[0]].hold_s is not None
        ]

    until(lambda: not wrong(), 15)
    time.sleep(1)
    assert not wrong()
    for child in alive.values():
        child.terminate()
    assert [child.wait(15) for child in alive.values()] == [0, 0]


def test_calls_that_were_live_when_the_bridge_died_end_at_their_true_time(day, tmp_path):
    """One bridge, killed in mid-call, back when all is over: the PBX's record tells the rest."""
    day, pbx, odoo = day
    odoo.scope = EVERYBODY
    site = Scope.from_answer(odoo.scope).site
    child = bridge(tmp_path, odoo, pbx, "one", day.log)
    day.__init__(pbx, day.log)
    day.play()
    day.wait(2.0)
    child.kill()
    child.wait()
    pbx.queues.clear()
    until(day.over, 30)
    child = bridge(tmp_path, odoo, pbx, "one", day.log)
    wanted = day.calls(site)

    def wrong():
        # nobody could hear a hold meanwhile
        found = told(received(odoo), site)
        return [
            one
            for one in differences(found, wanted)
            if len(one) < 3 or one[1] not in ("hold_s", "talk_s") or found[one[0]].hold_s is not None
        ]

    until(lambda: not wrong(), 15)
    child.terminate()
    assert child.wait(15) == 0
