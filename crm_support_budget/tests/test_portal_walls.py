import re
import threading

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .portal_common import PortalCase

BIG = 2**31


@tagged("post_install", "-at_install")
class TestPortalWalls(PortalCase):
    """Whoever asks for what is not theirs gets nothing, and no traceback."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        month = fields.Date.subtract(fields.Date.today().replace(day=1), months=1)
        cls.month = fields.Date.to_string(month)[:7]
        cls.env["crm.support.statement"]._of(cls.stranger, cls.company, month)
        cls.env.flush_all()

    def routes(self, entry, request):
        """:return: ``(how, path)`` of every route of the portal's support, with these ids"""
        return [
            ("get", "/my/support"),
            ("get", "/my/support/requests"),
            ("get", "/my/support/requests/page/2"),
            ("get", f"/my/support/request/{request}"),
            ("post", "/my/support/request"),
            ("post", f"/my/support/request/{request}/again"),
            ("get", "/my/support/entries"),
            ("get", "/my/support/entries/page/2"),
            ("get", f"/my/support/entry/{entry}"),
            ("post", f"/my/support/object/{entry}"),
            ("get", f"/my/support/statement/{self.month}"),
        ]

    def ask(self, how, path):
        with mute_logger("odoo.http"):
            if how == "post":
                return self.post(path, name="Wanted", text="Mine")
            return self.url_open(path)

    def test_no_route_is_forgotten(self):
        thread = threading.current_thread()
        thread.dbname = self.env.cr.dbname
        self.addCleanup(delattr, thread, "dbname")
        known = {
            rule.rule for rule in self.env["ir.http"].routing_map().iter_rules() if rule.rule.startswith("/my/support")
        }
        made = {re.sub(r"<[^>]+>", "1", rule) for rule in known}
        asked = {
            re.sub(r"/(\d[\d-]*)(?=/|$)", "/1", path) for _how, path in self.routes(self.entry.id, self.request.id)
        }
        self.assertEqual(made, asked)

    def test_ids_of_another_company(self):
        self.authenticate("portal_user", "portal_user")
        for how, path in self.routes(self.foreign_entry.id, self.foreign_request.id):
            response = self.ask(how, path)
            # as parts of the path: an id may be 10, and a month, too
            own = not {str(self.foreign_entry.id), str(self.foreign_request.id)} & set(path.split("/"))
            self.assertEqual(response.status_code, 200 if own else 404, path)
            for text in ("Secret plan", "Stranger", "portal_other", "Traceback"):
                self.assertFalse(text in response.text, f"{text} at {path}")
        self.assertFalse(self.env["crm.support.objection"].search([("entry_id", "=", self.foreign_entry.id)]))
        self.assertEqual(self.foreign_request.state, "waiting")
        self.assertFalse(self.foreign_request.message_ids.filtered(lambda one: "Mine" in one.body))

    def test_ids_that_nobody_has(self):
        self.authenticate("portal_user", "portal_user")
        for ident in (0, 999_999_999, BIG - 1, BIG, 10**30, "-1", "x", "1e3", "%27"):
            for how, path in self.routes(ident, ident):
                if str(ident) in path.split("/"):
                    self.assertEqual(self.ask(how, path).status_code, 404, path)

    def test_pages_and_questions_that_make_no_sense(self):
        self.authenticate("portal_user", "portal_user")
        for page in (-1, 0, 2, 999, BIG - 1):
            self.page(f"/my/support/entries/page/{page}")
            self.page(f"/my/support/requests/page/{page}")
        with mute_logger("odoo.http"):
            for page in (BIG, 10**40, "x"):
                self.page(f"/my/support/entries/page/{page}", 404)
                self.page(f"/my/support/requests/page/{page}", 404)
        for question in (
            "filterby=nothing&sortby=id;drop",
            "filterby=2026-99",
            "search=" + "a" * 3000,
            "search=%00%25_%5C%27",
            "objected=<script>",
            "wrong=Pay+to+this+account",
        ):
            for path in ("", "/entries", "/requests", f"/entry/{self.entry.id}", f"/request/{self.request.id}"):
                page = self.page(f"/my/support{path}?{question}")
                self.hides(page, "Pay to this account")

    def test_of_the_same_customer_all_see_the_same(self):
        """Somebody in a department, and the company's own contact, are of the customer; a delivery address is, too."""
        department = self.env["res.partner"].create({"name": "Sales", "parent_id": self.customer.id, "type": "contact"})
        self.portal("portal_child", department)
        self.env.flush_all()
        self.authenticate("portal_child", "portal_child")
        self.shows(self.page(f"/my/support/request/{self.request.id}"), "It does not print")
        self.page(f"/my/support/entry/{self.entry.id}")

    def test_whoever_leaves_sees_it_no_more(self):
        self.user.partner_id.parent_id = self.stranger
        self.env.flush_all()
        self.authenticate("portal_user", "portal_user")
        # help that the person had themself goes with them; what the others of the old company had does not
        mate = self.portal("portal_mate", self.customer)
        request = self.env["crm.support.request"].create(
            {"name": "Of the old company", "contact_id": mate.partner_id.id, "company_id": self.company.id}
        )
        self.env.flush_all()
        self.hides(self.page("/my/support"), "Of the old company")
        with mute_logger("odoo.http"):
            self.page(f"/my/support/request/{request.id}", 404)

    def test_whoever_has_no_login(self):
        self.authenticate(None, None)
        for how, path in self.routes(self.entry.id, self.request.id):
            response = self.ask(how, path)
            self.assertIn("/web/login", response.url, path)
            self.hides(response.text, "It does not print")

    def test_a_login_that_was_taken_away(self):
        self.authenticate("portal_user", "portal_user")
        self.page("/my/support")
        self.user.active = False
        self.env.flush_all()
        for how, path in self.routes(self.entry.id, self.request.id):
            response = self.ask(how, path)
            self.assertIn("/web/login", response.url, path)
            self.hides(response.text, "It does not print")

    def test_people_of_ours_without_the_right(self):
        clerk = self.person("portal_clerk", "base.group_user")
        self.authenticate(clerk.login, clerk.login)
        for how, path in self.routes(self.entry.id, self.request.id):
            response = self.ask(how, path)
            self.assertTrue(response.status_code == 404 or "/my/support" not in response.url, path)
            self.hides(response.text, "It does not print")
        self.hides(self.page("/my/home"), "/my/support")

    def test_people_of_ours_see_no_customer_there(self):
        self.authenticate("portal_tess", "portal_tess")
        self.hides(self.page("/my/support"), "It does not print")
        with mute_logger("odoo.http"):
            self.page(f"/my/support/request/{self.request.id}", 404)
            self.page(f"/my/support/entry/{self.entry.id}", 404)

    def test_what_no_database_can_keep(self):
        self.authenticate("portal_user", "portal_user")
        response = self.post("/my/support/request", name="No\0thing 😀", text="\0" * 3)
        self.assertEqual(response.status_code, 200)
        self.assertTrue(self.env["crm.support.request"].search([("name", "=", "Nothing 😀")]))
        self.post("/my/support/request", name="a" * 100_000, text="b" * 100_000)
        longest = self.env["crm.support.request"].search([("name", "=like", "aaa%")])
        self.assertEqual(len(longest.name), 200)
        self.assertEqual(self.post(f"/my/support/object/{self.entry.id}", text="\0x" * 9000).status_code, 200)
        self.assertEqual(len(self.env["crm.support.objection"].search([("entry_id", "=", self.entry.id)]).text), 2000)

    def test_nothing_is_done_without_the_token_of_the_page(self):
        self.authenticate("portal_user", "portal_user")
        with mute_logger("odoo.http"):
            response = self.url_open(f"/my/support/object/{self.entry.id}", data={"text": "Forged"})
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self.env["crm.support.objection"].search([("entry_id", "=", self.entry.id)]))
