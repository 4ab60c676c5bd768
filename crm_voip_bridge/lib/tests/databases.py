"""Real servers of MariaDB and PostgreSQL for the tests: each in a folder of its own, on loopback, gone afterwards."""

import contextlib
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

PASSWORD = "reader's secret"


def certificate(folder: Path) -> None:
    """A key, and a certificate for 127.0.0.1 that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / "server.key"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    private.chmod(0o600)
    if not os.geteuid():
        shutil.chown(private, folder.owner(), folder.group())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def _folder(user: str | None):
    folder = Path(tempfile.mkdtemp(prefix="history-"))
    if user and not os.geteuid():
        shutil.chown(folder, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command, user: str | None = None, **options):
    if user and not os.geteuid():
        command = ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups", *command]
    return subprocess.Popen(
        [str(part) for part in command],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,
    )


class Server:
    """A running server.

    :ivar options: for :class:`lib.history_sql.RecordTable`, with the user that may read the tables
    """

    kind = ""
    #: ends it without waiting for who is still connected
    fast = signal.SIGTERM

    def __init__(self, folder: Path, sockets=()):
        self.folder, self.sockets, self.port = folder, sockets, free_port()
        self.process = None

    @property
    def options(self) -> dict:
        return {
            "server": self.kind,
            "host": "127.0.0.1",
            "port": self.port,
            "user": "reader",
            "password": PASSWORD,
            "database": "asteriskcdrdb",
        }

    def connect(self):
        """As the owner."""
        raise NotImplementedError

    def run(self, *statements: str) -> list:
        """The rows of the last statement, as the owner."""
        with contextlib.closing(self.connect()) as link, contextlib.closing(link.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def fill(self, table: str, columns: str, rows: list) -> None:
        marks = ", ".join(["%s"] * len(columns.split(",")))
        with contextlib.closing(self.connect()) as link, contextlib.closing(link.cursor()) as cursor:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
            link.commit()

    def wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
                return
            except Exception:  # (whatever a server that is starting says)
                assert self.process.poll() is None and time.monotonic() < until, "the server does not start"
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.send_signal(self.fast)
        self.process.wait(30)


class MariaDb(Server):
    kind = "mysql"

    def start(self) -> None:
        data = self.folder / "data"
        user = [f"--user={pwd.getpwuid(os.geteuid()).pw_name}"]
        if not data.exists():
            made = _run(
                ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                 "--skip-test-db", *user]
            )  # fmt: skip
            assert made.wait(120) == 0
        self.process = _run(
            ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={self.folder / 'socket'}", *user,
             "--bind-address=127.0.0.1", f"--port={self.port}", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
             f"--pid-file={self.folder / 'pid'}", f"--ssl-cert={self.folder / 'server.crt'}",
             f"--ssl-key={self.folder / 'server.key'}"]
        )  # fmt: skip
        self.wait()

    def connect(self):
        import pymysql

        return pymysql.connect(unix_socket=str(self.folder / "socket"), user="root", autocommit=True)

    def make(self) -> None:
        quoted = PASSWORD.replace("'", "''")
        self.run(
            "CREATE DATABASE asteriskcdrdb DEFAULT CHARACTER SET utf8mb4",
            f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{quoted}'",
            f"CREATE USER nobody@'127.0.0.1' IDENTIFIED BY '{quoted}'",
            "GRANT SELECT ON asteriskcdrdb.* TO reader@'127.0.0.1'",
            "CREATE TABLE asteriskcdrdb.hidden (id int)",
            "GRANT SELECT ON asteriskcdrdb.hidden TO nobody@'127.0.0.1'",
        )


class PostgreSql(Server):
    kind = "postgresql"
    fast = signal.SIGINT

    def start(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        data, secret = self.folder / "data", self.folder / "password"
        if not data.exists():
            secret.write_text(PASSWORD)
            secret.chmod(0o644)
            made = _run(
                [programs / "initdb", "-D", data, "-U", "owner", "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8",
                 "--no-sync"],
                "postgres",
            )  # fmt: skip
            assert made.wait(120) == 0
        self.process = _run(
            [programs / "postgres", "-D", data, "-k", ",".join(map(str, (self.folder, *self.sockets))), "-h", "127.0.0.1", "-p", self.port, "-F",
             "-c", "ssl=on", "-c", f"ssl_cert_file={self.folder / 'server.crt'}",
             "-c", f"ssl_key_file={self.folder / 'server.key'}"],
            "postgres",
        )  # fmt: skip
        self.wait()

    def connect(self, database="postgres"):
        import psycopg2

        link = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="owner", password=PASSWORD, dbname=self.database or database
        )
        link.autocommit = True
        return link

    database = ""

    def make(self) -> None:
        quoted = PASSWORD.replace("'", "''")
        self.run("CREATE DATABASE asteriskcdrdb")
        self.database = "asteriskcdrdb"
        self.run(
            f"CREATE USER reader PASSWORD '{quoted}'",
            f"CREATE USER nobody PASSWORD '{quoted}'",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader",
        )


SERVERS = {"mariadb": (MariaDb, None, "mariadbd"), "postgresql": (PostgreSql, "postgres", "psql")}


@contextlib.contextmanager
def running(name: str, sockets=()):
    """A new server with the database and its readers; the owner of the tables is somebody else.

    :param sockets: folders in which PostgreSQL listens as well
    """
    made, user, program = SERVERS[name]
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: setup/test installs it")
    with _folder(user) as folder:
        server = made(folder, sockets)
        certificate(folder)
        server.start()
        try:
            server.make()
            yield server
        finally:
            server.stop()
