import time
from datetime import datetime, timedelta, timezone

from odoo import Command, fields
from odoo.addons.crm_voip_bridge.lib import desk, dial
from odoo.addons.crm_voip_bridge.lib.signature import sign
from odoo.addons.crm_voip_bridge.lib.wake import SUBJECT, subscription
from odoo.exceptions import AccessError, UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .common import CUSTOMER, VoipCase, VoipHttpCase, answered, missed, told

LOTTE, AMELIA, CARLOS = "+31301000142", "+442079460142", "+12025550142"
BRIDGE = {"id": "b", "version": "1", "pbx": "connected", "waiting": 0}


class DialPeople:
    """Click to call is on, and the bridge listens."""

    @classmethod
    def _set_up_dial(cls):
        codes = ("NL", "GB", "US")
        cls.company.write(
            {
                "crm_voip_dial": True,
                "crm_voip_dial_country_ids": [Command.set(cls.env["res.country"].search([("code", "in", codes)]).ids)],
            }
        )
        cls.env["crm.voip.pbx.state"]._note(cls.pbx, BRIDGE, 0.0, False)
        cls.lotte, cls.carlos = cls.env["res.partner"].create(
            [
                {"name": "Lotte Molenaar", "phone": "030-1000142", "country_id": cls.env.ref("base.nl").id},
                {"name": "Carlos Reyes", "phone": "(202) 555-0142", "country_id": cls.env.ref("base.us").id},
            ]
        )
        cls.env.flush_all()
        cls.env.invalidate_all()
        cls.bus_before = cls.env["bus.bus"]._bus_last_id()

    def commands(self, user=None):
        self.env.invalidate_all()
        return self.env["crm.voip.command"].search([("user_id", "=", (user or self.tom).id)], order="id")

    def dial(self, number, record=None, user=None, **more):
        model = self.env["crm.voip.command"].with_user(user or self.tom)
        return model.dial(number, record._name if record else False, record.id if record else False, **more)

    def hand_out(self, pbx=None):
        self.env.invalidate_all()
        return self.env["crm.voip.command"]._hand_out(pbx or self.pbx)

    def refused(self, number, *args, **more):
        """Dial what is refused; the command that was kept and the words."""
        before = self.commands(more.get("user"))
        words = ""
        try:
            # not assertRaises: it takes back what was written meanwhile
            self.fail(f"{number!r} was dialled: {self.dial(number, *args, **more)}")
        except UserError as error:
            words = str(error)
        kept = self.commands(more.get("user")) - before
        self.assertEqual((len(kept), kept.state), (1, "refused"), number)
        self.assertEqual(kept.with_context(lang=self.tom.lang).reason, words)
        self.assertFalse(self.hand_out())
        return kept

    def said(self, kind="crm_voip_bridge/command"):
        """What went over the bus, oldest first."""
        self.env.cr.precommit.run()
        new = [("id", ">", self.bus_before), ("message", "like", f'"{kind}"')]
        messages = self.env["bus.bus"].sudo().search(new, order="id")
        return messages.mapped("message")


