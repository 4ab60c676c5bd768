from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import CUSTOMER, VoipCase, answered, missed, outbound, told

OPERATIONS = ("read", "write", "create", "unlink")
#: model -> who may do what (r w c u) by right; an empty cell is nothing
MATRIX = {
    #                         clerk   seller  team    all     administrator
    "crm.voip.call":         ("",     "rw",   "rw",   "rw",   "rw"),
    "crm.voip.leg":          ("",     "r",    "r",    "r",    "r"),
    "crm.voip.journal":      ("",     "",     "",     "",     ""),
    "crm.voip.call.ref":     ("",     "",     "",     "",     ""),
    "crm.voip.extension":    ("",     "r",    "r",    "r",    "rwcu"),
    "crm.voip.pbx":          ("",     "r",    "r",    "r",    "rwcu"),
    "crm.voip.line":         ("",     "",     "",     "",     "rwcu"),
    "crm.voip.pbx.key":      ("",     "",     "",     "",     "rw"),
    "crm.voip.pbx.state":    ("",     "",     "",     "",     "r"),
    "crm.voip.refused":      ("",     "",     "",     "",     "r"),
    "crm.voip.outside":      ("",     "",     "",     "",     "r"),
    "crm.voip.never":        ("rwcu", "rwcu", "rwcu", "rwcu", "rwcu"),
    "crm.voip.people.switch": ("r",   "r",    "r",    "r",    "rwc"),
    "crm.voip.people.log":   ("r",    "r",    "r",    "r",    "r"),
    "crm.voip.command":      ("",     "r",    "r",    "r",    "r"),
    "crm.voip.outcome":      ("",     "r",    "r",    "r",    "rwcu"),
    "crm.voip.wrapup":       ("",     "r",    "r",    "r",    "r"),
    "crm.voip.supervisor.note": ("",  "r",    "rw",   "rw",   "rwu"),
    "crm.voip.typed.call":   ("",     "rwcu", "rwcu", "rwcu", "rwcu"),
    "crm.voip.completeness": ("",     "",     "",     "",     "r"),
    "crm.voip.difference":  ("",      "",     "",     "",     "r"),
    "crm.voip.audit.call":  ("",      "",     "",     "",     ""),
    "crm.voip.health":      ("",      "",     "",     "",     "ru"),
    "crm.voip.queue":        ("",     "",     "",     "",     "r"),
    "crm.voip.recording":    ("",     "",     "",     "",     "r"),
    "crm.voip.callback":     ("",     "r",    "r",    "r",    "r"),
    "crm.voip.callback.entry": ("",   "",     "",     "",     ""),
    "crm.voip.callback.turn": ("",    "",     "",     "",     ""),
    "crm.voip.fetch":       ("",     "",     "",     "",     "r"),
    "crm.voip.held":         ("",     "",     "",     "",     ""),
    "crm.voip.pbx.secret":   ("",     "",     "",     "",     "rw"),
    "crm.voip.compacted":    ("",     "",     "",     "",     ""),
    "crm.voip.forgotten":    ("",     "",     "",     "",     "r"),
}  # fmt: skip


