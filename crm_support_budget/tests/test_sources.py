from datetime import timedelta, timezone

from freezegun import freeze_time
from markupsafe import Markup
from psycopg2.errors import UniqueViolation

from odoo.addons.crm_voip_bridge.models.transaction import CONFLICTS
from odoo.addons.crm_voip_bridge.tests.common import missed
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MONDAY, SupportCase


class SourceCase(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.support.rule"].search([]).unlink()
        cls.env["crm.support.rule"].create({"name": "All", "kind": "all", "sequence": 1})
        cls.Contact = cls.env["crm.support.contact"]

    def total(self, customer=None):
        entries = self.entries(customer or self.heavy)
        return round(sum(entries.mapped("minutes")), 6), round(sum(entries.mapped("contacts")), 6)

    def writes(self, record, author, after, body="…", **more):
        message = record.message_post(
            body=body, author_id=author.id, message_type="comment", subtype_xmlid="mail.mt_comment", **more
        )
        message.date = self.minutes_after(after)
        return message

    def of_messages(self, at=MONDAY + timedelta(hours=1)):
        with freeze_time(at):
            self.Contact._pull_messages()
        return self.Contact.search([("source", "=", "message"), ("is_support", "=", True)], order="at")


@tagged("post_install", "-at_install")
class TestMessages(SourceCase):
    def test_an_answer_is_one_contact_however_many_messages_it_took(self):
        self.writes(self.caller, self.caller, 0)
        self.writes(self.caller, self.tess.partner_id, 10)
        self.writes(self.caller, self.tess.partner_id, 11)
        self.writes(self.caller, self.caller, 20)
        # 10 answers 0; 11 is the same answer; nobody answered 20
        contacts = self.of_messages()
        self.assertEqual(contacts.mapped("at"), [self.minutes_after(10)])
        self.assertEqual((contacts.partner_id, contacts.user_id), (self.heavy, self.tess))
        # no estimate: it counts as a contact, and no minutes
        self.assertEqual(self.total(), (0, 1))
        # what was followed up once is not followed up again
        self.assertFalse(self.Contact._pull_messages())

    def test_who_is_no_technician_answers_at_nobodys_cost(self):
        self.writes(self.caller, self.caller, 0)
        self.writes(self.caller, self.rina.partner_id, 10)
        self.assertFalse(self.of_messages())

    def test_a_note_is_no_answer(self):
        self.writes(self.caller, self.caller, 0)
        self.caller.message_post(body="…", author_id=self.tess.partner_id.id, subtype_xmlid="mail.mt_note")
        self.assertFalse(self.of_messages())

    def test_the_same_result_in_whatever_order_they_arrive(self):
        answer = self.writes(self.caller, self.tess.partner_id, 10)
        # nobody had asked
        self.assertFalse(self.of_messages())
        self.writes(self.caller, self.caller, 0)
        self.assertEqual(self.of_messages().res_id, answer.id)
        self.assertEqual(self.total(), (0, 1))

    def test_a_deleted_answer_costs_nothing(self):
        self.writes(self.caller, self.caller, 0)
        answer = self.writes(self.caller, self.tess.partner_id, 10)
        self.of_messages()
        answer.unlink()
        with freeze_time(MONDAY + timedelta(days=1)):
            self.Contact._forget_deleted("message", "mail.message")
        self.assertEqual(self.total(), (0, 0))
        self.assertEqual(self.entries(self.heavy)[-1].why, "It was deleted.")

    def test_an_estimate_is_labelled(self):
        self.always(self.policy, message_minutes=5)
        self.writes(self.caller, self.caller, 0)
        self.writes(self.caller, self.tess.partner_id, 10)
        entry = self.of_messages().entry_ids
        self.assertEqual((entry.minutes, entry.contacts, entry.estimated), (5, 1, True))
        self.assertIn("5 min are an estimate", entry.explanation)

    def test_an_answer_on_a_request_is_about_it_and_is_the_first_help(self):
        with freeze_time(MONDAY):
            request = self.env["crm.support.request"].create(
                {"name": "How?", "contact_id": self.caller.id, "company_id": self.company.id}
            )
        self.writes(request, self.tess.partner_id, 5)
        self.assertEqual(self.of_messages().request_id, request)
        self.assertEqual(request.helped_at, self.minutes_after(5))
        self.assertEqual(self.total(), (0, 1))

    def test_whoever_writes_a_message_pays_for_one_insert(self):
        vals = {"model": "res.partner", "res_id": self.caller.id, "message_type": "comment", "body": "…"}
        counts = []
        for kind in ("comment", "notification", "comment"):
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.env["mail.message"].create({**vals, "message_type": kind})
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[2], counts[1] + 1)

    def test_as_many_queries_for_many(self):
        counts = []
        for batch, size in enumerate((5, 5, 60)):
            people = self.env["res.partner"].create(
                [{"name": f"P{batch} {place}", "company_id": self.company.id} for place in range(size)]
            )
            for person in people:
                self.writes(person, person, 0)
                self.writes(person, self.tess.partner_id, 5)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.Contact._pull_messages()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[2], counts[1])


