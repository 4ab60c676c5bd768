"""setup/test: every test there is, with one line per kind and one for all."""

import argparse
import os
import re
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event

from . import attacks, fuzz_command, installation, lint_command, machine, odoo, peers, postgres, processes, upgrading
from .places import LOGS, NODE, PYTHON, RUN, SETUP, TOP, addons
from .screen import Trouble, say, step

PURE, ODOO, JAVASCRIPT, BROWSER, SIP, DESK = "pure", "Odoo", "JavaScript", "browser", "SIP end to end", "desk"
FIGURES = "figures"
CHAOS = "chaos"
LINT, CORE_LINT = "lint", "Odoo's test_lint"
INSTALLATION, BESIDE = "installation", "beside others"
ATTACKS, NONSENSE = "under attack", "nonsense"
CORE_SUITES = "core's suites"
CORE_ADDONS = ("crm", "sales_team", "phone_validation", "calendar")
# Of Odoo's own: not needed by ours, and read where they are.
OPTIONAL = ("hr_timesheet", "im_livechat", "sms")
TEST_DATABASE = "crm_voip_test"
BESIDE_DATABASE = "crm_voip_beside"
SUITES_DATABASE = "crm_voip_suites"
FAST_DATABASE = "crm_voip_fast"
SIP_DATABASE = "crm_voip_once"
# Kinds that run at the same time.
LANES = 2
# Of nonsense and chaos: a test that fails does so for whoever runs it again. By command, both are new each time.
SEED = 108996051
# Calls that setup/chaos places here; more by command.
CHAOS_CALLS = 300


@dataclass
class Result:
    """How the tests of one kind ended."""

    kind: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0
    # What a person has to read: failures, and why something was skipped.
    remarks: list[str] = field(default_factory=list)

    def fail(self, remark: str) -> None:
        """Count a failure and keep what is to be said about it."""
        self.failed += 1
        self.remarks.append(remark)

    def skip(self, test: str, reason: str) -> None:
        """Count a skipped test; without a reason it is a failed one."""
        if not reason.strip() or reason.strip() == "unconditional skip":
            self.fail(f"{test}: skipped, and nothing says why")
        else:
            self.skipped += 1
            self.remarks.append(f"{test}: skipped, {reason.strip()}")


def main(arguments: list[str]) -> int:
    """Run what is asked for; 0 only if all of it ran and passed."""
    parser = argparse.ArgumentParser(prog="setup/test", description="Runs all tests, or those in PATH.")
    parser.add_argument("path", nargs="*", help="files, folders or pytest's FILE::CLASS::TEST; tests of these only")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests whose names match, as in pytest")
    parser.add_argument("--fast", action="store_true", help="pure tests, and Odoo's without browser in a kept database")
    options = parser.parse_args(arguments)
    machine.system_packages(
        {
            "postgresql": postgres.present(),
            "chromium": machine.has_command("chromium", "google-chrome"),
            # a record of Asterisk's in MariaDB, as FreePBX keeps it
            "mariadb-server-core": machine.has_command("mariadbd"),
            "mariadb-client-core": machine.has_command("mariadb"),
            # what makes Odoo's PDFs
            "wkhtmltopdf": machine.has_command("wkhtmltopdf"),
        }
    )
    machine.python_environment("requirements.txt", "requirements-dev.txt")
    if options.path or options.k:
        results = list(_chosen(options.path or ["."], options.k))
    elif options.fast:
        results = [_pure("-m", "not slow"), *_odoo_fast()]
    else:
        results = list(_everything())
    return _report(results)


def _everything():
    lint_command.prepare()
    yield _lint()
    with postgres.running() as cluster:
        server = odoo.Odoo(odoo.prepare(), cluster)
        # with a browser, which does not like to wait for a processor, nor does what is in real time
        yield from _with_odoo(server)
        # the longest first, so that the lanes end together
        with_odoo = (_beside, _core_suites, _under_attack, _nonsense)
        yield from _side_by_side(_pure, *(partial(kind, server) for kind in with_odoo))
    yield from _real()
    yield _chaos()


