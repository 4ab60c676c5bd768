from datetime import datetime, timedelta, timezone

from odoo import Command, fields
from odoo.addons.crm_voip_bridge.tests.common import VoipHttpCase, answered
from odoo.tests import new_test_user, tagged

from .portal_common import PortalCase


@tagged("post_install", "-at_install")
class TestPortalTours(PortalCase):
    """A customer and a supervisor, each in a real browser."""

    def test_an_objection_from_both_sides(self):
        self.start_tour("/my/home", "crm_support_portal_objects", login="portal_user")
        objection = self.env["crm.support.objection"].search([("entry_id", "=", self.entry.id)])
        self.assertEqual((objection.state, objection.text), ("open", "Your update broke the printer"))
        self.start_tour(
            "/odoo/action-crm_support_budget.crm_support_objection_action", "crm_support_accepts", login="portal_vera"
        )
        self.assertEqual(objection.state, "accepted")
        self.assertEqual(sum(self.entry.support_contact_id.entry_ids.mapped("minutes")), 0)
        self.start_tour("/my/support", "crm_support_portal_sees", login="portal_user")
        # screen, statement and ledger agree
        month = fields.Date.today().replace(day=1)
        figures = self.env["crm.support.statement"]._prepare_figures(self.customer, self.company, month)
        self.assertEqual((figures["minutes"]["used"], figures["not_counted"]), (0, 25))
        self.assertEqual(self.left(), f"{figures['minutes']['closing']} min left")

    def test_asking(self):
        self.start_tour("/my/support", "crm_support_portal_asks", login="portal_user")
        asked = self.env["crm.support.request"].search([("name", "=", "The export is empty")])
        self.assertEqual((asked.partner_id, asked.origin), (self.customer, "portal"))
        said = asked.message_ids.filtered(lambda one: one.message_type == "comment").sorted("id")
        self.assertEqual(said.author_id, self.user.partner_id)
        self.assertIn("It is the whole office", said[-1:].body)
        self.assertIn(self.user.partner_id, asked.message_partner_ids)


@tagged("post_install", "-at_install")
class TestDeskTours(PortalCase):
    """What people of ours do, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # who looks at what one person did is written down, also while only reading; a test has one cursor for both
        cls.set_registry_readonly_mode(False)

    def test_the_next_customer(self):
        self.foreign_request.action_done()
        self.start_tour(
            "/odoo/action-crm_support_budget.crm_support_next_action", "crm_support_takes_next", login="portal_tess"
        )
        self.assertEqual((self.request.state, self.request.user_id), ("serving", self.technician))
        contact = self.entry.support_contact_id
        self.assertEqual(contact.reason_id, self.env.ref("crm_support_budget.reason_courtesy"))
        self.assertEqual(sum(contact.entry_ids.mapped("minutes")), 0)

    def test_taking_over_from_a_notice(self):
        self.helped(self.user.partner_id, 200, fields.Datetime.subtract(fields.Datetime.now(), seconds=1))
        notice = self.env["crm.support.notice"]._look(self.company)
        self.assertEqual(notice.partner_id, self.customer)
        self.start_tour(
            "/odoo/action-crm_support_budget.crm_support_notice_action", "crm_support_takes_over", login="portal_vera"
        )
        self.assertEqual((notice.state, notice.takeover_id.user_id), ("taken", self.supervisor))
        # technicians are not offered that customer any more
        self.assertEqual(
            self.env["crm.support.request"].with_user(self.technician)._offer(self.company), self.foreign_request
        )


@tagged("post_install", "-at_install")
class TestCardTour(VoipHttpCase):
    """The call card of a technician, while a customer is on the phone."""

    def test_a_reason_with_one_key(self):
        tess = new_test_user(
            self.env,
            "portal_card_tess",
            groups="crm_support_budget.group_technician",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.phones["101"].user_id = tess
        self.company.crm_voip_card = True
        self.env["res.partner"].create(
            {"name": "Portal & Sons", "is_company": True, "company_id": self.company.id, "phone": "+1 202-555-0150"}
        )
        self.env.flush_all()
        start = datetime.now(timezone.utc) - timedelta(seconds=30)
        events = answered("running", number="+12025550150", start=start)
        self.send(events[:8])
        self.start_tour("/odoo/crm", "crm_support_reason_key", login=tess.login)
        contact = self.env["crm.support.contact"].search([("call_id", "=", self.calls("running").id)])
        self.assertEqual(contact.reason_id, self.env.ref("crm_support_budget.reason_own_defect"))
        # kept for its end, when it is entered and does not count
        self.assertFalse(contact.entry_ids)
        self.send(events)
        self.assertEqual((contact.entry_ids.minutes, contact.entry_ids.measured_minutes), (0, 1))
