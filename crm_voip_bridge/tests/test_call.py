from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CUSTOMER, START, VoipCase, answered, group, many, missed, outbound, told


@tagged("-at_install", "post_install")
class TestCall(VoipCase):
    """What a call looks like once it is folded, and what nobody can do to it."""

    # --- what is in it ---

    def test_group_is_one_call(self):
        call = self.deliver_one(group(taker="101", losers=("102", "103")))
        self.assertEqual(call.disposition, "answered")
        self.assertEqual(call.user_id, self.tom)
        outcomes = {leg.number: leg.outcome for leg in call.leg_ids}
        self.assertEqual(outcomes, {"101": "answered", "102": "elsewhere", "103": "elsewhere"})
        self.assertEqual(call.viewer_ids, self.tom | self.rina | self.nadia)
        self.assertEqual(call.team_ids, self.team)

    def test_missed_is_nobodys_and_seen_by_whom_it_rang(self):
        call = self.deliver_one(missed(phones=("101", "104")))
        self.assertEqual(call.disposition, "missed")
        self.assertFalse(call.user_id)
        self.assertEqual(call.viewer_ids, self.tom | self.jonas)
        self.assertEqual(call.team_ids, self.team)

    def test_rang_no_phone_is_for_all_leaders(self):
        other = self.env["crm.team"].create({"name": "Support", "company_id": self.company.id})
        call = self.deliver_one(told(f"0 started c PJSIP/trunk-00000001 {CUSTOMER} 100", "9 ended c 16"))
        self.assertFalse(call.viewer_ids)
        self.assertIn(self.team, call.team_ids)
        self.assertIn(other, call.team_ids)

    def test_outbound_is_of_whoever_called(self):
        call = self.deliver_one(outbound(phone="102"))
        self.assertEqual((call.direction, call.outside_e164, call.user_id), ("outbound", CUSTOMER, self.rina))

    def test_phone_without_a_person(self):
        call = self.deliver_one(answered(phone="105"))
        self.assertEqual(call.leg_ids.extension_id, self.phones["105"])
        self.assertFalse(call.user_id | call.leg_ids.user_id)

    def test_number_that_changed_hands_keeps_the_past(self):
        day = START.date()
        self.phones["101"].date_to = day
        self.phones["101"].copy({"user_id": self.rina.id, "date_from": day + timedelta(days=1), "date_to": False})
        self.deliver(answered("old"), answered("new", start=START + timedelta(days=1)))
        self.assertEqual(self.calls("old").user_id, self.tom)
        self.assertEqual(self.calls("new").user_id, self.rina)

    def test_unticked_phones_are_left_out(self):
        self.deliver(answered("private", phone="109"), answered("stranger", phone="177"))
        self.assertFalse(self.calls())
        call = self.deliver_one(group("both", taker="101", losers=("109",)))
        self.assertEqual(call.leg_ids.mapped("number"), ["101"])

    def test_unticking_later_changes_no_past(self):
        call = self.deliver_one(answered())
        self.phones["101"].recorded = False
        call.action_recalculate()
        self.assertEqual(call.leg_ids.user_id, self.tom)

    def test_number_that_stands_for_another_company(self):
        other = self.env["res.company"].create({"name": "Other", "country_id": self.env.ref("base.nl").id})
        support = self.env["crm.team"].create({"name": "Support", "company_id": other.id})
        self.env["crm.voip.line"].create(
            {"pbx_id": self.pbx.id, "number": "020 100 0200", "company_id": other.id, "team_id": support.id}
        )
        call = self.deliver_one(answered(dialled="+31201000200"))
        self.assertEqual(call.company_id, other)
        self.assertIn(support, call.team_ids)

    def test_trunk_number_is_no_customer(self):
        self.env["res.partner"].create({"name": "Us", "phone": "+31201000101", "company_id": self.company.id})
        call = self.deliver_one(answered(number="+31201000101"))
        self.assertFalse(call.partner_id)

    # --- recalculating ---

    def test_recalculating_writes_nothing(self):
        self.deliver(group("a"), missed("b"), outbound("c"))
        calls = self.calls()
        self.env.flush_all()
        with (
            patch.object(type(calls), "write", side_effect=AssertionError("written")),
            patch.object(type(calls.leg_ids), "write", side_effect=AssertionError("written")),
        ):
            calls.action_recalculate()
        self.assertEqual(len(self.calls()), 3)

    def test_recalculating_puts_right_what_sql_broke(self):
        call = self.deliver_one(answered())
        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_voip_call SET talk_s = 3600, disposition = 'missed' WHERE id = %s", [call.id])
        self.env.invalidate_all()
        call.action_recalculate()
        self.assertEqual((call.talk_s, call.disposition), (60, "answered"))

    # --- calls that never end ---

    def test_never_ended_is_closed_and_opens_again(self):
        events = answered()
        self.deliver(events[:8])
        call = self.calls()
        self.env["crm.voip.call"]._cron_close()
        self.assertEqual(call.disposition, "in_progress")
        self.env.cr.execute(
            "UPDATE crm_voip_journal SET create_date = create_date - interval '13 hours' WHERE pbx_id = %s",
            [self.pbx.id],
        )
        self.env["crm.voip.call"]._cron_close()
        self.env["crm.voip.call"]._fold(self.pbx, call._refs())
        self.assertNotEqual(call.disposition, "in_progress")
        self.assertFalse(call.ended_at)
        entries = self.env["crm.voip.journal"].search([("pbx_id", "=", self.pbx.id), ("type", "=", "closed")])
        self.assertEqual((len(entries), entries.source), (1, "odoo"))
        self.assertTrue(entries.author_id)
        self.deliver(events[8:])
        self.assertEqual((call.disposition, call.talk_s), ("answered", 60))
        self.assertEqual(call.ended_at.replace(microsecond=0), fields.Datetime.to_datetime("2026-11-02 09:01:05"))

    # --- picking ---

    def test_pick(self):
        call = self.deliver_one(answered())
        self.assertEqual(call.match_state, "unknown")
        partner = self.env["res.partner"].create({"name": "Ada"})
        call.with_user(self.tom).action_pick(partner.id)
        self.assertEqual((call.partner_id, call.match_state), (partner, "picked"))
        entry = self.env["crm.voip.journal"].search([("pbx_id", "=", self.pbx.id), ("type", "=", "picked")])
        self.assertEqual(entry.author_id, self.tom)
        # the last one counts, also after a recalculation
        other = self.env["res.partner"].create({"name": "Bob"})
        call.with_user(self.tom).action_pick(other.id)
        call.action_recalculate()
        self.assertEqual(call.partner_id, other)
        # nobody is an answer, too
        call.with_user(self.tom).action_pick()
        self.assertFalse(call.partner_id)
        self.assertEqual(call.match_state, "picked")

    def test_pick_of_a_lead_brings_its_owner(self):
        call = self.deliver_one(answered())
        partner = self.env["res.partner"].create({"name": "Ada"})
        lead = self.env["crm.lead"].create({"name": "Deal", "partner_id": partner.id, "user_id": self.jonas.id})
        call._pick(partner.browse(), lead)
        self.assertEqual((call.partner_id, call.lead_id), (partner, lead))
        self.assertIn(self.jonas, call.viewer_ids)

    def test_pick_survives_the_merge_of_contacts(self):
        call = self.deliver_one(answered())
        one, two = self.env["res.partner"].create([{"name": "Ada"}, {"name": "Ada L."}])
        call._pick(one, self.env["crm.lead"])
        self.env["base.partner.merge.automatic.wizard"]._merge((one | two).ids, two)
        self.env.invalidate_all()
        self.assertEqual(call.partner_id, two)
        call.action_recalculate()
        self.assertEqual((call.partner_id, call.match_state), (two, "picked"))

    def test_whoever_does_not_see_the_call_picks_nothing(self):
        call = self.deliver_one(answered())
        with self.assertRaises(AccessError):
            call.with_user(self.rina).action_pick()

    def test_remembered_pick_is_found_next_time(self):
        call = self.deliver_one(answered())
        partner = self.env["res.partner"].create({"name": "Ada"})
        call.with_user(self.tom).action_pick(partner.id, remember=True)
        self.assertEqual(self.deliver_one(answered("next")).partner_id, partner)

    def test_who_it_was_is_decided_once(self):
        partner = self.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER})
        call = self.deliver_one(answered())
        self.assertEqual((call.partner_id, call.match_state), (partner, "matched"))
        partner.phone = "+12025550199"
        self.env["res.partner"].create({"name": "Bob", "phone": CUSTOMER})
        call.action_recalculate()
        self.assertEqual(call.partner_id, partner)

    # --- protection ---

    def test_nobody_improves_a_measured_field(self):
        call = self.deliver_one(answered())
        for user in (self.tom, self.boss, self.admin, self.env.ref("base.user_admin")):
            own = call.with_user(user).with_context(allowed_company_ids=(user.company_ids | self.company).ids)
            for vals in ({"talk_s": 3600.0}, {"disposition": "missed"}, {"user_id": user.id}, {"partner_id": False}):
                with self.assertRaises(AccessError, msg=f"{user.login} {vals}"):
                    own.write(vals)
            described = own.fields_get(["talk_s", "viewer_ids", "partner_id"], ["readonly"])
            self.assertTrue(all(field["readonly"] for field in described.values()))
            with self.assertRaises(AccessError):
                own.create({"pbx_id": self.pbx.id, "call_ref": "x", "direction": "inbound"})
            with self.assertRaises(AccessError):
                own.unlink()
            with self.assertRaises(AccessError):
                own.copy()
            with self.assertRaises(AccessError):
                own.leg_ids.write({"talk_s": 1.0})

    def test_no_context_opens_it(self):
        call = self.deliver_one(answered())
        context = {"crm_voip_absorbed": True, "tracking_disable": True, "su": True}
        with self.assertRaises(AccessError):
            call.with_user(self.admin).with_context(**context).write({"talk_s": 1.0})
        with self.assertRaises(UserError):
            call.unlink()

    def test_journal_is_append_only(self):
        self.deliver(answered())
        journal = self.env["crm.voip.journal"].search([("pbx_id", "=", self.pbx.id)])
        self.assertEqual(len(journal), 12)
        for work in (lambda: journal.write({"type": "held"}), journal.unlink, lambda: journal.create([{}])):
            with self.assertRaises(UserError):
                work()
        with self.assertRaises(AccessError):
            journal.with_user(self.admin).read(["data"])

    # --- as many queries for many as for few ---

    def test_queries_do_not_grow(self):
        self.env["res.partner"].create({"name": "Ada", "phone": "+12025550001"})
        self.deliver(answered("warm"))
        counts = []
        for count, prefix in ((20, "few"), (200, "many")):
            events = many(count, prefix=prefix)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.deliver(events)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        # the ORM writes a table a hundred rows or so at a time; nothing else grows
        self.assertLessEqual(counts[1] - counts[0], 6, counts)

    def test_queries_of_a_batch(self):
        self.deliver(answered("warm"))
        events = many(20, prefix="b")
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(45):
            self.deliver(events)
            self.env.flush_all()

    def test_team_members_are_found_once(self):
        self.team.member_ids = [Command.link(self.jonas.id)]
        self.assertEqual(self.deliver_one(answered(phone="104")).team_ids, self.team)
