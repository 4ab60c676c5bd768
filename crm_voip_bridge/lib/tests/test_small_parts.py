"""Back-off, notices, configuration, history, the client's lines, the downloadable file, the commands."""

import io
import json
import logging
import ssl
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import KEY, SECRET, Odoo, Pbx, unused_port

from lib import package
from lib.backoff import Backoff
from lib.client import (
    EVENTS_PATH,
    NotThere,
    OdooClient,
    Refused,
    TlsProblem,
    TooLarge,
    Unreachable,
    bridge_head,
    events_body,
)
from lib.commands import main
from lib.config import OPTIONS, Config, ConfigProblem, render
from lib.events import UTC, Event
from lib.history import CelFile, HistoryProblem
from lib.notices import Notices, masked
from lib.spool import Spool

ADDON = Path(__file__).parents[2]
DATA = Path(__file__).with_name("data")


# --- back-off and notices ---


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 40))
def test_waits_grow_to_a_limit(chance, tries):
    backoff = Backoff(1, 60, lambda: chance)
    waits = [backoff.next() for _try in range(tries)]
    assert all(0.5 <= wait <= 60 for wait in waits) and waits == sorted(waits)
    assert backoff.waiting
    backoff.reset()
    assert backoff.next() <= 1


def test_a_line_is_said_once_and_then_seldom(caplog):
    caplog.set_level(logging.INFO)
    now = [0.0]
    notices = Notices(logging.getLogger("test"), 900, lambda: now[0])
    said = sum(notices.say("odoo.tls", f"trouble {number}") for number in range(1000))
    assert said == 1
    now[0] = 901
    assert notices.say("odoo.tls", "trouble")
    assert "(999 more times meanwhile)" in caplog.text
    notices.over("odoo", "fine")
    notices.over("odoo", "fine")
    assert caplog.text.count("fine") == 1


@given(st.text(), st.from_regex(r"\+?[0-9]{6,15}", fullmatch=True), st.text())
def test_foreign_text_is_masked(before, number, after):
    said = masked(f"{before}{number}{after}", 2000)
    assert number not in said and "\n" not in said


# --- configuration ---


def given_options(**more):
    return {
        "CRM_VOIP_BRIDGE_ODOO_URL": "https://odoo.example",
        "CRM_VOIP_BRIDGE_ODOO_KEY": "k",
        "CRM_VOIP_BRIDGE_ODOO_SECRET": "s",
        "CRM_VOIP_BRIDGE_PBX_USER": "bridge",
        "CRM_VOIP_BRIDGE_PBX_SECRET": "p",
    } | {f"CRM_VOIP_BRIDGE_{name.upper()}": value for name, value in more.items()}


def test_the_example_file_is_what_the_options_say():
    assert (ADDON / "bridge" / "bridge.conf.example").read_text() == render()


