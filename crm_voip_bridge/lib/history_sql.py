"""Asterisk's records in a table of MySQL, MariaDB or PostgreSQL, as FreePBX keeps them.

Read in pages by short queries: by ``id`` where there is one (FreePBX's ``cel`` has no index on its times, but ids that
grow with them), else by time. No transaction stays open, no result is held, and whoever reads may take hours.

The drivers are optional: PyMySQL (pure Python, comes with the downloadable bridge) and psycopg2 (which Odoo has).
"""

import contextlib
import importlib
import ssl
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo

from .events import UTC, Event, parse_time
from .history import HistoryProblem, Record
from .manager import tls_context
from .table import plain

#: rows of one query
PAGE = 5_000
#: by how much rows may be out of the order of their ids: an hour that is told twice, and some more
DISORDER = timedelta(hours=2)
TIMEOUT = 10


class RecordTable:
    """A table of a record that Asterisk keeps.

    :param server: "mysql" or "postgresql"
    :param host: a name, an address, or the path of a socket; ``port`` 0 is the usual one
    :param table: may be ``schema.table``
    :param zone: of times that state none
    """

    def __init__(
        self,
        record: Record,
        server: str,
        host: str,
        port: int,
        user: str,
        password: str,
        database: str,
        table: str,
        zone: tzinfo = UTC,
        tls: bool = False,
        ca_file: str = "",
    ):
        self.record, self.zone = record, zone
        self.source, self.table, self.database, self.user = record.source, table, database, user
        driver = _MySql if server == "mysql" else _PostgreSql
        self._driver = driver(host, port, user, password, database, tls, ca_file)

    def since(self, moment: datetime, until: datetime | None = None) -> Iterator[Event]:
        """Events of the rows since then, as :meth:`lib.history.RecordFile.since`.

        :raise HistoryProblem: server, table or columns cannot be read
        """
        with self._reading() as reading:
            for row in reading.rows(moment - self.record.lag, until):
                event = self.record.to_event(row, self.zone)
                if self.record.wants(event, moment, until):
                    self.record.check_zone(event, self.zone)
                    yield event

    def check(self) -> datetime | None:
        """Try to read it.

        :return: time of its newest row, None if there is none
        :raise HistoryProblem: as :meth:`since`
        """
        with self._reading() as reading:
            return reading.newest()

    @contextlib.contextmanager
    def _reading(self):
        driver = self._driver
        try:
            with contextlib.closing(driver.connect()) as link:
                yield _Reading(self, driver, link)
        except ModuleNotFoundError as error:
            raise HistoryProblem(
                f"The Python package '{error.name}' is missing, without which [{self.source}] server = {driver.name} "
                f"cannot be read: {driver.install}"
            ) from None
        except driver.errors() as error:
            raise self._problem(driver.reason(error), error) from None
        except RuntimeError as error:
            if "cryptography" not in str(error):
                raise
            raise self._problem("method", error) from None

    def _problem(self, reason: str, error: BaseException) -> HistoryProblem:
        section, driver = f"[{self.source}]", self._driver
        grant = f"GRANT SELECT ON {self.table} TO the user '{self.user}'"
        texts = {
            "unreachable": f"does not answer: check {section} host and port, that it runs and listens there, and the firewall",
            "tls": f"has no TLS that can be trusted: check {section} tls and ca_file, and the server's certificate",
            "login": f"refuses the user '{self.user}': check {section} user and password, and that this user may come "
            "from this machine",
            "method": f"asks '{self.user}' for its password in a way (caching_sha2_password) that needs {section} tls = yes "
            "or the Python package 'cryptography'",
            "database": f"does not let '{self.user}' into the database '{self.database}': check {section} database, and {grant}",
            "table": f"has no table '{self.table}' in '{self.database}': check {section} table",
            "right": f"does not let '{self.user}' read the table '{self.table}': {grant}",
            "lost": "was lost while it was read: it is read again from where it stopped",
        }
        said = texts.get(reason) or f"says {type(error).__name__} {driver.code(error)}: look into its log"
        return HistoryProblem(f"The {driver.title} server at {driver.place} with Asterisk's {self.record.name} {said}")


