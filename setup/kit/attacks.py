"""Requests that mean harm, against a real server: forged, replayed, too large, packed, slow, half open, cut off.

Beside each attack the right requests of a bridge go on; what is asked is that they are answered, that nothing of the
attack is kept, and that the answers tell nothing.
"""

import gzip
import http.client
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from . import odoo, processes
from .places import MAIN_ADDON, TOP
from .screen import Trouble, step

DATABASE = "crm_voip_attack"
EVENTS = f"/{MAIN_ADDON}/v1/events"
FORGED = 1000
WORKERS = 2
#: seconds that a right request may take while others mean harm, on a machine that does other things besides
PATIENCE = 5.0
#: with workers and no proxy before them, each half-open connection keeps a worker for the two seconds of Odoo's own limit
PATIENCE_HALF_OPEN = 30.0
#: what could not be calculated at once is made up for by a scheduled action, once a minute
FOLDED_WITHIN = 90
_SETUP = """
env["crm.voip.pbx"].search([("name", "=", "Under fire")]).write({"active": False})
pbx = env["crm.voip.pbx"].create({"name": "Under fire", "country_id": env.ref("base.nl").id})
env["crm.voip.extension"].create({"pbx_id": pbx.id, "number": "101", "recorded": True})
key, secret = env["crm.voip.pbx.key"]._generate(pbx)
env.cr.commit()
print("KEY", pbx.id, key, secret)
"""


@dataclass
class Target:
    """A server under attack, and the key of its PBX."""

    server: odoo.Odoo
    port: int
    pbx: int
    key: str
    secret: str
    workers: int
    process: subprocess.Popen
    #: what was measured, in words
    figures: list[str] = field(default_factory=list)

    def ask(self, body: bytes, timeout: float = 60, **more) -> tuple[int, bytes]:
        """Status and content of the answer to a signed request; see `signed`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", EVENTS, body, self.signed(body, **more))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def signed(self, body: bytes, key: str = "", secret: str = "", moment: float = 0, **headers) -> dict[str, str]:
        """Headers of a request."""
        signature = sys.modules["lib.signature"]
        values = signature.headers(secret or self.secret, key or self.key, int(moment or time.time()), body)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"Content-Type": "application/json", **values, **names}

    def sql(self, statement: str) -> list[list[str]]:
        """Rows, as text."""
        return self.server.cluster.sql(statement, DATABASE)

    def kept(self) -> list[list[str]]:
        """What the journal and the calls hold."""
        return self.sql(
            "SELECT (SELECT concat_ws(' ', count(*), max(id)) FROM crm_voip_journal),"
            " (SELECT md5(string_agg(concat_ws(' ', id, disposition, talk_s, write_date), ',' ORDER BY id)) FROM crm_voip_call)"
        )

    def memory(self) -> int:
        """Bytes that the server's processes hold."""
        total = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if int((status.parent / "stat").read_text().rpartition(")")[2].split()[2]) == self.process.pid:
                    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
                    total += int(lines["VmRSS"].split()[0]) * 1024
            except (OSError, KeyError, ValueError):
                continue
        return total


def check(server: odoo.Odoo) -> Iterator[tuple[str, str]]:
    """Attack a server without and one with worker processes.

    :return: for each attack what it is, and what is wrong (empty if nothing); last, ("figures", …) for each server
    """
    sys.path.insert(0, str(TOP / MAIN_ADDON))
    __import__("lib.signature")
    pbx, key, secret = prepare(server)
    for workers in (0, WORKERS):
        with serving(server, workers) as (port, process):
            target = Target(server, port, pbx, key, secret, workers, process)
            for attack in (forged, telling, replayed, too_large, packed, half_open, same_call, cut_off):
                what = f"{attack.__doc__.splitlines()[0].rstrip('.')}, {workers or 'no'} workers"
                with step(f"Attack: {what}"):
                    try:
                        yield what, attack(target) or ""
                    except (OSError, http.client.HTTPException, ValueError) as error:
                        yield what, f"{type(error).__name__}: {error}"
            yield "figures", f"{workers or 'no'} workers: {'; '.join(target.figures)}"


