from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .portal_common import HOSTILE, PortalCase


@tagged("post_install", "-at_install")
class TestPortalPages(PortalCase):
    """What each page shows to whom it is for."""

    def setUp(self):
        super().setUp()
        self.authenticate("portal_user", "portal_user")

    def test_the_first_page(self):
        page = self.page("/my/support")
        self.shows(
            page, *(self.left(), "25", "It does not print", "Who is helped first", "Our own defect", "Statements")
        )
        # who it was of us is not for customers, and others are nowhere
        self.hides(page, *("portal_tess", "Secret plan", "Stranger", "We are trying this out"))
        self.shows(self.page("/my/home"), "/my/support")

    def test_in_the_dry_run_it_says_so(self):
        self.company.crm_support_live_from = fields.Date.add(fields.Date.today(), days=9)
        self.shows(self.page("/my/support"), "We are trying this out until")

    def test_without_the_budget_there_are_requests_alone(self):
        self.company.crm_support_portal = False
        page = self.page("/my/support")
        self.shows(page, "It does not print")
        self.hides(page, "min left")
        self.hides(page, "What you had")
        self.hides(self.page(f"/my/support/request/{self.request.id}"), "It took so far")
        for url in ("entries", f"entry/{self.entry.id}", "statement/2026-10"):
            response = self.url_open(f"/my/support/{url}")
            self.assertNotIn("/my/support", response.url, url)
        self.assertEqual(self.post(f"/my/support/object/{self.entry.id}", text="Mine").status_code, 404)
        self.assertFalse(self.env["crm.support.objection"].search([("entry_id", "=", self.entry.id)]))

    def test_asking_and_adding(self):
        response = self.post("/my/support/request", name=HOSTILE, text="First this,\nthen that")
        asked = self.env["crm.support.request"].search([("name", "=", HOSTILE)])
        self.assertTrue(response.url.endswith(f"/my/support/request/{asked.id}"))
        self.assertEqual((asked.contact_id, asked.origin, asked.state), (self.user.partner_id, "portal", "waiting"))
        self.assertIn("First this", asked.message_ids.filtered(lambda one: one.message_type == "comment").body)
        self.shows(response.text, "&lt;script&gt;x&lt;/script&gt; help")
        self.hides(response.text, HOSTILE)
        # sent twice by a nervous finger: it is one request
        self.post("/my/support/request", name=HOSTILE)
        self.assertEqual(self.env["crm.support.request"].search_count([("name", "=", HOSTILE)]), 1)
        # nothing is nothing
        self.post("/my/support/request", name="   ")
        self.assertFalse(self.env["crm.support.request"].search_count([("name", "=", "")]))
        # it was their turn: whoever writes makes it ours again
        asked.action_wait()
        asked.with_user(self.user).message_post(
            body="Here is the file", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        self.assertEqual(asked.state, "waiting")
        # what we write does not
        asked.action_wait()
        asked.with_user(self.technician).message_post(
            body="Please look", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        self.assertEqual(asked.state, "customer")

    def test_what_is_not_done_waits_again(self):
        self.request.action_done()
        self.shows(self.page(f"/my/support/request/{self.request.id}"), "Not done after all?")
        self.post(f"/my/support/request/{self.request.id}/again", text="Still no paper")
        self.assertEqual(self.request.state, "waiting")
        self.assertIn("Still no paper", "".join(self.request.message_ids.mapped("body")))
        self.hides(self.page(f"/my/support/request/{self.request.id}"), "Not done after all?")

    def test_lists_filter_search_and_page(self):
        Request = self.env["crm.support.request"]
        Request.create(
            [
                {"name": f"Wish {place}", "contact_id": self.user.partner_id.id, "company_id": self.company.id}
                for place in range(45)
            ]
        )
        page = self.page("/my/support/requests")
        self.assertEqual(page.count("Wish "), 20)
        self.shows(page, "/my/support/requests/page/3")
        self.shows(self.page("/my/support/requests?search=Wish+7"), "Wish 7")
        self.shows(self.page("/my/support/requests?search=%25%27%22%3B--"), "Nothing fits")
        self.shows(self.page("/my/support/requests?filterby=done"), "Nothing fits")
        now = fields.Datetime.now()
        for place in range(31):
            self.helped(self.user.partner_id, 1 + place, fields.Datetime.subtract(now, hours=2, minutes=place))
        self.env.flush_all()
        first, second = self.page("/my/support/entries"), self.page("/my/support/entries/page/2")
        self.assertEqual([page.count("o_crm_support_contacts") for page in (first, second)], [30, 2])
        # 25 + 1 + … + 31
        self.shows(first, "521")
        month = fields.Date.to_string(now)[:7]
        self.shows(self.page(f"/my/support/entries?filterby={month}"), "Counted in all")
        self.shows(self.page("/my/support/entries?filterby=not_counted"), "Nothing here")

    def test_many_entries_cost_as_many_queries_as_few(self):
        def queries(url):
            self.page(url)
            before = self.env.cr.sql_log_count
            self.page(url)
            return self.env.cr.sql_log_count - before

        few = queries("/my/support/entries")
        self.assertGreater(few, 5)
        now = fields.Datetime.now()
        for place in range(25):
            self.helped(self.user.partner_id, 1, fields.Datetime.subtract(now, hours=2, minutes=place), self.request)
        self.env.flush_all()
        self.assertLessEqual(queries("/my/support/entries"), few)

    def test_an_objection_and_its_answer(self):
        url = f"/my/support/entry/{self.entry.id}"
        page = self.page(url)
        self.shows(page, "This was your defect?")
        self.shows(page, "no reason given, so it counts")
        response = self.post(f"/my/support/object/{self.entry.id}", text="  ")
        self.shows(response.text, "Say what went wrong.")
        response = self.post(f"/my/support/object/{self.entry.id}", text="It crashed <b>")
        self.shows(response.text, "We look at it and answer here")
        objection = self.env["crm.support.objection"].search([("entry_id", "=", self.entry.id)])
        self.assertEqual((objection.by_id, objection.text), (self.user.partner_id, "It crashed <b>"))
        self.assertIn(self.supervisor, objection.activity_ids.user_id)
        self.shows(self.page(url), "It crashed &lt;b&gt;")
        # no second one while it is looked at
        self.shows(self.post(f"/my/support/object/{self.entry.id}", text="Again").text, "being looked at already")
        objection.with_user(self.supervisor).action_accept()
        page = self.page(url)
        self.shows(page, *("Accepted", "does not count any more", "Taken back"))
        self.hides(page, "This was your defect?")
        self.assertEqual(self.left(), "300 min left")
        self.shows(self.page("/my/support"), self.left())

    def test_a_statement_is_a_pdf(self):
        month = fields.Date.subtract(fields.Date.today().replace(day=1), months=1)
        noon = fields.Datetime.to_datetime(fields.Date.end_of(month, "month")).replace(hour=12)
        self.helped(self.user.partner_id, 30, noon)
        self.env.flush_all()
        # without a renderer Odoo's tests answer in HTML: whatever it is, it is about this month
        response = self.url_open(f"/my/support/statement/{fields.Date.to_string(month)[:7]}")
        self.assertEqual(response.status_code, 200)
        self.assertIn(
            f"Support_{fields.Date.to_string(month)[:7].replace('-', '_')}", response.headers["Content-Disposition"]
        )
        statement = self.env["crm.support.statement"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(statement.figures["minutes"]["used"], 30)
        with mute_logger("odoo.http"):
            for wrong in (
                "1999-01",
                "2999-01",
                "x",
                "2026-13",
                "..%2f..%2fetc",
                fields.Date.to_string(fields.Date.today())[:7],
            ):
                self.assertEqual(self.url_open(f"/my/support/statement/{wrong}").status_code, 404, wrong)
        self.assertEqual(self.env["crm.support.statement"].search_count([("partner_id", "=", self.customer.id)]), 1)
