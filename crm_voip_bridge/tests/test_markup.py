import csv
import io
import json

from openpyxl import load_workbook

from odoo.http import Request
from odoo.tests import HttpCase, tagged

from .common import CUSTOMER, VoipCase, VoipPeople, answered

FORMULA = "=cmd|'/C calc'!A0"
MARKUP = "<img src=x onerror=alert(1)>"
#: names that callers gave themselves, each on a call of its own
NAMES = (
    FORMULA,
    '  =HYPERLINK("http://example.com")',
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "\t=1+1",
    " +1+cmd|' /C calc'!A0",
    "{=cmd|'/C calc'!A0}",
    f"</td>{MARKUP}<script>alert(1)</script>",
    "Ada \u202egnp.exe\u2066 \x1b[31m\x07",
    "http://example.com/\r\nBcc: x",
)


@tagged("-at_install", "post_install")
class TestMarkup(VoipPeople, HttpCase):
    """What callers, PBXs and colleagues write is shown as they wrote it, and does nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_voip()
        cls.company.write({"crm_voip_chatter": True, "crm_voip_outcomes": True})
        partner = cls.env["res.partner"].create({"name": "Lotte", "phone": CUSTOMER})
        for place, name in enumerate(NAMES):
            events = answered(f"n{place}")
            events[0].data["name"] = name
            events[0].data["context"] = MARKUP
            VoipCase.deliver.__func__(cls, events)
        cls.partner = partner
        cls.outcome = cls.env["crm.voip.outcome"].create({"name": FORMULA, "company_id": cls.company.id})
        for call in cls.env["crm.voip.call"].search([("pbx_id", "=", cls.pbx.id)]):
            desk = cls.env["crm.voip.wrapup"].with_user(cls.tom).with_context(allowed_company_ids=cls.company.ids)
            desk.desk_note(call.id, f"{FORMULA}\n{MARKUP}\u202e\x07")
            desk.desk_outcome(call.id, cls.outcome.id)
        cls.env.flush_all()

    def export(self, kind, model="crm.voip.call", names=("name", "customer_label", "note", "outcome_id"), groupby=()):
        self.authenticate(self.boss.login, self.boss.login)
        self.env.ref("base.group_allow_export").user_ids += self.boss
        fields = [
            {"name": name, "label": name, "type": self.env[model]._fields[name].type}
            for name in names
            if name in self.env[model]._fields
        ]
        data = {
            "model": model,
            "fields": fields,
            "ids": False,
            "domain": [],
            "import_compat": False,
            "groupby": list(groupby),
            "context": {"allowed_company_ids": self.company.ids},
        }
        answer = self.url_open(
            f"/web/export/{kind}", data={"data": json.dumps(data), "csrf_token": Request.csrf_token(self)}
        )
        self.assertEqual(answer.status_code, 200, answer.text[:500])
        return answer.content

    def records(self):
        """The PBX record of each call, as its form shows it."""
        return [str(self.env["crm.voip.call"].browse(call.id).pbx_record) for call in self.calls()]

    def test_spreadsheet_has_no_formula(self):
        for model in ("crm.voip.call", "crm.voip.outcome"):
            for groupby in ((), ("name",)):
                sheet = load_workbook(
                    io.BytesIO(self.export("xlsx", model, ("name", "customer_label"), groupby))
                ).active
                cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
                self.assertTrue(any("cmd|" in str(cell.value) for cell in cells))
                for cell in cells:
                    self.assertNotEqual(cell.data_type, "f", cell.value)
                    self.assertFalse(str(cell.value).lstrip().startswith(("=", "@", "{=")), cell.value)

    def test_csv_has_no_formula(self):
        rows = list(csv.reader(io.StringIO(self.export("csv").decode())))
        self.assertGreater(len(rows), len(NAMES))
        for cell in (cell for row in rows for cell in row):
            self.assertFalse(cell.lstrip().startswith(("=", "+", "-", "@", "{=")), cell)

    def test_shown_as_text(self):
        calls = self.calls()
        self.assertEqual(calls[6].name, NAMES[6])  # a name is what it is: it is the screen that must not obey it
        for record in self.records():
            self.assertNotIn("<img", record)
            self.assertIn("&lt;img", record)
            self.assertNotIn("<script", record)
        for message in self.env["mail.message"].search(
            [("model", "=", "res.partner"), ("res_id", "=", self.partner.id)]
        ):
            for tag in ("<img", "<script", "onerror=alert(1)>"):
                self.assertNotIn(tag, message.body)

    def test_nothing_runs_backwards(self):
        texts = [call.name for call in self.calls()] + self.records()
        texts += self.env["crm.voip.wrapup"].search([("user_id", "=", self.tom.id)]).mapped("note")
        for char in "\u202e\u2066\x07\x1b":
            self.assertFalse([text for text in texts if char in (text or "")], repr(char))