def prepare(server: odoo.Odoo) -> tuple[int, str, str]:
    """Have a database with a PBX of our own: its id, key and secret."""
    server.ready(DATABASE)
    said = next(line for line in server.shell(DATABASE, _SETUP).splitlines() if line.startswith("KEY "))
    _word, pbx, key, secret = said.split()
    return int(pbx), key, secret


@contextmanager
def serving(server: odoo.Odoo, workers: int):
    """A server of `DATABASE`: its port and process."""
    port = processes.free_port(8171)
    process = server.serve(DATABASE, port, workers=workers, gevent_port=processes.free_port(8271))
    try:
        deadline = time.monotonic() + 60
        while not odoo.answers(f"http://127.0.0.1:{port}"):
            if time.monotonic() > deadline or process.poll() is not None:
                raise Trouble("Odoo does not start; see .run/log/odoo.log")
            time.sleep(0.2)
        yield port, process
    finally:
        processes.stop(process)


def call(name: str, source: str = "attack") -> list[dict]:
    """The events of an answered call of one minute, in order."""
    start = datetime.now(timezone.utc) - timedelta(hours=1)
    lines = (
        (0, "started", name, {"channel": "PJSIP/trunk-00000001", "number": "+12025550101", "dialled": "+31201000101"}),
        (1, "started", f"{name}.p", {"channel": "PJSIP/101-00000002"}),
        (1, "ringing", f"{name}.p", {"by": name}),
        (5, "answered", f"{name}.p", {}),
        (5, "answered", name, {}),
        (5, "bridged", f"{name}.p", {"bridge": "b"}),
        (5, "bridged", name, {"bridge": "b"}),
        (65, "unbridged", f"{name}.p", {"bridge": "b"}),
        (65, "unbridged", name, {"bridge": "b"}),
        (65, "ended", f"{name}.p", {"cause": 16}),
        (65, "ended", name, {"cause": 16}),
    )
    return [
        {"id": f"{name}:{place}", "type": kind, "call": name, "leg": leg, "source": source, "data": data,
         "at": (start + timedelta(seconds=second)).isoformat()}
        for place, (second, kind, leg, data) in enumerate(lines)
    ]  # fmt: skip


def batch(events=()) -> bytes:
    """The body of a request."""
    return json.dumps({"bridge": {"id": "fire"}, "events": list(events)}).encode()


def right_ones(target: Target, seconds: Callable[[], bool], pause: float = 0.1) -> tuple[list[float], list[int]]:
    """Send right requests as long as `seconds()` holds: how long each took, and the status of those that failed."""
    times, bad = [], []
    while seconds() or not times:
        begun = time.monotonic()
        status, _content = target.ask(batch())
        times.append(time.monotonic() - begun)
        if status != 200:
            bad.append(status)
        time.sleep(pause)
    return times, bad


def _judged(target: Target, name: str, times: list[float], bad: list[int], most: float = PATIENCE) -> str:
    target.figures.append(
        f"right requests beside {name}: median {statistics.median(times) * 1000:.0f} ms, longest {max(times) * 1000:.0f} ms"
    )
    if bad:
        return f"right requests were answered with {sorted(set(bad))}"
    return f"a right request took {max(times):.1f} s" if max(times) > most else ""


# ------------------------------------------------------------------ attacks


