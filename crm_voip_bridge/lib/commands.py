"""The bridge's commands, as a person types them."""
# ruff: noqa: T201 (programs for a terminal print)

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .adapters import ADAPTERS
from .client import SCOPE_PATH, VERSION, OdooClient, OdooProblem, bridge_head
from .config import DEFAULT_FILE, ENVIRONMENT, Config, ConfigProblem
from .events import UTC, Event, format_time, parse_time, read_journal
from .history import HistoryProblem, open_history
from .manager import Manager, PbxProblem, tls_context
from .scope import BadScope, Scope
from .site import Site
from .spool import Glance, Spool, SpoolProblem, glance
from .wake import Wake, WakeProblem

_PIECE = 65_536
#: AMI's classes of events that the bridge lives on, and one of each that the check may meet
_CLASSES = ("call", "dialplan", "agent", "system")


def main(args=None, prog: str | None = None) -> int:
    """Run a command.

    :param args: without the program's name; None takes the process's
    :return: the exit status
    """
    options = _parser(prog).parse_args(args)
    try:
        return options.command(options) or 0
    except (ConfigProblem, Problem) as problem:
        print(problem, file=sys.stderr)
        return 78 if isinstance(problem, ConfigProblem) else 1
    except BrokenPipeError:
        # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


class Problem(Exception):
    """A command cannot do its work; the text says why."""


def _parser(prog: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog or "crm-voip-bridge", description="Connects an Asterisk PBX with Odoo: who called whom, for how long."
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function, name, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=function)
        return sub

    def configured(function, name, text):
        sub = command(function, name, text)
        sub.add_argument("--config", metavar="FILE", help=f"default: ${ENVIRONMENT}_CONFIG, then {DEFAULT_FILE}")
        return sub

    configured(_run, "run", "Connects the PBX with Odoo until stopped.")
    sub = configured(
        _check,
        "check",
        "Tries the PBX login and rights, CEL, Odoo, signature and clock, and says what to change where.",
    )
    sub.add_argument(
        "--seconds", type=float, default=5.0, help="how long to listen to the PBX (default 5); place a call meanwhile"
    )
    sub = command(
        _replay,
        "replay",
        "Folds a recorded file and prints one JSON object a line for each call: what would be logged.",
    )
    sub.add_argument("--format", required=True, choices=sorted(READERS), help="what the file holds")
    sub.add_argument("--country", default="", help="ISO code of the PBX's country, as NL")
    sub.add_argument("--internal-min", type=int, default=2, metavar="N", help="shortest internal number (default 2)")
    sub.add_argument("--internal-max", type=int, default=5, metavar="N", help="longest internal number (default 5)")
    sub.add_argument("--outside-prefix", default="", metavar="DIGITS", help="dialled before outside numbers")
    sub.add_argument(
        "--extension", action="append", default=[], metavar="NUMBER", help="is internal whatever its length; repeatable"
    )
    sub.add_argument(
        "--trunk", action="append", default=[], metavar="NUMBER", help="the PBX's own outside number; repeatable"
    )
    sub.add_argument(
        "--zone", type=_zone, default=UTC, help="time zone of times without one, as Europe/Amsterdam (default UTC)"
    )
    sub.add_argument("file", metavar="FILE", help="- reads standard input")
    sub = configured(
        _capture, "capture", "Records a live AMI session that replay reads back. The file holds people's numbers."
    )
    sub.add_argument("--seconds", type=float, default=0.0, help="stop after so long (default: Ctrl-C)")
    sub.add_argument("file", metavar="FILE", help="must not exist yet; - writes to standard output")
    return parser


def _zone(name: str):
    try:
        return UTC if name.upper() == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"'{name}' is no time zone; one is Europe/Amsterdam") from None


def _config(options) -> Config:
    path = options.config or os.environ.get(f"{ENVIRONMENT}_CONFIG")
    if not path and Path(DEFAULT_FILE).exists():
        path = DEFAULT_FILE
    return Config(path)


def _connect(config: Config) -> Manager:
    tls = tls_context(config.pbx_ca_file) if config.pbx_tls else None
    return Manager(config.pbx_host, config.pbx_port, config.pbx_user, config.pbx_secret, tls)


def _client(config: Config, timeout: float = 30.0) -> OdooClient:
    return OdooClient(
        config.odoo_url, config.odoo_key, config.odoo_secret, config.odoo_database, config.odoo_ca_file, timeout=timeout
    )


