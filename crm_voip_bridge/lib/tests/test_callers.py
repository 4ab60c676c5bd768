"""Moving callers within a queue: only those who wait, by the name that the PBX gave them."""

import pytest

from lib.ami import AmiReader
from lib.desk import Desk

IDENT = "0123456789abcdef0123456789abcdef"
JOIN = "Event: QueueCallerJoin\nQueue: help\nChannel: PJSIP/trunk-00000007\nUniqueid: 1795319909.7"


def block(text):
    (one,) = AmiReader().feed(text.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    return one


def move(desk, leg="1795319909.7", priority=3):
    args = {"leg": leg, "priority": priority}
    desk.take([{"id": IDENT, "kind": "queue_priority", "args": args, "expires_in": 15.0}], 100.0)
    return list(desk.due(100.1))


@pytest.fixture
def desk():
    desk = Desk(lambda ident: True)
    desk.connected = True
    return desk


@pytest.mark.parametrize("said", [JOIN, JOIN.replace("QueueCallerJoin", "QueueEntry")])
def test_a_waiting_caller_is_moved_by_the_name_of_the_channel(desk, said):
    desk.see(block(said), 99.0)
    (action,) = move(desk)
    assert action.name == "QueueChangePriorityCaller"
    assert action.fields == {"Queue": "help", "Caller": "PJSIP/trunk-00000007", "Priority": "3", "Immediate": "yes"}
    desk.see(block(f"Response: Success\nActionID: {action.ident}"), 100.2)
    assert desk.results() == [{"id": IDENT, "state": "done", "reason": ""}]


@pytest.mark.parametrize("end", ["QueueCallerLeave", "Hangup"])
def test_who_waits_no_more_is_not_moved(desk, end):
    desk.see(block(JOIN), 99.0)
    desk.see(block(JOIN.replace("QueueCallerJoin", end)), 99.5)
    assert not move(desk)
    assert desk.results() == [{"id": IDENT, "state": "refused", "reason": "gone"}]


def test_after_a_lost_connection_nobody_is_known_to_wait(desk):
    desk.see(block(JOIN), 99.0)
    desk.lost()
    desk.connected = True
    assert not move(desk)


@pytest.mark.parametrize("priority", [-1, 1.5, "3", True, None, 10**9])
def test_a_priority_is_a_whole_number(desk, priority):
    desk.see(block(JOIN), 99.0)
    assert not move(desk, priority=priority)
    assert desk.results() == [{"id": IDENT, "state": "refused", "reason": "format"}]


def test_the_pbx_knows_nobody_of_that_name(desk):
    desk.see(block(JOIN), 99.0)
    (action,) = move(desk)
    said = "Unable to change priority caller on queue: No such caller"
    desk.see(block(f"Response: Error\nActionID: {action.ident}\nMessage: {said}"), 100.2)
    assert desk.results() == [{"id": IDENT, "state": "refused", "reason": "gone"}]
