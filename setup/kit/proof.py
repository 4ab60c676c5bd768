"""The proof: real calls, and whether Odoo says about them what is true.

"PBX says" is the script of each scenario and what the telephones noted themselves (scenarios.py), held against
the times in Asterisk's own CEL and against its CDR where that does not mislead. The bridge's readers have no part in
it. "Odoo says" is read from the tables, in its own connection, ten times a second, which also tells how
long after the hang-up a call was there.
"""

import csv
import json
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from . import company, pbx_config
from .pbx import Pbx
from .places import RUN
from .postgres import Cluster
from .processes import start_quietly, stop
from .scenarios import SCENARIOS
from .screen import Trouble, say

PLAY = Path(__file__).with_name("play.py")
# How long after the last hang-up a call may come and still be found.
PATIENCE_S = 30
SECONDS = ("ivr_s", "queue_s", "ring_s", "hold_s", "talk_s")

CALLS = """
SELECT call.id, call.direction, call.disposition, call.from_number, call.to_number, call.notes,
       extract(epoch FROM call.started_at)::float AS started, extract(epoch FROM call.answered_at)::float AS answered,
       extract(epoch FROM call.ended_at)::float AS ended,
       call.ivr_s, call.queue_s, call.ring_s, call.hold_s, call.talk_s,
       contact.name AS contact, lead.name AS opportunity, person.name AS person,
       (SELECT coalesce(json_agg(one.name ORDER BY one.name), '[]')
          FROM crm_voip_call_partner_rel rel JOIN res_partner one ON one.id = rel.partner_id
         WHERE rel.call_id = call.id) AS candidates,
       (SELECT coalesce(json_agg(json_build_object(
                   'number', leg.number, 'role', leg.role, 'outcome', leg.outcome, 'talk_s', leg.talk_s,
                   'offered', extract(epoch FROM leg.offered_at)::float,
                   'answered', extract(epoch FROM leg.answered_at)::float,
                   'left', extract(epoch FROM leg.left_at)::float,
                   'person', whose.name) ORDER BY leg.number, leg.role), '[]')
          FROM crm_voip_leg leg
          LEFT JOIN res_users leg_user ON leg_user.id = leg.user_id
          LEFT JOIN res_partner whose ON whose.id = leg_user.partner_id
         WHERE leg.call_id = call.id) AS legs
  FROM crm_voip_call call
  LEFT JOIN res_partner contact ON contact.id = call.partner_id
  LEFT JOIN crm_lead lead ON lead.id = call.lead_id
  LEFT JOIN res_users call_user ON call_user.id = call.user_id
  LEFT JOIN res_partner person ON person.id = call_user.partner_id
 WHERE call.id > {after} ORDER BY call.id
"""


