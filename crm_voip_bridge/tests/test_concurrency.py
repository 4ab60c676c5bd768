import random
import threading
import time
import uuid
from contextlib import contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.addons.crm_voip_bridge.models import transaction
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import SQL

from .common import answered, missed, told
from .test_merge import FIRST, JOINED, SECOND


class RaceCase(BaseCase):
    """Real transactions on real connections; what they leave is taken away."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        with self.environment() as env:
            # committed, for other connections to see it
            pbx = env["crm.voip.pbx"].create({"name": f"Race {uuid.uuid4()}", "country_id": env.ref("base.nl").id})
            env["crm.voip.extension"].create(
                [{"pbx_id": pbx.id, "number": number, "recorded": True} for number in ("101", "102")]
            )
            self.pbx_id = pbx.id
        self.addCleanup(self.take_away)

    @contextmanager
    def environment(self):
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def take_away(self):
        with self.registry.cursor() as cr:
            for table in (
                "crm_voip_journal",
                "crm_voip_call_ref",
                "crm_voip_call",
                "crm_voip_pbx_state",
                "crm_voip_extension",
                "crm_voip_held",
            ):
                cr.execute(SQL("DELETE FROM %s WHERE pbx_id = %s", SQL.identifier(table), self.pbx_id))
            cr.execute("DELETE FROM crm_voip_pbx WHERE id = %s", [self.pbx_id])
        self.registry.clear_cache()
        self.registry.signal_changes()

    def deliver(self, events, state=None):
        """What a request does, on connections of its own."""
        with self.environment() as env:
            pbx = env["crm.voip.pbx"].browse(self.pbx_id)
            pbx = pbx.with_company(pbx.company_id)

            def take(own):
                fresh = own["crm.voip.journal"]._take(pbx.with_env(own), events)
                if state:
                    own["crm.voip.pbx.state"]._note(pbx.with_env(own), state, 0.0, True)
                return fresh

            fresh = transaction.in_own_transaction(pbx.env, take)
            if fresh:
                pbx.env["crm.voip.call"]._fold_marked(pbx, pbx.env["crm.voip.call.ref"]._refs_of(fresh))

    def race(self, *works):
        """Run all at once; what one raises fails the test."""
        errors, start = [], threading.Barrier(len(works))

        def run(work):
            try:
                start.wait(10)
                work()
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=run, args=[work]) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertFalse(errors)

    def shape(self):
        with self.environment() as env:
            calls = env["crm.voip.call"].search([("pbx_id", "=", self.pbx_id)], order="call_ref")
            waiting = env["crm.voip.call.ref"].search_count([("pbx_id", "=", self.pbx_id), ("dirty", "=", True)])
            return [(call.call_ref, call.disposition, call.talk_s, len(call.leg_ids)) for call in calls], waiting


@tagged("-at_install", "post_install")
class TestConcurrency(RaceCase):
    """Bridges that race."""

    def test_two_bridges_tell_the_same_new_call(self):
        for place in range(8):
            events = answered(f"race{place}")
            self.race(*[lambda events=events: self.deliver(events)] * 3)
        calls, waiting = self.shape()
        self.assertEqual(calls, [(f"race{place}", "answered", 60.0, 1) for place in range(8)])
        self.assertEqual(waiting, 0)

    def test_two_bridges_tell_halves(self):
        for place in range(8):
            events = answered(f"half{place}")
            self.race(lambda events=events: self.deliver(events[::2]), lambda events=events: self.deliver(events[1::2]))
        calls, waiting = self.shape()
        self.assertEqual(calls, [(f"half{place}", "answered", 60.0, 1) for place in range(8)])
        self.assertEqual(waiting, 0)

    def test_event_by_event_and_shuffled(self):
        events = [event for place in range(3) for event in answered(f"e{place}")]
        bridges = []
        for seed in range(3):
            mine = events[:]
            random.Random(seed).shuffle(mine)
            bridges.append(mine)
        self.race(*(lambda mine=mine: [self.deliver([event]) for event in mine] for mine in bridges))
        calls, waiting = self.shape()
        self.assertEqual(calls, [(f"e{place}", "answered", 60.0, 1) for place in range(3)])
        self.assertEqual(waiting, 0)

    def test_merge_races_with_its_parts(self):
        parts = [told(*lines, call="c") for lines in (FIRST, SECOND, JOINED)]
        self.race(*(lambda part=part: self.deliver(part) for part in parts))
        calls, waiting = self.shape()
        self.assertEqual([call[0] for call in calls], ["c"])
        self.assertEqual(waiting, 0)

    def test_scheduled_action_beside_a_bridge(self):
        def fold():
            with self.environment() as env:
                for _again in range(5):
                    env["crm.voip.call"]._fold_waiting([self.pbx_id])
                    time.sleep(0.02)

        events = [event for place in range(20) for event in missed(f"s{place}")]
        self.race(lambda: self.deliver(events), fold, lambda: self.deliver(events[::-1]))
        calls, waiting = self.shape()
        self.assertEqual((len(calls), waiting), (20, 0))
        self.assertEqual({call[1] for call in calls}, {"missed"})

    def test_heartbeats_do_not_disturb_each_other(self):
        def beat(name):
            return lambda: [
                self.deliver([], {"id": name, "version": "1", "pbx": "connected", "waiting": place})
                for place in range(10)
            ]

        self.race(beat("a"), beat("b"), beat("a"))
        with self.environment() as env:
            self.assertEqual(len(env["crm.voip.pbx"].browse(self.pbx_id).state_ids), 2)

    def test_died_between_the_two_transactions(self):
        with self.environment() as env:
            pbx = env["crm.voip.pbx"].browse(self.pbx_id)
            env["crm.voip.journal"]._take(pbx, answered("died"))
        self.assertEqual(self.shape(), ([], 1))
        with self.environment() as env:
            env["crm.voip.call"]._fold_waiting([self.pbx_id])
        self.assertEqual(self.shape(), ([("died", "answered", 60.0, 1)], 0))

    def test_nothing_is_lost_when_conflicts_do_not_end(self):
        with patch.object(transaction, "ATTEMPTS", 2), self.registry.cursor() as holder:
            self.deliver(answered("held")[:3])
            holder.execute(
                "SELECT id FROM crm_voip_call_ref WHERE pbx_id = %s AND ref = 'held' FOR UPDATE", [self.pbx_id]
            )
            # who holds the row lets go in time for the second attempt of nobody: the request waits for it
            timer = threading.Timer(0.3, holder.rollback)
            timer.start()
            self.deliver(answered("held"))
            timer.join()
        with self.environment() as env:
            env["crm.voip.call"]._fold_waiting([self.pbx_id])
        self.assertEqual(self.shape(), ([("held", "answered", 60.0, 1)], 0))


@tagged("-at_install", "post_install")
class TestWebhookRace(RaceCase):
    """A hosted PBX posts everything about a call at once, and some of it twice."""

    def post(self, event):
        with self.environment() as env:
            pbx = env["crm.voip.pbx"].browse(self.pbx_id)
            pbx.with_company(pbx.company_id)._receive_webhook(lambda held, own: held._receive(own, [event]))

    def test_all_at_once(self):
        with self.environment() as env:
            env["crm.voip.pbx"].browse(self.pbx_id).kind = "generic"
        events = [event for ident in ("a", "b") for event in answered(ident)]
        random.Random(4).shuffle(events)
        for start in range(0, len(events), 8):
            some = events[start : start + 8]
            self.race(*[lambda event=event: self.post(event) for event in [*some, some[0]]])
        self.assertEqual(self.shape(), ([("a", "answered", 60, 1), ("b", "answered", 60, 1)], 0))
        with self.environment() as env:
            self.assertFalse(env["crm.voip.held"].search([("pbx_id", "=", self.pbx_id)]))
