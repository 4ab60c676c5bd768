import functools
import itertools
import operator
import random
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..lib import callbacks as lib
from ..lib.callbacks import Call
from .common import OUR_NUMBER, VoipCase, answered, group, many, missed, outbound, told, tried

NUMBER = "+12025550101"


def monday():
    """Nine o'clock of the last Monday that lies at least a day back: recent, and in working time."""
    now = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    day = now - timedelta(days=1)
    return (day - timedelta(days=day.weekday())).replace(hour=9)


class CallbackCase(VoipCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start = monday()
        cls.company.resource_calendar_id.tz = "UTC"
        for user in (cls.tom, cls.rina, cls.nadia, cls.jonas):
            user.tz = "Europe/Amsterdam"

    def at(self, hours=0, minutes=0):
        return self.start + timedelta(hours=hours, minutes=minutes)

    def naive(self, hours=0, minutes=0):
        return self.at(hours, minutes).replace(tzinfo=None)

    def callbacks(self, *, user=None, number=None):
        domain = [("company_id", "=", self.company.id)] + ([("number", "=", number)] if number else [])
        found = self.env["crm.voip.callback"].search(domain, order="first_missed_at, id")
        if user:
            return found.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        return found

    def as_user(self, record, user):
        return record.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)

    def activities(self, done=False):
        kind = self.env.ref("crm_voip_bridge.mail_activity_type_callback")
        found = self.env["mail.activity"].with_context(active_test=False).search([("activity_type_id", "=", kind.id)])
        return found if done else found.filtered("active")

    def shape(self):
        return [
            (
                one.number,
                one.state,
                one.first_call_id.call_ref,
                one.last_call_id.call_ref,
                one.missed_count,
                one.attempts,
                one.done_call_id.call_ref,
                one.done_by_id.login,
                one.user_id.login,
                one.working_minutes,
                one.due_at,
                one.activity_id.active,
            )
            for one in self.callbacks().sorted(lambda one: (one.number, one.first_missed_at))
        ]