@tagged("post_install", "-at_install")
class TestUnanswered(SourceCase):
    def requests(self):
        return self.env["crm.support.request"].search([("partner_id", "=", self.heavy.id)])

    def night(self, at):
        with freeze_time(at):
            self.Contact._pull_messages()
            self.env["crm.support.request"]._ask_for_unanswered()

    def test_after_some_working_hours_it_is_a_request(self):
        message = self.writes(self.caller, self.caller, 0, Markup("<p>The pump leaks</p><p>Please call</p>"))
        # nine to one: four working hours are not over before
        self.night(MONDAY + timedelta(hours=3, minutes=59))
        self.assertFalse(self.requests())
        self.night(MONDAY + timedelta(hours=4, minutes=1))
        request = self.requests()
        self.assertEqual(
            (request.name, request.origin, request.state, request.waiting_since, request.message_id),
            ("The pump leaks", "message", "waiting", MONDAY, message),
        )
        self.assertEqual(request.contact_id, self.caller)
        self.night(MONDAY + timedelta(hours=5))
        self.assertEqual(self.requests(), request)
        # whoever answers it helps with it
        self.writes(self.caller, self.tess.partner_id, 300)
        self.night(MONDAY + timedelta(hours=6))
        self.assertEqual((request.state, request.helped_at), ("customer", self.minutes_after(300)))

    def test_nights_do_not_count(self):
        # two hours before the end of Monday: due on Tuesday at ten, here
        self.writes(self.caller, self.caller, 5 * 60 + 1)
        self.night(MONDAY + timedelta(hours=23))
        self.assertFalse(self.requests())
        self.night(MONDAY + timedelta(days=1, hours=2))
        self.assertEqual(len(self.requests()), 1)

    def test_an_answer_in_time_makes_none(self):
        self.writes(self.caller, self.caller, 0)
        self.writes(self.caller, self.rina.partner_id, 30)
        self.night(MONDAY + timedelta(days=1))
        self.assertFalse(self.requests())

    def test_one_that_is_open_is_about_it_too(self):
        with freeze_time(MONDAY):
            request = self.env["crm.support.request"].create(
                {"name": "How?", "contact_id": self.caller.id, "company_id": self.company.id}
            )
        message = self.writes(self.caller, self.caller, 0)
        self.night(MONDAY + timedelta(days=1))
        self.assertEqual((self.requests(), request.message_id), (request, message))

    def test_a_salespersons_conversation_is_none(self):
        lead = self.env["crm.lead"].create(
            {
                "name": "New pump",
                "partner_id": self.caller.id,
                "user_id": self.rina.id,
                "company_id": self.company.id,
                "team_id": self.team.id,
            }
        )
        self.writes(lead, self.caller, 0)
        self.night(MONDAY + timedelta(days=1))
        self.assertFalse(self.requests())

    def test_an_out_of_office_reply_is_none(self):
        if "crm_productivity_kind" in self.env["mail.message"]._fields:
            message = self.writes(self.caller, self.caller, 0)
            message.crm_productivity_kind = "automatic"
            self.night(MONDAY + timedelta(days=1))
            self.assertFalse(self.requests())

    def test_what_is_two_weeks_old_is_not_dug_out(self):
        self.writes(self.caller, self.caller, 0)
        with freeze_time(MONDAY):
            self.Contact._pull_messages()
        self.night(MONDAY + timedelta(days=15))
        self.assertFalse(self.requests())
        self.assertFalse(self.env["crm.support.unanswered"].search([("model", "=", "res.partner")]))

    def test_turned_off(self):
        self.company.crm_support_answer_hours = 0
        self.writes(self.caller, self.caller, 0)
        self.night(MONDAY + timedelta(days=1))
        self.assertFalse(self.requests())

    def test_the_customers_word_on_a_request_makes_it_wait_again(self):
        with freeze_time(MONDAY):
            request = self.env["crm.support.request"].create(
                {"name": "How?", "contact_id": self.caller.id, "company_id": self.company.id}
            )
            request.action_done()
        self.writes(request, self.caller, 90)
        self.night(MONDAY + timedelta(hours=2))
        self.assertEqual((request.state, request.waiting_since), ("waiting", self.minutes_after(90)))

    def test_a_hostile_message_names_a_request_in_plain_words(self):
        self.writes(self.caller, self.caller, 0, Markup("<img src=x onerror=alert(1)>") + "Help " * 100)
        self.night(MONDAY + timedelta(days=1))
        self.assertNotIn("<", self.requests().name)
        self.assertLessEqual(len(self.requests().name), 80)


