from datetime import date, timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import LIGHT, SupportCase


@tagged("post_install", "-at_install")
class TestAgreed(SupportCase):
    def note(self, **vals):
        return self.env["crm.voip.supervisor.note"].create(
            {
                "kind": "insult",
                "fact": "Shouted",
                "author_id": self.tess.id,
                "date": fields.Datetime.now(),
                "expires_on": fields.Date.today() + timedelta(days=100),
                "partner_id": self.caller.id,
                "company_id": self.company.id,
                **vals,
            }
        )

    def request(self):
        return self.env["crm.support.request"].create(
            {"name": "Help", "contact_id": self.caller.id, "company_id": self.company.id}
        )

    def offered(self, user):
        return self.env["crm.support.request"].with_user(user).with_company(self.company)._offer()

    def test_a_fixed_contact_person_is_offered_the_customer_and_nobody_else_is(self):
        request = self.request()
        self.note(step="contact", contact_user_id=self.timo.id, step_text="Timo alone talks to them")
        self.assertFalse(self.offered(self.tess))
        self.assertEqual(self.offered(self.timo), request)

    def test_what_has_expired_holds_no_more(self):
        request = self.request()
        self.note(step="contact", contact_user_id=self.timo.id, expires_on=fields.Date.today() - timedelta(days=1))
        self.assertEqual(self.offered(self.tess), request)

    def test_what_was_agreed_is_shown_and_what_was_said_is_not(self):
        request = self.request().with_user(self.tess)
        self.assertFalse(request.agreed)
        self.note(step="talk", step_text="We hang up when shouted at")
        request.invalidate_recordset()
        self.assertEqual(request.agreed, "A talk: We hang up when shouted at")
        offer = self.env["crm.support.next"].with_user(self.tess).with_company(self.company).action_next()
        self.assertEqual(self.env["crm.support.next"].browse(offer["res_id"]).agreed, request.agreed)


@tagged("post_install", "-at_install")
class TestLive(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.support.rule"].search([]).unlink()
        cls.env["crm.support.rule"].create({"name": "All", "kind": "all", "sequence": 1})
        cls.company.crm_support_live_from = fields.Date.today() + timedelta(days=20)
        cls.Live = cls.env["crm.support.live"].with_company(cls.company)

    def preview(self):
        return self.Live.browse(self.Live.with_user(self.vera).action_preview()["res_id"]).with_user(self.vera)

    def test_every_customer_that_it_concerns_is_shown_and_then_it_acts(self):
        self.always(self.policy, used_up="after")
        now = fields.Datetime.now()
        self.helped("h", 400, now - timedelta(hours=8))
        self.helped("l", 5, now - timedelta(hours=1), LIGHT, "102")
        live = self.preview()
        self.assertEqual(live.line_ids.partner_id, self.heavy | self.light)
        worst = live.line_ids[0]
        self.assertEqual(
            (worst.partner_id, worst.colour, worst.effect), (self.heavy, "red", "is served after the others")
        )
        self.assertFalse(live.line_ids[1].effect)
        self.assertEqual(live.said, "2 with help in the last days, of them 0 yellow and 1 red now")
        self.assertTrue(self.company._crm_support_is_dry())
        live.live_from = fields.Date.today()
        live.action_live()
        self.assertFalse(self.company._crm_support_is_dry())

    def test_longer_and_not_in_the_past(self):
        live = self.preview()
        live.live_from = fields.Date.today() + timedelta(days=60)
        live.action_live()
        self.assertTrue(self.company._crm_support_is_dry())
        live.live_from = date(2026, 1, 1)
        with self.assertRaises(UserError):
            live.action_live()

    def test_supervisors_decide(self):
        with self.assertRaises(UserError):
            self.Live.with_user(self.tess).action_preview()

    def test_as_many_queries_for_many(self):
        counts = []
        for batch, size in enumerate((5, 5, 60)):
            for one in self.env["res.partner"].create([{"name": f"P{batch} {place}"} for place in range(size)]):
                self.env["crm.support.contact"].with_user(self.tess)._by_hand(one, 20, "Help", company=self.company)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.Live._prepare_lines(self.company)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[2], counts[1])

    def test_contacts_per_day_before_and_after_taking_over(self):
        now = fields.Datetime.now()
        Contact = self.env["crm.support.contact"].with_user(self.tess)
        for days in (1, 2, 3, 3, 4, 40):
            Contact._by_hand(self.heavy, 5, "Help", now - timedelta(days=10 + days), company=self.company)
        for days in (1, 2):
            Contact._by_hand(self.heavy, 5, "Help", now - timedelta(days=days), company=self.company)
        takeover = self.env["crm.support.takeover"].with_user(self.vera)._begin(self.heavy, self.company)
        takeover.sudo().since = now - timedelta(days=10)
        # five in the 28 days before, two in the ten since
        self.assertAlmostEqual(takeover.before_per_day, 5 / 28, 2)
        self.assertAlmostEqual(takeover.after_per_day, 2 / 10, 2)
