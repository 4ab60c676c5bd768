from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models import transaction
from .common import START, VoipCase, VoipHttpCase, answered, group, missed, told
from .test_concurrency import RaceCase

MEASURED = (
    "direction", "disposition", "started_at", "answered_at", "ended_at", "ivr_s", "queue_s", "ring_s", "hold_s",
    "talk_s", "from_number", "to_number", "outside_e164", "partner_id", "user_id", "notes", "write_date",
)  # fmt: skip
LEG = ("number", "role", "outcome", "offered_at", "answered_at", "left_at", "talk_s", "user_id")


def picture(calls):
    return [
        (*(call[name] for name in MEASURED), *(tuple(leg[name] for name in LEG) for leg in call.leg_ids))
        for call in calls
    ]


@tagged("-at_install", "post_install")
class TestCompacted(VoipCase):
    """A call without its PBX record stays what it was, whatever is said of it later."""

    def compact(self, calls, before=None):
        self.env.flush_all()
        return set(self.env["crm.voip.compacted"]._compact(self.pbx, calls.ids, before))

    def entries(self, *refs):
        self.env.cr.execute(
            "SELECT count(*) FROM crm_voip_journal WHERE pbx_id = %s AND call_ref = ANY(%s)", (self.pbx.id, list(refs))
        )
        return self.env.cr.fetchone()[0]

    def test_nothing_changes_and_repeats_are_known(self):
        stories = {"a": answered("a"), "g": group("g"), "m": missed("m", phones=("101", "102"))}
        self.deliver(*stories.values())
        calls = self.calls()
        before = picture(calls)
        self.assertEqual(self.compact(calls), set(calls.ids))
        self.assertEqual(self.entries(*stories), 0)
        self.assertTrue(all(calls.mapped("frozen")))
        self.assertFalse(self.env["crm.voip.call.ref"].search([("pbx_id", "=", self.pbx.id), ("is_leg", "=", True)]))
        journal = self.env["crm.voip.journal"]
        for events in stories.values():
            refused = []
            self.assertEqual(journal._take(self.pbx, [*events, *reversed(events)], refused), [])
            self.assertEqual(refused, [])
        calls.action_recalculate()
        self.env["crm.voip.call"]._fold_waiting()
        self.env.invalidate_all()
        self.assertEqual(picture(self.calls()), before)

    def test_anything_else_is_refused(self):
        self.deliver(answered("a"), answered("b"))
        self.compact(self.calls("a"))
        before = picture(self.calls("a"))
        new = told("70 held p", call="a")
        merging = told("80 transferred c attended a+b", call="b")
        refused = []
        fresh = self.env["crm.voip.journal"]._take(self.pbx, [*new, *merging, *answered("d")], refused)
        self.assertEqual({event.call for event in fresh}, {"d"})
        self.assertEqual([event for event, _why in refused], [*new, *merging])
        self.env["crm.voip.call"]._fold(self.pbx, ["a", "b", "d"])
        self.assertEqual(picture(self.calls("a")), before)
        self.assertEqual(self.calls("b").disposition, "answered")

    def test_even_a_fold_that_gets_through_changes_nothing(self):
        self.deliver(answered("a"))
        call = self.calls("a")
        self.compact(call)
        before = picture(call)
        # an event past the gate, as if it had come at the same moment
        self.env["crm.voip.journal"]._append(self.pbx, told("0 started c PJSIP/trunk-00000009 +12025550199", call="a"))
        self.env["crm.voip.call.ref"]._mark_refs(self.pbx, ["a"])
        self.env["crm.voip.call"]._fold(self.pbx, ["a"])
        self.env.invalidate_all()
        self.assertEqual(picture(self.calls("a")), before)

    def test_what_is_not_settled_waits(self):
        self.deliver(answered("old"), answered("new", start=START + timedelta(days=9)), answered("open")[:8])
        self.deliver(answered("marked"))
        self.env["crm.voip.call.ref"]._mark_refs(self.pbx, ["marked"])
        cut = START.replace(tzinfo=None) + timedelta(days=1)
        self.assertEqual(self.compact(self.calls(), cut), set(self.calls("old").ids))

    def test_calls_that_merged_go_together(self):
        self.deliver(answered("a"), answered("b"), told("30 transferred c attended a+b", call="a"))
        call = self.calls()
        self.assertEqual(len(call), 1)
        self.assertEqual(self.compact(call), set(call.ids))
        self.assertEqual(self.entries("a", "b"), 0)
        refused = []
        self.assertEqual(self.env["crm.voip.journal"]._take(self.pbx, [*answered("a"), *answered("b")], refused), [])
        self.assertEqual(refused, [])

    def test_who_it_was_is_not_changed_any_more(self):
        self.deliver(answered("a"))
        self.compact(self.calls())
        with self.assertRaisesRegex(UserError, "older than its PBX record"):
            self.calls().with_user(self.tom).action_pick(self.company.partner_id.id)


@tagged("-at_install", "post_install")
class TestCompactedRace(RaceCase):
    """Something is said of a call while it is compacted: it is taken, or the call is frozen, and never both."""

    def compact(self):
        with self.environment() as env:
            pbx = env["crm.voip.pbx"].browse(self.pbx_id)

            def work(own):
                calls = own["crm.voip.call"].search([("pbx_id", "=", self.pbx_id), ("frozen", "=", False)])
                return own["crm.voip.compacted"]._compact(pbx.with_env(own), calls.ids)

            transaction.in_own_transaction(env, work)

    def test_late_event_and_repeat(self):
        for place in range(12):
            ref = f"late{place}"
            self.deliver(answered(ref))
            late = told("66 held p", call=ref)
            self.race(self.compact, lambda late=late: self.deliver(late), lambda ref=ref: self.deliver(answered(ref)))
        calls, _waiting = self.shape()
        self.assertEqual(calls, sorted((f"late{place}", "answered", 60.0, 1) for place in range(12)))
        with self.environment() as env:
            env.cr.execute(
                """SELECT call.frozen IS TRUE, EXISTS (SELECT FROM crm_voip_journal AS entry
                          WHERE entry.pbx_id = call.pbx_id AND entry.call_ref = call.call_ref)
                     FROM crm_voip_call AS call WHERE call.pbx_id = %s""",
                [self.pbx_id],
            )
            for frozen, has_record in env.cr.fetchall():
                self.assertNotEqual(frozen, has_record)


@tagged("-at_install", "post_install")
class TestCompactedAtTheDoor(VoipHttpCase):
    def test_answer_says_it_and_keeps_nothing(self):
        self.send(answered("a"))
        self.env["crm.voip.compacted"]._compact(self.pbx, self.calls().ids)
        self.env.flush_all()
        new = told("70 started x PJSIP/101-00000009 101 +12025550177", call="a")
        answer = self.send([*answered("a"), *new, *new])
        self.assertEqual((answer["accepted"], answer["known"], len(answer["refused"])), (0, 12, 2))
        self.assertEqual(answer["refused"][0]["index"], 13)
        self.assertIn("older", answer["refused"][0]["reason"])
        self.assertEqual((len(self.pbx.refused_ids), self.pbx.refused_ids.excerpt), (1, False))