@tagged("post_install", "-at_install")
class TestPulled(SourceCase):
    def line(self, ident, minutes):
        """A contact as a line of a timesheet makes it, where no timesheets are installed."""
        return self.Contact.create(
            {
                "company_id": self.company.id,
                "source": "timesheet",
                "res_model": "account.analytic.line",
                "res_id": ident,
                "contact_id": self.caller.id,
                "partner_id": self.heavy.id,
                "user_id": self.tess.id,
                "at": MONDAY.replace(hour=11),
                "minutes": minutes,
            }
        )

    def test_a_timesheet_and_a_call_of_the_same_work_count_once(self):
        self.patch(type(self.Contact), "_has_timesheets", lambda _self: True)
        (self.line(1, 30) | self.line(2, 20))._settle()
        self.assertEqual(self.total(), (50, 0))
        self.helped("a", 40)
        # line 1 is covered, of line 2 remain 20 − 10; 40 + 0 + 10
        self.assertEqual(self.total(), (50, 1))
        # of another technician: that was other work
        self.helped("b", 15, self.minutes_after(120), phone="102")
        self.assertEqual(self.total(), (65, 2))
        standing = [one for one in self.entries(self.heavy) if one.source == "timesheet" and not one.reversed]
        self.assertIn("10 min of it were counted with a call", standing[-1].explanation)

    def test_timesheets_where_they_are_installed(self):
        if not self.Contact._has_timesheets():
            self.assertEqual(self.Contact._prepare_timesheet_vals([1]), ("account.analytic.line", {}))
            return
        project = self.env["project.project"].create(
            {"name": "Help", "partner_id": self.heavy.id, "company_id": self.company.id, "allow_timesheets": True}
        )
        employee = self.env["hr.employee"].create(
            {"name": "Tess", "user_id": self.tess.id, "company_id": self.company.id}
        )
        line = self.env["account.analytic.line"].create(
            {
                "name": "…",
                "project_id": project.id,
                "employee_id": employee.id,
                "unit_amount": 0.5,
                "date": MONDAY.date(),
            }
        )
        self.env.flush_all()
        self.Contact._take("timesheet", line.ids)
        self.assertEqual(self.total(), (30, 0))
        self.helped("a", 20)
        self.assertEqual(self.total(), (30, 1))
        line.unlink()
        with freeze_time(MONDAY + timedelta(days=1)):
            self.Contact._forget_deleted("timesheet", "account.analytic.line")
        self.assertEqual(self.total(), (20, 1))

    def test_chats_where_they_are_installed(self):
        if not self.Contact._has_chats():
            self.assertEqual(self.Contact._prepare_chat_vals([1]), ("discuss.channel", {}))
            return
        chat = self.env["discuss.channel"].create(
            {"name": "…", "channel_type": "livechat", "livechat_operator_id": self.tess.partner_id.id}
        )
        chat._add_members(partners=self.caller)
        # as the button on a web page does for a customer who is logged in there
        chat.channel_member_ids.filtered(
            lambda member: member.partner_id == self.caller
        ).livechat_member_type = "visitor"
        self.env.flush_all()
        self.assertFalse(self.Contact._take("chat", chat.ids), "it goes on")
        chat.livechat_end_dt = chat.create_date + timedelta(minutes=7)
        contact = self.Contact._take("chat", chat.ids)
        self.assertEqual((contact.minutes, contact.partner_id, contact.user_id), (7, self.heavy, self.tess))

    def test_the_calls_of_the_last_weeks_are_taken_once(self):
        self.helped("old", 10)
        contact = self.Contact.search([("call_id.call_ref", "=", "old")])
        # as if it had been there before this addon was
        self.env.cr.execute("DELETE FROM crm_support_entry WHERE support_contact_id = %s", [contact.id])
        self.env.cr.execute("DELETE FROM crm_support_contact WHERE id = %s", [contact.id])
        self.env.invalidate_all()
        self.env["ir.config_parameter"].set_param("crm_support_budget.seen_call", False)
        with freeze_time(MONDAY + timedelta(days=3)):
            for _again in range(2):
                _taken, remaining = self.Contact._look_back()
                self.assertEqual((self.total(), remaining), ((10, 1), 0))


