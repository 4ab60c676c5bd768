from odoo.tests import Form, tagged

from .common import VoipCase, answered, missed


@tagged("-at_install", "post_install")
class TestMeasured(VoipCase):
    """Not measured is empty, never 0."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # three calls: 60 s, 0 s, not measured
        cls.deliver(answered("talked"), missed("silent"), answered("unmeasured"))
        cls.env.flush_all()
        cls.env.cr.execute("UPDATE crm_voip_call SET talk_s = NULL WHERE call_ref = 'unmeasured'")
        cls.env.invalidate_all()
        cls.talked, cls.silent, cls.unmeasured = (
            cls.env["crm.voip.call"].search([("pbx_id", "=", cls.pbx.id), ("call_ref", "=", ref)])
            for ref in ("talked", "silent", "unmeasured")
        )
        cls.all = cls.talked | cls.silent | cls.unmeasured

    def test_record(self):
        self.assertEqual(self.talked.talk_s, 60.0)
        self.assertEqual(self.silent.talk_s, 0.0)
        self.assertIs(self.silent.talk_s is False, False)
        self.assertIs(self.unmeasured.talk_s, False)

    def test_read(self):
        values = [row["talk_s"] for row in self.all.with_user(self.boss).read(["talk_s"])]
        self.assertEqual([str(value) for value in values], ["60.0", "0.0", "False"])

    def test_web_read(self):
        rows = self.all.with_user(self.boss).web_read({"talk_s": {}})
        self.assertEqual([str(row["talk_s"]) for row in rows], ["60.0", "0.0", "False"])

    def test_export(self):
        rows = self.all.with_user(self.boss).export_data(["talk_s"])["datas"]
        self.assertEqual([str(row[0]) for row in rows], ["60.0", "0.0", ""])

    def test_domain(self):
        def found(*leaf):
            return self.env["crm.voip.call"].search([("id", "in", self.all.ids), leaf])

        self.assertEqual(found("talk_s", "=", False), self.unmeasured)
        self.assertEqual(found("talk_s", "!=", False), self.talked | self.silent)
        self.assertEqual(found("talk_s", "=", 0), self.silent)
        self.assertEqual(found("talk_s", "!=", 0), self.talked | self.unmeasured)
        self.assertEqual(found("talk_s", "<", 10), self.silent)
        self.assertEqual(found("talk_s", ">=", 0), self.talked | self.silent)
        self.assertEqual(found("talk_s", "in", [60]), self.talked)

    def test_filtered(self):
        self.assertEqual(self.all.filtered_domain([("talk_s", "=", False)]), self.unmeasured)
        self.assertEqual(self.all.filtered_domain([("talk_s", "=", 0)]), self.silent)
        self.assertEqual(self.all.filtered_domain([("talk_s", "<", 10)]), self.silent)
        self.assertEqual(self.all.filtered_domain([("talk_s", "!=", 0)]), self.talked | self.unmeasured)

    def test_groups(self):
        domain = [("id", "in", self.all.ids)]
        calls = self.env["crm.voip.call"].with_user(self.boss).with_context(allowed_company_ids=self.company.ids)
        specs = ["talk_s:avg", "talk_s:sum", "talk_s:min", "talk_s:max"]
        self.assertEqual(calls._read_group(domain, [], specs), [(30.0, 60.0, 0.0, 60.0)])
        only = [("id", "=", self.unmeasured.id)]
        rows = calls.formatted_read_group(only, ["direction"], ["talk_s:avg", "talk_s:sum"])
        self.assertFalse(rows[0]["talk_s:avg"])
        self.assertFalse(rows[0]["talk_s:sum"])

    def test_written_back(self):
        self.unmeasured.talk_s = 0.0
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(str(self.unmeasured.talk_s), "0.0")
        self.unmeasured.talk_s = False
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertIs(self.unmeasured.talk_s, False)

    def test_form(self):
        form = Form(self.unmeasured)
        self.assertFalse(form.talk_s)
        self.assertIn("talk_s", form._view["fields"])
