from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.lib.events import format_time
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import START, VoipCase, VoipHttpCase, answered

BEGIN, END = datetime(2026, 11, 1, 23, 0), datetime(2026, 11, 3, 23, 0)


@tagged("-at_install", "post_install")
class TestFetch(VoipHttpCase):
    """What a bridge is asked to read again in the PBX's own record, over the wire."""

    def scope(self):
        return self.post("scope", {"bridge": {"id": "bridge-1"}}).json()

    def report(self, fetch, state="running", bridge="bridge-1", **values):
        content = {"bridge": {"id": bridge}, "id": str(fetch.id), "state": state, **values}
        response = self.post("fetch", content)
        self.assertEqual(response.status_code, 200, response.text)
        self.env.invalidate_all()
        return response.json()["go"]

    def test_a_reading_from_the_question_to_the_result(self):
        before = self.scope()
        self.assertNotIn("fetch", before)
        fetch = self.pbx._fetch_again(BEGIN, END, "Import of earlier calls", before_ticked=True)
        self.assertEqual(self.pbx._fetch_again(BEGIN, END, "again", before_ticked=True), fetch)
        scope = self.scope()
        self.assertEqual(
            scope["fetch"],
            [{"id": str(fetch.id), "from": "2026-11-01T23:00:00Z", "until": "2026-11-03T23:00:00Z", "earlier": True}],
        )
        self.assertNotEqual(scope["version"], before["version"])
        # a bridge learns of it with the next answer
        self.assertEqual(self.send()["scope"], scope["version"])
        self.assertTrue(self.report(fetch, calls=0))
        self.assertTrue(self.report(fetch, calls=1, at="2026-11-02T23:00:00Z"))
        self.assertEqual((fetch.state, round(fetch.progress)), ("running", 50))
        self.assertIn("1 calls found so far", fetch.result)
        self.send(answered())
        self.assertFalse(self.report(fetch, "done", calls=2))
        self.assertEqual((fetch.state, fetch.call_count, fetch.new_count), ("done", 2, 1))
        self.assertEqual(fetch.result, "2 calls found, 1 new")
        # over is over, and the scope is what it was
        self.assertFalse(self.report(fetch, calls=99))
        self.assertEqual(fetch.call_count, 2)
        self.assertEqual(self.scope()["version"], before["version"])

    def test_one_bridge_does_it_unless_it_falls_silent(self):
        fetch = self.pbx._fetch_again(BEGIN, END, "repair")
        self.assertTrue(self.report(fetch))
        self.assertFalse(self.report(fetch, bridge="bridge-2"))
        self.assertFalse(self.report(fetch, "done", bridge="bridge-2", calls=7))
        self.assertEqual((fetch.state, fetch.bridge), ("running", "bridge-1"))
        # a bridge that was started anew begins anew
        self.assertTrue(self.report(fetch))
        fetch.sudo().heard_at -= timedelta(minutes=11)
        self.env.flush_all()
        self.assertTrue(self.report(fetch, bridge="bridge-2"))
        self.assertFalse(self.report(fetch))
        self.assertFalse(self.report(fetch, "failed", bridge="bridge-2", reason="no record: name it in [cel]"))
        self.assertEqual(fetch.result, "no record: name it in [cel]")
        self.assertNotIn("fetch", self.scope())
        fetch.action_again()
        self.assertEqual(len(self.scope()["fetch"]), 1)

    def test_bridges_are_told_of_each_other(self):
        alone = self.scope()
        self.assertNotIn("bridges", alone)
        self.send(bridge={"id": "bridge-2"})
        both = self.scope()
        self.assertEqual(both["bridges"], 2)
        self.assertNotEqual(both["version"], alone["version"])
        self.env.cr.execute(
            "UPDATE crm_voip_pbx_state SET seen_at = seen_at - interval '8 days' WHERE bridge = 'bridge-2'"
        )
        self.assertEqual(self.scope()["version"], alone["version"])

    def test_what_one_bridge_missed_another_one_heard(self):
        """A bridge that was away does not know whether somebody was put on hold; the other one says that it heard all."""
        self.send(answered())
        self.assertEqual(self.calls().hold_s, 0)
        at = format_time(START + timedelta(seconds=40))
        word = {"type": "unheard", "call": "c", "at": at, "source": "ami", "data": {}}
        self.send([{**word, "id": "unheard"}])
        self.assertIn("hold was not measured", self.calls().notes)
        end = format_time(START + timedelta(seconds=65))
        self.send([{**word, "id": "heard", "type": "heard", "at": end}])
        self.assertNotIn("hold was not measured", self.calls().notes or "")

    def test_reports_that_make_no_sense(self):
        fetch = self.pbx._fetch_again(BEGIN, END, "repair")
        for values in (
            {"id": "x"},
            {"id": fetch.id},
            {"id": "9" * 10},
            {"id": str(fetch.id), "state": "waiting"},
            {"id": str(fetch.id), "state": "done", "calls": -1},
            {"id": str(fetch.id), "state": "done", "calls": True},
            {"id": str(fetch.id), "state": "failed", "reason": "x" * 501},
        ):
            response = self.post("fetch", {"bridge": {"id": "b"}, **values})
            self.assertEqual(response.status_code, 422, values)
        other = self.pbx.copy({"name": "Other"})
        mine = other._fetch_again(BEGIN, END, "repair")
        self.assertFalse(self.report(mine), "a reading of another PBX")
        self.assertEqual(mine.state, "waiting")


