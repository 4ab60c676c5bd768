from datetime import datetime

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.tests.common import answered, outbound
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .stories import story
from .test_customer import CustomerCase


@tagged("-at_install", "post_install")
class TestPipeline(CustomerCase):
    """Opportunities through their stages, and what they cost."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": False})
        cls.new, cls.talk, cls.offer, cls.won = cls.env["crm.stage"].create([
            {"name": name, "sequence": 100 + place, "is_won": name == "Signed"}
            for place, name in enumerate(("First", "Talk", "Offer", "Signed"))
        ])  # fmt: skip
        cls.Stay, cls.Effort = cls.env["crm.productivity.stay"], cls.env["crm.productivity.effort"]

    def at(self, moment, change, *args):
        """Do something at a moment, as a request of its own would."""
        with freeze_time(moment):
            result = change(*args)
            self.env.flush_all()
            self.env.cr.precommit.run()
        messages = self.env["mail.message"].search([("model", "=", "crm.lead")], order="id desc", limit=3)
        # what the database itself notes is of the day on which the test runs
        for message in messages.filtered(lambda one: one.tracking_value_ids and one not in self.dated):
            message.date = moment
            self.dated |= message
        return result

    def setUp(self):
        super().setUp()
        self.dated = self.env["mail.message"]

    def lead(self, moment, **vals):
        def make():
            return self.env["crm.lead"].create(
                {"name": "Pumps", "type": "opportunity", "stage_id": self.new.id, "user_id": self.tom.id, "team_id": self.team.id,
                 "company_id": self.company.id, "partner_id": self.aurora.id, "expected_revenue": 1000, **vals}
            )  # fmt: skip

        lead = self.at(moment, make)
        self.env.cr.execute(
            "UPDATE crm_lead SET create_date = %s, date_last_stage_update = %s WHERE id = %s", (moment, moment, lead.id)
        )
        lead.invalidate_recordset()
        return lead

    def move(self, lead, moment, stage):
        self.at(moment, lead.write, {"stage_id": stage.id})
        self.env.cr.execute("UPDATE crm_lead SET date_last_stage_update = %s WHERE id = %s", (moment, lead.id))
        lead.invalidate_recordset()

    def told(self, lead):
        self.reckon()
        return [
            (stay.stage_id, stay.seconds and stay.seconds / 86400, stay.ended)
            for stay in self.Stay.search([("lead_id", "=", lead.id)], order="looked_at, id")
        ]

    def from_nothing_leads(self):
        self.Stay.search([]).unlink()
        self.Effort.search([]).unlink()
        self.env["crm.productivity.known"]._begin()
        self.reckon()
        return self.snapshot(self.Stay), self.snapshot(self.Effort)

    @story("stage_time")
    def test_by_hand(self):
        lead = self.lead("2026-11-02 09:00:00")
        self.move(lead, "2026-11-04 09:00:00", self.talk)
        self.move(lead, "2026-11-05 09:00:00", self.new)
        self.move(lead, "2026-11-05 21:00:00", self.offer)
        self.at("2026-11-08 21:00:00", lead.action_set_won)
        won = lead.stage_id
        self.assertEqual(
            self.told(lead),
            [
                (self.new, 2, "moved"),
                (self.talk, 1, "moved"),
                (self.new, 0.5, "moved"),
                (self.offer, 3, "moved"),
                (won, False, "won"),
            ],
        )
        self.assertEqual((self.snapshot(self.Stay), self.snapshot(self.Effort)), self.from_nothing_leads())
        # the stage in which it is won is onward, wherever it stands
        figures = self.Stay._funnel(self.company, datetime(2026, 11, 1), datetime(2026, 12, 1), self.everything())
        self.assertEqual([figures[self.offer.id][name] for name in ("reached", "onward", "back")], [1, 1, 0])
        self.assertEqual([figures[self.talk.id][name] for name in ("reached", "onward", "back")], [1, 0, 1])

    def test_lost_and_taken_up_again(self):
        lead = self.lead("2026-11-02 09:00:00")
        self.at("2026-11-03 09:00:00", lead.action_set_lost)
        self.assertEqual(self.told(lead), [(self.new, 1, "lost")])
        # the week in which it was lost is nobody's work
        self.at("2026-11-10 09:00:00", lead.action_unarchive)
        self.assertEqual(self.told(lead), [(self.new, 1, "lost"), (self.new, False, "open")])
        self.move(lead, "2026-11-12 09:00:00", self.won)
        self.assertEqual(self.told(lead), [(self.new, 1, "lost"), (self.new, 2, "moved"), (self.won, False, "won")])
        figures = self.Stay._funnel(self.company, datetime(2026, 11, 1), datetime(2026, 12, 1), self.everything())
        # an opportunity that came back is one, and it moved on
        self.assertEqual(
            [figures[self.new.id][name] for name in ("reached", "onward", "lost", "here", "timed", "median")],
            [1, 1, 0, 0, 2, 86400],
        )
        lead.unlink()
        self.reckon()
        self.assertFalse(self.Stay.search([("lead_id", "=", lead.id)]))

    def everything(self):
        return self.env["crm.productivity.funnel"].with_company(self.company).create({})._where("stay")

    def test_not_measured(self):
        """Moved where nobody tracked it: that it is there is known, and since when; where it was before is not."""
        quiet = self.lead("2026-11-02 09:00:00")
        self.env.cr.execute(
            "UPDATE crm_lead SET stage_id = %s, date_last_stage_update = '2026-11-06 09:00' WHERE id = %s",
            (self.offer.id, quiet.id),
        )
        quiet.invalidate_recordset()
        self.env["crm.productivity.touched"]._mark({("crm.lead", quiet.id)})
        self.assertEqual(self.told(quiet), [(self.offer, False, "open")])
        self.assertEqual(self.Stay.search([("lead_id", "=", quiet.id)]).entered_at, datetime(2026, 11, 6, 9))
        # a gap in what was tracked: how long it was in the stage before is not known
        gap = self.lead("2026-11-02 09:00:00")
        self.move(gap, "2026-11-03 09:00:00", self.talk)
        self.env.cr.execute("UPDATE crm_lead SET stage_id = %s WHERE id = %s", (self.offer.id, gap.id))
        gap.invalidate_recordset()
        self.move(gap, "2026-11-09 09:00:00", self.won)
        self.assertEqual(
            sorted(self.told(gap), key=lambda stay: stay[0].sequence),
            [
                (self.new, 1, "moved"),
                (self.talk, False, "moved"),
                (self.offer, False, "moved"),
                (self.won, False, "won"),
            ],
        )

    def test_deleted_stage(self):
        lead = self.lead("2026-11-02 09:00:00")
        self.move(lead, "2026-11-04 09:00:00", self.talk)
        self.reckon()
        self.new.unlink()
        self.assertEqual(self.told(lead), [(self.env["crm.stage"], 2, "moved"), (self.talk, False, "open")])
        self.assertEqual((self.snapshot(self.Stay), self.snapshot(self.Effort)), self.from_nothing_leads())

    @story("stage_moved_on", "effort_talk", "effort_handle", "effort_amount")
    def test_effort(self):
        lead, silent = self.lead("2026-11-02 07:00:00"), self.lead("2026-11-02 07:00:00")
        self.deliver(answered("a", number="+12025550101", seconds=90), outbound("o", number="+12025550101"))
        self.calls("a", "o").lead_id = lead
        self.at("2026-11-10 09:00:00", (lead | silent).action_set_won)
        self.reckon()
        effort = self.Effort.search([("lead_id", "=", lead.id)])
        # 90 s and 30 s of talk, and the dialling
        handled = 90 + 30 + self.calls("o").ring_s
        self.assertEqual(
            (effort.calls, effort.talk_s, effort.handle_s, effort.amount, effort.state), (2, 120, handled, 1000, "won")
        )
        nothing = self.Effort.search([("lead_id", "=", silent.id)])
        self.assertEqual((nothing.calls, nothing.talk_s, nothing.measured), (0, False, 0))
        with freeze_time("2026-11-20 12:00"):
            one = self.screen(self.boss)
            self.assertIn("Won: 2 opportunities", one.effort)
            self.assertIn("measured for 1 of them: talk 2 min 00 s each", one.effort)
            self.assertIn("Not measured: 1;", one.effort)
            line = one.line_ids.filtered(lambda line: line.stage_id == self.new)
            self.assertEqual((line.reached, line.onward, line.conversion, line.timed), (2, 2, 100, 2))
            self.assertEqual(
                set(self.env["crm.lead"].with_context(active_test=False).search(line.action_leads()["domain"])),
                {*lead, *silent},
            )
        self.assertEqual((self.snapshot(self.Stay), self.snapshot(self.Effort)), self.from_nothing_leads())
        # the calls of a merged opportunity are the other's
        self.at("2026-11-11 09:00:00", lambda: (lead | silent).merge_opportunity(auto_unlink=True))
        left = (lead | silent).exists()
        self.assertEqual(len(left), 1)
        self.reckon()
        self.assertEqual(self.Effort.search([("lead_id", "=", left.id)]).talk_s, 120)
        self.assertEqual((self.snapshot(self.Stay), self.snapshot(self.Effort)), self.from_nothing_leads())

    def screen(self, user, **vals):
        Funnel = self.env["crm.productivity.funnel"].with_user(user).with_context(allowed_company_ids=self.company.ids)
        one = Funnel.browse(Funnel.action_open()["res_id"])
        one.write(vals)
        return one

    @freeze_time("2026-11-20 12:00")
    def test_ageing(self):
        for moment, amount in (("2026-11-10 09:00:00", 10), ("2026-10-01 09:00:00", 20), ("2026-01-01 09:00:00", 40)):
            self.lead(moment, expected_revenue=amount)
        self.reckon()
        [line] = self.screen(self.boss, months="3").line_ids.filtered(lambda line: line.stage_id == self.new)
        self.assertEqual((line.open_count, line.age_0, line.age_1, line.age_2, line.age_3), (3, 1, 1, 0, 1))
        self.assertEqual((line.open_amount, line.old_amount), (70, 40))
        # nobody left: how many moved on is not known
        self.assertIs(line.conversion, False)
        # a stage without any stays visible
        self.assertIn(self.offer, self.screen(self.boss).line_ids.stage_id)

    @freeze_time("2026-11-20 12:00")
    def test_who_sees_what(self):
        toms = self.lead("2026-11-10 09:00:00")
        rinas = self.lead("2026-11-10 09:00:00", user_id=self.rina.id)
        jonas = self.lead("2026-11-10 09:00:00", user_id=self.jonas.id, team_id=False)
        self.reckon()

        def reached(user, **vals):
            [line] = self.screen(user, **vals).line_ids.filtered(lambda line: line.stage_id == self.new)
            return line.reached

        self.assertEqual([reached(user) for user in (self.boss, self.nadia, self.rina, self.jonas)], [2, 2, 2, 1])
        self.assertEqual([reached(user, mine=True) for user in (self.tom, self.rina, self.nadia)], [1, 1, 0])
        # of single persons: oneself, without a decision of the company
        Stay = self.Stay.with_context(allowed_company_ids=self.company.ids)
        self.assertEqual(Stay.with_user(self.tom).search([]).lead_id, toms)
        self.assertEqual(Stay.with_user(self.rina).search([]).lead_id, rinas)
        # what belongs to no team is Jonas' alone
        self.assertEqual(Stay.with_user(self.boss).search([]).lead_id, toms | rinas)
        for model in (self.Stay, self.Effort):
            model = model.with_context(allowed_company_ids=self.company.ids)
            with self.assertRaises(UserError):
                model.with_user(self.boss).read_group([], ["__count"], ["user_id"])
            rows = model.with_user(self.boss).search([]).read(["user_id", "lead_id"])
            self.assertEqual([row["user_id"] for row in rows], [False, False])
            with self.assertRaises(AccessError):
                model.with_user(self.clerk).search([])
        # two people's total is a person's figure
        self.team.member_ids -= self.rina
        self.assertEqual(reached(self.nadia, mine=False), 0)
        self.assertFalse(Stay.with_user(self.nadia).search([]))
        self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "Coaching", "agreement": "2026-10", "min_group": 3}
        )
        self.assertEqual((reached(self.nadia, mine=False), reached(self.boss)), (2, 3))
        self.assertEqual(Stay.with_user(self.boss).search([]).lead_id, toms | rinas | jonas)

    @freeze_time("2026-11-20 12:00")
    def test_few_queries(self):
        for _place in range(3):
            self.lead("2026-11-10 09:00:00")
        self.reckon()
        one = self.screen(self.boss)
        self.env.flush_all()
        self.env.invalidate_all()
        one.line_ids.mapped("stage")
        before = self.env.cr.sql_log_count
        one.line_ids.mapped("reached")
        # two sums for all stages together; teams, company, dictionary
        self.assertLessEqual(self.env.cr.sql_log_count - before, 20)