def _wake(config: Config, client: OdooClient) -> Wake:
    return Wake(config.odoo_websocket or config.odoo_url, client, config.odoo_secret, config.odoo_ca_file)


def _history(config: Config):
    return open_history(config)


# --- run ---


def _run(options) -> int:
    from .process import EX_CONFIG, EX_IOERR, Bridge

    config = _config(options)
    # under systemd the journal knows the time
    stamp = "" if os.environ.get("JOURNAL_STREAM") else "%(asctime)s "
    logging.basicConfig(level=config.log_level.upper(), format=stamp + "%(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it would repeat what we say better
    log = logging.getLogger("crm_voip_bridge")
    for line in config.warnings():
        log.warning(line)
    # Blocked before the threads start, which inherit it; then waited for here: no handler, no race.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        spool = Spool(config.spool_file, config.spool_keep_days)
    except SpoolProblem as problem:
        log.critical("%s", problem)
        return EX_IOERR if problem.full else EX_CONFIG
    client = _client(config)
    bridge = Bridge(
        spool,
        client,
        lambda: _connect(config),
        _history(config),
        config.pbx_server,
        wake=None if config.odoo_websocket == "no" else lambda: _wake(config, client),
        dialling={"channel": config.pbx_channel, "context": config.pbx_context},
        recordings=config.recordings_folder,
    )
    log.info("Bridge %s: %s to %s, %s events waiting", VERSION, config.pbx_host, config.odoo_url, spool.waiting)
    bridge.start()
    while bridge.running:
        # of a process that was stopped and goes on, Python tells a signal that nobody sent
        told = signal.sigtimedwait(signals, 1.0)
        if told and told.si_signo in signals:
            break
    status = bridge.stop()
    log.info("Stopped, %s events waiting", spool.waiting)
    spool.close()
    return status


# --- check ---


def _check(options) -> int:
    config = _config(options)
    report = _Report()
    for line in config.warnings():
        report.warn("configuration", line)
    spool = _check_spool(config, report)
    pbx = _check_pbx(config, report, options.seconds)
    _check_history(config, report)
    scope = _check_odoo(config, report, spool, pbx)
    _check_recordings(config, report, scope)
    return 1 if report.failed else 0


class _Report:
    """One line for each thing tried, as soon as it is known."""

    failed = False

    def _line(self, mark: str, topic: str, text: str) -> None:
        print(f"{mark:4} {topic}: {text}", flush=True)

    def good(self, topic: str, text: str) -> None:
        self._line("ok", topic, text)

    def warn(self, topic: str, text: str) -> None:
        self._line("note", topic, text)

    def fail(self, topic: str, text: str) -> None:
        self.failed = True
        self._line("FAIL", topic, text)


def _check_spool(config: Config, report: _Report) -> Glance | None:
    path = Path(config.spool_file)
    if not path.parent.is_dir():
        report.fail("spool", f"the folder {path.parent} is not there: make it, owned by the bridge's user")
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        report.fail("spool", f"{path} cannot be written: give the folder {path.parent} to the bridge's user")
    elif not path.exists():
        report.good("spool", f"{path} will be made")
    else:
        try:
            found = glance(path)
        except SpoolProblem as problem:
            report.fail("spool", str(problem))
            return None
        report.good("spool", f"{found.waiting} events waiting to be sent")
        if found.aside:
            report.warn("spool", f"{found.aside} events are set aside, because Odoo did not take them")
        return found
    return None


def _check_pbx(config: Config, report: _Report, seconds: float) -> str:
    """What the bridge would say of the PBX."""
    try:
        with contextlib.closing(_connect(config)) as link:
            report.good("PBX login", f"user '{config.pbx_user}' at {link.place}, AMI {link.version}")
            if link.ask("CoreShowChannels").get("response") == "Success":
                report.good("PBX rights", "may ask which calls exist (write = reporting)")
            else:
                report.fail(
                    "PBX rights", "may not ask which calls exist: set write = reporting for this user in manager.conf"
                )
            _check_dialling(link, config, report)
            now = time.time()
            theirs = parse_time(link.ask("Ping").get("timestamp"))
            if theirs:
                off = theirs.timestamp() - now
                if abs(off) > 5:
                    report.fail(
                        "PBX clock",
                        f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} this machine's: set the time there",
                    )
                else:
                    report.good("PBX clock", "agrees with this machine's")
            _check_events(link, report, seconds)
            return "connected"
    except PbxProblem as problem:
        report.fail("PBX", str(problem))
        return str(problem)


