"""Bodies that other systems post: what is read of them, and that nonsense is refused in one line."""

import doctest
import hashlib
import hmac
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import messages as module
from lib.messages import READERS, BadMessage, challenge, is_signed, read_own, read_whatsapp

# As in Meta's documentation of the Cloud API's webhooks, with numbers that nobody has.
WHATSAPP = {
    "object": "whatsapp_business_account",
    "entry": [
        {
            "id": "102290129340398",
            "changes": [
                {
                    "field": "messages",
                    "value": {
                        "messaging_product": "whatsapp",
                        "metadata": {"display_phone_number": "12025550100", "phone_number_id": "106540352242922"},
                        "contacts": [{"profile": {"name": "Ann Aurora"}, "wa_id": "12025550101"}],
                        "messages": [
                            {"from": "12025550101", "id": "wamid.A", "timestamp": "1749416383", "type": "text",
                             "text": {"body": "Does it come in blue?"}},
                            {"from": "12025550101", "id": "wamid.B", "timestamp": "1749416390", "type": "reaction",
                             "reaction": {"message_id": "wamid.X", "emoji": "👍"}},
                        ],
                        "statuses": [
                            {"id": "wamid.C", "status": status, "timestamp": "1749416400", "recipient_id": "12025550101",
                             "pricing": {"billable": True, "pricing_model": "CBP", "category": "service"}}
                            for status in ("sent", "delivered", "read")
                        ],
                    },
                }
            ],
        }
    ],
}  # fmt: skip


def test_what_the_documentation_says():
    assert not doctest.testmod(module).failed


def test_whatsapp():
    asked, said = read_whatsapp(WHATSAPP)
    assert (asked.ref, asked.incoming, asked.number, asked.automatic) == ("wamid.A", True, "+12025550101", False)
    assert asked.at == datetime(2025, 6, 8, 20, 59, 43, tzinfo=timezone.utc)
    assert (said.ref, said.incoming, said.automatic) == ("wamid.C", False, False)


def test_signature():
    signature = "sha256=" + hmac.new(b"secret", b"body", hashlib.sha256).hexdigest()
    assert is_signed(b"body", signature, ["old", "secret"])
    for body, header, secrets in (
        (b"other", signature, ["secret"]),
        (b"body", signature[:-1], ["secret"]),
        (b"body", None, ["secret"]),
        (b"body", "sha256=ü", ["secret"]),
        (b"body", signature, []),
    ):
        assert not is_signed(body, header, secrets)


def test_challenge():
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "token"}
    assert challenge(query, "token") == "1158201444"
    assert challenge(query, "other") is challenge(query, None) is challenge({}, "token") is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"direction": "up"}, "direction"),
        ({"number": None}, "number"),
        ({"at": "2026-11-02T09:00:00"}, "time zone"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "out of any range"),
        ({"id": ""}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"id": 7}, "id"),
        ({"automatic": 1}, "automatic"),
    ],
)
def test_nonsense_is_explained(row, words):
    good = {"id": "1", "at": "2026-11-02T09:00:00Z", "direction": "in", "number": "+12025550101"}
    assert read_own({"messages": [good]})
    with pytest.raises(BadMessage, match=words):
        read_own({"messages": [{**good, **row}]})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["messages", "entry", "changes", "value", "field", "object", "id", "at", "statuses"]), inner
        )
    ),
    max_leaves=15,
)


@given(json_values)
def test_nothing_else_is_raised(content):
    for read in READERS.values():
        for told in (content, {"object": "whatsapp_business_account", "entry": content, "messages": content}):
            try:
                read(told)
            except BadMessage as problem:
                assert len(str(problem)) < 200
