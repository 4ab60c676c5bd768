from datetime import datetime, timedelta, timezone

from odoo.addons.crm_voip_bridge.tests.common import VoipCase, answered, told
from odoo.fields import Command
from odoo.tests import new_test_user

#: a Monday, ten in the morning in Amsterdam
MONDAY = datetime(2026, 11, 2, 9)
HEAVY, LIGHT = "+12025550111", "+12025550122"


class SupportCase(VoipCase):
    """Kestrel has two technicians with a supervisor, a policy for everybody, and customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env

        def person(login, groups):
            return new_test_user(env, login, groups=groups, company_id=cls.company.id, company_ids=cls.company.ids)

        cls.tess = person("support_tess", "crm_support_budget.group_technician")
        cls.timo = person("support_timo", "crm_support_budget.group_technician")
        cls.vera = person("support_vera", "crm_support_budget.group_supervisor")
        cls.policy = env["crm.support.policy"].create(
            {
                "name": "Standard",
                "company_id": cls.company.id,
                "period": "week",
                "minutes": 60,
                "reserve_minutes": 120,
                "carry_minutes": 60,
                "day_minutes": 120,
                "day_contacts": 6,
            }
        )
        # as if it had been so from the first day
        env["crm.support.terms"].search([("company_id", "=", cls.company.id)]).unlink()
        cls.company.crm_support_policy_id = cls.policy
        cls.env.registry.clear_cache()
        cls.heavy, cls.light = (
            env["res.partner"].create({"name": name, "is_company": True, "company_id": cls.company.id})
            for name in ("Heavyweight Ltd", "Feather BV")
        )
        cls.caller = env["res.partner"].create({"name": "Hans Heavy", "parent_id": cls.heavy.id, "phone": HEAVY})
        cls.light.phone = LIGHT
        # their phones
        cls.phones["101"].user_id, cls.phones["102"].user_id = cls.tess, cls.timo
        cls.company.resource_calendar_id = env["resource.calendar"].create(
            {
                "name": "Eight to four",
                "tz": "Europe/Amsterdam",
                "company_id": cls.company.id,
                "attendance_ids": [Command.clear()]
                + [
                    Command.create({"name": str(day), "dayofweek": str(day), "hour_from": 8, "hour_to": 16})
                    for day in range(5)
                ],
            }
        )
        cls.company.partner_id.tz = "Europe/Amsterdam"
        cls.company.crm_support_since = datetime(2026, 9, 1)
        env.flush_all()

    def helped(self, ref, minutes, at=MONDAY, number=HEAVY, phone="101", queue=False):
        """A customer calls, and is helped for so long; seconds of ringing come before.

        :return: the call
        """
        events = answered(ref, number, phone, at.replace(tzinfo=timezone.utc), minutes * 60)
        if queue:
            events += told("0.05 queued c support", call=ref, start=at.replace(tzinfo=timezone.utc))
        return self.deliver_one(events, ref)

    def always(self, policy, **vals):
        """Change a policy as if it had been so from the first day."""
        policy.write(vals)
        self.env["crm.support.terms"].search([("policy_id", "=", policy.id)]).unlink()
        policy._remember()

    def entries(self, customer):
        return self.env["crm.support.entry"].search([("partner_id", "=", customer.id)], order="id")

    def reading(self, customer, now):
        return self.env["crm.support.meter"]._of(customer, self.company, now)[customer.id]

    def minutes_after(self, count, start=MONDAY):
        """:return: so many minutes after the Monday on which tests begin"""
        return start + timedelta(minutes=count)
