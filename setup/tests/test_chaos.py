"""setup/chaos notices what is lost, double or wrong, and its lines do to programs what is said of them."""

import http.server
import json
import random
import socket
import threading

import pytest
from kit import proof
from kit.chaos_line import Line
from kit.chaos_proof import judge
from kit.scenarios import truth

BEGAN = 1_795_000_000.0
NUMBER = "+31301000001"


class Records:
    """The PBX's own, which agree with everybody."""

    def __init__(self, known=True, begun=()):
        self.known = known
        self._begun = {("101", "202"): [{"eventtime": str(at)} for at in begun]}

    def check(self, call, tolerance):
        return []

    def knows(self, call, dialled=None):
        return self.known if dialled is None else proof.History.knows(self, call, dialled)


def told(**more):
    leg = {"number": "101", "role": "called", "outcome": "answered", "talk_s": 3.0}
    leg |= dict.fromkeys(("offered_at", "answered_at", "left_at"))
    times = {"answered": BEGAN + 1, "ring": 1.0, "talk": 3.0, "hold": 0}
    call = truth("inbound", NUMBER, "+31201000101", "answered", BEGAN, BEGAN + 4, [leg], **times)
    return {"n": 1, "kind": "direct_answered", "number": NUMBER, "truth": {**call, **more}}


def cut():
    """A call that the PBX dropped a second after it was answered."""
    known = {"direction": "inbound", "from_number": NUMBER, "to_number": "+31201000101"}
    times = {"started": BEGAN, "answered": BEGAN + 1, "ended": BEGAN + 2}
    return {"n": 1, "kind": "direct_answered", "number": NUMBER, "cut": known | times}


def stored(**more):
    leg = {"number": "101", "role": "called", "outcome": "answered", "talk_s": 3.2, "person": None}
    facts = {
        "id": 7, "direction": "inbound", "disposition": "answered", "from_number": NUMBER, "to_number": "+31201000101",
        "started": BEGAN, "answered": BEGAN + 1.1, "ended": BEGAN + 4.3, "ivr_s": 0.0, "queue_s": 0.0, "ring_s": 1.1, "hold_s": 0.0,
        "talk_s": 3.2, "legs": [leg], "contact": None, "opportunity": None, "person": None, "candidates": [], "notes": None,
    }  # fmt: skip
    return {**facts, **more}


def counted(verdict):
    return len(verdict.lost), len(verdict.double), len(verdict.wrong)


def test_what_is_right_agrees():
    assert counted(judge([told()], [stored()], Records(), [])) == (0, 0, 0)


def test_lost_and_double():
    assert counted(judge([told()], [], Records(), [])) == (1, 0, 0)
    assert counted(judge([told()], [stored(), stored(id=8)], Records(), [])) == (0, 1, 0)
    stranger = stored(id=8, from_number="+31301000099")
    assert counted(judge([told()], [stored(), stranger], Records(), [])) == (0, 1, 0), "nobody made this one"


@pytest.mark.parametrize(
    "more",
    [{"talk_s": 5.0}, {"ended": None}, {"ended": BEGAN + 6}, {"disposition": "missed"}, {"disposition": "in_progress"}, {"legs": []}],
    ids=str,
)  # fmt: skip
def test_wrong(more):
    assert counted(judge([told()], [stored(**more)], Records(), [])) == (0, 0, 1)


def test_hold_that_nobody_measured_is_talk():
    one = told(hold_s=2.0, talk_s=1.0)
    one["truth"]["legs"][0]["talk_s"] = 1.0
    unmeasured = stored(hold_s=None, talk_s=3.0)
    assert counted(judge([one], [unmeasured], Records(), [])) == (0, 0, 0)
    assert counted(judge([one], [stored(hold_s=None, talk_s=1.0)], Records(), [])) == (0, 0, 1)


