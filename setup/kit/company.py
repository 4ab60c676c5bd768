"""The invented company that the demo data, the PBX and the scenarios share.

`crm_voip_bridge/demo/*.xml` shows it in Odoo, `setup/kit/pbx.py` makes its
telephone system and `setup/kit/scenarios.py` places its calls. A change here is
a change in all three; `setup/test` compares the XML with this file.

Every number is one that nobody can have: Germany's, the United Kingdom's and
North America's are those set aside for fiction (040 66969-xxx, 069 90009-xxx,
020 7946 0xxx, 202-555-01xx); Dutch and Indonesian ones have a subscriber part that begins
with 1 or 0, which those countries do not give out. All pass phonenumbers' check of
validity, since what is refused as invalid would prove nothing.

XML ids in the addon: `demo_person_<key>`, `demo_customer_<key>`,
`demo_opportunity_<key>`, with the keys of this file.
"""

from __future__ import annotations

from dataclasses import dataclass

NAME = "Kestrel Instruments"
COUNTRY = "NL"

# ------------------------------------------------------------------ our side


@dataclass(frozen=True)
class Phone:
    """A telephone of ours.

    `number` is the internal number, `did` the direct number in E.164 or None,
    `user` tells whether the person logs in to Odoo, `team` is `sales`,
    `support` or None, `recorded` whether the extension is ticked in Odoo.
    """

    number: str
    key: str
    name: str
    team: str | None
    did: str | None = None
    user: bool = True
    recorded: bool = True
    leader: bool = False


PHONES = (
    Phone("101", "nadia", "Nadia Verbeek", "sales", "+31201000101", leader=True),
    Phone("102", "tom", "Tom Okafor", "sales", "+31201000102"),
    Phone("103", "rina", "Rina Hartono", "sales", "+31201000103"),
    Phone("104", "jonas", "Jonas Lindqvist", "sales", "+31201000104"),
    # A phone that several people use: a person without a login.
    Phone("105", "showroom", "Showroom", "sales", "+31201000105", user=False),
    # Not recorded: what is said here is nobody's business.
    Phone("109", "council", "Works council", None, "+31201000109", user=False, recorded=False),
    Phone("201", "priya", "Priya Nair", "support", leader=True),
    Phone("202", "marek", "Marek Dvořák", "support"),
)

# Numbers of the company that lead to more than one phone (E.164, as the trunk sends them).
DID_GROUP = "+31201000100"  # main number: rings SALES_GROUP at once
DID_SUPPORT = "+31201000110"  # queue "support"
DID_ANNOUNCEMENT = "+31201000120"  # opening hours: an announcement, nobody answers
DID_VOICEMAIL = "+31201000104"  # Jonas' number: his phone, then his mailbox

SALES_GROUP = ("101", "102", "103")
SUPPORT_QUEUE = "support"
SUPPORT_MEMBERS = ("201", "202")

# What the PBX form in Odoo lists as the company's own trunk numbers: never a customer.
TRUNK_NUMBERS = (
    DID_GROUP,
    DID_SUPPORT,
    DID_ANNOUNCEMENT,
    *(phone.did for phone in PHONES if phone.did),
)
# Sent as caller id on outbound calls.
OUTBOUND_CALLER_ID = DID_GROUP

# On the company's never-log list: the company doctor.
NEVER_LOG = "+496990009999"
# A number of nobody in the CRM.
STRANGER = "+12025550199"
# Somebody who only ever calls the extension that is not recorded: this number may be nowhere.
COUNCIL_CALLER = "+442079460188"

# ------------------------------------------------------------------ customers


@dataclass(frozen=True)
class Customer:
    """A contact in the CRM.

    `phone` is the field as somebody typed it; `e164` all the numbers it
    means; `sip` the first of them as the trunk sends it (providers differ:
    with `+`, with `00`, national). `company` is the key of the company the
    contact works for; `is_company` marks the companies themselves.
    """

    key: str
    name: str
    country: str
    phone: str
    e164: tuple[str, ...]
    sip: str
    company: str | None = None
    is_company: bool = False


