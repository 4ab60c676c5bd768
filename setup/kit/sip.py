"""A small SIP telephone and trunk, enough to place every call of the scenarios.

    async with Agent("101", "127.0.1.101", password=…) as phone:
        await phone.register()
        call = await phone.call("+31301000142")
        await call.answered(timeout=10)
        await call.hold(); await call.resume()
        await call.hangup()

    call = await phone.ring()          # waits for a call and lets it ring
    await call.answer()

UDP only, a hum in G.711 as media, digest login, re-INVITE, REFER with and without Replaces,
INFO for keys. It trusts its network: what loopback loses is sent again by Asterisk or after half a
second by us, no more. Every call keeps its own record, `Call.record`: what was sent and received and when
(seconds since 1970, from this machine's clock), which the proofs hold against what Odoo says.
"""

import asyncio
import contextlib
import hashlib
import re
import secrets
import time

RETRY_S = 0.5
FRAME_S = 0.02
HUM = (b"\x20" * 8 + b"\xa0" * 8) * 10  # 500 Hz, 20 ms
REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted", 302: "Moved Temporarily", 404: "Not Found",
    480: "Temporarily Unavailable", 481: "Call Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
    501: "Not Implemented", 503: "Service Unavailable", 603: "Decline",
}  # fmt: skip


class CallFailed(Exception):
    """The other side did not do what the scenario needs; the text says what it did."""


