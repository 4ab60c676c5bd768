"""What the machine must have: Debian packages, a Python environment, JavaScript tools.

As root, what is missing is installed. Without root, one command that somebody with root can
run is shown. Every mirror, index and registry is the machine's own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import processes
from .places import CACHE, NODE, PYTHON, RUN, SETUP, VENV, digest, done, mark_done
from .screen import Trouble, step

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# So that apt and dpkg ask nothing, and speak one language in the logs.
_QUIET = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def is_root() -> bool:
    """Whether packages can be installed and other users be taken on."""
    return os.geteuid() == 0


def system_packages(needs: dict[str, bool]) -> None:
    """Install the packages whose value is false. `needs`: Debian package → is it there?"""
    missing = sorted(name for name, there in needs.items() if not there)
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if not is_root() or not shutil.which("apt-get"):
        raise Trouble(
            f"Missing on this machine: {', '.join(missing)}. Somebody with root can install them:\n"
            f"    sudo apt-get update && sudo {' '.join(install)}"
        )
    with step(f"Debian packages: {', '.join(missing)}"):
        processes.run(["apt-get", "update", "-q"], env=_QUIET)
        processes.run(install, env=_QUIET, log=RUN / "log" / "apt-install.log")


def has_command(*names: str) -> bool:
    """Whether one of these programs is on the path."""
    return any(shutil.which(name) for name in names)


# ------------------------------------------------------------------ packages of another suite


def debian_mirror() -> str:
    """Address of the mirror that this machine gets Debian from, as apt itself reads it."""
    listed = ""
    if shutil.which("apt-get"):
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    for line in listed.splitlines():
        address, suite, component = line.rsplit(" ", 2)
        # A security mirror and the like do not carry the whole of Debian.
        if component == "main" and "-" not in suite and "/" not in suite and not address.startswith("cdrom:"):
            return address
    raise Trouble(
        "This machine has no Debian mirror in its package sources, and Odoo comes from Debian here.\n"
        "Set ODOO_HOME to the folder of an Odoo 19 that you have."
    )


def debian_download(packages: list[tuple[str, str]], folder: Path) -> list[Path]:
    """Fetch (package, suite) into `folder`, checked by apt against Debian's signatures.

    Installs nothing and leaves the machine's own package lists alone, so that packages of a
    newer Debian can be had on an older one.
    """
    state = CACHE / "apt"
    for part in (state / "lists" / "partial", state / "archives" / "partial", folder):
        part.mkdir(parents=True, exist_ok=True)
    mirror = debian_mirror()
    suites = dict.fromkeys(suite for _name, suite in packages)
    (state / "sources.list").write_text(
        "".join(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n" for suite in suites)
    )
    settings = {
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state,
        "Acquire::Languages": "none",
        # apt's own user cannot enter a home folder; signatures are checked all the same.
        "APT::Sandbox::User": "root",
    }
    options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
    processes.run(["apt-get", *options, "-q", "update", "--error-on=any"], env=_QUIET)
    before = set(folder.glob("*.deb"))
    processes.run(
        ["apt-get", *options, "-q", "download", *(f"{name}/{suite}" for name, suite in packages)],
        env=_QUIET,
        cwd=folder,
    )
    return sorted(set(folder.glob("*.deb")) - before)


# ------------------------------------------------------------------ Python and JavaScript


def python_environment(*files: str) -> None:
    """Make `.run/venv` hold what these requirement files of setup/ pin."""
    # A virtual environment knows its folder and its Python: another one of either needs a new one.
    base = f"{sys.version_info[:2]} {VENV}"
    fresh = not PYTHON.exists() or not done("venv", base)
    wanted = {file: f"{base} {digest(SETUP / file)}" for file in files}
    missing = [file for file in files if fresh or not done(file, wanted[file])]
    if not missing:
        return
    with step(f"Python packages of setup/{', setup/'.join(missing)}"):
        if fresh:
            shutil.rmtree(VENV, ignore_errors=True)
            processes.run([sys.executable, "-m", "venv", VENV])
            mark_done("venv", base)
        wants = [part for file in missing for part in ("-r", SETUP / file)]
        processes.run(
            [PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *wants],
            log=RUN / "log" / "pip.log",
        )
    for file in missing:
        mark_done(file, wanted[file])


def javascript_tools() -> None:
    """Make `.run/node` hold the tools of setup/package-lock.json."""
    files = [SETUP / "package.json", SETUP / "package-lock.json"]
    wanted = f"{NODE} {digest(*files)}"
    if (NODE / "node_modules").is_dir() and done("node", wanted):
        return
    with step("JavaScript tools (setup/package-lock.json)"):
        NODE.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, NODE)
        processes.run(
            [VENV / "bin" / "npm", "ci", "--no-audit", "--no-fund"],
            cwd=NODE,
            env=environment(),
            log=RUN / "log" / "npm.log",
        )
    mark_done("node", wanted)


def environment(**more: str) -> dict[str, str]:
    """The machine's environment, with our Python and JavaScript tools first."""
    path = os.pathsep.join([str(VENV / "bin"), str(NODE / "node_modules" / ".bin"), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", **more}
