from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import LIGHT, SupportCase


@tagged("post_install", "-at_install")
class TestNext(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now = fields.Datetime.now()
        cls.third = cls.env["res.partner"].create({"name": "Third party", "is_company": True})

    def wants(self, contact, minutes_ago, **vals):
        return self.env["crm.support.request"].create(
            {
                "name": f"{contact.name} wants help",
                "contact_id": contact.id,
                "company_id": self.company.id,
                "waiting_since": self.now - timedelta(minutes=minutes_ago),
                **vals,
            }
        )

    def order(self, user=None):
        found = self.env["crm.support.request"]._order_of_serving(self.company, user)
        return [request for request, _served, _reading in found]

    def next(self, user):
        return self.env["crm.support.request"].with_user(user).with_company(self.company)._offer()

    def test_whoever_had_less_is_next_however_long_the_other_waits(self):
        heavy, light = self.wants(self.caller, 60), self.wants(self.light, 5)
        self.helped("h", 50, self.now - timedelta(hours=2))
        self.helped("l", 2, self.now - timedelta(hours=1), LIGHT, "102")
        self.assertEqual(self.order(), [light, heavy])

    def test_of_equals_whoever_waits_longer(self):
        short, long_ = self.wants(self.light, 5), self.wants(self.caller, 60)
        self.assertEqual(self.order(), [long_, short])

    def test_priority_weighs_and_revenue_does_not(self):
        heavy, light = self.wants(self.caller, 60), self.wants(self.light, 5)
        self.helped("h", 30, self.now - timedelta(hours=2))
        self.helped("l", 20, self.now - timedelta(hours=1), LIGHT, "102")
        self.assertEqual(self.order(), [light, heavy])
        self.env["crm.lead"].create(
            {"name": "Big deal", "partner_id": self.heavy.id, "expected_revenue": 1e9, "team_id": self.team.id}
        ).action_set_won()
        self.assertEqual(self.order(), [light, heavy])

    def test_having_been_away_earns_nothing(self):
        light = self.wants(self.light, 30)
        self.helped("l", 40, self.now - timedelta(hours=1), LIGHT, "102")
        # who was never here begins where those are who are there: 40, and waits a shorter time
        new = self.wants(self.third, 1)
        self.assertEqual(self.order(), [light, new])

    def test_two_who_press_get_different_customers(self):
        first, second = self.wants(self.caller, 60), self.wants(self.light, 5)
        self.assertEqual(self.next(self.tess), first)
        self.assertEqual(self.next(self.timo), second)
        # and the same one again what was offered
        self.assertEqual(self.next(self.tess), first)
        self.assertFalse(self.next(self.vera))

    def test_of_one_customer_only_one_at_a_time(self):
        first, second = self.wants(self.caller, 60), self.wants(self.heavy, 50)
        other = self.wants(self.light, 1)
        first.with_user(self.tess).action_serve()
        self.assertEqual(self.order(), [other])
        self.company.crm_support_cap = 2
        self.assertEqual(self.order(), [second, other])

    def test_another_one_needs_a_reason_and_is_kept(self):
        first, second = self.wants(self.caller, 60), self.wants(self.light, 5)
        offered = self.next(self.tess)
        mine = second.with_user(self.tess)
        with self.assertRaises(UserError):
            mine._take_turn(offered, " ")
        mine._take_turn(offered, "Their shop is down")
        turn = self.env["crm.support.turn"].search([("request_id", "=", second.id)])
        self.assertEqual((turn.offered_id, turn.why, turn.user_id), (first, "Their shop is down", self.tess))
        self.assertEqual((second.state, second.user_id), ("serving", self.tess))

    def test_used_up_waits_for_the_others_or_for_a_supervisor_after_the_dry_run(self):
        self.policy.used_up = "after"
        heavy, light = self.wants(self.caller, 60), self.wants(self.light, 5)
        self.helped("h", 300, self.now - timedelta(hours=6))
        self.helped("l", 1, self.now - timedelta(hours=1), LIGHT, "102")
        self.env["crm.support.counter"].create(
            {"company_id": self.company.id, "partner_id": self.light.id, "served": 1000}
        )
        # in the dry run, nothing is put in another order
        self.assertEqual(self.order(), [heavy, light])
        self.company.crm_support_live_from = fields.Date.today()
        self.assertEqual(self.order(), [light, heavy])
        self.policy.used_up = "ask"
        self.assertEqual(self.order(), [light])
        with self.assertRaises(UserError):
            heavy.with_user(self.tess).action_allow()
        heavy.with_user(self.vera).action_allow()
        self.assertEqual(self.order(), [heavy, light])

    def test_the_screen_says_why(self):
        self.wants(self.light, 25, promised_on=fields.Date.today())
        self.wants(self.caller, 5)
        self.helped("h", 31, fields.Datetime.now() - timedelta(minutes=1))
        Next = self.env["crm.support.next"].with_user(self.tess).with_company(self.company)
        shown = Next.browse(Next.action_next()["res_id"])
        self.assertEqual(shown.partner_id, self.light)
        self.assertEqual(shown.why, "Has had 0 min this week, and waits for 00:25 h. Heavyweight Ltd has had 31.")
        shown.action_take()
        self.assertEqual(shown.request_id.state, "serving")

    def test_nobody_waits(self):
        Next = self.env["crm.support.next"].with_user(self.tess).with_company(self.company)
        shown = Next.browse(Next.action_next()["res_id"])
        self.assertFalse(shown.request_id)
        with self.assertRaises(UserError):
            shown.action_take()

    def test_a_thousand_wait_and_the_queries_are_as_many_as_for_two(self):
        partners = self.env["res.partner"].create([{"name": f"P{place}", "is_company": True} for place in range(60)])
        for partner in partners[:2]:
            self.wants(partner, 3)
        queries = []
        for _turn in range(2):
            self.order()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.order()
            queries.append(self.env.cr.sql_log_count - before)
            for partner in partners[2:]:
                self.wants(partner, 3)
        self.assertEqual(*queries)
