"""Commands from Odoo: what is done, once, in time, and never otherwise."""

import json
import logging
import random
import sqlite3
import time

import pytest
from servers import KEY, SECRET, Odoo, Pbx, until
from test_process import blocks, running, stopped

from lib import process, wake
from lib.ami import AmiReader, read_ami
from lib.backoff import Backoff
from lib.client import OdooClient
from lib.desk import AFTERWORD, PATIENCE, Desk
from lib.dial import check, dial_string, is_dial_string, shown_name
from lib.events import Event
from lib.fold import fold_all
from lib.manager import Manager
from lib.signature import verify
from lib.site import Site
from lib.spool import Spool, SpoolProblem
from lib.wake import SUBJECT, Bell, Wake, WakeProblem, subscriber, subscription

IDENT = "0123456789abcdef0123456789abcdef"
DIAL = {"number": "0301000142", "extension": "101", "name": "Lotte Molenaar"}


def command(ident=IDENT, kind="dial", args=None, expires_in=15.0):
    return {"id": ident, "kind": kind, "args": DIAL if args is None else args, "expires_in": expires_in}


def block(text):
    (one,) = AmiReader().feed(text.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    return one


@pytest.fixture
def desk():
    done = set()

    def remember(ident):
        fresh = ident not in done
        done.add(ident)
        return fresh

    desk = Desk(remember, context="internal")
    desk.connected = True
    return desk


# --- the brain ---


def test_dialling_rings_the_own_phone_first(desk):
    desk.take([command()], 100.0)
    (action,) = desk.due(100.1)
    assert (action.name, action.ident) == ("Originate", f"odoo-{IDENT}")
    assert action.fields == {
        "Channel": "PJSIP/101",
        "Context": "internal",
        "Exten": "0301000142",
        "Priority": "1",
        "Async": "true",
        "Timeout": "30000",
        "ChannelId": f"odoo-{IDENT}",
        "CallerID": '"Lotte Molenaar" <101>',
    }
    assert not list(desk.due(100.2)) and not desk.results()


def test_hang_up_and_transfer(desk):
    leg = "pbx1-1795319909.12"
    desk.take([command("a" * 32, "hangup", {"leg": leg})], 0)
    desk.take([command("b" * 32, "transfer", {"leg": leg, "number": "102"})], 0)
    one, other = desk.due(1)
    assert (one.name, one.fields) == ("Hangup", {"Channel": leg})
    assert (other.name, other.fields) == ("BlindTransfer", {"Channel": leg, "Context": "internal", "Exten": "102"})
    desk.see(block(f"Response: Success\nActionID: odoo-{'a' * 32}"), 1)
    desk.see(block(f"Response: Error\nActionID: odoo-{'b' * 32}\nMessage: Transfer not permitted"), 1)
    assert [(one["state"], one["reason"]) for one in desk.results()] == [("done", ""), ("refused", "transfer")]


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("dial", {**DIAL, "number": "0301000142\r\nAction: Originate"}),
        ("dial", {**DIAL, "number": "0301000142\n"}),
        ("dial", {**DIAL, "number": "0301000142&PJSIP/109"}),
        ("dial", {**DIAL, "number": "*21*0301000142#"}),
        ("dial", {**DIAL, "number": "٠٣٠١٠٠٠١٤٢"}),
        ("dial", {**DIAL, "number": "0" * 21}),
        ("dial", {**DIAL, "number": "1"}),
        ("dial", {**DIAL, "number": 301000142}),
        ("dial", {**DIAL, "number": None}),
        ("dial", {**DIAL, "extension": "101&PJSIP/109"}),
        ("dial", {**DIAL, "extension": "101/n"}),
        ("dial", {**DIAL, "extension": "+101"}),
        ("dial", {**DIAL, "extension": "101\n"}),
        ("dial", {**DIAL, "extension": ["101"]}),
        ("dial", {}),
        ("dial", []),
        ("dial", "x"),
        ("hangup", {"leg": "/^PJSIP/.*$/"}),
        ("hangup", {"leg": "1.1\r\nAction: x"}),
        ("hangup", {"leg": ""}),
        ("hangup", {}),
        ("transfer", {"leg": "1.1", "number": "102,1"}),
        ("transfer", {"leg": "1.1"}),
        ("Command", {"leg": "1.1"}),
        (None, {}),
    ],
)
def test_what_is_not_safe_is_refused(desk, kind, args):
    desk.take([command(kind=kind, args=args)], 0)
    assert not list(desk.due(1))
    assert desk.results() == [{"id": IDENT, "state": "refused", "reason": "format"}]


