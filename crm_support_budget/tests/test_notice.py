from datetime import timedelta, timezone

from odoo.addons.crm_voip_bridge.tests.common import answered, missed, told
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import HEAVY, LIGHT, MONDAY, SupportCase


@tagged("post_install", "-at_install")
class TestNotice(SupportCase):
    def look(self, minute):
        return self.env["crm.support.notice"]._look(self.company, self.minutes_after(minute))

    def begins(self, ref, minute, number=HEAVY):
        events = answered(ref, number, start=self.minutes_after(minute).replace(tzinfo=timezone.utc))
        self.deliver([event for event in events if event.type not in ("unbridged", "ended")])

    def test_one_notice_in_mid_call(self):
        self.helped("a", 100)
        self.assertFalse(self.look(100))
        self.begins("b", 100)
        # 119 minutes by now: the limit of a day is 120
        self.assertFalse(self.look(119))
        notice = self.look(122)
        self.assertEqual((notice.partner_id, notice.kind), (self.heavy, "customer"))
        # 100, and from 100:05 to 122
        self.assertAlmostEqual(notice.minutes, 100 + 22 - 5 / 60)
        self.assertEqual(notice.contacts, 2)
        for minute in (123, 200):
            self.assertFalse(self.look(minute))
        activities = self.env["mail.activity"].search(
            [("res_model", "=", "crm.support.notice"), ("res_id", "=", notice.id)]
        )
        self.assertIn(self.vera, activities.user_id)
        self.assertEqual(len(activities), len(activities.user_id))
        self.assertIn("Heavyweight Ltd has had 02:02 h of help in 2 contacts today", notice.facts)

    def test_a_large_part_of_a_technicians_day(self):
        self.always(self.policy, day_minutes=0, day_contacts=0)
        for place in range(5):
            self.helped(f"c{place}", 2, self.minutes_after(10 * place))
        self.assertFalse(self.look(60))
        # another technician: no six of one
        self.helped("t", 2, self.minutes_after(70), phone="102")
        self.assertFalse(self.look(80))
        self.helped("six", 2, self.minutes_after(90))
        notice = self.look(100)
        self.assertEqual((notice.kind, notice.user_id), ("technician", self.tess))

    def test_taking_over_keeps_technicians_free_for_others(self):
        self.helped("a", 130)
        notice = self.look(140)
        Request = self.env["crm.support.request"]
        request = Request.create({"name": "Again", "contact_id": self.caller.id, "company_id": self.company.id})
        with self.assertRaises(UserError):
            self.env["crm.support.takeover"].with_user(self.tess)._begin(self.heavy, self.company)
        notice.with_user(self.vera).action_take_over()
        self.assertEqual((notice.state, request.user_id), ("taken", self.vera))
        self.assertFalse(Request._order_of_serving(self.company, self.tess))
        self.assertEqual(Request._order_of_serving(self.company, self.vera)[0][0], request)
        self.assertFalse(notice.activity_ids)
        notice.takeover_id.with_user(self.vera).action_end()
        self.assertTrue(Request._order_of_serving(self.company, self.tess))

    def test_what_it_cost_the_others_is_who_gave_up_or_waited(self):
        # answered at 0:05, talked for thirty minutes
        self.helped("a", 30)

        def start(minute):
            return self.minutes_after(minute).replace(tzinfo=timezone.utc)

        self.deliver(missed("gone", LIGHT, start=start(10)))
        self.deliver(missed("later", LIGHT, start=start(50)))
        self.deliver(
            told(
                "0 started c PJSIP/trunk-00000001 +12025550133 +31201000101",
                "1 answered c",
                "1 queued c support",
                "120 hangup_requested c",
                "120 abandoned c support",
                "120 ended c 16",
                call="gave",
                start=start(20),
            )
        )
        self.helped("b", 130, self.minutes_after(200))
        costs = self.look(340)._cost()
        self.assertEqual(
            [(call.call_ref, one.what, round(one.waited, 1)) for call, one in costs["costs"]],
            [("gone", "not_taken", 0.3), ("gave", "gave_up", 2.0)],
        )
        self.assertAlmostEqual(costs["minutes"], 160)

    def test_merged_customers_keep_their_notices(self):
        self.helped("a", 130)
        self.helped("b", 130, number=LIGHT, phone="102")
        self.assertEqual(len(self.look(140)), 2)
        self.env["base.partner.merge.automatic.wizard"].create({})._merge((self.heavy | self.light).ids, self.heavy)
        self.assertEqual(self.env["crm.support.notice"].search_count([("partner_id", "=", self.heavy.id)]), 2)

    def test_yesterday_is_another_day(self):
        self.helped("a", 70, MONDAY - timedelta(days=3))
        self.helped("b", 70)
        self.assertFalse(self.look(100))
