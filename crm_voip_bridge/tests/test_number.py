"""The index of numbers, and who a call was with."""

import logging
from unittest.mock import patch

from odoo.addons.crm_voip_bridge.lib.match import NONE, UNKNOWN
from odoo.addons.crm_voip_bridge.models.crm_voip_number import Query
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL

from .number_common import AMSTERDAM, MOBILE, NumberCase

# the number: Odoo gives the name INFO to another level
LOGGER = "odoo.addons.crm_voip_bridge.models.crm_voip_number_intake"


@tagged("post_install", "-at_install")
class TestNumberIndex(NumberCase):
    def test_every_number_of_a_contact(self):
        ann = self.contact(phone="020 123 4567 ext. 12 / 06-12345678")
        self.assertEqual(self.numbers_of(ann), [AMSTERDAM, MOBILE])

    def test_corrected_and_cleared(self):
        ann = self.contact(phone="020 123 4567")
        self.assertEqual(self.numbers_of(ann), [AMSTERDAM])
        ann.phone = "06 12345678"
        self.assertEqual(self.numbers_of(ann), [MOBILE])
        ann.phone = False
        self.assertEqual(self.numbers_of(ann), [])

    def test_no_number_no_row(self):
        for phone in ("ask Jan", "112", "101", "anonymous", "0612345678abc"):
            self.assertEqual(self.numbers_of(self.contact(phone=phone)), [], phone)

    def test_another_spelling_writes_nothing(self):
        ann = self.contact(phone="020 123 4567")
        self.env.flush_all()
        before = ann.sudo().crm_voip_number_ids.ids
        ann.phone = "+31 (0)20 1234567"
        self.env.flush_all()
        self.assertEqual(ann.sudo().crm_voip_number_ids.ids, before)

    def test_a_deleted_contact_leaves_no_number(self):
        ann = self.contact(phone="020 123 4567")
        self.env.flush_all()
        ann.unlink()
        self.assertFalse(self.number_index.search([("e164", "=", AMSTERDAM)]))
        self.assertEqual(self.match(AMSTERDAM), UNKNOWN)

    def test_phone_fields_of_other_addons(self):
        Partner = self.env.registry["res.partner"]
        self.assertEqual(self.env["res.partner"]._crm_voip_phone_fields(), ["phone"])
        with patch.object(Partner, "_crm_voip_phone_fields", lambda self: ["phone", "ref"]):
            ann = self.contact(phone="020 123 4567", ref="06 12345678")
            self.assertEqual(self.numbers_of(ann), [AMSTERDAM, MOBILE])

    def test_rows_of_fields_are_corrected_in_the_field(self):
        ann = self.contact(phone="020 123 4567")
        self.env.flush_all()
        with self.assertRaises(UserError):
            ann.sudo().crm_voip_number_ids.unlink()

    def test_a_contact_reads_and_copies_as_before(self):
        ann = self.contact(phone="020 123 4567")
        self.env.flush_all()
        user = self.env["res.users"].create(
            {"name": "Ed", "login": "ed", "group_ids": [(6, 0, self.env.ref("sales_team.group_sale_salesman").ids)]}
        )
        with self.assertRaises(AccessError):
            ann.with_user(user).read(["crm_voip_number_ids"])
        self.assertNotIn("crm_voip_number_ids", ann.with_user(user).fields_get())
        self.assertEqual(self.numbers_of(ann.copy()), [AMSTERDAM])
        form = self.env["res.partner"].new({"phone": "020 123 4567"})
        self.assertFalse(form.sudo().crm_voip_number_ids)
        ben = self.env["res.partner"].with_user(user).create({"name": "Ben", "phone": "+31612345678"})
        self.assertEqual(self.numbers_of(ben), [MOBILE])

    def test_a_batch_costs_as_many_queries_as_one(self):
        def queries(count):
            partners = self.env["res.partner"].create(
                [{"name": "x", "phone": f"+3161000{i:04}", "country_id": self.nl.id} for i in range(count)]
            )
            self.env["res.partner"].flush_model(["phone", "country_id", "company_id", "commercial_partner_id"])
            before = self.cr.sql_log_count
            partners.flush_model(["crm_voip_number_ids"])
            return self.cr.sql_log_count - before

        queries(1)  # what is read once
        one = queries(1)
        self.assertLessEqual(one, 6)
        self.assertEqual(queries(400), one)