@tagged("-at_install", "post_install")
class TestDial(DialPeople, VoipCase):
    """What a click on a number does, for whom, and what it never does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_dial()

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()

    # --- dialling ---

    def test_click(self):
        answer = self.dial("030-1000142", self.lotte)
        self.assertEqual((answer["state"], answer["number"]), ("sent", LOTTE))
        self.assertIn("Lotte Molenaar (+31 30 100 0142)", answer["text"])
        command = self.commands()
        self.assertEqual((command.id, command.state, command.kind), (answer["command"], "waiting", "dial"))
        self.assertEqual((command.number, command.company_id), (LOTTE, self.company))
        self.assertEqual((command.res_model, command.res_id), ("res.partner", self.lotte.id))
        self.assertEqual(len(self.said("crm_voip_bridge/wake")), 1)
        [told_to_bridge] = self.hand_out()
        self.assertEqual(told_to_bridge["args"], {"number": "0301000142", "extension": "101", "name": "Lotte Molenaar"})
        self.assertEqual((told_to_bridge["id"], told_to_bridge["kind"]), (command.ident, "dial"))
        self.assertTrue(13 < told_to_bridge["expires_in"] <= 15)
        self.assertFalse(self.hand_out(), "each command is handed out once")
        self.env.invalidate_all()
        self.assertEqual((command.state, command.args), ("sent", False))

    def test_wake_up_says_nothing(self):
        self.dial(LOTTE)
        self.assertEqual(self.said("crm_voip_bridge/wake"), ['{"type":"crm_voip_bridge/wake","payload":{}}'])

    def test_country_of_the_record_decides(self):
        self.assertEqual(self.dial("(202) 555-0142", self.carlos)["number"], CARLOS)
        self.assertEqual(self.hand_out()[0]["args"]["number"], "0012025550142")
        # nobody is guessed: without the record it is no number of the Netherlands
        self.assertEqual(self.refused("(202) 555-0142").reason_key, "invalid")
        lead = self.env["crm.lead"].create(
            {"name": "Deal", "partner_id": self.carlos.id, "phone": "202.555.0142", "user_id": self.nadia.id}
        )
        self.assertEqual(self.dial("202.555.0142", lead, self.nadia)["number"], CARLOS)

    def test_first_of_several_numbers(self):
        answer = self.dial("020 7946 0142/020 7946 0143", self.env["res.partner"].create(
            {"name": "Amelia", "country_id": self.env.ref("base.uk").id}))  # fmt: skip
        self.assertEqual(answer["number"], AMELIA)
        self.assertIn("+44 20 7946 0142", answer["text"])

    def test_formats(self):
        for style, prefix, expected in (
            ("local", "0", "00301000142"),
            ("plus", "", LOTTE),
            ("prefix", "", "0031301000142"),
            ("prefix", "9", "90031301000142"),
        ):
            self.pbx.write({"dial_format": style, "outside_prefix": prefix})
            self.dial(LOTTE)
            self.assertEqual(self.hand_out()[0]["args"]["number"], expected)

    def test_colleague(self):
        self.pbx.outside_prefix = "0"
        self.assertEqual(self.dial("102")["state"], "sent")
        self.assertEqual(self.hand_out()[0]["args"]["number"], "102", "inside, there is no prefix")
        self.assertEqual(self.refused("177").reason_key, "internal")

    def test_name_is_only_a_name(self):
        self.lotte.name = 'Lotte" <112>\r\nAction: Originate ${SHELL(x)}; & Co'
        self.dial(LOTTE, self.lotte)
        name = self.hand_out()[0]["args"]["name"]
        self.assertFalse(set(name) & set('"<>\r\n${};&'), name)
        self.assertTrue(name.startswith("Lotte"))

    # --- who ---

    def test_without_phone_it_is_an_ordinary_link(self):
        self.assertEqual(self.dial(LOTTE, user=self.clerk), {"state": "tel"})
        phone = self.phones["101"]
        for change, back in (
            ({"recorded": False}, {"recorded": True}),
            ({"date_to": fields.Date.today() - timedelta(days=2)}, {"date_to": False}),
            ({"date_from": fields.Date.today() + timedelta(days=2)}, {"date_from": False}),
        ):
            phone.write(change)
            self.assertEqual(self.dial(LOTTE), {"state": "tel"}, change)
            self.assertFalse(self.tom._crm_voip_session()["dial"])
            phone.write(back)
        self.pbx.active = False
        self.assertEqual(self.dial(LOTTE), {"state": "tel"})
        self.pbx.active = True
        self.company.crm_voip_dial = False
        self.assertEqual(self.dial(LOTTE), {"state": "tel"})
        self.assertFalse(self.commands() | self.commands(self.clerk))

    def test_off_as_delivered(self):
        self.assertFalse(self.env["res.company"].create({"name": "New"}).crm_voip_dial)

    def test_any_employee_with_a_phone(self):
        self.phones["105"].user_id = self.clerk
        self.assertTrue(self.clerk.with_user(self.clerk)._crm_voip_session()["dial"])
        self.assertEqual(self.dial(LOTTE, user=self.clerk)["state"], "sent")
        self.assertEqual(self.hand_out()[0]["args"]["extension"], "105")
        guest = new_test_user(self.env, "voip_guest", groups="base.group_portal")
        with self.assertRaises(AccessError):
            self.dial(LOTTE, user=guest)

    def test_record_that_one_may_not_read_is_nobodys(self):
        lead = self.env["crm.lead"].create({"name": "Secret", "phone": CARLOS, "user_id": self.jonas.id})
        self.dial(LOTTE, lead)
        self.assertEqual((self.commands().res_model, self.commands().res_id), (False, 0))
        for model, ident in (("no.such.model", 1), ("crm.voip.people", 1), ("res.partner", True), ("res.partner", "1")):
            self.env["crm.voip.command"].with_user(self.tom).dial(LOTTE, model, ident)
        self.assertFalse(any(self.commands().mapped("res_model")))

    # --- what is not dialled ---

    def test_refused_numbers(self):
        for text, key in (
            ("", "empty"),
            ("112", "emergency"),
            ("911", "emergency"),
            ("116123", "emergency"),
            ("0900 1234", "premium"),
            ("+31900123456", "premium"),
            ("+19005551234", "premium"),
            ("+447012345678", "premium"),
            ("+979123456789", "premium"),
            ("+80812345678", "shared"),
            ("+881612345678", "satellite"),
            ("+882161234567", "satellite"),
            ("+883130123456", "satellite"),
            ("+870773111632", "satellite"),
            ("+494066969142", "country"),
            ("+18765551234", "country"),
            ("+31301", "invalid"),
            ("12345678901234567890", "invalid"),
        ):
            self.assertEqual(self.refused(text).reason_key, key, text)
        self.assertIn("Germany", self.refused("+494066969142").reason)
        self.assertEqual(self.dial("+80012345678")["state"], "sent", "world-wide freephone costs nobody anything")

    def test_tricks_never_reach_the_pbx(self):
        for text in (
            "0201234567\r\nAction: Originate",
            "0201234567\nAction: Originate",
            "0201234567\x00",
            "0201234567\u2028",
            "0201234567abc",
            "abc0201234567",
            "0201234567;ext=1",
            "0201234567&PJSIP/109",
            "0201234567@from-internal",
            "0201234567,1",
            "*21*0201234567#",
            "0201234567#",
            "${EXTEN}",
            "٠٢٠١٢٣٤٥٦٧",
            "０２０１２３４５６７",
            "020١٢٣٤٥٦٧",
            "Local/0201234567",
            "\u202e0201234567",
        ):
            kept = self.refused(text)
            self.assertEqual(kept.reason_key, "characters", text)
            self.assertTrue(kept.number.isprintable())
        for text in (None, False, 201234567, ["0201234567"], {"number": "0201234567"}, " " * 20):
            self.assertEqual(self.refused(text).reason_key, "empty", text)
        self.assertEqual(self.refused("0" * 5000).reason_key, "characters")

    def test_what_people_do_write(self):
        for text in ("030\u00a01000142", "030\u20111000142", "(030) 100.01.42", "+31 (0)30 100 0142", "0301000142 ext. 12",
                     "0031301000142", "030/1000142"):  # fmt: skip
            self.assertEqual(self.dial(text)["number"], LOTTE, text)

    def test_every_problem_has_words(self):
        command = self.env["crm.voip.command"].new({"kind": "dial", "number": LOTTE})
        self.assertLessEqual(set(dial.PROBLEMS), command._number_words().keys())
        words = {*desk._REASONS.values(), *desk._CAUSES.values(), "unreachable"} | {
            word for _text, word in desk._ERRORS
        }
        words |= {"pbx", "lost", "silent", "format", "spool"}
        self.assertEqual(words | {"expired"}, command._bridge_words().keys())

    def test_countries_begin_with_those_of_the_contacts(self):
        company = self.env["res.company"].create({"name": "Fresh", "country_id": self.env.ref("base.nl").id})
        self.env["res.partner"].create(
            {"name": "Jens", "phone": "040 66969142", "country_id": self.env.ref("base.de").id}
        )
        self.assertEqual(company._crm_voip_dial_countries(), {"NL"}, "the company's own where nothing is said")
        company.crm_voip_dial = True
        self.assertLessEqual({"NL", "DE", "US"}, company._crm_voip_dial_countries())
        self.assertNotIn("SO", company._crm_voip_dial_countries())
        # whoever fills in a form of the website decides nothing
        self.env["crm.lead"].create({"name": "Call me", "phone": "+252", "country_id": self.env.ref("base.so").id})
        self.assertNotIn("SO", company._crm_voip_dial_countries())
        chosen = self.env.ref("base.be")
        company.write({"crm_voip_dial": True, "crm_voip_dial_country_ids": [Command.set(chosen.ids)]})
        self.assertEqual(company._crm_voip_dial_countries(), {"BE"})

    def test_settings_show_the_countries_before_anything_is_saved(self):
        company = self.env["res.company"].create({"name": "Fresh", "country_id": self.env.ref("base.nl").id})
        self.env.user.write({"company_ids": [Command.link(company.id)], "company_id": company.id})
        settings = Form(self.env["res.config.settings"].with_company(company))
        settings.crm_voip_dial = True
        self.assertIn(self.env.ref("base.us"), settings.crm_voip_dial_country_ids[:])
        self.assertFalse(company.crm_voip_dial)
        settings.crm_voip_dial_country_ids.clear()
        settings.crm_voip_dial_country_ids.add(self.env.ref("base.nl"))
        settings.crm_voip_dial_minute = 4
        settings.save().execute()
        self.assertEqual(company._crm_voip_dial_countries(), {"NL"})
        self.assertEqual((company.crm_voip_dial, company.crm_voip_dial_minute), (True, 4))

    def test_rate(self):
        self.company.write({"crm_voip_dial_minute": 3, "crm_voip_dial_hour": 5})
        for _place in range(3):
            self.dial(LOTTE)
        self.hand_out()
        self.assertEqual(self.refused(LOTTE).reason_key, "rate")
        self.assertEqual(self.dial(LOTTE, user=self.rina)["state"], "sent", "each person has a rate of their own")
        self._older(90)
        self.hand_out()
        self.dial(LOTTE)
        self.dial(LOTTE)
        self._older(90)
        self.hand_out()
        self.assertEqual(self.refused(LOTTE).reason_key, "rate", "five in an hour")
        self._older(3600)
        self.assertEqual(self.dial(LOTTE)["state"], "sent")

    def test_refused_attempts_do_not_lock_anybody_out(self):
        self.company.crm_voip_dial_minute = 1
        for _place in range(3):
            self.refused("0900 1234")
        self.assertEqual(self.dial(LOTTE)["state"], "sent")

    def _older(self, seconds):
        self.env.cr.execute(
            SQL("UPDATE crm_voip_command SET created_at = created_at - %s * interval '1 second'", seconds)
        )
        self.env.invalidate_all()

    def test_blacklist_asks(self):
        self.env["phone.blacklist"].create({"number": LOTTE})
        answer = self.dial("030 1000142")
        self.assertEqual(answer["state"], "confirm")
        self.assertIn("+31 30 100 0142", answer["text"])
        self.assertFalse(self.commands())
        self.assertEqual(self.dial("030 1000142", confirmed=True)["state"], "sent")
        self.assertTrue(self.commands().confirmed)
        self.dial(CARLOS, confirmed=True)
        self.assertFalse(self.commands()[1].confirmed, "nothing had to be confirmed")

    def test_never_logged_number_is_dialled_and_not_written_down(self):
        never = self.env["crm.voip.never"]
        never.create({"number": LOTTE, "company_id": self.company.id, "user_id": self.tom.id})
        self.dial("030 1000142", self.lotte)
        self.assertEqual(self.hand_out()[0]["args"]["number"], "0301000142")
        never.create({"number": "0900 1234", "company_id": self.company.id, "user_id": False})
        self.refused("0900 1234")
        self.env.invalidate_all()
        for command in self.commands():
            self.assertEqual((command.number, command.res_id, command.args), (False, 0, False))
        self.dial(LOTTE, user=self.rina)
        self.assertEqual(self.commands(self.rina).number, LOTTE, "it is nobody's business of Tom alone")

    def test_bridge_that_is_away(self):
        for query in (
            "UPDATE crm_voip_pbx_state SET pbx_says = 'The PBX does not answer'",
            "UPDATE crm_voip_pbx_state SET pbx_says = 'connected', seen_at = seen_at - interval '1 hour'",
            "DELETE FROM crm_voip_pbx_state",
        ):
            self.env.cr.execute(query)
            self.env.invalidate_all()
            self.assertEqual(self.refused(LOTTE).reason_key, "away")

    # --- late ---

    def test_late_is_never_dialled(self):
        answer = self.dial(LOTTE)
        self._late(16)
        self.assertFalse(self.hand_out())
        command = self.commands()
        self.assertEqual((command.state, command.args), ("expired", False))
        self.assertIn("in time", command.reason)
        self.assertIn('"state":"expired"', self.said()[-1])
        # and what is late cannot be said to be done
        self.env["crm.voip.command"]._note_results(self.pbx, [{"id": command.ident, "state": "done"}])
        self.assertEqual(self.commands().state, "expired")
        self.assertEqual(
            self.env["crm.voip.command"].with_user(self.tom).outcome(answer["command"])["state"], "expired"
        )

    def _late(self, seconds):
        self.env.cr.execute(
            SQL("UPDATE crm_voip_command SET expires_at = expires_at - %s * interval '1 second'", seconds)
        )

    def test_whoever_asks_learns_that_it_is_late(self):
        answer = self.dial(LOTTE)
        self._late(16)
        commands = self.env["crm.voip.command"]
        self.assertEqual(commands.with_user(self.rina).outcome(answer["command"]), {}, "it is nobody else's")
        self.assertEqual(commands.with_user(self.tom).outcome(answer["command"])["state"], "expired")

    def test_copy_does_not_dial(self):
        self.dial(LOTTE)
        self.env.flush_all()
        for query in get_neutralization_queries(["crm_voip_bridge"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertFalse(self.commands())
        self.assertEqual(self.dial(LOTTE), {"state": "tel"})

    def test_old_commands_go(self):
        self.dial(LOTTE)
        self._older(29 * 86400)
        self.env["crm.voip.command"]._gc_commands()
        self.assertTrue(self.commands())
        self._older(2 * 86400)
        self.env["crm.voip.command"]._gc_commands()
        self.assertFalse(self.commands())

    # --- what becomes of it ---

    def _note(self, *results, pbx=None):
        self.env["crm.voip.command"]._note_results(pbx or self.pbx, list(results))
        self.env.invalidate_all()
        return self.commands()

    def test_results(self):
        self.dial(LOTTE)
        ident = self.hand_out()[0]["id"]
        command = self._note({"id": ident, "state": "accepted", "reason": ""})
        self.assertEqual((command.state, bool(command.accepted_at), bool(command.ended_at)), ("accepted", True, False))
        self.assertEqual(self._note({"id": ident, "state": "refused", "reason": "unanswered"}).state, "refused")
        self.assertEqual(command.reason, "Your phone rang and was not answered.")
        self.assertIn("Your phone rang and was not answered.", self.said()[-1])
        self.assertEqual(len(self.said()), 2)
        # what comes later never goes back
        self.assertEqual(
            self._note({"id": ident, "state": "accepted"}, {"id": ident, "state": "done"}).state, "refused"
        )
        self.assertEqual(len(self.said()), 2)

    def test_results_at_once(self):
        self.dial(LOTTE)
        ident = self.hand_out()[0]["id"]
        command = self._note({"id": ident, "state": "accepted"}, {"id": ident, "state": "done"})
        self.assertEqual(command.state, "done")
        self.assertTrue(command.accepted_at and command.ended_at and command.sent_at)

    def test_only_the_person_is_told(self):
        self.dial(LOTTE)
        self._note({"id": self.hand_out()[0]["id"], "state": "done"})
        self.env.cr.precommit.run()
        new = [("id", ">", self.bus_before), ("message", "like", "crm_voip_bridge/command")]
        [row] = self.env["bus.bus"].sudo().search(new)
        self.assertEqual(row.channel, f'["{self.env.cr.dbname}","res.partner",{self.tom.partner_id.id}]')

    def test_words_of_the_pbx_hold_no_number(self):
        self.dial(LOTTE)
        ident = self.hand_out()[0]["id"]
        command = self._note({"id": ident, "state": "refused", "reason": "No route to +31201234567\r\n<b>x</b>"})
        self.assertIn("No route to", command.reason)
        self.assertNotIn("1234567", command.reason)
        self.assertTrue(command.reason.isprintable())

    def test_results_that_are_none(self):
        self.dial(LOTTE)
        ident = self.commands().ident
        other = self.env["crm.voip.pbx"].create(
            {"name": "Other", "company_id": self.company.id, "country_id": self.env.ref("base.nl").id}
        )
        self.assertEqual(self._note({"id": ident, "state": "done"}).state, "waiting", "it was not handed out")
        self.hand_out()
        self.assertEqual(self._note({"id": ident, "state": "done"}, pbx=other).state, "sent", "another PBX's")
        for result in (None, [], "x", {}, {"id": ident}, {"id": ident, "state": "waiting"}, {"id": ident, "state": 7},
                       {"id": [ident], "state": "done"}, {"id": ident, "state": "no such"}):  # fmt: skip
            self.assertEqual(self._note(result).state, "sent", result)
        self.assertEqual(self._note({"id": ident, "state": "refused", "reason": 7}).state, "refused")

    def test_another_pbx_gets_nothing(self):
        other = self.env["crm.voip.pbx"].create(
            {"name": "Other", "company_id": self.company.id, "country_id": self.env.ref("base.nl").id}
        )
        self.dial(LOTTE)
        self.assertFalse(self.hand_out(other))
        self.assertEqual(len(self.hand_out()), 1)

    # --- rights ---

    def test_rights(self):
        self.dial(LOTTE)
        self.dial(LOTTE, user=self.rina)

        def seen(user):
            commands = self.env["crm.voip.command"].with_user(user).with_context(allowed_company_ids=self.company.ids)
            return commands.search([])

        self.assertEqual(seen(self.tom), self.commands())
        self.assertFalse(seen(self.nadia) | seen(self.boss), "a leader does not see what people dial")
        both = seen(self.admin)
        self.assertEqual(len(both), 2)
        self.assertEqual([row["user_id"] for row in both.read(["user_id", "number"])], [False, False])
        with self.assertRaises(UserError):
            both._read_group([], ["user_id"])
        self.assertEqual(both[:1].read(["user_id"])[0]["user_id"][0], both[:1].sudo().user_id.id)
        for values in ({"state": "waiting"}, {"number": "112"}):
            with self.assertRaises(AccessError):
                self.commands().with_user(self.tom).write(values)
        with self.assertRaises(AccessError):
            self.env["crm.voip.command"].with_user(self.tom).create({"kind": "dial", "pbx_id": self.pbx.id})
        with self.assertRaises(AccessError):
            self.commands().with_user(self.admin).unlink()
        self.admin.write({"company_id": self.env.ref("base.main_company").id, "company_ids": [(6, 0, [1])]})
        self.assertFalse(self.env["crm.voip.command"].with_user(self.admin).search([]))

    # --- the call that it becomes ---

    def _clicked_call(self, record, number=LOTTE, text="030-1000142"):
        self.dial(text, record)
        command = self.commands()[-1:]
        self.hand_out()
        ref = f"odoo-{command.ident}"
        return command, told(
            "0 started c PJSIP/101-00000001 101 s",
            "0 ringing c",
            "2 answered c",
            "2 dial_ended c ANSWER",
            f"2.1 started p PJSIP/trunk-00000002 {number} s",
            "2.2 ringing p c",
            "8 answered p",
            "8 dial_ended p ANSWER c",
            "8 bridged p b",
            "8 bridged c b",
            "40 ended p 16",
            "40 ended c 16",
            call=ref,
        )

    def test_call_knows_its_click(self):
        command, events = self._clicked_call(self.lotte)
        call = self.deliver_one(events)
        self.assertEqual((command.call_id, call.direction, call.user_id), (call, "outbound", self.tom))
        self.assertEqual((call.partner_id, call.match_state), (self.lotte, "matched"), "nothing had to be picked")

    def test_whom_was_clicked_on_is_who_it_was(self):
        els = self.env["res.partner"].create(
            {"name": "Els", "phone": "030 1000142", "country_id": self.env.ref("base.nl").id}
        )
        self.env.flush_all()
        _command, events = self._clicked_call(els)
        # in two batches: the pick comes with the first, and stays
        self.deliver(events[:6])
        self.assertEqual(self.calls(events[0].call).partner_id, els)
        call = self.deliver_one(events)
        self.assertEqual((call.partner_id, call.match_state, call.disposition), (els, "picked", "answered"))
        picks = self.env["crm.voip.journal"].search([("type", "=", "picked"), ("call_ref", "=", call.call_ref)])
        self.assertEqual(picks.author_id, self.tom)
        self.assertEqual(len(picks), 1)

    def test_opportunity_that_was_clicked_on(self):
        leads = self.env["crm.lead"].create(
            [
                {"name": name, "type": "opportunity", "partner_id": self.lotte.id, "user_id": self.tom.id,
                 "company_id": self.company.id}
                for name in ("First", "Second")
            ]
        )  # fmt: skip
        self.env.flush_all()
        for lead in leads:
            _command, events = self._clicked_call(lead, text=LOTTE)
            self.assertEqual(self.deliver_one(events).lead_id, lead)

    def test_a_click_of_another_pbx_is_not_taken(self):
        command, events = self._clicked_call(self.lotte)
        command.pbx_id = self.env["crm.voip.pbx"].create(
            {"name": "Other", "company_id": self.company.id, "country_id": self.env.ref("base.nl").id}
        )
        self.deliver(events)
        self.assertFalse(command.call_id)

    def test_the_number_of_a_call_or_callback_is_its_customers(self):
        partner = self.env["res.partner"].create({"name": "Ada", "phone": CUSTOMER, "user_id": self.tom.id})
        self.env.flush_all()
        start = datetime.now(timezone.utc) - timedelta(hours=1)
        self.deliver(missed("gone", number=CUSTOMER, start=start))
        call = self.calls("gone")
        for record in (call, call.callback_id):
            self.assertEqual(
                self.env["crm.voip.command"].with_user(self.tom)._clicked(record._name, record.id), partner
            )

    # --- from the card ---

    def _live(self, phone="101", upto=9):
        self.deliver(answered(phone=phone)[:upto])
        return self.calls("c")

    def _card(self, user=None):
        return self.env["crm.voip.call"].with_user(user or self.tom)

    def test_hang_up(self):
        call = self._live()
        self.assertEqual(call.with_user(self.tom)._card_commands(), {"hangup": True, "transfer": True})
        self.assertEqual(self._card().card_hangup(call.id)["state"], "sent")
        [one] = self.hand_out()
        self.assertEqual((one["kind"], one["args"]), ("hangup", {"leg": "c.p"}))
        self.assertEqual(self.commands().call_id, call)

    def test_transfer(self):
        call = self._live()
        targets = self._card().card_targets(call.id)
        self.assertEqual([one["number"] for one in targets], ["105", "104", "103", "102"])
        self.assertEqual(targets[0], {"number": "105", "name": "Showroom", "user_id": False})
        answer = self._card().card_transfer(call.id, "102")
        self.assertIn(self.rina.name, answer["text"])
        [one] = self.hand_out()
        self.assertEqual((one["kind"], one["args"]), ("transfer", {"leg": "c.p", "number": "102"}))
        for target in ("109", "101", "0900123", "112", "102\r\nAction: x", None, ["102"]):
            with self.assertRaises(UserError):
                self._card().card_transfer(call.id, target)
        self.assertFalse(self.hand_out())

    def test_ringing_can_be_hung_up_and_not_transferred(self):
        call = self._live(upto=3)
        self.assertEqual(call.with_user(self.tom)._card_commands(), {"hangup": True, "transfer": False})
        with self.assertRaises(UserError):
            self._card().card_transfer(call.id, "102")

    def test_only_ones_own_call_and_only_while_it_lasts(self):
        call = self._live()
        with self.assertRaises(AccessError):
            self._card(self.rina).card_hangup(call.id)
        with self.assertRaises(UserError):
            self._card(self.nadia).card_hangup(call.id)  # she sees it, and is not in it
        self.assertEqual(call.with_user(self.nadia)._card_commands(), {"hangup": False, "transfer": False})
        self.deliver(answered())
        with self.assertRaises(UserError):
            self._card().card_hangup(call.id)
        self.assertEqual(call.with_user(self.tom)._card_commands(), {"hangup": False, "transfer": False})
        self.assertFalse(self.hand_out())

    # --- the bridge's websocket ---

    def test_wake_up_channel(self):
        key, secret = self.env["crm.voip.pbx.key"]._generate(self.pbx)
        pbx = self.env["crm.voip.pbx"].with_user(self.env.ref("base.public_user"))
        now = int(time.time())

        def channels(name):
            return pbx._wake_channels([name])

        good = subscription(secret, key, now)
        self.assertEqual(channels(good), [(self.pbx, "wake")])
        for bad in (
            subscription("wrong", key, now),
            subscription(secret, "nobody", now),
            subscription(secret, key, now - 600),
            subscription(secret, key, now + 600),
            good[:-1] + "x",
            good.replace(f":{now}:", f":{now + 1}:"),
            f"crm_voip_bridge:{key}:{now}:{sign(secret, key, now, b'{}')}",
            f"crm_voip_bridge:{key}:x:y",
            "crm_voip_bridge:",
            "crm_voip_bridge:a:b",
            f"{good}:",
        ):
            self.assertEqual(channels(bad), [], bad)
        self.assertEqual(sign(secret, key, now, SUBJECT), good.rpartition(":")[2])
        self.pbx.active = False
        self.assertEqual(channels(good), [])
        self.pbx.active = True
        self.env["crm.voip.pbx.key"].search([("key", "=", key)]).action_revoke()
        self.assertEqual(channels(good), [])


@tagged("-at_install", "post_install")
class TestCommandsRoute(DialPeople, VoipHttpCase):
    """What a bridge fetches and tells, as it does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_dial()

    def fetch(self, *results, status=200, **more):
        response = self.post("commands", {"bridge": {"id": "b"}, "results": list(results)}, **more)
        self.assertEqual(response.status_code, status, response.text)
        self.env.invalidate_all()
        return response.json()

    def test_fetched_and_answered_for(self):
        self.assertEqual(self.fetch()["commands"], [])
        self.dial("030 1000142", self.lotte)
        answer = self.fetch()
        [one] = answer["commands"]
        self.assertEqual(one["args"]["number"], "0301000142")
        self.assertTrue(answer["now"])
        self.assertEqual(self.fetch()["commands"], [])
        self.fetch({"id": one["id"], "state": "accepted", "reason": ""})
        self.assertEqual(self.commands().state, "accepted")
        self.fetch({"id": one["id"], "state": "done", "reason": ""})
        self.assertEqual(self.commands().state, "done")

    def test_result_of_one_and_the_next_in_one_request(self):
        self.dial(LOTTE)
        [first] = self.fetch()["commands"]
        self.dial(CARLOS)
        [second] = self.fetch({"id": first["id"], "state": "done", "reason": ""})["commands"]
        self.assertEqual(second["args"]["number"], "0012025550142")
        self.assertEqual(self.commands().mapped("state"), ["done", "sent"])

    def test_answer_to_a_batch_says_that_something_waits(self):
        self.assertNotIn("commands", self.send())
        self.dial(LOTTE)
        self.assertIs(self.send()["commands"], True)
        self.fetch()
        self.assertNotIn("commands", self.send())

    def test_idle_where_nobody_may_dial(self):
        self.assertNotIn("idle", self.fetch())
        self.company.crm_voip_dial = False
        self.assertIs(self.fetch()["idle"], True)

    def test_without_a_good_signature_there_is_nothing(self):
        self.dial(LOTTE)
        self.assertNotIn("commands", self.fetch(status=401, secret="wrong"))
        self.assertNotIn("commands", self.fetch(status=401, key="nobody"))
        self.assertNotIn("commands", self.fetch(status=401, moment=1))
        self.assertEqual(self.commands().state, "waiting")
        self.pbx.active = False
        self.assertNotIn("commands", self.fetch(status=403))
        self.env["ir.config_parameter"].set_param("database.is_neutralized", True)
        self.assertNotIn("commands", self.fetch(status=403))

    def test_body_that_is_not_understood(self):
        for content in (
            {},
            {"bridge": {}},
            {"bridge": {"id": "b"}, "results": "x"},
            {"bridge": {"id": "b"}, "results": [{}] * 1001},
        ):
            self.assertEqual(self.post("commands", content).status_code, 422, str(content)[:60])


@tagged("-at_install", "post_install")
class TestDialTour(DialPeople, VoipHttpCase):
    """A click to call in a real browser; what the bridge says later comes over the bus, which no tour hears."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_dial()
        cls.tom.password = cls.tom.login

    @mute_logger("odoo.http")  # the refusal
    def test_click_to_call(self):
        lead = self.env["crm.lead"].create(
            {"name": "Bench scales", "type": "opportunity", "partner_id": self.lotte.id, "user_id": self.tom.id,
             "company_id": self.company.id}
        )  # fmt: skip
        self.start_tour(f"/odoo/crm.lead/{lead.id}", "crm_voip_click_to_call", login=self.tom.login)
        first = self.commands()[:1]
        self.assertEqual((first.state, first.number), ("waiting", LOTTE))
        self.assertEqual((first.res_model, first.res_id), ("crm.lead", lead.id))
        [one] = self.hand_out()
        self.assertEqual(one["args"], {"number": "0301000142", "extension": "101", "name": "Lotte Molenaar"})
