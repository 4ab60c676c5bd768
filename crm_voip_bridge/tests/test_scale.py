from datetime import timedelta

from odoo.fields import Domain
from odoo.tests import tagged
from odoo.tools import SQL

from .common import CUSTOMER, START, VoipCase, answered, group, missed, outbound, told

STRANGER = "020 555 01 42"


@tagged("-at_install", "post_install")
class TestScale(VoipCase):
    """What keeps screens quick with millions of calls finds what it found before, and goes by an index."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Zwaan & Zn. Installaties", "phone": CUSTOMER})
        cls.deliver(
            answered("tom", phone="101"),
            answered("stranger", number=STRANGER.replace(" ", ""), phone="102"),
            group("both", taker="101", losers=("102",)),
            missed("missed", phones=("101", "102")),
            outbound("out", phone="102"),
            answered("jonas", phone="104"),
            told("0 started i PJSIP/101-00000001 101 102", "0.1 started p PJSIP/102-00000002", "0.1 ringing p i",
                 "4 ended p", "4 ended i", call="internal"),
        )  # fmt: skip
        cls.env.flush_all()

    def as_user(self, user, model="crm.voip.call"):
        return self.env[model].with_user(user).with_context(allowed_company_ids=self.company.ids)

    def found(self, domain, user=None):
        return set(self.as_user(user or self.boss).search(domain).mapped("call_ref"))

    def plan(self, query):
        """:return: how PostgreSQL would go about a query if reading a whole table were forbidden"""
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute("SET LOCAL enable_bitmapscan = on")
        rows = self.env.execute_query(SQL("EXPLAIN %s", query))
        self.env.cr.execute("SET LOCAL enable_seqscan = on")
        return "\n".join(row for (row,) in rows)

    def plan_of(self, domain, user=None, **kwargs):
        return self.plan(self.as_user(user or self.admin)._search(domain, **kwargs).select())

    # --- the search of customer or number ---

    def test_number_in_every_spelling(self):
        everybody = self.found([("outside_e164", "=", self.calls("stranger").outside_e164)])
        self.assertIn("stranger", everybody)
        for typed in (STRANGER, "+31 20 555 01 42", "0031205550142", "(020) 555-0142", "5550142", "0142", " 2055501 "):
            self.assertEqual(self.found([("customer_label", "ilike", typed)]), everybody, typed)
        for typed in ("020 555 01 43", "99999", "55501429"):
            self.assertFalse(self.found([("customer_label", "ilike", typed)]), typed)

    def test_number_that_has_no_international_form(self):
        self.assertEqual(self.found([("customer_label", "ilike", "zz"), ("call_ref", "=", "tom")]), set())
        self.calls("stranger").write({"outside_e164": False, "outside_number": "anonymous-77"})
        self.assertEqual(self.found([("customer_label", "ilike", "mous-77")]), {"stranger"})

    def test_name(self):
        theirs = self.found([("partner_id", "=", self.partner.id)])
        self.assertIn("tom", theirs)
        for typed in ("zwaan", "Zn. Inst"):
            self.assertEqual(self.found([("customer_label", "ilike", typed)]), theirs, typed)
        self.assertEqual(
            self.found([("customer_label", "not ilike", "zwaan")]), self.found([("partner_id", "!=", self.partner.id)])
        )

    def test_name_of_very_many(self):
        self.patch(type(self.env["crm.voip.call"]), "_few_customers", lambda _self: 0)
        self.assertIn("tom", self.found([("customer_label", "ilike", "zwaan")]))

    def test_own_calls_only(self):
        for typed in ("zwaan", STRANGER):
            found = self.as_user(self.tom).search([("customer_label", "ilike", typed)])
            self.assertLessEqual(set(found.ids), set(self.as_user(self.tom).search([]).ids), typed)

    # --- mine, and those that I lead ---

    def test_mine(self):
        for user in (self.tom, self.rina, self.nadia, self.boss):
            calls = self.as_user(user).search([])
            legs = self.env["crm.voip.leg"].search([("user_id", "=", user.id)])
            mine = set(
                (legs.call_id | calls.sudo().filtered(lambda call, user=user: call.user_id == user)).mapped("call_ref")
            )
            self.assertEqual(self.found([("is_mine", "=", True)], user), mine, user.login)
            self.assertEqual(
                self.found([("is_mine", "=", False)], user), set(calls.mapped("call_ref")) - mine, user.login
            )
            self.assertEqual({call.call_ref for call in calls if call.is_mine}, mine, user.login)

    def test_led(self):
        team = self.env["crm.team"].search([("user_id", "=", self.nadia.id)])
        theirs = {call.call_ref for call in self.calls() if call.team_ids & team}
        self.assertIn("tom", theirs)
        self.assertEqual(self.found([("is_led", "=", True)], self.nadia), theirs)
        self.assertLessEqual(theirs, self.found([], self.nadia))
        self.assertNotIn("jonas", self.found([], self.nadia))
        self.assertEqual({call.call_ref for call in self.calls().with_user(self.nadia) if call.is_led}, theirs)
        legs = self.as_user(self.nadia, "crm.voip.leg").search([])
        self.assertEqual(set(legs.sudo().call_id.mapped("call_ref")), self.found([], self.nadia))
        # at once, without anything being forgotten first
        team.user_id = self.boss
        self.assertFalse(self.found([("is_led", "=", True)], self.nadia))
        self.assertNotIn("stranger", self.found([], self.nadia))
        team.write({"user_id": self.nadia.id, "active": False})
        self.assertEqual(self.found([("is_led", "=", True)], self.nadia), theirs)

    # --- the calendar ---

    def test_calendar(self):
        self.deliver(
            told("0 started l PJSIP/trunk-00000001 0205550777 0201000101", "0.1 started p PJSIP/101-00000002",
                 "0.1 ringing p l", "5 answered p", "5 answered l", "5 bridged p b", "5 bridged l b",
                 "90000 ended p", "90000 ended l", call="long", start=START)
        )  # fmt: skip
        calls = self.calls()
        self.assertGreater(
            calls.filtered(lambda call: call.call_ref == "long").ended_at,
            START.replace(tzinfo=None) + timedelta(hours=20),
        )
        for hours in (-2, 0, 3, 11, 13, 20, 24.9, 26):
            moment = START.replace(tzinfo=None) + timedelta(hours=hours)
            for operator in (">=", ">", "<"):
                self.assertEqual(
                    self.found([("shown_until", operator, moment)]), self.found([("ended_at", operator, moment)]), hours
                )
        self.assertEqual(calls.mapped("shown_until"), calls.mapped("ended_at"))

    # --- by an index ---

    def test_searches_go_by_an_index(self):
        # a few calls are sorted as quickly as they are read in order, whichever index was analysed last
        self.env.cr.execute("SET LOCAL enable_sort = off")
        self.assertIn("crm_voip_call_started_idx", self.plan_of([], limit=80, order="started_at desc, id desc"))
        self.env.cr.execute("SET LOCAL enable_sort = on")
        moment = START.replace(tzinfo=None)
        # of a few calls, any index is as good: without these, there is no other way than by the right one
        self.env.cr.execute(
            "DROP INDEX crm_voip_call_started_idx, crm_voip_call_number_idx, crm_voip_call_raw_number_idx;"
            "CREATE INDEX ON crm_voip_call (started_at)"
        )
        for domain, index in (
            ([("customer_label", "ilike", STRANGER)], "crm_voip_call_number_part_idx"),
            ([("notes", "!=", False)], "crm_voip_call_notes_idx"),
            ([("disposition", "in", ("busy", "failed"))], "crm_voip_call_trouble_idx"),
            (
                [("direction", "=", "inbound"), ("disposition", "in", ("missed", "abandoned", "voicemail"))],
                "crm_voip_call_missed_idx",
            ),
            ([("shown_until", ">=", moment)], "crm_voip_call_long_idx"),
        ):
            if index.endswith("part_idx") and not self.env.registry.has_trigram:
                continue
            self.assertIn(index, self.plan_of(domain), domain)
        # no part of an OR may be without: one is enough to read all calls
        self.assertNotIn("Seq Scan on crm_voip_call ", self.plan_of([("customer_label", "ilike", "zwaan")]))

    def test_months_are_counted_from_an_index(self):
        calls = self.as_user(self.admin)
        query = calls._search([("started_at", ">=", START.replace(tzinfo=None)), ("started_at", "<", "2030-01-01")])
        columns = SQL('"crm_voip_call".user_id, "crm_voip_call".direction, "crm_voip_call".disposition')
        summed = SQL('%s, sum("crm_voip_call".talk_s)', columns)
        query.groupby = columns
        # in a table with few rows any index is as good; those of the same columns are away until the end of this test
        self.env.cr.execute("DROP INDEX crm_voip_call_pbx_idx, crm_voip_call_unfrozen_idx")
        self.assertIn("Index Only Scan using crm_voip_call_started_idx", self.plan(query.select(summed)))

    def test_waiting_calls_go_by_an_index(self):
        query = self.env["crm.voip.call.ref"]._search(Domain("dirty", "=", True) & Domain("pbx_id", "=", self.pbx.id))
        self.assertIn("crm_voip_call_ref_dirty_idx", self.plan(query.select()))

    def test_callbacks_are_in_order_by_an_index(self):
        query = self.as_user(self.admin, "crm.voip.callback")._search([], limit=80, order="due_at, id")
        self.assertIn("crm_voip_callback_order_idx", self.plan(query.select()))

    def test_planner_knows_each_person(self):
        rows = self.env.execute_query(
            SQL(
                """SELECT attrelid::regclass::text, attstattarget FROM pg_attribute
                    WHERE attname = 'user_id'
                      AND attrelid IN ('crm_voip_call_user_rel'::regclass, 'crm_voip_leg'::regclass)"""
            )
        )
        self.assertEqual(dict(rows), {"crm_voip_call_user_rel": 1000, "crm_voip_leg": 1000})

    # --- to finish ---

    def test_to_finish_is_of_whoever_answered_or_called(self):
        self.company.crm_voip_outcomes = True
        team = self.env["crm.team"].search([("user_id", "=", self.nadia.id)])
        team.crm_voip_outcome_required = True
        days = (self.env.cr.now() - START.replace(tzinfo=None)).days + 2
        self.company.crm_voip_finish_days = days
        self.assertEqual(self.found([("is_to_finish", "=", True)], self.tom), {"tom", "both"})
        # whom it only rang has nothing to finish
        self.assertEqual(self.found([("is_to_finish", "=", True)], self.rina), {"stranger", "out"})
        self.calls("out").outcome_id = self.env["crm.voip.outcome"].create({"name": "Sold"})
        self.assertEqual(self.found([("is_to_finish", "=", True)], self.rina), {"stranger"})

    # --- the time line ---

    def test_time_line_of_who_may_see_some(self):
        timeline = self.as_user(self.tom, "crm.voip.timeline")
        rows = timeline.search([("customer_id", "=", self.partner.id), ("kind", "=", "call")])
        seen = self.as_user(self.tom).search([("partner_id", "=", self.partner.id)])
        self.assertEqual(set(rows.mapped("res_id")), set(seen.ids))
        everything = self.as_user(self.admin, "crm.voip.timeline").search(
            [("customer_id", "=", self.partner.id), ("kind", "=", "call")]
        )
        self.assertGreater(len(everything), len(rows))

    # --- a replica ---

    def test_reading_is_done_on_a_replica(self):
        for model, names in {
            "crm.voip.call": ("web_search_read", "web_read", "web_read_group", "card_targets"),
            "crm.voip.pbx": ("onboarding_state",),
            "crm.voip.wrapup": ("desk_outcomes",),
            # what was written a moment ago must be there, so these ask the primary
            "!crm.voip.call": ("card_current", "card_details"),
            "!crm.voip.callback": ("next_open",),
        }.items():
            for name in names:
                method = getattr(type(self.env[model.lstrip("!")]), name)
                self.assertEqual(getattr(method, "_readonly", False), not model.startswith("!"), name)