def forged(target: Target) -> str:
    """A thousand wrong signatures stop no right one."""
    body, before, begun = batch(call("forged")), target.kept(), time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        answers = [
            pool.submit(target.ask, body, secret="wrong" * 8)
            for _place in range(FORGED if not target.workers else FORGED // 4)
        ]
        times, bad = right_ones(target, lambda: not all(one.done() for one in answers))
        statuses = {one.result()[0] for one in answers}
    target.figures.append(f"{len(answers) / (time.monotonic() - begun):.0f} wrong signatures a second refused")
    if statuses != {401}:
        return f"they were answered with {sorted(statuses)}"
    if target.kept() != before:
        return "something of them was kept"
    return _judged(target, "wrong signatures", times, bad)


def telling(target: Target) -> str:
    """Answers tell nobody whether there is a key, in words or time."""
    body = batch(call("telling"))
    kinds = {"known": {"secret": "x" * 43}, "unknown": {"secret": "x" * 43, "key": "x" * len(target.key)}}
    times, answers = {name: [] for name in kinds}, set()
    for _place in range(150):
        for name, values in kinds.items():
            begun = time.perf_counter()
            answers.add(target.ask(body, **values))
            times[name].append(time.perf_counter() - begun)
    quick = {name: statistics.median(taken) * 1000 for name, taken in times.items()}
    target.figures.append(f"known key {quick['known']:.2f} ms, unknown {quick['unknown']:.2f} ms")
    if len(answers) != 1:
        return f"the answers differ: {sorted(answers)}"
    spread = max(statistics.pstdev(taken) * 1000 for taken in times.values())
    gap = abs(quick["known"] - quick["unknown"])
    # a tenth of what single requests differ by, and never less than a quarter of a millisecond, is no signal
    return f"{gap:.2f} ms apart, single ones by {spread:.2f} ms" if gap > max(spread / 2, 0.5) else ""


def replayed(target: Target) -> str:
    """A stolen batch changes nothing, soon or late."""
    name = f"stolen-{target.workers}-{time.time()}"
    body = batch(call(name))
    moment = time.time()
    target.ask(body, moment=moment)
    before = target.kept()
    status, content = target.ask(body, moment=moment)
    if status != 200 or json.loads(content)["accepted"]:
        return f"within its five minutes: {status} {content[:200]!r}"
    old = target.ask(body, moment=moment - 301)[0]
    headers = target.signed(body, moment=moment)
    headers["X-Voip-Timestamp"] = str(int(moment) + 200)
    moved = _raw_status(target, headers, body)
    if (old, moved) != (401, 401):
        return f"later: {old}; with another time: {moved}"
    return "" if target.kept() == before else "something changed"


def _raw_status(target: Target, headers: dict, body: bytes, more: bytes | None = None) -> int:
    lines = [f"POST {EVENTS} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection(("127.0.0.1", target.port), timeout=30) as line:
        line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        try:
            line.sendall(body if more is None else more)
            answer = line.recv(200)
        except (BrokenPipeError, ConnectionResetError):
            return 0  # it would not read on
        return int(answer.split()[1]) if answer.startswith(b"HTTP/") else 0


def too_large(target: Target) -> str:
    """Bodies that are, or say that they are, too large."""
    before = target.memory()
    large = b" " * (9 << 20)
    found = {
        "9 MB": _raw_status(target, target.signed(large), large),
        "a terabyte, said only": _raw_status(target, {**target.signed(b""), "Content-Length": str(1 << 40)}, b"", b"{}"),
        # taken for nothing at all, which is no JSON
        "a negative length": _raw_status(target, {**target.signed(b""), "Content-Length": "-1"}, b"", b"{}"),
        "no number": _raw_status(target, {**target.signed(b""), "Content-Length": "ten"}, b"", b"{}"),
        "pieces without end": _raw_status(
            target, {**target.signed(b""), "Transfer-Encoding": "chunked"}, b"", b"100000\r\n" + b" " * (1 << 20) + b"\r\n0\r\n\r\n"
        ),
    }  # fmt: skip
    wrong = {name: status for name, status in found.items() if status not in (0, 400, 401, 411, 413, 422, 501)}
    if wrong:
        return f"answered with {wrong}"
    grown = target.memory() - before
    target.figures.append(f"bodies too large: {', '.join(f'{name} {status}' for name, status in found.items())}")
    return f"memory grew by {grown >> 20} MB" if grown > 64 << 20 else ""


def packed(target: Target) -> str:
    """Bodies that would unpack to gigabytes are not unpacked."""
    before = target.memory()
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1 << 20)
    gzipped = b"".join([*(bomb.compress(piece) for _ in range(512)), bomb.flush()])
    twice = gzip.compress(gzipped)
    for encoding, body in (
        ("gzip", gzipped), ("gzip, gzip", twice), ("deflate", zlib.compress(piece * 64, 9)),
        ("br", b"\xcf\xff\xff\x7f\xf8" * 1000), ("zstd", b"\x28\xb5\x2f\xfd" + bytes(1000)),
    ):  # fmt: skip
        begun = time.monotonic()
        status = target.ask(body, Content_Encoding=encoding)[0]
        if status not in (400, 415, 422):
            return f"{encoding}: {status}"
        if time.monotonic() - begun > 2:
            return f"{encoding}: {time.monotonic() - begun:.1f} s"
    grown = target.memory() - before
    return f"memory grew by {grown >> 20} MB" if grown > 64 << 20 else ""


def half_open(target: Target) -> str:
    """Connections that begin a request and do not end it."""
    lines = []
    stop = threading.Event()

    def drip():
        while not stop.wait(0.5):
            for line in list(lines):
                try:
                    line.send(b"x")
                except OSError:
                    lines.remove(line)

    head = f"POST {EVENTS} HTTP/1.1\r\nHost: localhost\r\n".encode()
    for place in range(12):
        line = socket.create_connection(("127.0.0.1", target.port), timeout=5)
        # some in the middle of the head, some of the body, some with nothing at all
        line.sendall((head + b"X-A: ", head + b"Content-Length: 5000\r\n\r\n{", b"")[place % 3])
        lines.append(line)
    # drop by drop, a request keeps one of the worker processes for as long as it likes: with workers, Odoo needs a
    # proxy before it, which takes a request whole before it hands it on (readme/SECURITY)
    dripping = threading.Thread(target=(lambda: None) if target.workers else drip)
    dripping.start()
    try:
        until = time.monotonic() + 6
        times, bad = right_ones(target, lambda: time.monotonic() < until)
    finally:
        stop.set()
        dripping.join()
        for line in lines:
            line.close()
    return _judged(target, "12 half-open ones", times, bad, PATIENCE_HALF_OPEN if target.workers else PATIENCE)


def same_call(target: Target) -> str:
    """Batches of the same call at the same time end right."""
    names = [f"same-{target.workers}-{place}-{time.time()}" for place in range(20)]
    with ThreadPoolExecutor(6) as pool:
        jobs = []
        for name in names:
            events = call(name)
            jobs += [pool.submit(target.ask, batch(events[place::3])) for place in range(3)]
            jobs.append(pool.submit(target.ask, batch(events[4:])))
        statuses = {job.result()[0] for job in jobs}
    return (f"answered with {sorted(statuses)}; " if statuses != {200} else "") + _wrong(target, names)


def cut_off(target: Target) -> str:
    """Connections to the database are cut; the bridge sends again, and all is right."""
    names = [f"cut-{target.workers}-{place}-{time.time()}" for place in range(40)]
    stop, cuts = threading.Event(), []

    def cut():
        while not stop.wait(0.25):
            cuts.append(
                target.sql(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    f" WHERE datname = '{DATABASE}' AND pid <> pg_backend_pid()"
                )
            )

    def deliver(name):
        for piece in (call(name)[:6], call(name)[6:], call(name)[3:9]):
            # as a bridge does: again until it is acknowledged
            for _attempt in range(60):
                try:
                    if target.ask(batch(piece))[0] == 200:
                        break
                except (OSError, http.client.HTTPException):
                    pass
                time.sleep(0.1)
            else:
                raise ValueError(f"{name} was never acknowledged")

    cutting = threading.Thread(target=cut)
    cutting.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(deliver, names))
    finally:
        stop.set()
        cutting.join()
    target.figures.append(f"{len(cuts)} times all connections to the database were cut")
    return _wrong(target, names)


def _wrong(target: Target, names: list[str]) -> str:
    """Which of these calls are not there once, answered, with 60 s of talk and one leg, within some seconds."""
    listed = ",".join(f"'{name}'" for name in names)
    deadline = time.monotonic() + FOLDED_WITHIN
    while True:
        right = target.sql(
            "SELECT call_ref FROM crm_voip_call call WHERE disposition = 'answered' AND talk_s = 60"
            f" AND call_ref IN ({listed}) AND 1 = (SELECT count(*) FROM crm_voip_leg WHERE call_id = call.id)"
        )
        left = set(names) - {row[0] for row in right}
        if not left:
            return ""
        if time.monotonic() > deadline:
            return f"{len(left)} of {len(names)} calls are not right, such as {min(left)}"
        time.sleep(0.5)
