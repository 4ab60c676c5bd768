"""What a file of sound is, told from its bytes: what it is called or said to be is not trusted."""

import struct
from dataclasses import dataclass

#: most bytes of a recording, for the bridge as for Odoo: an hour of 8 kHz in 16 bits has 58 million
MOST_BYTES = 64 * 1024 * 1024
#: endings of files that may be recordings; no other file leaves the PBX
ENDINGS = frozenset({"wav", "wav49", "mp3", "ogg", "oga", "opus", "webm", "m4a", "gsm"})
#: of RIFF WAVE, those that browsers decode: PCM, float, A-law, µ-law, and PCM with a longer head
_PLAYED_WAVES = frozenset({1, 3, 6, 7, 0xFFFE})
_GSM_FRAME = 33


@dataclass(frozen=True)
class Sound:
    """What bytes turned out to be.

    :param mimetype: ``audio/…``
    :param ending: of a file's name, without dot
    :param played: whether browsers play it; what they do not is kept to be downloaded
    :param seconds: how long it lasts, None where the head does not tell
    """

    mimetype: str
    ending: str
    played: bool
    seconds: float | None = None


def sound_of(data: bytes) -> Sound | None:
    """What these bytes are, None if they are no sound that we know.

    :param data: the whole file
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _wave(data)
    if data[:4] == b"OggS":
        return Sound("audio/ogg", "ogg", True)
    if data[:4] == b"\x1aE\xdf\xa3":
        return Sound("audio/webm", "webm", True)
    if data[4:8] == b"ftyp" and data[8:11] in (b"M4A", b"mp4", b"iso"):
        return Sound("audio/mp4", "m4a", True)
    if data[:3] == b"ID3" or _is_mp3(data):
        return Sound("audio/mpeg", "mp3", True)
    # bare GSM has no head: frames of 33 bytes, each beginning with the same four bits
    if len(data) >= _GSM_FRAME and all(byte >> 4 == 0xD for byte in data[: 50 * _GSM_FRAME : _GSM_FRAME]):
        return Sound("audio/x-gsm", "gsm", False, round(len(data) // _GSM_FRAME * 0.02, 2))
    return None


def _wave(data: bytes) -> Sound:
    """A RIFF WAVE file; an unfinished one states no length, or a wrong one."""
    place, rate, kind, seconds = 12, 0, 0, None
    while place + 8 <= len(data):
        name, size = data[place : place + 4], struct.unpack_from("<I", data, place + 4)[0]
        place += 8
        if name == b"fmt " and place + 16 <= len(data):
            kind, _channels, _samples, rate = struct.unpack_from("<HHII", data, place)
        elif name == b"data":
            there = len(data) - place
            if rate:
                seconds = round(min(size, there) / rate if size else there / rate, 2)
            break
        place += size + size % 2
    return Sound("audio/wav", "wav", kind in _PLAYED_WAVES, seconds)


def _is_mp3(data: bytes) -> bool:
    """Whether the bytes begin with a frame of MPEG audio, layer III."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return False
    version, layer, bits, samples = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 4, data[2] >> 2 & 3
    return version != 1 and layer == 1 and bits not in (0, 15) and samples != 3
