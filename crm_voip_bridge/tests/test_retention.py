from datetime import datetime, timedelta, timezone

from dateutil.relativedelta import relativedelta
from psycopg2.extensions import quote_ident

from odoo import fields
from odoo.tests import tagged

from ..models.crm_voip_pbx_retention import TOO_OLD
from .common import CUSTOMER, VoipHttpCase, answered, missed, told

NOW = datetime.now(timezone.utc)
#: tables of ours that a deleted call leaves no row in
TABLES = ("call", "leg", "journal", "call_ref", "compacted", "wrapup", "callback", "recording", "typed_call")


def ago(**values):
    return NOW - relativedelta(**values)


@tagged("-at_install", "post_install")
class TestRetention(VoipHttpCase):
    """What is older than it is kept goes, with all that hangs on it, and does not come back."""

    def run_cron(self):
        self.env.flush_all()
        self.env.ref("crm_voip_bridge.ir_cron_retain").method_direct_trigger()
        self.env.invalidate_all()

    def count(self, table):
        table = quote_ident(f"crm_voip_{table}", self.env.cr._cnx)
        self.env.cr.execute(f"SELECT count(*) FROM {table}")
        return self.env.cr.fetchone()[0]

    def test_each_age_has_what_it_should(self):
        before = {table: self.count(table) for table in TABLES}
        ancient = [*answered("ancient", start=ago(months=25)), *missed("given_up", start=ago(months=26))]
        old, new = answered("old", start=ago(months=7)), answered("new", start=ago(months=5))
        unticked = told("0 started c PJSIP/109-00000001 109 102", "5 ended c 16", call="phone", start=ago(months=7))
        self.send([*ancient, *old, *new, *unticked])
        calls = self.calls("ancient", "given_up")
        self.assertEqual(len(calls), 2)
        self.env["crm.voip.wrapup"].create(
            {"call_id": calls[0].id, "user_id": self.tom.id, "company_id": self.company.id, "note": "About the bill"}
        )
        calls[0].with_user(self.tom).message_post(body="Rings back")
        calls[0].with_user(self.tom).activity_schedule("mail.mail_activity_data_call", user_id=self.tom.id)
        self.env["crm.voip.recording"].create(
            {"pbx_id": self.pbx.id, "call_id": calls[0].id, "file_ref": "x", "recorded_at": fields.Datetime.now(),
             "mimetype": "audio/wav", "expires_on": "2100-01-01"}
        )  # fmt: skip
        about = [("model", "=", "crm.voip.call"), ("res_id", "in", calls.ids)]
        self.assertTrue(self.env["mail.message"].search(about))
        self.run_cron()
        self.assertEqual(set(self.calls().mapped("call_ref")), {"old", "new"})
        self.assertEqual((self.calls("old").frozen, self.calls("new").frozen), (True, False))
        self.assertFalse(self.env["mail.message"].search(about))
        self.assertFalse(self.env["mail.activity"].search([("res_model", "=", "crm.voip.call")]))
        self.assertEqual(
            {table: self.count(table) - before[table] for table in TABLES},
            {"call": 2, "leg": 2, "journal": len(new), "call_ref": 1 + 3, "compacted": 1, "wrapup": 0, "callback": 0,
             "recording": 0, "typed_call": 0},
        )  # fmt: skip
        # nothing brings them back
        answer = self.send([*ancient, *old, *new])
        self.assertEqual((answer["accepted"], answer["known"]), (0, len(old) + len(new)))
        self.assertEqual({refused["reason"] for refused in answer["refused"]}, {TOO_OLD})
        self.assertEqual(len(answer["refused"]), len(ancient))
        self.assertEqual(set(self.calls().mapped("call_ref")), {"old", "new"})
        self.assertFalse(any(self.pbx.refused_ids.mapped("excerpt")))
        # the bridge is told, too
        self.assertEqual(
            self.post("scope", {"bridge": {"id": "b"}}).json()["kept_since"][:10], str(ago(months=24).date())
        )

    def test_nought_keeps_for_ever(self):
        self.company.write({"crm_voip_keep_call_months": 0, "crm_voip_keep_record_months": 0})
        self.send(answered("ancient", start=ago(years=9)))
        self.run_cron()
        self.assertEqual((len(self.calls()), self.calls().frozen, self.pbx.kept_since), (1, False, False))

    def test_longer_than_before_brings_nothing_back(self):
        self.run_cron()
        since = self.pbx.kept_since
        self.company.crm_voip_keep_call_months = 120
        self.run_cron()
        self.assertEqual(self.pbx.kept_since, since)
        self.assertEqual(len(self.send(answered("a", start=ago(months=30)))["refused"]), 12)

    def test_callback_that_goes_on_keeps_its_calls(self):
        first = missed("first", start=NOW - relativedelta(months=24) - timedelta(days=30))
        last = missed("last", start=NOW - relativedelta(months=23))
        self.send([*first, *last])
        callback = self.env["crm.voip.callback"].create(
            {"company_id": self.company.id, "pbx_id": self.pbx.id, "number": CUSTOMER,
             "first_call_id": self.calls("first").id, "last_call_id": self.calls("last").id,
             "first_missed_at": self.calls("first").started_at, "last_missed_at": self.calls("last").started_at}
        )  # fmt: skip
        self.run_cron()
        self.assertEqual(len(self.calls()), 2)
        callback.unlink()
        self.run_cron()
        self.assertEqual(self.calls().mapped("call_ref"), ["last"])

    def test_refused_and_commands_by_days(self):
        now = fields.Datetime.now()
        Refused, Command = self.env["crm.voip.refused"], self.env["crm.voip.command"]
        for days in (29, 31):
            Refused.create(
                {"pbx_id": self.pbx.id, "at": now - timedelta(days=days), "reason": "x", "digest": str(days)}
            )
            Command.create(
                {"pbx_id": self.pbx.id, "company_id": self.company.id, "ident": str(days), "kind": "dial",
                 "user_id": self.tom.id, "state": "done", "created_at": now - timedelta(days=days)}
            )  # fmt: skip
        self.env.flush_all()
        Refused._gc_refused()
        Command._gc_commands()
        self.assertEqual(self.env["crm.voip.refused"].search([]).mapped("digest"), ["29"])
        self.assertEqual(Command.search([("ident", "in", ["29", "31"])]).mapped("ident"), ["29"])
        self.company.crm_voip_keep_days = 0
        self.env.flush_all()
        Refused._gc_refused()
        self.assertEqual(len(Refused.search([])), 1)
