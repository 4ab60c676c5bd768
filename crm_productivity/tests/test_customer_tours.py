from datetime import datetime, timedelta, timezone

from odoo.addons.crm_voip_bridge.tests.common import VoipHttpCase, answered
from odoo.tests import tagged


@tagged("-at_install", "post_install")
class TestCustomerTours(VoipHttpCase):
    """What people do with Customers and Pipeline, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boss.password = cls.boss.login
        cls.boss.group_ids += cls.env.ref("sales_team.group_sale_salesman_all_leads")
        cls.company.crm_productivity_few_cases = 2
        cls.customers = cls.env["res.partner"].create([
            {"name": f"Customer {place}", "phone": f"+1 202-555-012{place}", "company_id": cls.company.id}
            for place in range(5)
        ])  # fmt: skip
        first, _last = cls.env["crm.stage"].create([
            {"name": "First contact", "sequence": 90}, {"name": "Nobody came here", "sequence": 91},
        ])  # fmt: skip
        names = ("Pumps for Aurora", "Boats", "Ropes", "Sails", "Anchors")
        cls.leads = cls.env["crm.lead"].with_context(tracking_disable=False).create([
            {"name": name, "type": "opportunity", "partner_id": cls.customers[place].id, "user_id": cls.tom.id,
             "stage_id": first.id, "team_id": cls.team.id, "company_id": cls.company.id, "expected_revenue": 100 * (place + 1)}
            for place, name in enumerate(names)
        ])  # fmt: skip
        # within a second nobody comes to a stage and leaves it
        cls.env.cr.execute(
            "UPDATE crm_lead SET create_date = create_date - interval '1 hour' WHERE id = ANY(%s)", [cls.leads.ids]
        )
        cls.env.invalidate_all()
        cls.catch_up()
        cls.leads[:2].action_set_won()
        cls.leads[2:].with_context(tracking_disable=True).action_set_won()
        start = datetime.now(timezone.utc) - timedelta(hours=1)
        events = [
            event
            for place in (0, 4)
            for number in (1, 2)
            for event in answered(
                f"c{place}{number}", number=f"+120255501{20 + place}", start=start + timedelta(minutes=number)
            )
        ]
        journal = cls.pbx.env["crm.voip.journal"]
        fresh = journal._take(cls.pbx, events)
        calls = cls.env["crm.voip.call"].sudo()._fold(cls.pbx, cls.env["crm.voip.call.ref"]._refs_of(fresh))
        calls.filtered(lambda call: call.partner_id == cls.customers[0])[:1].lead_id = cls.leads[0]
        cls.env["crm.productivity.rank"]._rank(cls.company)
        cls.catch_up()

    @classmethod
    def catch_up(cls):
        cls.env.flush_all()
        cls.env.cr.precommit.run()
        cls.env["crm.productivity.stale"]._catch_up()

    def test_customers(self):
        self.start_tour("/odoo/crm", "crm_productivity_customers", login=self.boss.login)

    def test_pipeline(self):
        self.start_tour("/odoo/crm", "crm_productivity_pipeline", login=self.boss.login)
