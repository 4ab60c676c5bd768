from datetime import datetime, timedelta

from odoo.tests import new_test_user

from odoo.addons.crm_voip_bridge.tests.common import VoipCase

#: a Monday, ten in the morning in Amsterdam
MONDAY = datetime(2026, 11, 2, 9)


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
        cls.caller = env["res.partner"].create({"name": "Hans Heavy", "parent_id": cls.heavy.id})

    def minutes_after(self, count, start=MONDAY):
        """:return: so many minutes after the Monday on which tests begin"""
        return start + timedelta(minutes=count)
