from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import CUSTOMER, VoipCase, answered


@tagged("-at_install", "post_install")
class TestTypedCalls(VoipCase):
    """Calls that no PBX saw: typed in two taps, marked for ever, never among the measured ones."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"crm_voip_typed": True, "crm_voip_outcomes": True})
        cls.firm = cls.env["res.partner"].create({"name": "Firm", "is_company": True})
        cls.partner = cls.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER, "parent_id": cls.firm.id})
        cls.lead = cls.env["crm.lead"].create(
            {"name": "Scales", "type": "opportunity", "partner_id": cls.partner.id, "user_id": cls.tom.id,
             "company_id": cls.company.id, "team_id": cls.team.id}
        )  # fmt: skip
        cls.env.flush_all()

    def as_user(self, model, user):
        return self.env[model].with_user(user).with_context(allowed_company_ids=user.company_ids.ids)

    def typed(self, user=None, **values):
        return (
            self.as_user("crm.voip.typed.call", user or self.tom)
            .with_company(self.company)
            .create({"partner_id": self.partner.id, **values})
        )

    def outcome(self, name):
        return self.env.ref(f"crm_voip_bridge.outcome_{name}")

    def activities(self, record):
        return self.env["mail.activity"].search([("res_model", "=", record._name), ("res_id", "=", record.id)])

    # --- two taps ---

    def test_from_a_contact(self):
        partner = self.partner.with_user(self.tom).with_company(self.company)
        self.assertTrue(partner.crm_voip_typed_on)
        action = partner.action_crm_voip_typed()
        Typed = self.as_user("crm.voip.typed.call", self.tom).with_context(**action["context"])
        with Form(Typed, view=action["views"][0][0]) as form:
            self.assertEqual(form.customer_label, "Ada")
        call = form.record
        call.with_context(crm_voip_minutes=5).action_save()
        self.assertEqual((call.partner_id, call.minutes, call.user_id), (self.partner, 5, self.tom))
        self.assertEqual((call.direction, call.origin, call.company_id), ("outbound", "typed", self.company))
        self.assertEqual(call.number, CUSTOMER)
        self.assertLess(fields.Datetime.now() - call.started_at, timedelta(minutes=1))

    def test_from_an_opportunity(self):
        action = self.lead.with_user(self.tom).with_company(self.company).action_crm_voip_typed()
        Typed = self.as_user("crm.voip.typed.call", self.tom).with_context(**action["context"])
        with Form(Typed, view=action["views"][0][0]) as form:
            form.outcome_id = self.outcome("promised")
            self.assertEqual(form.asks, "date")
            form.promised_at = fields.Date.today()
            form.note = "The blue one"
        call = form.record
        told = call.action_save()
        self.assertIn("Promised", told["params"]["message"])
        self.assertEqual((call.lead_id, call.partner_id), (self.lead, self.partner))
        self.assertIs(call.minutes, False, "not said is empty, never 0")
        self.assertEqual(
            self.activities(self.lead).activity_type_id, self.env.ref("crm_voip_bridge.mail_activity_type_promise")
        )

    def test_needs_somebody(self):
        Typed = self.as_user("crm.voip.typed.call", self.tom).with_company(self.company)
        with self.assertRaisesRegex(UserError, "Who was it"):
            Typed.create({"minutes": 5})
        self.assertTrue(Typed.create({"number": "+12025550199"}))
        with self.assertRaisesRegex(UserError, "not been yet"):
            self.typed(started_at=fields.Datetime.now() + timedelta(hours=1))
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.typed(minutes=-1)

    def test_switched_off(self):
        self.assertFalse(self.env["res.company"].create({"name": "New"}).crm_voip_typed)
        call = self.typed()
        self.company.crm_voip_typed = False
        self.assertFalse(self.partner.with_user(self.tom).with_company(self.company).crm_voip_typed_on)
        with self.assertRaisesRegex(UserError, "switched off"):
            self.typed()
        self.assertTrue(call.exists())
        menu = self.env.ref("crm_voip_bridge.crm_voip_menu_typed_call").id
        self.assertIn(menu, self.env["ir.ui.menu"].with_user(self.tom)._load_menus_blacklist())

    # --- apart from the measured ones ---

    def test_marked_for_ever(self):
        for name, value in (("origin", "imported_browser"), ("user_id", self.rina.id), ("followed", {"lead": 1})):
            with self.assertRaises(AccessError, msg=name):
                self.typed(**{name: value})
            with self.assertRaises(AccessError, msg=name):
                self.typed().write({name: value})
        with self.assertRaises(AccessError):
            self.as_user("crm.voip.typed.call", self.tom).with_context(default_origin="imported_typed").create(
                {"partner_id": self.partner.id}
            )

    def test_never_among_measured_ones(self):
        self.deliver(answered())
        self.typed()
        self.assertEqual(len(self.calls()), 1)
        self.typed(lead_id=self.lead.id)
        # the measured call is the opportunity's and the contact's; the typed ones are counted beside it
        for record, counts in ((self.partner, (1, 2)), (self.firm, (1, 2)), (self.lead, (1, 1))):
            own = record.with_user(self.tom).with_company(self.company)
            self.assertEqual((own.crm_voip_call_count, own.crm_voip_typed_count), counts, record.name)

    def test_counts_and_list_agree(self):
        self.typed()
        self.typed(user=self.rina)
        for user, count in ((self.tom, 1), (self.rina, 1), (self.nadia, 2), (self.boss, 2), (self.jonas, 0)):
            for record in (self.partner, self.firm):
                own = record.with_user(user).with_company(self.company)
                self.assertEqual(own.crm_voip_typed_count, count, user.login)
                action = own.action_crm_voip_typed_calls()
                self.assertEqual(self.as_user("crm.voip.typed.call", user).search_count(action["domain"]), count)
        self.assertEqual(self.partner.with_user(self.clerk).crm_voip_typed_count, 0)

    # --- outcome ---

    def test_outcome_follows_and_is_replaced(self):
        call = self.typed(lead_id=self.lead.id, outcome_id=self.outcome("call_back").id)
        first = self.activities(self.lead)
        self.assertEqual((first.summary, first.user_id), ("Call back", self.tom))
        call.outcome_id = self.outcome("not_reached")
        self.assertFalse(first.exists())
        self.assertEqual(self.activities(self.lead).summary, "Try again: not reached")
        call.outcome_id = False
        self.assertFalse(self.activities(self.lead))
        call.outcome_id = self.outcome("call_back")
        call.unlink()
        self.assertFalse(self.activities(self.lead))

    def test_no_notes_from_here(self):
        with self.assertRaises(UserError):
            self.typed(outcome_id=self.outcome("unacceptable").id)

    def test_moved_in_plans_nothing(self):
        self.env["crm.voip.typed.call"].create(
            {"partner_id": self.partner.id, "user_id": self.tom.id, "origin": "imported_typed",
             "outcome_id": self.outcome("call_back").id, "company_id": self.company.id}
        )  # fmt: skip
        self.assertFalse(self.activities(self.partner) | self.activities(self.lead))

    # --- rights ---

    def test_rights(self):
        own = self.typed()
        moved = self.env["crm.voip.typed.call"].create(
            {"partner_id": self.partner.id, "user_id": self.tom.id, "origin": "imported_browser",
             "company_id": self.company.id}
        )  # fmt: skip
        for user, call, allowed in (
            (self.tom, own, {"read", "write", "unlink"}),
            (self.tom, moved, {"read"}),
            (self.rina, own, set()),
            (self.jonas, own, set()),
            (self.nadia, own, {"read"}),
            (self.boss, own, {"read"}),
            (self.admin, own, {"read"}),
            (self.admin, moved, {"read"}),
            (self.clerk, own, set()),
        ):
            as_user = call.with_user(user).with_context(allowed_company_ids=self.company.ids)
            rights = {right for right in ("read", "write", "unlink") if as_user.has_access(right)}
            self.assertEqual(rights, allowed, (user.login, call.origin))
        with self.assertRaises(AccessError):
            self.typed(user=self.clerk)

    def test_owner_of_the_opportunity_reads(self):
        call = self.typed(user=self.rina, lead_id=self.lead.id)
        as_owner = call.with_user(self.tom).with_context(allowed_company_ids=self.company.ids)
        self.assertTrue(as_owner.has_access("read"))
        self.assertFalse(as_owner.has_access("write"))

    def test_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        call = self.typed()
        with self.assertRaises(AccessError):
            call.company_id = other
        self.boss.company_ids += other
        elsewhere = self.env["crm.voip.typed.call"].with_user(self.boss).with_context(allowed_company_ids=other.ids)
        self.assertFalse(elsewhere.search([]))

    def test_rule_about_persons(self):
        self.typed()
        self.typed(user=self.rina)
        calls = self.as_user("crm.voip.typed.call", self.boss)
        self.assertEqual([row["user_id"] for row in calls.search_read([], ["user_id"])], [False, False])
        for work in (
            lambda: calls._read_group([], ["user_id"], ["minutes:sum"]),
            lambda: calls.search([("user_id", "=", self.tom.id)]),
            lambda: calls.search([], order="user_id"),
            lambda: calls.search([]).export_data(["user_id/name"]),
        ):
            with self.assertRaisesRegex(UserError, "side by side"):
                work()
        self.assertTrue(calls._read_group([], ["outcome_id"], ["minutes:sum"]))
        own = self.as_user("crm.voip.typed.call", self.tom)
        self.assertEqual(own.search_count([("is_mine", "=", True)]), 1)
        # one at a time, with a note for whom it is about
        calls.search([])[:1].read(["user_id"])
        last = calls.search([])[:1].sudo().user_id
        log = self.env["crm.voip.people.log"].with_user(last).search([])
        self.assertEqual(log.user_id, self.boss)

    def test_no_other_way_to_the_person(self):
        """Who created or wrote a record is who called, or gave the outcome."""
        for model in ("crm.voip.typed.call", "crm.voip.supervisor.note", "crm.voip.wrapup"):
            self.assertFalse({"create_uid", "write_uid"} & set(self.env[model]._fields), model)
        self.company.crm_voip_chatter = True
        self.typed()
        self.assertEqual(self.lines().create_uid, self.env.ref("base.user_root"))
        call = self.deliver_one(answered())
        self.as_user("crm.voip.wrapup", self.tom).desk_outcome(call.id, self.outcome("interested").id)
        self.env.flush_all()
        self.assertEqual(call.outcome_id, self.outcome("interested"))
        self.assertEqual(call.write_uid, self.env.ref("base.user_root"))

    def test_decided(self):
        """With the company's decision, own ones are never late."""
        self.typed()
        self.env["crm.voip.people.switch"].with_user(self.admin).create(
            {"company_id": self.company.id, "purpose": "Coaching", "agreement": "Council", "min_group": 3}
        )
        self.assertEqual(
            self.as_user("crm.voip.typed.call", self.boss).search_count([("user_id", "=", self.tom.id)]), 0, "too new"
        )
        self.env["crm.voip.typed.call"].search([("user_id", "=", self.tom.id)]).started_at = "2020-01-01 09:00:00"
        self.assertEqual(
            self.as_user("crm.voip.typed.call", self.boss).search_count([("user_id", "=", self.tom.id)]), 1
        )

    # --- chatter ---

    def lines(self, user=None):
        messages = self.as_user("mail.message", user) if user else self.env["mail.message"]
        return messages.search([("crm_voip_typed_id", "!=", False)])

    def test_chatter(self):
        self.typed()
        self.assertFalse(self.lines())
        self.company.crm_voip_chatter = True
        call = self.typed(minutes=5, note="<b>Secret</b>")
        line = self.lines()
        self.assertEqual((line.model, line.res_id), ("res.partner", self.partner.id))
        self.assertIn("typed", line.body)
        self.assertIn("5 min", line.body)
        self.assertFalse(line.notification_ids)
        for user, sees in ((self.tom, True), (self.nadia, True), (self.rina, False), (self.clerk, False)):
            self.assertEqual(self.lines(user), line if sees else line.browse(), user.login)
            if not sees:
                with self.assertRaises(AccessError):
                    line.with_user(user).read(["body"])
        call.write({"lead_id": self.lead.id, "minutes": 10})
        self.assertEqual((line.model, line.res_id), ("crm.lead", self.lead.id))
        self.assertIn("10 min", line.body)
        call.unlink()
        self.assertFalse(line.exists())

    # --- merging ---

    def test_merging_contacts_and_leads(self):
        call = self.typed(lead_id=self.lead.id)
        twin = self.env["res.partner"].create({"name": "Ada L."})
        self.env["base.partner.merge.automatic.wizard"].create(
            {"partner_ids": [Command.set((twin | self.partner).ids)], "dst_partner_id": twin.id}
        ).action_merge()
        self.assertEqual(call.partner_id, twin)
        further = self.env["crm.stage"].create({"name": "Further", "sequence": 99})
        other = self.lead.copy({"name": "Scales again", "stage_id": further.id})
        self.env["crm.merge.opportunity"].create(
            {"opportunity_ids": [Command.set((other | self.lead).ids)]}
        ).action_merge()
        self.assertEqual((other | self.lead).exists(), other)
        self.assertEqual(call.lead_id, other)

    # --- cost ---

    def test_count_of_many_costs_as_much_as_of_one(self):
        partners = self.env["res.partner"].create([{"name": f"P{n}"} for n in range(40)])
        for partner in partners:
            self.typed(partner_id=partner.id)
        partners = partners.with_user(self.boss).with_context(allowed_company_ids=self.company.ids)
        partners[:1].read(["crm_voip_typed_count", "crm_voip_typed_on"])  # rights and rules are in memory from here on
        costs = []
        for some in (partners[:1], partners):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(sum(some.mapped("crm_voip_typed_count")), len(some))
            self.assertEqual(some.mapped("crm_voip_typed_on"), [True] * len(some))
            costs.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*costs)