@tagged("post_install", "-at_install")
class TestNumberCountry(NumberCase):
    JAKARTA = "+62211234567"
    READ_IN_NL = "+31211234567"

    def read_again(self):
        """What the scheduled action does, in this transaction."""
        walks = self.env["crm.voip.number.intake"].search([])
        self.assertEqual(walks.mapped("model"), ["res.partner", "crm.lead"])
        for walk in walks:
            while walk._step():
                pass
        self.assertFalse(walks.exists())

    def test_own_country_then_the_employers(self):
        ann = self.contact(phone="021 1234567", country_id=self.id.id)
        self.assertEqual(self.numbers_of(ann), [self.JAKARTA])
        self.acme.country_id = self.id
        ben = self.contact(phone="021 1234568", country_id=False, parent_id=self.acme.id, type="other")
        self.assertFalse(ben.country_id)
        self.assertEqual(self.numbers_of(ben), ["+62211234568"])

    def test_changes_of_country_and_employer_are_noticed(self):
        ann = self.contact(phone="021 1234567", country_id=False, type="other")
        self.assertEqual(self.numbers_of(ann), [self.READ_IN_NL])
        self.globex.country_id = self.id
        ann.parent_id = self.globex
        self.assertEqual(self.numbers_of(ann), [self.JAKARTA])
        self.globex.country_id = self.nl
        self.assertEqual(self.numbers_of(ann), [self.READ_IN_NL])
        ann.country_id = self.id
        self.assertEqual(self.numbers_of(ann), [self.JAKARTA])

    def test_company_of_the_contact_not_of_whoever_saves_it(self):
        jakarta = self.env["res.company"].create({"name": "Jakarta", "country_id": self.id.id})
        ann = self.contact(phone="021 1234567", country_id=False, company_id=jakarta.id)
        self.assertEqual(self.numbers_of(ann), [self.JAKARTA])
        self.env.user.company_ids += jakarta
        ben = self.env["res.partner"].with_company(jakarta).create({"name": "Ben", "phone": "020 123 4567"})
        self.assertFalse(ben.country_id)
        self.assertEqual(self.numbers_of(ben), [AMSTERDAM])

    def test_country_of_the_pbx_comes_last(self):
        jakarta = self.env["res.company"].create({"name": "Jakarta"})
        jakarta.country_id = False
        ann = self.contact(phone="021 1234567", country_id=False)
        ben = self.contact(phone="021 1234567", country_id=False, company_id=jakarta.id)
        self.assertEqual(self.numbers_of(ann) + self.numbers_of(ben), [self.READ_IN_NL] * 2)
        self.env["crm.voip.pbx"].create({"name": "Second", "country_id": self.id.id, "company_id": jakarta.id})
        self.read_again()
        self.assertEqual(self.numbers_of(ann), [self.READ_IN_NL], "the first PBX is in the Netherlands")
        self.assertEqual(self.numbers_of(ben), [self.JAKARTA], "that company's PBX is not")
        self.pbx.country_id = self.id
        self.read_again()
        self.assertEqual(self.numbers_of(ann), [self.JAKARTA])

    def test_a_company_that_moves_has_its_contacts_read_again(self):
        company = self.env["res.company"].create({"name": "Moving", "country_id": self.nl.id})
        ann = self.contact(phone="021 1234567", country_id=False, company_id=company.id)
        ben = self.contact(phone="020 123 4567", company_id=company.id)
        self.assertEqual(self.numbers_of(ann), [self.READ_IN_NL])
        self.env["crm.voip.number.intake"].search([]).unlink()
        company.partner_id.country_id = self.nl
        self.assertFalse(self.env["crm.voip.number.intake"].search([]), "it did not move")
        company.country_id = self.id
        self.read_again()
        self.assertEqual(self.numbers_of(ann), [self.JAKARTA])
        self.assertEqual(self.numbers_of(ben), [AMSTERDAM])

    def test_lead_of_a_foreign_customer(self):
        ann = self.contact(country_id=self.id.id)
        lead = self.lead(phone="021 1234567", country_id=False, partner_id=ann.id)
        lead.country_id = False
        self.assertEqual(self.numbers_of(lead), [self.JAKARTA])


