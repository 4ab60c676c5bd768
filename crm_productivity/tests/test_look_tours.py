from datetime import timedelta

from odoo import fields
from odoo.addons.crm_voip_bridge.tests.common import START, VoipHttpCase, answered, missed, outbound
from odoo.tests import tagged


@tagged("-at_install", "post_install")
class TestLookTours(VoipHttpCase):
    """When, Who uses it and Worth a look, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for person in (cls.tom, cls.nadia):
            person.password = person.login
        # Monday of last week, so that it is within the last weeks whenever this is run
        today = fields.Date.today()
        monday = today - timedelta(days=today.weekday() + 7)
        cls.ten = START.replace(year=monday.year, month=monday.month, day=monday.day, hour=10)

    def deliver(self, *batches):
        for events in batches:
            fresh = self.pbx.env["crm.voip.journal"]._take(self.pbx, events)
            refs = self.pbx.env["crm.voip.call.ref"]._refs_of(fresh)
            self.env["crm.voip.call"].sudo()._fold(self.pbx, refs)
        self.env["crm.productivity.stale"]._catch_up()

    def test_when(self):
        self.deliver(answered("a", start=self.ten), missed("m", start=self.ten + timedelta(minutes=9)))
        self.start_tour("/odoo/crm", "crm_productivity_when", login=self.tom.login)

    def test_use(self):
        self.company.write({"crm_productivity_use": True, "crm_voip_outcomes": True, "crm_voip_dial": False})
        Since = self.env["crm.productivity.function.since"]
        Since.search([("company_id", "=", self.company.id)]).write({"on_at": "2026-01-01"})
        self.env.cr.execute("UPDATE res_users SET create_date = '2026-01-01'")
        self.deliver(answered("a", start=self.ten))
        at = self.ten.replace(tzinfo=None)
        outcome = self.env["crm.voip.outcome"].search([], limit=1)
        self.env["crm.voip.wrapup"].create(
            {"call_id": self.calls("a").id, "user_id": self.tom.id, "company_id": self.company.id, "started_at": at,
             "outcome_id": outcome.id, "outcome_at": at}
        )  # fmt: skip
        self.env["crm.productivity.member"].search([]).write({"begins": "2026-01-01"})
        self.env["crm.productivity.use"]._reckon_company(self.company)
        self.start_tour("/odoo/crm", "crm_productivity_use", login=self.nadia.login)
        opened = self.env["crm.productivity.opened"].search([("user_id", "=", self.nadia.id)])
        self.assertIn("crm.productivity.use", opened.mapped("code"))

    def test_look(self):
        self.company.crm_productivity_look = True
        pattern = self.env.ref("crm_productivity.pattern_short_calls")
        pattern.write({"least": 2, "limit_s": 60})
        self.deliver(outbound("a", start=self.ten), outbound("b", start=self.ten + timedelta(minutes=9)))
        self.env["crm.productivity.look"]._find(self.company, self.ten.date(), self.ten.date())
        self.start_tour("/odoo/crm", "crm_productivity_look", login=self.tom.login)
        look = self.env["crm.productivity.look"].search([("user_id", "=", self.tom.id)])
        self.assertEqual((look.comment, look.is_explained), ("A line that broke down", True))
