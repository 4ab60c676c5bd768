from datetime import timedelta

from odoo import Command
from odoo.addons.crm_voip_bridge.tests.common import CUSTOMER, START, VoipCase, answered, missed
from odoo.addons.crm_voip_bridge.tests.rights import RightsTable
from odoo.tests import new_test_user, tagged

PEOPLE = ("own", "colleague", "leader", "outside", "all", "admin", "foreign", "employee", "portal", "public")
#: record -> letters for each of PEOPLE (see `RightsTable`): what each can do to one record about what Tom did
MATRIX = {
    #                                       own     colleag leader  outside all     admin   foreign employ. portal  public
    "crm.productivity.day of Tom":          "rgx     -       -       -       -       -       -       -       -       -",
    "crm.productivity.day of nobody":       "-       -       rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.team":                "-       -       rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.hour":                "rgx     rgx     rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.when":                "rgxwc   c       c       c       c       c       c       -       -       -",
    "crm.productivity.turn":                "rgx     -       rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.metric":              "rgx     rgx     rgx     rgx     rgx     rgxwc   rgxwc   -       -       -",
    "crm.productivity.target of Tom":       "rgx     -       rgxwcd  -       rgxwcd  rgxwcd  -       -       -       -",
    "crm.productivity.target of the team":  "rgx     rgx     rgxwcd  -       rgxwcd  rgxwcd  -       -       -       -",
    "crm.productivity.comment":             "rgxwcd  c       c       c       c       c       -       -       -       -",
    "crm.productivity.choice":              "rgxw    -       -       -       -       -       -       -       -       -",
    "crm.productivity.mine":                "rgx     rgx     rgx     rgx     rgx     rgx     rgx     -       -       -",
    "crm.productivity.tile":                "rgx     rgx     rgx     rgx     rgx     rgx     rgx     -       -       -",
    "crm.productivity.week":                "-       -       rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.week.total":          "-       -       rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.function":            "-       -       rgx     -       rgx     rgxwc   rgxwc   -       -       -",
    "crm.productivity.function.since":      "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.use":                 "-       -       rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.opened":              "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.pattern":             "rgx     rgx     rgx     rgx     rgx     rgxw    rgxw    -       -       -",
    "crm.productivity.look":                "rgxw    -       -       -       -       -       -       -       -       -",
    "crm.productivity.look.team":           "-       -       rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.customer":            "rgx     rgx     rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.attention":           "rgx     rgx     rgx     -       rgx     rgx     -       -       -       -",
    "crm.productivity.stay":                "rgx     -       g       -       g       g       -       -       -       -",
    "crm.productivity.effort":              "rgx     -       g       -       g       g       -       -       -       -",
    "crm.productivity.funnel":              "rgxwc   c       c       c       c       c       c       -       -       -",
    "crm.productivity.funnel.line":         "rgxwc   -       -       -       -       -       -       -       -       -",
    "crm.productivity.fairness":            "rgxwc   c       c       c       c       c       c       -       -       -",
    "crm.productivity.fairness.line":       "rgxwc   -       -       -       -       -       -       -       -       -",
    "crm.productivity.fifth":               "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.rank":                "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.paper":               "rgxwcd  c       c       c       c       c       c       -       -       -",
    "crm.productivity.board":               "-       -       -       -       rgxwcd  c       c       -       -       -",
    "crm.productivity.letter":              "-       -       -       -       -       rgx     -       -       -       -",
    "crm.productivity.outage":              "-       -       -       -       rgx     rgx     -       -       -       -",
    "crm.productivity.recompute":           "-       -       -       -       -       rgxwc   rgxwc   -       -       -",
    "crm.productivity.member":              "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.stale":               "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.customer.stale":      "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.clock":               "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.threshold":           "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.channel":             "rgx     rgx     rgx     rgx     rgx     rgxwcd  -       -       -       -",
    "crm.productivity.outage.day":          "rgx     rgx     rgx     rgx     rgx     rgxwcd  -       -       -       -",
    "crm.productivity.message":             "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.settled":             "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.touched":             "-       -       -       -       -       -       -       -       -       -",
    "crm.productivity.known":               "-       -       -       -       -       -       -       -       -       -",
}  # fmt: skip


