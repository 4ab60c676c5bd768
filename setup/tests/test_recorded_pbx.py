import asyncio
import hashlib
import re
import time

from kit import recorded_pbx
from kit.processes import free_port

RECORDING = b"""\
Asterisk Call Manager/11.0.0

Event: Newchannel
Timestamp: 1795328798.192139
Uniqueid: 1795328798.0
CallerIDNum: +31301000142

Event: Hangup
Timestamp: 1795328798.292139
Uniqueid: 1795328798.0
"""


def test_a_recording_happens_now_and_keeps_its_numbers(monkeypatch, tmp_path):
    file = tmp_path / "ami.txt"
    file.write_bytes(RECORDING)
    real_sleep = asyncio.sleep
    monkeypatch.setattr(recorded_pbx.asyncio, "sleep", lambda seconds: real_sleep(min(seconds, 0.1)))
    said = asyncio.run(asyncio.wait_for(logged_in(str(file)), 10))
    moments = [float(text) for text in re.findall(r"Timestamp: ([\d.]+)", said)]
    assert abs(moments[0] - time.time()) < 5
    assert round(moments[1] - moments[0], 3) == 0.1
    assert said.count(f"Uniqueid: {int(moments[0])}.0") == 2
    assert "CallerIDNum: +31301000142" in said


async def logged_in(file):
    """What a client hears that logs in with the right secret."""
    port = free_port(5038)
    server = asyncio.create_task(recorded_pbx.RecordedPbx("secret", [file]).serve(port))
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
    writer.write(b"Action: Challenge\r\nActionID: 1\r\nAuthType: MD5\r\n\r\n")
    challenge = re.search(
        r"Challenge: (\S+)", (await reader.readuntil(b"Challenge: ") + await reader.readline()).decode()
    )
    key = hashlib.md5(f"{challenge[1]}secret".encode()).hexdigest()
    writer.write(f"Action: Login\r\nActionID: 2\r\nUsername: bridge\r\nKey: {key}\r\n\r\n".encode())
    said = b""
    while b"Event: Hangup" not in said or not said.endswith(b"\r\n\r\n"):
        said += await reader.read(1000)
    writer.close()
    server.cancel()
    return said.decode()
