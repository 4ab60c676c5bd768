from datetime import date, timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, tagged

from .common import CUSTOMER, START, VoipCase, answered, group, many, outbound, told


class OutcomeCase(VoipCase):
    """Outcomes are on; Tom took a call of Ada's, who has an opportunity of his."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"crm_voip_outcomes": True, "crm_voip_supervisor_notes": True})
        cls.partner = cls.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER})
        cls.stages = cls.env["crm.stage"].create([{"name": "First"}, {"name": "Offer made"}])
        cls.lead = cls.env["crm.lead"].create(
            {"name": "Scales", "type": "opportunity", "partner_id": cls.partner.id, "user_id": cls.tom.id,
             "company_id": cls.company.id, "team_id": cls.team.id, "stage_id": cls.stages[0].id}
        )  # fmt: skip
        cls.env.flush_all()
        cls.deliver(answered())
        cls.call = cls.env["crm.voip.call"].search([("pbx_id", "=", cls.pbx.id)])

    def outcome(self, name):
        return self.env.ref(f"crm_voip_bridge.outcome_{name}")

    def as_user(self, model, user):
        return self.env[model].with_user(user).with_context(allowed_company_ids=user.company_ids.ids)

    def desk(self, user=None):
        return self.as_user("crm.voip.wrapup", user or self.tom)

    def give(self, outcome, user=None, call=None, **values):
        if isinstance(outcome, str):
            outcome = self.outcome(outcome)
        return self.desk(user).desk_outcome((call or self.call).id, outcome.id, values)

    def undo(self, user=None, call=None):
        return self.desk(user).desk_outcome_undo((call or self.call).id)

    def wrapup(self, user=None, call=None):
        return self.env["crm.voip.wrapup"].search(
            [("call_id", "=", (call or self.call).id), ("user_id", "=", (user or self.tom).id)]
        )

    def activities(self, record):
        return self.env["mail.activity"].search([("res_model", "=", record._name), ("res_id", "=", record.id)])


@tagged("-at_install", "post_install")
class TestOutcomes(OutcomeCase):
    """One click after the call, what follows from it, and the way back."""

    # --- what follows ---

    def test_nothing_follows(self):
        told_ = self.give("interested")
        self.assertEqual(told_, {"message": "Interested", "undo": True, "done": True})
        self.assertEqual(self.call.outcome_id, self.outcome("interested"))
        self.assertEqual(self.wrapup().outcome_id, self.outcome("interested"))
        self.assertFalse(self.activities(self.lead) | self.activities(self.partner) | self.activities(self.call))

    def test_activity_on_the_opportunity(self):
        self.give("call_back")
        activity = self.activities(self.lead)
        self.assertEqual((activity.user_id, activity.summary), (self.tom, "Call back"))
        self.assertEqual(activity.activity_type_id, self.env.ref("mail.mail_activity_data_call"))
        self.assertEqual(activity.create_uid, self.tom)

    def test_working_days(self):
        outcome = self.outcome("call_back")
        # a Friday; the company works from Monday to Friday
        with freeze_time("2026-11-06 10:00:00"):
            self.assertEqual(outcome._day(self.company), date(2026, 11, 9))
            outcome.working_days = False
            self.assertEqual(outcome._day(self.company), date(2026, 11, 7))
            outcome.write({"working_days": True, "delay_days": 2})
            self.assertEqual(outcome._day(self.company), date(2026, 11, 10))
            self.env["resource.calendar.leaves"].create(
                {"name": "Fair", "company_id": self.company.id, "date_from": "2026-11-09 00:00:00",
                 "date_to": "2026-11-09 23:00:00", "calendar_id": self.company.resource_calendar_id.id}
            )  # fmt: skip
            self.assertEqual(outcome._day(self.company), date(2026, 11, 11))

    def test_on_the_contact_without_an_opportunity(self):
        self.lead.unlink()
        self.give("call_back")
        self.assertEqual(self.activities(self.partner).summary, "Call back")

    def test_on_the_call_of_an_unknown_number(self):
        call = self.deliver_one(answered("unknown", number="+12025550199"))
        self.give("call_back", call=call)
        self.assertEqual(self.activities(call).user_id, self.tom)
        self.undo(call=call)
        self.assertFalse(self.activities(call))

    def test_an_opportunity_that_is_not_mine(self):
        """A colleague's opportunity stays as it is: the activity goes to the contact."""
        self.lead.user_id = self.rina
        self.tom.group_ids = [Command.set([self.env.ref("sales_team.group_sale_salesman").id])]
        self.give("call_back")
        self.assertFalse(self.activities(self.lead))
        self.assertTrue(self.activities(self.partner))
        moves = self.env["crm.voip.outcome"].create(
            {"name": "Offer", "follows": "stage", "stage_id": self.stages[1].id}
        )
        told_ = self.give(moves)
        self.assertIn("not yours", told_["message"])
        self.assertEqual(self.lead.stage_id, self.stages[0])
        self.assertEqual(self.call.outcome_id, moves)

    def test_wrong_number_of_nobody(self):
        call = self.deliver_one(answered("unknown", number="+12025550199"))
        self.give("wrong_number", call=call)
        self.assertFalse(self.activities(call))
        self.give("wrong_number")
        self.assertEqual(self.activities(self.lead).summary, "Find the right phone number")

    def test_hook(self):
        vals = self.outcome("call_back").with_user(self.tom)._prepare_activity_vals(self.call)
        self.assertEqual(vals["user_id"], self.tom.id)
        self.assertNotIn("res_id", vals)

    # --- promises ---

    def test_promise(self):
        with self.assertRaisesRegex(UserError, "Until when"):
            self.give("promised")
        with self.assertRaisesRegex(UserError, "no date"):
            self.give("promised", promised_at="next week")
        with self.assertRaisesRegex(UserError, "today or later"):
            self.give("promised", promised_at="2020-01-01")
        self.assertFalse(self.call.outcome_id)
        day = fields.Date.today() + timedelta(days=10)
        self.give("promised", promised_at=fields.Date.to_string(day))
        self.assertEqual(self.wrapup().promised_at, day)
        activity = self.activities(self.lead)
        self.assertEqual(activity.date_deadline, day)
        self.assertEqual(activity.activity_type_id, self.env.ref("crm_voip_bridge.mail_activity_type_promise"))
        # the next call of the customer, also one that a colleague takes, shows it
        again = self.deliver_one(answered("again", phone="101"))
        promises = again.with_user(self.tom).with_context(allowed_company_ids=self.company.ids)._card_promises()
        self.assertEqual([(one["date"], one["user"]) for one in promises], [(str(day), self.tom.name)])
        self.assertFalse(promises[0]["overdue"])
        activity.action_done()
        self.assertFalse(again.with_user(self.tom)._card_promises())

    def test_promises_are_those_of_the_customer(self):
        firm = self.env["res.partner"].create({"name": "Firm", "is_company": True})
        self.partner.parent_id = firm
        colleague = self.env["res.partner"].create({"name": "Eve", "parent_id": firm.id, "phone": "+12025550177"})
        stranger = self.env["res.partner"].create({"name": "Zoe", "phone": "+12025550178"})
        self.env.flush_all()
        self.give("promised", promised_at=str(fields.Date.today()))
        calls = self.deliver(answered("eve", number=colleague.phone), answered("zoe", number=stranger.phone))
        eve, zoe = (calls.filtered(lambda call, ref=ref: call.call_ref == ref) for ref in ("eve", "zoe"))
        self.assertEqual(len(eve.with_user(self.tom)._card_promises()), 1)
        self.assertFalse(zoe.with_user(self.tom)._card_promises())

    # --- stages ---

    def test_stage_and_back(self):
        outcome = self.env["crm.voip.outcome"].create(
            {"name": "Offer", "follows": "stage", "stage_id": self.stages[1].id}
        )
        self.give(outcome)
        self.assertEqual(self.lead.stage_id, self.stages[1])
        self.undo()
        self.assertEqual(self.lead.stage_id, self.stages[0])
        self.assertFalse(self.call.outcome_id)

    def test_stage_that_somebody_moved_on_stays(self):
        outcome = self.env["crm.voip.outcome"].create(
            {"name": "Offer", "follows": "stage", "stage_id": self.stages[1].id}
        )
        self.give(outcome)
        further = self.env["crm.stage"].create({"name": "Signed"})
        self.lead.stage_id = further
        self.undo()
        self.assertEqual(self.lead.stage_id, further)

    def test_lost_and_back(self):
        reason = self.env["crm.lost.reason"].create({"name": "Too dear"})
        outcome = self.env["crm.voip.outcome"].create({"name": "No", "follows": "lost"})
        with self.assertRaisesRegex(UserError, "Why is it lost"):
            self.give(outcome)
        self.lead.probability = 42
        self.give(outcome, reason=reason.id)
        self.assertFalse(self.lead.active)
        self.assertEqual(self.lead.lost_reason_id, reason)
        self.undo()
        self.assertTrue(self.lead.active)
        self.assertFalse(self.lead.lost_reason_id)
        self.assertEqual(self.lead.probability, 42)

    def test_stage_without_an_opportunity(self):
        self.lead.unlink()
        outcome = self.env["crm.voip.outcome"].create(
            {"name": "Offer", "follows": "stage", "stage_id": self.stages[1].id}
        )
        self.assertIn("no opportunity", self.give(outcome)["message"])
        self.assertEqual(self.call.outcome_id, outcome)

    # --- changing one's mind ---

    def test_another_outcome_replaces_the_first(self):
        self.give("call_back")
        first = self.activities(self.lead)
        self.give("voicemail")
        self.assertFalse(first.exists())
        self.assertEqual(self.activities(self.lead).summary, "Try again: voicemail was left")
        self.give("voicemail")
        self.assertEqual(len(self.activities(self.lead)), 1)
        self.give("interested")
        self.assertFalse(self.activities(self.lead))
        self.assertEqual(self.call.outcome_id, self.outcome("interested"))

    def test_refused_outcome_leaves_the_first(self):
        self.give("call_back")
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.give("promised")
        self.assertEqual(self.call.outcome_id, self.outcome("call_back"))
        self.assertEqual(len(self.activities(self.lead)), 1)

    def test_undo(self):
        self.give("call_back")
        self.assertIn("taken back", self.undo()["message"])
        self.assertFalse(self.activities(self.lead))
        self.assertFalse(self.call.outcome_id)
        self.assertIn("nothing", self.undo()["message"])

    def test_what_was_done_meanwhile_stays(self):
        self.give("call_back")
        activity = self.activities(self.lead)
        activity.action_done()
        self.undo()
        self.assertTrue(activity.exists())
        self.assertFalse(activity.active)

    def test_what_is_somebody_elses_meanwhile_stays(self):
        """Neither does it keep one from choosing another outcome."""
        moves = self.env["crm.voip.outcome"].create(
            {"name": "Offer", "follows": "stage", "stage_id": self.stages[1].id}
        )
        self.tom.group_ids = [Command.set([self.env.ref("sales_team.group_sale_salesman").id])]
        self.give(moves)
        self.lead.user_id = self.rina
        self.give("interested")
        self.assertEqual(self.lead.stage_id, self.stages[1])
        self.assertEqual(self.call.outcome_id, self.outcome("interested"))
        reason = self.env["crm.lost.reason"].create({"name": "Too dear"})
        lost = self.env["crm.voip.outcome"].create({"name": "No", "follows": "lost", "lost_reason_id": reason.id})
        self.lead.user_id = self.tom
        self.give(lost)
        self.lead.user_id = self.rina
        self.undo()
        self.assertFalse(self.lead.active)
        self.assertFalse(self.call.outcome_id)

    def test_last_one_counts(self):
        """A call that was passed on: each person has an outcome of their own."""
        call = self.deliver_one(group("both", taker="101", losers=("102",)))
        self.give("call_back", call=call)
        with freeze_time(fields.Datetime.now() + timedelta(minutes=5)):
            self.give("interested", user=self.rina, call=call)
        self.assertEqual(call.outcome_id, self.outcome("interested"))
        self.assertEqual(self.wrapup(call=call).outcome_id, self.outcome("call_back"))
        self.undo(user=self.rina, call=call)
        self.assertEqual(call.outcome_id, self.outcome("call_back"))
        self.assertEqual(len(self.activities(self.lead)), 1, "of Tom's")

    # --- which ones there are ---

    def test_switches(self):
        names = [one["name"] for one in self.as_user("crm.voip.outcome", self.tom)._for_card(self.call)]
        self.assertEqual(names[:3], ["Interested", "Call back", "Promised …"])
        self.assertEqual(names[-2:], ["A pleasure", "Unacceptable contact"])
        self.company.crm_voip_supervisor_notes = False
        shown = self.as_user("crm.voip.outcome", self.tom)._for_card(self.call)
        self.assertEqual(len(shown), 6)
        self.assertEqual([one["key"] for one in shown], list("123456"))
        self.company.crm_voip_outcomes = False
        self.assertFalse(self.as_user("crm.voip.outcome", self.tom)._for_card(self.call))
        with self.assertRaises(UserError):
            self.give("interested")
        self.assertFalse(self.env["res.company"].create({"name": "New"}).crm_voip_outcomes)

    def test_what_they_ask_for(self):
        reason = self.env["crm.lost.reason"].create({"name": "Too dear"})
        self.env["crm.voip.outcome"].create(
            [{"name": "Lost", "follows": "lost"}, {"name": "Dear", "follows": "lost", "lost_reason_id": reason.id}]
        )
        shown = {one["name"]: one for one in self.as_user("crm.voip.outcome", self.tom)._for_card(self.call)}
        self.assertEqual(shown["Promised …"]["asks"], "date")
        self.assertEqual(shown["Lost"]["asks"], "reason")
        self.assertIn([reason.id, "Too dear"], shown["Lost"]["choices"])
        self.assertFalse(shown["Dear"]["asks"])
        self.assertEqual(shown["Unacceptable contact"]["asks"], "fact")
        self.assertNotIn("pleasure", dict(shown["Unacceptable contact"]["choices"]))
        self.assertFalse(shown["A pleasure"]["asks"])

    def test_of_a_team(self):
        support = self.env["crm.team"].create({"name": "Support", "company_id": self.company.id})
        theirs, ours = self.env["crm.voip.outcome"].create([
            {"name": "Theirs", "team_ids": [Command.set(support.ids)]},
            {"name": "Ours", "team_ids": [Command.set(self.team.ids)]},
        ])  # fmt: skip
        shown = {one["id"] for one in self.as_user("crm.voip.outcome", self.tom)._for_card(self.call)}
        self.assertIn(ours.id, shown)
        self.assertNotIn(theirs.id, shown)
        with self.assertRaises(UserError):
            self.give(theirs)

    def test_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.env["crm.voip.outcome"].create({"name": "Theirs", "company_id": other.id})
        with self.assertRaises(UserError):
            self.give(theirs)
        self.tom.company_ids += other
        with self.assertRaises(UserError):
            self.give(theirs)

    def test_none_for_internal_calls(self):
        call = self.deliver_one(
            told(
                "0 started c PJSIP/101-00000001 101 102",
                "0.1 started p PJSIP/102-00000002 102",
                "0.1 ringing p c",
                "2 answered p",
                "2 bridged c b",
                "2 bridged p b",
                "9 ended p 16",
                "9 ended c 16",
                call="inside",
            )
        )
        self.assertEqual(call.direction, "internal")
        self.assertFalse(self.as_user("crm.voip.outcome", self.tom)._for_card(call))
        with self.assertRaises(UserError):
            self.give("interested", call=call)
        self.assertFalse(call.has_after_call)

    def test_keys_are_unique_where_they_hold(self):
        Outcome = self.env["crm.voip.outcome"]
        with self.assertRaisesRegex(ValidationError, "Interested"):
            Outcome.create({"name": "Twice", "key": "1"})
        with self.assertRaisesRegex(ValidationError, "already"):
            Outcome.create({"name": "Twice", "key": "X", "company_id": self.company.id})
        with self.assertRaises(ValidationError):
            Outcome.create({"name": "No key", "key": "?"})
        a, b = self.team, self.env["crm.team"].create({"name": "B", "company_id": self.company.id})
        Outcome.create({"name": "A", "key": "7", "team_ids": [Command.set(a.ids)]})
        second = Outcome.create({"name": "B", "key": "7", "team_ids": [Command.set(b.ids)]})
        with self.assertRaises(ValidationError):
            second.team_ids += a
        with self.assertRaises(ValidationError):
            Outcome.create({"name": "All", "key": "7"})
        Outcome.create({"name": "Gone", "key": "7", "active": False})
        other = self.env["res.company"].create({"name": "Other"})
        Outcome.create({"name": "C", "key": "8", "company_id": self.company.id})
        Outcome.create({"name": "D", "key": "8", "company_id": other.id})

    def test_needs_what_follows(self):
        for values in ({"follows": "activity"}, {"follows": "stage"}):
            with self.assertRaises(ValidationError):
                self.env["crm.voip.outcome"].create({"name": "X", **values})
        with self.assertRaises(ValidationError):
            self.env["crm.voip.outcome"].create({"name": "X", "icon": "fa-x' onclick='alert(1)"})

    # --- where it shows ---

    def test_chatter(self):
        self.company.crm_voip_chatter = True
        self.call.action_recalculate()
        self.outcome("interested").name = "Isn't <b>sure</b>"
        self.call._write_chatter()
        line = self.env["mail.message"].search([("crm_voip_call_id", "=", self.call.id)])
        self.assertNotIn("sure", line.body)
        self.give("interested")
        self.assertIn("Isn't &lt;b&gt;sure&lt;/b&gt;", line.body)
        self.env.flush_all()
        before = line.write_date, line.body
        self.assertEqual(
            self.call.with_user(self.env.ref("base.user_root"))._prepare_chatter_vals(
                line.author_id, line.subtype_id.id
            )["body"],
            line.body,
            "or each fold would write it again",
        )
        self.assertEqual((line.write_date, line.body), before)
        self.undo()
        self.assertNotIn("sure", line.body)

    def test_list_and_search(self):
        self.give("interested")
        self.desk().desk_note(self.call.id, "Wants the blue one")
        calls = self.as_user("crm.voip.call", self.tom)
        self.assertEqual(calls.search([("outcome_id", "=", self.outcome("interested").id)]), self.call)
        self.assertEqual(calls.search([("note", "ilike", "blue")]), self.call)
        self.assertEqual(
            calls._read_group([("pbx_id", "=", self.pbx.id)], ["outcome_id"], ["__count"]),
            [(self.outcome("interested"), 1)],
        )
        arch = calls.get_view(view_type="search")["arch"]
        self.assertIn("group_outcome", arch)
        self.company.crm_voip_outcomes = False
        self.assertNotIn("group_outcome", calls.get_view(view_type="search")["arch"])

    def test_nobody_edits_it_on_the_call(self):
        for user in (self.tom, self.boss, self.admin):
            for vals in ({"outcome_id": self.outcome("interested").id}, {"note": "x"}, {"wrapup_ids": []}):
                with self.assertRaises(AccessError):
                    self.call.with_user(user).with_context(allowed_company_ids=self.company.ids).write(vals)

    def test_to_finish(self):
        now = fields.Datetime.now().replace(microsecond=0).astimezone(START.tzinfo)
        fresh = self.deliver_one(answered("fresh", start=now - timedelta(days=1)))
        self.deliver(
            answered("old", start=now - timedelta(days=30)),
            answered("rinas", phone="102", start=now - timedelta(days=1)),
            outbound("out", start=now - timedelta(days=2)),
        )
        out = self.calls("out")

        def listed(user):
            return self.as_user("crm.voip.call", user).search([("is_to_finish", "=", True)])

        self.assertFalse(listed(self.tom), "no team asks")
        self.team.crm_voip_outcome_required = True
        self.assertEqual(listed(self.tom), fresh | out)
        self.assertEqual(listed(self.rina).call_ref, "rinas")
        self.assertFalse(listed(self.boss))
        self.assertTrue(fresh.with_user(self.tom).with_context(allowed_company_ids=self.company.ids).is_to_finish)
        # it blocks nobody: the call stays as it is, and is gone from the list with its outcome
        self.give("interested", call=fresh)
        self.assertEqual(listed(self.tom), out)
        self.company.crm_voip_finish_days = 1
        self.assertFalse(listed(self.tom))
        self.company.write({"crm_voip_finish_days": 7, "crm_voip_outcomes": False})
        self.assertFalse(listed(self.tom))

    def test_menus(self):
        menus = self.env["ir.ui.menu"].with_user(self.tom)
        to_finish = self.env.ref("crm_voip_bridge.crm_voip_menu_to_finish").id
        self.assertNotIn(to_finish, menus._load_menus_blacklist())
        self.company.crm_voip_outcomes = False
        self.assertIn(to_finish, menus._load_menus_blacklist())
        self.assertNotIn(self.env.ref("crm_voip_bridge.crm_voip_menu_all_calls").id, menus._load_menus_blacklist())

    # --- merging calls ---

    def test_calls_that_merge(self):
        first = self.deliver_one(
            told(f"0 started c PJSIP/trunk-00000001 {CUSTOMER} +31201000101", "0.1 started p PJSIP/101-00000002",
                 "0.1 ringing p c", "5 answered p", "5 answered c", "5 bridged p b1", "5 bridged c b1", call="a")
        )  # fmt: skip
        second = self.deliver_one(
            told("20 started q PJSIP/101-00000003 101 102", "20.1 started r PJSIP/102-00000004", "20.1 ringing r q",
                 "25 answered r", "25 bridged q b2", "25 bridged r b2", call="b")
        )  # fmt: skip
        self.desk().desk_shown(first.id)
        self.desk().desk_note(first.id, "Asks for Rina")
        self.desk().desk_note(second.id, "Rina takes it")
        self.desk(self.rina).desk_note(second.id, "Mine now")
        self.env.flush_all()
        self.give("interested", call=first)
        outcome_of_second = self.desk(self.rina)
        outcome_of_second._own(second.with_user(self.rina)).write(
            {"outcome_id": self.outcome("call_back").id, "outcome_at": fields.Datetime.now() + timedelta(minutes=1)}
        )
        self.deliver(told("30 transferred p attended a+b", call="a"))
        call = self.calls("a")
        self.assertFalse(second.exists())
        wrapups = self.env["crm.voip.wrapup"].search([("call_id", "=", call.id)])
        self.assertEqual(len(wrapups), 2)
        tom = self.wrapup(call=call)
        self.assertEqual(tom.note, "Asks for Rina\nRina takes it")
        self.assertEqual(tom.outcome_id, self.outcome("interested"))
        self.assertTrue(tom.rang_at)
        self.assertEqual(self.wrapup(self.rina, call).note, "Mine now")
        self.assertEqual(call.outcome_id, self.outcome("call_back"))


