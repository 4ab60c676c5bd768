from datetime import timedelta

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import answered
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .stories import story
from .test_customer import CustomerCase


@tagged("-at_install", "post_install")
class TestFairness(CustomerCase):
    """Small and large customers beside each other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_productivity_few_cases = 2
        # ten customers: those of 100 and 200 are the smallest fifth, those of 900 and 1 000 the largest
        cls.customers = cls.env["res.partner"]
        for place in range(10):
            cls.customers |= cls.customer(f"Customer {place}", 20 + place)
        with freeze_time("2026-10-20 12:00"):
            leads = cls.env["crm.lead"].create([
                {"name": "Pumps", "type": "opportunity", "partner_id": one.id, "company_id": cls.company.id,
                 "user_id": cls.tom.id, "team_id": cls.team.id, "expected_revenue": 100 * (place + 1)}
                for place, one in enumerate(cls.customers)
            ])  # fmt: skip
            leads.action_set_won()
        cls.env.flush_all()

    def screen(self, user=None, **vals):
        Fairness = self.env["crm.productivity.fairness"]
        if user:
            Fairness = Fairness.with_user(user).with_context(allowed_company_ids=self.company.ids)
        one = Fairness.with_company(self.company).browse(Fairness.with_company(self.company).action_open()["res_id"])
        one.write({"months": "3", **vals})
        return one, {line.fifth: line for line in one.line_ids}

    def ring(self, call, place, seconds):
        """A call of a customer that is picked up after so many seconds."""
        events = answered(call, number=f"+120255501{20 + place}")
        late = [event for event in events if event.type in ("answered", "bridged", "dial_ended", "unbridged", "ended")]
        moved = {id(event) for event in late}
        shift = timedelta(seconds=seconds - 5)
        return [
            event.__class__(event.id, event.type, event.call, event.leg, event.at + shift, event.source, event.data)
            if id(event) in moved else event
            for event in events
        ]  # fmt: skip

    @story("customer_pick_up")
    @freeze_time("2026-11-20 12:00")
    def test_fifths(self):
        self.deliver(
            self.ring("a", 0, 60), self.ring("b", 1, 62), self.ring("c", 1, 64),  # small: 62 s in the middle
            self.ring("d", 8, 19), self.ring("e", 9, 20), self.ring("f", 9, 21),  # large: 20 s
            answered("g", number="+12025550101"), answered("h", number="+12025550199"),
        )  # fmt: skip
        self.Rank._rank(self.company)
        self.reckon()
        revenue = {
            rank.partner_id: (rank.fifth, rank.revenue)
            for rank in self.Rank.search([("company_id", "=", self.company.id)])
        }
        self.assertEqual(revenue[self.customers[0]], ("1", 100))
        self.assertEqual([revenue[one][0] for one in self.customers], list("1122334455"))
        one, lines = self.screen()
        self.assertEqual([line.calls for line in one.line_ids], [3, 0, 0, 0, 3, 1, 1])
        self.assertEqual([line.customers for line in one.line_ids], [2, 2, 2, 2, 2, 0, 0])
        self.assertAlmostEqual(lines["1"].pick_up_s, 62, delta=1)
        self.assertAlmostEqual(lines["5"].pick_up_s, 20, delta=0.5)
        self.assertIs(lines["5"].response_s, False)
        # 62 ÷ 20 = 3.1, to within what a median knows
        self.assertRegex(
            one.sentence, r"smallest fifth wait 3\.[01]× as long until a call is picked up .* 3 and 3 calls"
        )
        self.assertIn("from 2 cases on", one.ground)
        # whoever is not in enough calls is not compared in words
        self.company.crm_productivity_few_cases = 4
        one.invalidate_model()
        lines["1"].invalidate_model()
        self.assertIn("it takes 4 calls", one.sentence)
        self.assertTrue(lines["1"].few_calls)
        action = lines["5"].action_customers()
        found = self.env["crm.productivity.attention"].with_company(self.company).search(action["domain"])
        self.assertEqual(found.partner_id & self.customers, self.customers[8:])
        self.assertAlmostEqual(
            found.filtered(lambda line: line.partner_id == self.customers[9]).pick_up_median, 20, delta=1
        )
        calls = self.env["crm.voip.call"].search(
            found.filtered(lambda line: line.partner_id == self.customers[9]).action_calls()["domain"]
        )
        self.assertEqual(set(calls.mapped("call_ref")), {"e", "f"})

    @freeze_time("2026-11-20 12:00")
    def test_who_sees_what(self):
        self.Rank._rank(self.company)
        self.deliver(
            answered("a", number="+12025550120", phone="101"), answered("b", number="+12025550120", phone="104")
        )
        self.reckon()
        for user, calls in ((self.boss, 1), (self.nadia, 1), (self.tom, 1), (self.jonas, 0)):
            one, lines = self.screen(user)
            self.assertEqual(lines["1"].calls, calls, user.login)
        with self.assertRaises(AccessError):
            self.screen(self.clerk)
        # what belongs to no team is one person's; decided, it is seen by who sees all
        switch = self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "Coaching", "agreement": "2026-10", "min_group": 3}
        )
        self.assertEqual(self.screen(self.boss)[1]["1"].calls, 2)
        switch.action_turn_off()
        # asking for another's team or company shows nothing of it
        other = self.env["crm.team"].create({"name": "Others", "company_id": self.company.id})
        self.assertEqual(self.screen(self.tom, team_id=other.id)[1]["1"].calls, 0)
        main = self.env.ref("base.main_company")
        one = (
            self.env["crm.productivity.fairness"]
            .with_user(self.boss)
            .with_context(allowed_company_ids=self.company.ids)
        )
        self.assertFalse(one.create({"company_id": main.id})._figures())

    @freeze_time("2026-11-20 12:00")
    def test_nothing_yet(self):
        one, _lines = self.screen()
        self.assertIn("No calls or messages", one.sentence)
        self.assertIn("No customer has revenue", one.ground)

    @freeze_time("2026-11-20 12:00")
    def test_few_queries(self):
        self.deliver(answered("a", number="+12025550120"))
        self.Rank._rank(self.company)
        self.reckon()
        one, _lines = self.screen()
        self.env.flush_all()
        self.env.invalidate_all()
        one.line_ids.mapped("fifth")
        before = self.env.cr.sql_log_count
        one.line_ids.mapped("calls")
        # figures of all seven lines at once: two sums and the rank; teams, company, dictionary
        self.assertLessEqual(self.env.cr.sql_log_count - before, 17)
        lines = self.env["crm.productivity.attention"].with_company(self.company)
        lines = lines.search([("partner_id", "!=", False)])
        lines.mapped("customer")
        with self.assertQueryCount(1):
            lines.mapped("pick_up_median")

    def test_ranks_again(self):
        """Whoever is won moves up; the kept figures follow."""
        with freeze_time("2026-11-20 12:00"):
            self.deliver(answered("a", number="+12025550101"))
            self.Rank._rank(self.company)
            self.assertEqual(self.row(self.aurora).fifth, "0")
            lead = self.env["crm.lead"].create(
                {"name": "Pumps", "type": "opportunity", "partner_id": self.ann.id, "company_id": self.company.id,
                 "user_id": self.tom.id, "team_id": self.team.id, "expected_revenue": 5000}
            )  # fmt: skip
            lead.action_set_won()
            self.Rank._rank(self.company)
            # Ann's is her employer's; a year later it is forgotten
            self.assertEqual(self.row(self.aurora).fifth, "5")
            self.assertEqual((self.snapshot(), self.snapshot(self.Fifth)), self.from_nothing())
        with freeze_time("2027-11-21 12:00"):
            self.Rank._rank(self.company)
            self.assertEqual(self.row(self.aurora).fifth, "0")

    def test_dictionary(self):
        """Every number of the screens stands in the dictionary, and its columns say the same."""
        Metric = self.env["crm.productivity.metric"]
        found = Metric.search([("scope", "!=", "day")])
        self.assertFalse(found.filtered(lambda metric: metric.is_own or metric.may_be_target))
        for model in ("crm.productivity.fairness.line", "crm.productivity.funnel.line"):
            columns = self.env[model].fields_get()
            for name, code in self.env[model]._explained_by.items():
                self.assertIn(
                    found.filtered(lambda metric, code=code: metric.code == code).meaning, columns[name]["help"]
                )
        bad = {"name": "Bad", "meaning": "-", "computation": "-", "scope": "customer", "is_own": False}
        for vals, words in (
            ({"code": "bad_1", "formula": "calls", "may_be_target": True}, "no target"),
            ({"code": "bad_2", "formula": "median(nonsense)"}, "no measure “nonsense”"),
            ({"code": "bad_3", "formula": "median(calls)"}, "no median"),
        ):
            with self.assertRaisesRegex(ValidationError, words):
                Metric.create({**bad, **vals})
        metric = self.env.ref("crm_productivity.metric_customer_pick_up")
        self.assertIsNone(metric._value({}, {}))
