from datetime import date

from odoo.addons.crm_voip_bridge.tests.rights import RightsTable
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import MONDAY, SupportCase

PEOPLE = ("technic.", "colleag.", "superv.", "foreign", "calls", "sales", "employee", "customer", "other", "public")
#: record -> letters for each of PEOPLE (see `RightsTable`): what each can do to one record about what Tess did
MATRIX = {
    #                            technic. colleag. superv.  foreign  calls    sales    employee customer other    public
    "crm.support.policy":       "rgx      rgx      rgxwc    c        -        -        -        -        -        -",
    "crm.support.agreement":    "rgx      rgx      rgxwcd   -        -        -        -        -        -        -",
    "crm.support.reason":       "rgx      rgx      rgxwcd   rgxwcd   -        -        -        -        -        -",
    "crm.support.topic":        "rgxwc    rgxwc    rgxwcd   rgxwcd   -        -        -        rg       rg       -",
    "crm.support.rule":         "rgx      rgx      rgxwcd   c        -        -        -        -        -        -",
    "crm.support.request":      "rgxwc    rgxwc    rgxwcd   -        -        -        -        g        -        -",
    "crm.support.contact":      "rgx      rgx      rgx      -        -        -        -        -        -        -",
    "crm.support.entry":        "rgx      rgx      rgx      -        -        -        -        rg       -        -",
    "crm.support.turn":         "rgx      rgx      rgx      -        -        -        -        -        -        -",
    "crm.support.notice":       "-        -        rgx      -        -        -        -        -        -        -",
    "crm.support.takeover":     "rgx      rgx      rgx      -        -        -        -        -        -        -",
    "crm.support.would":        "-        -        rgx      -        -        -        -        -        -        -",
    "crm.support.statement":    "rgx      rgx      rgx      -        -        -        -        rg       -        -",
    "crm.support.objection":    "rgx      rgx      rgxw     -        -        -        -        g        -        -",
    "crm.support.next":         "rgxwc    c        c        c        -        -        -        -        -        -",
    "crm.support.say":          "rgxwc    c        c        c        -        -        -        -        -        -",
    "crm.support.wait":         "-        -        rgx      -        -        -        -        -        -        -",
    "crm.support.fit":          "-        -        rgx      -        -        -        -        -        -        -",
    "crm.support.threshold":    "rgx      rgx      rgxwcd   -        -        -        -        -        -        -",
    "crm.support.crossing":     "rgx      rgx      rgx      -        -        -        -        -        -        -",
    "crm.support.audit":        "-        -        rgx      -        -        -        -        -        -        -",
    "crm.support.board":        "-        -        rgxwc    c        -        -        -        -        -        -",
    "crm.support.live":         "-        -        rgxwc    c        -        -        -        -        -        -",
    "crm.support.live.line":    "-        -        rgxwc    c        -        -        -        -        -        -",
    "crm.support.terms":        "-        -        -        -        -        -        -        -        -        -",
    "crm.support.late":         "-        -        -        -        -        -        -        -        -        -",
    "crm.support.written":      "-        -        -        -        -        -        -        -        -        -",
    "crm.support.unanswered":   "-        -        -        -        -        -        -        -        -        -",
    "crm.support.checkpoint":   "-        -        -        -        -        -        -        -        -        -",
    "crm.support.counter":      "-        -        -        -        -        -        -        -        -        -",
}  # fmt: skip


