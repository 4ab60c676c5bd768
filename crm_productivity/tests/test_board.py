from datetime import date, datetime, timedelta

from freezegun import freeze_time
from lxml import html

from odoo import Command
from odoo.addons.crm_voip_bridge.tests.common import START, answered, missed
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .stories import story
from .test_paper import FRIDAY, PaperCase


@tagged("-at_install", "post_install")
class TestBoard(PaperCase):
    """The page that sales and IT present together."""

    def board(self, user=None, **values):
        values = {"company_id": self.company.id, "day": date(2026, 11, 13), **values}
        return self.of(user or self.boss, "crm.productivity.board").create(values)

    def side(self, board, side):
        return {row["code"]: row for row in board._values()[side]}

    def reckon(self):
        self.env.flush_all()
        days = [date(2026, 11, 1) + timedelta(days=count) for count in range(13)]
        self.env["crm.productivity.day"]._reckon(self.company, days)

    def compared(self, **values):
        self.env["crm.voip.completeness"].create(
            {
                "pbx_id": self.pbx.id, "day": "2026-11-09", "begins_at": "2026-11-09 00:00:00",
                "ends_at": "2026-11-10 00:00:00", "state": "done", "checked_at": "2026-11-10 02:00:00", "source": "cel",
                **values,
            }
        )  # fmt: skip
        self.reckon()

    @freeze_time(FRIDAY)
    @story("calls_complete")
    def test_both_sides(self):
        # the PBX had 12 calls, 2 of them may not be recorded, 9 are logged: 9 of 10
        self.compared(pbx_count=12, outside_count=2, logged_count=9)
        board = self.board()
        complete = self.side(board, "running")["calls_complete"]
        self.assertEqual((complete["value"], complete["detail"]), ("90 %", "1 of 10 calls are missing"))
        # five calls of the teams lasted a minute or more in November: 60, 60, 90, 150, 60, 60
        self.assertEqual(self.side(board, "business")["conversations"]["value"], "6")
        page = html.fromstring(str(board.html)).text_content()
        for text in ("What the business wanted and got", "What keeps it running", "November 2026"):
            self.assertIn(text, page)
        self.assertNotIn(self.tom.name, page)

    @freeze_time(FRIDAY)
    def test_not_compared_is_not_complete(self):
        complete = self.side(self.board(), "running")["calls_complete"]
        self.assertEqual((complete["value"], complete["detail"]), ("not measured", 0))

    def test_periods(self):
        with freeze_time(FRIDAY):
            # the month goes on: compared with as many days of the month before
            self.assertEqual(
                self.board()._periods(),
                ((date(2026, 11, 1), date(2026, 11, 13)), (date(2026, 10, 1), date(2026, 10, 13))),
            )
            quarter = self.board(span="quarter", day=date(2026, 9, 30))
            self.assertEqual(
                quarter._periods(),
                ((date(2026, 7, 1), date(2026, 9, 30)), (date(2026, 4, 1), date(2026, 6, 30))),
            )
            self.assertEqual(quarter.days, "Quarter 3 of 2026")
            quarter.action_before()
            self.assertEqual(quarter.first, date(2026, 4, 1))
            board = self.board()
            board.action_next()
            self.assertEqual(board.first, date(2026, 11, 1))

    @freeze_time(FRIDAY)
    def test_who(self):
        for user in (self.tom, self.nadia, self.clerk):
            with self.assertRaises(AccessError):
                self.board(user)
        board = self.board()
        with self.assertRaises(AccessError):
            self.env["ir.actions.report"].with_user(self.admin)._render_qweb_html(
                "crm_productivity.report_board", board.ids
            )
        with self.assertRaises(UserError):
            self.env["ir.actions.report"].with_user(self.tom)._render_qweb_html("crm_productivity.report_board", [])

    @freeze_time(FRIDAY)
    def test_empty(self):
        board = self.board(day=date(2026, 1, 5))
        self.assertIn("Nothing was measured", board._values()["empty"])
        self.assertIn("No target was set", board.html)

    # --- outages ---

    def heard(self, minute, **values):
        """A bridge was heard on Monday the ninth, so many minutes after nine."""
        at = datetime(2026, 11, 9, 9) + timedelta(minutes=minute)
        State = self.env["crm.voip.pbx.state"]
        bridge = {"id": "bridge-1", "version": "1", "pbx": "connected", "waiting": 0, **values}
        with freeze_time(at):
            State._note(self.pbx, bridge, 0, True)
            State._note_trouble()

    @story("outage")
    def test_an_outage_and_what_it_cost(self):
        Outage = self.env["crm.productivity.outage"]
        # on each of the two Mondays before, calls at 9:00: five on the second, among them one missed; three on the 26th
        before = datetime(2026, 10, 26, 9, tzinfo=START.tzinfo)
        self.deliver(*(answered(f"x{place}", start=before + timedelta(minutes=place)) for place in range(3)))
        self.deliver(missed("x9", start=START + timedelta(minutes=1)))
        self.heard(-1)
        self.assertFalse(Outage.search([("pbx_id", "=", self.pbx.id)]))
        with freeze_time("2026-11-09 09:30"):
            self.env["crm.voip.pbx.state"]._note_trouble()
            outage = Outage.search([("pbx_id", "=", self.pbx.id)])
            self.assertEqual(
                (outage.begins_at, outage.ends_at, outage.kind), (datetime(2026, 11, 9, 8, 59), False, "silent")
            )
            self.env["crm.voip.pbx.state"]._note_trouble()
            self.assertEqual(Outage.search_count([("pbx_id", "=", self.pbx.id)]), 1)
            self.assertIn("nothing heard since", self.board().html)
        self.heard(60)
        # 8:59 to 10:00; on the second: o1, a1, m1, r1 and x9; on the 26th: 3. (5 + 3) / 2 = 4 calls are usual
        self.assertEqual((outage.ends_at, outage.usual_calls), (datetime(2026, 11, 9, 10), 4))
        # of this hour are logged: o2, r2, j2 at nine; o3 is at ten
        self.assertEqual(outage.late_calls, 3)
        self.reckon()
        with freeze_time(FRIDAY):
            row = self.side(self.board(), "running")["outage"]
            self.assertEqual(row["value"], "1 h 01 min")
            self.assertIn("about 4 calls usually come in such hours: 3 came later, about 1 not seen", row["detail"])

    def test_two_bridges(self):
        """While one of two reports, nothing is out."""
        self.heard(-1)
        with freeze_time("2026-11-09 09:30"):
            self.env["crm.voip.pbx.state"]._note(
                self.pbx, {"id": "bridge-2", "version": "1", "pbx": "connected", "waiting": 0}, 0, True
            )
            self.env["crm.voip.pbx.state"]._note_trouble()
            self.assertFalse(self.env["crm.productivity.outage"].search([("pbx_id", "=", self.pbx.id)]))

    def test_no_outage_is_measured_only_where_somebody_watched(self):
        metric = self.env.ref("crm_productivity.metric_outage")
        metric.since = date(2026, 11, 1)
        with freeze_time(FRIDAY):
            self.assertEqual(self.side(self.board(), "running")["outage"]["value"], "not measured")
        self.heard(0)
        with freeze_time("2026-11-09 09:01"):
            self.assertEqual(self.side(self.board(), "running")["outage"]["value"], "0 s")
            # the month before, nobody wrote outages down
            row = self.side(self.board(day=date(2026, 10, 5)), "running")["outage"]
            self.assertEqual(row["value"], "not measured")

    # --- Odoo's digest ---

    def digest(self, user, **kpis):
        digest = self.env["digest.digest"].create(
            {
                "name": "Digest", "company_id": self.company.id, "user_ids": [Command.set(user.ids)],
                **{f"kpi_crm_productivity_{name}": True for name in kpis or ("my_calls", "my_replies", "taken")},
            }
        )  # fmt: skip
        kpis = digest.with_context(lang=user.lang)._compute_kpis(self.company, user)
        return {
            kpi["kpi_name"].removeprefix("kpi_crm_productivity_"): [
                kpi[f"kpi_col{place}"].get("value") for place in (1, 2, 3)
            ]
            for kpi in kpis
        }

    def test_digest_is_the_reader_s_own(self):
        # on Tuesday, yesterday was Monday the ninth: Tom made 3 calls; 4 in seven and in thirty days
        with freeze_time("2026-11-10 07:00"):
            tom = self.digest(self.tom)
            self.assertEqual(tom["my_calls"], ["3", "3", "4"])
            # nobody wrote: not nought
            self.assertEqual(tom["my_replies"], ["not measured"] * 3)
            # totals are not for him
            self.assertNotIn("taken", tom)
            self.assertEqual(self.digest(self.rina)["my_calls"], ["0", "0", "0"])
            # Nadia's team: Rina took 1 of 1 on Monday
            self.assertEqual(self.digest(self.nadia)["taken"][0], "100 %")
            self.assertEqual(self.digest(self.nadia)["my_calls"], ["not measured"] * 3)

    def test_digest_is_sent(self):
        with freeze_time("2026-11-10 07:00"):
            digest = self.env["digest.digest"].create(
                {"name": "Digest", "company_id": self.company.id, "kpi_crm_productivity_my_calls": True}
            )
            digest._action_send_to_user(self.tom)
            mail = self.env["mail.mail"].sudo().search([("email_to", "like", "voip_tom")], limit=1)
            self.assertIn("My calls made", mail.body_html)
