"""The bridge's configuration: one INI file, every option also as an environment variable.

``[odoo] url`` is ``CRM_VOIP_BRIDGE_ODOO_URL``; the environment wins. :data:`OPTIONS` is the
one list of what there is: the example file, Odoo's filled-in file and the checks come from it.
"""

import configparser
import os
import stat
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .events import UTC

ENVIRONMENT = "CRM_VOIP_BRIDGE"
DEFAULT_FILE = "/etc/crm-voip-bridge.conf"


class ConfigProblem(Exception):
    """The configuration cannot be used; the text says what to change where."""


@dataclass(frozen=True)
class Option:
    """One option.

    :param kind: "text", "secret", "number", "switch" or "zone"
    :param default: as in the file; None: it must be given
    """

    section: str
    name: str
    kind: str
    default: str | None
    help: str

    @property
    def variable(self) -> str:
        return f"{ENVIRONMENT}_{self.section}_{self.name}".upper()


def _record(section: str, table: str, file: str, columns: str) -> tuple[Option, ...]:
    """The options of a record that the PBX keeps, in a file or in a table."""
    return (
        Option(section, "file", "text", "", file),
        Option(section, "columns", "text", "", columns),
        Option(
            section,
            "server",
            "text",
            "",
            "mysql (MariaDB, too) or postgresql, if it is in a table instead of a file, as with FreePBX.",
        ),
        Option(
            section, "host", "text", "localhost", "Where that server runs; a path is the folder or file of its socket."
        ),
        Option(section, "port", "number", "", "Its port, if not the usual one (3306, 5432)."),
        Option(section, "database", "text", "asteriskcdrdb", "The database."),
        Option(section, "table", "text", table, "The table; schema.table if need be."),
        Option(section, "user", "text", "", "A user who may read this table, and need nothing else."),
        Option(section, "password", "secret", "", "That user's password."),
        Option(section, "tls", "switch", "no", "yes if the way there must be encrypted."),
        Option(section, "ca_file", "text", "", "Certificates to trust for it, if not those of this machine (PEM)."),
        Option(
            section,
            "zone",
            "zone",
            "UTC",
            "Time zone of the times where they state none, as Europe/Amsterdam. Epoch seconds need none. FreePBX "
            "writes the PBX's own time, unless usegmtime = yes.",
        ),
    )


