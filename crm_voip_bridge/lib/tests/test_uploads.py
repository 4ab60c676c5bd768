"""Files of sound on their way from the PBX's folder to Odoo."""

import logging
import os
import time
from datetime import datetime, timedelta

import pytest
from servers import KEY, SCOPE, SECRET, Odoo, Pbx, until
from test_process import blocks, running, stopped
from test_sound import wave

from lib.backoff import Backoff
from lib.client import OdooClient
from lib.events import UTC, Event, event_id
from lib.notices import Notices
from lib.process import Intake
from lib.recordings import FORGOTTEN, GIVE_UP_DAYS, NotUsable, Uploads, opened
from lib.scope import Scope
from lib.sound import MOST_BYTES
from lib.spool import DAY, Spool

ON = {**SCOPE, "recordings": True}
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def odoo():
    server = Odoo()
    yield server
    server.close()


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, "crm_voip_bridge")
    return caplog


class Desk:
    """A folder, a spool, an Odoo, and a clock that this test turns."""

    def __init__(self, tmp_path, odoo, scope=ON):
        self.folder = tmp_path / "monitor"
        self.folder.mkdir(exist_ok=True)
        self.now, self.odoo = START.timestamp(), odoo
        self.path = tmp_path / "spool.db"
        self.scope = Scope.from_answer(scope)
        self.restart()

    def restart(self):
        """Everything that is only in memory is gone."""
        if hasattr(self, "spool"):
            self.spool.close()
        self.spool = Spool(self.path, clock=lambda: self.now)
        client = OdooClient(self.odoo.url, KEY, SECRET, timeout=5.0)
        backoff = Backoff(5, 300, chance=lambda: 0.99)
        self.uploads = Uploads(
            self.folder,
            self.spool,
            client,
            Notices(repeat=1e9),
            lambda: self.scope,
            clock=lambda: self.now,
            backoff=backoff,
        )

    def told(self, file, leg="l1", call="c1", ended=True):
        """The bridge hears of a recording, and that its leg ended."""
        events = [Event(f"r{leg}{file}", "recorded", call, leg, START, "ami", {"file": file})]
        self.spool.add(events, recordings=events)
        if ended:
            self.ends(leg, call)

    def ends(self, leg="l1", call="c1"):
        self.spool.add([Event(f"e{leg}", "ended", call, leg, START, "ami", {})])

    def write(self, name="a.wav", data=b""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data or wave())
        return path

    def run(self, seconds):
        """Let time pass, looking for work as the bridge does."""
        until_then = self.now + seconds
        while self.now < until_then:
            wait = self.uploads.step()
            self.now += min(max(wait, 1), until_then - self.now)
        return self.sent

    @property
    def sent(self):
        return [about["file"] for about, _data in self.odoo.recordings]

    def states(self):
        return dict(self.spool._db.execute("SELECT name, state FROM recording"))


@pytest.fixture
def desk(tmp_path, odoo):
    desk = Desk(tmp_path, odoo)
    yield desk
    desk.spool.close()


# --- the usual way ---


def test_sent_once_the_leg_has_ended_and_the_file_is_quiet(desk):
    desk.told("/var/spool/asterisk/monitor/a.wav", ended=False)
    desk.write()
    assert desk.run(60) == []
    desk.ends()
    assert desk.run(30) == ["a.wav"]
    about, data = desk.odoo.recordings[0]
    assert data == wave()
    assert (about["call"], about["leg"], about["bridge"]) == ("c1", "l1", desk.spool.id)
    assert about["at"].startswith("2026-11-22T09:00:00")
    assert desk.run(DAY) == ["a.wav"]


def test_a_file_that_grows_waits(desk):
    desk.told("a.wav")
    for size in range(1, 40):
        desk.write(data=b"x" * size)
        assert desk.run(4) == []
    assert desk.run(20) == ["a.wav"]


def test_after_the_end_it_may_still_be_written(desk):
    """Nothing is written on hold either, so a quiet file of a call that lasts is not finished."""
    desk.told("a.wav", ended=False)
    desk.write()
    assert desk.run(FORGOTTEN / 2) == []
    desk.ends()
    desk.uploads.step()
    assert desk.sent == []


