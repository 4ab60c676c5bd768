import hashlib
import hmac
import json
from datetime import date, datetime, timedelta

from odoo import Command
from odoo.addons.crm_productivity.lib.messages import read_own
from odoo.addons.crm_voip_bridge.tests.common import CUSTOMER, VoipCase, VoipHttpCase
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .stories import story

SECRET = "a secret of at least thirty-two characters"
AT = "2026-11-02T09:00:00Z"


class ChannelPeople:
    @classmethod
    def set_up_channel(cls, kind="own"):
        cls.ann = cls.env["res.partner"].create({"name": "Ann Aurora", "phone": CUSTOMER, "email": "ann@aurora.example",
                                                 "user_id": cls.tom.id, "company_id": cls.company.id})  # fmt: skip
        cls.channel = cls.env["crm.productivity.channel"].create(
            {"name": "Chat", "kind": kind, "company_id": cls.company.id, "covered_from": "2026-11-01"}
        )
        cls.channel.new_secret = SECRET
        cls.env.flush_all()

    def turns(self):
        self.env["crm.productivity.stale"]._catch_up()
        return self.env["crm.productivity.turn"].search([("channel_id", "=", self.channel.id)], order="since, id")


@tagged("-at_install", "post_install")
class TestWebhook(ChannelPeople, VoipHttpCase):
    """What other systems post: signed, once, and nothing of what was written."""

    def post_to(self, content, secret=SECRET, header="X-Signature-256", address=None):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return self.url_open(
            address or f"/crm_productivity/v1/messages/{self.channel.token}",
            data=body,
            headers={"Content-Type": "application/json", header: f"sha256={signature}"},
        )

    def test_own_format(self):
        self.set_up_channel()
        told = {"messages": [{"id": "1", "at": AT, "direction": "in", "number": CUSTOMER},
                             {"id": "2", "at": "2026-11-02T09:30:00+00:00", "direction": "out", "email": "ANN@aurora.example",
                              "login": "voip_tom"}]}  # fmt: skip
        self.assertEqual(self.post_to(told).json(), {"accepted": 2, "told": 2})
        # again: nothing new
        self.assertEqual(self.post_to(told).json(), {"accepted": 0, "told": 2})
        # asked at 9:00, answered by Tom at 9:30: 1800 seconds
        [turn] = self.turns()
        self.assertEqual((turn.res_id, turn.user_id, turn.waited_s), (self.ann.id, self.tom, 1800))
        kept = self.env["crm.productivity.message"].search([("channel_id", "=", self.channel.id)]).read()
        self.assertNotIn(CUSTOMER, str(kept))

    def test_whatsapp(self):
        self.set_up_channel("whatsapp")
        value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "12025550100"}}

        def body(**more):
            change = {"field": "messages", "value": {**value, **more}}
            return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}

        asked = {
            "from": CUSTOMER[1:],
            "id": "wamid.1",
            "timestamp": "1793610000",
            "type": "text",
            "text": {"body": "Hi"},
        }
        sent = {"id": "wamid.2", "status": "sent", "timestamp": "1793611800", "recipient_id": CUSTOMER[1:],
                "pricing": {"billable": True, "category": "marketing"}}  # fmt: skip
        header = "X-Hub-Signature-256"
        self.assertEqual(self.post_to(body(messages=[asked]), header=header).json()["accepted"], 1)
        # a template answers nothing
        self.assertEqual(self.post_to(body(statuses=[sent]), header=header).json()["accepted"], 1)
        self.assertFalse(self.turns().answered_at)
        sent = {**sent, "id": "wamid.3", "pricing": {"billable": True, "category": "service"}}
        self.post_to(body(statuses=[sent, {**sent, "status": "delivered"}]), header=header)
        self.assertEqual(self.turns().waited_s, 1800)
        # Meta asks whether it is us
        address = f"/crm_productivity/v1/messages/{self.channel.token}"
        asks = f"?hub.mode=subscribe&hub.challenge=4711&hub.verify_token={self.channel.token}"
        self.assertEqual(self.url_open(address + asks).text, "4711")
        self.assertEqual(self.url_open(address + asks[:-1]).status_code, 401)

    def test_refused(self):
        self.set_up_channel()
        good = {"messages": [{"id": "1", "at": AT, "direction": "in", "number": CUSTOMER}]}
        address = f"/crm_productivity/v1/messages/{self.channel.token}"
        for content, status, more in (
            (good, 401, {"secret": "another secret"}),
            (good, 401, {"address": "/crm_productivity/v1/messages/nowhere"}),
            (b"{", 422, {}),
            (b"[" * 10000, 422, {}),
            ({"messages": [{"id": "1", "at": "soon", "direction": "in", "number": CUSTOMER}]}, 422, {}),
            ({"messages": [{"id": "1", "at": "0001-01-01T00:00:00+23:59", "direction": "in", "number": "1"}]}, 422, {}),
            ({"messages": "all"}, 422, {}),
        ):
            answer = self.post_to(content, **{"address": address, **more})
            self.assertEqual(answer.status_code, status, content)
            self.assertEqual(list(answer.json()), ["error"])
        self.assertGreaterEqual(self.post_to(b" " * 1_100_000, address=address).status_code, 413)
        self.assertFalse(self.env["crm.productivity.message"].search([("channel_id", "=", self.channel.id)]))


