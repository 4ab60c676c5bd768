from hypothesis import given
from hypothesis import strategies as st

from lib.text import shown


@given(st.text())
def test_what_is_shown_is_plain(text):
    plain = shown(text)
    assert shown(plain) == plain
    assert not set(plain) & set("\x00\x1b\r\n\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\ufeff")
    assert set(shown(text, lines=True)) - set(plain) <= {"\n", "\t"}


def test_names_of_people_stay():
    for name in ("Marek Dvořák", "عائشة", "נדיה ורביק", "می\u200cخواهم", "क्‍ष", "👩\u200d💻", "李 雷"):
        assert shown(name) == name
