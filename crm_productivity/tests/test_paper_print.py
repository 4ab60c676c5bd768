from datetime import date
from unittest import skipUnless

from freezegun import freeze_time

from odoo.addons.base.models import ir_actions_report
from odoo.addons.crm_voip_bridge.tests.common import VoipHttpCase, answered
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_paper import FRIDAY, PaperCase

#: what the program says of its own switches, and that no server answers while tests run
LOGGER = "odoo.addons.base.models.ir_actions_report"


@tagged("-at_install", "post_install")
class TestPaperPages(PaperCase):
    """Two pages are two pages and one is one, on both sizes of paper, however much there is to say."""

    def pages(self, doc, report):
        reports = doc.env["ir.actions.report"].with_context(force_report_rendering=True).with_company(self.company)
        with mute_logger(LOGGER):
            content, kind = reports._render_qweb_pdf(f"crm_productivity.{report}", res_ids=doc.ids)
        self.assertEqual(kind, "pdf")
        return len(ir_actions_report.PdfFileReader(ir_actions_report.io.BytesIO(content)).pages)

    @skipUnless(ir_actions_report._wkhtml().state == "ok", "wkhtmltopdf is not installed: nothing makes PDFs here")
    @freeze_time(FRIDAY)
    def test_pages(self):
        Metric, Target = self.env["crm.productivity.metric"], self.env["crm.productivity.target"]
        Metric.search([("in_letter", "=", False)], limit=2).in_letter = True
        Metric.search([]).write(
            {"meaning": "To somebody who sells and has time. " * 30, "computation": "a_b ÷ c " * 90}
        )
        for metric in Metric.search([("may_be_target", "=", True)]):
            for whose in ({"user_id": self.tom.id}, {"team_id": self.team.id}):
                Target.create(
                    {
                        "metric_id": metric.id, "amount": 1000000, "company_id": self.company.id,
                        "date_from": "2026-11-02", "date_to": "2026-11-29", **whose,
                    }
                )  # fmt: skip
        self.tom.name = "Bartholomeus-Alexander van der Oudenaarde tot Nieuwerkerk aan den IJssel"
        own = self.paper(self.tom)
        board = self.of(self.boss, "crm.productivity.board").create({"day": date(2026, 11, 13)})
        self.company.paperformat_id = self.env.ref("base.paperformat_us")
        self.assertEqual((self.pages(own, "report_paper"), self.pages(board, "report_board")), (2, 1))
        # just not enough for smaller letters
        Metric.search([]).write({"meaning": "To whom it may concern. " * 4, "computation": "a_b ÷ c × d " * 8})
        board.invalidate_recordset()
        self.assertFalse(board._values()["is_tight"])
        self.assertEqual(self.pages(board, "report_board"), 1)
        self.company.paperformat_id = self.env.ref("base.paperformat_euro")
        self.assertEqual(self.pages(self.paper(self.boss, kind="team"), "report_paper"), 2)

    def test_size_of_the_company_s_paper(self):
        report = self.env.ref("crm_productivity.report_paper_action").with_company(self.company)
        for size, ours in (("us", "letter"), ("euro", "a4")):
            self.company.paperformat_id = self.env.ref(f"base.paperformat_{size}")
            self.assertEqual(report.get_paperformat(), self.env.ref(f"crm_productivity.paperformat_{ours}"))
        # others keep theirs
        other = self.env["ir.actions.report"].search([("report_name", "not like", "crm_productivity.%")], limit=1)
        self.assertNotIn("crm_productivity", (other.get_paperformat().get_external_id() or {}).values())


@tagged("-at_install", "post_install")
class TestPaperRoutes(VoipHttpCase):
    """By its address, a report is asked for by whoever is logged in; the tours are of the screens."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for person in cls.tom | cls.rina | cls.boss:
            person.write({"password": person.login, "email": f"{person.login}@kestrel.example"})
        cls.company.partner_id.write({"tz": "UTC", "email": "office@kestrel.example"})
        events = answered("a", phone="101", seconds=90)
        fresh = cls.pbx.env["crm.voip.journal"]._take(cls.pbx, events)
        cls.env["crm.voip.call"].sudo()._fold(cls.pbx, cls.pbx.env["crm.voip.call.ref"]._refs_of(fresh))
        cls.env["crm.productivity.day"]._reckon(cls.company, [date(2026, 11, 2)])

    def paper(self, user, **values):
        values = {"company_id": self.company.id, "week": date(2026, 11, 2), **values}
        return self.env["crm.productivity.paper"].with_user(user).with_company(self.company).create(values)

    def report(self, paper, kind="html"):
        with mute_logger("odoo.http", "odoo.addons.base.models.ir_rule"):
            return self.url_open(f"/report/{kind}/crm_productivity.report_paper/{paper.id}")

    def test_report_by_its_address(self):
        own, of_tom = self.paper(self.tom), self.paper(self.rina, user_id=self.tom.id)
        # one call of 90 s, known to within 1 %
        secret = {row["code"]: row["value"] for row in own._values()["rows"]}["talk_median"]
        self.assertIn(secret, ("1 min 29 s", "1 min 30 s", "1 min 31 s"))
        self.authenticate(self.tom.login, self.tom.login)
        page = self.report(own)
        self.assertEqual(page.status_code, 200)
        self.assertIn(secret, page.text)
        self.authenticate(self.rina.login, self.rina.login)
        for paper in (own, of_tom):
            for kind in ("html", "pdf", "text"):
                refused = self.report(paper, kind)
                self.assertGreaterEqual(refused.status_code, 400)
                self.assertNotIn(secret, refused.text)
        # nor by RPC
        for method, args in (("read", [own.ids, ["html", "letter"]]), ("web_read", [of_tom.ids, {"html": {}}])):
            with mute_logger("odoo.http", "odoo.addons.base.models.ir_rule"):
                answer = self.url_open(
                    "/web/dataset/call_kw",
                    json={"params": {"model": "crm.productivity.paper", "method": method, "args": args, "kwargs": {}}},
                )
            self.assertNotIn(secret, answer.text)
        # a screen that may not be seen says so in a sentence
        self.assertIn("decision of the company", answer.text)

    # --- tours ---

    def address(self, screen):
        return f"/odoo/action-crm_productivity.crm_productivity_{screen}_action"

    def test_tour_paper(self):
        self.start_tour(self.address("paper"), "crm_productivity_paper", login=self.tom.login)
        mail = self.env["mail.mail"].sudo().search([("email_to", "like", "voip_tom")], limit=1)
        self.assertIn("My week", mail.body_html)

    def test_tour_board(self):
        self.start_tour(self.address("board"), "crm_productivity_board", login=self.boss.login)
