import json
import tempfile
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from freezegun import freeze_time

from odoo import fields
from odoo.addons.crm_voip_bridge.lib.audit import Audits
from odoo.addons.crm_voip_bridge.lib.cel import read_cel
from odoo.addons.crm_voip_bridge.lib.history import CelFile, NoHistory
from odoo.addons.crm_voip_bridge.lib.notices import Notices
from odoo.addons.crm_voip_bridge.lib.scope import Scope
from odoo.addons.crm_voip_bridge.lib.spool import Spool
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import CUSTOMER, OUR_NUMBER, VoipCase, VoipHttpCase, answered, told

HEADER = "eventtype,eventtime,cid_num,exten,context,channame,appname,appdata,uniqueid,linkedid,extra\n"


def cel(call, begin, seconds=60, phone="101"):
    """A customer rings a phone, which answers after five seconds, as CEL tells it."""
    trunk, own, leg = "PJSIP/trunk-00000001", f"PJSIP/{phone}-00000002", f"{call}.p"
    end = 5 + seconds
    rows = [
        ("CHAN_START", 0, CUSTOMER, OUR_NUMBER, trunk, call, ""),
        ("CHAN_START", 0.1, "", "s", own, leg, ""),
        ("ANSWER", 5, "", "s", own, leg, ""),
        ("ANSWER", 5, CUSTOMER, OUR_NUMBER, trunk, call, ""),
        ("BRIDGE_ENTER", 5, "", "s", own, leg, '{""bridge_id"":""b""}'),
        ("BRIDGE_ENTER", 5, CUSTOMER, OUR_NUMBER, trunk, call, '{""bridge_id"":""b""}'),
        ("BRIDGE_EXIT", end, "", "s", own, leg, '{""bridge_id"":""b""}'),
        ("BRIDGE_EXIT", end, CUSTOMER, OUR_NUMBER, trunk, call, '{""bridge_id"":""b""}'),
        ("HANGUP", end, "", "s", own, leg, '{""hangupcause"":16}'),
        ("HANGUP", end, CUSTOMER, OUR_NUMBER, trunk, call, '{""hangupcause"":16}'),
    ]
    return "".join(
        f'"{kind}","{begin.timestamp() + at:.6f}","{number}","{exten}","","{channel}","","","{unique}","{call}","{extra}"\n'
        for kind, at, number, exten, channel, unique, extra in rows
    )


