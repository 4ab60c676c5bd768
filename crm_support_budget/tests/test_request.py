from datetime import timezone

from odoo.addons.crm_voip_bridge.tests.common import missed, told
from odoo.tests import tagged

from .common import HEAVY, LIGHT, SupportCase


@tagged("post_install", "-at_install")
class TestRequest(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.support.rule"].search([]).unlink()
        cls.env["crm.support.rule"].create({"name": "All", "kind": "all", "sequence": 1})

    def requests(self, customer):
        return self.env["crm.support.request"].search([("partner_id", "=", customer.id)])

    def gone(self, ref, minute, number=HEAVY):
        self.deliver(missed(ref, number, start=self.minutes_after(minute).replace(tzinfo=timezone.utc)))

    def test_a_missed_call_makes_one_request_and_the_next_is_counted(self):
        self.gone("a", 0)
        self.gone("b", 5)
        self.gone("other", 6, LIGHT)
        request = self.requests(self.heavy)
        self.assertEqual((len(request), request.tries, request.state, request.origin), (1, 2, "waiting", "missed"))
        # they wait since the first time
        self.assertEqual(request.waiting_since, self.minutes_after(0))
        self.assertEqual(request.contact_id, self.caller)
        self.assertEqual(len(self.requests(self.light)), 1)

    def test_calls_that_arrive_late_wait_since_the_first(self):
        self.gone("b", 5)
        self.gone("a", 0)
        self.assertEqual(self.requests(self.heavy).waiting_since, self.minutes_after(0))

    def test_giving_up_in_the_queue_is_said(self):
        self.deliver(
            told(
                f"0 started c PJSIP/trunk-00000001 {HEAVY} +31201000101",
                "1 answered c",
                "1 queued c support",
                "60 hangup_requested c",
                "60 abandoned c support",
                "60 ended c 16",
                call="q",
            )
        )
        self.assertEqual(self.requests(self.heavy).origin, "given_up")

    def test_calling_back_is_what_they_wanted_and_the_talk_is_its_contact(self):
        self.gone("a", 0)
        self.helped("back", 4, self.minutes_after(30), phone="102")
        request = self.requests(self.heavy)
        self.assertEqual((request.state, request.user_id), ("done", self.timo))
        self.assertEqual(request.contact_ids.call_id.call_ref, "back")
        self.assertEqual(request.helped_at, request.contact_ids.at)
        self.gone("again", 60)
        self.assertEqual(len(self.requests(self.heavy)), 2)

    def test_it_waits_again_when_the_customer_calls(self):
        self.gone("a", 0)
        request = self.requests(self.heavy)
        request.action_wait()
        self.gone("b", 90)
        self.assertEqual((request.state, request.waiting_since), ("waiting", self.minutes_after(90)))

    def test_repeat_contacts_on_the_same_topic_are_counted(self):
        self.env.cr.execute("UPDATE res_company SET crm_support_repeat_days = 4000 WHERE id = %s", [self.company.id])
        self.company.invalidate_recordset()
        topic = self.env["crm.support.topic"].create({"name": "E-mail"})
        Request = self.env["crm.support.request"]
        first, second = (
            Request.create(
                {"name": name, "contact_id": self.caller.id, "company_id": self.company.id, "topic_id": topic.id}
            )
            for name in ("Mail not there", "Mail still not there")
        )
        for place, request in enumerate((first, first, second)):
            call = self.helped(f"c{place}", 3, self.minutes_after(place * 10))
            self.env["crm.support.contact"].search([("call_id", "=", call.id)]).with_user(self.tess)._say(
                request=request
            )
        self.env.flush_all()
        self.assertEqual((first | second).mapped("repeats"), [3, 3])
        self.assertEqual(first.minutes, 6)

    def test_our_defect_on_a_request_takes_back_what_it_cost(self):
        self.gone("a", 0)
        self.helped("back", 4, self.minutes_after(30))
        self.assertEqual(sum(self.entries(self.heavy).mapped("minutes")), 4)
        self.requests(self.heavy).with_user(self.tess).reason_id = self.env.ref("crm_support_budget.reason_own_defect")
        self.assertEqual(sum(self.entries(self.heavy).mapped("minutes")), 0)
        # and found to be something else after all
        self.requests(self.heavy).reason_id = self.env.ref("crm_support_budget.reason_question")
        self.assertEqual(sum(self.entries(self.heavy).mapped("minutes")), 4)
