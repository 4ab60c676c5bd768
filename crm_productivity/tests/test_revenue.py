from datetime import date

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .stories import story
from .test_customer import CustomerCase

DAY = date(2026, 11, 10)


@tagged("-at_install", "post_install")
class TestRevenue(CustomerCase):
    """What customers brought: from won opportunities, or from invoices where this database has them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Revenue = cls.env["crm.productivity.revenue"]
        with freeze_time("2026-11-10 12:00"):
            cls.lead = cls.env["crm.lead"].create(
                {"name": "Pumps", "type": "opportunity", "partner_id": cls.ann.id, "company_id": cls.company.id,
                 "user_id": cls.tom.id, "team_id": cls.team.id, "expected_revenue": 500}
            )  # fmt: skip
            cls.lead.action_set_won()
        cls.env.flush_all()

    def amounts(self, day=DAY):
        """:return: ``{(contact, person): amount}`` of a day"""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id, user_id, sum(amount) FROM (%s) AS sold (partner_id, user_id, team_id, at, amount, lead_id) GROUP BY 1, 2",
                self.Revenue._select(self.company, *self.env["crm.productivity.stale"]._bounds(self.company, day, day)),
            )
        )
        return {
            (self.env["res.partner"].browse(one), self.env["res.users"].browse(who)): float(sum_)
            for one, who, sum_ in rows
        }

    def test_won(self):
        self.company.crm_productivity_revenue = "won"
        self.assertEqual(self.amounts(), {(self.ann, self.tom): 500})
        self.assertFalse(self.amounts(date(2026, 11, 11)))
        self.lead.expected_revenue = 700
        self.assertEqual(self.amounts(), {(self.ann, self.tom): 700})
        self.lead.stage_id = self.env["crm.stage"].create({"name": "Not yet"})
        self.assertFalse(self.amounts())

    def test_what_is_used(self):
        """The source is what is installed and in use; one that is gone is not asked."""
        self.assertEqual(set(self.Revenue._sources()), {"won", "invoiced"} if "account.move" in self.env else {"won"})
        self.assertEqual(self.Revenue._used(self.company), "won")
        self.company.crm_productivity_revenue = False
        self.env.cr.execute(
            "UPDATE res_company SET crm_productivity_revenue = 'gone' WHERE id = %s", (self.company.id,)
        )
        self.company.invalidate_recordset()
        self.assertEqual(self.Revenue._used(self.company), "won")
        # without invoices nothing is invoiced: empty, and not 0
        self.reckon()
        day = self.env["crm.productivity.day"].search([("user_id", "=", self.tom.id), ("day", "=", DAY)])
        self.assertEqual((day.won_amount, day.invoiced), (500, False))
        metric = self.env.ref("crm_productivity.metric_invoiced")
        self.assertIsNone(metric._value(*day._totals([("user_id", "=", self.tom.id)])))

    def test_settings(self):
        settings = self.env["res.config.settings"].with_user(self.env.ref("base.user_admin")).with_company(self.company)
        one = settings.sudo().create({})
        self.assertEqual(one.crm_productivity_revenue_used, self.Revenue._sources()["won"])
        one.crm_productivity_few_cases = 7
        one.execute()
        self.assertEqual(self.company.crm_productivity_few_cases, 7)

    @story("invoiced")
    def test_invoices(self):
        """Where invoicing is installed: invoices less credit notes, as soon as one is posted."""
        if "account.move" not in self.env:
            self.assertNotIn("invoiced", self.Revenue._sources())
            self.assertEqual(self.Revenue._pull(), 0)
            return
        self.env["account.chart.template"].try_loading("generic_coa", company=self.company, install_demo=False)
        self.company.currency_id = self.env.ref("base.EUR")
        dollar = self.env.ref("base.USD")
        self.env["res.currency.rate"].create(
            {"currency_id": dollar.id, "company_id": self.company.id, "name": "2026-01-01", "rate": 2}
        )
        invoice = self.invoice(self.ann, 1000)
        self.assertEqual(self.Revenue._used(self.company), "won")
        invoice.action_post()
        self.assertEqual(self.Revenue._used(self.company), "invoiced")
        # 1 000, less 250, and 300 dollars at two to the euro
        self.invoice(self.ann, 250, move_type="out_refund").action_post()
        self.invoice(self.borealis, 300, currency_id=dollar.id, invoice_user_id=self.rina.id).action_post()
        self.assertEqual(self.amounts(), {(self.ann, self.tom): 750, (self.borealis, self.rina): 150})
        # by day, of the invoice's salesperson
        self.assertGreaterEqual(self.Revenue._pull(), 3)
        self.reckon()
        Day = self.env["crm.productivity.day"]

        def invoiced(user, day=DAY):
            return Day.search([("user_id", "=", user.id), ("day", "=", day)]).invoiced

        self.assertEqual((invoiced(self.tom), invoiced(self.rina)), (750, 150))
        metric = self.env.ref("crm_productivity.metric_invoiced")
        self.assertEqual(metric._value(*Day._totals([("user_id", "in", (self.tom | self.rina).ids)])), 900)
        # another date: the day before it loses it
        invoice.button_draft()
        invoice.invoice_date = date(2026, 11, 12)
        invoice.action_post()
        self.Revenue._pull()
        self.reckon()
        self.assertEqual((invoiced(self.tom), invoiced(self.tom, date(2026, 11, 12))), (-250, 1000))
        # small and large: by what was invoiced
        with freeze_time("2026-11-20 12:00"):
            self.env["crm.productivity.rank"]._rank(self.company)
        ranks = self.env["crm.productivity.rank"].search([("company_id", "=", self.company.id)])
        self.assertEqual({rank.partner_id: rank.revenue for rank in ranks}, {self.aurora: 750, self.borealis: 150})
        # the company may choose
        self.company.crm_productivity_revenue = "won"
        self.reckon()
        self.assertEqual(self.amounts(), {(self.ann, self.tom): 500})
        self.assertIs(invoiced(self.tom, date(2026, 11, 12)), False)

    def test_invoices_of_an_opportunity(self):
        """Where the sales app knows from which opportunity was ordered, what it brought is what was invoiced."""
        Effort = self.env["crm.productivity.effort"]
        if "sale.order" not in self.env or "opportunity_id" not in self.env["sale.order"]._fields:
            self.reckon()
            self.assertEqual(Effort.search([("lead_id", "=", self.lead.id)]).amount, 500)
            return
        self.env["account.chart.template"].try_loading("generic_coa", company=self.company, install_demo=False)
        self.company.currency_id = self.env.ref("base.EUR")
        product = self.env["product.product"].create({"name": "Pump", "type": "service", "invoice_policy": "order"})
        order = self.env["sale.order"].with_company(self.company).create(
            {"partner_id": self.ann.id, "company_id": self.company.id, "opportunity_id": self.lead.id,
             "order_line": [Command.create({"product_id": product.id, "price_unit": 800, "tax_ids": False})]}
        )  # fmt: skip
        order.action_confirm()
        move = order._create_invoices()
        move.invoice_date = DAY
        move.action_post()
        self.Revenue._pull()
        self.reckon()
        self.assertEqual(Effort.search([("lead_id", "=", self.lead.id)]).amount, 800)

    def invoice(self, partner, amount, **vals):
        return self.env["account.move"].with_company(self.company).create(
            {
                "move_type": "out_invoice", "partner_id": partner.id, "invoice_date": DAY, "company_id": self.company.id,
                "invoice_user_id": self.tom.id,
                "invoice_line_ids": [Command.create({"name": "Pump", "price_unit": amount, "tax_ids": False})], **vals,
            }
        )  # fmt: skip
