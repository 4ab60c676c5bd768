from datetime import date, timedelta

from odoo.tests import tagged

from .common import LIGHT, MONDAY, SupportCase


@tagged("post_install", "-at_install")
class TestThreshold(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.support.rule"].search([]).unlink()
        cls.env["crm.support.rule"].create({"name": "All", "kind": "all", "sequence": 1})
        cls.Crossing = cls.env["crm.support.crossing"]
        cls.heavy.email = "office@heavyweight.example"
        cls.company.crm_support_live_from = date(2026, 10, 1)

    def look(self, hours=4):
        return self.Crossing._look(self.company, MONDAY + timedelta(hours=hours))

    def mails(self):
        """To the customer; activities send some, too."""
        found = self.env["mail.mail"].sudo().search([("model", "=", "crm.support.crossing")])
        return found.filtered(lambda mail: self.heavy in mail.recipient_ids)

    def test_a_policy_begins_with_thresholds(self):
        self.assertEqual(self.policy.threshold_ids.mapped("colour"), ["yellow", "red"])
        standard = self.env.ref("crm_support_budget.policy_standard")
        self.assertEqual(standard.threshold_ids.mapped("template_id.model"), ["crm.support.crossing"] * 2)

    def test_one_mail_for_each_turn_however_often_it_is_looked_at(self):
        self.helped("a", 200)
        [made] = self.look()
        self.assertEqual((made.partner_id, made.colour, made.told), (self.heavy, "red", True))
        self.assertTrue(made.green_at > MONDAY)
        self.assertFalse(self.look())
        mail = self.mails()
        self.assertEqual(mail.mail_message_id.res_id, made.id)
        self.assertIn(made.left, mail.body_html)
        # the supervisor has it, too
        self.assertIn(self.vera, made.activity_ids.user_id)

    def test_another_look_at_the_same_moment_tells_nobody(self):
        self.helped("a", 200)
        [made] = self.look()
        # whoever looked at the same moment saw no earlier turn either
        self.patch(type(self.Crossing), "_last", lambda _self, _company: {})
        self.assertFalse(self.look())
        self.assertEqual(len(self.mails()), 1)
        self.assertEqual(made.place, 1)

    def test_yellow_red_and_what_is_taken_back(self):
        self.helped("a", 130)
        self.assertEqual(self.look().mapped("colour"), ["yellow"])
        self.helped("b", 60, self.minutes_after(150))
        self.assertEqual(self.look(5).mapped("colour"), ["red"])
        contacts = self.env["crm.support.contact"].search([("partner_id", "=", self.heavy.id)])
        contacts.with_user(self.vera)._waive("It was our fault")
        # of the day on which everything was taken back, nothing is left: nobody is told, unless the policy says so
        turned = self.look(6)
        self.assertEqual((turned.colour, turned.told), ("green", False))
        self.assertEqual(len(self.mails()), 2)
        self.assertEqual(self.Crossing.search([("partner_id", "=", self.heavy.id)]).mapped("place"), [3, 2, 1])

    def test_time_alone_makes_it_green_again(self):
        self.helped("a", 200)
        self.look()
        self.assertFalse(self.look(24))
        self.assertEqual(self.look(24 * 28).colour, "green")

    def test_the_same_is_told_once_in_a_period(self):
        self.helped("a", 190)
        self.look()
        # Tuesday: the working hours of a day gave some back, and it is green
        self.assertEqual(self.look(24 + 10).colour, "green")
        self.helped("b", 60, self.minutes_after(60 * 35))
        self.assertEqual(self.look(24 + 12).colour, "red")
        self.assertEqual(len(self.mails()), 1)
        # the week after, it is told again
        self.look(24 * 8)
        self.helped("c", 200, self.minutes_after(60 * (24 * 8 + 1)))
        self.look(24 * 8 + 5)
        self.assertEqual(len(self.mails()), 2)

    def test_in_the_dry_run_no_mail_leaves_and_it_is_noted(self):
        self.company.crm_support_live_from = date(2027, 1, 1)
        self.helped("a", 200)
        self.assertFalse(self.look().told)
        self.assertFalse(self.mails())
        self.assertEqual(self.env["crm.support.would"].search([("kind", "=", "mail")]).partner_id, self.heavy)

    def test_turned_off(self):
        self.company.crm_support_threshold_mails = False
        self.helped("a", 200)
        self.assertFalse(self.look().told)
        self.assertFalse(self.mails())

    def test_who_has_no_address_and_who_is_not_limited(self):
        self.heavy.email = False
        self.helped("a", 200)
        self.assertEqual((self.look().told, len(self.mails())), (False, 0))
        self.always(self.policy, minutes=0)
        self.helped("l", 300, MONDAY, LIGHT)
        self.assertNotIn(self.light, self.look().partner_id)

    def test_as_many_queries_for_many(self):
        counts = []
        self.company.crm_support_threshold_mails = False
        self.policy.threshold_ids.unlink()
        for batch, size in enumerate((5, 5, 60)):
            people = self.env["res.partner"].create([{"name": f"P{batch} {place}"} for place in range(size)])
            for one in people:
                self.env["crm.support.contact"].with_user(self.tess)._by_hand(
                    one, 200, "Long", MONDAY, company=self.company
                )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(self.look()), size)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[2], counts[1])


