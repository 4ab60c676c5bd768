"""The bridge as one file that needs nothing but Python: for who has only Odoo's web page.

A zip application: ``python3 crm-voip-bridge.pyz run``. It holds this folder, the start in
``bridge/__main__.py``, and the pure Python dependencies as the running Python has them, with
their licences. Equal contents give equal bytes.
"""

import importlib
import importlib.metadata
import zipfile
from collections.abc import Iterator
from pathlib import Path

FILE_NAME = "crm-voip-bridge.pyz"
_HERE = Path(__file__).resolve().parent
#: package -> what the bridge never imports of it: places, operators and time zones of numbers are
#: ten times the rest
_DEPENDENCIES = {
    "phonenumbers": ("geodata/", "carrierdata/", "tzdata/", "geocoder.py", "carrier.py", "timezone.py"),
    "urllib3": ("contrib/emscripten/", "contrib/pyopenssl.py"),
    "websocket": ("tests/", "_wsdump.py"),
    "pymysql": ("tests/",),
}
#: distribution that a package comes in, where it has another name
_DISTRIBUTIONS = {"websocket": "websocket-client", "pymysql": "PyMySQL"}
#: the bridge asks every other second without a websocket, and may have no table to read; an Odoo may be without both
_OPTIONAL = ("websocket", "pymysql")
#: zip knows no earlier time; a fixed one makes equal files equal
_TIME = (1980, 1, 1, 0, 0, 0)


def build(target) -> None:
    """Write the application.

    :param target: a path, or a file open for writing bytes
    :raise ModuleNotFoundError: a dependency is not installed here that the bridge cannot do without
    """
    entries = dict(_entries())
    if hasattr(target, "write"):
        _write(target, entries)
        return
    with open(target, "wb") as file:
        _write(file, entries)
    Path(target).chmod(0o755)


def _write(file, entries: dict[str, bytes]) -> None:
    file.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            archive.writestr(zipfile.ZipInfo(name, _TIME), entries[name], zipfile.ZIP_DEFLATED)


def _entries() -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", (_HERE.parent / "bridge" / "__main__.py").read_bytes()
    for path in (*_HERE.glob("*.py"), *_HERE.glob("adapters/*.py")):
        yield f"lib/{path.relative_to(_HERE).as_posix()}", path.read_bytes()
    for name, left_out in _DEPENDENCIES.items():
        try:
            folder = Path(importlib.import_module(name).__file__).parent
        except ModuleNotFoundError:
            if name in _OPTIONAL:
                continue
            raise
        for path in folder.rglob("*.py"):
            inner = path.relative_to(folder).as_posix()
            if not inner.startswith(left_out):
                yield f"{name}/{inner}", path.read_bytes()
        yield from _licences(name)


def _licences(name: str) -> Iterator[tuple[str, bytes]]:
    try:
        files = importlib.metadata.files(_DISTRIBUTIONS.get(name, name)) or ()
    except importlib.metadata.PackageNotFoundError:
        return  # a system package keeps its licence elsewhere
    for file in files:
        if ".dist-info" in str(file) and ("LICENSE" in file.name.upper() or "NOTICE" in file.name.upper()):
            yield f"licences/{name}-{file.name}", file.locate().read_bytes()
