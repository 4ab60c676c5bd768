"""Where things lie. Nothing outside `RUN` and `CACHE` is ever written."""

import ast
import hashlib
import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SETUP = TOP / "setup"

# State of this checkout. Delete it and the next start begins anew.
RUN = TOP / ".run"
VENV = RUN / "venv"
PYTHON = VENV / "bin" / "python"
NODE = RUN / "node"
LOGS = RUN / "log"

# Downloads, shared by all checkouts of this user.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crm_voip_bridge"

MAIN_ADDON = "crm_voip_bridge"


def addons() -> list[str]:
    """Names of the addons in this checkout."""
    return sorted(path.parent.name for path in TOP.glob("*/__manifest__.py"))


def needed() -> list[str]:
    """Names of the addons of Odoo's that those in this checkout depend on."""
    manifests = (ast.literal_eval((TOP / name / "__manifest__.py").read_text()) for name in addons())
    return sorted({name for manifest in manifests for name in manifest["depends"]} - set(addons()))


def digest(*paths: Path) -> str:
    """One hash for the contents of files, to know whether anything has to be done again."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def done(stamp: str, value: str) -> bool:
    """Whether `stamp` was last marked with `value`."""
    path = RUN / "done" / stamp
    return path.is_file() and path.read_text() == value


def mark_done(stamp: str, value: str) -> None:
    """Remember that the work named `stamp` is finished for `value`."""
    path = RUN / "done" / stamp
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value)