@tagged("-at_install", "post_install")
class TestRightsMatrix(RightsTable, VoipCase):
    """Person by record by deed, each cell, without the company's decision about figures of persons."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env
        other = env["res.company"].create({"name": "Other", "country_id": env.ref("base.nl").id})
        cls.company.write(
            {
                name: True
                for name in ("crm_productivity_use", "crm_productivity_look", "crm_productivity_targets",
                             "crm_productivity_comments")
                if name in cls.company._fields
            }
        )  # fmt: skip
        sales, export = "sales_team.group_sale_salesman", "base.group_allow_export"
        foreign = new_test_user(
            env, "matrix_foreign", groups=f"{sales},{export},crm_voip_bridge.group_manager",
            company_id=other.id, company_ids=[Command.set(other.ids)],
        )  # fmt: skip
        portal = new_test_user(
            env, "matrix_portal", groups="base.group_portal", company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )  # fmt: skip
        cls.people = {
            "own": cls.tom,
            "colleague": cls.rina,
            "leader": cls.nadia,
            "outside": cls.jonas,  # sees all documents of sales, and is in no team
            "all": cls.boss,
            "admin": cls.admin,
            "foreign": foreign,
            "employee": cls.clerk,
            "portal": portal,
            "public": env.ref("base.public_user"),
        }
        # the rule, not the right to export, must hold
        env.ref(export).user_ids += cls.tom | cls.rina | cls.jonas | cls.nadia | cls.clerk
        cls._set_up_records()

    @classmethod
    def _set_up_records(cls):
        env, tom, team = cls.pbx.env, cls.tom, cls.team
        env["crm.productivity.member"].search([]).write({"begins": START.date() - timedelta(days=90)})
        cls.partner = env["res.partner"].create({"name": "Lotte Molenaar", "phone": CUSTOMER})
        lead = env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "user_id": tom.id, "team_id": team.id, "partner_id": cls.partner.id,
             "company_id": cls.company.id}
        )  # fmt: skip
        cls.deliver(answered("a", phone="101"), answered("b", phone="102"), missed("m"))
        env["crm.productivity.stale"]._catch_up()
        company, day, now = cls.company.id, START.date(), START.replace(tzinfo=None)
        ours = {"company_id": company, "team_id": team.id}
        mine = {"company_id": company, "user_id": tom.id}

        def new(name, /, **vals):
            return env[name].create(vals)

        def found(name, *domain):
            return env[name].search([("company_id", "=", company), *domain], limit=1)

        def by(user, name, /, **vals):
            return env[name].with_user(user).with_company(cls.company).sudo().create(vals).sudo(False)

        metric = env["crm.productivity.metric"].search([("may_be_target", "=", True)], limit=1)
        function = env.ref("crm_productivity.function_outcomes")
        pattern = env.ref("crm_productivity.pattern_short_calls")
        about = {"res_model": "crm.lead", "res_id": lead.id}
        look = new(
            "crm.productivity.look", **mine, team_id=team.id, pattern_id=pattern.id, day=day, found_at=now, key=""
        )
        week = env["crm.productivity.week"].with_company(cls.company)
        monday = day - timedelta(days=day.weekday())
        week = week.browse(week._id_of(team, monday))
        funnel, fairness = by(tom, "crm.productivity.funnel"), by(tom, "crm.productivity.fairness")
        cls.records = {
            "crm.productivity.day of Tom": found("crm.productivity.day", ("user_id", "=", tom.id)),
            "crm.productivity.day of nobody": found("crm.productivity.day", ("user_id", "=", False)),
            "crm.productivity.team": found("crm.productivity.team", ("team_id", "=", team.id)),
            "crm.productivity.hour": found("crm.productivity.hour", ("team_id", "=", team.id)),
            "crm.productivity.when": by(tom, "crm.productivity.when"),
            "crm.productivity.turn": new("crm.productivity.turn", **about, **mine, team_id=team.id, since=now, known=True),
            "crm.productivity.metric": metric,
            "crm.productivity.target of Tom": new("crm.productivity.target", **mine, metric_id=metric.id, amount=1),
            "crm.productivity.target of the team": new("crm.productivity.target", **ours, metric_id=metric.id, amount=1),
            "crm.productivity.comment": by(
                tom, "crm.productivity.comment", metric_id=metric.id, text="At a fair", company_id=company
            ),
            "crm.productivity.choice": new("crm.productivity.choice", user_id=tom.id, metric_id=metric.id),
            "crm.productivity.mine": env["crm.productivity.mine"].browse(1),
            "crm.productivity.tile": env["crm.productivity.tile"].search([], limit=1),
            "crm.productivity.week": week,
            "crm.productivity.week.total": week.total_ids[:1],
            "crm.productivity.function": function,
            "crm.productivity.function.since": new(
                "crm.productivity.function.since", function_id=function.id, company_id=company, on_at=now
            ),
            "crm.productivity.use": new(
                "crm.productivity.use", **ours, function_id=function.id, week=monday, people=1, entitled=3
            ),
            "crm.productivity.opened": new("crm.productivity.opened", **mine, code="crm.productivity.when", at=now),
            "crm.productivity.pattern": pattern,
            "crm.productivity.look": look,
            "crm.productivity.look.team": found("crm.productivity.look.team"),
            "crm.productivity.customer": new(
                "crm.productivity.customer", **ours, partner_id=cls.partner.id, period=day.replace(day=1)
            ),
            "crm.productivity.attention": env["crm.productivity.attention"].browse(cls.partner.id),
            "crm.productivity.stay": new(
                "crm.productivity.stay", **mine, team_id=team.id, lead_id=lead.id, looked_at=now, ended="open"
            ),
            "crm.productivity.effort": found("crm.productivity.effort", ("lead_id", "=", lead.id)) or new(
                "crm.productivity.effort", **mine, team_id=team.id, lead_id=lead.id, looked_at=now, kind="opportunity"
            ),
            "crm.productivity.funnel": funnel,
            "crm.productivity.funnel.line": by(tom, "crm.productivity.funnel.line", funnel_id=funnel.id),
            "crm.productivity.fairness": fairness,
            "crm.productivity.fairness.line": by(
                tom, "crm.productivity.fairness.line", fairness_id=fairness.id, fifth="1"
            ),
            "crm.productivity.fifth": new(
                "crm.productivity.fifth", company_id=company, month=day.replace(day=1), fifth="1"
            ),
            "crm.productivity.rank": new(
                "crm.productivity.rank", company_id=company, partner_id=cls.partner.id, fifth="1", day=day
            ),
            "crm.productivity.paper": by(tom, "crm.productivity.paper", company_id=company),
            "crm.productivity.board": by(cls.boss, "crm.productivity.board", company_id=company),
            "crm.productivity.letter": new("crm.productivity.letter", **mine, monday=monday, until=day),
            "crm.productivity.outage": new(
                "crm.productivity.outage", pbx_id=cls.pbx.id, company_id=company, kind="silent", begins_at=now
            ),
            "crm.productivity.recompute": by(cls.admin, "crm.productivity.recompute"),
            "crm.productivity.member": env["crm.productivity.member"].search([("user_id", "=", tom.id)], limit=1),
            "crm.productivity.stale": new("crm.productivity.stale", company_id=company, day=day),
            "crm.productivity.customer.stale": env["crm.productivity.customer.stale"].create({}),
            "crm.productivity.clock": found("crm.productivity.clock") or new(
                "crm.productivity.clock", company_id=company, at=now
            ),
            "crm.productivity.threshold": new("crm.productivity.threshold", company_id=company, name="n", value=1),
            "crm.productivity.channel": new("crm.productivity.channel", name="Chat", company_id=company),
            "crm.productivity.outage.day": new(
                "crm.productivity.outage.day", date_from=day, date_to=day,
                channel_id=new("crm.productivity.channel", name="Other chat", company_id=company).id,
            ),
            "crm.productivity.message": new(
                "crm.productivity.message", company_id=company, ref="1", at=now,
                channel_id=env["crm.productivity.channel"].search([("company_id", "=", company)], limit=1).id,
            ),
            "crm.productivity.settled": new("crm.productivity.settled", **about),
            "crm.productivity.touched": new("crm.productivity.touched", **about),
            "crm.productivity.known": env["crm.productivity.known"].search([], limit=1) or new(
                "crm.productivity.known", **about, company_id=company, day=day
            ),
        }  # fmt: skip
        env.flush_all()
        env.invalidate_all()

    @classmethod
    def values(cls, model):
        """Values for a new record, of models of which somebody may make one."""
        metric = cls.records["crm.productivity.metric"].id
        return {
            "crm.productivity.metric": {
                "name": "n", "code": "n", "meaning": "m", "computation": "c", "formula": "calls_made"
            },
            "crm.productivity.target": {
                "metric_id": metric, "amount": 1, "user_id": cls.tom.id, "company_id": cls.company.id,
                "date_from": "2026-01-01", "date_to": "2026-01-31",
            },
            "crm.productivity.comment": {"metric_id": metric, "text": "t", "company_id": cls.company.id},
            "crm.productivity.choice": {"metric_id": metric, "user_id": cls.tom.id},
            "crm.productivity.channel": {"name": "n", "kind": "own", "company_id": cls.company.id},
            "crm.productivity.outage.day": {
                "channel_id": cls.records["crm.productivity.channel"].id, "date_from": "2026-01-01", "date_to": "2026-01-01"
            },
            "crm.productivity.function": {"name": "n", "code": "n", "counts": "c", "screens": "crm.productivity.when"},
            "crm.productivity.funnel.line": {"funnel_id": cls.records["crm.productivity.funnel"].id},
            "crm.productivity.fairness.line": {
                "fairness_id": cls.records["crm.productivity.fairness"].id, "fifth": "1"
            },
        }.get(model, {})  # fmt: skip

    def test_each_cell(self):
        """A total of others in which Tom is one among three may be grouped by whoever leads; his records are not read."""
        self.assertTable(MATRIX)

    def test_every_model_of_ours_is_in_the_matrix(self):
        ours = {
            name for name, record in self.env.items() if not record._abstract and name.startswith("crm.productivity.")
        }
        self.assertEqual({name.split()[0] for name in MATRIX}, ours)

    def test_every_route_of_ours_is_known(self):
        """Whoever adds one says here who may come that way, and where that is tried."""
        http = self.env["ir.http"]
        installed = sorted(self.env.registry._init_modules)
        rules = http._generate_routing_rules(installed, converters=http._get_converters())
        ours = {url for url, _endpoint in rules if "crm_productivity" in url}
        # whoever has the secret of the channel: test_channel.TestWebhook.test_refused
        self.assertEqual(ours, {"/crm_productivity/v1/messages/<string:token>"})

    def groups_of(self, record):
        return [next(name for name in ("company_id", "function_id", "id") if name in record._fields)]

    def exported(self, mine):
        return mine.exists() and super().exported(mine)
