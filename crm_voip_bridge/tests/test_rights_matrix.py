import inspect
from datetime import datetime, timedelta, timezone

from odoo import Command, fields
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.exceptions import UserError
from odoo.tests import HttpCase, JsonRpcException, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .common import CUSTOMER, START, VoipCase, VoipPeople, group, missed
from .rights import RightsTable
from .test_recording import CONSENT, wave

STRANGER = "+12025550177"
PEOPLE = ("own", "listener", "colleague", "leader", "all", "admin", "foreign", "employee", "portal", "public")
#: record -> letters for each of PEOPLE (see :mod:`rights`): what each can do to one record about Tom's calls
MATRIX = {
    #                             own     listen. colleag leader  all     admin   foreign employ. portal  public
    "crm.voip.call":              "rgxw    rgxw    -       rgxw    rgxw    rgxw    -       -       -       -",
    "crm.voip.leg":               "rgx     rgx     -       rgx     rgx     rgx     -       -       -       -",
    "crm.voip.journal":           "-       -       -       -       -       -       -       -       -       -",
    "crm.voip.call.ref":          "-       -       -       -       -       -       -       -       -       -",
    "crm.voip.pbx":               "gx      gx      gx      gx      gx      rgxwc   -       -       -       -",
    "crm.voip.extension":         "rgx     rgx     rgx     rgx     rgx     rgxwc   -       -       -       -",
    "crm.voip.line":              "-       -       -       -       -       rgxwcd  -       -       -       -",
    "crm.voip.pbx.key":           "-       -       -       -       -       rgxw    -       -       -       -",
    "crm.voip.pbx.state":         "-       -       -       -       -       rgx     -       -       -       -",
    "crm.voip.refused":           "-       -       -       -       -       rgx     -       -       -       -",
    "crm.voip.outside":           "-       -       -       -       -       rgx     -       -       -       -",
    "crm.voip.queue":             "-       -       -       -       -       rgx     -       -       -       -",
    "crm.voip.never of Tom":      "rgxwcd  c       c       c       c       c       -       c       -       -",
    "crm.voip.never of all":      "c       c       c       c       c       rgxwcd  -       c       -       -",
    "crm.voip.people.switch":     "rgx     rgx     rgx     rgx     rgx     rgxc    -       rgx     -       -",
    "crm.voip.people.log":        "rgx     -       -       -       -       -       -       -       -       -",
    "crm.voip.command":           "rgx     -       -       -       -       rgx     -       -       -       -",
    "crm.voip.recording":         "-       rgx     -       -       -       rgx     -       -       -       -",
    "crm.voip.outcome":           "rgx     rgx     rgx     rgx     rgx     rgxwcd  -       -       -       -",
    "crm.voip.wrapup":            "rgx     -       -       -       -       -       -       -       -       -",
    "crm.voip.supervisor.note":   "rgx     -       -       rgxw    -       rgxwd   -       -       -       -",
    "crm.voip.typed.call":        "rgxwcd  c       c       rgxc    rgxc    rgxc    -       -       -       -",
    "crm.voip.callback":          "rgx     -       -       rgx     rgx     rgx     -       -       -       -",
    "crm.voip.callback.entry":    "-       -       -       -       -       -       -       -       -       -",
    "crm.voip.callback.turn":     "-       -       -       -       -       -       -       -       -       -",
    "crm.voip.number":            "-       -       -       -       -       rgx     rgx     -       -       -",
    "crm.voip.number.intake":     "-       -       -       -       -       rgx     rgx     -       -       -",
    "crm.voip.timeline":          "rgx     rgx     -       rgx     rgx     rgx     -       -       -       -",
    "crm.voip.call.pick":         "rgxwc   c       -       c       c       c       -       -       -       -",
    "crm.voip.callback.drop":     "rgxwc   -       -       c       c       c       -       -       -       -",
    "crm.voip.move.in":           "-       -       -       -       -       rgxwc   c       -       -       -",
    "crm.voip.move.in.line":      "-       -       -       -       -       rgxwcd  c       -       -       -",
    "crm.voip.recording.delete":  "-       -       -       -       -       rgxwc   c       -       -       -",
    "crm.voip.fetch":             "-       -       -       -       -       rgx     -       -       -       -",
    "crm.voip.import":            "-       -       -       -       -       rgxwc   -       -       -       -",
    "crm.voip.held":              "-       -       -       -       -       -       -       -       -       -",
    "crm.voip.pbx.secret":        "-       -       -       -       -       rgxw    -       -       -       -",
    "crm.voip.pbx.secret.new":    "-       -       -       -       -       rgxwc   -       -       -       -",
    "crm.voip.compacted":         "-       -       -       -       -       -       -       -       -       -",
    "crm.voip.forgotten":         "-       -       -       -       -       rgx     -       -       -       -",
    "crm.voip.anonymise":         "-       -       -       -       -       rgxwc   c       -       -       -",
    "crm.voip.anonymise.number":  "-       -       -       -       -       rgxwcd  c       -       -       -",
    "crm.voip.completeness":      "-       -       -       -       -       rgx     -       -       -       -",
    "crm.voip.difference":        "-       -       -       -       -       rgx     -       -       -       -",
    "crm.voip.audit.call":        "-       -       -       -       -       -       -       -       -       -",
    "crm.voip.health":            "-       -       -       -       -       rgxd    -       -       -       -",
}  # fmt: skip
#: folded, beside the measured ones
FOLDED = (
    "disposition",
    "direction",
    "started_at",
    "answered_at",
    "ended_at",
    "outcome",
    "user_id",
    "viewer_ids",
    "state",
)