@pytest.mark.parametrize(
    "items",
    [
        None,
        {},
        "x",
        [None],
        [[]],
        [{}],
        [{"id": 1}],
        [{"id": "../x"}],
        [{"id": "A" * 32}],
        [{"id": "a" * 65}],
        [{"id": "aa\n"}],
    ],
)
def test_what_is_no_command_is_passed_over(desk, items):
    desk.take(items, 0)
    assert not list(desk.due(1)) and not desk.results()


@pytest.mark.parametrize(
    "name", ['"Evil" <112>', "a\r\nAction: x", "${SHELL(id)}", "x;y|z,&", "\u202eevil", "\x00", "", None, 7]
)
def test_a_name_stays_within_its_quotes(desk, name):
    desk.take([command(args={**DIAL, "name": name})], 0)
    (action,) = desk.due(1)
    shown = action.fields["CallerID"]
    assert shown.startswith('"') and shown.endswith('" <101>') and shown.count('"') == 2 and shown.count("<") == 1
    assert shown.isprintable() and not set(shown) & set("${};|&")


def test_late_is_never_carried_out(desk):
    desk.take([command(expires_in=15)], 100.0)
    assert not list(desk.due(115.0))
    assert desk.results() == [{"id": IDENT, "state": "expired", "reason": ""}]
    # time counts from before it was asked, and however much Odoo promises, a minute is the most
    desk.take([command("a" * 32, expires_in=1e9)], 100.0)
    assert not list(desk.due(161.0))
    for nonsense in (None, "15", True, float("nan"), -1, [15]):
        desk.take([command("b" * 32, expires_in=nonsense)], 100.0)
        assert not list(desk.due(100.0)), nonsense


def test_once_only(desk):
    desk.take([command(), command()], 0)
    desk.take([command()], 0)
    assert len(list(desk.due(1))) == 1
    assert not desk.results()


def test_an_id_that_cannot_be_kept_is_not_carried_out():
    def full(_ident):
        raise SpoolProblem("full", full=True)

    desk = Desk(full)
    desk.connected = True
    desk.take([command()], 0)
    assert not list(desk.due(1))
    assert desk.results()[0]["reason"] == "spool"


def dialled(desk, now=0.0):
    desk.take([command()], now)
    assert len(list(desk.due(now))) == 1
    desk.see(block(f"Response: Success\nActionID: odoo-{IDENT}\nMessage: Originate successfully queued"), now)
    assert desk.results() == [{"id": IDENT, "state": "accepted", "reason": ""}]
    desk.told(1)


def originated(response, reason, ident=IDENT):
    return block(
        f"Event: OriginateResponse\nPrivilege: call,all\nActionID: odoo-{ident}\nResponse: {response}\nExten: 030\n"
        f"Reason: {reason}\nUniqueid: odoo-{ident}"
    )


def hung_up(cause, ident=IDENT):
    return block(f"Event: Hangup\nUniqueid: odoo-{ident}\nLinkedid: odoo-{ident}\nCause: {cause}")