def test_an_end_that_nobody_heard(desk):
    desk.told("a.wav", ended=False)
    desk.write()
    assert desk.run(FORGOTTEN - 60) == []
    assert desk.run(180) == ["a.wav"]


def test_a_call_that_an_entry_closes_has_ended(desk):
    desk.told("a.wav", ended=False)
    desk.write()
    desk.spool.add([Event("x", "closed", "c1", "", START, "ami", {})])
    assert desk.run(30) == ["a.wav"]


def test_a_file_that_comes_late(desk):
    desk.told("a.wav")
    assert desk.run(2 * 3600) == []
    desk.write()
    assert desk.run(3600) == ["a.wav"]


def test_restart_sends_nothing_twice_and_forgets_nothing(desk):
    desk.told("a.wav")
    desk.told("b.wav", leg="l2")
    desk.write("a.wav")
    desk.run(60)
    desk.restart()
    desk.write("b.wav")
    desk.told("a.wav")  # the PBX's history is read again
    assert desk.run(DAY) == ["a.wav", "b.wav"]


def test_what_was_sent_is_forgotten_with_the_events(desk):
    desk.told("a.wav")
    desk.told("never.wav", leg="l2")
    desk.write()
    desk.run(60)
    desk.now += 8 * DAY
    desk.spool.purge()
    assert list(desk.states()) == ["never.wav"]


# --- the switch ---


def test_nothing_happens_unless_odoo_wants_it(desk):
    desk.told("a.wav")
    desk.write()
    for scope in (None, Scope.from_answer(SCOPE), Scope.from_answer({**SCOPE, "recordings": "yes"})):
        desk.scope = scope
        assert desk.run(3600) == []
    desk.scope = Scope.from_answer(ON)
    assert desk.run(60) == ["a.wav"]


def test_odoo_may_close_it_before_the_scope_says_so(desk, lines):
    desk.odoo.refuses = (403, "recordings")
    desk.told("a.wav")
    desk.write()
    assert desk.run(600) == []
    desk.odoo.refuses = None
    assert desk.run(120) == ["a.wav"]
    assert not [record for record in lines.records if record.levelno >= logging.ERROR]


# --- answers ---


def test_a_call_that_odoo_does_not_have_yet(desk):
    desk.odoo.refuses = (404, "call")
    desk.told("a.wav")
    desk.write()
    assert desk.run(4 * 3600) == []
    # asked again, less and less often
    assert 7 <= desk.spool._db.execute("SELECT tries FROM recording").fetchone()[0] <= 12
    desk.odoo.refuses = None
    assert desk.run(3700) == ["a.wav"]


@pytest.mark.parametrize(("answer", "state"), [((410, "gone"), "gone"), ((422, "sound"), "given up")])
def test_a_final_no(desk, answer, state):
    desk.odoo.refuses = answer
    desk.told("a.wav")
    desk.write()
    desk.run(60)
    assert desk.states() == {"a.wav": state}
    desk.odoo.refuses = None
    assert desk.run(DAY) == []


def test_a_proxy_finds_it_too_large(desk, lines):
    desk.odoo.refuses = (413, "")
    desk.told("a.wav")
    desk.told("b.wav", leg="l2")
    desk.write()
    desk.write("b.wav")
    desk.run(600)
    assert "client_max_body_size 64m" in lines.text
    desk.odoo.refuses = None
    assert desk.run(3600) == ["a.wav", "b.wav"]


def test_odoo_is_away(desk, lines):
    desk.odoo.answers = [503, 500, 429, 401]
    desk.told("a.wav")
    desk.write()
    assert desk.run(1200) == ["a.wav"]
    assert "look into Odoo's log" in lines.text and "201234567" not in lines.text


def test_given_up_with_one_line(desk, lines):
    desk.told("nothing.wav")
    desk.odoo.refuses = (404, "call")
    desk.told("b.wav", leg="l2")
    desk.write("b.wav")
    desk.run((GIVE_UP_DAYS - 1) * DAY)
    assert "given" not in lines.text and "not sent" not in lines.text
    desk.run(2 * DAY)
    assert desk.states() == {"nothing.wav": "given up", "b.wav": "given up"}
    assert len([record for record in lines.records if "not sent to Odoo" in record.message]) == 2


