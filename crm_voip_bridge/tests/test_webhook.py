import base64
import hashlib
import hmac
import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.addons.crm_voip_bridge.lib.adapters import ADAPTERS, register
from odoo.addons.crm_voip_bridge.lib.adapters.base import Adapter, Answer, BadSignature, line, matches, phone
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import CUSTOMER, OUR_NUMBER, START, VoipHttpCase, answered

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKEN = "a-token-of-some-length"
QUIET = "odoo.addons.crm_voip_bridge.controllers.webhook"


def call(ident="h1", **values):
    """A finished call in the generic adapter's form."""
    return {
        "id": ident,
        "direction": "inbound",
        "from": CUSTOMER,
        "to": OUR_NUMBER,
        "started_at": "2026-11-02T09:00:00Z",
        "duration_s": 60,
        "talk_s": 45,
        "result": "answered",
        "extension": "101",
        "ivr_s": 0,
        "queue": "",
        "hold_s": 0,
        **values,
    }


class WebhookCase(VoipHttpCase):
    kind = "generic"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pbx.kind = cls.kind
        cls.env["crm.voip.pbx.secret"]._keep(cls.pbx, TOKEN)
        cls.env.flush_all()
        cls.env.registry.clear_cache()
        cls.path = f"/crm_voip_bridge/v1/webhook/{cls.pbx.webhook_token}"

    def hook(self, content, *, path=None, token=TOKEN, status=200, headers=None, kind="application/json"):
        """Post, and return the answer, which must have this status."""
        body = content if isinstance(content, (bytes, str)) else json.dumps(content)
        said = {"Content-Type": kind, "Authorization": f"Bearer {token}"} if headers is None else headers
        response = self.url_open(path or self.path, data=body, headers=said)
        self.assertEqual(response.status_code, status, response.text)
        self.env.invalidate_all()
        return response

    def later(self, seconds):
        """What waits has waited so much longer; then the scheduled action runs."""
        self.env.cr.execute("UPDATE crm_voip_held SET arrived_at = arrived_at - %s * interval '1 second'", [seconds])
        self.env["crm.voip.held"]._cron_decide()
        self.env.invalidate_all()

    def held(self):
        self.env.cr.execute("SELECT event_id, call_ref, content::text FROM crm_voip_held ORDER BY id")
        return self.env.cr.fetchall()