@pytest.mark.parametrize(
    ("told", "state", "reason"),
    [
        ([originated("Success", 4)], "done", ""),
        ([originated("Failure", 3), hung_up(0)], "refused", "unanswered"),
        ([originated("Failure", 5)], "refused", "busy"),
        ([originated("Failure", 1)], "refused", "declined"),
        # as Asterisk 22 says it, in either order
        ([originated("Failure", 0), hung_up(17)], "refused", "busy"),
        ([hung_up(17), originated("Failure", 0)], "refused", "busy"),
        ([originated("Failure", 0), hung_up(21)], "refused", "declined"),
        ([originated("Failure", 0), hung_up(19)], "refused", "unanswered"),
        ([originated("Failure", 0), hung_up(34)], "refused", "unreachable"),
        ([originated("Failure", 0), hung_up("?")], "refused", "unreachable"),
    ],
)
def test_what_became_of_the_own_phone(desk, told, state, reason):
    dialled(desk)
    for one in told:
        desk.see(originated("Success", 4, "f" * 32), 1.0)  # somebody else's
        desk.see(one, 1.0)
    assert desk.results() == [{"id": IDENT, "state": state, "reason": reason}]
    for one in told:
        desk.see(one, 2.0)
    assert len(desk.results()) == 1


def test_a_phone_that_is_not_there_has_no_hang_up(desk):
    dialled(desk)
    desk.see(originated("Failure", 0), 1.0)
    assert not list(desk.due(1.1)) and not desk.results()
    assert not list(desk.due(1.1 + AFTERWORD)) and desk.results()[0]["reason"] == "unreachable"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Permission denied", "rights"),
        ("Extension does not exist.", "extension"),
        ("No such channel", "gone"),
        ("Channel specified does not exist", "gone"),
        ("Something about +31201234567", "Something about …"),
        ("", "pbx"),
    ],
)
def test_what_the_pbx_says_against_it(desk, message, reason):
    desk.take([command()], 0)
    list(desk.due(0))
    desk.see(block(f"Response: Error\nActionID: odoo-{IDENT}\nMessage: {message}"), 0)
    assert desk.results() == [{"id": IDENT, "state": "refused", "reason": reason}]


def test_other_peoples_answers_are_not_ours(desk):
    dialled(desk)
    for text in (
        f"Response: Error\nActionID: {IDENT}\nMessage: x",
        "Response: Error\nActionID: bridge-1\nMessage: x",
        "Response: Error\nMessage: x",
        f"Event: Newstate\nActionID: odoo-{IDENT}\nUniqueid: odoo-{IDENT}",
        "Event: Hangup\nUniqueid: 1795319909.1\nCause: 17",
        f"Event: Hangup\nUniqueid: {IDENT}\nCause: 17",
    ):
        desk.see(block(text), 1)
    assert not desk.results()


def test_silence_and_lost_connections_are_told(desk):
    dialled(desk)
    assert not list(desk.due(PATIENCE + 1))
    assert desk.results()[0]["reason"] == "silent"
    desk.told(1)
    desk.take([command("a" * 32)], 0)
    list(desk.due(0))
    desk.take([command("b" * 32)], 0)
    desk.lost()
    assert {one["id"][0]: one["reason"] for one in desk.results()} == {"a": "lost", "b": "pbx"}
    desk.told(2)
    desk.take([command("c" * 32)], 0)
    assert desk.results() == [{"id": "c" * 32, "state": "refused", "reason": "pbx"}]
    desk.connected = True
    assert not list(desk.due(0)), "what was refused is not done afterwards"


# --- numbers ---

SITE = Site("NL", extensions=frozenset({"101", "102"}))


