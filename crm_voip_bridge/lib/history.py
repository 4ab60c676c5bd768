"""What the PBX wrote down itself: read to learn what nobody listened to.

A history is anything with ``since(moment, until=None) -> Iterator[Event]``, ``check() -> datetime | None`` and
``source`` ("cel", "cdr", or "" where there is none). It gives what was heard already as well: ids and the gate make
repeats harmless. Events come almost in the order of time. Here are the files that Asterisk appends to;
:mod:`lib.history_sql` reads tables.
"""

import contextlib
import gzip
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import chain
from pathlib import Path

from . import cdr, cel
from .events import UTC, Event, parse_time
from .table import cells, plain

_PIECE = 1 << 20
#: file systems and PBXs may have clocks of their own
_SLACK = timedelta(days=1)
#: a channel's id, made by the PBX itself
_MADE = re.compile(r"(?:.*-)?([0-9]{10})\.[0-9]+")
#: what logrotate and the like add to a name: .1, .2.gz, -20261101
_ROTATED = re.compile(r"[.-][0-9]{1,14}(\.gz)?")


class HistoryProblem(Exception):
    """The history cannot be read; the text names the remedy."""


@dataclass(frozen=True)
class Record:
    """A kind of record that Asterisk keeps.

    :param source: of its events, and the section of the configuration
    :param name: in words
    :param columns: plain name of a column -> key of a row
    :param time: key of the column by which rows are in order, almost
    :param needs: keys without which a row says nothing
    :param order: names of the columns where nothing names them, () if they must be named
    :param lag: how much earlier that time may be than the moment at which the row was written
    :param read: lines with a header, zone -> events
    :param to_event: row by keys, zone -> event or None
    :param remedy: what to look at if it cannot be read
    """

    source: str
    name: str
    columns: Mapping[str, str]
    time: str
    needs: frozenset[str]
    order: tuple[str, ...]
    lag: timedelta
    read: Callable[[Iterable[str], tzinfo], Iterator[Event]]
    to_event: Callable[[Mapping[str, str], tzinfo], Event | None]
    remedy: str

    def wants(self, event: Event | None, moment: datetime, until: datetime | None) -> bool:
        """Whether an event belongs to a stretch of time: it ended in it or later, and began before its end."""
        if event is None or event.at is None or (until is not None and event.at >= until):
            return False
        return max(event.at, parse_time(event.data.get("end")) or event.at) >= moment

    def check_zone(self, event: Event, zone: tzinfo) -> None:
        """See that times are read in the zone in which they were written.

        A channel's id begins with the second in which it was made, so its first row tells. Times of a wrong zone would
        make a second, wrong account of calls that were heard.

        :raise HistoryProblem: they are some quarters of an hour off
        """
        found = _MADE.fullmatch(event.leg) if event.type == "started" else None
        if not found:
            return
        off = event.at.timestamp() - int(found[1])
        quarters = round(off / 900)
        local = event.at.astimezone(zone)
        twice = local.utcoffset() != local.replace(fold=not local.fold).utcoffset()
        if quarters and abs(off - quarters * 900) < 10 and not twice:
            raise HistoryProblem(
                f"The times in Asterisk's {self.name} are {abs(quarters) / 4:g} h {'late' if off > 0 else 'early'}: set "
                f"[{self.source}] zone to the time zone in which the PBX writes them"
            )


CEL = Record(
    source="cel",
    name="channel event log",
    columns=cel.COLUMNS,
    time="time",
    needs=frozenset({"type", "time", "uniqueid"}),
    order=(),
    lag=timedelta(0),
    read=cel.read_cel,
    to_event=cel.to_event,
    remedy="cel.conf (enable = yes) and that the cel-custom folder exists",
)
CDR = Record(
    source="cdr",
    name="call detail records",
    columns=cdr.COLUMNS,
    time="start",
    needs=frozenset({"start", "channel", "disposition"}),
    order=tuple(cdr.ORDER),
    # a row is written when the call is over
    lag=timedelta(hours=12),
    read=cdr.read_cdr,
    to_event=cdr.to_event,
    remedy="cdr.conf (enable = yes)",
)


class NoHistory:
    """A PBX that keeps none, or keeps it elsewhere."""

    source = ""

    def since(self, moment: datetime, until: datetime | None = None) -> Iterator[Event]:
        return iter(())

    def check(self) -> datetime | None:
        return None


