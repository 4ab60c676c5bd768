from datetime import date, datetime

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import SupportCase


@tagged("post_install", "-at_install")
class TestPortal(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_support_portal = True

        def customer(login, partner):
            user = new_test_user(
                cls.env, login, groups="base.group_portal", company_id=cls.company.id, company_ids=cls.company.ids
            )
            user.partner_id.parent_id = partner
            return user

        cls.theirs, cls.others = customer("portal_heavy", cls.heavy), customer("portal_light", cls.light)

    def test_a_customer_sees_their_own_company_and_nothing_else(self):
        self.helped("a", 12)
        self.helped("b", 5, number="+12025550122", phone="102")
        Entry = self.env["crm.support.entry"]
        self.assertEqual(Entry.with_user(self.theirs).search([]).partner_id, self.heavy)
        self.assertEqual(Entry.with_user(self.others).search([]).partner_id, self.light)
        with self.assertRaises(AccessError):
            self.entries(self.heavy).with_user(self.others).read(["minutes"])
        # who it was of us is not for customers
        for name in ("user_id", "author_id"):
            with self.assertRaises(AccessError):
                self.entries(self.heavy).with_user(self.theirs).read([name])
        for model in ("policy", "agreement", "contact", "turn", "notice", "takeover", "would", "rule", "reason"):
            self.assertFalse(self.env[f"crm.support.{model}"].with_user(self.theirs).has_access("read"), model)
        # whoever leaves the company sees it no more
        self.theirs.partner_id.parent_id = self.light
        self.assertEqual(Entry.with_user(self.theirs).search([]).partner_id, self.light)

    def test_an_accepted_objection_takes_back_and_all_agree(self):
        self.company.crm_support_since = datetime(2026, 9, 1)
        self.helped("a", 40, datetime(2026, 10, 6, 9))
        self.helped("b", 10, datetime(2026, 10, 7, 9))
        entry = self.entries(self.heavy)[0]
        Objection = self.env["crm.support.objection"]
        with self.assertRaises(AccessError):
            Objection.with_user(self.others)._object(entry.with_user(self.others), "Mine")
        objection = Objection.with_user(self.theirs)._object(entry.with_user(self.theirs), "It crashed")
        with self.assertRaises(UserError):
            Objection.with_user(self.theirs)._object(entry.with_user(self.theirs), "Again")
        self.assertIn(self.vera, objection.activity_ids.user_id)
        with self.assertRaises(UserError):
            objection.with_user(self.tess).action_accept()
        objection.with_user(self.vera).action_accept()
        self.assertEqual(self.entries(self.heavy).mapped("minutes"), [40, 10, -40, 0])
        statement = self.env["crm.support.statement"]._of(self.heavy, self.company, date(2026, 10, 1))
        figures = statement.figures
        # ten minutes count, forty do not; the reserve and what was carried over were full before
        self.assertEqual(figures["minutes"]["used"], 10)
        self.assertEqual(figures["not_counted"], 40)
        one = figures["minutes"]
        self.assertEqual(one["opening"] + one["accrued"] - one["used"] - one["lost"], one["closing"])
        end = self.company._crm_voip_bounds(date(2026, 10, 31), date(2026, 10, 31))[1]
        self.assertEqual(round(self.reading(self.heavy, end).minutes_left), one["closing"])
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("crm_support_budget.report_statement", statement.ids)[0]
            .decode()
        )
        # fifty were had, forty of them do not count
        plain = html.replace(" ", "").replace("\n", "")
        self.assertIn(">-50<", plain)
        self.assertIn(">40<", plain)
        self.assertIn("<strong>40</strong>", html)
        self.assertIn("You got all the help that you asked for.", html)
        self.company.crm_support_live_from = fields.Date.today()
        self.heavy.email = "office@heavyweight.example"
        statement._send()
        mail = self.env["mail.mail"].search([("model", "=", statement._name), ("res_id", "=", statement.id)])
        self.assertIn("used 10 minutes", mail.body_html)
        self.assertEqual(len(mail.attachment_ids), 1)

    def test_declining_needs_an_answer(self):
        self.helped("a", 12)
        objection = (
            self.env["crm.support.objection"]
            .with_user(self.theirs)
            ._object(self.entries(self.heavy).with_user(self.theirs), "No")
            .with_user(self.vera)
        )
        with self.assertRaises(UserError):
            objection.action_decline()
        objection.answer = "The manual says so on page 3."
        objection.action_decline()
        self.assertEqual(sum(self.entries(self.heavy).mapped("minutes")), 12)

    def test_nothing_is_mailed_in_the_dry_run(self):
        self.helped("a", 12, datetime(2026, 10, 6, 9))
        self.heavy.email = "office@heavyweight.example"
        statement = self.env["crm.support.statement"]._of(self.heavy, self.company, date(2026, 10, 1))
        statement._send()
        self.assertFalse(statement.sent_at)
        self.assertFalse(self.env["mail.mail"].search([("model", "=", statement._name)]))
        would = self.env["crm.support.would"].search([("company_id", "=", self.company.id)])
        self.assertEqual((would.kind, would.partner_id), ("mail", self.heavy))

    def test_a_hundred_and_twenty_customers_and_no_mail_leaves(self):
        self.company.crm_support_statements = True
        partners = self.env["res.partner"].create(
            [
                {
                    "name": f"C{place}",
                    "is_company": True,
                    "phone": f"+1202555{place:04}",
                    "email": f"c{place}@example.com",
                }
                for place in range(120)
            ]
        )
        last = fields.Datetime.subtract(fields.Datetime.now().replace(day=1, hour=10), months=1)
        Contact = self.env["crm.support.contact"].with_user(self.tess)
        for partner in partners:
            Contact._by_hand(partner, 200, "Long", last, company=self.company)
        before = self.env["mail.mail"].search_count([])
        cron = self.env.ref("crm_support_budget.ir_cron_statement")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertEqual(self.env["mail.mail"].search_count([]), before)
        self.assertEqual(
            self.env["crm.support.would"].search_count([("company_id", "=", self.company.id), ("kind", "=", "mail")]),
            120,
        )