def test_nothing_but_a_number_comes_out_whatever_goes_in():
    chance = random.Random(7)
    letters = '0123456789+()-./ \u00a0\u2011\r\n\x00abcxEXT;,&*#"<>${}٣３\u202e\u2028'
    dials = 0
    for _turn in range(20_000):
        text = "".join(chance.choice(letters) for _place in range(chance.randrange(1, 16)))
        if chance.random() < 0.5:
            text = chance.choice(("030 100 0142", "+31301000142", "101", "0900 1234", "112")) + text[:3]
        verdict = check(text, "NL", SITE, {"NL", "GB"})
        assert bool(verdict.number) != bool(verdict.problem)
        if verdict.number:
            dials += 1
            string = verdict.number if verdict.internal else dial_string(verdict.number, "NL")
            assert is_dial_string(string), text
            assert not string.startswith(("0900", "0906", "0909")) and string not in ("112", "911")
    assert dials > 100


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("04066969-142/06990009-142", "+494066969142"),
        ("+49 (0)40 66969-100", "+494066969100"),
        ("00494066969100ext.12", "+494066969100"),
        ("040 66969\u2011142", "+494066969142"),
    ],
)
def test_what_contacts_have(text, number):
    assert check(text, "DE", SITE, {"DE"}).number == number


def test_every_style_of_every_country_is_a_dial_string():
    for country in ("NL", "US", "GB", "ID", "IT", "BR", "AU", "CU", "KZ", "", "XX"):
        for style in ("local", "plus", "prefix"):
            for number in ("+31301000142", "+12025550142", "+390612345678", "+80012345678"):
                assert is_dial_string(dial_string(number, country, style, "9")), (country, style, number)
    assert dial_string("+31301000142", "NL", "plus", "9") == "+31301000142"
    assert dial_string("+31301000142", "US") == "01131301000142"
    assert dial_string("+31301000142", "NL", "prefix") == "0031301000142"


def test_names():
    assert shown_name("  Dvořák,  Marek\n(Sales) ") == "Dvořák, Marek (Sales)"
    assert len(shown_name("x" * 99)) == 40


# --- the reader ---


def test_originate_response_is_one_block():
    text = (
        b"Event: OriginateResponse\r\nTimestamp: 1795331009.984176\r\nActionID: odoo-1\r\nResponse: Success\r\n"
        b"Exten: 0301000142\r\nReason: 4\r\nUniqueid: odoo-1\r\n\r\nResponse: Success\r\nActionID: 2\r\n\r\n"
    )
    first, second = AmiReader().feed(text)
    assert (first["response"], first["actionid"], first["reason"], second["actionid"]) == (
        "Success",
        "odoo-1",
        "4",
        "2",
    )
    # one that another block cuts short stays cut
    blocks_ = list(AmiReader().feed(b"Event: Newstate\r\nUniqueid: 1.1\r\nResponse: Success\r\nActionID: 3\r\n\r\n"))
    assert len(blocks_) == 2


def clicked(*more):
    head = "Event: Newchannel\r\nTimestamp: 1795331009.1\r\nChannel: PJSIP/101-00000001\r\nCallerIDNum: 101\r\nExten: s\r\n"
    end = "Event: Hangup\r\nTimestamp: 1795331039.1\r\nChannel: PJSIP/101-00000001\r\nCallerIDNum: 101\r\nCause: 0\r\n"
    said = (
        "Event: OriginateResponse\r\nTimestamp: 1795331039.0\r\nActionID: odoo-a\r\nResponse: Failure\r\n"
        "Channel: PJSIP/101\r\nExten: 0301000142\r\nReason: 3\r\n"
    )
    ids = "Uniqueid: odoo-a\r\nLinkedid: odoo-a\r\n\r\n"
    parts = {"head": head + ids, "said": said + "Uniqueid: odoo-a\r\n\r\n", "end": end + ids}
    return list(read_ami([parts[name].encode() for name in more]))


def test_a_click_that_nobody_answered_says_whom_it_was_for():
    (call,) = fold_all(clicked("head", "said", "end"), SITE)
    assert (call.direction, call.disposition, call.to_number) == ("outbound", "failed", "0301000142")
    (other,) = fold_all(clicked("head", "said", "end")[::-1], SITE)
    assert other == call


def test_a_phone_that_could_not_be_called_is_no_call():
    assert fold_all(clicked("said"), SITE) == []