class _Reading:
    """One connection, and what the table looks like."""

    def __init__(self, history: RecordTable, driver, link):
        self.record, self.zone, self.driver, self.link = history.record, history.zone, driver, link
        self.table = driver.quoted(history.table)
        # an empty answer names the columns, and shows at once whether one may read them
        with contextlib.closing(link.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM {self.table} WHERE 1 = 0")  # noqa: S608 (quoted)
            names = [column[0] for column in cursor.description]
        self.keys = {name: key for name in names if (key := self.record.columns.get(plain(name)))}
        missing = self.record.needs - set(self.keys.values())
        if missing:
            columns = self.record.columns.items()
            wanted = sorted(next(name for name, key in columns if key == one) for one in missing)
            raise HistoryProblem(
                f"The table {history.table} has no column for {', '.join(wanted)}, so it is no {self.record.name} of "
                f"Asterisk: check [{self.record.source}] table"
            )
        self.time = next(name for name, key in self.keys.items() if key == self.record.time)
        self.ident = next((name for name in names if name.lower() == "id"), None)
        if self.ident and not isinstance(self._one(f"SELECT max({self._q(self.ident)}) FROM {self.table}"), int):  # noqa: S608 (quoted)
            self.ident = None  # empty, or an id of some other kind

    def newest(self) -> datetime | None:
        by = self.ident or self.time
        value = self._one(
            f"SELECT {self._q(self.time)} FROM {self.table} ORDER BY {self._q(by)} DESC LIMIT 1"  # noqa: S608
        )
        return parse_time(_text(value), self.zone)

    def rows(self, moment: datetime, until: datetime | None) -> Iterator[dict[str, str]]:
        """Rows as :func:`lib.table.read_table` gives them; some may come twice."""
        return self._by_id(moment, until) if self.ident else self._by_time(moment, until)

    def _by_id(self, moment, until):
        ident, last = self._q(self.ident), self._one(f"SELECT max({self._q(self.ident)}) FROM {self.table}")  # noqa: S608 (quoted)
        begin = self._place(moment - DISORDER)
        end = self._place(until + DISORDER) if until else last + 1
        names = [self.ident, *(name for name in self.keys if name != self.ident)]
        while True:
            # what is written meanwhile belongs to it as well
            condition = f"{ident} >= %s" + ("" if until is None else f" AND {ident} < %s")
            page = self._page(names, condition, [begin] if until is None else [begin, end], ident)
            for row in page:
                yield self._row(names[1:], row[1:], row[0])
            if len(page) < PAGE:
                return
            begin = page[-1][0] + 1

    def _by_time(self, moment, until):
        names, time, size = list(self.keys), self._q(self.time), PAGE
        place, begin = names.index(self.time), self._naive(moment)
        end = [] if until is None else [self._naive(until)]
        while True:
            condition = f"{time} >= %s" + (f" AND {time} < %s" if end else "")
            page = self._page(names, condition, [begin, *end], time, size)
            for row in page:
                yield self._row(names, row)
            if len(page) < size:
                return
            # the last moment once more: it may have had more rows than this page
            if page[-1][place] == page[0][place]:
                size *= 2
            begin = page[-1][place]

    def _place(self, moment: datetime) -> int:
        """An id before which all rows are older than a moment."""
        ident, time = self._q(self.ident), self._q(self.time)
        low, high = self._two(f"SELECT min({ident}), max({ident}) + 1 FROM {self.table}")  # noqa: S608 (quoted)
        while high - low > PAGE // 10:
            middle = (low + high) // 2
            found = self._two(
                f"SELECT {ident}, {time} FROM {self.table} WHERE {ident} >= %s AND {ident} < %s"  # noqa: S608
                f" ORDER BY {ident} LIMIT 1",
                [middle, high],
            )
            at = found and parse_time(_text(found[1]), self.zone)
            if at is not None and at < moment:
                low = found[0] + 1
            else:
                high = middle
        return low

    def _page(self, names, condition, values, order, size=PAGE):
        columns = ", ".join(map(self._q, names))
        with contextlib.closing(self.link.cursor()) as cursor:
            cursor.execute(
                f"SELECT {columns} FROM {self.table} WHERE {condition} ORDER BY {order} LIMIT {size:d}",  # noqa: S608
                values,
            )
            return cursor.fetchall()

    def _row(self, names, values, ident: int | None = None) -> dict[str, str]:
        row = {self.keys[name]: text for name, value in zip(names, values, strict=True) if (text := _text(value))}
        if ident is not None:
            row["id"] = str(ident)
        return row

    def _two(self, query, values=()):
        with contextlib.closing(self.link.cursor()) as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()

    def _one(self, query):
        row = self._two(query)
        return row[0] if row else None

    def _q(self, name: str) -> str:
        return self.driver.quoted(name)

    def _naive(self, moment: datetime) -> str:
        """As the table writes it."""
        return moment.astimezone(self.zone).replace(tzinfo=None).isoformat(" ")


class _MySql:
    name, title, mark, usual_port = "mysql", "MySQL", "`", 3306
    install = "apt install python3-pymysql, or pip install PyMySQL"
    _REASONS: Mapping[int, str] = {
        1044: "database",
        1045: "login",
        1049: "database",
        1130: "login",
        1142: "right",
        1143: "right",
        1146: "table",
        1698: "login",
        2002: "unreachable",
        2003: "unreachable",
        2005: "unreachable",
        2006: "lost",
        2013: "lost",
        2026: "tls",
        3159: "tls",
    }

    def __init__(self, host, port, user, password, database, tls, ca_file):
        self.place = host if host.startswith("/") else f"{host}:{port or self.usual_port}"
        where = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": port or self.usual_port}
        self._options = {**where, "user": user, "password": password, "database": database}
        self._tls, self._ca_file = tls, ca_file

    def connect(self):
        import pymysql

        # a question that takes longer than a minute is one that nobody answers any more
        more = {"ssl": tls_context(self._ca_file)} if self._tls else {"ssl_disabled": True}
        return pymysql.connect(
            **self._options, **more, charset="utf8mb4", autocommit=True, connect_timeout=TIMEOUT, read_timeout=60
        )

    def errors(self):
        return (importlib.import_module("pymysql").err.Error,)

    def code(self, error) -> str:
        return str(error.args[0]) if error.args else ""

    def reason(self, error) -> str:
        if isinstance(getattr(error, "original_exception", None), ssl.SSLError):
            return "tls"
        return self._REASONS.get(error.args[0] if error.args else 0, "")

    def quoted(self, name: str) -> str:
        return ".".join(f"{self.mark}{part.replace(self.mark, self.mark * 2)}{self.mark}" for part in name.split("."))


class _PostgreSql(_MySql):
    name, title, mark, usual_port = "postgresql", "PostgreSQL", '"', 5432
    install = "apt install python3-psycopg2, or pip install psycopg2-binary"
    _STATES: Mapping[str, str] = {"42P01": "table", "3F000": "table", "42501": "right", "57P01": "lost"}
    #: what is refused before there is a connection has words only
    _WORDS = (
        ("authentication failed", "login"),
        ("no password supplied", "login"),
        ("no pg_hba.conf entry", "login"),
        ("does not exist", "database"),
        ("permission denied for database", "database"),
        ("certificate", "tls"),
        ("SSL", "tls"),
        ("connection", "unreachable"),
        ("could not", "unreachable"),
        ("timeout", "unreachable"),
    )

    def __init__(self, host, port, user, password, database, tls, ca_file):
        super().__init__(host, port, user, password, database, tls, ca_file)
        self._options = {"host": host, "port": port or self.usual_port, "user": user, "password": password}
        self._options |= {"dbname": database, "sslmode": "verify-full" if tls else "disable"}
        if tls:
            self._options["sslrootcert"] = ca_file or ssl.get_default_verify_paths().cafile or "system"

    def connect(self):
        import psycopg2

        link = psycopg2.connect(
            **self._options, connect_timeout=TIMEOUT, options="-c statement_timeout=60000", client_encoding="UTF8"
        )
        link.autocommit = True
        return link

    def errors(self):
        return (importlib.import_module("psycopg2").Error,)

    def code(self, error) -> str:
        return getattr(error, "pgcode", None) or ""

    def reason(self, error) -> str:
        state = getattr(error, "pgcode", None)
        if state:
            return self._STATES.get(state, "")
        text = str(error)
        if "server closed the connection" in text or "connection already closed" in text:
            return "lost"
        return next((reason for words, reason in self._WORDS if words in text), "")


def _text(value) -> str:
    """A value as the readers of text know it; "" for nothing."""
    if value is None:
        return ""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)