def _side_by_side(*kinds) -> list[Result]:
    """Kinds that share nothing, some at a time: one process of Odoo keeps one processor busy at most.

    :param kinds: called without arguments, in this order; each gives a result
    """
    failed = Event()

    def run(kind):
        if failed.is_set():
            raise CancelledError
        try:
            return kind()
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(LANES) as pool:
        waiting = [pool.submit(run, kind) for kind in kinds]
        try:
            wait(waiting, return_when=FIRST_EXCEPTION)
            # the first that failed, if one did: what did not begin comes after it
            return [kind.result() for kind in waiting if kind.done()]
        except BaseException:
            # so that the others end
            processes.stop_all(threads=True)
            raise


# ------------------------------------------------------------------ kinds


def _lint() -> Result:
    started = time.monotonic()
    result = Result(LINT)
    for finding in lint_command.check():
        if finding.text:
            result.fail(f"{finding.tool}: see above")
        else:
            result.passed += 1
    result.seconds = time.monotonic() - started
    return result


def _pure_folders() -> list[Path]:
    return [folder for folder in (*sorted(TOP.glob("*/lib/tests")), SETUP / "tests") if folder.is_dir()]


def _odoo_folders() -> list[Path]:
    return [TOP / name / "tests" for name in addons() if (TOP / name / "tests").is_dir()]


def _pure(*options: str) -> Result:
    total = Result(PURE)
    for folder in _pure_folders():
        # those of the addons share nothing, and mostly wait for sockets and for processes to end
        more = [] if folder.parent == SETUP else ["-n", "4", "--dist", "worksteal"]
        _add(total, _pytest_pure(folder, [*more, *options, folder]))
    return total


def _pytest_pure(folder: Path, what: list) -> Result:
    # Each addon in a call of its own: all of them name their pure part `lib`.
    return _pytest(PURE, ["-c", folder / "pytest.ini", "--rootdir", folder, *what], machine.environment())[PURE]


def _with_odoo(server: odoo.Odoo) -> list[Result]:
    """Install all addons into a new database, then run their tests and core's linters in it."""
    started = time.monotonic()
    server.copy(server.template(), TEST_DATABASE)
    with step("A new database with the addons"):
        log = server.install(TEST_DATABASE, *addons())
    installing = Result(ODOO, seconds=time.monotonic() - started)
    _check_log(installing, "installing", log)
    results = _pytest_odoo(server, TEST_DATABASE, _odoo_folders())
    _add(results[ODOO], installing)
    core = _core_lint(server)
    server.drop(TEST_DATABASE)
    return [*results.values(), core, _uninstalling(server)]


def _odoo_fast(what: list | None = None, more: list | None = None) -> list[Result]:
    """Odoo tests in a database that is kept, and updated only if the addons have changed."""
    with postgres.running() as cluster:
        server = odoo.Odoo(odoo.prepare(), cluster)
        server.ready(FAST_DATABASE)
        if what is None:
            what, more = _odoo_folders(), ["--no-browser"]
        results = _pytest_odoo(server, FAST_DATABASE, what, more or [])
        return [result for result in results.values() if result.passed or result.failed or result.skipped]


def _chosen(paths: list[str], expression: str | None):
    """Tests of the given paths, each run as its place demands."""
    pure = {folder: [] for folder in _pure_folders()}
    in_odoo = []
    for text in paths:
        path = Path(text.split("::")[0]).resolve()
        full = str(path) + text[len(text.split("::")[0]) :]
        inside = [folder for folder in pure if folder == path or folder in path.parents]
        below = [folder for folder in pure if path in folder.parents]
        for folder in inside:
            pure[folder].append(full)
        for folder in below:
            pure[folder].append(folder)
        if not inside:
            tests = (
                sorted(path.glob("*/tests")) if path == TOP else [path / "tests" if (path / "tests").is_dir() else full]
            )
            in_odoo += [test for test in tests if Path(str(test).split("::")[0]) not in pure]
    more = ["-k", expression] if expression else []
    for folder, what in pure.items():
        if what:
            yield _pytest_pure(folder, [*what, *more])
    if in_odoo:
        yield from _odoo_fast(in_odoo, more)


