import hashlib
import json
import struct
import time
from datetime import timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.addons.crm_voip_bridge.lib.signature import ABOUT_HEADER, headers
from odoo.addons.crm_voip_bridge.lib.sound import MOST_BYTES
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import START, VoipHttpCase, answered, group, told

CONSENT = "This call is recorded."
LATER = "2026-11-03 12:00:00"
#: an hour's worth of nothing would be too long; two seconds of 8 kHz in 16 bits
SECONDS = 2


def wave(seconds=SECONDS, kind=1):
    """What MixMonitor writes."""
    data = bytes(range(256)) * (16000 * seconds // 256)
    head = struct.pack("<HHIIHH", kind, 1, 8000, 16000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


class RecordingCase(VoipHttpCase):
    """A PBX whose recordings are taken, and a logged call."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # the day after the calls that these stories tell
        clock = freeze_time(LATER, tick=True)
        clock.start()
        cls.addClassCleanup(clock.stop)
        cls.pbx.write({"recordings_on": True, "recording_consent": CONSENT})
        cls.listen = cls.env.ref("crm_voip_bridge.group_recordings")
        cls.Recording = cls.env["crm.voip.recording"]

    def about(self, data, **values):
        return {
            "bridge": "bridge-1",
            "call": "c",
            "leg": "c",
            "file": "c_c.wav",
            "at": "2026-11-02T09:00:05Z",
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            **values,
        }

    def upload(self, data=None, about=None, secret=None, key=None, moment=None, **values):
        """Send a file as the bridge does."""
        data = wave() if data is None else data
        text = json.dumps({**self.about(data), **values} if about is None else about)
        signed = headers(secret or self.secret, key or self.key, int(moment or time.time()), text.encode())
        self.env.flush_all()
        response = self.url_open(
            "/crm_voip_bridge/v1/recording",
            data=data,
            headers={"Content-Type": "application/octet-stream", ABOUT_HEADER: text, **signed},
        )
        self.env.invalidate_all()
        return response

    def recorded(self, events=None, **values):
        """Send a call and its recording; the recording."""
        self.send(events or answered())
        before = self.Recording.search([])
        response = self.upload(**values)
        self.assertEqual((response.status_code, response.json()["known"]), (200, False), response.text)
        return self.Recording.search([]) - before

    def files(self, recording):
        return self.env["ir.attachment"].search(
            [("res_model", "=", "crm.voip.recording"), ("res_field", "=", "content"), ("res_id", "=", recording.id)]
        )

    def hear(self, recording, user, **options):
        """The answer to somebody who presses play."""
        self.authenticate(user.login, user.login)
        self.env.flush_all()
        answer = self.url_open(f"/crm_voip_bridge/recording/{recording.id}", **options)
        self.env.invalidate_all()
        return answer

    def log_of(self, person):
        lines = self.env["crm.voip.people.log"].with_user(person).search([("how", "=", "listen")])
        return [(line.user_id, line.call_id.call_ref) for line in lines]


@tagged("-at_install", "post_install")
class TestRecordingIntake(RecordingCase):
    """A file that the bridge sends is kept once, and only if it is wanted."""

    def refused(self, status, word, **values):
        response = self.upload(**values)
        self.assertEqual((response.status_code, response.json().get("error")), (status, word), response.text)
        return response

    def test_kept(self):
        recording = self.recorded()
        self.assertEqual((recording.call_id, recording.company_id), (self.calls("c"), self.company))
        self.assertEqual((recording.mimetype, recording.is_played, recording.seconds), ("audio/wav", True, SECONDS))
        self.assertEqual(recording.size, len(wave()))
        self.assertEqual(recording.recorded_at, fields.Datetime.to_datetime("2026-11-02 09:00:05"))
        self.assertEqual(recording.expires_on, fields.Date.to_date("2026-12-02"))
        self.assertEqual(self.files(recording).raw, wave())
        self.assertTrue(self.files(recording).store_fname, "a real file, not a cell in the database")
        self.assertFalse(self.files(recording).public)
        self.assertTrue(self.calls("c").has_sound)

    def test_again_is_the_same_recording(self):
        recording = self.recorded()
        response = self.upload()
        self.assertEqual((response.status_code, response.json()["known"]), (200, True))
        self.assertEqual(self.Recording.search([]), recording)
        # another file of the same call, and the same name at another leg
        self.assertFalse(self.upload(file="c_d.wav").json()["known"])
        self.assertFalse(self.upload(leg="c.p").json()["known"])
        self.assertEqual(len(self.calls("c").recording_ids), 3)

    def test_kind_is_told_by_the_bytes(self):
        self.send(answered())
        for data, mimetype, played in (
            (wave(kind=0x31), "audio/wav", False),
            (b"OggS\0\2" + bytes(50), "audio/ogg", True),
            ((b"\xd2" + bytes(32)) * 60, "audio/x-gsm", False),
        ):
            self.assertEqual(self.upload(data, file=f"{mimetype}{played}.mp3").status_code, 200)
            recording = self.Recording.search([], order="id desc", limit=1)
            self.assertEqual((recording.mimetype, recording.is_played), (mimetype, played))

    def test_what_is_no_sound(self):
        self.send(answered())
        for data in (b"<html><script>alert(1)</script></html>", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n"):
            self.refused(422, "sound", data=data)
        self.assertFalse(self.Recording.search([]))

    def test_unknown_call(self):
        self.refused(404, "call")
        self.send(answered())
        self.assertEqual(self.upload().status_code, 200)
        # an id of a leg is none of a call
        self.refused(404, "call", call="c.p", file="other.wav")

    def test_call_under_its_earlier_id(self):
        """The bridge heard of the recording before a transfer made one call of two."""
        first, second = answered("a", seconds=10), answered("b", number="+12025550102", seconds=60)
        self.send([*first, *second])
        self.assertEqual(self.upload(call="b", leg="b").status_code, 200)
        recording = self.Recording.search([])
        self.assertEqual(recording.call_id.call_ref, "b")
        self.send(told("8 transferred c attended a+b c", call="a"))
        call = self.calls()
        self.assertEqual(call.call_ref, "a")
        self.assertEqual(recording.exists().call_id, call, "it moves with its call")
        self.assertEqual(self.upload(call="b", leg="b", file="later.wav").status_code, 200)
        self.assertEqual(len(call.recording_ids), 2)

    def test_switch(self):
        self.send(answered())
        self.pbx.recordings_on = False
        self.refused(403, "recordings")
        self.assertFalse(self.post("scope", {"bridge": {"id": "b"}}).json()["recordings"])
        before = self.send()["scope"]
        self.pbx.recordings_on = True
        self.env.flush_all()
        self.assertNotEqual(self.send()["scope"], before, "the bridge learns of it")
        self.assertTrue(self.post("scope", {"bridge": {"id": "b"}}).json()["recordings"])
        self.assertEqual(self.upload().status_code, 200)

    def test_off_as_delivered(self):
        pbx = self.env["crm.voip.pbx"].create(
            {"name": "New", "company_id": self.company.id, "country_id": self.env.ref("base.nl").id}
        )
        self.assertFalse(pbx.recordings_on)
        self.assertEqual(pbx.recording_days, 30)
        with self.assertRaisesRegex(ValidationError, "announcement"):
            pbx.recordings_on = True
        pbx.write({"recordings_on": True, "recording_consent": CONSENT})

    def test_older_than_it_may_be_kept(self):
        self.pbx.recording_days = 1
        self.send(answered(start=START - timedelta(days=5)))
        self.refused(410, "gone", at=None)

    def test_deleted_does_not_come_back(self):
        recording = self.recorded()
        recording._forget("deleted")
        self.refused(410, "gone")
        self.assertFalse(self.files(recording))

    @mute_logger("odoo.addons.crm_voip_bridge.controllers.main")
    def test_who_does_not_sign(self):
        self.send(answered())
        about = self.about(wave())
        answers = {
            (response.status_code, response.text)
            for response in (
                self.upload(secret="wrong"),
                self.upload(key="unknown"),
                self.upload(moment=time.time() - 301),
                self.url_open("/crm_voip_bridge/v1/recording", data=wave()),
                self.url_open(
                    "/crm_voip_bridge/v1/recording",
                    data=wave(),
                    headers={
                        "Content-Type": "application/octet-stream",
                        # what was signed is another call's
                        **headers(self.secret, self.key, int(time.time()), json.dumps(about).encode()),
                        ABOUT_HEADER: json.dumps({**about, "call": "other"}),
                    },
                ),
            )
        }
        self.assertEqual({status for status, _text in answers}, {401})
        self.assertEqual(len(answers), 1)
        self.assertFalse(self.Recording.search([]))

    def test_another_file_than_the_announced_one(self):
        self.send(answered())
        data = wave()
        self.refused(422, "format", data=data + b"more", about=self.about(data))
        self.refused(422, "format", data=data[:-1] + b"x", about=self.about(data))
        self.assertFalse(self.Recording.search([]))

    def test_too_large(self):
        self.send(answered())
        self.refused(413, "too_large", size=MOST_BYTES + 1)
        response = self.upload(bytes(MOST_BYTES + 1))
        self.assertEqual(response.status_code, 413)
        self.assertFalse(self.Recording.search([]))

    def test_larger_than_a_batch_may_be(self):
        self.send(answered())
        self.assertEqual(self.upload(wave(600)).status_code, 200)
        self.assertEqual(self.Recording.search([]).seconds, 600)

    def test_not_understood(self):
        about = self.about(wave())
        for broken in (
            [],
            "text",
            {},
            {**about, "call": ""},
            {**about, "call": 5},
            {**about, "file": "x" * 256},
            {**about, "file": None},
            {**about, "size": -1},
            {**about, "size": "12"},
            {**about, "sha256": None},
            {**about, "leg": {}},
            {**about, "at": []},
        ):
            self.refused(422, "format", about=broken)

    def test_archived_and_neutralized(self):
        self.send(answered())
        self.pbx.active = False
        self.refused(403, "closed")
        self.pbx.active = True
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "true")
        self.refused(403, "closed")


@tagged("-at_install", "post_install")
class TestRecordingListening(RecordingCase):
    """Heard by those who have the right and see the call, in parts, and not without a note."""

    def people(self):
        """Everybody, with and without the right to listen, and who of them sees the call of Tom."""
        portal = new_test_user(self.env, "voip_portal", groups="base.group_portal", company_id=self.company.id)
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "voip_stranger",
            groups="crm_voip_bridge.group_all",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        return {
            self.tom: True,
            self.rina: False,
            self.nadia: True,
            self.jonas: False,
            self.boss: True,
            self.admin: True,
            self.clerk: False,
            stranger: False,
            portal: None,
        }

    def test_who_may_listen(self):
        recording = self.recorded(answered(phone="101"))
        for user, sees in self.people().items():
            self.assertEqual(self.hear(recording, user).status_code, 404, f"{user.login} without the right")
            if sees is None:
                continue
            user.group_ids = [Command.link(self.listen.id)]
            self.assertEqual(self.hear(recording, user).status_code, 200 if sees else 404, user.login)
        self.authenticate(None, None)
        answer = self.url_open(f"/crm_voip_bridge/recording/{recording.id}", allow_redirects=False)
        self.assertIn(answer.status_code, (302, 303))

    def test_no_other_way_in(self):
        recording = self.recorded()
        file = self.files(recording)
        system = new_test_user(
            self.env,
            "voip_system",
            groups="base.group_system,crm_voip_bridge.group_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        for user in (self.tom, self.boss, self.admin, system):
            user.group_ids = [Command.link(self.listen.id)]
            self.authenticate(user.login, user.login)
            self.env.flush_all()
            for path in (
                f"/web/content/crm.voip.recording/{recording.id}/content",
                f"/web/content/{file.id}",
                f"/web/content/ir.attachment/{file.id}/raw",
                f"/web/content?model=crm.voip.recording&id={recording.id}&field=content",
                f"/web/image/{file.id}",
            ):
                answer = self.url_open(path)
                self.assertNotIn(b"RIFF", answer.content[:100], f"{user.login}: {path}")
                self.assertIn(answer.status_code, (403, 404) if "image" not in path else (200, 403, 404), path)
            own = recording.with_user(user).with_context(allowed_company_ids=self.company.ids)
            for name in ("content", "file_name", "leg_ref", "file_ref"):
                with self.assertRaises(AccessError):
                    own.read([name])
            self.assertNotIn("content", own.read()[0])
            with self.assertRaises(AccessError):
                file.with_user(user).read(["raw"])
            with self.assertRaises(AccessError):
                file.with_user(user).read(["datas"])
            with self.assertRaises(AccessError):
                file.with_user(user).write({"public": True})
            with self.assertRaises(AccessError):
                file.with_user(user).generate_access_token()
        self.assertEqual(self.log_of(self.tom), [])

    def test_nobody_edits_or_makes_one(self):
        recording = self.recorded()
        for user in (self.tom, self.boss, self.admin):
            user.group_ids = [Command.link(self.listen.id)]
            own = recording.with_user(user).with_context(allowed_company_ids=self.company.ids)
            self.assertTrue(own.read(["seconds"]))
            with self.assertRaises(AccessError):
                own.write({"expires_on": "2030-01-01"})
            with self.assertRaises(AccessError):
                own.unlink()
            with self.assertRaises(AccessError):
                own.copy()

    def test_parts(self):
        """A player jumps by asking for a part."""
        recording = self.recorded()
        self.tom.group_ids = [Command.link(self.listen.id)]
        whole = self.hear(recording, self.tom)
        self.assertEqual((whole.status_code, whole.content), (200, wave()))
        self.assertEqual(whole.headers["Accept-Ranges"], "bytes")
        self.assertEqual(whole.headers["Content-Type"], "audio/wav")
        part = self.hear(recording, self.tom, headers={"Range": "bytes=100-199"})
        self.assertEqual((part.status_code, part.content), (206, wave()[100:200]))
        self.assertEqual(part.headers["Content-Range"], f"bytes 100-199/{len(wave())}")
        end = self.hear(recording, self.tom, headers={"Range": "bytes=-10"})
        self.assertEqual((end.status_code, end.content), (206, wave()[-10:]))
        beyond = self.hear(recording, self.tom, headers={"Range": f"bytes={len(wave())}-"})
        self.assertEqual(beyond.status_code, 416)

    def test_what_browsers_and_proxies_are_told(self):
        recording = self.recorded()
        self.tom.group_ids = [Command.link(self.listen.id)]
        answer = self.hear(recording, self.tom)
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(answer.headers["Cache-Control"], "private, no-store")
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
        self.assertEqual(
            answer.headers["Content-Disposition"], f"inline; filename=call-2026-11-02-0900-{recording.id}.wav"
        )
        self.env.flush_all()
        answer = self.url_open(f"/crm_voip_bridge/recording/{recording.id}?download=1")
        self.assertTrue(answer.headers["Content-Disposition"].startswith("attachment;"))
        # what no browser plays is not opened in one
        other = self.recorded(answered("d"), call="d", leg="d", data=wave(kind=0x31))
        answer = self.hear(other, self.tom)
        self.assertTrue(answer.headers["Content-Disposition"].startswith("attachment;"))

    def test_listening_is_noted(self):
        """For who is to be heard; a phone that only rang heard nothing."""
        recording = self.recorded(group(taker="101", losers=("102",)))
        for user in (self.tom, self.nadia, self.boss):
            user.group_ids = [Command.link(self.listen.id)]
        self.hear(recording, self.boss)
        self.hear(recording, self.boss, headers={"Range": "bytes=5-"})
        self.hear(recording, self.nadia)
        self.hear(recording, self.tom)
        self.assertEqual(sorted(self.log_of(self.tom), key=str), sorted([(self.boss, "c"), (self.nadia, "c")], key=str))
        self.assertEqual(self.log_of(self.rina), [])
        # nor does opening the call count as listening
        self.calls("c", user=self.boss).read(["recording_ids"])
        self.assertEqual(len(self.log_of(self.tom)), 2)

    def test_who_is_told_that_there_is_one(self):
        self.recorded()
        names = ("recording_ids", "has_sound")
        calls = self.calls("c")
        for user in (self.tom, self.nadia, self.boss):
            for name in names:
                self.assertNotIn(name, calls.with_user(user).fields_get(), user.login)
            self.assertTrue(calls.with_user(user).read())
        for user in (self.admin, self.tom):
            user.group_ids = [Command.link(self.listen.id)] if user == self.tom else []
            seen = self.env["crm.voip.call"].with_user(user).search([("has_sound", "=", True)])
            self.assertEqual((seen, seen.has_sound), (calls, True), user.login)
            self.assertFalse(seen.search([("has_sound", "=", False)]))
        self.assertTrue(self.calls("c", user=self.tom).recording_ids.can_listen)
        self.assertFalse(self.calls("c", user=self.admin).recording_ids.can_listen)

    def test_list_asks_once(self):
        """As many queries for many calls as for one."""
        self.send([event for place in range(12) for event in answered(f"c{place}")])
        for place in range(12):
            self.upload(call=f"c{place}", leg=f"c{place}")
        calls = self.calls()
        self.assertEqual(len(calls), 12)
        with self.assertQueryCount(1):
            self.assertEqual(calls.mapped("has_sound"), [True] * 12)


@tagged("-at_install", "post_install")
class TestRecordingEnd(RecordingCase):
    """What is deleted is gone, and it is said why."""

    def test_retention(self):
        old = self.recorded(answered("a", start=START - timedelta(days=20)), call="a", leg="a", at=None)
        new = self.recorded(answered("b"), call="b", leg="b")
        cron = self.env.ref("crm_voip_bridge.ir_cron_recording_expire")
        cron.method_direct_trigger()
        self.assertEqual((old | new).mapped("state"), ["kept", "kept"])
        with freeze_time("2026-11-13 12:00:00"):
            cron.method_direct_trigger()
        self.assertEqual((old.state, new.state), ("expired", "kept"))
        self.assertTrue(old.gone_at)
        self.assertFalse(self.files(old))
        self.assertEqual(self.files(new).raw, wave())
        self.assertTrue(old.call_id.exists(), "the call stays")
        self.assertFalse(old.call_id.has_sound)
        self.assertFalse(old.file_name, "names of files hold numbers")
        self.tom.group_ids = [Command.link(self.listen.id)]
        self.assertEqual(self.hear(old, self.tom).status_code, 410)
        with freeze_time("2027-01-01 12:00:00"):
            cron.method_direct_trigger()
        self.assertEqual(new.state, "expired")

    def test_days(self):
        recording = self.recorded()
        self.pbx.recording_days = 3
        self.assertEqual(recording.expires_on, fields.Date.to_date("2026-11-05"))
        # longer than was said when it was recorded: not for what is here
        self.pbx.recording_days = 300
        self.assertEqual(recording.expires_on, fields.Date.to_date("2026-11-05"))
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.pbx.recording_days = 0

    def test_switching_off_deletes_nothing(self):
        recording = self.recorded()
        self.pbx.recordings_on = False
        self.tom.group_ids = [Command.link(self.listen.id)]
        self.assertEqual(self.hear(recording, self.tom).status_code, 200)

    def delete(self, recording, user, reason):
        own = recording.with_user(user).with_context(allowed_company_ids=self.company.ids)
        action = own.action_delete()
        wizard = self.env[action["res_model"]].with_user(user).with_context(**action["context"])
        return wizard.with_context(allowed_company_ids=self.company.ids).create({"reason": reason}).action_delete()

    def test_deletion_on_request(self):
        recording = self.recorded()
        for user in (self.tom, self.boss):
            user.group_ids = [Command.link(self.listen.id)]
            with self.assertRaises(AccessError):
                self.delete(recording, user, "I said something silly")
            with self.assertRaises(AccessError):
                recording.with_user(user)._delete_on_request("Without the form")
        with self.assertRaises(UserError):
            self.delete(recording, self.admin, "  ")
        self.assertTrue(self.files(recording))
        self.delete(recording, self.admin, "<b>Asked</b> for by the customer")
        self.assertEqual((recording.state, recording.gone_by_id), ("deleted", self.admin))
        self.assertEqual(recording.reason, "<b>Asked</b> for by the customer")
        self.assertFalse(self.files(recording))
        message = recording.call_id.message_ids[0]
        self.assertIn("&lt;b&gt;Asked&lt;/b&gt;", message.body)
        self.assertEqual(message.author_id, self.admin.partner_id)
        # the time of a deleted one does not run out once more
        with freeze_time("2027-01-01 12:00:00"):
            self.Recording._cron_expire()
        self.assertEqual(recording.state, "deleted")
