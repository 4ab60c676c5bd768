"""What the PBX wrote down itself: read to learn what nobody listened to.

A history is anything with ``since(moment) -> Iterator[Event]``. It gives what was heard
already as well: ids and the gate make repeats harmless.
"""

import os
from collections.abc import Iterator
from datetime import datetime, tzinfo
from itertools import chain
from pathlib import Path

from .cel import COLUMNS, read_cel
from .events import UTC, Event, parse_time
from .table import cells, plain

_PIECE = 1 << 20


class HistoryProblem(Exception):
    """The history cannot be read; the text names the remedy."""


class NoHistory:
    """A PBX that keeps none, or keeps it elsewhere."""

    def since(self, moment: datetime) -> Iterator[Event]:
        return iter(())


class CelFile:
    """The file that Asterisk's cel_custom appends to, and the one it was before the last rotation.

    :param columns: their names in order, comma separated; "" where the first line names them
    :param zone: of times that state none
    """

    def __init__(self, path, columns: str = "", zone: tzinfo = UTC):
        self.path, self.columns, self.zone = Path(path), columns, zone

    def since(self, moment: datetime) -> Iterator[Event]:
        """Events of the rows since then, in the file's order.

        :raise HistoryProblem: the file or its columns cannot be read
        """
        header = self._header()
        place = _time_column(header)
        for path in (self.path.with_name(self.path.name + ".1"), self.path):
            try:
                with open(path, "rb") as file:
                    file.seek(self._start(file, moment, place))
                    # bytes by line, so that a row that is being written now is not half read
                    lines = (line.decode("utf-8", "replace") for line in file if line.endswith(b"\n"))
                    for event in read_cel(chain([header], lines), self.zone):
                        if event.at and event.at >= moment:
                            yield event
            except FileNotFoundError:
                if path == self.path:
                    raise HistoryProblem(self._missing("it is not there")) from None
            except OSError as error:
                raise HistoryProblem(self._missing(error.strerror)) from None
            except ValueError as error:
                raise HistoryProblem(self._missing(str(error))) from None

    def check(self) -> datetime | None:
        """Try to read it.

        :return: time of its newest row, None if there is none
        :raise HistoryProblem: as :meth:`since`
        """
        header = self._header()
        try:
            with open(self.path, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 65_536))
                lines = file.read().splitlines()
        except OSError as error:
            raise HistoryProblem(self._missing(error.strerror)) from None
        return next(filter(None, (self._time(line, _time_column(header)) for line in reversed(lines))), None)

    def _header(self) -> str:
        header = self.columns
        if not header:
            try:
                with open(self.path, "rb") as file:
                    header = file.readline(_PIECE).decode("utf-8", "replace")
            except OSError as error:
                raise HistoryProblem(self._missing(error.strerror)) from None
        if _time_column(header) is None:
            raise HistoryProblem(
                f"The columns of {self.path} are not known: name them in [cel] columns, as eventtype,eventtime,cid_name,…"
            )
        return header

    def _missing(self, reason: str) -> str:
        return (
            f"Asterisk's channel event log {self.path} cannot be read ({reason}): check [cel] file, its rights, "
            "cel.conf (enable = yes) and that the cel-custom folder exists"
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


def _time_column(header: str) -> int | None:
    keys = [COLUMNS.get(plain(name)) for name in cells(header, ",")]
    return keys.index("time") if "time" in keys and "uniqueid" in keys else None