def _core_lint(server: odoo.Odoo) -> Result:
    """Core's own linters over our addons; they need eslint and pylint, or pass silently."""
    tests = server.root / "odoo" / "addons" / "test_lint" / "tests"
    # Its modules must not shadow those of Python, as `calendar` would.
    more = ["--only-our-addons", "--import-mode=importlib", "--rootdir", tests.parent]
    environment = {"NODE_PATH": str(NODE / "node_modules")}
    result = _pytest_odoo(server, TEST_DATABASE, [tests], more, label=CORE_LINT, **environment)[ODOO]
    result.kind = CORE_LINT
    return result


def _uninstalling(server: odoo.Odoo) -> Result:
    """What is left of the addons after they were used and uninstalled; and what an upgrade from the first version keeps."""
    result, started = Result(INSTALLATION), time.monotonic()
    for what, complaint, log in (
        *installation.check(server, TEST_DATABASE),
        *upgrading.check(server, TEST_DATABASE),
    ):
        if complaint:
            result.fail(f"{what}:\n{complaint}")
        elif log:
            _check_log(result, what, log)
        else:
            result.passed += 1
    result.seconds = time.monotonic() - started
    return result


def _under_attack(server: odoo.Odoo) -> Result:
    """Requests that mean harm, against a server without and one with worker processes."""
    result, started = Result(ATTACKS), time.monotonic()
    for what, complaint in attacks.check(server):
        if what == "figures":
            result.remarks.append(complaint)
        elif complaint:
            result.fail(f"{what}: {complaint}")
        else:
            result.passed += 1
    result.seconds = time.monotonic() - started
    return result


def _nonsense(server: odoo.Odoo) -> Result:
    """A short run of setup/fuzz, with the same nonsense each time; setup/fuzz has some that nobody has seen before."""
    result, started, seed = Result(NONSENSE), time.monotonic(), SEED
    found = [*fuzz_command.readers(fuzz_command.SHORT, seed), *fuzz_command.routes(server, fuzz_command.SHORT, seed)]
    for what, _tries, complaint in found:
        if complaint:
            result.fail(f"{what}, seed {seed}: {complaint}")
        else:
            result.passed += 1
    result.seconds = time.monotonic() - started
    return result


def _core_suites(server: odoo.Odoo) -> Result:
    """Core's own tests of what our addons build on: they fail exactly where they fail without ours.

    Those with a browser are left out: they show core's screens, and cost minutes.
    """
    result, started = Result(CORE_SUITES), time.monotonic()
    folders = [server.root / "addons" / name / "tests" for name in CORE_ADDONS]
    # as core's linters: modules of its tests must not shadow those of Python
    more = ["--no-browser", "--import-mode=importlib", "--rootdir", server.root / "addons"]
    # It counts queries, to the query: a merge of opportunities moves their numbers and calls, four to eight queries more.
    counted = "not TestLeadAssignPerf"

    def failures(label: str, *names: str, only: list[str] = ()) -> tuple[Result, set[str]]:
        server.copy(server.template(), SUITES_DATABASE)
        try:
            with step(f"A database with {', '.join(names) or 'crm alone'}"):
                server.install(SUITES_DATABASE, *(set(CORE_ADDONS) - {"crm"}), *names)
            select = ["-k", f"({' or '.join(only)}) and {counted}" if only else counted]
            found = _pytest_odoo(server, SUITES_DATABASE, folders, [*more, *select], label=label, check_log=False)[ODOO]
        finally:
            server.drop(SUITES_DATABASE)
        return found, {remark.partition(":")[0] for remark in found.remarks if ": skipped, " not in remark}

    with_ours, failed = failures(CORE_SUITES, *addons())
    result.passed, result.skipped = with_ours.passed, with_ours.skipped
    if failed:
        tests = sorted({name.rpartition(".")[2] for name in failed})
        _without, anyway = failures(f"{CORE_SUITES} without ours", only=tests)
        result.passed += len(failed & anyway)
        for remark in with_ours.remarks:
            name = remark.partition(":")[0]
            if name in failed - anyway:
                result.fail(f"only with our addons, {remark}")
            elif name in anyway:
                result.remarks.append(f"{name}: fails without our addons, too")
    result.seconds = time.monotonic() - started
    return result