def _check_dialling(link: Manager, config: Config, report: _Report) -> None:
    # the actions of this user; it would be no good to try them
    may = link.ask("ListCommands")
    missing = [name for name in ("Originate", "Hangup", "BlindTransfer") if name.lower() not in may]
    if not missing:
        report.good("PBX dialling", f"click to call and transfers are allowed, in context '{config.pbx_context}'")
    else:
        report.warn(
            "PBX dialling",
            f"no click to call, hang-up or transfer from Odoo ({', '.join(missing)} not allowed): if you want it, set "
            "write = reporting,originate,call for this user in manager.conf",
        )
    if "queuechangeprioritycaller" in may:
        report.good("PBX queues", "waiting callers can be put in another order")
    else:
        report.warn(
            "PBX queues",
            "waiting callers cannot be put in another order (QueueChangePriorityCaller not allowed): if you want it, load "
            "app_queue.so, and set write = reporting,originate,call,agent for this user in manager.conf",
        )


def _check_events(link: Manager, report: _Report, seconds: float) -> None:
    """Rights to read cannot be asked for: they show in what comes."""
    seen, timeless, until = set(), False, time.monotonic() + seconds
    while time.monotonic() < until:
        for block in link.read(0.2):
            name, rights = block.get("event", "").lower(), block.get("privilege", "").split(",")
            seen |= {right for right in rights if right in _CLASSES}
            # answers to questions and the greeting never have a time
            if rights != [""] and name not in ("fullybooted", "coreshowchannel", "coreshowchannelscomplete"):
                timeless |= "timestamp" not in block
    if timeless:
        report.fail(
            "PBX times",
            "events have no time: set timestampevents = yes in [general] of manager.conf, then 'manager reload'",
        )
    if "call" in seen and "dialplan" not in seen:
        report.fail(
            "PBX rights", "calls are seen, but not what the dialplan does: add dialplan to read in manager.conf"
        )
    elif "call" in seen:
        report.good("PBX events", f"classes seen: {', '.join(sorted(seen))}")
    else:
        report.warn(
            "PBX events",
            f"no call within {seconds:.0f} s; place one during check --seconds 30, or see that read has call,agent,dialplan,system",
        )


def _check_history(config: Config, report: _Report) -> None:
    history = _history(config)
    if not history.source:
        report.warn(
            "history",
            "not configured: what happens while the bridge is away is not caught up (fill in [cel], or else [cdr])",
        )
        return
    topic = history.source.upper()
    try:
        newest = history.check()
    except HistoryProblem as problem:
        report.fail(topic, str(problem))
        return
    report.good(topic, f"newest row of {format_time(newest)}" if newest else "readable, no row yet")
    if newest and newest.timestamp() > time.time() + 300:
        report.fail(topic, f"its newest row is of the future: set [{history.source}] zone to the PBX's time zone")
    if history.source == "cdr":
        report.warn(
            "CDR",
            "is what gaps are filled from: whole seconds, neither hold nor queue nor menu. With [cel], more is known",
        )
    elif config.cdr_file or config.cdr_server:
        report.warn("CDR", "is not used, because the channel event log tells more")


def _check_odoo(config: Config, report: _Report, spool: Glance | None, pbx: str) -> Scope | None:
    scope, client = None, _client(config, timeout=10.0)
    # as the bridge of this spool, so that Odoo does not see one more
    head = bridge_head(spool.id if spool else "check", spool.waiting if spool else 0, pbx, time.time())
    body = json.dumps({"bridge": head}).encode()
    try:
        scope = Scope.from_answer(client.post(SCOPE_PATH, body))
    except (OdooProblem, BadScope) as problem:
        report.fail("Odoo", str(problem))
    else:
        report.good("Odoo", f"{client.url} accepts the signature")
        known = len(scope.site.extensions)
        if scope.ticked:
            report.good("scope", f"{len(scope.ticked)} of {known} known extensions are recorded")
        else:
            report.warn("scope", f"none of {known} known extensions is recorded: tick them on the PBX's form in Odoo")
        _check_websocket(config, client, report)
    if client.clock_off is not None:
        off = client.clock_off
        if abs(off) > 20:
            report.fail(
                "clock",
                f"this machine is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Odoo: set the time (timedatectl set-ntp true)",
            )
        else:
            report.good("clock", "agrees with Odoo's")
    return scope


