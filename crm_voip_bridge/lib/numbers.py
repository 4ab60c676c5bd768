"""What a text says about telephone numbers.

Two kinds of text are read: what a PBX says of one party, and what people type into a
phone field. Both give :class:`Number`; equal numbers give the same E.164, however they are
spelled. Nothing here raises: a text that is no number is a :class:`Number` of another kind.

How a number is understood, the first that holds:

1. nothing, or a word that stands for nothing (``anonymous``): *anonymous*;
2. an emergency or service number of the country: *emergency*, *short*;
3. a phone of the PBX, if a site is given: *internal*;
4. a number that exists by the numbering plan, read nationally, with ``+`` or ``00``, as a bare
   international number (``31201234567``), without the prefix that the site dials for an
   outside line;
5. a number whose length at least is right (numbering plans change faster than their
   lists, and invented numbers as +1 555-123-8069 are in every demo);
6. two to five digits: *internal*; anything else: *invalid*.

Letters make a text invalid, with two exceptions: labels before and remarks in parentheses after
the number (``Tel. 020 123 4567 (work)``), and freephone numbers spelled as a word
(``1-800-FLOWERS``). A word is never turned into digits elsewhere: that would be a silently
wrong number.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType, shortnumberinfo

from .phone import is_internal, is_service
from .site import Site

KINDS = ("number", "internal", "short", "emergency", "anonymous", "invalid")

#: longer texts are no phone numbers; a field's first numbers are read, not a thousand
MAX_TEXT = 500
MAX_NUMBERS = 10
#: fewest digits of a number that is known by its length only
MIN_POSSIBLE = 7
#: ITU-T E.164, 6.1: fifteen digits, and the plus sign
MAX_E164 = 16


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a text.

    :param e164: ``+31201234567``, None unless ``kind`` is ``number``
    :param kind: a value of :data:`KINDS`
    :param extension: digits behind the number (``ext. 12``), "" if none
    :param text: the part of the text that says so, cleaned
    """

    e164: str | None
    kind: str
    extension: str = ""
    text: str = ""


def parse(text, country: str | None, site: Site | None = None, dialled: bool = False) -> list[Number]:
    """All numbers of a text, in its order, each once.

    :param text: a phone field or what a PBX says; None and other types are welcome
    :param country: ISO 3166 code that decides national numbers, None: international ones only
    :param site: the PBX's habits; None for a text that comes from no PBX
    :param dialled: the text is what somebody dialled at that PBX, so the prefix for an outside
        line is expected rather than possible
    :return: at least one :class:`Number`
    """
    clean = _clean(text)
    if len(clean) > MAX_TEXT:
        return [Number(None, "invalid", text=clean[:MAX_TEXT])]
    country = (country or (site.country if site else "") or "").upper()
    found = {}
    for number in _split(clean, country, site, dialled):
        found.setdefault((number.e164 or number.text, number.kind, number.extension), number)
        if len(found) == MAX_NUMBERS:
            break
    numbers = list(found.values())
    # "020 123 4567 / home": what is no number matters only where nothing else is
    return [number for number in numbers if number.kind not in ("invalid", "anonymous")] or numbers[:1]


def e164(text, country: str | None, site: Site | None = None, dialled: bool = False) -> str | None:
    """The one number that a PBX says, None where it is none, not public, or several.

    >>> e164("020 123 4567", "NL"), e164("0031201234567", "NL"), e164("101", "NL")
    ('+31201234567', '+31201234567', None)
    """
    numbers = parse(text, country, site, dialled)
    return numbers[0].e164 if len(numbers) == 1 else None


def shown(number: str | None) -> tuple[str, str]:
    """How people read a number, and the country that it is in.

    >>> shown("+31201234567"), shown("101"), shown(None)
    (('+31 20 123 4567', 'NL'), ('101', ''), ('', ''))

    :param number: in E.164; anything else is given back as it is
    :return: ``(text, ISO 3166 code)``, the code "" where there is none
    """
    if not number or not number.startswith("+"):
        return number or "", ""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number, ""
    region = phonenumbers.region_code_for_number(parsed) or ""
    # "001" is the world: freephone and satellite numbers
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL), region if region.isalpha() else ""


# --- cleaning and splitting ---

#: said instead of a number; compared in lower case without blanks and signs
_NOBODY = frozenset(
    (
        *("anonymous", "anon", "anonymousinvalid", "asserted", "blocked", "coverageunavailable", "hidden"),
        *("idunavailable", "na", "nil", "nocallerid", "none", "nonumber", "null", "numberwithheld", "private"),
        *("privatenumber", "restricted", "s", "unavailable", "unknown", "unknowncaller", "unknownnumber", "withheld"),
    )
)
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
#: some networks spell the word on the keypad: +266696687 is "anonymous", no number of Lesotho
_SPELLED = frozenset(
    word.translate(_KEYPAD) for word in ("anonymous", "unknown", "restricted", "unavailable", "blocked")
)

