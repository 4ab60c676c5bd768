from datetime import datetime, timedelta, timezone

from odoo.addons.crm_voip_bridge.tests.common import CUSTOMER, VoipHttpCase, answered
from odoo.tests import tagged


@tagged("-at_install", "post_install")
class TestMineTours(VoipHttpCase):
    """My numbers, comments and targets, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {"crm_productivity_targets": True, "crm_productivity_comments": True, "crm_voip_outcomes": True}
        )
        cls.team.crm_voip_outcome_required = True
        for person in (cls.tom, cls.nadia):
            person.password = person.login
        cls.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER, "company_id": cls.company.id})
        cls.env.flush_all()
        # a moment ago, and in this week
        start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(seconds=90)
        fresh = cls.pbx.env["crm.voip.journal"]._take(cls.pbx, answered("ada", start=start))
        refs = cls.pbx.env["crm.voip.call.ref"]._refs_of(fresh)
        cls.env["crm.voip.call"].sudo()._fold(cls.pbx, refs)
        cls.day = cls.env["crm.productivity.stale"]._today(cls.company)

    def reckon(self):
        self.env.flush_all()
        self.assertTrue(
            self.env["crm.productivity.day"]._reckon(self.company, [self.day - timedelta(days=1), self.day])
        )

    def test_my_numbers(self):
        self.reckon()
        self.start_tour("/odoo/crm", "crm_productivity_my_numbers", login=self.tom.login)
        self.assertFalse(self.env["crm.productivity.comment"].search([("user_id", "=", self.tom.id)]))
        choices = self.env["crm.productivity.choice"].search(
            [("is_shown", "=", False), ("metric_id.is_own", "=", True)]
        )
        self.assertEqual(choices.mapped(lambda one: (one.user_id, one.metric_id.code)), [(self.tom, "taken")])

    def test_targets(self):
        lead = self.env["crm.lead"].create(
            {
                "name": "Pumps", "type": "opportunity", "user_id": self.tom.id, "team_id": self.team.id,
                "company_id": self.company.id, "expected_revenue": 500,
            }
        )  # fmt: skip
        lead.action_set_won()
        self.reckon()
        self.start_tour("/odoo/crm", "crm_productivity_targets", login=self.nadia.login)
        targets = self.env["crm.productivity.target"].search([("team_id", "=", self.team.id)])
        self.assertEqual(targets.mapped("amount"), [1000, 1000])
        self.assertEqual(targets.mapped("is_copied"), [False, True])
