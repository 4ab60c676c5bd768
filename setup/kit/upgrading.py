"""From the first version to the present one: nothing is lost, and nothing is left as it was that is different now.

The first version is packed in `releases/`, so that a checkout without history (as in CI), or none at all, has it.
"""

import json
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from .attacks import call
from .installation import State, _difference
from .odoo import Odoo
from .places import MAIN_ADDON, addons
from .screen import step

FIRST = Path(__file__).with_name("releases") / f"{MAIN_ADDON}-19.0.1.0.0.tar.xz"
# As somebody used the first version: a PBX, calls, a correction, settings, a chatter line, a person's own number.
_USE = """
import json
env.company.crm_voip_chatter = True
partner = env["res.partner"].create({"name": "Lotte Molenaar", "phone": "+12025550101"})
pbx = env["crm.voip.pbx"].create({"name": "First", "country_id": env.ref("base.nl").id})
env["crm.voip.extension"].create({"pbx_id": pbx.id, "number": "101", "user_id": env.uid, "recorded": True})
env["crm.voip.line"].create({"pbx_id": pbx.id, "number": "+31201000101"})
env["crm.voip.never"].create({"number": "020 123 4567"})
env["crm.voip.people.switch"].create({"purpose": "Training", "agreement": "Of today"})
env["crm.voip.pbx.key"]._generate(pbx)
events, refused = env["crm.voip.journal"]._read_batch(json.loads(EVENTS))
assert not refused, refused
fresh = env["crm.voip.journal"]._take(pbx, events)
calls = env["crm.voip.call"]._fold(pbx, env["crm.voip.call.ref"]._refs_of(fresh))
calls[0].action_pick(partner.id)
calls[0].message_post(body="A remark")
env.cr.commit()
"""
# The same batch comes again, and every call is calculated anew.
_AGAIN = """
import json
pbx = env["crm.voip.pbx"].search([("name", "=", "First")])
events, refused = env["crm.voip.journal"]._read_batch(json.loads(EVENTS))
print("AGAIN", len(refused), len(env["crm.voip.journal"]._take(pbx, events)))
env["crm.voip.call"].search([]).action_recalculate()
env.cr.commit()
"""
_COLUMNS = """
SELECT table_name, string_agg(quote_ident(column_name), ', ' ORDER BY column_name) FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name LIKE 'crm\\_voip\\_%' AND column_name NOT IN ('write_date', 'write_uid')
 GROUP BY table_name
"""


def check(server: Odoo, database: str) -> Iterator[tuple[str, str, Path | None]]:
    """Use the first version, upgrade, compare, and compare with an installation of today.

    :return: as `installation.check`
    """
    events = json.dumps([event for place in range(3) for event in call(f"first{place}", source="ami")])
    with tempfile.TemporaryDirectory() as folder, tarfile.open(FIRST) as packed:
        packed.extractall(folder, filter="data")
        Path(folder).chmod(0o755)
        first = replace(server, ours=Path(folder))
        with step("Using the first version"):
            first.drop(database)
            first.copy(first.template(), database)
            first.install(database, MAIN_ADDON)
            first.shell(database, f"EVENTS = {events!r}\n{_USE}")
    held = dict(server.cluster.sql(_COLUMNS, database))
    before = _rows(server, database, held)
    with step("Upgrading it"):
        log = server.install(database, *addons(), update=True)
        yield "the log of upgrading", "", log
        now = dict(server.cluster.sql(_COLUMNS, database))
        yield "tables after upgrading", "\n".join(sorted(held.keys() - now.keys())), None
        lost = {
            table: set(columns.split(", ")) - set(now.get(table, columns).split(", "))
            for table, columns in held.items()
        }
        yield "columns after upgrading", "\n".join(f"{table}: {names}" for table, names in lost.items() if names), None
        yield "rows after upgrading", _difference(before, _rows(server, database, held)), None
        told = server.shell(database, f"EVENTS = {events!r}\n{_AGAIN}")
        yield "a batch of before the upgrade, again", "" if "AGAIN 0 0" in told else told, None
        yield "rows once all calls are calculated anew", _difference(before, _rows(server, database, held)), None
    with step("Beside an installation of today"):
        upgraded = State.of(server, database).schema
        server.drop(database)
        server.copy(server.template(), database)
        server.install(database, *addons())
        yield "schema, upgraded beside new", _difference(State.of(server, database).schema, upgraded), None
    server.drop(database)


def _rows(server: Odoo, database: str, held: dict[str, str]) -> frozenset[str]:
    """One line for each row of our tables, of the columns that there were."""
    lines = set()
    for table, columns in held.items():
        for (text,) in server.cluster.sql(
            f"SELECT row_to_json(r)::text FROM (SELECT {columns} FROM {table}) r", database
        ):
            lines.add(f"{table} {text}")
    messages = (
        "SELECT concat_ws(' ', 'mail_message', id, model, res_id, body) FROM mail_message WHERE model LIKE 'crm.voip%'"
    )
    return frozenset(lines | {row[0] for row in server.cluster.sql(messages, database)})
