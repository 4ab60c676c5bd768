from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import VoipCase

WIZARD = "odoo.addons.crm_voip_bridge.wizard.crm_voip_move_in"
MENU = "crm_voip_bridge.crm_voip_menu_move_in"
WHEN = datetime(2026, 3, 2, 9, 30)


@tagged("-at_install", "post_install")
class TestMoveIn(VoipCase):
    """Calls that other addons kept are taken over once, as what they are.

    `setup/test` runs this beside those addons, and without them: then there is nothing to take over.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada", "phone": "+12025550101"})
        cls.lead = cls.env["crm.lead"].create({"name": "Deal", "type": "opportunity", "partner_id": cls.partner.id})
        # what the database may have brought along
        cls.Typed = cls.env["crm.voip.typed.call"]
        cls.before = cls.Typed.search([])

    def present(self, model):
        """Whether the addon is here; if not, that is what the wizard says."""
        found = [source.model for source in self.env["crm.voip.move.in"]._present()]
        self.assertEqual(model in found, model in self.env)
        return model in found

    def wizard(self, user=None):
        Move = self.env["crm.voip.move.in"].with_user(user or self.admin)
        return Move.with_context(allowed_company_ids=self.company.ids).create({})

    def line(self, wizard, model):
        return wizard.line_ids.filtered(lambda line: line.model == model)

    def moved(self, model):
        return self.Typed.search([("imported_ref", "=like", f"{model},%")], order="id") - self.before

    def menu_is_shown(self, user):
        self.env.flush_all()
        self.env.registry.clear_cache()
        menus = self.env["ir.ui.menu"].with_user(user).with_context(allowed_company_ids=self.company.ids)
        return self.env.ref(MENU).id in menus.load_menus(False)

    def phonecall(self, **values):
        return self.env["crm.phonecall"].create(
            {
                "name": "Asked for a price",
                "state": "done",
                "date": WHEN,
                "user_id": self.tom.id,
                "company_id": self.company.id,
                "partner_id": self.partner.id,
                "partner_phone": "+1 202 555 0101",
                "direction": "in",
                **values,
            }
        )

    def voip_call(self, **values):
        return self.env["voip.call"].create(
            {
                "phone_number": "+12025550101",
                "type_call": "outgoing",
                "state": "terminated",
                "start_date": WHEN,
                "end_date": WHEN + timedelta(minutes=2, seconds=30),
                "partner_id": self.partner.id,
                "user_id": self.tom.id,
                **values,
            }
        )

    # --- nothing to take over ---

    def test_without_calls_elsewhere(self):
        wizard = self.wizard()
        self.assertEqual(set(wizard.line_ids.mapped("model")), {"crm.phonecall", "voip.call"} & set(self.env))
        self.assertEqual((wizard.waiting, wizard.taken), (0, 0))
        self.assertFalse(self.menu_is_shown(self.admin))
        wizard.action_take_over()
        self.assertEqual(self.Typed.search([]), self.before)

    def test_only_an_administrator(self):
        for user in (self.tom, self.nadia, self.boss):
            with self.assertRaises(AccessError):
                self.wizard(user)
            with self.assertRaises(AccessError):
                self.env["crm.voip.move.in"].with_user(user).default_get(["line_ids"])

    # --- crm_phonecall ---

    def test_typed_calls(self):
        if not self.present("crm.phonecall"):
            return
        tag = self.env["crm.tag"].create({"name": "Price"})
        self.phonecall(
            duration=4.5, opportunity_id=self.lead.id, description="Wants three", tag_ids=[Command.set(tag.ids)]
        )
        self.assertTrue(self.menu_is_shown(self.admin))
        self.assertFalse(self.menu_is_shown(self.boss))
        wizard = self.wizard()
        line = self.line(wizard, "crm.phonecall")
        self.assertEqual((line.waiting, line.taken, line.left), (1, 0, 0))
        self.assertEqual((line.date_from, line.date_to), (WHEN.date(), WHEN.date()))
        wizard.action_take_over()
        call = self.moved("crm.phonecall")
        self.assertEqual(len(call), 1)
        self.assertEqual((call.partner_id, call.lead_id, call.user_id), (self.partner, self.lead, self.tom))
        self.assertEqual((call.company_id, call.number), (self.company, "+1 202 555 0101"))
        self.assertEqual((call.started_at, call.direction, call.minutes), (WHEN, "inbound", 4.5))
        self.assertEqual(call.note, "Asked for a price\nWants three\n#Price")
        self.assertEqual(call.origin, "imported_typed")
        self.assertEqual((wizard.waiting, wizard.taken), (0, 1))
        self.assertFalse(self.menu_is_shown(self.admin))
        self.assertFalse(self.calls(), "it is none of the measured calls")

    def test_a_duration_of_nothing_is_none(self):
        if not self.present("crm.phonecall"):
            return
        # what that addon makes of a typed duration once the call is held
        reset = self.phonecall(state="open", duration=12)
        reset.state = "done"
        self.assertEqual(reset.duration, 0)
        self.phonecall(duration=-3)
        self.wizard().action_take_over()
        self.assertEqual(self.moved("crm.phonecall").mapped("minutes"), [False, False])

    def test_what_did_not_take_place_stays(self):
        if not self.present("crm.phonecall"):
            return
        for state in ("open", "pending", "cancel"):
            self.phonecall(state=state)
        archived = self.phonecall(active=False)
        wizard = self.wizard()
        line = self.line(wizard, "crm.phonecall")
        self.assertEqual((line.waiting, line.left), (1, 3))
        wizard.action_take_over()
        self.assertEqual(self.moved("crm.phonecall").imported_ref, f"crm.phonecall,{archived.id}")
        self.assertEqual(self.line(wizard, "crm.phonecall").left, 3)

    def test_what_is_missing_there(self):
        if not self.present("crm.phonecall"):
            return
        call = self.phonecall(date=False, user_id=False, company_id=False, partner_id=False, partner_phone=False)
        call.date_open = False
        self.wizard(self.admin).action_take_over()
        # it was made by somebody of another company, so it is not this company's
        self.assertFalse(self.moved("crm.phonecall"))
        self.env.user.company_ids += self.company
        self.env.user.company_id = self.company
        self.wizard(self.admin).action_take_over()
        moved = self.moved("crm.phonecall")
        self.assertEqual((moved.user_id, moved.started_at), (self.env.user, call.create_date.replace(microsecond=0)))
        self.assertFalse(moved.partner_id or moved.lead_id or moved.number)

    def test_again_doubles_nothing(self):
        if not self.present("crm.phonecall"):
            return
        for place in range(7):
            self.phonecall(name=f"Call {place}")
        with patch(f"{WIZARD}.BATCH", 3):
            self.wizard().action_take_over()
            self.assertEqual(len(self.moved("crm.phonecall")), 7)
            self.wizard().action_take_over()
        self.phonecall(name="One more")
        wizard = self.wizard()
        self.assertEqual((wizard.waiting, wizard.taken), (1, 7))
        wizard.action_take_over()
        notes = self.moved("crm.phonecall").mapped("note")
        self.assertEqual(notes, [*(f"Call {place}" for place in range(7)), "One more"])

    def test_longer_than_somebody_waits(self):
        if not self.present("crm.phonecall"):
            return
        for place in range(7):
            self.phonecall(name=f"Call {place}")
        wizard = self.wizard()
        # the clock goes on by one with each look at it: enough for one round
        with (
            patch(f"{WIZARD}.BATCH", 3),
            patch(f"{WIZARD}.PATIENCE", 2),
            patch(f"{WIZARD}.time.monotonic", side_effect=range(100)),
        ):
            action = wizard.action_take_over()
            self.assertEqual(action["res_id"], wizard.id)
            self.assertEqual((wizard.waiting, wizard.taken), (4, 3))
            self.assertAlmostEqual(wizard.progress, 300 / 7)
        wizard.action_take_over()
        self.assertEqual((wizard.waiting, wizard.taken, wizard.progress), (0, 7, 100))

    def test_of_another_company(self):
        if not self.present("crm.phonecall"):
            return
        other = self.env["res.company"].create({"name": "Other"})
        self.phonecall(company_id=other.id)
        self.assertEqual(self.wizard().waiting, 0)
        self.wizard().action_take_over()
        self.assertFalse(self.moved("crm.phonecall"))

    # --- voip_oca ---

    def test_calls_of_a_browser(self):
        if not self.present("voip.call"):
            return
        self.voip_call(activity_name="Ring Ada")
        self.voip_call(type_call="incoming", state="missed", start_date=False, end_date=False)
        self.voip_call(end_date=WHEN - timedelta(hours=1))
        self.voip_call(state="ongoing", end_date=False)
        wizard = self.wizard()
        line = self.line(wizard, "voip.call")
        self.assertEqual((line.waiting, line.left), (3, 1))
        wizard.action_take_over()
        first, missed, odd = self.moved("voip.call")
        self.assertEqual((first.minutes, first.direction, first.started_at), (2.5, "outbound", WHEN))
        self.assertEqual((first.partner_id, first.user_id, first.company_id), (self.partner, self.tom, self.company))
        self.assertEqual((first.number, first.note, first.origin), ("+12025550101", "Ring Ada", "imported_browser"))
        self.assertEqual((missed.minutes, missed.direction, missed.note), (False, "inbound", "Missed"))
        self.assertEqual(odd.minutes, False, "an end before its start")

    def test_a_browser_that_was_closed_in_mid_call(self):
        if not self.present("voip.call"):
            return
        call = self.voip_call(state="ongoing", end_date=False)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE voip_call SET create_date = create_date - interval '2 days' WHERE id = %s", (call.id,)
        )
        self.wizard().action_take_over()
        self.assertEqual((self.moved("voip.call").minutes, self.moved("voip.call").note), (False, "Ongoing"))

    def test_merged_contacts_keep_them(self):
        if not self.present("voip.call"):
            return
        self.voip_call()
        self.voip_call()
        self.wizard().action_take_over()
        other = self.env["res.partner"].create({"name": "Ada L."})
        self.env["base.partner.merge.automatic.wizard"]._merge((self.partner | other).ids, other)
        self.assertEqual(self.moved("voip.call").mapped("partner_id"), other)
        self.assertEqual(len(self.moved("voip.call")), 2)
