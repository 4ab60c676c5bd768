"""Twilio, FreeSWITCH, RingCentral and Telnyx: bodies as their documentation has them, with invented numbers.

``data/<provider>/<story>.txt`` has one webhook's body a line, in the order in which they were sent.
"""

import base64
import json
import random
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories import after

from lib.adapters import ADAPTERS
from lib.adapters.base import BadBody, BadSignature, Refused, WebhookRequest
from lib.adapters.sip import party
from lib.commands import main
from lib.events import Event
from lib.fold import fold_all
from lib.scope import Scope, never_hash
from lib.sift import sift
from lib.site import Site

DATA = Path(__file__).parent / "data"
PROVIDERS = ("twilio", "freeswitch", "ringcentral", "telnyx")
SITE = Site(country="NL")
CUSTOMER = "+12025550101"

# what each call was: direction, disposition, seconds of ivr, queue, ring, hold and talk, then each phone of ours
# with its part in it, its outcome and its seconds of talk. A dash is "not measured"
CALLS = {
    "twilio": {
        "answered": "inbound answered 2 - 7 - 60, alice called answered 60",
        "completed_only": "inbound answered - - - - 60, alice called answered 60",
        "missed": "inbound missed 3 - 20 0 0, alice called no_answer 0",
        "given_up": "inbound missed 2 - 12 0 0, alice called cancelled 0",
        "voicemail": "inbound voicemail 21 - 20 0 0, alice called no_answer 0",
        "ivr": "inbound machine 30 0 0 0 0",
        "group": "inbound answered 2 - 5 - 30, alice called elsewhere 0, 102 called answered 30",
        "transfer": "inbound answered 4 0 5 15 65, alice called answered 25, bob consulted answered 45",
        "outbound": "outbound answered 0 - 8 - 45, alice caller answered 45",
        "outbound_busy": "outbound busy 0 - 3 0 0, alice caller busy 0",
        "outbound_machine": "outbound machine 25 - 8 0 0, alice caller answered 0",
        "dialer": "outbound answered 2 - 4 - 30, alice called answered 30",
    },
    "freeswitch": {
        "answered": "inbound answered 0 0 4.7 0 60, 101 called answered 60",
        "hold": "inbound answered 0 0 4.7 20 40, 101 called answered 40",
        "missed": "inbound missed 0 0 20 0 0, 101 called no_answer 0",
        "given_up": "inbound missed 0 0 11 0 0, 101 called cancelled 0",
        "busy": "inbound busy 0 0 1 0 0, 101 called busy 0",
        "voicemail": "inbound voicemail 29 0 20 0 0, 101 called no_answer 0",
        "ivr": "inbound machine 40 0 0 0 0",
        "ivr_answered": "inbound answered 20 0 5 0 55, 101 called answered 55",
        "group": "inbound answered 0 0 4.7 0 60, 101 called elsewhere 0, 102 called answered 60",
        "transfer": "inbound answered 0.3 0 10.4 0 84, 101 called answered 30, 102 called answered 54",
        "queue": "inbound answered 3 12.1 0 0 29.9, 101 called answered 29.9",
        "queue_given_up": "inbound abandoned 3 27 0 0 0",
        "loopback": "inbound answered 0 0 4.2 0 60, 101 called answered 60",
        "outbound": "outbound answered 0 0 9 0 45, 101 caller answered 45",
    },
    "ringcentral": {
        "answered": "inbound answered 0 - 6.25 0 60, 101 called answered 60",
        "hold": "inbound answered 0 - 6.25 15 45, 101 called answered 45",
        "missed": "inbound missed 0 - 20 0 0, 101 called no_answer 0",
        "given_up": "inbound missed 0 - 10 0 0, 101 called cancelled 0",
        "voicemail": "inbound voicemail 20 - 20 0 0, 101 called no_answer 0",
        "ivr": "inbound answered 10 - 5 0 30, 101 called answered 30",
        "transfer_blind": "inbound answered 0 - 11.25 0 60, 101 called answered 30, 102 called answered 30",
        "transfer_attended": "inbound answered 0 - 6.25 20 60, 101 called answered 20, 102 consulted answered 40",
        "outbound": "outbound answered 0 - 9 0 45, 101 caller answered 45",
        "outbound_busy": "outbound busy 0 - 3 0 0, 101 caller busy 0",
        "internal": "internal answered 0 - 4.7 0 30, 101 caller answered 30, 102 called answered 30",
    },
    "telnyx": {
        "answered": "inbound answered 0 0 5.75 0 60, alice called answered 60",
        "hold": "inbound answered 0 0 5.75 15 45, alice called answered 45",
        "missed": "inbound missed 0 0 20 0 0, alice called no_answer 0",
        "given_up": "inbound missed 0 0 9.5 0 0, alice called cancelled 0",
        "declined": "inbound missed 0 0 4 0 0, alice called declined 0",
        "ivr": "inbound machine 20 0 0 0 0",
        "queue": "inbound answered 3 12.2 0 0 30, alice called answered 30",
        "abandoned": "inbound abandoned 3 26 0 0 0",
        "transfer": "inbound answered 0 0 10.75 0 60, alice called answered 30, bob called answered 30",
        "outbound": "outbound answered 0 0 8 0 30, alice caller answered 30",
        "outbound_busy": "outbound busy 0 0 3 0 0, alice caller busy 0",
        "outbound_machine": "outbound machine 20 0 8 0 0, alice caller answered 0",
    },
}
STORIES = [(provider, story) for provider, stories in CALLS.items() for story in stories]
every_story = pytest.mark.parametrize(("provider", "story"), STORIES, ids=[f"{one}-{two}" for one, two in STORIES])