@tagged("-at_install", "post_install")
class TestImport(VoipCase):
    """The first day: the calls of last month, please."""

    def wizard(self, user, **values):
        return self.env["crm.voip.import"].with_user(user).create({"pbx_id": self.pbx.id, **values})

    @freeze_time("2026-11-20 10:00:00")
    def test_days_are_those_of_the_company(self):
        self.company.partner_id.tz = "Europe/Amsterdam"
        self.env.registry.clear_cache()
        wizard = self.wizard(self.admin, date_from=date(2026, 10, 20), date_to=date(2026, 11, 2))
        self.assertEqual(wizard.extension_count, 5)
        action = wizard.action_import()
        fetch = self.env["crm.voip.fetch"].search(action["domain"])
        # summer time ended in between
        self.assertEqual(fetch.begins_at, datetime(2026, 10, 19, 22, 0))
        self.assertEqual(fetch.ends_at, datetime(2026, 11, 2, 23, 0))
        self.assertEqual((fetch.before_ticked, fetch.create_uid), (True, self.admin))
        self.wizard(self.admin).action_import()
        newest = self.env["crm.voip.fetch"].search([], limit=1)
        self.assertEqual(newest.ends_at, datetime(2026, 11, 20, 10, 0), "nothing of the future")
        for days in ((date(2026, 11, 3), date(2026, 11, 2)), (date(2026, 11, 21), date(2026, 11, 22))):
            with self.assertRaises(UserError):
                self.wizard(self.admin, date_from=days[0], date_to=days[1]).action_import()

    def test_only_for_administrators_of_calls(self):
        for user in (self.tom, self.boss):
            with self.assertRaises(AccessError):
                self.wizard(user)
        fetch = self.pbx._fetch_again(BEGIN, END, "repair")
        elsewhere = self.env["res.company"].create({"name": "Elsewhere", "country_id": self.env.ref("base.nl").id})
        other = self.pbx.copy({"name": "Far away", "company_id": elsewhere.id})
        other._fetch_again(BEGIN, END, "repair")
        admin = self.env["crm.voip.fetch"].with_user(self.admin)
        self.assertEqual(admin.search([]), fetch.with_user(self.admin))
        with self.assertRaises(AccessError):
            fetch.with_user(self.admin).write({"state": "done"})

    def test_calls_of_the_live_day_are_not_new(self):
        """What came before the question was not brought by it."""
        self.deliver(answered("before"))
        self.env.cr.execute("UPDATE crm_voip_call SET create_date = create_date - interval '1 hour'")
        fetch = self.pbx._fetch_again(BEGIN, END, "repair")
        self.deliver(answered("late", start=START + timedelta(hours=2)))
        self.deliver(answered("after", start=START + timedelta(days=9)))
        report = {"id": fetch.id, "state": "done", "calls": 2, "at": None, "reason": ""}
        self.env["crm.voip.fetch"]._note(self.pbx, "b", report)
        self.assertEqual(fetch.new_count, 1)
