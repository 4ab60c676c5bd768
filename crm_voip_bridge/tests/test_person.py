import io
import json
import zipfile
from collections import Counter
from datetime import datetime, timedelta, timezone

from openpyxl import load_workbook

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import VoipHttpCase, answered, missed, outbound, told

START = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=3)
LOTTE, MATE = "+31612345678", "+31612345679"
#: of which it must be seen that it is found nowhere
DIGITS = "612345678"
TOTALS = ("direction", "disposition", "started_at", "answered_at", "ended_at", "ivr_s", "queue_s", "ring_s", "hold_s",
          "talk_s", "company_id", "team_ids", "has_recording")  # fmt: skip


class PersonCase(VoipHttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"crm_voip_chatter": True, "crm_voip_outcomes": True, "crm_voip_callbacks_since": False})
        env = cls.env
        cls.lotte = env["res.partner"].create({"name": "Lotte Molenaar", "phone": "06 12345678"})
        cls.mate = env["res.partner"].create({"name": "Bas Vermeer", "phone": MATE})
        cls.deal = env["crm.lead"].create(
            {
                "name": "Windows",
                "type": "opportunity",
                "partner_id": cls.lotte.id,
                "company_id": cls.company.id,
                "team_id": cls.team.id,
                "user_id": False,
            }
        )
        env.flush_all()
        cls.inbound = answered("in", number=LOTTE, start=START)
        cls.inbound[0].data["name"] = "Molenaar, Lotte"
        cls.busy = missed("missed", number="0612345678", start=START + timedelta(hours=1))
        cls.out = outbound("out", number="0612345678", phone="102", start=START + timedelta(hours=2))
        # somebody else's call, passed on to her
        passed_on = told("40 transferred p blind", call="mates", start=START + timedelta(hours=3))
        passed_on[0].data["to"] = "0031612345678"
        cls.mates = [*answered("mates", number=MATE, start=START + timedelta(hours=3)), *passed_on]

    def deliver(self):
        self.send([*self.inbound, *self.busy, *self.out, *self.mates])

    def wizard(self, record, user=None):
        env = self.env(user=user or self.admin, context={"allowed_company_ids": self.company.ids})
        context = {"active_model": record._name, "active_ids": record.ids}
        return env["crm.voip.anonymise"].with_context(**context).create({})

    def totals(self):
        return [tuple(call[name] for name in TOTALS) for call in self.calls()]

    def everywhere(self, text):
        """The columns of the database in which a text is found, of any table and type that can hold one."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT table_name, column_name, data_type FROM information_schema.columns JOIN information_schema.tables
                      USING (table_schema, table_name)
                WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
                  AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY')"""
        )
        found = []
        for table, column, kind in self.env.cr.fetchall():
            shown = f"""encode("{column}", 'escape')""" if kind == "bytea" else f'"{column}"::text'
            self.env.cr.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" WHERE position(%s in {shown}) > 0)',
                (text,),
            )
            if self.env.cr.fetchone()[0]:
                found.append(f"{table}.{column}")
        return found


