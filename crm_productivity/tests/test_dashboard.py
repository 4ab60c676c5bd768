import io
import json

from openpyxl import load_workbook

from odoo.addons.crm_voip_bridge.tests.common import VoipHttpCase
from odoo.addons.spreadsheet.utils.validate_data import fields_in_spreadsheet, menus_xml_ids_in_spreadsheet
from odoo.exceptions import AccessError
from odoo.http import Request
from odoo.tests import tagged


@tagged("-at_install", "post_install")
class TestDashboard(VoipHttpCase):
    """The dashboard of calls, and what leaves as a spreadsheet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dashboard = cls.env.ref("crm_productivity.spreadsheet_dashboard_calls")
        day = {
            "company_id": cls.company.id,
            "team_id": cls.team.id,
            "day": "2026-11-02",
            "ends_at": "2026-11-02 23:00:00",
        }
        cls.env["crm.productivity.day"].create(
            [
                {**day, "incoming": 4, "lost": 1},
                {**day, "user_id": cls.tom.id, "calls_made": 3, "reached": 2, "talk_s": 90, "talk_calls": 2},
            ]
        )

    def test_names_what_there_is(self):
        data = json.loads(self.dashboard.spreadsheet_data)
        for model, names in fields_in_spreadsheet(data).items():
            self.assertEqual(model, "crm.productivity.team", "no persons")
            found = self.env[model].with_user(self.nadia).fields_get()
            for name in names:
                self.assertIn(name.split(":")[0], found)
        for pivot in data["pivots"].values():
            for measure in pivot["measures"]:
                self.assertTrue(found[measure["fieldName"]]["aggregator"], measure)
        for menu in menus_xml_ids_in_spreadsheet(data):
            self.assertTrue(self.env.ref(menu))

    def test_who_opens_it(self):
        for user in (self.nadia, self.boss):
            self.assertTrue(self.dashboard.with_user(user).name)
        for user in (self.tom, self.clerk):
            with self.assertRaises(AccessError):
                self.dashboard.with_user(user).read(["name"])

    def test_without_any_figures(self):
        """A company that measured nothing gets empty cells, and no error."""
        data = json.loads(self.dashboard.spreadsheet_data)
        abroad = self.env["res.company"].create({"name": "Heron"})
        self.boss.company_ids |= abroad
        team = self.env["crm.productivity.team"].with_user(self.boss).with_context(allowed_company_ids=abroad.ids)
        fields = team.fields_get()
        for pivot in data["pivots"].values():
            names = [measure["fieldName"] for measure in pivot["measures"]]
            rows = team.formatted_read_group([], [], [f"{name}:{fields[name]['aggregator']}" for name in names])
            self.assertEqual({row[key] or 0 for row in rows for key in row if ":" in key}, {0})
            self.assertFalse(rows[0]["reached_percent:avg"])

    def test_export(self):
        """A list and a pivot leave as Excel files; what was not measured is an empty cell."""
        self.boss.password = self.boss.login
        self.authenticate(self.boss.login, self.boss.login)
        names = ("day", "team_id", "calls_made", "reached_percent", "taken_percent", "talk_median")
        rows = self.env["crm.productivity.team"].search([("company_id", "=", self.company.id)])
        content = self.url_open(
            "/web/export/xlsx",
            data={
                "data": json.dumps(
                    {
                        "model": "crm.productivity.team",
                        "fields": [{"name": name, "label": name, "type": "char"} for name in names],
                        "ids": rows.ids,
                        "domain": [],
                        "groupby": [],
                        "import_compat": False,
                        "context": {"allowed_company_ids": self.company.ids},
                    }
                ),
                "csrf_token": Request.csrf_token(self),
            },
        ).content
        sheet = load_workbook(io.BytesIO(content)).active
        # two of three calls were answered, three of four were taken; no duration was counted one by one
        [_head, (_day, team, made, reached, taken, median)] = sheet.iter_rows(values_only=True)
        self.assertEqual((team, made, round(reached, 1), taken, median), ("Sales NL", 3, 66.7, 75, None))
