import base64
from datetime import date, datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from lxml import html

from odoo import Command
from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered, missed, outbound
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

#: the second week: Tom's figures are compared with the first
MONDAY = date(2026, 11, 9)
WEEK = timedelta(days=7)
FRIDAY = "2026-11-13 15:00"


class PaperCase(VoipCase):
    """Two weeks of Tom and Rina, a team with its leader, and somebody without a team."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.productivity.member"].search([]).begins = MONDAY - timedelta(days=60)
        cls.company.partner_id.write({"tz": "UTC", "email": "office@kestrel.example"})
        cls.company.crm_productivity_targets = True
        for user in cls.tom | cls.rina | cls.nadia | cls.jonas | cls.boss | cls.admin:
            user.email = f"{user.login}@kestrel.example"
        second = START + WEEK
        cls.deliver(
            # the week before: Tom makes 1 call and takes 1 of 2; Rina takes 1 of 1
            outbound("o1", phone="101"),
            answered("a1", phone="101", seconds=60),
            missed("m1", phones=("101",)),
            answered("r1", phone="102"),
            # this week: Tom makes 3 calls and takes 2 of 2, of 90 and 150 s; Rina takes 1, Jonas 1
            outbound("o2", phone="101", start=second),
            outbound("o3", phone="101", start=second + timedelta(hours=1)),
            outbound("o4", phone="101", start=second + timedelta(hours=2)),
            answered("a2", phone="101", seconds=90, start=second + timedelta(days=1)),
            answered("a3", phone="101", seconds=150, start=second + timedelta(days=1, hours=1)),
            answered("r2", phone="102", start=second),
            answered("j2", phone="104", start=second),
        )
        # expected: the figures of both weeks
        cls.env["crm.productivity.day"]._reckon(
            cls.company, [START.date() + timedelta(days=count) for count in range(14)]
        )
        cls.env["crm.productivity.stale"].search([]).unlink()
        cls.env.cr.precommit.clear()
        cls.Letter = cls.env["crm.productivity.letter"]

    def of(self, user, model="crm.productivity.paper"):
        return self.env[model].with_user(user).with_context(allowed_company_ids=self.company.ids, lang=user.lang)

    def paper(self, user, **values):
        return self.of(user).create({"company_id": self.company.id, "week": date(2026, 11, 13), **values})

    def decide(self):
        self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "Coaching", "agreement": "2026-10", "min_group": 3}
        )

    def rows(self, paper):
        return {row["code"]: row for row in paper._values()["rows"]}

    def mails(self):
        return self.env["mail.mail"].sudo().search([("email_to", "like", "kestrel.example")], order="id")


@tagged("-at_install", "post_install")
class TestPaper(PaperCase):
    """The two pages of a week, and who may read whose."""

    @freeze_time(FRIDAY)
    def test_own_numbers_by_hand(self):
        values = self.paper(self.tom)._values()
        rows = {row["code"]: row for row in values["rows"]}
        made, taken, per_call, won = (rows[code] for code in ("calls_made", "taken", "talk_median", "won_amount"))
        # 3 calls after 1; nobody says that more calls are better by themselves
        self.assertEqual((made["value"], made["before"], made["change"], made["trend"]), ("3", "1", "+ 2", False))
        # 2 of 2 after 1 of 2: 50 points more
        self.assertEqual(
            (taken["value"], taken["before"], taken["change"], taken["trend"], taken["cases"]),
            ("100 %", "50 %", "+ 50 points", "better", "from 2"),
        )
        # talk of 30, 30, 30, 90 and 150 s: the median is 30 s; the week before 30 and 60: the lower one, to within 1 %
        self.assertEqual((per_call["value"], per_call["before"]), ("30 s", "30 s"))
        self.assertEqual(per_call["change"], "as before")
        # nobody won anything in these weeks, and nothing was asked by mail: nought, and not measured
        self.assertEqual((won["measured"], rows["reply_rate"]["value"]), (True, "not measured"))
        self.assertFalse(values["empty"])
        self.assertTrue(values["is_going_on"])
        self.assertEqual(values["compared"], "11/02/2026 – 11/06/2026")

    @freeze_time(FRIDAY)
    def test_two_pages_with_both_sentences(self):
        self.env["crm.productivity.target"].create(
            {
                "metric_id": self.env.ref("crm_productivity.metric_conversations").id, "amount": 8,
                "company_id": self.company.id, "date_from": "2026-11-09", "date_to": "2026-11-15",
                "user_id": self.tom.id,
            }
        )  # fmt: skip
        paper = self.paper(self.tom)
        tree = html.fromstring(str(paper.html))
        pages = tree.xpath("//div[contains(@class, 'o_cp_page')]")
        self.assertEqual([page.get("name") for page in pages], ["page_numbers", "page_meaning"])
        metric = self.env.ref("crm_productivity.metric_taken")
        self.assertIn(metric.meaning, pages[1].text_content())
        self.assertIn(metric.computation, pages[1].text_content())
        self.assertIn("Kestrel PBX", pages[1].text_content())
        # 2 conversations (90 and 150 s) of 8
        self.assertIn("25 %", pages[0].text_content())
        self.assertNotIn("Rina", paper.html)

    @freeze_time(FRIDAY)
    def test_a_changed_definition_says_so(self):
        metric = self.env.ref("crm_productivity.metric_calls_made")
        with freeze_time("2026-11-10 08:00"):
            metric.formula = "calls_made + typed_calls"
        row = self.rows(self.paper(self.tom))["calls_made"]
        self.assertIn("11/10/2026", row["changed"])
        self.assertIn("version 2", row["version"])
        self.assertIn("Before 11/10/2026 it was: calls_made", str(self.paper(self.tom).html))

    @freeze_time(FRIDAY)
    def test_colleagues_are_not_printed(self):
        for user in (self.rina, self.nadia, self.boss, self.admin):
            paper = self.paper(user, user_id=self.tom.id)
            with self.assertRaises(UserError):
                paper._values()
            self.assertNotIn("100 %", paper.html)
            with self.assertRaises(UserError):
                self.env["ir.actions.report"].with_user(user)._render_qweb_html(
                    "crm_productivity.report_paper", paper.ids
                )
        # what somebody made for themself is theirs
        paper = self.paper(self.tom)
        for user in (self.rina, self.nadia, self.admin):
            with self.assertRaises(AccessError):
                paper.with_user(user).read(["html"])
            with self.assertRaises(AccessError):
                self.env["ir.actions.report"].with_user(user)._render_qweb_html(
                    "crm_productivity.report_paper", paper.ids
                )
        with self.assertRaises(AccessError):
            self.of(self.clerk).create({})
        with self.assertRaises(AccessError):
            self.paper(self.rina, kind="team")._values()

    @freeze_time("2026-11-20 15:00")
    def test_decided_and_logged(self):
        self.decide()
        paper = self.paper(self.nadia, user_id=self.tom.id)
        self.assertEqual(self.rows(paper)["calls_made"]["value"], "3")
        log = self.env["crm.voip.people.log"].search([("person_id", "=", self.tom.id), ("how", "=", "paper")])
        self.assertEqual(log.user_id, self.nadia)
        # work lists are nobody else's
        self.assertFalse(paper._values()["work"])
        # Jonas is in no team of hers; Rina may still not
        for user, person in ((self.nadia, self.jonas), (self.rina, self.tom)):
            with self.assertRaises(AccessError):
                self.paper(user, user_id=person.id)._values()

    @freeze_time(FRIDAY)
    def test_totals_of_teams(self):
        # Nadia's team: Tom's 5 calls and Rina's; the boss sees the company: that of Jonas, too
        cases = {
            user: self.rows(self.paper(user, kind="team"))["talk_median"]["cases"] for user in (self.nadia, self.boss)
        }
        self.assertEqual(cases, {self.nadia: "from 6", self.boss: "from 7"})
        page = str(self.paper(self.nadia, kind="team").html)
        self.assertNotIn(self.tom.name, page)
        # two people's total is a person's figure
        self.team.member_ids -= self.rina
        self.assertFalse(self.rows(self.paper(self.nadia, kind="team"))["talk_median"]["measured"])

    @freeze_time(FRIDAY)
    def test_total_of_two_people_is_no_total(self):
        self.env["crm.productivity.day"].sudo().search([("user_id", "in", (self.rina | self.jonas).ids)]).unlink()
        values = self.paper(self.boss, kind="team")._values()
        self.assertIn("person's figure", values["empty"])
        self.assertFalse(any(row["measured"] for row in values["rows"]))

    @freeze_time(FRIDAY)
    def test_teams_side_by_side(self):
        other = self.env["crm.team"].create(
            {
                "name": "Sales BE", "company_id": self.company.id,
                "member_ids": [Command.set((self.jonas | self.boss | self.admin).ids)],
            }
        )  # fmt: skip
        self.env["crm.productivity.member"].search([("team_id", "=", other.id)]).begins = MONDAY - WEEK
        self.env["crm.productivity.day"]._reckon(self.company, [MONDAY + timedelta(days=count) for count in range(5)])
        lines = dict(self.paper(self.boss, kind="team")._values()["teams"])
        # taken of offered is the third number: all that rang; Jonas made no call, so nobody was reached
        self.assertEqual((lines["Sales NL"][0], lines["Sales BE"][0]), ("3", "0"))
        self.assertEqual(lines["Sales BE"][1], "–")

    @freeze_time(FRIDAY)
    def test_nothing_at_all(self):
        paper = self.paper(self.jonas, week=date(2026, 9, 1))
        values = paper._values()
        self.assertIn("Nothing was measured", values["empty"])
        self.assertIn("Nothing was measured", paper.html)
        self.assertEqual([number for _name, number in values["work"]], [0, 0, 0, 0])

    @freeze_time(FRIDAY)
    def test_hostile_names_and_long_words(self):
        self.tom.name = "<script>alert(1)</script>" + "W" * 120
        metric = self.env.ref("crm_productivity.metric_calls_made")
        metric.meaning = "word " * 2000
        page = str(self.paper(self.tom).html)
        self.assertNotIn("<script>", page)
        self.assertLess(len(self.rows(self.paper(self.tom))["calls_made"]["meaning"]), 340)

    @freeze_time(FRIDAY)
    def test_right_to_left_and_in_the_reader_s_language(self):
        self.env["res.lang"]._activate_lang("ar_001")
        self.env["res.lang"]._activate_lang("nl_NL")
        metric = self.env.ref("crm_productivity.metric_calls_made")
        metric.with_context(lang="nl_NL").name = "Gebeld"
        self.tom.lang = "nl_NL"
        paper = self.paper(self.tom)
        self.assertEqual(self.rows(paper)["calls_made"]["name"], "Gebeld")
        self.assertIn("02-11-2026", paper._values()["compared"])
        self.tom.lang = "ar_001"
        self.assertIn('dir="rtl"', str(self.paper(self.tom).html))

    @freeze_time(FRIDAY)
    def test_queries_do_not_grow(self):
        paper = self.paper(self.boss, kind="team")
        paper._values()
        self.env.invalidate_all()
        with self.assertQueryCount(150):
            paper._values()


@tagged("-at_install", "post_install")
class TestLetter(PaperCase):
    """A mail a week: due, once, to whom, and what goes wrong."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with freeze_time("2026-11-12 12:00"):
            cls.company.write({"crm_productivity_letters": True, "crm_productivity_letter_weekday": "4",
                               "crm_productivity_letter_hour": 14})  # fmt: skip
        cls.others = cls.env["res.company"].search([("id", "!=", cls.company.id)])
        cls.others.crm_productivity_letters = False

    def setUp(self):
        super().setUp()
        # the cron commits after each person; here all of it is one test
        self.startPatcher(patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *_args, **_named: 60))
        self.engine = self.startPatcher(
            patch.object(type(self.Letter), "_has_pdf_engine", lambda _self: False)
        )  # fmt: skip

    def run_cron(self):
        self.Letter._cron_send()

    def test_when_it_is_due(self):
        for now, expected in (
            ("2026-11-13 13:59", None),
            ("2026-11-13 14:00", (datetime(2026, 11, 13, 14), MONDAY, date(2026, 11, 13))),
            # the server was down over the weekend
            ("2026-11-16 08:00", (datetime(2026, 11, 13, 14), MONDAY, date(2026, 11, 15))),
            ("2026-11-20 14:30", (datetime(2026, 11, 20, 14), MONDAY + WEEK, date(2026, 11, 20))),
        ):
            with freeze_time(now):
                self.assertEqual(self.Letter._due(self.company), expected, now)
        # on a Monday it is about the week before
        self.company.crm_productivity_letter_weekday = "0"
        with freeze_time("2026-11-16 14:00"):
            self.assertEqual(self.Letter._due(self.company)[1:], (MONDAY, date(2026, 11, 15)))
        # by the company's clock: two in the afternoon is one hour after midnight in London's winter
        self.company.partner_id.tz = "Pacific/Auckland"
        with freeze_time("2026-11-16 01:00"):
            self.assertEqual(self.Letter._due(self.company)[0], datetime(2026, 11, 16, 1))

    def test_once_to_each(self):
        with freeze_time(FRIDAY):
            self.run_cron()
            # Tom, Rina and Jonas have numbers; Nadia leads, boss and administrator see totals
            expected = {self.tom, self.rina, self.jonas, self.nadia, self.boss, self.admin}
            letters = self.Letter.search([("company_id", "=", self.company.id)])
            self.assertEqual(set(letters.user_id), expected)
            self.assertEqual(set(letters.mapped("state")), {"sent"})
            self.assertEqual(len(self.mails()), 6)
            self.run_cron()
            self.assertEqual(len(self.mails()), 6)
        with freeze_time("2026-11-17 09:00"):
            self.run_cron()
            self.assertEqual(len(self.mails()), 6)
        # a change of the weekday does not send the same week again
        self.company.crm_productivity_letter_weekday = "0"
        with freeze_time("2026-11-16 16:00"):
            self.run_cron()
            self.assertEqual(len(self.mails()), 6)

    @freeze_time(FRIDAY)
    def test_nothing_to_tell_is_not_mailed(self):
        idle = self.rina.copy({"name": "Idle", "login": "voip_idle", "email": "voip_idle@kestrel.example"})
        self.run_cron()
        self.assertEqual(self.Letter.search([("user_id", "=", idle.id)]).state, "nothing")
        self.assertEqual(len(self.mails()), 6)

    @freeze_time(FRIDAY)
    def test_each_gets_their_own(self):
        self.run_cron()
        bodies = {mail.email_to: mail.body_html for mail in self.mails()}
        tom = next(body for to, body in bodies.items() if "voip_tom" in to)
        self.assertIn("+ 50 points", tom)
        self.assertNotIn("Team week", tom)
        nadia = next(body for to, body in bodies.items() if "voip_nadia" in to)
        # she leads, and has no numbers of her own
        self.assertIn("Team week", nadia)
        self.assertNotIn("My week", nadia)
        self.assertNotIn("voip_tom", nadia)
        # no record behind the mail: nobody reads it by way of one
        self.assertFalse(any(mail.model or mail.res_id for mail in self.mails()))

    @freeze_time(FRIDAY)
    def test_turned_off(self):
        self.tom.with_user(self.tom).crm_productivity_letter = False
        self.run_cron()
        self.assertNotIn(self.tom, self.Letter.search([("company_id", "=", self.company.id)]).user_id)
        self.company.crm_productivity_letters = False
        with freeze_time("2026-11-20 15:00"):
            self.run_cron()
        self.assertEqual(len(self.mails()), 5)

    def test_turned_on_today_sends_nothing_of_the_past(self):
        self.company.crm_productivity_letters = False
        with freeze_time("2026-11-14 10:00"):
            self.company.crm_productivity_letters = True
            self.run_cron()
            self.assertFalse(self.mails())

    @freeze_time(FRIDAY)
    def test_one_that_fails_stops_nobody(self):
        self.rina.email = False
        with mute_logger("odoo.addons.crm_productivity.models.crm_productivity_letter"):
            self.run_cron()
            letter = self.Letter.search([("user_id", "=", self.rina.id)])
            self.assertEqual((letter.state, letter.attempts), ("failed", 1))
            self.assertIn("no mail address", letter.problem)
            self.assertEqual(len(self.mails()), 5)
            self.run_cron()
            self.run_cron()
            self.run_cron()
            self.assertEqual((letter.state, letter.attempts), ("failed", 3))
        self.assertEqual(len(self.mails()), 5)

    @freeze_time(FRIDAY)
    def test_repaired_is_sent(self):
        self.rina.email = False
        with mute_logger("odoo.addons.crm_productivity.models.crm_productivity_letter"):
            self.run_cron()
        self.rina.email = "rina@kestrel.example"
        self.run_cron()
        letter = self.Letter.search([("user_id", "=", self.rina.id)])
        self.assertEqual((letter.state, letter.problem), ("sent", False))
        self.assertEqual(len(self.mails()), 6)

    def test_waits_for_the_figures(self):
        self.env["crm.productivity.stale"].create({"company_id": self.company.id, "day": MONDAY})
        with freeze_time(FRIDAY):
            self.run_cron()
            self.assertFalse(self.mails())
        # better late than never
        with freeze_time("2026-11-13 21:00"):
            self.run_cron()
            self.assertEqual(len(self.mails()), 6)

    @freeze_time(FRIDAY)
    def test_without_engine_it_is_told_once(self):
        def told():
            return self.env["mail.message"].search_count(
                [("subject", "=", "Weekly reports go without PDF"), ("partner_ids", "in", self.admin.partner_id.ids)]
            )

        self.run_cron()
        self.assertEqual(told(), 1)
        with freeze_time("2026-11-20 15:00"):
            self.run_cron()
        self.assertEqual(told(), 1)
        self.assertFalse(self.mails().attachment_ids)

    @freeze_time(FRIDAY)
    def test_with_engine_there_are_pdfs(self):
        self.startPatcher(patch.object(type(self.Letter), "_has_pdf_engine", lambda _self: True))
        Report = type(self.env["ir.actions.report"])

        def render(report, name, res_ids=None, **_named):
            docs = report.env["crm.productivity.paper"].browse(res_ids)
            return f"%PDF {name} {docs.mapped('kind')}".encode(), "pdf"

        self.startPatcher(patch.object(Report, "_render_qweb_pdf", render))
        self.run_cron()
        tom = self.mails().filtered(lambda mail: "voip_tom" in mail.email_to)
        self.assertEqual(tom.attachment_ids.mapped("name"), ["My week 2026-11-09.pdf"])
        self.assertIn(b"['own']", base64.b64decode(tom.attachment_ids.datas))
        self.assertTrue(self.Letter.search([("user_id", "=", self.tom.id)]).with_pdf)
        # deleted with the mail
        self.assertEqual(tom.attachment_ids.res_model, "mail.message")

    @freeze_time(FRIDAY)
    def test_sample(self):
        action = self.paper(self.tom).action_send_sample()
        self.assertIn("voip_tom", action["params"]["message"])
        self.assertEqual(len(self.mails()), 1)
        # it is no week's mail
        self.assertFalse(self.Letter.search([("user_id", "=", self.tom.id)]))
        self.tom.email = False
        with self.assertRaisesRegex(UserError, "no mail address"):
            self.paper(self.tom).action_send_sample()

    @freeze_time(FRIDAY)
    def test_in_the_reader_s_language(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        template = self.env.ref("crm_productivity.mail_template_letter")
        template.with_context(lang="nl_NL").subject = "Uw cijfers: {{ object.days }}"
        self.tom.lang = "nl_NL"
        self.run_cron()
        mail = self.mails().filtered(lambda mail: "voip_tom" in mail.email_to)
        self.assertEqual(mail.subject, "Uw cijfers: Week 46, 09-11-2026 – 13-11-2026")
        self.assertIn("09-11-2026", mail.body_html)

    def test_who_reads_the_list(self):
        with freeze_time(FRIDAY):
            self.run_cron()
        letters = self.Letter.search([("company_id", "=", self.company.id)])
        for user in (self.tom, self.nadia, self.boss):
            with self.assertRaises(AccessError):
                letters.with_user(user).read(["state"])
        seen = letters.with_user(self.admin).with_context(allowed_company_ids=self.company.ids)
        self.assertTrue(seen.read(["state"]))
        with self.assertRaises(AccessError):
            seen.write({"state": "failed"})