@tagged("-at_install", "post_install")
class TestWebhook(WebhookCase):
    """A hosted PBX's reports become calls, once, in any order, and only those that may be recorded."""

    def test_finished_call(self):
        answer = self.hook({"calls": [call()]}).json()
        self.assertEqual(answer["refused"], [])
        self.assertGreater(answer["accepted"], 5)
        one = self.calls("h1")
        self.assertEqual(
            (one.direction, one.disposition, one.talk_s, one.ring_s, one.outside_e164, one.user_id),
            ("inbound", "answered", 45, 15, CUSTOMER, self.tom),
        )
        # again: known, and nothing changes
        before = one.write_date
        again = self.hook({"calls": [call()]}).json()
        self.assertEqual((again["accepted"], again["known"]), (0, answer["accepted"]))
        self.assertEqual(self.calls("h1").write_date, before)
        self.assertEqual(self.pbx.connection, "connected")
        self.assertEqual(self.pbx.state_ids.bridge, "webhook")

    def test_live_events(self):
        events = [event.to_dict() for event in answered()]
        self.assertEqual(self.hook({"events": events[:3]}).json()["accepted"], 3)
        self.assertEqual(self.calls().disposition, "in_progress")
        self.hook({"events": events[3:]})
        self.assertEqual((self.calls().disposition, self.calls().talk_s), ("answered", 60))

    def test_any_order(self):
        for event in reversed(answered()):
            self.hook({"events": [event.to_dict()]})
        self.assertEqual(
            (self.calls().disposition, self.calls().talk_s, len(self.calls().leg_ids)), ("answered", 60, 1)
        )
        self.assertFalse(self.held())

    def test_bad_parts_block_no_good_one(self):
        answer = self.hook({"calls": [{"id": "bad", "from": CUSTOMER}, call()], "events": ["x"]}).json()
        self.assertEqual(len(answer["refused"]), 2)
        self.assertTrue(self.calls("h1"))
        self.assertEqual(self.pbx.refused_count, 2)
        # nothing of what was in it is kept: it may have been a call that is not to be recorded
        self.assertNotIn(CUSTOMER, str(self.pbx.refused_ids.mapped("excerpt")))
        answer = self.hook(b'{"calls": ', status=422).json()
        self.assertIn("no JSON", answer["error"])
        self.hook({"calls": [{"id": "bad", "from": CUSTOMER}]})
        self.assertEqual(self.pbx.refused_count, 3)

    # --- who may ---

    @mute_logger(QUIET)
    def test_without_the_secret_nothing(self):
        texts = {
            self.hook({"calls": [call()]}, token="wrong-token-of-length", status=401).text,
            self.hook({"calls": [call()]}, headers={}, status=401).text,
            self.hook({"calls": [call()]}, path=f"{self.path}x", status=401).text,
        }
        self.pbx.secret_ids.action_revoke()
        texts.add(self.hook({"calls": [call()]}, status=401).text)
        self.pbx.kind = "asterisk"
        self.env.flush_all()
        texts.add(self.hook({"calls": [call()]}, status=401).text)
        # the answers do not tell whether there is such an address, or a secret
        self.assertEqual(len(texts), 1)
        self.assertFalse(self.calls())
        self.assertFalse(self.pbx.state_ids)

    def test_older_secrets_go_on_for_a_week(self):
        self.env["crm.voip.pbx.secret"]._keep(self.pbx, "another-token-of-length")
        self.env.flush_all()
        self.hook({"calls": [call("a")]})
        self.hook({"calls": [call("b")]}, token="another-token-of-length")
        self.assertEqual(len(self.calls()), 2)
        with self.enterContext(mute_logger(QUIET)) or patch.object(
            fields.Datetime, "now", lambda: fields.Datetime.from_string("2100-01-01")
        ):
            secrets = self.env["crm.voip.pbx.secret"]._secrets(self.pbx)
        self.assertEqual(secrets, ["another-token-of-length"])

    def test_archived_and_neutralized(self):
        self.pbx.active = False
        self.env.flush_all()
        self.hook({"calls": [call()]}, status=403)
        self.pbx.active = True
        self.env["ir.config_parameter"].set_param("database.is_neutralized", True)
        self.env.flush_all()
        self.hook({"calls": [call()]}, status=403)

    def test_secret_is_nowhere(self):
        secret = self.pbx.secret_ids.with_user(self.admin)
        self.assertNotIn("secret", secret._fields)
        self.assertNotIn(TOKEN, str(secret.read()))
        form = Form(self.env["crm.voip.pbx.secret.new"].with_user(self.admin).with_context(default_pbx_id=self.pbx.id))
        made = form.secret
        self.assertGreater(len(made), 30)
        wizard = form.save()
        self.assertFalse(wizard.read(["secret"])[0]["secret"])
        self.assertEqual(self.env["crm.voip.pbx.secret"]._secrets(self.pbx)[0], made)
        self.env.flush_all()
        self.hook({"calls": [call()]}, token=made)
        with self.assertRaises(AccessError):
            self.env["crm.voip.pbx.secret.new"].with_user(self.boss).create({"pbx_id": self.pbx.id, "secret": "x" * 20})
        with self.assertRaises(ValidationError):
            self.env["crm.voip.pbx.secret.new"].with_user(self.admin).create({"pbx_id": self.pbx.id, "secret": "short"})
        with self.assertRaises(AccessError):
            self.pbx.with_user(self.boss).read(["webhook_token"])

    @mute_logger("odoo.addons.crm_voip_bridge.controllers.main", QUIET)
    def test_a_form_is_no_trouble(self):
        """Odoo takes a form's fields for arguments: one that is called self would be a traceback."""
        for path in (self.path, "/crm_voip_bridge/v1/events", "/crm_voip_bridge/v1/recording"):
            self.hook("self=1&token=2&args=3", path=path, headers=FORM, status=401)
            self.hook("self=1", path=f"{path}?self=2&endpoint=3", headers=FORM, status=401)

    # --- what may be recorded ---

    def test_unticked_phone(self):
        answer = self.hook({"calls": [call("a", extension="109"), call("b", extension="777")]}).json()
        self.assertEqual(answer["accepted"], 0)
        self.later(120)
        self.assertFalse(self.calls())
        self.assertEqual(self.pbx.outside_count, 2)
        # the phone that nobody knew can be ticked now
        self.assertFalse(self.pbx.extension_ids.filtered(lambda one: one.number == "777").recorded)
        # of calls that are left out, nothing remains but their ids; a late repeat is not counted again
        self.assertNotIn(CUSTOMER, str(self.held()))
        self.hook({"calls": [call("a", extension="109")]})
        self.later(120)
        self.assertFalse(self.calls())
        self.assertEqual(self.pbx.outside_count, 2)
        self.assertNotIn(CUSTOMER, str(self.held()))
        self.later(3 * 86400)
        self.assertFalse(self.held())

    def test_legs_of_unticked_phones_are_left_out(self):
        phones = [{"number": "101", "answered_at": "2026-11-02T09:00:15Z"}, {"number": "109", "outcome": "elsewhere"}]
        self.hook({"calls": [call(extension=None, phones=phones)]})
        self.assertEqual(self.calls().leg_ids.mapped("number"), ["101"])
        self.assertFalse(self.env["crm.voip.journal"].search([("leg_ref", "like", "109")]))

    def test_phone_without_a_number_is_one(self):
        """alice is a phone, though no digits say so: unticked until somebody ticks her."""
        self.hook({"calls": [call("a", extension="alice")]})
        self.later(120)
        self.assertFalse(self.calls())
        found = self.pbx.extension_ids.filtered(lambda one: one.number == "alice")
        self.assertFalse(found.recorded)
        found.write({"recorded": True, "recorded_since": False, "user_id": self.tom.id})
        self.env.flush_all()
        self.hook({"calls": [call("b", extension="alice")]})
        self.assertEqual(self.calls("b").user_id, self.tom)

    def test_never_logged_number(self):
        self.env["crm.voip.never"].create({"number": CUSTOMER, "company_id": self.company.id, "user_id": False})
        self.env["crm.voip.never"].create(
            {"number": "+31207654321", "company_id": self.company.id, "user_id": self.rina.id}
        )
        self.env.flush_all()
        self.hook(
            {
                "calls": [
                    call("a"),
                    call("b", **{"from": "+31207654321"}),
                    call("c", **{"from": "0207654321"}, extension="102"),
                ]
            }
        )
        self.later(120)
        # Rina's number counts for Rina's calls only
        self.assertEqual(self.calls().mapped("call_ref"), ["b"])
        self.assertEqual(self.pbx.outside_count, 2)
        self.env.cr.execute("SELECT string_agg(data::text, '') FROM crm_voip_journal WHERE call_ref != 'b'")
        self.assertFalse(self.env.cr.fetchone()[0])
        self.assertNotIn(CUSTOMER, str(self.held()))

    @mute_logger(QUIET)
    def test_address_that_is_no_text_is_nobody_s(self):
        for token in ("%00", "%E2%80%AE", "nobody"):
            self.hook({}, path=f"/crm_voip_bridge/v1/webhook/{token}", status=401)

    def test_nobody_touched_is_kept_after_a_while(self):
        """A call that reached no phone may be kept, but not before no further report can name one."""
        silent = call(extension=None, result="machine", talk_s=None)
        self.assertGreater(self.hook({"calls": [silent]}).json()["waiting"], 0)
        self.assertFalse(self.calls())
        self.env["crm.voip.held"]._cron_decide()
        self.assertFalse(self.calls())
        self.later(61)
        self.assertEqual(self.calls().disposition, "machine")
        self.assertFalse(self.held())

    def test_what_is_never_decided_goes(self):
        self.hook({"events": [answered()[1].to_dict()]})
        self.assertEqual(len(self.held()), 1)
        self.later(25 * 3600)
        self.assertFalse(self.calls())
        self.assertNotIn("101", str(self.held()))

    def test_ticked_since(self):
        self.phones["101"].recorded_since = "2026-11-02 10:00:00"
        self.env.flush_all()
        self.hook({"calls": [call("a"), call("b", started_at="2026-11-02T10:00:01Z")]})
        self.later(120)
        self.assertEqual(self.calls().mapped("call_ref"), ["b"])

    # --- an adapter of somebody else ---

    def test_a_further_adapter(self):
        """One class, and one selection value."""

        class Sparrow(Adapter):
            name = "sparrow"
            label = "Sparrow"
            capabilities = frozenset({"live"})

            def verify(self, request, secrets, now):
                if not matches(request.headers.get("x-sparrow", ""), secrets):
                    raise BadSignature("the header does not fit")

            def challenge(self, request):
                return Answer(200, request.query["hello"].encode()) if "hello" in request.query else None

            def read(self, request):  # pylint: disable=unknown-option-value,method-required-super
                said = request.fields()
                yield self.event("started", said["id"], said["id"], START, channel=line(), number=said["from"])
                yield self.event("ringing", said["id"], "p", START, channel=phone(said["ext"]), by=said["id"])
                yield self.event("ended", said["id"], "", START + timedelta(seconds=9))

        register(Sparrow())
        self.addCleanup(ADAPTERS.pop, "sparrow")
        field = self.pbx._fields["kind"]
        selection = [*field.selection, ("sparrow", "Sparrow")]  # what selection_add would do
        self.patch(field, "selection", selection)
        self.patch(field, "_selection", dict(selection))
        self.pbx.kind = "sparrow"
        self.env.flush_all()
        self.assertTrue(self.pbx.can_live and not self.pbx.can_hold)
        form = "id=s1&from=%2B12025550101&ext=101"
        sent = {"Content-Type": "application/x-www-form-urlencoded", "X-Sparrow": TOKEN}
        self.hook(form, headers=sent)
        self.assertEqual(self.calls("s1").disposition, "missed")
        self.assertEqual(self.calls("s1").leg_ids.user_id, self.tom)
        self.assertEqual(self.url_open(f"{self.path}?hello=42").text, "42")
        # its own mistakes are no failure of Odoo's: the provider would send the same for ever
        with mute_logger(QUIET):
            self.hook("id=s2", headers=sent)
        self.assertEqual(self.pbx.refused_count, 1)
        # what a form calls its fields is nothing to Odoo
        self.hook("self=1&token=2&cls=3&id=s3&from=x&ext=101", headers=sent)
        with self.assertRaises(ValueError):
            register(type("Bad", (Adapter,), {"name": "odoo"})())


