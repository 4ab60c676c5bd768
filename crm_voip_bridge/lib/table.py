"""Delimited text with a header row, as databases and Asterisk write it, however it was exported."""

import csv
from collections.abc import Iterable, Iterator, Mapping

#: a longer line is no row of a call
MAX_LINE = 65_536
_DELIMITERS = ",;\t|"
_NULLS = ("\\N", "NULL", "null", "<null>")


def plain(name: str) -> str:
    """A column's name without case, blanks and underscores: ``EventTime`` is ``event_time``."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def cells(line: str, delimiter: str) -> list[str]:
    """The fields of one line. A quote that is never closed spoils this line alone."""
    line = line.rstrip("\r\n").replace("\x00", "")
    if not line.strip() or len(line) > MAX_LINE:
        return []
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def read_table(lines: Iterable[str], columns: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Rows as dicts.

    Lines before the header and repeated headers are left out. The last column takes what
    is too much: some write JSON unquoted.

    :param lines: text lines, in any order of rows, with any of comma, semicolon, tab or pipe
    :param columns: :func:`plain` name in a header -> key in the result
    :raise ValueError: no header row within the first 50 lines
    """
    header, delimiter = None, ","
    for place, line in enumerate(lines):
        if header is None:
            delimiter, header = _header(line.lstrip("\ufeff"), columns)
            if header is None and place >= 50:
                break
            continue
        row = cells(line, delimiter)
        if len(row) > len(header):
            row = [*row[: len(header) - 1], delimiter.join(row[len(header) - 1 :])]
        named = {
            key: value.strip()
            for key, value in zip(header, row, strict=False)
            if key and value.strip() and value not in _NULLS
        }
        if named and any(columns.get(plain(value)) != key for key, value in named.items()):
            yield named
    if header is None:
        raise ValueError("no header row with the names of the columns was found")


def _header(line: str, columns: Mapping[str, str]):
    """The delimiter and the keys of a header row, or None where the line is none."""
    best, found = ",", []
    for delimiter in _DELIMITERS:
        keys = [columns.get(plain(name), "") for name in cells(line, delimiter)]
        if sum(map(bool, keys)) > sum(map(bool, found)):
            best, found = delimiter, keys
    return best, found if sum(map(bool, found)) >= 2 else None