@tagged("post_install", "-at_install")
class TestNumberIntake(NumberCase):
    def test_what_was_written_past_the_orm_is_found(self):
        ann, ben = self.contact(phone="020 123 4567"), self.contact(active=False)
        self.env.flush_all()
        self.cr.execute("UPDATE res_partner SET phone = '0612345678' WHERE id IN %s", [(ann + ben)._ids])
        self.env.invalidate_all()
        self.env["crm.voip.number.intake"]._cron_check()
        self.env["crm.voip.number.intake"]._cron_check()
        walks = self.env["crm.voip.number.intake"].search([])
        self.assertEqual(len(walks), 2, "a walk that is going on is not begun a second time")
        for walk in walks:
            while walk._step():
                pass
        self.assertEqual(self.numbers_of(ann) + self.numbers_of(ben), [MOBILE, MOBILE])

    def test_installation_takes_in_everybody_and_reports(self):
        ann, lead = self.contact(phone="020 123 4567"), self.lead(phone="06 12345678", country_id=self.nl.id)
        self.env.flush_all()
        self.cr.execute("DELETE FROM crm_voip_number")
        self.env.invalidate_all()
        with self.assertLogs(LOGGER, logging.INFO) as log:
            self.assertTrue(self.env["crm.voip.number.intake"]._install())
        self.assertIn("res.partner is in the index", log.output[-2])
        self.assertIn("crm.lead is in the index", log.output[-1])
        self.assertEqual(self.numbers_of(ann) + self.numbers_of(lead), [AMSTERDAM, MOBILE])

    def test_somebody_who_waits_in_the_browser_does_not_wait_for_all(self):
        with self.assertLogs(LOGGER, logging.INFO) as log:
            self.assertFalse(self.env["crm.voip.number.intake"]._install(patience=0))
        self.assertIn("background", log.output[-1])
        self.assertTrue(self.env["crm.voip.number.intake"].search([]))


