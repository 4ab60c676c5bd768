"""What is left of the addons once they are uninstalled: nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import processes
from .odoo import Odoo, filestore
from .places import LOGS, addons
from .screen import Trouble, step

# Everything that the schema is made of, one line each.
_SCHEMA = r"""
SELECT 'relation', relkind::text || ' ' || relname
  FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'column', concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', concat_ws(' ', conrelid::regclass::text, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'function', oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass::text || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
UNION ALL
SELECT 'extension', extname FROM pg_extension
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
# What Odoo itself writes when any addon with a chatter comes and goes.
_ODOOS_OWN = {
    "bus_bus": "notices to browsers, removed after a day",
    "ir_cron_trigger": "wakes Odoo's own scheduled actions",
    "ir_model_constraint": "what it keeps of a foreign key on a table of another addon (the key itself goes)",
    "ir_model_data": "what other addons add to each model with a chatter; our own names are looked for below",
    "ir_module_module": "the addon is known, for it still lies on the addons path",
    "ir_module_module_dependency": "as before",
    "mail_message": "the demo data renames the company, and its contact says so",
    "mail_tracking_value": "as before",
    "orm_signaling_registry": "tells other workers",
}
# A PBX, a call with a chatter line, a file and an activity, settings, figures of a day: what a database in use has.
_USE = """
from odoo import fields
from odoo.addons.crm_voip_bridge.tests.common import answered

env.company.crm_voip_chatter = True
pbx = env["crm.voip.pbx"].create({"name": "Used", "country_id": env.ref("base.nl").id})
env["crm.voip.extension"].create({"pbx_id": pbx.id, "number": "101", "user_id": env.uid, "recorded": True})
env["crm.voip.pbx.key"]._generate(pbx)
env["crm.voip.people.switch"].create({"purpose": "Training", "agreement": "Of today"})
number = "+31301000100"  # of a customer in the demo data
events, refused = env["crm.voip.journal"]._read_batch([event.to_dict() for event in answered(number=number)])
fresh = env["crm.voip.journal"]._take(pbx, events)
call = env["crm.voip.call"]._fold(pbx, env["crm.voip.call.ref"]._refs_of(fresh))
assert call.partner_id and env["mail.message"].search([("crm_voip_call_id", "=", call.id)])
call.message_post(body="A remark")
pbx.message_post(body="Another one")
state = env["crm.voip.pbx.state"].create({"pbx_id": pbx.id, "bridge": "b", "trouble": "silent"})
pbx._open_alarm(state.with_context(tracking_disable=True))
call.activity_schedule("mail.mail_activity_data_todo")
env["ir.attachment"].create({"name": "file", "raw": b"of a call", "res_model": call._name, "res_id": call.id})
pbx.write({"recordings_on": True, "recording_consent": "This call is recorded."})
about = {"call": call.call_ref, "leg": "", "file": "a.ogg", "at": fields.Datetime.to_string(fields.Datetime.now())}
assert env["crm.voip.recording"]._take(pbx, about, b"OggS" + bytes(50))
for name, field in env.company._fields.items():
    if name.startswith("crm_productivity_") and field.type == "boolean" and field.store:
        env.company[name] = True
env["crm.productivity.target"].create({"user_id": env.uid, "amount": 1000})
lead = env["crm.lead"].create({"name": "Used", "type": "opportunity", "partner_id": call.partner_id.id, "user_id": env.uid})
lead.message_post(
    body="A question", message_type="email", author_id=call.partner_id.id, subtype_xmlid="mail.mt_comment"
)
env["crm.productivity.stale"]._catch_up()
assert env["crm.productivity.day"].search([]) and env["crm.productivity.turn"].search([])
lead.unlink()  # it would rightly stay
env.cr.commit()
"""


@dataclass(frozen=True)
class State:
    """What a database holds, and its filestore."""

    schema: frozenset[str]
    parameters: frozenset[str]
    rows: frozenset[str]
    files: frozenset[str]

    @classmethod
    def of(cls, server: Odoo, database: str) -> "State":
        """The present state of a database."""

        def lines(statement):
            return frozenset(" ".join(row) for row in server.cluster.sql(statement, database))

        tables = [name for (name,) in server.cluster.sql(_TABLES, database) if name not in _ODOOS_OWN]
        counts = (f"SELECT '{name}', count(*), 'rows' FROM public.\"{name}\"" for name in tables)
        return cls(
            schema=lines(_SCHEMA),
            parameters=lines("SELECT key, value FROM ir_config_parameter"),
            rows=lines(" UNION ALL ".join(counts)),
            files=lines("SELECT store_fname FROM ir_attachment WHERE store_fname IS NOT NULL")
            | _kept(filestore(database)),
        )


def _kept(folder: Path) -> set[str]:
    """Files of a filestore that its clean-up would not even look at."""
    listed = {path.name for path in (folder / "checklist").rglob("*") if path.is_file()}
    files = {path for path in folder.rglob("*") if path.is_file()}
    return {str(path.relative_to(folder)) for path in files if path.name not in listed}


def check(server: Odoo, database: str) -> Iterator[tuple[str, str, Path | None]]:
    """Install the addons with their demo data, use them, uninstall them, install them again.

    :return: for each check what it is about, what is wrong (empty if nothing), and the log to be read
    """
    before = State.of(server, server.template())
    server.drop(database)
    server.ready(database, demo=True)
    with step("Using, uninstalling and installing again"):
        server.shell(database, _USE)
        yield "recalculating figures by command", "", _recalculated(server, database)
        used = State.of(server, database)
        log = server.uninstall(database, *addons())
        after = State.of(server, database)
        listed = ",".join(f"'{name}'" for name in addons())
        named = server.cluster.sql(f"SELECT module, name FROM ir_model_data WHERE module IN ({listed})", database)
        yield "the log of uninstalling", "", log
        for what in ("schema", "parameters", "rows", "files"):
            yield f"{what} after uninstalling", _difference(getattr(before, what), getattr(after, what)), None
        yield "names after uninstalling", "\n".join(".".join(row) for row in named), None
        # Else the comparisons above would have compared nothing.
        blind = [what for what in ("schema", "rows", "files") if getattr(used, what) == getattr(before, what)]
        yield "what is compared", f"nothing was added: {', '.join(blind)}" if blind else "", None
        yield "the log of installing again", "", server.install(database, *addons())
    server.drop(database)


def _recalculated(server: Odoo, database: str) -> Path:
    """The log of making all figures anew; Trouble if that fails."""
    log = LOGS / "recalculated.log"
    processes.run(server.command("crm_productivity", "-d", database), env=server.environment(), log=log)
    [(days,)] = server.cluster.sql("SELECT count(*) FROM crm_productivity_day WHERE taken = 1", database)
    if not int(days):
        raise Trouble(f"Recalculating by command has not found the call. See {log}")
    return log


def _difference(before: frozenset[str], after: frozenset[str]) -> str:
    return "\n".join(
        [*(f"+ {line}" for line in sorted(after - before)), *(f"- {line}" for line in sorted(before - after))]
    )
