"""The readers on bad input: nothing crashes them, and the good parts come through."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lib.ami import MAX_LINE, AmiReader, read_ami
from lib.cdr import read_cdr
from lib.cel import read_cel
from lib.events import BadEvent, Event, format_time, parse_time, read_journal
from lib.fold import fold_all
from lib.phone import endpoint, extension_of, is_internal, is_service
from lib.scope import never_hash
from lib.site import Site

BLOCK = (
    b"Event: Hangup\r\nPrivilege: call,all\r\nTimestamp: 1795319909.123456\r\nChannel: PJSIP/101-00000001\r\n"
    b"CallerIDNum: 101\r\nUniqueid: 1795319900.1\r\nLinkedid: 1795319900.0\r\nCause: 16\r\n\r\n"
)


def test_a_block():
    (event,) = read_ami([BLOCK])
    assert (event.type, event.leg, event.call) == ("ended", "1795319900.1", "1795319900.0")
    assert format_time(event.at) == "2026-11-22T03:58:29.123456Z"
    assert event.data == {"channel": "PJSIP/101", "number": "101", "cause": 16}
    # the id comes from the block: another bridge gives the same
    assert [event] == list(read_ami([b"noise\r\n\r\n", BLOCK])) == list(read_ami([BLOCK.replace(b"\r", b"")]))


@pytest.mark.parametrize(
    ("stream", "count"),
    [
        (BLOCK[:-2], 1),  # ends without the empty line
        (BLOCK[:40] + BLOCK, 1),  # cut short by the next one
        (BLOCK.replace(b"Uniqueid", b"Nothing").replace(b"Linkedid", b"Nought"), 0),  # no ids
        (b"x" * (3 * MAX_LINE) + b"\n" + BLOCK, 1),  # an endless line
        (BLOCK.replace(b"101\r", b"\xff\xfe\x00\r"), 1),  # not UTF-8
        (b"\x00\x01\x02" * 999 + b"\r\n\r\n" + BLOCK, 1),
        (b"Event: " + b"A" * 99999 + b"\r\n" + BLOCK, 1),
        (b"Event: Hangup\r\n" + b"Key: v\r\n" * 99999 + b"\r\n" + BLOCK, 1),
        (BLOCK + BLOCK, 2),  # said twice: one id
    ],
)
def test_bad_streams(stream, count):
    events = list(read_ami([stream]))
    assert len(events) == count
    assert len({event.id for event in events}) <= 1


def test_memory_stays_bounded():
    reader = AmiReader()
    for _ in range(100):
        assert list(reader.feed(b"x" * 100_000)) == []
        assert len(reader._rest) <= MAX_LINE
    assert len(list(reader.feed(b"\n" + BLOCK))) == 1


def test_a_value_cannot_add_a_key():
    """A name with a colon is a name; of a key that stands twice the first counts."""
    evil = BLOCK.replace(b"Cause: 16", b"CallerIDName: x\r\nLinkedid: other\r\nCause: 16")
    assert next(read_ami([evil])).call == "1795319900.0"


@given(st.lists(st.binary(max_size=200) | st.sampled_from([BLOCK, BLOCK[:77], b"\r\n", b"\n\n", b"Event: ", b":"])))
@settings(max_examples=300, deadline=None)
def test_any_bytes(pieces):
    fold_all(list(read_ami(pieces)))


HEADER = "eventtype,eventtime,cid_num,exten,channame,uniqueid,linkedid"


@given(st.lists(st.text(max_size=60) | st.sampled_from([HEADER, "ANSWER,1795319909.1,1,2,PJSIP/101-1,u,l", '"', ","])))
@settings(max_examples=300, deadline=None)
@example([HEADER, 'ANSWER,9e99,1,2,"PJSIP'])
def test_any_rows(lines):
    fold_all(list(read_cel([HEADER, *lines])))
    fold_all(list(read_cdr(lines)))
    fold_all(list(read_journal(lines)))


def test_cel_without_a_header():
    with pytest.raises(ValueError, match="header"):
        list(read_cel(["1,2,3", "4,5,6"]))


def test_cel_extra_that_is_not_quoted():
    """Some write the JSON as it is; its commas then look like columns."""
    row = 'BRIDGE_ENTER,1795319909.1,PJSIP/101-00000001,u,l,{"bridge_id":"b-1","bridge_technology":"simple"}'
    (event,) = read_cel(["eventtype,eventtime,channame,uniqueid,linkedid,extra", row])
    assert event.data["bridge"] == "b-1"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00.000000Z"),  # in the repeated hour: the first
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00.000000Z"),  # in the missing hour
        ("2026-11-22 10:00:00.5", "2026-11-22T09:00:00.500000Z"),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000000Z"),
        ("2026-11-22 10:00:00+0530", "2026-11-22T04:30:00.000000Z"),
        ("1795319909", "2026-11-22T03:58:29.000000Z"),
        ("1795319909.123456", "2026-11-22T03:58:29.123456Z"),
        (1795319909, "2026-11-22T03:58:29.000000Z"),
    ],
)
def test_times(text, result):
    from zoneinfo import ZoneInfo

    assert format_time(parse_time(text, ZoneInfo("Europe/Amsterdam"))) == result


@pytest.mark.parametrize(
    "text", ["", None, "0", "1970-01-01 00:00:00", "soon", "9e99", "99999999999999", "2026-13-01", [], True]
)
def test_no_times(text):
    assert parse_time(text) is None


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"id": "1", "type": "ended"},
        {"id": "1", "type": "nonsense", "call": "c"},
        {"id": "1" * 200, "type": "ended", "call": "c"},
        {"id": "1", "type": "ended", "call": "c", "at": "yesterday"},
        {"id": "1", "type": "ended", "call": "c", "data": "x"},
        {"id": "1", "type": "ended", "call": "c\x00"},
        {"id": "1", "type": "ended", "call": "c", "data": {"x": "y" * 20000}},
    ],
)
def test_bad_events(values):
    with pytest.raises(BadEvent):
        Event.from_dict(values)


def test_an_event_survives_its_json():
    (event,) = read_ami([BLOCK])
    assert Event.from_dict(event.to_dict()) == event


def test_phones():
    site = Site(country="NL", extensions=frozenset({"reception"}))
    assert endpoint("PJSIP/101-0000002a") == "PJSIP/101"
    assert extension_of("PJSIP/101-0000002a", "", site) == "101"
    assert extension_of("PJSIP/trunk-nl-0000002a", "+31201000100", site) is None
    assert extension_of("PJSIP/reception-0000002a", "", site) == "reception"
    assert extension_of("SIP/0004f2a1b2c3-0000002a", "204", site) == "204"
    assert extension_of("Local/101@agents-00000001;1", "101", site) is None
    assert extension_of("PJSIP/31201000100-00000001", "0201234567", site) is None
    assert is_internal("101", site) and not is_internal("112", site) and not is_internal("1", site)
    assert is_service("112", "NL") and is_service("110", "DE") and is_service("112", "")
    assert not is_service("20123", "US") and not is_service("204", "DE")


# --- found by setup/fuzz ---


def _accepted(events):
    """The events as Odoo takes them, which raises for what it would refuse."""
    return [Event.from_dict(json.loads(json.dumps(event.to_dict()))) for event in events]


def test_zero_bytes_and_endless_texts_are_not_passed_on():
    block = "Event: Newchannel\nUniqueid: 17\x009.0\nLinkedid: 179.0\nChannel: PJSIP/101-00000001\nCallerIDName: {}\n\n"
    [event] = _accepted(read_ami([block.format("x" * 9000).encode()]))
    assert (event.leg, event.call) == ("179.0", "179.0")
    assert len(event.data["name"]) == 512
    extra = json.dumps({f"{place}_uniqueid": "1" * 900 for place in range(900)}).replace('"', '""')
    rows = [
        "eventtype,eventtime,uniqueid,linkedid,channame,appname,extra",
        f"CHAN_START,2026-11-22T03:58:32Z,179.0,179.0,PJSIP/{'x' * 20_000},,",
        f"APP_START,2026-11-22T03:58:32Z,179.0,179.0,PJSIP/x,{'a' * 20_000},",
        f'ATTENDEDTRANSFER,2026-11-22T03:58:32Z,179.0,179.0,PJSIP/x,,"{extra[:20_000]}"',
    ]
    assert len(_accepted(read_cel(rows))) == 3
    row = ['"x"'] * 18
    row[9], row[11], row[14], row[5] = '"2026-11-22 07:03:54"', '""', '"ANSWERED"', f'"PJSIP/{"9" * 30_000}"'
    assert len(_accepted(read_cdr([",".join(row)]))) == 1


def test_cdr_rows_without_a_start():
    rows = [
        "src,dst,channel,dstchannel,lastapp,start,answer,end,disposition,uniqueid",
        "1,2,PJSIP/t-00000001,PJSIP/101-00000002,Dial,2026-11-22 07:03:54,,2026-11-22 07:03:56,NO ANSWER,1.1",
        "1,2,PJSIP/t-00000001,PJSIP/102-00000003,Dial,,2026-11-22 07:03:56,2026-11-22 07:03:59,ANSWERED,1.1",
    ]
    [call] = fold_all(read_cdr(rows))
    assert call.disposition == "answered"


def test_half_a_character_is_no_number():
    # JSON can say one; nothing that is compared with never-log numbers may fail at it
    assert never_hash("00", "\ud800") != never_hash("00", "?")
