"""Addons of others that do something similar: to get along with, and to be measured beside."""

import zipfile
from pathlib import Path

from . import processes
from .places import CACHE, PYTHON
from .screen import step

# Name of the addon → the package that it comes in.
PEERS = {"voip_oca": "odoo-addon-voip-oca==19.0.1.0.2", "crm_phonecall": "odoo-addon-crm-phonecall==19.0.1.0.1"}


def folder() -> Path:
    """Folder with these addons, fetched at the first call. Trouble if that is not possible."""
    name = f"peers-{'-'.join(PEERS.values())}"
    unpacked = CACHE / name
    if not unpacked.is_dir():
        with step("Addons of others"):
            wheels, part = CACHE / f"{name}.wheels", CACHE / f"{name}.part"
            command = [PYTHON, "-m", "pip", "download", "--no-deps", "--no-input", "--disable-pip-version-check"]
            processes.run([*command, "--dest", wheels, *PEERS.values()])
            for wheel in wheels.glob("*.whl"):
                zipfile.ZipFile(wheel).extractall(part)
            part.rename(unpacked)
    return unpacked / "odoo" / "addons"
