import threading
import uuid
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.addons.crm_voip_bridge.models.transaction import in_own_transaction
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged

NUMBER = "+31301000142"


@tagged("-at_install", "post_install")
class TestDialRaces(BaseCase):
    """Clicks and bridges at the same moment, with real transactions; what they leave is taken away."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        with self.environment() as env:
            self.user_id = env.ref("base.user_admin").id
            company = env.ref("base.main_company")
            # only what cannot be made anew is given back
            self.before = company.read(["crm_voip_dial", "crm_voip_dial_minute", "crm_voip_dial_country_ids"])[0]
            company.write({"crm_voip_dial": True, "crm_voip_dial_minute": 3, "crm_voip_dial_country_ids": [(5,)]})
            pbx = env["crm.voip.pbx"].create(
                {"name": f"Race {uuid.uuid4()}", "company_id": company.id, "country_id": env.ref("base.nl").id}
            )
            env["crm.voip.extension"].create(
                {"pbx_id": pbx.id, "number": "101", "recorded": True, "user_id": self.user_id}
            )
            bridge = {"id": "b", "version": "1", "pbx": "connected", "waiting": 0}
            env["crm.voip.pbx.state"]._note(pbx, bridge, 0.0, False)
            self.pbx_id = pbx.id
        self.addCleanup(self.take_away)

    @contextmanager
    def environment(self, user_id=SUPERUSER_ID):
        with self.registry.cursor() as cr:
            yield api.Environment(cr, user_id, {})

    def take_away(self):
        with self.environment() as env:
            env.cr.execute("DELETE FROM crm_voip_command WHERE pbx_id = %s", [self.pbx_id])
            env.cr.execute("DELETE FROM bus_bus WHERE message LIKE '%crm_voip_bridge/%'")
            env["crm.voip.pbx"].browse(self.pbx_id).unlink()
            self.before["crm_voip_dial_country_ids"] = [(6, 0, self.before["crm_voip_dial_country_ids"])]
            env["res.company"].browse(self.before.pop("id")).write(self.before)
        self.registry.clear_cache()
        self.registry.signal_changes()

    def race(self, count, work):
        """:return: what each of as many threads at once got"""
        got, start = [], threading.Barrier(count)

        def run():
            try:
                start.wait(10)
                got.append(work())
            except Exception as error:
                got.append(error)

        threads = [threading.Thread(target=run) for _place in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return got

    def click(self, number=NUMBER):
        with self.environment(self.user_id) as env:
            return env["crm.voip.command"].dial(number)["state"]

    def fetch(self):
        with self.environment() as env:
            pbx = env["crm.voip.pbx"].browse(self.pbx_id)
            return in_own_transaction(env, lambda own: own["crm.voip.command"]._hand_out(pbx.with_env(own)))

    def states(self):
        with self.environment() as env:
            commands = env["crm.voip.command"].search([("pbx_id", "=", self.pbx_id)], order="id")
            return sorted((command.state, command.reason_key or "") for command in commands)

    def test_two_bridges_never_both_dial(self):
        for _again in range(4):
            with self.environment() as env:
                env.cr.execute("DELETE FROM crm_voip_command WHERE pbx_id = %s", [self.pbx_id])
            for _place in range(3):
                self.click()
            got = self.race(4, self.fetch)
            idents = [command["id"] for commands in got for command in commands]
            self.assertEqual((len(idents), len(set(idents))), (3, 3))
            self.assertEqual(self.fetch(), [])

    def test_many_clicks_at_once_are_counted(self):
        got = self.race(8, self.click)
        self.assertEqual(got.count("sent"), 3, got)
        self.assertEqual(sum(isinstance(one, UserError) for one in got), 5, got)
        self.assertEqual(self.states(), [("refused", "rate")] * 5 + [("waiting", "")] * 3)
        self.assertEqual(len(self.fetch()), 3)

    def test_refusal_is_kept_although_the_request_is_taken_back(self):
        with self.assertRaises(UserError):
            self.click("0900 1234")
        self.assertEqual(self.states(), [("refused", "premium")])
