"""Who a call was with, out of all who carry its number.

The rules, and nothing else: what is visible to whom, and what is open, was decided where the
candidates were read.

1. A pick that somebody asked to remember wins over what phone fields say.
2. Somebody active wins over the archived; the archived count where there is nobody else.
3. One contact: that one. Several of one company: the company. Several companies: nobody.
4. Without a contact, a lead that carries the number brings its own contact, if it has one.
5. The opportunity: the only open one, or the only one of the persons on the call, else none.

What was left open stays as candidates.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

STATES = ("matched", "company", "ambiguous", "unknown", "none")
#: a switchboard's number may be on ten thousand contacts; nobody chooses among more than these
MAX_CANDIDATES = 50


class Contact(NamedTuple):
    """A contact that carries the number.

    :param commercial: id of its company, its own where it has none
    :param company: whether the call may be put on ``commercial``: it is visible
    :param picked: somebody asked to remember that the number is this contact
    """

    id: int
    commercial: int
    company: bool = True
    active: bool = True
    picked: bool = False


class Lead(NamedTuple):
    """A lead or opportunity that carries the number, or belongs to one of the contacts.

    :param contact: id of its contact, None if it has none
    :param user: id of its salesperson
    :param carries: the number is its own, not only its contact's
    """

    id: int
    contact: int | None = None
    user: int | None = None
    open: bool = True
    carries: bool = False
    picked: bool = False


class Match(NamedTuple):
    """Who a call was with.

    :param state: ``matched`` (contact or lead known), ``company`` (its company is),
        ``ambiguous`` (several could be), ``unknown`` (nobody has the number), ``none`` (there is no number)
    :param partner_id: the contact or company
    :param lead_id: the opportunity
    :param candidate_partner_ids: who else it could be, empty where nothing was left open
    :param candidate_lead_ids: likewise
    """

    state: str
    partner_id: int | None = None
    lead_id: int | None = None
    candidate_partner_ids: tuple[int, ...] = ()
    candidate_lead_ids: tuple[int, ...] = ()


NONE = Match("none")
UNKNOWN = Match("unknown")


def decide(contacts: Collection[Contact], leads: Collection[Lead], users: Collection[int] = ()) -> Match:
    """The match of one number.

    :param contacts: who carry the number themselves, or whose lead does (rule 4)
    :param leads: who carry the number, and the open opportunities of the contacts and their companies
    :param users: ids of the persons on the call
    """
    contacts = _best(contacts)
    if len(contacts) == 1 and not leads:  # nearly all of them
        return Match("matched", contacts[0].id)
    leads = list({lead.id: lead for lead in leads}.values())
    if not contacts:
        return _of_lead(leads, users)
    ids = sorted(contact.id for contact in contacts)
    companies = {contact.commercial for contact in contacts}
    around = companies.union(ids)
    leads = [lead for lead in leads if lead.open and (lead.carries or lead.contact in around)]
    if len(ids) == 1:
        partner, state, ids = ids[0], "matched", []
    elif len(companies) == 1 and all(contact.company for contact in contacts):
        (partner,), state = companies, "company"
    else:
        return Match("ambiguous", None, None, _few(ids), _few(lead.id for lead in leads))
    # somebody else's opportunity is none of this contact's, even with the same number in it
    leads = [lead for lead in leads if lead.contact is None or lead.contact in around]
    lead, open_leads = _one(leads, users)
    return Match(state, partner, lead, _few(i for i in ids if i != partner), open_leads)


def _best(contacts: Collection[Contact]) -> list[Contact]:
    """Rules 1 and 2: each contact once, and only those of the best kind."""
    if len(contacts) < 2:
        return list(contacts)
    by_kind = {}
    for contact in contacts:
        by_kind.setdefault((not contact.active, not contact.picked), {})[contact.id] = contact
    return list(by_kind[min(by_kind)].values())


def _of_lead(leads: list[Lead], users: Collection[int]) -> Match:
    """A number that only leads carry, and no contact behind them."""
    leads = [lead for lead in leads if lead.carries]
    picked = [lead for lead in leads if lead.picked and lead.open]
    lead, candidates = _one(picked or [lead for lead in leads if lead.open], users)
    if lead:
        return Match("matched", None, lead)
    if candidates:
        return Match("ambiguous", candidate_lead_ids=candidates)
    # a lost lead is no open matter, but it says who rang
    return Match("unknown", candidate_lead_ids=_few(lead.id for lead in leads)) if leads else UNKNOWN


def _one(leads: list[Lead], users: Collection[int]) -> tuple[int | None, tuple[int, ...]]:
    """Rule 5: the opportunity and no candidates, or none and the candidates."""
    own = leads if len(leads) == 1 else [lead for lead in leads if lead.user and lead.user in users]
    if len(own) == 1:
        return own[0].id, ()
    return None, _few(lead.id for lead in leads)


def _few(ids: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ids))[:MAX_CANDIDATES])
