from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import VoipCase, answered


@tagged("-at_install", "post_install")
class TestOnboarding(VoipCase):
    """What the empty screen of calls knows of the way to the first one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pbx.extension_ids.unlink()
        cls.pbx.active = False
        cls.fresh = cls.env["crm.voip.pbx"].with_company(cls.company)
        cls.env.flush_all()
        cls.env.registry.clear_cache()

    def state(self, user=None):
        pbx = self.fresh.with_user(user or self.admin).with_context(allowed_company_ids=self.company.ids)
        self.env.invalidate_all()
        return pbx.onboarding_state()

    def hello(self, pbx, says="connected", events=False):
        bridge = {"id": "b", "version": "1", "pbx": says, "waiting": 0}
        self.env["crm.voip.pbx.state"]._note(pbx, bridge, 0, events)

    def told(self):
        """How often administrators were told."""
        sent = self.env.cr.precommit.data.get("bus.bus.values", [])
        count = sum("crm_voip_bridge/onboarding" in one["message"] for one in sent)
        sent.clear()
        return count

    def test_step_by_step(self):
        state = self.state()
        self.assertEqual(
            {name: state[name] for name in ("calls", "can_set_up", "pbx", "key", "bridge", "known", "ticked")},
            {
                "calls": False,
                "can_set_up": True,
                "pbx": False,
                "key": False,
                "bridge": "never",
                "known": 0,
                "ticked": 0,
            },
        )
        pbx = self.fresh.create({"name": "Harbour", "company_id": self.company.id,
                                 "country_id": self.env.ref("base.nl").id})  # fmt: skip
        self.assertEqual(self.state()["pbx"], {"id": pbx.id, "name": "Harbour"})
        self.env["crm.voip.pbx.key"].with_user(self.admin)._generate(pbx.with_user(self.admin))
        self.assertTrue(self.state()["key"])
        self.hello(pbx, "the PBX refuses user and secret")
        state = self.state()
        self.assertEqual((state["bridge"], state["says"]), ("trouble", "the PBX refuses user and secret"))
        self.hello(pbx)
        self.assertEqual((self.state()["bridge"], self.state()["says"]), ("connected", ""))
        phones = self.env["crm.voip.extension"].create([
            {"pbx_id": pbx.id, "number": number} for number in ("101", "102", "103")
        ])  # fmt: skip
        self.assertEqual((self.state()["known"], self.state()["ticked"]), (3, 0))
        phones[:2].recorded = True
        self.assertEqual((self.state()["ticked"], self.state()["numbers"]), (2, ["101", "102"]))
        phones[1].user_id = self.admin
        self.assertEqual(self.state()["numbers"], ["102"], "one's own, if one has one")
        self.env["crm.voip.pbx.state"].search([]).seen_at = fields.Datetime.now() - timedelta(minutes=10)
        self.assertEqual(self.state()["bridge"], "silent")

    def test_the_first_call(self):
        self.pbx.active = True
        self.env["crm.voip.extension"].create({"pbx_id": self.pbx.id, "number": "101", "recorded": True})
        self.assertFalse(self.state()["calls"])
        self.deliver(answered())
        self.assertEqual(self.state(), {"calls": True, "can_set_up": True, "who": []})
        # also for whom it is not visible: an empty list of theirs means something else then
        self.assertTrue(self.state(self.rina)["calls"])

    def test_for_who_cannot(self):
        state = self.state(self.tom)
        self.assertEqual(state.keys(), {"calls", "can_set_up", "who"})
        self.assertFalse(state["can_set_up"])
        self.assertIn(self.admin.name, state["who"])
        self.assertNotIn(self.boss.name, state["who"])
        self.assertFalse(self.state(self.boss)["can_set_up"])
        with self.assertRaises(AccessError):
            self.state(self.clerk)

    def test_other_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.fresh.create({"name": "Elsewhere", "company_id": other.id, "country_id": self.env.ref("base.nl").id})
        self.assertFalse(self.state()["pbx"])
        self.assertNotIn(self.admin.name, self.fresh.with_context(allowed_company_ids=other.ids)._onboarding_helpers())

    def test_told_when_something_changed(self):
        pbx = self.pbx
        self.hello(pbx, "connecting")
        self.assertEqual(self.told(), 1, "the first word")
        self.hello(pbx, "connecting")
        self.assertEqual(self.told(), 0)
        self.hello(pbx)
        self.assertEqual(self.told(), 1, "another state")
        self.hello(pbx)
        self.assertEqual(self.told(), 0)
        self.hello(pbx, events=True)
        self.assertEqual(self.told(), 1, "the first event")
        self.hello(pbx, events=True)
        self.assertEqual(self.told(), 0)
        self.env["crm.voip.pbx.state"].search([]).seen_at = fields.Datetime.now() - timedelta(minutes=10)
        self.env.flush_all()
        self.hello(pbx)
        self.assertEqual(self.told(), 1, "heard again")

    def test_costs_one_query(self):
        self.hello(self.pbx)
        self.hello(self.pbx, "other")
        with self.assertQueryCount(1):
            self.hello(self.pbx, "other")