def _check_recordings(config: Config, report: _Report, scope: Scope | None) -> None:
    wanted, folder = bool(scope and scope.recordings), config.recordings_folder
    if not folder:
        if wanted:
            report.warn("recordings", "Odoo takes them, but [recordings] folder does not say where they are")
        return
    try:
        with os.scandir(folder) as entries:
            next(entries, None)
    except OSError as error:
        report.fail("recordings", f"the folder {folder} cannot be read ({error.strerror}): check [recordings] folder")
        return
    if wanted:
        report.good("recordings", f"are sent from {folder}")
    else:
        report.good("recordings", f"{folder} can be read; nothing is sent until they are switched on in Odoo")


def _check_websocket(config: Config, client: OdooClient, report: _Report) -> None:
    if config.odoo_websocket == "no":
        report.warn("websocket", "turned off: a click to call takes up to two seconds ([odoo] websocket)")
        return
    try:
        _wake(config, client).close()
    except WakeProblem as problem:
        report.warn(
            "websocket",
            f"none with Odoo, so a click to call takes up to two seconds ({problem}): behind a proxy, pass /websocket on to "
            "Odoo's evented port, or name its address in [odoo] websocket",
        )
    else:
        report.good("websocket", "Odoo can wake the bridge")


# --- replay ---


def _ami(file, options):
    from .ami import read_ami

    return read_ami(iter(lambda: file.read(_PIECE), b""))


def _cel(file, options):
    from .cel import read_cel

    return read_cel(_lines(file), options.zone)


def _cdr(file, options):
    from .cdr import read_cdr

    return read_cdr(_lines(file), options.zone)


def _journal(file, options):
    return read_journal(_lines(file))


def _webhook(adapter):
    from .adapters.base import WebhookRequest

    def read(file, options):
        for place, line in enumerate(file):
            if not line.strip():
                continue
            request = WebhookRequest(body=line.strip(), zone=options.zone, place=place)
            try:
                yield from (event for event in adapter.read(request) if isinstance(event, Event))
            except ValueError as error:
                print(f"line {place + 1}: {error}", file=sys.stderr)

    return read


#: format -> reader of a binary file; of a hosted provider's, a file of its webhooks' bodies, one a line
READERS = {"ami": _ami, "cel": _cel, "cdr": _cdr, "journal": _journal} | {
    name: _webhook(adapter) for name, adapter in ADAPTERS.items()
}


def _lines(file):
    # by line feed only: a lone carriage return or a Unicode separator is part of a value
    return (line.decode("utf-8", "replace") for line in file)


def _replay(options) -> int:
    from .fold import fold_all

    site = Site(
        country=options.country.upper(),
        internal_min=options.internal_min,
        internal_max=options.internal_max,
        outside_prefix=options.outside_prefix,
        extensions=frozenset(options.extension),
        trunks=frozenset(options.trunk),
    )
    with _reading(options.file) as file:
        try:
            events = list(READERS[options.format](file, options))
        except ValueError as error:
            raise Problem(f"{options.file}: {error}") from None
    # whatever the terminal's language: JSON is UTF-8
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    for call in fold_all(events, site):
        print(json.dumps(call.to_dict(), ensure_ascii=False))
    sys.stdout.flush()
    return 0


def _reading(name: str):
    if name == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    try:
        return open(name, "rb")
    except OSError as error:
        raise Problem(f"{name} cannot be read ({error.strerror})") from None


# --- capture ---


def _capture(options) -> int:
    config = _config(options)
    if options.file == "-":
        target = contextlib.nullcontext(sys.stdout.buffer)
    else:
        try:
            target = os.fdopen(os.open(options.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        except OSError as error:
            raise Problem(f"{options.file} cannot be made ({error.strerror})") from None
    until = time.monotonic() + options.seconds if options.seconds else float("inf")
    try:
        with target as file, contextlib.closing(_connect(config)) as link:
            link.raw = file.write
            print("Recording; Ctrl-C ends it", file=sys.stderr)
            with contextlib.suppress(KeyboardInterrupt):
                while time.monotonic() < until:
                    link.read(0.2)
                    file.flush()
    except PbxProblem as problem:
        raise Problem(str(problem)) from None
    return 0
