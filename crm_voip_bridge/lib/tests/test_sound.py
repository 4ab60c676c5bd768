"""What bytes are, whatever they are called."""

import random
import struct

import pytest

from lib.sound import Sound, sound_of


def wave(seconds=1.0, kind=1, rate=8000, width=2, size=None, before=b""):
    """A RIFF WAVE file of silence, as MixMonitor writes it."""
    data = bytes(int(seconds * rate * width))
    head = struct.pack("<HHIIHH", kind, 1, rate, rate * width, width, width * 8)
    body = b"WAVE" + before + b"fmt " + struct.pack("<I", len(head)) + head
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_wave_tells_its_seconds():
    assert sound_of(wave(3.5)) == Sound("audio/wav", "wav", True, 3.5)
    assert sound_of(wave(2, kind=7, width=1)) == Sound("audio/wav", "wav", True, 2.0)
    # of an odd length, so one byte follows that is nobody's
    assert sound_of(wave(2, before=b"LIST" + struct.pack("<I", 3) + b"abc\0")).seconds == 2


def test_wave_that_was_not_finished():
    """Its head says no length, or more than there is: the bytes count."""
    assert sound_of(wave(2, size=0)).seconds == 2
    assert sound_of(wave(2, size=0xFFFFFFFF)).seconds == 2
    for cut in (12, 20, 30, 43):
        assert sound_of(wave(2)[:cut]).seconds is None
    assert sound_of(wave(2, rate=0)).seconds is None


def test_gsm_in_a_wave_is_for_downloading():
    assert sound_of(wave(2, kind=0x31)).played is False


@pytest.mark.parametrize(
    ("data", "mimetype"),
    [
        (b"OggS\0\2" + bytes(50), "audio/ogg"),
        (b"\x1aE\xdf\xa3" + bytes(50), "audio/webm"),
        (b"\0\0\0\x20ftypM4A " + bytes(50), "audio/mp4"),
        (b"ID3\x04" + bytes(50), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(50), "audio/mpeg"),
        ((b"\xd2" + bytes(32)) * 60, "audio/x-gsm"),
    ],
)
def test_other_kinds(data, mimetype):
    assert sound_of(data).mimetype == mimetype


def test_bare_gsm_has_fifty_frames_a_second():
    found = sound_of((b"\xd2" + bytes(32)) * 100)
    assert (found.played, found.seconds) == (False, 2.0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"<html><script>alert(1)</script></html>",
        b"RIFF\0\0\0\0AVI LIST",
        b"\xff\xff\xff\xff",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"%PDF-1.7",
        b"[odoo]\nsecret = x\n",
        b"SQLite format 3\0",
    ],
)
def test_what_is_no_sound(data):
    assert sound_of(data) is None


def test_no_bytes_are_too_odd():
    chance = random.Random(7)
    heads = (b"", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt ", b"RIFF\0\0\0\0WAVEdata", b"OggS", b"\xff\xfb")
    for _turn in range(3000):
        found = sound_of(chance.choice(heads) + chance.randbytes(chance.randrange(80)))
        assert found is None or found.seconds is None or found.seconds >= 0