def test_a_click_on_a_never_logged_number_is_forgotten():
    from lib.scope import Gate, Scope, never_hash

    values = {
        "version": "1",
        "country": "NL",
        "extensions": {"101": True},
        "never": {"key": "00", "numbers": [{"hash": never_hash("00", "+31301000142"), "extensions": []}]},
    }
    gate = Gate(Scope.from_answer(values))
    kept = [event for one in clicked("head", "said", "end") for event in gate.feed(one, 0.0)]
    kept += gate.tick(100.0)
    assert not kept and sum(gate.outside.values()) == 1


# --- the process ---


@pytest.fixture
def odoo():
    server = Odoo()
    yield server
    server.close_sockets()
    server.close()


@pytest.fixture
def pbx():
    server = Pbx()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(process, "LATE_ROWS", 0.05)
    monkeypatch.setattr(process, "ASK", 0.3)
    monkeypatch.setattr(process, "Backoff", lambda first, most: Backoff(first / 10, most))


def ready(bridge):
    until(lambda: bridge.intake.ready and bridge.desk.connected)
    return bridge


@pytest.mark.slow
def test_without_a_websocket_it_asks(tmp_path, odoo, pbx):
    bridge = ready(running(tmp_path, odoo, pbx))
    odoo.commands.append(command())
    until(lambda: pbx.actions, 3)
    assert pbx.actions[0]["CallerID"] == '"Lotte Molenaar" <101>' and pbx.actions[0]["ActionID"] == f"odoo-{IDENT}"
    until(lambda: odoo.results, 3)
    assert odoo.results == [{"id": IDENT, "state": "accepted", "reason": ""}]
    pbx.say(
        f"Event: OriginateResponse\r\nPrivilege: call,all\r\nTimestamp: 1795328804.1\r\nActionID: odoo-{IDENT}\r\n"
        "Response: Success\r\nReason: 4\r\n\r\n".encode()
    )
    until(lambda: len(odoo.results) == 2, 3)
    assert odoo.results[1]["state"] == "done"
    # the same once more, as after somebody restored an older Odoo
    odoo.commands.append(command())
    asked = len(odoo.asked)
    until(lambda: len(odoo.asked) > asked + 2, 5)
    assert len(pbx.actions) == 1
    stopped(bridge)
    assert sqlite3.connect(tmp_path / "spool.db").execute("SELECT id FROM command").fetchall() == [(IDENT,)]


@pytest.mark.slow
def test_done_is_done_also_after_a_restart(tmp_path, odoo, pbx):
    bridge = ready(running(tmp_path, odoo, pbx))
    odoo.commands.append(command())
    until(lambda: pbx.actions, 3)
    stopped(bridge)
    bridge = ready(running(tmp_path, odoo, pbx))
    odoo.commands += [command(), command("a" * 32)]
    until(lambda: len(pbx.actions) == 2, 3)
    assert [one["ChannelId"] for one in pbx.actions] == [f"odoo-{IDENT}", f"odoo-{'a' * 32}"]
    stopped(bridge)


@pytest.mark.slow
def test_an_answer_that_took_too_long_does_not_dial(tmp_path, odoo, pbx):
    bridge = ready(running(tmp_path, odoo, pbx))
    odoo.slow = 0.6
    odoo.commands.append(command(expires_in=0.5))
    until(lambda: odoo.results, 5)
    assert odoo.results == [{"id": IDENT, "state": "expired", "reason": ""}] and not pbx.actions
    stopped(bridge)


@pytest.mark.slow
def test_an_answer_to_a_batch_says_that_something_waits(tmp_path, odoo, pbx, monkeypatch):
    monkeypatch.setattr(process, "ASK", 60.0)
    bridge = ready(running(tmp_path, odoo, pbx))
    until(lambda: odoo.asked)
    odoo.commands.append(command())
    pbx.say(blocks())
    until(lambda: pbx.actions, 3)
    stopped(bridge)


