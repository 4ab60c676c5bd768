"""setup/lint: ruff, pylint-odoo, eslint and prettier, each at its pinned version."""

import argparse
import subprocess
from dataclasses import dataclass

from . import machine
from .places import NODE, TOP, VENV, addons
from .screen import say, step

_PASSED_OVER = {".git", ".run", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class Finding:
    """What one linter had to say; empty if nothing."""

    tool: str
    text: str


def main(arguments: list[str]) -> int:
    """Check everything, or repair what can be repaired."""
    parser = argparse.ArgumentParser(prog="setup/lint", description="Runs all linters on this checkout.")
    parser.add_argument("--fix", action="store_true", help="repair what can be repaired without thought")
    options = parser.parse_args(arguments)
    prepare()
    findings = [finding for finding in check(fix=options.fix) if finding.text]
    say(f"\n{len(findings)} of {len(_tools())} linters have something to say." if findings else "\nNothing to say.")
    return 1 if findings else 0


def prepare() -> None:
    """Have the linters at hand."""
    machine.python_environment("requirements.txt", "requirements-dev.txt")
    machine.javascript_tools()


def check(*, fix: bool = False) -> list[Finding]:
    """Run every linter and show what it says."""
    findings = []
    for name, command, repair in _tools():
        with step(name) as change:
            if fix and repair:
                _said(repair)
            text = _said(command) if command else ""
            change(f"{name}: {'see below' if text else 'fine' if command else 'nothing to look at'}")
        if text:
            say(text)
        findings.append(Finding(name, text))
    return findings


def _tools() -> list[tuple[str, list, list]]:
    """(name, command that checks, command that repairs)."""
    programs, node = VENV / "bin", NODE / "node_modules"
    scripts = _files("*.js")
    pretty = [node / ".bin" / "prettier", "--plugin", node / "@prettier/plugin-xml/src/plugin.js"]
    pretty_files = _files("*.js", "*.css", "*.scss", "*.xml", "*.yml", "package.json")
    eslint = [node / ".bin" / "eslint", "--max-warnings=0", *scripts]
    # What the first two ask for is the OCA's own; the documentation is in readme/ and README.md. The third would have
    # one file for all that is done with a call: each function has its own, as another addon would extend it.
    left_out = "missing-readme,manifest-required-author,consider-merging-classes-inherited"
    pylint = [programs / "pylint", "--rcfile", TOP / ".pylintrc", f"--disable={left_out}"]
    return [
        (
            "ruff",
            [programs / "ruff", "check", "-q", "--output-format=concise", TOP],
            [programs / "ruff", "check", "-q", "--fix", TOP],
        ),
        ("ruff format", [programs / "ruff", "format", "-q", "--diff", TOP], [programs / "ruff", "format", "-q", TOP]),
        ("pylint-odoo", addons() and [*pylint, *addons()], []),
        ("eslint", scripts and eslint, [*eslint, "--fix"]),
        ("prettier", pretty_files and [*pretty, "--check", *pretty_files], [*pretty, "--write", *pretty_files]),
    ]


def _files(*patterns: str) -> list[str]:
    """Our own files, relative to the checkout; libraries of others are left alone."""
    found = []
    for folder in sorted(TOP.iterdir()):
        if folder.name in _PASSED_OVER:
            continue
        for pattern in patterns:
            inside = folder.rglob(pattern) if folder.is_dir() else [folder] if folder.match(pattern) else []
            found += [str(file.relative_to(TOP)) for file in inside if not _PASSED_OVER & set(file.parts)]
    return sorted(file for file in found if "/static/lib/" not in file)


def _said(command: list) -> str:
    """What a linter prints if it is not content."""
    outcome = subprocess.run(
        [str(part) for part in command], cwd=TOP, env=machine.environment(), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f"{outcome.stdout}\n{outcome.stderr}".strip() if outcome.returncode else ""
