"""Recordings: from the PBX's folder to Odoo, where and as long as Odoo wants them.

:class:`Uploads` is the brain: told the time, one step at a time. Its work is in the spool
(:meth:`lib.spool.Spool.recordings`), which gets nothing but files of calls that passed the gate, while
Odoo's scope said that it takes recordings. So a restart forgets nothing and sends nothing twice.

A file is sent when its leg has ended and it has stopped growing. It is looked for below one folder only
(:func:`opened`): whatever a PBX says, or somebody who can choose a file's name there, no other
file leaves the machine. It stays where it is: how long is the PBX's own decision.
"""

import contextlib
import errno
import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from .backoff import Backoff
from .client import (
    RECORDING_PATH,
    BadFormat,
    Closed,
    Gone,
    NoSuchCall,
    OdooProblem,
    RecordingsOff,
    TooLarge,
)
from .notices import Notices, masked
from .scope import Scope
from .sound import ENDINGS, MOST_BYTES
from .spool import DAY, Recording, Spool

#: seconds between two looks that find a file unchanged before it counts as finished
QUIET = 5.0
#: seconds after which a file that does not change is finished although nobody heard the leg end
FORGOTTEN = 3600.0
#: days after which a recording that could not be sent is given up
GIVE_UP_DAYS = 7
#: seconds between two looks for work
PAUSE = 5.0
#: seconds to wait while Odoo takes no recordings
OFF_PAUSE = 60.0
_PIECE = 1 << 20
#: seconds until Odoo is asked again for a recording that it did not take, doubled with each try up to the last
_FIRST_WAIT, _LAST_WAIT = 30, 3600


class NotUsable(Exception):
    """A file that is never sent; the text says why."""


class Uploads:
    """Sends what the spool says is to be sent.

    :param folder: where the PBX's recordings are, as this machine sees it
    :param client: an :class:`lib.client.OdooClient`
    :param scope: gives the scope that holds now, None if there is none yet
    :param clock: seconds since 1970
    """

    def __init__(
        self,
        folder,
        spool: Spool,
        client,
        notices: Notices,
        scope: Callable[[], Scope | None],
        clock=time.time,
        backoff: Backoff | None = None,
    ):
        self.folder, self.spool, self.client, self.notices = Path(folder), spool, client, notices
        self.scope, self.clock = scope, clock
        self.backoff = backoff or Backoff(5, 300)
        #: (leg, name) -> (size and time of change, when they were first seen so)
        self._seen: dict[tuple[str, str], tuple[tuple[int, int], float]] = {}

    def step(self) -> float:
        """Send what is due, once.

        :return: seconds to wait before the next step
        :raise SpoolProblem: what was done is not remembered
        """
        scope = self.scope()
        if scope is None or not scope.recordings:
            return PAUSE
        for recording in self.spool.recordings():
            try:
                self._one(recording)
            except RecordingsOff:
                return OFF_PAUSE  # the scope will say so, too
            except OdooProblem as problem:
                # the other side of the bridge has the same trouble, and says so in the same words
                self.notices.say(problem.topic, str(problem), logging.ERROR)
                return OFF_PAUSE if isinstance(problem, Closed) else self.backoff.next()
            self.backoff.reset()
        return PAUSE

    def _one(self, recording: Recording) -> None:
        """Send one recording, if its time has come.

        :raise OdooProblem: it stays to be sent, and so would all others
        """
        if self.clock() - recording.saved > GIVE_UP_DAYS * DAY:
            self._give_up(recording, f"after {GIVE_UP_DAYS} days it was not there, or not taken")
            return
        try:
            file = opened(self.folder, recording.file)
        except NotUsable as problem:
            self._give_up(recording, str(problem))
            return
        except OSError as error:
            self.notices.say(
                "recordings.folder",
                f"A recording in {self.folder} cannot be read ({error.strerror}): check [recordings] folder, "
                "and that the bridge's user may read what is in it",
                logging.ERROR,
            )
            self.spool.recording_later(recording, 300, tried=False)
            return
        if file is None:
            # not written yet, or moved away; a PBX may also convert it after the call
            self.spool.recording_later(recording, 15 if self._age(recording) < 600 else 600, tried=False)
            return
        with file:
            if self._is_finished(recording, os.fstat(file.fileno())):
                self._send(recording, file)

    def _age(self, recording: Recording) -> float:
        return self.clock() - (recording.ended or recording.saved)

    def _is_finished(self, recording: Recording, found: os.stat_result) -> bool:
        """Whether leg and file have come to their end; the same look twice, some seconds apart, is the proof."""
        key, now, look = (recording.leg, recording.name), self.clock(), (found.st_size, found.st_mtime_ns)
        known, since = self._seen.get(key, (None, now))
        if known != look:
            self._seen[key] = look, now
            return False
        patience = QUIET if recording.ended else FORGOTTEN
        # between these, on hold or before the answer, nothing is written either: so the leg's end is what counts
        return now - since >= patience and (not recording.ended or now - recording.ended >= QUIET)

    def _send(self, recording: Recording, file) -> None:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_BYTES:
            self._give_up(recording, f"it has more than {MOST_BYTES // 1024 // 1024} MB")
            return
        if not size:
            self._give_up(recording, "it is empty")
            return
        digest = hashlib.sha256()
        while piece := file.read(_PIECE):
            digest.update(piece)
        file.seek(0)
        about = {
            "bridge": self.spool.id,
            "call": recording.call,
            "leg": recording.leg,
            "file": recording.name,
            "at": recording.at,
            "size": size,
            "sha256": digest.hexdigest(),
        }
        try:
            self.client.post_file(RECORDING_PATH, about, _FirstOf(file, size))
        except Gone:
            self._done(recording, "gone")
        except NoSuchCall:
            self._later(recording)
        except BadFormat as problem:
            self._give_up(recording, str(problem))
        except TooLarge:
            self.notices.say(
                "recordings.too_large",
                f"The proxy before Odoo finds a recording of {size // 1024 // 1024 + 1} MB too large: raise its limit "
                f"(nginx: client_max_body_size {MOST_BYTES // 1024 // 1024}m)",
                logging.ERROR,
            )
            self._later(recording)
        else:
            self._done(recording, "sent")

    def _later(self, recording: Recording) -> None:
        self.spool.recording_later(recording, min(_FIRST_WAIT * 2 ** min(recording.tries, 20), _LAST_WAIT))

    def _give_up(self, recording: Recording, why: str) -> None:
        self.notices.say(
            f"recordings.given_up.{recording.leg}", f"A recording is not sent to Odoo: {masked(why)}", logging.WARNING
        )
        self._done(recording, "given up")

    def _done(self, recording: Recording, state: str) -> None:
        self.spool.recording_done(recording, state)
        self._seen.pop((recording.leg, recording.name), None)


