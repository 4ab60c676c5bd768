import itertools
from datetime import timedelta

from odoo.tests import tagged

from .common import CUSTOMER, OUR_NUMBER, START, VoipCase, answered, told

#: 101 has a customer, calls 102 to ask, and passes the customer on; the PBX joins two calls
FIRST = [
    f"0 started c PJSIP/trunk-00000001 {CUSTOMER} {OUR_NUMBER}",
    "0.1 started p PJSIP/101-00000002",
    "0.1 ringing p c",
    "5 answered p",
    "5 dial_ended p ANSWER c",
    "5 answered c",
    "5 bridged p b1",
    "5 bridged c b1",
]
SECOND = [
    "20 started q@x PJSIP/101-00000003 101 102",
    "20.1 started r@x PJSIP/102-00000004",
    "20.1 ringing r@x q",
    "25 answered r@x",
    "25 dial_ended r@x ANSWER q",
    "25 bridged q@x b2",
    "25 bridged r@x b2",
]
JOINED = [
    "30 transferred p attended c+x",
    "30 unbridged p b1",
    "30 unbridged q@x b2",
    "30 ended p 16",
    "30 ended q@x 16",
    "30.1 unbridged r@x b2",
    "30.1 bridged r b1",
    "90 unbridged r b1",
    "90 unbridged c b1",
    "90 ended r 16",
    "90 ended c 16",
]


@tagged("-at_install", "post_install")
class TestMerge(VoipCase):
    """Two calls become one: nothing of either is lost, and every id goes on pointing to it."""

    def setUp(self):
        super().setUp()
        self.first, self.second, self.joined = (told(*lines) for lines in (FIRST, SECOND, JOINED))

    def pointed_at(self):
        refs = self.env["crm.voip.call.ref"].search([("pbx_id", "=", self.pbx.id), ("is_leg", "=", False)])
        return {ref.ref: ref.call_id.call_ref for ref in refs}

    def shape(self):
        call = self.calls()
        legs = sorted((leg.number, leg.role, leg.outcome, leg.talk_s) for leg in call.leg_ids)
        return call.call_ref, call.disposition, call.talk_s, call.outside_e164, legs

    def test_attended_transfer(self):
        self.deliver(self.first, self.second)
        self.assertEqual(self.calls().mapped("call_ref"), ["c", "x"])
        self.deliver(self.joined)
        call = self.calls()
        self.assertEqual(call.mapped("call_ref"), ["c"])
        self.assertEqual((call.direction, call.outside_e164, call.user_id), ("inbound", CUSTOMER, self.tom))
        self.assertEqual(self.pointed_at(), {"c": "c", "x": "c"})
        self.assertIn(self.rina, call.viewer_ids)

    def test_any_order_of_batches_gives_the_same(self):
        self.deliver(self.first, self.second, self.joined)
        expected = self.shape()
        parts = [self.first, self.second, self.joined[:1], self.joined[1:]]
        for order in itertools.permutations(range(4)):
            with self.subTest(order=order), self.env.cr.savepoint():
                self.env.cr.execute(
                    """DELETE FROM crm_voip_call WHERE pbx_id = %(pbx)s;
                       DELETE FROM crm_voip_call_ref WHERE pbx_id = %(pbx)s;
                       DELETE FROM crm_voip_journal WHERE pbx_id = %(pbx)s""",
                    {"pbx": self.pbx.id},
                )
                self.env.invalidate_all()
                self.deliver(*(parts[place] for place in order))
                self.assertEqual(self.shape(), expected)
                self.assertEqual(self.pointed_at(), {"c": "c", "x": "c"})

    def test_what_people_added_moves_to_the_survivor(self):
        self.deliver(self.first, self.second)
        kept, gone = self.calls("c"), self.calls("x")
        message = gone.message_post(body="They want the blue one")
        activity = gone.activity_schedule("mail.mail_activity_data_todo", user_id=self.tom.id)
        done = gone.activity_schedule("mail.mail_activity_data_todo", user_id=self.tom.id)
        done.action_done()
        attachment = self.env["ir.attachment"].create(
            {"name": "note.txt", "raw": b"x", "res_model": "crm.voip.call", "res_id": gone.id}
        )
        partner = self.env["res.partner"].create({"name": "Ada"})
        gone._pick(partner, self.env["crm.lead"])
        self.deliver(self.joined)
        self.assertFalse(gone.exists())
        self.assertEqual((message.res_id, activity.res_id, attachment.res_id), (kept.id,) * 3)
        self.assertEqual(done.res_id, kept.id)
        self.assertEqual(kept.partner_id, partner)

    def test_leg_that_moves_to_another_call_joins_them(self):
        self.deliver(told(*FIRST), told("40 bridged p@y b1", "40 unbridged p@y b1"))
        self.assertEqual(self.pointed_at(), {"c": "c", "y": "c"})

    def test_leg_that_comes_before_its_beginning(self):
        self.deliver(told("40 held p@y"), told(*FIRST))
        self.assertEqual(self.pointed_at(), {"c": "c", "y": "c"})

    def test_late_event_under_the_old_id(self):
        self.deliver(self.first, self.second, self.joined)
        self.deliver(told("26 held r@x", "28 resumed r@x"))
        self.assertEqual(self.calls().call_ref, "c")

    def test_chain_of_three(self):
        self.deliver(
            told(*FIRST),
            told("50 held p@y"),
            told("60 transferred q@z attended y+z"),
        )
        self.assertEqual(set(self.pointed_at().values()), {"c"})
        self.assertEqual(len(self.calls()), 1)

    def test_calls_of_another_pbx_are_not_joined(self):
        self.deliver(self.first)
        other = self.pbx.copy({"name": "Second PBX"}).with_company(self.company)
        self.phones["101"].copy({"pbx_id": other.id})
        type(self).pbx, mine = other, self.pbx
        self.addCleanup(setattr, type(self), "pbx", mine)
        self.deliver(answered())
        self.assertEqual(len(self.calls()), 1)
        self.assertEqual(self.env["crm.voip.call"].search_count([("pbx_id", "in", (mine | other).ids)]), 2)

    def test_id_that_the_pbx_used_again(self):
        self.deliver(answered(), answered(start=START + timedelta(hours=3), phone="102"))
        self.assertEqual(len(self.calls()), 2)
        self.assertEqual(self.calls().user_id, self.tom | self.rina)
        calls = self.calls()
        calls.action_recalculate()
        self.assertEqual(self.calls(), calls)