_PLAIN = re.compile(r"\+?[0-9][0-9 ().\-]*\Z")
_DASHES = re.compile(r"[\u00ad\u2010-\u2015\u2043\u2212\u30fc\ufe58\ufe63\uff0d]")
_SCHEME = re.compile(r"(?i)\A(?:sips?|tel|callto|phone):(?://)?(.*)\Z")
_QUOTED = re.compile(r'\A(?:"[^"]*"|[^<"]*)\s*<([^<>]*)>')
_LABEL = re.compile(r"\A[^\W\d_][^\W\d_ ]{0,14}(?:\.:|[.:])?\s*(?=[+(0-9])")
_REMARK = re.compile(r"\s*[(\[][^()\[\]0-9]*[^\W\d_][^()\[\]0-9]*[)\]]\s*\Z")
_SEPARATOR = re.compile(
    r"\s*(?:[;|\n\r\t&]|,(?!,)|(?<=[\d)])\s+(?:or|oder|of|ou|o|und|and|en|et|y|e|atau|dan|resp\.?)\s+(?=[+(\d]))\s*"
)
_EXTENSION = re.compile(
    r"(?i)\s*(?:;ext=|,,+|[,.\-]?\s*(?:(?<![a-z])(?:ext(?:ension|n)?|extensi[oó]n|toestel|tst|durchwahl|dw|poste|int(?:erno)?|"
    r"anexo|ramal|wewn|доб)\.?|(?<![a-z])x)\s*:?|#)\s*([0-9]{1,8})#?\s*\Z"
)
#: signs that part two numbers, unless what they part is none
_LOOSE = (re.compile(r"\s*/\s*"), re.compile(r"\s+-\s+|\s{2,}"), re.compile(r"\s+"))
_LETTER = re.compile(r"[^\W\d_]")
_VANITY = re.compile(r"\+?[0-9][0-9 ().\-]*[ .\-]?[A-Z][A-Z0-9\-]{2,11}\Z")


def _clean(text) -> str:
    """Printable text with ASCII digits: no control, direction or zero-width characters."""
    if text is None or text is False:
        return ""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = str(text)[: MAX_TEXT * 2]
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFKC", _DASHES.sub("-", text))
        text = "".join(map(_character, text))
    return text.strip()


def _character(char: str) -> str:
    if char in "\t\r\n":
        return "\n"
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Pd":
        return "-"
    if category.startswith("Z"):
        return " "
    return "" if category.startswith("C") else char


def _split(text: str, country: str, site: Site | None, dialled: bool) -> list[Number]:
    if _PLAIN.match(text):  # nearly all of them
        number = _read(text, country, site, dialled)
        if number.kind != "invalid":
            return [number]
    if quoted := _QUOTED.match(text):
        text = quoted[1].strip()
    numbers = []
    for part in _parts(text):
        numbers += _loose(part, country, site, dialled)
    return numbers


def _parts(text: str) -> list[str]:
    """The text at its separators, extensions left with their numbers."""
    parts = []
    for part in _SEPARATOR.split(_join_extension(text)):
        part = part.strip()
        if part or not parts:
            parts.append(part)
    return parts


def _join_extension(text: str) -> str:
    """``;ext=12`` and ``,,12`` hold separators: spell them as every other extension."""
    text = re.sub(r"(?i);(?:isub|phone-context|user|transport|tag|cpc)=[^;,|\n]*", "", text)
    return re.sub(r"(?i)(?:;ext=|,,+|;\s*(?=ext))\s*", " ext. ", text)


def _loose(part: str, country: str, site: Site | None, dialled: bool) -> list[Number]:
    """A slash, a dash or a blank parts two numbers (``a / b``) or is written within one (``030/1234567``)."""
    whole = _read(part.replace("/", " "), country, site, dialled)
    if _SCHEME.match(part):
        return [whole]
    for separator in _LOOSE:
        pieces = [_read(piece, country, site, dialled) for piece in separator.split(part) if piece]
        if len(pieces) > 1 and all(piece.kind == "number" for piece in pieces):
            return pieces
        # "020 1234567/68": what stands before the slash is the number
        before = [piece for piece in pieces if piece.kind == "number"]
        if before and "/" in part and not (whole.e164 and _exists(whole.e164)):
            return before
    return [whole]


# --- one number ---


@lru_cache(maxsize=8192)
def _read(text: str, country: str, site: Site | None, dialled: bool) -> Number:
    try:
        return _understand(text, country, site, dialled)
    except (phonenumbers.NumberParseException, ValueError, IndexError, OverflowError):
        return Number(None, "invalid", text=text)