CUSTOMERS = (
    # -- the Netherlands
    Customer(
        "molenaar", "Molenaar Zuivel B.V.", "NL", "030 100 01 00", ("+31301000100",), "0301000100", is_company=True
    ),
    Customer("lotte", "Lotte Molenaar", "NL", "030-1000142", ("+31301000142",), "+31301000142", "molenaar"),
    # -- Germany: two numbers in one field, and an extension behind a number
    Customer(
        "brandt",
        "Brandt Optik GmbH",
        "DE",
        "+49 (0)40 66969-100",
        ("+494066969100",),
        "00494066969100",
        is_company=True,
    ),
    Customer(
        "jens",
        "Jens Brandt",
        "DE",
        "040 66969-142 / 069 90009-142",
        ("+494066969142", "+496990009142"),
        "+494066969142",
        "brandt",
    ),
    Customer("silke", "Silke Arnold", "DE", "0049 40 66969 100 ext. 12", ("+494066969100",), "+494066969100", "brandt"),
    # -- the United Kingdom
    Customer(
        "harbour", "Harbour & Finch Ltd", "GB", "+44 20 7946 0100", ("+442079460100",), "+442079460100", is_company=True
    ),
    Customer("amelia", "Amelia Finch", "GB", "(020) 7946 0142", ("+442079460142",), "00442079460142", "harbour"),
    # -- the United States
    Customer(
        "northridge",
        "North Ridge Labs Inc.",
        "US",
        "(202) 555-0100",
        ("+12025550100",),
        "+12025550100",
        is_company=True,
    ),
    Customer("carlos", "Carlos Reyes", "US", "202.555.0142", ("+12025550142",), "+12025550142", "northridge"),
    # -- Indonesia
    Customer("sinar", "PT Sinar Ukur", "ID", "(021) 1000 0100", ("+622110000100",), "+622110000100", is_company=True),
    Customer("dewi", "Dewi Lestari", "ID", "+62 21 1000-0142", ("+622110000142",), "00622110000142", "sinar"),
    # -- one number, two contacts of different companies: a shared office
    Customer("office_a", "Pieter Smit", "NL", "010 100 0150", ("+31101000150",), "+31101000150", "workshop_a"),
    Customer("office_b", "Els de Wit", "NL", "+31 10 1000150", ("+31101000150",), "+31101000150", "workshop_b"),
    Customer(
        "workshop_a", "Smit Fijnmechanica", "NL", "010 100 0151", ("+31101000151",), "+31101000151", is_company=True
    ),
    Customer("workshop_b", "De Wit Advies", "NL", "010 100 0152", ("+31101000152",), "+31101000152", is_company=True),
    # -- not in any company
    Customer("omar", "Omar Haddad", "GB", "020 7946 0177", ("+442079460177",), "+442079460177"),
)


@dataclass(frozen=True)
class Opportunity:
    """An open opportunity, or a lead without a contact.

    `customer` is a key of CUSTOMERS or None; then `phone` (as typed), `e164`
    and `sip` are the lead's own. `person` is the key of the salesperson.
    """

    key: str
    name: str
    person: str
    customer: str | None = None
    country: str | None = None
    phone: str | None = None
    e164: tuple[str, ...] = ()
    sip: str | None = None
    kind: str = "opportunity"


OPPORTUNITIES = (
    Opportunity("lotte_scales", "Bench scales for three dairies", "nadia", "lotte"),
    # Two open ones of different salespeople: the one of who is on the call.
    Opportunity("amelia_lenses", "Lens testers", "nadia", "amelia"),
    Opportunity("amelia_service", "Service contract 2026", "tom", "amelia"),
    Opportunity("carlos_probe", "Probe stations", "jonas", "carlos"),
    Opportunity("dewi_flow", "Flow meters, phase two", "rina", "dewi"),
    # Nobody in the contacts yet.
    Opportunity(
        "aurora",
        "Aurora Foods, asked for a quotation",
        "tom",
        country="US",
        phone="+1 202-555-0160",
        e164=("+12025550160",),
        sip="+12025550160",
        kind="lead",
    ),
)


def phone(number: str) -> Phone:
    """The phone with this internal number."""
    return next(item for item in PHONES if item.number == number)


def customer(key: str) -> Customer:
    """The customer with this key."""
    return next(item for item in CUSTOMERS if item.key == key)


def opportunity(key: str) -> Opportunity:
    """The opportunity or lead with this key."""
    return next(item for item in OPPORTUNITIES if item.key == key)
