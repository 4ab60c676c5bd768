"""Which numbers a click may dial, and how the PBX dials them.

What a person clicked is text of anybody's making. It is read strictly (:func:`check`), the number in it is
checked against the world's numbering plans, and only digits that were written anew from the result go
on (:func:`dial_string`). So nothing of the text itself ever reaches a PBX.

A text may have digits, ``+``, blanks, brackets, dots, dashes and slashes, and end with an extension
(``ext. 12``), which is not dialled. Control characters, other scripts' digits, letters and signs that mean
something to a PBX (``; & * #``) make it no number, also where :mod:`lib.numbers` would read it
generously: what is read wrongly there finds no contact, what is read wrongly here costs money.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberType

from .numbers import MAX_TEXT, parse
from .site import Site

#: how a PBX wants numbers of the outside
STYLES = ("local", "plus", "prefix")
#: why a click dials nothing
PROBLEMS = ("empty", "characters", "emergency", "internal", "invalid", "premium", "shared", "satellite", "country")

#: what a copied number has instead of blanks and dashes
_TYPED = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f", " ") | dict.fromkeys("\u2010\u2011\u2012\u2013", "-"))
_NUMBER = re.compile(r"[+(]*[0-9][0-9 ().+/\-]*")
_EXTENSION = re.compile(r"(?i) *(?:ext(?:ension)?|x|toestel|tst|durchwahl|dw|poste)\.? ?:? ?[0-9]{1,8}")
_DIAL_STRING = re.compile(r"\+?[0-9]{2,20}")
#: a name that a dialplan or a phone could take for something else
_UNSAFE = re.compile(r"[^\w .,'+()/\-]|_")

#: the world's networks of nobody's country: freephone is the only one that costs nobody anything
_WORLD = {800: "", 808: "shared", 979: "premium"}
_COSTLY = {
    PhoneNumberType.PREMIUM_RATE: "premium",
    # follows a person anywhere, at any price (070 in Britain, 0700 in Germany)
    PhoneNumberType.PERSONAL_NUMBER: "premium",
    PhoneNumberType.PAGER: "premium",
    PhoneNumberType.SHARED_COST: "shared",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a text.

    :param number: E.164, or the internal number; "" if it may not be dialled
    :param problem: a value of :data:`PROBLEMS`, "" if it may
    :param country: ISO 3166 code of the number, "" if it has none
    :param internal: it is a phone of the PBX
    """

    number: str = ""
    problem: str = ""
    country: str = ""
    internal: bool = False


def check(text, country: str, site: Site, allowed: Collection[str]) -> Verdict:
    """Whether a click on a text may dial, and what.

    :param text: as it was clicked; of several numbers the first is meant
    :param country: ISO 3166 code in which national numbers are read
    :param site: of the PBX that is to dial
    :param allowed: ISO 3166 codes of the countries that may be called
    """
    if not isinstance(text, str) or not text.strip():
        return Verdict(problem="empty")
    clean = text.translate(_TYPED).strip(" ")
    bare = _NUMBER.match(clean)
    if len(clean) > MAX_TEXT or not bare or not (bare.end() == len(clean) or _EXTENSION.fullmatch(clean, bare.end())):
        return Verdict(problem="characters")
    first = parse(bare[0].strip(), country, site)[0]
    if first.kind in ("emergency", "short"):
        return Verdict(problem="emergency")
    if first.kind == "internal":
        known = first.text in site.extensions
        return Verdict(first.text, internal=True) if known else Verdict(problem="internal")
    if first.kind != "number" or not first.e164:
        return Verdict(problem="invalid")
    return _outside(first.e164, allowed)


def _outside(e164: str, allowed: Collection[str]) -> Verdict:
    number = phonenumbers.parse(e164)
    region = phonenumbers.region_code_for_number(number) or ""
    if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
        problem = _WORLD.get(number.country_code, "satellite")
        valid = phonenumbers.is_valid_number(number)
        problem = problem or ("" if valid else "invalid")
        return Verdict("" if problem else e164, problem)
    if not phonenumbers.is_valid_number(number):
        return Verdict(problem="invalid", country=region)
    problem = _COSTLY.get(phonenumbers.number_type(number), "")
    if not problem and region not in allowed:
        problem = "country"
    return Verdict("" if problem else e164, problem, region)


def dial_string(e164: str, country: str, style: str = "local", prefix: str = "") -> str:
    """What the PBX dials for a number of the outside.

    >>> [dial_string("+31301000142", "NL", style) for style in STYLES]
    ['0301000142', '+31301000142', '0031301000142']
    >>> dial_string("+442079460142", "NL", "local", "9")
    '900442079460142'

    :param country: of the PBX
    :param style: ``local``: as one dials there, numbers of other countries with what comes before them
        (00, 011); ``plus``: always international with ``+``; ``prefix``: always with what comes before
    :param prefix: dialled before an outside number, "" if none; before a ``+`` there is none
    """
    number = phonenumbers.parse(e164)
    text = e164
    if style == "local":
        text = phonenumbers.format_out_of_country_calling_number(number, country)
    elif style == "prefix":
        # no number is out of its own country, but its form with what comes before it is that of the others
        before = _before_others(country)
        text = f"{before}{e164.removeprefix('+')}" if before else e164
    digits = re.sub(r"[^0-9]", "", text)
    return f"+{digits}" if text.startswith("+") else prefix + digits


def _before_others(country: str) -> str:
    """What one dials in a country before numbers of others: 00, 011; "" where that is not one thing."""
    stranger = phonenumbers.example_number("NL" if country != "NL" else "DE")
    text = phonenumbers.format_out_of_country_calling_number(stranger, country)
    return "" if text.startswith("+") or " " not in text else text.split(" ", 1)[0]


def is_dial_string(text) -> bool:
    """Whether a text is nothing but what a phone's keys can dial for a number."""
    return isinstance(text, str) and text.isascii() and bool(_DIAL_STRING.fullmatch(text))


def shown_name(text, most: int = 40) -> str:
    """A name as it may be shown on a phone: no quotes, brackets, variables or line breaks."""
    clean = _UNSAFE.sub(" ", text) if isinstance(text, str) else ""
    return " ".join(clean.split())[:most].strip()