@pytest.mark.slow
def test_a_command_does_not_wait_for_the_pbx_to_say_something(tmp_path, odoo, pbx):
    bridge = ready(running(tmp_path, odoo, pbx))
    took = []
    for place in range(20):
        until(lambda: not bridge.desk._waiting)
        time.sleep(0.02)
        began = time.monotonic()
        bridge.desk.take([command(f"{place:032x}")], began)
        until(lambda place=place: len(pbx.actions) > place, 2)
        took.append(pbx.actions[place]["at"] - began)
    stopped(bridge)
    # the link is read for 0.2 s at a time
    assert sorted(took)[10] < 0.05, took


@pytest.mark.slow
def test_an_older_odoo_gives_none_and_is_left_alone(tmp_path, odoo, pbx, caplog):
    odoo.command_status = 404
    bridge = ready(running(tmp_path, odoo, pbx))
    until(lambda: odoo.asked)
    time.sleep(0.8)
    assert len(odoo.asked) == 1 and not [one for one in caplog.records if one.levelno >= logging.WARNING]
    stopped(bridge)


@pytest.mark.slow
def test_an_odoo_that_fails_at_commands_alone_is_named(tmp_path, odoo, pbx, caplog):
    odoo.command_status = 500
    bridge = ready(running(tmp_path, odoo, pbx))
    bridge.errands.backoff = Backoff(0.02, 0.05)
    until(lambda: "No click to call" in caplog.text)
    odoo.command_status = 200
    until(lambda: not bridge.errands._failures, 5)
    stopped(bridge)
    assert caplog.text.count("No click to call") == 1


@pytest.mark.slow
def test_a_pbx_that_is_away_is_told_at_once(tmp_path, odoo, pbx):
    bridge = ready(running(tmp_path, odoo, pbx))
    pbx.close()
    until(lambda: not bridge.desk.connected)
    odoo.commands.append(command())
    until(lambda: odoo.results, 3)
    assert odoo.results == [{"id": IDENT, "state": "refused", "reason": "pbx"}]
    stopped(bridge)


@pytest.mark.slow
def test_a_user_without_the_right_is_named(tmp_path, odoo, pbx):
    pbx.allows = "Permission denied"
    bridge = ready(running(tmp_path, odoo, pbx))
    odoo.commands.append(command())
    until(lambda: odoo.results, 3)
    assert odoo.results == [{"id": IDENT, "state": "refused", "reason": "rights"}]
    stopped(bridge)


# --- the websocket ---


def client_of(odoo, database=""):
    return OdooClient(odoo.url, KEY, SECRET, database, timeout=5.0)


def test_subscription_proves_the_key():
    name = subscription(SECRET, KEY, 1_795_000_000)
    key, moment, signature = subscriber(name)
    verify([SECRET], key, moment, signature, SUBJECT, 1_795_000_010)
    for other in ("x", "crm_voip_bridge", "crm_voip_bridge:a:b", f"{name}:x", "res.partner_3"):
        assert subscriber(other) is None


@pytest.mark.slow
def test_the_websocket_is_as_odoo_wants_it(odoo):
    odoo.websocket = True
    line = Wake(odoo.url, client_of(odoo, "my db"), SECRET)
    until(lambda: odoo.channels)
    (head,) = odoo.handshakes
    names = {name.lower(): value for name, value in head.items()}
    assert names["origin"] == odoo.url and names["cookie"] == "session_id=of-my+db"
    assert "user-agent" not in names and "x-odoo-database" not in names
    assert subscriber(odoo.channels[0])[0] == KEY and SECRET not in odoo.channels[0]
    odoo.wake("[]")
    assert line.wait() is False
    odoo.wake()
    assert line.wait() is True
    odoo.close_sockets()
    with pytest.raises(WakeProblem):
        while True:
            line.wait()
    line.close()
    without = Wake(odoo.url, client_of(odoo), SECRET)
    until(lambda: len(odoo.handshakes) == 2)
    assert "cookie" not in {name.lower() for name in odoo.handshakes[1]}
    without.close()