@tagged("-at_install", "post_install")
class TestCallback(CallbackCase):
    """Somebody called and nobody of us talked to them."""

    def test_a_missed_call_makes_one(self):
        call = self.deliver_one(missed(start=self.at()))
        one = self.callbacks()
        self.assertEqual((one.number, one.state, one.missed_count, one.attempts), (NUMBER, "open", 1, 0))
        self.assertEqual((one.first_call_id, one.last_call_id), (call, call))
        # nobody knows them: the leader of the team whose phone rang; four hours, without the lunch break
        self.assertEqual(one.user_id, self.nadia)
        self.assertEqual(one.due_at, self.naive(4 + (1 if self.start.hour + 4 > 12 else 0)))
        activity = one.activity_id
        self.assertEqual(
            (activity.res_model, activity.res_id, activity.user_id), ("crm.voip.call", call.id, self.nadia)
        )
        self.assertEqual(activity.date_deadline, self.start.date())
        self.assertIn(NUMBER, activity.summary)

    def test_quiet(self):
        before = self.env["mail.mail"].sudo().search_count([])
        notices = self.env["mail.notification"].sudo().search_count([])
        self.deliver(missed(start=self.at()), missed("d", start=self.at(1)))
        self.assertEqual(self.env["mail.mail"].sudo().search_count([]), before)
        self.assertEqual(self.env["mail.notification"].sudo().search_count([]), notices)

    def test_never_two(self):
        for place in range(3):
            self.deliver(missed(f"m{place}", start=self.at(place)))
        one = self.callbacks()
        self.assertEqual((len(one), one.missed_count, len(self.activities())), (1, 3, 1))
        self.assertEqual((one.first_call_id.call_ref, one.last_call_id.call_ref), ("m0", "m2"))
        self.assertIn("3", one.activity_id.note)
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint(flush=False):
            self.env.cr.execute(
                """INSERT INTO crm_voip_callback (company_id, number, pbx_id, first_call_id, last_call_id, state,
                                                  first_missed_at, last_missed_at)
                   SELECT company_id, number, pbx_id, first_call_id, last_call_id, state, first_missed_at, last_missed_at
                     FROM crm_voip_callback WHERE id = %s""",
                [one.id],
            )

    def test_no_callback(self):
        """What nobody is to be called back for."""
        self.env["crm.voip.line"].create({"pbx_id": self.pbx.id, "number": "+31201000199"})
        self.env.flush_all()
        self.deliver(
            answered("taken", number="+12025550102", start=self.at()),
            group("colleague", number="+12025550103", start=self.at()),
            missed("withheld", number="anonymous", start=self.at()),
            missed("ours", number="+31201000199", start=self.at()),
            tried("out", number="+12025550104", start=self.at()),
            told(
                "0 started c PJSIP/102-00000001 102 101", "0.1 started p PJSIP/101-00000002", "0.1 ringing p c",
                "9 dial_ended p NOANSWER c", "9 ended p 16", "9 ended c 16", call="internal", start=self.at(),
            ),
            missed("old", number="+12025550105", start=self.at() - timedelta(days=30)),
        )  # fmt: skip
        self.assertEqual({call.disposition for call in self.calls("withheld", "ours", "internal", "old")}, {"missed"})
        self.assertFalse(self.callbacks())
        self.assertTrue(self.calls("withheld").is_withheld)
        self.assertFalse(self.calls("ours").is_withheld)

    def test_switch(self):
        self.assertTrue(self.company.crm_voip_callbacks, "on as delivered")
        self.company.crm_voip_callbacks = False
        self.deliver(missed(start=self.at()))
        self.assertFalse(self.callbacks())
        self.company.crm_voip_callbacks = True
        self.calls().action_recalculate()
        self.deliver(missed("d", start=self.at(1)))
        self.assertFalse(self.callbacks(), "what was missed while it was off stays history")
        later = fields.Datetime.now().replace(tzinfo=timezone.utc) + timedelta(minutes=1)
        self.deliver(missed("e", start=later))
        self.assertEqual(self.callbacks().missed_count, 1)

    def test_closed_by_us(self):
        self.deliver(missed(start=self.at()), tried("t1", start=self.at(0, 20)), tried("t2", start=self.at(0, 40)))
        one = self.callbacks()
        activity = one.activity_id
        self.assertEqual((one.state, one.attempts), ("open", 2))
        self.deliver(outbound("back", phone="102", start=self.at(1)))
        self.assertEqual((one.state, one.done_how, one.done_by_id), ("done", "call", self.rina))
        self.assertEqual((one.done_call_id, one.attempts), (self.calls("back"), 2))
        self.assertAlmostEqual(one.working_minutes, 60 + 10 / 60, 1)
        self.assertFalse(activity.active)
        message = self.calls("c").message_ids.filtered("mail_activity_type_id")
        self.assertEqual(message.author_id, self.rina.partner_id)
        self.assertIn("reached them", activity.feedback)
        self.assertIn("Attempts without an answer before: 2", activity.feedback)
        self.assertIn("Working minutes since the missed call: 60", activity.feedback)
        self.assertIn(f'data-oe-id="{one.done_call_id.id}"', message.body)

    def test_closed_by_them(self):
        self.deliver(missed(start=self.at()), answered("again", phone="104", start=self.at(0, 10)))
        one = self.callbacks()
        self.assertEqual((one.state, one.done_by_id), ("done", self.jonas))
        self.assertIn("They called again", one._story())

    def test_an_earlier_talk_does_not_close(self):
        self.deliver(missed(start=self.at(1)))
        self.deliver(answered("early", start=self.at()))
        self.assertEqual(self.callbacks().state, "open")

    def test_the_next_miss_begins_another(self):
        self.deliver(missed("a", start=self.at()), outbound("b", start=self.at(1)), missed("d", start=self.at(2)))
        self.assertEqual(self.callbacks().mapped("state"), ["done", "open"])
        self.assertEqual(len(self.activities()), 1)

    def test_own_phone_not_taken_is_no_attempt(self):
        self.deliver(missed(start=self.at()))
        click = told(
            "0 started c PJSIP/101-00000001 101", "9 ended c 16", call="click", start=self.at(1),
        )  # fmt: skip
        click[1].data["number"] = NUMBER
        self.deliver(click)
        call = self.calls("click")
        self.assertEqual((call.direction, call.disposition, call.outside_e164), ("outbound", "failed", NUMBER))
        self.assertEqual(self.callbacks().attempts, 0)

    def test_busy_and_voicemail(self):
        busy = told(
            f"0 started c PJSIP/trunk-00000001 {NUMBER} {OUR_NUMBER}", "0.1 started p PJSIP/101-00000002",
            "0.1 ringing p c", "2 dial_ended p BUSY c", "2 ended p 17", "2 ended c 17", start=self.at(),
        )  # fmt: skip
        self.assertEqual(self.deliver_one(busy).disposition, "busy")
        self.assertEqual(self.callbacks().state, "open")

    def test_number_that_is_none(self):
        """What the PBX said instead of a number that exists is still one to be called."""
        for place, call in enumerate("ab"):
            self.deliver(missed(call, number="12345678901234567", start=self.at(place)))
        self.assertEqual(self.calls("a").outside_number, "12345678901234567")
        self.assertFalse(self.calls("a").outside_e164)
        one = self.callbacks()
        self.assertEqual((one.number, one.missed_count, one.call_ids), ("12345678901234567", 2, self.calls()[::-1]))
        self.deliver(outbound("back", number="12345678901234567", start=self.at(2)))
        self.assertEqual((one.state, one.done_call_id), ("done", self.calls("back")))

    # --- any order ---

    def story(self):
        at = self.at
        return [
            missed("a", start=at()),
            missed("b", start=at(0, 10)),
            tried("c", start=at(0, 30)),
            outbound("d", phone="102", start=at(1)),
            missed("e", start=at(2)),
            tried("f", start=at(2, 30)),
            missed("other", number="+12025550102", start=at(1)),
            answered("early", number="+12025550102", start=at(0, 30)),
            missed("x", number="+12025550103", start=at(1)),
            answered("y", number="+12025550103", phone="104", start=at(3)),
        ]

    def test_any_order_gives_the_same(self):
        self.deliver(*self.story())
        expected = self.shape()
        # as the pure function says
        kinds = {"missed": "missed", "answered": "connected"}
        for number in {row[0] for row in expected}:
            calls = self.calls().filtered(lambda call, number=number: call.outside_e164 == number)
            found = lib.callbacks(
                Call(
                    call.id,
                    "attempt"
                    if call.direction == "outbound" and call.disposition == "missed"
                    else kinds[call.disposition],
                    call.answered_at or call.started_at,
                )
                for call in calls
            )
            rows = [row for row in expected if row[0] == number]
            self.assertEqual(
                [(one.state, len(one.missed), len(one.attempts)) for one in found],
                [(row[1], row[4], row[5]) for row in rows],
            )
        self.assertEqual([row[1] for row in expected], ["done", "open", "open", "done"])
        for seed in range(8):
            with self.subTest(seed=seed), self.env.cr.savepoint(flush=False):
                self.forget()
                batches = self.story()
                random.Random(seed).shuffle(batches)
                # some together, some alone, some twice
                self.deliver(functools.reduce(operator.iadd, batches[:3], []), *batches[3:], *batches[:2])
                # who had talked with them came too late for those who closed it before
                self.assertEqual([row[:8] for row in self.shape()], [row[:8] for row in expected])
                self.assertEqual(len(self.activities()), 2)
                self.calls().action_recalculate()
                self.assertEqual([row[:8] for row in self.shape()], [row[:8] for row in expected])

    def forget(self):
        self.activities(done=True).unlink()
        self.env.flush_all()
        self.env.cr.execute(
            """DELETE FROM crm_voip_callback_entry WHERE company_id = %(company)s;
               DELETE FROM crm_voip_call WHERE pbx_id = %(pbx)s;
               DELETE FROM crm_voip_call_ref WHERE pbx_id = %(pbx)s;
               DELETE FROM crm_voip_journal WHERE pbx_id = %(pbx)s""",
            {"pbx": self.pbx.id, "company": self.company.id},
        )
        self.env.invalidate_all()
        self.assertFalse(self.callbacks())

    def test_recalculating_changes_nothing(self):
        self.deliver(*self.story())
        before = self.shape()
        messages = self.env["mail.message"].search_count([])
        dates = self.callbacks().mapped("write_date")
        self.calls().action_recalculate()
        refs = self.calls()._refs()
        self.env["crm.voip.call.ref"]._mark_refs(self.pbx, refs)
        self.assertFalse(self.pbx.env["crm.voip.call"]._fold(self.pbx, refs))
        # as if all of them had changed
        self.calls().sudo()._after_fold()
        self.assertEqual(self.shape(), before)
        self.assertEqual(self.env["mail.message"].search_count([]), messages)
        self.assertEqual(self.callbacks().mapped("write_date"), dates)

    def test_a_call_that_came_late_splits_it(self):
        self.deliver(missed("a", start=self.at()), missed("b", start=self.at(2)))
        one = self.callbacks()
        self.deliver(outbound("late", start=self.at(1)))
        self.assertEqual(self.callbacks().mapped("state"), ["done", "open"])
        self.assertEqual(self.callbacks()[0], one)
        self.assertEqual(len(self.activities()), 1)
        self.assertEqual(self.callbacks()[1].first_call_id.call_ref, "b")

    def test_missed_call_that_was_taken_after_all(self):
        """Events that come late say that somebody answered."""
        events = answered(start=self.at())
        cut = [event for event in events if event.type not in ("answered", "bridged", "unbridged", "dial_ended")]
        self.deliver(cut)
        self.assertEqual(self.calls().disposition, "missed")
        self.assertEqual(len(self.activities()), 1)
        self.deliver(events)
        self.assertEqual(self.calls().disposition, "answered")
        self.assertFalse(self.callbacks())
        self.assertFalse(self.activities(done=True))

    def test_calls_that_merge(self):
        self.deliver(missed("a", start=self.at()), missed("b", start=self.at()))
        self.assertEqual(self.callbacks().missed_count, 2)
        self.deliver(told("70 transferred c attended a+b", call="a", start=self.at()))
        self.assertEqual(len(self.calls()), 1)
        one = self.callbacks()
        self.assertEqual((len(one), one.first_call_id, one.last_call_id), (1, self.calls(), self.calls()))
        self.assertEqual(one.missed_count, 1)
        self.assertEqual(one.activity_id.res_id, self.calls().id)

    def test_closing_call_that_merges(self):
        self.deliver(missed("a", start=self.at()), outbound("b", start=self.at(1)), outbound("d", start=self.at(1)))
        self.deliver(told("70 transferred c attended b+d", call="b", start=self.at(1)))
        self.assertEqual(self.callbacks().done_call_id, self.calls("b"))
        self.assertEqual(len(self.calls()), 2)

    # --- who, and until when ---

    def customer(self, **values):
        partner = self.env["res.partner"].create({"name": "Lotte", "phone": NUMBER, **values})
        self.env.flush_all()
        return partner

    def lead(self, partner, user):
        return self.env["crm.lead"].create(
            {"name": "Scales", "type": "opportunity", "partner_id": partner.id, "user_id": user.id,
             "company_id": self.company.id, "team_id": self.team.id}
        )  # fmt: skip

    def test_who_last_talked(self):
        self.deliver(
            answered("first", phone="101", start=self.at()),
            outbound("then", phone="102", start=self.at(0, 30)),
            missed(phones=("103", "104"), start=self.at(1)),
        )
        self.assertEqual(self.callbacks().user_id, self.rina)

    def test_who_left_is_not_asked(self):
        self.deliver(
            answered("first", phone="101", start=self.at()), answered("then", phone="102", start=self.at(0, 9))
        )
        self.rina.action_archive()
        self.deliver(missed(start=self.at(1)))
        self.assertEqual(self.callbacks().user_id, self.tom)

    def test_who_talked_with_the_customer_under_another_number(self):
        partner = self.customer(user_id=self.nadia.id)
        other = self.deliver_one(answered("first", number="+12025550177", phone="104", start=self.at()))
        other._pick(partner, self.env["crm.lead"])
        self.deliver(missed(start=self.at(1)))
        self.assertEqual(self.callbacks().user_id, self.jonas)

    def test_else_the_salesperson(self):
        partner = self.customer(user_id=self.rina.id)
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        self.assertEqual((one.user_id, one.partner_id), (self.rina, partner))
        self.assertEqual((one.activity_id.res_model, one.activity_id.res_id), ("res.partner", partner.id))

    def test_else_that_of_the_company(self):
        dairy = self.env["res.partner"].create({"name": "Molenaar", "is_company": True, "user_id": self.jonas.id})
        self.customer(parent_id=dairy.id)
        self.deliver(missed(start=self.at()))
        self.assertEqual(self.callbacks().user_id, self.jonas)

    def test_opportunity_first(self):
        lead = self.lead(self.customer(user_id=self.rina.id), self.tom)
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        self.assertEqual((one.user_id, one.lead_id), (self.tom, lead))
        self.assertEqual((one.activity_id.res_model, one.activity_id.res_id), ("crm.lead", lead.id))

    def test_else_the_team_of_the_line(self):
        other = self.env["crm.team"].create(
            {"name": "Support", "company_id": self.company.id, "user_id": self.jonas.id}
        )
        self.env["crm.voip.line"].search([("number", "=", OUR_NUMBER)]).team_id = other
        self.env.registry.clear_cache()
        self.deliver(missed(start=self.at()))
        self.assertEqual(self.callbacks().user_id, self.jonas)

    def test_else_whom_it_rang(self):
        self.team.user_id = False
        self.env["crm.team"].search([("company_id", "=", self.company.id)]).user_id = False
        self.deliver(missed(phones=("104",), start=self.at()))
        self.assertEqual(self.callbacks().user_id, self.jonas)

    def test_else_the_administrator(self):
        self.env["crm.team"].search([("company_id", "=", self.company.id)]).user_id = False
        self.deliver(missed(phones=("105",), start=self.at()))
        self.assertEqual(self.callbacks().user_id, self.admin)

    def test_person_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.customer(user_id=self.rina.id)
        self.rina.write({"company_id": other.id, "company_ids": [Command.set(other.ids)]})
        self.deliver(missed(phones=("101",), start=self.at()))
        self.assertEqual(self.callbacks().user_id, self.nadia)

    def test_due_in_working_time(self):
        calendar = self.company.resource_calendar_id
        self.company.crm_voip_callback_hours = 6
        friday = self.at() + timedelta(days=4 - 7, hours=6)  # 15:00
        self.deliver(missed(start=friday))
        one = self.callbacks()
        expected = calendar.plan_hours(6, friday.replace(tzinfo=None), compute_leaves=True)
        self.assertEqual(one.due_at, expected)
        self.assertEqual(one.due_at.date(), self.start.date())
        self.deliver(outbound("back", start=self.at(1)))
        hours = calendar.get_work_hours_count(friday.replace(tzinfo=None), self.naive(1) + timedelta(seconds=10))
        self.assertAlmostEqual(one.working_minutes, hours * 60, 3)

    def test_due_after_a_long_holiday(self):
        calendar = self.company.resource_calendar_id
        self.env["resource.calendar.leaves"].create(
            {"name": "Holiday", "calendar_id": calendar.id, "company_id": self.company.id,
             "date_from": self.naive(-1), "date_to": self.naive(24 * 40)}
        )  # fmt: skip
        self.deliver(missed(start=self.at()))
        self.assertEqual(self.callbacks().due_at, calendar.plan_hours(4, self.naive(), compute_leaves=True))
        self.assertGreater(self.callbacks().due_at, self.naive(24 * 40))

    def test_due_by_the_persons_own_schedule(self):
        evening = self.env["resource.calendar"].create(
            {
                "name": "Evening", "tz": "UTC", "company_id": self.company.id,
                "attendance_ids": [Command.clear()] + [
                    Command.create({"name": "E", "dayofweek": str(day), "hour_from": 18, "hour_to": 23,
                                    "day_period": "afternoon"}) for day in range(5)
                ],
            }
        )  # fmt: skip
        self.env["resource.resource"].create(
            {"name": "Rina", "user_id": self.rina.id, "company_id": self.company.id, "calendar_id": evening.id,
             "tz": "UTC"}
        )  # fmt: skip
        self.customer(user_id=self.rina.id)
        self.deliver(missed(start=self.at()))
        self.assertEqual(self.callbacks().due_at, self.naive(18 - 9 + 4))
        # 22:00 UTC is the next day where she is
        self.assertEqual(self.callbacks().activity_id.date_deadline, self.callbacks()._due_date())

    def test_company_without_schedule(self):
        self.company.resource_calendar_id = False
        self.deliver(missed(start=self.at()), outbound("b", start=self.at(20)))
        self.assertEqual(self.callbacks().due_at, self.naive(4))
        self.assertAlmostEqual(self.callbacks().working_minutes, 1200 + 10 / 60, 2)

    def test_second_miss_keeps_person_and_time(self):
        self.deliver(missed("a", start=self.at()))
        one = self.callbacks()
        before = (one.user_id, one.due_at, one.activity_id)
        self.deliver(missed("b", phones=("104",), start=self.at(2)))
        self.assertEqual((one.user_id, one.due_at, one.activity_id), before)
        self.assertIn(self.jonas, one.viewer_ids)

    # --- people decide ---

    def test_customer_is_chosen_later(self):
        call = self.deliver_one(missed(start=self.at()))
        one = self.callbacks()
        activity = one.activity_id
        partner = self.env["res.partner"].create({"name": "Els"})
        call._pick(partner, self.env["crm.lead"])
        self.assertEqual(one.partner_id, partner)
        self.assertEqual((activity.res_model, activity.res_id), ("res.partner", partner.id))
        self.assertEqual(len(self.activities()), 1)

    def test_marked_done_by_hand(self):
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        self.as_user(one.activity_id, self.nadia).action_feedback(feedback="Wrote a mail")
        self.assertEqual((one.state, one.done_how, one.done_by_id), ("done", "hand", self.nadia))
        self.assertIs(one.working_minutes, False)
        self.assertEqual(one.activity_id.feedback, "Wrote a mail")
        self.calls().sudo()._after_fold()
        self.assertEqual((one.state, one.done_how), ("done", "hand"))
        self.as_user(one, self.nadia).action_reopen()
        self.assertEqual(one.state, "open")
        self.assertTrue(one.activity_id.active)
        self.assertFalse(one.activity_id.date_done)

    def test_activity_is_deleted(self):
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        self.as_user(one.activity_id, self.nadia).unlink()
        self.assertEqual((one.state, one.done_how, one.done_by_id), ("done", "hand", self.nadia))
        self.as_user(one, self.nadia).action_reopen()
        self.assertEqual((one.state, len(self.activities())), ("open", 1))

    def test_next_miss_after_done_by_hand(self):
        self.deliver(missed(start=self.at()))
        self.activities().action_done()
        later = fields.Datetime.now().replace(tzinfo=timezone.utc) + timedelta(minutes=5)
        self.deliver(missed("d", start=later))
        self.assertEqual(self.callbacks().mapped("state"), ["done", "open"])

    def test_dropped(self):
        self.deliver(missed(start=self.at()))
        one = self.callbacks(user=self.nadia)
        action = one.action_drop()
        wizard = self.as_user(self.env[action["res_model"]], self.nadia).with_context(**action["context"])
        with Form(wizard) as form:
            form.why = "wrong"
        form.record.action_drop()
        self.assertEqual((one.state, one.reason), ("dropped", "Wrong number, advertising"))
        self.assertFalse(self.activities(done=True))
        self.assertIn("dropped it", one.story)
        self.calls().sudo()._after_fold()
        self.assertEqual(one.state, "dropped")
        one.action_reopen()
        self.assertEqual((one.state, one.reason, len(self.activities())), ("open", False, 1))

    def test_reason_in_words(self):
        self.deliver(missed(start=self.at()))
        wizard = self.env["crm.voip.callback.drop"].create({"callback_ids": self.callbacks().ids, "why": "other"})
        with self.assertRaises(UserError):
            wizard.action_drop()
        wizard.note = "They moved away"
        wizard.action_drop()
        self.assertEqual(self.callbacks().reason, "They moved away")

    def test_closing_is_undone(self):
        self.deliver(missed(start=self.at()), missed("z", start=self.at(0, 1)))
        one = self.callbacks()
        activity = one.activity_id
        before = (activity.date_deadline, activity.feedback, activity.summary, activity.res_id)
        messages = self.calls().message_ids
        self.deliver(outbound("back", start=self.at(1)))
        self.assertNotEqual(self.calls().message_ids, messages)
        self.as_user(one, self.tom).action_reopen()
        self.assertEqual((one.state, one.working_minutes, one.done_by_id.id), ("open", False, False))
        self.assertEqual(one.activity_id, activity)
        self.assertTrue(activity.active)
        self.assertEqual((activity.date_deadline, activity.feedback, activity.summary, activity.res_id), before)
        self.assertEqual(self.calls().message_ids, messages)
        # that call does not close it again, the next one does
        self.calls().sudo()._after_fold()
        self.assertEqual(one.state, "open")
        self.deliver(outbound("again", phone="104", start=self.at(2)))
        self.assertEqual((one.state, one.done_by_id), ("done", self.jonas))

    def test_undone_although_another_one_was_begun(self):
        self.deliver(missed("a", start=self.at()), outbound("b", start=self.at(1)), missed("d", start=self.at(2)))
        first = self.callbacks()[0]
        first.action_reopen()
        one = self.callbacks()
        self.assertEqual((one, one.state, one.missed_count), (first, "open", 2))
        self.assertEqual(self.activities(), one.activity_id)

    def test_another_call_closed_it_than_was_thought(self):
        self.deliver(missed(start=self.at()))
        self.deliver(outbound("second", phone="101", start=self.at(2)))
        one = self.callbacks()
        self.deliver(outbound("first", phone="102", start=self.at(1)))
        self.assertEqual((one.done_call_id, one.done_by_id), (self.calls("first"), self.rina))
        self.assertIn("voip_rina", one.activity_id.feedback)
        self.assertEqual(len(self.calls("c").message_ids.filtered("mail_activity_type_id")), 1)

    def test_taken_over(self):
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        with self.assertRaises(AccessError):
            self.as_user(one, self.rina).action_take()
        self.as_user(one, self.tom).action_take()
        self.assertEqual((one.user_id, one.activity_id.user_id), (self.tom, self.tom))
        self.deliver(missed("d", start=self.at(1)))
        self.assertEqual(one.user_id, self.tom)

    def test_activity_given_to_somebody(self):
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        one.activity_id.user_id = self.rina
        self.assertEqual(one.user_id, self.rina)
        self.assertIn(self.rina, self.calls().viewer_ids)
        self.assertEqual(self.seen_by(self.rina), {"c"})
        self.calls().action_recalculate()
        self.assertEqual(self.seen_by(self.rina), {"c"})
        one.activity_id.date_deadline = self.start.date() + timedelta(days=9)
        self.assertEqual(one._due_date(), one.activity_id.date_deadline)
        self.deliver(missed("d", start=self.at(1)))
        self.assertEqual(one.activity_id.date_deadline, self.start.date() + timedelta(days=9))

    def test_person_leaves(self):
        self.deliver(answered("talk", phone="101", start=self.at()), missed(start=self.at(1)))
        one = self.callbacks()
        self.assertEqual(one.user_id, self.tom)
        self.tom.action_archive()
        self.assertEqual((one.state, one.user_id, one.activity_id.user_id), ("open", self.nadia, self.nadia))

    # --- contacts and opportunities ---

    def test_contact_is_deleted(self):
        partner = self.customer(user_id=self.rina.id)
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        partner.unlink()
        self.assertEqual((one.state, one.activity_id.res_model), ("open", "crm.voip.call"))
        self.assertEqual(one.activity_id.res_id, self.calls().id)

    def test_opportunity_is_deleted(self):
        partner = self.customer()
        lead = self.lead(partner, self.tom)
        self.deliver(missed(start=self.at()))
        lead.unlink()
        one = self.callbacks()
        self.assertEqual((one.state, one.activity_id.res_model), ("open", "res.partner"))

    def test_merged_contacts(self):
        twin = self.customer()
        kept = self.env["res.partner"].create({"name": "Lotte"})
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        self.assertEqual(one.partner_id, twin)
        self.env["base.partner.merge.automatic.wizard"].create(
            {"partner_ids": [Command.set((kept | twin).ids)], "dst_partner_id": kept.id}
        ).action_merge()
        self.env.invalidate_all()
        self.assertEqual((one.state, one.partner_id, one.activity_id.res_id), ("open", kept, kept.id))

    def test_merged_opportunities(self):
        partner = self.customer()
        lead = self.lead(partner, self.tom)
        self.deliver(missed(start=self.at()))
        one = self.callbacks()
        other = self.lead(partner, self.tom)
        other.probability = 90
        kept = (lead | other).merge_opportunity()
        self.assertEqual((one.state, one.lead_id, one.activity_id.res_id), ("open", kept, kept.id))

    # --- many ---

    def test_queries_do_not_grow(self):
        self.deliver(missed("warm", number="+12025559999", start=self.at()))
        self.env["res.partner"].create(
            [{"name": f"C{n}", "phone": f"+1202555{n:04}", "user_id": self.rina.id} for n in range(0, 500, 2)]
        )
        counts = []
        for prefix, count in (("few", 20), ("lots", 500)):
            events = many(count, missed, prefix)
            shift = self.start - min(event.at for event in events)
            events = [_moved(event, shift) for event in events]
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.deliver(events)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(len(self.callbacks()), 501)
        self.assertEqual(len(self.activities()), 501)
        # the ORM inserts and updates a hundred rows with each statement
        self.assertLessEqual(counts[1] - counts[0], 50, counts)

    def test_few_queries_where_nothing_happens(self):
        self.deliver(answered("warm", number="+12025559999", start=self.at()))
        call = self.calls().sudo()
        self.env.flush_all()
        with self.assertQueryCount(2):
            self.env["crm.voip.callback"].sudo()._follow(call)
        # another addon may have something to do with the call: turned off, exactly those two are not asked any more
        asked = []
        for follows in (True, True, False):
            self.company.crm_voip_callbacks = follows
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            call._after_fold()
            asked.append(self.env.cr.sql_log_count - before)
        _first, on, off = asked
        self.assertEqual(on - off, 2)
        with patch.object(self.env.registry["crm.voip.callback"], "_follow") as follow:
            call._after_fold()
        follow.assert_not_called()