def bodies(provider: str, story: str) -> list[bytes]:
    return (DATA / provider / f"{story}.txt").read_bytes().splitlines()


def read(provider: str, body: bytes) -> list[Event]:
    events = list(ADAPTERS[provider].read(WebhookRequest(body=body)))
    assert not any(isinstance(event, Refused) for event in events)
    return events


def told(provider: str, story: str) -> list[Event]:
    return [event for body in bodies(provider, story) for event in read(provider, body)]


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def words(call) -> str:
    """A call as :data:`CALLS` tells it."""
    seconds = map(number, (call.ivr_s, call.queue_s, call.ring_s, call.hold_s, call.talk_s))
    legs = [f"{leg.number} {leg.role} {leg.outcome} {number(leg.talk_s)}" for leg in call.legs]
    return ", ".join([" ".join([call.direction, call.disposition, *seconds]), *legs])


def plain(events) -> list[dict]:
    return [call.to_dict() for call in fold_all(events, SITE)]


# --- what the calls were ---


def test_each_file_is_told():
    assert set(STORIES) == {(path.parent.name, path.stem) for one in PROVIDERS for path in (DATA / one).glob("*.txt")}


@every_story
def test_call(provider, story):
    events = told(provider, story)
    (call,) = fold_all(events, SITE)
    assert words(call) == CALLS[provider][story]
    shares = [call.ivr_s, call.queue_s, call.ring_s, call.hold_s, call.talk_s]
    assert sum(filter(None, shares)) <= (call.ended_at - call.started_at).total_seconds() + 0.001
    assert all(event.source == provider and Event.from_dict(event.to_dict()) == event for event in events)


@every_story
def test_order_and_repetition_change_nothing(provider, story):
    requests = bodies(provider, story)
    expected = plain(told(provider, story))
    for seed in range(12):
        chance = random.Random(seed)
        again = chance.choices(requests, k=3)
        shuffled = [*requests, *again]
        chance.shuffle(shuffled)
        assert plain(event for body in shuffled for event in read(provider, body)) == expected


def test_numbers_and_times_are_the_provider_s():
    (call,) = fold_all(told("twilio", "answered"), SITE)
    assert (call.from_number, call.to_number, call.name) == (CUSTOMER, "+31201000100", "Lotte Molenaar")
    assert (call.started_at, call.answered_at, call.ended_at) == (after(1), after(10), after(70))
    # seconds since it was answered, not minutes that are billed
    assert b"CallDuration=60&Duration=1" in bodies("twilio", "answered")[3]
    (call,) = fold_all(told("freeswitch", "answered"), SITE)
    # without a +, and with the microseconds that the whole seconds beside them have not
    assert (call.from_number, call.answered_at, call.name) == ("12025550101", after(5.7), "Lotte Molenaar")
    (call,) = fold_all(told("twilio", "voicemail"), SITE)
    assert call.from_number == ""  # ANONYMOUS on a telephone's keys
    (call,) = fold_all(told("telnyx", "outbound"), SITE)
    assert (call.from_number, call.to_number) == ("alice", "+12025550102")