def _beside(server: odoo.Odoo) -> Result:
    """The Odoo tests once more, but for those with a browser, where addons of others do similar things."""
    result, started = Result(BESIDE), time.monotonic()
    try:
        server = replace(server, beside=(peers.folder(),))
    except Trouble as trouble:
        result.skip("beside addons of others", f"they could not be fetched: {trouble}")
        return result
    server.copy(server.template(), BESIDE_DATABASE)
    with step(f"A new database with {', '.join(peers.PEERS)} and the addons"):
        _check_log(result, "installing", server.install(BESIDE_DATABASE, *peers.PEERS, *OPTIONAL, *addons()))
    more = ["--ignore-glob=*/test_js.py", "--ignore-glob=*tours.py"]
    for found in _pytest_odoo(server, BESIDE_DATABASE, _odoo_folders(), more, label=BESIDE).values():
        _add(result, found)
    server.drop(BESIDE_DATABASE)
    result.seconds = time.monotonic() - started
    return result


def _real() -> list[Result]:
    """Real calls through a real PBX, and what people see of them: `setup/run --once` in a database of its own."""
    calls, figures, desk = all_three = Result(SIP), Result(FIGURES), Result(DESK)
    if not machine.is_root():
        for result in all_three:
            result.skip("real calls", "the demo PBX needs root")
        return [*all_three]
    started = time.monotonic()
    log = LOGS / "test-sip.log"
    with step("Real calls through a real PBX, and real browsers (setup/run --once)"), open(log, "wb") as output:
        process = processes.start_quietly(
            [SETUP / "run", "--once", "--fresh", "--database", SIP_DATABASE], stdout=output, stderr=subprocess.STDOUT
        )
        status = process.wait()
        processes.stop(process)
    text = log.read_text(errors="replace")
    for result, closing in (
        (calls, r"^(\d+) calls? agrees?, (\d+) differs?$"),
        (figures, r"^(\d+) figures agree, (\d+) differ "),
        (desk, r"^(\d+) stories hold, (\d+) do not$"),
    ):
        if found := re.findall(closing, text, re.M):
            result.passed, result.failed = map(int, found[-1])
        else:
            result.failed = 1
    if status and not any(result.failed for result in all_three):
        calls.failed = 1
    for result in all_three:
        if result.failed:
            result.remarks.append(f"{_tail(text, 60)}\nAll of it: {log}")
            break
    calls.seconds = time.monotonic() - started
    return [*all_three]


