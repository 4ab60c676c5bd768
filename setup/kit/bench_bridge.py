"""What setup/bench measures of the bridge, run with Odoo's Python but without Odoo: FOLDER.

A recorded call is told over and over with other ids, numbers and times, fifty calls at a time, as a PBX
does; reader, gate and spool are the bridge's own, the spool is on disk. Making the stream
is not counted.
"""

import gc
import heapq
import re
import shutil
import sqlite3
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from lib.ami import AmiEvents, AmiReader
from lib.process import Intake
from lib.scope import Scope
from lib.site import Site
from lib.spool import Spool

from .bench_result import result
from .places import MAIN_ADDON, TOP

RECORDING = TOP / MAIN_ADDON / "lib" / "tests" / "data" / "inbound_answered" / "ami.txt"
AMI_EVENTS = 1_000_000
AT_ONCE = 50
#: bytes that a read from the PBX gives
PIECE = 65_536


def main():
    """Measure a million AMI events."""
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        _measure(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path):
    recorded = _recorded()
    spool = Spool(folder / "spool.sqlite")
    intake, reader, maker = Intake(spool), AmiReader(), AmiEvents()
    extensions = {str(number): True for number in range(101, 121)}
    intake.set_scope(_scope(extensions), time.monotonic())
    for _ in intake.history(iter(()), datetime.now(timezone.utc), time.monotonic()):
        pass
    before = _rss()
    most = before
    blocks = sent = calls = 0
    took = sending = raw = 0.0
    raw_db = _raw_spool(folder)
    while blocks < AMI_EVENTS:
        stream = b"".join(_stream(recorded, calls))
        calls += AT_ONCE
        began = time.perf_counter()
        for at in range(0, len(stream), PIECE):
            for block in reader.feed(stream[at : at + PIECE]):
                blocks += 1
                for event in maker.events(block):
                    intake.take(event, time.monotonic())
            intake.tick(time.monotonic())
        took += time.perf_counter() - began
        began = time.perf_counter()
        texts = []
        while batch := spool.batch():
            texts += batch.texts
            spool.acknowledge(batch.last)
        sent += len(texts)
        sending += time.perf_counter() - began
        began = time.perf_counter()
        _take_raw(stream, texts, raw_db)
        raw += time.perf_counter() - began
        del stream, texts
        most = max(most, _rss())
    gc.collect()
    spool.close()
    section = f"Bridge: {blocks:_} AMI events of {calls:_} calls, parsed, gated and spooled"
    rate = blocks / took
    result(section, "AMI events/s", f"{rate:.0f}", f"{raw / took:.0%} of raw", "10000/s", rate >= 10_000)
    result(section, "raw: cut into keys and values, same rows in SQLite", f"{blocks / raw:.0f}")
    result(section, "reading the spool to send, and acknowledging", f"{sent / sending:.0f}", f"{sent} events kept")
    result(
        section, "memory, MB", f"{_rss():.0f}", f"{before:.0f} at the start, at most {most:.0f}", "60 MB", most <= 60
    )


def _scope(extensions: dict) -> Scope:
    site = Site(country="NL", extensions=frozenset(extensions), trunks=frozenset({"+31201000101"}))
    return Scope("1", site, frozenset(extensions))


def _rss() -> float:
    """Megabytes of this process that are in memory."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000


# ------------------------------------------------------------------ the stream


def _recorded() -> list[tuple[float, bytes]]:
    """The recorded call: seconds since its beginning, and the block, for each of its blocks."""
    blocks = []
    for block in RECORDING.read_bytes().replace(b"\r\n", b"\n").split(b"\n\n"):
        stamp = re.search(rb"\nTimestamp: ([0-9.]+)", block)
        if stamp and b"\nLinkedid: " in block:
            blocks.append((float(stamp[1]), block))
    first = blocks[0][0]
    return [(at - first, block) for at, block in blocks]


def _stream(recorded, calls: int):
    """Blocks of fifty calls that go on at once, in the order of time."""
    ids = sorted({found for _at, block in recorded for found in re.findall(rb"iqueid: ([0-9.]+)", block)})
    told = []
    for place in range(calls, calls + AT_ONCE):
        began = 1_795_000_000 + place * 2.0
        names = {old: b"%d.%d" % (began, place * len(ids) + index) for index, old in enumerate(ids)}
        bridge = b"%08x-11ff-4950-9769-bb459b784daa" % place
        number = b"+3120%07d" % (1_000_000 + place)
        phone = b"%d" % (101 + place % 20)
        swap = {**names, b"+31301000142": number, b"101": phone}
        pattern = re.compile(rb"(?<![0-9.+])(?:%s)(?![0-9])" % b"|".join(map(re.escape, swap)))
        told.append([(began + at, pattern, swap, bridge, block) for at, block in recorded])
    for at, pattern, swap, bridge, block in heapq.merge(*told, key=lambda item: item[0]):
        block = pattern.sub(lambda match, swap=swap: swap[match[0]], block)
        block = re.sub(rb"\nTimestamp: [0-9.]+", b"\nTimestamp: %.6f" % at, block, count=1)
        yield (
            re.sub(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", bridge, block).replace(b"\n", b"\r\n") + b"\r\n\r\n"
        )


# ------------------------------------------------------------------ the raw limit


def _raw_spool(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, saved INTEGER, body TEXT)")
    return database


def _take_raw(stream: bytes, texts: list[str], database: sqlite3.Connection):
    """The least that anybody would do: each block a dictionary, each event a row, one commit."""
    for block in stream.decode().split("\r\n\r\n"):
        dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line)
    database.execute("BEGIN")
    database.executemany("INSERT INTO event (saved, body) VALUES (0, ?)", [(text,) for text in texts])
    database.execute("COMMIT")


if __name__ == "__main__":
    main()