def test_the_filled_in_file_reads_back(tmp_path):
    values = {f"{option.section}_{option.name}": option.default or "" for option in OPTIONS}
    values |= {"odoo_key": "k", "odoo_secret": "x%(y)s;#", "pbx_user": "u", "pbx_secret": "#;"}
    values["odoo_url"] = "https://odoo.example"
    path = tmp_path / "bridge.conf"
    path.write_text(render(values))
    config = Config(path, {})
    assert config.odoo_secret == "x%(y)s;#" and config.pbx_port == 5038 and config.pbx_tls is False
    assert Config(path, {"CRM_VOIP_BRIDGE_PBX_PORT": "5039"}).pbx_port == 5039
    with pytest.raises(ValueError):
        render({"odoo_key": "a\nb = c"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[odoo]\n", "[odoo] url is missing"),
        ("[odoo]\nurl = ftp://x\n", "https://"),
        ("[odoo]\nurl = https://x\nsecrte = hush\n", "Unknown option [odoo] secrte"),
        ("[pbx]\nport = many\n", "a positive number"),
        ("[pbx]\ntls = perhaps\n", "yes or no"),
        ("[cel]\nzone = Mars/Phobos\n", "time zone"),
        ("secret = hush\n", "no INI file"),
        ("[odoo]\nca_file = /not/there\n", "[odoo] ca_file"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_shown(tmp_path, text, said):
    path = tmp_path / "bridge.conf"
    path.write_text(text)
    environment = given_options() if "missing" not in said else {}
    if "url =" in text:
        del environment["CRM_VOIP_BRIDGE_ODOO_URL"]
    with pytest.raises(ConfigProblem) as caught:
        Config(path, environment)
    assert said in str(caught.value) and "hush" not in str(caught.value) and "\n" not in str(caught.value)


def test_warnings(tmp_path):
    path = tmp_path / "bridge.conf"
    path.write_text("")
    path.chmod(0o644)
    config = Config(path, given_options(odoo_url="http://odoo.example"))
    assert [line for line in config.warnings() if "chmod" in line or "TLS" in line] == config.warnings()
    assert len(config.warnings()) == 2
    path.chmod(0o640)
    assert Config(path, given_options(odoo_url="http://127.0.0.1:8069")).warnings() == []


# --- history ---

COLUMNS = "eventtype,eventtime,cid_num,exten,channame,uniqueid,linkedid"
START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def row(minute, call):
    at = (START + timedelta(minutes=minute)).timestamp()
    return f'"CHAN_START","{at:.6f}","101","0205556677","PJSIP/101-0000000{call % 10}","{call}.1","{call}.1"\n'


def test_history_is_read_from_the_end_of_a_large_file(tmp_path):
    path = tmp_path / "Master.csv"
    path.write_text("".join(row(minute / 10, minute) for minute in range(40_000)))
    events = list(CelFile(path, COLUMNS).since(START + timedelta(minutes=3990)))
    assert [event.call for event in events] == [f"{minute}.1" for minute in range(39_900, 40_000)]
    assert len(list(CelFile(path, COLUMNS).since(START))) == 40_000
    assert CelFile(path, COLUMNS).check() == START + timedelta(minutes=3999.9)


def test_history_goes_on_in_the_file_before_the_rotation(tmp_path):
    path = tmp_path / "Master.csv"
    (tmp_path / "Master.csv.1").write_text(row(1, 1) + row(2, 2))
    path.write_text(row(3, 3) + '"CHAN_START","17953')  # a row that is being written
    assert [event.call for event in CelFile(path, COLUMNS).since(START + timedelta(minutes=2))] == ["2.1", "3.1"]


@pytest.mark.parametrize("content", [None, "", "some,other,table\n1,2,3\n", "\x00\x01\n"])
def test_history_that_cannot_be_read_says_what_to_do(tmp_path, content):
    path = tmp_path / "Master.csv"
    if content is not None:
        path.write_text(content)
    for read in (lambda: list(CelFile(path).since(START)), CelFile(path).check):
        with pytest.raises(HistoryProblem, match=r"\[cel\]"):
            read()


def test_rubbish_in_the_history_is_passed_over(tmp_path):
    path = tmp_path / "Master.csv"
    path.write_bytes(row(1, 1).encode() + b'\xff\xfe"unclosed\n' + b"x" * 100_000 + b"\n" + row(2, 2).encode())
    assert [event.call for event in CelFile(path, COLUMNS).since(START)] == ["1.1", "2.1"]


# --- client ---


@pytest.fixture
def odoo():
    server = Odoo()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotThere), (302, NotThere), (413, TooLarge), (500, Exception), (401, Refused)]
)
def test_each_refusal_has_its_kind_and_one_line(odoo, status, kind):
    odoo.answers = [status]
    with pytest.raises(kind) as caught:
        OdooClient(odoo.url, KEY, SECRET).post(EVENTS_PATH, b"{}")
    text = str(caught.value)
    assert "\n" not in text and SECRET not in text and "31201234567" not in text


