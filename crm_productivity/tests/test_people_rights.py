from datetime import timedelta

from odoo.addons.crm_voip_bridge.tests.common import CUSTOMER, START, VoipCase, answered
from odoo.exceptions import AccessError, UserError
from odoo.service.model import get_public_method
from odoo.tests import tagged
from odoo.tools import mute_logger

#: a number that nothing else holds: wherever it appears, it is Tom's
TOM_S = 4711
#: models with figures of single persons -> the field that holds Tom's number
PERSONS = {
    "crm.productivity.day": "taken",
    "crm.productivity.look": "number",
}


@tagged("-at_install", "post_install")
class TestPeopleRights(VoipCase):
    """A colleague's figures appear in no list, group, export or answer, by whatever way one asks for them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env
        cls.day = START.date()
        env["crm.productivity.member"].search([]).write({"begins": cls.day - timedelta(days=90)})
        env.ref("base.group_allow_export").user_ids += cls.tom | cls.rina | cls.jonas | cls.nadia
        env["res.partner"].create({"name": "Lotte Molenaar", "phone": CUSTOMER})
        cls.deliver(answered("a", phone="101"), answered("b", phone="102"), answered("c", phone="103"))
        env["crm.productivity.stale"]._catch_up()
        mine = {"company_id": cls.company.id, "user_id": cls.tom.id, "team_id": cls.team.id}
        cls.look = env["crm.productivity.look"].create(
            {**mine, "pattern_id": env.ref("crm_productivity.pattern_short_calls").id, "day": cls.day,
             "found_at": START.replace(tzinfo=None), "key": "", "number": TOM_S}
        )  # fmt: skip
        env.cr.execute(
            "UPDATE crm_productivity_day SET taken = %s, talk_s = %s WHERE user_id = %s", [TOM_S, TOM_S, cls.tom.id]
        )
        env.invalidate_all()
        cls.others = cls.rina | cls.nadia | cls.jonas | cls.boss | cls.admin

    def ways(self, model, user, field):
        """:return: ``{name: what to call}``: the ways in which a client, a sheet or another program asks"""
        mine = self.env[model].with_user(user).with_context(allowed_company_ids=self.company.ids)
        Model = self.env[model].sudo()
        tom_s = Model.search([("user_id", "=", self.tom.id)])
        mine_s = tom_s.with_user(user).with_context(allowed_company_ids=self.company.ids)
        asked = [("user_id", "=", self.tom.id)]
        sums = [f"{field}:sum", f"{field}:max", f"{field}:array_agg"]
        ways = {
            "search_read": lambda: mine.search_read([], [field, "user_id"]),
            "search by number": lambda: mine.search([(field, "=", TOM_S)]).ids and TOM_S,
            "count by number": lambda: mine.search_count([(field, "=", TOM_S)]) and TOM_S,
            "read": lambda: mine_s.read([field]),
            "web_read": lambda: mine_s.web_read({field: {}, "user_id": {"fields": {"display_name": {}}}}),
            "web_search_read": lambda: mine.web_search_read([], {field: {}, "day": {}}),
            "export": lambda: mine_s.export_data([field, "user_id/name"])["datas"],
            "name_search": lambda: mine.name_search(str(TOM_S)),
            "onchange": lambda: mine_s.onchange({}, [], {field: {}}),
            "copy": mine_s.copy_data,
            "mapped": lambda: mine_s.mapped(field),
            "filtered": lambda: mine.search([]).mapped(field),
            "order by number": lambda: mine.search([], order=f"{field} desc", limit=1).mapped(field),
        }
        for group in ([], ["day:day"], ["team_id"], ["user_id"], ["user_id", "day:day"], ["is_mine"], ["id"]):
            for where in ([], asked):
                key = f"{group} of {where}"
                ways[f"formatted_read_group {key}"] = lambda where=where, group=group: mine.formatted_read_group(
                    where, group, sums
                )
        ways["web_read_group"] = lambda: mine.web_read_group([], ["user_id"], sums[:2])
        ways["sets"] = lambda: mine.formatted_read_grouping_sets([], [["user_id"], ["team_id"], []], sums[:2])
        return ways

    def given(self, work):
        """:return: whether a way gives away what is Tom's"""
        self.env.invalidate_all()
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                return str(TOM_S) in str(work())
        except (UserError, ValueError, KeyError, NotImplementedError):
            return False
        finally:
            self.env.invalidate_all()

    def test_no_way_gives_a_colleague_s_figures(self):
        for model, field in PERSONS.items():
            # the ways do work: Tom himself finds his number
            for name in ("search_read", "read", "web_read", "web_search_read", "export", "mapped"):
                with self.subTest(model=model, way=name, person="Tom himself"):
                    self.assertTrue(self.given(self.ways(model, self.tom, field)[name]))
            for user in self.others:
                for name, work in self.ways(model, user, field).items():
                    with self.subTest(model=model, way=name, person=user.login):
                        self.assertFalse(self.given(work), f"{user.login} by {name} on {model}")

    def test_decided_it_is_shown_to_who_leads_only(self):
        self.env["crm.voip.people.switch"].create(
            {"company_id": self.company.id, "purpose": "p", "agreement": "a", "min_group": 3, "delay_days": 0}
        )
        for user, expected in ((self.nadia, True), (self.boss, True), (self.rina, False), (self.clerk, False)):
            way = self.ways("crm.productivity.day", user, "taken")["search_read"]
            self.assertEqual(self.given(way), expected, user.login)
        # what is worth a look stays the person's, whatever the company decided
        for user in self.others:
            for name, work in self.ways("crm.productivity.look", user, "number").items():
                with self.subTest(way=name, person=user.login):
                    self.assertFalse(self.given(work))

    def test_screens_of_others(self):
        """The heat map, the use and the team's totals hold no person."""
        context = {"allowed_company_ids": self.company.ids}
        for model in ("crm.productivity.hour", "crm.productivity.use", "crm.productivity.look.team",
                      "crm.productivity.team"):  # fmt: skip
            fields = self.env[model].fields_get()
            persons = [name for name, field in fields.items() if field.get("relation") == "res.users"]
            self.assertFalse(persons, model)
            for user in self.others:
                rows = self.given(
                    lambda model=model, user=user: (
                        self.env[model].with_user(user).with_context(**context).search_read([])
                    )
                )
                # the team's total is Tom's and others'; what is worth a look is counted, not added up
                self.assertFalse(rows, f"{user.login} on {model}")

    def test_private_methods_are_not_for_clients(self):
        for model in (name for name in self.env if name.startswith("crm.productivity.")):
            for name in dir(type(self.env[model])):
                if (
                    name.startswith("_")
                    and not name.startswith("__")
                    and callable(getattr(type(self.env[model]), name))
                ):
                    with self.assertRaises(AccessError):
                        get_public_method(self.env[model], name)
                    break
        for name in ("_totals", "_reckon", "_added_up"):
            with self.assertRaises(AccessError):
                get_public_method(self.env["crm.productivity.day"], name)

    def test_nothing_leads_here_from_elsewhere(self):
        """No field of another model goes to a person's figures, so no path does."""
        paths = [
            f"{model}.{field.name}"
            for model in self.env
            for field in self.env[model]._fields.values()
            if not model.startswith("crm.productivity.") and (field.comodel_name or "") in PERSONS
        ]
        self.assertFalse(paths)