def test_not_recorded_may_not_be_there():
    assert counted(judge([told(recorded=False)], [], Records(), [])) == (0, 0, 0)
    assert counted(judge([told(recorded=False)], [stored()], Records(), [])) == (0, 0, 1)


def test_a_call_that_died_with_the_pbx():
    gone = [(BEGAN + 2, BEGAN + 5)]
    over = {"ended": None, "talk_s": None, "ring_s": None, "hold_s": None, "ivr_s": None, "queue_s": None}
    verdict = judge([cut()], [stored(**over)], Records(), gone)
    assert counted(verdict) == (0, 0, 0) and verdict.end_unknown == 1
    assert counted(judge([cut()], [stored(ended=BEGAN + 2.2)], Records(), gone)) == (0, 0, 0), "its true end"
    assert counted(judge([cut()], [stored()], Records(), gone)) == (0, 0, 1), "an end that is not true"
    assert counted(judge([cut()], [stored(**over, disposition="in_progress")], Records(), gone)) == (0, 0, 1)
    assert counted(judge([cut()], [], Records(), gone)) == (1, 0, 0), "CEL knows it"
    assert counted(judge([cut()], [], Records(known=False), gone)) == (0, 0, 0), "nobody knows it"
    # dialled in vain, sent again by SIP, and seen by the PBX once it is back
    again = cut()
    again["cut"] |= {"answered": None, "ended": BEGAN + 0.01}
    missed = stored(started=BEGAN + 1.5, answered=None, ended=BEGAN + 5, disposition="missed")
    assert counted(judge([again], [missed], Records(), gone)) == (0, 0, 0)
    assert counted(judge([cut()], [missed], Records(), gone)) == (0, 0, 1), "somebody was on that line"
    # between two phones of ours only the time tells which call it was: one of a second earlier is another
    between = cut() | {"number": None, "kind": "internal"}
    between["cut"] |= {"direction": "internal", "from_number": "101", "to_number": "202"}
    assert counted(judge([between], [], Records(begun=[BEGAN + 0.1]), gone)) == (1, 0, 0), "CEL knows it"
    assert counted(judge([between], [], Records(begun=[BEGAN - 0.9, BEGAN + 30]), gone)) == (0, 0, 0), "knows others"
    assert counted(judge([cut()], [], Records(known=False), [])) == (1, 0, 0), "the PBX was there"


# ------------------------------------------------------------------ the line


class Odoo(http.server.BaseHTTPRequestHandler):
    """Counts what is asked of it."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["X-Voip-Signature"], body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


@pytest.fixture
def odoo():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odoo) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def line(odoo):
    with Line(odoo.server_port) as line:
        yield line


def post(line, events, timeout=5):
    """Whether an answer comes."""
    body = json.dumps({"bridge": {}, "events": events}).encode()
    head = f"POST /crm_voip_bridge/v1/events HTTP/1.1\r\nHost: x\r\nX-Voip-Signature: s\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", line.port), timeout) as client:
        client.settimeout(timeout)
        try:
            client.sendall(head.encode() + body)
            return b"200" in client.recv(1000)
        except (TimeoutError, ConnectionError):
            return False


def test_a_line_that_is_cut_or_deaf(odoo, line):
    assert post(line, [])
    line.be("closed")
    assert not post(line, []) and len(odoo.asked) == 1
    line.be("mute")
    assert not post(line, [], timeout=0.5) and len(odoo.asked) == 1
    line.be("deaf")
    assert not post(line, [], timeout=0.5) and len(odoo.asked) == 2, "it arrived, and nobody knows"
    line.be("open")
    assert post(line, [])


def test_requests_are_said_again_as_they_were(odoo, line):
    for number in range(5):
        assert post(line, [number])
    assert post(line, []), "a sign of life is not worth repeating"
    before = list(odoo.asked)
    assert line.repeat(10, random.Random(1)) == {200: 5}
    again = odoo.asked[len(before) :]
    assert sorted(again) == sorted(before[:5]) and again != before[:5]