@tagged("-at_install", "post_install")
class TestAnonymise(PersonCase):
    """Who it was goes from everywhere; that it was stays."""

    def fill(self):
        """All that we ever write about a customer."""
        self.deliver()
        inbound, missing = self.calls("in"), self.calls("missed")
        self.assertEqual((inbound.partner_id, missing.partner_id), (self.lotte, self.lotte))
        own = self.env["crm.voip.wrapup"]
        own.create({"call_id": inbound.id, "user_id": self.tom.id, "company_id": self.company.id,
                    "started_at": inbound.started_at, "note": f"Her mobile is 0{DIGITS}"})  # fmt: skip
        inbound.with_user(self.tom).message_post(body=f"Mobile 0{DIGITS}")
        missing.with_user(self.tom).activity_schedule(
            "mail.mail_activity_data_call", summary=f"Call 0{DIGITS}", user_id=self.tom.id
        )
        self.env["crm.voip.supervisor.note"].create(
            {"kind": "other", "fact": f"Shouted, from 0{DIGITS}", "author_id": self.tom.id, "call_id": inbound.id,
             "date": fields.Datetime.now(), "expires_on": "2100-01-01", "partner_id": self.lotte.id, "number": LOTTE,
             "company_id": self.company.id}
        )  # fmt: skip
        self.env["crm.voip.typed.call"].create(
            {"user_id": self.tom.id, "partner_id": self.lotte.id, "number": f"0{DIGITS}", "minutes": 7,
             "note": f"0{DIGITS}", "started_at": START.replace(tzinfo=None), "company_id": self.company.id}
        )  # fmt: skip
        self.env["crm.voip.command"].create(
            {"pbx_id": self.pbx.id, "company_id": self.company.id, "ident": "x", "kind": "dial", "number": LOTTE,
             "args": {"number": f"0{DIGITS}"}, "user_id": self.tom.id, "state": "done", "res_model": "res.partner",
             "res_id": self.lotte.id, "created_at": fields.Datetime.now()}
        )  # fmt: skip
        # closed by the call of two hours later
        self.assertEqual(self.env["crm.voip.callback"].search([("number", "=", LOTTE)]).state, "done")
        self.env["crm.voip.number"]._remember("+31612345678", self.lotte, self.company)
        self.env["crm.voip.callback.entry"].create(
            {"company_id": self.company.id, "number": LOTTE, "kind": "dropped", "at": START.replace(tzinfo=None),
             "user_id": self.tom.id, "reason": f"0{DIGITS} is wrong"}
        )  # fmt: skip
        self.send([{"id": "bad", "type": "nonsense", "call": "x", "data": {"number": f"0{DIGITS}"}}])
        self.env.flush_all()

    def test_customer(self):
        self.fill()
        totals, typed = self.totals(), self.env["crm.voip.typed.call"].search([("partner_id", "=", self.lotte.id)])
        refs = set(self.calls().mapped("call_ref"))
        self.assertIn("crm_voip_journal.data", self.everywhere(DIGITS))
        self.assertGreater(len(self.everywhere(DIGITS)), 10)
        wizard = self.wizard(self.lotte)
        self.assertEqual((wizard.call_count, wizard.open_count), (3, 0))
        self.assertEqual(wizard.number_ids.mapped("number"), [LOTTE])
        wizard.action_anonymise()
        self.env.invalidate_all()
        self.assertEqual(self.everywhere(DIGITS), [])
        self.assertEqual(self.everywhere("Molenaar"), self.names_left())
        # nothing that can be counted has changed
        self.assertEqual(self.totals(), totals)
        self.assertEqual(set(self.calls().mapped("call_ref")), refs)
        self.assertEqual((typed.minutes, typed.partner_id.id, typed.note), (7, False, False))
        hers = self.calls("in", "missed", "out")
        self.assertFalse(hers.partner_id | hers.candidate_partner_ids)
        self.assertEqual(set(hers.mapped("customer_label")), {"Anonymised"})
        self.assertTrue(all(hers.mapped("frozen")) and all(hers.mapped("forgotten_at")))
        self.assertFalse(self.env["mail.message"].search([("crm_voip_call_id", "in", hers.ids)]))
        self.assertFalse(self.env["mail.message"].search([("model", "=", "crm.voip.call"), ("res_id", "in", hers.ids)]))
        callback = self.env["crm.voip.callback"].search([("first_call_id", "in", hers.ids)])
        self.assertEqual((callback.number, callback.state, callback.working_minutes >= 0), ("–", "done", True))
        # the other customer's call is still his
        self.assertEqual((self.calls("mates").partner_id, self.calls("mates").outside_e164), (self.mate, MATE))
        self.assertFalse(self.calls("mates").forgotten_at)

    def names_left(self):
        """Where the contact itself keeps her name: that is Contacts' business."""
        return [
            place
            for place in self.everywhere("Molenaar")
            if place.split(".")[0] in ("res_partner", "crm_lead", "mail_message", "mail_tracking_value")
        ]

    def test_nothing_brings_them_back(self):
        self.deliver()
        self.wizard(self.lotte).action_anonymise()
        before = self.totals()
        # a stolen batch, and the same calls from the PBX's other record, with ids that nobody knows
        again = self.send([*self.inbound, *self.busy, *self.out, *self.mates])
        self.assertEqual((again["accepted"], again["refused"]), (0, []))
        cel = answered("in", number=LOTTE, start=START + timedelta(milliseconds=5))
        missing = answered("never_heard_of", number="0612345678", start=START + timedelta(days=3))
        answer = self.send([*cel, *missing])
        self.assertEqual((answer["accepted"], len(answer["refused"])), (0, 24))
        # also what names nobody, and comes later, one by one
        self.assertEqual(len(self.send(told("9 held p", call="never_heard_of"))["refused"]), 1)
        self.assertEqual(self.totals(), before)
        self.assertEqual(self.everywhere(DIGITS), [])
        # the bridge is told, by a hash
        scope = self.post("scope", {"bridge": {"id": "b"}}).json()
        self.assertEqual(len(scope["forgotten"]["numbers"]), 1)
        self.assertNotIn(DIGITS, json.dumps(scope))
        # whoever calls later is somebody new
        later = fields.Datetime.now().astimezone() + timedelta(minutes=1)
        self.assertEqual(len(self.send(answered("later", number=LOTTE, start=later))["refused"]), 0)
        self.assertEqual(self.calls("later").outside_e164, LOTTE)

    def test_call_that_goes_on_is_left_alone(self):
        self.deliver()
        now = fields.Datetime.now().astimezone() - timedelta(seconds=30)
        live = answered("live", number=LOTTE, start=now)
        self.send(live[:8])
        wizard = self.wizard(self.lotte)
        self.assertEqual((wizard.call_count, wizard.open_count), (3, 1))
        wizard.action_anonymise()
        self.assertEqual(len(self.send(live)["refused"]), 0)
        call = self.calls("live")
        self.assertEqual((call.disposition, call.talk_s, call.frozen), ("answered", 60, False))

    def test_number_that_others_have_is_asked_for(self):
        self.mate.phone = LOTTE
        self.deliver()
        wizard = self.wizard(self.lotte)
        self.assertEqual((wizard.number_ids.chosen, wizard.number_ids.others), (False, "Bas Vermeer"))
        wizard.action_anonymise()
        self.assertEqual(self.mate.phone, LOTTE)
        self.assertFalse(self.env["crm.voip.forgotten"].search([]))

    def test_colleague(self):
        self.fill()
        totals = self.totals()
        self.calls("in")._pick(self.lotte, self.deal)
        legs = Counter(self.calls().leg_ids.mapped(lambda leg: (leg.role, leg.outcome, leg.talk_s)))
        self.wizard(self.tom).action_anonymise()
        self.env.invalidate_all()
        self.assertEqual(self.totals(), totals)
        self.assertEqual(Counter(self.calls().leg_ids.mapped(lambda leg: (leg.role, leg.outcome, leg.talk_s))), legs)
        self.assertEqual(self.calls("in").partner_id, self.lotte, "the customer's call is still theirs")
        self.env.cr.execute(
            """SELECT tc.table_name, kcu.column_name FROM information_schema.table_constraints tc
                 JOIN information_schema.key_column_usage kcu USING (constraint_name, constraint_schema)
                 JOIN information_schema.constraint_column_usage ccu USING (constraint_name, constraint_schema)
                WHERE tc.constraint_type = 'FOREIGN KEY' AND ccu.table_name = 'res_users'
                  AND tc.table_name LIKE 'crm\\_voip\\_%'"""
        )
        for table, column in self.env.cr.fetchall():
            self.env.cr.execute(f'SELECT count(*) FROM "{table}" WHERE "{column}" = %s', (self.tom.id,))
            self.assertEqual(self.env.cr.fetchone()[0], 0, f"{table}.{column}")
        self.env.cr.execute("SELECT count(*) FROM crm_voip_journal WHERE data->>'author' = %s", (str(self.tom.id),))
        self.assertEqual(self.env.cr.fetchone()[0], 0)
        self.calls().action_recalculate()
        self.assertFalse(self.calls().leg_ids.filtered(lambda leg: leg.user_id == self.tom))

    def test_who_may(self):
        for user in (self.tom, self.nadia, self.boss):
            with self.assertRaises(AccessError):
                self.wizard(self.lotte, user)
            with self.assertRaises(AccessError):
                self.env["crm.voip.person"].with_user(user)._of(self.lotte)


