from prometheus_client.parser import text_string_to_metric_families

from odoo.tests import tagged

from .common import VoipHttpCase, answered

PATH = "/crm_voip_bridge/health"


@tagged("-at_install", "post_install")
class TestHealth(VoipHttpCase):
    """A monitoring tool reads how the PBXs are, and nobody else does."""

    def values(self, response):
        """``{metric: {PBX: value}}``, as Prometheus' own library reads it."""
        return {
            family.name: {sample.labels["name"]: sample.value for sample in family.samples}
            for family in text_string_to_metric_families(response.text)
        }

    def token(self):
        action = self.pbx.with_user(self.admin).action_new_health_token()
        self.env.flush_all()
        self.assertTrue(action["context"]["default_url"].endswith(PATH))
        return action["context"]["default_token"]

    def test_values(self):
        name = 'Front "desk" \\ line\nbreak {1}'
        self.pbx.name = name
        quiet = self.pbx.copy({"name": "Quiet"})
        self.send([*answered("a"), *answered("b")[:8], {"type": "started"}], bridge={"id": "b", "waiting": 17})
        token = self.token()
        response = self.url_open(PATH, headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(response.status_code, 200, response.text)
        self.assertTrue(response.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        values = self.values(response)
        self.assertEqual(values["crm_voip_waiting_events"], {name: 17})
        self.assertEqual(values["crm_voip_refused_events"], {name: 1, quiet.name: 0})
        self.assertEqual(values["crm_voip_open_calls"][name], 1)
        self.assertEqual(values["crm_voip_differences"][name], 0)
        self.assertEqual(values["crm_voip_bridges"], {name: 1, quiet.name: 0})
        self.assertLess(values["crm_voip_last_event_seconds"][name], 60)
        self.assertNotIn(quiet.name, values["crm_voip_last_event_seconds"], "not measured is left out, never 0")
        self.assertNotIn("session_id", response.cookies)
        self.assertNotIn("+1202", response.text)
        # the other way to say it
        self.assertEqual(self.url_open(f"{PATH}?token={token}").text.count("# TYPE"), response.text.count("# TYPE"))

    def test_who_may(self):
        self.env["crm.voip.health"].search([]).unlink()
        answers = {self.url_open(PATH).text}
        first = self.token()
        second = self.token()
        for headers in (
            {},
            {"Authorization": f"Bearer {first}"},
            {"Authorization": "Bearer"},
            {"Authorization": "Basic x"},
        ):
            response = self.url_open(PATH, headers=headers)
            self.assertEqual((response.status_code, response.headers["WWW-Authenticate"][:6]), (401, "Bearer"))
            answers.add(response.text)
        self.assertEqual(self.url_open(f"{PATH}?token={'x' * 5000}").status_code, 401)
        self.assertEqual(len(answers), 1)
        self.assertEqual(self.url_open(PATH, headers={"Authorization": f"Bearer {second}"}).status_code, 200)
        self.assertNotIn(second, str(self.env["crm.voip.health"].search([]).read()))

    def test_other_companies(self):
        other = self.env["res.company"].create({"name": "Heron"})
        theirs = self.env["crm.voip.pbx"].create(
            {"name": "Heron PBX", "company_id": other.id, "country_id": self.env.ref("base.nl").id}
        )
        token = self.env["crm.voip.health"]._generate(other)
        self.env.flush_all()
        values = self.values(self.url_open(f"{PATH}?token={token}"))
        self.assertEqual(values["crm_voip_open_calls"].keys(), {theirs.name})
