"""Who serves a queue, from what Asterisk says of it."""

from lib.ami import AmiReader
from lib.queues import MOST, QueueMembers
from lib.scope import Scope
from lib.site import Site

SCOPE = Scope("v1", Site(country="NL", extensions=frozenset({"201", "202", "209"})), ticked=frozenset({"201", "202"}))


def block(*lines):
    (found,) = AmiReader().feed("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    return found


def listed(*members, queue="support"):
    """The answer to QueueStatus: interfaces, one that takes a break with a minus before it."""
    yield block("Event: QueueParams", f"Queue: {queue}", "Max: 0")
    for member in members:
        paused = int(member.startswith("-"))
        yield block(
            "Event: QueueMember", f"Queue: {queue}", f"Location: {member.lstrip('-')}", f"Paused: {paused}", "Status: 1"
        )


COMPLETE = block("Event: QueueStatusComplete", "EventList: Complete")


def told(*parts):
    members = QueueMembers()
    for part in parts:
        for one in [part] if isinstance(part, dict) else part:
            members.see(one)
    return members


def test_list():
    members = told(listed("PJSIP/201", "PJSIP/202"), listed(queue="empty"))
    assert not members.complete
    members.see(COMPLETE)
    assert members.complete
    assert members.served(SCOPE) == {"empty": [], "support": ["201", "202"]}


def test_only_ticked_extensions_are_told():
    interfaces = ("PJSIP/209", "PJSIP/trunk", "SIP/202", "Local/201@agents/n", "PJSIP/+31201234567")
    assert told(listed(*interfaces), COMPLETE).served(SCOPE) == {"support": ["201", "202"]}


def test_break_login_and_logout():
    def event(name, interface, paused=0):
        return block(f"Event: {name}", "Queue: support", f"Interface: {interface}", f"Paused: {paused}")

    members = told(listed("PJSIP/201", "-PJSIP/202"), COMPLETE)
    assert members.served(SCOPE) == {"support": ["201"]}
    members.see(event("QueueMemberPause", "PJSIP/202"))
    assert members.served(SCOPE) == {"support": ["201", "202"]}
    members.see(event("QueueMemberPause", "PJSIP/201", 1))
    members.see(event("QueueMemberRemoved", "PJSIP/202"))
    assert members.served(SCOPE) == {"support": []}
    members.see(event("QueueMemberAdded", "Local/202@agents/n"))
    assert members.served(SCOPE) == {"support": ["202"]}


def test_list_again_forgets_who_is_gone():
    members = told(listed("PJSIP/201"), listed("PJSIP/202", queue="sales"), COMPLETE)
    for part in listed("PJSIP/202"):
        members.see(part)
    # while the new list comes, the old one holds
    assert members.served(SCOPE) == {"sales": ["202"], "support": ["201"]}
    members.see(COMPLETE)
    assert members.served(SCOPE) == {"support": ["202"]}


def test_change_during_the_list_counts():
    members = told(listed("PJSIP/201"))
    members.see(block("Event: QueueMemberAdded", "Queue: support", "Interface: PJSIP/202", "Paused: 0"))
    members.see(block("Event: QueueMemberRemoved", "Queue: support", "Interface: PJSIP/201"))
    members.see(COMPLETE)
    assert members.served(SCOPE) == {"support": ["202"]}


def test_nonsense_stays_bounded():
    members = told(listed(*(f"PJSIP/{number}" for number in range(MOST + 50))), COMPLETE)
    for number in range(MOST + 50):
        members.see(block("Event: QueueMemberAdded", f"Queue: q{number}", "Interface: PJSIP/201"))
    members.see(block("Event: QueueMemberAdded", "Interface: PJSIP/201"))
    members.see(block("Event: QueueMemberRemoved", "Queue: nowhere"))
    assert len(members.served(SCOPE)) == MOST