class RecordFile:
    """A file to which Asterisk appends, and those that it was before it was rotated.

    :param columns: their names in order, comma separated; "" where the first line names them, or they are the usual
    :param zone: of times that state none
    """

    def __init__(self, record: Record, path, columns: str = "", zone: tzinfo = UTC):
        self.record, self.path, self.columns, self.zone = record, Path(path), columns, zone
        self.source = record.source

    def since(self, moment: datetime, until: datetime | None = None) -> Iterator[Event]:
        """Events of the rows since then, in the files' order.

        :param until: only what happened, or began, before this PBX time
        :raise HistoryProblem: the file or its columns cannot be read
        """
        header = self._header()
        try:
            for _attempt in range(3):
                with self._files(moment - _SLACK) as files:
                    for file in files:
                        for event in self.record.read(chain([header], self._lines(file, moment, header)), self.zone):
                            if self.record.wants(event, moment, until):
                                self.record.check_zone(event, self.zone)
                                yield event
                    if not self._rotated(files[-1]):
                        return
        except OSError as error:
            raise self._problem(error.strerror or str(error)) from None
        except (ValueError, EOFError) as error:
            raise self._problem(str(error)) from None

    def check(self) -> datetime | None:
        """Try to read it.

        :return: time of its newest row, None if there is none
        :raise HistoryProblem: as :meth:`since`
        """
        place = self._time_column(self._header())
        try:
            with open(self.path, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 65_536))
                lines = file.read().splitlines()
        except OSError as error:
            raise self._problem(error.strerror) from None
        return next(filter(None, (self._time(line, place) for line in reversed(lines))), None)

    # --- which files ---

    @contextlib.contextmanager
    def _files(self, written: datetime):
        """The open files that were written to since then, oldest first; the last is the present one.

        Opened together, so that a rotation while the first of them is read changes nothing.
        """
        for _attempt in range(5):
            with contextlib.ExitStack() as stack:
                names = self._names()
                try:
                    files = [
                        stack.enter_context(_open(path))
                        for path, changed, _inode in names
                        if path == self.path or changed >= written.timestamp()
                    ]
                except FileNotFoundError:
                    if not self.path.exists():
                        raise
                    continue
                if [inode for *_rest, inode in names] == [inode for *_rest, inode in self._names()]:
                    yield files
                    return
        raise OSError("it is rotated all the time")

    def _names(self) -> list[tuple[Path, float, int]]:
        """Paths with their last change and inode, oldest first, the present file last."""
        found = []
        for name in os.listdir(self.path.parent):
            if name.startswith(self.path.name) and _ROTATED.fullmatch(name[len(self.path.name) :]):
                with contextlib.suppress(FileNotFoundError):
                    path = self.path.parent / name
                    state = path.stat()
                    found.append((path, state.st_mtime, state.st_ino))
        found.sort(key=lambda each: each[1])
        state = self.path.stat()
        return [*found, (self.path, state.st_mtime, state.st_ino)]

    def _rotated(self, file) -> bool:
        """Whether the present file was moved away or cut since it was opened: rows may have come elsewhere."""
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return False  # moved away, and no row came since
        return state.st_ino != os.fstat(file.fileno()).st_ino or state.st_size < file.tell()

    # --- what is in them ---

    def _lines(self, file, moment: datetime, header: str) -> Iterator[str]:
        place = self._time_column(header)
        if isinstance(file, gzip.GzipFile):
            file.seek(0)  # it cannot be looked into from its end
        else:
            file.seek(self._start(file, moment - self.record.lag, place))
        # bytes by line, so that a row that is being written now is not half read
        return (line.decode("utf-8", "replace") for line in file if line.endswith(b"\n"))

    def _header(self) -> str:
        header = self.columns
        if not header:
            try:
                with open(self.path, "rb") as file:
                    header = file.readline(_PIECE).decode("utf-8", "replace")
            except OSError as error:
                raise self._problem(error.strerror) from None
            if self._time_column(header) is None:
                header = ",".join(self.record.order)
        if self._time_column(header) is None:
            raise HistoryProblem(
                f"The columns of {self.path} are not known: name them in [{self.source}] columns, "
                f"as {'eventtype,eventtime,cid_name,…' if self.source == 'cel' else 'accountcode,src,dst,dcontext,…'}"
            )
        return header

    def _time_column(self, header: str) -> int | None:
        keys = [self.record.columns.get(plain(name)) for name in cells(header, ",")]
        return keys.index(self.record.time) if self.record.needs <= set(keys) else None

    def _problem(self, reason: str) -> HistoryProblem:
        return HistoryProblem(
            f"Asterisk's {self.record.name} {self.path} cannot be read ({reason}): check [{self.source}] file, its rights, "
            + self.record.remedy
        )

    def _start(self, file, moment: datetime, place: int) -> int:
        """Where to begin: back from the end in pieces until one starts early enough.

        Rows are almost in the order of time; a piece is so much longer than the disorder that
        it does not matter.
        """
        at = file.seek(0, os.SEEK_END)
        while at > 0:
            at = max(0, at - _PIECE)
            file.seek(at)
            if at:
                file.readline()  # the rest of a row
            begin = file.tell()
            for _row in range(100):
                found = self._time(file.readline(), place)
                if found is not None:
                    break
            if found is not None and found < moment:
                return begin
        return 0

    def _time(self, line: bytes, place: int) -> datetime | None:
        row = cells(line.decode("utf-8", "replace"), ",")
        return parse_time(row[place], self.zone) if len(row) > place else None


def _open(path: Path):
    return gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")


def CelFile(path, columns: str = "", zone: tzinfo = UTC) -> RecordFile:
    """The file of cel_custom."""
    return RecordFile(CEL, path, columns, zone)


def open_history(config):
    """The history that a configuration names: CEL, else CDR, else none; nothing is opened yet.

    :param config: a :class:`lib.config.Config`
    """
    for record in (CEL, CDR):
        said = config.section(record.source)
        if said["file"]:
            return RecordFile(record, said["file"], said["columns"], said["zone"])
        if said["server"]:
            from .history_sql import RecordTable  # its drivers are optional

            return RecordTable(record, **{name: said[name] for name in _TABLE})
    return NoHistory()


#: options of a section that :class:`lib.history_sql.RecordTable` takes
_TABLE = ("server", "host", "port", "user", "password", "database", "table", "zone", "tls", "ca_file")