@tagged("post_install", "-at_install")
class TestNumberMatch(NumberCase):
    def test_no_number_and_nobody(self):
        self.assertEqual(self.match(None), NONE)
        self.assertEqual(self.match(AMSTERDAM), UNKNOWN)

    def test_one_contact(self):
        ann = self.contact(phone="020 123 4567")
        found = self.match(AMSTERDAM)
        self.assertEqual((found.state, found.partner_id, found.candidate_partner_ids), ("matched", ann.id, ()))

    def test_colleagues_are_their_company(self):
        ann, ben = (self.contact(phone="020 123 4567", parent_id=self.acme.id) for _i in range(2))
        found = self.match(AMSTERDAM)
        self.assertEqual((found.state, found.partner_id), ("company", self.acme.id))
        self.assertEqual(found.candidate_partner_ids, (ann.id, ben.id))

    def test_two_companies_are_nobody(self):
        ann = self.contact(phone="020 123 4567", parent_id=self.acme.id)
        eve = self.contact(phone="020 123 4567", parent_id=self.globex.id)
        found = self.match(AMSTERDAM)
        self.assertEqual((found.state, found.partner_id), ("ambiguous", None))
        self.assertEqual(found.candidate_partner_ids, (ann.id, eve.id))

    def test_archived_only_where_nobody_else_is(self):
        ann = self.contact(phone="020 123 4567", parent_id=self.acme.id)
        eve = self.contact(phone="020 123 4567", parent_id=self.globex.id)
        eve.active = False
        self.assertEqual(self.match(AMSTERDAM).partner_id, ann.id)
        ann.active = False
        self.assertEqual(self.match(AMSTERDAM).state, "ambiguous")
        ann.unlink()
        self.assertEqual(self.match(AMSTERDAM).partner_id, eve.id)
        eve.active = True
        self.assertEqual(self.match(AMSTERDAM).partner_id, eve.id)

    def test_only_contacts_that_the_company_sees(self):
        other = self.env["res.company"].create({"name": "Other", "country_id": self.nl.id})
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.env.company.id})
        ann = self.contact(phone="020 123 4567", company_id=self.env.company.id)
        eve = self.contact(phone="020 123 4567", company_id=other.id)
        self.assertEqual(self.match(AMSTERDAM).partner_id, ann.id)
        self.assertEqual(self.match(AMSTERDAM, company=other).partner_id, eve.id)
        self.assertEqual(self.match(AMSTERDAM, company=branch).partner_id, ann.id, "as the record rule of contacts")

    def test_company_that_may_not_be_seen_is_not_chosen(self):
        other = self.env["res.company"].create({"name": "Other", "country_id": self.nl.id})
        colleagues = [self.contact(phone="020 123 4567", parent_id=self.acme.id) for _i in range(2)]
        self.env.flush_all()
        self.acme.company_id = other
        for colleague in colleagues:
            colleague.company_id = False
        self.assertEqual(self.match(AMSTERDAM).state, "ambiguous")

    def test_what_somebody_asked_to_remember(self):
        ann = self.contact(phone="020 123 4567", parent_id=self.acme.id)
        eve = self.contact(parent_id=self.globex.id)
        self.number_index._remember(AMSTERDAM, eve, self.env.company)
        self.assertEqual(self.match(AMSTERDAM).partner_id, eve.id)
        other = self.env["res.company"].create({"name": "Other", "country_id": self.nl.id})
        self.assertEqual(self.match(AMSTERDAM, company=other).partner_id, ann.id, "another company did not say so")
        self.number_index._remember(AMSTERDAM, ann, self.env.company)
        self.assertEqual(self.match(AMSTERDAM).partner_id, ann.id)
        self.assertEqual(len(self.number_index.search([("source", "=", "pick")])), 1)
        eve.phone = "06 12345678"
        ann.phone = False
        self.assertEqual(self.match(AMSTERDAM).partner_id, ann.id, "a pick does not go with the field")
        ann.sudo().crm_voip_number_ids.unlink()
        self.assertEqual(self.match(AMSTERDAM), UNKNOWN, "but can be forgotten")

    def test_the_open_opportunity(self):
        ann = self.contact(phone="020 123 4567", parent_id=self.acme.id)
        lead = self.lead(partner_id=self.acme.id)
        self.assertEqual(self.match(AMSTERDAM).lead_id, lead.id)
        self.lead(partner_id=ann.id).action_set_lost()
        won = self.lead(partner_id=ann.id)
        won.action_set_won()
        self.lead(partner_id=self.globex.id)
        self.assertEqual(self.match(AMSTERDAM).lead_id, lead.id, "neither lost, nor won, nor somebody else's")
        mine = self.lead(partner_id=ann.id, user_id=self.env.user.id)
        found = self.match(AMSTERDAM)
        self.assertEqual((found.lead_id, found.candidate_lead_ids), (None, (lead.id, mine.id)))
        found = self.match(AMSTERDAM, user_ids=self.env.user.ids)
        self.assertEqual((found.lead_id, found.candidate_lead_ids), (mine.id, ()))
        (lead + mine).unlink()
        won.stage_id = self.env["crm.stage"].search([("is_won", "=", False)], limit=1)
        won.probability = 30
        self.assertEqual(self.match(AMSTERDAM).lead_id, won.id, "opened again")

    def test_opportunity_of_another_company_of_ours(self):
        other = self.env["res.company"].create({"name": "Other", "country_id": self.nl.id})
        ann = self.contact(phone="020 123 4567")
        team = self.env["crm.team"].create({"name": "Other", "company_id": other.id})
        lead = self.lead(partner_id=ann.id, team_id=team.id, company_id=other.id)
        self.assertEqual(self.match(AMSTERDAM).lead_id, None)
        self.assertEqual(self.match(AMSTERDAM, company=other).lead_id, lead.id)

    def test_a_number_that_only_a_lead_has(self):
        lead = self.lead(phone="020 123 4567", country_id=self.nl.id, type="lead")
        found = self.match(AMSTERDAM)
        self.assertEqual((found.state, found.partner_id, found.lead_id), ("matched", None, lead.id))
        other = self.lead(phone="+31201234567", user_id=self.env.user.id)
        self.assertEqual(self.match(AMSTERDAM).candidate_lead_ids, (lead.id, other.id))
        self.assertEqual(self.match(AMSTERDAM, user_ids=self.env.user.ids).lead_id, other.id)
        other.action_set_lost()
        self.assertEqual(self.match(AMSTERDAM).lead_id, lead.id)
        lead.action_set_lost()
        found = self.match(AMSTERDAM)
        self.assertEqual((found.state, found.candidate_lead_ids), ("unknown", (lead.id, other.id)))

    def test_a_lead_brings_its_contact(self):
        ann = self.contact()
        lead = self.lead(partner_id=ann.id, country_id=self.nl.id)
        lead.phone = "020 123 4567"
        self.env.flush_all()
        self.cr.execute("UPDATE res_partner SET phone = NULL WHERE id = %s", [ann.id])
        self.env.invalidate_all()
        self.number_index._sync(ann)
        self.assertEqual(self.numbers_of(ann), [])
        found = self.match(AMSTERDAM)
        self.assertEqual((found.partner_id, found.lead_id), (ann.id, lead.id))

    def test_a_lead_follows_its_contacts_phone(self):
        ann = self.contact(phone="020 123 4567")
        lead = self.lead(partner_id=ann.id)
        self.assertEqual(self.numbers_of(lead), [AMSTERDAM])
        ann.phone = "06 12345678"
        self.assertEqual(self.numbers_of(lead), [MOBILE])

    def test_own_numbers_are_no_customers(self):
        ann = self.contact(phone="020 123 4567")
        other = self.env["res.company"].create({"name": "Other", "country_id": self.nl.id})
        self.env["crm.voip.line"].create({"pbx_id": self.pbx.id, "number": "020 123 4567"})
        self.assertEqual(self.match(AMSTERDAM), UNKNOWN)
        self.assertEqual(self.match(AMSTERDAM, company=other).partner_id, ann.id, "another company may call it")

    def test_four_spellings_of_a_batch_in_a_fixed_number_of_queries(self):
        spellings = ["0612{:06}", "+31 6 12{:06}", "003161{:07}", "3161{:07}"]
        partners = self.env["res.partner"].create(
            [
                {
                    "name": f"Customer {i}",
                    "phone": spellings[i % 4].format(i if i % 4 < 2 else 2_000_000 + i),
                    "country_id": self.nl.id,
                }
                for i in range(200)
            ]
        )
        self.lead(partner_id=partners[7].id)
        queries = [Query(f"+31612{i:06}", self.env.company.id) for i in range(200)]
        self.number_index._match(queries[:1])
        self.env.invalidate_all()
        with self.assertQueryCount(3):
            found = self.number_index._match(queries)
        self.assertEqual([match.partner_id for match in found], partners.ids)
        self.env.invalidate_all()
        with self.assertQueryCount(3):
            self.number_index._match(queries[7:8])

    def test_the_index_is_used(self):
        self.cr.execute(
            """
            WITH people AS (
                INSERT INTO res_partner (name, phone, active, commercial_partner_id, type)
                SELECT 'x', '+3161' || lpad(i::text, 7, '0'), TRUE, %s, 'contact' FROM generate_series(1, 20000) i
                RETURNING id, phone
            )
            INSERT INTO crm_voip_number (e164, partner_id, source) SELECT phone, id, 'field' FROM people
            """,
            [self.acme.id],
        )
        self.cr.execute("ANALYZE crm_voip_number, res_partner, crm_lead")
        numbers = [f"+3161{i:07}" for i in range(1, 20000, 200)]
        for count in (1, 10, 100):
            rows = self.env.execute_query(SQL("EXPLAIN %s", self.number_index._carriers_sql(numbers[:count])))
            plan = "\n".join(line for (line,) in rows)
            self.assertIn("crm_voip_number_e164_idx", plan)
            self.assertNotIn("Seq Scan on crm_voip_number", plan)
        self.env.flush_all()


