import json
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from markupsafe import Markup

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import CUSTOMER, VoipCase, VoipHttpCase, answered, group, missed, outbound, told


def now(seconds=0):
    """A moment of which the bridge would tell now."""
    return datetime.now(timezone.utc).replace(microsecond=0) - timedelta(seconds=seconds)


def ringing(call="c", number=CUSTOMER, phones=("101",), name="", start=None):
    """A customer rings phones, and that is all so far."""
    lines = [f"0 started c PJSIP/trunk-00000001 {number} +31201000101"]
    for place, phone in enumerate(phones):
        lines += [f"0.1 started p{place} PJSIP/{phone}-0000000{place}", f"0.1 ringing p{place} c"]
    events = told(*lines, call=call, start=start or now())
    if name:
        events[0].data["name"] = name
    return events


def queued(call="q", start=None):
    """A caller waits in the queue; no phone rings yet."""
    return told(
        f"0 started c PJSIP/trunk-00000001 {CUSTOMER} +31201000110",
        "0 queued c support",
        call=call,
        start=start or now(),
    )


class CardCase(VoipCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_voip_card = True
        cls.channels = {
            json.dumps([cls.env.cr.dbname, "res.partner", user.partner_id.id], separators=(",", ":")): user
            for user in (cls.nadia, cls.tom, cls.rina, cls.jonas, cls.boss, cls.admin, cls.clerk)
        }

    def told_on_bus(self):
        """What was put on the bus since the last look.

        :return: ``[(user, payload), …]``, of the cards only
        """
        rows = self.env.cr.precommit.data.get("bus.bus.values", [])
        found = [(self.channels.get(row["channel"]), json.loads(row["message"])) for row in rows]
        rows.clear()
        return [(user, message["payload"]) for user, message in found if message["type"] == "crm_voip_bridge/call"]

    def states(self):
        """``{login: state}`` of what was put on the bus since the last look, the last one for each."""
        return {user.login: payload["state"] for user, payload in self.told_on_bus()}

    def as_user(self, user):
        """Calls as this person's web client asks for them, with whatever companies are ticked there."""
        return self.env["crm.voip.call"].with_user(user).with_context(allowed_company_ids=user.company_id.ids)


@tagged("-at_install", "post_install")
class TestCardTold(CardCase):
    """Who is told what of a call, and when."""

    def test_off_as_delivered_says_nothing(self):
        self.assertFalse(self.env["res.company"].create({"name": "New"}).crm_voip_card)
        self.company.crm_voip_card = False
        self.deliver(ringing(phones=("101", "102")))
        self.assertFalse(self.told_on_bus())
        self.assertFalse(self.tom._crm_voip_session()["card"])
        self.company.crm_voip_card = True
        self.assertTrue(self.tom._crm_voip_session()["card"])
        self.assertFalse(self.clerk._crm_voip_session()["card"])

    def test_a_ring_carries_all_that_the_head_shows(self):
        company = self.env["res.partner"].create({"name": "Dairy", "is_company": True})
        partner = self.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER, "parent_id": company.id})
        start = now()
        self.deliver(ringing(start=start))
        ((user, head),) = self.told_on_bus()
        self.assertEqual(user, self.tom)
        expected = {
            "id": self.calls().id,
            "state": "ringing",
            "direction": "inbound",
            "label": "Ada",
            "company": "Dairy",
            "number": "+1 202-555-0101",
            "country": "US",
            "partner_id": partner.id,
            "several": False,
            "took_part": False,
            "user_name": False,
            "started_at": fields.Datetime.to_string(start.replace(tzinfo=None)),
            "answered_at": False,
        }
        self.assertEqual({name: head[name] for name in expected}, expected)
        self.assertLess(abs(fields.Datetime.to_datetime(head["now"]) - fields.Datetime.now()), timedelta(seconds=5))

    def test_time_is_the_pbxs(self):
        """A bridge whose clock is ten minutes ahead: what it tells is fresh, and clocks on cards are right."""
        bridge = {"id": "b", "version": "", "pbx": "", "waiting": 0}
        self.env["crm.voip.pbx.state"]._note(self.pbx, bridge, 600.0, True)
        self.env["crm.voip.pbx.state"]._note(self.pbx, {**bridge, "id": "old"}, -7000.0, True)
        self.env.cr.execute("UPDATE crm_voip_pbx_state SET seen_at = seen_at - interval '1 hour' WHERE bridge = 'old'")
        self.env.invalidate_all()
        self.deliver(ringing(start=now(-600)))
        ((_user, head),) = self.told_on_bus()
        ahead = fields.Datetime.to_datetime(head["now"]) - fields.Datetime.now()
        self.assertLess(abs(ahead.total_seconds() - 600), 5)
        self.deliver(ringing("older", start=now()))
        self.assertFalse(self.told_on_bus())

    def test_ringing_talking_ended(self):
        events = answered(start=now(65))
        self.deliver(events[:3])
        self.assertEqual(self.states(), {"voip_tom": "ringing"})
        self.deliver(events[3:8])
        ((user, head),) = self.told_on_bus()
        self.assertEqual((user, head["state"], head["user_name"]), (self.tom, "talking", self.tom.name))
        self.assertTrue(head["answered_at"])
        self.deliver(events[8:])
        ((user, head),) = self.told_on_bus()
        self.assertEqual((user, head["state"], head["took_part"]), (self.tom, "ended", True))
        self.assertTrue(head["ended_at"])

    def test_a_group_hears_who_took_it(self):
        events = group(start=now(30), losers=("102", "103"))
        events = [event for event in events if event.at <= now()]
        self.deliver(events[:7])
        self.assertEqual(self.states(), dict.fromkeys(("voip_tom", "voip_rina", "voip_nadia"), "ringing"))
        self.deliver(events[7:])
        told_now = dict(self.told_on_bus())
        self.assertEqual(
            {user.login: head["state"] for user, head in told_now.items()},
            {"voip_tom": "talking", "voip_rina": "taken", "voip_nadia": "taken"},
        )
        self.assertEqual(told_now[self.rina]["taken_by"], self.tom.name)
        # later, it is none of theirs
        with patch.object(fields.Datetime, "now", lambda: (now() + timedelta(minutes=4)).replace(tzinfo=None)):
            self.deliver(
                told("260 unbridged p0 b", "260 unbridged c b", "260 ended p0 16", "260 ended c 16", start=now(30))
            )
            self.assertEqual(self.states(), {"voip_tom": "ended"})

    def test_nobody_took_it(self):
        self.deliver(missed(phones=("101", "102"), start=now(21)))
        self.assertEqual(
            {(user, head["state"], head["took_part"]) for user, head in self.told_on_bus()},
            {(self.tom, "ended", False), (self.rina, "ended", False)},
        )

    def test_outbound_is_the_callers_also_unanswered(self):
        events = outbound(start=now(40))
        self.deliver(events[:3])
        ((user, head),) = self.told_on_bus()
        self.assertEqual((user, head["state"], head["role"], head["took_part"]), (self.tom, "ringing", "caller", False))
        self.deliver(events[3:8])
        self.assertEqual(self.states(), {"voip_tom": "talking"})
        self.deliver(events[8:])
        self.assertEqual(self.states(), {"voip_tom": "ended"})
        lines = [
            f"0 started c PJSIP/101-00000001 101 {CUSTOMER}",
            f"0.1 started p PJSIP/trunk-00000002 {CUSTOMER}",
            "0.1 ringing p c",
            "9 dial_ended p BUSY c",
            "9 ended p 17",
            "9 ended c 17",
        ]
        self.deliver(told(*lines, call="busy", start=now(9)))
        ((user, head),) = self.told_on_bus()
        self.assertEqual((head["state"], head["took_part"], head["disposition"]), ("ended", True, "busy"))

    def test_a_transfer_hands_the_card_over(self):
        start = now(40)
        self.deliver(answered(start=start)[:8])
        self.told_on_bus()
        lines = [
            "20 transferred p blind c",
            "20 unbridged p b",
            "20 unbridged c b",
            "20.1 ended p 16",
            "20.2 started r PJSIP/102-00000009",
            "20.2 ringing r c",
        ]
        self.deliver(told(*lines, start=start))
        told_now = dict(self.told_on_bus())
        self.assertEqual((told_now[self.rina]["state"], told_now[self.tom]["state"]), ("ringing", "ended"))
        self.assertTrue(told_now[self.tom]["took_part"])
        self.deliver(
            told("25 answered r", "25 dial_ended r ANSWER c", "25 bridged r b2", "25 bridged c b2", start=start)
        )
        told_now = dict(self.told_on_bus())
        self.assertEqual((told_now[self.rina]["state"], told_now[self.tom]["state"]), ("talking", "ended"))
        # whose call it is now
        self.assertEqual(told_now[self.tom]["user_name"], self.rina.name)

    def test_a_consultation_goes_on_as_the_customers_call(self):
        start = now(40)
        self.deliver(answered("a", start=start)[:8])
        lines = ["10 started c PJSIP/101-00000005 101 102", "10 started p PJSIP/102-00000006", "10 ringing p c"]
        self.deliver(told(*lines, call="b", start=start))
        consultation = self.calls("b")
        states = {(user, head["id"]): head for user, head in self.told_on_bus()}
        self.assertEqual(states[self.rina, consultation.id]["state"], "ringing")
        # the other side of an internal call is another one for each
        self.assertEqual(states[self.rina, consultation.id]["label"], self.tom.name)
        self.assertEqual(states[self.tom, consultation.id]["label"], self.rina.name)
        gone = consultation.id
        self.deliver(told("20 transferred c attended a+b", call="a", start=start))
        merged = [(user, head) for user, head in self.told_on_bus() if head["state"] == "merged"]
        self.assertIn((self.rina, {"id": gone, "state": "merged", "into": self.calls("a").id}), merged)

    def test_a_colleague_on_the_phone_is_no_paperwork(self):
        lines = [
            "0 started c PJSIP/101-00000001 101 102",
            "0.1 started p PJSIP/102-00000002",
            "0.1 ringing p c",
            "3 answered p",
            "3 dial_ended p ANSWER c",
            "3 bridged p b",
            "3 bridged c b",
        ]
        end = ["9 unbridged p b", "9 unbridged c b", "9 ended p 16", "9 ended c 16"]
        self.deliver(told(*lines, start=now(9)))
        self.assertEqual(self.states(), {"voip_tom": "talking", "voip_rina": "talking"})
        self.deliver(told(*end, start=now(9)))
        for _user, head in self.told_on_bus():
            self.assertEqual((head["state"], head["took_part"]), ("ended", False))

    def test_what_is_old_is_no_news(self):
        self.deliver(ringing("old", start=now(1000)))
        self.deliver(answered("older", start=now(1000)))
        self.assertFalse(self.told_on_bus())
        # but the end of a call that was seen to begin is, though nobody knows when it was
        self.deliver(ringing("lost", start=now(5)))
        call = self.calls("lost")
        self.told_on_bus()
        self.env["crm.voip.journal"]._enter(call, "closed", {"reason": "gone"})
        call._fold(self.pbx, call._refs())
        self.assertEqual(self.states(), {"voip_tom": "ended"})

    def test_only_for_those_who_may_see_calls(self):
        self.phones["101"].user_id = self.clerk
        self.deliver(ringing(phones=("101", "105")))
        self.assertFalse(self.told_on_bus())

    def test_names_and_numbers(self):
        self.deliver(ringing("odd", name='<img src=x onerror="alert(1)">'))
        ((_user, head),) = self.told_on_bus()
        self.assertEqual((head["label"], head["name"]), (False, '<img src=x onerror="alert(1)">'))
        self.deliver(ringing("hidden", number="anonymous"))
        ((_user, head),) = self.told_on_bus()
        self.assertEqual((head["number"], head["country"], head["partner_id"]), (False, False, False))
        both = self.env["res.partner"].create([{"name": name, "phone": "+1 202-555-0150"} for name in ("A", "B")])
        self.deliver(ringing("shared", number="+12025550150"))
        ((_user, head),) = self.told_on_bus()
        self.assertTrue(head["several"])
        self.assertFalse(head["label"])
        # a pick in the middle of a long call is news, too
        call = self.calls("shared")
        with patch.object(fields.Datetime, "now", lambda: (now() + timedelta(hours=1)).replace(tzinfo=None)):
            call.with_user(self.tom).action_pick(both[1].id)
        self.assertEqual(self.told_on_bus()[-1][1]["label"], "B")

    def test_lead_without_contact(self):
        self.env["crm.lead"].create(
            {
                "name": "Asked for a quotation",
                "partner_name": "Aurora",
                "phone": CUSTOMER,
                "company_id": self.company.id,
                "team_id": self.team.id,
            }
        )
        self.deliver(ringing())
        ((_user, head),) = self.told_on_bus()
        self.assertEqual((head["label"], head["company"]), ("Aurora", False))

    def test_as_many_queries_for_many_as_for_few(self):
        self.rina.crm_voip_card_queue = True
        self.env["crm.voip.queue"]._note(self.pbx, "b", {"support": ["102"]})
        people = [{"name": f"C{place}", "phone": f"+1202555{place:04}"} for place in range(500)]
        self.env["res.partner"].create(people)

        def cost(prefix, count):
            events = []
            for place in range(count):
                make = queued if place % 5 == 0 else ringing
                extra = {} if make is queued else {"phones": ("101", "103"), "number": f"+1202555{place:04}"}
                events += make(f"{prefix}{place}", **extra)
            self.env.flush_all()
            self.env.invalidate_all()
            with patch.object(type(self.env["crm.voip.call"]), "_card_tell", lambda *args, **kwargs: None):
                calls = self.deliver(events)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            calls._card_tell()
            return self.env.cr.sql_log_count - before, len(self.told_on_bus())

        cost("warm", 10)
        few, told_few = cost("few", 10)
        many, told_many = cost("many", 500)
        self.assertEqual((told_few, told_many), (2 + 8 * 2, 100 + 400 * 2))
        self.assertEqual(many, few)
        self.company.crm_voip_card = False
        off, told_off = cost("off", 10)
        self.assertEqual(told_off, 0)
        # the calls and their company, which the fold has read anyway
        self.assertLessEqual(off, 2)


