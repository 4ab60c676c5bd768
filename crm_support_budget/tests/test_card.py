from datetime import timezone

from odoo.addons.crm_voip_bridge.tests.common import answered
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import HEAVY, SupportCase


@tagged("post_install", "-at_install")
class TestCard(SupportCase):
    def test_the_card_says_what_is_left_and_who_waits(self):
        self.helped("a", 150)
        for contact, text in ((self.caller, "Mail not there"), (self.light, "Import stops")):
            self.env["crm.support.request"].create(
                {"name": text, "contact_id": contact.id, "company_id": self.company.id}
            )
        support = self.calls("a", user=self.tess)._prepare_card_vals()["support"]
        self.assertEqual([one["name"] for one in support["requests"]], ["Mail not there"])
        self.assertEqual([one["key"] for one in support["reasons"]], list("12345678"))
        self.assertTrue(support["left"].endswith("min left"), support["left"])
        # nobody else of those on the phone sees it
        self.assertNotIn("support", self.calls("a", user=self.boss)._prepare_card_vals())

    def test_a_reason_given_while_the_call_runs_is_kept_for_its_end(self):
        events = answered("run", HEAVY, start=self.minutes_after(0).replace(tzinfo=timezone.utc), seconds=300)
        self.deliver([event for event in events if event.type not in ("unbridged", "ended")])
        call = self.calls("run", user=self.tess)
        with self.assertRaises(AccessError):
            call.with_user(self.boss).action_crm_support_reason(self.env.ref("crm_support_budget.reason_courtesy").id)
        call.action_crm_support_reason(self.env.ref("crm_support_budget.reason_courtesy").id)
        self.assertFalse(self.entries(self.heavy))
        self.deliver(events)
        entry = self.entries(self.heavy)
        self.assertEqual((entry.measured_minutes, entry.minutes, entry.counted), (5, 0, False))
        # and the next time it is what is proposed
        self.assertEqual(
            self.calls("run", user=self.tess)._prepare_card_vals()["support"]["reason"],
            self.env.ref("crm_support_budget.reason_courtesy").id,
        )

    def test_yellow_says_what_helps(self):
        self.helped("a", 150)
        self.env["crm.support.request"].create(
            {"name": "Import stops", "contact_id": self.light.id, "company_id": self.company.id}
        )
        call = self.calls("a", user=self.tess)
        reading = self.reading(self.heavy, self.minutes_after(151))
        self.assertEqual(
            call._crm_support_advice(reading, self.company, self.heavy),
            "1 others are waiting; this customer has had 02:30 h today. Offer a call-back, or hand over.",
        )
