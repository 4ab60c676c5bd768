"""A number is one number, however it is written; what is none never becomes one."""

import unicodedata

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from lib.numbers import KINDS, MAX_E164, MAX_NUMBERS, Number, e164, parse, shown
from lib.site import Site

NL = "NL"
AMSTERDAM = "+31201234567"
MOBILE = "+31612345678"

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)
TYPES = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE)
EXAMPLES = [
    (country, example)
    for country in COUNTRIES
    for example in (phonenumbers.example_number_for_type(country, kind) for kind in TYPES)
    if example
]


def numbers(text, country=NL, **options):
    return [number.e164 for number in parse(text, country, **options)]


def kind(text, country=NL, site=None):
    (number,) = parse(text, country, site)
    return number.kind


class TestSpellings:
    @pytest.mark.parametrize("country", COUNTRIES)
    def test_every_country_every_spelling(self, country):
        for _country, example in (pair for pair in EXAMPLES if pair[0] == country):
            wanted = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            spellings = {
                name: phonenumbers.format_number(example, getattr(PhoneNumberFormat, name))
                for name in ("E164", "NATIONAL", "INTERNATIONAL", "RFC3966")
            }
            spellings["00"] = "00" + wanted[1:]
            spellings["bare"] = wanted[1:]
            assert {name: e164(text, country) for name, text in spellings.items()} == dict.fromkeys(spellings, wanted)

    @given(st.sampled_from(EXAMPLES), st.data())
    def test_signs_and_marks_change_nothing(self, pair, data):
        country, example = pair
        wanted = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        text = data.draw(st.sampled_from([wanted, phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)]))
        mark = data.draw(st.sampled_from(["\u200e", "\u200f", "\u202d", "\u00ad", "\u200b", "\x00", "\x07", "\ufeff"]))
        place = data.draw(st.integers(0, len(text)))
        zero = data.draw(st.sampled_from([0x30, 0x660, 0x6F0, 0x966, 0xFF10]))
        text = (text[:place] + mark + text[place:]).translate({0x30 + d: zero + d for d in range(10)})
        assert e164(text, country) == wanted, unicodedata.name(mark, mark)

    @pytest.mark.parametrize(
        "text",
        [
            "020 123 4567",
            "020-1234567",
            "(020) 123.45.67",
            "020/1234567",
            "+31 20 123 4567",
            "+31 (0)20 123 4567",
            "0031 20 1234567",
            "+0031201234567",
            "++31201234567",
            "+0201234567",
            "31201234567",
            "tel:+31-20-123-4567",
            "sip:+31201234567@sip.example.com;transport=udp",
            '"Jan de Boer" <sip:0201234567@10.0.0.1>',
            "Tel. 020 123 4567",
            "Work: 020 123 4567 (ask for Jan)",
            "020 – 123 45 67",
            "٠٢٠١٢٣٤٥٦٧",
            "\u202a+31 20 123 4567\u202c",
            "０２０１２３４５６７",
            "020 1234567 / home",
            "020 1234567/68",
        ],
    )
    def test_one_number_in_amsterdam(self, text):
        assert numbers(text) == [AMSTERDAM]

    def test_bare_international_of_own_country_is_not_read_nationally(self):
        # 62 is an area code in Indonesia, too
        assert e164("62812345678", "ID") == "+62812345678"
        assert e164("0628123456", "ID") == "+62628123456"

    def test_without_country_only_international_numbers(self):
        assert e164("020 123 4567", None) is None
        assert e164("+31 20 123 4567", None) == e164("0031201234567", "") == AMSTERDAM

    def test_unknown_country_is_no_country(self):
        assert e164("+31 20 123 4567", "XX") == AMSTERDAM
        assert e164("020 123 4567", "zz") is None

    def test_number_of_right_length_that_no_plan_knows(self):
        assert e164("+1 555-123-8069", NL) == e164("555-123-8069", "US") == "+15551238069"


class TestSeveral:
    @pytest.mark.parametrize(
        "separator", [" / ", "/", ";", "; ", ", ", ",", " or ", " of ", " oder ", "\n", "\t", " | ", " & ", " - ", "  "]
    )
    def test_two_in_one_field(self, separator):
        assert numbers(f"020 1234567{separator}06 12345678") == [AMSTERDAM, MOBILE]
        assert e164(f"020 1234567{separator}06 12345678", NL) is None, "nobody knows which one called"

    def test_same_number_twice_is_one(self):
        assert numbers("020 1234567 / +31 20 123 4567") == [AMSTERDAM]
        assert e164("020 1234567 / +31 20 123 4567", NL) == AMSTERDAM

    def test_a_field_of_thousand_numbers_is_not_read_to_its_end(self):
        text = ";".join(f"02012345{i:02}" for i in range(40))
        assert len(parse(text, NL)) == MAX_NUMBERS
        assert kind("0201234567;" * 4000) == "invalid"