def test_a_call_that_lasts_is_in_progress():
    for provider, story, count in (
        ("twilio", "answered", 3),
        ("ringcentral", "answered", 3),
        ("telnyx", "answered", 6),
    ):
        events = [event for body in bodies(provider, story)[:count] for event in read(provider, body)]
        (call,) = fold_all(events, SITE)
        assert (call.disposition, call.talk_s) == ("in_progress", None)
        assert [leg.outcome for leg in call.legs] == ["answered"]


def test_twilio_by_get():
    for body in bodies("twilio", "answered"):
        query = dict(parse_qsl(body.decode(), keep_blank_values=True))
        assert list(ADAPTERS["twilio"].read(WebhookRequest("GET", query=query))) == read("twilio", body)


def test_wrappings_of_freeswitch():
    """JSON, a form with and without Odoo having parsed it, base64, values encoded or not: one record."""
    (_b, record) = bodies("freeswitch", "answered")
    expected = read("freeswitch", record)
    text = record.decode()
    form = f"cdr={quote(text, safe='')}".encode()
    coded = b"cdr=" + base64.b64encode(record)
    for body in (form, coded, coded.rstrip(b"="), b"cdr=" + record):
        assert read("freeswitch", body) == expected
    parsed = WebhookRequest(form={"cdr": text})
    assert list(ADAPTERS["freeswitch"].read(parsed)) == expected


def test_party():
    assert party("sip:alice@sip.telnyx.com") == ("Phone/alice", "alice")
    assert party("sips:101@example.com;transport=tls") == ("Phone/101", "101")
    assert party("sip:+12025550101@192.0.2.1:5060") == ("Line/outside", CUSTOMER)
    assert party("112") == ("Line/outside", "112")
    assert party("") == ("Line/outside", "")