class EverySort:
    """One of each sort of person, and one record of each model, all of them about a call that Tom took."""

    @classmethod
    def _set_up_matrix(cls):
        env = cls.env
        other = env["res.company"].create({"name": "Other", "country_id": env.ref("base.nl").id})
        cls.company.write(
            {"crm_voip_dial": True, "crm_voip_outcomes": True, "crm_voip_callbacks": True, "crm_voip_typed": True}
        )

        def person(login, groups, company=cls.company):
            return new_test_user(
                env, login, groups=groups, company_id=company.id, company_ids=[Command.set(company.ids)]
            )

        sales, export = "sales_team.group_sale_salesman", "base.group_allow_export"
        cls.listener = person("matrix_listener", f"{sales},{export},crm_voip_bridge.group_recordings")
        cls.people = {
            "own": cls.tom,
            "listener": cls.listener,  # whom it rang, too
            "colleague": cls.jonas,  # sees all documents of sales
            "leader": cls.nadia,
            "all": cls.boss,
            "admin": cls.admin,
            "foreign": person("matrix_foreign", f"{sales},{export},crm_voip_bridge.group_manager", other),
            "employee": cls.clerk,
            "portal": person("matrix_portal", "base.group_portal"),
            "public": env.ref("base.public_user"),
        }
        # the rule, not the right to export, must hold
        env.ref(export).user_ids += cls.tom | cls.jonas | cls.nadia | cls.clerk
        phone = {"pbx_id": cls.pbx.id, "number": "106", "user_id": cls.listener.id, "recorded": True}
        env["crm.voip.extension"].create(phone)
        env["crm.voip.pbx.key"]._generate(cls.pbx)

    @classmethod
    def _set_up_records(cls):
        env, pbx, tom = cls.pbx.env, cls.pbx, cls.tom
        recently = datetime.now(timezone.utc) - timedelta(hours=1)
        cls.partner = env["res.partner"].create({"name": "Lotte Molenaar", "phone": CUSTOMER})
        VoipCase.deliver.__func__(
            cls, group(taker="101", losers=("106",)), missed("m", number=STRANGER, start=recently)
        )
        call, lost = (env["crm.voip.call"].search([("pbx_id", "=", pbx.id), ("call_ref", "=", ref)]) for ref in "cm")
        pbx.write({"recordings_on": True, "recording_consent": CONSENT, "recording_days": 3650})
        now = fields.Datetime.now()
        about = {"call": "c", "leg": "c", "file": "c.wav", "at": START.isoformat()}
        callback = env["crm.voip.callback"].search([("first_call_id", "=", lost.id)])
        mine = {"user_id": tom.id, "company_id": cls.company.id}
        bridge = {"pbx_id": pbx.id, "bridge": "b"}
        entry = {"company_id": cls.company.id, "number": STRANGER, "at": now}

        def new(name, /, **vals):
            return env[name].create(vals)

        by_tom = env(user=tom, su=True)
        by_admin = env(user=cls.admin, su=True)
        switch = new("crm.voip.people.switch", purpose="p", agreement="a", company_id=cls.company.id)
        switch.action_turn_off()
        day = {"pbx_id": pbx.id, "begins_at": now - timedelta(days=1), "ends_at": now}
        fetch = new("crm.voip.fetch", **day, reason="r")
        completeness = new("crm.voip.completeness", **day, day=now.date())
        anonymise = by_admin["crm.voip.anonymise"].create({"partner_id": cls.partner.id})
        line = {"title": "t", "model": "m", "move_id": by_admin["crm.voip.move.in"].create({}).id}
        cls.records = {
            "crm.voip.call": call,
            "crm.voip.leg": call.leg_ids.filtered(lambda leg: leg.user_id == tom),
            "crm.voip.journal": env["crm.voip.journal"].search([("call_ref", "=", "c")], limit=1),
            "crm.voip.call.ref": env["crm.voip.call.ref"].search([("call_id", "=", call.id)], limit=1),
            "crm.voip.pbx": pbx,
            "crm.voip.extension": cls.phones["101"],
            "crm.voip.line": env["crm.voip.line"].search([("pbx_id", "=", pbx.id)]),
            "crm.voip.pbx.key": pbx.key_ids,
            "crm.voip.pbx.state": new("crm.voip.pbx.state", **bridge),
            "crm.voip.refused": new("crm.voip.refused", **bridge, at=now, reason="bad", digest="0"),
            "crm.voip.outside": new("crm.voip.outside", **bridge, day=now.date(), count=1),
            "crm.voip.queue": new("crm.voip.queue", **bridge, name="support"),
            "crm.voip.never of Tom": new("crm.voip.never", number="020 123 4567", **mine),
            "crm.voip.never of all": new("crm.voip.never", number="020 765 4321", **{**mine, "user_id": False}),
            "crm.voip.people.switch": switch,
            "crm.voip.people.log": new(
                "crm.voip.people.log", person_id=tom.id, user_id=cls.boss.id, at=now, how="call", call_id=call.id
            ),
            "crm.voip.command": new(
                "crm.voip.command", **mine, pbx_id=pbx.id, ident="i", kind="dial", state="done", created_at=now
            ),
            "crm.voip.recording": env["crm.voip.recording"]._take(pbx, about, wave()),
            "crm.voip.outcome": new("crm.voip.outcome", name="Interested", company_id=cls.company.id),
            "crm.voip.wrapup": new("crm.voip.wrapup", **mine, call_id=call.id),
            "crm.voip.supervisor.note": new(
                "crm.voip.supervisor.note", kind="other", author_id=tom.id, date=now, expires_on=now, fact="f",
                company_id=cls.company.id,
            ),
            "crm.voip.typed.call": new("crm.voip.typed.call", **mine, number=CUSTOMER),
            "crm.voip.callback": callback,
            "crm.voip.callback.entry": new("crm.voip.callback.entry", **entry, kind="done", user_id=tom.id),
            "crm.voip.callback.turn": env["crm.voip.callback.turn"].search([("number", "=", STRANGER)]),
            "crm.voip.number": cls.partner.crm_voip_number_ids,
            "crm.voip.number.intake": new("crm.voip.number.intake", model="res.partner"),
            "crm.voip.timeline": env["crm.voip.timeline"].search(
                [("customer_id", "=", cls.partner.id), ("res_model", "=", "crm.voip.call")]
            ),
            # what somebody was asked for, which is theirs alone
            "crm.voip.call.pick": by_tom["crm.voip.call.pick"].create({"call_id": call.id}),
            "crm.voip.callback.drop": by_tom["crm.voip.callback.drop"].create({"callback_ids": callback.ids}),
            "crm.voip.move.in": by_admin["crm.voip.move.in"].create({}),
            "crm.voip.move.in.line": by_admin["crm.voip.move.in.line"].create(line),
            "crm.voip.recording.delete": by_admin["crm.voip.recording.delete"].create({"reason": "r"}),
            "crm.voip.fetch": fetch,
            "crm.voip.import": by_admin["crm.voip.import"].create({"pbx_id": pbx.id}),
            "crm.voip.held": new(
                "crm.voip.held", pbx_id=pbx.id, call_ref="h", event_id="h", content={"n": CUSTOMER}, arrived_at=now
            ),
            "crm.voip.pbx.secret": new("crm.voip.pbx.secret", pbx_id=pbx.id),
            "crm.voip.pbx.secret.new": by_admin["crm.voip.pbx.secret.new"].create({"pbx_id": pbx.id}),
            "crm.voip.compacted": new("crm.voip.compacted", pbx_id=pbx.id, call_ref="h"),
            "crm.voip.forgotten": new("crm.voip.forgotten", pbx_id=pbx.id, digest="0", until=START.replace(tzinfo=None)),
            "crm.voip.anonymise": anonymise,
            "crm.voip.anonymise.number": by_admin["crm.voip.anonymise.number"].create(
                {"wizard_id": anonymise.id, "number": CUSTOMER, "chosen": True}
            ),
            "crm.voip.completeness": completeness,
            "crm.voip.difference": new(
                "crm.voip.difference", completeness_id=completeness.id, pbx_id=pbx.id, call_ref="h", kind="missing"
            ),
            "crm.voip.audit.call": new(
                "crm.voip.audit.call", completeness_id=completeness.id, ref="h", started_at=now
            ),
            "crm.voip.health": new("crm.voip.health", company_id=cls.company.id, digest="0"),
        }  # fmt: skip
        env.flush_all()
        env.invalidate_all()


