"""Who rang, told as situations."""

from hypothesis import given
from hypothesis import strategies as st

from lib.match import MAX_CANDIDATES, STATES, UNKNOWN, Contact, Lead, Match, decide

ACME, ANN, BEN = 10, 11, 12
OTHER, EVE = 20, 21

ann = Contact(ANN, ACME)
ben = Contact(BEN, ACME)
eve = Contact(EVE, OTHER)


class TestContact:
    def test_nobody(self):
        assert decide([], []) == UNKNOWN

    def test_one_contact(self):
        assert decide([ann], []) == Match("matched", ANN)

    def test_several_of_one_company_are_the_company(self):
        assert decide([ann, ben], []) == Match("company", ACME, None, (ANN, BEN))

    def test_company_and_its_contact_are_the_company(self):
        assert decide([ann, Contact(ACME, ACME)], []) == Match("company", ACME, None, (ANN,))

    def test_company_that_the_pbx_may_not_see(self):
        hidden = [Contact(ANN, ACME, company=False), Contact(BEN, ACME, company=False)]
        assert decide(hidden, []) == Match("ambiguous", candidate_partner_ids=(ANN, BEN))

    def test_several_companies_are_nobody(self):
        assert decide([ann, eve], []) == Match("ambiguous", candidate_partner_ids=(ANN, EVE))

    def test_pick_wins_over_fields(self):
        assert decide([ann, Contact(EVE, OTHER, picked=True)], []) == Match("matched", EVE)

    def test_active_wins_over_archived_even_if_picked(self):
        gone = Contact(EVE, OTHER, active=False, picked=True)
        assert decide([ann, gone], []).partner_id == ANN
        assert decide([gone], []) == Match("matched", EVE)

    def test_same_contact_twice_is_one(self):
        assert decide([ann, ann], []).state == "matched"


class TestOpportunity:
    def test_the_only_one(self):
        assert decide([ann], [Lead(1, ANN)]) == Match("matched", ANN, 1)

    def test_of_the_company(self):
        assert decide([ann], [Lead(1, ACME)]).lead_id == 1

    def test_that_of_the_person_on_the_call(self):
        leads = [Lead(1, ANN, user=7), Lead(2, ANN, user=8)]
        assert decide([ann], leads, {8}) == Match("matched", ANN, 2)
        assert decide([ann], leads, {9}) == Match("matched", ANN, None, (), (1, 2))
        assert decide([ann], leads, {7, 8}).candidate_lead_ids == (1, 2)

    def test_somebody_elses_opportunity_with_the_same_number(self):
        assert decide([ann], [Lead(1, EVE, carries=True)]) == Match("matched", ANN)

    def test_lead_with_the_number_and_no_contact_yet(self):
        assert decide([ann], [Lead(1, carries=True)]).lead_id == 1

    def test_not_while_it_is_open_who_rang(self):
        assert decide([ann, eve], [Lead(1, ANN)]) == Match("ambiguous", None, None, (ANN, EVE), (1,))


class TestLeadOnly:
    def test_one(self):
        assert decide([], [Lead(1, carries=True)]) == Match("matched", None, 1)

    def test_several(self):
        leads = [Lead(1, carries=True, user=7), Lead(2, carries=True, user=8)]
        assert decide([], leads) == Match("ambiguous", candidate_lead_ids=(1, 2))
        assert decide([], leads, [7]) == Match("matched", None, 1)

    def test_picked(self):
        assert decide([], [Lead(1, carries=True), Lead(2, carries=True, picked=True)]).lead_id == 2

    def test_lost_lead_is_a_hint(self):
        assert decide([], [Lead(1, carries=True, open=False)]) == Match("unknown", candidate_lead_ids=(1,))


ids = st.integers(1, 6)
some_contacts = st.lists(st.builds(Contact, ids, ids, st.booleans(), st.booleans(), st.booleans()), max_size=8)
some_leads = st.lists(
    st.builds(Lead, ids, ids | st.none(), ids | st.none(), st.booleans(), st.booleans(), st.booleans()), max_size=8
)


@given(some_contacts, some_leads, st.sets(ids), st.randoms())
def test_order_does_not_matter_and_nobody_is_invented(contacts, leads, users, random):
    contacts = list({contact.id: contact for contact in contacts}.values())
    leads = list({lead.id: lead for lead in leads}.values())
    match = decide(contacts, leads, users)
    random.shuffle(contacts)
    random.shuffle(leads)
    assert decide(contacts, leads, users) == match
    assert match.state in STATES
    known = {contact.id for contact in contacts} | {contact.commercial for contact in contacts}
    assert {match.partner_id, *match.candidate_partner_ids} <= known | {None}
    assert {match.lead_id, *match.candidate_lead_ids} <= {lead.id for lead in leads} | {None}
    assert match.partner_id not in match.candidate_partner_ids
    assert not (match.lead_id and match.candidate_lead_ids)
    if match.lead_id:
        assert next(lead for lead in leads if lead.id == match.lead_id).open
    assert (match.state in ("matched", "company")) == bool(match.partner_id or match.lead_id)


def test_switchboard():
    match = decide([Contact(i, i) for i in range(1, 10_000)], [])
    assert match.state == "ambiguous" and len(match.candidate_partner_ids) == MAX_CANDIDATES