def _understand(text: str, country: str, site: Site | None, dialled: bool) -> Number:
    bare = _undress(text)
    word = re.sub(r"[\W_]", "", bare.lower())
    if word in _NOBODY or not word or (word in _SPELLED and bare.startswith("+")):
        # "#" and "*21*…" are codes, not somebody who hides
        return Number(None, "anonymous" if word or not set(bare) & set("#*") else "invalid", text=text)
    extension = ""
    if match := _EXTENSION.search(bare):
        bare, extension = bare[: match.start()].strip(), match[1]
    if _LETTER.search(bare):
        return Number(_freephone(bare, country), "number", extension, text)
    if "*" in bare or "#" in bare:
        return Number(None, "invalid", text=text)
    digits = re.sub(r"[^0-9]", "", bare)
    plus = bare.lstrip("( ").startswith("+")
    if not plus and digits == bare and len(digits) <= 6 and is_service(digits, country):
        emergency = shortnumberinfo.is_emergency_number(digits, country)
        return Number(None, "emergency" if emergency else "short", text=text)
    if site and not plus and is_internal(digits, site):
        return Number(None, "internal", text=text)
    if found := _number(digits, bare, plus, country, site, dialled):
        return Number(found, "number", extension, text)
    if not plus and 2 <= len(digits) <= 5 and digits == bare:
        return Number(None, "internal", text=text)
    return Number(None, "invalid", text=text)


def _undress(text: str) -> str:
    """Without what is around the number: scheme, host, label, remark."""
    if scheme := _SCHEME.match(text):
        text = scheme[1].partition("@")[0].partition(";")[0]
    elif "@" in text:
        text = text.partition("@")[0]
    text = _REMARK.sub("", text)
    return _LABEL.sub("", text).strip()


def _number(digits, bare, plus, country, site, dialled) -> str | None:
    """E.164 of digits: the first reading that exists, else the first of believable length."""
    possible = None
    for spelling, region in _readings(digits, bare, plus, country, site, dialled):
        try:
            number = phonenumbers.parse(spelling, region)
        except phonenumbers.NumberParseException:
            continue
        text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if len(text) > MAX_E164:
            continue  # a plan may know longer ones (Germany), the world's networks do not
        if phonenumbers.is_valid_number(number):
            return text
        if possible is None and len(digits) >= MIN_POSSIBLE and region is not _ONLY_VALID:
            reason = phonenumbers.is_possible_number_with_reason(number)
            if reason == phonenumbers.ValidationResult.IS_POSSIBLE:
                possible = text
    return possible


#: phonenumbers takes any unknown region as "no region"; this one marks readings that are a guess
_ONLY_VALID = "ZZ"


def _readings(digits, bare, plus, country, site, dialled):
    """Spellings to try, the likeliest first, with the region to read them in."""
    region = country if country in phonenumbers.SUPPORTED_REGIONS else None
    if plus:
        digits = digits.removeprefix("00")  # +0031…, and ++31…
        # the text as written keeps "(0)" visible
        yield "+" + bare.lstrip("+ ").removeprefix("00"), None
        if digits.startswith("0") and region:
            yield digits, region  # a PBX that puts + before whatever it gets
        return
    outside = site.outside_prefix if site else ""
    without = digits.removeprefix(outside) if outside and digits.startswith(outside) else ""
    if without and dialled:
        yield without, region
        if without.startswith("00"):
            yield "+" + without[2:], None
    if region:
        code, trunk = _plan(region)
        if trunk and digits.startswith(code):
            # where a 0 comes before every national number, what begins with the country's code
            # without it is the bare international form: 62812345678 is +62 812…, not 0628…
            yield "+" + digits, _ONLY_VALID
        yield digits, region
    if digits.startswith("00"):
        yield "+" + digits[2:], None
    if not digits.startswith("0"):
        yield "+" + digits, _ONLY_VALID
    if without and not dialled:
        yield without, region or _ONLY_VALID
        if without.startswith("00"):
            yield "+" + without[2:], _ONLY_VALID


@cache
def _plan(region: str) -> tuple[str, bool]:
    """Calling code of a country, and whether national numbers begin with a trunk prefix other than it."""
    code = str(phonenumbers.country_code_for_region(region))
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    return code, bool(trunk) and trunk != code


def _freephone(text: str, country: str) -> str | None:
    """E.164 of a freephone number that is spelled as a word.

    :raise ValueError: it is no such number
    """
    if not _VANITY.match(text):
        raise ValueError("letters in a number")
    number = phonenumbers.parse(text, country or None)
    if phonenumbers.number_type(number) != PhoneNumberType.TOLL_FREE:
        raise ValueError("letters in a number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _exists(number: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(number))
