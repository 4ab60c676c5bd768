"""Who the demo company had to do with in its past: invented customers beside those of company.py.

Every number is one that nobody can have, as in company.py, and none that a scenario or a story uses: who calls there
must find what that file says, and nothing else.
"""

from dataclasses import dataclass

_NAMES = (
    "Alderwick", "Birchholm", "Cobaltine", "Dunmere", "Emberlow", "Fernhollow", "Glasswater", "Hollowmere", "Inkstone",
    "Juniperdale", "Kiteworth", "Lanternby", "Mossgate", "Nettlecombe", "Oakenfold", "Pebblemoor", "Quillhaven",
    "Rookery", "Saltmarsh", "Thistledown", "Umberfield", "Velvetine", "Willowmere", "Yarrowby", "Zephyrine", "Amberley",
    "Brackenridge", "Cinderford", "Driftwood", "Elmsworth", "Foxglovia", "Gorseland", "Heathermoor", "Ivorydale",
    "Larkspur", "Marigoldia", "Nightjar", "Otterbourne", "Plumtree", "Starlingham",
)  # fmt: skip
_TRADES = ("Dairy", "Optics", "Foods", "Laboratories", "Marine", "Ceramics", "Brewing", "Paper")
_FORMS = {"NL": "B.V.", "DE": "GmbH", "GB": "Ltd"}
_FIRST = (
    "Anneke", "Bertil", "Corin", "Dagmar", "Elias", "Femke", "Gerrit", "Hanne", "Imre", "Joris", "Katja", "Lars", "Maud",
    "Niels", "Orla", "Piet", "Quinten", "Ruth", "Sanne", "Tobias", "Ursel", "Vera", "Wouter", "Yara", "Zoltan",
)  # fmt: skip
_LAST = (
    "Appelgaard", "Bruinsloot", "Claverham", "Dornfelde", "Eikelboom", "Farrowby", "Grashoff", "Hazelgrove", "Immerzeel",
    "Jessamine", "Kornblume", "Lindenhout", "Meadowsweet", "Nachtegaal", "Ostermoor", "Pimpernel", "Quickthorn",
)  # fmt: skip
#: whose customers they are, as a wheel
_OWNERS = ("tom", "rina", "nadia", "jonas", "tom", "rina", "jonas", "tom")
#: blocks of numbers of people whom nobody knows
_STRANGERS = ("+44161496{:04}", "+44113496{:04}", "+4969900{:05}", "+3110100{:04}")


@dataclass(frozen=True)
class Customer:
    """A company and its people: `people` are (name, number) each; `weight` how much it has to do with us, 1 at most."""

    key: str
    name: str
    country: str
    number: str
    people: tuple[tuple[str, str], ...]
    owner: str
    weight: float


def _number(country: str, place: int) -> str:
    if country == "NL":
        return f"+3130100{200 + place:04}"
    return f"+494066969{200 + place}" if country == "DE" else f"+442079460{200 + place}"


def customers() -> list[Customer]:
    """All of them, those with the most business first."""
    found = []
    for place, word in enumerate(_NAMES):
        country = ("NL", "NL", "DE", "NL", "GB")[place % 5]
        count = 2 if place % 3 == 0 else 1
        people = tuple(
            (f"{_FIRST[(3 * place + one) % len(_FIRST)]} {_LAST[(5 * place + one) % len(_LAST)]}",
             _number(country, 3 * place + 1 + one))
            for one in range(count)
        )  # fmt: skip
        found.append(
            Customer(
                word.lower(),
                f"{word} {_TRADES[place % len(_TRADES)]} {_FORMS[country]}",
                country,
                _number(country, 3 * place),
                people,
                _OWNERS[place % len(_OWNERS)],
                1 / (1 + place / 5),
            )
        )
    return found


def stranger(place: int) -> str:
    """The number of somebody whom nobody knows, one of 2 400."""
    kind, number = place % 4, place // 4 % 600
    return _STRANGERS[kind].format({0: number, 1: number, 2: 9200 + number, 3: 300 + number}[kind])
