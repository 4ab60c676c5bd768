from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import START, VoipCase, answered, group, missed, outbound

FIELDS = ["user_id", "viewer_ids", "from_number", "to_number", "dialled"]


@tagged("-at_install", "post_install")
class TestPeople(VoipCase):
    """One's own is one's own; colleagues one call at a time, with a note; side by side only by decision."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deliver(
            answered("tom", phone="101"),
            answered("rina", phone="102"),
            group("both", taker="101", losers=("102",)),
            missed("missed", phones=("101", "102")),
            outbound("out", phone="102"),
        )
        cls.env.flush_all()

    def as_user(self, user):
        return self.env["crm.voip.call"].with_user(user).with_context(allowed_company_ids=self.company.ids)

    def legs_as(self, user):
        return self.env["crm.voip.leg"].with_user(user).with_context(allowed_company_ids=self.company.ids)

    def log_of(self, person):
        log = self.env["crm.voip.people.log"].with_user(person).search([])
        return sorted((line.user_id.login, line.how) for line in log)

    def decide(self, **values):
        return (
            self.env["crm.voip.people.switch"]
            .with_user(self.admin)
            .create(
                {"company_id": self.company.id, "purpose": "Coaching", "agreement": "Council, 2026-01-10", **values}
            )
        )

    def refused(self, work, *args, **values):
        with self.assertRaisesRegex(UserError, "side by side", msg=str(args)):
            work(*args, **values)

    def test_phones_by_person_after_a_decision(self):
        self.decide()
        legs = self.legs_as(self.boss).search([("user_id", "=", self.rina.id)])
        self.assertEqual(set(legs.mapped("number")), {"102"})
        self.assertIn(("voip_boss", "filter"), self.log_of(self.rina))

    # --- without a decision ---

    def test_groups(self):
        for user in (self.boss, self.nadia, self.tom, self.admin):
            calls, legs = self.as_user(user), self.legs_as(user)
            for by in ("user_id", "viewer_ids", "from_number", "lead_id.user_id", "partner_id.user_id"):
                self.refused(calls._read_group, [], [by], ["__count"])
                self.refused(calls.formatted_read_group, [], [by], ["__count"])
                self.refused(calls.formatted_read_group, [], ["direction", by], ["talk_s:sum"])
            self.refused(calls.web_read_group, [], ["user_id"], ["__count"])
            with mute_logger("py.warnings"):
                self.refused(calls.read_group, [], ["talk_s:sum"], ["user_id"])
            self.refused(calls.formatted_read_grouping_sets, [], [["user_id"], ["direction"]], ["__count"])
            self.refused(calls.read_progress_bar, [], "user_id", {"field": "disposition", "colors": {"missed": "red"}})
            self.refused(calls._read_group, [], ["direction"], ["user_id:count_distinct"])
            self.refused(calls._read_group, [], ["direction"], ["user_id:array_agg"])
            for by in ("user_id", "extension_id", "number", "call_id.user_id", "call_id.from_number"):
                self.refused(legs._read_group, [], [by], ["__count"])

    def test_groups_of_no_person(self):
        calls = self.as_user(self.boss)
        groups = dict(calls._read_group([], ["disposition"], ["__count"]))
        self.assertEqual(groups, {"answered": 4, "missed": 1})
        self.assertTrue(calls.formatted_read_group([], ["started_at:day", "partner_id"], ["talk_s:avg"]))

    def test_filters(self):
        calls, legs = self.as_user(self.boss), self.legs_as(self.boss)
        for domain in (
            [("user_id", "=", self.tom.id)],
            [("user_id", "!=", self.rina.id)],
            [("user_id", "in", [self.tom.id, self.boss.id])],
            [("user_id.name", "ilike", "tom")],
            [("user_id", "ilike", "tom")],
            [("user_id", "any", [("login", "=", "voip_tom")])],
            [("viewer_ids", "in", self.tom.ids)],
            [("viewer_ids.login", "=", "voip_tom")],
            [("leg_ids.user_id", "=", self.tom.id)],
            [("leg_ids.extension_id.number", "=", "101")],
            [("leg_ids", "any", [("number", "=", "101")])],
            [("from_number", "=", "102")],
            ["|", ("direction", "=", "inbound"), "!", ("user_id", "=", self.tom.id)],
        ):
            for work in (calls.search, calls.search_count, calls.search_read):
                self.refused(work, domain)
            self.refused(calls._read_group, domain, [], ["__count"])
            self.refused(calls.web_search_read, domain, {"direction": {}})
        for domain in (
            [("user_id", "=", self.tom.id)],
            [("call_id.user_id", "=", self.tom.id)],
            [("number", "=", "101")],
        ):
            self.refused(legs.search_count, domain)

    def test_filters_from_other_models(self):
        self.refused(
            self.env["mail.message"].with_user(self.boss).search, [("crm_voip_call_id.user_id", "=", self.tom.id)]
        )

    def test_filters_for_oneself(self):
        calls = self.as_user(self.tom)
        self.assertEqual(calls.search_count([("user_id", "=", self.tom.id)]), 2)
        self.assertEqual(calls.search_count([("viewer_ids", "in", self.tom.ids)]), 3)
        self.assertEqual(calls.search_count([("is_mine", "=", True)]), 3)
        self.assertEqual(calls.search_count([("user_id", "=", False)]), 1)

    def test_orders(self):
        self.refused(self.as_user(self.boss).search, [], order="user_id, id")
        self.refused(self.as_user(self.boss).search_read, [], ["direction"], order="from_number desc")
        self.refused(self.legs_as(self.boss).search, [], order="extension_id")

    def test_lists_show_ones_own(self):
        calls = self.as_user(self.tom)
        for read in (
            lambda: calls.search_read([], FIELDS),
            lambda: calls.search([]).read(FIELDS),
            lambda: calls.search([]).web_read({name: {} for name in FIELDS}),
            lambda: calls.web_search_read([], {name: {} for name in FIELDS})["records"],
        ):
            rows = {row["id"]: row for row in read()}
            own, lost = rows[self.calls("tom").id], rows[self.calls("missed").id]
            self.assertEqual(own["user_id"] if isinstance(own["user_id"], int) else own["user_id"][0], self.tom.id)
            self.assertEqual(own["to_number"], "+31201000101")
            self.assertFalse(any(lost[name] for name in FIELDS), lost)
        rows = calls.search([]).web_read({"user_id": {"fields": {"display_name": {}}}})
        self.assertEqual({row["user_id"] and row["user_id"]["id"] for row in rows}, {self.tom.id, False})
        self.assertFalse(self.log_of(self.rina))

    def test_lists_show_no_colleague(self):
        rows = self.as_user(self.boss).search_read([], FIELDS)
        self.assertEqual(len(rows), 5)
        self.assertFalse([row for row in rows if any(row[name] for name in FIELDS)])
        legs = self.legs_as(self.boss).search_read([], ["user_id", "number", "extension_id", "outcome"])
        self.assertEqual(len(legs), 7)
        self.assertFalse([leg for leg in legs if leg["user_id"] or leg["number"] or leg["extension_id"]])
        self.assertNotIn("101", str(self.legs_as(self.boss).search([]).mapped("display_name")))

    def test_lists_that_come_from_a_lead(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        for call in self.calls():
            call._pick(partner, self.env["crm.lead"])
        rows = partner.with_user(self.boss).with_context(allowed_company_ids=self.company.ids).web_read({"name": {}})
        self.assertTrue(rows)

    def test_one_call_is_open_to_those_who_see_it(self):
        call = self.calls("both").with_user(self.boss).with_context(allowed_company_ids=self.company.ids)
        row = call.web_read({"user_id": {}, "leg_ids": {"fields": {"user_id": {}, "number": {}, "outcome": {}}}})[0]
        self.assertEqual(row["user_id"], self.tom.id)
        self.assertEqual({leg["number"] for leg in row["leg_ids"]}, {"101", "102"})
        self.assertEqual(self.log_of(self.tom), [("voip_boss", "call")])
        self.assertEqual(self.log_of(self.rina), [("voip_boss", "call")])
        # a second look within the hour says nothing new
        call.read(["user_id"])
        self.assertEqual(len(self.log_of(self.tom)), 1)
        self.assertIn("101", call.pbx_record)
        self.assertEqual(self.log_of(self.tom), [("voip_boss", "call"), ("voip_boss", "record")])

    def test_pbx_record_of_several_is_not_told(self):
        calls = self.as_user(self.boss).search([])
        self.assertFalse([record for record in calls.mapped("pbx_record") if record])

    def test_opening_ones_own_is_no_news(self):
        self.calls("tom").with_user(self.tom).read(FIELDS)
        self.assertFalse(self.log_of(self.tom))

    def test_export(self):
        calls = self.as_user(self.boss).search([])
        for path in (
            "user_id",
            "user_id/name",
            "user_id/.id",
            "from_number",
            "leg_ids/number",
            "leg_ids/user_id/login",
        ):
            self.refused(calls.export_data, ["direction", path])
        self.assertEqual(len(calls.export_data(["direction", "talk_s", "partner_id/name"])["datas"]), 5)

    def test_export_of_ones_own(self):
        self.tom.group_ids += self.env.ref("base.group_allow_export")
        own = self.as_user(self.tom).search([("user_id", "=", self.tom.id)])
        self.assertEqual({row[0] for row in own.export_data(["user_id"])["datas"]}, {self.tom.name})

    def test_names_tell_nobody(self):
        names = str(self.as_user(self.boss).search([]).mapped("display_name"))
        self.assertNotIn("voip_", names)
        self.assertNotIn("102", names)

    def test_small_teams_are_persons(self):
        calls = self.as_user(self.boss)
        self.assertEqual(calls._read_group([], ["team_ids"], ["__count"]), [(self.team, 5)])
        self.assertEqual(calls.search_count([("team_ids", "in", self.team.ids)]), 5)
        self.team.member_ids = [Command.unlink(self.rina.id)]
        self.refused(calls._read_group, [], ["team_ids"], ["__count"])
        self.refused(calls.search_count, [("team_ids", "in", self.team.ids)])
        self.refused(calls.search_count, [("team_ids.name", "=", self.team.name)])

    def test_superuser_code_is_not_stopped(self):
        calls = self.as_user(self.tom).sudo()
        self.assertEqual(len(calls._read_group([("pbx_id", "=", self.pbx.id)], ["user_id"], ["__count"])), 3)

    # --- the decision ---

    def test_who_decides(self):
        for user in (self.boss, self.nadia, self.tom):
            with self.assertRaises(AccessError):
                self.env["crm.voip.people.switch"].with_user(user).create(
                    {"company_id": self.company.id, "purpose": "x", "agreement": "y"}
                )
        switch = self.decide(on_by_id=self.boss.id, on_at="2020-01-01 00:00:00")
        self.assertEqual(switch.on_by_id, self.admin)
        self.assertGreater(switch.on_at, fields.Datetime.now() - timedelta(minutes=5))
        self.assertEqual((switch.min_group, switch.delay_days), (5, 1))
        for work in (lambda: switch.write({"purpose": "Other"}), switch.unlink):
            with self.assertRaises(UserError):
                work()
        with self.assertRaises(AccessError):
            switch.with_user(self.boss).action_turn_off()
        switch.action_turn_off()
        self.assertEqual(switch.off_by_id, self.admin)
        self.refused(self.as_user(self.boss)._read_group, [], ["user_id"], ["__count"])
        self.decide()

    def test_needs_a_purpose_and_an_agreement(self):
        for values in ({"purpose": False}, {"agreement": False}, {"min_group": 1}):
            with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
                self.decide(**values)

    def test_decided(self):
        self.decide(min_group=3)
        calls = self.as_user(self.boss)
        # two persons are no group of three
        with self.assertRaisesRegex(UserError, "groups of 3"):
            calls._read_group([], ["user_id"], ["__count"])
        self.deliver(answered("nadia", phone="103"))
        self.assertEqual(
            dict(calls._read_group([], ["user_id"], ["__count"])),
            {self.tom: 2, self.rina: 2, self.nadia: 1, self.env["res.users"]: 1},
        )
        self.assertEqual(self.log_of(self.rina), [("voip_boss", "group")])
        self.assertEqual(calls.search_count([("user_id", "=", self.tom.id)]), 2)
        self.assertIn(("voip_boss", "filter"), self.log_of(self.tom))
        self.assertTrue(all(row["to_number"] for row in calls.search_read([], ["to_number"])))
        self.assertIn(("voip_boss", "list"), self.log_of(self.tom))
        self.assertTrue(calls.search([]).export_data(["user_id"]))
        self.assertIn(("voip_boss", "export"), self.log_of(self.tom))

    def test_decided_but_not_yet(self):
        """Own numbers come to their owner first."""
        self.decide(min_group=3)
        self.deliver(answered("now", phone="101", start=fields.Datetime.now().astimezone(START.tzinfo)))
        now = self.calls("now")
        now.started_at = fields.Datetime.now()
        self.env.flush_all()
        calls = self.as_user(self.boss)
        self.assertEqual(calls.search_count([("user_id", "=", self.tom.id)]), 2)
        rows = {row["id"]: row for row in calls.search_read([], ["user_id"])}
        self.assertFalse(rows[now.id]["user_id"])
        self.assertTrue(rows[self.calls("tom").id]["user_id"])
        self.assertEqual(self.as_user(self.tom).search_count([("user_id", "=", self.tom.id)]), 3)

    def test_every_company_decides_for_itself(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.boss.company_ids += other
        self.decide(min_group=3)
        both = self.as_user(self.boss).with_context(allowed_company_ids=(self.company | other).ids)
        self.refused(both._read_group, [], ["user_id"], ["__count"])

    def test_log_is_for_the_person_looked_at(self):
        self.calls("both").with_user(self.boss).with_context(allowed_company_ids=self.company.ids).read(["user_id"])
        log = self.env["crm.voip.people.log"].search([("user_id", "=", self.boss.id)])
        self.assertEqual(log.person_id, self.tom | self.rina)
        for user in (self.boss, self.admin, self.nadia):
            self.assertFalse(log.with_user(user).search([]))
        own = log.filtered(lambda line: line.person_id == self.tom).with_user(self.tom)
        for work in (own.unlink, lambda: own.write({"how": "list"}), lambda: own.create({"how": "list"})):
            with self.assertRaises(AccessError):
                work()
