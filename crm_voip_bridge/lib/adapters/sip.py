"""Whom a SIP address or a number means, where a provider's phones and the world outside are told apart by that alone."""

import re

from .base import line, phone

_URI = re.compile(r"(?i)(?:sips?:)?(?:([^@;<>]*)@)?")
#: seven digits or more are nobody's extension
_OUTSIDE = re.compile(r"\+?[0-9]{7,20}\Z")


def user(text: str) -> str:
    """The part of a SIP address before the ``@``, ``101`` of ``sip:101@pbx.example.com``; "" if there is none."""
    found = _URI.match(text.strip())
    return found[1] or "" if found else ""


def is_number(text: str) -> bool:
    """Whether a text is a telephone number of the world outside, rather than the name of a phone of ours."""
    return bool(_OUTSIDE.match(text))


def party(text: str) -> tuple[str, str]:
    """Channel and number of a SIP address or a number.

    >>> party("sip:alice@example.com")
    ('Phone/alice', 'alice')
    >>> party("+12025550101")
    ('Line/outside', '+12025550101')
    """
    name = user(text) if "@" in text or text.lower().startswith(("sip:", "sips:")) else text.strip()
    if name and not is_number(name) and "@" in text:
        return phone(name), name
    return line(), name
