from datetime import date, datetime, timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import LIGHT, MONDAY, SupportCase

#: a Friday, eighteen days after the Monday on which tests begin
NOW = datetime(2026, 11, 20, 12)


@tagged("post_install", "-at_install")
class TestFit(SupportCase):
    """60 minutes a week of 40 hours: twelve a day. In November reserve and carry-over are full: 120 and 60."""

    def look(self):
        self.env["crm.support.fit"]._look(self.company, NOW)
        found = self.env["crm.support.fit"].search([("company_id", "=", self.company.id)])
        return {one.partner_id: one for one in found}

    def a_hard_week(self):
        # 180 − 190 = −10; a day later −10 + 12 − 10 = −8; −8 + 12 − 10 = −6; −6 + 12 − 1 = 5
        for day, minutes in enumerate((190, 10, 10, 1)):
            self.helped(f"d{day}", minutes, MONDAY + timedelta(days=day))

    def would(self):
        return self.env["crm.support.would"].search([("company_id", "=", self.company.id)])

    def test_too_small(self):
        self.a_hard_week()
        # 180 − 150 = 30, which was carried over
        self.helped("l", 150, MONDAY, LIGHT, "102")
        found = self.look()
        heavy, light = found[self.heavy], found[self.light]
        self.assertEqual((heavy.verdict, heavy.days, heavy.red_days, heavy.yellow_days), ("small", 4, 3, 0))
        self.assertEqual((heavy.contacts, heavy.minutes, heavy.policy_id), (4, 211, self.policy))
        self.assertEqual((light.verdict, light.days, light.red_days, light.yellow_days), ("fits", 1, 0, 1))
        entries = self.env["crm.support.entry"].search(heavy.action_ledger()["domain"])
        self.assertEqual(sum(entries.mapped("measured_minutes")), 211)
        action = heavy.action_agreement()
        self.assertEqual((action["res_id"], action["context"]["default_partner_id"]), (False, self.heavy.id))

    def test_our_own_defect_makes_no_agreement_too_small(self):
        self.a_hard_week()
        self.look()
        self.assertEqual(self.would().mapped("kind"), ["red"] * 3)
        first = self.env["crm.support.contact"].search([("partner_id", "=", self.heavy.id)], order="at", limit=1)
        first.with_user(self.tess)._say(self.env.ref("crm_support_budget.reason_own_defect"))
        heavy = self.look()[self.heavy]
        # the help was there, and cost nothing: 180 − 10 and so on
        self.assertEqual((heavy.verdict, heavy.days, heavy.red_days, heavy.minutes), ("fits", 4, 0, 211))
        self.assertFalse(self.would())

    def test_not_used(self):
        old, young = (self.env["res.partner"].create({"name": name, "is_company": True}) for name in ("Old", "Young"))
        for customer, since in ((old, date(2026, 9, 7)), (young, date(2026, 11, 9))):
            self.env["crm.support.agreement"].create(
                {
                    "partner_id": customer.id,
                    "policy_id": self.policy.id,
                    "date_from": since,
                    "company_id": self.company.id,
                }
            )
        found = self.look()
        self.assertEqual((found[old].verdict, found[young].verdict), ("unused", "fits"))
        self.assertEqual(found[young].since, date(2026, 11, 9))
        # help before the agreement began was not under it
        self.helped("x", 5, MONDAY)
        self.assertEqual(self.look()[self.heavy].days, 1)

    def test_kept_states_change_nothing(self):
        self.a_hard_week()
        fresh = self.look()[self.heavy].read(["verdict", "days", "red_days", "minutes"])[0]
        while self.env["crm.support.checkpoint"]._keep_some():
            pass
        kept = self.look()[self.heavy].read(["verdict", "days", "red_days", "minutes"])[0]
        self.assertEqual({**fresh, "id": 0}, {**kept, "id": 0})

    def test_whoever_has_nothing_any_more_is_gone(self):
        self.helped("x", 5, MONDAY)
        self.assertIn(self.heavy, self.look())
        contact = self.env["crm.support.contact"].search([("partner_id", "=", self.heavy.id)])
        self.env["crm.support.fit"]._look(self.company, NOW + timedelta(days=200))
        self.assertTrue(contact.exists())
        self.assertFalse(self.env["crm.support.fit"].search([("company_id", "=", self.company.id)]))

    def test_as_many_queries_for_many(self):
        counts = []
        for batch in range(2):
            for place in range(2 + 20 * batch):
                partner = self.env["res.partner"].create({"name": f"P{batch} {place}", "is_company": True})
                self.env["crm.support.contact"].with_user(self.tess)._by_hand(
                    partner, 30, "Helped", MONDAY, company=self.company
                )
            self.look()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.env["crm.support.fit"]._look(self.company, NOW)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)

    def test_customers_that_are_merged(self):
        self.a_hard_week()
        self.helped("l", 150, MONDAY, LIGHT, "102")
        self.look()
        self.env["base.partner.merge.automatic.wizard"]._merge([self.heavy.id, self.light.id], self.heavy)
        self.assertEqual(self.look()[self.heavy].minutes, 361)

    def test_who_may(self):
        Fit = self.env["crm.support.fit"]
        with self.assertRaises(UserError):
            Fit.with_user(self.tess).action_look()
        with self.assertRaises(AccessError):
            Fit.with_user(self.tess).search([])
        self.helped("x", 5, MONDAY)
        mine = Fit.with_user(self.vera).with_company(self.company)
        mine.action_look()
        self.assertEqual(mine.search([]).partner_id, self.heavy)

    # --- the dry run ---

    def test_what_would_have_been(self):
        line = self.env["crm.support.would"]._line
        self.assertEqual(line(self.company), "Nothing would have been done")
        self.a_hard_week()
        self.helped("l", 150, MONDAY, LIGHT, "102")
        self.assertFalse(self.company._crm_support_may("mail", self.heavy | self.light, "A mail"))
        for _night in range(2):
            # each night anew, and not once more
            self.look()
        self.assertEqual(line(self.company), "Would have been: 1 yellow, 3 red, 2 mails")
        action = self.env["crm.support.would"].with_user(self.vera).with_company(self.company).action_show()
        self.assertEqual(action["display_name"], "Would have been: 1 yellow, 3 red, 2 mails")
        turned = self.would().filtered(lambda one: one.kind == "yellow")
        # when the call was answered
        self.assertEqual((turned.partner_id, turned.create_date), (self.light, MONDAY + timedelta(seconds=5)))
        by_customer = self.env["crm.support.would"]._read_group(
            [("company_id", "=", self.company.id)], ["partner_id"], ["__count"]
        )
        self.assertEqual(dict(by_customer), {self.heavy: 4, self.light: 2})

    def test_after_the_dry_run_nothing_would_have_been(self):
        self.company.crm_support_live_from = date(2026, 10, 1)
        self.a_hard_week()
        self.look()
        self.assertFalse(self.would())