@tagged("-at_install", "post_install")
class TestChannel(ChannelPeople, VoipCase):
    """Conversations over several channels, days without one, and messages that need no answer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_channel()

    def told(self, *messages):
        rows = [
            {"id": ident, "at": f"2026-11-{day:02}T{hour:02}:00:00Z", "direction": direction, "number": number, **more}
            for ident, day, hour, direction, number, more in messages
        ]
        self.channel._take(read_own({"messages": rows}))

    def test_answered_through_another_channel(self):
        self.told(("1", 2, 9, "in", CUSTOMER, {}))
        self.ann.with_user(self.tom).with_context(mail_notify_force_send=False).message_post(
            body="By mail", message_type="comment", subtype_xmlid="mail.mt_comment", partner_ids=self.ann.ids
        ).sudo().date = datetime(2026, 11, 2, 11)
        # asked in the chat at nine, answered by mail at eleven
        [turn] = self.turns()
        self.assertEqual((turn.waited_s, turn.user_id), (7200, self.tom))

    def test_day_without_coverage(self):
        self.told(("1", 2, 9, "in", CUSTOMER, {}), ("2", 3, 9, "in", CUSTOMER, {}))
        self.told(("3", 2, 10, "out", CUSTOMER, {"login": "voip_tom"}))
        self.turns()
        Day = self.env["crm.productivity.day"]

        def asked(day):
            rows = Day.search([("company_id", "=", self.company.id), ("day", "=", date(2026, 11, day))])
            return sum(rows.mapped("questions")), sum(rows.mapped("answered"))

        self.assertEqual((asked(2), asked(3)), ((1, 1), (1, 0)))
        gap = self.env["crm.productivity.outage.day"].create(
            {"channel_id": self.channel.id, "date_from": "2026-11-03", "date_to": "2026-11-03"}
        )
        self.turns()
        self.assertEqual((asked(2), asked(3)), ((1, 1), (0, 0)))
        lines = self.env["crm.productivity.channel"]._coverage(self.company, date(2026, 11, 2), date(2026, 11, 8))
        self.assertTrue([line for line in lines if "but for 1 days" in line], lines)
        gap.unlink()
        self.channel.covered_from = "2026-11-03"
        self.turns()
        self.assertEqual((asked(2), asked(3)), ((0, 0), (1, 0)))

    @story("settled")
    def test_no_answer_needed(self):
        self.told(("1", 2, 9, "in", CUSTOMER, {}))
        [turn] = self.turns()
        turn.with_user(self.tom).with_company(self.company).action_settle()
        [turn] = self.turns()
        self.assertFalse(turn.is_waiting)
        self.assertFalse(turn.answered_at)
        rows = self.env["crm.productivity.day"].search(
            [("company_id", "=", self.company.id), ("day", "=", "2026-11-02")]
        )
        # it is among those asked, not among those answered, and counted apart
        self.assertEqual([sum(rows.mapped(name)) for name in ("questions", "answered", "settled")], [1, 0, 1])
        entry = self.env["crm.productivity.settled"].search([("res_id", "=", self.ann.id)])
        self.assertEqual(entry.user_id, self.tom)
        # who writes again waits again
        later = datetime.now() + timedelta(hours=1)
        self.channel._take(
            read_own({"messages": [{"id": "9", "at": f"{later.isoformat()}Z", "direction": "in", "number": CUSTOMER}]})
        )
        self.assertEqual(self.turns().mapped("is_waiting"), [False, True])

    def test_never_logged_and_unknown(self):
        self.env["crm.voip.never"].create({"number": "+12025550107", "company_id": self.company.id, "user_id": False})
        self.told(("1", 2, 9, "in", "+12025550107", {}), ("2", 2, 9, "in", "+12025550108", {}))
        kept = self.env["crm.productivity.message"].search([("channel_id", "=", self.channel.id)])
        self.assertEqual(kept.mapped("ref"), ["2"])
        self.assertFalse(kept.partner_id)

    def test_queries_do_not_grow(self):
        partners = self.env["res.partner"].create(
            [{"name": f"C{place}", "company_id": self.company.id, "user_id": self.tom.id} for place in range(110)]
        )
        self.env["mail.message"].create(
            [
                {"model": "res.partner", "res_id": one.id, "author_id": one.id, "message_type": "email", "body": "?",
                 "subtype_id": self.env.ref("mail.mt_comment").id, "crm_productivity_kind": "person",
                 "date": datetime(2026, 11, 2, 9)}
                for one in partners
            ]
        )  # fmt: skip
        Turn = self.env["crm.productivity.turn"]

        def queries(ids):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            Turn._reckon("res.partner", ids)
            return self.env.cr.sql_log_count - before

        queries(partners[0].ids)
        self.assertEqual(queries(partners[1:10].ids), queries(partners[10:].ids))
        self.assertEqual(Turn.search_count([("res_id", "in", partners.ids), ("res_model", "=", "res.partner")]), 110)

    def test_secret_is_shown_to_nobody(self):
        self.assertNotIn(SECRET, str(self.channel.read()))
        self.assertTrue(self.channel.has_secret)
        with self.assertRaises(AccessError):
            self.channel.with_user(self.tom).read(["token"])
        with self.assertRaises(AccessError):
            self.channel.with_user(self.boss).write({"name": "Mine"})
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self.admin.copy(
            {"login": "stranger", "company_id": other.id, "company_ids": [Command.set(other.ids)]}
        )
        self.assertNotIn(
            self.channel, self.env["crm.productivity.channel"].with_user(stranger).search([("id", "!=", 0)])
        )

    def test_live_chat_where_it_is_installed(self):
        Turn = self.env["crm.productivity.turn"]
        if "im_livechat.channel" not in self.env:
            self.assertNotIn("discuss.channel", Turn._threads())
            return
        visitor = self.env["res.partner"].create({"name": "Visitor"})
        chat = self.env["discuss.channel"].create(
            {"name": "Visitor", "channel_type": "livechat", "livechat_operator_id": self.tom.partner_id.id}
        )
        for author, hour in ((visitor, 9), (self.tom.partner_id, 10)):
            chat.message_post(body="…", author_id=author.id, message_type="comment", subtype_xmlid="mail.mt_comment").date = (
                datetime(2026, 11, 2, hour)
            )  # fmt: skip
        self.env["crm.productivity.stale"]._catch_up()
        turn = Turn.search([("res_model", "=", "discuss.channel"), ("res_id", "=", chat.id)])
        self.assertEqual((turn.channel_id.kind, turn.waited_s, turn.user_id), ("chat", 3600, self.tom))
