"""Events on disk until Odoo has acknowledged them, and some days longer.

A log with one cursor: events are appended, sent in order, and acknowledged up to a place. What
is acknowledged stays ``keep_days`` so that it can be sent again to an Odoo that was
restored from an older backup: then the cursor steps back (:meth:`Spool.step_back`). Once an hour a mark
says up to which PBX time all was settled at a place, so that of what is deleted the PBX's history can be asked.

Only what passed the gate (:mod:`lib.scope`) comes here. Deleted rows are overwritten
(``secure_delete``), the file is readable by its owner only, and one process at a time uses it.
"""

import contextlib
import fcntl
import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .events import BadEvent, Event, format_time, parse_time

DAY = 86_400
#: days that a mark is kept; nobody restores a backup that is older
MARK_DAYS = 400
#: so many characters of a time name its hour
_HOUR = 13
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, saved INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mark (seq INTEGER PRIMARY KEY, settled TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS aside (seq INTEGER PRIMARY KEY, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outside (day TEXT PRIMARY KEY, calls INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recording (
    leg TEXT NOT NULL, name TEXT NOT NULL, file TEXT NOT NULL, call TEXT NOT NULL, at TEXT, saved INTEGER NOT NULL,
    ended INTEGER, state TEXT NOT NULL DEFAULT 'waiting', due INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (leg, name)
) WITHOUT ROWID;
"""


class SpoolProblem(Exception):
    """The spool cannot be used; the text names the remedy.

    :param full: the disk is full, so waiting may help
    """

    def __init__(self, text: str, full: bool = False):
        super().__init__(text)
        self.full = full


@dataclass(frozen=True)
class Batch:
    """Events to send: their JSON texts, and the place of the last one."""

    first: int
    last: int
    texts: list[str]


@dataclass(frozen=True)
class Recording:
    """A file of sound that Odoo is to have.

    :param leg: whose channel was recorded; with ``name``, what tells it from others
    :param name: of the file, without folder
    :param file: as the PBX said it
    :param call: the PBX's id of the call
    :param at: when the recording began, as in an event
    :param saved: when the bridge heard of it, seconds since 1970
    :param ended: when the bridge heard that leg or call ended, None before
    :param tries: how often Odoo was asked in vain
    """

    leg: str
    name: str
    file: str
    call: str
    at: str | None
    saved: int
    ended: int | None
    tries: int


@dataclass(frozen=True)
class Glance:
    """What a spool holds: its id, events waiting to be sent, events set aside."""

    id: str
    waiting: int
    aside: int


def glance(path) -> Glance:
    """Look into a spool, also while a bridge uses it.

    :raise SpoolProblem: it cannot be read
    """
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            row = database.execute(
                "SELECT (SELECT value FROM meta WHERE name = 'id'),"
                " (SELECT count(*) FROM event WHERE seq > (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'sent')),"
                " (SELECT count(*) FROM aside)"
            ).fetchone()
    except sqlite3.Error as error:
        raise SpoolProblem(
            f"The spool {path} cannot be read ({error}): check its rights, and run check as its owner"
        ) from error
    return Glance(*row)


class Spool:
    """One SQLite file. Safe to use from several threads.

    :param path: of the file; its folder must exist
    :param keep_days: for acknowledged events
    :param clock: seconds since 1970
    :raise SpoolProblem: another bridge uses it, it cannot be written, or it is damaged
    """

    def __init__(self, path, keep_days: float = 7, clock=time.time):
        self.path, self.keep_days, self.clock = Path(path), keep_days, clock
        self._lock = threading.RLock()
        self._guard = None
        try:
            # Nobody else may read people's numbers; SQLite gives its side files the same mode.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._guard = open(f"{self.path}.lock", "w")  # noqa: SIM115 (held as long as the spool)
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._guard.close()
            raise SpoolProblem(f"Another bridge is running with the spool {self.path}: stop it first") from None
        except OSError as error:
            raise SpoolProblem(
                f"The spool {self.path} cannot be written ({error.strerror}): check [spool] file and the rights of its folder"
            ) from None
        try:
            self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
            self._open()
        except sqlite3.Error as error:
            self.close()
            raise self._problem(error) from error

    def _open(self) -> None:
        run = self._db.execute
        run("PRAGMA journal_mode = WAL")
        # FULL: one fsync for each commit, and commits gather some tens of milliseconds. With NORMAL a
        # kill -9 would lose nothing either, but a power cut would lose all since the last
        # checkpoint: on a small PBX whose Odoo is away, a day of calls.
        run("PRAGMA synchronous = FULL")
        run("PRAGMA secure_delete = ON")
        run("PRAGMA busy_timeout = 5000")
        self._db.executescript(_SCHEMA)
        run("INSERT OR IGNORE INTO meta VALUES ('id', ?), ('sent', '0')", (str(uuid.uuid4()),))
        #: names this spool to Odoo
        self.id: str = self._meta("id")
        self._sent = int(self._meta("sent"))
        row = run("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        self._last: int = row[0] if row else 0
        self._waiting = self._count(self._sent, self._last)
        row = run("SELECT max(settled) FROM mark").fetchone()
        self._marked = row[0] or ""
        #: PBX time from which its history is to be read once more, None if it is not
        self.behind = parse_time(self._meta("behind"))

    def close(self) -> None:
        with self._lock:
            if hasattr(self, "_db"):
                self._db.close()
            if self._guard:
                self._guard.close()

    @property
    def waiting(self) -> int:
        """Events that Odoo has not acknowledged."""
        return self._waiting

    @property
    def sent(self) -> int:
        """The place up to which nothing is to be sent."""
        return self._sent

    @property
    def told(self) -> int:
        """A place up to which Odoo was told all: what was set aside since then, it never was."""
        with self._lock:
            row = self._db.execute(
                "SELECT max(seq) FROM event WHERE seq <= ? AND seq NOT IN (SELECT seq FROM aside)", (self._sent,)
            ).fetchone()
        return self._sent if row[0] is None else row[0]

    @property
    def last(self) -> int:
        """The place of the newest event."""
        return self._last

    @property
    def settled(self) -> datetime | None:
        """PBX time before which everything was decided and saved; None in a new spool."""
        return parse_time(self._meta("settled"))

    @property
    def begun(self) -> datetime | None:
        """PBX time from which this spool is to know everything, None if that was not said yet."""
        return parse_time(self._meta("begun"))

    @property
    def counted_until(self) -> datetime | None:
        """PBX time of the last call counted as outside the scope."""
        return parse_time(self._meta("counted_until"))

    def add(
        self,
        events: Iterable[Event] = (),
        settled: datetime | None = None,
        outside: Mapping[str, int] | None = None,
        counted_until: datetime | None = None,
        recordings: Iterable[Event] = (),
        withheld: Iterable[str] = (),
    ) -> None:
        """Append events; once this returns, they survive whatever happens to the process.

        :param settled: see :attr:`settled`; kept to the minute, so that it tells of no call
        :param outside: UTC day -> calls outside the scope, to be added
        :param recordings: those of the events whose files Odoo is to have
        :param withheld: ids of calls whose files Odoo is not to have after all
        :raise SpoolProblem: nothing was appended
        """
        saved = int(self.clock())
        events = list(events)
        rows = [(saved, json.dumps(event.to_dict(), ensure_ascii=False, separators=(",", ":"))) for event in events]
        marks = False
        with self._transaction() as run:
            if rows:
                self._db.executemany("INSERT INTO event (saved, body) VALUES (?, ?)", rows)
            if settled:
                minute = format_time(settled.replace(second=0, microsecond=0))
                self._set(run, "settled", minute)
                if marks := minute[:_HOUR] > self._marked[:_HOUR]:
                    run("INSERT OR REPLACE INTO mark VALUES (?, ?)", (self._last + len(rows), minute))
            for day, calls in (outside or {}).items():
                run(
                    "INSERT INTO outside VALUES (?, ?) ON CONFLICT DO UPDATE SET calls = calls + excluded.calls",
                    (day, calls),
                )
            if outside and counted_until:
                self._set(run, "counted_until", format_time(counted_until))
            self._note_recordings(run, events, recordings, withheld, saved)
        if marks:
            self._marked = minute
        self._last += len(rows)
        self._waiting += len(rows)

    def begin(self, moment: datetime) -> None:
        """Say that what happens from this PBX time on belongs here.

        :raise SpoolProblem: it was not written
        """
        with self._transaction() as run:
            self._set(run, "begun", format_time(moment))
            self._set(run, "settled", format_time(moment))

    def batch(self, most: int = 500, most_bytes: int = 900_000) -> Batch | None:
        """The oldest events that are not acknowledged, None if there are none.

        :param most_bytes: of their texts together; a single longer one comes alone
        """
        with self._lock:
            try:
                rows = self._db.execute(
                    "SELECT seq, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (self._sent, most)
                )
                taken, size = [], 0
                for seq, body in rows:
                    size += len(body.encode())
                    if taken and size > most_bytes:
                        break
                    taken.append((seq, body))
                rows.close()
            except sqlite3.Error as error:
                raise self._problem(error) from error
        return Batch(taken[0][0], taken[-1][0], [body for _seq, body in taken]) if taken else None

    def acknowledge(self, last: int) -> None:
        """Odoo has everything up to this place."""
        with self._transaction() as run:
            self._set(run, "sent", str(last))
            gone = self._count(self._sent, last)
        self._sent, self._waiting = last, self._waiting - gone

    def step_back(self, known: int) -> int:
        """Odoo knows nothing after this place, though it did: what is kept of that is to be sent again.

        Of what is not kept any more, :attr:`behind` tells since when the PBX's history has to. An Odoo that
        never heard of this spool (``known`` 0) gets what is kept: its past is for people to ask for.

        :return: events to be sent again
        """
        with self._transaction() as run:
            row = run("SELECT seq, saved FROM event WHERE seq > ? ORDER BY seq LIMIT 1", (known,)).fetchone()
            first, saved = row or (self._last + 1, int(self.clock()))
            behind = self.behind
            if 0 < known < first - 1:
                row = run("SELECT settled FROM mark WHERE seq <= ? ORDER BY seq DESC LIMIT 1", (known,)).fetchone()
                behind = min(filter(None, (parse_time(row[0]) if row else self.begun, behind)), default=None)
                if behind:
                    self._set(run, "behind", format_time(behind))
            # one that was sent after the event before was saved may be unknown; if it is not, Odoo says so
            row = run("SELECT saved FROM event WHERE seq <= ? ORDER BY seq DESC LIMIT 1", (known,)).fetchone()
            run(
                "UPDATE recording SET state = 'waiting', due = 0, tries = 0 WHERE state = 'sent' AND saved >= ?",
                (min(row[0], saved) if row else 0,),
            )
            self._set(run, "sent", str(first - 1))
            again = self._count(first - 1, self._sent)
        self._sent, self._waiting, self.behind = first - 1, self._waiting + again, behind
        return again

    def caught_up(self, behind: datetime) -> None:
        """The PBX's history was read from there on, and what it told is saved."""
        with self._transaction() as run:
            if self.behind == behind:  # it may have become more meanwhile
                run("DELETE FROM meta WHERE name = 'behind'")
                self.behind = None

    def go_on_from(self, place: int) -> None:
        """Odoo knows more of this spool than itself: an older copy of it was put back. Its next events get later places."""
        with self._transaction() as run:
            run("INSERT INTO sqlite_sequence SELECT 'event', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence)")
            run("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'event'", (place,))
        self._last = max(self._last, place)

    def set_aside(self, seq: int, reason: str) -> None:
        """The event at this place, the next to be sent, cannot be sent: it stays, and blocks nobody."""
        with self._transaction() as run:
            run("INSERT OR REPLACE INTO aside VALUES (?, ?)", (seq, reason))
            self._set(run, "sent", str(seq))
            gone = self._count(self._sent, seq)
        self._sent, self._waiting = seq, self._waiting - gone

    def aside(self) -> list[tuple[int, str]]:
        """Place and reason of what was set aside."""
        with self._lock:
            return self._db.execute("SELECT seq, reason FROM aside ORDER BY seq").fetchall()

    def outside(self) -> dict[str, int]:
        """Calls outside the scope of the last days: UTC day -> number since this spool exists."""
        with self._lock:
            return dict(self._db.execute("SELECT day, calls FROM outside ORDER BY day DESC LIMIT 8"))

    def begin_command(self, ident: str) -> bool:
        """Note that a command is carried out, before it is: it never will be a second time.

        :return: false if it was noted before
        :raise SpoolProblem: it was not noted
        """
        with self._transaction() as run:
            return run("INSERT OR IGNORE INTO command VALUES (?, ?)", (ident, int(self.clock()))).rowcount == 1

    def recent(self, seconds: float) -> Iterator[Event]:
        """What was appended within the last seconds, oldest first."""
        with self._lock:
            rows = self._db.execute("SELECT saved, body FROM event ORDER BY seq DESC")
            bodies, since = [], self.clock() - seconds
            for saved, body in rows:
                if saved < since:
                    break
                bodies.append(body)
            rows.close()
        while bodies:
            try:
                yield Event.from_dict(json.loads(bodies.pop()))
            except (BadEvent, ValueError):
                continue

    def purge(self) -> None:
        """Delete what was acknowledged long ago."""
        before = int(self.clock() - self.keep_days * DAY)
        with self._transaction() as run:
            run("DELETE FROM command WHERE at < ?", (before,))
            run("DELETE FROM recording WHERE state != 'waiting' AND saved < ?", (before,))
            run("DELETE FROM mark WHERE settled < ?", (format_time(parse_time(self.clock() - MARK_DAYS * DAY)),))
        while True:
            with self._transaction() as run:
                # rows are in the order of time, so the oldest few are all that must be looked at
                oldest = "SELECT seq, saved FROM event WHERE seq <= ? ORDER BY seq LIMIT 1000"
                seqs = f"SELECT seq FROM ({oldest}) WHERE saved < ?"  # noqa: S608 (constants)
                run(f"DELETE FROM aside WHERE seq IN ({seqs})", (self._sent, before))  # noqa: S608
                gone = run(f"DELETE FROM event WHERE seq IN ({seqs})", (self._sent, before)).rowcount  # noqa: S608
            if gone < 1000:
                return

    def forget(self, state: str, recalls: Callable[[Event], bool]) -> int:
        """Delete all that is kept of calls with somebody who is forgotten, whether it was sent or not.

        :param state: names who is forgotten; what was done for the same state is not done again
        :param recalls: whether an event tells of one of them
        :return: number of events
        :raise SpoolProblem: not all was deleted
        """
        if self._meta("forgotten") == state:
            return 0
        calls: set[str] = set()
        for _seq, event in self._all():
            if recalls(event):
                calls.update((event.call, *event.texts("calls")))
        gone = [seq for seq, event in self._all() if event.call in calls] if calls else []
        for first in range(0, len(gone), 500):
            piece = gone[first : first + 500]
            with self._transaction() as run:
                waiting = sum(seq > self._sent for seq in piece)
                self._db.executemany("DELETE FROM event WHERE seq = ?", [(seq,) for seq in piece])
                self._db.executemany("DELETE FROM aside WHERE seq = ?", [(seq,) for seq in piece])
            self._waiting -= waiting
        with self._transaction() as run:
            self._db.executemany("DELETE FROM recording WHERE call = ?", [(call,) for call in calls])
            self._set(run, "forgotten", state)
        if gone:
            with self._lock, contextlib.suppress(sqlite3.Error):
                # what was deleted is overwritten in the file, and goes from the log before it
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(gone)

    def _all(self) -> Iterator[tuple[int, Event]]:
        """All events with their places, a piece at a time; others may write meanwhile."""
        last = 0
        while True:
            with self._lock:
                try:
                    rows = self._db.execute(
                        "SELECT seq, body FROM event WHERE seq > ? ORDER BY seq LIMIT 1000", (last,)
                    ).fetchall()
                except sqlite3.Error as error:
                    raise self._problem(error) from error
            if not rows:
                return
            last = rows[-1][0]
            for seq, body in rows:
                with contextlib.suppress(BadEvent, ValueError):
                    yield seq, Event.from_dict(json.loads(body))

    # --- recordings ---

    def recordings(self, most: int = 200) -> list[Recording]:
        """Files that are to be sent and whose time has come; those of legs that ended first, then the oldest."""
        with self._lock:
            try:
                return [
                    Recording(*row)
                    for row in self._db.execute(
                        "SELECT leg, name, file, call, at, saved, ended, tries FROM recording"
                        " WHERE state = 'waiting' AND due <= ? ORDER BY ended IS NULL, saved, leg, name LIMIT ?",
                        (int(self.clock()), most),
                    )
                ]
            except sqlite3.Error as error:
                raise self._problem(error) from error

    def recording_later(self, recording: Recording, seconds: float, tried: bool = True) -> None:
        """Look at it again after so long.

        :param tried: Odoo was asked in vain
        """
        with self._transaction() as run:
            run(
                "UPDATE recording SET due = ?, tries = tries + ? WHERE leg = ? AND name = ?",
                (int(self.clock() + seconds), tried, recording.leg, recording.name),
            )

    def recording_done(self, recording: Recording, state: str) -> None:
        """It needs no further thought; that is remembered as long as the events.

        :param state: "sent", or why it is not
        """
        with self._transaction() as run:
            run(
                "UPDATE recording SET state = ?, saved = ? WHERE leg = ? AND name = ?",
                (state, int(self.clock()), recording.leg, recording.name),
            )

    def _note_recordings(self, run, events: list[Event], recordings, withheld, saved: int) -> None:
        for event in recordings:
            file = event.text("file")
            run(
                "INSERT OR IGNORE INTO recording (leg, name, file, call, at, saved) VALUES (?, ?, ?, ?, ?, ?)",
                (event.leg, file.rpartition("/")[2], file, event.call, format_time(event.at), saved),
            )
        for call in withheld:
            run("UPDATE recording SET state = 'withheld' WHERE call = ? AND state = 'waiting'", (call,))
        for event in events:
            if event.type == "ended":
                run("UPDATE recording SET ended = ? WHERE leg = ? AND ended IS NULL", (saved, event.leg))
            elif event.type == "closed":
                run("UPDATE recording SET ended = ? WHERE call = ? AND ended IS NULL", (saved, event.call))

    # --- inside ---

    def _count(self, after: int, last: int) -> int:
        """How many events are after one place, up to another."""
        return self._db.execute("SELECT count(*) FROM event WHERE seq > ? AND seq <= ?", (after, last)).fetchone()[0]

    def _meta(self, name: str) -> str | None:
        with self._lock:
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    @staticmethod
    def _set(run, name: str, value: str) -> None:
        run("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))

    def _transaction(self):
        return _Transaction(self)

    def _problem(self, error: sqlite3.Error) -> SpoolProblem:
        text = str(error)
        if "full" in text or "disk I/O" in text:
            return SpoolProblem(
                f"The disk of the spool {self.path} is full or fails: make room there; nothing is read from the PBX until then",
                full=True,
            )
        if "malformed" in text or "not a database" in text:
            return SpoolProblem(
                f"The spool {self.path} is damaged: move it away and start again; the PBX's history fills the gap"
            )
        return SpoolProblem(
            f"The spool {self.path} cannot be used ({text}): check its rights and its disk", full="locked" in text
        )


class _Transaction:
    """All or nothing, one thread at a time; SQLite's errors become :class:`SpoolProblem`."""

    def __init__(self, spool: Spool):
        self.spool = spool

    def __enter__(self):
        self.spool._lock.acquire()
        try:
            self.spool._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self.spool._lock.release()
            raise self.spool._problem(error) from error
        return self.spool._db.execute

    def __exit__(self, kind, error, trace):
        try:
            if error is None:
                self.spool._db.execute("COMMIT")
                return
            self._rollback()
        except sqlite3.Error as problem:
            error = problem
            self._rollback()
        finally:
            self.spool._lock.release()
        if isinstance(error, sqlite3.Error):
            raise self.spool._problem(error) from error

    def _rollback(self):
        if self.spool._db.in_transaction:
            self.spool._db.execute("ROLLBACK")
