import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kit import processes
from kit.screen import Trouble

SETUP = Path(__file__).resolve().parents[1]
# Starts a server with a child of its own, says both numbers, and waits.
PROGRAM = """
import sys, time
from kit import processes, test_command
with processes.everything_stopped():
    server = processes.start_quietly(["sh", "-c", "sleep 300 & echo $! > $0; wait", sys.argv[1]])
    while True:
        time.sleep(0.1)
"""

# Two lanes: one waits for its server, the other starts one after the other.
LANES = """
import sys
from kit import processes, test_command
from kit.screen import Trouble
def waits():
    processes.run(["sleep", "300"])
def starts():
    while True:
        processes.run(["sh", "-c", "echo again >> $0; sleep 0.1", sys.argv[1]])
with processes.everything_stopped():
    test_command._side_by_side(waits, starts)
"""

# One waits for its server, another fails; a third one would be next.
FAILING = """
from kit import processes, test_command
from kit.screen import Trouble
def waits():
    processes.run(["sleep", "300"])
def fails():
    print("fails")
    raise Trouble("no room")
with processes.everything_stopped():
    try:
        test_command._side_by_side(waits, fails, lambda: print("more"))
    except Trouble as trouble:
        print(trouble)
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_survives_a_signal(tmp_path, number):
    note = tmp_path / "a name with spaces"
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, note], env={**os.environ, "PYTHONPATH": str(SETUP)}, stderr=subprocess.DEVNULL
    )
    until(lambda: note.exists() and note.read_text().strip())
    grandchild = int(note.read_text())
    assert alive(grandchild)
    program.send_signal(number)
    assert program.wait(20) != 0
    assert not alive(grandchild)


def test_lanes_start_nothing_after_a_signal(tmp_path):
    note = tmp_path / "note"
    program = subprocess.Popen(
        [sys.executable, "-c", LANES, note], env={**os.environ, "PYTHONPATH": str(SETUP)}, stderr=subprocess.DEVNULL
    )
    until(lambda: note.exists() and note.read_text().count("again") > 2)
    program.send_signal(signal.SIGINT)
    assert program.wait(20) != 0
    begun = note.read_text()
    time.sleep(0.5)
    assert note.read_text() == begun


def test_a_killed_program_takes_its_server_along(tmp_path):
    note = tmp_path / "note"
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, note], env={**os.environ, "PYTHONPATH": str(SETUP)})
    until(lambda: note.exists() and note.read_text().strip())
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    program.kill()
    program.wait()
    until(lambda: not any(alive(child) for child in children))
    os.kill(int(note.read_text()), signal.SIGKILL)


def test_run_says_what_did_not_work():
    with pytest.raises(Trouble, match="no such thing"):
        processes.run(["sh", "-c", "echo no such thing; exit 3"])


def test_a_taken_port_is_passed_over_unless_it_was_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert processes.free_port(port) != port
        with pytest.raises(Trouble, match="taken"):
            processes.free_port(port, insist=True)


def test_what_fails_side_by_side_is_told_and_nothing_more_begins():
    done = subprocess.run(
        [sys.executable, "-c", FAILING], env={**os.environ, "PYTHONPATH": str(SETUP)}, capture_output=True, timeout=60
    )
    assert done.stdout.decode().split() == ["fails", "no", "room"]
