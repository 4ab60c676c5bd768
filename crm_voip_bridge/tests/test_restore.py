import json
import tempfile
from pathlib import Path

from odoo.addons.crm_voip_bridge.lib.client import EVENTS_PATH, SCOPE_PATH
from odoo.addons.crm_voip_bridge.lib.notices import Notices
from odoo.addons.crm_voip_bridge.lib.process import Sender
from odoo.addons.crm_voip_bridge.lib.spool import Spool
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import VoipHttpCase, answered, many


class Client:
    """The bridge's way to the Odoo of a test."""

    clock_off = 0.0

    def __init__(self, case):
        self.case, self.answers, self.sent = case, [], 0

    def post(self, path, body):
        response = self.case.post({EVENTS_PATH: "events", SCOPE_PATH: "scope"}[path], body)
        self.case.assertEqual(response.status_code, 200, response.text)
        if path == EVENTS_PATH:
            self.sent += len(json.loads(body)["events"])
            self.answers.append(response.json())
        return response.json()


@tagged("-at_install", "post_install")
class TestRestore(VoipHttpCase):
    """An older backup of the database is put back: the bridge sends again what Odoo does not know any more."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.spool = Spool(Path(folder.name) / "spool.db")
        self.addCleanup(self.spool.close)
        self.client = Client(self)
        self.sender = self.new_sender()

    def new_sender(self):
        return Sender(self.spool, self.client, Notices())

    def drain(self):
        """Send all, and one sign of life."""
        self.sender._told_at = float("-inf")
        for _step in range(30):
            if self.sender.step() and not self.spool.waiting:
                break
        self.assertFalse(self.spool.waiting)
        self.env.invalidate_all()

    def facts(self):
        names = ("call_ref", "direction", "disposition", "started_at", "ended_at", "talk_s", "ring_s", "user_id")
        return [tuple(call[name] for name in names) for call in self.calls()]

    @mute_logger("crm_voip_bridge")
    def test_calls_are_there_again(self):
        self.spool.add(many(30, prefix="before"))
        self.drain()
        self.env.flush_all()
        self.env.cr.execute("SAVEPOINT backup")
        self.spool.add([*many(60, prefix="after"), *answered("last")[:5]])
        self.drain()
        everything, count = self.facts(), self.client.sent
        self.assertEqual(len(everything), 91)

        for restart in (False, True):
            self.env.cr.execute("ROLLBACK TO SAVEPOINT backup")
            self.env.invalidate_all()
            self.assertEqual(len(self.calls()), 30)
            if restart:
                self.sender = self.new_sender()
            self.client.sent = 0
            self.drain()
            self.assertEqual(self.facts(), everything)
            self.assertEqual(self.client.sent, count - 30 * 12, "what it knows is not sent again")
            self.assertEqual(self.pbx.state_ids.known, self.spool.last)

    @mute_logger("crm_voip_bridge")
    def test_before_the_bridge_was_known(self):
        self.env.flush_all()
        self.env.cr.execute("SAVEPOINT backup")
        self.spool.add(many(5))
        self.drain()
        everything = self.facts()
        self.env.cr.execute("ROLLBACK TO SAVEPOINT backup")
        self.env.invalidate_all()
        self.drain()
        self.assertEqual(self.facts(), everything)

    def test_before_places_were_told(self):
        """The bridge of an earlier version is believed once, rather than that it sends a week again."""
        self.send(answered(), bridge={"id": self.spool.id})
        self.env.cr.execute("UPDATE crm_voip_pbx_state SET known = NULL")
        self.spool.add(answered())
        self.spool.acknowledge(self.spool.last)
        self.drain()
        self.assertEqual(self.client.sent, 0)
        self.assertEqual(self.pbx.state_ids.known, self.spool.last)

    def test_answers(self):
        def told(**places):
            return self.send(bridge={"id": "b"}, **places).get("last", "nothing")

        self.assertEqual(told(), "nothing")
        self.assertEqual(told(after=0, last=10), 10)
        self.assertEqual(told(after=10, last=12), 12)
        self.assertEqual(told(after=20, last=25), 12, "something is missing in between")
        self.assertEqual(told(after=3, last=8), 12, "an old batch that comes again")
        self.assertEqual(told(after=12, last=12), 12)
        for nonsense in ({"after": -1, "last": 5}, {"after": 0, "last": 2**40}, {"after": "0", "last": 1}, {"last": 1}):
            self.assertEqual(told(**nonsense), "nothing")
        # each bridge of a PBX has its own
        self.assertEqual(self.send(bridge={"id": "c"}, after=7, last=9)["last"], 0)