def test_nobody_there():
    with pytest.raises(Unreachable, match=r"check \[odoo\] url"):
        OdooClient(f"http://127.0.0.1:{unused_port()}", KEY, SECRET, timeout=1).post(EVENTS_PATH, b"{}")


def test_a_certificate_that_nobody_knows(tmp_path):
    names = "-keyout key.pem -out cert.pem -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names.split()],
        cwd=tmp_path,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = Odoo(context)
    try:
        with pytest.raises(TlsProblem, match="ca_file"):
            OdooClient(server.url, KEY, SECRET).post(EVENTS_PATH, b"{}")
        body = events_body(bridge_head("b", 0, "connected", 0), [], "v1")
        assert (
            OdooClient(server.url, KEY, SECRET, ca_file=str(tmp_path / "cert.pem")).post(EVENTS_PATH, body)["scope"]
            == "v1"
        )
    finally:
        server.close()


@pytest.mark.parametrize("off", [0.0, 900.0, -900.0])
def test_the_clock_is_measured_also_when_refused(odoo, off):
    odoo.clock = -off
    client = OdooClient(odoo.url, KEY, SECRET)
    body = events_body(bridge_head("b", 0, "connected", 0), [], "v1")
    try:
        client.post(EVENTS_PATH, body)
    except Refused as problem:
        assert ("ahead of" if off > 0 else "behind") in str(problem)
    assert abs(client.clock_off - off) < 2 and (off or client.clock_off == 0.0)


def test_the_body_is_what_the_protocol_says():
    text = json.dumps(Event("e", "started", "c").to_dict())
    values = json.loads(
        events_body(bridge_head("b", 3, "connected", 0), [text], "v", {"104", "103"}, {"2026-11-22": 1})
    )
    assert values["events"] == [Event("e", "started", "c").to_dict()]
    assert values["discovered"] == ["103", "104"] and values["scope"] == "v" and values["outside"] == {"2026-11-22": 1}
    assert set(values["bridge"]) == {"id", "version", "now", "waiting", "pbx"} and values["bridge"]["waiting"] == 3


# --- the downloadable file ---


def test_one_file_runs_without_anything_else(tmp_path):
    target = tmp_path / package.FILE_NAME
    package.build(target)
    assert target.stat().st_size < 2_000_000
    # -S -E: no installed packages, no environment
    command = [sys.executable, "-S", "-E", "-I", str(target)]
    told = subprocess.run(
        [*command, "replay", "--country", "NL", "--format", "ami", str(DATA / "hold" / "ami.txt")],
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.splitlines()[0])["disposition"] == "answered"
    assert subprocess.run([*command, "run"], capture_output=True, text=True, env={}).returncode == 78
    names = zipfile.ZipFile(target).namelist()
    assert any(name.startswith("licences/phonenumbers") for name in names)
    assert not any("geodata" in name or "tests" in name for name in names)


def test_equal_contents_give_equal_bytes():
    one, other = io.BytesIO(), io.BytesIO()
    package.build(one)
    package.build(other)
    assert one.getvalue() == other.getvalue()


# --- commands ---