def _chaos() -> Result:
    """Real calls while everything around them breaks: `setup/chaos`, with the database that the calls before left behind."""
    result = Result(CHAOS)
    if not machine.is_root():
        result.skip("real calls while everything breaks", "the demo PBX needs root")
        return result
    started = time.monotonic()
    log = LOGS / "test-chaos.log"
    with step(f"{CHAOS_CALLS} real calls while everything around them breaks (setup/chaos)"), open(log, "wb") as output:
        process = processes.start_quietly(
            [SETUP / "chaos", "--calls", str(CHAOS_CALLS), "--seed", str(SEED), "--database", SIP_DATABASE],
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        status = process.wait()
        processes.stop(process)
    text = log.read_text(errors="replace")
    if found := re.findall(r"^(\d+) calls, (\d+) lost, (\d+) double, (\d+) wrong ", text, re.M):
        calls, *bad = map(int, found[-1])
        result.failed = sum(bad)
        result.passed = calls - result.failed
    if status and not result.failed:
        result.failed = 1
    if result.failed:
        result.remarks.append(f"{_tail(text, 60)}\nAll of it: {log}")
    result.seconds = time.monotonic() - started
    return result


# ------------------------------------------------------------------ pytest


def _pytest_odoo(server, database, what, more=(), label=ODOO, check_log=True, **environment) -> dict[str, Result]:
    """Odoo tests by pytest-odoo, sorted into their kinds."""
    log = LOGS / f"{_file_name(label)}-server.log"
    log.unlink(missing_ok=True)
    variables = server.environment(**environment)
    variables["PYTHONPATH"] += f"{os.pathsep}{SETUP}"
    options = [
        "-p", "kit.pytest_kinds", "--odoo-http", f"--odoo-database={database}", "--odoo-log-level=warn",
        f"--odoo-extra=logfile={log}", "--odoo-extra=max-cron-threads=0", *more, *what,
    ]  # fmt: skip
    results = _pytest(label, options, variables, kinds=(ODOO, JAVASCRIPT, BROWSER))
    if check_log and label != CORE_LINT:
        _check_log(results[ODOO], "the log of the tests", log)
    return results


def _pytest(label: str, options: list, environment: dict, kinds: tuple = ()) -> dict[str, Result]:
    """Run pytest and count, by kind, what it wrote down."""
    kinds = kinds or (label,)
    results = {kind: Result(kind) for kind in kinds}
    report = RUN / "log" / f"{_file_name(label)}.xml"
    output = RUN / "log" / f"{_file_name(label)}.log"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [
        PYTHON,
        "-m",
        "pytest",
        "-q",
        f"--junitxml={report}",
        "-o",
        "junit_family=xunit1",
        "-p",
        "no:cacheprovider",
    ]
    with step(f"{label} tests") as change, open(output, "w") as log:
        process = processes.start_quietly(
            [*command, *options], cwd=TOP, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for line in process.stdout:
            text = line.decode(errors="replace")
            log.write(text)
            if progress := re.search(r"\[ *(\d+%)\]$", text):
                change(f"{label} tests, {progress[1]}")
        status = process.wait()
        processes.stop(process)
        change(f"{label} tests")
    if report.exists():
        _count(report, results)
    first = results[kinds[0]]
    if status not in (0, 1) or not report.exists():
        why = "there are none" if status == 5 else f"pytest ended with {status}"
        first.fail(f"{label} tests did not run ({why}):\n{_tail(output.read_text())}\nAll of it: {output}")
    elif status == 1 and not any(result.failed for result in results.values()):
        first.fail(f"pytest failed without a failed test:\n{_tail(output.read_text())}\nAll of it: {output}")
    return results


def _count(report: Path, results: dict[str, Result]) -> None:
    first = next(iter(results))
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        known = {item.get("name"): item.get("value") for item in case.iter("property")}
        result = results[known.get("kind", first)]
        result.seconds += float(case.get("time", 0))
        bad = [*case.iter("failure"), *case.iter("error")]
        if "suites" in known:
            # One Odoo test that stands for many in JavaScript.
            passed, failed = map(int, known["suites"].split())
            result.passed += passed
            result.failed += failed
            if failed or bad:
                result.failed += not failed
                result.remarks.append(f"{name}:\n{_tail(bad[0].text or '', 40) if bad else ''}")
        elif bad:
            result.fail(f"{name}:\n{_tail(bad[0].text or bad[0].get('message') or '', 40)}")
        elif (skipped := case.find("skipped")) is not None:
            result.skip(name, skipped.get("message") or "")
        else:
            result.passed += 1


def _check_log(result: Result, what: str, log: Path) -> None:
    """A warning or an error in Odoo's log is a failed test."""
    if not log.exists():
        # Nothing at the level that is written.
        result.passed += 1
        return
    command = [PYTHON.parent / "checklog-odoo", "--no-err-if-empty", log]
    outcome = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=machine.environment(), check=False
    )
    if outcome.returncode:
        result.fail(f"{what}: warnings or errors in the log\n{_tail(outcome.stdout + outcome.stderr, 30)}")
    else:
        result.passed += 1


# ------------------------------------------------------------------ words


def _report(results: list[Result]) -> int:
    say()
    for result in results:
        for remark in result.remarks:
            say(f"[{result.kind}] {remark}\n")
    for result in results:
        if not (result.passed or result.failed or result.skipped):
            # A kind that vanished must not pass for one that passed.
            result.fail("no test of this kind ran")
            say(f"[{result.kind}] {result.remarks[-1]}\n")
    for result in results:
        say(f"{result.kind:18}{_words(result)}   ({result.seconds:.0f} s)")
    total = Result("")
    for result in results:
        _add(total, result)
    say(_words(total))
    return 1 if total.failed or not total.passed else 0


def _words(result: Result) -> str:
    return f"{result.passed} passed, {result.failed} failed, {result.skipped} skipped"


def _add(total: Result, more: Result) -> None:
    total.passed += more.passed
    total.failed += more.failed
    total.skipped += more.skipped
    total.seconds += more.seconds
    total.remarks += more.remarks


def _tail(text: str, lines: int = 30) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _file_name(label: str) -> str:
    return "test-" + re.sub(r"\W+", "-", label.lower())
