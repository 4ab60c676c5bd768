from datetime import timedelta

from odoo.addons.crm_voip_bridge.tests.common import VoipHttpCase, answered, group, missed, outbound
from odoo.addons.crm_voip_bridge.tests.test_callback import monday
from odoo.tests import tagged


@tagged("-at_install", "post_install")
class TestWeekTours(VoipHttpCase):
    """The screens for teams, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for person in (cls.nadia, cls.boss):
            person.password = person.login
        cls.env["crm.productivity.member"].search([]).write({"begins": "2020-01-01"})
        # this week's first days may not be over, so everything happened on its Monday, or a week before that
        start = cls.start = monday()
        for events in (
            answered("a", phone="101", seconds=30, start=start),
            answered("b", phone="101", seconds=90, number="+12025550151", start=start),
            group("g", taker="102", losers=("101",), number="+12025550152", start=start),
            missed("m", phones=("101", "102"), number="+12025550153", start=start),
            outbound("o", phone="103", number="+12025550154", start=start),
        ):
            fresh = cls.pbx.env["crm.voip.journal"]._take(cls.pbx, events)
            refs = cls.pbx.env["crm.voip.call.ref"]._refs_of(fresh)
            cls.env["crm.voip.call"].sudo()._fold(cls.pbx, refs)
        call = cls.env["crm.voip.call"].search([("call_ref", "=", "m"), ("pbx_id", "=", cls.pbx.id)])
        if not cls.env["crm.voip.callback"].search([("number", "=", "+12025550153")]):
            cls.env["crm.voip.callback"].create(
                {"company_id": cls.company.id, "pbx_id": cls.pbx.id, "number": "+12025550153", "state": "open",
                 "first_call_id": call.id, "last_call_id": call.id, "due_at": call.started_at + timedelta(hours=1),
                 "first_missed_at": call.started_at, "last_missed_at": call.started_at,
                 "team_ids": [(6, 0, cls.team.ids)], "missed_count": 1}
            )  # fmt: skip
        cls.env["crm.productivity.stale"]._catch_up()

    def address(self):
        week = self.env["crm.productivity.week"]
        return f"/odoo/team-week/{week._id_of(self.team, self.start.date())}"

    def test_team_week(self):
        self.start_tour("/odoo/crm", "crm_productivity_team_week", login=self.nadia.login)

    def test_address(self):
        self.start_tour(self.address(), "crm_productivity_team_week_again", login=self.boss.login)

    def test_dashboard(self):
        self.start_tour(self.address(), "crm_productivity_dashboard", login=self.nadia.login)