@tagged("-at_install", "post_install")
class TestWrapup(OutcomeCase):
    """Times, and whose they are."""

    def live(self, call="live", seconds=60, cut=None):
        """Deliver a call that began so many seconds ago, up to ``cut`` events."""
        now = fields.Datetime.now().replace(microsecond=0).astimezone(START.tzinfo)
        events = answered(call, start=now - timedelta(seconds=seconds + 5), seconds=seconds)
        self.deliver(events[:cut] if cut else events)
        return self.calls(call), events

    # --- after-call work ---

    def test_from_hanging_up_to_the_outcome(self):
        with freeze_time("2026-11-03 10:00:00", tick=False):
            call, events = self.live(cut=8)
            self.desk().desk_shown(call.id)
        with freeze_time("2026-11-03 10:00:10"):
            self.deliver(events)
            self.assertFalse(self.wrapup(call=call).done_at)
        with freeze_time("2026-11-03 10:00:42"):
            self.give("interested", call=call)
        wrapup = self.wrapup(call=call)
        # the PBX said 10:00:00 for the end
        self.assertEqual(wrapup.hung_up_at, fields.Datetime.to_datetime("2026-11-03 10:00:00"))
        self.assertEqual((wrapup.done_how, wrapup.after_call_s), ("outcome", 42))
        self.assertEqual(wrapup.rang_at, fields.Datetime.to_datetime("2026-11-03 09:58:55"))

    def test_cap(self):
        for cap, expected in ((120, 120), (30, 30), (1000, 600)):
            with freeze_time("2026-11-03 10:00:00"):
                call, _events = self.live(f"cap{cap}")
                self.desk().desk_shown(call.id)
                self.company.crm_voip_wrapup_cap = cap
            with freeze_time("2026-11-03 10:10:00"):
                self.desk().desk_close(call.id, "closed")
            self.assertEqual(self.wrapup(call=call).after_call_s, expected)

    def test_none_without_a_card(self):
        self.give("interested")
        wrapup = self.wrapup()
        self.assertTrue(wrapup.done_at)
        self.assertIs(wrapup.after_call_s, False)
        self.assertFalse(wrapup.rang_at)

    def test_outcome_during_the_call_is_no_work_after_it(self):
        with freeze_time("2026-11-03 10:00:00"):
            call, events = self.live(cut=8)
            self.desk().desk_shown(call.id)
        with freeze_time("2026-11-03 09:59:30"):
            self.give("interested", call=call)
            self.assertIs(self.wrapup(call=call).after_call_s, False)
        self.deliver(events)
        self.assertEqual(self.wrapup(call=call).after_call_s, 0)

    def test_card_closed_during_the_call_measured_nothing(self):
        with freeze_time("2026-11-03 10:00:00"):
            call, events = self.live(cut=8)
            self.desk().desk_shown(call.id)
        with freeze_time("2026-11-03 09:59:30"):
            self.desk().desk_close(call.id, "closed")
        self.deliver(events)
        self.assertIs(self.wrapup(call=call).after_call_s, False)

    def test_next_call(self):
        with freeze_time("2026-11-03 10:00:00"):
            first, _events = self.live("first")
            self.desk().desk_shown(first.id)
        with freeze_time("2026-11-03 10:00:20"):
            second, _events = self.live("second", seconds=1, cut=3)
            self.desk().desk_shown(second.id)
        wrapup = self.wrapup(call=first)
        self.assertEqual((wrapup.done_how, wrapup.after_call_s), ("next_call", 20))
        self.assertFalse(self.wrapup(call=second).done_at)

    def test_only_the_first_end_counts(self):
        with freeze_time("2026-11-03 10:00:00"):
            call, _events = self.live()
            self.desk().desk_shown(call.id)
        with freeze_time("2026-11-03 10:00:05"):
            self.desk().desk_close(call.id, "closed")
        with freeze_time("2026-11-03 10:01:00"):
            self.give("interested", call=call)
        self.assertEqual((self.wrapup(call=call).after_call_s, self.wrapup(call=call).done_how), (5, "closed"))

    def test_undo_goes_on_with_the_work(self):
        with freeze_time("2026-11-03 10:00:00"):
            call, _events = self.live()
            self.desk().desk_shown(call.id)
        with freeze_time("2026-11-03 10:00:05"):
            self.give("interested", call=call)
            self.undo(call=call)
        self.assertIs(self.wrapup(call=call).after_call_s, False)
        with freeze_time("2026-11-03 10:00:15"):
            self.give("call_back", call=call)
        self.assertEqual(self.wrapup(call=call).after_call_s, 15)

    def test_passing_on_ends_ones_own_part(self):
        """Tom's work begins when he passed the call on, not when Rina hung up."""
        call = self.deliver_one(
            told(f"0 started c PJSIP/trunk-00000001 {CUSTOMER} +31201000101", "0.1 started p PJSIP/101-00000002",
                 "0.1 ringing p c", "5 answered p", "5 answered c", "5 bridged p b1", "5 bridged c b1",
                 "30 unbridged p b1", "30 ended p 16", call="passed")
        )  # fmt: skip
        self.assertEqual(call.disposition, "in_progress")
        self.desk().desk_shown(call.id)
        moment = START.replace(tzinfo=None) + timedelta(seconds=50)
        with freeze_time(moment):
            self.desk().desk_close(call.id, "closed")
        self.assertEqual(self.wrapup(call=call).after_call_s, 20)

    def test_whose_phone_rang_alone_has_no_after_call_work(self):
        call = self.deliver_one(group("both", taker="101", losers=("102",)))
        self.desk(self.rina).desk_shown(call.id)
        self.desk(self.rina).desk_close(call.id, "closed")
        wrapup = self.wrapup(self.rina, call)
        self.assertTrue(wrapup.rang_at)
        self.assertIs(wrapup.after_call_s, False)

    def test_clock_of_the_pbx(self):
        self.env["crm.voip.pbx.state"]._note(
            self.pbx, {"id": "b", "version": "1", "pbx": "connected", "waiting": 0}, 10.0, True
        )
        self.env.invalidate_all()
        with freeze_time("2026-11-03 10:00:00"):
            call, _events = self.live()
            self.desk().desk_shown(call.id)
        with freeze_time("2026-11-03 10:00:20"):
            self.desk().desk_close(call.id, "closed")
        # it is ten seconds fast: what it called ten o'clock was ten seconds before
        self.assertEqual(self.wrapup(call=call).after_call_s, 30)

    # --- look-up and documenting ---

    def test_first_times_only(self):
        with freeze_time("2026-11-03 10:00:00"):
            self.desk().desk_shown(self.call.id)
            self.desk().desk_opened(self.call.id)
            self.desk().desk_noted(self.call.id)
        before = self.wrapup().read(["rang_at", "opened_at", "noted_at"])
        with freeze_time("2026-11-03 10:05:00"):
            self.desk().desk_shown(self.call.id)
            self.desk().desk_opened(self.call.id)
            self.desk().desk_noted(self.call.id)
        self.assertEqual(self.wrapup().read(["rang_at", "opened_at", "noted_at"]), before)
        self.assertEqual(self.wrapup().opened_at, fields.Datetime.to_datetime("2026-11-03 10:00:00"))

    def test_look_up_time_is_told_to_oneself(self):
        self.assertIs(self.desk().desk_read(self.call.id)["look_up_s"], False)
        with freeze_time("2026-11-03 10:00:00"):
            call, _events = self.live()
            self.desk().desk_shown(call.id)
            self.desk().desk_opened(call.id)
            self.desk().desk_close(call.id, "closed")
        own = self.desk().desk_read(call.id)
        self.assertEqual((own["look_up_s"], own["after_call_s"]), (65, 0))
        others = self.desk(self.boss).desk_read(call.id)
        self.assertEqual((others["look_up_s"], others["after_call_s"]), (False, False))
        self.assertNotIn("65", str(others["others"]))

    # --- notes ---

    def test_note(self):
        self.desk().desk_note(self.call.id, "Wants <b>two</b>\x00\n<script>alert(1)</script>\n")
        self.assertEqual(self.call.note, "Wants <b>two</b>\n<script>alert(1)</script>")
        self.assertEqual(self.desk()._read_card(self.call)["note"], self.call.note)
        self.assertEqual(self.call._fields["note"].type, "text", "shown as text, never as markup")
        self.desk().desk_note(self.call.id, "x" * 20_000)
        self.assertEqual(len(self.call.note), 10_000)
        self.desk().desk_note(self.call.id, "")
        self.assertFalse(self.call.note)

    def test_notes_of_several(self):
        call = self.deliver_one(group("both", taker="101", losers=("102",)))
        self.desk().desk_note(call.id, "Of Tom")
        self.desk(self.rina).desk_note(call.id, "Of Rina")
        self.assertEqual(set(call.note.split("\n\n")), {"Of Tom", "Of Rina"})
        read = self.desk().desk_read(call.id)
        self.assertEqual(read["note"], "Of Tom")
        self.assertEqual(read["others"], [{"name": self.rina.name, "outcome": False, "note": "Of Rina"}])
        log = self.env["crm.voip.people.log"].with_user(self.rina).search([])
        self.assertIn((self.tom, "call"), [(line.user_id, line.how) for line in log])

    # --- who ---

    def test_whoever_may_not_see_the_call_is_refused(self):
        note = self.outcome("pleasure").id
        for user in (self.rina, self.jonas, self.clerk):
            desk = self.desk(user)
            for work in (
                lambda desk=desk: desk.desk_shown(self.call.id),
                lambda desk=desk: desk.desk_opened(self.call.id),
                lambda desk=desk: desk.desk_noted(self.call.id),
                lambda desk=desk: desk.desk_note(self.call.id, "x"),
                lambda desk=desk: desk.desk_outcome(self.call.id, self.outcome("interested").id),
                lambda desk=desk: desk.desk_outcome(self.call.id, note),
                lambda desk=desk: desk.desk_outcome_undo(self.call.id),
                lambda desk=desk: desk.desk_close(self.call.id, "closed"),
                lambda desk=desk: desk.desk_read(self.call.id),
            ):
                with self.assertRaises(AccessError):
                    work()
        self.assertFalse(self.env["crm.voip.wrapup"].search([("call_id", "=", self.call.id)]))
        self.assertFalse(self.call.outcome_id)

    def test_each_writes_for_oneself(self):
        """Whoever may see all calls adds an outcome of their own, and changes nobody else's."""
        self.give("call_back")
        self.give("interested", user=self.boss)
        self.assertEqual(self.wrapup().outcome_id, self.outcome("call_back"))
        self.assertEqual(self.wrapup(self.boss).outcome_id, self.outcome("interested"))
        self.assertEqual(len(self.activities(self.lead)), 1)

    def test_read_by_the_person_alone(self):
        self.desk().desk_shown(self.call.id)
        self.give("interested")
        wrapup = self.wrapup()
        own = wrapup.with_user(self.tom).with_context(allowed_company_ids=self.company.ids)
        self.assertEqual(own.read(["outcome_id", "after_call_s"])[0]["outcome_id"][0], self.outcome("interested").id)
        for user in (self.rina, self.nadia, self.boss, self.admin):
            seen = self.desk(user)
            self.assertFalse(seen.search([]), user.login)
            with self.assertRaises(AccessError):
                wrapup.with_user(user).read(["note"])
        for vals in ({"after_call_s": 1}, {"note": "x"}, {"rang_at": fields.Datetime.now()}):
            with self.assertRaises(AccessError):
                own.write(vals)
        with self.assertRaises(AccessError):
            own.unlink()
        with self.assertRaises(AccessError):
            self.desk().create({"call_id": self.call.id, "user_id": self.tom.id})
        with self.assertRaises(AccessError):
            own.read(["followed"])

    def test_card_is_closed_in_known_ways(self):
        with self.assertRaises(UserError):
            self.desk().desk_close(self.call.id, "outcome")

    # --- cost ---

    def test_a_batch_costs_no_more_with_more_calls(self):
        self.deliver(answered("warm"))
        counts = []
        for prefix, count in (("few", 10), ("lots", 60)):
            events = many(count, prefix=prefix)
            starts = [event for event in events if event.type in ("started", "ringing")]
            self.deliver(starts)
            calls = self.env["crm.voip.call"].search([("call_ref", "like", f"{prefix}%")])
            self.env.cr.execute(
                """INSERT INTO crm_voip_wrapup (call_id, user_id, company_id, started_at, rang_at)
                   SELECT id, %s, company_id, started_at, started_at FROM crm_voip_call WHERE id = ANY(%s)""",
                [self.tom.id, calls.ids],
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.deliver(events)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(self.env["crm.voip.wrapup"].search_count([("hung_up_at", "!=", False)]), 70)
        self.assertLessEqual(counts[1] - counts[0], 10, counts)

    def test_switched_off_costs_nothing(self):
        self.company.crm_voip_outcomes = False
        self.deliver(answered("warm"))
        self.env.flush_all()
        calls = self.deliver(answered("off"))
        self.env.flush_all()
        self.assertFalse(calls.company_id._crm_voip_has_wrapups())
        with self.assertQueryCount(0):
            calls._settle_wrapups()


@tagged("-at_install", "post_install")
class TestSupervisorNotes(OutcomeCase):
    """Unacceptable contact, and a pleasure: few see it, it expires, and the customer may read it."""

    def note(self, user=None, call=None, **values):
        values = {"fact": "He called me names", "kind": "insult", **values}
        return self.give("unacceptable", user=user, call=call, **values)

    def notes(self, user=None):
        model = self.as_user("crm.voip.supervisor.note", user) if user else self.env["crm.voip.supervisor.note"]
        return model.search([("company_id", "=", self.company.id)])

    def test_note(self):
        with freeze_time("2026-11-03 10:00:00"):
            told_ = self.note()
        self.assertFalse(told_["done"])
        note = self.notes()
        self.assertEqual((note.kind, note.fact, note.author_id), ("insult", "He called me names", self.tom))
        self.assertEqual((note.partner_id, note.lead_id, note.number), (self.partner, self.lead, CUSTOMER))
        self.assertEqual(note.expires_on, date(2027, 11, 3))
        self.assertFalse(self.call.outcome_id, "it is no outcome")
        self.give("interested")
        self.assertTrue(note.exists())
        self.assertEqual(self.call.outcome_id, self.outcome("interested"))

    def test_needs_a_fact(self):
        for values in ({"fact": " "}, {"fact": None}, {"kind": "nonsense"}):
            with self.assertRaises(UserError):
                self.note(**values)
        self.assertFalse(self.notes())

    def test_who_sees_it(self):
        self.note()
        note = self.notes()
        self.jonas.group_ids += self.env.ref("crm_voip_bridge.group_team")
        for user, sees in (
            (self.tom, True),
            (self.nadia, True),
            (self.admin, True),
            (self.rina, False),
            (self.boss, False),
            (self.jonas, False),
        ):
            self.assertEqual(self.notes(user), note if sees else note.browse(), user.login)
        with self.assertRaises(AccessError):
            self.notes(self.clerk)

    def test_agreed_steps(self):
        self.note()
        note = self.notes()
        as_leader = note.with_user(self.nadia).with_context(allowed_company_ids=self.company.ids)
        as_author = note.with_user(self.tom).with_context(allowed_company_ids=self.company.ids)
        self.assertTrue(as_leader.may_agree)
        self.assertFalse(as_author.may_agree)
        self.assertFalse(self.call._fields["note"].store)
        with self.assertRaises(AccessError):
            as_author.step = "talk"
        for vals in (
            {"fact": "Worse"},
            {"author_id": self.rina.id},
            {"kind": "pleasure"},
            {"expires_on": "2099-01-01"},
        ):
            with self.assertRaises(AccessError):
                as_leader.write(vals)
        with self.assertRaises(AccessError):
            as_leader.unlink()
        # nothing on the card before something was agreed
        Note = self.env["crm.voip.supervisor.note"].with_user(self.rina)
        self.assertFalse(Note._agreed_with(self.partner, self.lead, CUSTOMER, self.company))
        as_leader.write({"step": "contact", "contact_user_id": self.nadia.id, "step_text": "Goes to Nadia"})
        self.assertEqual(note.step_date, fields.Date.today())
        (step,) = Note._agreed_with(self.partner, self.lead, CUSTOMER, self.company)
        self.assertEqual(
            (step["label"], step["text"], step["contact"]), ("A fixed contact person", "Goes to Nadia", self.nadia.name)
        )
        self.assertNotIn("names", str(step))
        self.assertFalse(Note._agreed_with(self.partner.browse(), self.lead.browse(), "+12025550111", self.company))

    def test_on_the_next_call(self):
        self.note()
        self.notes().write({"step": "talk", "step_text": "Was told"})
        again = self.deliver_one(answered("again", phone="102"))
        vals = again.with_user(self.rina).with_context(allowed_company_ids=self.company.ids)._prepare_card_vals()
        self.assertEqual([step["text"] for step in vals["agreed_steps"]], ["Was told"])

    def test_pleasure(self):
        told_ = self.give("pleasure")
        self.assertIn("pleasure", told_["message"])
        note = self.notes()
        self.assertEqual((note.kind, note.fact), ("pleasure", False))
        self.assertEqual(self.notes(self.nadia), note)
        self.assertFalse(self.notes(self.rina))

    def test_undo(self):
        self.give("call_back")
        self.note()
        self.undo()
        self.assertFalse(self.notes())
        self.assertEqual(self.call.outcome_id, self.outcome("call_back"), "the last click is taken back, not both")
        self.note()
        self.notes().step = "talk"
        with self.assertRaisesRegex(UserError, "agreed"), self.env.cr.savepoint():
            self.undo()
        self.assertTrue(self.notes())

    def test_replacing_the_outcome_keeps_the_note_undoable(self):
        self.note()
        self.give("call_back")
        self.give("interested")
        self.assertTrue(self.notes())
        self.assertFalse(self.activities(self.lead))

    def test_expires(self):
        self.note()
        note = self.notes()
        note.expires_on = fields.Date.today()
        self.env["crm.voip.supervisor.note"]._gc_expired()
        self.assertTrue(note.exists())
        note.expires_on = fields.Date.today() - timedelta(days=1)
        self.assertFalse(
            self.env["crm.voip.supervisor.note"]._agreed_with(self.partner, self.lead, CUSTOMER, self.company)
        )
        self.env["crm.voip.supervisor.note"]._gc_expired()
        self.assertFalse(note.exists())

    def test_months(self):
        self.company.crm_voip_note_months = 3
        with freeze_time("2026-11-30 10:00:00"):
            self.note()
        self.assertEqual(self.notes().expires_on, date(2027, 2, 28))

    def test_access_request(self):
        self.note()
        self.give("pleasure")
        other = self.env["res.partner"].create({"name": "Bob", "phone": "+12025550133"})
        unknown = self.deliver_one(answered("unknown", number="+12025550144"))
        self.note(call=unknown, fact="Unknown then")
        for user in (self.tom, self.nadia, self.boss):
            with self.assertRaises(AccessError):
                self.partner.with_user(user)._crm_voip_notes_about()
        as_admin = self.partner.with_user(self.admin).with_context(allowed_company_ids=self.company.ids)
        self.assertEqual(set(as_admin._crm_voip_notes_about().mapped("kind")), {"insult", "pleasure"})
        self.assertFalse(other.with_user(self.admin)._crm_voip_notes_about())
        # whose number it is was found out later
        late = self.env["res.partner"].create({"name": "Late", "phone": "+12025550144"})
        self.env.flush_all()
        as_admin_late = late.with_user(self.admin).with_context(allowed_company_ids=self.company.ids)
        self.assertEqual(as_admin_late._crm_voip_notes_about().fact, "Unknown then")
        action = as_admin.action_crm_voip_notes_about()
        self.assertEqual(len(self.as_user("crm.voip.supervisor.note", self.admin).search(action["domain"])), 2)
        report = self.env.ref("crm_voip_bridge.res_partner_report_notes_about")
        html, _kind = (
            report.with_user(self.admin)
            .with_context(allowed_company_ids=self.company.ids)
            ._render_qweb_html(report.report_name, self.partner.ids)
        )
        html = html.decode()
        self.assertIn("He called me names", html)
        self.assertIn("Insult", html)
        self.assertNotIn(self.tom.name, html, "who noted it is no data of the customer's")
        with self.assertRaises(AccessError):
            report.with_user(self.boss)._render_qweb_html(report.report_name, self.partner.ids)

    def test_lists_tell_no_colleague(self):
        self.note()
        call = self.deliver_one(answered("rinas", phone="102"))
        self.note(user=self.rina, call=call)
        rows = self.as_user("crm.voip.supervisor.note", self.admin).search_read([], ["author_id", "kind"])
        self.assertEqual([row["author_id"] for row in rows], [False, False])
        with self.assertRaisesRegex(UserError, "side by side"):
            self.as_user("crm.voip.supervisor.note", self.admin)._read_group([], ["author_id"], ["__count"])
        # one at a time, which its author finds in their log
        one = self.notes(self.admin).filtered(lambda note: note.sudo().author_id == self.rina)
        self.assertEqual(one.read(["author_id"])[0]["author_id"][0], self.rina.id)
        log = self.env["crm.voip.people.log"].with_user(self.rina).search([])
        self.assertEqual([(line.user_id, line.how) for line in log], [(self.admin, "call")])

    def test_merging_contacts_and_leads(self):
        self.note()
        note = self.notes()
        twin = self.env["res.partner"].create({"name": "Ada L."})
        self.env["base.partner.merge.automatic.wizard"].create(
            {"partner_ids": [Command.set((twin | self.partner).ids)], "dst_partner_id": twin.id}
        ).action_merge()
        self.assertEqual(note.partner_id, twin)
        further = self.env["crm.stage"].create({"name": "Further", "sequence": 99})
        other = self.lead.copy({"name": "Scales again", "stage_id": further.id})
        self.env["crm.merge.opportunity"].create(
            {"opportunity_ids": [Command.set((other | self.lead).ids)]}
        ).action_merge()
        self.assertEqual((other | self.lead).exists(), other)
        self.assertEqual(note.lead_id, other)