def _moved(event, shift):
    event = type(event).from_dict(event.to_dict())
    return type(event)(event.id, event.type, event.call, event.leg, event.at + shift, event.source, event.data)


@tagged("-at_install", "post_install")
class TestCallbackRights(CallbackCase):
    """Who sees and does what with whose callback."""

    def setUp(self):
        super().setUp()
        self.deliver(
            missed("tom", number="+12025550101", phones=("101",), start=self.at()),
            missed("jonas", number="+12025550102", phones=("104",), start=self.at()),
        )
        self.toms = self.callbacks(number="+12025550101")
        self.others = self.callbacks(number="+12025550102")
        self.others._assign(self.jonas)

    def test_who_sees(self):
        for user, seen in (
            (self.tom, self.toms),
            (self.rina, self.toms.browse()),
            (self.jonas, self.others),
            (self.nadia, self.toms | self.others.filtered(lambda one: self.nadia in one.viewer_ids)),
            (self.boss, self.toms | self.others),
            (self.admin, self.toms | self.others),
        ):
            found = self.as_user(self.env["crm.voip.callback"], user).search([])
            self.assertEqual(set(found.ids), set(seen.ids), user.login)
        with self.assertRaises(AccessError):
            self.as_user(self.env["crm.voip.callback"], self.clerk).search([])

    def test_nobody_writes(self):
        for user in (self.clerk, self.tom, self.nadia, self.boss, self.admin):
            own = self.as_user(self.toms, user)
            for work in (
                lambda own=own: own.write({"state": "done"}),
                lambda own=own: own.write({"working_minutes": 1}),
                lambda own=own: own.write({"user_id": self.tom.id}),
                lambda own=own: own.unlink(),
                lambda own=own: own.create({"number": "1"}),
                lambda own=own: own.read(["trace"]),
            ):
                with self.assertRaises(AccessError, msg=user.login):
                    work()

    def test_actions_on_a_colleagues(self):
        for name in ("action_take", "action_reopen"):
            with self.assertRaises(AccessError):
                getattr(self.as_user(self.toms, self.rina), name)()
        with self.assertRaises(AccessError):
            self.as_user(self.toms, self.rina).action_drop("No")
        self.as_user(self.toms, self.boss).action_drop("Advertising")
        self.assertEqual(self.toms.state, "dropped")

    def test_other_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.boss.company_ids += other
        callbacks = self.env["crm.voip.callback"].with_user(self.boss)
        self.assertFalse(callbacks.with_context(allowed_company_ids=other.ids).search([]))
        self.assertEqual(len(callbacks.with_context(allowed_company_ids=self.company.ids).search([])), 2)

    def test_whoever_is_to_call_back_sees_the_call(self):
        self.others._assign(self.rina)
        self.assertEqual(self.seen_by(self.rina), {"jonas"})
        self.calls("jonas").action_recalculate()
        self.assertEqual(self.seen_by(self.rina), {"jonas"})
        self.assertTrue(self.as_user(self.others, self.rina).customer_label)

    def test_persons_side_by_side(self):
        self.deliver(outbound("back", number="+12025550101", phone="101", start=self.at(1)))
        callbacks = self.as_user(self.env["crm.voip.callback"], self.boss)
        for spec in ("user_id", "done_by_id"):
            with self.assertRaises(UserError):
                callbacks._read_group([], [spec], ["working_minutes:avg"])
        with self.assertRaises(UserError):
            callbacks.search([("done_by_id", "=", self.tom.id)])
        # a task is shown, what somebody did is not
        rows = {row["number"]: row for row in callbacks.search([]).read(["number", "user_id", "done_by_id"])}
        self.assertEqual(rows["+12025550102"]["user_id"][0], self.jonas.id)
        self.assertFalse(rows["+12025550101"]["user_id"])
        self.assertFalse(rows["+12025550101"]["done_by_id"])
        # totals and one's own are free
        self.assertTrue(callbacks._read_group([], ["state"], ["working_minutes:avg"]))
        [own] = self.as_user(self.toms, self.tom).read(["done_by_id"])
        self.assertEqual(own["done_by_id"][0], self.tom.id)

    def test_one_at_a_time_is_noted(self):
        self.deliver(outbound("back", number="+12025550101", phone="101", start=self.at(1)))
        self.as_user(self.toms, self.boss).read(["done_by_id"])
        log = self.env["crm.voip.people.log"].search([("user_id", "=", self.boss.id)])
        self.assertEqual(log.person_id, self.tom)

    def test_views(self):
        kinds = [(False, kind) for kind in ("list", "kanban", "form", "pivot", "graph", "search")]
        for user in (self.tom, self.nadia, self.boss, self.admin):
            self.as_user(self.env["crm.voip.callback"], user).get_views(kinds)

    def test_lists(self):
        own = self.as_user(self.env["crm.voip.callback"], self.jonas)
        self.assertEqual(own.search([("is_mine", "=", True)]), self.others)
        self.assertEqual(own.search([("is_overdue", "=", True)]), self.others.filtered("is_overdue"))
        self.others.due_at = fields.Datetime.subtract(fields.Datetime.now(), hours=1)
        self.assertEqual(own.search([("is_overdue", "=", True)]), self.others)
        self.others.due_at = fields.Datetime.add(fields.Datetime.now(), hours=1)
        self.assertFalse(own.search([("is_overdue", "=", True)]))

    def test_work_through(self):
        for place in range(3):
            self.deliver(missed(f"n{place}", number=f"+1202555020{place}", phones=("104",), start=self.at(place)))
        self.callbacks().filtered(lambda one: one.number.startswith("+120255502"))._assign(self.jonas)
        mine = self.callbacks().filtered(lambda one: one.user_id == self.jonas).sorted(lambda one: (one.due_at, one.id))
        own = self.as_user(mine, self.jonas)
        self.assertEqual(own.action_work_through()["res_id"], mine[0].id)
        for here, after in itertools.pairwise(own):
            self.assertEqual(here.next_open(), after.id)
        self.assertEqual(own[-1].next_open(), mine[0].id, "from the beginning again")
        (mine - mine[1])._decide("done")
        self.assertEqual(own[0].next_open(), mine[1].id)
        self.assertIs(own[1].next_open(), False)
