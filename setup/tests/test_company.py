"""The invented company is one and the same in the PBX, in Odoo's demo data and in the scenarios."""

import xml.etree.ElementTree as ElementTree

import phonenumbers
import pytest
from kit import company, pbx_config
from kit.places import MAIN_ADDON, TOP

DEMO = TOP / MAIN_ADDON / "demo"


def records(model):
    """{xml id: {field: text or ref}} of all demo records of a model."""
    found = {}
    for path in DEMO.glob("*.xml"):
        for record in ElementTree.parse(path).iter("record"):
            if record.get("model") == model:
                fields = {field.get("name"): field for field in record.iter("field")}
                found[record.get("id")] = {
                    name: field.get("ref") or field.get("eval") or field.text for name, field in fields.items()
                }
    return found


@pytest.mark.parametrize("one", company.CUSTOMERS, ids=lambda one: one.key)
def test_customer_is_in_the_demo_data_as_typed_here(one):
    record = records("res.partner")[f"demo_customer_{one.key}"]
    assert (record["name"], record["phone"]) == (one.name, one.phone)
    country = {"GB": "uk"}.get(one.country, one.country.lower())
    assert record["country_id"] == f"base.{country}"
    assert record.get("parent_id") == (one.company and f"demo_customer_{one.company}")


@pytest.mark.parametrize("one", company.OPPORTUNITIES, ids=lambda one: one.key)
def test_opportunity_is_in_the_demo_data(one):
    record = records("crm.lead")[f"demo_opportunity_{one.key}"]
    assert record["name"] == one.name
    assert record["user_id"] == f"demo_person_{one.person}"
    assert record.get("partner_id") == (one.customer and f"demo_customer_{one.customer}")
    assert record.get("phone") == one.phone


@pytest.mark.parametrize("one", company.PHONES, ids=lambda one: one.number)
def test_telephone_is_in_the_demo_data(one):
    record = next(item for item in records("crm.voip.extension").values() if item["number"] == one.number)
    assert (record.get("recorded") == "True") == one.recorded
    if one.user:
        assert record["user_id"] == f"demo_person_{one.key}"
        assert records("res.users")[f"demo_person_{one.key}"]["name"] == one.name
    else:
        assert record["name"] == one.name


def test_lines_and_never_log_numbers_are_in_the_demo_data():
    assert {item["number"] for item in records("crm.voip.line").values()} == set(company.TRUNK_NUMBERS)
    assert company.NEVER_LOG in {item["number"].replace(" ", "") for item in records("crm.voip.never").values()}


@pytest.mark.parametrize(
    "one", [*company.CUSTOMERS, *(o for o in company.OPPORTUNITIES if o.phone)], ids=lambda o: o.key
)
def test_numbers_are_valid_and_mean_what_was_typed(one):
    def e164(text, country):
        number = phonenumbers.parse(text, country)
        assert phonenumbers.is_valid_number(number), text
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    typed = [e164(part, one.country) for part in one.phone.split(" / ")]
    assert tuple(typed) == one.e164
    assert e164(one.sip, company.COUNTRY) == one.e164[0]
    assert {phonenumbers.region_code_for_number(phonenumbers.parse(number)) for number in one.e164} == {one.country}


def test_numbers_of_ours_are_valid():
    for number in (*company.TRUNK_NUMBERS, company.NEVER_LOG, company.STRANGER, company.COUNCIL_CALLER):
        assert phonenumbers.is_valid_number(phonenumbers.parse(number)), number


def test_pbx_knows_every_telephone_and_number(tmp_path):
    pbx_config.write(tmp_path, "/modules", ami_secret="a", driver_secret="b", sip_password="c")
    text = {path.name: path.read_text() for path in (tmp_path / "etc").iterdir()}
    for phone in company.PHONES:
        assert f"[{phone.number}](phone)" in text["pjsip.conf"]
    for number in company.TRUNK_NUMBERS:
        assert f"exten => {number},1," in text["extensions.conf"]
    assert "timestampevents = yes" in text["manager.conf"]
    # Passwords are for nobody else to read.
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "etc").iterdir()} == {0}
