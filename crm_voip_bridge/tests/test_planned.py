from datetime import datetime, timedelta, timezone

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import VoipCase, answered, group, many, missed, outbound, told

NUMBER = "+12025559001"


@tagged("-at_install", "post_install")
class TestPlanned(VoipCase):
    """A call that was planned is marked done when it took place."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_voip_planned = True
        # what is planned now is planned before the calls
        cls.start = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(minutes=10)
        cls.dairy = cls.env["res.partner"].create({"name": "Molenaar", "is_company": True})
        cls.lotte = cls.env["res.partner"].create({"name": "Lotte", "phone": NUMBER, "parent_id": cls.dairy.id})
        cls.env.flush_all()

    def plan(self, record=None, user=None, days=0, kind="mail.mail_activity_data_call", **values):
        record = record or self.lotte
        return record.activity_schedule(
            kind,
            date_deadline=self.start.date() + timedelta(days=days),
            user_id=(user or self.tom).id,
            **{"summary": "Ask for the order", "automated": False, **values},
        )

    def lead(self, **values):
        return self.env["crm.lead"].create(
            {"name": "Scales", "type": "opportunity", "partner_id": self.lotte.id, "user_id": self.tom.id,
             "company_id": self.company.id, **values}
        )  # fmt: skip

    def talk(self, call="c", make=answered, **values):
        return self.deliver_one(make(call, **{"number": NUMBER, "start": self.start, **values}))

    def state(self, activity):
        values = (
            "active",
            "date_done",
            "feedback",
            "date_deadline",
            "summary",
            "note",
            "user_id",
            "res_model",
            "res_id",
        )
        return {name: activity[name] for name in values}

    # --- one fits ---

    def test_is_marked_done(self):
        activity = self.plan()
        call = self.talk()
        self.assertFalse(activity.active)
        self.assertIn("1:00", activity.feedback)
        self.assertEqual((call.planned_activity_id, call.planned_state), (activity, "done"))
        message = self.lotte.message_ids.filtered("mail_activity_type_id")
        self.assertEqual(message.author_id, self.tom.partner_id)
        self.assertIn(f'data-oe-id="{call.id}"', message.body)
        self.assertIn('data-oe-model="crm.voip.call"', message.body)

    def test_person_is_told(self):
        activity = self.plan()
        call = self.talk()
        self.env.cr.precommit.run()
        sent = self.env["bus.bus"].sudo().search([("message", "like", "crm_voip_bridge/planned")])
        self.assertEqual(len(sent), 1)
        self.assertIn(f'"call_id":{call.id}', sent.message.replace(" ", ""))
        self.assertIn(activity.display_name, sent.message)
        self.assertIn(f'"res.partner",{self.tom.partner_id.id}', sent.channel.replace(" ", ""))

    def test_where_it_may_be_planned(self):
        lead = self.lead()
        for record in (lead, self.dairy, self.lotte):
            activity = self.plan(record)
            self.talk(f"on {record._name} {record.id}")
            self.assertFalse(activity.active, record)

    def test_one_of_several_opportunities(self):
        self.lead()
        other = self.lead(name="Second")
        activity = self.plan(other)
        call = self.talk(phone="101")
        self.assertFalse(activity.active, call.candidate_lead_ids)

    def test_outbound_and_overdue(self):
        activity = self.plan(days=-20)
        self.talk(make=outbound)
        self.assertFalse(activity.active)

    def test_who_it_was_transferred_to(self):
        activity = self.plan(user=self.rina)
        self.deliver(
            told(
                f"0 started c PJSIP/trunk-00000001 {NUMBER} +31201000101", "0.1 started p PJSIP/101-00000002",
                "0.1 ringing p c", "5 answered p", "5 dial_ended p ANSWER c", "5 answered c", "5 bridged p b",
                "5 bridged c b", "20 unbridged p b", "20 ended p 16", "20 started r PJSIP/102-00000003",
                "20 ringing r c", "25 answered r", "25 dial_ended r ANSWER c", "25 bridged r b2", "25 bridged c b2",
                "90 unbridged r b2", "90 unbridged c b2", "90 ended r 16", "90 ended c 16",
                start=self.start,
            )
        )  # fmt: skip
        self.assertFalse(activity.active)

    def test_next_one_by_its_type(self):
        kind = self.env["mail.activity.type"].create(
            {
                "name": "First call", "category": "phonecall", "chaining_type": "trigger",
                "triggered_next_type_id": self.env.ref("mail.mail_activity_data_todo").id,
            }
        )  # fmt: skip
        activity = self.plan(kind="", activity_type_id=kind.id)
        call = self.talk()
        following = self.lotte.activity_ids - activity
        self.assertEqual(len(following), 1)
        self.as_tom().card_planned_undo(call.id)
        self.assertFalse(following.exists())
        self.assertTrue(activity.active)

    # --- none fits ---

    def test_what_stays_planned(self):
        activities = [
            self.plan(days=2),
            self.plan(user=self.rina),
            self.plan(kind="mail.mail_activity_data_todo"),
            self.plan(self.env["res.partner"].create({"name": "Somebody else"})),
        ]
        call = self.talk()
        self.assertTrue(all(activity.active for activity in activities))
        self.assertFalse(call.planned_state)

    def test_due_within(self):
        self.company.crm_voip_planned_days = 2
        activity = self.plan(days=2)
        self.talk()
        self.assertFalse(activity.active)

    def test_too_short(self):
        activity = self.plan()
        self.talk(seconds=29)
        self.assertTrue(activity.active)
        self.talk("d", seconds=30)
        self.assertFalse(activity.active)

    def test_not_connected(self):
        activity = self.plan()
        self.talk(make=missed)
        self.assertTrue(activity.active)

    def test_planned_after_the_call(self):
        """What the card plans as the next step is not what the call was."""
        activity = self.plan()
        self.talk(start=self.start - timedelta(hours=2))
        self.assertTrue(activity.active)

    def test_history(self):
        activity = self.plan(days=-40)
        activity.flush_recordset()
        long_ago = fields.Datetime.subtract(fields.Datetime.now(), days=40)
        self.env.cr.execute("UPDATE mail_activity SET create_date = %s WHERE id = %s", [long_ago, activity.id])
        activity.invalidate_recordset()
        self.talk(start=self.start - timedelta(days=30))
        self.assertTrue(activity.active)

    def test_switched_off(self):
        self.company.crm_voip_planned = False
        activity = self.plan()
        call = self.talk()
        self.assertTrue(activity.active)
        self.env.flush_all()
        with self.assertQueryCount(0):
            call.sudo().filtered(lambda one: one._is_conversation())

    def test_a_callback_is_no_planned_call(self):
        self.lotte.user_id = self.tom
        self.deliver(missed("m", number=NUMBER, start=self.start))
        callback = self.env["crm.voip.callback"].search([("number", "=", NUMBER)])
        self.assertEqual(callback.activity_id.user_id, self.tom)
        activity = self.plan()
        call = self.talk("later", start=self.start + timedelta(hours=1))
        self.assertEqual((call.planned_activity_id, activity.active), (activity, False))
        self.assertEqual(callback.state, "done")

    # --- several fit ---

    def test_several_are_asked_for(self):
        first, second = self.plan(), self.plan(self.dairy, days=1, summary="Invoice")
        call = self.talk()
        self.assertTrue(first.active and second.active)
        asked = self.as_tom().browse(call.id)._prepare_card_vals()["planned"]
        self.assertEqual(
            asked,
            [
                {
                    "id": first.id,
                    "name": "Ask for the order",
                    "date": str(first.date_deadline),
                    "record": first.res_name,
                },
                {"id": second.id, "name": "Invoice", "date": str(second.date_deadline), "record": second.res_name},
            ],
        )
        answer = self.as_tom().card_planned(call.id, second.id)
        self.assertIn("Invoice", answer["message"])
        self.assertEqual((first.active, second.active, call.planned_activity_id), (True, False, second))
        vals = self.as_tom().browse(call.id)._prepare_card_vals()
        self.assertEqual((vals["planned"], vals["planned_done"]), ([], {"id": second.id, "name": "Invoice"}))
        with self.assertRaises(UserError):
            self.as_tom().card_planned(call.id, first.id)

    def test_two_calls_at_once(self):
        activity = self.plan()
        first = answered("a", number=NUMBER, start=self.start)
        second = answered("b", number=NUMBER, start=self.start + timedelta(hours=1))
        self.deliver(second + first)
        self.assertFalse(activity.active)
        self.assertEqual(self.calls("a").planned_activity_id, activity)
        self.assertFalse(self.calls("b").planned_state)

    def test_two_persons(self):
        """Each of the two who talked planned it: neither is marked done, each is asked for the own one."""
        mine, hers = self.plan(), self.plan(user=self.rina)
        self.deliver(
            told(
                f"0 started c PJSIP/trunk-00000001 {NUMBER} +31201000101", "0.1 started p PJSIP/101-00000002",
                "0.1 ringing p c", "5 answered p", "5 dial_ended p ANSWER c", "5 answered c", "5 bridged p b",
                "5 bridged c b", "20 unbridged p b", "20 ended p 16", "20 started r PJSIP/102-00000003",
                "20 ringing r c", "25 answered r", "25 dial_ended r ANSWER c", "25 bridged r b2", "25 bridged c b2",
                "90 unbridged r b2", "90 unbridged c b2", "90 ended r 16", "90 ended c 16",
                start=self.start,
            )
        )  # fmt: skip
        self.assertTrue(mine.active and hers.active)
        for user, activity in ((self.tom, mine), (self.rina, hers)):
            vals = self.calls(user=user)._prepare_card_vals()
            self.assertEqual([one["id"] for one in vals["planned"]], [activity.id])

    def test_not_a_colleagues(self):
        mine, hers = self.plan(), self.plan(user=self.rina)
        call = self.talk(make=group, losers=("102",))
        self.assertFalse(mine.active, "she did not talk with them")
        with self.assertRaises(UserError):
            self.calls(user=self.rina).card_planned(call.id, hers.id)
        with self.assertRaises(UserError):
            self.calls(user=self.rina).card_planned_undo(call.id)
        for user in (self.jonas, self.clerk):
            with self.assertRaises(AccessError):
                self.env["crm.voip.call"].with_user(user).card_planned_undo(call.id)

    # --- undo ---

    def as_tom(self):
        return self.env["crm.voip.call"].with_user(self.tom).with_context(allowed_company_ids=self.company.ids)

    def test_undo_restores_exactly(self):
        activity = self.plan(note="<p>About the blue one</p>", days=-3)
        attachment = self.env["ir.attachment"].create(
            {"name": "offer.txt", "raw": b"x", "res_model": "mail.activity", "res_id": activity.id}
        )
        self.env.flush_all()
        before, messages, planned = self.state(activity), self.lotte.message_ids, self.lotte.activity_ids
        call = self.talk()
        self.assertNotEqual(self.state(activity), before)
        self.assertEqual(attachment.res_model, "mail.message")
        answer = self.as_tom().card_planned_undo(call.id)
        self.env.invalidate_all()
        self.assertIn("Ask for the order", answer["message"])
        self.assertEqual(self.state(activity), before)
        self.assertEqual((self.lotte.message_ids, self.lotte.activity_ids), (messages, planned))
        self.assertEqual((attachment.exists().res_model, attachment.res_id), ("mail.activity", activity.id))
        self.assertEqual((call.planned_state, call.planned_activity_id.id), ("undone", False))

    def test_undone_stays_undone(self):
        activity = self.plan()
        call = self.talk()
        self.as_tom().card_planned_undo(call.id)
        call.action_recalculate()
        call.sudo()._after_fold()
        self.assertTrue(activity.active)
        with self.assertRaises(UserError):
            self.as_tom().card_planned_undo(call.id)
        # the next call is one of its own
        self.talk("d", start=self.start + timedelta(hours=1))
        self.assertFalse(activity.active)

    def test_recalculated_closes_no_second_one(self):
        self.plan()
        call = self.talk()
        second = self.plan(summary="Another one")
        call.action_recalculate()
        call.sudo()._after_fold()
        self.assertTrue(second.active)

    def test_customer_is_chosen_later(self):
        activity = self.plan()
        call = self.talk(number="+12025550199")
        self.assertTrue(activity.active)
        call._pick(self.lotte, self.env["crm.lead"])
        self.assertFalse(activity.active)

    def test_merged_calls_keep_it(self):
        activity = self.plan()
        self.deliver(answered("b", number=NUMBER, start=self.start))
        self.deliver(answered("a", number=NUMBER, start=self.start))
        self.assertEqual(self.calls("b").planned_activity_id, activity)
        self.deliver(told("70 transferred c attended a+b", call="a", start=self.start))
        call = self.calls()
        self.assertEqual((len(call), call.planned_activity_id, call.planned_state), (1, activity, "done"))
        self.as_tom().card_planned_undo(call.id)
        self.assertTrue(activity.active)

    def test_activity_was_deleted(self):
        activity = self.plan()
        call = self.talk()
        activity.unlink()
        self.env.invalidate_all()
        self.as_tom().card_planned_undo(call.id)
        self.assertEqual(call.planned_state, "undone")

    def test_nobody_writes_it(self):
        call = self.talk()
        with self.assertRaises(AccessError):
            self.as_tom().browse(call.id).planned_state = "done"
        with self.assertRaises(AccessError):
            self.as_tom().browse(call.id).read(["planned_trace"])

    def test_queries_do_not_grow(self):
        self.deliver(answered("warm", start=self.start, number="+12025559999"))
        partners = self.env["res.partner"].create([{"name": f"C{n}", "phone": f"+1202555{n:04}"} for n in range(200)])
        for partner in partners:
            # due, but somebody else's
            self.plan(partner, user=self.rina)
        counts = []
        for count in (10, 200):
            self.deliver(many(count, prefix=f"n{count}-"))
            calls = self.calls().filtered(lambda call, count=count: call.call_ref.startswith(f"n{count}-"))
            self.assertEqual(len(calls.partner_id), count)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            calls.sudo()._close_planned()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1] - counts[0], 2, counts)