class _FirstOf:
    """So many bytes of a file and no more, should it grow after all: a request has the length that it says."""

    def __init__(self, file, size: int):
        self._file, self._left = file, size

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece


def opened(folder: Path, said: str):
    """Open a recording for reading.

    The PBX may see its folder under another name than we do (a container, a mounted disk), so the end of
    what it says is looked for below ours, the longest first. Nothing outside is reached: no ``..``, and no
    symbolic link is followed on the way.

    :param said: the file's path, as the PBX said it
    :return: a file open for reading bytes, None if there is none
    :raise NotUsable: what is said can never be a recording
    :raise OSError: the folder, or a file in it, cannot be read
    """
    parts = [part for part in said.split("/") if part]
    if not parts or any(part.startswith(".") or "\\" in part or not part.isprintable() for part in parts):
        raise NotUsable("its name is none that a recording has")
    stem, _, ending = parts[-1].rpartition(".")
    if not stem or ending.lower() not in ENDINGS:
        raise NotUsable("it does not end as a file of sound does")
    own = folder.resolve().parts[1:]
    if said.startswith("/") and tuple(parts[: len(own)]) == own:
        parts = parts[len(own) :]
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # some PBXs turn the finished file into another kind
        names = [parts[-1], *(f"{stem}.{other}" for other in sorted(ENDINGS) if other != ending)]
        for name in names:
            for first in range(len(parts)):
                if file := _below(root, [*parts[first:-1], name]):
                    return file
    finally:
        os.close(root)
    return None


def _below(root: int, path: list[str]):
    """Open ``path`` below an open folder, step by step, so that nothing can be exchanged meanwhile."""
    *folders, name = path
    with contextlib.ExitStack() as stack:
        place = root
        try:
            for folder in folders:
                place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
                stack.callback(os.close, place)
            # not blocking: a pipe in the place of a file would keep us waiting for ever
            number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NotUsable("it is a symbolic link") from None
            raise
        file = os.fdopen(number, "rb")
        if not stat.S_ISREG(os.fstat(number).st_mode):
            file.close()
            raise NotUsable("it is no file")
        return file
