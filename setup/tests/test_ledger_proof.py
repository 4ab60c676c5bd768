"""The proof of the support ledger notices what is wrong, and its own arithmetic is right where that can be done by hand."""

import json
from datetime import datetime, timezone

import pytest
from kit import company, ledger_proof
from kit.ledger_proof import Working, left, read, wrong_books, wrong_meters, wrong_talk
from kit.places import MAIN_ADDON, TOP

#: a Monday, and the one after
MONDAY = int(datetime(2026, 11, 2, tzinfo=timezone.utc).timestamp())
WEEK = 7 * 86400
#: Monday to Friday, eight to four
LINES = [[day, 8, 16] for day in range(5)]
EIGHT = MONDAY + 8 * 3600


def working(lines=LINES, zone="UTC", leaves=()):
    return Working(lines, zone, MONDAY, MONDAY + 2 * WEEK, leaves)


def test_when_a_company_works():
    hours = working()
    assert (hours.week, hours.day) == (2400, 480)
    inside = [minute for minute in hours.minutes if MONDAY <= minute * 60 < MONDAY + WEEK]
    assert len(inside) == 2400
    assert inside[0] == EIGHT // 60
    assert working(zone="Europe/Amsterdam").minutes[0] == inside[0] - 60
    assert len(working(leaves=[(EIGHT, EIGHT + 3600)]).minutes) == len(hours.minutes) - 60


def test_a_meter_by_hand():
    hours = working()
    # 240 minutes a week: one in ten working minutes; sixty to begin with, and thirty more can be carried over
    rate = 240 / hours.period("week")
    assert left([], rate, 60, 30, hours, MONDAY, MONDAY) == 60
    assert left([], rate, 60, 30, hours, MONDAY, EIGHT + 3600) == pytest.approx(66)
    assert left([], rate, 60, 30, hours, MONDAY, MONDAY + WEEK) == 90
    # eighty at once are twenty of debt, and a day brings 48
    assert left([(EIGHT, 80)], rate, 60, 30, hours, MONDAY, EIGHT) == -20
    assert left([(EIGHT, 80)], rate, 60, 30, hours, MONDAY, MONDAY + 86400) == pytest.approx(28)
    # what was before the budget began, and what is yet to come, do not count
    assert left([(MONDAY - 1, 80), (MONDAY + WEEK, 80)], rate, 60, 30, hours, MONDAY, EIGHT) == 60


def test_what_the_screen_says():
    assert read("193 min left") == {"minutes": 193}
    assert read("over by 1,211 min, 3 contacts left") == {"minutes": -1211, "contacts": 3}
    assert read("Not limited") == read(False) == {}


def books(**more):
    return [{"id": 1, "counts": True, "standing": 1, "wrong": 0, "minutes": 5.0, "stands": 5.0, **more}]


def test_books_that_add_up():
    assert not wrong_books(books())
    assert not wrong_books(books(counts=False, standing=0, minutes=0.0, stands=0.0))


@pytest.mark.parametrize("more", [{"standing": 0}, {"standing": 2}, {"wrong": 1}, {"minutes": 10.0}])
def test_books_that_do_not(more):
    assert wrong_books(books(**more))


TRUTHS = [
    call
    for path in sorted((TOP / MAIN_ADDON / "lib/tests/data").glob("*/expected.json"))
    for call in json.loads(path.read_text())["calls"]
    if call["to_number"] == company.DID_SUPPORT
]


def ledger_of(calls, more=0.0):
    return [
        {
            "from_number": call["from_number"],
            "to_number": call["to_number"],
            "started": datetime.fromisoformat(call["started_at"]).timestamp(),
            "talk_s": (call["talk_s"] or 0) + more,
        }
        for call in calls
    ]


def test_calls_as_the_telephones_had_them():
    number, wrong = wrong_talk(TRUTHS, ledger_of(TRUTHS))
    assert number
    assert not wrong
    assert len(wrong_talk(TRUTHS, [])[1]) == number
    assert len(wrong_talk(TRUTHS, ledger_of(TRUTHS, 2.0))[1]) == number
    # one that is no support need not be there; if it is, it is as long as it was
    other = [{**call, "to_number": company.DID_GROUP} for call in TRUTHS]
    assert wrong_talk(other, []) == (0, [])
    assert len(wrong_talk(other, ledger_of(other, 2.0))[1]) == number


def meters(said, minutes=240):
    customer = {
        "id": 1, "name": "Feather BV", "period": "week", "calendar": None, "since": MONDAY, "minutes": minutes,
        "reserve_minutes": 60, "carry_minutes": 30, "contacts": 0, "used": [[EIGHT, 20, 1]],
    }  # fmt: skip
    return wrong_meters([customer], {1: said}, {None: working()}, EIGHT)


def test_meters_that_follow_and_that_do_not():
    assert not meters("40 min left")
    assert not meters("41 min left")
    assert meters("42 min left")
    assert meters("over by 40 min")
    assert meters("Not limited")
    assert not meters("Not limited", minutes=0)


def test_nothing_proves_nothing(monkeypatch):
    """Without anything to hold against each other, the proof fails."""

    class Nothing:
        def __init__(self, *_args):
            """Stands for a database or an Odoo in which there is nothing."""

        def __enter__(self):
            return self

        def __exit__(self, *_exc):
            return None

        def rows(self, select):
            return [{"id": 1, "calendar": None, "zone": "UTC", "now": MONDAY}] if "AS zone" in select else []

        def call(self, *_args):
            return []

    monkeypatch.setattr(ledger_proof.proof, "Reader", Nothing)
    monkeypatch.setattr(ledger_proof.odoo, "Client", Nothing)
    assert ledger_proof.prove(None, "", "", []) == 1
