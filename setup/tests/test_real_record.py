"""A real Asterisk that writes its records into a real PostgreSQL: the bridge reads there what it reads in the files."""

import os
import sys
from datetime import datetime, timezone

import pytest
from kit import record_command
from kit.pbx import Pbx
from kit.places import MAIN_ADDON, TOP

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="the demo PBX needs root"),
]

PLAYED = ("inbound_answered", "queue_to_voicemail", "transfer_attended", "outbound_busy")
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
# as Asterisk's own documentation has them
CEL_TABLE = """CREATE TABLE cel (
    id serial PRIMARY KEY, eventtype varchar(30) NOT NULL, eventtime timestamp NOT NULL, userdeftype varchar(255),
    cid_name varchar(80), cid_num varchar(80), cid_ani varchar(80), cid_rdnis varchar(80), cid_dnid varchar(80),
    exten varchar(80), context varchar(80), channame varchar(80), appname varchar(80), appdata varchar(255), amaflags int,
    accountcode varchar(20), peeraccount varchar(20), uniqueid varchar(150), linkedid varchar(150),
    userfield varchar(255), peer varchar(80), extra text)"""
CDR_TABLE = """CREATE TABLE cdr (
    calldate timestamp, clid varchar(80), src varchar(80), dst varchar(80), dcontext varchar(80), channel varchar(80),
    dstchannel varchar(80), lastapp varchar(80), lastdata varchar(80), answer timestamp, "end" timestamp, duration int,
    billsec int, disposition varchar(45), amaflags int, accountcode varchar(20), uniqueid varchar(150),
    linkedid varchar(150), userfield varchar(255))"""


class WritingPbx(Pbx):
    """The demo PBX, which also writes into the tables of a server whose socket is in its data folder."""

    port = 0

    def configure(self):
        super().configure()
        etc = self.data / "etc"
        modules = etc / "modules.conf"
        wanted = ("cel_pgsql", "cdr_pgsql")
        lines = [line for line in modules.read_text().splitlines() if not any(name in line for name in wanted)]
        modules.write_text("\n".join(lines) + "\n")
        for name in wanted:
            # not quoted on the way to the server: a plain password
            (etc / f"{name}.conf").write_text(
                f"[global]\nhostname=/srv/pbx/sql\nport={self.port}\ndbname=asteriskcdrdb\nuser=asterisk\n"
                f"password=plain\ntable={name[:3]}\n"
            )


@pytest.fixture
def lib(monkeypatch):
    """The bridge's own code, and the servers of its tests."""
    known = set(sys.modules)
    for folder in (TOP / MAIN_ADDON, TOP / MAIN_ADDON / "lib/tests"):
        monkeypatch.syspath_prepend(str(folder))
    yield
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in ("lib", "databases"):
            del sys.modules[name]


def test_asterisk_writes_tables_and_the_bridge_reads_them(lib, tmp_path):
    import databases

    from lib.fold import fold_all
    from lib.history import CDR, CEL, RecordFile
    from lib.history_sql import RecordTable
    from lib.site import Site

    site = Site(country="NL", trunks=frozenset({"+31201000100", "+31201000101"}))
    pbx = WritingPbx("tables")
    pbx.prepare()
    sockets = pbx.data / "sql"
    sockets.mkdir(parents=True, exist_ok=True)
    sockets.chmod(0o777)
    log = pbx.data / "log/cel-custom/Master.csv"
    log.unlink(missing_ok=True)
    with databases.running("postgresql", (sockets,)) as server:
        server.run(
            CEL_TABLE,
            CDR_TABLE,
            "CREATE ROLE asterisk LOGIN PASSWORD 'plain'",
            "GRANT INSERT, SELECT ON cel, cdr TO asterisk",
            "GRANT USAGE ON cel_id_seq TO asterisk",
        )
        pbx.port = server.port
        pbx.start()
        try:
            for name in PLAYED:
                told = record_command._play(pbx, "--record", tmp_path, name)
                assert not told.get("error"), f"{name}: {told}"
        finally:
            pbx.stop()
        table = RecordTable(CEL, **server.options, table="cel")
        written = {event.id: event for event in RecordFile(CEL, log).since(LONG_AGO)}
        assert {event.id: event for event in table.since(LONG_AGO)} == written
        calls = {call.call_id: call for call in fold_all(written.values(), site)}
        assert len(calls) == len(PLAYED)
        reported = fold_all(RecordTable(CDR, **server.options, table="cdr").since(LONG_AGO), site)
        for call in reported:
            if call.call_id in calls:
                assert call.disposition == calls[call.call_id].disposition
                assert abs((call.ended_at - calls[call.call_id].ended_at).total_seconds()) <= 1
        assert calls.keys() <= {call.call_id for call in reported}
