import ast
import json
from datetime import datetime, timedelta, timezone

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CUSTOMER, OUR_NUMBER, START, VoipCase, answered, many, told


def ringing(call="c", phone="101", start=START):
    return told(
        f"0 started c PJSIP/trunk-00000001 {CUSTOMER} {OUR_NUMBER}",
        f"0.1 started p PJSIP/{phone}-00000002",
        "0.1 ringing p c",
        call=call,
        start=start,
    )


TAKEN = ("5 answered p", "5 dial_ended p ANSWER c", "5 answered c", "5 bridged p b", "5 bridged c b")


@tagged("-at_install", "post_install")
class TestLive(VoipCase):
    """Calls going on: for those who lead, if the company wants it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_voip_live = True
        cls.env.flush_all()

    def bus(self):
        """What waits to be sent: ``[(channel, content), …]``."""
        sent = self.env.cr.precommit.data.get("bus.bus.values", [])
        messages = [(json.loads(one["channel"]), json.loads(one["message"])) for one in sent]
        found = [(channel[1:], one["payload"]) for channel, one in messages if one["type"] == "crm_voip_bridge/live"]
        sent.clear()
        return found

    def listed(self, user):
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_call_action_live")
        calls = self.env["crm.voip.call"].with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        return calls.search(ast.literal_eval(action["domain"]))

    # --- who sees what ---

    def test_by_the_rights(self):
        # what rings somebody of no team, and is not taken yet, is for all leaders
        self.deliver(ringing("tom"), ringing("jonas", phone="104"), answered("over"))
        self.assertEqual(set(self.listed(self.nadia).mapped("call_ref")), {"tom", "jonas"})
        self.deliver(told(*TAKEN, call="jonas"))
        for user, refs in (
            (self.nadia, {"tom"}),
            (self.boss, {"tom", "jonas"}),
            (self.admin, {"tom", "jonas"}),
            (self.rina, set()),
        ):
            self.assertEqual(set(self.listed(user).mapped("call_ref")), refs, user.login)
        self.company.crm_voip_live = False
        self.assertFalse(self.listed(self.boss))

    def test_persons_are_not_told_beside_each_other(self):
        self.deliver(ringing("a"), ringing("b", phone="102"))
        self.deliver(told(*TAKEN, call="a"), told(*TAKEN, call="b"))
        self.assertEqual(self.calls("a").user_id, self.tom)
        rows = self.listed(self.nadia).read(["user_id", "live_state"])
        self.assertEqual([(row["user_id"], row["live_state"]) for row in rows], [(False, "talking")] * 2)

    def test_menu(self):
        menu = self.env.ref("crm_voip_bridge.crm_voip_menu_live")

        def menus(user):
            return self.env["ir.ui.menu"].with_user(user).load_menus(False)

        self.assertIn(menu.id, menus(self.nadia))
        self.assertNotIn(menu.id, menus(self.tom))
        self.company.crm_voip_live = False
        self.assertNotIn(menu.id, menus(self.nadia))

    def test_action_is_for_leaders(self):
        action = self.env.ref("crm_voip_bridge.crm_voip_call_action_live")
        self.assertEqual(action.group_ids, self.env.ref("crm_voip_bridge.group_team"))
        self.assertFalse(self.env["res.company"].create({"name": "New"}).crm_voip_live, "off as delivered")
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
            self.company.with_user(self.nadia).crm_voip_live = False

    # --- what a call is doing ---

    def test_state(self):
        events = ringing()
        call = self.deliver_one(events)
        self.assertEqual(call.live_state, "ringing")
        self.deliver(told(*TAKEN))
        self.assertEqual(call.live_state, "talking")
        self.deliver(told("60 ended p 16", "60 ended c 16"))
        self.assertFalse(call.live_state)

    def test_state_in_a_queue(self):
        call = self.deliver_one(told(f"0 started c PJSIP/trunk-00000001 {CUSTOMER} {OUR_NUMBER}"))
        self.assertEqual(call.live_state, "menu")
        self.deliver(told("2 answered c", "2 queued c support"))
        self.assertEqual((call.live_state, call.queue), ("queue", "support"))
        self.deliver(told("4 started p PJSIP/101-00000002", "4 ringing p c"))
        self.assertEqual(call.live_state, "ringing")
        self.deliver(told("9 dial_ended p NOANSWER c", "9 ended p 16"))
        self.assertEqual(call.live_state, "queue")

    def test_state_of_an_outbound_call(self):
        call = self.deliver_one(
            told(f"0 started c PJSIP/101-00000001 101 {CUSTOMER}", f"0.1 started p PJSIP/trunk-00000002 {CUSTOMER}",
                 "0.1 ringing p c")
        )  # fmt: skip
        self.assertEqual(call.live_state, "ringing")
        self.deliver(told(*TAKEN))
        self.assertEqual(call.live_state, "talking")

    # --- what is told ---

    def test_told_to_leaders(self):
        call = self.deliver_one(ringing())
        group = self.env.ref("crm_voip_bridge.group_all")
        content = {"ids": call.ids}
        self.assertEqual(
            sorted(self.bus()),
            [(["res.groups", group.id], content), (["res.partner", self.nadia.partner_id.id], content)],
        )
        self.deliver(told(*TAKEN))
        self.assertEqual(len(self.bus()), 2)

    def test_told_once_a_batch(self):
        self.deliver(*(ringing(f"r{n}") for n in range(20)))
        # each delivery is a fold of its own here; one fold of them all
        self.bus()
        refs = [f"r{n}" for n in range(20)]
        calls = self.calls(*refs)
        calls._after_fold()
        told_to = self.bus()
        self.assertEqual(len(told_to), 2)
        self.assertEqual(set(told_to[0][1]["ids"]), set(calls.ids))

    def test_not_told(self):
        """Of what ended long ago, as after an outage, and where it is off."""
        self.deliver(answered("old"))
        self.assertFalse(self.bus())
        self.company.crm_voip_live = False
        self.deliver(ringing("off"))
        self.assertFalse(self.bus())

    def test_told_when_it_ends(self):
        just_now = datetime.now(timezone.utc) - timedelta(seconds=70)
        self.deliver(answered("now", start=just_now))
        self.assertEqual(len(self.bus()), 2)

    def test_costs(self):
        """Nothing where it is off, and as much for many calls as for few where it is on."""

        def cost(prefix, count):
            self.env.flush_all()
            self.env.invalidate_all()
            calls = self.deliver(
                [event for n in range(count) for event in ringing(f"{prefix}{n}", start=START + timedelta(minutes=n))]
            )
            self.assertEqual(len(calls), count)
            self.env.flush_all()
            self.env.invalidate_all()
            calls.mapped("company_id.crm_voip_chatter")  # as the lines in the chatter do
            before = self.env.cr.sql_log_count
            calls._tell_live()
            return self.env.cr.sql_log_count - before

        self.company.crm_voip_live = False
        self.assertEqual(cost("off", 10), 0)
        self.company.crm_voip_live = True
        cost("warm", 2)
        self.assertEqual(cost("few", 2), cost("lots", 60))

    def test_list_costs(self):
        costs = []
        for count in (2, 40):
            self.deliver(many(count, make=lambda number, **values: ringing(**values), prefix=f"n{count}"))
            self.env.flush_all()
            for _again in range(2):
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                self.listed(self.boss).read(["live_state", "customer_label", "queue", "lead_id", "started_at"])
                cost = self.env.cr.sql_log_count - before
            costs.append(cost)
        self.assertEqual(*costs)