class TestExtension:
    @pytest.mark.parametrize(
        "behind",
        [
            " ext. 12", " ext 12", "ext12", " x12", "x 12", " #12", " toestel 12", " tst. 12", " Durchwahl 12",
            ";ext=12", ",,12", ",,12#", " extension 12", " poste 12", " EXT. 12",
        ],
    )  # fmt: skip
    def test_extension_behind_the_number(self, behind):
        (number,) = parse("020 123 4567" + behind, NL)
        assert (number.e164, number.extension) == (AMSTERDAM, "12")

    def test_each_number_has_its_own(self):
        first, second = parse("020 1234567 ext. 12 / 06 12345678", NL)
        assert (first.e164, first.extension, second.e164, second.extension) == (AMSTERDAM, "12", MOBILE, "")


class TestNoNumber:
    @pytest.mark.parametrize(
        "text",
        [
            "", None, False, "anonymous", "Anonymous", "unknown", "<unknown>", "Restricted", "Private Number",
            "withheld", "sip:anonymous@anonymous.invalid", "anonymous@anonymous.invalid", "+266696687", " ", "-", "s",
        ],
    )  # fmt: skip
    def test_somebody_who_hides(self, text):
        assert kind(text) == "anonymous"

    @pytest.mark.parametrize(
        "text",
        [
            "0612345678abc", "06123456 JAN", "020123ABC", "abc", "Jan de Boer", "+31x", "*21*0201234567#", "#",
            "0", "0000000000000", "9" * 21, "9" * 5000, "<script>alert(1)</script>", "1.5e10", "+", "+-",
        ],
    )  # fmt: skip
    def test_not_a_number(self, text):
        assert kind(text) in ("invalid", "anonymous")
        assert e164(text, NL) is None

    def test_words_are_digits_only_in_freephone_numbers(self):
        assert e164("1-800-FLOWERS", "US") == e164("+1 800 FLOWERS", NL) == "+18003569377"
        assert e164("1-212-FLOWERS", "US") is None

    def test_emergency_and_service_numbers_of_the_country(self):
        assert [kind(text, country) for text, country in (("112", NL), ("911", "US"), ("000", "AU"))] == [
            "emergency"
        ] * 3
        assert kind("116000", "FR") == "short"
        assert kind("112", NL, Site(country=NL, internal_min=2, internal_max=5)) == "emergency"

    def test_short_numbers_are_internal(self):
        assert kind("101") == kind("2001") == "internal"
        site = Site(country=NL, internal_max=3, extensions=frozenset({"700123"}))
        assert kind("101", site=site) == kind("700123", site=site) == "internal"


class TestSite:
    outside = Site(country=NL, outside_prefix="0")

    @pytest.mark.parametrize("dialled", [True, False])
    def test_prefix_for_an_outside_line(self, dialled):
        for text, wanted in (
            ("00201234567", AMSTERDAM),
            ("00612345678", MOBILE),
            ("000442071838750", "+442071838750"),
            ("0612345678", MOBILE),
        ):
            assert e164(text, NL, self.outside, dialled=dialled) == wanted, text

    def test_what_was_dialled_begins_with_the_prefix(self):
        nine = Site(country="US", outside_prefix="9")
        assert e164("919175551234", "US", nine, dialled=True) == "+19175551234"
        assert e164("919175551234", "US", nine) == "+919175551234", "a caller id from India"

    def test_country_of_the_site_serves_where_none_is_given(self):
        assert e164("020 123 4567", None, self.outside) == AMSTERDAM


class TestAnything:
    """Nothing raises, and nothing comes out that is no E.164."""

    @settings(max_examples=400)
    @given(
        st.one_of(
            st.text(),
            st.text(alphabet="+0123456789 ()-/;,.x#*extEXT=@<>\"'&|\n\u200f٣", max_size=60),
            st.binary(),
            st.none(),
            st.integers(),
            st.floats(),
        ),
        st.sampled_from([NL, "US", "IT", "ID", "", None, "XX", "💥"]),
        st.sampled_from([None, Site(), TestSite.outside, Site(country="US", outside_prefix="9", internal_max=6)]),
        st.booleans(),
    )
    def test_shape(self, text, country, site, dialled):
        found = parse(text, country, site, dialled)
        assert found and len(found) <= MAX_NUMBERS
        for number in found:
            assert isinstance(number, Number) and number.kind in KINDS
            assert (number.e164 is not None) == (number.kind == "number")
            if number.e164:
                assert number.e164[0] == "+" and number.e164[1:].isascii() and number.e164[1:].isdigit()
                assert len(number.e164) <= MAX_E164
                # what came out is what it is
                assert e164(number.e164, country) == number.e164

    def test_longer_than_any_network_takes(self):
        assert e164("4950200000000000.0", "NL") is None

    @given(st.sampled_from(EXAMPLES), st.text(alphabet="abcdefghijklmnopqrstuvwyz", min_size=1, max_size=12))
    def test_letters_behind_a_number_make_it_none(self, pair, word):
        country, example = pair
        text = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        assert e164(text + word, country) is None


@pytest.mark.parametrize(
    ("number", "text", "country"),
    [
        ("+31201000101", "+31 20 100 0101", "NL"),
        ("+442079460142", "+44 20 7946 0142", "GB"),
        ("+12025550199", "+1 202-555-0199", "US"),
        ("+80012345678", "+800 1234 5678", ""),
        ("+999123", "+999123", ""),
        ("101", "101", ""),
        ("", "", ""),
        (None, "", ""),
        (False, "", ""),
    ],
)
def test_a_number_as_people_read_it(number, text, country):
    assert shown(number) == (text, country)