@tagged("-at_install", "post_install")
class TestThreeCx(WebhookCase):
    kind = "3cx"

    def auth(self, token=TOKEN):
        return {
            "Content-Type": "application/json",
            "Authorization": "Basic " + base64.b64encode(f"3cx:{token}".encode()).decode(),
        }

    def report(self, **values):
        times = ("2026-11-02T09:00:00Z", "2026-11-02T09:00:08Z", "2026-11-02T09:01:08Z")
        times = dict(zip(("started_at", "answered_at", "ended_at"), times, strict=True))
        return {"type": "Inbound", "number": CUSTOMER, "agent": "101", "duration": "00:01:00", **times, **values}

    def test_report(self):
        self.hook(self.report(), headers=self.auth())
        one = self.calls()
        self.assertEqual((one.disposition, one.talk_s, one.user_id), ("answered", 60, self.tom))
        self.assertEqual((one.hold_s, one.ivr_s), (False, False))
        with mute_logger(QUIET):
            self.hook(self.report(), headers=self.auth("wrong"), status=401)
            self.hook(self.report(), headers={"Authorization": "Basic !!"}, status=401)

    def test_lookup(self):
        partner = self.env["res.partner"].create({"name": "Ada Finch", "phone": CUSTOMER})
        self.env.flush_all()

        def look(number):
            response = self.url_open(f"{self.path}/lookup?number={number}", headers=self.auth())
            self.assertEqual(response.status_code, 200, response.text)
            return response.json()["contact"]

        self.assertEqual(look("%2B12025550101")["last_name"], "Ada Finch")
        self.assertIn(f"res_id={partner.id}", look("0012025550101")["url"])
        # who is unknown is called by the number, else 3CX would not report the call
        self.assertEqual(look("0301000142")["last_name"], "+31301000142")
        with mute_logger(QUIET):
            self.assertEqual(self.url_open(f"{self.path}/lookup?number=1").status_code, 401)

    def test_template(self):
        self.pbx.name = 'A & "B" <C>'
        self.env.flush_all()
        self.authenticate("voip_admin", "voip_admin")
        text = self.url_open(f"/crm_voip_bridge/pbx/{self.pbx.id}/3cx.xml").text
        from lxml import etree

        tree = etree.fromstring(text.encode())
        self.assertEqual(tree.get("Name"), 'Odoo: A & "B" <C>')
        urls = [request.get("Url") for request in tree.iter("Request")]
        self.assertEqual(urls, [f"{self.pbx.webhook_url}/lookup?number=[Number]", self.pbx.webhook_url])
        self.assertNotIn(TOKEN, text)
        self.authenticate("voip_tom", "voip_tom")
        self.assertEqual(self.url_open(f"/crm_voip_bridge/pbx/{self.pbx.id}/3cx.xml").status_code, 404)


