from datetime import date, datetime, timedelta, timezone

import pytz
from freezegun import freeze_time

from odoo import Command
from odoo.addons.crm_voip_bridge.tests.common import CUSTOMER, START, answered, group, outbound, told
from odoo.tests import tagged

from .metrics import DAY, MetricCase


@tagged("-at_install", "post_install")
class TestMetricsBadInput(MetricCase):
    """Nothing divides by zero, and nothing shows a wrong number with confidence."""

    def metrics(self):
        return self.env["crm.productivity.metric"].search([])

    def all_values(self, user, **of):
        return {metric.code: self.value(metric.code, user, **of) for metric in self.metrics()}

    def test_no_calls_at_all(self):
        self.assertEqual(set(self.all_values(self.tom).values()), {None})

    def test_clock_errors(self):
        """An end before the start, an answer before the ring: the call counts, its times do not."""
        self.deliver(
            told(
                f"0 started c PJSIP/trunk-00000001 {CUSTOMER} +31201000101",
                "10 started p PJSIP/101-00000002",
                "10 ringing p c",
                "5 answered p",
                "5 bridged p b",
                "5 bridged c b",
                "-40 ended p 16",
                "-40 ended c 16",
            )
        )
        call = self.calls("c")
        self.assertTrue(call.notes)
        values = self.all_values(self.tom)
        self.assertEqual(values["calls_made"], 0)
        for code in ("talk", "answer_median", "own_ring", "hold", "talk_mean", "dialling"):
            self.assertTrue(values[code] is None or values[code] >= 0, code)
        # none of the measured times is below nought, in no row
        durations = [name for name in self.Day._measures() if name.endswith("_s")]
        for row in self.Day.search([("company_id", "=", self.company.id)]).sudo():
            for name in durations:
                self.assertGreaterEqual(row[name] or 0, 0, name)

    def test_a_duration_is_never_since_the_planned_date(self):
        """Others take the time since the planned date as the duration of a call, and set a typed one to nought."""
        partner = self.env["res.partner"].create({"name": "Ann", "phone": CUSTOMER})
        partner.activity_schedule("mail.mail_activity_data_call", date(2026, 10, 1), user_id=self.tom.id)
        self.deliver(answered("a", seconds=60))
        self.company.crm_voip_typed = True
        typed = self.env["crm.voip.typed.call"].with_user(self.tom).with_company(self.company).create(
            {"started_at": START.replace(tzinfo=None), "minutes": 12, "partner_id": partner.id}
        )  # fmt: skip
        typed.write({"note": "Wants a price"})
        self.assertEqual(typed.minutes, 12)
        # talk as the PBX measured it; neither the month since the planned day, nor the twelve minutes typed
        self.assertMetrics(self.tom, talk=60, talk_median=60, typed_calls=1)

    def test_billed_minutes_are_no_talk(self):
        """A missed call with billed seconds has no talk."""
        self.deliver(outbound("o"))
        self.calls("o").sudo().write({"disposition": "missed"})
        self.calls("o").leg_ids.sudo().write({"talk_s": False, "answered_at": False})
        self.assertMetrics(self.tom, calls_made=1, reached=0, talk=None, talk_mean=None)

    def test_who_left(self):
        self.deliver(answered("a"))
        self.assertMetrics(self.tom, talk=60)
        self.tom.active = False
        self.Stale._mark_everything()
        self.assertMetrics(self.tom, talk=60, taken=100)

    def test_team_changed_in_mid_week(self):
        other = self.env["crm.team"].create({"name": "Sales BE", "company_id": self.company.id})
        history = self.env["crm.productivity.member"]
        history.search([("user_id", "=", self.tom.id)]).write({"ends": date(2026, 11, 4)})
        history.create({"user_id": self.tom.id, "team_id": other.id, "begins": date(2026, 11, 4)})
        self.deliver(*(answered(f"a{day}", start=START.replace(day=day)) for day in (2, 3, 4, 5, 6)))
        of = {"first": DAY, "last": date(2026, 11, 8)}
        # Monday and Tuesday for the one, three days for the other, and all of it is Tom's
        self.assertMetrics(of={**of, "team": self.team}, talk=120)
        self.assertMetrics(of={**of, "team": other}, talk=180)
        self.assertMetrics(self.tom, of=of, talk=300)

    def test_one_person_team(self):
        alone = self.env["crm.team"].create(
            {"name": "Alone", "company_id": self.company.id, "member_ids": [Command.set(self.jonas.ids)]}
        )
        self.env["crm.productivity.member"].search([("team_id", "=", alone.id)]).write({"begins": date(2026, 10, 1)})
        self.deliver(answered("a", phone="104"))
        self.assertMetrics(of={"team": alone}, taken=100, talk=60)
        values = self.all_values(self.env["res.users"], team=alone)
        self.assertIsNone(values["called_back"])

    def test_two_companies_and_currencies(self):
        """Amounts are in each company's own currency, and are not added across currencies."""
        other = self.env["res.company"].create({"name": "Osprey", "currency_id": self.env.ref("base.JPY").id})
        self.env.ref("base.JPY").active = True
        self.tom.company_ids |= other
        for company, revenue in ((self.company, 500), (other, 70000)):
            lead = self.env["crm.lead"].create(
                {"name": "Pumps", "type": "opportunity", "user_id": self.tom.id, "company_id": company.id,
                 "team_id": False, "expected_revenue": revenue}
            )  # fmt: skip
            lead.action_set_won()
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE crm_lead SET date_closed = %s WHERE id = %s", (datetime(2026, 11, 2, 9), lead.id)
            )
            lead.invalidate_recordset()
            lead._productivity_changed()
        self.assertMetrics(self.tom, won_amount=500, won=1)
        self.assertMetrics(self.tom, of={"company": other}, won_amount=70000, won=1)
        both = [("user_id", "=", self.tom.id), ("day", "=", DAY)]
        measures, _spread = self.Day._totals(both)
        self.assertEqual(measures["won"], 2)
        self.assertIsNone(measures["won_amount"], "500 euros and 70000 yen are not 70500 of anything")

    def test_zones_on_both_sides_of_the_date_line(self):
        """The same call is on different days; a day has 24 hours wherever it is."""
        self.deliver(answered("a", start=datetime(2026, 11, 2, 10, 30, tzinfo=timezone.utc)))
        for zone, day in (("Pacific/Kiritimati", date(2026, 11, 3)), ("Pacific/Pago_Pago", date(2026, 11, 1))):
            self.company.partner_id.tz = zone
            self.Stale._mark_days(self.company, date(2026, 10, 30), date(2026, 11, 6))
            self.assertMetrics(self.tom, of={"first": day, "last": day}, talk=60)
            self.assertMetrics(self.tom, of={"first": date(2026, 10, 30), "last": date(2026, 11, 6)}, talk=60)

    def test_daylight_saving(self):
        """A day of 23 hours and one of 25: each call is in one day, none in two, none in none."""
        self.company.partner_id.tz = "Europe/Amsterdam"
        zone = pytz.timezone("Europe/Amsterdam")
        for sunday, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
            start, end = self.Stale._bounds(self.company, sunday, sunday)
            self.assertEqual(end - start, timedelta(hours=hours))
            moments = [start + timedelta(minutes=30 + 60 * hour) for hour in range(-1, hours + 1)]
            self.deliver(
                *(
                    answered(f"{sunday}{place}", start=moment.replace(tzinfo=timezone.utc))
                    for place, moment in enumerate(moments)
                )
            )
            # one call an hour, and one on the day before and after
            for day, count in ((-1, 1), (0, hours), (1, 1)):
                on = sunday + timedelta(days=day)
                self.assertMetrics(self.tom, of={"first": on, "last": on}, talk=60 * count)
            self.assertEqual(moments[1].replace(tzinfo=timezone.utc).astimezone(zone).date(), sunday)

    def anonymise(self, record):
        env = self.env(user=self.admin, context={"allowed_company_ids": self.company.ids})
        context = {"active_model": record._name, "active_ids": record.ids}
        env["crm.voip.anonymise"].with_context(**context).create({}).action_anonymise()
        self.env.invalidate_all()

    def test_anonymised_customer(self):
        """Whom calls were with is gone; what was measured stays, and nobody knows any more whether they came back."""
        ann = self.env["res.partner"].create({"name": "Ann", "phone": CUSTOMER, "company_id": self.company.id})
        self.deliver(answered("a"), answered("b", start=START + timedelta(days=1)))
        with freeze_time("2026-11-25 12:00"):
            self.assertMetrics(self.tom, talk=60, solved_at_once=0)
            self.anonymise(ann)
            self.assertFalse(self.calls().filtered("outside_e164"))
            self.assertMetrics(self.tom, talk=60, taken=100, solved_at_once=None, calls_per_topic=None)

    def test_anonymised_colleague(self):
        """Their figures are nobody's from then on; those of others stay, and so does the total."""
        self.deliver(answered("a"), group("g", taker="102", losers=("101",)))
        self.wrapup(self.calls("a"), self.tom, rang_at=START.replace(tzinfo=None), after_call_s=30)
        self.assertMetrics(self.tom, talk=60, taken=50, after_call=30)
        total = self.Day._totals(self.domain())[0]
        self.anonymise(self.tom)
        self.Stale._catch_up()
        self.assertFalse(self.Day.search(self.domain(self.tom)))
        self.assertMetrics(self.rina, talk=60, taken=100)
        # nor does a recomputation bring them back
        after = self.Day._totals(self.domain())[0]
        self.assertEqual((after["talk_s"], after["taken"]), (total["talk_s"], total["taken"]))
        self.Stale._mark_everything()
        self.Stale._catch_up()
        self.assertFalse(self.Day.search(self.domain(self.tom)))

    def test_indexes_are_used(self):
        """The facts of a day do not read the whole tables, however many rows there are."""
        start, end = self.Stale._bounds(self.company, DAY, DAY)
        Facts = self.env["crm.productivity.facts"]
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        for name in Facts._sources():
            query = getattr(Facts, name)(self.company, start, end)
            plan = "\n".join(row for (row,) in self.env.execute_query(query.__class__("EXPLAIN %s", query)))
            for table in (
                "crm_voip_call",
                "crm_voip_leg",
                "mail_message",
                "mail_activity",
                "crm_lead",
                "crm_voip_wrapup",
            ):
                with self.subTest(source=name, table=table):
                    self.assertNotRegex(plan, rf"Seq Scan on {table}\b")