@tagged("-at_install", "post_install")
class TestExport(PersonCase):
    """All that is held of a person, and nothing of others."""

    def download(self, record, login):
        self.env.flush_all()
        self.authenticate(login, login)
        return self.url_open(f"/crm_voip_bridge/person/{record._name}/{record.id}.zip")

    def unpack(self, response):
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        archive = zipfile.ZipFile(io.BytesIO(response.content))
        book = load_workbook(io.BytesIO(archive.read("person.xlsx")))
        return json.loads(archive.read("person.json")), book

    def test_customer(self):
        self.inbound[0].data["name"] = "=cmd|' /C calc'!A0"
        self.deliver()
        told_of, book = self.unpack(self.download(self.lotte, "voip_admin"))
        self.assertEqual(len(told_of["calls"]), 3)
        self.assertEqual({call["disposition"] for call in told_of["calls"]}, {"Answered", "Missed"})
        self.assertEqual(len(told_of["pbx_record"]), len([*self.inbound, *self.busy, *self.out]))
        self.assertEqual(told_of["numbers"][0]["e164"], LOTTE)
        text = json.dumps(told_of)
        self.assertNotIn(MATE, text)
        self.assertNotIn(self.tom.name, text)
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        self.assertTrue([cell for cell in cells if isinstance(cell.value, str) and cell.value.startswith("=cmd")])
        self.assertEqual({cell.data_type for cell in cells} & {"f"}, set(), "a formula")

    def test_oneself(self):
        self.deliver()
        self.env["crm.voip.never"].create(
            {"number": "020 7654321", "user_id": self.tom.id, "company_id": self.company.id}
        )
        told_of, _book = self.unpack(self.download(self.tom, "voip_tom"))
        self.assertEqual(len(told_of["phones"]), 3)
        self.assertEqual(told_of["never"], [{"number": "020 7654321"}])
        self.assertNotIn(DIGITS, json.dumps(told_of))
        # by somebody else it is noted, and what only the person reads is left out
        other, _book = self.unpack(self.download(self.tom, "voip_admin"))
        self.assertNotIn("never", other)
        self.env.invalidate_all()
        looks = self.env["crm.voip.people.log"].search([("person_id", "=", self.tom.id)])
        self.assertEqual(looks.mapped("how"), ["export"])

    @mute_logger("odoo.http")
    def test_nobody_else(self):
        self.deliver()
        for record, login in (
            (self.lotte, "voip_tom"),
            (self.lotte, "voip_boss"),
            (self.rina, "voip_tom"),
            (self.tom, "voip_clerk"),
            (self.env["res.partner"].browse(2**30), "voip_admin"),
            (self.company, "voip_admin"),
        ):
            self.assertEqual(self.download(record, login).status_code, 404, f"{record} by {login}")
        other = self.env["res.company"].create({"name": "Other"})
        self.admin.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        told_of, _book = self.unpack(self.download(self.lotte, "voip_admin"))
        self.assertEqual(told_of["calls"], [])
