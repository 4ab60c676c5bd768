"""The past of the demo company: a quarter of calls and work up to now, and a thinner one a year ago.

`setup/run` has it written once into a new database with demo data, so that no figure, list or chart is empty. What
happened is thought up in past_calls and past_work, always the same for the same day; past_write writes it, inside Odoo.
"""

import subprocess
import tempfile

from . import processes
from .odoo import Odoo
from .places import LOGS, SETUP
from .screen import Trouble, step

_MARK = "past: "
# Run by `odoo-bin shell`.
_PROGRAM = f"""
import sys
sys.path.insert(0, {str(SETUP)!r})
from kit import past_write
past_write.write(env, lambda line: print({_MARK!r} + line, flush=True))
"""


def make(server: Odoo, database: str) -> None:
    """Give a new database with demo data its past."""
    log = LOGS / f"past-{database}.log"
    LOGS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as program, open(log, "wb") as errors, step("The demo company's past") as change:
        program.write(_PROGRAM.encode())
        program.seek(0)
        process = processes.start_quietly(
            server.command("shell", "-d", database, "--no-http", "--log-level=warn"),
            env=server.environment(), stdin=program, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        for line in process.stdout:
            text = line.decode(errors="replace").strip()
            if text.startswith(_MARK):
                change(f"The demo company's past: {text[len(_MARK) :]}")
        status = process.wait()
        processes.stop(process)
    if status:
        tail = "\n".join(log.read_text(errors="replace").strip().splitlines()[-15:])
        raise Trouble(f"The demo company's past could not be written (status {status}):\n{tail}\nAll of it: {log}")