def prove(pbx: Pbx, cluster: Cluster, database: str) -> tuple[int, list[dict]]:
    """Play the scenarios of the proof and compare.

    :return: 0 only if everything agrees; and the truths of the calls that are to be logged
    """
    names = [name for name, one in SCENARIOS.items() if one.once]
    with Reader(cluster, database) as reader, Watcher(cluster, database) as watcher:
        outside = _outside(reader)
        say(f"\n{len(names)} scenarios with real telephones, about {len(names) * 7} seconds:")
        told = []
        for one in played(pbx, names):
            say(f"  · {one['text'] if 'error' not in one else one['scenario'] + ': ' + one['error']}")
            told.append(one)
        wanted = [(one["scenario"], call) for one in told for call in one.get("calls", ())]
        logged = [item for item in wanted if item[1]["recorded"]]
        left_out = len(wanted) - len(logged)
        # Once more as long as it takes: what is late is not lost.
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and (
            len(watcher.seen) < len(logged) or _outside(reader) - outside < left_out
        ):
            time.sleep(0.2)
        # A call too many would come now.
        time.sleep(1)
        rows = reader.rows(CALLS.format(after=watcher.before))
        counted = _outside(reader) - outside
        legs = reader.rows("SELECT count(*) AS n FROM crm_voip_leg WHERE number = '109'")[0]["n"]
        mentions = reader.rows("SELECT count(*) AS n FROM crm_voip_journal WHERE data::text ~ '\\y109\\y'")[0]["n"]
    history = History(pbx)
    agree = differ = 0
    say(f"\n{'':4}{'call':<52}{'hang-up to logged':>18}")
    for name, call in logged:
        row = _matching(call, rows)
        if row:
            rows.remove(row)
        differences = compare(facts_told(call), facts_stored(row)) if row else ["is not in Odoo"]
        differences += history.check(call)
        after = watcher.seen.get(row["id"]) if row else None
        late = f"{after - _epoch(call['ended_at']):.1f} s" if after else "never"
        say(f"\n  {'✗' if differences else '✓'} {SCENARIOS[name].name.replace('_', ' '):<52}{late:>18}")
        say(f"    PBX says   {line(facts_told(call))}")
        say(f"    Odoo says  {line(facts_stored(row)) if row else '-'}")
        for difference in differences:
            say(f"    ✗ {difference}")
        agree, differ = agree + (not differences), differ + bool(differences)
    for row in rows:
        say(f"\n  ✗ a call that nobody made\n    Odoo says  {line(facts_stored(row))}")
        differ += 1
    for one in told:
        if "error" in one:
            say(f"\n  ✗ {one['scenario']}: not played: {one['error']}")
            differ += 1
    found = traces(cluster, database)
    if legs or mentions:
        found.append(f"extension 109 is in {legs} legs and {mentions} entries of the PBX record")
    if counted != left_out:
        found.append(f"{counted} calls are counted as outside scope, not {left_out}")
    say(f"\n  {'✗' if found else '✓'} {left_out} calls that may not be logged: nothing but their count")
    for text in found:
        say(f"    ✗ {text}")
    agree, differ = (agree, differ + left_out) if found else (agree + left_out, differ)
    times = sorted(watcher.seen[i] - e for i, e in watcher.ended.items() if i in watcher.seen)
    if times:
        say(f"\nFrom hang-up to logged: {times[len(times) // 2]:.1f} s (median), {times[-1]:.1f} s (longest).")
    say(f"\n{agree} calls agree, {differ} differ")
    return 1 if differ or not agree else 0, [call for _name, call in logged]


def played(pbx: Pbx, names: list[str]):
    """Play scenarios in the PBX's network; yields what play.py tells about each."""
    process = start_quietly(pbx.inside([sys.executable, PLAY, "--pbx", pbx.data.name, *names]), stdout=subprocess.PIPE)
    told = set()
    try:
        for text in process.stdout:
            one = json.loads(text)
            told.add(one["scenario"])
            yield one
    finally:
        stop(process)
    for name in names:
        if name not in told:
            yield {"scenario": name, "error": f"play.py ended with status {process.returncode}"}


# ------------------------------------------------------------------ Odoo


