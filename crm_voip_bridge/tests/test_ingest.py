import json
import time

from psycopg2 import OperationalError

from odoo.addons.crm_voip_bridge.controllers.main import MAX_BODY
from odoo.addons.crm_voip_bridge.lib.events import format_time
from odoo.addons.crm_voip_bridge.lib.signature import headers
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CUSTOMER, VoipHttpCase, answered, missed, told


@tagged("-at_install", "post_install")
class TestIngest(VoipHttpCase):
    """What a bridge sends is kept once, whatever happens, and the answer says what became of it."""

    # --- calls ---

    def test_call_is_logged(self):
        answer = self.send(answered())
        self.assertEqual((answer["accepted"], answer["known"], answer["refused"]), (12, 0, []))
        call = self.calls()
        self.assertEqual(call.company_id, self.company)
        self.assertEqual((call.direction, call.disposition), ("inbound", "answered"))
        self.assertEqual((call.outside_number, call.outside_e164), (CUSTOMER, CUSTOMER))
        self.assertEqual((call.ring_s, call.talk_s, call.hold_s), (4.9, 60, 0))
        self.assertEqual(call.user_id, self.tom)
        self.assertEqual(call.leg_ids.mapped("outcome"), ["answered"])
        self.assertEqual(call.create_uid.id, 1)

    def test_again_is_the_same_call(self):
        self.send(answered())
        call = self.calls()
        before = call.write_date
        answer = self.send(answered())
        self.assertEqual((answer["accepted"], answer["known"]), (0, 12))
        self.assertEqual(self.calls(), call)
        self.assertEqual(call.write_date, before)

    def test_any_order_event_by_event(self):
        for event in reversed(answered()):
            self.send([event])
        call = self.calls()
        self.assertEqual((call.disposition, call.talk_s, len(call.leg_ids)), ("answered", 60, 1))

    def test_grows_while_it_runs(self):
        events = answered()
        self.send(events[:3])
        call = self.calls()
        self.assertEqual((call.disposition, call.talk_s or False), ("in_progress", False))
        self.send(events[3:])
        self.assertEqual((call.disposition, call.talk_s), ("answered", 60))

    def test_same_event_twice_in_one_batch(self):
        events = answered()
        answer = self.send([*events, *events])
        self.assertEqual((answer["accepted"], answer["known"]), (12, 12))
        self.assertEqual(len(self.calls()), 1)

    # --- bad events ---

    def test_bad_event_blocks_no_good_one(self):
        bad = [
            {"type": "started"},
            "text",
            {"id": "x", "type": "no such type", "call": "c"},
            {"id": "y\ud800", "type": "held", "call": "c"},
            {"id": "z", "type": "held", "call": "c", "data": {"value": float("inf")}},
            {"id": "p", "type": "picked", "call": "c", "data": {"author": 2, "partner": 1}},
        ]
        answer = self.send([bad[0], *answered(), *bad[1:]])
        self.assertEqual(answer["accepted"], 12)
        self.assertEqual([refused["index"] for refused in answer["refused"]], [0, 13, 14, 15, 16, 17])
        self.assertEqual(answer["refused"][2]["id"], "x")
        self.assertTrue(all(refused["reason"] for refused in answer["refused"]))
        self.assertEqual(self.calls().disposition, "answered")
        # kept, and once however often it comes
        self.send(bad)
        kept = self.pbx.refused_ids
        self.assertEqual(len(kept), 6)
        self.assertEqual(self.pbx.refused_count, 6)
        self.assertIn("no such type", kept.mapped("excerpt")[3])

    def test_bridge_may_say_that_a_call_is_gone(self):
        """After a crash the PBX does not have the call any more; nobody saw its end."""
        begun = answered()[:8]
        self.send(begun)
        self.assertEqual(self.calls().disposition, "in_progress")
        gone = {
            "id": "gone",
            "type": "closed",
            "call": "c",
            "at": format_time(begun[-1].at),
            "source": "ami",
            "data": {},
        }
        self.assertEqual(self.send([gone])["accepted"], 1)
        self.assertEqual((self.calls().disposition, self.calls().ended_at), ("answered", False))
        self.assertIn("end was not seen", self.calls().notes)
        # an entry of a person is made in Odoo, whatever a bridge says
        forged = [{**gone, "id": "a", "source": "odoo"}, {**gone, "id": "b", "data": {"author": 2}}]
        self.assertEqual(len(self.send(forged)["refused"]), 2)

    def test_hostile_texts(self):
        events = answered(number="\u202e<script>alert(1)</script>")
        events[0].data["name"] = "\x00\ud800<b>\u202e"
        events[0].data["dialled"] = "x" * 5000
        self.send(events)
        call = self.calls()
        self.assertEqual(call.disposition, "answered")
        self.assertNotIn("\x00", call.name or "")

    def test_ids_from_outside_that_are_no_ids(self):
        event = told("1 held p").pop().to_dict()
        event["data"] = {"calls": [1, None, {"a": 1}, "", "x" * 500], "legs": "text"}
        answer = self.send([*answered(), event])
        self.assertEqual(answer["accepted"], 13)
        self.assertEqual(len(self.calls()), 1)

    # --- the rest of a request ---

    def test_heartbeat_turns_nothing_green(self):
        self.send()
        self.assertEqual(self.pbx.connection, "never")
        self.assertTrue(self.pbx.last_seen_at)
        self.send(answered()[:1])
        self.assertEqual(self.pbx.connection, "connected")
        self.assertAlmostEqual(self.pbx.clock_difference, 0, delta=5)

    def test_bridge_tells_of_itself(self):
        bridge = {"id": "b", "version": "1", "now": "2026-01-01T00:00:00Z", "waiting": 17, "pbx": "connecting"}
        self.send(bridge=bridge)
        self.assertEqual(self.pbx.waiting, 17)
        self.assertLess(self.pbx.clock_difference, -1000)
        self.assertEqual(self.pbx.state_ids.pbx_says, "connecting")

    def test_outside_scope_counts_never_shrink(self):
        self.send(outside={"2026-11-22": 17, "2026-11-23": 1})
        self.send(outside={"2026-11-22": 12})
        self.assertEqual(sum(self.pbx.outside_ids.mapped("count")), 18)
        self.assertEqual(self.pbx.outside_count, 18)
        # another bridge of the same PBX counts the same calls
        self.send(outside={"2026-11-22": 17, "2026-11-24": 2}, bridge={"id": "bridge-2"})
        self.assertEqual(self.pbx.outside_count, 20)

    def test_discovered_extensions_come_in_unticked(self):
        before = self.send()["scope"]
        after = self.send(discovered=["107", "101", "1x"])["scope"]
        self.assertNotEqual(before, after)
        found = self.pbx.extension_ids.filtered(lambda extension: extension.number == "107")
        self.assertEqual((len(found), found.recorded, found.user_id.id), (1, False, False))
        self.assertEqual(len(self.pbx.extension_ids.filtered(lambda one: one.number == "101")), 1)

    # --- who may send ---

    @mute_logger("odoo.addons.crm_voip_bridge.controllers.main")
    def test_same_answer_to_whoever_does_not_sign(self):
        content = self.content(answered())
        answers = {
            (response.status_code, response.text)
            for response in (
                self.post("events", content, secret="wrong"),
                self.post("events", content, key="unknown"),
                self.post("events", content, moment=time.time() - 301),
                self.post("events", content, moment=time.time() + 301),
                self.post("events", content, extra={"X-Voip-Timestamp": "soon"}),
                self.post("events", content, extra={"X-Voip-Signature": ""}),
                self.url_open("/crm_voip_bridge/v1/events", data=json.dumps(content)),
            )
        }
        self.assertEqual(len(answers), 1)
        status, text = answers.pop()
        self.assertEqual((status, json.loads(text)["error"]), (401, "signature"))
        self.assertFalse(self.calls())

    @mute_logger("odoo.addons.crm_voip_bridge.controllers.main")
    def test_body_is_signed(self):
        body = json.dumps(self.content(answered())).encode()
        response = self.post("events", body)
        self.assertEqual(response.status_code, 200)
        signed = headers(self.secret, self.key, int(time.time()), body)
        response = self.url_open("/crm_voip_bridge/v1/events", data=body + b" ", headers=signed)
        self.assertEqual(response.status_code, 401)

    @mute_logger("odoo.addons.crm_voip_bridge.controllers.main")
    def test_key_is_rotated_with_an_overlap(self):
        key, secret = self.env["crm.voip.pbx.key"]._generate(self.pbx)
        self.assertEqual(self.post("events", self.content()).status_code, 200)
        self.assertEqual(self.post("events", self.content(), key=key, secret=secret).status_code, 200)
        self.pbx.key_ids.filtered(lambda record: record.key == self.key).action_revoke()
        self.env.flush_all()
        self.assertEqual(self.post("events", self.content()).status_code, 401)
        self.assertEqual(self.post("events", self.content(), key=key, secret=secret).status_code, 200)

    def test_archived_pbx_takes_nothing(self):
        self.pbx.active = False
        self.env.flush_all()
        response = self.post("events", self.content(answered()))
        self.assertEqual((response.status_code, response.json()["error"]), (403, "closed"))
        self.assertFalse(self.calls())

    def test_neutralized_copy_takes_nothing(self):
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "true")
        self.env.flush_all()
        for path in ("events", "scope"):
            response = self.post(path, self.content(answered()))
            self.assertEqual((response.status_code, response.json()["error"]), (403, "closed"))

    def test_too_large(self):
        response = self.post("events", b" " * (MAX_BODY + 1))
        self.assertEqual(response.status_code, 413)

    def test_not_understood(self):
        for content in (
            b"{",
            b"[]",
            b'"text"',
            b"\xff\xfe",
            b"[" * 100000,
            self.content(bridge=None),
            self.content(bridge={"id": 5}),
            self.content(outside={"today": 1}),
            self.content(outside={"2026-11-22": -1}),
            self.content(discovered="101"),
            {**self.content(), "events": {}},
        ):
            response = self.post("events", content)
            self.assertEqual((response.status_code, response.json()["error"]), (422, "format"))

    def test_no_session_is_made(self):
        response = self.post("events", self.content())
        self.assertNotIn("session_id", response.cookies)

    def test_get_is_nothing(self):
        self.assertEqual(self.url_open("/crm_voip_bridge/v1/events").status_code, 405)

    # --- scope ---

    def test_scope(self):
        scope = self.post("scope", {"bridge": {"id": "bridge-1"}}).json()
        self.assertEqual((scope["country"], scope["internal_min"], scope["internal_max"]), ("NL", 2, 5))
        self.assertEqual(scope["extensions"]["101"], True)
        self.assertEqual(scope["extensions"]["109"], False)
        self.assertEqual(scope["version"], self.send()["scope"])

    # --- failures ---

    def test_one_that_cannot_be_folded_keeps_no_other(self):
        create = type(self.env["crm.voip.call"]).create
        said = f"an override that fails for {CUSTOMER}"

        def fail(records, vals_list):
            if any(vals["call_ref"] == "bad" for vals in vals_list):
                raise ValueError(said)
            return create(records, vals_list)

        self.patch(type(self.env["crm.voip.call"]), "create", fail)
        batch = [*answered("a"), *missed("bad"), *answered("z")]
        with self.assertLogs("odoo.addons.crm_voip_bridge.models.crm_voip_call", "ERROR") as logged:
            answer = self.send(batch)
        self.assertEqual(answer["accepted"], len(batch))
        self.assertEqual(self.calls().mapped("call_ref"), ["a", "z"])
        self.assertEqual(self.pbx.unfolded_count, 1)
        # what the override said may hold people's numbers
        self.assertNotIn(CUSTOMER, "".join(logged.output))
        self.patch(type(self.env["crm.voip.call"]), "create", create)
        self.env["crm.voip.call"]._fold_waiting()
        self.env.invalidate_all()
        self.assertEqual(self.calls("bad").disposition, "missed")
        self.assertEqual(self.pbx.unfolded_count, 0)

    def test_what_could_not_be_folded_is_made_up_for_by_the_next_sign_of_life(self):
        def away(records, *args, **kwargs):
            raise OperationalError("the connection was closed unexpectedly")

        fold = type(self.env["crm.voip.call"])._fold
        self.patch(type(self.env["crm.voip.call"]), "_fold", away)
        with self.assertLogs("odoo.addons.crm_voip_bridge.models.crm_voip_call", "WARNING"):
            self.assertEqual(self.send(answered())["accepted"], 12)
        self.assertFalse(self.calls())
        self.patch(type(self.env["crm.voip.call"]), "_fold", fold)
        self.send([])
        self.assertEqual(self.calls().disposition, "answered")