OPTIONS = (
    Option(
        "odoo",
        "url",
        "text",
        None,
        "Address of Odoo, as in a browser, without path. https, unless Odoo runs on this machine.",
    ),
    Option("odoo", "key", "text", None, "Name of the key, from the PBX's form in Odoo."),
    Option("odoo", "secret", "secret", None, "The secret that was shown once when the key was made."),
    Option("odoo", "database", "text", "", "Name of the database, needed where one Odoo serves several."),
    Option(
        "odoo",
        "websocket",
        "text",
        "",
        "Address of Odoo's websocket, by which a click to call takes no time, if it is not that of url: where Odoo "
        "runs with workers and no proxy, http://localhost:8072. no: the bridge asks every other second instead.",
    ),
    Option("odoo", "ca_file", "text", "", "Certificates to trust for Odoo, if not those of this machine (PEM)."),
    Option("pbx", "host", "text", "127.0.0.1", "Where Asterisk's manager interface (AMI) listens."),
    Option("pbx", "port", "number", "5038", "Its port; 5039 is usual with TLS."),
    Option(
        "pbx",
        "user",
        "text",
        None,
        "A user of manager.conf with: read = call,agent,dialplan,system and write = reporting, for click to call and "
        "transfers write = reporting,originate,call. timestampevents = yes must be set in its [general] section.",
    ),
    Option("pbx", "secret", "secret", None, "The secret of that user. It is never sent, only a digest made with it."),
    Option("pbx", "tls", "switch", "no", "yes if AMI listens with TLS (tlsenable in manager.conf)."),
    Option("pbx", "ca_file", "text", "", "Certificates to trust for AMI with TLS, if not those of this machine (PEM)."),
    Option(
        "pbx",
        "channel",
        "text",
        "PJSIP/{extension}",
        "The phone that rings first at a click to call; {extension} stands for its number.",
    ),
    Option(
        "pbx",
        "context",
        "text",
        "from-internal",
        "Context of the dialplan in which the phones dial; the number clicked is dialled there.",
    ),
    Option(
        "pbx",
        "server",
        "text",
        "",
        "Tells several Asterisks of one PBX apart; the same for every bridge that reads this one.",
    ),
    *_record(
        "cel",
        "cel",
        "Asterisk's channel event log, as cel_custom writes it. With it, what happened while nobody "
        "listened is caught up. Example: /var/log/asterisk/cel-custom/Master.csv",
        "Its columns in their order, if its first line does not name them: eventtype,eventtime,cid_name,…",
    ),
    *_record(
        "cdr",
        "cdr",
        "Asterisk's call detail records, where there is no channel event log: whole seconds, neither hold nor queue. "
        "Example: /var/log/asterisk/cdr-csv/Master.csv",
        "Its columns in their order, if they are not the usual ones and its first line does not name them.",
    ),
    Option(
        "recordings",
        "folder",
        "text",
        "",
        "The folder with the PBX's recordings, as this machine sees it. With it, they are sent to Odoo as long as "
        "that is switched on there, on the PBX's form. Example: /var/spool/asterisk/monitor",
    ),
    Option(
        "spool",
        "file",
        "text",
        "/var/lib/crm-voip-bridge/spool.db",
        "Where events wait for Odoo. Its folder must exist and be writable.",
    ),
    Option(
        "spool",
        "keep_days",
        "number",
        "7",
        "Days that events stay there after Odoo has them, to be sent again after a restore.",
    ),
    Option(
        "log", "level", "text", "info", "debug, info, warning or error. No level logs secrets or numbers of people."
    ),
)
_SECTIONS = {
    "odoo": "Where the calls go.",
    "pbx": "Where the calls come from.",
    "cel": "The PBX's own history: what happened while nobody listened.",
    "cdr": "The same, where the PBX keeps no channel event log. Not used if [cel] is filled in.",
    "recordings": "Sound, where the PBX records calls.",
    "spool": "What waits to be sent.",
    "log": "What the bridge says.",
}


