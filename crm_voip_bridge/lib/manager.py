"""A login at Asterisk's manager interface: connect, prove who we are, read blocks, ask."""

import hashlib
import select
import socket
import ssl
import time
from collections import deque

from .ami import AmiReader, Block
from .notices import masked
from .wake import Bell

#: seconds between our own questions, by which a dead line is noticed
PING_EVERY = 30.0
#: seconds without a word from the PBX, not even an answer to a ping
SILENCE = 90.0
_LOGIN_TIME = 15.0


class PbxProblem(Exception):
    """The PBX cannot be read; the text names the remedy.

    :param topic: for :class:`lib.notices.Notices`
    :param config: the configuration is wrong, so that trying again helps only once somebody changed it
    """

    def __init__(self, topic: str, text: str, config: bool = False):
        super().__init__(text)
        self.topic, self.config = topic, config


class Manager:
    """A session, logged in.

    The secret is never sent: the PBX gives a challenge, and gets the digest of it and the secret.

    :param tls: None, or the context to use
    :param clock: seconds, monotonic
    :raise PbxProblem: any reason why there is no session
    """

    def __init__(self, host: str, port: int, user: str, secret: str, tls=None, clock=time.monotonic):
        self.clock = clock
        self.place = f"{host}:{port}"
        self._reader = AmiReader()
        self._blocks: deque[Block] = deque()
        self._actions = 0
        self._heard = self._asked = clock()
        self.version = ""
        self.raw = None  # where to copy what is read, byte for byte
        try:
            self._socket = socket.create_connection((host, port), 10)
        except OSError as error:
            raise PbxProblem(
                "pbx.unreachable",
                f"The PBX's manager interface at {self.place} does not answer ({error.strerror or error}): check that Asterisk runs, "
                "[pbx] host and port, and enabled = yes and bindaddr in manager.conf",
            ) from None
        try:
            if tls:
                self._socket = tls.wrap_socket(self._socket, server_hostname=host)
            self._login(user, secret)
        except ssl.SSLError as error:
            self.close()
            raise PbxProblem(
                "pbx.tls",
                f"TLS with the PBX at {self.place} fails ({getattr(error, 'verify_message', '') or error.reason}): "
                "check [pbx] port, tls and ca_file, and tlscertfile in manager.conf",
            ) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def send(self, action: str, ident: str = "", **fields: str) -> str:
        """Ask something; the answer comes among the blocks.

        :param ident: the ActionID to use, else one is made up
        :return: the ActionID that the answer bears
        """
        self._actions += 1
        ident = ident or f"bridge-{self._actions}"
        lines = [f"Action: {action}", f"ActionID: {ident}", *(f"{name}: {value}" for name, value in fields.items())]
        if any(char in line for line in lines for char in "\r\n"):
            raise ValueError("a line break within an AMI field")
        try:
            self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        except OSError as error:
            raise self._gone(error.strerror) from None
        self._asked = self.clock()
        return ident

    def read(self, wait: float, bell: Bell | None = None) -> list[Block]:
        """The blocks that have come, waiting at most so many seconds for the first bytes.

        :param bell: ends the wait when another thread rings it
        :raise PbxProblem: the session is over
        """
        if self._blocks:
            blocks, self._blocks = list(self._blocks), deque()
            return blocks
        data = self._receive(wait, bell)
        now = self.clock()
        if data:
            self._heard = now
        elif now - self._heard > SILENCE:
            raise self._gone(f"no word for {SILENCE:.0f} s")
        elif now - max(self._heard, self._asked) > PING_EVERY:
            self.send("Ping")
        return list(self._reader.feed(data)) if data else []

    def ask(self, action: str, wait: float = 5.0, **fields: str) -> Block:
        """Ask, and wait for the answer; what else comes meanwhile is kept for :meth:`read`.

        :return: the answer; an empty one if none came in time
        """
        ident, until = self.send(action, **fields), self.clock() + wait
        kept, self._blocks = self._blocks, deque()
        answer = Block()
        while not answer and self.clock() < until:
            for block in self.read(max(0.0, min(0.5, until - self.clock()))):
                if not answer and "response" in block and block.get("actionid") == ident:
                    answer = block
                else:
                    kept.append(block)
        self._blocks = kept
        return answer

    def _receive(self, wait: float, bell: Bell | None = None) -> bytes:
        try:
            pending = getattr(self._socket, "pending", lambda: 0)()
            if not pending:
                ready = select.select([self._socket, *([bell] if bell else [])], [], [], wait)[0]
                if bell in ready:
                    bell.still()
                if self._socket not in ready:
                    return b""
            data = self._socket.recv(65_536)
        except (ssl.SSLWantReadError, TimeoutError):
            return b""
        except OSError as error:
            raise self._gone(error.strerror) from None
        if not data:
            raise self._gone("it closed the connection")
        if self.raw:
            self.raw(data)
        return data

    def _gone(self, reason) -> PbxProblem:
        return PbxProblem("pbx.lost", f"The connection to the PBX at {self.place} is lost ({reason}); trying again")

    def _login(self, user: str, secret: str) -> None:
        until = self.clock() + _LOGIN_TIME
        self._banner(until)
        challenge = self.ask("Challenge", AuthType="MD5").get("challenge", "")
        if not challenge:
            raise PbxProblem(
                "pbx.login",
                f"The PBX at {self.place} gives no challenge: see that nothing else answers on [pbx] port",
                config=True,
            )
        digest = hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
        try:
            answer = self.ask("Login", AuthType="MD5", Username=user, Key=digest, Events="on")
        except PbxProblem:
            answer = Block()
        if answer.get("response", "").lower() != "success":
            said = masked(answer.get("message") or "no answer", 80)
            raise PbxProblem(
                "pbx.login",
                f"The PBX refuses the login of user '{user}' ({said}): compare [pbx] user and secret with manager.conf, "
                "and its permit line with this machine's address",
                config=bool(answer),
            )

    def _banner(self, until: float) -> None:
        """``Asterisk Call Manager/11.0.0``: anything else is not what we look for."""
        said = b""
        while b"\n" not in said and len(said) < 200 and self.clock() < until:
            said += self._receive(0.5)
        if not said.startswith(b"Asterisk Call Manager"):
            raise PbxProblem(
                "pbx.banner",
                f"What answers at {self.place} is not Asterisk's manager interface: check [pbx] host, port and tls",
                config=bool(said),
            )
        self._blocks.extend(self._reader.feed(said.partition(b"\n")[2]))
        version = said.partition(b"\n")[0].rpartition(b"/")[2].strip()[:20].decode("ascii", "replace")
        self.version = version if version.isprintable() else "?"


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Certificates are always checked; ``ca_file`` names whom to trust instead of the machine's list."""
    return ssl.create_default_context(cafile=ca_file or None)
