"""Which phone a channel is.

Asterisk names a channel after its technology and endpoint, with a suffix that tells
apart several at once: ``PJSIP/101-0000002a``, ``Local/101@agents-00000001;1``,
``SIP/trunk-nl-0000003b``. The suffix comes again after a restart, so a name is never a key.
"""

import re
from functools import lru_cache

from .site import Site

_SUFFIX = re.compile(r"-[0-9a-fA-F]{6,16}\Z")
_DIGITS = re.compile(r"[0-9]+\Z", re.ASCII)
#: how an adapter of a hosted PBX names a phone of ours, whatever its name, and what is none, however short its number
PHONE, LINE = "Phone/", "Line/"
#: channels without a suffix
_WHOLE = ("Local/", PHONE, LINE)
#: known everywhere, also where no country is set
_WORLD = frozenset({"112", "911"})


def endpoint(channel: str) -> str:
    """``PJSIP/101`` of ``PJSIP/101-0000002a``.

    A local channel keeps its name whole: its two ends (``;1``, ``;2``) share it.
    """
    return channel if channel.startswith(_WHOLE) else _SUFFIX.sub("", channel)


def is_local(channel: str) -> bool:
    """Whether the channel is an end of one of Asterisk's own pipes, which is nobody's phone."""
    return channel.startswith("Local/")


def is_internal(number: str, site: Site) -> bool:
    """Whether a number that somebody dialled or showed is one of the PBX's own phones."""
    if number in site.extensions:
        return True
    return _has_internal_length(number, site) and not is_service(number, site.country)


def extension_of(channel: str, number: str, site: Site) -> str | None:
    """The extension that a channel belongs to, None for a trunk or a local channel.

    The endpoint's name decides where it is a number (a phone named 101 is one, although
    101 is the police in Britain). Where it tells nothing (``PJSIP/0004f2a1``), the
    channel's own number does.

    :param channel: name with or without suffix, "" if unknown
    :param number: the channel's caller id number
    """
    if is_local(channel):
        return None
    if channel.startswith(PHONE):
        return channel[len(PHONE) :] or None
    if channel.startswith(LINE):
        # an agent's mobile phone, say, is reached like a customer: it is ours if somebody entered it as an extension
        return number if number in site.extensions else None
    name = endpoint(channel).partition("/")[2].partition("@")[0]
    if name in site.extensions or _has_internal_length(name, site):
        return name
    return number if is_internal(number, site) else None


@lru_cache(maxsize=4096)
def is_service(number: str, country: str) -> bool:
    """Whether a short number is an emergency or service number of the country (112, 144, 118)."""
    if number in _WORLD:
        return True
    if not country or len(number) > 6 or not _DIGITS.match(number):
        return False
    # late: loading it costs 60 ms, and most numbers are no short ones
    from phonenumbers import PhoneNumber, country_code_for_region, shortnumberinfo

    parsed = PhoneNumber(
        country_code=country_code_for_region(country),
        national_number=int(number),
        italian_leading_zero=number.startswith("0") or None,
    )
    if shortnumberinfo.is_emergency_number(number, country):
        return True
    return (
        shortnumberinfo.is_valid_short_number_for_region(parsed, country)
        # in some countries every number of five digits may belong to a text message service
        and not shortnumberinfo.is_sms_service_for_region(parsed, country)
        and not shortnumberinfo.is_carrier_specific_for_region(parsed, country)
    )


def _has_internal_length(number: str, site: Site) -> bool:
    return bool(_DIGITS.match(number)) and site.internal_min <= len(number) <= site.internal_max
