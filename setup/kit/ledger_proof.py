"""The support ledger of the demo company: whether it adds up, tells what the telephones did, and whether the meters follow from it.

A meter is worked out here a second time, minute by minute from nothing, and held against what a supervisor reads on
the screen; Odoo's own arithmetic has no part in it.
"""

import re
import time
from bisect import bisect_left
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from . import company, odoo, proof
from .postgres import Cluster
from .screen import say

#: minutes by which a meter may differ, which is shown rounded: a minute is a step here
TOLERANCE = 1
TALK_TOLERANCE_S = 1.0
PATIENCE_S = 30
UTC = ZoneInfo("UTC")
#: weeks of a month, on average
WEEKS = 365.2425 / 12 / 7
# Who reads the meters.
LOGIN = "priya"

_BOOKS = """
SELECT contact.id, contact.is_support AND contact.partner_id IS NOT NULL AS counts,
       count(entry.id) FILTER (WHERE entry.reverses_id IS NULL
                                 AND NOT EXISTS (SELECT FROM crm_support_entry later WHERE later.reverses_id = entry.id))
         AS standing,
       count(entry.id) FILTER (WHERE taken.id IS NOT NULL AND (entry.minutes, entry.contacts, entry.at, entry.partner_id)
                                  IS DISTINCT FROM (-taken.minutes, -taken.contacts, taken.at, taken.partner_id)) AS wrong,
       coalesce(sum(entry.minutes), 0)::float AS minutes,
       coalesce(sum(entry.minutes) FILTER (WHERE entry.reverses_id IS NULL
                 AND NOT EXISTS (SELECT FROM crm_support_entry later WHERE later.reverses_id = entry.id)), 0)::float
         AS stands
  FROM crm_support_contact contact
  LEFT JOIN crm_support_entry entry ON entry.support_contact_id = contact.id
  LEFT JOIN crm_support_entry taken ON taken.id = entry.reverses_id
 GROUP BY contact.id"""

_CALLS = """
SELECT call.from_number, call.to_number, extract(epoch FROM call.started_at)::float AS started,
       coalesce(sum(entry.measured_minutes), 0)::float * 60 AS talk_s
  FROM crm_voip_call call
  JOIN crm_support_contact contact ON contact.call_id = call.id
  JOIN crm_support_entry entry ON entry.support_contact_id = contact.id
 GROUP BY call.id"""

_CUSTOMERS = """
SELECT customer.id, customer.name, policy.period, policy.calendar_id AS calendar,
       coalesce(nullif(agreement.own_minutes, 0), policy.minutes) AS minutes, policy.reserve_minutes, policy.carry_minutes,
       coalesce(nullif(agreement.own_contacts, 0), policy.contacts) AS contacts, policy.reserve_contacts,
       policy.carry_contacts,
       CASE WHEN agreement.id IS NULL THEN extract(epoch FROM company.crm_support_since)
            ELSE extract(epoch FROM agreement.date_from::timestamp AT TIME ZONE '{zone}') END::bigint AS since,
       (SELECT json_agg(json_build_array(extract(epoch FROM at), minutes, contacts))
          FROM (SELECT at, greatest(sum(minutes), 0)::float AS minutes, greatest(sum(contacts), 0)::float AS contacts
                  FROM crm_support_entry WHERE partner_id = customer.id AND company_id = company.id GROUP BY at) used)
         AS used
  FROM res_partner customer
  JOIN res_company company ON company.id = {company}
  LEFT JOIN crm_support_agreement agreement
    ON agreement.partner_id = customer.id AND agreement.company_id = company.id AND agreement.active
  JOIN crm_support_policy policy ON policy.id = coalesce(agreement.policy_id, company.crm_support_policy_id)
 WHERE customer.id IN (SELECT partner_id FROM crm_support_entry WHERE company_id = {company})
   AND (SELECT count(*) FROM crm_support_terms
         WHERE policy_id = policy.id OR agreement_id = agreement.id OR company_id = company.id) = 2 + (agreement.id IS NOT NULL)::int
   AND (agreement.id IS NULL OR NOT agreement.suspended AND agreement.date_until IS NULL)
   AND (SELECT count(*) FROM crm_support_agreement one
         WHERE one.partner_id = customer.id AND one.company_id = company.id) <= 1"""