def test_too_large_and_empty(desk):
    desk.told("big.wav")
    desk.told("empty.wav", leg="l2")
    with open(desk.write("big.wav"), "r+b") as file:
        file.truncate(MOST_BYTES + 1)
    desk.write("empty.wav").write_bytes(b"")
    desk.run(60)
    assert desk.states() == {"big.wav": "given up", "empty.wav": "given up"}
    assert desk.sent == []


# --- which file ---


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("{folder}/a.wav", "a.wav"),
        ("a.wav", "a.wav"),
        ("2026/11/22/a.wav", "2026/11/22/a.wav"),
        ("/srv/pbx/spool/monitor/2026/11/22/a.wav", "2026/11/22/a.wav"),
        ("/srv/pbx/spool/monitor/a.WAV", "a.WAV"),
        ("a.wav", "a.mp3"),
        ("/elsewhere/2026/a.wav", "2026/a.mp3"),
    ],
)
def test_the_pbx_may_see_its_folder_elsewhere(desk, said, there):
    desk.write(there)
    with opened(desk.folder, said.format(folder=desk.folder)) as file:
        assert file.read() == wave()


def test_the_longest_end_of_a_path_wins(desk):
    desk.write("a.wav", b"of another day")
    desk.write("22/a.wav", b"of this day")
    with opened(desk.folder, "/monitor/2026/11/22/a.wav") as file:
        assert file.read() == b"of this day"


@pytest.mark.parametrize(
    "said",
    [
        "../secret.wav",
        "/monitor/../secret.wav",
        "/monitor/22/../../secret.wav",
        "./a.wav",
        ".hidden.wav",
        ".wav",
        "a.conf",
        "a",
        "",
        "/",
        "a.wav\x00.txt",
        "a\n.wav",
        "..\\secret.wav",
    ],
)
def test_a_name_that_no_recording_has(desk, said):
    (desk.folder.parent / "secret.wav").write_bytes(wave())
    desk.write()
    with pytest.raises(NotUsable):
        opened(desk.folder, said)
    desk.told(said)
    desk.run(60)
    assert desk.sent == []


def test_nothing_outside_the_folder_and_nothing_but_files(desk):
    outside = desk.folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(wave())
    (desk.folder / "link.wav").symlink_to(outside / "secret.wav")
    (desk.folder / "dir").symlink_to(outside)
    (desk.folder / "folder.wav").mkdir()
    os.mkfifo(desk.folder / "pipe.wav")
    for place, said in enumerate(
        (str(outside / "secret.wav"), "link.wav", "dir/secret.wav", "folder.wav", "pipe.wav", "/dev/zero.wav")
    ):
        desk.told(said, leg=f"l{place}")
    desk.run(DAY)
    assert desk.odoo.recordings == []


def test_the_folder_itself_may_be_a_link(desk):
    desk.write()
    link = desk.folder.parent / "link"
    link.symlink_to(desk.folder)
    opened(link, str(link / "a.wav")).close()
    opened(link, str(desk.folder / "a.wav")).close()


def test_a_folder_that_is_not_there_is_said_once(desk, lines):
    desk.told("a.wav")
    desk.write()
    desk.folder.rename(desk.folder.with_name("away"))
    assert desk.run(3600) == []
    assert lines.text.count("check [recordings] folder") == 1
    desk.folder.with_name("away").rename(desk.folder)
    assert desk.run(3600) == ["a.wav"]


# --- only what may be recorded ---


def intake_of(desk, scope=None):
    intake = Intake(desk.spool, clock=lambda: desk.now)
    intake.keeps_sound, intake.ready = True, True
    intake.set_scope(scope or desk.scope, 0.0)
    return intake