@tagged("-at_install", "post_install")
class TestRightsMatrix(RightsTable, EverySort, VoipCase):
    """Person by record by deed, each cell."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_matrix()
        cls._set_up_records()

    def test_each_cell(self):
        self.assertTable(MATRIX)

    def test_every_model_of_ours_is_in_the_matrix(self):
        ours = {name for name, record in self.env.items() if not record._abstract and name.startswith("crm.voip.")}
        self.assertEqual({name.split()[0] for name in MATRIX}, ours)

    @classmethod
    def values(cls, model):
        """Values for a new record, of models of which somebody may make one."""
        return {
            "crm.voip.pbx": {"name": "Second", "country_id": cls.env.ref("base.nl").id, "company_id": cls.company.id},
            "crm.voip.extension": {"pbx_id": cls.pbx.id, "number": "150"},
            "crm.voip.line": {"pbx_id": cls.pbx.id, "number": "+31201000199"},
            "crm.voip.never": {"number": "020 111 2222", "company_id": cls.company.id},
            "crm.voip.people.switch": {"purpose": "p", "agreement": "a", "company_id": cls.company.id},
            "crm.voip.outcome": {"name": "Later", "company_id": cls.company.id},
            "crm.voip.typed.call": {"partner_id": cls.partner.id, "company_id": cls.company.id},
            "crm.voip.call.pick": {"call_id": cls.records["crm.voip.call"].id},
            "crm.voip.callback.drop": {"callback_ids": cls.records["crm.voip.callback"].ids},
            "crm.voip.recording.delete": {"reason": "r"},
            "crm.voip.import": {"pbx_id": cls.pbx.id},
            "crm.voip.pbx.secret.new": {"pbx_id": cls.pbx.id},
            "crm.voip.anonymise": {"partner_id": cls.partner.id},
            "crm.voip.anonymise.number": {"wizard_id": cls.records["crm.voip.anonymise"].id, "number": CUSTOMER},
            "crm.voip.move.in.line": {"move_id": cls.records["crm.voip.move.in"].id, "model": "m"},
        }.get(model, {})

    def domain_of(self, record):
        if record._name == "crm.voip.timeline":
            return [("customer_id", "=", self.partner.id), ("res_model", "=", "crm.voip.call")]
        return super().domain_of(record)

    def groups_of(self, record):
        return [one for one in ("company_id", "pbx_id") if one in record._fields and record._fields[one].store][:1]

    def test_nobody_writes_what_was_measured(self):
        """Not by the form, by way of another record, by import, nor with any context."""
        partner = self.partner
        for name in ("crm.voip.call", "crm.voip.leg", "crm.voip.callback", "crm.voip.recording", "crm.voip.wrapup"):
            record = self.records[name]
            measured = [field for field in record._fields.values() if isinstance(field, Measured)]
            folded = [field for field in record._fields.values() if field.name in FOLDED]
            self.assertTrue(measured, name) if name != "crm.voip.leg" else None
            for field in {*measured, *folded}:
                before = record[field.name]
                for user in self.people.values():
                    mine = record.with_user(user).with_context(
                        allowed_company_ids=user.company_ids.ids, install_mode=True, import_file=True, su=True
                    )
                    vals = {field.name: before and before if field.relational else False}
                    with self.subTest(field=str(field), person=user.login):
                        self.assertFalse(self.does(lambda mine=mine, vals=vals: mine.write(vals)))
                        self.assertFalse(self.does(lambda mine=mine, vals=vals: mine.web_save(vals, {})))
        for user in self.people.values():
            mine = partner.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
            for name, field in partner._fields.items():
                if field.type != "one2many" or field.comodel_name not in ("crm.voip.call", "crm.voip.leg"):
                    continue
                for command in (Command.update(self.records["crm.voip.call"].id, {"talk_s": 1}),
                                Command.delete(self.records["crm.voip.call"].id), Command.create({})):  # fmt: skip
                    with self.subTest(field=name, person=user.login, command=command[0]):
                        self.assertFalse(
                            self.does(lambda mine=mine, name=name, command=command: mine.write({name: [command]}))
                        )
            calls = self.env["crm.voip.call"].with_user(user)
            # import tells in messages, or refuses whoever may not import
            self.assertFalse(
                self.does(
                    lambda calls=calls: calls.load([".id", "talk_s"], [[str(self.records["crm.voip.call"].id), "1"]])[
                        "ids"
                    ]
                )
            )
            self.assertFalse(
                self.does(lambda calls=calls: self.records["crm.voip.call"].with_user(calls.env.user).copy())
            )
        self.assertEqual(self.records["crm.voip.call"].talk_s, 60)

    # --- methods that a browser may call ---

    def methods(self):
        """``(record, name, function)`` of every method of ours that can be called from outside."""
        places = {name.split()[0]: record for name, record in self.records.items()}
        lead = self.env["crm.lead"].create({"name": "Deal", "partner_id": self.partner.id, "user_id": self.tom.id})
        places |= {"res.partner": self.partner, "crm.lead": lead}
        for model in self.env.values():
            if model._name == "ir.http":  # for the server itself, within a request
                continue
            for cls in type(model).mro():
                if not cls.__module__.startswith("odoo.addons.crm_voip_") or cls is Measured:
                    continue
                for name, function in vars(cls).items():
                    outside = inspect.isfunction(function) and not name.startswith("_")
                    if (
                        outside
                        and not getattr(function, "_api_private", False)
                        and not hasattr(type(self.env["base"]), name)
                    ):
                        yield places.get(model._name, model), name, function

    def test_methods_give_and_change_nothing_to_strangers(self):
        """Whatever a portal user or the administrator of another company calls: no number, no change."""
        call = self.records["crm.voip.call"]
        given = {
            "call_id": call.id, "activity_id": 1, "partner_id": self.partner.id, "number": CUSTOMER,
            "res_model": "res.partner", "res_id": self.partner.id, "command_id": self.records["crm.voip.command"].id,
            "outcome_id": self.records["crm.voip.outcome"].id, "company_id": self.company.id, "user_id": self.tom.id,
            "lead_id": False, "remember": True, "target": "101", "confirmed": True, "values": {}, "reason": "r",
            "text": "t", "how": "closed", "name": "note", "start": "2026-11-02 09:00:00", "end": "2026-11-03 09:00:00",
            "hours": 1,
        }  # fmt: skip
        tried = set()
        for sort in ("colleague", "foreign", "employee", "portal", "public"):
            user = self.people[sort]
            for record, name, function in self.methods():
                if name == "dial":  # a transaction of its own; see TestRoutesMatrix
                    continue
                args = {key: value for key, value in given.items() if key in inspect.signature(function).parameters}
                mine = record.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
                with self.subTest(person=sort, method=f"{record._name}.{name}"):
                    before = self.state()
                    # as a request finds it: rights are asked when something is fetched
                    self.env.invalidate_all()
                    try:
                        with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                            answer = str(getattr(mine, name)(**args))
                            self.env.flush_all()
                            after = self.state()
                    except (UserError, ValueError):
                        continue
                    finally:
                        self.env.invalidate_all()
                    tried.add(name)
                    if not mine.has_access("read"):  # of a contact whom they see, they know the number
                        self.assertNotIn(CUSTOMER, answer)
                    changed = [table for table, digest in after.items() if digest != before[table]]
                    if (sort, name) == ("foreign", "action_anonymise"):
                        # a contact that companies share is theirs to change, and its numbers with it; no call is
                        changed = sorted(
                            set(changed) - {"crm_voip_anonymise", "crm_voip_anonymise_number", "crm_voip_number"}
                        )
                    self.assertFalse(changed, f"{sort} by {record._name}.{name}")
        self.assertTrue(tried)

    def state(self):
        """What the tables of ours hold."""
        self.env.flush_all()
        tables = sorted(
            {record._table for name, record in self.env.items() if name.startswith("crm.voip.") and record._auto}
        )
        return {
            table: self.env.execute_query(
                SQL("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM %s t", SQL.identifier(table))
            )
            for table in tables
            if table not in ("crm_voip_people_log",)
        }


#: route -> status of the answer to each of PEOPLE: 303 is the way to the log-in
ROUTES = {
    #                                                   own listen. colleag leader all admin foreign employ. portal public
    "/crm_voip_bridge/v1/events":                      "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/v1/scope":                       "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/v1/commands":                    "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/v1/recording":                   "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/v1/fetch":                       "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/v1/audit":                       "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/v1/webhook/<string:token>":        "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/v1/webhook/<string:token>/lookup": "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/health":                         "401 401     401     401    401 401   401     401     401    401",
    "/crm_voip_bridge/pbx/<int:pbx_id>/3cx.xml":        "404 404     404     404    404 200   404     404     404    303",
    "/crm_voip_bridge/person/<string:model>/<int:record_id>.zip":
                                                       "200 404     404     404    404 200   404     404     404    303",
    "/crm_voip_bridge/pbx/<int:pbx_id>/bridge.pyz":     "404 404     404     404    404 200   404     404     404    303",
    "/crm_voip_bridge/pbx/<int:pbx_id>/bridge.conf":    "404 404     404     404    404 200   404     404     404    303",
    "/crm_voip_bridge/pbx/<int:pbx_id>/bridge.service": "404 404     404     404    404 200   404     404     404    303",
    "/crm_voip_bridge/recording/<int:recording_id>":    "404 200     404     404    404 404   404     404     404    303",
}  # fmt: skip
#: a click on a number: the telephone rings, the browser is to try it, or nobody is to dial at all
DIAL = "sent sent sent sent tel tel tel tel refused refused"


@tagged("-at_install", "post_install")
class TestRoutesMatrix(EverySort, VoipPeople, HttpCase):
    """Person by route, each cell."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_voip()
        cls._set_up_matrix()
        cls._set_up_records()
        bridge = {"id": "b", "version": "1", "pbx": "connected", "waiting": 0}
        cls.env["crm.voip.pbx.state"]._note(cls.pbx, bridge, 0.0, False)
        cls.hosted = cls.pbx.copy({"name": "Hosted", "kind": "generic"})
        cls.env.flush_all()

    def log_in(self, sort):
        login = self.people[sort].login
        self.authenticate(*((None, None) if sort == "public" else (login, login)))

    @mute_logger("odoo.addons.crm_voip_bridge.controllers.main", "odoo.http")
    def test_each_cell(self):
        ids = {
            "<int:pbx_id>": self.pbx.id,
            "<int:recording_id>": self.records["crm.voip.recording"].id,
            "<string:token>": self.hosted.webhook_token,
            "<string:model>": "res.users",
            "<int:record_id>": self.tom.id,
        }
        for place, sort in enumerate(PEOPLE):
            self.log_in(sort)
            for route, row in ROUTES.items():
                path = route
                for name, value in ids.items():
                    path = path.replace(name, str(value))
                posted = b"{}" if "/v1/" in path and not path.endswith("/lookup") else None
                answer = self.url_open(path, data=posted, allow_redirects=False)
                self.assertEqual(str(answer.status_code), row.split()[place], f"{sort} at {route}")
                if answer.status_code != 200:
                    self.assertNotIn(CUSTOMER, answer.text)

    def test_every_route_of_ours_is_in_the_matrix(self):
        http = self.env["ir.http"]
        installed = sorted(self.env.registry._init_modules)
        rules = http._generate_routing_rules(installed, converters=http._get_converters())
        ours = {url for url, _endpoint in rules if url.startswith("/crm_voip_")}
        self.assertEqual(ROUTES.keys(), ours)

    @mute_logger("odoo.http")
    def test_dial(self):
        for sort, expected in zip(PEOPLE, DIAL.split(), strict=True):
            self.log_in(sort)
            try:
                found = self.make_jsonrpc_request(
                    "/web/dataset/call_kw/crm.voip.command/dial",
                    {"model": "crm.voip.command", "method": "dial", "args": ["+31301000142"], "kwargs": {}},
                )["state"]
            except JsonRpcException:
                found = "refused"
            self.assertEqual(found, expected, sort)
