import random

from odoo.addons.crm_voip_bridge.tests.common import many, missed, outbound
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import HEAVY, MONDAY, SupportCase


@tagged("post_install", "-at_install")
class TestLedger(SupportCase):
    def reason(self, code):
        return self.env.ref(f"crm_support_budget.reason_{code}")

    def total(self, customer):
        entries = self.entries(customer)
        return sum(entries.mapped("minutes")), sum(entries.mapped("contacts"))

    def contact(self, call):
        return self.env["crm.support.contact"].search([("call_id", "=", call.id)])

    def test_a_call_of_a_technician_is_entered_with_what_decided(self):
        call = self.helped("a", 12)
        entry = self.entries(self.heavy)
        self.assertEqual((entry.minutes, entry.contacts, entry.counted), (12, 1, True))
        self.assertEqual((entry.contact_id, entry.user_id, entry.call_id), (self.caller, self.tess, call))
        # it was answered five seconds after it began
        self.assertEqual(entry.at, self.minutes_after(0).replace(second=5))
        self.assertEqual(
            entry.explanation,
            "Call · support by the rule “Taken or made by a technician” · no reason given, so it counts",
        )
        self.assertAlmostEqual(self.reading(self.heavy, entry.at).minutes_left, 180 - 12)

    def test_the_first_rule_that_fits_decides(self):
        self.helped("a", 12, queue=True)
        self.assertIn("Support queue", self.entries(self.heavy).explanation)
        self.env["crm.support.rule"].create(
            {"name": "Sales line", "sequence": 1, "kind": "dialled", "value": "020 100 0101", "is_support": False}
        )
        self.env["crm.support.contact"]._take("call", self.calls("a").ids)
        # the number of ours that was called is +31 20 100 0101: no support now, so it is taken back
        self.assertEqual(self.total(self.heavy), (0, 0))

    def test_what_nobody_of_support_talked_is_not_entered(self):
        self.helped("sales", 12, phone="103")
        self.deliver(missed("gone", HEAVY), outbound("out", HEAVY, "103"))
        self.assertFalse(self.entries(self.heavy))

    def test_a_recalculated_call_takes_back_what_it_said_before(self):
        call = self.helped("a", 12)
        call.sudo().talk_s = 600
        self.env["crm.support.contact"]._take("call", call.ids)
        self.assertEqual(self.entries(self.heavy).mapped("minutes"), [12, -12, 10])
        self.assertEqual(self.entries(self.heavy)[1].explanation, "Taken back: it was entered anew.")
        self.env["crm.support.contact"]._take("call", call.ids)
        self.assertEqual(len(self.entries(self.heavy)), 3)

    def test_a_call_whose_customer_turns_out_to_be_another(self):
        call = self.helped("a", 12)
        call.with_user(self.tess).action_pick(self.light.id)
        self.assertEqual(self.total(self.heavy), (0, 0))
        self.assertEqual(self.total(self.light), (12, 1))

    def test_our_defect_never_counts_also_when_found_out_later(self):
        request = self.env["crm.support.request"].create(
            {"name": "Invoice looks wrong", "contact_id": self.caller.id, "company_id": self.company.id}
        )
        for place in range(3):
            call = self.helped(f"c{place}", 10, self.minutes_after(60 * place))
            self.contact(call).with_user(self.tess)._say(self.reason("question"), request)
        self.assertEqual(self.total(self.heavy), (30, 3))
        request.reason_id = self.reason("own_defect")
        request.contact_ids._settle()
        self.assertEqual(self.total(self.heavy), (0, 0))
        # as if they had never been: three hours on, the meter is full
        self.assertEqual(self.reading(self.heavy, self.minutes_after(180)).minutes_left, 180)
        self.assertIn("“Our own defect” never counts", self.entries(self.heavy)[-1].explanation)

    def test_thirty_minutes_cost_the_same_at_once_and_in_three(self):
        self.helped("once", 30)
        for place in range(3):
            self.helped(f"c{place}", 10, self.minutes_after(place * 11), "+12025550122", "102")
        later = self.minutes_after(60)
        self.assertAlmostEqual(self.total(self.heavy)[0], self.total(self.light)[0])
        self.assertAlmostEqual(
            self.reading(self.heavy, later).minutes_left, self.reading(self.light, later).minutes_left
        )

    def test_a_supervisor_takes_back_with_a_reason_and_nobody_else(self):
        contact = self.contact(self.helped("a", 12))
        with self.assertRaises(UserError):
            contact.with_user(self.tess)._waive("Because")
        with self.assertRaises(UserError):
            contact.with_user(self.vera)._waive(" ")
        contact.with_user(self.vera)._waive("A gift")
        entries = self.entries(self.heavy)
        self.assertEqual(entries.mapped("minutes"), [12, -12, 0])
        self.assertEqual((entries[1].author_id, entries[1].explanation), (self.vera, "Taken back: A gift"))
        self.env["crm.support.contact"]._take("call", contact.call_id.ids)
        self.assertEqual(len(self.entries(self.heavy)), 3)

    def test_help_by_hand(self):
        Contact = self.env["crm.support.contact"].with_user(self.tess)
        for wrong in ((0, "x"), (2000, "x"), (5, " ")):
            with self.assertRaises(UserError):
                Contact._by_hand(self.caller, *wrong, company=self.company)
        Contact._by_hand(self.caller, 25, "On site", MONDAY, self.reason("courtesy"), company=self.company)
        entry = self.entries(self.heavy)
        self.assertEqual((entry.minutes, entry.measured_minutes, entry.counted), (0, 25, False))

    def test_nobody_edits_the_ledger(self):
        self.helped("a", 12)
        entry = self.entries(self.heavy)
        for user in (self.tess, self.vera, self.admin):
            with self.assertRaises(UserError):
                entry.with_user(user).write({"minutes": 0})
            with self.assertRaises(UserError):
                entry.with_user(user).unlink()
            with self.assertRaises(UserError):
                entry.with_user(user).create({"partner_id": self.light.id})
        with self.assertRaises(UserError):
            entry.sudo().write({"minutes": 0})

    def test_a_thousand_calls_are_entered_with_as_many_queries_as_one(self):
        Contact = self.env["crm.support.contact"]
        partners = self.env["res.partner"].create(
            [{"name": f"C{place}", "is_company": True, "phone": f"+1202555{place:04}"} for place in range(30)]
        )
        self.env.flush_all()
        self.deliver(many(30))
        calls = self.calls(*(f"m{place}" for place in range(30)))
        self.assertEqual(self.env["crm.support.entry"].search_count([("partner_id", "in", partners.ids)]), 30)
        queries = []
        for count in (2, 2, 30):
            contacts = Contact.search([("call_id", "in", calls[:count].ids)])
            self.env.cr.execute("DELETE FROM crm_support_entry WHERE support_contact_id = ANY(%s)", [contacts.ids])
            self.env.cr.execute("DELETE FROM crm_support_contact WHERE id = ANY(%s)", [contacts.ids])
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            Contact._take("call", calls[:count].ids)
            self.env.flush_all()
            queries.append(self.env.cr.sql_log_count - before)
        # the first one only fills what is kept in memory
        self.assertEqual(*queries[1:])

    def test_merged_customers_have_one_meter(self):
        self.helped("a", 12)
        self.helped("b", 20, number="+12025550122", phone="102")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.heavy | self.light).ids, self.heavy)
        self.assertAlmostEqual(self.total(self.heavy)[0], 32)
        now = self.minutes_after(600)
        whole = self.env["crm.support.meter"]._from_nothing(self.heavy, self.company, now)
        self.assertEqual(self.reading(self.heavy, now).minutes_left, whole["minutes"].left)

    def test_a_contact_that_moves_takes_its_help_along(self):
        self.helped("a", 12)
        while self.env["crm.support.checkpoint"]._keep_some():
            pass
        self.caller.parent_id = self.light
        self.assertEqual(self.total(self.light), (12, 1))
        self.assertFalse(self.entries(self.heavy))
        now = self.minutes_after(1)
        self.assertEqual(self.reading(self.heavy, now).minutes_left, 180)
        self.assertLess(self.reading(self.light, now).minutes_left, 169)

    def test_any_history_adds_up(self):
        dice = random.Random(6)
        reasons = self.env["crm.support.reason"].search([])
        calls = []
        for step in range(40):
            deed = dice.random()
            if deed < 0.5 or not calls:
                at = self.minutes_after(dice.randrange(30 * 1440))
                calls.append(self.helped(f"r{step}", dice.choice([1, 7, 30]), at))
            elif deed < 0.8:
                self.contact(dice.choice(calls)).with_user(self.tess)._say(dice.choice(reasons))
            elif deed < 0.9:
                self.contact(dice.choice(calls)).with_user(self.vera)._waive("Because")
            else:
                call = dice.choice(calls)
                call.sudo().talk_s = dice.choice([60, 300, 0])
                self.env["crm.support.contact"]._take("call", call.ids)
        wanted = sum(
            contact.minutes * (0 if contact.waived_why else contact.reason_id.factor if contact.reason_id else 1)
            for contact in map(self.contact, calls)
        )
        self.assertAlmostEqual(self.total(self.heavy)[0], wanted)
        now = self.minutes_after(31 * 1440)
        state = self.env["crm.support.meter"]._from_nothing(self.heavy, self.company, now)["minutes"]
        self.assertAlmostEqual(state.opening + state.accrued - state.lost - state.used, state.left)
        self.assertAlmostEqual(state.used, wanted)