def call_with(phones, file="a.wav", call="c", transfer=()):
    """A customer whose line is recorded rings phones one after the other; each answers."""
    events = []

    def add(second, kind, leg, **data):
        at = START + timedelta(seconds=second)
        events.append(Event(event_id("ami", call, kind, leg, str(second)), kind, call, leg, at, "ami", data))

    add(0, "started", call, channel="PJSIP/trunk-00000001", number="+12025550101", dialled="+31201000101")
    add(0.05, "recorded", call, file=file)
    for place, phone in enumerate((*phones, *transfer)):
        leg, second = f"{call}.{place}", 10 * place
        add(second + 1, "started", leg, channel=f"PJSIP/{phone}-0000001{place}")
        add(second + 1.1, "ringing", leg, by=call)
        if place and phone not in transfer:
            add(second + 2, "dial_ended", leg, by=call, status="CANCEL")
        else:
            add(second + 2, "answered", leg)
            add(second + 2.1, "bridged", leg, bridge="b")
        add(second + 9, "ended", leg, cause=16)
    add(60, "ended", call, cause=16)
    return events


def taken(desk, events, scope=None):
    """What the spool is left with of some events."""
    intake = intake_of(desk, scope)
    for place, event in enumerate(events):
        intake.take(event, float(place))
        intake.tick(float(place))
    intake.tick(1e4)
    intake.save()
    return desk.states()


def test_a_call_of_a_ticked_phone(desk):
    assert taken(desk, call_with(["101"])) == {"a.wav": "waiting"}
    desk.write()
    assert desk.run(60) == ["a.wav"]


def test_an_unticked_phone_leaves_nothing(desk):
    assert taken(desk, call_with(["109"])) == {}


def test_a_phone_that_only_rang_does_not_matter(desk):
    assert taken(desk, call_with(["101", "109"])) == {"a.wav": "waiting"}


def test_an_unticked_phone_that_is_heard_later(desk):
    """The recording goes on through a transfer: the call is kept, its sound is not."""
    assert taken(desk, call_with(["101"], transfer=["109"])) == {"a.wav": "withheld"}
    desk.write()
    assert desk.run(DAY) == []


def test_an_unticked_phone_that_was_heard_before(desk):
    events = call_with(["101"], transfer=["109"])
    second = Event("later", "recorded", "c", "c", START + timedelta(seconds=20), "ami", {"file": "b.wav"})
    assert taken(desk, [*events[:-1], second, events[-1]]) == {"a.wav": "withheld"}


def test_a_file_named_after_somebody_who_is_not_recorded(desk):
    assert taken(desk, call_with(["101"], file="109-to-101.wav", transfer=["102"])) == {}


def test_recorded_while_the_switch_was_off(desk):
    """Nobody was told then that Odoo would have it."""
    assert taken(desk, call_with(["101"]), Scope.from_answer(SCOPE)) == {}


# --- the process ---


@pytest.mark.slow
def test_from_the_pbx_to_odoo(tmp_path, odoo, monkeypatch):
    monkeypatch.setattr("lib.recordings.QUIET", 0.2)
    monkeypatch.setattr("lib.recordings.PAUSE", 0.05)
    monkeypatch.setattr("lib.process.LATE_ROWS", 0.05)
    folder = tmp_path / "monitor"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "x.wav").write_bytes(wave(2))
    odoo.scope = dict(ON)
    pbx = Pbx()
    bridge = running(tmp_path, odoo, pbx, recordings=str(folder))
    until(lambda: bridge.intake.ready)
    call = "1795328804.2"
    first, rest = blocks(call).split(b"\r\n\r\n", 1)
    recorded = (
        "Event: VarSet\r\nPrivilege: dialplan,all\r\nTimestamp: 1795328804.500000\r\n"
        f"Uniqueid: {call}\r\nLinkedid: {call}\r\nVariable: MIXMONITOR_FILENAME\r\n"
        "Value: /var/spool/asterisk/monitor/2026/x.wav\r\n\r\n"
    )
    pbx.say(first + b"\r\n\r\n" + recorded.encode() + rest)
    until(lambda: odoo.recordings)
    about, data = odoo.recordings[0]
    assert (about["call"], about["leg"], about["file"], data) == (call, call, "x.wav", wave(2))
    time.sleep(0.3)
    assert len(odoo.recordings) == 1
    assert stopped(bridge) == 0
    pbx.close()
