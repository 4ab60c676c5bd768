from datetime import date, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import fields
from odoo.addons.crm_voip_bridge.lib.scope import never_hash
from odoo.exceptions import ValidationError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import VoipCase


@tagged("-at_install", "post_install")
class TestPbx(VoipCase):
    """What an administrator decides about a PBX, and what its bridges are told."""

    def test_what_a_kind_can(self):
        self.assertTrue(self.pbx.can_hold and self.pbx.can_live and self.pbx.can_history)

    def test_states(self):
        state = self.env["crm.voip.pbx.state"]
        bridge = {"id": "a", "version": "1", "pbx": "connected", "waiting": 3}
        self.assertEqual(self.pbx.connection, "never")
        state._note(self.pbx, bridge, 0.5, True)
        state._note(self.pbx, {**bridge, "id": "b", "waiting": 4}, None, False)
        self.env.invalidate_all()
        self.assertEqual((self.pbx.connection, self.pbx.waiting), ("connected", 7))
        self.env.cr.execute("UPDATE crm_voip_pbx_state SET seen_at = seen_at - interval '1 hour'")
        self.env.invalidate_all()
        self.assertEqual(self.pbx.connection, "silent")

    @mute_logger("odoo.sql_db")
    def test_lengths_of_internal_numbers(self):
        for values in ({"internal_min": 6}, {"internal_min": 0}, {"internal_max": 16}):
            with self.assertRaises(IntegrityError), self.env.cr.savepoint():
                self.pbx.write(values)
                self.pbx.flush_recordset()
        with self.assertRaises(ValidationError):
            self.pbx.outside_prefix = "0w"

    def test_one_number_is_one_persons_at_a_time(self):
        phone = self.phones["101"]
        with self.assertRaises(ValidationError):
            phone.copy()
        phone.date_to = date(2026, 1, 31)
        with self.assertRaises(ValidationError):
            phone.copy({"date_from": date(2026, 1, 31), "date_to": False})
        phone.copy({"date_from": date(2026, 2, 1), "date_to": False})
        self.assertEqual(self.pbx._scope()["extensions"]["101"], True)

    # --- scope ---

    def test_scope_changes_with_what_is_in_it(self):
        versions = [self.pbx._scope()["version"]]

        def changed(work):
            work()
            versions.append(self.pbx._scope()["version"])
            self.assertEqual(len(versions), len(set(versions)))

        self.assertEqual(self.pbx._scope()["version"], versions[0])
        changed(lambda: self.phones["109"].write({"recorded": True}))
        changed(lambda: self.phones["101"].write({"number": "111"}))
        changed(lambda: self.pbx.write({"outside_prefix": "0"}))
        changed(lambda: self.env["crm.voip.line"].create({"pbx_id": self.pbx.id, "number": "+31201000300"}))
        changed(lambda: self._never("020 123 4567"))
        changed(lambda: self._never("020 123 9999", self.tom))
        changed(self.phones["105"].unlink)
        self.pbx.name = "Another name"
        self.assertEqual(self.pbx._scope()["version"], versions[-1])

    def test_ticking_does_not_look_back(self):
        self.assertFalse(self.pbx._scope()["since"], "who makes an extension as recorded means all of it")
        with freeze_time("2026-11-02 09:00:00"):
            self.phones["109"].recorded = True
        self.assertEqual(self.pbx._scope()["since"], {"109": "2026-11-02T09:00:00Z"})
        with freeze_time("2026-11-03 09:00:00"):
            (self.phones["109"] | self.phones["101"]).recorded = True
        self.assertEqual(self.pbx._scope()["since"], {"109": "2026-11-02T09:00:00Z"}, "they were ticked before")
        self.phones["109"].recorded_since = False
        self.assertFalse(self.pbx._scope()["since"], "the administrator may mean earlier calls as well")

    def _never(self, number, user=None):
        values = {"number": number, "company_id": self.company.id, "user_id": user.id if user else False}
        return self.env["crm.voip.never"].create(values)

    def test_never_logged_numbers_leave_as_hashes(self):
        self._never("020 123 4567")
        self._never("020 123 9999", self.tom)
        self._never("020 123 8888", self.clerk)  # who has no phone here
        never = self.pbx._scope()["never"]
        told = {number["hash"]: number["extensions"] for number in never["numbers"]}
        self.assertEqual(
            told, {never_hash(never["key"], "+31201234567"): [], never_hash(never["key"], "+31201239999"): ["101"]}
        )
        self.assertNotIn("1234567", str(self.pbx._scope()))

    def test_extension_that_ended_is_not_recorded(self):
        self.phones["101"].date_to = fields.Date.today() - timedelta(days=2)
        self.assertNotIn("101", self.pbx._scope()["extensions"])

    # --- copies ---

    def test_neutralized_copy_holds_no_secrets(self):
        self.env["crm.voip.pbx.key"]._generate(self.pbx)
        self.env.flush_all()
        for query in get_neutralization_queries(["crm_voip_bridge"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertFalse(self.env["crm.voip.pbx.key"].search([]))
        self.assertFalse(self.pbx.active)
        self.assertTrue(self.pbx._is_closed())

    # --- keys ---

    def test_new_key_is_shown_once(self):
        action = self.pbx.with_user(self.admin).action_new_key()
        shown = self.env[action["res_model"]].with_user(self.admin).with_context(**action["context"])
        values = shown.default_get(["pbx_id", "key", "secret"])
        self.assertEqual(values["pbx_id"], self.pbx.id)
        _pbx, secrets = self.env["crm.voip.pbx.key"]._secrets(values["key"])
        self.assertEqual(secrets, [values["secret"]])

    def test_older_keys_end(self):
        first, _secret = self.env["crm.voip.pbx.key"]._generate(self.pbx)
        self.env["crm.voip.pbx.key"]._generate(self.pbx)
        record = self.env["crm.voip.pbx.key"].search([("key", "=", first)])
        self.assertGreater(record.valid_until, fields.Datetime.now() + timedelta(days=6))
        record.action_revoke()
        self.assertEqual(self.env["crm.voip.pbx.key"]._secrets(first)[1], [])
