from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import CUSTOMER, OUR_NUMBER, START, VoipCase, answered, outbound, told
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

MONDAY = date(2026, 11, 2)


@tagged("-at_install", "post_install")
@freeze_time("2026-11-03 05:00:00")
class TestLook(VoipCase):
    """What is worth a look, told to the person alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Look = cls.env["crm.productivity.look"]
        cls.company.crm_productivity_look = True
        cls.env["crm.productivity.member"].search([]).write({"begins": date(2026, 1, 1)})
        cls.env["crm.productivity.pattern"].search([]).write({"active": False})

    def pattern(self, code, **values):
        pattern = self.env.ref(f"crm_productivity.pattern_{code}")
        pattern.write({"active": True, **values})
        return pattern

    def find(self):
        self.env.flush_all()
        self.Look._find(self.company, MONDAY - timedelta(days=2), MONDAY)
        return self.Look.search([("company_id", "=", self.company.id)])

    def short(self, call, seconds=3, number=CUSTOMER, phone="101", minute=0):
        """A phone rings somebody, who answers after two seconds and hangs up."""
        events = told(
            f"0 started c PJSIP/{phone}-00000001 {phone} {number}",
            f"0.1 started p PJSIP/trunk-00000002 {number}",
            "0.1 ringing p c",
            "2 answered p",
            "2 dial_ended p ANSWER c",
            "2 answered c",
            "2 bridged p b",
            "2 bridged c b",
            f"{2 + seconds} unbridged p b",
            f"{2 + seconds} unbridged c b",
            f"{2 + seconds} ended p 16",
            f"{2 + seconds} ended c 16",
            call=call,
            start=START + timedelta(minutes=minute),
        )
        self.deliver(events)

    def lead(self, **values):
        return self.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "user_id": self.tom.id, "company_id": self.company.id, **values}
        )

    def test_short_calls(self):
        self.pattern("short_calls", least=3)
        for place in range(3):
            self.short(f"s{place}", minute=place)
        self.short("long", seconds=6, minute=4)  # six seconds are more than five
        self.short("other", number="+12025550199", minute=5)
        for place in range(2):
            self.short(f"r{place}", phone="102", minute=place)  # Rina: two are fewer than three
        look = self.find()
        self.assertEqual((look.user_id, look.day, look.number, look.team_id), (self.tom, MONDAY, 3, self.team))
        mine = look.with_user(self.tom).with_context(allowed_company_ids=self.company.ids)
        action = mine.action_cases()
        calls = self.env[action["res_model"]].with_user(self.tom).search(action["domain"])
        self.assertEqual(set(calls.mapped("call_ref")), {"s0", "s1", "s2"})
        self.assertIn("wrong number", mine.innocent)

    def test_own_numbers(self):
        self.pattern("own_numbers", least=2)
        self.deliver(outbound("a", number=OUR_NUMBER), outbound("b", number=OUR_NUMBER), outbound("c"))
        found = self.find()
        self.assertEqual((found.user_id, found.number), (self.tom, 2))

    def test_long_after_calls(self):
        self.pattern("long_after_calls", least=2)
        self.deliver(*(answered(f"a{place}") for place in range(3)))
        for place, seconds in enumerate((120, 110, 109)):
            self.env["crm.voip.wrapup"].create(
                {"call_id": self.calls(f"a{place}").id, "user_id": self.tom.id, "company_id": self.company.id,
                 "started_at": START.replace(tzinfo=None), "after_call_s": seconds}
            )  # fmt: skip
        self.assertEqual(self.find().number, 2)

    def test_stages_to_and_fro(self):
        self.pattern("stages_to_and_fro", least=4)
        one, two, three = self.env["crm.stage"].create([{"name": name} for name in "ABC"])
        straight, swung = self.lead(stage_id=one.id), self.lead(stage_id=one.id)
        self.env.flush_all()
        field = self.env["ir.model.fields"]._get("crm.lead", "stage_id")
        for lead, stages in ((straight, (two, three)), (swung, (two, one, two, one))):
            for stage in stages:
                self.env["mail.message"].create(
                    {"model": "crm.lead", "res_id": lead.id, "author_id": self.tom.partner_id.id,
                     "date": datetime(2026, 11, 2, 10), "message_type": "notification",
                     "tracking_value_ids": [(0, 0, {"field_id": field.id, "new_value_integer": stage.id})]}
                )  # fmt: skip
        look = self.find()
        self.assertEqual((look.user_id, look.number), (self.tom, 4))
        self.assertEqual(look.cases, swung.ids)

    def test_done_without_contact(self):
        self.pattern("no_contact", least=1)
        customers = self.env["res.partner"].create(
            [{"name": f"Customer {place}", "phone": f"+1202555011{place}"} for place in range(4)]
        )
        self.env.flush_all()
        call = self.env.ref("mail.mail_activity_data_call")
        self.company.crm_voip_typed = True
        self.deliver(outbound("o", number=customers[0].phone))
        self.env["crm.voip.typed.call"].with_user(self.tom).create(
            {"partner_id": customers[1].id, "company_id": self.company.id, "started_at": datetime(2026, 11, 2, 9)}
        )
        customers[2].with_user(self.tom).message_post(
            body="Hello", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        self.env["mail.message"].search([("res_id", "=", customers[2].id), ("model", "=", "res.partner")]).write(
            {"date": datetime(2026, 11, 2, 9)}
        )
        activities = self.env["mail.activity"].create(
            [
                {"activity_type_id": call.id, "res_model_id": self.env["ir.model"]._get_id("res.partner"),
                 "res_id": customer.id, "user_id": self.tom.id}
                for customer in customers
            ]
        )  # fmt: skip
        activities.write({"active": False, "date_done": MONDAY})
        # a call, a typed one, a message; of the fourth nothing is known
        look = self.find()
        self.assertEqual((look.number, look.cases), (1, activities[3].ids))

    def test_meetings_afterwards(self):
        self.pattern("meetings_afterwards", least=1)
        vals = {"start": "2026-10-30 10:00", "stop": "2026-10-30 11:00", "user_id": self.tom.id}
        alone, _with_guest, ahead = self.env["calendar.event"].create([
            {"name": "Visit", **vals, "partner_ids": [(6, 0, self.tom.partner_id.ids)]},
            {"name": "Visit", **vals, "partner_ids": [(6, 0, (self.tom.partner_id | self.rina.partner_id).ids)]},
            {"name": "Visit", **vals, "start": "2026-11-20 10:00", "stop": "2026-11-20 11:00"},
        ])  # fmt: skip
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE calendar_event SET create_date = '2026-11-02 17:00' WHERE id = ANY(%s)",
            [[alone.id, _with_guest.id, ahead.id]],
        )
        self.assertEqual(self.find().cases, alone.ids)

    def test_comment_stays_and_what_is_gone_goes(self):
        pattern = self.pattern("short_calls", least=2)
        for place in range(2):
            self.short(f"s{place}", minute=place)
            self.short(f"r{place}", phone="102", minute=place)
        self.assertEqual(self.find().user_id, self.tom | self.rina)
        mine = self.find().filtered(lambda look: look.user_id == self.tom).with_user(self.tom)
        mine = mine.with_context(allowed_company_ids=self.company.ids)
        mine.comment = "A wrong number\0 that I dialled again"
        self.assertEqual((mine.comment, mine.is_explained), ("A wrong number that I dialled again", True))
        self.short("s2", minute=9)
        self.assertEqual((self.find() & mine.sudo()).number, 3)
        self.assertTrue(mine.comment)
        pattern.least = 9
        self.assertEqual(self.find(), mine.sudo())
        with freeze_time("2027-01-03 05:00:00"):
            self.Look._forget()
        self.assertFalse(self.Look.search([("company_id", "=", self.company.id)]))

    def test_nobody_else(self):
        self.pattern("short_calls", least=2)
        for place in range(2):
            self.short(f"s{place}", minute=place)
        look = self.find()
        self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "p", "agreement": "a", "min_group": 3, "delay_days": 0}
        )
        for user in (self.rina, self.nadia, self.boss, self.admin):
            theirs = look.with_user(user).with_context(allowed_company_ids=self.company.ids)
            self.assertFalse(theirs.search([]), user.login)
            for work in (lambda one: one.read(["number"]), lambda one: one.write({"comment": "x"}),
                         lambda one: one.action_cases()):  # fmt: skip
                with self.assertRaises(UserError):
                    work(theirs)
        mine = look.with_user(self.tom).with_context(allowed_company_ids=self.company.ids)
        for vals in ({"number": 0}, {"user_id": self.rina.id}, {"day": "2026-01-01"}):
            with self.assertRaises(AccessError):
                mine.write(vals)
        with self.assertRaises(AccessError):
            mine.unlink()
        with self.assertRaises(AccessError):
            mine.read(["cases"])

    def test_team_total(self):
        self.pattern("short_calls", least=2)
        for place in range(2):
            self.short(f"s{place}", minute=place)
            self.short(f"r{place}", phone="102", minute=place)
        self.find()[0].comment = "A line that breaks down"
        self.env.flush_all()
        Team = self.env["crm.productivity.look.team"].with_context(allowed_company_ids=self.company.ids)
        for user in (self.nadia, self.boss):
            row = Team.with_user(user).search([])
            self.assertEqual((row.team_id, row.week, row.number, row.explained), (self.team, MONDAY, 2, 1))
        with self.assertRaises(AccessError):
            Team.with_user(self.tom).search([])
        self.team.member_ids -= self.rina
        self.assertFalse(Team.with_user(self.nadia).search([]))

    def test_nonsense(self):
        pattern = self.pattern("short_calls")
        with self.assertRaisesRegex(ValidationError, "takes an addon"):
            pattern.copy({"code": "nonsense"})
        with self.assertRaisesRegex(ValidationError, "no records"):
            pattern.res_model = "nonsense"

    def test_told_and_erased(self):
        self.pattern("short_calls", least=2)
        for place in range(2):
            self.short(f"s{place}", minute=place)
        self.assertTrue(self.find())
        Person = self.env["crm.voip.person"]
        person = Person._of(self.tom)
        told = Person.with_user(self.tom)._tell(person)["worth_a_look"][1]
        self.assertEqual(len(told), 1)
        self.assertNotIn("worth_a_look", Person.with_user(self.admin)._tell(person))
        Person._erase(person)
        self.assertFalse(self.Look.search([("user_id", "=", self.tom.id)]))
