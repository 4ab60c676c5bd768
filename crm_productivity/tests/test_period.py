from datetime import date, timedelta

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase, answered, outbound
from odoo.tests import tagged

MONDAY = date(2026, 11, 2)


@tagged("-at_install", "post_install")
class TestPeriod(VoipCase):
    """Which weeks are compared, and what stands below each report."""

    def test_weeks(self):
        period = self.env["crm.productivity.period"]
        self.assertEqual(period._week(self.company, date(2026, 11, 8)), (MONDAY, date(2026, 11, 8)))
        self.assertEqual(period._last_week(MONDAY), (date(2026, 10, 26), date(2026, 11, 1)))
        # week 45 of 2025 begins on 3 November
        self.assertEqual(period._same_week_last_year(MONDAY), (date(2025, 11, 3), date(2025, 11, 9)))
        # 2026 has a week 53 (28 December), 2025 has none: New Year is compared with New Year
        self.assertEqual(period._same_week_last_year(date(2026, 12, 28))[0], date(2025, 12, 29))
        # 2020 had one, so that of 2026 has no neighbour there, but a year after a long one finds its own number
        self.assertEqual(period._same_week_last_year(date(2021, 1, 4))[0], date(2019, 12, 30))
        for days in range(0, 4000, 7):
            monday = date(2020, 1, 6) + timedelta(days=days)
            before = period._same_week_last_year(monday)[0]
            self.assertEqual(before.weekday(), 0)
            self.assertIn((monday - before).days, (364, 371))

    def test_week_is_the_company_s(self):
        """On Sunday evening in London it is Monday in Auckland."""
        with freeze_time("2026-11-08 20:00:00"):
            self.company.partner_id.tz = "Europe/London"
            self.assertEqual(self.env["crm.productivity.period"]._week(self.company)[0], MONDAY)
            self.company.partner_id.tz = "Pacific/Auckland"
            self.assertEqual(self.env["crm.productivity.period"]._week(self.company)[0], date(2026, 11, 9))

    def test_footing(self):
        self.env["crm.productivity.member"].search([]).write({"begins": MONDAY})
        self.deliver(answered("a"), answered("b", phone="102"), outbound("o", start=START + timedelta(days=1)))
        self.env["crm.voip.typed.call"].create(
            {"user_id": self.tom.id, "company_id": self.company.id, "started_at": "2026-11-02 09:00:00"}
        )
        self.env["crm.productivity.stale"]._catch_up()

        def footing(reader, **values):
            period = self.env["crm.productivity.period"].with_user(reader)
            period = period.with_context(allowed_company_ids=self.company.ids)
            return period._footing(self.company, MONDAY, MONDAY + timedelta(days=6), **values)

        # two incoming and one made of the whole company; Tom took one, made one and typed one
        self.assertEqual(footing(self.boss)["typed"], "3 measured + 1 typed")
        self.assertEqual(footing(self.nadia, teams=self.team)["typed"], "3 measured + 1 typed")
        self.assertEqual(footing(self.tom)["typed"], "2 measured + 1 typed")
        self.assertEqual(footing(self.rina)["typed"], "1 measured + 0 typed")
        # of another only where the company decided so
        self.assertEqual(footing(self.boss, user=self.tom)["typed"], "")
        [line] = footing(self.tom)["completeness"]
        self.assertTrue(line.startswith("Kestrel PBX: "))
        self.assertIn("logged 3", line)
        html = self.env["ir.qweb"]._render("crm_productivity.footing", {"footing": footing(self.tom)})
        self.assertIn("2 measured + 1 typed", html)
        self.pbx.active = False
        html = self.env["ir.qweb"]._render("crm_productivity.footing", {"footing": footing(self.tom)})
        self.assertIn("no telephone system is connected", html)