@tagged("-at_install", "post_install")
class TestRights(VoipCase):
    """Who may see and do what, cell by cell."""

    def people(self):
        return (self.clerk, self.tom, self.nadia, self.boss, self.admin)

    def test_models(self):
        for model, row in MATRIX.items():
            for user, letters in zip(self.people(), row, strict=True):
                allowed = "".join(
                    operation[0] for operation in OPERATIONS if self.env[model].with_user(user).has_access(operation)
                )
                self.assertEqual(allowed, letters, f"{user.login} on {model}")

    def test_every_model_of_ours_is_in_the_matrix(self):
        others = {"crm.voip.number", "crm.voip.number.intake"}  # tested with the matching
        ours = {
            model
            for model, record in self.env.items()
            if model.startswith("crm.voip.") and record._auto and not record._abstract and not record._transient
        }
        self.assertEqual(ours - others, MATRIX.keys())

    def test_calls(self):
        self.deliver(
            answered("tom", phone="101"),
            answered("rina", phone="102"),
            answered("jonas", phone="104"),
            answered("showroom", phone="105"),
            missed("rang_tom_and_jonas", phones=("101", "104")),
            told(f"0 started c PJSIP/trunk-00000001 {CUSTOMER} 100", "9 ended c 16", call="nobody"),
            outbound("out_rina", phone="102"),
        )
        everything = set(self.calls().mapped("call_ref"))
        self.assertEqual(len(everything), 7)
        # "all documents" opens no colleague's calls
        for user, expected in (
            (self.tom, {"tom", "rang_tom_and_jonas"}),
            (self.rina, {"rina", "out_rina"}),
            (self.jonas, {"jonas", "rang_tom_and_jonas"}),
            (self.nadia, {"tom", "rina", "out_rina", "rang_tom_and_jonas", "nobody"}),
            (self.boss, everything),
            (self.admin, everything),
        ):
            self.assertEqual(self.seen_by(user), expected, user.login)
            legs = self.env["crm.voip.leg"].with_user(user).with_context(allowed_company_ids=self.company.ids)
            self.assertEqual(set(legs.search([]).call_id.mapped("call_ref")), expected - {"nobody"}, user.login)
        # a phone without a person can belong to a team
        self.phones["105"].team_id = self.team
        self.calls("showroom").action_recalculate()
        self.assertIn("showroom", self.seen_by(self.nadia))
        with self.assertRaises(AccessError):
            self.calls("rina").with_user(self.tom).read(["direction"])
        with self.assertRaises(AccessError):
            self.calls("tom").with_user(self.clerk).read(["direction"])

    def test_owner_of_the_lead_sees_its_calls(self):
        partner = self.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER})
        lead = self.env["crm.lead"].create(
            {"name": "Deal", "type": "opportunity", "partner_id": partner.id, "user_id": self.jonas.id,
             "company_id": self.company.id}
        )  # fmt: skip
        call = self.deliver_one(answered())
        self.assertEqual(call.lead_id, lead)
        self.assertEqual(self.seen_by(self.jonas), {"c"})
        self.assertFalse(self.seen_by(self.rina))
        lead.user_id = self.rina
        self.assertEqual(self.seen_by(self.rina), {"c"})

    def test_new_leader_sees_the_teams_calls(self):
        self.deliver(answered())
        self.jonas.group_ids += self.env.ref("crm_voip_bridge.group_team")
        self.assertFalse(self.seen_by(self.jonas))
        self.team.user_id = self.jonas
        self.assertEqual(self.seen_by(self.jonas), {"c"})
        self.assertFalse(self.seen_by(self.nadia))

    def test_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.deliver(answered())
        self.boss.company_ids += other
        calls = self.env["crm.voip.call"].with_user(self.boss)
        self.assertFalse(calls.with_context(allowed_company_ids=other.ids).search([]))
        self.assertEqual(calls.with_context(allowed_company_ids=self.company.ids).search_count([]), 1)
        self.admin.write({"company_id": other.id, "company_ids": [(6, 0, other.ids)]})
        for model in ("crm.voip.pbx", "crm.voip.extension", "crm.voip.line", "crm.voip.pbx.key", "crm.voip.call"):
            self.assertFalse(self.env[model].with_user(self.admin).search([]), model)

    def test_anybody_who_sees_a_call_may_comment_it(self):
        call = self.deliver_one(answered())
        self.assertTrue(call.with_user(self.tom).message_post(body="Rings back on Friday"))
        call.with_user(self.tom).activity_schedule("mail.mail_activity_data_call", user_id=self.tom.id)
        with self.assertRaises(AccessError):
            call.with_user(self.rina).message_post(body="And I?")

    def test_never_logged_numbers(self):
        never = self.env["crm.voip.never"].with_context(allowed_company_ids=self.company.ids)
        company = never.create({"number": "020 123 4567", "company_id": self.company.id, "user_id": False})
        own = never.with_user(self.tom).create({"number": "+31 20 765 4321"})
        self.assertEqual((own.user_id, own.company_id, own.e164), (self.tom, self.company, "+31207654321"))
        self.assertEqual(never.with_user(self.tom).search([]), own)
        self.assertFalse(never.with_user(self.rina).search([]))
        self.assertFalse(never.with_user(self.nadia).search([]))
        self.assertEqual(never.with_user(self.admin).search([]), company)
        with self.assertRaises(AccessError):
            own.with_user(self.admin).read(["number"])
        with self.assertRaises(AccessError):
            never.with_user(self.tom).create({"number": "1", "user_id": False})
        with self.assertRaises(AccessError):
            never.with_user(self.tom).create({"number": "1", "user_id": self.rina.id})
        with self.assertRaises(AccessError):
            own.with_user(self.tom).user_id = False

    def test_secret_is_nowhere(self):
        key, secret = self.env["crm.voip.pbx.key"].with_user(self.admin)._generate(self.pbx.with_user(self.admin))
        record = self.env["crm.voip.pbx.key"].search([("key", "=", key)])
        self.assertNotIn("secret", record._fields)
        self.assertNotIn(secret, str(record.read()))
        self.assertNotIn(secret, str(record.export_data(["key", "pbx_id", "display_name"])))
        with self.assertRaises(AccessError):
            self.env["crm.voip.pbx.key"].with_user(self.boss)._generate(self.pbx.with_user(self.boss))
        with self.assertRaises(AccessError):
            record.with_user(self.admin).create({"pbx_id": self.pbx.id, "key": "mine"})
