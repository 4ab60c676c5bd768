"""The telephones, against each other: what they note is what happened."""

import asyncio

import pytest
from kit.sip import Agent, CallFailed, Message

ONE, TWO = ("127.0.9.1", 5060), ("127.0.9.2", 5060)


def together(play):
    """Run `play(one, two)` with two telephones that know each other only."""

    async def run():
        async with Agent("1", ONE[0], server=TWO) as one, Agent("2", TWO[0], server=ONE) as two:
            await play(one, two)

    asyncio.run(asyncio.wait_for(run(), 20))


def notes(call):
    return [item["what"] for item in call.record]


def test_a_call_is_answered_held_and_ended():
    async def play(one, two):
        out = await one.call("2", from_number="+12025550142")
        came = await two.ring()
        assert came.peer == "+12025550142"
        await came.answer()
        await out.answered()
        await asyncio.sleep(0.3)
        await out.hold()
        await out.resume()
        await out.hangup()
        await came.ended()
        assert notes(out) == ["invite sent", "ringing received", "answer received", "hold", "resume", "bye sent"]
        assert notes(came) == ["invite received", "ringing sent", "answer sent", "bye received"]
        assert out.packets > 5 and came.packets > 5
        assert 0 <= out.answered_at - came.answered_at < 0.2

    together(play)


@pytest.mark.parametrize("code", [486, 603])
def test_a_call_is_refused(code):
    async def play(one, two):
        out = await one.call("2")
        (await two.ring()).refuse(code)
        await out.ended()
        assert out.status == code
        with pytest.raises(CallFailed):
            await out.answered(1)

    together(play)


def test_a_caller_gives_up():
    async def play(one, two):
        out = await one.call("2")
        came = await two.ring()
        await out.hangup()
        await came.ended()
        assert out.status == 487
        assert notes(came)[-1] == "cancel received"

    together(play)


def test_nobody_calls():
    async def play(one, two):
        with pytest.raises(CallFailed):
            await two.ring(timeout=0.2)

    together(play)


def test_messages():
    data = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9;rport\r\nCSeq: 7 INVITE\r\nSubject: one\r\n two\r\n\r\nv=0"
    message = Message.parse(data)
    assert (message.status, message.method, message.branch, message.body) == (200, "INVITE", "z9", "v=0")
    assert message.get("subject") == "one two"
    assert Message.parse(b"\xff\xfe nonsense").status is None


def test_login():
    # The example of RFC 2617, 3.5, but for the client's own nonce.
    challenge = Message("SIP/2.0 401 Unauthorized", [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')])
    name, value = Agent("101", ONE[0], password="p")._login(challenge, "REGISTER", "sip:x")
    assert name == "Authorization"
    assert 'username="101"' in value and 'realm="r"' in value and "nc=00000001" in value
