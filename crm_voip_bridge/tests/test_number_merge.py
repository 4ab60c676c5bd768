"""Merging contacts and leads loses neither numbers nor calls."""

from odoo.tests import tagged

from .number_common import AMSTERDAM, MOBILE, NumberCase


@tagged("post_install", "-at_install")
class TestMergeContacts(NumberCase):
    def merge(self, kept, *others):
        wizard = self.env["base.partner.merge.automatic.wizard"].create(
            {"partner_ids": [(6, 0, (kept.concat(*others)).ids)], "dst_partner_id": kept.id}
        )
        wizard.action_merge()
        self.assertFalse(kept.browse([other.id for other in others]).exists())

    def test_both_numbers_reach_the_one_that_stays(self):
        ann, twin = self.contact(phone="020 123 4567"), self.contact(phone="06 12345678")
        self.env.flush_all()
        self.merge(ann, twin)
        self.assertEqual(self.numbers_of(ann), [AMSTERDAM, MOBILE])
        self.assertEqual(self.match(MOBILE).partner_id, ann.id)
        ann.phone = "020 123 4568"
        self.assertEqual(self.numbers_of(ann), ["+31201234568", MOBILE])

    def test_same_number_on_both_is_one_row(self):
        trio = [self.contact(phone="020 123 4567") for _i in range(3)]
        self.env.flush_all()
        self.merge(*trio)
        rows = trio[0].sudo().crm_voip_number_ids
        self.env.flush_all()
        self.assertEqual(rows.mapped(lambda row: (row.e164, row.source)), [(AMSTERDAM, "field")])

    def test_a_number_that_comes_along_goes_with_the_field(self):
        ann, twin = self.contact(), self.contact(phone="06 12345678")
        self.env.flush_all()
        self.merge(ann, twin)
        self.assertEqual(ann.phone, "06 12345678")
        ann.phone = "020 123 4567"
        self.assertEqual(self.numbers_of(ann), [AMSTERDAM])

    def test_what_was_remembered_stays_remembered_once(self):
        ann, twin = self.contact(), self.contact()
        for caller in (ann, twin):
            self.number_index._remember(AMSTERDAM, caller, self.env.company)
        other = self.env["res.company"].create({"name": "Other"})
        self.number_index._remember(AMSTERDAM, ann, other)
        self.number_index._remember(MOBILE, ann, self.env.company)
        self.merge(ann, twin)
        self.env.flush_all()
        rows = ann.sudo().crm_voip_number_ids
        self.assertEqual(
            sorted((row.e164, row.source, row.company_id.id) for row in rows),
            sorted(
                [
                    (AMSTERDAM, "pick", self.env.company.id),
                    (AMSTERDAM, "pick", other.id),
                    (MOBILE, "pick", self.env.company.id),
                ]
            ),
        )

    def test_shared_number_becomes_clear(self):
        ann = self.contact(phone="020 123 4567", parent_id=self.acme.id)
        eve = self.contact(phone="020 123 4567", parent_id=self.globex.id)
        self.assertEqual(self.match(AMSTERDAM).state, "ambiguous")
        self.merge(ann, eve)
        self.assertEqual(self.match(AMSTERDAM).partner_id, ann.id)

    def test_employees_get_the_country_of_the_company_that_stays(self):
        self.globex.country_id = self.env.ref("base.id")
        ben = self.contact(phone="021 1234567", country_id=False, parent_id=self.acme.id, type="other")
        self.assertEqual(self.numbers_of(ben), ["+31211234567"])
        self.merge(self.globex, self.acme)
        self.assertEqual(ben.parent_id, self.globex)
        self.assertEqual(self.numbers_of(ben), ["+62211234567"])

    def test_calls_come_along(self):
        ann, twin = self.contact(phone="020 123 4567"), self.contact(phone="06 12345678")
        calls = self.call() + self.call(MOBILE) + self.call("+31201234568")
        calls[2]._pick(twin, self.env["crm.lead"])
        self.merge(ann, twin)
        self.assertEqual([call.partner_id for call in calls], [ann] * 3)
        states = calls.mapped("match_state")
        calls.action_recalculate()
        self.assertEqual([call.partner_id for call in calls], [ann] * 3)
        self.assertEqual(calls.mapped("match_state"), states)

    def test_candidates_come_along(self):
        trio = [
            self.contact(phone="020 123 4567", parent_id=parent.id) for parent in (self.acme, self.globex, self.acme)
        ]
        call = self.call()
        self.assertEqual(call.match_state, "ambiguous")
        self.assertEqual(len(call.candidate_partner_ids), 3)
        self.merge(trio[0], trio[1])
        self.assertEqual(call.candidate_partner_ids, trio[0] + trio[2])


@tagged("post_install", "-at_install")
class TestMergeLeads(NumberCase):
    def merge(self, *leads):
        leads = leads[0].concat(*leads[1:])
        wizard = self.env["crm.merge.opportunity"].create({"opportunity_ids": [(6, 0, leads.ids)]})
        wizard.action_merge()
        kept = leads.exists()
        self.assertEqual(len(kept), 1)
        return kept

    def test_both_numbers_reach_the_one_that_stays(self):
        kept = self.merge(self.lead(phone="+31201234567"), self.lead(phone="+31612345678"))
        self.assertEqual(self.numbers_of(kept), [AMSTERDAM, MOBILE])
        self.assertEqual(self.match(AMSTERDAM).lead_id, kept.id)
        self.assertEqual(self.match(MOBILE).lead_id, kept.id)

    def test_same_number_on_both_is_one_row(self):
        kept = self.merge(self.lead(phone="+31201234567"), self.lead(phone="+31201234567"))
        self.env.flush_all()
        self.assertEqual(kept.sudo().crm_voip_number_ids.mapped("source"), ["field"])

    def test_leads_that_are_kept_keep_their_numbers(self):
        leads = self.lead(phone="+31201234567") + self.lead(phone="+31612345678")
        head = leads._merge_opportunity(auto_unlink=False)
        tail = leads - head
        self.assertEqual(self.numbers_of(head), [AMSTERDAM, MOBILE])
        self.assertEqual(len(self.numbers_of(tail)), 1)

    def test_calls_come_along(self):
        ann = self.contact(phone="020 123 4567")
        first = self.lead(partner_id=ann.id)
        call = self.call()
        self.assertEqual(call.lead_id, first)
        user = self.env["res.users"].create({"name": "Ed", "login": "ed"})
        second = self.lead(partner_id=ann.id, user_id=user.id)
        other = self.call()
        self.assertEqual(other.candidate_lead_ids, first + second)
        picked = self.call(MOBILE)
        picked._pick(self.env["res.partner"], second)
        kept = self.merge(first, second)
        self.assertEqual((call + picked).mapped("lead_id"), kept)
        self.assertEqual(other.candidate_lead_ids, kept)
        (call + other + picked).action_recalculate()
        self.assertEqual((call + picked).mapped("lead_id"), kept)
        self.assertEqual(picked.match_state, "picked")
        self.assertIn(user, call.viewer_ids)