class Message:
    """One SIP message: `start` line, `headers` as (name, value) pairs, `body`."""

    def __init__(self, start, headers=(), body=""):
        self.start, self.headers, self.body = start, list(headers), body

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        pairs = [line.partition(":")[::2] for line in lines[1:]]
        return cls(lines[0], [(name.strip(), value.strip()) for name, value in pairs], body)

    def get(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), default)

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def status(self) -> int | None:
        """The status of a response, None for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        return self.get("CSeq").split()[-1] if self.status else self.start.split()[0]

    @property
    def branch(self) -> str:
        found = re.search(r"branch=([^;,\s]+)", self.get("Via"))
        return found[1] if found else ""

    def encode(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


def _tag(value: str) -> str:
    found = re.search(r";\s*tag=([^;\s]+)", value)
    return found[1] if found else ""


def _uri(value: str) -> str:
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.split(";")[0].strip()


class Agent(asyncio.DatagramProtocol):
    """One telephone, or the world behind the trunk: a number on a loopback address."""

    def __init__(self, number, host, *, port=5060, server=("127.0.0.1", 5060), password=None, name=""):
        self.number, self.host, self.port, self.server = number, host, port, server
        self.password, self.name = password, name or number
        self.calls: dict[str, Call] = {}
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._waiting: dict[tuple, asyncio.Queue] = {}
        self._sent: dict[tuple, bytes] = {}
        self._tasks: set[asyncio.Task] = set()
        self._registered = False
        self.hum = True  # whether anything is to be heard of it

    # ------------------------------------------------------------- life

    async def __aenter__(self) -> "Agent":
        loop = asyncio.get_running_loop()
        self._line, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, self.port))
        return self

    async def __aexit__(self, *exc) -> None:
        for call in list(self.calls.values()):
            with contextlib.suppress(Exception):
                await asyncio.wait_for(call.hangup(), 2)
        if self._registered:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.register(expires=0), 2)
        for task in self._tasks:
            task.cancel()
        self._line.close()

    async def register(self, expires: int = 3600) -> None:
        """Tell the PBX where this telephone is."""
        who = f"<sip:{self.number}@{self.server[0]}>"
        headers = [
            ("From", f"{who};tag={secrets.token_hex(4)}"),
            ("To", who),
            ("Call-ID", secrets.token_hex(8)),
            ("Contact", f"<sip:{self.number}@{self.host}:{self.port}>"),
            ("Expires", str(expires)),
        ]
        answer = await self.request("REGISTER", f"sip:{self.server[0]}", headers, 1)
        if answer.status != 200:
            raise CallFailed(f"{self.name} could not register: {answer.start}")
        self._registered = expires > 0

    async def call(self, to: str, from_number: str | None = None, from_name: str | None = None) -> "Call":
        """Dial `to`. Comes back at once; see `Call.answered` and `Call.ended`."""
        call = Call(self, outgoing=True, peer=to)
        shown = from_number or self.number
        name = f'"{from_name}" ' if from_name else ""
        call.local = f"{name}<sip:{shown}@{self.host}>;tag={secrets.token_hex(4)}"
        call.remote = f"<sip:{to}@{self.server[0]}>"
        call.target = f"sip:{to}@{self.server[0]}:{self.server[1]}"
        call.call_id = f"{secrets.token_hex(8)}@{self.host}"
        self.calls[call.call_id] = call
        await call.open_media()
        call.note("invite sent")
        self.spawn(call.dial())
        return call

    async def ring(self, timeout: float = 10, code: int = 180) -> "Call":
        """The next call that comes in, which now rings (or, with `code` 0, waits)."""
        try:
            call = await asyncio.wait_for(self._incoming.get(), timeout)
        except asyncio.TimeoutError:
            raise CallFailed(f"{self.name} was not called within {timeout} s") from None
        if code:
            call.ringing(code)
        return call

    def spawn(self, work) -> None:
        """Do something beside; forgotten when done, cancelled when this agent ends."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --------------------------------------------------------- messages

    async def request(self, method, uri, headers, cseq, body="", progress=None, sending=None) -> Message:
        """Send a request, log in if asked to, and wait for its final answer.

        `progress` is told each provisional answer, `sending` each message before it goes out.
        """
        challenge = None
        while True:
            branch = f"z9hG4bK{secrets.token_hex(6)}"
            extra = [("Via", f"SIP/2.0/UDP {self.host}:{self.port};rport;branch={branch}"), ("Max-Forwards", "70")]
            extra += [*headers, ("CSeq", f"{cseq} {method}")]
            if challenge:
                extra.append(self._login(challenge, method, uri))
            if body:
                extra.append(
                    ("Content-Type", "application/sdp" if body.startswith("v=0") else "application/dtmf-relay")
                )
            message = Message(f"{method} {uri} SIP/2.0", extra, body)
            if sending:
                sending(message)
            queue = self._waiting[branch, method] = asyncio.Queue()
            try:
                answer = await self._final(message, queue, progress)
            finally:
                del self._waiting[branch, method]
            if method == "INVITE" and answer.status >= 300:
                keep = [pair for pair in extra if pair[0] in ("Via", "Max-Forwards", "From", "Call-ID")]
                ack = [*keep, ("To", answer.get("To")), ("CSeq", f"{cseq} ACK")]
                self._send(Message(f"ACK {uri} SIP/2.0", ack))
            if answer.status not in (401, 407) or challenge or not self.password:
                return answer
            challenge, cseq = answer, cseq + 1

    async def _final(self, message, queue, progress) -> Message:
        heard = False
        for _ in range(400):
            if not heard:
                self._send(message)
            try:
                answer = await asyncio.wait_for(queue.get(), RETRY_S)
            except asyncio.TimeoutError:
                continue
            heard = True
            if answer.status >= 200:
                return answer
            if progress:
                progress(answer)
        raise CallFailed(f"{self.name}: no answer to {message.method}")

    def _login(self, challenge: Message, method: str, uri: str) -> tuple[str, str]:
        header = "WWW-Authenticate" if challenge.status == 401 else "Proxy-Authenticate"
        part = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.get(header)))

        def digest(text):
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        nonce, once = part["nonce"], secrets.token_hex(4)
        secret = digest(f"{self.number}:{part['realm']}:{self.password}")
        proof = digest(f"{secret}:{nonce}:00000001:{once}:auth:{digest(f'{method}:{uri}')}")
        value = (
            f'Digest username="{self.number}", realm="{part["realm"]}", nonce="{nonce}", uri="{uri}", '
            f'response="{proof}", algorithm=MD5, qop=auth, nc=00000001, cnonce="{once}"'
        )
        if "opaque" in part:
            value += f', opaque="{part["opaque"]}"'
        return ("Authorization" if challenge.status == 401 else "Proxy-Authorization", value)

    def reply(
        self, request: Message, status: int, *, tag: str = "", body: str = "", contact: bool | str = False
    ) -> None:
        """Answer a request; `contact` true for our own address, or another one."""
        headers = [("Via", via) for via in request.every("Via")]
        to = request.get("To")
        if tag and not _tag(to):
            to += f";tag={tag}"
        headers += [("From", request.get("From")), ("To", to)]
        headers += [("Call-ID", request.get("Call-ID")), ("CSeq", request.get("CSeq"))]
        if contact:
            own = f"sip:{self.number}@{self.host}:{self.port}"
            headers.append(("Contact", f"<{own if contact is True else contact}>"))
        if body:
            headers.append(("Content-Type", "application/sdp"))
        message = Message(f"SIP/2.0 {status} {REASONS[status]}", headers, body)
        self._sent[request.branch, request.method] = message.encode()
        self._send(message)

    def _send(self, message: Message) -> None:
        if not self._line.is_closing():
            self._line.sendto(message.encode(), self.server)

    def datagram_received(self, data: bytes, address) -> None:
        if not data.strip():
            return
        message = Message.parse(data)
        if message.status:
            if queue := self._waiting.get((message.branch, message.method)):
                queue.put_nowait(message)
            return
        again = self._sent.get((message.branch, message.method))
        if again:
            self._line.sendto(again, self.server)
            return
        call = self.calls.get(message.get("Call-ID"))
        if call:
            call.requested(message)
        elif message.method == "INVITE":
            call = Call(self, outgoing=False, peer=_uri(message.get("From")).split(":")[-1].split("@")[0])
            self.calls[message.get("Call-ID")] = call
            call.invited(message)
            self._incoming.put_nowait(call)
        elif message.method in ("OPTIONS", "NOTIFY"):
            self.reply(message, 200, tag="x")
        elif message.method != "ACK":
            self.reply(message, 481, tag="x")