_HOURS = """
SELECT calendar.id, calendar.tz, json_agg(json_build_array(line.dayofweek::int, line.hour_from, line.hour_to)) AS lines
  FROM resource_calendar calendar JOIN resource_calendar_attendance line ON line.calendar_id = calendar.id
 WHERE coalesce(line.day_period, '') != 'lunch' GROUP BY calendar.id"""

_LEAVES = """
SELECT calendar_id AS calendar, extract(epoch FROM date_from)::bigint AS begin, extract(epoch FROM date_to)::bigint AS end
  FROM resource_calendar_leaves WHERE resource_id IS NULL"""


class Working:
    """The minutes in which a company works, as whole minutes since 1970."""

    def __init__(self, lines: list, zone: str, first: int, last: int, leaves: list[tuple[int, int]] = ()):
        """:param lines: ``[weekday, from, to]`` in hours; `first` and `last` in epoch seconds"""
        tz = ZoneInfo(zone)
        self.week = sum(60 * (end - begin) for _day, begin, end in lines)
        self.day = self.week / (len({day for day, _begin, _end in lines}) or 1)
        found = set()
        day = datetime.fromtimestamp(first, tz).date() - timedelta(days=1)
        while datetime(day.year, day.month, day.day, tzinfo=tz).timestamp() < last:
            for weekday, begin, end in lines:
                if weekday == day.weekday():
                    midnight = datetime(day.year, day.month, day.day)
                    start, stop = (
                        int((midnight + timedelta(hours=hour)).replace(tzinfo=tz).timestamp()) // 60
                        for hour in (begin, end)
                    )
                    found.update(range(start, stop))
            day += timedelta(days=1)
        for begin, end in leaves:
            found.difference_update(range(begin // 60, -(-end // 60)))
        self.minutes = sorted(found)

    def period(self, period: str) -> float:
        """Working minutes of an average day, week or month."""
        return {"day": self.day, "week": self.week, "month": self.week * WEEKS}[period]


def left(
    used: list[tuple[float, float]], rate: float, reserve: float, carry: float, working: Working, since: int, now: int
):
    """What is left of a budget, minute by minute from nothing.

    :param used: ``(epoch seconds, amount)``
    :param rate: what comes in each working minute
    """
    first, second = reserve, 0.0
    taken = sorted((int(at) // 60, amount) for at, amount in used if at >= since)
    minutes = working.minutes
    place = bisect_left(minutes, since // 60)

    def fill(until):
        nonlocal first, second, place
        while place < len(minutes) and minutes[place] < until:
            first += rate
            if first > reserve:
                second = min(carry, second + first - reserve)
                first = reserve
            place += 1

    for at, amount in taken:
        if at > now // 60:
            break
        fill(at)
        from_first = min(max(first, 0.0), amount)
        from_second = min(second, amount - from_first)
        first -= amount - from_second
        second -= from_second
    fill(now // 60)
    return first + second


def read(words: str) -> dict[str, float]:
    """What the screen says is left: ``{"minutes": …, "contacts": …}``, below 0 where it is over."""
    found = {}
    for over, amount, unit in re.findall(r"(over by )?([\d.,]+) (min|contacts?)\b", words or ""):
        number = float(amount.replace(",", ""))
        found["minutes" if unit == "min" else "contacts"] = -number if over else number
    return found


def wrong_books(rows: list[dict]) -> list[str]:
    """Where the ledger does not add up, in words."""
    found = []
    for row in rows:
        if row["counts"] and row["standing"] != 1:
            found.append(f"contact {row['id']} has {row['standing']} entries that stand, not 1")
        if row["standing"] > 1:
            found.append(f"contact {row['id']} is entered {row['standing']} times")
        if row["wrong"]:
            found.append(f"contact {row['id']} has {row['wrong']} reversals that are not the opposite of their entry")
        if abs(row["minutes"] - row["stands"]) > 1e-6:
            found.append(f"contact {row['id']} adds up to {row['minutes']:g} min, not {row['stands']:g}")
    return found


def wrong_talk(calls: list[dict], rows: list[dict]) -> tuple[int, list[str]]:
    """Which calls are not in the ledger as the telephones had them; those of customers to the support queue must be there.

    :param calls: truths of scenarios.py, of calls that are logged
    :return: how many there were, and what is wrong in words
    """
    customers = {one.key for one in company.CUSTOMERS}
    number, found = 0, []
    for call in calls:
        if call["disposition"] != "answered" or call["customer"] not in customers:
            continue
        started = datetime.fromisoformat(call["started_at"]).timestamp()
        same = [
            row
            for row in rows
            if (row["from_number"], row["to_number"]) == (call["from_number"], call["to_number"])
            and abs(row["started"] - started) < TALK_TOLERANCE_S
        ]
        if not same and call["to_number"] != company.DID_SUPPORT:
            continue
        number += 1
        if not same:
            found.append(f"the call of {call['from_number']} at {call['started_at']} is not in the ledger")
        elif "talk_s" in call and abs(same[0]["talk_s"] - call["talk_s"]) > TALK_TOLERANCE_S:
            found.append(f"the call of {call['from_number']} took {same[0]['talk_s']:.1f} s, not {call['talk_s']:.1f}")
    return number, found


def wrong_meters(customers: list[dict], shown: dict[int, str], hours: dict[int, Working], now: int) -> list[str]:
    """Which meters do not follow from the ledger, in words.

    :param shown: customer → what the screen says is left
    :param hours: calendar → when it works; None is the company's
    """
    found = []
    for one in customers:
        said, working = read(shown.get(one["id"], "")), hours[one["calendar"]]
        for place, amount in enumerate(("minutes", "contacts"), 1):
            if not one[amount]:
                continue
            used = [(row[0], row[place]) for row in one["used"]]
            rate = one[amount] / working.period(one["period"])
            own = left(used, rate, one[f"reserve_{amount}"], one[f"carry_{amount}"], working, one["since"], now)
            if amount not in said:
                found.append(f"{one['name']}: no {amount} on the screen ({shown.get(one['id'])!r})")
            elif abs(said[amount] - own) > TOLERANCE:
                found.append(f"{one['name']}: {said[amount]:g} {amount} left on the screen, {own:.1f} by the ledger")
    return found


def prove(cluster: Cluster, address: str, database: str, calls: list[dict]) -> int:
    """Hold all of it against each other, and say so; 0 only if everything agrees.

    :param calls: truths of scenarios.py, of calls that are logged
    """
    client = odoo.Client(address, database, LOGIN, LOGIN)
    began = time.monotonic()
    with proof.Reader(cluster, database) as reader:
        while True:
            number, talk = wrong_talk(calls, reader.rows(_CALLS))
            if not talk or time.monotonic() > began + PATIENCE_S:
                break
            time.sleep(0.5)
        books = reader.rows(_BOOKS)
        customers, hours, now = _read(reader)
        rows = client.call("res.partner", "read", [one["id"] for one in customers], ["crm_support_left"])
    shown = {row["id"]: row["crm_support_left"] for row in rows}
    counted = sum(row["counts"] for row in books)
    lines = [
        (f"Contacts: {counted}, each entered once, and what was taken back is the opposite", wrong_books(books)),
        (f"Support calls of the proof: {number}, each as long as the telephones had it", talk),
        (
            f"Meters on the screen: {len(customers)}, which the ledger gives minute by minute, too",
            wrong_meters(customers, shown, hours, now),
        ),
    ]
    say("\nThe support ledger: what it says, what the telephones did, and what the meters make of it.")
    for text, wrong in lines:
        say(f"  {'✗' if wrong else '✓'} {text}")
        for one in wrong[:10]:
            say(f"    ✗ {one}")
    differ = sum(bool(wrong) for _text, wrong in lines)
    empty = not (counted and number and customers)
    if empty:
        say("    ✗ there is nothing to hold against each other")
    return 1 if differ or empty else 0


def _read(reader: proof.Reader) -> tuple[list[dict], dict[int | None, Working], int]:
    """What the meters follow from: customers with what they used, when the company works, and the moment."""
    here = reader.rows(
        "SELECT company.id, company.resource_calendar_id AS calendar, coalesce(partner.tz, 'UTC') AS zone, "
        "extract(epoch FROM now())::bigint AS now FROM res_company company "
        "JOIN res_partner partner ON partner.id = company.partner_id ORDER BY company.id LIMIT 1"
    )[0]
    customers = reader.rows(_CUSTOMERS.format(company=here["id"], zone=here["zone"]))
    first = min((one["since"] for one in customers), default=here["now"])
    leaves = reader.rows(_LEAVES)
    hours = {
        row["id"]: Working(
            row["lines"],
            row["tz"],
            first,
            here["now"],
            [(one["begin"], one["end"]) for one in leaves if one["calendar"] in (None, row["id"])],
        )
        for row in reader.rows(_HOURS)
    }
    return customers, {**hours, None: hours.get(here["calendar"])}, here["now"]