@tagged("post_install", "-at_install")
class TestAudit(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        now = cls.env.cr.now().replace(microsecond=0)
        Contact = cls.env["crm.support.contact"].with_user(cls.tess)
        cls.contact = Contact._by_hand(cls.caller, 10, "On site", now - timedelta(hours=1), company=cls.company)
        cls.other = Contact._by_hand(cls.light, 20, "On site", now - timedelta(hours=2), company=cls.company)
        cls.other.with_user(cls.vera)._waive("A courtesy")
        cls.Audit = cls.env["crm.support.audit"]

    def broken(self, query, *more):
        self.env.flush_all()
        self.env.cr.execute(query, more)
        self.env.invalidate_all()
        return self.Audit._audit(self.company)

    def test_it_adds_up(self):
        audit = self.Audit._audit(self.company)
        self.assertEqual((audit.wrong, audit.contacts, audit.meters), (0, 2, 2))
        self.assertFalse(audit.findings)
        self.assertFalse(audit.activity_ids)

    def test_a_changed_entry_is_found_and_not_mended(self):
        audit = self.broken("UPDATE crm_support_entry SET minutes = 11 WHERE support_contact_id = %s", self.contact.id)
        self.assertEqual(audit.wrong, 1)
        self.assertIn(f"Contact {self.contact.id}: 11.0 min are entered, and it says 10.0.", audit.findings)
        self.assertIn(self.vera, audit.activity_ids.user_id)
        self.assertEqual(self.contact.entry_ids.minutes, 11)

    def test_a_reversal_that_is_not_the_opposite_is_found(self):
        audit = self.broken(
            "UPDATE crm_support_entry SET contacts = -2 WHERE support_contact_id = %s AND reverses_id IS NOT NULL",
            self.other.id,
        )
        self.assertIn("is not its opposite", audit.findings)

    def test_an_entry_that_is_gone_is_missed(self):
        audit = self.broken(
            "DELETE FROM crm_support_entry WHERE support_contact_id = %s AND reverses_id IS NULL", self.contact.id
        )
        self.assertIn(f"Contact {self.contact.id}: 0.0 min are entered", audit.findings)


@tagged("post_install", "-at_install")
class TestPersonInSupport(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.support.rule"].search([]).unlink()
        cls.env["crm.support.rule"].create({"name": "All", "kind": "all", "sequence": 1})

    def test_a_customers_person_is_told_and_leaves_the_minutes(self):
        self.helped("a", 10)
        request = self.env["crm.support.request"].create(
            {"name": "Hans cannot print", "contact_id": self.caller.id, "company_id": self.company.id}
        )
        Person = self.env["crm.voip.person"]
        told = Person._tell(Person._of(self.caller))
        self.assertEqual([row["minutes"] for row in told["support_entries"][1]], [10])
        self.assertEqual([row["name"] for row in told["support_requests"][1]], ["Hans cannot print"])
        Person._erase(Person._of(self.caller))
        self.assertEqual((request.name, request.contact_id), ("Anonymised", self.heavy))
        entries = self.entries(self.heavy)
        self.assertNotIn(self.caller, entries.contact_id)
        # what was used stays, and the ledger adds up
        self.assertEqual(sum(entries.mapped("minutes")), 10)
        self.assertFalse(self.env["crm.support.audit"]._audit(self.company).wrong)

    def test_a_colleague_is_told_and_becomes_nobody(self):
        self.helped("a", 10)
        request = self.env["crm.support.request"].create(
            {"name": "Help", "contact_id": self.caller.id, "company_id": self.company.id, "user_id": self.tess.id}
        )
        Person = self.env["crm.voip.person"]
        told = Person._tell(Person._of(self.tess))
        self.assertEqual([row["minutes"] for row in told["support_given"][1]], [10])
        Person._erase(Person._of(self.tess))
        self.assertFalse(request.user_id)
        self.assertFalse(self.entries(self.heavy).user_id)
        self.assertEqual(sum(self.entries(self.heavy).mapped("minutes")), 10)