@pytest.mark.slow
def test_a_dead_line_is_noticed(odoo, monkeypatch):
    monkeypatch.setattr(wake, "QUIET", 0.2)
    monkeypatch.setattr(wake, "TIMEOUT", 0.3)
    odoo.websocket = True
    line = Wake(odoo.url, client_of(odoo), SECRET)
    assert line.wait() is False, "there was nothing to say, but somebody answers"
    monkeypatch.setattr(odoo, "_frame", lambda _file: (time.sleep(5), (8, b""))[1])
    with pytest.raises(WakeProblem):
        for _turn in range(5):
            line.wait()
    line.close()


@pytest.mark.slow
def test_no_websocket_says_why(odoo, monkeypatch):
    with pytest.raises(WakeProblem, match="400"):
        Wake(odoo.url, client_of(odoo), SECRET)
    with pytest.raises(WakeProblem):
        Wake("http://127.0.0.1:9", client_of(odoo), SECRET)
    monkeypatch.setattr(wake, "websocket", None)
    with pytest.raises(WakeProblem, match="not installed"):
        Wake(odoo.url, client_of(odoo), SECRET)


@pytest.mark.slow
def test_a_wake_up_makes_the_bridge_fetch(tmp_path, odoo, pbx, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "crm_voip_bridge")
    monkeypatch.setattr(process, "ASK_AWAKE", 60.0)
    odoo.websocket = True
    spool = Spool(tmp_path / "spool.db")
    client = client_of(odoo)
    bridge = process.Bridge(
        spool,
        client,
        lambda: Manager("127.0.0.1", pbx.port, "bridge", "pbx-secret"),
        process_history(),
        wake=lambda: Wake(odoo.url, client, SECRET),
        dialling={"channel": "SIP/{extension}", "context": "phones"},
    )
    bridge.start()
    ready(bridge)
    until(lambda: bridge.awake and odoo.sockets)
    time.sleep(0.3)
    asked = len(odoo.asked)
    time.sleep(0.8)
    assert len(odoo.asked) == asked, "with a websocket there is no need to ask"
    odoo.commands.append(command())
    began = time.monotonic()
    odoo.wake()
    until(lambda: pbx.actions, 2)
    assert pbx.actions[0]["at"] - began < 0.5
    assert (pbx.actions[0]["Channel"], pbx.actions[0]["Context"]) == ("SIP/101", "phones")
    # it goes: the bridge asks meanwhile, and comes back
    odoo.websocket = False
    odoo.close_sockets()
    until(lambda: not bridge.awake)
    odoo.commands.append(command("a" * 32))
    until(lambda: len(pbx.actions) == 2, 3)
    odoo.websocket = True
    until(lambda: bridge.awake and odoo.sockets, 10)
    assert caplog.text.count("No websocket with Odoo") == 1
    stopped(bridge)


def process_history():
    from lib.history import NoHistory

    return NoHistory()


def test_a_bell_wakes_and_is_still():
    import select

    bell = Bell()
    assert not select.select([bell], [], [], 0)[0]
    for _turn in range(100_000):
        bell.ring()
    assert select.select([bell], [], [], 0)[0] == [bell]
    bell.still()
    assert not select.select([bell], [], [], 0)[0]


def test_commands_leave_the_spool_with_their_days(tmp_path):
    now = [1_795_000_000.0]
    spool = Spool(tmp_path / "spool.db", keep_days=1, clock=lambda: now[0])
    assert spool.begin_command(IDENT) and not spool.begin_command(IDENT)
    now[0] += 3600
    spool.purge()
    assert not spool.begin_command(IDENT)
    now[0] += 2 * 86_400
    spool.purge()
    assert spool.begin_command(IDENT)
    spool.close()


def test_events_survive_as_json():
    (event,) = clicked("said")
    assert Event.from_dict(json.loads(json.dumps(event.to_dict()))) == event
