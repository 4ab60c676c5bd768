import base64
import hashlib
import hmac
import time
from pathlib import Path
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import VoipHttpCase
from .test_webhook import QUIET

DATA = Path(__file__).parents[1] / "lib" / "tests" / "data"
CUSTOMER = "+12025550101"
FORM = "application/x-www-form-urlencoded"


class ProviderCase(VoipHttpCase):
    """A provider posts the bodies of its documentation, signed as it signs."""

    kind = ""
    phone = "101"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pbx.kind = cls.kind
        cls.secret = cls._make_secret()
        cls.env["crm.voip.pbx.secret"]._keep(cls.pbx, cls.secret)
        if cls.phone != "101":
            cls.phones["101"].number = cls.phone
        cls.env.flush_all()
        cls.env.registry.clear_cache()
        cls.path = f"/crm_voip_bridge/v1/webhook/{cls.pbx.webhook_token}"

    @classmethod
    def _make_secret(cls):
        return "a-token-of-some-length"

    def signed(self, body):
        """:return: the headers with which the provider sends this body"""
        raise NotImplementedError

    def forged(self, body):
        """:return: headers that must not do for this body"""
        kind = self.signed(body)["Content-Type"]
        # another body's signature, and none
        return [self.signed(self.bodies("missed")[-1]), {"Content-Type": kind}]

    def bodies(self, story):
        return (DATA / self.kind / f"{story}.txt").read_bytes().splitlines()

    def post(self, body, headers=None, status=200):
        response = self.url_open(self.path, data=body, headers=self.signed(body) if headers is None else headers)
        self.assertEqual(response.status_code, status, response.text)
        self.env.invalidate_all()
        return response

    def tell(self, story):
        for body in self.bodies(story):
            self.post(body)
        return self.calls()

    @mute_logger(QUIET)
    def _check(self, ring):
        """An answered call, posted backwards and twice, then with a wrong signature."""
        bodies = self.bodies("answered")
        for body in [*reversed(bodies), *bodies]:
            self.post(body)
        call = self.calls()
        self.assertEqual(len(call), 1)
        self.assertEqual((call.disposition, call.talk_s, call.ring_s), ("answered", 60, ring))
        self.assertEqual((call.outside_e164, call.user_id, call.leg_ids.number), (CUSTOMER, self.tom, self.phone))
        self.assertEqual((self.pbx.connection, self.pbx.refused_count), ("connected", 0))
        for headers in self.forged(bodies[0]):
            self.post(bodies[0], headers, 401)

    def _check_unrecorded(self):
        """Of a phone that is not ticked nothing is kept but a count."""
        self.phones["101"].recorded = False
        self.env.flush_all()
        self.env.registry.clear_cache()
        self.assertFalse(self.tell("answered"))
        self.env.cr.execute(
            "UPDATE crm_voip_held SET arrived_at = arrived_at - interval '1 hour' WHERE event_id NOT LIKE '~%'"
        )
        self.env["crm.voip.held"]._cron_decide()
        self.env.invalidate_all()
        self.assertFalse(self.calls())
        self.env.cr.execute(
            "SELECT count(*) FROM crm_voip_held WHERE event_id NOT LIKE '~%' OR content::text LIKE '%5550101%'"
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))
        self.assertEqual(self.pbx.outside_count, 1)


@tagged("-at_install", "post_install")
class TestTwilio(ProviderCase):
    kind = "twilio"
    phone = "alice"

    def signed(self, body):
        text = self.pbx.webhook_url + "".join(map("".join, sorted(parse_qsl(body.decode(), keep_blank_values=True))))
        digest = hmac.digest(self.secret.encode(), text.encode(), hashlib.sha1)
        return {"Content-Type": FORM, "X-Twilio-Signature": base64.b64encode(digest).decode()}

    def test_answered(self):
        self._check(ring=7)

    def test_unrecorded(self):
        self._check_unrecorded()

    def test_what_is_not_told_is_empty(self):
        call = self.tell("answered")
        self.assertFalse(call.hold_s)
        self.assertIn("hold was not measured", call.notes)

    def test_calls_that_meet_in_a_conference(self):
        self.phones["102"].number = "bob"
        self.env.flush_all()
        self.env.registry.clear_cache()
        self.tell("transfer")
        self.env.cr.execute("UPDATE crm_voip_held SET arrived_at = arrived_at - interval '1 hour'")
        self.env["crm.voip.held"]._cron_decide()
        self.env.invalidate_all()
        call = self.calls()
        self.assertEqual(len(call), 1)
        self.assertEqual((call.talk_s, call.hold_s), (65, 15))
        self.assertEqual(set(call.leg_ids.mapped("number")), {"alice", "bob"})