def test_replay_prints_one_object_a_line_for_each_format(capsys, tmp_path):
    journal = tmp_path / "journal"
    from lib.ami import read_ami

    folder = DATA / "inbound_answered"
    journal.write_text(
        "".join(json.dumps(event.to_dict()) + "\n" for event in read_ami([(folder / "ami.txt").read_bytes()]))
    )
    for form, file in (
        ("ami", folder / "ami.txt"),
        ("cel", folder / "cel.csv"),
        ("cdr", folder / "Master.csv"),
        ("journal", journal),
    ):
        assert main(["replay", "--country", "NL", "--format", form, str(file)]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        call = json.loads(line)
        assert call["direction"] == "inbound" and call["disposition"] == "answered"


def test_replay_reads_standard_input():
    text = (DATA / "inbound_answered" / "ami.txt").read_bytes()
    for form, sent, lines in (("ami", text, 1), ("ami", b"\x00\xff" * 50_000, 0), ("journal", b"{}\nnull\n", 0)):
        told = subprocess.run(
            [sys.executable, str(ADDON / "bridge"), "replay", "--format", form, "-"], input=sent, capture_output=True
        )
        assert (told.returncode, len(told.stdout.splitlines()), told.stderr) == (0, lines, b"")


@pytest.mark.parametrize(
    "arguments", [["--format", "ami", "/not/there"], ["--format", "cel", str(ADDON / "bridge" / "__main__.py")]]
)
def test_replay_says_in_one_line_what_it_cannot_read(capsys, arguments):
    assert main(["replay", *arguments]) == 1
    told = capsys.readouterr()
    assert not told.out and len(told.err.splitlines()) == 1


def test_check_tries_everything(odoo, capsys, tmp_path, monkeypatch):
    pbx = Pbx()
    for name, value in given_options(odoo_url=odoo.url, odoo_key=KEY, odoo_secret=SECRET).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CRM_VOIP_BRIDGE_PBX_PORT", str(pbx.port))
    monkeypatch.setenv("CRM_VOIP_BRIDGE_PBX_SECRET", "pbx-secret")
    monkeypatch.setenv("CRM_VOIP_BRIDGE_SPOOL_FILE", str(tmp_path / "spool.db"))
    (tmp_path / "Master.csv").write_text(COLUMNS + "\n" + row(1, 1))
    monkeypatch.setenv("CRM_VOIP_BRIDGE_CEL_FILE", str(tmp_path / "Master.csv"))
    Spool(tmp_path / "spool.db").close()
    assert main(["check", "--seconds", "0.3"]) == 0
    good = capsys.readouterr().out
    assert "FAIL" not in good and "2 of 3 known extensions" in good and "PBX login" in good and "newest row" in good
    monkeypatch.setenv("CRM_VOIP_BRIDGE_PBX_SECRET", "wrong")
    monkeypatch.setenv("CRM_VOIP_BRIDGE_ODOO_SECRET", "wrong")
    monkeypatch.setenv("CRM_VOIP_BRIDGE_CEL_FILE", str(tmp_path / "nothing.csv"))
    monkeypatch.setenv("CRM_VOIP_BRIDGE_SPOOL_FILE", str(tmp_path / "no" / "spool.db"))
    assert main(["check", "--seconds", "0.3"]) == 1
    bad = capsys.readouterr().out
    assert bad.count("FAIL") == 4
    pbx.close()


def test_check_looks_for_recordings(odoo, capsys, tmp_path, monkeypatch):
    for name, value in given_options(odoo_url=odoo.url, odoo_key=KEY, odoo_secret=SECRET).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CRM_VOIP_BRIDGE_SPOOL_FILE", str(tmp_path / "spool.db"))

    def said(folder, wanted):
        monkeypatch.setenv("CRM_VOIP_BRIDGE_RECORDINGS_FOLDER", str(folder))
        odoo.scope["recordings"] = wanted
        main(["check", "--seconds", "0"])
        return [line for line in capsys.readouterr().out.splitlines() if "recordings:" in line]

    assert said("", False) == []
    assert said("", True)[0].startswith("note")
    assert "until they are switched on" in said(tmp_path, False)[0]
    assert said(tmp_path, True) == [f"ok   recordings: are sent from {tmp_path}"]
    assert said(tmp_path / "nothing", True)[0].startswith("FAIL")


def test_capture_reads_back(odoo, tmp_path, monkeypatch, capsys):
    pbx = Pbx()
    for name, value in given_options(pbx_port=str(pbx.port), pbx_secret="pbx-secret").items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "session.txt"
    assert main(["capture", "--seconds", "0.5", str(file)]) == 0
    assert b"FullyBooted" in file.read_bytes() and b"pbx-secret" not in file.read_bytes()
    assert main(["replay", "--format", "ami", str(file)]) == 0
    assert main(["capture", "--seconds", "0.5", str(file)]) == 1  # never over an older recording
    pbx.close()