@tagged("post_install", "-at_install")
class TestCallsOfNumbers(NumberCase):
    def test_earlier_calls_are_offered_and_taken(self):
        calls = self.call() + self.call() + self.call(MOBILE)
        self.assertEqual(set(calls.mapped("match_state")), {"unknown"})
        ann = self.contact()
        self.assertEqual(ann.crm_voip_unmatched_count, 0)
        ann.phone = "020 123 4567"
        self.env.flush_all()
        ann.invalidate_recordset()
        self.assertEqual((ann + self.acme).mapped("crm_voip_unmatched_count"), [2, 0])
        self.assertEqual(ann._unmatched_calls(), calls[1] + calls[0])
        ann.action_crm_voip_take_calls()
        self.assertEqual(calls.mapped("partner_id"), ann)
        self.assertEqual(calls.mapped("match_state"), ["picked", "picked", "unknown"])
        self.assertFalse(ann._unmatched_calls())
        self.assertFalse(self.number_index.search([("source", "=", "pick")]), "the field says it already")
        self.assertEqual(self.env["crm.voip.call"].search_count([("id", "in", calls.ids)]), 3, "no total changes")

    def test_a_lead_takes_calls_too(self):
        call = self.call()
        lead = self.lead(phone="+31201234567")
        lead.action_crm_voip_take_calls()
        self.assertEqual((call.lead_id, call.partner_id, call.match_state), (lead, lead.partner_id, "picked"))

    def test_only_calls_that_one_may_see_are_offered(self):
        self.call()
        user = self.env["res.users"].create(
            {"name": "Ed", "login": "ed", "group_ids": [(6, 0, self.env.ref("sales_team.group_sale_salesman").ids)]}
        )
        ann = self.contact(phone="020 123 4567").with_user(user)
        self.assertEqual(ann.crm_voip_unmatched_count, 0)
        self.assertFalse(ann._unmatched_calls())

    def test_archiving_changes_no_call(self):
        ann = self.contact(phone="020 123 4567")
        call = self.call()
        self.assertEqual((call.partner_id, call.match_state), (ann, "matched"))
        ann.active = False
        call.action_recalculate()
        self.assertEqual((call.partner_id, call.match_state), (ann, "matched"))

    def test_deleting_leaves_the_call(self):
        ann = self.contact(phone="020 123 4567")
        lead = self.lead(partner_id=ann.id)
        call = self.call()
        self.assertEqual((call.partner_id, call.lead_id), (ann, lead))
        lead.unlink()
        self.assertEqual((call.partner_id, call.match_state), (ann, "matched"))
        ann.unlink()
        self.assertEqual((call.partner_id.id, call.match_state), (False, "unknown"))
        call.action_recalculate()
        self.assertEqual(call.match_state, "unknown")

    def test_a_handed_over_opportunity_shows_its_calls(self):
        ann = self.contact(phone="020 123 4567")
        lead = self.lead(partner_id=ann.id)
        call = self.call()
        user = self.env["res.users"].create({"name": "Ed", "login": "ed"})
        self.assertNotIn(user, call.viewer_ids)
        lead.user_id = user
        self.assertIn(user, call.viewer_ids)