def test_replay(capsys):
    for provider in PROVIDERS:
        assert main(["replay", "--format", provider, "--country", "NL", str(DATA / provider / "answered.txt")]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert json.loads(line)["disposition"] == "answered"


# --- who may be recorded ---

PHONES = {"twilio": "alice", "freeswitch": "101", "ringcentral": "101", "telnyx": "alice"}


def scope(provider: str, ticked: bool, never: str = "") -> Scope:
    key = "00" * 16
    return Scope(
        "1",
        replace(SITE, extensions=frozenset({PHONES[provider]})),
        frozenset({PHONES[provider]}) if ticked else frozenset(),
        key,
        {never_hash(key, never): frozenset()} if never else {},
    )


def through_the_gate(provider, requests, limits):
    """What is kept if each request comes alone, some seconds after the other, and then nothing more.

    :return: kept events, calls left out
    """
    kept, held, forgotten, outside = [], [], [], 0
    for place, body in enumerate([*requests, None, None]):
        now = 10.0 * place + (10_000 if body is None else 0)
        new = read(provider, body) if body else []
        known = {event.id for event in kept} | {event.id for _at, event in held}
        new = [event for event in new if event.id not in known]
        sifted = sift(limits, kept=kept, held=held, forgotten=forgotten, new=new, now=now, settle=60)
        arrived = {event.id: at for at, event in held}
        kept += sifted.kept
        held = [(arrived.get(event.id, now), event) for event in sifted.waiting]
        forgotten = sifted.forgotten
        outside += sum(sifted.outside.values())
    return kept, outside


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("story", ["answered", "missed", "outbound"])
@pytest.mark.parametrize("backwards", [False, True])
def test_scope(provider, story, backwards):
    requests = bodies(provider, story)[:: -1 if backwards else 1]
    other = CUSTOMER if story != "outbound" else "+12025550102"
    kept, outside = through_the_gate(provider, requests, scope(provider, ticked=True))
    assert outside == 0 and plain(kept) == plain(told(provider, story))
    kept, outside = through_the_gate(provider, requests, scope(provider, ticked=False))
    assert (kept, outside) == ([], 1)
    kept, outside = through_the_gate(provider, requests, scope(provider, ticked=True, never=other))
    assert (kept, outside) == ([], 1)


def test_an_unticked_colleague_is_left_out():
    kept, _outside = through_the_gate("twilio", bodies("twilio", "group"), scope("twilio", ticked=True))
    assert "102" not in json.dumps([event.to_dict() for event in kept if event.type != "untold"]).replace("5550102", "")
    (call,) = fold_all(kept, SITE)
    assert [leg.number for leg in call.legs] == ["alice"]


# --- whose word it is ---

URL = "https://odoo.example.com/crm_voip_bridge/v1/webhook/0f8b"


def test_signature_of_twilio():
    from twilio.request_validator import RequestValidator

    adapter = ADAPTERS["twilio"]
    body = bodies("twilio", "answered")[3]
    pairs = dict(parse_qsl(body.decode(), keep_blank_values=True))
    own = RequestValidator("s3cret")
    for url, at in ((URL, URL), (URL + "?a=1&b=%20x", URL + "?a=1&b=%20x"), (URL.replace(".com", ".com:443"), URL)):
        for algorithm in (None, "HMAC_SHA256"):
            signature = own.compute_signature(url, pairs, algorithm)
            headers = {"x-twilio-signature": signature}
            if algorithm:
                headers["x-twilio-webhooks-signature-settings"] = f"key=webhooks_sharedkey_1,algorithm={algorithm}"
            assert own.validate(at, pairs, signature, algorithm)
            good = WebhookRequest(url=at, public_url=at, headers=headers, body=body)
            adapter.verify(good, ["old", "s3cret"], 0)
            # behind a proxy that Odoo knows nothing of, the address on the PBX's form counts; and Odoo parses forms
            adapter.verify(replace(good, url="http://odoo:8069/x", body=b"", form=pairs), ["s3cret"], 0)
            for bad in (
                replace(good, body=body + b"&x=1"),
                replace(good, url=URL + "?x", public_url=""),
                replace(good, headers={}),
                replace(good, headers={**headers, "x-twilio-signature": signature.lower()}),
                replace(good, headers={**headers, "x-twilio-webhooks-signature-settings": "algorithm=NONE"}),
            ):
                with pytest.raises(BadSignature):
                    adapter.verify(bad, ["s3cret"], 0)
            with pytest.raises(BadSignature):
                adapter.verify(good, ["other"], 0)


def test_signature_of_twilio_over_json():
    from twilio.request_validator import RequestValidator

    own, text = RequestValidator("s3cret"), '{"CallSid": "CA1"}'
    url = f"{URL}?bodySHA256={own.compute_hash(text)}"
    signature = own.compute_signature(url, {})
    assert own.validate(url, text, signature)
    good = WebhookRequest(url=url, public_url=url, headers={"x-twilio-signature": signature}, body=text.encode())
    ADAPTERS["twilio"].verify(good, ["s3cret"], 0)
    with pytest.raises(BadSignature):
        ADAPTERS["twilio"].verify(replace(good, body=b'{"CallSid": "CA2"}'), ["s3cret"], 0)


def test_signature_of_telnyx():
    from nacl.signing import SigningKey
    from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

    key, now = SigningKey.generate(), int(time.time())
    public = base64.b64encode(bytes(key.verify_key)).decode()
    adapter, body = ADAPTERS["telnyx"], bodies("telnyx", "answered")[0]

    def request(stamp, signed=body, sent=body):
        signature = base64.b64encode(key.sign(f"{stamp}|".encode() + signed).signature).decode()
        return WebhookRequest(
            headers={"telnyx-timestamp": str(stamp), "telnyx-signature-ed25519": signature}, body=sent
        )

    good = request(now)
    verify_webhook_signature(good.body, good.headers, public)
    adapter.verify(good, ["not a key", base64.b64encode(b"x" * 32).decode(), public], now)
    for bad in (
        request(now - 400),
        request(now + 400),
        request(now, sent=body.replace(b"0101", b"0102")),
        replace(good, headers={**good.headers, "telnyx-signature-ed25519": "!"}),
        replace(good, headers={**good.headers, "telnyx-timestamp": "٣"}),
    ):
        with pytest.raises(BadSignature):
            adapter.verify(bad, [public], now)
        with pytest.raises(WebhookVerificationError):
            verify_webhook_signature(bad.body, bad.headers, public)
    with pytest.raises(BadSignature):
        adapter.verify(WebhookRequest(body=body), [public], now)


def test_token_of_ringcentral():
    adapter = ADAPTERS["ringcentral"]
    adapter.verify(WebhookRequest(headers={"verification-token": "s3cret"}), ["old", "s3cret"], 0)
    adapter.verify(WebhookRequest(headers={"validation-token": "s3cret"}), ["s3cret"], 0)
    for headers in ({}, {"verification-token": ""}, {"verification-token": "s3cre"}, {"validation-token": "x"}):
        with pytest.raises(BadSignature):
            adapter.verify(WebhookRequest(headers=headers), ["s3cret"], 0)


def test_handshake_of_ringcentral():
    challenge = ADAPTERS["ringcentral"].challenge
    answer = challenge(WebhookRequest(headers={"validation-token": "b0a4-77"}))
    assert (answer.status, dict(answer.headers), answer.body) == (200, {"Validation-Token": "b0a4-77"}, b"")
    # nothing but a word goes back, and nothing without being asked
    assert challenge(WebhookRequest(headers={"validation-token": "a\r\nSet-Cookie: b"})).status == 400
    assert challenge(WebhookRequest()) is None
    # and no notification is lost in it
    said = WebhookRequest(headers={"validation-token": "s3cret"}, body=bodies("ringcentral", "answered")[0])
    assert challenge(said) is None
    assert dict(ADAPTERS["ringcentral"].answer(said, {}).headers) == {"Validation-Token": "s3cret"}


def test_token_of_freeswitch():
    adapter = ADAPTERS["freeswitch"]

    def basic(text):
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    adapter.verify(WebhookRequest(headers=basic("odoo:s3cret")), ["s3cret"], 0)
    adapter.verify(WebhookRequest(query={"token": "s3cret?uuid=1"}), ["s3cret"], 0)
    for bad in (
        WebhookRequest(),
        WebhookRequest(headers=basic("s3cret:")),
        WebhookRequest(headers={"authorization": "Basic ="}),
        WebhookRequest(headers=basic("odoo:x"), query={"token": "s3cret"}),
    ):
        with pytest.raises(BadSignature):
            adapter.verify(bad, ["s3cret"], 0)


# --- nonsense ---

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner))


