"""What stories about metrics have in common."""

from datetime import timedelta

from odoo.addons.crm_voip_bridge.tests.common import START, VoipCase

DAY = START.date()


class MetricCase(VoipCase):
    """A team, its phones, and what its numbers are after a story was told."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Day, cls.Stale = cls.env["crm.productivity.day"], cls.env["crm.productivity.stale"]
        cls.env.cr.execute("DELETE FROM crm_productivity_stale")
        cls.env["crm.productivity.member"].search([]).write({"begins": DAY - timedelta(days=60)})

    def domain(self, user=None, team=None, first=DAY, last=DAY, company=None):
        domain = [("company_id", "=", (company or self.company).id), ("day", ">=", first), ("day", "<=", last)]
        if user is not None:
            domain.append(("user_id", "=", user.id))
        if team is not None:
            domain.append(("team_id", "=", team.id))
        return domain

    def value(self, code, user=None, **of):
        """What a metric is of a person, a team, or of all."""
        self.Stale._catch_up()
        metric = self.env["crm.productivity.metric"]._of_code(code, of.get("first", DAY))
        return metric._value(*self.Day._totals(self.domain(user, **of)))

    def assertMetrics(self, user=None, of=None, **expected):
        for code, value in expected.items():
            found = self.value(code, user, **(of or {}))
            if value is None:
                self.assertIsNone(found, code)
            else:
                self.assertIsNotNone(found, code)
                # medians are right to within 1 %
                self.assertAlmostEqual(found, value, delta=abs(value) * 0.011 + 0.001, msg=code)

    def wrapup(self, call, user, **values):
        return self.env["crm.voip.wrapup"].create(
            {
                "call_id": call.id,
                "user_id": user.id,
                "company_id": call.company_id.id,
                "started_at": call.started_at,
                **values,
            }
        )
