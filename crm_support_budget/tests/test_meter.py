import random
from datetime import datetime, timedelta

from odoo.tests import tagged

from .common import MONDAY, SupportCase


@tagged("post_install", "-at_install")
class TestMeter(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Meter = cls.env["crm.support.meter"]

    def enter(self, customer, at, minutes, contacts=1):
        contact = self.env["crm.support.contact"].create(
            {"company_id": self.company.id, "source": "hand", "at": at, "partner_id": customer.id}
        )
        amounts = {"minutes": minutes, "contacts": contacts, "measured_minutes": minutes, "measured_contacts": contacts}
        vals = {"company_id": self.company.id, "partner_id": customer.id, "support_contact_id": contact.id, "at": at}
        return self.env["crm.support.entry"]._append([{**vals, **amounts}])

    def test_a_customer_begins_with_the_reserve_and_what_came_in_since(self):
        # since September the reserve of 120 is full and overflowed: the most that is carried over, 60
        self.assertEqual(self.reading(self.light, MONDAY).minutes_left, 180)
        self.assertEqual(self.reading(self.light, MONDAY).colour, "green")

    def test_what_is_used_comes_back_in_working_time(self):
        self.enter(self.heavy, MONDAY, 150)
        # 120 of the reserve, 30 of what was carried over; both levels together: 30 left
        self.assertAlmostEqual(self.reading(self.heavy, MONDAY).minutes_left, 30)
        self.assertEqual(self.reading(self.heavy, MONDAY).colour, "yellow")
        # 60 a week of 2 400 minutes: two hours of work bring three minutes
        self.assertAlmostEqual(self.reading(self.heavy, self.minutes_after(120)).minutes_left, 33)
        # at night, nothing: it is seven hours of work from ten (nine by UTC) until four, six
        evening = self.reading(self.heavy, MONDAY.replace(hour=18))
        self.assertAlmostEqual(evening.minutes_left, 30 + 6 * 1.5)
        self.assertAlmostEqual(self.reading(self.heavy, MONDAY.replace(hour=23)).minutes_left, evening.minutes_left)

    def test_debt_is_said_and_when_it_is_paid(self):
        self.enter(self.heavy, MONDAY, 240)
        red = self.reading(self.heavy, MONDAY)
        self.assertEqual((red.colour, round(red.over_by)), ("red", 60))
        # 60 minutes take a week of work: the same moment a week later
        self.assertEqual(red.green_at, MONDAY + timedelta(days=7))

    def test_the_day_counts_what_was_had_today(self):
        self.enter(self.heavy, MONDAY - timedelta(days=3), 90)
        self.enter(self.heavy, MONDAY, 100)
        self.enter(self.heavy, self.minutes_after(30), 21)
        now = self.reading(self.heavy, self.minutes_after(60))
        self.assertEqual((now.day_minutes, now.day_contacts, now.is_long_day), (121, 2, True))

    def test_a_reading_takes_the_same_queries_for_many(self):
        customers = self.env["res.partner"].create([{"name": f"C{place}", "is_company": True} for place in range(40)])
        for customer in customers:
            self.enter(customer, MONDAY, 10)
        self.Meter._of(self.heavy | self.light, self.company, MONDAY)
        self.env.flush_all()
        with self.assertQueryCount(5):
            self.Meter._of(customers, self.company, self.minutes_after(1))

    def test_any_history_is_the_same_from_what_is_kept_and_from_nothing(self):
        for seed in range(6):
            dice = random.Random(seed)
            customer = self.env["res.partner"].create({"name": f"Random {seed}", "is_company": True})
            entries = []
            agreement = None
            for _step in range(40):
                at = datetime(2026, 9, 1) + timedelta(minutes=dice.randrange(95 * 1440))
                deed = dice.random()
                if deed < 0.6 or not entries:
                    entries.append(self.enter(customer, at, dice.choice([1, 7.25, 30, 200])))
                elif deed < 0.7:
                    entry = entries.pop(dice.randrange(len(entries)))
                    self.enter(customer, entry.at, -entry.minutes, -entry.contacts)
                elif deed < 0.78:
                    self.policy.minutes = dice.choice([30, 60, 90])
                elif deed < 0.84 and not agreement:
                    agreement = self.env["crm.support.agreement"].create(
                        {
                            "partner_id": customer.id,
                            "company_id": self.company.id,
                            "policy_id": self.env.ref("crm_support_budget.policy_priority").id,
                            "date_from": at.date(),
                        }
                    )
                elif deed < 0.88 and agreement:
                    agreement.date_until = max(at.date(), agreement.date_from)
                elif deed < 0.93:
                    self.env["resource.calendar.leaves"].create(
                        {
                            "name": "Holiday",
                            "calendar_id": self.company.resource_calendar_id.id,
                            "company_id": self.company.id,
                            "date_from": at,
                            "date_to": at + timedelta(days=1),
                        }
                    )
                else:
                    while self.env["crm.support.checkpoint"]._keep_some():
                        pass
                now = datetime(2026, 9, 1) + timedelta(minutes=dice.randrange(100 * 1440))
                whole = self.Meter._from_nothing(customer, self.company, now)
                read = self.reading(customer, now)
                for amount in ("minutes", "contacts"):
                    left = getattr(read, f"{amount}_left")
                    self.assertEqual(left, whole[amount] and whole[amount].left, (seed, _step, amount))
            self.assertTrue(self.env["crm.support.checkpoint"].search_count([("partner_id", "=", customer.id)]))
