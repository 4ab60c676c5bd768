"""Start other programs, and stop exactly those.

Each server gets a process group of its own, so that Ctrl-C reaches this program alone, which
then stops them in order; and each is told by the kernel to end should this program be killed.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from .places import LOGS
from .screen import Trouble

_running: list[subprocess.Popen] = []
# Set once threads are to start nothing any more.
_over = threading.Event()


def run(command, *, log: Path | None = None, user: str | None = None, **options) -> str:
    """Run a command to its end and return what it printed. Trouble with its last lines if it fails."""
    command = as_user(user, command)
    options.setdefault("stdin", subprocess.DEVNULL)
    # A group of its own: Ctrl-C is ours to pass on, once.
    process = start_quietly(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    try:
        output = process.communicate()[0].decode(errors="replace")
    finally:
        stop(process)
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(output)
    if process.returncode:
        tail = "\n".join(output.strip().splitlines()[-15:])
        where = f"\nAll of it: {log}" if log else ""
        raise Trouble(f"This did not work (status {process.returncode}): {printable(command)}\n{tail}{where}")
    return output


def start(name: str, command, *, user: str | None = None, again: bool = False, **options) -> subprocess.Popen:
    """Start a server that lives until `stop`; it writes to `.run/log/<name>.log`, `again` to the end of that."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(LOGS / f"{name}.log", "ab" if again else "wb") as log:
        return start_quietly(as_user(user, command), stdout=log, stderr=subprocess.STDOUT, **options)


def start_quietly(command, **options) -> subprocess.Popen:
    """Popen in a group of its own, remembered for `stop_all`."""
    _go_on()
    options.setdefault("stdin", subprocess.DEVNULL)
    if shutil.which("setpriv"):
        # Should this program be killed outright, the kernel ends the other one too.
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    process = subprocess.Popen([os.fspath(part) for part in command], start_new_session=True, **options)
    _running.append(process)
    try:
        # once more: whoever stops all may not have seen this one
        _go_on()
    except Trouble:
        stop(process)
        raise
    return process


def _go_on() -> None:
    if _over.is_set() and threading.current_thread() is not threading.main_thread():
        raise Trouble("Stopped.")


def stop(process: subprocess.Popen, patience: float = 15) -> None:
    """End a process and all of its group."""
    with suppress(ValueError):
        _running.remove(process)
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            process.poll()
            if not _group_alive(process.pid):
                break
            time.sleep(0.05)
    process.wait()


def stop_all(threads: bool = False) -> None:
    """End what is still running, the youngest first.

    :param threads: those beside the main one start nothing any more
    """
    if threads:
        _over.set()
    while _running:
        stop(_running[-1])


def _group_alive(group: int) -> bool:
    # A dead process that its parent has not fetched yet is still a member of its group.
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, of_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(of_group) == group and state not in "ZX":
            return True
    return False


def as_user(user: str | None, command) -> list:
    """The command, run by another user if one is named (only root can do that)."""
    if not user:
        return list(command)
    return ["setpriv", "--reuid", user, "--regid", user, "--init-groups", *command]


def printable(command) -> str:
    """A command as a person would write it, shortened."""
    text = " ".join(str(part) for part in command)
    return text if len(text) < 200 else text[:200] + " …"


def free_port(wanted: int, *, insist: bool = False, kind=socket.SOCK_STREAM) -> int:
    """`wanted` if nobody listens there, else (unless `insist`) another free port."""
    for port in (wanted,) if insist else (wanted, *range(wanted + 1, wanted + 50), 0):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise Trouble(f"Port {wanted} is taken on this machine; choose another one with --port.")


@contextmanager
def everything_stopped():
    """Whatever happens inside, nothing that was started survives it."""

    def ask_to_stop(number, frame):
        # A second signal while stopping must not leave something behind.
        for ignored in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(ignored, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    try:
        yield
    finally:
        stop_all()