@tagged("-at_install", "post_install")
class TestFreeSwitch(ProviderCase):
    kind = "freeswitch"

    def signed(self, body):
        token = base64.b64encode(f"odoo:{self.secret}".encode()).decode()
        kind = FORM if body.startswith(b"cdr=%") else "application/json"
        return {"Content-Type": kind, "Authorization": f"Basic {token}"}

    def forged(self, body):
        return [{"Content-Type": FORM, "Authorization": "Basic b2Rvbzp4"}, {"Content-Type": FORM}]

    def test_answered(self):
        self._check(ring=4.7)

    def test_unrecorded(self):
        self._check_unrecorded()

    def test_form(self):
        self.assertTrue(self.bodies("hold")[0].startswith(b"cdr=%"))
        self.assertEqual(self.tell("hold").hold_s, 20)

    @mute_logger(QUIET)
    def test_token_in_the_address(self):
        for body in self.bodies("missed"):
            # as the module asks for it, whatever the address has already
            address = f"{self.path}?token={self.secret}?uuid=1"
            self.assertEqual(self.url_open(address, data=body, headers={"Content-Type": FORM}).status_code, 200)
        self.assertEqual(self.calls().disposition, "missed")


@tagged("-at_install", "post_install")
class TestRingCentral(ProviderCase):
    kind = "ringcentral"

    def signed(self, body):
        return {"Content-Type": "application/json", "Verification-Token": self.secret}

    def forged(self, body):
        return [{"Content-Type": "application/json", "Verification-Token": "x"}, {"Content-Type": "application/json"}]

    def test_answered(self):
        self._check(ring=6.25)

    def test_unrecorded(self):
        self._check_unrecorded()

    def test_attended_transfer_joins_two_sessions(self):
        call = self.tell("transfer_attended")
        self.assertEqual(len(call), 1)
        self.assertEqual((call.talk_s, call.hold_s), (60, 20))
        self.assertEqual(set(call.leg_ids.mapped("number")), {"101", "102"})

    @mute_logger(QUIET)
    def test_handshake(self):
        asked = {"Content-Type": "application/json", "Validation-Token": "b0a4-77"}
        answer = self.post(b"", asked)
        self.assertEqual(answer.headers["Validation-Token"], "b0a4-77")
        # the provider takes 1024 bytes at most, headers included
        size = sum(len(f"{name}: {text}\r\n") for name, text in answer.headers.items())
        self.assertLess(size + len(answer.content), 900)
        self.assertFalse(self.pbx.state_ids)
        self.pbx.secret_ids.action_revoke()
        self.assertNotIn("Validation-Token", self.post(b"", asked, 401).headers)


@tagged("-at_install", "post_install")
class TestTelnyx(ProviderCase):
    kind = "telnyx"
    phone = "alice"

    @classmethod
    def _make_secret(cls):
        cls.key = Ed25519PrivateKey.generate()
        return base64.b64encode(cls.key.public_key().public_bytes_raw()).decode()

    def signed(self, body):
        stamp = str(int(time.time()))
        signature = base64.b64encode(self.key.sign(f"{stamp}|".encode() + body)).decode()
        return {"Content-Type": "application/json", "telnyx-timestamp": stamp, "telnyx-signature-ed25519": signature}

    def test_answered(self):
        self._check(ring=5.75)

    def test_unrecorded(self):
        self._check_unrecorded()

    def test_queue(self):
        call = self.tell("queue")
        self.assertEqual((call.queue, round(call.queue_s, 3), call.talk_s), ("support", 12.2, 30))