@tagged("-at_install", "post_install")
class TestCompleteness(VoipHttpCase):
    """The PBX's own record, read by the real bridge's code, against the log."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.spool = Spool(self.folder / "spool.db")
        self.addCleanup(self.spool.close)
        self.pbx.company_id.partner_id.tz = "Europe/Amsterdam"
        self.env.registry.clear_cache()
        self.day = self.pbx._today() - timedelta(days=1)
        begins_at, _ends_at = self.env["crm.voip.completeness"]._bounds(self.pbx, self.day)
        self.midnight = begins_at.replace(tzinfo=timezone.utc)
        self.noon = self.midnight + timedelta(hours=12)
        # a bridge has reported for long
        self.send(bridge={"id": "b"})
        self.env.cr.execute("UPDATE crm_voip_pbx_state SET heard_since = NULL, event_at = now() AT TIME ZONE 'UTC'")
        self.env.invalidate_all()

    def at(self, minute):
        return self.noon + timedelta(minutes=minute)

    def audit(self, *rows, history=None, day=None):
        """What a bridge does that is asked; the row of the day."""
        if history is None:
            (self.folder / "Master.csv").write_text(HEADER + "".join(rows))
            history = CelFile(self.folder / "Master.csv")
        case = self

        class Client:
            def post(self, path, body):
                response = case.post(path.rpartition("/")[2], body)
                case.assertEqual(response.status_code, 200, response.text)
                return response.json()

        scope = self.post("scope", {"bridge": {"id": "b"}}).json()
        Audits(history, self.spool, Client(), Notices(), lambda: Scope.from_answer(scope)).step()
        self.env.invalidate_all()
        return self.env["crm.voip.completeness"].search([("pbx_id", "=", self.pbx.id), ("day", "=", day or self.day)])

    def ask(self):
        self.env["crm.voip.completeness"]._ask(self.pbx, self.day)
        self.env.flush_all()

    def numbers(self, row):
        return row.pbx_count, row.logged_count, row.outside_count, row.open_count

    def test_a_day_that_agrees(self):
        self.send([event for n in range(4) for event in answered(f"{n}", start=self.at(n))])
        before = self.send()["scope"]
        self.ask()
        self.assertNotEqual(self.send()["scope"], before, "that there is a question is told")
        rows = [cel(f"{n}", self.at(n)) for n in range(4)] + [cel(f"x{n}", self.at(n), phone="109") for n in range(3)]
        # of other days: the day is the company's, not UTC's
        rows += [cel("early", self.midnight - timedelta(minutes=1)), cel("late", self.midnight + timedelta(days=1))]
        row = self.audit(*rows)
        self.assertEqual((row.state, self.numbers(row), row.difference_count), ("done", (7, 4, 3, 0), 0))
        self.assertEqual(self.send()["scope"], before, "and that it is answered")
        self.assertFalse(self.env["crm.voip.audit.call"].search([]))
        line = self.pbx.completeness
        self.assertTrue(line.startswith("PBX 7 · logged 4 · outside scope 3 · open 0 · last event "), line)
        self.assertEqual(self.pbx.completeness_day, self.day)
        self.assertIn("logged 4", self.env["ir.qweb"]._render(
            "crm_voip_bridge.completeness", {"pbxs": self.pbx, "day_from": self.day, "day_to": self.day}
        ))  # fmt: skip

    def test_differences_are_named_repaired_and_solved(self):
        whole, cut = answered("whole", start=self.at(0)), answered("cut", start=self.at(1))[:8]
        short = answered("short", start=self.at(2), seconds=20)
        ghost = answered("ghost", start=self.at(3))
        self.send([*whole, *cut, *short, *ghost])
        self.ask()
        rows = [cel(ref, self.at(n)) for n, ref in enumerate(("whole", "cut", "short"))] + [cel("lost", self.at(9))]
        row = self.audit(*rows)
        self.assertEqual(self.numbers(row), (4, 4, 0, 1))
        found = {one.call_ref: one for one in row.difference_ids}
        self.assertEqual(
            {ref: one.kind for ref, one in found.items()},
            {"cut": "open", "short": "times", "ghost": "unknown", "lost": "missing"},
        )
        self.assertEqual(found["lost"].at, self.at(9).replace(tzinfo=None))
        self.assertEqual(found["short"].call_id, self.calls("short"))
        self.assertIn("60 s connected", found["short"].explanation)
        self.assertIn("20 s", found["short"].explanation)
        self.assertIn("differences 4", self.pbx.completeness)
        # by itself, it is read again, once
        self.assertEqual((row.state, row.fetch_id.state), ("repairing", "waiting"))
        self.assertLessEqual(row.fetch_id.begins_at, self.at(1).replace(tzinfo=None))
        self.assertGreaterEqual(row.fetch_id.ends_at, self.at(9).replace(tzinfo=None))
        # what the bridge then sends
        self.send(list(read_cel((HEADER + "".join(rows)).splitlines(keepends=True))))
        row.fetch_id.state = "done"
        self.env["crm.voip.completeness"]._cron_compare()
        self.assertEqual(row.state, "waiting")
        row = self.audit(*rows)
        self.assertEqual((row.state, self.numbers(row)), ("done", (4, 5, 0, 0)))
        left = row.difference_ids.filtered(lambda one: not one.solved_at)
        # a recording of events that contradicts the record stays named; nothing is tried for ever
        self.assertEqual(set(left.mapped("call_ref")) - {"short"}, {"ghost"})
        self.assertTrue(found["lost"].solved_at and found["cut"].solved_at)
        self.assertEqual(len(self.env["crm.voip.fetch"].search([("pbx_id", "=", self.pbx.id)])), 1)
        # and what came later says so
        self.assertTrue(self.calls("lost").filled_in_at)

    def test_a_number_taken_off_the_never_list_brings_nothing_back(self):
        never = self.env["crm.voip.never"].create({"number": CUSTOMER, "company_id": self.company.id, "user_id": False})
        never.unlink()
        self.env.flush_all()
        self.send(answered("cut", start=self.at(5))[:8])
        self.ask()
        row = self.audit(cel("private", self.at(0)), cel("cut", self.at(5)))
        self.assertEqual(sorted(row.difference_ids.mapped("kind")), ["missing", "open"])
        # what was begun is ended; what was left out stays away until somebody asks for it
        self.assertGreaterEqual(row.fetch_id.begins_at, self.at(-5).replace(tzinfo=None))
        self.assertEqual(row.state, "repairing")
        row.difference_ids.filtered(lambda one: one.kind == "open").solved_at = fields.Datetime.now()
        row.write({"state": "done", "repaired_at": False})
        row._repair(by_itself=True)
        self.assertEqual(row.state, "done")
        row.with_user(self.admin).action_repair()
        self.assertEqual(row.state, "repairing")

    def test_what_was_inside_when_it_was_logged_is_no_difference(self):
        self.send([*answered("a", start=self.at(0)), *answered("b", start=self.at(1), phone="102")])
        self.phones["102"].recorded = False
        self.env.flush_all()
        self.ask()
        row = self.audit(cel("a", self.at(0)), cel("b", self.at(1), phone="102"))
        self.assertEqual((self.numbers(row), row.difference_count), ((2, 2, 0, 0), 0))

    def test_cdr_knows_whether_there_was_a_call(self):
        short, cut = answered("short", start=self.at(0), seconds=20), answered("cut", start=self.at(1))[:8]
        # an id that is this call by now, and that CDR tells as a call of its own
        joined = told("1 transferred p attended short+other", call="short", start=self.at(0))
        self.send([*short, *joined, *cut])
        self.ask()
        rows = (
            cel("short", self.at(0))
            + cel("other", self.at(3))
            + cel("short.p", self.at(4))
            + cel("cut", self.at(1))
            + cel("lost", self.at(9))
        )
        (self.folder / "Master.csv").write_text(HEADER + rows)
        history = CelFile(self.folder / "Master.csv")
        history.source = "cdr"
        row = self.audit(history=history)
        found = {(one.call_ref, one.kind) for one in row.difference_ids}
        self.assertEqual(found, {("cut", "open"), ("lost", "missing")})
        self.assertEqual((row.pbx_count, row.logged_count), (3, 2))

    def test_without_a_record_the_line_says_so(self):
        self.send(answered("a", start=self.at(0)), outside={self.day.isoformat(): 6})
        self.assertTrue(self.pbx._completeness_line(self.day, self.day).startswith("Not compared yet · logged 1"))
        self.ask()
        row = self.audit(history=NoHistory())
        self.assertEqual((row.state, row.problem), ("failed", "none"))
        line = self.pbx._completeness_line(self.day, self.day)
        self.assertTrue(line.startswith("The bridge knows of no record of the PBX to compare with · logged 1"), line)
        numbers = self.pbx._completeness(self.day, self.day)
        self.assertEqual((numbers["pbx"], numbers["logged"], numbers["outside"]), (None, 1, 6))

    def test_who_answers_late_or_wrongly(self):
        self.ask()
        row = self.env["crm.voip.completeness"].search([("pbx_id", "=", self.pbx.id)])
        total = {"calls": 0, "outside": 0}

        def say(**values):
            content = {"bridge": {"id": "b"}, "id": f"{row.id}.1", "run": "one", "calls": [], **values}
            return self.post("audit", content)

        call = {"call": "1", "start": self.noon.isoformat(), "end": None, "talk": 1.5}
        self.assertEqual(say(calls=[call]).json()["go"], True)
        # begun anew: what the first try told does not count
        self.assertEqual(say(run="two", total=total).json()["go"], False)
        self.assertEqual(row.pbx_count, 0)
        self.assertFalse(row.difference_ids)
        self.assertEqual(say(run="two", total={"calls": 9, "outside": 9}).json()["go"], False)
        self.env.invalidate_all()
        self.assertEqual(row.pbx_count, 0, "it was answered")
        for nonsense in (
            {"id": "x"},
            {"id": f"{row.id}"},
            {"id": "9" * 30},
            {"run": 5},
            {"calls": {}},
            {"calls": [5]},
            {"calls": [{**call, "start": "soon"}]},
            {"calls": [{**call, "talk": "long"}]},
            {"calls": [{**call, "talk": -1}]},
            {"calls": [call] * 1001},
            {"total": {"calls": -1, "outside": 0}},
            {"seen": [5]},
            {"source": "ami"},
        ):
            self.assertEqual(say(**nonsense).status_code, 422, nonsense)

    def test_each_night(self):
        rows = self.env["crm.voip.completeness"]
        self.env.cr.execute("UPDATE crm_voip_pbx_state SET heard_since = '2026-11-10 08:00:00'")
        for moment, days in (
            ("2026-11-12 00:30:00", set()),  # half past one
            ("2026-11-12 01:30:00", {date(2026, 11, 10), date(2026, 11, 11)}),
            ("2026-11-12 02:30:00", {date(2026, 11, 10), date(2026, 11, 11)}),
        ):
            with freeze_time(moment):
                self.env.invalidate_all()
                rows._cron_compare()
                self.assertEqual(set(rows.search([("pbx_id", "=", self.pbx.id)]).mapped("day")), days, moment)
        first = rows.search([("day", "=", "2026-11-10")])
        self.assertEqual(first.begins_at, datetime(2026, 11, 10, 8), "nothing before the bridge is missing")
        self.assertEqual(first.asked_count, 1)
        # what was asked for in the daytime is asked for as a whole at night
        with freeze_time("2026-11-12 12:00:00"):
            self.pbx.with_user(self.admin).action_compare()
        with freeze_time("2026-11-13 02:00:00"):
            rows._cron_compare()
        row = rows.search([("day", "=", "2026-11-12")])
        self.assertEqual((row.ends_at, row.asked_count), (datetime(2026, 11, 12, 23), 2))

    def test_nothing_to_compare_yet(self):
        new = self.pbx.copy({"name": "Of this minute"})
        bridge = {"id": "new", "version": "1", "pbx": "connected", "waiting": 0}
        self.env["crm.voip.pbx.state"]._note(new, bridge, 0.0, False)
        self.env.invalidate_all()
        said = new.with_user(self.admin).action_compare()["params"]
        self.assertEqual(said["type"], "warning")
        self.assertIn("nothing to compare yet", said["message"])
        self.assertFalse(self.env["crm.voip.completeness"].search([("pbx_id", "=", new.id)]))

    def test_rights(self):
        self.ask()
        row = self.env["crm.voip.completeness"].search([("pbx_id", "=", self.pbx.id)])
        with self.assertRaises(AccessError):
            self.pbx.with_user(self.tom).action_compare()
        with self.assertRaises(AccessError):
            row.with_user(self.tom).action_repair()
        with self.assertRaises(AccessError):
            self.pbx.with_user(self.tom).action_new_health_token()
        self.assertTrue(self.pbx.with_user(self.tom).completeness)
        row.with_user(self.admin).action_ask_again()
        self.assertEqual(row.asked_count, 2)

    def test_many_calls_few_queries(self):
        """Comparing takes as many queries for many calls as for few."""
        self.send([event for n in range(40) for event in answered(f"q{n}", start=self.at(n))])
        counts = []
        for some in (2, 40):
            self.ask()
            row = self.env["crm.voip.completeness"].search([("pbx_id", "=", self.pbx.id)])
            row.repaired_at = fields.Datetime.now()
            rows = self.env["crm.voip.completeness"]
            report = {
                "id": row.id,
                "asked": row.asked_count,
                "run": str(some),
                "problem": "",
                "source": "cel",
                "seen": [],
            }
            report["total"] = {"calls": some, "outside": 0}
            report["calls"] = [
                {
                    "ref": f"q{n}",
                    "started_at": self.at(n).replace(tzinfo=None).isoformat(),
                    "ended_at": None,
                    "talk_s": 99,
                }
                for n in range(some)
            ]
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            rows._take(self.pbx, report)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 1, counts)
        self.assertEqual(json.dumps(row.difference_ids.mapped("kind")).count("times"), 40)


@tagged("-at_install", "post_install")
class TestFilledIn(VoipCase):
    """What Odoo did not hear while it happened says so."""

    def test_marks(self):
        now = datetime.now(timezone.utc)
        live = self.deliver_one(answered("live", start=now - timedelta(minutes=3)))
        late = self.deliver_one(answered("late", start=now - timedelta(hours=5)))
        self.assertFalse(live.filled_in_at)
        self.assertTrue(late.filled_in_at)
        # its end came late
        begin = now - timedelta(hours=3)
        halved = answered("halved", start=begin)
        with freeze_time(begin.replace(tzinfo=None) + timedelta(seconds=10)):
            self.deliver(halved[:8])
            self.assertFalse(self.calls("halved").filled_in_at)
        self.deliver(halved[8:])
        self.assertTrue(self.calls("halved").filled_in_at)
        # a word more about a call that was heard changes nothing
        with freeze_time(begin.replace(tzinfo=None) + timedelta(minutes=2)):
            self.deliver(answered("heard", start=begin))
        self.deliver(told("1 held p", call="heard", start=begin))
        self.assertFalse(self.calls("heard").filled_in_at)
