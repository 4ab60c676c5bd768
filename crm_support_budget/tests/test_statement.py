from datetime import date, datetime
from unittest.mock import patch

from odoo.tests import tagged

from .common import SupportCase

SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)


@tagged("post_install", "-at_install")
class TestStatement(SupportCase):
    """A statement stays as it was told, and adds up with the next one whatever is found out in between."""

    def told(self, first, customer=None):
        return self.env["crm.support.statement"]._of(customer or self.heavy, self.company, first)

    def html(self, statement):
        report = self.env["ir.actions.report"]
        return report._render_qweb_html("crm_support_budget.report_statement", statement.ids)[0].decode()

    def assertAddsUp(self, statement):
        rows = dict(statement._rows())
        for amount in ("minutes", "contacts"):
            if amount in statement.figures:
                parts = [numbers[amount] for what, numbers in rows.items() if what not in ("closing", "carried")]
                self.assertEqual(sum(parts), rows["closing"][amount])

    def test_what_is_found_out_later_stands_in_the_next_one(self):
        self.helped("a", 100, datetime(2026, 9, 30, 9))
        first = self.told(SEPTEMBER)
        kept = dict(first.figures)
        self.assertFalse(first._found_out())
        self.assertNotIn("Found out after", self.html(first))
        self.helped("b", 10, datetime(2026, 10, 1, 9))
        # a defect, as it turns out in October
        self.entries(self.heavy)[0].support_contact_id._say(self.env.ref("crm_support_budget.reason_own_defect"))
        by, now = first._found_out()["minutes"]
        # of the hundred, what had come back meanwhile would have found no room
        self.assertEqual(now, kept["minutes"]["closing"] + by)
        self.assertEqual(by, 93)
        self.assertEqual(first.figures, kept)
        self.assertIn("Found out after", self.html(first))
        second = self.told(OCTOBER)
        one = second.figures["minutes"]
        # it begins where the first one ended, says what was found out, and ends where the meter is
        self.assertEqual((one["opening"], one["corrected"], one["used"]), (kept["minutes"]["closing"], 93, 10))
        end = self.company._crm_voip_bounds(date(2026, 10, 31), date(2026, 10, 31))[1]
        self.assertEqual(one["closing"], round(self.reading(self.heavy, end).minutes_left))
        self.assertIn("Found out later about earlier months", self.html(second))
        for statement in (first, second):
            self.assertAddsUp(statement)

    def test_minutes_and_calls_side_by_side(self):
        self.always(self.policy, contacts=10, reserve_contacts=10, carry_contacts=5)
        self.helped("a", 12, datetime(2026, 10, 6, 9))
        self.helped("b", 8, datetime(2026, 10, 7, 9))
        self.entries(self.heavy)[0].support_contact_id._say(self.env.ref("crm_support_budget.reason_courtesy"))
        statement = self.told(OCTOBER)
        self.assertEqual(statement.figures["minutes"]["not_counted"], 12)
        self.assertEqual(statement.figures["contacts"]["not_counted"], 1)
        self.assertEqual(dict(statement._rows())["had"], {"minutes": -20, "contacts": -2})
        self.assertAddsUp(statement)
        self.assertIn("Calls and messages", self.html(statement))

    def test_a_debt_is_billed_once(self):
        euro = self.env.ref("base.EUR")
        self.always(
            self.policy, minutes=0.001, reserve_minutes=60, carry_minutes=0, used_up="bill", rate=90, rounding=15,
            currency_id=euro.id,
        )  # fmt: skip
        self.helped("a", 100, datetime(2026, 9, 30, 9))
        first = self.told(SEPTEMBER)
        # forty minutes more than there were, to the next quarter of an hour
        self.assertEqual(first.figures["billed"], {"minutes": 45, "amount": 67.5, "currency": euro.id})
        self.assertIn("67.50", self.html(first))
        self.assertEqual(self.told(OCTOBER).figures["billed"]["minutes"], 0)
        self.assertNotIn("To be billed", self.html(self.told(OCTOBER)))

    def test_without_a_limit_it_says_so(self):
        self.always(self.policy, minutes=0, contacts=0)
        self.helped("a", 12, datetime(2026, 10, 6, 9))
        html = self.html(self.told(OCTOBER))
        self.assertIn("Your help is not limited", html)
        self.assertIn("12", html)

    def test_it_lists_what_it_is_made_of(self):
        self.helped("a", 12, datetime(2026, 10, 6, 9))
        statement = self.told(OCTOBER)
        lines, more = statement._lines()
        self.assertEqual([(one["minutes"], more) for one in lines], [(12, 0)])
        # eleven in the customer's country, as the company has it
        self.assertIn("11:00", lines[0]["at"])
        # one that is entered afterwards is not in its figures, and not in its lines
        self.helped("b", 30, datetime(2026, 10, 7, 9))
        self.assertEqual(len(statement._lines()[0]), 1)
        # as many as a page or ten hold, and how many more
        with patch("odoo.addons.crm_support_budget.models.crm_support_statement_told.MOST", 0):
            self.assertEqual(statement._lines(), ([], 1))

    def test_what_a_mail_says_when_it_is_over(self):
        self.helped("a", 400, datetime(2026, 10, 30, 9))
        statement = self.told(OCTOBER)
        self.assertLess(statement.figures["minutes"]["closing"], 0)
        self.company.crm_support_live_from = date(2026, 10, 1)
        self.heavy.email = "office@heavyweight.example"
        statement._send()
        mail = self.env["mail.mail"].search([("model", "=", statement._name), ("res_id", "=", statement.id)])
        self.assertIn("used 400 minutes", mail.body_html)
        self.assertIn("more than there were", mail.body_html)
        self.assertNotIn("-", mail.body_html.split("400 minutes")[1].split("</p>")[0])