@tagged("-at_install", "post_install")
class TestYeastar(WebhookCase):
    kind = "yeastar"

    def push(self, kind, msg, secret=TOKEN, **values):
        body = json.dumps({"type": kind, "sn": "3631A0000000", "msg": msg}).encode()
        signed = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
        return self.hook(body, headers={"Content-Type": "application/json", "X-Signature": signed}, **values)

    def state(self, *members):
        return self.push(30011, json.dumps({"call_id": "y1", "members": members}))

    def test_call_as_it_happens(self):
        def inbound(status):
            return {
                "inbound": {
                    "from": CUSTOMER,
                    "to": OUR_NUMBER,
                    "trunk_name": "north",
                    "channel_id": "t",
                    "member_status": status,
                }
            }

        def extension(number, status):
            return {"extension": {"number": number, "channel_id": f"PJSIP/{number}-1", "member_status": status}}

        self.state(inbound("ALERT"), extension("101", "RING"), extension("109", "RING"))
        one = self.calls()
        self.assertEqual(
            (one.disposition, one.outside_e164, one.leg_ids.mapped("number")), ("in_progress", CUSTOMER, ["101"])
        )
        self.state(inbound("ANSWERED"), extension("101", "ANSWER"))
        self.state(extension("101", "HOLD"))
        self.state(extension("101", "ANSWER"))
        self.state(inbound("BYE"))
        self.assertEqual(self.calls().disposition, "answered")
        with mute_logger(QUIET):
            self.push(30011, "{}", secret="wrong-secret", status=401)
