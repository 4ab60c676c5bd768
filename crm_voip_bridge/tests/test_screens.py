import io
import zipfile

from odoo.exceptions import AccessError
from odoo.tests import Form, HttpCase, new_test_user, tagged

from .common import START, VoipCase, VoipHttpCase, answered, many, missed, outbound

SHARED = "+12025550150"


@tagged("-at_install", "post_install")
class TestCallScreens(VoipCase):
    """What the lists, the form and the buttons of calls rest on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Partner = cls.env["res.partner"].with_company(cls.company)
        cls.dairy = Partner.create({"name": "Molenaar", "is_company": True, "phone": "+12025550110"})
        cls.lotte = Partner.create({"name": "Lotte", "parent_id": cls.dairy.id, "phone": "+12025550111"})
        cls.jan = Partner.create({"name": "Jan", "parent_id": cls.dairy.id, "phone": "+12025550112"})
        cls.env.flush_all()

    def test_label(self):
        self.deliver(answered("known", number=self.lotte.phone), answered("unknown", number="+12025550199"))
        self.deliver(answered("withheld", number="anonymous"))
        labels = {call.call_ref: call.customer_label for call in self.calls()}
        self.assertEqual(labels["known"], "Lotte")
        self.assertEqual(labels["unknown"], "+12025550199")
        self.assertEqual(labels["withheld"], "Number withheld")

    def test_hour_is_the_companys(self):
        self.company.partner_id.tz = "Europe/Amsterdam"
        call = self.deliver_one(answered())
        self.assertEqual(START.hour, 9)
        self.assertEqual(call.hour, "10")
        self.assertEqual(
            self.env["crm.voip.call"]._read_group([("id", "=", call.id)], ["hour"], ["__count"]), [("10", 1)]
        )

    def test_count_includes_the_companys_people(self):
        self.deliver(*(answered(f"l{n}", number=self.lotte.phone) for n in range(2)))
        self.deliver(answered("j", number=self.jan.phone), answered("d", number=self.dairy.phone))
        partners = (self.dairy | self.lotte | self.jan).with_user(self.boss)
        self.assertEqual(partners.mapped("crm_voip_call_count"), [4, 2, 1])
        for partner in partners:
            action = partner.action_crm_voip_calls()
            calls = self.env["crm.voip.call"].with_user(self.boss).search(action["domain"])
            self.assertEqual(len(calls), partner.crm_voip_call_count)

    def test_count_is_of_what_one_may_see(self):
        self.deliver(answered("tom", number=self.lotte.phone), answered("rina", number=self.lotte.phone, phone="102"))
        self.assertEqual(self.lotte.with_user(self.boss).crm_voip_call_count, 2)
        self.assertEqual(self.lotte.with_user(self.tom).crm_voip_call_count, 1)
        self.assertEqual(self.lotte.with_user(self.jonas).crm_voip_call_count, 0)
        self.assertEqual(self.lotte.with_user(self.clerk).crm_voip_call_count, 0)

    def test_count_of_many_costs_as_much_as_of_one(self):
        partners = self.env["res.partner"].create([{"name": f"P{n}", "phone": f"+1202555{n:04}"} for n in range(40)])
        self.env.flush_all()
        self.deliver(many(40))
        partners = partners.with_user(self.boss)
        self.env.invalidate_all()
        partners[:1].mapped("crm_voip_call_count")  # rights and rules are in memory from here on
        costs = []
        for some in (partners[:1], partners):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(sum(some.mapped("crm_voip_call_count")), len(some))
            costs.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*costs)

    def test_count_of_an_opportunity(self):
        lead = self.env["crm.lead"].create(
            {"name": "Scales", "type": "opportunity", "partner_id": self.lotte.id, "user_id": self.tom.id,
             "company_id": self.company.id}
        )  # fmt: skip
        self.env.flush_all()
        self.deliver(answered("one", number=self.lotte.phone), outbound("two", number=self.lotte.phone))
        self.assertEqual(lead.with_user(self.tom).crm_voip_call_count, 2)

    def test_missed_filter(self):
        self.deliver(missed("missed"), answered("answered"), outbound("out"))
        view = self.env["crm.voip.call"].get_view(self.env.ref("crm_voip_bridge.crm_voip_call_view_search").id)
        self.assertIn('name="missed"', view["arch"])
        domain = [("direction", "=", "inbound"), ("disposition", "in", ("missed", "abandoned", "voicemail"))]
        self.assertEqual(self.calls().filtered_domain(domain).mapped("call_ref"), ["missed"])

    def test_views_for_everybody(self):
        """No view asks for what its reader may not have, whatever the rule about persons says."""
        self.deliver(answered("a"), answered("b", phone="102"))
        kinds = [(False, kind) for kind in ("list", "kanban", "form", "calendar", "pivot", "graph", "search")]
        for user in (self.tom, self.nadia, self.boss, self.admin):
            self.env["crm.voip.call"].with_user(user).get_views(kinds)

    def test_pick(self):
        pieter, els = self.env["res.partner"].create([
            {"name": "Pieter", "phone": SHARED, "company_id": self.company.id},
            {"name": "Els", "phone": SHARED, "company_id": self.company.id},
        ])  # fmt: skip
        self.env.flush_all()
        call = self.deliver_one(answered("shared", number=SHARED))
        self.assertEqual(call.candidate_partner_ids, pieter | els)
        as_tom = self.calls("shared", user=self.tom)
        with Form(self.env["crm.voip.call.pick"].with_user(self.tom).with_context(default_call_id=call.id)) as form:
            self.assertFalse(form.partner_id)
            form.partner_id = els
            form.remember = True
        form.record.action_choose()
        self.assertEqual((as_tom.partner_id, as_tom.match_state), (els, "picked"))
        again = self.deliver_one(answered("again", number=SHARED))
        self.assertEqual(again.partner_id, els)

    def test_pick_nobody(self):
        self.env["res.partner"].create([
            {"name": name, "phone": SHARED, "company_id": self.company.id} for name in ("Pieter", "Els")
        ])  # fmt: skip
        self.env.flush_all()
        call = self.deliver_one(answered("shared", number=SHARED))
        pick = self.env["crm.voip.call.pick"].with_user(self.tom).create({"call_id": call.id})
        pick.action_nobody()
        self.assertEqual((call.partner_id.id, call.candidate_partner_ids.ids, call.match_state), (False, [], "picked"))

    def test_pick_follows_the_contact(self):
        """An opportunity of somebody else does not stay when the contact is corrected."""
        lead = self.env["crm.lead"].create(
            {"name": "Scales", "partner_id": self.lotte.id, "company_id": self.company.id, "team_id": self.team.id}
        )
        other = self.env["res.partner"].create({"name": "Other"})
        call = self.deliver_one(answered("c"))
        with Form(self.env["crm.voip.call.pick"].with_context(default_call_id=call.id)) as form:
            form.partner_id = self.lotte
            form.lead_id = lead
            form.partner_id = self.jan
            self.assertEqual(form.lead_id, lead, "of the same company")
            form.partner_id = other
            self.assertFalse(form.lead_id)

    def test_pick_of_a_call_that_one_may_not_see(self):
        call = self.deliver_one(answered("rinas", phone="102"))
        picks = self.env["crm.voip.call.pick"].with_user(self.tom)
        with self.assertRaises(AccessError):
            picks.create({"call_id": call.id, "partner_id": self.jan.id})

    def test_new_contact_and_opportunity(self):
        call = self.deliver_one(answered("c", number="+12025550199"))
        context = call.action_new_contact()["context"]
        partner = self.env["res.partner"].with_context(**context).create({"name": "New"})
        self.assertEqual(partner.phone, "+12025550199")
        lead = self.env["crm.lead"].with_context(**call.action_new_opportunity()["context"]).create({})
        self.assertEqual((lead.phone, lead.type), ("+12025550199", "opportunity"))
        self.env.flush_all()
        self.assertEqual(partner.with_user(self.tom).crm_voip_unmatched_count, 1)

    def test_pbx_record(self):
        call = self.deliver_one(answered("c"))
        shown = self.calls("c", user=self.admin).pbx_record
        self.assertIn("bridged", shown)
        self.assertIn("2026-11-02", shown)
        view = self.env["crm.voip.call"].with_user(self.tom).get_view(view_type="form")
        self.assertNotIn("pbx_record", view["arch"])
        self.assertTrue(call)


@tagged("-at_install", "post_install")
class TestPreferences(HttpCase):
    """A person's own page is a person's own."""

    def test_own_extensions(self):
        # with a time zone: Odoo's addon for employees wants one
        clerk = new_test_user(self.env, "voip_prefs", groups="base.group_user", tz="Europe/Amsterdam")
        pbx = self.env["crm.voip.pbx"].create({"name": "PBX", "country_id": self.env.ref("base.nl").id})
        self.env["crm.voip.extension"].create([
            {"pbx_id": pbx.id, "number": "301", "user_id": clerk.id, "recorded": True},
            {"pbx_id": pbx.id, "number": "302", "user_id": clerk.id},
            {"pbx_id": pbx.id, "number": "303", "user_id": clerk.id, "date_to": "2020-01-01"},
            {"pbx_id": pbx.id, "number": "304", "user_id": self.env.ref("base.user_admin").id},
        ])  # fmt: skip
        as_clerk = clerk.with_user(clerk)
        with Form(as_clerk, view="base.view_users_form_simple_modif") as form:
            self.assertEqual(form.crm_voip_extensions, "301: recorded\n302: not recorded")
        # nobody's else, whoever asks
        self.assertFalse(clerk.with_user(self.env.ref("base.user_admin")).crm_voip_extensions)


@tagged("-at_install", "post_install")
class TestDownloads(VoipHttpCase):
    """The two files with which somebody connects a PBX who has only this web page."""

    def url(self, name, pbx=None):
        return f"/crm_voip_bridge/pbx/{(pbx or self.pbx).id}/{name}"

    def test_bridge(self):
        self.admin.password = self.admin.login
        self.authenticate(self.admin.login, self.admin.login)
        response = self.url_open(self.url("bridge.pyz"))
        self.assertEqual(response.status_code, 200)
        self.assertIn("crm-voip-bridge.pyz", response.headers["Content-Disposition"])
        with zipfile.ZipFile(io.BytesIO(response.content)) as file:
            self.assertIn("lib/fold.py", file.namelist())
        unit = self.url_open(self.url("bridge.service"))
        self.assertIn("ExecStart=", unit.text)

    def test_configuration(self):
        self.admin.password = self.admin.login
        self.authenticate(self.admin.login, self.admin.login)
        response = self.url_open(self.url("bridge.conf"))
        lines = response.text.splitlines()
        self.assertIn(f"key = {self.key}", lines)
        self.assertIn(f"database = {self.env.cr.dbname}", lines)
        self.assertIn(f"url = {self.base_url()}", lines)
        self.assertEqual(lines.count("secret ="), 2, "to be filled in: Odoo's and the PBX's")
        self.assertNotIn(self.secret, response.text)
        self.assertEqual(response.headers["Cache-Control"], "no-store")

    def test_only_for_administrators(self):
        elsewhere = self.env["crm.voip.pbx"].create(
            {"name": "Elsewhere", "company_id": self.env.ref("base.main_company").id,
             "country_id": self.env.ref("base.nl").id}
        )  # fmt: skip
        for person, pbx in (
            (self.tom, self.pbx),
            (self.boss, self.pbx),
            (self.clerk, self.pbx),
            (self.admin, elsewhere),
        ):
            person.password = person.login
            self.authenticate(person.login, person.login)
            for name in ("bridge.pyz", "bridge.conf", "bridge.service"):
                with self.subTest(person=person.login, name=name):
                    self.assertEqual(self.url_open(self.url(name, pbx)).status_code, 404)
        self.authenticate(None, None)
        response = self.url_open(self.url("bridge.conf"), allow_redirects=False)
        self.assertNotEqual(response.status_code, 200)
