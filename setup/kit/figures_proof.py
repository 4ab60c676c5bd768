"""What the telephones did, held against the figures of today that Odoo keeps.

What is expected is added up from the scenarios' truths (what each telephone noted itself), by the definitions that the
figures have in words; Odoo's own statements have no part in it. What was kept before the calls is taken off, so a
database that has a past serves as well as an empty one.
"""

import time
from collections import Counter, defaultdict

from . import company, proof
from .postgres import Cluster
from .screen import say

#: figures of a person, and those that belong to nobody
OWN = ("calls_made", "reached", "offered", "taken", "talk_s")
ALL = ("incoming", "lost", *OWN)
#: figures follow within a minute; and what one that is busy may need
PATIENCE_S = 90
TALK_TOLERANCE_S = 1.0
#: result of an incoming call that no person of ours took
_LOST = {"missed", "abandoned", "voicemail", "busy", "failed"}
_KEPT = """
SELECT coalesce(person.login, '') AS person, {sums}
  FROM crm_productivity_day day LEFT JOIN res_users person ON person.id = day.user_id
 WHERE day.day >= '{day}' GROUP BY 1"""


def expected(calls: list[dict]) -> dict[str, Counter]:
    """What the telephones say: figures by person, those of nobody (and phones without one) under an empty name.

    :param calls: truths of scenarios.py, of calls that are logged
    """
    found = defaultdict(Counter)
    for call in calls:
        if call["direction"] == "inbound":
            found[""] += Counter(incoming=1, lost=call["disposition"] in _LOST)
        for leg in call["legs"]:
            own, inside = found[_person(leg["number"])], call["direction"] == "internal"
            if leg["role"] == "caller" and call["direction"] == "outbound":
                own["calls_made"] += 1
                own["reached"] += call["disposition"] == "answered"
            elif leg["role"] == "called" and call["direction"] == "inbound" and leg["offered_at"]:
                own["offered"] += 1
                own["taken"] += leg["outcome"] == "answered"
            if leg["answered_at"] and not inside:
                own["talk_s"] += leg["talk_s"] or 0
    return found


def _person(number: str) -> str:
    phone = company.phone(number)
    return phone.key if phone.user else ""


class Figures:
    """The figures of today, as they are kept: from now on, what is added to them."""

    def __init__(self, cluster: Cluster, database: str):
        self._reader = proof.Reader(cluster, database)
        self._day = self._reader.rows(
            "SELECT (now() AT TIME ZONE coalesce(partner.tz, 'UTC'))::date::text AS day FROM res_company company"
            " JOIN res_partner partner ON partner.id = company.partner_id ORDER BY company.id LIMIT 1"
        )[0]["day"]
        self._before = self._kept()

    def __enter__(self):
        self._reader.__enter__()
        return self

    def __exit__(self, *exc):
        self._reader.__exit__(*exc)

    def _kept(self) -> dict[str, Counter]:
        sums = ", ".join(f"coalesce(sum(day.{name}), 0)::float AS {name}" for name in ALL)
        rows = self._reader.rows(_KEPT.format(sums=sums, day=self._day))
        return {row.pop("person"): Counter(row) for row in rows}

    def added(self) -> dict[str, Counter]:
        """What came to today's figures since the beginning, by person."""
        found = defaultdict(Counter)
        for person, kept in self._kept().items():
            before = self._before.get(person, Counter())
            found[person] = Counter({name: kept[name] - before[name] for name in ALL})
        return found

    def prove(self, calls: list[dict]) -> int:
        """Wait until the figures are as they must be, and say what they are; 0 only if they all agree."""
        wanted, began = expected(calls), time.monotonic()
        while True:
            got = self.added()
            lines = _compared(wanted, got)
            if all(not wrong for _text, wrong in lines) or time.monotonic() > began + PATIENCE_S:
                break
            time.sleep(0.5)
        say("\nThe figures of today: what the telephones did, and what is kept of it.")
        for text, wrong in lines:
            say(f"  {'✗' if wrong else '✓'} {text}")
            if wrong:
                say(f"    ✗ {wrong}")
        differ = sum(bool(wrong) for _text, wrong in lines)
        say(
            f"\n{len(lines) - differ} figures agree, {differ} differ ({time.monotonic() - began:.0f} s after the calls)"
        )
        return 1 if differ else 0


def _compared(wanted: dict[str, Counter], got: dict[str, Counter]) -> list[tuple[str, str]]:
    """One line for each person, team and for all: what is expected, and what is wrong with what is kept."""
    lines = []
    people = [phone for phone in company.PHONES if phone.user]
    for phone in people:
        lines.append(_line(phone.name, OWN, wanted[phone.key], got[phone.key]))
    for team in sorted({phone.team for phone in people if phone.team}):
        keys = [phone.key for phone in people if phone.team == team]
        lines.append(_line(f"Team {team.title()}", OWN, _total(wanted, keys), _total(got, keys)))
    return [*lines, _line("All", ALL, _total(wanted, [*wanted]), _total(got, [*got]))]


def _total(of: dict[str, Counter], keys: list[str]) -> Counter:
    total = Counter()
    for key in keys:
        total.update(of[key])
    return total


def _line(who: str, names: tuple[str, ...], wanted: Counter, got: Counter) -> tuple[str, str]:
    wrong = [
        f"{name} is {got[name]:g}, not {wanted[name]:g}"
        for name in names
        if abs(got[name] - wanted[name]) > (TALK_TOLERANCE_S if name == "talk_s" else 0)
    ]
    words = ", ".join(f"{name.removesuffix('_s').replace('_', ' ')} {wanted[name]:.10g}" for name in names)
    return f"{who:<18} {words}", "; ".join(wrong)