class Reader:
    """A psql that stays, so that asking often costs little."""

    def __init__(self, cluster: Cluster, database: str):
        command = [cluster.programs / "psql", "-XqAt", "-d", database]
        self._process = start_quietly(
            command,
            env=cluster.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._process.stdin.close()
        stop(self._process)

    def rows(self, select: str) -> list[dict]:
        """The rows of a SELECT, as dictionaries."""
        self._process.stdin.write(f"SELECT row_to_json(one) FROM ({select}) one;\n\\echo end\n")
        self._process.stdin.flush()
        rows, trouble = [], []
        for text in self._process.stdout:
            if text.strip() == "end":
                break
            if text.startswith("{"):
                rows.append(json.loads(text))
            else:
                trouble.append(text)
        if trouble:
            raise Trouble("The database does not answer:\n" + "".join(trouble))
        return rows


class Watcher(Reader):
    """Notes when each new call is finished in Odoo.

    `before`: the last id at the beginning; `seen`: id → epoch seconds; `ended`: id → when the call ended,
    as Odoo has it.
    """

    def __init__(self, cluster: Cluster, database: str):
        super().__init__(cluster, database)
        self.seen: dict[int, float] = {}
        self.ended: dict[int, float] = {}
        self.before = self.rows("SELECT coalesce(max(id), 0) AS id FROM crm_voip_call")[0]["id"]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join(5)
        super().__exit__(*exc)

    def _watch(self):
        while not self._stop.wait(0.1):
            for row in self.rows(
                "SELECT id, extract(epoch FROM ended_at)::float AS ended FROM crm_voip_call "
                f"WHERE id > {self.before} AND ended_at IS NOT NULL AND disposition != 'in_progress'"
            ):
                self.seen.setdefault(row["id"], time.time())
                self.ended[row["id"]] = row["ended"]


def _outside(reader: Reader) -> int:
    return reader.rows("SELECT coalesce(sum(count), 0) AS n FROM crm_voip_outside")[0]["n"]


def traces(cluster: Cluster, database: str) -> list[str]:
    """Where a number lies that may be nowhere: in the database, in the spool, in a log.

    Not looked at: the list of numbers that are never logged (which is where it belongs), and the PBX's own records.
    """
    # What every spelling of a number has in common.
    needles = {number: number[3:].encode() for number in (company.NEVER_LOG, company.COUNCIL_CALLER)}
    dump = subprocess.run(
        [cluster.programs / "pg_dump", "--data-only", "--exclude-table-data=crm_voip_never", database],
        env=cluster.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    ).stdout
    found = [f"{number} is in the database" for number, needle in needles.items() if needle in dump]
    others = {"pbx", "pg", "pg-chaos", "pg-bench", "odoo", "venv", "node"}
    for path in RUN.rglob("*"):
        if path.relative_to(RUN).parts[0] in others or not path.is_file() or path.name.startswith("asterisk"):
            continue
        text = path.read_bytes()
        found += [f"{number} is in {path}" for number, needle in needles.items() if needle in text]
    return found


# ------------------------------------------------------------------ comparing


def facts_told(call: dict) -> dict:
    """A truth of scenarios.py as comparable facts; what is missing is not claimed."""
    facts = {key: call[key] for key in ("direction", "from_number", "to_number", "disposition")}
    facts |= {key: call[key] for key in SECONDS if key in call}
    facts |= {key: _epoch(call[f"{key}_at"]) for key in ("started", "answered", "ended")}
    facts |= _who(call)
    facts["legs"] = sorted(
        (
            {
                "number": leg["number"],
                "role": leg["role"],
                "outcome": leg["outcome"],
                "talk_s": leg["talk_s"],
                "person": _person(leg["number"]),
                **{key: _epoch(leg[f"{key}_at"]) for key in ("offered", "answered", "left")},
            }
            for leg in call["legs"]
        ),
        key=lambda leg: (leg["number"], leg["role"]),
    )
    return facts


def facts_stored(row: dict) -> dict:
    """A row of CALLS as the same facts."""
    return {key: value for key, value in row.items() if key not in ("id", "notes")}


def _who(call: dict) -> dict:
    """Contact, opportunity, candidates and person that belong to a call, by the rules of the design."""
    key = call["customer"]
    customer = next((one for one in company.CUSTOMERS if one.key == key), None)
    lead = next((one for one in company.OPPORTUNITIES if one.key == key), None)
    on_call = [leg for leg in call["legs"] if leg["outcome"] == "answered" or leg["role"] == "caller"]
    if customer:
        opened = [one for one in company.OPPORTUNITIES if one.customer == key]
        people = {company.phone(leg["number"]).key for leg in on_call}
        own = opened if len(opened) == 1 else [one for one in opened if one.person in people]
        lead = own[0] if len(own) == 1 else None
    first = min(on_call, key=lambda leg: (leg["role"] != "caller", leg["answered_at"] or ""), default=None)
    facts = {
        "contact": customer and customer.name,
        "opportunity": lead and lead.name,
        "person": first and _person(first["number"]),
    }
    if call["candidates"]:
        facts["candidates"] = sorted(company.customer(one).name for one in call["candidates"])
    return facts


def _person(number: str) -> str | None:
    phone = company.phone(number)
    return phone.name if phone.user else None


def compare(told: dict, stored: dict, tolerance: float = 0.5, where: str = "") -> list[str]:
    """What differs, in words. Times and seconds within `tolerance`."""
    found = []
    for key, value in told.items():
        other = stored.get(key)
        if key == "legs":
            if [leg["number"] for leg in value] != [leg["number"] for leg in other]:
                found.append(f"legs: {_numbers(other)}, not {_numbers(value)}")
            else:
                for one, two in zip(value, other, strict=True):
                    found += compare(one, two, tolerance, f"leg {one['number']} ")
        elif isinstance(value, (int, float)) and isinstance(other, (int, float)):
            # A time may have been stored in whole seconds.
            whole = key in ("started", "answered", "ended", "offered", "left") and other == int(value)
            if abs(value - other) > tolerance and not whole:
                found.append(f"{where}{key}: {other}, not {value}")
        elif value != other:
            found.append(f"{where}{key}: {other}, not {value}")
    return found


def _numbers(legs: list[dict]) -> str:
    return " ".join(leg["number"] or "?" for leg in legs) or "none"


def _matching(call: dict, rows: list[dict]) -> dict | None:
    """The row that is this call: same numbers, nearest in time."""
    same = [row for row in rows if (row["from_number"], row["to_number"]) == (call["from_number"], call["to_number"])]
    started = _epoch(call["started_at"])
    return min(same, key=lambda row: abs((row["started"] or 0) - started), default=None)


def line(facts: dict) -> str:
    """Facts as one line to read."""
    seconds = " ".join(f"{key[:-2]} {facts[key]:.1f}" for key in SECONDS if (facts.get(key) or 0) >= 0.05)
    legs = ", ".join(
        " ".join(filter(None, (leg["number"], leg["person"] and f"({leg['person']})", leg["outcome"])))
        for leg in facts["legs"]
    )
    who = " / ".join(filter(None, (facts["contact"], facts["opportunity"]))) or (
        "one of " + ", ".join(facts["candidates"]) if facts.get("candidates") else "nobody known"
    )
    parts = (f"{facts['direction']} {facts['from_number']} → {facts['to_number']}", facts["disposition"], seconds)
    return " · ".join(filter(None, (*parts, legs or "no phone of ours", who)))


def _epoch(iso: str | None) -> float | None:
    return datetime.fromisoformat(iso).timestamp() if iso else None


class History:
    """Asterisk's own records, to hold the telephones' against."""

    # What CDR calls it. Only where a single Dial was the whole call; everything else it tells wrongly.
    NAMES = {"answered": "ANSWERED", "missed": "NO ANSWER", "busy": "BUSY"}

    def __init__(self, pbx: Pbx):
        self._begun: dict[tuple[str, str], list[dict]] = defaultdict(list)
        self._ends: dict[str, list[float]] = defaultdict(list)
        self._cdr: dict[str, list[dict]] = defaultdict(list)
        with (pbx.data / "log/cel-custom/Master.csv").open() as file:
            for row in csv.DictReader(file):
                if row["eventtype"] == "CHAN_START" and row["uniqueid"] == row["linkedid"]:
                    self._begun[row["cid_num"], row["exten"]].append(row)
                elif row["eventtype"] == "HANGUP":
                    self._ends[row["linkedid"]].append(float(row["eventtime"]))
        with (pbx.data / "log/cdr-custom/Linked.csv").open() as file:
            for row in csv.DictReader(file, pbx_config.CDR_COLUMNS):
                self._cdr[row["linkedid"]].append(row)

    def knows(self, call: dict, dialled: float | None = None) -> bool:
        """Whether CEL has any call between these two numbers.

        `dialled`: epoch seconds; then one that begins within a second of it, and not before anybody dialled.
        """
        begun = self._begun.get((call["from_number"], call["to_number"]), ())
        if dialled is None:
            return bool(begun)
        return any(-0.1 <= float(row["eventtime"]) - dialled <= 1 for row in begun)

    def check(self, call: dict, tolerance: float = 0.5) -> list[str]:
        """Where CEL or CDR contradict the telephones about a call."""
        started, ended = _epoch(call["started_at"]), _epoch(call["ended_at"])
        begun = [
            row
            for row in self._begun.get((call["from_number"], call["to_number"]), ())
            if abs(float(row["eventtime"]) - started) < tolerance
        ]
        if len(begun) != 1:
            return [f"CEL has {len(begun)} calls of {call['from_number']} to {call['to_number']} that begin then"]
        linked = begun[0]["linkedid"]
        ends = [at for at in self._ends[linked] if at >= started - 1]
        found = []
        if not ends or abs(max(ends) - ended) > tolerance:
            found.append(f"CEL's last hang-up is {max(ends, default=0):.1f}, the telephones' {ended:.1f}")
        rows = self._cdr[linked]
        if len(rows) == 1 and rows[0]["lastapp"] == "Dial" and "talk_s" in call:
            row, connected = rows[0], call["talk_s"] + call["hold_s"]
            if self.NAMES.get(call["disposition"]) != row["disposition"]:
                found.append(f"CDR says {row['disposition']}, the telephones {call['disposition']}")
            # CDR cuts off fractions of its times before it subtracts them.
            if call["disposition"] == "answered" and abs(int(row["billsec"]) - connected) > 1.1:
                found.append(f"CDR says {row['billsec']} s connected, the telephones {connected:.1f}")
        return found


def told_shortly(one: dict) -> str:
    """What play.py told about one scenario, for people."""
    if "error" in one:
        return f"{one['scenario']}: {one['error']}"
    calls = "; ".join(line(facts_told(call)) for call in one["calls"])
    return re.sub(r"\s+", " ", f"{one['text']} {calls}")
