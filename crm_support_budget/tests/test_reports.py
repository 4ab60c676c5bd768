from datetime import timedelta, timezone

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import missed
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import HEAVY, LIGHT, MONDAY, SupportCase


@tagged("post_install", "-at_install")
class TestReports(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.support.rule"].search([]).unlink()
        cls.env["crm.support.rule"].create({"name": "All", "kind": "all", "sequence": 1})

    def gone(self, ref, minute, number=HEAVY):
        self.deliver(missed(ref, number, start=self.minutes_after(minute).replace(tzinfo=timezone.utc)))

    def model(self, name, user=None):
        self.env.flush_all()
        return self.env[name].with_user(user or self.vera).with_context(allowed_company_ids=self.company.ids)

    def waits(self, domain=()):
        return self.model("crm.support.wait").search([("company_id", "=", self.company.id), *domain])

    def asks(self, customer, minutes, **vals):
        """A request that was made so many minutes before it was helped, on Monday at nine."""
        request = self.env["crm.support.request"].create(
            {
                "name": "Help",
                "contact_id": customer.id,
                "company_id": self.company.id,
                "waiting_since": MONDAY - timedelta(minutes=minutes),
                **vals,
            }
        )
        self.env["crm.support.contact"].with_user(self.tess)._by_hand(
            customer, 5, "Helped", MONDAY, request=request, company=self.company
        )
        return request

    def customer(self, name):
        return self.env["res.partner"].create({"name": name, "is_company": True})

    # --- who waits how long ---

    def test_on_the_phone(self):
        call = self.helped("a", 10)
        wait = self.waits()
        self.assertEqual((wait.kind, wait.partner_id, wait.outcome), ("call", self.heavy, "helped"))
        # it rang from 0.1 s to 5 s, see `answered`: what the call says, in minutes
        self.assertAlmostEqual(wait.minutes, (call.queue_s + call.ring_s) / 60, 4)
        self.assertGreater(wait.minutes, 4 / 60)
        self.assertEqual(wait.action_open()["res_id"], call.id)

    def test_calls_in_vain_are_one_wait_until_somebody_calls_back(self):
        self.gone("a", 0)
        self.gone("b", 10)
        self.helped("back", 4, self.minutes_after(30), phone="102")
        wait = self.waits([("kind", "=", "request")])
        # from 0 to 30 minutes and the five seconds of ringing
        self.assertAlmostEqual(wait.minutes, 30 + 5 / 60, 3)
        self.assertEqual((wait.tries, wait.outcome), (2, "helped"))
        self.assertEqual(wait.action_open()["res_model"], "crm.support.request")

    def test_whoever_still_waits_has_waited_until_now(self):
        self.gone("a", 0, LIGHT)
        with freeze_time(self.minutes_after(45)):
            wait = self.waits()
            self.assertEqual((wait.minutes, wait.outcome, wait.until), (45, "waits", False))

    def test_waiting_again_is_a_wait_of_its_own(self):
        request = self.asks(self.light, 20)
        request.action_wait()
        with freeze_time(MONDAY + timedelta(hours=1)):
            request.action_again()
            self.env.flush_all()
        with freeze_time(MONDAY + timedelta(hours=3)):
            found = {wait.kind: wait.minutes for wait in self.waits([("kind", "!=", "call")])}
        # the first help came after 20; waits again since two hours
        self.assertEqual(found, {"request": 20, "again": 120})

    def test_done_without_help_and_being_at_it(self):
        Request = self.env["crm.support.request"]
        with freeze_time(MONDAY):
            values = {"contact_id": self.light.id, "company_id": self.company.id}
            closed, begun = Request.create([{"name": "Closed", **values}, {"name": "Begun", **values}])
        with freeze_time(MONDAY + timedelta(minutes=7)):
            closed.action_done()
            begun.with_user(self.tess).action_serve()
            self.env.flush_all()
        found = {wait.outcome: wait for wait in self.waits()}
        self.assertEqual(found["closed"].minutes, 7)
        # it is not known when somebody talked: empty, and not 0; and not in the number of waits
        self.assertIs(found["begun"].minutes, False)
        self.assertEqual((found["closed"].waits, found["begun"].waits), (1, 0))

    def test_a_call_that_arrives_late_was_the_first(self):
        self.gone("b", 30)
        self.gone("a", 0)
        self.helped("back", 4, self.minutes_after(60))
        self.assertAlmostEqual(self.waits([("kind", "=", "request")]).minutes, 60 + 5 / 60, 3)

    def test_of_all_waits_together(self):
        for place, minutes in enumerate((10, 20, 60)):
            self.asks(self.customer(f"C{place}"), minutes)
        names = ["customers:count_distinct", "waits:sum", "minutes:avg", "median:avg", "most:avg", "longest:max"]
        [row] = self.model("crm.support.wait").formatted_read_group([("kind", "=", "request")], [], names)
        # mean 90 / 3; the middle one; nine of ten: 20 + 0.8 × 40; the longest
        self.assertEqual([round(row[name], 6) for name in names], [3, 3, 30, 20, 52, 60])

    def test_by_fifths_of_revenue(self):
        customers = [self.customer(f"C{place}") for place in range(6)]
        for place, customer in enumerate(customers):
            self.asks(customer, 10 * (place + 1))
        # five bring 500, 400 … 100, the last nothing; what was lost brings nothing
        for place, customer in enumerate(customers[:5]):
            self.lead(customer, 100 * (5 - place)).action_set_won()
        self.lead(customers[5], 9000).action_set_lost()
        rows = self.model("crm.support.wait").formatted_read_group(
            [("kind", "=", "request")], ["fifth"], ["customers:count_distinct", "waits:sum", "minutes:avg"]
        )
        found = {row["fifth"]: (row["customers:count_distinct"], row["waits:sum"], row["minutes:avg"]) for row in rows}
        self.assertEqual(
            found,
            {"5": (1, 1, 10), "4": (1, 1, 20), "3": (1, 1, 30), "2": (1, 1, 40), "1": (1, 1, 50), "0": (1, 1, 60)},
        )

    def test_revenue_of_a_person_is_their_companys_and_of_last_year_is_none(self):
        self.asks(self.caller, 10)
        lead = self.lead(self.caller, 100)
        lead.action_set_won()
        self.assertEqual(self.waits([("kind", "=", "request")]).fifth, "1")
        lead.date_closed = lead.date_closed - timedelta(days=370)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.waits([("kind", "=", "request")]).fifth, "0")

    def test_invoices_where_they_are_in_use(self):
        self.asks(self.heavy, 10)
        self.asks(self.light, 20)
        self.lead(self.heavy, 500).action_set_won()
        if "account.move" not in self.env:
            self.assertFalse(self.env["crm.support.revenue"]._invoicing(self.company))
            return
        self.env["account.chart.template"].try_loading("generic_coa", company=self.company, install_demo=False)
        self.env["account.move"].with_company(self.company).create(
            {
                "move_type": "out_invoice",
                "partner_id": self.light.id,
                "invoice_date": self.lead(self.light, 0).create_date.date(),
                "company_id": self.company.id,
                "invoice_line_ids": [Command.create({"name": "Pump", "price_unit": 70, "tax_ids": False})],
            }
        ).action_post()
        # what was won does not count any more: only whoever was invoiced has revenue
        found = {wait.partner_id: wait.fifth for wait in self.waits([("kind", "=", "request")])}
        self.assertEqual(found, {self.heavy: "0", self.light: "1"})

    def lead(self, customer, amount):
        return self.env["crm.lead"].create(
            {
                "name": "Deal",
                "type": "opportunity",
                "partner_id": customer.id,
                "expected_revenue": amount,
                "company_id": self.company.id,
                "team_id": self.team.id,
            }
        )

    def test_as_many_queries_for_many(self):
        counts = []
        for batch in range(2):
            for place in range(2 + 20 * batch):
                self.asks(self.customer(f"C{batch} {place}"), 10)
            # what the registry keeps, and what is read once
            self.waits().read(["partner_id"])
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.waits().read(["partner_id", "minutes", "outcome", "fifth"])
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)

    def test_only_of_the_companies_that_are_chosen(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.env["crm.support.request"].create({"name": "X", "contact_id": self.light.id, "company_id": other.id})
        self.assertFalse(self.waits())
        with self.assertRaises(AccessError):
            self.model("crm.support.wait", self.tess).search([])

    # --- use, and what our own defects cost ---

    def action(self, name):
        return self.env["ir.actions.act_window"]._for_xml_id(f"crm_support_budget.{name}")

    def test_use(self):
        self.helped("h1", 30)
        self.helped("h2", 12, self.minutes_after(60), phone="102")
        self.helped("l", 5, self.minutes_after(90), LIGHT)
        first = self.env["crm.support.contact"].search([("call_id.call_ref", "=", "h1")])
        first.with_user(self.tess)._say(self.env.ref("crm_support_budget.reason_courtesy"))
        names = ["measured_contacts:sum", "measured_minutes:sum", "minutes:sum"]
        rows = self.model("crm.support.entry").formatted_read_group([], ["partner_id"], names)
        found = {row["partner_id"][0]: [row[name] for name in names] for row in rows}
        # 30 and 12, of which the courtesy does not count; it is two contacts, though it was entered anew
        self.assertEqual(found, {self.heavy.id: [2, 42, 12], self.light.id: [1, 5, 5]})
        # by person: only after the company decided so
        with self.assertRaises(UserError):
            self.model("crm.support.entry").formatted_read_group([], ["user_id"], names)

    def test_what_our_own_defects_cost(self):
        self.helped("h1", 30)
        self.helped("h2", 12, self.minutes_after(60))
        self.helped("l", 5, self.minutes_after(90), LIGHT)
        contacts = self.env["crm.support.contact"].search([("company_id", "=", self.company.id)], order="at")
        defect, failed = (self.env.ref(f"crm_support_budget.reason_{one}") for one in ("own_defect", "failed_delivery"))
        for contact, reason in zip(contacts, (defect, failed, failed), strict=True):
            contact.with_user(self.tess)._say(reason)
        # the last one was a question after all
        contacts[2].with_user(self.tess)._say(self.env.ref("crm_support_budget.reason_question"))
        action = self.action("crm_support_defect_action")
        rows = self.model("crm.support.entry").formatted_read_group(
            [("reason_id.exempt", "=", True)], ["reason_id"], ["measured_contacts:sum", "measured_minutes:sum"]
        )
        found = {row["reason_id"][0]: (row["measured_contacts:sum"], row["measured_minutes:sum"]) for row in rows}
        self.assertEqual(found, {defect.id: (1, 30), failed.id: (1, 12)})
        self.assertIn("reason_id.exempt", action["domain"])

    def test_screens_and_their_measures_are_there(self):
        for name in ("use", "defect", "wait", "fit", "would"):
            action = self.action(f"crm_support_{name}_action")
            with self.subTest(screen=name):
                self.assertIn("o_view_nocontent_smiling_face", action["help"])
                modes = [(False, mode) for mode in action["view_mode"].split(",")]
                views = self.model(action["res_model"]).get_views([*modes, (False, "search")])
                self.assertEqual(len(views["views"]), len(modes) + 1)
        known = self.model("crm.support.wait").fields_get()
        for name in ("customers", "waits", "minutes", "median", "most", "tries", "longest"):
            self.assertTrue(known[name]["aggregator"], name)