class Call:
    """One call as one telephone knows it.

    `record`: dicts of `at` (epoch seconds) and `what`; the words are `invite sent`, `invite
    received`, `ringing sent/received`, `answer sent/received`, `refused N sent/received`, `cancel sent/received`,
    `bye sent/received`, `hold`, `resume`, `refer`, `notify N`.
    """

    def __init__(self, agent: Agent, outgoing: bool, peer: str):
        self.agent, self.outgoing, self.peer = agent, outgoing, peer
        self.record: list[dict] = []
        self.status: int | None = None  # the final status of the INVITE
        self.refer_status: int | None = None
        self.packets = 0  # media received
        self._answered, self._over = asyncio.Event(), asyncio.Event()
        self._cseq, self._version = 100, 0
        self._invite: Message | None = None  # as last sent, or as received
        self._media = self._remote_media = None

    # ---------------------------------------------------------- record

    def note(self, what: str) -> None:
        self.record.append({"at": round(time.time(), 4), "what": what})

    def at(self, *what: str) -> float | None:
        """When the first of these was noted, in epoch seconds; None if never."""
        return next((item["at"] for item in self.record if item["what"].startswith(what)), None)

    @property
    def offered_at(self) -> float | None:
        """When this telephone was called, or called."""
        return self.at("invite")

    @property
    def answered_at(self) -> float | None:
        return self.at("answer")

    @property
    def left_at(self) -> float | None:
        """When the call ended for this telephone."""
        return self.at("bye", "cancel", "refused")

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    # ---------------------------------------------------- what we do

    async def dial(self) -> None:
        headers = [("From", self.local), ("To", self.remote), ("Call-ID", self.call_id), self._contact()]

        def progress(answer):
            if answer.status > 100:
                self.note("ringing received")

        def sending(message):
            self._invite = message

        answer = await self.agent.request("INVITE", self.target, headers, 1, self._sdp(), progress, sending)
        self.status = answer.status
        if answer.status == 200:
            self.remote, self.target = answer.get("To"), _uri(answer.get("Contact"))
            self.note("answer received")
            self._ack(answer)
            self._heed(answer.body)
            self._answered.set()
        else:
            self.note(f"refused {answer.status} received")
            self._end()

    def ringing(self, code: int = 180) -> None:
        self.note("ringing sent")
        self.agent.reply(self._invite, code, tag=self._own_tag, contact=True)

    async def answer(self) -> None:
        """Pick up."""
        await self.open_media()
        self._heed(self._invite.body)
        self.note("answer sent")
        self.status = 200
        self.agent.reply(self._invite, 200, tag=self._own_tag, body=self._sdp(), contact=True)
        self._answered.set()

    def refuse(self, code: int = 486, contact: str | None = None) -> None:
        """Say busy (486), no (603) or anything else; with 302, `contact` is where to call instead."""
        self.note(f"refused {code} sent")
        self.status = code
        self.agent.reply(self._invite, code, tag=self._own_tag, contact=contact)
        self._end()

    def forward(self, number: str) -> None:
        """Send the caller to another number."""
        self.refuse(302, f"sip:{number}@{self.agent.server[0]}")

    async def hangup(self) -> None:
        """End the call, whatever state it is in."""
        if self.is_over:
            return
        if self._answered.is_set():
            self.note("bye sent")
            self._end()
            await self._within("BYE")
        elif self.outgoing:
            self.note("cancel sent")
            self._cancel()
            await self.ended(timeout=5)
        else:
            self.refuse(603)

    def lost(self) -> None:
        """The PBX is gone: there is nobody to hang up on."""
        self.note("lost")
        self._end()

    async def hold(self) -> None:
        await self._renegotiate("sendonly")
        self.note("hold")

    async def resume(self) -> None:
        await self._renegotiate("sendrecv")
        self.note("resume")

    async def refer(self, to: str, consulted: "Call | None" = None) -> None:
        """Transfer the other side to `to`, or into the call `consulted` with it."""
        uri = f"sip:{to}@{self.agent.server[0]}"
        if consulted:
            call_id = consulted.call_id.replace("@", "%40")
            uri += f"?Replaces={call_id}%3Bto-tag%3D{_tag(consulted.remote)}%3Bfrom-tag%3D{_tag(consulted.local)}"
        self.note("refer")
        extra = [("Refer-To", f"<{uri}>"), ("Referred-By", f"<sip:{self.agent.number}@{self.agent.host}>")]
        answer = await self._within("REFER", extra=extra)
        if answer.status != 202:
            raise CallFailed(f"{self.agent.name}: transfer refused: {answer.start}")
        # A telephone leaves as soon as it is told that the transfer is through.
        for _ in range(100):
            if self.is_over or (self.refer_status or 0) >= 200:
                break
            await asyncio.sleep(0.02)
        await self.hangup()

    async def keys(self, digits: str, pause: float = 0.15) -> None:
        """Press keys."""
        for digit in digits:
            self.note(f"key {digit}")
            await self._within("INFO", body=f"Signal={digit}\r\nDuration=100\r\n")
            await asyncio.sleep(pause)

    async def answered(self, timeout: float = 10) -> None:
        """Wait until the other side has picked up."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._answered, self._over)]
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        if not self._answered.is_set():
            raise CallFailed(f"{self.agent.name}: {self.peer} did not answer ({self.status})")

    async def ended(self, timeout: float = 10) -> None:
        """Wait until the call is over."""
        try:
            await asyncio.wait_for(self._over.wait(), timeout)
        except asyncio.TimeoutError:
            raise CallFailed(f"{self.agent.name}: the call with {self.peer} did not end in {timeout} s") from None

    # ------------------------------------------- what is done to us

    def invited(self, request: Message) -> None:
        self.note("invite received")
        self._invite, self._own_tag = request, secrets.token_hex(4)
        self.call_id = request.get("Call-ID")
        self.local = f"{request.get('To')};tag={self._own_tag}"
        self.remote, self.target = request.get("From"), _uri(request.get("Contact"))
        self.agent.reply(request, 100)

    def requested(self, request: Message) -> None:
        reply = self.agent.reply
        if request.method == "BYE":
            if not self.is_over:
                self.note("bye received")
            reply(request, 200)
            self._end()
        elif request.method == "CANCEL":
            reply(request, 200, tag=self._own_tag)
            if not self._answered.is_set() and not self.is_over:
                # Asterisk says here that somebody else has picked up.
                elsewhere = "elsewhere" in request.get("Reason")
                self.note("cancel received" + (" (answered elsewhere)" if elsewhere else ""))
                reply(self._invite, 487, tag=self._own_tag)
                self._end()
        elif request.method == "INVITE":
            self.agent.spawn(self._renegotiated(request))
        elif request.method == "NOTIFY":
            found = re.match(r"SIP/2.0 (\d+)", request.body)
            if found:
                self.refer_status = int(found[1])
                self.note(f"notify {found[1]}")
            reply(request, 200)
        elif request.method == "UPDATE":
            reply(request, 200, body=self._sdp() if request.body else "", contact=True)
        elif request.method != "ACK":
            reply(request, 200 if request.method in ("OPTIONS", "INFO") else 501)

    async def _renegotiated(self, request: Message) -> None:
        if request.body:
            self._heed(request.body)
        self.agent.reply(request, 200, body=self._sdp(), contact=True)

    # ------------------------------------------------------- helpers

    def _contact(self) -> tuple[str, str]:
        return ("Contact", f"<sip:{self.agent.number}@{self.agent.host}:{self.agent.port}>")

    def _end(self) -> None:
        self._over.set()
        if self._media:
            self._media.close()

    async def _within(self, method: str, extra=(), body: str = "") -> Message:
        """A request inside the established call."""
        self._cseq += 1
        headers = [("From", self.local), ("To", self.remote), ("Call-ID", self.call_id), self._contact(), *extra]
        number = self._cseq
        self._cseq += 1
        return await self.agent.request(method, self.target, headers, number, body)

    async def _renegotiate(self, mode: str) -> None:
        self._version += 1
        answer = await self._within("INVITE", body=self._sdp(mode))
        if answer.status != 200:
            raise CallFailed(f"{self.agent.name}: hold refused: {answer.start}")
        self._ack(answer)

    def _ack(self, answer: Message) -> None:
        number = answer.get("CSeq").split()[0]
        via = f"SIP/2.0/UDP {self.agent.host}:{self.agent.port};rport;branch=z9hG4bK{secrets.token_hex(6)}"
        headers = [("Via", via), ("Max-Forwards", "70"), ("From", self.local), ("To", answer.get("To"))]
        headers += [("Call-ID", self.call_id), ("CSeq", f"{number} ACK")]
        self.agent._send(Message(f"ACK {_uri(answer.get('Contact')) or self.target} SIP/2.0", headers))

    def _cancel(self) -> None:
        keep = [pair for pair in self._invite.headers if pair[0] in ("Via", "Max-Forwards", "From", "To", "Call-ID")]
        number = self._invite.get("CSeq").split()[0]
        self.agent._send(Message(f"CANCEL {self.target} SIP/2.0", [*keep, ("CSeq", f"{number} CANCEL")]))

    # --------------------------------------------------------- media

    async def open_media(self) -> None:
        if self._media:
            return
        call = self

        class Media(asyncio.DatagramProtocol):
            def datagram_received(self, data, address):
                call.packets += 1

        loop = asyncio.get_running_loop()
        self._media, _ = await loop.create_datagram_endpoint(Media, local_addr=(self.agent.host, 0))
        if self.agent.hum:
            self.agent.spawn(self._speak())

    async def _speak(self) -> None:
        """A hum, as a telephone would send it: 50 packets a second while connected.

        A mailbox throws silence away.
        """
        await self._answered.wait()
        source, number = secrets.token_bytes(4), 0
        due = time.monotonic()
        while not self.is_over:
            if self._remote_media:
                head = (
                    b"\x80\x00" + (number & 0xFFFF).to_bytes(2, "big") + (number * 160 & 0xFFFFFFFF).to_bytes(4, "big")
                )
                self._media.sendto(head + source + HUM, self._remote_media)
            number += 1
            due += FRAME_S
            await asyncio.sleep(max(0, due - time.monotonic()))

    def _heed(self, sdp: str) -> None:
        host = re.search(r"^c=IN IP4 (\S+)", sdp, re.M)
        port = re.search(r"^m=audio (\d+)", sdp, re.M)
        if host and port:
            self._remote_media = (host[1], int(port[1]))

    def _sdp(self, mode: str = "sendrecv") -> str:
        host, port = self.agent.host, self._media.get_extra_info("sockname")[1]
        return "\r\n".join(
            [
                "v=0", f"o=- 1 {self._version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
                f"m=audio {port} RTP/AVP 0", "a=rtpmap:0 PCMU/8000", f"a={mode}", "",
            ]
        )  # fmt: skip
