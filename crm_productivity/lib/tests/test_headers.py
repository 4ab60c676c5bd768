"""Heads of mails as servers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.answers import AUTOMATIC, PERSON
from lib.headers import written_by


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Subject": "An offer, please", "Return-Path": "<ann@aurora.example>"}, PERSON),
        ({"Auto-Submitted": "no"}, PERSON),
        ({"X-Auto-Response-Suppress": "DR, RN, NRN"}, PERSON),
        ({"Auto-Submitted": "auto-replied"}, AUTOMATIC),
        ({"auto-submitted": "auto-generated; owner=x"}, AUTOMATIC),
        ({"AUTO-SUBMITTED": "auto-notified (mailbox)"}, AUTOMATIC),
        ({"Precedence": "bulk"}, AUTOMATIC),
        ({"Precedence": "auto_reply"}, AUTOMATIC),
        ({"List-Unsubscribe": "<mailto:no@news.example>"}, AUTOMATIC),
        ({"List-Id": "news.aurora.example"}, AUTOMATIC),
        ({"Content-Type": 'multipart/report; report-type="delivery-status"'}, AUTOMATIC),
        ({"Return-Path": "<>"}, AUTOMATIC),
        ({"X-Auto-Response-Suppress": "All"}, AUTOMATIC),
        ({"X-Auto-Response-Suppress": "OOF, AutoReply"}, AUTOMATIC),
        ({"X-Autoreply": "yes"}, AUTOMATIC),
        ({}, PERSON),
    ],
)
def test_heads(headers, kind):
    assert written_by(headers) == kind


@given(st.dictionaries(st.text(max_size=20), st.none() | st.text(max_size=40) | st.integers()))
def test_any_head_is_one_or_the_other(headers):
    assert written_by(headers) in (PERSON, AUTOMATIC)