@tagged("post_install", "-at_install")
class TestOneRequest(SourceCase):
    def test_two_missed_calls_followed_up_at_once_make_one_request(self):
        self.deliver(missed("a", self.caller.phone, start=self.minutes_after(0).replace(tzinfo=timezone.utc)))
        request = self.env["crm.support.request"].search([("partner_id", "=", self.heavy.id)])
        self.assertTrue(request.awaits_call)
        # the other transaction does not see the first one's request: it fails, in a way that has it done again
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            request.copy({"awaits_call": True})
            self.env.flush_all()
        self.assertIn(UniqueViolation, CONFLICTS)
        request.action_serve()
        self.assertFalse(request.awaits_call)

    def test_customers_who_both_wait_are_merged_and_keep_both(self):
        for ref, number in (("a", self.caller.phone), ("b", self.light.phone)):
            self.deliver(missed(ref, number, start=self.minutes_after(0).replace(tzinfo=timezone.utc)))
        requests = self.env["crm.support.request"].search([("partner_id", "in", (self.heavy | self.light).ids)])
        self.assertEqual(len(requests), 2)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.heavy | self.light).ids, self.heavy)
        self.assertEqual(requests.exists().partner_id, self.heavy)
        self.assertEqual(len(requests.exists()), 2)

    def test_help_by_hand_is_the_first_help(self):
        with freeze_time(MONDAY):
            request = self.env["crm.support.request"].create(
                {"name": "How?", "contact_id": self.caller.id, "company_id": self.company.id}
            )
        self.Contact.with_user(self.tess)._by_hand(
            self.caller, 5, "On site", self.minutes_after(30), request=request, company=self.company
        )
        self.assertEqual(request.helped_at, self.minutes_after(30))