class Config:
    """The values of all options as attributes: ``config.odoo_url``.

    :param path: of the file, None for the environment alone
    :raise ConfigProblem: the file cannot be read, or an option is missing, unknown or wrong
    """

    def __init__(self, path=None, environment: Mapping[str, str] | None = None):
        environment = os.environ if environment is None else environment
        self.path = path
        parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=None)
        if path:
            try:
                parser.read_string(Path(path).read_text(encoding="utf-8"), str(path))
            except OSError as error:
                raise ConfigProblem(
                    f"The configuration {path} cannot be read ({error.strerror}): name it with --config"
                ) from None
            except (configparser.Error, UnicodeDecodeError) as error:
                # the parser's own message would quote the line, and there may be a secret in it
                where = f" near line {error.lineno}" if getattr(error, "lineno", None) else ""
                raise ConfigProblem(
                    f"The configuration {path} is no INI file{where}: compare it with bridge.conf.example"
                ) from None
        known = {(option.section, option.name) for option in OPTIONS}
        for section in parser.sections():
            for name in parser[section]:
                if (section, name) not in known:
                    raise ConfigProblem(
                        f"Unknown option [{section}] {name} in {path}: compare it with bridge.conf.example"
                    )
        for option in OPTIONS:
            value = environment.get(option.variable)
            if value is None:
                value = parser.get(option.section, option.name, fallback=option.default)
            if value is None or (value.strip() == "" and option.default is None):
                raise ConfigProblem(
                    f"[{option.section}] {option.name} is missing: set it in {path or 'the configuration'} or as {option.variable}"
                )
            setattr(self, f"{option.section}_{option.name}", _value(option, value.strip()))
        if not self.odoo_url.startswith(("https://", "http://")):
            raise ConfigProblem("[odoo] url must begin with https:// or http://")
        if not self.odoo_websocket.startswith(("https://", "http://")) and self.odoo_websocket not in ("", "no"):
            raise ConfigProblem("[odoo] websocket must begin with https:// or http://, or be no")
        if "{extension}" not in self.pbx_channel:
            raise ConfigProblem("[pbx] channel must hold {extension}, as PJSIP/{extension}")
        for name in ("cel", "cdr"):
            self._check_record(name)
        for name in ("odoo_ca_file", "pbx_ca_file", "cel_ca_file", "cdr_ca_file"):
            if getattr(self, name) and not os.access(getattr(self, name), os.R_OK):
                section, _, option = name.partition("_")
                raise ConfigProblem(f"[{section}] {option} cannot be read: {getattr(self, name)}")

    def section(self, name: str) -> dict:
        """The values of one section: option -> value."""
        return {option.name: getattr(self, f"{name}_{option.name}") for option in OPTIONS if option.section == name}

    def _check_record(self, name: str) -> None:
        said = self.section(name)
        if said["server"] not in ("", "mysql", "postgresql"):
            raise ConfigProblem(f"[{name}] server must be mysql or postgresql, not '{said['server'][:40]}'")
        if said["server"] and said["file"]:
            raise ConfigProblem(f"[{name}] has both file and server: keep the one where the PBX writes")
        if said["server"] and not said["user"]:
            raise ConfigProblem(f"[{name}] user is missing: a user of the database who may read the table")

    def warnings(self) -> list[str]:
        """What works but should not stay, a line each."""
        found = []
        if self.path and os.stat(self.path).st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IRGRP:
            found.append(f"The secrets in {self.path} can be read by everybody on this machine: chmod 640 {self.path}")
        host = self.odoo_url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        local = host.partition(":")[0] in ("localhost", "127.0.0.1") or host.startswith("[::1]")
        if self.odoo_url.startswith("http://") and not local:
            found.append(
                "Odoo is reached without TLS: whoever is on the way can read the numbers. Use https in [odoo] url"
            )
        return found


def _value(option: Option, value: str):
    try:
        if option.kind == "number":
            if not value and option.default == "":
                return 0
            number = float(value)
            if not 0 < number < 100_000:
                raise ValueError
            return int(number) if number == int(number) else number
        if option.kind == "switch":
            return configparser.ConfigParser.BOOLEAN_STATES[value.lower()]
        if option.kind == "zone":
            return UTC if value.upper() == "UTC" else ZoneInfo(value)
    except (ValueError, KeyError, ZoneInfoNotFoundError, OSError):
        shown = "" if option.kind == "secret" else f", not '{value[:40]}'"
        wanted = {"number": "a positive number", "switch": "yes or no", "zone": "a time zone such as Europe/Amsterdam"}
        raise ConfigProblem(f"[{option.section}] {option.name} must be {wanted[option.kind]}{shown}") from None
    return value


def render(values: Mapping[str, str] | None = None) -> str:
    """The commented configuration file, filled in as far as values are given.

    :param values: ``odoo_url`` -> text
    :raise ValueError: a value does not fit on one line
    """
    values = values or {}
    lines = [
        "# Configuration of the CRM VoIP bridge.",
        "# Every option can be given as an environment variable instead, which then wins:",
        f"# [odoo] url as {OPTIONS[0].variable}, and so on. Keep this file readable by the bridge only.",
    ]
    for section, title in _SECTIONS.items():
        lines += ["", f"[{section}]", f"# {title}"]
        for option in OPTIONS:
            if option.section != section:
                continue
            value = values.get(f"{section}_{option.name}")
            if value is not None and any(char in value for char in "\r\n\x00"):
                raise ValueError(f"[{section}] {option.name} has a line break")
            lines += ["", *textwrap.wrap(option.help, 96, initial_indent="# ", subsequent_indent="# ")]
            # what must be given stands ready to be filled in, the rest shows its default
            mark = "" if value is not None or option.default is None else "# "
            text = value if value is not None else option.default or ""
            lines.append(f"{mark}{option.name} = {text}".rstrip())
    return "\n".join(lines) + "\n"