@tagged("-at_install", "post_install")
class TestCardQueue(CardCase):
    """Calls that wait in a queue, for those who serve it and wish to see them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.voip.queue"]._note(cls.pbx, "bridge", {"support": ["102", "104", "109"], "sales": ["101"]})
        cls.rina.crm_voip_card_queue = True

    def test_waiting_calls_are_for_members_who_wish(self):
        self.deliver(queued())
        ((user, head),) = self.told_on_bus()
        self.assertEqual((user, head["state"], head["queue"], head["role"]), (self.rina, "queued", "support", "queue"))

    def test_taken_by_a_colleague(self):
        start = now(9)
        self.deliver(queued(start=start))
        lines = ["1 started p PJSIP/104-00000002", "1 ringing p c"]
        self.deliver(told(*lines, call="q", start=start))
        self.assertEqual(self.states(), {"voip_rina": "queued", "voip_jonas": "ringing"})
        lines = ["4 answered p", "4 dial_ended p ANSWER c", "4 unqueued c support", "4 bridged p b", "4 bridged c b"]
        self.deliver(told(*lines, call="q", start=start))
        told_now = dict(self.told_on_bus())
        self.assertEqual((told_now[self.rina]["state"], told_now[self.jonas]["state"]), ("taken", "talking"))
        self.assertEqual(told_now[self.rina]["taken_by"], self.jonas.name)

    def test_between_two_rings_it_waits(self):
        start = now(20)
        self.deliver(queued(start=start))
        lines = [f"1 started p{n} PJSIP/{n}-0000000{n}\n1 ringing p{n} c" for n in (102, 104)]
        self.deliver(told(*"\n".join(lines).split("\n"), call="q", start=start))
        self.assertEqual(self.states(), {"voip_rina": "ringing", "voip_jonas": "ringing"})
        lines = [f"15 dial_ended p{n} NOANSWER c\n15 ended p{n} 19" for n in (102, 104)]
        self.deliver(told(*"\n".join(lines).split("\n"), call="q", start=start))
        # who does not wish to see waiting calls sees it again when it rings again
        self.assertEqual(self.states(), {"voip_rina": "queued", "voip_jonas": "ended"})

    def test_given_up(self):
        start = now(9)
        self.deliver(queued(start=start))
        self.told_on_bus()
        self.deliver(told("8 hangup_requested c", "8 abandoned c support", "8 ended c 16", call="q", start=start))
        ((user, head),) = self.told_on_bus()
        self.assertEqual((user, head["state"], head["took_part"]), (self.rina, "ended", False))

    def test_details_only_for_members_and_only_while_it_waits(self):
        self.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER})
        start = now(9)
        self.deliver(queued(start=start))
        call = self.calls("q")
        details = self.as_user(self.jonas).card_details(call.id)
        self.assertEqual(details["contact"]["name"], "Ada")
        self.assertFalse(details["can"]["pick"] or details["can"]["hangup"] or details["can"]["new_lead"])
        with self.assertRaises(AccessError):
            self.as_user(self.tom).card_details(call.id)
        with self.assertRaises(AccessError):
            self.as_user(self.jonas).card_pick(call.id)
        self.deliver(told("8 hangup_requested c", "8 abandoned c support", "8 ended c 16", call="q", start=start))
        with self.assertRaises(AccessError):
            self.as_user(self.jonas).card_details(call.id)

    def test_kept_as_the_bridges_say(self):
        Queue = self.env["crm.voip.queue"]

        def known():
            rows = Queue.search([("pbx_id", "=", self.pbx.id)])
            return {(row.bridge, row.name): row.members for row in rows}

        head = {"version": "", "pbx": "", "waiting": 0}
        for bridge in ("bridge", "other"):
            self.env["crm.voip.pbx.state"]._note(self.pbx, {**head, "id": bridge}, 0.0, False)
        Queue._note(self.pbx, "other", {"support": ["103"]})
        self.assertEqual(known()["bridge", "sales"], "101")
        # both servers' members serve it
        key = (self.pbx.id, "support")
        self.assertEqual(Queue._servers(self.pbx, ["support"])[key], self.rina | self.jonas | self.nadia)
        Queue._note(self.pbx, "bridge", {"support": []})
        self.assertEqual(Queue._servers(self.pbx, ["support"])[key], self.nadia)
        self.assertNotIn(("bridge", "sales"), known())
        # a bridge of which nothing was heard for long counts no more
        self.env.cr.execute(
            "UPDATE crm_voip_pbx_state SET seen_at = seen_at - interval '2 hours' WHERE bridge = 'other'"
        )
        Queue._note(self.pbx, "bridge", {"support": ["102"]})
        self.assertEqual(known(), {("bridge", "support"): "102"})
        before = self.env.cr.sql_log_count
        Queue._note(self.pbx, "bridge", {"support": ["102"]})
        self.assertEqual(self.env.cr.sql_log_count - before, 1, "what did not change is not written")

    def test_wish_is_ones_own(self):
        self.tom.with_user(self.tom).crm_voip_card_queue = True
        self.assertTrue(self.tom.with_user(self.tom).read(["crm_voip_card_queue"])[0]["crm_voip_card_queue"])
        with self.assertRaises(AccessError):
            self.rina.with_user(self.tom).crm_voip_card_queue = False


@tagged("-at_install", "post_install")
class TestCardAsked(CardCase):
    """What the card asks Odoo, with whose rights."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dairy = cls.env["res.partner"].create({"name": "Dairy", "is_company": True})
        cls.ada = cls.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER, "parent_id": cls.dairy.id})

    def lead(self, **values):
        return self.env["crm.lead"].create(
            {
                "type": "opportunity",
                "company_id": self.company.id,
                "user_id": self.tom.id,
                "name": "Deal",
                "team_id": self.team.id,
                **values,
            }
        )

    def test_after_a_reload(self):
        start = now(60)
        self.deliver(answered("mine", start=start)[:8], answered("rinas", phone="102", start=start)[:8])
        self.deliver(ringing("rings"), missed("over", start=now(50)), ringing("stale", start=now(13 * 3600)))
        heads = {head["id"]: head for head in self.as_user(self.tom).card_current()}
        self.assertEqual({key: head["state"] for key, head in heads.items()},
                         {self.calls("mine").id: "talking", self.calls("rings").id: "ringing"})  # fmt: skip
        self.company.crm_voip_card = False
        self.assertFalse(self.as_user(self.tom).card_current())
        self.assertFalse(self.as_user(self.clerk).card_current())

    def test_after_a_reload_with_paperwork_left(self):
        self.deliver(answered(start=now(70)))
        call = self.calls()
        self.assertFalse(self.as_user(self.tom).card_current())
        desk = self.env["crm.voip.wrapup"].with_user(self.tom).with_context(allowed_company_ids=self.company.ids)
        desk.desk_shown(call.id)
        (head,) = self.as_user(self.tom).card_current()
        self.assertEqual((head["id"], head["state"], head["took_part"]), (call.id, "ended", True))
        desk.desk_close(call.id, "closed")
        self.assertFalse(self.as_user(self.tom).card_current())

    def test_waiting_calls_after_a_reload(self):
        self.env["crm.voip.queue"]._note(self.pbx, "bridge", {"support": ["102"]})
        self.deliver(queued())
        self.assertFalse(self.as_user(self.rina).card_current())
        self.rina.crm_voip_card_queue = True
        self.assertEqual([head["state"] for head in self.as_user(self.rina).card_current()], ["queued"])
        self.tom.crm_voip_card_queue = True
        self.assertFalse(self.as_user(self.tom).card_current())

    def test_details(self):
        lead = self.lead(name="Scales", partner_id=self.ada.id, expected_revenue=1200)
        self.lead(name="Of the company", partner_id=self.dairy.id)
        self.lead(name="A colleague's", partner_id=self.ada.id, user_id=self.rina.id)
        self.lead(name="Lost", partner_id=self.ada.id).action_set_lost()
        self.deliver(answered("before", start=now(7200)), answered("rinas", phone="102", start=now(3600)))
        self.ada.message_post(body=Markup("<p>The <b>quotation</b> is on its way</p>"), message_type="comment")
        self.ada.message_post(body="Nothing that anybody wrote", message_type="notification")
        activity = lead.activity_schedule("mail.mail_activity_data_call", user_id=self.tom.id, summary="Ask about it")
        bridge = {"id": "bridge", "version": "", "pbx": "connected", "waiting": 0}
        self.env["crm.voip.pbx.state"]._note(self.pbx, bridge, 0.0, True)
        self.env.invalidate_all()
        self.deliver(ringing("now"))
        call = self.calls("now")
        details = self.as_user(self.tom).card_details(call.id)
        self.assertEqual({one["name"] for one in details["opportunities"]}, {"Scales", "Of the company"})
        scales = next(one for one in details["opportunities"] if one["id"] == lead.id)
        self.assertEqual(scales["stage"], lead.stage_id.name)
        self.assertIn("1,200", scales["amount"])
        self.assertEqual([one["id"] for one in details["calls"]], self.calls("before").ids)
        self.assertEqual((details["calls"][0]["result"], details["calls"][0]["talk"]), ("Answered", "1:00"))
        self.assertEqual([one["text"] for one in details["messages"]], ["The quotation is on its way"])
        self.assertEqual((details["activity"]["name"], details["activity"]["id"]), ("Ask about it", lead.id))
        self.assertEqual(details["activity"]["date"], fields.Date.to_string(activity.date_deadline))
        self.assertEqual(details["cap"], 120)
        self.assertTrue(details["can"]["hangup"] and not details["can"]["transfer"])
        # a card tells no colleague's figures: no name comes with earlier calls
        self.assertNotIn(self.rina.name, json.dumps(details["calls"]))

    def test_many_opportunities_are_counted(self):
        for place in range(7):
            self.lead(name=f"Deal {place}", partner_id=self.ada.id)
        details = self.as_user(self.tom).card_details(self.deliver_one(ringing()).id)
        self.assertEqual((len(details["opportunities"]), details["more_opportunities"]), (4, 3))

    def test_customer_that_one_may_not_see(self):
        other = self.env["res.company"].create({"name": "Other"})
        lead = self.lead(name="Secret", partner_id=self.ada.id, user_id=self.rina.id)
        self.ada.message_post(body="Ours alone", message_type="comment")
        call = self.deliver_one(ringing())
        self.assertEqual(call.lead_id, lead)
        self.ada.sudo().company_id = other
        details = self.as_user(self.tom).card_details(call.id)
        self.assertFalse(
            details["contact"] or details["opportunities"] or details["messages"] or details["can"]["open"]
        )

    def test_details_of_a_colleagues_call_are_refused(self):
        self.deliver(ringing(phones=("102",)))
        call = self.calls()
        for method, *args in (("card_details",), ("card_pick",), ("card_action", "new_contact")):
            with self.assertRaises(AccessError):
                getattr(self.as_user(self.tom), method)(call.id, *args)
            with self.assertRaises(AccessError):
                getattr(self.as_user(self.clerk), method)(call.id, *args)
        with self.assertRaises(AccessError):
            self.as_user(self.tom).card_details(call.id + 1000)
        # a leader may open any of the team's calls, and whoever's it is finds that in their log
        looks = self.env["crm.voip.people.log"].search_count([("person_id", "=", self.rina.id)])
        self.as_user(self.nadia).card_details(call.id)
        self.as_user(self.rina).card_details(call.id)
        self.assertEqual(self.env["crm.voip.people.log"].search_count([("person_id", "=", self.rina.id)]), looks + 1)

    def test_whichever_company_is_ticked(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.tom.company_ids += other
        call = self.deliver_one(ringing())
        ticked = self.env["crm.voip.call"].with_user(self.tom).with_context(allowed_company_ids=other.ids)
        self.assertEqual([head["id"] for head in ticked.card_current()], call.ids)
        self.assertEqual(ticked.card_details(call.id)["contact"]["name"], self.ada.display_name)

    def test_pick(self):
        both = self.env["res.partner"].create([{"name": name, "phone": "+1 202-555-0150"} for name in ("A", "B")])
        call = self.deliver_one(ringing("shared", number="+12025550150"))
        details = self.as_user(self.tom).card_details(call.id)
        self.assertEqual([(one["model"], one["name"]) for one in details["candidates"]],
                         [("res.partner", "A"), ("res.partner", "B")])  # fmt: skip
        details = self.as_user(self.tom).card_pick(call.id, both[1].id, remember=True)
        self.assertEqual((details["contact"]["id"], details["candidates"]), (both[1].id, []))
        self.assertEqual((call.partner_id, call.match_state), (both[1], "picked"))
        self.assertEqual(self.deliver_one(ringing("again", number="+12025550150")).partner_id, both[1])


@tagged("-at_install", "post_install")
class TestCardNew(CardCase):
    """A contact or lead made from the card takes the call, and the earlier unmatched ones of its number."""

    def setUp(self):
        super().setUp()
        self.deliver(answered("before", start=now(7200)), answered("rinas", phone="102", start=now(3600)))
        self.call = self.deliver_one(ringing("now", name="Ada from abroad"))

    def fill_in(self, user, action, **values):
        """What the form does: defaults and context of the action, then what the person typed."""
        context = {**action["context"], "allowed_company_ids": user.company_ids.ids}
        model = self.env[action["res_model"]].with_user(user).with_context(**context)
        defaults = model.default_get(["name", "phone", "contact_name", "partner_id", "type"])
        return model.create({**defaults, **values})

    def test_new_contact(self):
        action = self.as_user(self.tom).card_action(self.call.id, "new_contact")
        partner = self.fill_in(self.tom, action, child_ids=[(0, 0, {"name": "Bob"})])
        self.assertEqual((partner.name, partner.phone), ("Ada from abroad", CUSTOMER))
        self.assertEqual((self.call.partner_id, self.call.match_state), (partner, "picked"))
        self.assertEqual(self.calls("before").partner_id, partner)
        # whoever cannot see a call takes nothing
        self.assertFalse(self.calls("rinas").partner_id)
        # what is created with the same form later on is somebody else
        self.assertFalse(
            partner.child_ids.env.context.get("crm_voip_call_id") and partner.child_ids == self.call.partner_id
        )
        self.assertEqual(self.told_on_bus()[-1][1]["label"], partner.name)

    def test_new_lead(self):
        action = self.as_user(self.tom).card_action(self.call.id, "new_lead")
        lead = self.fill_in(self.tom, action, name="Asked for scales")
        self.assertEqual((lead.phone, lead.contact_name), (CUSTOMER, "Ada from abroad"))
        self.assertEqual(self.calls("now", "before").lead_id, lead)

    def test_new_lead_of_a_known_customer(self):
        partner = self.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER})
        call = self.deliver_one(ringing("known"))
        self.assertEqual(call.partner_id, partner)
        lead = self.fill_in(self.tom, self.as_user(self.tom).card_action(call.id, "new_lead"))
        self.assertEqual((lead.partner_id, call.lead_id, call.partner_id), (partner, lead, partner))

    def test_another_number_typed(self):
        action = self.as_user(self.tom).card_action(self.call.id, "new_contact")
        partner = self.fill_in(self.tom, action, phone="+1 202-555-0177")
        self.assertEqual((self.call.partner_id, self.calls("before").partner_id), (partner, partner))

    def test_context_opens_nothing(self):
        for value in (self.call.id, "x", [self.call.id], self.call.id + 1000):
            partner = (
                self.env["res.partner"].with_user(self.rina).with_context(crm_voip_call_id=value).create({"name": "E"})
            )
            self.assertTrue(partner)
        self.assertFalse(self.call.partner_id)
        two = self.env["res.partner"].with_user(self.tom).with_context(crm_voip_call_id=self.call.id)
        two.create([{"name": "E"}, {"name": "F"}])
        self.assertFalse(self.call.partner_id)


@tagged("-at_install", "post_install")
class TestCardBridge(VoipHttpCase):
    """A bridge says who serves the queues."""

    def members(self):
        queues = self.env["crm.voip.queue"].search([("pbx_id", "=", self.pbx.id)])
        return {queue.name: queue.numbers or [] for queue in queues}

    def test_queues(self):
        self.send(queues={"support": ["102", "101"], "empty": []})
        self.assertEqual(self.members(), {"support": ["101", "102"], "empty": []})
        # a batch that says nothing of them changes nothing
        self.send(answered())
        self.assertEqual(len(self.members()), 2)
        self.send(queues={})
        self.assertFalse(self.members())

    def test_nonsense_is_refused(self):
        for queues in ([], {"support": "101"}, {"": []}, {"x" * 200: []}, None, {str(n): [] for n in range(1001)}):
            self.assertEqual(self.post("events", self.content(queues=queues)).status_code, 422, queues)
        self.send(queues={"support": ["101", "abc", 7, None, "1" * 16, "\u0661"]})
        self.assertEqual(self.members(), {"support": ["101"]})