@tagged("post_install", "-at_install")
class TestRightsMatrix(RightsTable, SupportCase):
    """Person by record by deed, each cell."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env
        other = env["res.company"].create({"name": "Other", "country_id": env.ref("base.nl").id})
        export = env.ref("base.group_allow_export")

        def person(login, groups, company=cls.company):
            return new_test_user(
                env, login, groups=groups, company_id=company.id, company_ids=[Command.set(company.ids)]
            )

        theirs, others = (person(f"matrix_{name}", "base.group_portal") for name in ("customer", "other"))
        theirs.partner_id.parent_id, others.partner_id.parent_id = cls.heavy, cls.light
        public = env.ref("base.public_user").copy({"login": "matrix_public", "company_id": cls.company.id,
                                                   "company_ids": [Command.set(cls.company.ids)], "active": True})  # fmt: skip
        people = (
            cls.tess,
            cls.timo,
            cls.vera,
            person("matrix_foreign", "crm_support_budget.group_supervisor", other),
            cls.admin,
            cls.tom,
            cls.clerk,
            theirs,
            others,
            public,
        )
        for user in people[:7]:
            user.group_ids |= export
        cls.people = dict(zip(PEOPLE, people, strict=True))

        def made(model, /, **vals):
            return env[f"crm.support.{model}"].create(vals)

        mine = {"company_id": cls.company.id}
        request = made("request", name="Help", contact_id=cls.caller.id, user_id=cls.tess.id, **mine)
        contact = env["crm.support.contact"].with_user(cls.tess)._by_hand(
            cls.caller, 130, "On site", MONDAY, request=request, company=cls.company
        ).sudo(True)  # fmt: skip
        entry = contact.entry_ids
        takeover = env["crm.support.takeover"].with_user(cls.vera)._begin(cls.heavy, cls.company)
        records = {
            "policy": cls.policy,
            "agreement": made(
                "agreement", partner_id=cls.heavy.id, policy_id=cls.policy.id, date_from=date(2026, 11, 9), **mine
            ),
            "reason": env.ref("crm_support_budget.reason_question"),
            "topic": made("topic", name="E-mail"),
            "rule": made("rule", name="All", kind="all", **mine),
            "request": request,
            "contact": contact,
            "entry": entry,
            "turn": made("turn", user_id=cls.tess.id, request_id=request.id, partner_id=cls.heavy.id, **mine),
            "notice": env["crm.support.notice"]._look(cls.company, MONDAY.replace(hour=12)),
            "takeover": takeover,
            "would": made("would", kind="mail", text="A mail", partner_id=cls.heavy.id, **mine),
            "statement": env["crm.support.statement"]._of(cls.heavy, cls.company, date(2026, 10, 1)),
            "objection": env["crm.support.objection"].with_user(theirs)._object(entry.with_user(theirs), "It crashed"),
            "next": made("next").with_user(cls.tess),
            "say": made("say", kind="say"),
            "threshold": cls.policy.threshold_ids[:1],
            "crossing": made("crossing", partner_id=cls.heavy.id, place=1, colour="red", at=MONDAY, **mine),
            "audit": made("audit", **mine),
            "terms": env["crm.support.terms"].search([("policy_id", "=", cls.policy.id)], limit=1),
            "late": env["crm.support.late"].search([("partner_id", "=", cls.heavy.id)], limit=1),
            "written": made("written", message=1),
            "unanswered": made("unanswered", model="res.partner", res_id=1, message=1, at=MONDAY),
            "checkpoint": made("checkpoint", partner_id=cls.heavy.id, at=MONDAY, **mine),
            "counter": env["crm.support.counter"].search([("partner_id", "=", cls.heavy.id)], limit=1),
        }
        records["next"] = env["crm.support.next"].with_user(cls.tess).create({})
        records["board"] = env["crm.support.board"].with_user(cls.vera).create({})
        records["live"] = env["crm.support.live"].with_user(cls.vera).create({})
        records["live.line"] = env["crm.support.live.line"].with_user(cls.vera).create({"live_id": records["live"].id})
        records["say"] = env["crm.support.say"].with_user(cls.tess).create({"kind": "say"})
        env["crm.support.fit"]._look(cls.company, MONDAY.replace(hour=12))
        records["fit"] = env["crm.support.fit"].search([("partner_id", "=", cls.heavy.id)])
        waits = env["crm.support.wait"].with_context(allowed_company_ids=cls.company.ids)
        records["wait"] = waits.search([("request_id", "=", request.id)], limit=1)
        cls.records = {f"crm.support.{name}": record.sudo() for name, record in records.items()}
        env.flush_all()

    def groups_of(self, record):
        return ["partner_id"] if "partner_id" in record._fields and record._fields["partner_id"].store else ["id"]

    def values(self, model):
        record = self.records[model]
        wanted = {
            name: record._fields[name].convert_to_write(record[name], record)
            for name, field in record._fields.items()
            if field.store and field.required and name not in ("id",)
        }
        # what there may be one of only
        another = {"crm.support.agreement": {"partner_id": self.light.id}, "crm.support.threshold": {"colour": "green"}}
        return {**wanted, **another.get(model, {})}

    def test_every_cell(self):
        self.assertTable(MATRIX)

    def test_no_model_is_forgotten(self):
        ours = {name for name, model in self.env.items() if name.startswith("crm.support.") and not model._abstract}
        self.assertEqual(ours, set(self.records))
