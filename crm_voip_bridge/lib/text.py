"""Texts that somebody outside chose, as they may be shown."""

import unicodedata

#: format characters that words of Arabic, Persian, Hebrew or Hindi need, and that reorder nothing but themselves
_KEPT = frozenset("\u200c\u200d\u200e\u200f\u061c")
_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def shown(text: str, lines: bool = False) -> str:
    """A text without control characters, and without what makes the text around it run backwards.

    A caller may name himself ``"gnp.exe"`` behind an override of the direction of writing, and what stands
    after the name on the same line would be turned round with it.

    :param lines: keep line breaks and tabs, in a note

    >>> shown("Ada\\x07 \\u202eLovelace")
    'Ada Lovelace'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        for char in text
        if char in _KEPT or (lines and char in "\n\t") or unicodedata.category(char) not in _CATEGORIES
    )