def survives(provider, body, **more):
    """Whatever comes, it is events that can be folded, or a reason why not."""
    try:
        events = list(ADAPTERS[provider].read(WebhookRequest(body=body, **more)))
    except BadBody as error:
        assert "\n" not in str(error) and len(str(error)) < 200
        return
    for event in events:
        assert isinstance(event, Event) and event.source == provider
    fold_all(events, SITE)


def replaced(value, chance, nonsense):
    """JSON with one of its values replaced."""
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        return {**value, key: nonsense if chance.random() < 0.3 else replaced(value[key], chance, nonsense)}
    if isinstance(value, list) and value:
        place = chance.randrange(len(value))
        return [*value[:place], replaced(value[place], chance, nonsense), *value[place + 1 :]]
    return nonsense


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(STORIES), st.randoms(use_true_random=False), JSON)
def test_nonsense_in_a_good_body(named, chance, nonsense):
    provider, story = named
    body = chance.choice(bodies(provider, story))
    if body[:1] == b"{":
        survives(provider, json.dumps(replaced(json.loads(body), chance, nonsense)).encode())
    else:
        pairs = dict(parse_qsl(body.decode(), keep_blank_values=True))
        pairs[chance.choice(sorted(pairs))] = str(nonsense)
        survives(provider, urlencode(pairs, errors="replace").encode())
        survives(provider, b"", form={**pairs, chance.choice(sorted(pairs)): str(nonsense)})
    place = chance.randrange(len(body))
    survives(provider, body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :])
    survives(provider, body[:place])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PROVIDERS), st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_nonsense(provider, body):
    survives(provider, body)


@pytest.mark.parametrize("provider", ["freeswitch", "ringcentral", "telnyx"])
def test_half_a_character(provider):
    """JSON can name what no UTF-8 text can hold."""
    body = (bodies(provider, "answered")[0]).decode()
    for name in ("00000001-", "00000002-", "p-a6abd24c", "Lotte"):
        survives(provider, body.replace(name, "\\ud800").encode())
